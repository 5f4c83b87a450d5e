/* SPDX-License-Identifier: GPL-3.0-or-later */
/* macos.h - what libsysimage uses of macOS, where there is no SDK: declared
 * once here for all headers that it includes (tests/e2e/macho-runtime.sh).
 * Constants and layouts are those of Apple's public headers. */

#ifndef SUPPORT_MACOS_H
#define SUPPORT_MACOS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the C library ---- */

typedef struct sFILE FILE;
int snprintf(char *to, size_t size, const char *format, ...);
int sprintf(char *to, const char *format, ...);
int vsnprintf(char *to, size_t size, const char *format, va_list args);
int rename(const char *from, const char *to);
FILE *fopen(const char *path, const char *mode);
int fclose(FILE *file);
char *fgets(char *to, int size, FILE *file);
int sscanf(const char *from, const char *format, ...);

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *at, size_t size);
void free(void *at);
void qsort(void *at, size_t count, size_t size, int (*order)(const void *, const void *));
char *realpath(const char *path, char *to);
char *getenv(const char *name);
int issetugid(void);
char ***_NSGetEnviron(void);
unsigned long strtoul(const char *from, char **end, int base);
unsigned long long strtoull(const char *from, char **end, int base);
int mkstemp(char *path);
int toupper(int c);

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int c, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
char *strdup(const char *s);
char *strndup(const char *s, size_t size);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strpbrk(const char *s, const char *any);
char *strstr(const char *s, const char *what);
char *strcat(char *to, const char *from);
char *strcpy(char *to, const char *from);
size_t strspn(const char *s, const char *any);
size_t strcspn(const char *s, const char *any);
void *memchr(const void *at, int c, size_t size);
char *strerror(int error);

int *__error(void);
#define errno (*__error())
enum {
    ENOENT = 2,
    EINTR = 4,
    EIO = 5,
    ENOMEM = 12,
    EEXIST = 17,
    EINVAL = 22,
    EROFS = 30,
    EAGAIN = 35,
    EWOULDBLOCK = EAGAIN
};

#define PRIx64 "llx"
#define PRIu64 "llu"
#define PRIu32 "u"

/* ---- files and memory ---- */

typedef int64_t off_t;
typedef long ssize_t;
typedef int pid_t;
enum {
    O_RDONLY = 0,
    O_WRONLY = 1,
    O_RDWR = 2,
    O_NONBLOCK = 4,
    O_CREAT = 0x200,
    O_TRUNC = 0x400,
    O_EXCL = 0x800,
    O_NOFOLLOW = 0x100,
    O_DIRECTORY = 0x100000,
    O_CLOEXEC = 0x1000000,
    F_SETFD = 2,
    FD_CLOEXEC = 1,
    LOCK_EX = 2,
    LOCK_NB = 4,
    S_IWGRP = 020,
    S_IWOTH = 02,
    AT_SYMLINK_NOFOLLOW = 0x20,
    CLOCK_MONOTONIC = 6,
    F_GETPATH = 50,
    _SC_PAGESIZE = 29,
    PROT_NONE = 0,
    PROT_READ = 1,
    PROT_WRITE = 2,
    PROT_EXEC = 4,
    MAP_PRIVATE = 2,
    MAP_FIXED = 0x10,
    MAP_NORESERVE = 0x40,
    MAP_ANONYMOUS = 0x1000,
};
#define MAP_FAILED ((void *)-1)
#define S_ISREG(mode) (((mode) & 0170000) == 0100000)
#define S_ISDIR(mode) (((mode) & 0170000) == 0040000)
int open(const char *path, int flags, ...);
int close(int fd);
int fcntl(int fd, int what, ...);
int unlink(const char *path);
pid_t getpid(void);
long sysconf(int name);
ssize_t pread(int fd, void *to, size_t size, off_t offset);
ssize_t pwrite(int fd, const void *from, size_t size, off_t offset);
void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int munmap(void *at, size_t size);
int mprotect(void *at, size_t size, int prot);

struct timespec {
    long tv_sec, tv_nsec;
};
struct stat { /* with 64-bit inodes */
    int32_t st_dev;
    uint16_t st_mode, st_nlink;
    uint64_t st_ino;
    uint32_t st_uid, st_gid;
    int32_t st_rdev;
    struct timespec st_atimespec, st_mtimespec, st_ctimespec, st_birthtimespec;
    off_t st_size, st_blocks;
    int32_t st_blksize;
    uint32_t st_flags, st_gen;
    int32_t st_lspare;
    int64_t st_qspare[2];
};
#define st_mtime st_mtimespec.tv_sec
typedef uint16_t mode_t;
typedef long time_t;
typedef struct dir DIR;
struct dirent { /* with 64-bit inodes */
    uint64_t d_ino, d_seekoff;
    uint16_t d_reclen, d_namlen;
    uint8_t d_type;
    char d_name[1024];
};
int fstat(int fd, struct stat *out);
int stat(const char *path, struct stat *out);
int lstat(const char *path, struct stat *out);
int fstatat(int folder, const char *path, struct stat *out, int flags);
int futimens(int fd, const struct timespec *times);
int mkdir(const char *path, mode_t mode);
int ftruncate(int fd, off_t size);
int fsync(int fd);
int flock(int fd, int how);
ssize_t write(int fd, const void *from, size_t size);
uint32_t geteuid(void);
DIR *opendir(const char *path);
struct dirent *readdir(DIR *dir);
int dirfd(DIR *dir);
int closedir(DIR *dir);
int clock_gettime(int which, struct timespec *out);
int nanosleep(const struct timespec *time, struct timespec *left);
time_t time(time_t *out);

/* ---- dyld ---- */

typedef struct {
    const char *dli_fname;
    void *dli_fbase;
    const char *dli_sname;
    void *dli_saddr;
} Dl_info;
enum { RTLD_LAZY = 1, RTLD_NOW = 2, RTLD_LOCAL = 4, RTLD_GLOBAL = 8, RTLD_NOLOAD = 0x10 };
#define RTLD_DEFAULT ((void *)-2)
void *dlopen(const char *path, int mode);
int dlclose(void *handle);
char *dlerror(void);
void *dlsym(void *handle, const char *name);
int dladdr(const void *address, Dl_info *out);

/* ---- signals ---- */

typedef uint32_t sigset_t;
enum { SIG_BLOCK = 1, SIG_UNBLOCK = 2, SIGXFSZ = 25 };
int sigemptyset(sigset_t *set);
int sigaddset(sigset_t *set, int signal);
int sigismember(const sigset_t *set, int signal);
int sigpending(sigset_t *set);
int sigwait(const sigset_t *set, int *signal);
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old);

#endif

/* mach-o/dyld.h and mach-o/loader.h */
#if defined MACOS_DYLD && !defined SUPPORT_MACOS_DYLD
#define SUPPORT_MACOS_DYLD

enum { LC_SEGMENT_64 = 0x19, LC_UUID = 0x1b };
struct mach_header {
    uint32_t magic;
    int32_t cputype, cpusubtype;
    uint32_t filetype, ncmds, sizeofcmds, flags;
};
struct mach_header_64 {
    uint32_t magic;
    int32_t cputype, cpusubtype;
    uint32_t filetype, ncmds, sizeofcmds, flags, reserved;
};
struct load_command {
    uint32_t cmd, cmdsize;
};
struct segment_command_64 {
    uint32_t cmd, cmdsize;
    char segname[16];
    uint64_t vmaddr, vmsize, fileoff, filesize;
    int32_t maxprot, initprot;
    uint32_t nsects, flags;
};
struct section_64 {
    char sectname[16], segname[16];
    uint64_t addr, size;
    uint32_t offset, align, reloff, nreloc, flags, reserved1, reserved2, reserved3;
};
uint32_t _dyld_image_count(void);
const struct mach_header *_dyld_get_image_header(uint32_t index);
const char *_dyld_get_image_name(uint32_t index);
intptr_t _dyld_get_image_vmaddr_slide(uint32_t index);

#endif
