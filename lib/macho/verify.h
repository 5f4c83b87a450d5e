/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.h - is this file a Mach-O image that dyld, codesign and
 * install_name_tool can rely on?
 *
 * The rules are those that the newest system holds an image against that was
 * made with the newest SDK; older ones are laxer.  Every breach is one
 * finding.  Nothing of the file is trusted; time and memory are bounded by
 * its size. */

#ifndef MACHO_VERIFY_H
#define MACHO_VERIFY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/findings.h"

/* Rule number I: its name and, in *SAYS, what it demands; NULL behind the last. */
const char *macho_verify_rule(unsigned i, const char **says);

/* Hold the file IN, thin or universal, against the rules.  *FINDINGS is how
   many there were.  False with a word in D if IN cannot be judged: no Mach-O,
   no linked image, no memory. */
bool macho_verify(struct diag *d, struct arena *a, struct span in, const struct verify_options *o,
                  uint64_t *findings);

#endif
