/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heaps.h - the heaps of a linked ELF file (docs/image-format.md), and which
 * of its dynamic relocations are theirs. */

#ifndef ELF_HEAPS_H
#define ELF_HEAPS_H

#include "elf/dynamic.h"
#include "heap/image.h"

/* The notes of ours. */
struct elf_heap_notes {
    uint64_t tables, requests; /* how many there are */
    uint64_t addr;             /* of the first table's descriptor */
    struct span desc;
};
void elf_heap_notes(const struct elf_image *m, struct elf_heap_notes *out);

/* Read the table that N leads to, of which there is one at least. */
bool elf_heaps_read(struct diag *d, struct arena *a, const struct elf_image *m,
                    const struct elf_heap_notes *n, struct heap_image *out);

/* Segments of all heaps by address; where some lie on top of others, each
   address is of one of them. */
struct elf_heap_place {
    uint64_t addr, size;
    uint32_t heap, segment; /* indices */
};
struct elf_heap_places {
    struct elf_heap_place *all;
    uint64_t count;
};
bool elf_heap_places(struct diag *d, struct arena *a, const struct heap_image *m,
                     struct elf_heap_places *out);
/* The segment that has ADDR, or NULL. */
const struct elf_heap_place *elf_heap_at(const struct elf_heap_places *p, uint64_t addr);

/* What it costs to relocate a heap. */
struct elf_heap_cost {
    uint64_t relas, rela_bytes; /* entries of DT_RELA and DT_JMPREL for it */
    uint64_t relr_bytes;        /* words of DT_RELR for it */
    uint64_t map_bytes;         /* its slot maps */
    uint64_t pages;             /* of all segments but zero-fill ones; */
    uint64_t dirty;             /* those that are written to at start, */
    uint64_t dirty_moved;       /* and if the image does not lie where it wants to */
};
/* OUT has one for each heap of M. */
bool elf_heap_costs(struct diag *d, struct arena *a, const struct elf_image *m,
                    const struct heap_image *heaps, struct elf_heap_cost *out);

#endif
