/* SPDX-License-Identifier: GPL-3.0-or-later */
/* response.h - arguments from files: "@FILE". */

#ifndef BASE_RESPONSE_H
#define BASE_RESPONSE_H

#include "arena.h"
#include "diag.h"

/* Replace each "@FILE" of ARGV by the arguments in FILE, which are quoted as
   for gcc and may name further files. */
bool response_expand(struct diag *d, struct arena *a, int *argc, char ***argv);

#endif
