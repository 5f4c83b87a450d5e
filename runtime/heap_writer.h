/* SPDX-License-Identifier: MIT */
/* heap_writer.h - what the files of the container's writer share.
 *
 * Functions return false once w->error is filled in. */

#ifndef RUNTIME_HEAP_WRITER_H
#define RUNTIME_HEAP_WRITER_H

#include "runtime/error.h"
#include "sysimage/heap.h"

#include <stdbool.h>
#include <string.h>

/* ---- bytes that grow ---- */

struct grow {
    uint8_t *at;
    size_t size, cap;
};

/* N more bytes at the end of G, to be filled in; NULL without memory. */
uint8_t *grow_reserve(struct grow *g, size_t n);

static inline void put_uint(uint8_t *p, unsigned n, bool big, uint64_t v)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> 8 * (big ? n - 1 - i : i));
}

/* V as LEB128 at P, which has room for 10 bytes; how many it took. */
static inline unsigned put_leb128(uint8_t *p, uint64_t v)
{
    unsigned n = 0;

    for (; v >= 0x80; v >>= 7)
        p[n++] = (uint8_t)(v | 0x80);
    p[n++] = (uint8_t)v;
    return n;
}

/* ---- the writer ---- */

enum { HEAPW_BLOCK = SIMG_CHECK_BLOCK, HEAPW_SLOT = 8 };

struct heapw_segment {
    uint64_t addr, size;
    const uint8_t *live;
    uint32_t name;
    uint8_t kind, align_log2;

    uint64_t filled; /* bytes that have come */
    uint64_t done;   /* of these, bytes that have been written */

    uint8_t *bitmap;     /* NULL until there is an aligned slot */
    uint64_t aligned;    /* bits set */
    uint64_t listed_end; /* end of the last slot of simg_heap_slots() */
    struct grow odd;     /* uint64_t offsets of slots not 8-aligned that are not done */
    size_t odd_next;     /* the first of them that is not done, in bytes */
    struct grow odd_out; /* the odd stream so far */
    uint64_t odd_count, odd_last;
    struct grow imports; /* struct simg_heap_import_slot */
    size_t import_next;  /* the first that is not done, in bytes */
    uint64_t import_end;
    uint64_t loose_end; /* end of the last odd or import slot that is done */

    struct grow objects; /* the stream */
    uint64_t object_count, object_end;
};

struct heapw_part {
    uint32_t type, index, flags;
    uint64_t offset, stored, size, count, checksum;
};

struct heapw_live {
    const uint8_t *at;
    uint64_t size, addr;
};

struct heapw_file; /* heap_file.c */

struct simg_heap_writer {
    struct simg_error error;      /* the first failure */
    bool big, swap;               /* the file's byte order; SWAP: not this machine's */
    bool null_is_no_slot, closed; /* CLOSED: no more segments */
    unsigned address_bits;
    uint64_t mask; /* of a word's address */
    uint64_t span;

    struct grow segments; /* struct heapw_segment */
    struct grow live;     /* struct heapw_live, by place once CLOSED */
    uint32_t filling;     /* the segment that is being appended to; UINT32_MAX: none */
    uint8_t *block;       /* its bytes that have come but are not written */
    size_t block_size;

    struct grow strings;
    uint32_t *hash; /* offsets of strings + 1, by their hash */
    uint8_t *uses;  /* what each of them names */
    size_t hash_size, hash_used;
    struct grow imports, roots, types, metas; /* as they are in the file */
    uint32_t import_count, type_count;
    uint32_t identity[4];
    bool identified;

    struct heapw_file *file;
};

static inline struct heapw_segment *heapw_segments(const struct simg_heap_writer *w,
                                                   uint32_t *count)
{
    *count = (uint32_t)(w->segments.size / sizeof(struct heapw_segment));
    return (struct heapw_segment *)w->segments.at;
}

/* Copy what failed, if anything, to the caller's ERROR. */
enum simg_status heapw_return(const struct simg_heap_writer *w, struct simg_error *error);

/* Each fills in w->error and returns false. */
bool heapw_argument(struct simg_heap_writer *w, uint64_t offset, const char *fmt, ...)
    PRINTF_FORMAT(3, 4);
bool heapw_memory(struct simg_heap_writer *w);

/* Segment INDEX, or NULL and w->error. */
struct heapw_segment *heapw_segment(struct simg_heap_writer *w, uint32_t index);

/* ---- heap_file.c ---- */

bool heapw_file_create(struct simg_heap_writer *w, const char *path, int compression);
/* One part after another: begin, put as often as need be, end. */
bool heapw_part_begin(struct simg_heap_writer *w, enum simg_part type, uint32_t index,
                      uint64_t count, bool may_compress);
bool heapw_part_put(struct simg_heap_writer *w, const void *p, size_t n);
bool heapw_part_end(struct simg_heap_writer *w);
/* Write the table and the header, and rename. */
bool heapw_file_finish(struct simg_heap_writer *w);
/* Remove what was not finished. */
void heapw_file_free(struct simg_heap_writer *w);

/* ---- heap_slots.c ---- */

/* The next N bytes of S, at P, are complete, and of what follows at least as
   much as sticks out of their last slot: relocate them. */
bool heapw_do_slots(struct simg_heap_writer *w, struct heapw_segment *s, uint8_t *p, size_t n);
bool heapw_write_slots(struct simg_heap_writer *w, uint32_t index);
bool heapw_write_import_slots(struct simg_heap_writer *w);
void heapw_sort_live(struct simg_heap_writer *w);

/* ---- heap_tables.c ---- */

/* The offset of S, which is added if it is new; NULL is "". */
bool heapw_string(struct simg_heap_writer *w, const char *s, uint32_t *offset);
bool heapw_write_tables(struct simg_heap_writer *w);

#endif
