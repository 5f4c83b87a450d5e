/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imports.c - slots of the GOT, stubs, and the list of what is bound; each in
 * the order of the inputs, so that equal links give equal tables. */

#include "dylib/dylib.h"

#include <stdlib.h>

/* ---- slots ---- */

static bool take(struct link *l, uint32_t **order, uint64_t *count, uint32_t *place, uint32_t slot)
{
    /* Grown by doubling: COUNT is a power of two when it is full. */
    if ((*count & (*count - 1)) == 0) {
        uint32_t *bigger = arena_alloc(&l->arena, *count ? 2 * *count : 1, sizeof *bigger);

        if (!bigger)
            return diag_nomem(l->d);
        if (*count)
            memcpy(bigger, *order, *count * sizeof *bigger);
        *order = bigger;
    }
    *place = (uint32_t)*count;
    (*order)[(*count)++] = slot;
    return true;
}

static bool assign(struct link *l, struct lsym *s)
{
    struct dylib *y = l->dylib;
    unsigned needs = atomic_load(&s->needs);
    struct slots *slot = NULL;
    uint32_t index = (uint32_t)l->slot_count;

    if (!(needs & (NEED_GOT | NEED_PLT | NEED_GD)))
        return true;
    if (!arena_grow(&l->arena, (void **)&l->slots, l->slot_count, &l->slot_cap, sizeof *l->slots))
        return diag_nomem(l->d);
    slot = &l->slots[l->slot_count++];
    s->slots = index;
    *slot = (struct slots){s, NO_SLOT, NO_SLOT, NO_SLOT, NO_SLOT, NO_SLOT};
    return (!(needs & NEED_GOT) || take(l, &y->got_order, &y->got_count, &slot->got, index)) &&
           (!(needs & NEED_PLT) || take(l, &y->stub_order, &y->stub_count, &slot->plt, index)) &&
           (!(needs & NEED_GD) || take(l, &y->tlv_order, &y->tlv_count, &slot->gd, index));
}

static struct lsec *new_section(struct link *l, const char *name, uint32_t flags, uint32_t type,
                                uint8_t align_log2, uint64_t size)
{
    struct section section = {.name = name,
                              .flags = SEC_ALLOC | SEC_ZERO | flags, /* until it is filled */
                              .align_log2 = align_log2,
                              .size = size,
                              .reloc_count = 1, /* dylib_relocate() fills it */
                              .type = type};

    return size ? link_append_section(l, &section) : NULL;
}

/* Functions that run when the image is loaded, where they are offsets. */
static bool list_inits(struct link *l)
{
    struct dylib *y = l->dylib;

    for (uint64_t i = 0; y->init_offsets && i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            struct lsec *s = &l->objs[i]->secs[n];

            if (!s->live || s->sec->role != ROLE_INIT_ARRAY)
                continue;
            s->live = false;
            y->init_count += s->size / 8;
        }
    return true;
}

/* What the loader fixes of the slots in S. */
static void count_fixups(const struct link *l, struct lsec *s, const uint32_t *order,
                         uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const struct lsym *sym = l->slots[order[i]].sym;

        if (dylib_binds(sym))
            s->symbolic++;
        else if (!lsym_is_constant(sym))
            s->relative++;
    }
}

bool dylib_assign_slots(struct link *l)
{
    struct dylib *y = l->dylib;

    l->slot_count = 1; /* slots[0] is unused */
    if (!arena_grow(&l->arena, (void **)&l->slots, 0, &l->slot_cap, sizeof *l->slots))
        return diag_nomem(l->d);
    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 0; n < l->objs[i]->o.first_global; n++)
            if (!assign(l, &l->objs[i]->locals[n]))
                return false;
    for (uint64_t i = 0; i < l->global_count; i++)
        if (!assign(l, l->globals[i]))
            return false;
    if (!list_inits(l))
        return false;
    y->got = new_section(l, "__DATA_CONST,__got", SEC_WRITE, S_NON_LAZY_SYMBOL_POINTERS, 3,
                         8 * y->got_count);
    y->stubs = new_section(l, "__TEXT,__stubs", SEC_EXEC,
                           S_SYMBOL_STUBS | S_ATTR_PURE_INSTRUCTIONS | S_ATTR_SOME_INSTRUCTIONS,
                           l->darwin->stub_align_log2, l->darwin->stub_size * y->stub_count);
    y->tlv = new_section(l, "__DATA,__thread_ptrs", SEC_WRITE, S_THREAD_LOCAL_VARIABLE_POINTERS, 3,
                         8 * y->tlv_count);
    y->inits =
        new_section(l, "__TEXT,__init_offsets", 0, S_INIT_FUNC_OFFSETS, 2, 4 * y->init_count);
    count_fixups(l, y->got, y->got_order, y->got_count);
    count_fixups(l, y->tlv, y->tlv_order, y->tlv_count);
    return true;
}

/* ---- imports ---- */

static int by_name(const void *a, const void *b)
{
    const struct dylib_import *x = a, *y = b;
    int order = strcmp(x->sym->name, y->sym->name);

    return order ? order : x->addend < y->addend ? -1 : x->addend > y->addend;
}

/* The wide ones were listed while scanning, in no order and more than once. */
static uint64_t sort_wide(struct dylib_import *wide, uint64_t count)
{
    uint64_t kept = 0;

    if (count)
        qsort(wide, count, sizeof *wide, by_name);
    for (uint64_t i = 0; i < count; i++)
        if (i == 0 || by_name(&wide[i], &wide[kept - 1]) != 0)
            wide[kept++] = wide[i];
    return kept;
}

bool dylib_make_imports(struct link *l)
{
    struct dylib *y = l->dylib;
    struct dylib_import *wide = y->imports;
    uint64_t wide_count = sort_wide(wide, y->import_count);

    y->imports = NULL;
    y->import_count = y->import_cap = 0;
    for (uint64_t i = 0; i < l->global_count; i++) {
        struct lsym *s = l->globals[i];

        s->dynsym = 0;
        if (!(atomic_load(&s->needs) & NEED_DYNSYM) || !dylib_binds(s))
            continue;
        if (!arena_grow(&l->arena, (void **)&y->imports, y->import_count, &y->import_cap,
                        sizeof *y->imports))
            return diag_nomem(l->d);
        y->binds_weak = y->binds_weak || dylib_ordinal(l, s) == BIND_SPECIAL_DYLIB_WEAK_LOOKUP;
        y->imports[y->import_count++] = (struct dylib_import){s, 0};
        s->dynsym = (uint32_t)y->import_count;
    }
    for (uint64_t i = 0; i < wide_count; i++) {
        if (!arena_grow(&l->arena, (void **)&y->imports, y->import_count, &y->import_cap,
                        sizeof *y->imports))
            return diag_nomem(l->d);
        y->imports[y->import_count++] = wide[i];
    }
    y->wide_first = y->import_count - wide_count;
    return true;
}

uint32_t dylib_import(const struct link *l, const struct lsym *sym, int64_t addend)
{
    const struct dylib *y = l->dylib;
    const struct dylib_import key = {sym, addend}, *found = NULL;

    if (addend >= 0 && addend <= 255)
        return sym->dynsym - 1;
    found = bsearch(&key, y->imports + y->wide_first, y->import_count - y->wide_first, sizeof key,
                    by_name);
    return found ? (uint32_t)(found - y->imports) : 0;
}
