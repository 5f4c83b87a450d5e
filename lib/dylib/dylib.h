/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dylib.h - the phases of a link that makes a Mach-O dynamic library.
 *
 * Inputs are read and names resolved as for every format (link/link.h).  From
 * there on, in this order:
 *
 *   resolve    libraries.c provide.c     whom symbols come from, what we define
 *   scan       scan.c imports.c          what each relocation needs
 *   collect    unwind.c eh_frame.c       how functions are unwound
 *   lay out    sections.c layout.c       segments and addresses
 *   make       symtab.c exports.c opcodes.c chains.c commands.c   __LINKEDIT, header
 *   write      relocate.c write.c        the file, its hashes and its signature
 */

#ifndef DYLIB_DYLIB_H
#define DYLIB_DYLIB_H

#include "link/link.h"
#include "macho/file.h"
#include "macho/leb.h"
#include "macho/machine.h"

/* One segment command.  A large heap's segment is several of them, since a
   chain of fixups counts its pages in 16 bits. */
struct dylib_segment {
    char name[17];
    uint32_t initprot, flags;
    uint64_t addr, vmsize, offset, filesize;
    uint64_t first_out, out_count; /* in link.outs */
    uint64_t heap_from;            /* a heap's: offset in its one out */
    uint32_t first_section;        /* the number of its first section */

    /* Pointers that the loader fixes. */
    uint64_t rebases, binds;
    uint16_t *page_starts; /* chained: of the first in each page */
    uint64_t page_count;
    atomic_uint_fast64_t chained; /* how many are in chains, once written */
};

/* What is bound: a symbol, and what is added to it if the pointer itself has
   no room for that. */
struct dylib_import {
    const struct lsym *sym;
    int64_t addend;
};

/* One entry of __unwind_info to be. */
struct unwind_entry {
    struct lsec *sec; /* the function's section, and its offset there */
    uint64_t offset;
    uint64_t length;
    uint32_t encoding;
    struct lsym *personality; /* NULL: none */
    struct lsec *lsda;        /* NULL: none */
    uint64_t lsda_offset;
    uint32_t fde; /* of __eh_frame: its number from 1 on; 0: none */
};

/* A piece of __eh_frame. */
struct dylib_fde;
struct dylib_cie;

struct dylib {
    uint32_t platform, minos, sdk, current_version, compatibility_version;
    const char *install_name;
    bool chained;       /* chained fixups, not opcodes */
    bool chain_offsets; /* their targets are distances from the header */
    bool sign, init_offsets;
    bool has_weak_defs, binds_weak, has_tlv;

    struct dylib_segment *segments;
    uint32_t segment_count;
    uint32_t section_count; /* of all segments */
    struct dylib_segment *linkedit;
    uint64_t header_size;

    struct lsec *got, *stubs, *tlv, *inits, *unwind, *eh_frame; /* NULL: none */
    uint64_t init_count;
    uint64_t got_count, stub_count, tlv_count;
    uint32_t *got_order, *stub_order, *tlv_order; /* indices of link.slots, by place */
    uint64_t tls_addr;                            /* of the template of thread-local variables */

    struct dylib_import *imports;
    uint64_t import_count, import_cap;
    uint64_t wide_first; /* of those with an addend that pointers have no room for */
    int import_format;

    struct unwind_entry *entries;
    uint64_t entry_count, entry_cap;
    struct dylib_fde *fdes;
    uint64_t fde_count, fde_cap;
    struct dylib_cie *cies;
    uint64_t cie_count, cie_cap;

    /* __LINKEDIT, part by part, and where each starts in the file. */
    struct linkedit_part {
        struct buf buf;
        uint64_t offset;
    } fixups, rebase, bind, weak_bind, trie, starts, data_in_code, symbols, indirect, strings;
    uint64_t signature_offset, signature_size;
    uint32_t local_count, export_count, undefined_count;
    uint8_t *hashes; /* SHA-256 of each page of the file */
    uint64_t page_total;
    struct buf header;
    uint64_t uuid_at; /* offset in HEADER; 0: there is none */
};

/* signature.c: the hashes of the pages in the window, which starts at one. */
void dylib_hash_pages(struct link *l, uint64_t start, uint64_t size, const uint8_t *bytes);

/* ---- libraries.c ---- */
/* Give O, a library, the symbols of those that it passes on. */
bool dylib_expand_library(struct link *l, struct lobj *o);
/* The visibility of S once FROM defines it as well. */
uint8_t dylib_visibility(const struct lsym *s, const struct symbol *from);
/* Decide who sees each symbol and where missing ones come from. */
bool dylib_resolve(struct link *l);
/* S is bound by the loader: another image's, or one that may be replaced. */
bool dylib_binds(const struct lsym *s);
/* The library that S is bound to, as bind opcodes count: from 1 on, or one of
   BIND_SPECIAL_DYLIB_*. */
int dylib_ordinal(const struct link *l, const struct lsym *s);

/* ---- provide.c ---- */
bool dylib_provide(struct link *l);
void dylib_place_provided(struct link *l);

/* ---- scan.c, imports.c ---- */
/* What becomes of a pointer of eight bytes. */
enum pointer_kind { POINTER_CONSTANT, POINTER_REBASE, POINTER_BIND, POINTER_TLS, POINTER_INIT };
enum pointer_kind dylib_pointer(const struct link *l, const struct lsec *s, const struct reloc *r);
/* R of S is rewritten to need no slot. */
bool dylib_relaxes(const struct link *l, const struct lsec *s, const struct reloc *r,
                   const uint8_t *unit, uint64_t before);
bool dylib_scan(struct link *l);
bool dylib_assign_slots(struct link *l);
/* The number of the import for SYM + ADDEND, whatever of that the pointer has room for. */
uint32_t dylib_import(const struct link *l, const struct lsym *sym, int64_t addend);

/* ---- unwind.c, eh_frame.c ---- */
bool dylib_read_unwind(struct link *l);
bool dylib_size_unwind(struct link *l); /* once code has addresses */
bool dylib_fill_unwind(struct link *l);
bool dylib_read_eh_frame(struct link *l);
/* Leave out the records of functions that have compact entries. */
bool dylib_choose_fdes(struct link *l);
bool dylib_fill_eh_frame(struct link *l);
uint64_t dylib_fde_offset(const struct link *l, uint32_t fde);
/* Make an entry for each record that has none. */
bool dylib_add_dwarf_entries(struct link *l);
/* The section of O that ADDR of the object lies in, and the offset there; NULL: none. */
struct lsec *dylib_section_at(const struct lobj *o, uint64_t addr, uint64_t *offset);

/* ---- sections.c, layout.c ---- */
bool dylib_make_outs(struct link *l);
bool dylib_layout(struct link *l);
/* All addresses, of which dylib_layout() makes the rest. */
bool dylib_place(struct link *l);
/* The number of the section that ADDR, in S's section, is in: as n_sect. */
uint8_t dylib_section_number(const struct link *l, const struct lsec *s, uint64_t addr);

/* ---- relocate.c ---- */
bool dylib_relocate(struct link *l, struct diag *d, struct lsec *s, const struct window *w);
bool dylib_mark_slots(struct link *l, struct diag *d, struct lsec *s, const struct window *w);
/* S + A for R of O. */
uint64_t dylib_target(const struct link *l, const struct lobj *o, const struct reloc *r);
bool dylib_place_symbols(struct link *l);
/* Where branch R of S leads: its target, or the stub for it. */
bool dylib_branch_target(const struct link *l, const struct lsec *s, const struct reloc *r,
                         uint64_t *to);

/* ---- what __LINKEDIT is made of ---- */
bool dylib_make_imports(struct link *l);
bool dylib_size_fixups(struct link *l); /* chains.c: the blob without page starts */
bool dylib_fill_fixups(struct link *l); /* those, once all is written */
bool dylib_finish_window(struct link *l, struct diag *d, uint64_t start, uint64_t size,
                         uint8_t *bytes, const uint8_t *marks);
bool dylib_make_opcodes(struct link *l);
bool dylib_make_exports(struct link *l);
bool dylib_make_symtab(struct link *l);
bool dylib_make_starts(struct link *l);
bool dylib_make_data_in_code(struct link *l);
bool dylib_make_header(struct link *l);
uint64_t dylib_header_size(struct link *l); /* with padding, before there are addresses */
bool dylib_write(struct link *l);

#endif
