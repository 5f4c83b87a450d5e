/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.h - is this file an ELF image that a loader, a debugger and strip
 * can rely on?
 *
 * Every breach of a rule is one finding.  Nothing of the file is trusted;
 * time and memory are bounded by its size. */

#ifndef ELF_VERIFY_H
#define ELF_VERIFY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/findings.h"

/* Rule number I: its name and, in *SAYS, what it demands; NULL behind the
   last. */
const char *verify_rule(unsigned i, const char **says);

/* Hold the file IN against the rules.  *FINDINGS is how many there were.
   False with a word in D if IN cannot be judged: not ELF, not a linked
   image, no memory. */
bool elf_verify(struct diag *d, struct arena *a, struct span in, const struct verify_options *o,
                uint64_t *findings);

#endif
