/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_crc.c - the CRC-32C of a prelinked Julia heap, kept what it was.
 *
 * Julia 1.9 to 1.13 takes the CRC of its heap at each start as part of its modules' identity, by
 * which caches of packages know what they were made for.  A heap that is relocated would have
 * another each time.  So it gets a tail that lets its start-up code keep it (runtime/crc.h). */

#include "heap/julia_prelink.h"

#include "runtime/crc.h"

#include <sysimage/format.h>

/* What eight bytes make of a remainder, one table for each. */
struct tables {
    uint32_t row[8][256];
};

static void fill(struct tables *t)
{
    for (uint32_t i = 0; i < 256; i++) {
        t->row[7][i] = i;
        for (unsigned n = 0; n < 8; n++)
            t->row[7][i] = crc_step(t->row[7][i]);
    }
    for (unsigned k = 7; k > 0; k--)
        for (uint32_t i = 0; i < 256; i++)
            t->row[k - 1][i] = t->row[k][i] >> 8 ^ t->row[7][t->row[k][i] & 0xff];
}

/* As crc_word(), faster. */
static uint32_t add_word(const struct tables *t, uint32_t r, uint64_t v)
{
    v ^= r;
    r = 0;
    for (unsigned k = 0; k < 8; k++, v >>= 8)
        r ^= t->row[k][v & 0xff];
    return r;
}

static uint32_t add_bytes(const struct tables *t, uint32_t r, struct span s)
{
    uint64_t at = 0;

    for (; at + 8 <= s.size; at += 8)
        r = add_word(t, r, load_uint(s.at + at, 8, false));
    for (; at < s.size; at++)
        r = r >> 8 ^ t->row[7][(r ^ s.at[at]) & 0xff];
    return r;
}

static bool is_slot(const struct slot_map *slots, uint64_t at)
{
    return slots->bitmap[at / 64] >> at / 8 % 8 & 1;
}

uint64_t julia_crc_count(uint64_t heap_size)
{
    return align_up((heap_size >> SIMG_CRC_CHUNK_LOG2) + 1, 2);
}

/* What the heap is with all bits of slots from 21 up left out: its remainder. */
static uint32_t low_bits(const struct tables *t, const uint8_t *bytes, uint64_t size,
                         const struct slot_map *slots)
{
    const uint64_t low = (UINT64_C(1) << SIMG_CRC_CHUNK_LOG2) - 1;
    uint32_t r = UINT32_MAX;

    for (uint64_t at = 0; at < size; at += 8) {
        uint64_t v = load_uint(bytes + at, 8, false);

        r = add_word(t, r, is_slot(slots, at) ? v & low : v);
    }
    return r;
}

void julia_keep_crc(uint8_t *bytes, uint64_t size, uint64_t count, const struct slot_map *slots,
                    struct span before)
{
    const uint64_t tail = size - sizeof(struct simg_crc);
    uint8_t *sums = bytes + tail - 4 * count;
    struct tables t;
    uint32_t x = UINT32_C(1) << 31, wanted;

    fill(&t);
    for (uint64_t at = size; at >= 8; at -= 8, x = add_word(&t, x, 0)) {
        uint64_t chunk = 0;

        if (!is_slot(slots, at - 8))
            continue;
        chunk = load_uint(bytes + at - 8, 8, false) >> SIMG_CRC_CHUNK_LOG2;
        store_uint(sums + 4 * chunk, 4, false, load_uint(sums + 4 * chunk, 4, false) ^ x);
    }
    store_uint(bytes + tail, 4, false, count);
    store_uint(bytes + tail + 4, 4, false, SIMG_CRC_MAGIC);
    wanted = add_bytes(&t, UINT32_MAX, before);
    store_uint(bytes + size - 4, 4, false, crc_balance(low_bits(&t, bytes, size, slots) ^ wanted));
}
