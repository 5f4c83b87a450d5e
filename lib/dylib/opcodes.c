/* SPDX-License-Identifier: GPL-3.0-or-later */
/* opcodes.c - LC_DYLD_INFO_ONLY: what the loader fixes, as opcodes
 * (<mach-o/loader.h>).  For systems before chained fixups, and for pointers
 * that those cannot reach. */

#include "dylib/dylib.h"

#include <stdlib.h>

/* A pointer that is fixed. */
struct fixup {
    uint64_t addr;
    const struct lsym *sym; /* NULL: only moved */
    int64_t addend;
};

struct fixups {
    struct fixup *at;
    uint64_t count, cap;
};

struct lister {
    struct link *l;
    struct fixups moved, bound;
    struct fixups weak;   /* bound once more, to the first of all images that defines it */
    const struct lsec *s; /* at hand */
};

static bool append(struct lister *t, struct fixups *list, uint64_t addr, const struct lsym *sym,
                   int64_t addend)
{
    if (list->count == list->cap) {
        uint64_t cap = list->cap ? 2 * list->cap : 1024;
        struct fixup *bigger = realloc(list->at, cap * sizeof *bigger);

        if (!bigger)
            return diag_nomem(t->l->d);
        list->at = bigger;
        list->cap = cap;
    }
    list->at[list->count++] = (struct fixup){addr, sym, addend};
    return true;
}

/* SYM is NULL for a pointer that only moves. */
static bool add(struct lister *t, uint64_t addr, const struct lsym *sym, int64_t addend)
{
    if (sym && dylib_ordinal(t->l, sym) == BIND_SPECIAL_DYLIB_WEAK_LOOKUP &&
        !append(t, &t->weak, addr, sym, addend))
        return false;
    return sym && !lsym_defined(sym) ? append(t, &t->bound, addr, sym, addend)
                                     : append(t, &t->moved, addr, NULL, 0);
}

static bool add_slot(void *arg, uint64_t offset)
{
    struct lister *t = arg;

    return add(t, lsec_addr(t->s) + offset, NULL, 0);
}

static bool list_table(struct lister *t, const struct lsec *s, const uint32_t *order,
                       uint64_t count)
{
    for (uint64_t i = 0; s && i < count; i++) {
        const struct lsym *sym = t->l->slots[order[i]].sym;

        if (lsym_defined(sym) && lsym_is_constant(sym))
            continue;
        if (!add(t, lsec_addr(s) + 8 * i, dylib_binds(sym) ? sym : NULL, 0))
            return false;
    }
    return true;
}

static bool list_reloc(struct lister *t, const struct reloc *r)
{
    const struct lsec *s = t->s;
    uint64_t addr = lsec_addr(s) + r->offset;
    enum pointer_kind kind = POINTER_CONSTANT;

    if (!r->type->field || r->minus)
        return true;
    if (r->type->what == WHAT_GOT && r->type->field->bytes == 8)
        return add(t, addr, NULL, 0);
    if (r->type->what != WHAT_SYMBOL || !reloc_is_word(r->type))
        return true;
    kind = dylib_pointer(t->l, s, r);
    if (kind == POINTER_REBASE)
        return add(t, addr, NULL, 0);
    return kind != POINTER_BIND || add(t, addr, lobj_sym(s->obj, r->symbol), r->addend);
}

static bool list_section(struct lister *t, const struct lsec *s)
{
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    t->s = s;
    if (s->obj == t->l->objs[0])
        return true;
    if (s->sec->slots && t->l->heap_relocs == HEAP_RELOCS_NATIVE &&
        !slots_each(s->sec->slots, 0, s->size, add_slot, t))
        return false;
    for (uint64_t first = 0; first < s->sec->reloc_count; first += got) {
        if (!s->obj->o.format->relocs(t->l->d, &s->obj->o, s->index, first, batch, RELOC_BATCH,
                                      &got))
            return false;
        for (unsigned i = 0; i < got; i++)
            if (!list_reloc(t, &batch[i]))
                return false;
    }
    return true;
}

static bool list_all(struct lister *t)
{
    const struct link *l = t->l;
    const struct dylib *y = l->dylib;

    for (uint64_t i = 0; i < l->out_count; i++)
        for (uint64_t n = 0; n < l->outs[i]->count; n++)
            if (!list_section(t, l->outs[i]->secs[n]))
                return false;
    return list_table(t, y->got, y->got_order, y->got_count) &&
           list_table(t, y->tlv, y->tlv_order, y->tlv_count);
}

static int by_address(const void *a, const void *b)
{
    const struct fixup *x = a, *y = b;

    return (x->addr > y->addr) - (x->addr < y->addr);
}

/* By symbol and addend, then by address. */
static int by_symbol(const void *a, const void *b)
{
    const struct fixup *x = a, *y = b;
    int order = strcmp(x->sym->name, y->sym->name);

    if (order)
        return order;
    return x->addend != y->addend ? (x->addend > y->addend ? 1 : -1) : by_address(a, b);
}

static uint32_t segment_at(const struct link *l, uint64_t addr)
{
    const struct dylib *y = l->dylib;
    uint32_t i = 0;

    while (i + 1 < y->segment_count && addr - y->segments[i].addr >= y->segments[i].vmsize)
        i++;
    return i;
}

static void put_place(const struct link *l, struct buf *b, uint8_t opcode, uint64_t addr)
{
    uint32_t segment = segment_at(l, addr);

    buf_uint(b, (uint64_t)opcode | segment, 1);
    put_uleb(b, addr - l->dylib->segments[segment].addr);
}

/* Runs of pointers one behind the other. */
static void put_rebases(const struct link *l, struct buf *b, const struct fixup *f, uint64_t count)
{
    uint64_t at = UINT64_MAX; /* where the loader stands */
    uint32_t segment = UINT32_MAX;

    if (count)
        buf_uint(b, REBASE_OPCODE_SET_TYPE_IMM | REBASE_TYPE_POINTER, 1);
    for (uint64_t i = 0, n = 1; i < count; i += n) {
        for (n = 1; i + n < count && f[i + n].addr == f[i].addr + 8 * n;)
            n++;
        if (segment_at(l, f[i].addr) != segment || at == UINT64_MAX) {
            segment = segment_at(l, f[i].addr);
            put_place(l, b, REBASE_OPCODE_SET_SEGMENT_AND_OFFSET_ULEB, f[i].addr);
        } else if ((f[i].addr - at) % 8 == 0 && (f[i].addr - at) / 8 <= IMMEDIATE_MASK) {
            if (f[i].addr != at)
                buf_uint(b, REBASE_OPCODE_ADD_ADDR_IMM_SCALED | (f[i].addr - at) / 8, 1);
        } else {
            buf_uint(b, REBASE_OPCODE_ADD_ADDR_ULEB, 1);
            put_uleb(b, f[i].addr - at);
        }
        if (n <= IMMEDIATE_MASK) {
            buf_uint(b, REBASE_OPCODE_DO_REBASE_IMM_TIMES | n, 1);
        } else {
            buf_uint(b, REBASE_OPCODE_DO_REBASE_ULEB_TIMES, 1);
            put_uleb(b, n);
        }
        at = f[i].addr + 8 * n;
    }
    if (b->size)
        buf_uint(b, REBASE_OPCODE_DONE, 1);
    buf_align(b, 8);
}

static void put_ordinal(const struct link *l, struct buf *b, const struct lsym *s)
{
    int ordinal = s->state == SYM_SHARED && !l->opt->darwin.flat_namespace ? (int)s->obj->order + 1
                                                                           : dylib_ordinal(l, s);

    if (ordinal <= 0) {
        buf_uint(b, BIND_OPCODE_SET_DYLIB_SPECIAL_IMM | ((unsigned)ordinal & IMMEDIATE_MASK), 1);
    } else if (ordinal <= (int)IMMEDIATE_MASK) {
        buf_uint(b, BIND_OPCODE_SET_DYLIB_ORDINAL_IMM | (unsigned)ordinal, 1);
    } else {
        buf_uint(b, BIND_OPCODE_SET_DYLIB_ORDINAL_ULEB, 1);
        put_uleb(b, (uint64_t)ordinal);
    }
}

static void put_symbol(const struct link *l, struct buf *b, const struct lsym *s, bool weak_list)
{
    bool weak = !lsym_defined(s) && !s->strong_ref;

    if (!weak_list)
        put_ordinal(l, b, s);
    buf_uint(b,
             BIND_OPCODE_SET_SYMBOL_TRAILING_FLAGS_IMM | (weak ? BIND_SYMBOL_FLAGS_WEAK_IMPORT : 0),
             1);
    buf_str(b, s->name);
    buf_uint(b, BIND_OPCODE_SET_TYPE_IMM | BIND_TYPE_POINTER, 1);
}

static void put_binds(const struct link *l, struct buf *b, const struct fixups *list,
                      bool weak_list)
{
    const struct fixup *f = list->at;
    const struct lsym *sym = NULL;
    int64_t addend = 0;

    for (uint64_t i = 0; i < list->count; i++) {
        if (f[i].sym != sym) {
            put_symbol(l, b, f[i].sym, weak_list);
            sym = f[i].sym;
        }
        if (f[i].addend != addend) {
            buf_uint(b, BIND_OPCODE_SET_ADDEND_SLEB, 1);
            put_sleb(b, f[i].addend);
            addend = f[i].addend;
        }
        put_place(l, b, BIND_OPCODE_SET_SEGMENT_AND_OFFSET_ULEB, f[i].addr);
        buf_uint(b, BIND_OPCODE_DO_BIND, 1);
    }
    if (b->size)
        buf_uint(b, BIND_OPCODE_DONE, 1);
    buf_align(b, 8);
}

bool dylib_make_opcodes(struct link *l)
{
    struct dylib *y = l->dylib;
    struct lister t = {.l = l};
    bool ok = false;

    if (y->chained)
        return true;
    ok = list_all(&t);
    if (t.moved.count)
        qsort(t.moved.at, t.moved.count, sizeof *t.moved.at, by_address);
    if (t.bound.count)
        qsort(t.bound.at, t.bound.count, sizeof *t.bound.at, by_symbol);
    if (t.weak.count)
        qsort(t.weak.at, t.weak.count, sizeof *t.weak.at, by_symbol);
    if (ok) {
        put_rebases(l, &y->rebase.buf, t.moved.at, t.moved.count);
        put_binds(l, &y->bind.buf, &t.bound, false);
        put_binds(l, &y->weak_bind.buf, &t.weak, true);
    }
    free(t.moved.at);
    free(t.bound.at);
    free(t.weak.at);
    return ok &&
           (!(y->rebase.buf.bad || y->bind.buf.bad || y->weak_bind.buf.bad) || diag_nomem(l->d));
}
