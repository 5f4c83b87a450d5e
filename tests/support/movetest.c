/* SPDX-License-Identifier: MIT */
/* movetest.c - the routines of runtime/move.h against a loop that anybody can
 * follow, on segments of chance.  Prints "ok: WAY" for each way that this CPU
 * has. */

#include "runtime/move.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 4000, MOST = 9000, ROOM = MOST + 64 };

static uint64_t chance(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Bytes of chance, and behind them what must stay. */
static uint8_t from[ROOM], to[ROOM], want[ROOM], bits[MOST / 64 + 2];
static uint64_t odd[8], odd_count;

static void add(uint8_t *at, uint64_t delta)
{
    uint64_t word = 0;

    memcpy(&word, at, 8);
    word += delta;
    memcpy(at, &word, 8);
}

static void make_slots(uint64_t size, unsigned density)
{
    memset(bits, 0, sizeof bits);
    for (uint64_t i = 0; i < size / 8; i++)
        if (chance() % 100 < density)
            bits[i / 8] |= (uint8_t)(1 << i % 8);
    /* Odd ones in a gap: three words in which there are no others. */
    odd_count = 0;
    for (uint64_t at = chance() % 200; odd_count < 8 && at + 24 <= size;
         at += 24 + chance() % 500) {
        for (uint64_t i = at / 8; i <= at / 8 + 2; i++)
            bits[i / 8] &= (uint8_t) ~(1 << i % 8);
        odd[odd_count++] = (at & ~UINT64_C(7)) + 1 + chance() % 7;
    }
}

static void add_slots(uint64_t size, uint64_t delta)
{
    for (uint64_t i = 0; i < size / 8; i++)
        if (bits[i / 8] >> i % 8 & 1)
            add(want + 8 * i, delta);
    for (uint64_t i = 0; i < odd_count; i++)
        add(want + odd[i], delta);
}

static int one(enum move_way way, uint64_t size, unsigned density, uint64_t delta, int in_place,
               int no_map)
{
    make_slots(size, no_map ? 0 : density);
    for (uint64_t i = 0; i < ROOM; i++) {
        from[i] = (uint8_t)chance();
        to[i] = 0xee;
    }
    if (in_place)
        memcpy(to, from, size);
    memcpy(want, to, ROOM);
    memcpy(want, from, size);
    add_slots(size, delta);
    move_segment(way, to, in_place ? to : from, size, no_map ? 0 : bits, odd, odd_count, delta);
    if (memcmp(to, want, ROOM) == 0)
        return 1;
    printf("not ok: way %d, %llu bytes, density %u, delta 0x%llx, in place %d, no map %d\n",
           (int)way, (unsigned long long)size, density, (unsigned long long)delta, in_place,
           no_map);
    return 0;
}

/* A word keeps its tag when the heap moves, up and down. */
static int tags(enum move_way way)
{
    const uint64_t bases[] = {0x200000, 0x7a0000000000, 0x7fffffe00000};
    int ok = 1;

    memset(bits, 0xff, sizeof bits);
    for (unsigned i = 0; i < 3; i++)
        for (unsigned k = 0; k < 3; k++) {
            uint64_t words[16], moved[16];

            for (unsigned n = 0; n < 16; n++)
                words[n] = chance() << 48 | (bases[i] + n * 0x1001);
            move_segment(way, (uint8_t *)moved, (const uint8_t *)words, sizeof words, bits, 0, 0,
                         bases[k] - bases[i]);
            for (unsigned n = 0; n < 16; n++)
                ok = ok && moved[n] >> 48 == words[n] >> 48 &&
                     moved[n] << 16 == (bases[k] + n * 0x1001) << 16;
        }
    return ok;
}

int main(void)
{
    static const char *const names[] = {"plain", "AVX2", "AVX-512"};
    int failures = 0;

    for (int way = 0; way <= (int)move_best_way(); way++) {
        int ok = tags((enum move_way)way);

        for (uint64_t size = 1; ok && size < 600; size++)
            ok = one((enum move_way)way, size, 30, chance() << 16, size & 1, size % 7 == 0);
        for (int i = 0; ok && i < ROUNDS; i++)
            ok = one((enum move_way)way, 1 + chance() % MOST, (unsigned)(chance() % 101),
                     i & 1 ? chance() : -(chance() >> 17 << 16), i & 2, i % 16 == 5);
        printf("%s: %s\n", ok ? "ok" : "not ok", names[way]);
        failures += !ok;
    }
    return failures != 0;
}
