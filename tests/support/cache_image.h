/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache_image.h - make the register and the arena of an engine in memory, with
 * one of everything.
 *
 * Written from docs/cache-format.md; it shares no code with the cache. */

#ifndef SUPPORT_CACHE_IMAGE_H
#define SUPPORT_CACHE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

/* The register: offsets of its parts. */
enum {
    CREG_SOURCES = 112,
    CREG_FUNCTIONS = CREG_SOURCES + 2 * 24,
    CREG_MODULES = CREG_FUNCTIONS + 3 * 48,
    CREG_TYPES = CREG_MODULES + 2 * 24,
    CREG_STRINGS = CREG_TYPES + 2 * 4,
    CREG_STRINGS_SIZE = 95,
    CREG_SIZE = CREG_STRINGS + 96,
};
void make_cache_register(uint8_t out[CREG_SIZE], bool big);
/* Make its checksum right again. */
void seal_cache_register(uint8_t out[CREG_SIZE], bool big);

/* The arena: offsets of its header's fields and of its blocks. */
enum {
    CARENA_SIZE_FIELD = 16,
    CARENA_LIMIT = 24,
    CARENA_FIRST = 32,
    CARENA_TOP = 40,
    CARENA_CODE_TOP = 48,
    CARENA_LIVE = 56, /* blocks, then bytes */
    CARENA_BITS = 80,
    CARENA_BINS = CARENA_BITS + 24,
    CARENA_GAPS = CARENA_BINS + 192 * 8,
    CARENA_HEAD = CARENA_GAPS + 32 * 16,
    CBLOCK_A = 2168, /* 48 bytes, of the first type: points at D, and into the gap behind B */
    CBLOCK_B = CBLOCK_A + 48, /* 64 bytes, free */
    CBLOCK_C = CBLOCK_B + 64, /* 32 bytes, of no type */
    CBLOCK_D = CBLOCK_C + 32, /* 128 bytes, of the second type: points at C */
    CARENA_END = CBLOCK_D + 128,
    CARENA_BYTES = 2560,
    CARENA_CODE = 0x10000, /* bytes of code */
};
#define CARENA_BASE UINT64_C(0x7b0000000000)
void make_cache_arena(uint8_t out[CARENA_BYTES], bool big);

/* The two in an ELF file, without code: headers, note, table and slots; the arena at CIMG_ARENA;
   the register at CIMG_REGISTER. */
enum {
    CIMG_NOTE = 0x130,
    CIMG_DESC = CIMG_NOTE + 24,
    CIMG_TABLE = 0x180,
    CIMG_STRINGS = CIMG_TABLE + 472,
    CIMG_SLOTS = 0x400,
    CIMG_ARENA = 0x1000,
    CIMG_REGISTER = 0x2000,
    CIMG_SIZE = CIMG_REGISTER + CREG_SIZE,
};
void make_cache_image(uint8_t out[CIMG_SIZE]);

#endif
