/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relocatable.h - write an ELF relocatable object (ET_REL, 64-bit,
 * little-endian), whose large sections are made as they are written. */

#ifndef ELF_RELOCATABLE_H
#define ELF_RELOCATABLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/strtab.h"

/* One section to be.  Either BYTES or FILL gives its contents. */
struct rel_section {
    const char *name;
    uint32_t type;  /* SHT_* */
    uint64_t flags; /* SHF_* */
    uint64_t align, entsize, size;
    const uint8_t *bytes;
    /* The SIZE bytes from FROM on into OUT, zeroed before; false after a failure. */
    bool (*fill)(void *arg, uint64_t from, uint64_t size, uint8_t *out);
    void *arg;
    struct buf relocs; /* Elf64_Rela records, by rel_add_reloc() */
    uint64_t offset, relocs_offset; /* in the file */
};

struct rel_object {
    struct diag *d;
    struct arena *arena;
    uint16_t machine; /* e_machine */
    struct rel_section *sections; /* [0] is the null section */
    uint64_t section_count, section_cap;
    struct buf locals, globals; /* Elf64_Sym records */
    struct strtab names;
};

void rel_begin(struct rel_object *o, struct diag *d, struct arena *arena, uint16_t machine);
/* Add a section and the symbol for it; its index, which is also that of the
   symbol; 0 after a failure. */
uint32_t rel_add_section(struct rel_object *o, const struct rel_section *section);
/* Add a global symbol, once all sections are there: INFO is st_info, SECTION 0
   for an undefined one.  Its index; 0 after a failure. */
uint32_t rel_add_global(struct rel_object *o, const char *name, uint8_t info, uint32_t section,
                        uint64_t value, uint64_t size);
/* A relocation of SECTION's field at OFFSET. */
void rel_add_reloc(struct rel_object *o, uint32_t section, uint64_t offset, uint32_t symbol,
                   uint32_t type, int64_t addend);
/* Write the object to PATH, which appears whole or not at all. */
bool rel_write(struct rel_object *o, const char *path);
/* Write it to FD, which is empty; NAME is for messages. */
bool rel_write_fd(struct rel_object *o, int fd, const char *name);
void rel_free(struct rel_object *o);

#endif
