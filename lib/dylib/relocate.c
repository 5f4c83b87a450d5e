/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relocate.c - the final value of every field.
 *
 * A pointer that the loader is to fix is written as what chained fixups want
 * there, but without the distance to the next, and marked; chains.c ties the
 * marked ones together when the window is complete. */

#include "base/par.h"
#include "dylib/dylib.h"
#include "link/window.h"

#include <inttypes.h>
#include <stdio.h>

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
    else if (sec->out)
        s->addr = lsec_addr(sec) + sym->value;
}

static void place_locals(void *arg, unsigned worker, uint64_t i)
{
    struct link *l = arg;

    (void)worker;
    for (uint32_t n = 1; n < l->objs[i]->o.first_global; n++)
        place_symbol(&l->objs[i]->locals[n]);
}

bool dylib_place_symbols(struct link *l)
{
    par_for(l->obj_count, place_locals, l);
    for (uint64_t i = 0; i < l->global_count; i++)
        place_symbol(l->globals[i]);
    dylib_place_provided(l);
    return true;
}

uint64_t dylib_target(const struct link *l, const struct lobj *o, const struct reloc *r)
{
    (void)l;
    return (r->symbol ? lobj_sym(o, r->symbol)->addr : 0) + (uint64_t)r->addend;
}

/* ---- pointers ---- */

struct applier {
    struct link *l;
    struct diag *d;
    struct lsec *s;
    const struct window *w;
};

static uint8_t *field_at(const struct applier *ap, uint64_t offset)
{
    return ap->w->bytes + (offset - (ap->w->from - ap->w->before));
}

/* The field starts in the window's own part. */
static bool is_inside(const struct applier *ap, uint64_t offset)
{
    return offset >= ap->w->from && offset < ap->w->from + ap->w->size;
}

static bool bad_pointer(const struct applier *ap, uint64_t offset, const char *format,
                        uint64_t value)
{
    struct arena a = {0};
    struct where here = {ap->d->where, link_place(&a, ap->s, offset), NO_INDEX};

    ap->d->where = &here;
    diag_fail(ap->d, E_RANGE, format, value);
    ap->d->where = here.up;
    arena_free(&a);
    return false;
}

/* Chains count in steps of 4 bytes, and a pointer lies in one page. */
static bool mark(const struct applier *ap, uint64_t offset)
{
    uint64_t addr = lsec_addr(ap->s) + offset, page = ap->l->darwin->fixup_page;
    uint64_t at = ap->s->out->offset + ap->s->offset + offset;

    if (!ap->l->dylib->chained)
        return true;
    if (addr % MARKED || addr % page > page - 8)
        return bad_pointer(ap, offset,
                           "the pointer at address 0x%" PRIx64
                           " is not aligned, and chained fixups cannot reach it; use "
                           "-no_fixup_chains",
                           addr);
    if (ap->w->marks && is_inside(ap, offset)) {
        at = (at - ap->w->marks_offset) / MARKED;
        ap->w->marks[at / 8] |= (uint8_t)(1 << at % 8);
    }
    return true;
}

/* struct dyld_chained_ptr_64_rebase: 36 bits of target, 8 high bits. */
static bool put_rebase(const struct applier *ap, uint64_t offset, uint64_t value)
{
    uint64_t target = value & ~(UINT64_C(0xff) << 56);
    const struct dylib *y = ap->l->dylib;

    if (!mark(ap, offset))
        return false;
    if (!y->chained) {
        store_uint(field_at(ap, offset), 8, false, value);
        return true;
    }
    if (y->chain_offsets)
        target -= ap->l->opt->image_base;
    if (target >> 36)
        return bad_pointer(ap, offset,
                           "0x%" PRIx64 " is no address of this image, and a chained pointer has "
                           "36 bits for it",
                           value);
    store_uint(field_at(ap, offset), 8, false, target | value >> 56 << 36);
    return true;
}

/* struct dyld_chained_ptr_64_bind: 24 bits of ordinal, 8 of addend. */
static bool put_bind(const struct applier *ap, uint64_t offset, const struct lsym *sym,
                     int64_t addend)
{
    const struct dylib *y = ap->l->dylib;
    uint64_t rest = addend >= 0 && addend <= 255 ? (uint64_t)addend : 0;
    /* Opcodes bind what is defined here only if another image has it as well. */
    uint64_t plain = lsym_defined(sym) ? sym->addr + (uint64_t)addend : 0;

    if (!mark(ap, offset))
        return false;
    store_uint(field_at(ap, offset), 8, false,
               y->chained ? UINT64_C(1) << 63 | rest << 24 | dylib_import(ap->l, sym, addend)
                          : plain);
    return true;
}

static bool put_address(const struct applier *ap, uint64_t offset, const struct lsym *sym)
{
    if (lsym_defined(sym) && lsym_is_constant(sym)) {
        store_uint(field_at(ap, offset), 8, false, sym->addr);
        return true;
    }
    return dylib_binds(sym) ? put_bind(ap, offset, sym, 0) : put_rebase(ap, offset, sym->addr);
}

/* ---- slots of heaps ---- */

static bool put_slot(void *arg, uint64_t offset)
{
    const struct applier *ap = arg;

    return put_rebase(ap, offset, load_uint(field_at(ap, offset), 8, false));
}

bool dylib_mark_slots(struct link *l, struct diag *d, struct lsec *s, const struct window *w)
{
    struct applier ap = {.l = l, .d = d, .s = s, .w = w};

    return !l->dylib->chained || l->heap_relocs != HEAP_RELOCS_NATIVE ||
           slots_each(s->sec->slots, w->from, w->from + w->size, put_slot, &ap);
}

/* ---- one relocation ---- */

static uint64_t slot_address(const struct link *l, const struct lsym *s, enum reloc_what what)
{
    const struct dylib *y = l->dylib;
    const struct slots *slot = &l->slots[s->slots];

    return what == WHAT_TLV ? lsec_addr(y->tlv) + 8ull * slot->gd
                            : lsec_addr(y->got) + 8ull * slot->got;
}

static uint64_t stub_address(const struct link *l, const struct lsym *s)
{
    return lsec_addr(l->dylib->stubs) + (uint64_t)l->darwin->stub_size * l->slots[s->slots].plt;
}

static bool apply(const struct applier *ap, const struct reloc *r, const struct reloc_type *type,
                  uint64_t x)
{
    struct reloc_at at = {.x = x, .p = lsec_addr(ap->s) + r->offset};
    struct diag quiet = {0};
    struct arena a = {0};
    const struct symbol *sym = &ap->s->obj->o.symbols[r->symbol];

    if (reloc_apply(&quiet, type, &at, field_at(ap, r->offset), false))
        return true;
    diag_fail(ap->d, quiet.status, "%s: against `%s': %s",
              ap->d->errors > 100 ? ap->s->obj->o.name : link_place(&a, ap->s, r->offset),
              sym->kind == KIND_SECTION ? ap->s->obj->o.sections[sym->section].name : sym->name,
              quiet.text);
    arena_free(&a);
    return false;
}

static bool apply_pointer(const struct applier *ap, const struct reloc *r)
{
    const struct lsym *sym = lobj_sym(ap->s->obj, r->symbol);
    uint64_t value = dylib_target(ap->l, ap->s->obj, r);

    switch (dylib_pointer(ap->l, ap->s, r)) {
    case POINTER_BIND:
        return put_bind(ap, r->offset, sym, r->addend);
    case POINTER_REBASE:
        return put_rebase(ap, r->offset, value);
    case POINTER_TLS:
        value -= ap->l->dylib->tls_addr;
        break;
    case POINTER_CONSTANT:
        value -= link_heap_bias(ap->l, ap->s, sym);
        break;
    case POINTER_INIT:
        break;
    }
    store_uint(field_at(ap, r->offset), 8, false, value);
    return true;
}

static bool apply_slot(const struct applier *ap, const struct reloc *r)
{
    const struct lsym *sym = lobj_sym(ap->s->obj, r->symbol);
    uint8_t *unit = field_at(ap, r->offset);
    const struct slots *slot = &ap->l->slots[sym->slots];
    bool has = sym->slots && (r->type->what == WHAT_TLV ? slot->gd : slot->got) != NO_SLOT;
    const struct reloc_type *direct = NULL;

    if (!has) {
        uint64_t before = r->offset - (ap->w->from - ap->w->before);

        direct = ap->l->darwin->relax(r->type->relax, unit, before);
        return direct ? apply(ap, r, direct, dylib_target(ap->l, ap->s->obj, r)) : true;
    }
    if (r->type->field->bytes == 8)
        return put_rebase(ap, r->offset,
                          slot_address(ap->l, sym, r->type->what) + (uint64_t)r->addend);
    return apply(ap, r, r->type, slot_address(ap->l, sym, r->type->what) + (uint64_t)r->addend);
}

bool dylib_branch_target(const struct link *l, const struct lsec *s, const struct reloc *r,
                         uint64_t *to)
{
    const struct lsym *sym = lobj_sym(s->obj, r->symbol);

    *to = dylib_binds(sym) ? stub_address(l, sym) + (uint64_t)r->addend : dylib_target(l, s->obj, r);
    return true;
}

static bool apply_one(const struct applier *ap, const struct reloc *r)
{
    uint64_t x = 0;

    switch (r->type->what) {
    case WHAT_GOT:
    case WHAT_TLV:
        return apply_slot(ap, r);
    case WHAT_PLT:
        dylib_branch_target(ap->l, ap->s, r, &x);
        return apply(ap, r, r->type, link_reachable(ap->l, ap->s, r, x));
    default:
        break;
    }
    if (r->minus)
        return apply(ap, r, r->type,
                     dylib_target(ap->l, ap->s->obj, r) - lobj_sym(ap->s->obj, r->minus)->addr);
    if (reloc_is_word(r->type))
        return apply_pointer(ap, r);
    return apply(ap, r, r->type, dylib_target(ap->l, ap->s->obj, r));
}

/* ---- what the linker made ---- */

/* Slots FROM... of a table that meet the window. */
static bool fill_slots(const struct applier *ap, const uint32_t *order, uint64_t count)
{
    uint64_t first = ap->w->from / 8, end = (ap->w->from + ap->w->size + 7) / 8;

    for (uint64_t i = first; i < end && i < count; i++)
        if (!put_address(ap, 8 * i, ap->l->slots[order[i]].sym))
            return false;
    return true;
}

static void fill_stubs(const struct applier *ap)
{
    const struct dylib *y = ap->l->dylib;
    uint64_t size = ap->l->darwin->stub_size, addr = lsec_addr(y->stubs);
    uint64_t start = ap->w->from - ap->w->before;
    uint64_t end = ap->w->from + ap->w->size + ap->w->after;

    /* Of a stub that two windows share, each takes its part. */
    for (uint64_t i = start / size; i < y->stub_count && i * size < end; i++) {
        const struct slots *slot = &ap->l->slots[y->stub_order[i]];
        uint8_t code[16];

        ap->l->darwin->stub(code, &(struct stub_at){.addr = addr + i * size,
                                                    .slot = lsec_addr(y->got) + 8ull * slot->got});
        for (uint64_t n = 0; n < size; n++)
            if (i * size + n >= start && i * size + n < end)
                ap->w->bytes[i * size + n - start] = code[n];
    }
}

static bool fill_own(const struct applier *ap)
{
    const struct dylib *y = ap->l->dylib;

    if (ap->s == y->got)
        return fill_slots(ap, y->got_order, y->got_count);
    if (ap->s == y->tlv)
        return fill_slots(ap, y->tlv_order, y->tlv_count);
    if (ap->s == y->stubs)
        fill_stubs(ap);
    return true;
}

/* ---- a window ---- */

bool dylib_relocate(struct link *l, struct diag *d, struct lsec *s, const struct window *w)
{
    const struct applier ap = {.l = l, .d = d, .s = s, .w = w};
    struct reloc batch[RELOC_BATCH];
    uint64_t first = s->sorted && w->from > 16 ? lsec_first_reloc(s, w->from - 16) : 0;
    bool ok = true, past = false;
    unsigned got = 0;

    if (s->obj == l->objs[0])
        return fill_own(&ap);
    for (; first < s->sec->reloc_count && !(past && s->sorted); first += got) {
        if (!s->obj->o.format->relocs(d, &s->obj->o, s->index, first, batch, RELOC_BATCH, &got))
            return false;
        for (unsigned i = 0; i < got; i++) {
            const struct reloc *r = &batch[i];

            /* A rewritten instruction reaches 3 bytes before its field. */
            past = past || r->offset >= w->from + w->size + 4;
            if (r->offset >= w->from + w->size + 4 || !r->type->field ||
                r->offset + r->type->field->bytes <= w->from)
                continue;
            ok = apply_one(&ap, r) && ok;
        }
    }
    return ok;
}
