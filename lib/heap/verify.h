/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.h - is this file a heap container that keeps all of its format's
 * rules, words at slots and checksums of all parts included? */

#ifndef HEAP_VERIFY_H
#define HEAP_VERIFY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/findings.h"

/* Rule number I: its name and, in *SAYS, what it demands; NULL behind the
   last. */
const char *heap_verify_rule(unsigned i, const char **says);

/* Hold the container IN against the rules.  *FINDINGS is how many there were.
   False with a word in D if IN cannot be judged: no container, of a version
   that is not known, no memory. */
bool heap_verify(struct diag *d, struct arena *a, struct span in, const struct verify_options *o,
                 uint64_t *findings);

#endif
