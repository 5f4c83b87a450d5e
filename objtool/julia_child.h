/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_child.h - run a program and leave nothing behind: it and all that it
 * started end with us, whatever ends us. */

#ifndef OBJTOOL_JULIA_CHILD_H
#define OBJTOOL_JULIA_CHILD_H

#include "base/arena.h"
#include "base/diag.h"

#include <signal.h>

/* Signals that would end us, held back from signals_hold() on: they are
   looked for while a child runs and wherever signals_came() is asked.  No
   handler runs, so nothing has to be global or safe in one. */
struct julia_signals {
    sigset_t held, before;
    struct sigaction child_before;
    int came; /* the first of them, 0 if none did */
};

void signals_hold(struct julia_signals *s);
/* Which signal came, 0 if none. */
int signals_came(struct julia_signals *s);
/* As before; if a signal came, be ended by it. */
void signals_release(struct julia_signals *s);

struct child {
    const char *const *argv; /* argv[0] is looked for on PATH if it has no '/' */
    const char *const *env;  /* "NAME=VALUE" on top of ours, "NAME" to unset; ended by NULL */
    const char *dir;         /* to run in; NULL: ours */
    const char *errors;      /* file of its standard error; NULL: ours */
    const char *output;      /* of its standard output; NULL: where its errors go */
    /* Called a few times a second. */
    void (*tick)(void *arg, double seconds);
    void *arg;

    /* When it has ended: */
    int status; /* as of wait(2) */
    double seconds;
    uint64_t peak; /* bytes of memory that it had at most */
};

/* Run C to its end.  False with a word in D if it could not be started or a
   signal came, which also ends the child.  How it ended is in c->status. */
bool child_run(struct diag *d, struct arena *a, struct julia_signals *s, struct child *c);

/* The status in words: "ended with exit code 1", "was killed by signal 9". */
const char *child_ending(struct arena *a, int status);

#endif
