/* SPDX-License-Identifier: GPL-3.0-or-later */
/* opts.h - command lines in ld's manner, read by a table: one row for each
 * option, and help made from the same rows. */

#ifndef OBJTOOL_OPTS_H
#define OBJTOOL_OPTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"

struct opt_row {
    /* Without dashes, parted by '|': "L|library-path".  A name that ends in
       '*' stands for all that begin so.  NULL: a heading; HELP is its text. */
    const char *names;
    const char *value; /* "DIR"; "[N]" may be left out; NULL: takes none */
    uint8_t does;      /* the rest is for whoever owns the table */
    uint16_t at;
    int to;
    const char *help; /* what it does, or why it does nothing */
};

struct opts {
    struct diag *d;
    const struct opt_row *rows;
    size_t count;
    int argc;
    char **argv;
    int next;   /* index of the next argument */
    bool ended; /* "--" was seen */
    bool long_o; /* with one dash, a long option may begin with 'o' */
};

/* One argument: an option with its row, or (ROW NULL) a plain one in VALUE.
   SPELT is the option as it was given, for messages. */
struct opt {
    const struct opt_row *row;
    const char *value; /* NULL if it has none */
    const char *spelt;
};

/* Take the next argument into *OUT.  Long options have one or two dashes
   (two if they begin with 'o', so that -oFILE works) and a value behind '='
   or in the next argument; of one letter, the value follows at once or is the
   next argument.  False for what is no option or lacks its value. */
bool opts_next(struct opts *o, struct opt *out);
static inline bool opts_more(const struct opts *o) { return o->next < o->argc; }

/* Call SEEN for each name of ROW, with its dashes, until it returns false. */
bool opt_names(const struct opt_row *row, bool (*seen)(void *arg, const char *name), void *arg);

/* Append "  -L DIR, --library-path=DIR" and the help behind it. */
void opt_help(struct buf *out, const struct opt_row *row);
/* Append TEXT in lines that start at column INDENT; the first one begins
   where the line that started at offset START has come to. */
void opt_wrap(struct buf *out, uint64_t start, unsigned indent, const char *text);

#endif
