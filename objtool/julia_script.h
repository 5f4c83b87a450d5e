/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_script.h - the script that julia --output-o runs: what it does is what
 * the image holds. */

#ifndef OBJTOOL_JULIA_SCRIPT_H
#define OBJTOOL_JULIA_SCRIPT_H

#include "base/buf.h"

/* The environment variable that names the file for the script's report: a
   line "of COUNT", then for each statement a line "NUMBER compiled",
   "NUMBER unknown" (no method has these types) or "NUMBER failed REASON",
   with a tab and the statement behind it. */
#define JULIA_REPORT_VARIABLE "OBJTOOL_JULIA_REPORT"

struct julia_script {
    const char *const *packages; /* each as julia_is_name() wants it */
    uint64_t package_count;
    const char *statements; /* path of the file, NULL: none */
    bool import;            /* Main sees the packages without "using" */
};

void julia_script_write(struct buf *out, const struct julia_script *s);

/* S is one name in Julia, and so can be a package's. */
bool julia_is_name(const char *s);

/* Append S as a string literal. */
void julia_quote(struct buf *out, const char *s);

#endif
