/* SPDX-License-Identifier: GPL-3.0-or-later */
/* darwin.h - Mach-O targets on the command line of objtool link. */

#ifndef OBJTOOL_DARWIN_H
#define OBJTOOL_DARWIN_H

#include "link_opts.h"

/* What DOES_DARWIN rows do. */
/* clang-format off */
enum darwin_option {
    DARWIN_DYLIB, DARWIN_ARCH, DARWIN_PLATFORM, DARWIN_MIN, DARWIN_SDK, DARWIN_FINAL,
    DARWIN_CURRENT, DARWIN_COMPAT, DARWIN_ALL_LOAD, DARWIN_FORCE_LOAD, DARWIN_HIDDEN,
    DARWIN_HIDDEN_L, DARWIN_WEAK, DARWIN_WEAK_L, DARWIN_WEAK_FRAMEWORK, DARWIN_REEXPORT,
    DARWIN_REEXPORT_L, DARWIN_REEXPORT_FRAMEWORK, DARWIN_UPWARD, DARWIN_UPWARD_L, DARWIN_NEEDED,
    DARWIN_NEEDED_L, DARWIN_FRAMEWORK, DARWIN_NO_DIRS, DARWIN_FILELIST, DARWIN_EXPORT,
    DARWIN_EXPORT_LIST, DARWIN_UNEXPORT, DARWIN_UNEXPORT_LIST, DARWIN_UNDEFINED, DARWIN_ALIAS,
    DARWIN_HEADERPAD, DARWIN_SECTCREATE, DARWIN_BASE, DARWIN_FLAVOR,
};
/* clang-format on */

extern const struct opt_row darwin_rows[];
extern const size_t darwin_row_count;

/* The arguments ask for a Mach-O image by ld64's options or by --target, or
   PROGRAM's name does.  In *LD64 whether they do so as one calls ld64. */
bool darwin_wanted(const char *program, int argc, char **argv, bool *ld64);
bool darwin_apply(struct link_command *c, const struct opt_row *row, const char *value,
                  const char *spelt);
/* --target=CPU-apple-macosVERSION: true if TRIPLE is one; false with a word in
   C's diag if it is of Apple's and not supported, without if it is not Apple's. */
bool darwin_set_target(struct link_command *c, const char *triple);
/* Where libraries are searched for, once all options are read. */
bool darwin_finish(struct link_command *c);

#endif
