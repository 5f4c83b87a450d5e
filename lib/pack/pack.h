/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pack.h - a heap container as a relocatable object for any linker.
 *
 * LLVM's assembler makes a skeleton of the object: its symbols, and for each
 * segment a section with the right flags and a few words in place of its
 * contents.  Those words are specimens: their relocations show which symbol
 * each target has in that object.  The contents and the relocations of
 * millions of slots are then spliced in, streamed, since LLVM would need
 * twice the heap's size for the bytes and 200 bytes for each slot.
 *
 *   read, check   lib/heap          text   asm.c      assemble   llvm.c
 *   splice        elf.c macho.c coff.c (what one format's headers look like)
 *   write         stream.c pack.c
 *
 * An object that relocates itself is another thing: prelinked.c. */

#ifndef PACK_PACK_H
#define PACK_PACK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "heap/container.h"

enum pack_format { PACK_ELF, PACK_MACHO, PACK_COFF };
enum pack_mode {
    PACK_NATIVE,    /* each slot is a relocation */
    PACK_PRELINKED, /* the object relocates itself */
    PACK_NONE,      /* slots stay heap addresses */
};
enum pack_cpu { PACK_X86_64, PACK_AARCH64 };

struct pack_target {
    const char *triple;
    enum pack_format format;
    enum pack_cpu cpu;
};

struct pack_options {
    const char *input, *output;
    struct pack_target target;
    enum pack_mode mode;
};

/* What TRIPLE says; false, with the reason, if it is not one of ours. */
bool pack_target_read(struct diag *d, const char *triple, struct pack_target *out);

bool pack_run(struct diag *d, const struct pack_options *options);

/* ---- inside ---- */

/* One section of the object that takes a segment. */
struct pack_section {
    const char *name;      /* as the object's format has it; Mach-O: "SEGMENT,section" */
    uint32_t segment;      /* index */
    uint32_t symbol;       /* what relocations against it name */
    uint32_t number;       /* Mach-O: the section's, from 1 */
    bool by_number;        /* Mach-O: relocations name that instead of a symbol */
    uint64_t addr;         /* Mach-O: in the object */
    uint64_t header;       /* where its header is in the skeleton */
    uint64_t relocs;       /* ELF: where the header of its relocations is */
    uint64_t offset, size; /* of the contents, in the file */
    uint64_t reloc_offset, reloc_count;
    bool slots; /* takes relocations */
};

struct pack {
    struct diag *d;
    struct arena arena;
    const struct pack_options *opt;
    struct heap heap;
    struct pack_section *sections; /* one for each segment */
    uint32_t *imports;             /* the symbol of each */
    uint32_t type;                 /* of the relocation that takes a whole address */
    struct buf skeleton;
    struct output out;
    uint64_t end; /* of the file so far */
};

/* The assembly text of the skeleton. */
bool pack_text(struct pack *p, struct buf *out);
/* The object that LLVM makes of TEXT, in p->skeleton. */
bool pack_assemble(struct pack *p, const char *text);

/* What differs between formats. */
struct pack_splicer {
    uint64_t record; /* bytes of a relocation */
    uint64_t align;  /* of contents in the file */
    bool in_place;   /* the addend is in the word */
    /* Find sections and symbols in the skeleton. */
    bool (*find)(struct pack *p);
    /* Once sizes are known, before anything is written. */
    bool (*place)(struct pack *p);
    /* One relocation of section S at OFFSET against SYMBOL, a section's or (IMPORT) an import's. */
    void (*store)(const struct pack *p, const struct pack_section *s, uint64_t offset,
                  uint32_t symbol, bool import, uint64_t addend, uint8_t *out);
    /* What the word at a slot is to hold, for TARGET + ADDEND. */
    uint64_t (*word)(const struct pack *p, const struct pack_section *target, uint64_t addend);
    /* Put the places into the skeleton's headers. */
    bool (*finish)(struct pack *p);
};

extern const struct pack_splicer pack_elf, pack_macho, pack_coff;
const struct pack_splicer *pack_splicer_of(const struct pack *p);

/* Write all contents and relocations. */
bool pack_stream(struct pack *p);

/* Little-endian fields of the skeleton; false past its end. */
bool pack_get(const struct pack *p, uint64_t at, unsigned n, uint64_t *out);
bool pack_put(struct pack *p, uint64_t at, unsigned n, uint64_t value);
bool pack_bad_skeleton(struct pack *p, const char *what);

#endif
