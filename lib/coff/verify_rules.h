/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_rules.h - what the files of PE's rules share.  A rule is a function that
 * calls coff_found() for each finding. */

#ifndef COFF_VERIFY_RULES_H
#define COFF_VERIFY_RULES_H

#include "base/findings.h"
#include "coff/file.h"

#include <inttypes.h>

struct coff_verify {
    struct diag *d;
    struct arena *a;
    struct coff_file f;
    struct findings *found;
    bool nomem;
};

typedef void coff_check(struct coff_verify *v);

#define coff_found(V, ...) ((void)diag_fail((V)->d, E_FORMAT, __VA_ARGS__))

static inline bool coff_go_on(const struct coff_verify *v) { return findings_go_on(v->found); }

/* RVA lies in a section that may run; in any section. */
bool coff_is_code(const struct coff_file *f, uint64_t rva);
/* ADDR is a pointer into the image. */
bool coff_is_inside(const struct coff_file *f, uint64_t addr);

/* verify_headers.c */
coff_check coff_verify_headers, coff_verify_flags, coff_verify_align, coff_verify_size;
coff_check coff_verify_sections, coff_verify_raw, coff_verify_rights, coff_verify_entry;
coff_check coff_verify_directories, coff_verify_checksum, coff_verify_names;
/* verify_tables.c */
coff_check coff_verify_exports, coff_verify_imports, coff_verify_relocs, coff_verify_exceptions;
coff_check coff_verify_tls, coff_verify_load_config, coff_verify_resources, coff_verify_heaps;

#endif
