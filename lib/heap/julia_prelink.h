/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_prelink.h - do at link time what Julia does with its heap at start. */

#ifndef HEAP_JULIA_PRELINK_H
#define HEAP_JULIA_PRELINK_H

#include "heap/julia.h"
#include "obj/object.h"

/* What became of a heap. */
struct julia_prelink {
    struct span bytes;     /* the heap as the image is to have it, shorter than before */
    struct slot_map slots; /* words of it that hold distances from its first byte, where the
                              image is to hold addresses */
    uint64_t written;      /* Julia writes to most pages of its first so many bytes at start */
    uint64_t left;         /* pointers that only Julia can relocate */
    bool keeps_crc;        /* it ends with a struct simg_crc */
};

/* Rewrite the heap of IMAGE, whose bytes are BYTES, as julia_read() found it: little-endian, with
   pointers of 8 bytes.  Pointers to objects and constants become slots and leave Julia's own list
   of what it has to relocate; all else stays as it is, and is read by Julia as before.  A heap of
   1.9 to 1.13 also gets what keeps its CRC.  Memory comes from A. */
bool julia_prelink(struct diag *d, struct arena *a, const struct julia_image *image,
                   struct span bytes, struct julia_prelink *out);

/* How many sums a heap of so many bytes needs, an even number. */
uint64_t julia_crc_count(uint64_t heap_size);

/* BYTES, SIZE of them, a multiple of 8, is a heap that ends with COUNT sums and a struct simg_crc,
   all zero so far: fill these in so that its CRC-32C will be that of BEFORE. */
void julia_keep_crc(uint8_t *bytes, uint64_t size, uint64_t count, const struct slot_map *slots,
                    struct span before);

/* An object called NAME whose one segment is that heap and whose one root is
   jl_system_image_data. */
bool julia_heap_object(struct diag *d, struct arena *a, const char *name,
                       const struct julia_image *image, const struct julia_prelink *heap,
                       struct object *out);

#endif
