/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_file.h - make a small heap container, sound or with anything changed.
 *
 * Written from docs/heap-format.md; it shares no code with the writer. */

#ifndef SUPPORT_HEAP_FILE_H
#define SUPPORT_HEAP_FILE_H

#include "base/buf.h"

struct heap_file_part {
    uint32_t type, index, flags;
    uint64_t count, size, offset;
    struct buf bytes; /* as stored */
};

struct heap_file {
    struct buf out; /* the whole file */
    bool big;
    uint64_t table;
    struct heap_file_part part[24];
    unsigned count;
};

/* A container with all that one can hold (heap_file.c says what).  With ZSTD,
   the data and slots of its segments are compressed.  End it with
   heap_file_free(). */
void heap_file_make(struct heap_file *f, bool big, bool zstd);
void heap_file_free(struct heap_file *f);

/* Where in OUT the part's entry in the table and its bytes are. */
uint64_t heap_file_entry(const struct heap_file *f, uint32_t type, uint32_t index);
uint64_t heap_file_bytes(const struct heap_file *f, uint32_t type, uint32_t index);

/* Make all checksums of OUT right again, as far as what they are of is inside
   of it. */
void heap_file_seal(struct heap_file *f);

#endif
