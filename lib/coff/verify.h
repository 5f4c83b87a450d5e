/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.h - is this file a PE image that Windows loads?
 *
 * Wine takes much that Windows refuses; the rules are those of Microsoft's
 * specification and of what Windows' loader was seen to insist on.  Every
 * breach is one finding.  Nothing of the file is trusted; time and memory are
 * bounded by its size. */

#ifndef COFF_VERIFY_H
#define COFF_VERIFY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/findings.h"

/* Rule number I: its name and, in *SAYS, what it demands; NULL behind the last. */
const char *coff_verify_rule(unsigned i, const char **says);

/* Hold the image IN against the rules.  *FINDINGS is how many there were.  False
   with a word in D if IN cannot be judged: no 64-bit PE image, no memory. */
bool coff_verify(struct diag *d, struct arena *a, struct span in, const struct verify_options *o,
                 uint64_t *findings);

#endif
