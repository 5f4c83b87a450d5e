/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diag.c - format a failure with its place. */

#include "diag.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Print the frames from the outermost in; returns the length so far. */
static size_t print_where(const struct where *w, char *text, size_t size)
{
    size_t n = 0;

    if (!w)
        return 0;
    n = print_where(w->up, text, size);
    if (n >= size || !w->what)
        return n;
    if (w->index == NO_INDEX)
        n += (size_t)snprintf(text + n, size - n, "%s: ", w->what);
    else
        n += (size_t)snprintf(text + n, size - n, "%s %" PRIu64 ": ", w->what, w->index);
    return n;
}

static void report(struct diag *d, enum diag_kind kind, const char *fmt, va_list ap)
{
    char text[sizeof d->text];
    size_t n = print_where(d->where, text, sizeof text);

    if (n < sizeof text)
        vsnprintf(text + n, sizeof text - n, fmt, ap);
    d->warnings += kind == DIAG_WARNING;
    if (kind == DIAG_ERROR && d->errors++ == 0)
        snprintf(d->text, sizeof d->text, "%s", text);
    if (d->sink)
        d->sink(d->arg, kind, text);
}

bool diag_fail(struct diag *d, enum status status, const char *fmt, ...)
{
    va_list ap;

    if (d->status == OK)
        d->status = status;
    va_start(ap, fmt);
    report(d, DIAG_ERROR, fmt, ap);
    va_end(ap);
    return false;
}

void diag_warn(struct diag *d, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report(d, DIAG_WARNING, fmt, ap);
    va_end(ap);
}

bool diag_nomem(struct diag *d)
{
    return d->status != E_NOMEM && diag_fail(d, E_NOMEM, "out of memory");
}

int diag_exit_code(enum status status)
{
    switch (status) {
    case OK:
        return 0;
    case E_LINK:
    case E_RANGE:
        return 1;
    case E_USAGE:
        return 2;
    case E_SYSTEM:
        return 3;
    case E_UNKNOWN:
        return 4;
    case E_FORMAT:
        return 5;
    case E_UNSUPPORTED:
        return 6;
    case E_NOMEM:
        return 7;
    }
    return 70;
}
