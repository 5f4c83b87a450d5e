/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_rules.h - what the files of Mach-O's rules share.  A rule is a
 * function that calls macho_found() for each finding. */

#ifndef MACHO_VERIFY_RULES_H
#define MACHO_VERIFY_RULES_H

#include "base/findings.h"
#include "macho/file.h"

#include <inttypes.h>

struct macho_verify {
    struct diag *d;
    struct arena *a;
    struct macho_file f;
    struct findings *found;
    bool nomem;
};

typedef void macho_check(struct macho_verify *v);

#define macho_found(V, ...) ((void)diag_fail((V)->d, E_FORMAT, __VA_ARGS__))

static inline bool macho_go_on(const struct macho_verify *v) { return findings_go_on(v->found); }

/* ADDR lies in a segment, in one that may run. */
bool macho_is_mapped(const struct macho_file *f, uint64_t addr);
bool macho_is_code(const struct macho_file *f, uint64_t addr);
/* The address of the header. */
uint64_t macho_base(const struct macho_file *f);

/* verify_layout.c */
macho_check macho_verify_commands, macho_verify_once, macho_verify_order, macho_verify_size;
macho_check macho_verify_align, macho_verify_rights, macho_verify_names, macho_verify_sections;
macho_check macho_verify_linkedit, macho_verify_libraries, macho_verify_identity;
/* verify_linkedit.c */
macho_check macho_verify_signature, macho_verify_fixups, macho_verify_exports;
macho_check macho_verify_symtab, macho_verify_indirect, macho_verify_starts, macho_verify_data;
/* verify_contents.c */
macho_check macho_verify_unwind, macho_verify_tlv, macho_verify_inits, macho_verify_heaps;

#endif
