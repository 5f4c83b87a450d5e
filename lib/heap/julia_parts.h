/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_parts.h - what the files of the Julia reader need of each other. */

#ifndef HEAP_JULIA_PARTS_H
#define HEAP_JULIA_PARTS_H

#include "heap/julia.h"

/* Decode the heap that is all of BYTES into OUT->heap.
   OUT->functions and globals bound what may refer to them if has_code. */
bool julia_read_heap(struct diag *d, const struct julia_input *in, struct span bytes,
                     struct julia_image *out);

/* A heap that is being read. */
struct julia_reader {
    struct diag *d;
    const struct julia_input *in;
    enum julia_version version;
    struct julia_heap *heap;
    const struct julia_layout *layout;
    struct cursor c; /* over the whole heap */
    unsigned pointer_size;
    unsigned length; /* bytes of a length and of a reference outside of objects */
};

struct span julia_part_span(const struct julia_reader *r, enum julia_part_kind kind);

/* Word I of S, of as many bytes as references outside of objects have. */
uint64_t julia_load(const struct julia_reader *r, struct span s, uint64_t i);

/* Fails: entry ENTRY of part KIND is no good; WHAT says why, VALUE is looked at. */
bool julia_bad(struct julia_reader *r, enum julia_part_kind kind, uint64_t entry, const char *what,
               uint64_t value);

/* Does REF refer to something that can be?  Counts it by its kind. */
bool julia_count_ref(struct julia_reader *r, enum julia_part_kind kind, uint64_t entry,
                     uint64_t ref, uint64_t counts[JULIA_REFS]);

/* Is POS where an object can be? */
bool julia_is_object(const struct julia_reader *r, uint64_t pos);

/* The relocations, which are JULIA_TAGS so far: split in their lists. */
bool julia_split_relocations(struct julia_reader *r);

/* The words that a relocation list names, and what they refer to. */
bool julia_read_relocations(struct julia_reader *r, enum julia_part_kind kind,
                            uint64_t counts[JULIA_REFS]);

/* All behind the parts that have lengths. */
bool julia_read_tail(struct julia_reader *r);

/* What Julia calls BIT of the feature words on CPU (which may be NULL), or
   NULL if it has no name that is known here. */
const char *julia_feature_name(const char *cpu, uint64_t bit);

#endif
