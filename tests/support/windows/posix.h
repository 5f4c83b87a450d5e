/* SPDX-License-Identifier: GPL-3.0-or-later */
/* posix.h - what the unit tests of the loader use of POSIX and MinGW does not have.
 * It is included before everything; the headers that it stands in for are empty. */

#ifndef SUPPORT_WINDOWS_POSIX_H
#define SUPPORT_WINDOWS_POSIX_H

#include <io.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

char *mkdtemp(char *template);
int setenv(const char *name, const char *value, int replace);
int unsetenv(const char *name);
void *memmem(const void *in, size_t size, const void *what, size_t length);
ssize_t pread(int fd, void *to, size_t size, off_t at);
ssize_t pwrite(int fd, const void *from, size_t size, off_t at);

/* <endian.h> */
#define le16toh(N) (N)
#define le32toh(N) (N)
#define le64toh(N) (N)
#define be16toh(N) __builtin_bswap16(N)
#define be32toh(N) __builtin_bswap32(N)
#define be64toh(N) __builtin_bswap64(N)
#define htole16 le16toh
#define htole32 le32toh
#define htole64 le64toh
#define htobe16 be16toh
#define htobe32 be32toh
#define htobe64 be64toh

/* <sys/mman.h> */
enum { MFD_CLOEXEC = 1, PROT_READ = 1, MAP_PRIVATE = 2, MAP_FIXED = 16, MAP_ANONYMOUS = 32 };
int memfd_create(const char *name, unsigned flags); /* a temporary file */
void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset); /* fresh memory only */
int munmap(void *at, size_t size);

/* <dlfcn.h> */
#define RTLD_DEFAULT NULL
void *dlsym(void *handle, const char *name);

/* <sys/file.h>: FD as nobody else may open it. */
enum { LOCK_EX = 2 };
int flock(int fd, int how);

#endif
