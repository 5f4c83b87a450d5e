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
};

/* Read them once; NULL without memory. */
struct verify_heaps *verify_get_heaps(struct verify *v);

/* Call CHECK for each heap, with its number as the place. */
void verify_each_heap(struct verify *v,
                      void (*check)(struct verify *v, const struct image_heap *h));

#endif
