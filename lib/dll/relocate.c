/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relocate.c - the final value of every field. */

#include "base/par.h"
#include "dll/dll.h"
#include "link/window.h"

/* ---- addresses of symbols ---- */

static void place_symbol(struct lsym *s)
{
    struct lsec *sec = lsym_section(s);
    const struct symbol *sym = NULL;

    if (s->linker)
        return;
    s->addr = 0;
    if (!lsym_defined(s))
        return;
    sym = lsym_symbol(s);
    if (!sec)
        s->addr = sym->section == SECTION_ABS ? sym->value : 0;
    else if (sec->out && sec->live)
        s->addr = lsec_addr(sec) + sym->value;
}

static void place_locals(void *arg, unsigned worker, uint64_t i)
{
    struct link *l = arg;

    (void)worker;
    for (uint32_t n = 1; n < l->objs[i]->o.first_global; n++)
        place_symbol(&l->objs[i]->locals[n]);
}

bool dll_place_symbols(struct link *l)
{
    par_for(l->obj_count, place_locals, l);
    for (uint64_t i = 0; i < l->global_count; i++)
        place_symbol(l->globals[i]);
    dll_place_provided(l);
    return true;
}

/* ---- one relocation ---- */

struct applier {
    struct link *l;
    struct diag *d;
    struct lsec *s;
    const struct window *w;
};

/* The number of the section that SYM is in, or its distance from where that starts. */
static uint64_t in_section(const struct applier *ap, const struct lsym *sym, enum reloc_what what)
{
    const struct lsec *sec = lsym_section(sym);

    if (!sec || !sec->out || !sec->live)
        return 0;
    return what == WHAT_SECTION ? sec->out->index : sym->addr - sec->out->addr;
    (void)ap;
}

bool dll_branch_target(const struct link *l, const struct lsec *s, const struct reloc *r,
                       uint64_t *to)
{
    const struct lsym *sym = lobj_sym(s->obj, r->symbol);
    enum dll_target target = dll_target_of(l, s, r);

    *to = (target == TARGET_STUB ? dll_stub_address(l, sym) : sym->addr) + (uint64_t)r->addend;
    return target == TARGET_STUB || target == TARGET_HERE;
}

/* A branch that does not reach goes to a jump. */
static uint64_t branch_value(const struct applier *ap, const struct reloc *r)
{
    uint64_t to = 0;

    dll_branch_target(ap->l, ap->s, r, &to);
    return link_reachable(ap->l, ap->s, r, to) - (uint64_t)r->addend;
}

static uint64_t value_of(const struct applier *ap, const struct reloc *r)
{
    const struct lsym *sym = lobj_sym(ap->s->obj, r->symbol);

    switch (dll_target_of(ap->l, ap->s, r)) {
    case TARGET_POINTER:
    case TARGET_PSEUDO: /* start-up code takes the slot away and adds what is in it */
        return dll_slot_address(ap->l, sym);
    case TARGET_STUB:
        return branch_value(ap, r);
    case TARGET_AUTO: /* the loader writes it; before, it is as good as the lookup table's row */
        return 0;
    case TARGET_CONSTANT:
        if (sym->obj == ap->s->obj && ap->s->obj->o.heap)
            return sym->addr - link_heap_bias(ap->l, ap->s, sym);
        return sym->addr;
    case TARGET_HERE:
        break;
    }
    return ap->s->island ? branch_value(ap, r) : sym->addr;
}

static bool apply_one(const struct applier *ap, const struct reloc *r)
{
    const struct lsym *sym = lobj_sym(ap->s->obj, r->symbol);
    const struct symbol *entry = &ap->s->obj->o.symbols[r->symbol];
    bool relative = r->type->what == WHAT_SECTION || r->type->what == WHAT_SECREL;
    struct reloc_at at = {
        .x = relative ? in_section(ap, sym, r->type->what) : value_of(ap, r),
        .a = r->addend,
        .p = lsec_addr(ap->s) + r->offset,
        .base = ap->l->image_base,
    };
    struct diag quiet = {0};
    struct arena a = {0};
    uint8_t *field = ap->w->bytes + (r->offset - (ap->w->from - ap->w->before));

    /* Of what is nowhere, a distance from the image makes no sense: 0. */
    if (r->type->from == FROM_IMAGE && at.x == 0 &&
        dll_target_of(ap->l, ap->s, r) == TARGET_CONSTANT)
        at.base = 0;
    if (reloc_apply(&quiet, r->type, &at, field, false))
        return true;
    diag_fail(ap->d, quiet.status, "%s: against `%s': %s",
              ap->d->errors > 100 ? ap->s->obj->o.name : link_place(&a, ap->s, r->offset),
              entry->kind == KIND_SECTION ? ap->s->obj->o.sections[entry->section].name
                                          : entry->name,
              quiet.text);
    arena_free(&a);
    return false;
}

/* ---- a window ---- */

static void fill_pointers(const struct link *l, const struct window *w)
{
    uint64_t start = w->from - w->before, end = w->from + w->size + w->after;

    for (uint64_t i = start / 8; i < l->dll->pointer_count && 8 * i < end; i++) {
        uint8_t word[8];

        store_uint(word, 8, false, l->dll->pointers[i]->addr);
        for (uint64_t n = 0; n < 8; n++)
            if (8 * i + n >= start && 8 * i + n < end)
                w->bytes[8 * i + n - start] = word[n];
    }
}

bool dll_relocate(struct link *l, struct diag *d, struct lsec *s, const struct window *w)
{
    const struct applier ap = {.l = l, .d = d, .s = s, .w = w};
    struct reloc batch[RELOC_BATCH];
    uint64_t first = s->sorted && w->from > 16 ? lsec_first_reloc(s, w->from - 16) : 0;
    bool ok = true, past = false;
    unsigned got = 0;

    if (s == l->dll->pointer_table)
        fill_pointers(l, w);
    if (s->obj == l->objs[0])
        return true;
    if (s->out == l->dll->pdata && !l->dll->sorting) /* S has its final bytes */
        return true;
    for (; first < s->sec->reloc_count && !(past && s->sorted); first += got) {
        if (!s->obj->o.format->relocs(d, &s->obj->o, s->index, first, batch, RELOC_BATCH, &got))
            return false;
        for (unsigned i = 0; i < got; i++) {
            const struct reloc *r = &batch[i];

            past = past || r->offset >= w->from + w->size;
            if (r->offset >= w->from + w->size || !r->type->field ||
                r->offset + r->type->field->bytes <= w->from)
                continue;
            ok = apply_one(&ap, r) && ok;
        }
    }
    return ok;
}
