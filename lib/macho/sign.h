/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sign.h - give a finished Mach-O file a new ad-hoc signature. */

#ifndef MACHO_SIGN_H
#define MACHO_SIGN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"

struct sign_options {
    const char *ident; /* NULL: the one that it has, or NAME's last part */
    const char *name;  /* of the file */
    bool entitled_ok;  /* drop what an old signature has beside hashes: a team, entitlements */
};

/* Append IN, thin or universal, to OUT with new signatures in place of the old
   ones, if there were any.  Nothing else of it changes, but for the offsets of
   a universal file's slices. */
bool macho_sign(struct diag *d, struct arena *a, struct span in, const struct sign_options *o,
                struct buf *out);

#endif
