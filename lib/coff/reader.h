/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader.h - one COFF file being read as an object: read.c, and its helpers
 * read_relocs.c and import.c. */

#ifndef COFF_READER_H
#define COFF_READER_H

#include "coff/file.h"
#include "coff/machine.h"
#include "obj/object.h"

/* struct format's relocs. */
bool coff_relocs(struct diag *d, const struct object *o, uint32_t section, uint64_t first,
                 struct reloc *out, unsigned max, unsigned *got);

/* import.c: a library with one import, in the short form; what a DLL exports. */
bool coff_read_import(struct diag *d, struct arena *a, struct span in, struct object *out);
bool coff_read_dll(struct diag *d, struct arena *a, const struct coff_file *f, struct object *out);
/* O, an object, is a member of a GNU import library: then it becomes a library
   with that one import, whose name is found through IMPORT_HEAD. */
bool coff_read_gnu_import(struct diag *d, struct arena *a, struct object *o);

#endif
