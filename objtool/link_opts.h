/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_opts.h - from a command line to link_options. */

#ifndef OBJTOOL_LINK_OPTS_H
#define OBJTOOL_LINK_OPTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "link/options.h"
#include "opts.h"

/* What --push-state remembers. */
struct link_modes {
    bool retain, whole, as_needed, only_static;
};

enum link_ask { ASK_LINK, ASK_HELP, ASK_VERSION, ASK_SYSROOT, ASK_FORMAT };
enum link_colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct link_command {
    struct diag *d;
    struct arena *a;
    struct link_options options; /* the result, in A */
    enum link_ask ask;
    bool say_version; /* -v: say it, and link if there are inputs */
    bool say_targets; /* -V: and the targets */
    bool say_search;  /* --verbose: and where libraries are searched for */
    enum link_colour colour;

    /* While reading. */
    struct link_modes now, *saved;
    uint64_t saved_count, saved_cap, input_cap, defsym_cap;
    uint32_t groups; /* begun so far */
    uint64_t section_cap;
    bool in_group, shared, nostdlib;
    bool darwin;   /* ld64's options count; */
    bool mingw;    /* MinGW's do */
    bool all_load; /* -all_load */
    struct opts *args; /* for options with several values */
    const char *other_output; /* the option that asked for something else than a library */
    /* Texts: --dynamic-list and its kin, --export-dynamic-symbol and its. */
    struct buf dynamic_list, exceptions;
};

/* Read the arguments behind argv[0]; OUT's d, a, options.program and
   options.ld_rules are set by the caller.  False after a failure. */
bool link_read_command(struct link_command *c, int argc, char **argv);
void link_command_free(struct link_command *c);

/* ---- parts of the reader ---- */

/* Do what ROW says with VALUE; SPELT is the option as given. */
bool link_apply(struct link_command *c, const struct opt_row *row, const char *value,
                const char *spelt);
bool link_read_z(struct link_command *c, const char *keyword);
/* All of TEXT as a number, in any of C's bases; WHAT is for the message. */
bool link_read_number(struct link_command *c, const char *what, const char *text, uint64_t *out);
bool link_add_string(struct link_command *c, struct strings *list, const char *s);
bool link_add_input(struct link_command *c, const char *name, bool library);

/* link_files.c: options whose values are texts or files of names. */
bool link_read_version_script(struct link_command *c, const char *path);
bool link_add_dynamic_list(struct link_command *c, struct buf *list, const char *path);
bool link_add_export(struct link_command *c, const char *value);
bool link_finish_lists(struct link_command *c);

/* link_target.c */
bool link_set_target(struct link_command *c, const char *triple);
bool link_set_emulation(struct link_command *c, const char *name);
bool link_set_format(struct link_command *c, const char *name);
/* BFD's name of the target. */
const char *link_format_name(const struct link_command *c);
/* Add the directories that ld searches after those of -L. */
bool link_add_search_dirs(struct link_command *c);

#endif
