/* SPDX-License-Identifier: GPL-3.0-or-later */
/* object.h - a heap as an object: segments are sections, slots their map,
 * roots symbols, imports undefined symbols.
 *
 * Behind the segments come two sections that the container does not have:
 * the table of imported functions, and the stubs that jump through it.  They
 * are empty if no function is imported. */

#ifndef HEAP_OBJECT_H
#define HEAP_OBJECT_H

#include "heap/container.h"
#include "obj/object.h"

/* Sections of a heap's object. */
static inline uint32_t heap_section(uint32_t segment) { return segment + 1; }
static inline uint32_t heap_table_section(const struct heap *h) { return h->segment_count + 1; }
static inline uint32_t heap_stub_section(const struct heap *h) { return h->segment_count + 2; }

/* Symbols: the sections' own, then roots, then imports. */
static inline uint32_t heap_section_symbol(uint32_t section) { return section; }
static inline uint32_t heap_root_symbol(const struct heap *h, uint32_t root)
{
    return h->segment_count + 3 + root;
}
static inline uint32_t heap_import_symbol(const struct heap *h, uint32_t import)
{
    return heap_root_symbol(h, h->root_count) + import;
}

/* A function that may be 0 cannot have a stub. */
static inline bool heap_has_stub(const struct heap_import *i)
{
    return i->kind == SIMG_IMPORT_FUNCTION && !i->weak;
}

/* Make H, filled as heap_read() fills it, the object NAME; it is copied. */
bool heap_make_object(struct diag *d, struct arena *a, const char *name, const struct heap *h,
                      struct object *out);

/* The place of IMPORT among those with a stub. */
uint32_t heap_stub_index(const struct object *o, uint32_t import);

/* SLOT holds the address of a stub, not the import's own. */
bool heap_slot_is_stub(const struct object *o, const struct heap_import_slot *slot);

/* The end of the heap's address space, these two sections counted. */
uint64_t heap_span(const struct object *o);

#endif
