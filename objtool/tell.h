/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tell.h - how inspect and verify speak: results on stdout, all at once;
 * complaints on stderr, escaped. */

#ifndef OBJTOOL_TELL_H
#define OBJTOOL_TELL_H

#include "base/buf.h"
#include "base/diag.h"

/* A sink of diagnostics: a line on stderr. */
void tell_sink(void *arg, enum diag_kind kind, const char *text);

/* Write OUT to stdout and empty it.  Returns CODE, or the code for what went
   wrong if that is higher. */
int tell_print(struct buf *out, int code);

/* Say where help is; returns the exit code for wrong usage. */
int tell_usage(const char *command);

#endif
