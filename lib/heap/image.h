/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image.h - what a sysimage says of its heaps (docs/image-format.md), read
 * and checked.
 *
 * Knows nothing of any object format: the caller finds the note and says
 * what bytes lie at an address.  Nothing of the image is trusted.  What is
 * not looked at: checksums, the words at slots, and whether the image has
 * memory for what the table promises (lib/elf/verify_heap.c does). */

#ifndef HEAP_IMAGE_H
#define HEAP_IMAGE_H

#include "heap/container.h"

struct heap_image_input {
    /* The SIZE bytes that the file has for address ADDR.  False if it has
       not all of them. */
    bool (*bytes)(void *arg, uint64_t addr, uint64_t size, struct span *out);
    void *arg;
    bool big;
    uint64_t file_size; /* slot maps are no larger than this, all together */
    uint64_t note;      /* the address of DESC */
    struct span desc;   /* of the note */
};

/* What the table says of a segment beyond struct heap_segment. */
struct image_segment {
    uint32_t prot;       /* enum simg_prot, once relocated */
    uint32_t flags;      /* enum simg_table_segment_flag */
    uint64_t slot_count; /* also where there is no map */
    uint64_t checksum;   /* of the bytes in the file; 0: none */
};

struct image_heap {
    /* Of its segments neither DATA nor alignment nor objects are known, and
       slots only where there is a map.  Its file and parts are empty. */
    struct heap heap;
    struct image_segment *segments; /* as many as HEAP has */
    uint64_t *places; /* for each import its word in the import table, or SIMG_NO_PLACE */
    uint64_t at;      /* the address of heap address 0 */
    uint64_t base;
    uint32_t mode;  /* enum simg_reloc_mode */
    uint32_t flags; /* enum simg_heap_flag */
};

/* It adds its own address when it is loaded, wherever that is (objects of
   `objtool pack --heap-relocs=prelinked`, which no linker relocates). */
static inline bool image_heap_is_mobile(const struct image_heap *h)
{
    return h->mode == SIMG_MODE_PRELINKED && h->base == 0;
}

struct heap_image {
    uint64_t table;    /* its address */
    struct span bytes; /* of the table */
    uint64_t checksum; /* as it says; 0: none */
    uint32_t machine;
    struct image_heap *heaps;
    uint32_t heap_count;
    uint64_t map_bytes; /* of all slot maps */
};

/* Fill OUT, which lives in A and the input's bytes. */
bool heap_image_read(struct diag *d, struct arena *a, const struct heap_image_input *in,
                     struct heap_image *out);

/* The checksum that the table ought to have. */
uint64_t heap_image_checksum(const struct heap_image *m);

/* What a segment with these bytes in the file has as its checksum (docs/image-format.md). */
uint64_t heap_bytes_checksum(struct span bytes);

/* "native", "prelinked", "none". */
const char *heap_mode_name(uint32_t mode);

#endif
