/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.c - map inputs; write outputs to a temporary and rename. */

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_open(struct diag *d, const char *path, struct file *file)
{
    struct stat st;
    void *p = NULL;

    *file = (struct file){.path = path, .fd = -1};
    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &st) != 0) {
        diag_fail(d, E_SYSTEM, "%s: cannot open: %s", path, strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        diag_fail(d, E_SYSTEM, "%s: is a directory", path);
    } else if (!S_ISREG(st.st_mode)) {
        diag_fail(d, E_SYSTEM, "%s: is not a regular file", path);
    } else if (st.st_size == 0) {
        return true;
    } else {
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, file->fd, 0);
        if (p != MAP_FAILED) {
            file->data = (struct span){p, (uint64_t)st.st_size};
            return true;
        }
        diag_fail(d, E_SYSTEM, "%s: cannot map: %s", path, strerror(errno));
    }
    if (file->fd >= 0)
        close(file->fd);
    *file = (struct file){.fd = -1};
    return false;
}

void file_close(struct file *file)
{
    if (file->data.at)
        munmap((void *)(uintptr_t)file->data.at, file->data.size);
    if (file->fd >= 0)
        close(file->fd);
    *file = (struct file){.fd = -1};
}

bool file_is(const struct file *file, const char *path)
{
    struct stat a, b;

    return file->fd >= 0 && fstat(file->fd, &a) == 0 && stat(path, &b) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Read all N bytes at OFFSET. */
static bool read_all(int fd, uint64_t offset, uint8_t *to, uint64_t n)
{
    while (n > 0) {
        ssize_t done = pread(fd, to, n, (off_t)offset);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        to += done;
        offset += (uint64_t)done;
        n -= (uint64_t)done;
    }
    return true;
}

bool file_read(const struct file *file, uint64_t offset, void *to, uint64_t n)
{
    return read_all(file->fd, offset, to, n);
}

/* An unnamed file in the directory of PATH: it vanishes by itself if the
   process is killed.  -1 where the file system has no such thing. */
static int open_unnamed(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = dir ? open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;

    free(dir);
    return fd;
}

/* Room for SIZE bytes, now; the errno, or 0. */
static int make_room(int fd, uint64_t size)
{
    int err = 0;

    do
        err = fallocate(fd, 0, 0, (off_t)size) ? errno : 0;
    while (err == EINTR);
    /* Not every file system can; those find a full disk when writing. */
    if (err == EOPNOTSUPP || err == ENOSYS)
        err = ftruncate(fd, (off_t)size) ? errno : 0;
    return err;
}

bool output_begin(struct diag *d, const char *path, uint64_t size, struct output *out)
{
    size_t len = strlen(path);
    struct stat st;
    int err = 0;

    *out = (struct output){.path = path, .fd = -1};
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        /* A device such as /dev/null is written, never replaced. */
        out->fd = S_ISDIR(st.st_mode) ? -1 : open(path, O_WRONLY | O_CLOEXEC);
        if (out->fd < 0)
            return diag_fail(d, E_SYSTEM, "%s: cannot write: %s", path,
                             S_ISDIR(st.st_mode) ? "is a directory" : strerror(errno));
        return true;
    }
    if (!(out->temp = malloc(len + 12)))
        return diag_nomem(d);
    snprintf(out->temp, len + 12, "%s.tmpXXXXXX", path);
    out->fd = open_unnamed(path);
    out->unnamed = out->fd >= 0;
    if (!out->unnamed)
        out->fd = mkostemp(out->temp, O_CLOEXEC);
    if (out->fd < 0) {
        diag_fail(d, E_SYSTEM, "%s: cannot create: %s", path, strerror(errno));
        free(out->temp);
        out->temp = NULL;
        return false;
    }
    if (size > 0 && (err = make_room(out->fd, size)) != 0) {
        diag_fail(d, E_SYSTEM, "%s: cannot make room for %llu bytes: %s", path,
                  (unsigned long long)size, strerror(err));
        output_abandon(out);
        return false;
    }
    return true;
}

bool output_room(struct diag *d, const struct output *out, uint64_t size)
{
    int err = out->temp ? make_room(out->fd, size) : 0;

    return !err || diag_fail(d, E_SYSTEM, "%s: cannot make room for %llu bytes: %s", out->path,
                             (unsigned long long)size, strerror(err));
}

bool output_write(const struct output *out, const void *p, uint64_t n, uint64_t off)
{
    const uint8_t *at = p;

    while (n > 0) {
        ssize_t done = pwrite(out->fd, at, n, (off_t)off);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        off += (uint64_t)done;
        n -= (uint64_t)done;
    }
    return true;
}

bool output_read(const struct output *out, void *p, uint64_t n, uint64_t off)
{
    return read_all(out->fd, off, p, n);
}

/* Give the unnamed file the temporary name, from where it can be renamed
   over an old file (linkat() alone cannot replace one). */
static bool give_name(struct output *out)
{
    char self[64];
    size_t len = strlen(out->temp);

    snprintf(self, sizeof self, "/proc/self/fd/%d", out->fd);
    for (unsigned try = 0; try < 1000; try++) {
        snprintf(out->temp + len - 6, 7, "%03u%03u", (unsigned)getpid() % 1000, try);
        if (linkat(AT_FDCWD, self, AT_FDCWD, out->temp, AT_SYMLINK_FOLLOW) == 0) {
            out->unnamed = false;
            return true;
        }
        if (errno != EEXIST)
            return false;
    }
    return false;
}

bool output_commit(struct diag *d, struct output *out, mode_t mode)
{
    mode_t mask = umask(0);
    bool ok = true;
    int fd = out->fd;

    umask(mask);
    if (out->temp) {
        ok = fchmod(fd, mode & ~mask) == 0;
        ok = ok && (!out->unnamed || give_name(out));
    }
    out->fd = -1;
    ok = close(fd) == 0 && ok;
    ok = ok && (!out->temp || rename(out->temp, out->path) == 0);
    if (!ok) {
        diag_fail(d, E_SYSTEM, "%s: cannot write: %s", out->path, strerror(errno));
        output_abandon(out);
        return false;
    }
    free(out->temp);
    *out = (struct output){.fd = -1};
    return true;
}

void output_abandon(struct output *out)
{
    if (out->fd >= 0)
        close(out->fd);
    if (out->temp) {
        if (!out->unnamed)
            unlink(out->temp);
        free(out->temp);
    }
    *out = (struct output){.fd = -1};
}
