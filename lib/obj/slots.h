/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slots.h - many equal relocations, compactly.
 *
 * A heap has millions of pointers into itself.  They all are the same
 * relocation: a word that holds a heap address, to which the address of the
 * heap is added.  So a section keeps them as one bit for each word. */

#ifndef OBJ_SLOTS_H
#define OBJ_SLOTS_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/bytes.h"

struct slot_map {
    const uint8_t *bitmap; /* bit N (lowest of each byte first): a slot at 8 * N; NULL: none */
    uint64_t bitmap_size;  /* bytes: ceil(section's size / 64) */
    const uint64_t *odd;   /* offsets of the slots that are not 8-aligned, ascending */
    uint64_t odd_count;
    uint64_t count;        /* of both */
    uint64_t limit;        /* the largest heap address that a slot may hold */
    uint8_t address_bits;  /* from here up, a word's bits are a tag: left alone */
};

/* Add BASE to each slot whose 8 bytes meet [FROM, FROM + SIZE) of the section.
   BYTES holds the section from FROM - BEFORE to FROM + SIZE + AFTER, where
   BEFORE and AFTER are at least 7 or all there is; only the SIZE bytes are
   changed, the rest is read where a slot sticks out.  False if a word is no
   heap address; then *BAD is the offset of the first such slot and *WORD what
   it holds, and nothing from there on is changed. */
bool slots_add(const struct slot_map *m, uint64_t from, uint64_t size, uint64_t before,
               uint64_t after, uint64_t base, bool big, uint8_t *bytes, uint64_t *bad,
               uint64_t *word);

/* OUT has the slots of OWN (NULL: none), which is left as it is, and those at
   the COUNT offsets MORE, ascending and none of them in OWN; all are of a
   section of SIZE bytes.  Memory comes from A; false without. */
bool slots_join(struct arena *a, const struct slot_map *own, uint64_t size, const uint64_t *more,
                uint64_t count, struct slot_map *out);

/* The number of slots at offsets below OFFSET. */
uint64_t slots_below(const struct slot_map *m, uint64_t offset);

/* A slot has bytes in common with the 8 at OFFSET. */
bool slots_meet(const struct slot_map *m, uint64_t offset);

/* Call DO_ONE for each slot from FROM up to TO, in order; stops when it
   returns false, and returns that. */
bool slots_each(const struct slot_map *m, uint64_t from, uint64_t to,
                bool (*do_one)(void *arg, uint64_t offset), void *arg);

#endif
