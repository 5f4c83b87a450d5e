/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diag.h - errors with their place.
 *
 * A failure is one line: the file, then each part that was being worked on,
 * then what was found and what is allowed.  Functions return false on
 * failure; the text waits in the diag and, if there is a sink, has been
 * handed to it.  A diag belongs to one thread at a time. */

#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdbool.h>
#include <stdint.h>

enum status {
    OK = 0,
    E_FORMAT = -1,      /* the input breaks its format's own rules */
    E_UNSUPPORTED = -2, /* valid, but not something we handle */
    E_RANGE = -3,       /* a value does not fit its field */
    E_NOMEM = -4,
    E_SYSTEM = -5,  /* the system refused: open, read, write, map */
    E_UNKNOWN = -6, /* not a format that we know */
    E_LINK = -7,    /* sound inputs that do not link: undefined, duplicate */
    E_USAGE = -8,
};

/* What is being worked on.  Frames live on the C stack, innermost first;
   each names its part and, where there are several, which one. */
struct where {
    const struct where *up;
    const char *what; /* NULL: nothing is added */
    uint64_t index;   /* NO_INDEX if there is only one */
};
#define NO_INDEX UINT64_MAX

enum diag_kind { DIAG_ERROR, DIAG_WARNING };

struct diag {
    const struct where *where;
    enum status status; /* of the first failure; OK until then */
    uint64_t errors;    /* how many were reported */
    uint64_t warnings;
    char text[1024];    /* the first failure, with its place */
    void (*sink)(void *arg, enum diag_kind kind, const char *text); /* may be NULL */
    void *arg;
};

/* Record a failure and hand it to the sink.  Always returns false, so that
   a caller can write "return diag_fail(d, ...)".  TEXT and STATUS keep the
   first failure; later ones only reach the sink. */
bool diag_fail(struct diag *d, enum status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Hand a warning to the sink, with its place. */
void diag_warn(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Out of memory, said once. */
bool diag_nomem(struct diag *d);

/* The exit code that every command uses for STATUS (sysexits are not used:
   the codes are part of the documented interface). */
int diag_exit_code(enum status status);

#endif
