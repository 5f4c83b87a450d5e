/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_coff.h - what the files that inspect COFF and PE share. */

#ifndef OBJTOOL_INSPECT_COFF_H
#define OBJTOOL_INSPECT_COFF_H

#include "coff/file.h"
#include "inspect.h"

struct coff_inspect {
    struct diag *d;
    struct report *r;
    struct arena *a;
    unsigned parts;
    const char *name;
    struct coff_file f;
};

/* inspect_coff_lists.c: the parts that are lists. */
bool coff_lists(struct coff_inspect *i);

#endif
