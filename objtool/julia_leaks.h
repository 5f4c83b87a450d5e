/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_leaks.h - text in a file that tells where, by whom and in what
 * environment it was made.
 *
 * Looks at bytes and knows of no format.  What it finds are guesses by the
 * look of a text; that a path is in the file is sure, that it tells something
 * is for people to say. */

#ifndef OBJTOOL_JULIA_LEAKS_H
#define OBJTOOL_JULIA_LEAKS_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"

enum leak_kind {
    LEAK_HOME,     /* a path below a user's directory */
    LEAK_USER,     /* the name of that user */
    LEAK_TEMP,     /* a path where temporaries go */
    LEAK_PATH,     /* any other absolute path, */
    LEAK_SYSTEM,   /* but those that every system has */
    LEAK_VARIABLE, /* NAME=VALUE, as in an environment */
    LEAK_VALUE,    /* the value of a variable of this environment */
    LEAK_WANTED,   /* what one was told to look for */
    LEAK_KINDS
};

enum { LEAK_PLACES = 4 };

/* One text, and where it is. */
struct leak {
    enum leak_kind kind;
    struct span text;
    uint64_t count;              /* how often */
    uint64_t place[LEAK_PLACES]; /* offsets of the first of them */
    const char *why;             /* LEAK_VALUE: the variable's name; else NULL */
};

struct leaks {
    struct diag *d;
    struct arena *a;
    bool system;                /* LEAK_SYSTEM, too */
    const struct leaks *except; /* texts that are there are left out; may be NULL */

    struct leak *all;
    uint64_t count, cap;
    uint64_t *table; /* numbers from 1, by hash, in A */
    uint64_t table_size;
};

/* Add what is in IN, which is at offset AT of its file.  False without memory. */
bool leaks_scan(struct leaks *l, struct span in, uint64_t at);
/* Add the places of TEXT; with WORD only where no letter or digit is on
   either side. */
bool leaks_look_for(struct leaks *l, struct span in, uint64_t at, enum leak_kind kind,
                    const char *text, bool word, const char *why);

/* "home"; "paths below a user's directory". */
const char *leak_key(enum leak_kind kind);
const char *leak_name(enum leak_kind kind);

/* The part of a path that most have in common: its first two names. */
struct span leak_root(const struct leak *l);

#endif
