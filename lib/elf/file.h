/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.h - the headers of an ELF file, of either size and byte order,
 * checked: every range in them lies inside the file. */

#ifndef ELF_FILE_H
#define ELF_FILE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"
#include "elf/elf.h"

struct elf_shdr {
    uint32_t name_offset; /* in the section name table */
    const char *name;     /* "" if there is no such table */
    uint32_t type;
    uint64_t flags, addr, offset, size;
    uint32_t link, info;
    uint64_t align, entsize;
    struct span data; /* empty for SHT_NOBITS and SHT_NULL */
};

struct elf_phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
    struct span data;
};

struct elf_file {
    struct span in;
    bool big, wide;
    uint8_t osabi, abiversion;
    uint16_t type, machine;
    uint32_t version, flags;
    uint64_t entry, phoff, shoff;
    uint16_t ehsize, phentsize, shentsize;
    struct elf_shdr *sections;
    uint32_t section_count;
    struct elf_phdr *segments;
    uint32_t segment_count;
    uint32_t shstrndx;
};

/* One entry of a symbol table. */
struct elf_sym {
    uint32_t name; /* offset in the string table */
    uint8_t info, other;
    uint16_t shndx;
    uint64_t value, size;
};

/* One entry of a relocation table; ADDEND is 0 for SHT_REL. */
struct elf_rel {
    uint64_t offset;
    uint32_t type, symbol;
    int64_t addend;
};

bool elf_is(struct span in);

/* Read the headers of IN; arrays live in A.  On failure OUT is zero. */
bool elf_open(struct diag *d, struct arena *a, struct span in, struct elf_file *out);

/* A cursor over BYTES of F, in its byte order and width. */
static inline struct cursor elf_cursor(const struct elf_file *f, struct span bytes)
{
    return (struct cursor){.in = bytes, .big = f->big, .wide = f->wide};
}

/* Bytes of one symbol, REL and RELA entry in F. */
static inline uint64_t elf_sym_size(bool wide) { return wide ? 24 : 16; }
static inline uint64_t elf_rel_size(bool wide, bool rela)
{
    return wide ? (rela ? 24 : 16) : (rela ? 12 : 8);
}

/* The next symbol or relocation at C, which says afterwards if it was bad. */
struct elf_sym elf_next_sym(struct cursor *c);
struct elf_rel elf_next_rel(struct cursor *c, bool rela);

/* Names of numbers, NULL if unknown: "PROGBITS", "LOAD", "NEEDED". */
const char *elf_section_type_name(uint32_t type);
const char *elf_segment_type_name(uint32_t type);
const char *elf_dynamic_tag_name(uint64_t tag);

#endif
