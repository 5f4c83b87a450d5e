/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dynamic.h - a linked ELF file as its loader sees it: segments in memory,
 * the dynamic section and the tables that it leads to.
 *
 * Section headers are not consulted except for the number of symbols.  What
 * cannot be read is left empty, so that a damaged file can still be looked
 * at; lib/elf/verify.c says what is wrong with it. */

#ifndef ELF_DYNAMIC_H
#define ELF_DYNAMIC_H

#include "elf/file.h"

/* A PT_LOAD.  Ends are the first address behind. */
struct elf_load {
    uint64_t addr, file_end, mem_end;
    uint32_t flags, segment;
};

struct elf_dyn {
    uint64_t tag, value;
};

struct elf_image {
    const struct elf_file *file;
    struct elf_load *loads; /* ascending, none overlapping: those that would are not here */
    uint32_t load_count;

    uint32_t dynamic_segment; /* index of PT_DYNAMIC; segment_count if there is none */
    struct elf_dyn *entries;  /* before DT_NULL */
    uint32_t entry_count;
    bool ended; /* there is a DT_NULL */

    struct span strings, symbols;
    uint64_t symbol_count; /* all of them are in SYMBOLS */

    /* What reading names may still cost, in bytes: symbols that all have one
       long name would make a small file expensive. */
    uint64_t name_budget;
};

/* Look at F.  False only without memory.  Works for any ELF file; one that is
   not linked has no loads and no entries. */
bool elf_image_read(struct diag *d, struct arena *a, const struct elf_file *f,
                    struct elf_image *out);

/* The load that has all of SIZE bytes at ADDR, zero-filled part included; a
   size of 0 asks for the address itself. */
const struct elf_load *elf_image_load(const struct elf_image *m, uint64_t addr, uint64_t size);

/* The bytes that the file has for ADDR: SIZE of them, or all to the end of
   the load.  False if they are not all in one load's file part. */
bool elf_image_bytes(const struct elf_image *m, uint64_t addr, uint64_t size, struct span *out);
struct span elf_image_rest(const struct elf_image *m, uint64_t addr);

/* The value of the first entry TAG; false if there is none. */
bool elf_image_tag(const struct elf_image *m, uint64_t tag, uint64_t *value);
/* The table at entry TAG with its size in entry SIZE_TAG; empty if any of it
   is not there. */
struct span elf_image_table(const struct elf_image *m, uint64_t tag, uint64_t size_tag);

/* Symbol I (below symbol_count), and string OFF of the string table: NULL if
   it does not end there or the budget for names is used up. */
struct elf_sym elf_image_symbol(const struct elf_image *m, uint64_t i);
const char *elf_image_string(struct elf_image *m, uint64_t off);

/* Symbol hashes of DT_HASH and version records, and of DT_GNU_HASH. */
uint32_t elf_sysv_hash(const char *name);
uint32_t elf_gnu_hash(const char *name);
/* Bytes of one word of DT_HASH: 4, on Alpha and 64-bit S/390 8. */
unsigned elf_hash_word(const struct elf_file *f);

/* DT_GNU_HASH, its parts in the file's byte order. */
struct elf_gnu_hash {
    uint32_t bucket_count, first, bloom_count, bloom_shift;
    struct span bloom, buckets, chains; /* chains: all to the end of the load */
};
bool elf_read_gnu_hash(struct diag *d, const struct elf_image *m, struct elf_gnu_hash *out);

/* Symbol versions, by index. */
struct elf_version {
    const char *name; /* NULL: no version has this index */
    const char *file; /* the library that has to define it; NULL if this one does */
    uint16_t flags;
};

struct elf_versions {
    struct elf_version *by_index; /* 0 and 1 have no name unless 1 is the base definition */
    uint32_t count;
    struct span indices; /* DT_VERSYM: 2 bytes for each symbol */
    uint32_t defined, needed;
    const char **files; /* that versions are needed of, in order */
    uint32_t file_count;
};

/* Read DT_VERSYM, DT_VERDEF and DT_VERNEED.  False at the first breach of
   their rules, with the place in D; OUT then has what came before. */
bool elf_read_versions(struct diag *d, struct arena *a, struct elf_image *m,
                       struct elf_versions *out);
/* The version of symbol I, NULL if it has none; *HIDDEN if only references
   that name it find the symbol. */
const struct elf_version *elf_symbol_version(const struct elf_file *f, const struct elf_versions *v,
                                             uint64_t i, bool *hidden);

/* A dynamic relocation, wherever it came from. */
enum elf_reloc_source { ELF_FROM_RELA, ELF_FROM_REL, ELF_FROM_PLT, ELF_FROM_RELR };

struct elf_dynamic_reloc {
    enum elf_reloc_source source;
    uint64_t index; /* in its table; for RELR the word that said so */
    uint64_t addr;
    uint32_t type, symbol; /* 0 with ELF_FROM_RELR, which are all relative */
    int64_t addend;
    bool in_place; /* the addend is in the field, ADDEND is 0 */
};

/* Call VISIT for each in the order of the tables until it returns false. */
void elf_image_relocs(const struct elf_image *m,
                      bool (*visit)(void *arg, const struct elf_dynamic_reloc *r), void *arg);

/* Where an entry of the tables came from, for messages: "RELA". */
const char *elf_reloc_source_name(enum elf_reloc_source source);

/* R as 64-bit MIPS, little-endian, has it: the halves and bytes of r_info are
   the other way round.  Nothing changes for other files. */
void elf_fix_rel(const struct elf_file *f, struct elf_rel *r);

/* One note. */
struct elf_note {
    struct span owner; /* without its NUL */
    uint32_t type;
    struct span desc;
};

/* The next note at C, whose entries are aligned to ALIGN (4 or 8); false at
   the end and, with c->bad, at one that is cut off. */
bool elf_next_note(struct cursor *c, uint64_t align, struct elf_note *out);

#endif
