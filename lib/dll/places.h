/* SPDX-License-Identifier: GPL-3.0-or-later */
/* places.h - the order of the sections of an image: by name up to the dollar,
 * then by what stands behind it (PE specification, 4.2). */

#ifndef DLL_PLACES_H
#define DLL_PLACES_H

#include "link/link.h"

/* All sections with the same name, up to the dollar. */
struct family {
    const char *name; /* LEN bytes of an input's */
    size_t len;
    const char *to;    /* the section of the image */
    uint64_t rank;     /* of TO; no other has it */
    uint32_t sub_rank; /* among those that go to TO */
    int edge;          /* -1: before all others with its name; 1: behind them */
    bool relro;        /* what the loader writes to */
    uint64_t count;    /* of its sections */
};

/* A section on its way. */
struct placed {
    uint64_t key;     /* the first 8 bytes of REST, as a number */
    const char *rest; /* of its name, behind its family's */
    struct lsec *sec;
    uint32_t family, order;
};

struct places {
    struct link *l;
    struct family *families;
    uint64_t family_count, family_cap;
    uint32_t *slots; /* a hash table: number of the family + 1 */
    uint64_t slot_count;
    uint64_t strangers; /* families that go to sections which have no fixed place */
    struct placed *all;
    uint64_t count;
};

/* Room for COUNT sections. */
bool places_begin(struct link *l, uint64_t count, struct places *p);
bool places_add(struct places *p, struct lsec *s);
/* Put p->all into the order that the image has. */
bool places_sort(struct places *p);
static inline const struct family *places_family(const struct places *p, const struct placed *s)
{
    return &p->families[s->family];
}
/* What a section of the image called NAME may do, whatever objects say of its parts;
   0: what they say. */
uint32_t places_flags(const char *name);

#endif
