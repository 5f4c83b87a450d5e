/* SPDX-License-Identifier: GPL-3.0-or-later */
/* buf.h - output that grows in memory: tables, notes, dynamic sections.
 *
 * A failed allocation marks the buffer bad; later writes do nothing, and the
 * owner asks once, at the end. */

#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "bytes.h"

#include <stddef.h>

struct buf {
    uint8_t *at;
    uint64_t size, cap;
    bool big; /* multi-byte values are written big-endian */
    bool bad; /* memory ran out */
};

/* N zeroed bytes at the end, to be filled in; NULL without memory.  The
   pointer holds until the next call that grows the buffer. */
uint8_t *buf_reserve(struct buf *b, uint64_t n);

void buf_bytes(struct buf *b, const void *p, uint64_t n);
void buf_str(struct buf *b, const char *s); /* with its NUL */
void buf_uint(struct buf *b, uint64_t v, unsigned n);
void buf_align(struct buf *b, uint64_t align); /* pad with zeros */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_free(struct buf *b);

static inline struct span buf_span(const struct buf *b) { return (struct span){b->at, b->size}; }

#endif
