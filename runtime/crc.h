/* SPDX-License-Identifier: MIT */
/* crc.h - keep the CRC-32C of a heap what it was, wherever the heap lies (docs/image-format.md).
 *
 * Freestanding, like move.h.  A relocated word changes the heap's CRC.  CRCs are linear: what a
 * change of some bits does to it is the same whatever the other bits are.  Seen from a base that
 * is a multiple of 2 MiB, the bits of a slot from 21 up depend only on the 2 MiB that it points
 * into, and those below on nothing.  So all slots that point into the same 2 MiB change together,
 * by one number for them all, and a heap's CRC is known after as many steps as it has of these.
 * The heap's last four bytes then take the difference back.
 *
 * A remainder's bits are the usual way round for CRC-32C: bit 31 is x^0. */

#ifndef RUNTIME_CRC_H
#define RUNTIME_CRC_H

#include <sysimage/format.h>

#include <stdint.h>

#define CRC_POLYNOMIAL UINT32_C(0x82f63b78)

/* R times x. */
static inline uint32_t crc_step(uint32_t r) { return r >> 1 ^ (r & 1 ? CRC_POLYNOMIAL : 0); }

static inline uint32_t crc_times(uint32_t a, uint32_t b)
{
    uint32_t r = 0;

    for (uint32_t bit = UINT32_C(1) << 31; bit; bit >>= 1, b = crc_step(b))
        r ^= a & bit ? b : 0;
    return r;
}

/* The remainder R after eight bytes more. */
static inline uint32_t crc_word(uint32_t r, uint64_t v)
{
    for (unsigned half = 0; half < 2; half++, v >>= 32) {
        r ^= (uint32_t)v;
        for (unsigned i = 0; i < 32; i++)
            r = crc_step(r);
    }
    return r;
}

/* The four bytes, as a number, that give a remainder of R after one of 0. */
static inline uint32_t crc_balance(uint32_t r)
{
    for (unsigned i = 0; i < 32; i++)
        r = r >> 31 ? (r ^ CRC_POLYNOMIAL) << 1 | 1 : r << 1;
    return r;
}

/* What becomes of the CRC of a heap at BASE, a multiple of 2 MiB, when its slots' bits from 21 up
   are filled in: SUMS has for each 2 MiB of the heap the sum of x^(8 n) over the slots that point
   there, with N bytes of the heap behind the slot. */
static inline uint32_t crc_change(const uint32_t *sums, uint32_t count, uint64_t base)
{
    uint32_t r = 0;

    for (uint32_t i = 0; i < count; i++)
        if (sums[i])
            r ^= crc_times(sums[i], crc_word(0, base + ((uint64_t)i << SIMG_CRC_CHUNK_LOG2)));
    return r;
}

typedef uint64_t crc_aliased __attribute__((may_alias));

/* The same for any base, from the heap of SIZE bytes as it is now, relocated for BASE, and the MAP
   of its slots: every word is looked at. */
static inline uint32_t crc_change_slowly(const uint8_t *heap, uint64_t size, const uint8_t *map,
                                         uint64_t base)
{
    const uint64_t low = (UINT64_C(1) << SIMG_CRC_CHUNK_LOG2) - 1;
    uint32_t r = 0, nibbles[16];

    for (uint32_t i = 0; i < 16; i++) {
        nibbles[i] = i;
        for (unsigned n = 0; n < 4; n++)
            nibbles[i] = crc_step(nibbles[i]);
    }
    for (uint64_t at = 0; at < size; at += 8) {
        uint64_t change = 0;

        if (map[at / 64] >> at / 8 % 8 & 1) {
            change = *(const crc_aliased *)(const void *)(heap + at);
            change ^= (change - base) & low;
        }
        for (unsigned i = 0; i < 16; i++, change >>= 4)
            r = r >> 4 ^ nibbles[(r ^ change) & 15];
    }
    return r;
}

/* MAP says where the slots of the heap at HEAP are, which are relocated. */
static inline void crc_keep(uint8_t *heap, uint64_t size, const uint8_t *map)
{
    struct simg_crc *end = (struct simg_crc *)(void *)(heap + size - sizeof *end);
    const uint32_t *sums = (const uint32_t *)(const void *)end - end->count;
    uint64_t base = (uint64_t)heap;

    end->balance ^= crc_balance(base % (UINT64_C(1) << SIMG_CRC_CHUNK_LOG2)
                                    ? crc_change_slowly(heap, size, map, base)
                                    : crc_change(sums, end->count, base));
}

#endif
