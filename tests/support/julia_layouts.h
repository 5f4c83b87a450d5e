/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_layouts.h - heaps of Julia 1.9 and later: made, and restored, by what Julia's own
 * src/staticdata.c does, read in 1.9.3, 1.10.2, 1.11, 1.12.5, 1.13 and master of April 2026.
 * Shares no code with lib/heap. */

#ifndef SUPPORT_JULIA_LAYOUTS_H
#define SUPPORT_JULIA_LAYOUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of a heap, from AT, SIZE bytes. */
struct layout_part {
    size_t at, size;
};

/* Where Julia finds things in a heap. */
struct layout_view {
    struct layout_part objects, constants, names, relocations, globals, functions, tail;
    size_t tags, pointers, memories, fixups; /* where these lists begin, in the heap */
    size_t tag_count, pointer_count;
};

/* A heap of Julia 1.MINOR (9 to 14) with about WORDS words of objects, in a block of its size
   that the caller frees.  The same SEED, the same heap. */
uint8_t *layout_make(int minor, uint32_t seed, size_t words, size_t *size);

/* Restore the heap of SIZE bytes at BYTES as if it lay at BASE: all that Julia relocates in the
   objects themselves.  False if Julia would read what is not there. */
bool layout_restore(int minor, uint8_t *bytes, size_t size, uint64_t base,
                    struct layout_view *view);

/* The CRC-32C, bit by bit. */
uint32_t layout_crc(const uint8_t *bytes, size_t size);

#endif
