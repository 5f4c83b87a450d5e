/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.h - headers of a COFF object or a PE image, checked: every range in
 * them lies inside the file. */

#ifndef COFF_FILE_H
#define COFF_FILE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"
#include "coff/coff.h"

struct coff_section {
    const char *name; /* never NULL */
    uint32_t vsize, rva; /* of an image */
    uint32_t raw_size, raw; /* SizeOfRawData, PointerToRawData */
    uint32_t reloc_pointer;
    uint64_t reloc_count;   /* of an object; without the record that holds it, if there is one */
    uint32_t flags;         /* Characteristics */
    uint8_t align_log2;     /* of an object */
    struct span data;       /* what the file has of it */
    struct span relocs;     /* of an object */
};

/* A row of the symbol table. */
struct coff_symbol {
    const char *name;
    uint32_t value;
    int32_t section; /* from 1 on; or IMAGE_SYM_* */
    uint16_t type;
    uint8_t class, aux; /* StorageClass, NumberOfAuxSymbols */
};

struct coff_directory {
    uint32_t rva, size;
};

/* The optional header of an image. */
struct coff_optional {
    bool wide; /* PE32+ */
    uint8_t linker[2];
    uint32_t code_size, data_size, bss_size, entry, code_base;
    uint64_t image_base;
    uint32_t section_align, file_align;
    uint16_t os[2], image[2], subsystem_version[2];
    uint32_t win32_version, image_size, headers_size, checksum;
    uint16_t subsystem, characteristics;
    uint64_t stack_reserve, stack_commit, heap_reserve, heap_commit;
    uint32_t loader_flags, directory_count; /* as the header has it */
    struct coff_directory directories[DIRECTORY_COUNT];
};

struct coff_file {
    struct span in;
    bool image;  /* PE: an image with an optional header */
    bool bigobj;
    uint64_t header; /* offset of the COFF header; of an image, behind "PE\0\0" */
    uint16_t machine, characteristics;
    uint32_t timestamp;
    uint32_t optional_size;
    struct coff_optional optional; /* of an image */
    uint64_t sections_at; /* offset of the section headers */
    struct coff_section *sections;
    uint32_t section_count;
    struct span symbols; /* the table; empty: none */
    uint32_t symbol_count, symbol_size;
    struct span strings; /* with their size in front */
};

/* IN starts as an object or image does (not: a short import). */
bool coff_is_object(struct span in);
bool coff_is_image(struct span in);
/* A member of an import library in its short form. */
bool coff_is_import(struct span in);

/* Read IN's headers; arrays live in A.  Fails with E_FORMAT, E_UNSUPPORTED. */
bool coff_open(struct diag *d, struct arena *a, struct span in, struct coff_file *out);
/* The same in two steps, for who does not want all sections at once: OUT has none
   of them, and section I, which is below section_count, is read by itself. */
bool coff_open_headers(struct diag *d, struct span in, struct coff_file *out);
bool coff_read_sections(struct diag *d, struct arena *a, struct coff_file *f);
bool coff_read_section(struct diag *d, struct arena *a, const struct coff_file *f, uint32_t i,
                       struct coff_section *out);

/* Row I, which is below symbol_count.  Fails if its name is not there. */
bool coff_symbol(struct diag *d, const struct coff_file *f, uint32_t i, struct coff_symbol *out);
/* The same without its name. */
void coff_symbol_row(const struct coff_file *f, uint32_t i, struct coff_symbol *out);
/* The N-th auxiliary row of row I, if there is room for it; else NULL. */
const uint8_t *coff_aux(const struct coff_file *f, uint32_t i, uint32_t n);

/* Of an image: SIZE bytes at RVA as the file has them, all in one section or
   the headers. */
bool coff_at(const struct coff_file *f, uint64_t rva, uint64_t size, struct span *out);
/* All bytes from RVA up to the end of its section's data. */
bool coff_from(const struct coff_file *f, uint64_t rva, struct span *out);
/* The string at RVA; NULL if it does not end inside its section. */
const char *coff_string_at(const struct coff_file *f, uint64_t rva);
/* The section that has RVA in memory; NULL: none. */
const struct coff_section *coff_section_at(const struct coff_file *f, uint64_t rva);
/* The bytes of directory D; empty if it has none.  False with a word if they are not in the file. */
bool coff_directory(struct diag *d, const struct coff_file *f, enum data_directory n,
                    struct span *out);
const char *coff_directory_name(enum data_directory n);

#endif
