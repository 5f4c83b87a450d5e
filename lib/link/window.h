/* SPDX-License-Identifier: GPL-3.0-or-later */
/* window.h - the file, window by window: who knows what is where in it lists
 * that, and window.c gathers, relocates and writes it on all processors. */

#ifndef LINK_WINDOW_H
#define LINK_WINDOW_H

#include "link/link.h"

/* A run of the file: a section, or bytes ready-made. */
enum { MARKED = 4 }; /* bytes of the file that share a bit of a window's marks */
struct extent {
    uint64_t offset, size;
    struct lsec *sec;
    const uint8_t *bytes;
};
struct writer {
    struct link *l;
    struct extent *extents; /* by offset, without overlaps */
    uint64_t count, cap;
    uint64_t size;            /* of what is written: to the end of the file, or less */
    uint64_t window, windows; /* their size, and how many there are */
    uint8_t **buffers;        /* one window and its margins for each worker, */
    uint8_t **marks;          /* and their marks */
    uint64_t *hashes;         /* of each window, if they are wanted */
    struct complaints *complaints;
    atomic_bool failed;
    atomic_int os_error;
    atomic_uint_fast64_t done; /* windows written */
};
/* Make room for each section of the image and OTHERS extents more. */
bool writer_begin(struct writer *w, uint64_t others);
bool writer_add(struct writer *w, uint64_t offset, uint64_t size, struct lsec *sec,
                const uint8_t *bytes);
/* Write all windows, of the size that W says, to l->output, which is begun. */
bool writer_run(struct writer *w);

#endif
