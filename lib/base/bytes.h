/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bytes.h - read untrusted bytes.
 *
 * A span is bytes that somebody else owns.  A cursor walks a span.  The
 * first read that would leave the span marks the cursor bad; from then on
 * every read returns 0 and moves nothing, so a caller reads a whole header
 * and asks once, at the end, whether it was all there.
 *
 * The rule that keeps this safe: never loop or allocate on a count before
 * cur_count() has agreed that so many entries can exist. */

#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *at;
    uint64_t size;
};

struct cursor {
    struct span in;
    uint64_t pos;
    bool big;  /* multi-byte values are big-endian */
    bool wide; /* cur_word() reads 8 bytes, not 4 */
    bool bad;
};

/* The LEN bytes of IN that start at OFF; an empty span and false if IN does
   not hold them all.  OFF and LEN may be anything, wrap-around included. */
static inline bool span_sub(struct span in, uint64_t off, uint64_t len, struct span *out)
{
    if (off > in.size || len > in.size - off) {
        *out = (struct span){0};
        return false;
    }
    *out = (struct span){len ? in.at + off : NULL, len};
    return true;
}

/* The next N bytes, or NULL if they are not all there (or N is 0). */
static inline const uint8_t *cur_take(struct cursor *c, uint64_t n)
{
    const uint8_t *p = NULL;

    if (c->bad || n > c->in.size - c->pos) {
        c->bad = true;
    } else if (n > 0) {
        p = c->in.at + c->pos;
        c->pos += n;
    }
    return p;
}

/* All of S is 0. */
static inline bool span_is_zero(struct span s)
{
    return s.size == 0 || (s.at[0] == 0 && !memcmp(s.at, s.at + 1, s.size - 1));
}

/* An unsigned value of N bytes (1 to 8) at P, which must be readable. */
static inline uint64_t load_uint(const uint8_t *p, unsigned n, bool big)
{
    uint64_t v = 0;
    uint32_t v4 = 0;
    uint16_t v2 = 0;

    switch (n) { /* the usual sizes in one load */
    case 2:
        memcpy(&v2, p, sizeof v2);
        return big ? be16toh(v2) : le16toh(v2);
    case 4:
        memcpy(&v4, p, sizeof v4);
        return big ? be32toh(v4) : le32toh(v4);
    case 8:
        memcpy(&v, p, sizeof v);
        return big ? be64toh(v) : le64toh(v);
    default:
        for (unsigned i = 0; i < n; i++)
            v |= (uint64_t)p[i] << 8 * (big ? n - 1 - i : i);
        return v;
    }
}

/* Store the low N bytes (1 to 8) of V at P. */
static inline void store_uint(uint8_t *p, unsigned n, bool big, uint64_t v)
{
    uint32_t v4 = big ? htobe32((uint32_t)v) : htole32((uint32_t)v);
    uint64_t v8 = big ? htobe64(v) : htole64(v);

    switch (n) {
    case 4:
        memcpy(p, &v4, sizeof v4);
        return;
    case 8:
        memcpy(p, &v8, sizeof v8);
        return;
    default:
        for (unsigned i = 0; i < n; i++)
            p[i] = (uint8_t)(v >> 8 * (big ? n - 1 - i : i));
    }
}

static inline uint64_t cur_uint(struct cursor *c, unsigned n)
{
    const uint8_t *p = cur_take(c, n);

    return p ? load_uint(p, n, c->big) : 0;
}

static inline uint8_t cur_u8(struct cursor *c) { return (uint8_t)cur_uint(c, 1); }
static inline uint16_t cur_u16(struct cursor *c) { return (uint16_t)cur_uint(c, 2); }
static inline uint32_t cur_u32(struct cursor *c) { return (uint32_t)cur_uint(c, 4); }
static inline uint64_t cur_u64(struct cursor *c) { return cur_uint(c, 8); }
static inline uint64_t cur_word(struct cursor *c) { return cur_uint(c, c->wide ? 8 : 4); }

/* True if COUNT entries of ENTRY bytes each (not 0) still fit in C. */
static inline bool cur_count(const struct cursor *c, uint64_t count, uint64_t entry)
{
    return !c->bad && count <= (c->in.size - c->pos) / entry;
}

/* The string at OFF in TAB, or NULL if no NUL follows inside TAB. */
static inline const char *span_str(struct span tab, uint64_t off)
{
    if (off >= tab.size || !memchr(tab.at + off, 0, tab.size - off))
        return NULL;
    return (const char *)tab.at + off;
}

/* TAB without what follows its last NUL: each of its bytes starts a string
   that ends inside, so no further search is needed. */
static inline struct span span_strings(struct span tab)
{
    while (tab.size && tab.at[tab.size - 1])
        tab.size--;
    return tab;
}

/* V rounded up to a multiple of ALIGN, a power of two. */
static inline uint64_t align_up(uint64_t v, uint64_t align)
{
    return (v + align - 1) & ~(align - 1);
}

#endif
