/* SPDX-License-Identifier: GPL-3.0-or-later */
/* object.h - the neutral model of an object file or shared library.
 *
 * A reader fills it from untrusted bytes, and from then on every index and
 * range in it holds: symbols point at sections that exist, data lies inside
 * the file, alignments are powers of two.  Links are uint32_t indices; 0 is
 * "none", so sections[0] and symbols[0] are unused. */

#ifndef OBJ_OBJECT_H
#define OBJ_OBJECT_H

#include "base/arena.h"
#include "base/file.h"
#include "obj/reloc.h"
#include "obj/slots.h"

enum section_flag {
    SEC_ALLOC = 1 << 0,      /* has memory in the image */
    SEC_WRITE = 1 << 1,
    SEC_EXEC = 1 << 2,
    SEC_ZERO = 1 << 3,       /* no bytes in the file: all zero */
    SEC_TLS = 1 << 4,
    SEC_MERGE = 1 << 5,      /* equal entries of ENTSIZE may be shared */
    SEC_STRINGS = 1 << 6,    /* with SEC_MERGE: entries are NUL-ended strings */
    SEC_RETAIN = 1 << 7,     /* survives section collection */
    SEC_LINK_ORDER = 1 << 8, /* lives and is placed with section LINK */
    SEC_LARGE = 1 << 9,      /* may lie beyond the reach of 32-bit offsets */
    SEC_EXCLUDE = 1 << 10,   /* not wanted in an image */
    SEC_COMPRESSED = 1 << 11,
    SEC_DEBUG = 1 << 12,
};

enum section_role {
    ROLE_PLAIN,
    ROLE_NOTE,
    ROLE_INIT_ARRAY,
    ROLE_FINI_ARRAY,
    ROLE_PREINIT_ARRAY,
    ROLE_EH_FRAME,
    ROLE_PROPERTY, /* what code promises the system: merged, never copied */
    ROLE_UNWIND,   /* Mach-O's compact unwind entries: read, never copied */
    ROLE_META,     /* symbol tables, relocations, groups: the format's own */
};

struct section {
    const char *name;
    uint32_t flags;     /* enum section_flag */
    uint8_t role;       /* enum section_role */
    uint8_t align_log2;
    uint64_t addr;      /* in a linked file; 0 in a relocatable one */
    uint64_t size;
    uint64_t entsize;
    struct span data;   /* empty with SEC_ZERO */
    struct span relocs; /* the format's own records */
    uint64_t reloc_count;
    uint8_t reloc_size; /* bytes of one record */
    bool implicit;      /* the addends are in the fields */
    bool backwards;     /* the records stand in the order of falling offsets */
    uint32_t link;      /* with SEC_LINK_ORDER */
    uint32_t group;     /* the group that it belongs to, 0 for none */
    uint32_t type;      /* the format's own number */
    const struct slot_map *slots; /* of a heap's segment: its pointers into the heap; else NULL */
    uint8_t compression; /* with SEC_COMPRESSED: enum section_compression; SIZE and
                            align_log2 are those of the uncompressed contents */
};

enum section_compression { COMPRESSION_NONE, COMPRESSION_ZLIB, COMPRESSION_ZSTD };

enum symbol_binding { BIND_LOCAL, BIND_GLOBAL, BIND_WEAK, BIND_UNIQUE };
enum symbol_visibility { VIS_DEFAULT, VIS_INTERNAL, VIS_HIDDEN, VIS_PROTECTED }; /* ELF's numbers */
enum symbol_kind { KIND_NONE, KIND_OBJECT, KIND_FUNC, KIND_SECTION, KIND_FILE, KIND_TLS, KIND_IFUNC };

/* Special sections of a symbol. */
#define SECTION_UNDEF 0u
#define SECTION_ABS UINT32_MAX
#define SECTION_COMMON (UINT32_MAX - 1)       /* value is the alignment */
#define SECTION_LARGE_COMMON (UINT32_MAX - 2) /* the same, beyond 32-bit reach */

struct symbol {
    const char *name; /* never NULL */
    uint64_t value;   /* offset in its section; absolute value; alignment if common */
    uint64_t size;
    uint32_t section;
    uint8_t binding, visibility, kind;
    uint8_t other;    /* the format's further bits */
    uint16_t version; /* in a shared library: index into its versions */
    bool hidden_version; /* found only by a reference that names the version */
    uint32_t fallback;   /* COFF: undefined and weak; who stands in if nobody defines it; 0: none */
};

/* COFF: what a library has under one name, or under a number. */
struct import {
    const char *name; /* NULL: ORDINAL is all there is */
    uint16_t ordinal; /* or a hint where the name may be */
    bool data;
};

/* Sections that are kept or dropped together, one group for each name. */
struct group {
    const char *name;
    bool comdat; /* only the first group of this name is kept, */
    bool largest; /* COFF: or the one with the most bytes */
};

enum object_kind { OBJ_RELOCATABLE, OBJ_SHARED, OBJ_EXECUTABLE, OBJ_CORE };

struct format;
struct heap;

struct object {
    const char *name; /* "lib.a(member.o)": what messages call it */
    const struct format *format;
    enum object_kind kind;
    bool big, wide; /* byte order; 64-bit */
    uint32_t machine; /* the format's own number */
    const struct reloc_range *rows; /* NULL for a CPU that we only inspect */
    struct span file;

    struct section *sections;
    uint32_t section_count;
    struct symbol *symbols;
    uint32_t symbol_count;
    uint32_t first_global; /* symbols below it are local */
    const uint32_t *symbol_map; /* Mach-O, COFF: by the file's number; NULL: they are in its
                                   order, behind those of the sections */
    uint32_t symbol_rows;       /* COFF: how many numbers it has */
    struct group *groups;  /* groups[0] is unused */
    uint32_t group_count;

    bool stack_note, exec_stack; /* has an opinion on the stack; it is to be executable */
    struct span property;        /* the contents of the property note */
    bool lto_only;               /* intermediate code and nothing else */

    /* A heap: its sections lie in an address space of its own, at their ADDR.
       It belongs to no CPU. */
    const struct heap *heap;
    /* What its functions' slots hold: the address itself, or a stub's. */
    bool direct_functions;

    /* Shared libraries only. */
    const char *soname; /* NULL if it has none */
    const char **needed;
    uint32_t needed_count;
    const char **versions; /* by index; NULL holes; 0 and 1 have no name */
    uint32_t version_count;

    /* Mach-O only. */
    uint32_t platform, minos, sdk; /* as LC_BUILD_VERSION has them; PLATFORM 0: not said */
    struct span data_in_code;      /* struct data_in_code_entry of each place */
    uint32_t current_version, compatibility_version;
    const char **reexports; /* of a library: whose symbols count as its own */
    uint32_t reexport_count;

    /* COFF only. */
    struct span directives;       /* .drectve: what the compiler asks of the linker */
    const struct import *imports; /* of a library: symbols' VALUE counts them; OTHER is 1 for
                                     the pointer (__imp_X), 0 for the thing itself */
    uint32_t import_count;
    const char *import_head;      /* a GNU import: the symbol that leads to the library's name */
};

/* One relocation, whatever the format. */
struct reloc {
    uint64_t offset; /* of the field in its section */
    int64_t addend;
    uint32_t symbol; /* 0: none */
    uint32_t minus;  /* the symbol that is subtracted; 0: none */
    uint32_t number; /* the format's own */
    const struct reloc_type *type; /* NULL: not a row of ours */
};

enum { RELOC_BATCH = 256 };

/* A format: how to recognise it, and to read what it calls an object. */
struct format {
    const char *name;
    bool (*is)(struct span in);
    /* Fill OUT from IN; NAME is for messages and is kept.  What OUT points
       at lives in A or IN.  Of a file for several CPUs, the part for the one
       that OUT's machine says beforehand is read. */
    bool (*read)(struct diag *d, struct arena *a, const char *name, struct span in,
                 struct object *out);
    /* Decode relocations FIRST... of SECTION, at most MAX, into OUT.  Each is
       checked: its field lies inside the section, its symbol exists.  The
       count is returned in *GOT. */
    bool (*relocs)(struct diag *d, const struct object *o, uint32_t section, uint64_t first,
                   struct reloc *out, unsigned max, unsigned *got);
};

extern const struct format format_elf, format_heap, format_macho, format_tbd, format_coff;

/* The format whose files start as IN does, or NULL. */
const struct format *format_find(struct span in);

#endif
