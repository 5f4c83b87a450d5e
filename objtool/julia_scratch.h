/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_scratch.h - a directory of temporaries and its end. */

#ifndef OBJTOOL_JULIA_SCRATCH_H
#define OBJTOOL_JULIA_SCRATCH_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"

/* A new directory beside the file OUTPUT, so that what is made in it can be
   renamed to it; with OUTPUT NULL where temporaries go.  An absolute path in
   A, or NULL with a word in D. */
char *scratch_make(struct diag *d, struct arena *a, const char *output);
/* Remove DIR with all that is in it.  Says nothing: there is nobody to help. */
void scratch_remove(const char *dir);

/* Write the whole file PATH. */
bool scratch_write(struct diag *d, const char *path, const struct buf *text);

/* PATH with no link and no relative part, in A; NULL with a word in D. */
const char *scratch_real(struct diag *d, struct arena *a, const char *path);

#endif
