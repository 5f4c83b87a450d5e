/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_statements.h - precompile statements, as julia --trace-compile writes
 * them: one a line, some of which Julia cannot read back. */

#ifndef OBJTOOL_JULIA_STATEMENTS_H
#define OBJTOOL_JULIA_STATEMENTS_H

#include "base/buf.h"
#include "base/diag.h"

struct statements {
    bool drop_generated; /* leave out those with names that Julia made up */

    struct buf text;   /* those that are kept, a line each */
    struct buf starts; /* where each begins in TEXT; 8 bytes each */
    uint64_t *table;   /* of numbers, from 1, by hash; TABLE_SIZE entries */
    uint64_t table_size;

    uint64_t kept, mended, doubles, generated;
    uint64_t strange; /* lines that are no statement */
};

/* Take the lines of IN, which is called NAME; what is no statement is told in
   warnings, the first few of them with their line.  False without memory. */
bool statements_add(struct diag *d, struct statements *s, const char *name, struct span in);
void statements_free(struct statements *s);

/* Append the LEN bytes at LINE so that Julia can read them.  True if that
   took a change. */
bool statement_mend(struct buf *out, const char *line, size_t len);

/* There is a name in it that Julia made up: one that begins with '#'. */
bool statement_is_generated(const char *line, size_t len);

#endif
