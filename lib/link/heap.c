/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap.c - heaps among the inputs: where the image wants to lie, what runs
 * when it starts, and what becomes of each slot.
 *
 * A slot's word holds a heap address; the heap's own base is added to it.
 * Whoever does that is the choice of --heap-relocs: the link, for the address
 * that the image prefers (prelinked); the system's loader (native); or the
 * runtime (none).  Imports are relocations like any other, but those that
 * turn out to move with the image join the slots. */

#include "dll/dll.h"
#include "heap/object.h"
#include "heap/place.h"
#include "heap/startup.h"
#include "link/link.h"
#include "macho/machine.h"

#include <stdlib.h>

static bool is_prelinked(const struct link *l) { return l->heap_relocs == HEAP_RELOCS_PRELINKED; }

static void leave_out(struct lobj *o, uint32_t section)
{
    o->o.sections[section].flags |= SEC_EXCLUDE;
    o->secs[section].live = false;
}

/* A heap names symbols as C does; Mach-O puts an underscore in front. */
static bool add_underscores(struct link *l, struct lobj *o)
{
    for (uint32_t i = o->o.first_global; i < o->o.symbol_count; i++) {
        struct symbol *s = &o->o.symbols[i];

        if (!(s->name = arena_printf(&l->arena, "_%s", s->name)))
            return diag_nomem(l->d);
    }
    return true;
}

bool link_begin_heap(struct link *l, struct lobj *o)
{
    if (!arena_grow(&l->arena, (void **)&l->heaps, l->heap_count, &l->heap_cap, sizeof *l->heaps))
        return diag_nomem(l->d);
    l->heaps[l->heap_count++] = o;
    if (l->darwin && !add_underscores(l, o))
        return false;
    /* In a native image the loader writes every slot anyway: no stubs.  The loader of
       PE images writes to its own import table only, where the image's stubs look. */
    if (l->heap_relocs == HEAP_RELOCS_NATIVE || l->coff) {
        o->o.direct_functions = true;
        leave_out(o, heap_table_section(o->o.heap));
        leave_out(o, heap_stub_section(o->o.heap));
    }
    return true;
}

/* ---- the start-up code ---- */

static bool has_stubs(const struct lobj *o)
{
    return o->o.sections[heap_stub_section(o->o.heap)].size > 0;
}

/* Does the loader write into memory that is not to stay writable? */
static bool needs_rights(const struct lobj *o, bool native)
{
    if (has_stubs(o) && !native)
        return true;
    for (uint32_t i = 0; i < o->o.heap->segment_count; i++) {
        const struct section *s = &o->o.sections[heap_section(i)];

        if (!(s->flags & SEC_WRITE) && (s->reloc_count || (native && s->slots)))
            return true;
    }
    return false;
}

/* An object like any other, but that it comes with us. */
static bool add_start(struct link *l)
{
    const struct format *format = l->darwin ? &format_macho : &format_elf;
    struct span bytes = l->darwin ? startup_object(l->darwin->table_machine, STARTUP_MACOS)
                                  : startup_object(l->machine->number, STARTUP_LINUX);
    struct lobj *o = arena_alloc(&l->arena, 1, sizeof *o);

    if (!o)
        return diag_nomem(l->d);
    if (!bytes.at)
        return diag_fail(l->d, E_UNSUPPORTED,
                         "this objtool was built without the code that starts an image on %s; "
                         "--heap-relocs=native may do without it",
                         l->darwin ? l->darwin->arch->name : l->machine->arch->name);
    return format->read(l->d, &l->arena, "<start-up code>", bytes, &o->o) &&
           link_prepare_object(l, l->d, &l->arena, o) &&
           inputs_add_object(l, o, true, "starts the image's heap");
}

/* The object that was added last comes first: Mach-O has no priorities of
   initialisers, they run in the order of the inputs. */
static void put_first(struct link *l)
{
    struct lobj *last = l->objs[l->obj_count - 1];

    memmove(l->objs + 2, l->objs + 1, (l->obj_count - 2) * sizeof *l->objs);
    l->objs[1] = last;
    for (uint64_t i = 1; i < l->obj_count; i++)
        l->objs[i]->order = (uint32_t)i;
}

bool link_start_heaps(struct link *l)
{
    bool native = l->heap_relocs == HEAP_RELOCS_NATIVE, needed = false;

    /* The loader of Mach-O images takes rights back by itself; that of PE images does
       all that there is to do. */
    if (l->coff)
        return dll_add_start(l);
    for (uint64_t i = 0; i < l->heap_count; i++)
        needed = needed || is_prelinked(l) || (!l->darwin && needs_rights(l->heaps[i], native));
    if (needed && !add_start(l))
        return false;
    if (needed && l->darwin)
        put_first(l);
    return true;
}

/* ---- what the image prefers, and what it imports ---- */

/* Where the image is to lie, with the heaps in it, if any of them gains by it.
   The loader of Mach-O images passes over what they prefer, so there it is
   where the heaps lie if they are mapped alone. */
static void choose_base(struct link *l)
{
    uint64_t place = heap_place_begin(l->opt->soname), address = 0;
    bool prefers = false;

    for (uint64_t i = 0; i < l->heap_count; i++) {
        place = heap_place_add(place, l->heaps[i]->o.heap);
        prefers = prefers || !l->heaps[i]->o.heap->written;
    }
    /* Nothing is gained for a heap that is copied at each start, and Julia finds its image's
       functions in backtraces only if the image is linked for address 0. */
    if (!prefers)
        return;
    address = heap_place_address(place);
    if (l->darwin)
        l->heap_place = l->opt->heap_base ? l->opt->heap_base : address;
    else if (!l->opt->image_base_set)
        l->image_base = address;
}

static bool check_kind(const struct link *l, const struct lobj *o, uint32_t import)
{
    const struct heap_import *i = &o->o.heap->imports[import];
    const struct lsym *s = lobj_sym(o, heap_import_symbol(o->o.heap, import));
    uint8_t kind = s->obj && s->state >= SYM_SHARED ? lsym_symbol(s)->kind : KIND_NONE;

    if (kind == KIND_TLS)
        return diag_fail(l->d, E_LINK, "%s: import `%s': %s defines it as thread-local", o->o.name,
                         i->name, s->obj->o.name);
    if (i->kind == SIMG_IMPORT_FUNCTION && kind == KIND_OBJECT)
        return diag_fail(l->d, E_LINK, "%s: import `%s': is a function, but %s defines it as data",
                         o->o.name, i->name, s->obj->o.name);
    return true; /* a function's address may well be kept as data */
}

bool link_resolve_heaps(struct link *l)
{
    bool ok = true;

    if (l->heap_count && is_prelinked(l))
        choose_base(l);
    for (uint64_t i = 0; i < l->heap_count; i++) {
        struct lobj *o = l->heaps[i];

        for (uint32_t n = 0; n < o->o.heap->import_count; n++)
            ok = check_kind(l, o, n) && ok;
        for (uint32_t n = 1; n < o->o.section_count; n++)
            if (!(o->secs[n].heap = arena_alloc(&l->arena, 1, sizeof *o->secs[n].heap)))
                return diag_nomem(l->d);
    }
    return ok;
}

/* ---- what becomes of a slot ---- */

/* SYM lies in the heap that S is part of. */
static bool is_own(const struct lsec *s, const struct lsym *sym)
{
    const struct lsec *at = lsym_section(sym);

    return at && at->obj == s->obj;
}

bool link_heap_settles(const struct link *l, const struct lsec *s, const struct lsym *sym)
{
    if (!s->obj->o.heap || l->heap_relocs == HEAP_RELOCS_NATIVE)
        return false;
    return is_prelinked(l) || is_own(s, sym);
}

uint64_t link_heap_bias(const struct link *l, const struct lsec *s, const struct lsym *sym)
{
    bool biased = s->obj->o.heap && (is_prelinked(l) ? !lsym_is_constant(sym) : is_own(s, sym));

    return biased ? s->obj->heap_base - s->obj->heap_value : 0;
}

bool link_heap_adds(const struct link *l, const struct lsec *s, uint64_t *base)
{
    *base = s->obj->heap_value;
    return s->sec->slots && l->heap_relocs != HEAP_RELOCS_NONE;
}

/* Imports that move with the image, found by going over the relocations. */
struct finder {
    struct link *l;
    uint64_t *at; /* offsets, ascending as the relocations are */
    uint64_t count, cap;
};

static bool find_moving(struct finder *f, struct lsec *s)
{
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    f->count = 0;
    for (uint64_t first = 0; first < s->sec->reloc_count; first += got) {
        if (!s->obj->o.format->relocs(f->l->d, &s->obj->o, s->index, first, batch, RELOC_BATCH,
                                      &got))
            return false;
        for (unsigned i = 0; i < got; i++) {
            const struct lsym *sym = lobj_sym(s->obj, batch[i].symbol);

            if (f->l->target->binds(sym) || lsym_is_constant(sym) || lsym_is_resolved(sym))
                continue;
            if (!arena_grow(&f->l->arena, (void **)&f->at, f->count, &f->cap, sizeof *f->at))
                return diag_nomem(f->l->d);
            f->at[f->count++] = batch[i].offset;
        }
    }
    return true;
}

/* S's own slots and those that FOUND lists. */
static bool join_slots(struct link *l, struct lsec *s, const struct finder *found)
{
    return slots_join(&l->arena, s->sec->slots, s->size, found->at, found->count,
                      &s->heap->slots) ||
           diag_nomem(l->d);
}

static bool settle_section(struct link *l, struct lsec *s, struct finder *found)
{
    const struct slot_map *m = s->sec->slots;

    if (!s->live)
        return true;
    if (is_prelinked(l))
        return find_moving(found, s) && join_slots(l, s, found);
    if (l->heap_relocs == HEAP_RELOCS_NATIVE && m) {
        bool packed = l->opt->relocs == RELOCS_RELR;

        s->late_rights = s->late_rights || !(s->sec->flags & SEC_WRITE);
        l->heap_relative += packed ? m->odd_count : m->count;
        s->heap->slots = *m;
    }
    return true;
}

bool link_settle_heaps(struct link *l)
{
    struct finder found = {.l = l};

    for (uint64_t i = 0; i < l->heap_count; i++)
        for (uint32_t n = 1; n < l->heaps[i]->o.section_count; n++)
            if (!settle_section(l, &l->heaps[i]->secs[n], &found))
                return false;
    if (l->heap_relocs == HEAP_RELOCS_NATIVE && l->opt->relocs == RELOCS_RELR)
        l->heap_relr = link_encode_heap_relr(l, NULL);
    return true;
}
