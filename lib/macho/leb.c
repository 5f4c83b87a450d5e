/* SPDX-License-Identifier: GPL-3.0-or-later */
/* leb.c - numbers of variable length (DWARF 5, 7.6). */

#include "macho/leb.h"

uint64_t cur_uleb(struct cursor *c)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = cur_u8(c);

        if (c->bad)
            return 0;
        if (shift < 64 && (uint64_t)(byte & 0x7f) << shift >> shift == (byte & 0x7f))
            value |= (uint64_t)(byte & 0x7f) << shift;
        else if (byte & 0x7f)
            c->bad = true;
        if (!(byte & 0x80))
            return c->bad ? 0 : value;
        if (shift > 63)
            c->bad = true;
    }
}

int64_t cur_sleb(struct cursor *c)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte = 0;

    do {
        byte = cur_u8(c);
        if (shift > 63)
            c->bad = true;
        if (c->bad)
            return 0;
        value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (byte & 0x40 && shift < 64)
        value |= ~UINT64_C(0) << shift;
    return (int64_t)value;
}

void put_uleb(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_uint(b, (v & 0x7f) | 0x80, 1);
    buf_uint(b, v, 1);
}

void put_sleb(struct buf *b, int64_t v)
{
    for (;;) {
        uint8_t byte = v & 0x7f;
        bool sign = byte & 0x40;

        v >>= 7;
        if ((v == 0 && !sign) || (v == -1 && sign)) {
            buf_uint(b, byte, 1);
            return;
        }
        buf_uint(b, byte | 0x80, 1);
    }
}
