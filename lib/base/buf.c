/* SPDX-License-Identifier: GPL-3.0-or-later */
/* buf.c - a byte buffer that doubles. */

#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint8_t *buf_reserve(struct buf *b, uint64_t n)
{
    uint64_t cap = b->cap ? b->cap : 256;
    uint8_t *p = NULL;

    if (b->bad || n > UINT64_MAX / 4 || b->size > UINT64_MAX / 4) {
        b->bad = true;
        return NULL;
    }
    while (cap < b->size + n)
        cap *= 2;
    if (cap != b->cap) {
        if (!(p = realloc(b->at, cap))) {
            b->bad = true;
            return NULL;
        }
        b->at = p;
        b->cap = cap;
    }
    p = b->at + b->size;
    memset(p, 0, n);
    b->size += n;
    return p;
}

void buf_bytes(struct buf *b, const void *p, uint64_t n)
{
    uint8_t *to = buf_reserve(b, n);

    if (to && n)
        memcpy(to, p, n);
}

void buf_str(struct buf *b, const char *s) { buf_bytes(b, s, strlen(s) + 1); }

void buf_uint(struct buf *b, uint64_t v, unsigned n)
{
    uint8_t *to = buf_reserve(b, n);

    if (to)
        store_uint(to, n, b->big, v);
}

void buf_align(struct buf *b, uint64_t align)
{
    buf_reserve(b, align_up(b->size, align) - b->size);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    uint8_t *to = NULL;
    int n = 0;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !(to = buf_reserve(b, (uint64_t)n + 1)))
        return;
    va_start(ap, fmt);
    vsnprintf((char *)to, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->size--; /* the NUL stays behind the end, where the next write goes */
}

void buf_free(struct buf *b)
{
    free(b->at);
    *b = (struct buf){0};
}
