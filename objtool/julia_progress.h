/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_progress.h - which step is under way: on a terminal one line that
 * lives, else a line as each step begins and ends.  On stderr. */

#ifndef OBJTOOL_JULIA_PROGRESS_H
#define OBJTOOL_JULIA_PROGRESS_H

#include <stdbool.h>

struct progress {
    bool quiet, live, colours;
    unsigned step, steps;
    const char *what; /* of the present step; NULL: none */
    bool shown;       /* a line that lives is on the terminal */
};

void progress_begin(struct progress *p, bool quiet, unsigned steps);
void progress_step(struct progress *p, const char *what);
/* SECONDS have passed; DETAIL may be "". */
void progress_tick(struct progress *p, double seconds, const char *detail);
/* The step is done. */
void progress_done(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Take the line that lives away: something else has to be said. */
void progress_clear(struct progress *p);

#endif
