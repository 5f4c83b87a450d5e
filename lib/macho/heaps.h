/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heaps.h - heaps in a linked Mach-O file: our own, and those of runtimes
 * that are known by their sections and symbols. */

#ifndef MACHO_HEAPS_H
#define MACHO_HEAPS_H

#include "heap/image.h"
#include "macho/file.h"

/* The section with our table (docs/image-format.md), or NULL. */
const struct macho_section *macho_heap_table(const struct macho_file *f);
/* Read the table in S. */
bool macho_heaps_read(struct diag *d, struct arena *a, const struct macho_file *f,
                      const struct macho_section *s, struct heap_image *out);

/* Somebody else's heap: "GraalVM native image", "Dart snapshot", "Julia sysimage". */
struct macho_foreign_heap {
    const char *runtime, *where; /* its section or symbol */
    uint64_t addr, size;         /* SIZE 0: not known */
};
enum { FOREIGN_HEAPS = 8 };
unsigned macho_foreign_heaps(const struct macho_file *f,
                             struct macho_foreign_heap out[FOREIGN_HEAPS]);

#endif
