/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_places.h - what a place in a file is called: section, member of an
 * archive, part of Julia's heap. */

#ifndef OBJTOOL_JULIA_PLACES_H
#define OBJTOOL_JULIA_PLACES_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"

struct place {
    uint64_t offset, size; /* in the file */
    const char *name;
};

struct places {
    struct arena *a;
    struct place *all; /* later ones lie in earlier ones */
    uint64_t count, cap;
    /* Names of parts whose bytes are compressed, so that text in them is not
       seen; NULL at the end. */
    const char **hidden;
    uint64_t hidden_count, hidden_cap;
};

/* Name the places of IN.  A file that is not known has none, which is no
   failure; false only without memory. */
bool places_read(struct diag *d, struct arena *a, struct span in, struct places *out);

/* The smallest part that OFFSET is in, NULL if there is none. */
const struct place *places_find(const struct places *p, uint64_t offset);

#endif
