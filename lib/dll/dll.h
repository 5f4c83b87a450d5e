/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dll.h - the phases of a link that makes a PE dynamic library.
 *
 * Inputs are read and names resolved as for every format (link/link.h), with
 * libraries.c, directives.c and def.c for what only PE has.  From there on:
 *
 *   resolve    resolve.c exported.c     who stands in for whom, what is exported
 *   scan       scan.c                   what each relocation needs
 *   lay out    sections.c layout.c      sections and addresses
 *   make       imports.c exports.c resources.c basereloc.c pdata.c headers.c   the tables
 *   write      relocate.c write.c       the file; implib.c: the import library
 */

#ifndef DLL_DLL_H
#define DLL_DLL_H

#include "coff/machine.h"
#include "link/link.h"

struct item;

/* One slot of the import address table, or a pointer somewhere else that the
   loader fills the same way. */
struct dll_import {
    struct lobj *from;   /* the library */
    uint32_t import;     /* of it */
    uint32_t stub;       /* number + 1 of the jump through the slot; 0: none */
    struct lsec *place;  /* the pointer is here, not in the table; NULL: it is in the table */
    uint64_t offset;     /* in PLACE */
    uint64_t address, lookup; /* RVAs of the slot and of its row in the lookup table */
};

struct dll_export {
    const char *name;      /* NULL: by number only */
    const struct lsym *sym;
    const char *forward;   /* "DLL.name", then there is no SYM */
    uint32_t ordinal;      /* 0: not chosen yet */
    bool data, private;    /* for import libraries: is data; is not in them */
};

/* What a .def file says. */
struct def_export {
    const char *name, *internal, *forward;
    uint32_t ordinal;
    bool noname, data, private;
};
struct def_file {
    const char *library; /* NULL: it does not say */
    struct def_export *exports;
    uint64_t count, cap;
    bool has_base;
    uint64_t base;
};

struct dll {
    const char *name; /* as importers call it */
    struct lsym *entry;
    struct strings asked, hidden; /* exports and exclusions by .drectve: "name" or "name,data" */
    struct strings alternates;    /* /alternatename: pairs, name and stand-in */
    size_t asked_cap, hidden_cap, alternate_cap;
    struct def_file **defs;
    uint64_t def_count, def_cap;
    const char *(*dll_names)[2];  /* GNU import libraries: head symbol, name */
    uint64_t dll_name_count, dll_name_cap;

    struct lsym **pointers;     /* __imp_X of what is defined here */
    uint64_t pointer_count, pointer_cap;
    struct lsec *pointer_table;
    struct dll_import *imports; /* in the order of need; imports.c sorts them by library */
    uint64_t import_count, import_cap;
    uint32_t stub_count;
    uint32_t library_count; /* descriptors */
    struct dll_export *exports;
    uint64_t export_count, export_cap;
    uint32_t ordinal_base, ordinal_end;

    struct dll_pseudo { const struct lsym *sym; struct lsec *sec; uint64_t offset; } *pseudos;
    uint64_t pseudo_count, pseudo_cap;
    struct lsec *pseudo;
    struct lsec *stubs, *iat, *idata, *edata, *tls_dir, *tls_index; /* NULL: none */
    struct lsec *resources;     /* the tree; NULL: none */
    uint64_t resource_entries, resource_count; /* where its data entries begin */
    struct lsec *ctors, *dtors; /* the words in front of and behind the lists */
    struct out *pdata, *tls;
    struct buf relocs;          /* .reloc */
    struct lsec *reloc;
    bool any_reloc;
    struct lsym *tls_used;
    uint64_t headers_size, image_size;
    struct buf header;
    struct span symbols;        /* behind the last section, */
    uint64_t symbols_at;
    struct span strings;        /* and behind them: names of over 8 bytes */
    atomic_uint_fast64_t sum;   /* of the 16-bit words written so far, for the CheckSum */
    bool sorting;               /* .pdata is being put together */
};

/* ---- libraries.c, directives.c, def.c: while inputs are read ---- */
/* L's state, made when it is first asked for; NULL after a failure. */
struct dll *dll_state(struct link *l);
/* O of ITEM: a member of an import library, or a DLL. */
bool dll_add_library(struct link *l, struct item *item, struct lobj *o);
/* What the compiler asks for in O. */
bool dll_read_directives(struct link *l, struct lobj *o);
bool dll_is_def(const char *path);
bool dll_add_def(struct link *l, const struct file *f);
/* Parse TEXT; lives in A. */
/* start.c, after all inputs: the code that calls constructors, if nobody else does. */
bool dll_add_start(struct link *l);
bool def_read(struct diag *d, struct arena *a, struct span text, struct def_file *out);
bool dll_add_string(struct link *l, struct strings *list, size_t *cap, const char *text);

/* ---- resolve.c, exported.c ---- */
/* S comes from another image, or from nobody. */
bool dll_binds(const struct lsym *s);
/* Which of its library's imports S is, and whether it is the pointer to it. */
static inline uint32_t dll_import_of(const struct lsym *s) { return (uint32_t)lsym_symbol(s)->value; }
static inline bool dll_is_pointer(const struct lsym *s) { return lsym_symbol(s)->other; }
bool dll_resolve(struct link *l);
bool dll_choose_exports(struct link *l);
/* NAME is one that the linker defines: no archive is searched for it, although
   libgcc has an empty list of constructors. */
bool dll_provides(const char *name);
void dll_place_provided(struct link *l);

/* ---- scan.c ---- */
/* What the target of a relocation is. */
enum dll_target {
    TARGET_HERE,     /* in this image */
    TARGET_CONSTANT, /* the same wherever that is */
    TARGET_POINTER,  /* the slot that the loader fills */
    TARGET_STUB,     /* a jump through it */
    TARGET_AUTO,     /* another image's data: the loader fills this very place */
    TARGET_PSEUDO,   /* the same, but MinGW's start-up code has to */
};
enum dll_target dll_target_of(const struct link *l, const struct lsec *s, const struct reloc *r);
bool dll_scan(struct link *l);
/* R of S, with this target, is an address that moves with the image. */
static inline bool dll_moves(const struct reloc *r, enum dll_target target)
{
    return reloc_is_word(r->type) && target != TARGET_CONSTANT && target != TARGET_AUTO;
}

/* ---- imports.c, exports.c, resources.c, tls.c ---- */
/* The import that S needs, from then on. */
struct dll_import *dll_need_import(struct link *l, const struct lsym *s);
/* The loader is to write the address of S at OFFSET of SEC. */
/* MinGW's start-up code is to add what the loader wrote for S at OFFSET of SEC. */
bool dll_need_pseudo(struct link *l, const struct lsym *s, struct lsec *sec, uint64_t offset);
bool dll_need_place(struct link *l, const struct lsym *s, struct lsec *sec, uint64_t offset);
bool dll_make_imports(struct link *l);
bool dll_fill_imports(struct link *l);
uint64_t dll_slot_address(const struct link *l, const struct lsym *s);
uint64_t dll_stub_address(const struct link *l, const struct lsym *s);
bool dll_make_exports(struct link *l);
bool dll_fill_exports(struct link *l);
bool dll_make_resources(struct link *l);
void dll_fill_resources(struct link *l);
bool dll_make_tls(struct link *l);
bool dll_fill_tls(struct link *l);

/* ---- sections.c, layout.c ---- */
bool dll_make_outs(struct link *l);
bool dll_layout(struct link *l);
/* The number of O in the section table, from 1 on. */
uint32_t dll_section_number(const struct link *l, const struct out *o);
static inline uint32_t dll_rva(const struct link *l, uint64_t addr)
{
    return (uint32_t)(addr - l->image_base);
}
static inline uint64_t dll_lsec_rva(const struct link *l, const struct lsec *s)
{
    return lsec_addr(s) - l->image_base;
}

/* ---- basereloc.c, pdata.c, relocate.c, headers.c, symtab.c, write.c, implib.c ---- */
bool dll_make_relocs(struct link *l); /* once everything but .reloc has an address */
bool dll_sort_pdata(struct link *l);
bool dll_relocate(struct link *l, struct diag *d, struct lsec *s, const struct window *w);
bool dll_place_symbols(struct link *l);
/* Where branch R of S leads; false if it is nowhere. */
bool dll_branch_target(const struct link *l, const struct lsec *s, const struct reloc *r,
                       uint64_t *to);
bool dll_make_header(struct link *l);
/* Names go to STRINGS. */
bool dll_make_symtab(struct link *l, struct buf *strings);
bool dll_finish_window(struct link *l, struct diag *d, uint64_t start, uint64_t size,
                       uint8_t *bytes, const uint8_t *marks);
/* The sum of SIZE bytes as 16-bit words. */
uint64_t dll_sum(const uint8_t *bytes, uint64_t size);
bool dll_write(struct link *l);
/* --out-implib, --output-def */
bool dll_write_implib(struct link *l);
bool dll_write_def(struct link *l);

#endif
