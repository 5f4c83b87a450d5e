/* SPDX-License-Identifier: MIT */
/* map_posix.c - files and memory of POSIX systems (map.h). */

#include "runtime/map.h"
#include "sysimage/format.h"

#if !defined _WIN32

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#if defined __APPLE__
#include <crt_externs.h>
#endif
#if defined __linux__
#include <sys/auxv.h>
#endif

/* Systems without it may put the mapping elsewhere: that is checked. */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0
#endif

/* ---- files ---- */

/* Of a pipe it says what it is, instead of waiting for somebody to write. */
bool map_open(const char *path, int *fd)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return *fd >= 0;
}

void map_close(int fd) { close(fd); }

char *map_real_path(const char *path) { return realpath(path, NULL); }

/* O_EXCL, not mkstemp(): it gets the rights that any new file gets. */
bool map_create(const char *path, bool secret, int *fd)
{
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0666);
    return *fd >= 0;
}

bool map_write(int fd, uint64_t offset, const void *from, uint64_t size)
{
    const uint8_t *at = from;

    while (size > 0) {
        ssize_t done = pwrite(fd, at, size, (off_t)offset);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            errno = done ? errno : EIO;
            return false;
        }
        at += done;
        size -= (uint64_t)done;
        offset += (uint64_t)done;
    }
    return true;
}

bool map_finish(int fd) { return close(fd) == 0; }

bool map_replace(const char *from, const char *to) { return rename(from, to) == 0; }

void map_tidy(const char *path) { (void)path; } /* it has nothing to leave */

const char *map_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

void map_remove(const char *path) { unlink(path); }

long map_process(void) { return (long)getpid(); }

bool map_nameless(int *fd)
{
#ifdef MFD_CLOEXEC
    *fd = memfd_create("sysimage", MFD_CLOEXEC);
    return *fd >= 0;
#else
    char path[] = "/tmp/sysimage-XXXXXX";

    *fd = mkstemp(path);
    return *fd >= 0 && fcntl(*fd, F_SETFD, FD_CLOEXEC) == 0 && unlink(path) == 0;
#endif
}

bool map_set_size(int fd, uint64_t size) { return ftruncate(fd, (off_t)size) == 0; }

static void only_limit(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGXFSZ);
}

/* The signal goes to the thread that writes, and waits while that does not take it. */
bool map_limit_on(void)
{
    sigset_t set, old;

    only_limit(&set);
    return pthread_sigmask(SIG_BLOCK, &set, &old) == 0 && !sigismember(&old, SIGXFSZ);
}

void map_limit_off(bool on)
{
    sigset_t set, waiting;
    int signal = 0, error = errno;

    if (!on)
        return;
    only_limit(&set);
    if (sigpending(&waiting) == 0 && sigismember(&waiting, SIGXFSZ))
        sigwait(&set, &signal);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    errno = error;
}

/* A descriptor that cannot be synchronised (a memory file's) has nothing to lose. */
bool map_sync(int fd) { return fsync(fd) == 0 || errno == EINVAL || errno == EROFS; }

bool map_sync_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && map_sync(fd);

    free(folder);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Is FD still what has the name PATH?  Whoever had the lock before took the name away. */
static bool has_name(int fd, const char *path)
{
    struct stat own, named;

    return fstat(fd, &own) == 0 && lstat(path, &named) == 0 && own.st_ino == named.st_ino &&
           own.st_dev == named.st_dev;
}

bool map_lock(const char *path, uint32_t timeout, int *fd)
{
    for (uint32_t waited = 0;; waited += 5) {
        struct timespec pause = {.tv_nsec = 5000000};
        int error = 0;

        *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (*fd < 0)
            return false;
        if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
            if (has_name(*fd, path))
                return true;
            errno = EINTR; /* at once again */
        }
        error = errno;
        close(*fd);
        *fd = -1;
        if ((error != EWOULDBLOCK && error != EINTR) || (error != EINTR && waited >= timeout)) {
            errno = error == EWOULDBLOCK ? EAGAIN : error;
            return false;
        }
        if (error != EINTR)
            nanosleep(&pause, NULL);
    }
}

void map_unlock(const char *path, int fd)
{
    unlink(path);
    close(fd);
}

bool map_is_trusted(int fd, const char **why)
{
    struct stat st;

    *why = NULL;
    if (fstat(fd, &st) != 0)
        *why = "it cannot be looked at";
    else if (st.st_uid != geteuid() && st.st_uid != 0)
        *why = "it belongs to another user";
    else if (st.st_mode & (S_IWGRP | S_IWOTH))
        *why = "others than its owner may write to it";
    return !*why;
}

void map_touch(int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && (time(NULL) - st.st_mtime > 3600 || st.st_mtime > time(NULL)))
        futimens(fd, NULL);
}

/* Libraries of macOS cannot see the variable. */
#if defined __APPLE__
char **map_environment(void) { return *_NSGetEnviron(); }
#else
extern char **environ;
char **map_environment(void) { return environ; }
#endif

const char *map_variable(const char *name)
{
#if defined __linux__
    return getauxval(AT_SECURE) ? NULL : getenv(name);
#else
    return issetugid() ? NULL : getenv(name);
#endif
}

bool map_is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool map_make_directory(const char *path) { return mkdir(path, 0700) == 0 || errno == EEXIST; }

bool map_list(const char *path, void (*each)(void *arg, const struct map_entry *e), void *arg)
{
    DIR *dir = opendir(path);

    if (!dir)
        return false;
    for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
        struct stat st;

        if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            each(arg, &(struct map_entry){d->d_name, (uint64_t)st.st_size, st.st_mtime});
    }
    closedir(dir);
    return true;
}

uint64_t map_microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int64_t map_seconds(void) { return (int64_t)time(NULL); }

void map_say(const char *text, size_t size)
{
    ssize_t done = 0;

    while (size > 0 && ((done = write(2, text, size)) > 0 || (done < 0 && errno == EINTR))) {
        text += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
}

/* ---- memory ---- */

/* Linux says it as text: "from-to rw-p ...". */
struct map_range *map_ranges(size_t *count)
{
    FILE *f = fopen("/proc/self/maps", "re");
    struct map_range *all = NULL;
    size_t room = 0;
    char line[512];

    *count = 0;
    while (f && fgets(line, sizeof line, f)) {
        unsigned long long from = 0, to = 0;
        char write = 0;

        if (sscanf(line, "%llx-%llx %*c%c", &from, &to, &write) != 3 || write != 'w')
            continue;
        if (*count == room) {
            struct map_range *more = realloc(all, (room = 2 * room + 64) * sizeof *all);

            if (!more)
                break;
            all = more;
        }
        all[(*count)++] = (struct map_range){(uintptr_t)from, (uintptr_t)to};
    }
    if (f)
        fclose(f);
    return all;
}

static uint64_t page_size(void) { return (uint64_t)sysconf(_SC_PAGESIZE); }

static uint64_t whole_pages(uint64_t size)
{
    uint64_t page = page_size();

    return (size + page - 1) & ~(page - 1);
}

bool map_file_size(int fd, uint64_t *size)
{
    struct stat st;

    *size = 0;
    if (fstat(fd, &st) != 0)
        return false;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return false;
    }
    *size = (uint64_t)st.st_size;
    return true;
}

bool map_file_id(int fd, uint64_t id[2])
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return false;
    id[0] = (uint64_t)st.st_ino;
    id[1] = (uint64_t)st.st_dev;
    return true;
}

bool map_read(int fd, uint64_t offset, void *to, uint64_t size)
{
    uint8_t *at = to;

    while (size > 0) {
        ssize_t got = pread(fd, at, size, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got == 0 ? 0 : errno;
            return false;
        }
        at += got;
        offset += (uint64_t)got;
        size -= (uint64_t)got;
    }
    return true;
}

bool map_reserve(uint64_t base, uint64_t size, bool exact, uint8_t **out)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    uint64_t room = 0, skip = 0;
    uint8_t *got = NULL;

    *out = NULL;
    size = whole_pages(size);
    if (base) {
        got = mmap((void *)(uintptr_t)base, size, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0);
        if (got == (uint8_t *)(uintptr_t)base) {
            *out = got;
            return true;
        }
        if (got != MAP_FAILED)
            munmap(got, size);
        else if (exact && errno == ENOMEM) /* a limit: any address would do as little */
            return false;
    }
    if (exact) {
        errno = EEXIST;
        return false;
    }
    room = size + HUGE_PAGE;
    if (room < size || (got = mmap(NULL, room, PROT_NONE, flags, -1, 0)) == MAP_FAILED) {
        errno = ENOMEM;
        return false;
    }
    skip = -(uint64_t)(uintptr_t)got & (HUGE_PAGE - 1);
    if (skip)
        munmap(got, skip);
    if (room - skip > size)
        munmap(got + skip + size, room - skip - size);
    *out = got + skip;
    return true;
}

/* Only makes it faster: fresh pages, and the reading of a file's. */
static void use_huge_pages(uint8_t *at, uint64_t size)
{
#ifdef MADV_HUGEPAGE
    if (size >= HUGE_PAGE)
        madvise(at, whole_pages(size), MADV_HUGEPAGE);
#else
    (void)at, (void)size;
#endif
}

bool map_fresh(uint8_t *at, uint64_t size)
{
    if (mmap(at, whole_pages(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
             -1, 0) == MAP_FAILED)
        return false;
    use_huge_pages(at, size);
    return true;
}

bool map_file(uint8_t *at, uint64_t size, int fd, uint64_t offset, bool write)
{
    int prot = write ? PROT_READ | PROT_WRITE : PROT_READ;

    if (offset % page_size())
        return map_fresh(at, size) && map_read(fd, offset, at, size);
    if (mmap(at, whole_pages(size), prot, MAP_PRIVATE | MAP_FIXED, fd, (off_t)offset) == MAP_FAILED)
        return false;
    use_huge_pages(at, size);
    return true;
}

bool map_protect(uint8_t *at, uint64_t size, uint32_t prot)
{
    int rights = (prot & SIMG_PROT_R ? PROT_READ : 0) | (prot & SIMG_PROT_W ? PROT_WRITE : 0) |
                 (prot & SIMG_PROT_X ? PROT_EXEC : 0);

    return mprotect(at, whole_pages(size), rights) == 0;
}

void map_release(uint8_t *at, uint64_t size)
{
    if (at)
        munmap(at, whole_pages(size));
}

bool map_view(int fd, uint64_t offset, uint64_t size, struct map_view *out)
{
    uint64_t skip = offset % page_size();

    *out = (struct map_view){0};
    if (size == 0)
        return true;
    out->mapping = mmap(NULL, size + skip, PROT_READ, MAP_PRIVATE, fd, (off_t)(offset - skip));
    if (out->mapping == MAP_FAILED) {
        out->mapping = NULL;
        return false;
    }
    out->mapped = size + skip;
    out->at = (const uint8_t *)out->mapping + skip;
    return true;
}

void map_unview(struct map_view *view)
{
    if (view->mapping)
        munmap(view->mapping, view->mapped);
    *view = (struct map_view){0};
}

#endif
