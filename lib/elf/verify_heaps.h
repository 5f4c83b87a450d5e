/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_heaps.h - what the rules about heaps share. */

#ifndef ELF_VERIFY_HEAPS_H
#define ELF_VERIFY_HEAPS_H

#include "elf/heaps.h"
#include "elf/verify_rules.h"

struct verify_heaps {
    struct elf_heap_notes notes;
    struct heap_image image; /* no heaps if there is no table, or no sound one */
    struct elf_heap_places places;
    struct diag problem; /* why there is no sound one */
    /* Bytes of zero-fill segments that may still be looked at: no more than
       the file has, or heaps that lie on top of each other would take long. */
    uint64_t zeros_left;
};

/* Read them once; NULL without memory. */
struct verify_heaps *verify_get_heaps(struct verify *v);

/* Call CHECK for each heap, with its number as the place. */
void verify_each_heap(struct verify *v,
                      void (*check)(struct verify *v, const struct image_heap *h));

#endif
