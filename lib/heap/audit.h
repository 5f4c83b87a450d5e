/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit.h - texts in a heap that tell of who made it and where, or that ought
 * not to be kept at all. */

#ifndef HEAP_AUDIT_H
#define HEAP_AUDIT_H

#include "base/bytes.h"

enum audit_kind {
    AUDIT_SECRET, /* NAME=value whose name speaks of secrets, a private key, a password in a URL */
    AUDIT_ENVIRONMENT, /* NAME=value of an environment */
    AUDIT_USER,        /* the name of a user, in the path of a home directory */
    AUDIT_PATH,        /* a path from the file system's root */
};
const char *audit_kind_name(enum audit_kind kind);

struct audit_find {
    enum audit_kind kind;
    uint64_t at;      /* offset of the text */
    struct span text; /* without what is secret of it: that has HIDDEN bytes, behind */
    uint64_t hidden;
};

/* Call FOUND for what there is in DATA, in order, until it returns false. */
void heap_audit(struct span data, bool (*found)(void *arg, const struct audit_find *f), void *arg);

#endif
