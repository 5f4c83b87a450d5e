/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache_image.c - an engine's register and arena, by hand. */

#include "tests/support/cache_image.h"

#include <string.h>
#include <xxhash.h>

#include "base/bytes.h"

struct writer {
    uint8_t *at;
    bool big;
};

static void put(struct writer *w, unsigned n, uint64_t v)
{
    for (unsigned i = 0; i < n; i++)
        w->at[i] = (uint8_t)(v >> 8 * (w->big ? n - 1 - i : i));
    w->at += n;
}

static void put_all(struct writer *w, unsigned n, const uint64_t *v, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        put(w, n, v[i]);
}

/* Strings, and where each begins. */
static const char strings[CREG_STRINGS_SIZE] =
    "\0v1\0x86-64:1.2.3.4.5.6\0main.js\0lib.js\0fib\0loop\0idle\0[program]\0libc.so.6\0ab12\0cd34\0"
    "string\0table";
enum {
    S_INPUTS = 1,
    S_CPU = 4,
    S_MAIN = 23,
    S_LIB = 31,
    S_FIB = 38,
    S_LOOP = 42,
    S_IDLE = 47,
    S_PROGRAM = 52,
    S_LIBC = 62,
    S_AB12 = 72,
    S_CD34 = 77,
    S_STRING = 82,
    S_TABLE = 89
};

void seal_cache_register(uint8_t out[CREG_SIZE], bool big)
{
    struct writer w = {out + 24, big};
    uint64_t sum = 0;

    memset(out + 24, 0, 8);
    sum = XXH3_64bits(out, CREG_SIZE);
    put(&w, 8, sum);
}

void make_cache_register(uint8_t out[CREG_SIZE], bool big)
{
    /* flags: code, hashes; policy: aot; inputs, CPU; counts */
    const uint64_t numbers[] = {3, 3, S_INPUTS, S_CPU, 2, 3, 2, 2};
    const uint64_t offsets[] = {CREG_SOURCES, CREG_FUNCTIONS,    CREG_MODULES, CREG_TYPES,
                                CREG_STRINGS, CREG_STRINGS_SIZE};
    struct writer w = {out, big};

    memset(out, 0, CREG_SIZE);
    memcpy(out, "SIMCACHE", 8);
    w.at += 8;
    put(&w, 4, 1);
    put(&w, 4, 112);
    put(&w, 8, CREG_SIZE);
    put(&w, 8, 0);
    put_all(&w, 4, numbers, 8);
    put_all(&w, 8, offsets, 6);
    /* sources */
    put_all(&w, 8, (const uint64_t[]){UINT64_C(0x1122334455667788), 1000}, 2);
    put_all(&w, 4, (const uint64_t[]){S_MAIN, 0}, 2);
    put_all(&w, 8, (const uint64_t[]){7, UINT64_C(1) << 40}, 2);
    put_all(&w, 4, (const uint64_t[]){S_LIB, 0}, 2);
    /* functions: name, source, line, flags; calls, object, code, size */
    put_all(&w, 4, (const uint64_t[]){S_FIB, 0, 3, 5}, 4);
    put_all(&w, 8, (const uint64_t[]){1000000, CBLOCK_A + 8, 0x200000, 96}, 4);
    put_all(&w, 4, (const uint64_t[]){S_LOOP, 1, 70, 3}, 4);
    put_all(&w, 8, (const uint64_t[]){12, CBLOCK_D + 8, UINT64_MAX, 0}, 4);
    put_all(&w, 4, (const uint64_t[]){S_IDLE, UINT32_MAX, 0, 8}, 4);
    put_all(&w, 8, (const uint64_t[]){0, UINT64_MAX, UINT64_MAX, 0}, 4);
    /* modules: address, words; name, build */
    put_all(&w, 8, (const uint64_t[]){UINT64_C(0x555500000000), 0}, 2);
    put_all(&w, 4, (const uint64_t[]){S_PROGRAM, S_AB12}, 2);
    put_all(&w, 8, (const uint64_t[]){UINT64_C(0x7f0000000000), 9}, 2);
    put_all(&w, 4, (const uint64_t[]){S_LIBC, S_CD34}, 2);
    /* types */
    put_all(&w, 4, (const uint64_t[]){S_STRING, S_TABLE}, 2);
    memcpy(w.at, strings, CREG_STRINGS_SIZE);
    seal_cache_register(out, big);
}

static void put_at(uint8_t *out, bool big, uint64_t at, uint64_t v)
{
    struct writer w = {out + at, big};

    put(&w, 8, v);
}

void make_cache_arena(uint8_t out[CARENA_BYTES], bool big)
{
    struct writer w = {out, big};

    memset(out, 0, CARENA_BYTES);
    memcpy(out, "SIMARENA", 8);
    w.at += 8;
    put(&w, 4, 1);
    put(&w, 4, CARENA_HEAD);
    /* size, limit; first, top; end of code; blocks, bytes; committed */
    put_all(&w, 8,
            (const uint64_t[]){0x400000, 0x200000, CBLOCK_A, CARENA_END, 0x200000 + CARENA_CODE, 3,
                               48 + 32 + 128, CARENA_BYTES},
            8);
    put_at(out, big, CARENA_BITS, 1 << 64 / 16);
    put_at(out, big, CARENA_BINS + 8 * (64 / 16), CBLOCK_B);
    put_at(out, big, CBLOCK_A, UINT64_C(1) << 48 | 48 | 1);
    put_at(out, big, CBLOCK_A + 8, CARENA_BASE + CBLOCK_D + 8);
    put_at(out, big, CBLOCK_A + 16, CARENA_BASE + CBLOCK_B + 16);
    put_at(out, big, CBLOCK_B, 64);
    put_at(out, big, CBLOCK_B + 56, 64);
    put_at(out, big, CBLOCK_C, 32 | 2 | 1);
    memcpy(out + CBLOCK_C + 8, "HOME=/home/ann", 14);
    put_at(out, big, CBLOCK_D, UINT64_C(2) << 48 | 128 | 1);
    put_at(out, big, CBLOCK_D + 24, CARENA_BASE + CBLOCK_C + 8);
}
