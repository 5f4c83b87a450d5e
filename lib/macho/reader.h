/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader.h - one Mach-O file being read as an object: read.c, and its helpers
 * read_relocs.c and read_shared.c. */

#ifndef MACHO_READER_H
#define MACHO_READER_H

#include "macho/file.h"
#include "macho/machine.h"
#include "obj/object.h"

/* The symbol that stands for section NUMBER, which counts from 1. */
static inline uint32_t macho_section_symbol(uint32_t number) { return number; }

/* The model's index of the file's symbol I. */
static inline uint32_t macho_model_symbol(const struct object *o, uint32_t i)
{
    return o->symbol_map ? o->symbol_map[i] : o->section_count + i;
}

/* struct format's relocs. */
bool macho_relocs(struct diag *d, const struct object *o, uint32_t section, uint64_t first,
                  struct reloc *out, unsigned max, unsigned *got);

/* What a dynamic library exports, and whom it passes on. */
bool macho_read_shared(struct diag *d, struct arena *a, const struct macho_file *f,
                       struct object *o);

#endif
