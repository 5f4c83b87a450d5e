/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imports.c - the import directory (PE specification, 6.4): descriptors, lookup
 * tables, names and the address table; and jumps through that.
 *
 * A pointer to another image's data somewhere among our own data gets a
 * descriptor for itself, whose address table it is: the loader fills it, and
 * no start-up code has to. */

#include "dll/dll.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

enum { PSEUDO_SIZE = 12 };

static struct dll_import *new_import(struct link *l, const struct lsym *s)
{
    struct dll *y = l->dll;

    if (!arena_grow(&l->arena, (void **)&y->imports, y->import_count, &y->import_cap,
                    sizeof *y->imports)) {
        diag_nomem(l->d);
        return NULL;
    }
    y->imports[y->import_count] =
        (struct dll_import){.from = s->obj, .import = dll_import_of(s)};
    return &y->imports[y->import_count++];
}

struct dll_import *dll_need_import(struct link *l, const struct lsym *s)
{
    uint32_t *id = &s->obj->import_ids[dll_import_of(s)];
    struct dll_import *import = NULL;

    if (*id)
        return &l->dll->imports[*id - 1];
    if ((import = new_import(l, s)))
        *id = (uint32_t)l->dll->import_count;
    return import;
}

bool dll_need_place(struct link *l, const struct lsym *s, struct lsec *sec, uint64_t offset)
{
    struct dll_import *import = new_import(l, s);

    if (!import)
        return false;
    import->place = sec;
    import->offset = offset;
    sec->relro = true; /* the loader writes here: into memory that it may write to */
    return true;
}

bool dll_need_pseudo(struct link *l, const struct lsym *s, struct lsec *sec, uint64_t offset)
{
    struct dll *y = l->dll;

    if (!dll_need_import(l, s))
        return false;
    if (!arena_grow(&l->arena, (void **)&y->pseudos, y->pseudo_count, &y->pseudo_cap,
                    sizeof *y->pseudos))
        return diag_nomem(l->d);
    y->pseudos[y->pseudo_count++] = (struct dll_pseudo){s, sec, offset};
    return true;
}

static const struct import *of(const struct dll_import *i) { return &i->from->o.imports[i->import]; }

static const struct dll_import *import_of(const struct link *l, const struct lsym *s)
{
    return &l->dll->imports[s->obj->import_ids[dll_import_of(s)] - 1];
}

uint64_t dll_slot_address(const struct link *l, const struct lsym *s)
{
    return l->image_base + import_of(l, s)->address;
}

uint64_t dll_stub_address(const struct link *l, const struct lsym *s)
{
    return lsec_addr(l->dll->stubs) + (import_of(l, s)->stub - 1ull) * l->coff->stub_size;
}

/* ---- one library after the other ---- */

/* Slots in the table before lone pointers, by library, then as they were needed. */
static int by_library(const void *a, const void *b)
{
    const struct dll_import *const *x = a, *const *y = b;
    int order = (*x)->place && (*y)->place ? 0 : ((*x)->place != NULL) - ((*y)->place != NULL);

    order = order ? order : strcasecmp((*x)->from->o.soname, (*y)->from->o.soname);
    return order ? order : *x < *y ? -1 : *x > *y;
}

struct tables {
    struct link *l;
    const struct dll_import **sorted;
    uint64_t count;
    uint64_t descriptors, lookups, names, end; /* offsets in .idata */
    uint64_t slots;                            /* words of the address table */
};

/* I begins a descriptor of its own. */
static bool begins(const struct tables *t, uint64_t i)
{
    return i == 0 || t->sorted[i]->place ||
           strcasecmp(t->sorted[i]->from->o.soname, t->sorted[i - 1]->from->o.soname) != 0;
}

static uint64_t name_size(const char *name) { return align_up(2 + strlen(name) + 1, 2); }

static bool sort(struct link *l, struct tables *t)
{
    struct dll *y = l->dll;

    *t = (struct tables){.l = l, .count = y->import_count};
    if (!(t->sorted = arena_alloc(&l->arena, t->count, sizeof *t->sorted)))
        return diag_nomem(l->d);
    for (uint64_t i = 0; i < t->count; i++)
        t->sorted[i] = &y->imports[i];
    if (t->count)
        qsort(t->sorted, t->count, sizeof *t->sorted, by_library);
    y->library_count = 0;
    for (uint64_t i = 0; i < t->count; i++) {
        if (begins(t, i)) {
            y->library_count++;
            t->lookups += 8; /* the end of the one before */
            t->names += align_up(strlen(t->sorted[i]->from->o.soname) + 1, 2);
            t->slots += !t->sorted[i]->place;
        }
        t->lookups += 8;
        t->slots += !t->sorted[i]->place;
        if (of(t->sorted[i])->name)
            t->names += name_size(of(t->sorted[i])->name);
    }
    t->end = t->names;
    t->descriptors = IMPORT_DESCRIPTOR_SIZE * (y->library_count + 1ull);
    t->names = align_up(t->descriptors, 8) + t->lookups;
    t->end += t->names;
    t->lookups = align_up(t->descriptors, 8);
    return true;
}

static struct lsec *new_section(struct link *l, const char *name, uint32_t flags,
                                uint8_t align_log2, uint64_t size)
{
    struct section section = {.name = name,
                              .flags = SEC_ALLOC | SEC_ZERO | flags,
                              .align_log2 = align_log2,
                              .size = size};

    return link_append_section(l, &section);
}

bool dll_make_imports(struct link *l)
{
    struct dll *y = l->dll;
    struct tables t;

    if (y->import_count == 0)
        return true;
    if (!sort(l, &t))
        return false;
    y->idata = new_section(l, ".idata$2", 0, 3, t.end);
    if (t.slots)
        y->iat = new_section(l, ".idata$5", 0, 3, 8 * t.slots);
    if (y->pseudo_count)
        y->pseudo = new_section(l, ".rdata$zpseudo", 0, 2, PSEUDO_SIZE * (y->pseudo_count + 1));
    if (y->stub_count)
        y->stubs = new_section(l, ".text$zstubs", SEC_EXEC, 4,
                               (uint64_t)y->stub_count * l->coff->stub_size);
    return true;
}

/* ---- once all have addresses ---- */

/* A row of a lookup table: a number, or where hint and name are. */
static uint64_t row_for(const struct tables *t, const struct dll_import *i, uint8_t *idata,
                        uint64_t *name_at)
{
    const struct import *import = of(i);
    uint64_t at = *name_at;

    if (!import->name)
        return IMAGE_ORDINAL_FLAG64 | import->ordinal;
    store_uint(idata + at, 2, false, import->ordinal);
    memcpy(idata + at + 2, import->name, strlen(import->name) + 1);
    *name_at += name_size(import->name);
    return dll_lsec_rva(t->l, t->l->dll->idata) + at;
}

/* Version 2 of MinGW's list: three words of header, then the slot, the place and
   how many bits that has. */
static bool fill_pseudos(struct link *l)
{
    struct dll *y = l->dll;
    uint8_t *at = NULL;

    if (!y->pseudo)
        return true;
    if (!(at = y->pseudo->data = arena_alloc(&l->arena, y->pseudo->size, 1)))
        return diag_nomem(l->d);
    store_uint(at + 8, 4, false, 1);
    for (uint64_t i = 0; i < y->pseudo_count; i++) {
        const struct dll_pseudo *p = &y->pseudos[i];

        at += PSEUDO_SIZE;
        store_uint(at, 4, false, import_of(l, p->sym)->address);
        store_uint(at + 4, 4, false, dll_lsec_rva(l, p->sec) + p->offset);
        store_uint(at + 8, 4, false, 64);
    }
    return true;
}

static void fill_stubs(struct link *l)
{
    struct dll *y = l->dll;

    for (uint64_t i = 0; i < y->import_count; i++)
        if (y->imports[i].stub) {
            uint64_t at = (y->imports[i].stub - 1ull) * l->coff->stub_size;

            l->coff->stub(y->stubs->data + at,
                          &(struct stub_at){.addr = lsec_addr(y->stubs) + at,
                                            .slot = l->image_base + y->imports[i].address});
        }
}

bool dll_fill_imports(struct link *l)
{
    struct dll *y = l->dll;
    uint8_t *idata = NULL, *iat = NULL, *descriptor = NULL;
    uint64_t lookup = 0, name = 0, slot = 0, base = 0;
    struct tables t;

    if (!y->idata)
        return true;
    if (!sort(l, &t) || !(idata = y->idata->data = arena_alloc(&l->arena, y->idata->size, 1)) ||
        (y->iat && !(iat = y->iat->data = arena_alloc(&l->arena, y->iat->size, 1))) ||
        (y->stubs && !(y->stubs->data = arena_alloc(&l->arena, y->stubs->size, 1))))
        return diag_nomem(l->d);
    base = dll_lsec_rva(l, y->idata);
    lookup = t.lookups;
    name = t.names;
    descriptor = idata - IMPORT_DESCRIPTOR_SIZE;
    for (uint64_t i = 0; i < t.count; i++) {
        struct dll_import *import = (struct dll_import *)t.sorted[i];
        uint64_t row = 0;

        if (begins(&t, i)) {
            size_t len = strlen(import->from->o.soname) + 1;

            lookup += i ? 8 : 0;
            slot += i && !t.sorted[i - 1]->place ? 8 : 0;
            descriptor += IMPORT_DESCRIPTOR_SIZE;
            memcpy(idata + name, import->from->o.soname, len);
            store_uint(descriptor, 4, false, base + lookup);
            store_uint(descriptor + 12, 4, false, base + name);
            name += align_up(len, 2);
        }
        row = row_for(&t, import, idata, &name);
        import->address = import->place ? dll_lsec_rva(l, import->place) + import->offset
                                        : dll_lsec_rva(l, y->iat) + slot;
        if (begins(&t, i))
            store_uint(descriptor + 16, 4, false, import->address);
        store_uint(idata + lookup, 8, false, row);
        lookup += 8;
        if (import->place)
            continue;
        store_uint(iat + slot, 8, false, row);
        slot += 8;
    }
    fill_stubs(l);
    return fill_pseudos(l);
}
