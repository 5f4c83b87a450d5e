/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relocate.c - the final value of every field. */

#include "base/par.h"
#include "link/link.h"

#include <stdio.h>

/* ---- addresses of symbols ---- */

static void place_symbol(struct lsym *s)
{
    struct lsec *sec = lsym_section(s);
    const struct symbol *sym = NULL;
    uint64_t to = 0;

    s->addr = 0;
    if (!lsym_defined(s) || (s->linker && !sec)) /* the linker's own come later */
        return;
    sym = lsym_symbol(s);
    if (!sec) {
        s->addr = sym->section == SECTION_ABS ? sym->value : 0;
        return;
    }
    sec = lsec_moved(sec, sym->value, &to);
    s->addr = sec && sec->out ? lsec_addr(sec) + to : 0;
}

static void place_locals(void *arg, unsigned worker, uint64_t i)
{
    struct link *l = arg;

    (void)worker;
    for (uint32_t n = 1; n < l->objs[i]->o.first_global; n++)
        place_symbol(&l->objs[i]->locals[n]);
}

bool link_place_symbols(struct link *l)
{
    const struct lobj *own = l->objs[0];

    par_for(l->obj_count, place_locals, l);
    for (uint64_t i = 0; i < l->global_count; i++)
        place_symbol(l->globals[i]);
    for (uint32_t i = 1; i < own->o.symbol_count; i++)
        place_symbol(own->globals[i - 1]);
    link_place_provided(l);
    return true;
}

/* ---- one relocation ---- */

bool link_target(const struct link *l, const struct lobj *o, const struct reloc *r,
                 uint64_t *value)
{
    const struct symbol *entry = &o->o.symbols[r->symbol];
    const struct lsym *s = lobj_sym(o, r->symbol);
    struct lsec *sec = NULL;
    uint64_t to = 0;

    *value = (uint64_t)r->addend;
    if (r->symbol == 0)
        return true;
    if (entry->kind == KIND_SECTION && r->symbol < o->o.first_global &&
        entry->section < o->o.section_count) {
        /* The addend is part of the place: it may lead to another piece. */
        sec = lsec_moved(&o->secs[entry->section], entry->value + (uint64_t)r->addend, &to);
        *value = sec && sec->out ? lsec_addr(sec) + to : 0;
        return sec && sec->live && sec->out;
    }
    *value = lsym_value(l, s) + (uint64_t)r->addend;
    sec = lsym_section(s);
    if (sec && !sec->into)
        return sec->live;
    return !sec || lsec_moved(sec, lsym_symbol(s)->value, &to) != NULL;
}

bool link_branch_target(const struct link *l, const struct lsec *s, const struct reloc *r,
                        uint64_t *to)
{
    const struct lsym *sym = lobj_sym(s->obj, r->symbol);

    if (sym->slots && l->slots[sym->slots].plt != NO_SLOT)
        *to = plt_entry_addr(l, l->slots[sym->slots].plt) + (uint64_t)r->addend;
    else
        link_target(l, s->obj, r, to);
    return true;
}

struct applier {
    struct link *l;
    struct diag *d;
    struct lsec *s;
    const struct window *w;
    bool big;
    struct diag quiet; /* what went wrong, before its place is known */
};

/* The GOT slot that R's value starts from. */
static uint32_t slot_offset(const struct link *l, const struct lsym *s, enum reloc_what what)
{
    const struct slots *slot = &l->slots[s->slots];

    switch (what) {
    case WHAT_GOT:
        return slot->got;
    case WHAT_TLSGD:
        return slot->gd;
    case WHAT_TLSIE:
        return slot->ie;
    case WHAT_TLSDESC:
        return slot->desc;
    default:
        return l->tls_ld_slot;
    }
}

/* X, what the value starts from, for a relocation in memory. */
static uint64_t start_value(const struct applier *ap, const struct reloc *r,
                            const struct lsym *sym, struct reloc_at *at)
{
    struct link *l = ap->l;
    uint64_t value = 0;

    at->a = r->addend;
    switch (r->type->what) {
    case WHAT_GOT:
    case WHAT_TLSGD:
    case WHAT_TLSLD:
    case WHAT_TLSIE:
    case WHAT_TLSDESC:
        return lsec_addr(l->made[MADE_GOT]) + slot_offset(l, sym, r->type->what);
    case WHAT_GOTBASE:
        return l->got_base;
    case WHAT_SIZE:
        return lsym_defined(sym) ? lsym_symbol(sym)->size : 0;
    case WHAT_DTPREL:
        return sym->addr - l->tls_addr;
    case WHAT_PLT:
        /* A call of a weak function that nobody can define: it is never
           taken, so it may lead to the next instruction. */
        if (!lsym_defined(sym) && !sym->slots && r->type->from == FROM_PLACE)
            return at->p + 4;
        at->a = 0; /* is in the target already */
        link_branch_target(l, ap->s, r, &value);
        return link_reachable(l, ap->s, r, value);
    default:
        break;
    }
    link_target(l, ap->s->obj, r, &value);
    at->a = 0; /* is in VALUE already */
    return value;
}

static void locate(struct applier *ap, const struct reloc *r, char *text, size_t size)
{
    struct arena a = {0};
    const struct symbol *sym = &ap->s->obj->o.symbols[r->symbol];
    /* Finding the function takes long, and nobody reads the hundredth. */
    const char *where = ap->d->errors > 100 ? ap->s->obj->o.name
                                            : link_place(&a, ap->s, r->offset);

    snprintf(text, size, "%s: against `%s'", where,
             sym->kind == KIND_SECTION && sym->section < ap->s->obj->o.section_count
                 ? ap->s->obj->o.sections[sym->section].name
                 : sym->name);
    arena_free(&a);
}

static bool apply(struct applier *ap, const struct reloc *r, const struct reloc_at *at,
                  uint8_t *unit)
{
    char place[512];
    struct where here = {NULL, place, NO_INDEX};

    if (reloc_apply(&ap->quiet, r->type, at, unit, ap->big))
        return true;
    locate(ap, r, place, sizeof place);
    ap->d->where = &here;
    diag_fail(ap->d, ap->quiet.status, "%s", ap->quiet.text);
    ap->d->where = NULL;
    ap->quiet = (struct diag){0};
    return false;
}

/* A field of the image's memory. */
static bool apply_memory(struct applier *ap, const struct reloc *r, uint8_t *unit, uint64_t before)
{
    static const struct reloc_type direct = {"relaxed", WHAT_SYMBOL, FROM_PLACE, &sdata32, 0, 0};
    const struct lsym *sym = lobj_sym(ap->s->obj, r->symbol);
    struct reloc_at at = {.p = lsec_addr(ap->s) + r->offset, .got = ap->l->got_base};

    /* The dynamic linker writes these. */
    if (r->type->what == WHAT_TPREL || (reloc_is_word(r->type) && lsym_preemptible(sym)))
        return true;
    if (r->type->what == WHAT_GOT &&
        link_relaxes(ap->l, ap->s, r, sym, unit, before)) {
        struct reloc moved = *r;

        ap->l->arch->relax(r->type->relax, unit);
        moved.type = &direct;
        at.x = start_value(ap, &moved, sym, &at);
        return apply(ap, &moved, &at, unit);
    }
    at.x = start_value(ap, r, sym, &at) - link_heap_bias(ap->l, ap->s, sym);
    return apply(ap, r, &at, unit);
}

/* A field that is only read from the file: debugging information. */
static bool apply_file(struct applier *ap, const struct reloc *r, uint8_t *unit)
{
    const struct lsym *sym = lobj_sym(ap->s->obj, r->symbol);
    struct reloc_at at = {0};
    uint64_t value = 0;

    if (r->type->what == WHAT_SIZE) {
        at.x = lsym_defined(sym) ? lsym_symbol(sym)->size : 0;
        at.a = r->addend;
    } else if (r->type->what == WHAT_DTPREL || r->type->what == WHAT_TPREL) {
        at.x = sym->addr - ap->l->tls_addr;
        at.a = r->addend;
    } else if (!link_target(ap->l, ap->s->obj, r, &value)) {
        /* Code that is gone is at 0; in lists that a pair of zeros ends, at 1. */
        at.x = !strcmp(ap->s->sec->name, ".debug_ranges") ||
               !strcmp(ap->s->sec->name, ".debug_loc");
    } else {
        at.x = value;
    }
    return apply(ap, r, &at, unit);
}

static bool relocate_batch(struct applier *ap, const struct reloc *batch, unsigned count,
                           bool *past)
{
    const struct window *w = ap->w;
    bool memory = ap->s->sec->flags & SEC_ALLOC, ok = true;

    for (unsigned i = 0; i < count; i++) {
        const struct reloc *r = &batch[i];
        uint64_t start = w->from - w->before;

        /* A rewritten instruction reaches 3 bytes before its field. */
        if (r->offset >= w->from + w->size + 4) {
            *past = true;
            continue;
        }
        if (!r->type || !r->type->field || r->offset + r->type->field->bytes <= w->from)
            continue;
        ok = (memory ? apply_memory(ap, r, w->bytes + (r->offset - start), r->offset - start)
                     : apply_file(ap, r, w->bytes + (r->offset - start))) &&
             ok;
    }
    return ok;
}

uint64_t lsec_first_reloc(const struct lsec *s, uint64_t offset)
{
    uint64_t lo = 0, hi = s->sec->reloc_count;
    struct diag quiet = {0};
    struct reloc r;
    unsigned got = 0;

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;

        if (!s->obj->o.format->relocs(&quiet, &s->obj->o, s->index, mid, &r, 1, &got) || !got)
            return 0;
        if (r.offset < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool link_relocate(struct link *l, struct diag *d, struct lsec *s, const struct window *w)
{
    struct applier ap = {.l = l, .d = d, .s = s, .w = w, .big = s->obj->o.big};
    struct reloc batch[RELOC_BATCH];
    uint64_t first = s->sorted && w->from > 16 ? lsec_first_reloc(s, w->from - 16) : 0;
    bool ok = true, past = false;
    unsigned got = 0;

    for (; first < s->sec->reloc_count; first += got) {
        struct where here = {NULL, s->obj->o.name, NO_INDEX};

        d->where = &here;
        if (!s->obj->o.format->relocs(d, &s->obj->o, s->index, first, batch, RELOC_BATCH, &got))
            return false;
        d->where = NULL;
        ok = relocate_batch(&ap, batch, got, &past) && ok;
        if (past && s->sorted)
            break;
    }
    return ok;
}
