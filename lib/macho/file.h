/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.h - header and load commands of a Mach-O file, of either size and byte
 * order, checked: every range in them lies inside the file. */

#ifndef MACHO_FILE_H
#define MACHO_FILE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"
#include "macho/macho.h"

struct macho_command {
    uint32_t cmd;
    uint64_t offset;  /* in the file */
    struct span data; /* all of it, with cmd and cmdsize */
};

struct macho_segment {
    char name[17];
    uint64_t vmaddr, vmsize, fileoff, filesize;
    uint32_t maxprot, initprot, flags;
    uint32_t first_section, section_count; /* in macho_file.sections */
    uint32_t command;                      /* index */
    struct span data;
};

struct macho_section {
    char segment[17], name[17];
    const char *full; /* "segment,name" */
    uint64_t addr, size;
    uint32_t offset, align_log2, reloff, nreloc, flags, reserved1, reserved2;
    struct span data;   /* empty if it is zero-filled */
    struct span relocs; /* of MH_OBJECT; NRELOC records */
};

/* A part of __LINKEDIT that a command leads to. */
struct macho_blob {
    bool present;
    uint32_t offset;
    struct span data;
};

struct macho_library {
    uint32_t cmd;
    const char *name;
    uint32_t timestamp, current, compatibility;
};

struct macho_file {
    struct span in;
    bool big, wide;
    uint32_t cputype, cpusubtype, filetype, flags;
    uint32_t commands_size;
    struct macho_command *commands;
    uint32_t command_count;
    struct macho_segment *segments;
    uint32_t segment_count;
    struct macho_section *sections; /* all segments', in order; number 1 is [0] */
    uint32_t section_count;

    /* LC_SYMTAB and LC_DYSYMTAB. */
    bool has_symtab, has_dysymtab;
    struct span symbols; /* nsyms entries */
    uint32_t symoff, nsyms, stroff;
    struct span strings;
    uint32_t ilocalsym, nlocalsym, iextdefsym, nextdefsym, iundefsym, nundefsym;
    struct macho_blob indirect; /* 4 bytes each */

    /* LC_DYLD_INFO(_ONLY), and the others of struct linkedit_data_command. */
    bool has_dyld_info;
    struct macho_blob rebase, bind, weak_bind, lazy_bind, export_opcodes;
    struct macho_blob chained_fixups, exports_trie, function_starts, data_in_code, signature;

    const char *install_name; /* LC_ID_DYLIB; NULL: none */
    uint32_t current_version, compatibility_version;
    struct macho_library
        *libraries; /* in the order of their ordinals, from 1 on: [0] is the first */
    uint32_t library_count;
    const char **rpaths;
    uint32_t rpath_count;
    const uint8_t *uuid;           /* 16 bytes; NULL: none */
    uint32_t platform, minos, sdk; /* as LC_BUILD_VERSION has them; PLATFORM 0: not said */
};

/* One entry of a symbol table. */
struct macho_sym {
    uint32_t strx;
    uint8_t type, sect;
    uint16_t desc;
    uint64_t value;
};

/* IN starts as a Mach-O file does; a universal one does not. */
bool macho_is(struct span in);

/* Read header and commands of IN; arrays live in A.  On failure OUT is zero. */
bool macho_open(struct diag *d, struct arena *a, struct span in, struct macho_file *out);

/* A cursor over BYTES of F, in its byte order and width. */
static inline struct cursor macho_cursor(const struct macho_file *f, struct span bytes)
{
    return (struct cursor){.in = bytes, .big = f->big, .wide = f->wide};
}

static inline uint64_t macho_sym_size(bool wide) { return wide ? 16 : 12; }

/* Symbol I of F, which must exist. */
struct macho_sym macho_symbol(const struct macho_file *f, uint32_t i);
/* Its name; "" if there is none that can be read. */
const char *macho_symbol_name(const struct macho_file *f, const struct macho_sym *s);

/* The zero-filled kinds of section. */
static inline bool macho_is_zerofill(uint32_t flags)
{
    uint32_t type = flags & SECTION_TYPE;

    return type == S_ZEROFILL || type == S_GB_ZEROFILL || type == S_THREAD_LOCAL_ZEROFILL;
}

/* The address of F's header, and the segment called NAME (NULL: none). */
const struct macho_segment *macho_find_segment(const struct macho_file *f, const char *name);
/* The section with these names, or NULL. */
const struct macho_section *macho_find_section(const struct macho_file *f, const char *segment,
                                               const char *name);
/* The bytes at ADDR of F's memory that the file has, at most up to the end of
   their segment; empty if there are none. */
struct span macho_at(const struct macho_file *f, uint64_t addr);

/* Names of numbers, NULL if unknown. */
const char *macho_command_name(uint32_t cmd);
const char *macho_filetype_name(uint32_t filetype);
const char *macho_cpu_name(uint32_t cputype, uint32_t cpusubtype);
const char *macho_platform_name(uint32_t platform);
const char *macho_section_type_name(uint32_t flags);

/* "13.0", "10.15.7": a version of 16, 8 and 8 bits. */
const char *macho_version(struct arena *a, uint32_t version);

/* ---- universal files ---- */

struct macho_slice {
    uint32_t cputype, cpusubtype;
    uint64_t offset, size;
    uint32_t align_log2;
    struct span data;
};

/* IN is a universal file.  (A Java class file has the same magic; its version
   is no plausible number of CPUs.) */
bool macho_is_fat(struct span in);
bool macho_read_fat(struct diag *d, struct arena *a, struct span in, struct macho_slice **out,
                    uint32_t *count);
/* The slice of IN for CPUTYPE, of any subtype but arm64e; IN itself if it is
   no universal file.  False and a word in D if it has none. */
bool macho_pick_slice(struct diag *d, struct arena *a, struct span in, uint32_t cputype,
                      struct span *out);

#endif
