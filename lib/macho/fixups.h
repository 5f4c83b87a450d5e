/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fixups.h - the pointers that the loader fixes in a linked Mach-O file:
 * chained fixups, and rebase and bind opcodes. */

#ifndef MACHO_FIXUPS_H
#define MACHO_FIXUPS_H

#include "macho/file.h"

enum macho_fixup_source { FIXUP_CHAIN, FIXUP_REBASE, FIXUP_BIND, FIXUP_WEAK_BIND, FIXUP_LAZY_BIND };

struct macho_fixup {
    enum macho_fixup_source source;
    uint32_t segment; /* index */
    uint64_t addr;    /* of the pointer, */
    uint8_t size;     /* and its bytes */
    bool bind;
    uint64_t target;    /* moved: the address that it holds, as the file is laid out */
    const char *symbol; /* bound: the name, */
    int ordinal;        /* the library, or one of BIND_SPECIAL_DYLIB_* */
    bool weak;          /* may be missing */
    int64_t addend;
};

/* What LC_DYLD_CHAINED_FIXUPS says of one segment. */
struct macho_chain_segment {
    bool present;
    uint32_t size;
    uint16_t page_size, format, page_count;
    uint64_t offset; /* segment_offset */
    struct span starts;
};

struct macho_chains {
    uint32_t version, starts_offset, imports_offset, symbols_offset;
    uint32_t import_count, import_format, symbols_format;
    uint32_t segment_count; /* seg_count */
    struct macho_chain_segment *segments;
    struct span imports, symbols;
};

struct macho_import {
    const char *name;
    int ordinal;
    bool weak;
    int64_t addend;
};

/* Read the headers of chained fixups. */
bool macho_chains_read(struct diag *d, struct arena *a, const struct macho_file *f,
                       struct macho_chains *out);
/* Import I, which must exist; false with a word in D if its name does not end. */
bool macho_chains_import(struct diag *d, const struct macho_file *f, const struct macho_chains *c,
                         uint32_t i, struct macho_import *out);

/* Call ONE for each pointer that is fixed; stops when it returns false, and
   returns that.  False with a word in D for anything that leads out of the
   file or does not end. */
bool macho_each_fixup(struct diag *d, struct arena *a, const struct macho_file *f,
                      bool (*one)(void *arg, const struct macho_fixup *x), void *arg);

#endif
