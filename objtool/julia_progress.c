/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_progress.c - lines of progress. */

#include "julia_progress.h"

#include "term.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void progress_begin(struct progress *p, bool quiet, unsigned steps)
{
    const char *kind = getenv("TERM");

    *p = (struct progress){.quiet = quiet, .steps = steps};
    p->live = !quiet && isatty(STDERR_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
    p->colours = term_colours(STDERR_FILENO);
}

/* "[2/5] what", without an end of line. */
static void head(struct progress *p)
{
    struct buf line = {0};

    if (p->steps > 1)
        buf_printf(&line, "[%u/%u] ", p->step, p->steps);
    term_tint(&line, p->colours, TINT_HEAD, p->what);
    buf_bytes(&line, "", 1);
    fputs(line.bad ? p->what : (const char *)line.at, stderr);
    buf_free(&line);
}

void progress_clear(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}

void progress_step(struct progress *p, const char *what)
{
    p->step++;
    p->what = what;
    if (p->quiet || p->live) {
        progress_tick(p, 0, "");
        return;
    }
    head(p);
    fputs(" ...\n", stderr);
}

void progress_tick(struct progress *p, double seconds, const char *detail)
{
    if (!p->live || !p->what)
        return;
    progress_clear(p);
    head(p);
    if (seconds >= 1)
        fprintf(stderr, " %.0f s", seconds);
    if (*detail)
        fprintf(stderr, ", %s", detail);
    fflush(stderr);
    p->shown = true;
}

void progress_done(struct progress *p, const char *fmt, ...)
{
    va_list args;

    progress_clear(p);
    if (!p->quiet) {
        head(p);
        fputs(": ", stderr);
        va_start(args, fmt);
        vfprintf(stderr, fmt, args);
        va_end(args);
        fputc('\n', stderr);
    }
    p->what = NULL;
}
