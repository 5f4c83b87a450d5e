/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_parts.h - what the files of the Julia reader need of each other. */

#ifndef HEAP_JULIA_PARTS_H
#define HEAP_JULIA_PARTS_H

#include "heap/julia.h"

/* Decode the heap of 1.5 to 1.8 that is all of BYTES into OUT->heap.
   OUT->functions and globals bound what may refer to them if has_code. */
bool julia_read_heap(struct diag *d, const struct julia_input *in, struct span bytes,
                     struct julia_image *out);

/* What Julia calls BIT of the feature words on CPU (which may be NULL), or
   NULL if it has no name that is known here. */
const char *julia_feature_name(const char *cpu, uint64_t bit);

#endif
