/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image_parts.h - what the files of the reader of images share. */

#ifndef HEAP_IMAGE_PARTS_H
#define HEAP_IMAGE_PARTS_H

#include "heap/image.h"

/* Rows of the table of one kind, all heaps' together. */
struct image_rows {
    struct cursor c; /* at the next that is not read */
    uint64_t count, next;
};

struct image_reader {
    struct diag *d;
    struct arena *a;
    const struct heap_image_input *in;
    struct heap_image *out;
    struct cursor heaps;
    struct image_rows segments, roots, imports, import_slots, metas;
    struct span strings; /* begins and ends with a NUL */
    uint64_t stored;     /* bytes of segments that the file has to hold, so far */
};

/* The string at OFFSET; WHAT begins the message if there is none. */
bool image_string(struct image_reader *r, uint32_t offset, const char *what, const char **out);

/* image_rows.c: the rows of H, whose counts are known. */
bool image_read_segments(struct image_reader *r, struct image_heap *h);
bool image_read_imports(struct image_reader *r, struct image_heap *h);
bool image_read_import_slots(struct image_reader *r, struct image_heap *h);
bool image_read_roots(struct image_reader *r, struct image_heap *h);
bool image_read_metas(struct image_reader *r, struct image_heap *h);

#endif
