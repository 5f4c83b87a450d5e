/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resources.h - a tree of resources, in an object or an image (PE specification,
 * 6.9): by type, by name, by language, always these three. */

#ifndef COFF_RESOURCES_H
#define COFF_RESOURCES_H

#include "base/bytes.h"
#include "base/diag.h"
#include "coff/coff.h"

enum resource_level { RESOURCE_TYPE, RESOURCE_NAME, RESOURCE_LANGUAGE, RESOURCE_LEVELS };
enum { RESOURCE_NAME_TEXT = 160 };

/* What leads on at a level: text, or a number. */
struct coff_resource_key {
    bool named;
    uint32_t id;      /* unless it is NAMED */
    struct span text; /* UTF-16, little-endian */
};

struct coff_resource {
    struct coff_resource_key key[RESOURCE_LEVELS];
    uint32_t entry;                   /* offset of its data entry in the tree */
    uint32_t address, size, codepage; /* as the data entry has them; in an object a relocation
                                         says where the data is */
};

/* Call EACH for every resource of TREE, in its order.  False with a word in D if the
   tree is not sound, or if EACH returns false. */
bool coff_each_resource(struct diag *d, struct span tree,
                        bool (*each)(void *arg, const struct coff_resource *r), void *arg);

/* In the order that a tree has: text by its units before numbers. */
int coff_compare_keys(const struct coff_resource_key *a, const struct coff_resource_key *b);

/* "type 10, name HELLO, language 1033" */
const char *coff_resource_name(const struct coff_resource *r, char out[RESOURCE_NAME_TEXT]);

#endif
