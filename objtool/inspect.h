/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect.h - what the files of "objtool inspect" share. */

#ifndef OBJTOOL_INSPECT_H
#define OBJTOOL_INSPECT_H

#include "elf/dynamic.h"
#include "obj/archive.h"
#include "report.h"

/* What to show.  None of the lists asks for the summary. */
enum inspect_part {
    PART_SEGMENTS = 1 << 0,
    PART_SECTIONS = 1 << 1,
    PART_SYMBOLS = 1 << 2,
    PART_RELOCS = 1 << 3,
    PART_EXPORTS = 1 << 4,
    PART_IMPORTS = 1 << 5,
    PART_MEMBERS = 1 << 6,
    PART_ROOTS = 1 << 7,
    PART_HISTOGRAM = 1 << 8,
    PART_TREE = 1 << 9,
    PART_SOURCES = 1 << 10,
    PART_FUNCTIONS = 1 << 11,
    PART_AUDIT = 1 << 12,
    PART_ALL = (1 << 13) - 1,
};

/* Tell about the file IN in R.  The tree of references is that of root
   TREE_ROOT (NULL: of all).  False with a word in D if it cannot be: not known,
   malformed, no such root, no memory. */
bool inspect_span(struct diag *d, struct report *r, unsigned parts, const char *tree_root,
                  const char *name, struct span in);

/* An ELF file under inspection. */
struct inspect {
    struct diag *d;
    struct report *r;
    struct arena *a;
    unsigned parts;
    const char *tree_root; /* as in inspect_span() */
    const char *name;
    struct elf_file f;
    struct elf_image m;
    struct elf_versions versions;
    uint32_t symtab, dynsym; /* sections; 0 if there are none */
    uint64_t name_budget;    /* as in struct elf_image, for .symtab */
};

/* Relocations by type.  Types from RELOC_TYPES on are counted together: no
   CPU has so many. */
enum { RELOC_TYPES = 2048 };
struct reloc_counts {
    uint64_t total, other;
    uint64_t by_type[RELOC_TYPES];
};

/* What a file, or the members of an archive together, consist of. */
struct totals {
    uint32_t machine; /* NO_MACHINE before the first file, MANY_MACHINES if they differ */
    uint64_t sections, code, rodata, data, zero, debug, other;
    uint64_t symbols, functions, objects, tls, undefined, common, weak, local;
    uint64_t groups, lto_sections;
    struct reloc_counts relocs;
};
#define NO_MACHINE UINT32_MAX
#define MANY_MACHINES (UINT32_MAX - 1)

/* inspect_elf.c */
bool inspect_open(struct inspect *i, struct span in);
bool inspect_elf(struct inspect *i);
/* inspect_totals.c */
void totals_add(struct totals *t, const struct inspect *i);
void totals_report(struct report *r, const struct totals *t);
void totals_relocs(struct report *r, const char *key, const char *label, uint32_t machine,
                   const struct reloc_counts *c);
/* The name of a relocation type of MACHINE, or "type N" in TEXT. */
const char *reloc_type_name(uint32_t machine, uint32_t type, char text[24]);
void reloc_count(struct reloc_counts *c, uint32_t type);

/* inspect_lists.c: the parts that are lists. */
void inspect_lists(struct inspect *i);
/* Symbol tables: entry N of section SECTION, and its name ("" if there is
   none that can be read). */
uint64_t symtab_count(const struct inspect *i, uint32_t section);
struct elf_sym symtab_get(const struct inspect *i, uint32_t section, uint64_t n);
const char *symtab_name(struct inspect *i, uint32_t section, const struct elf_sym *s);

/* inspect_note.c */
void inspect_notes(struct inspect *i);
/* inspect_archive.c */
bool inspect_archive(struct diag *d, struct report *r, struct arena *a, unsigned parts,
                     const char *name, struct span in);

/* inspect_macho.c: Mach-O files, and universal ones. */
bool inspect_macho(struct diag *d, struct report *r, struct arena *a, unsigned parts,
                   const char *name, struct span in);

/* inspect_coff.c: COFF objects and imports, PE images. */
bool inspect_coff(struct diag *d, struct report *r, struct arena *a, unsigned parts,
                  const char *name, struct span in);

/* inspect_heap.c */
bool inspect_container(struct diag *d, struct report *r, struct arena *a, unsigned parts,
                       const char *tree_root, const char *name, struct span in);

/* inspect_image.c */
bool inspect_heaps(struct inspect *i);

/* inspect_julia.c: symbols that Julia may look up, of one file or of the
   members of an archive. */
struct julia_symbols {
    struct julia_symbol_at *all;
    uint64_t count, cap;
    bool big, wide;
    uint32_t machine;
};
bool julia_collect(struct julia_symbols *s, struct inspect *i);
/* The heap, and the file's bytes from its first on.  False if there is none, or
   one that is not decoded. */
struct julia_heap;
bool julia_heap_of(struct arena *a, const struct julia_symbols *s, struct julia_heap *out,
                   struct span *bytes);
/* Tell about the sysimage, if it is one. */
bool inspect_julia(struct diag *d, struct report *r, struct arena *a,
                   const struct julia_symbols *s);

#endif
