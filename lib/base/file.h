/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.h - input files as spans, and output files that appear whole or not
 * at all. */

#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "bytes.h"
#include "diag.h"

#include <sys/types.h>

/* An input file.  DATA is a private read-only mapping; FD stays open so that
   large unchanged parts can be read without touching the mapping. */
struct file {
    const char *path;
    struct span data;
    int fd;
};

/* Map PATH, which must stay valid.  On failure FILE is all zero, and the
   reason is in D. */
bool file_open(struct diag *d, const char *path, struct file *file);
void file_close(struct file *file);
/* FILE is what PATH names, by whatever way; false if there is no such file. */
bool file_is(const struct file *file, const char *path);

/* Read N bytes at OFFSET of FILE, past its mapping; false if they are not all
   there.  May be called from several threads. */
bool file_read(const struct file *file, uint64_t offset, void *to, uint64_t n);

/* A file under construction, beside the name that it will have. */
struct output {
    const char *path;
    char *temp;   /* the name it gets before the final one; NULL for a device */
    bool unnamed; /* it does not have that name yet */
    int fd;
};

/* Begin PATH, of SIZE bytes when it is known (0 if not).  Space is allocated
   at once where the file system can, so that a full disk shows here. */
bool output_begin(struct diag *d, const char *path, uint64_t size, struct output *out);
/* Room for SIZE bytes in all, for a file that was begun with less. */
bool output_room(struct diag *d, const struct output *out, uint64_t size);
/* Write all N bytes at OFF; may be called from several threads. */
bool output_write(const struct output *out, const void *p, uint64_t n, uint64_t off);
/* Read back N bytes at OFF, all of them; not of a device. */
bool output_read(const struct output *out, void *p, uint64_t n, uint64_t off);
/* Give the file its MODE (less the umask) and its name.  Whatever had the
   name before keeps its inode for those who have it open. */
bool output_commit(struct diag *d, struct output *out, mode_t mode);
/* Throw away what was not committed.  Safe to call always. */
void output_abandon(struct output *out);

#endif
