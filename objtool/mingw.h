/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mingw.h - PE targets on the command line of objtool link. */

#ifndef OBJTOOL_MINGW_H
#define OBJTOOL_MINGW_H

#include "link_opts.h"

/* What DOES_MINGW rows do. */
enum mingw_option { MINGW_EXCLUDE_SYMBOLS, MINGW_SUBSYSTEM, MINGW_ALIGN };

extern const struct opt_row mingw_rows[];
extern const size_t mingw_row_count;

/* The arguments ask for a PE image, by --target or -m. */
bool mingw_wanted(int argc, char **argv);
bool mingw_apply(struct link_command *c, const struct opt_row *row, const char *value,
                 const char *spelt);
/* --target=CPU-w64-mingw32, CPU-windows-gnu: true if TRIPLE is one. */
bool mingw_set_target(struct link_command *c, const char *triple);
/* -m i386pep, arm64pe. */
bool mingw_set_emulation(struct link_command *c, const char *name);
/* Where MinGW's libraries are. */
bool mingw_add_search_dirs(struct link_command *c);

#endif
