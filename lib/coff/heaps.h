/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heaps.h - heaps in a PE image: our own, and those of runtimes that are known by
 * their sections and exports. */

#ifndef COFF_HEAPS_H
#define COFF_HEAPS_H

#include "coff/file.h"
#include "heap/image.h"

/* The section with our table (docs/image-format.md), or NULL. */
const struct coff_section *coff_heap_table(const struct coff_file *f);
/* Read the table in S. */
bool coff_heaps_read(struct diag *d, struct arena *a, const struct coff_file *f,
                     const struct coff_section *s, struct heap_image *out);

/* Somebody else's heap: "GraalVM native image", "Dart snapshot", "Julia sysimage". */
struct coff_foreign_heap {
    const char *runtime, *where; /* its section or export */
    uint64_t rva, size;          /* SIZE 0: not known */
};
enum { COFF_FOREIGN_HEAPS = 8 };
unsigned coff_foreign_heaps(const struct coff_file *f,
                            struct coff_foreign_heap out[COFF_FOREIGN_HEAPS]);

/* Call EACH for every export of F, with its name (NULL: it has none), number and
   address; FORWARD: to whom it is passed on, then RVA is 0.  False with a word
   in D if the tables are not sound, or if EACH returns false. */
bool coff_each_export(struct diag *d, const struct coff_file *f,
                      bool (*each)(void *arg, const char *name, uint32_t ordinal, uint32_t rva,
                                   const char *forward),
                      void *arg);
/* The same for imports: of DLL, by NAME or (NULL) by ORDINAL, into the slot at RVA. */
bool coff_each_import(struct diag *d, const struct coff_file *f,
                      bool (*each)(void *arg, const char *dll, const char *name, uint32_t ordinal,
                                   uint32_t rva),
                      void *arg);
/* The same for what moves with the image; TYPE: IMAGE_REL_BASED_*. */
bool coff_each_base_reloc(struct diag *d, const struct coff_file *f,
                          bool (*each)(void *arg, uint32_t rva, unsigned type), void *arg);

#endif
