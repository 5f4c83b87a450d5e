/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader.h - one ELF object being read, shared by read.c and its helpers:
 * read_shared.c for what only libraries have, read_relocs.c for relocations. */

#ifndef ELF_READER_H
#define ELF_READER_H

#include "elf/file.h"
#include "obj/object.h"

struct reader {
    struct diag *d;
    struct arena *a;
    struct elf_file f;
    struct object *o;
    uint64_t name_bytes; /* of all names so far */
};

/* Count NAME.  Names may share bytes, as tails of each other; a file in which
   they add up to more than 16 times its size was made to waste time. */
bool elf_count_name(struct reader *r, const char *name);
/* The symbol table in section INDEX (0: there is none). */
bool elf_read_symbols(struct reader *r, uint32_t index);
/* Dynamic symbols, their versions, and whom the library needs. */
bool elf_read_shared(struct reader *r);
/* struct format's relocs. */
bool elf_relocs(struct diag *d, const struct object *o, uint32_t section, uint64_t first,
                struct reloc *out, unsigned max, unsigned *got);

#endif
