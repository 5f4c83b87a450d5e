/* SPDX-License-Identifier: MIT */
/* map_posix.c - files and memory of POSIX systems (map.h). */

#include "runtime/map.h"
#include "sysimage/format.h"

#if !defined _WIN32

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
bool map_create(const char *path, int *fd)
{
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
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

void map_remove(const char *path) { unlink(path); }

long map_process(void) { return (long)getpid(); }

/* ---- memory ---- */

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
