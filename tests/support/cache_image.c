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
    const uint64_t offsets[] = {CREG_SOURCES, CREG_FUNCTIONS, CREG_MODULES,
                                CREG_TYPES,   CREG_STRINGS,   CREG_STRINGS_SIZE};
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

/* ---- the file ---- */

static const char table_strings[] =
    "\0show\0" "2.5\0ab12\0plain\0arena\0cache\0start\0[program]\0libc.so.6";
enum {
    T_SHOW = 1,
    T_VERSION = 6,
    T_BUILD = 10,
    T_PLAIN = 15,
    T_ARENA = 21,
    T_CACHE = 27,
    T_START = 33,
    T_PROGRAM = 39,
    T_LIBC = 49,
    TABLE_SIZE = CIMG_STRINGS - CIMG_TABLE + sizeof table_strings,
    CACHE_AT = 0x400000, /* the arena's size */
};

static void put_segment(struct writer *w, uint32_t flags, uint64_t offset, uint64_t addr,
                        uint64_t size)
{
    put_all(w, 4, (const uint64_t[]){1, flags}, 2);
    put_all(w, 8, (const uint64_t[]){offset, addr, addr, size, size, 0x1000}, 6);
}

static void put_headers(struct writer *w)
{
    static const uint8_t ident[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    const uint64_t first = CARENA_BASE - CIMG_ARENA;

    memcpy(w->at, ident, sizeof ident);
    w->at += sizeof ident;
    put_all(w, 2, (const uint64_t[]){3, 62}, 2);
    put(w, 4, 1);
    put_all(w, 8, (const uint64_t[]){0, 64, 0}, 3);
    put(w, 4, 0);
    put_all(w, 2, (const uint64_t[]){64, 56, 4, 64, 0, 0}, 6);
    put_segment(w, 4, 0, first, CIMG_SLOTS + CARENA_BYTES / 64);
    put_segment(w, 6, CIMG_ARENA, CARENA_BASE, CARENA_BYTES);
    put_segment(w, 4, CIMG_REGISTER, CARENA_BASE + CACHE_AT, CREG_SIZE);
    put_all(w, 4, (const uint64_t[]){4, 4}, 2); /* PT_NOTE */
    put_all(w, 8, (const uint64_t[]){CIMG_NOTE, first + CIMG_NOTE, 0, 48, 48, 4}, 6);
}

static void put_table(struct writer *w)
{
    const uint64_t at = CIMG_TABLE + 128 - CIMG_TABLE;

    memcpy(w->at, "SYSIMAGE", 8);
    w->at += 8;
    put_all(w, 4, (const uint64_t[]){1, 128}, 2);
    put_all(w, 8, (const uint64_t[]){TABLE_SIZE, 0}, 2);
    put_all(w, 4, (const uint64_t[]){62, 0, 1, 2, 1, 2, 0, sizeof table_strings}, 8);
    put(w, 8, 0);
    put_all(w, 8,
            (const uint64_t[]){at, at + 128, at + 288, at + 312, at + 344, at + 344, at + 344}, 7);
    /* the heap */
    put_all(w, 8,
            (const uint64_t[]){CIMG_ARENA - CIMG_TABLE, CARENA_BASE, CACHE_AT + CREG_SIZE}, 3);
    put_all(w, 4, (const uint64_t[]){2, 2, 64, 0, 2, 0, 1, 0, 2, 0, 0, 0}, 12);
    put_all(w, 8, (const uint64_t[]){0, 0, 3, 0, 0}, 5);
    put_all(w, 4, (const uint64_t[]){T_SHOW, T_VERSION, T_BUILD, T_PLAIN}, 4);
    /* its segments */
    put_all(w, 8, (const uint64_t[]){0, CARENA_BYTES}, 2);
    put_all(w, 4, (const uint64_t[]){6, 0, 2, T_ARENA}, 4);
    put_all(w, 8, (const uint64_t[]){CIMG_SLOTS - CIMG_TABLE, CARENA_BYTES / 64, 0, 0, 3, 0}, 6);
    put_all(w, 8, (const uint64_t[]){CACHE_AT, CREG_SIZE}, 2);
    put_all(w, 4, (const uint64_t[]){4, 0, 1, T_CACHE}, 4);
    put_all(w, 8, (const uint64_t[]){0, 0, 0, 0, 0, 0}, 6);
    /* root, imports */
    put_all(w, 4, (const uint64_t[]){T_START, 0}, 2);
    put_all(w, 8, (const uint64_t[]){CBLOCK_A + 8, 0}, 2);
    put(w, 4, T_PROGRAM);
    put_all(w, 2, (const uint64_t[]){2, 0}, 2);
    put(w, 8, UINT64_MAX);
    put(w, 4, T_LIBC);
    put_all(w, 2, (const uint64_t[]){2, 0}, 2);
    put(w, 8, UINT64_MAX);
    memcpy(w->at, table_strings, sizeof table_strings);
}

void make_cache_image(uint8_t out[CIMG_SIZE])
{
    static const uint64_t slots[] = {CBLOCK_A + 8, CBLOCK_A + 16, CBLOCK_D + 24};
    struct writer w = {out, false};

    memset(out, 0, CIMG_SIZE);
    put_headers(&w);
    w.at = out + CIMG_NOTE;
    put_all(&w, 4, (const uint64_t[]){9, 24, 1}, 3);
    memcpy(w.at, "SYSIMAGE", 8);
    w.at = out + CIMG_DESC;
    put_all(&w, 4, (const uint64_t[]){1, 0}, 2);
    put_all(&w, 8, (const uint64_t[]){CIMG_TABLE - CIMG_DESC, TABLE_SIZE}, 2);
    w.at = out + CIMG_TABLE;
    put_table(&w);
    for (unsigned i = 0; i < 3; i++)
        out[CIMG_SLOTS + slots[i] / 64] |= (uint8_t)(1 << slots[i] / 8 % 8);
    make_cache_arena(out + CIMG_ARENA, false);
    put_at(out + CIMG_ARENA, false, CARENA_CODE_TOP, 0x200000);
    make_cache_register(out + CIMG_REGISTER, false);
}
