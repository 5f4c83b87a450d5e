/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_macho.h - what the files that inspect Mach-O share. */

#ifndef OBJTOOL_INSPECT_MACHO_H
#define OBJTOOL_INSPECT_MACHO_H

#include "inspect.h"
#include "macho/fixups.h"

/* A Mach-O file under inspection. */
struct macho_inspect {
    struct diag *d;
    struct report *r;
    struct arena *a;
    unsigned parts;
    const char *name;
    struct macho_file f;
};

/* The name of a number, or the number in TEXT. */
const char *macho_name_or(const char *name, uint64_t number, char text[24]);
/* The tree of exported names, wherever it is. */
struct span macho_exports(const struct macho_file *f);
/* inspect_macho_lists.c: the parts that are lists. */
bool macho_lists(struct macho_inspect *i);

#endif
