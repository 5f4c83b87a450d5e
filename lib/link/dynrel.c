/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dynrel.c - what is left for the dynamic linker: .rela.dyn, .relr.dyn and
 * .rela.plt; and the GOT and PLT that they fill. */

#include "elf/elf.h"
#include "link/link.h"

#include <stdlib.h>

/* ---- addresses ---- */

uint64_t plt_entry_addr(const struct link *l, uint32_t index)
{
    return lsec_addr(l->made[MADE_PLT]) + l->plt_code->header_size +
           (uint64_t)l->plt_code->entry_size * index;
}

uint64_t lsym_value(const struct link *l, const struct lsym *s)
{
    return s->slots && l->slots[s->slots].plt != NO_SLOT && lsym_is_ifunc(s)
               ? plt_entry_addr(l, l->slots[s->slots].plt)
               : s->addr;
}

/* ---- which relocation stays ---- */

/* A heap's own slots are in RELR by themselves, in order: the few words that
   follow the image for another reason are not mixed in. */
bool link_packs_relative(const struct link *l, const struct lsec *s, uint64_t offset)
{
    return l->opt->relocs == RELOCS_RELR && offset % 2 == 0 && s->align_log2 > 0 && !s->obj->o.heap;
}

enum dynrel { DYN_NONE, DYN_RELATIVE, DYN_RELR, DYN_SYMBOL, DYN_TPOFF, DYN_IRELATIVE };

/* The same decision as in scan.c, for relocation R of S. */
static enum dynrel dynrel_of(const struct link *l, const struct lsec *s, const struct reloc *r,
                             const struct lsym *sym)
{
    if (!r->type || !r->type->field)
        return DYN_NONE;
    if (r->type->what == WHAT_TPREL)
        return DYN_TPOFF;
    if (!reloc_is_word(r->type))
        return DYN_NONE;
    if (lsym_preemptible(sym))
        return DYN_SYMBOL;
    if (lsym_is_constant(sym))
        return DYN_NONE;
    if (lsym_is_resolved(sym))
        return DYN_IRELATIVE;
    if (link_heap_settles(l, s, sym))
        return DYN_NONE;
    return link_packs_relative(l, s, r->offset) ? DYN_RELR : DYN_RELATIVE;
}

/* Call DO_ONE for every dynamic relocation of the image's sections. */
static bool each_dynrel(struct link *l,
                        bool (*do_one)(void *arg, struct lsec *s, const struct reloc *r,
                                       struct lsym *sym, enum dynrel kind),
                        void *arg)
{
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    for (uint64_t i = 0; i < l->out_count; i++)
        for (uint64_t n = 0; n < l->outs[i]->count; n++) {
            struct lsec *s = l->outs[i]->secs[n];

            if (!s->relative && !s->relr && !s->symbolic && !s->irelative)
                continue;
            for (uint64_t first = 0; first < s->sec->reloc_count; first += got) {
                if (!s->obj->o.format->relocs(l->d, &s->obj->o, s->index, first, batch, RELOC_BATCH,
                                              &got))
                    return false;
                for (unsigned k = 0; k < got; k++) {
                    struct lsym *sym = lobj_sym(s->obj, batch[k].symbol);
                    enum dynrel kind = dynrel_of(l, s, &batch[k], sym);

                    if (kind != DYN_NONE && !do_one(arg, s, &batch[k], sym, kind))
                        return false;
                }
            }
        }
    return true;
}

/* ---- sizes ---- */

bool link_make_dynrel(struct link *l)
{
    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            const struct lsec *s = &l->objs[i]->secs[n];

            if (!s->live || s->into)
                continue;
            l->relative_count += s->relative;
            l->relr_count += s->relr;
            l->symbolic_count += s->symbolic;
            l->irelative_count += s->irelative;
        }
    if (l->heap_relative + l->relative_count + l->symbolic_count) {
        struct lsec *s = link_new_section(l, ".rela.dyn", SHT_RELA, SHF_ALLOC, 3);

        l->made[MADE_RELA] = s;
        s->size = (l->relative_count + l->symbolic_count) * RELA64_SIZE;
        l->objs[0]->o.sections[s->index].entsize = RELA64_SIZE;
    }
    if (l->relr_count + l->heap_relr) {
        struct lsec *s = link_new_section(l, ".relr.dyn", SHT_RELR, SHF_ALLOC, 3);

        l->made[MADE_RELR] = s;
        l->objs[0]->o.sections[s->index].entsize = 8;
    }
    if (l->plt_count + l->irelative_count) {
        struct lsec *s = link_new_section(l, ".rela.plt", SHT_RELA, SHF_ALLOC, 3);

        l->made[MADE_RELAPLT] = s;
        s->size = (l->plt_count + l->irelative_count) * RELA64_SIZE;
        l->objs[0]->o.sections[s->index].entsize = RELA64_SIZE;
        /* glibc, binding lazily, takes DT_JMPREL to come with DT_PLTGOT. */
        if (!l->made[MADE_GOTPLT]) {
            l->made[MADE_GOTPLT] =
                link_new_section(l, ".got.plt", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 3);
            l->made[MADE_GOTPLT]->size = 8 * 3;
        }
    }
    return true;
}

/* ---- RELR ---- */

struct relr_place {
    const struct lsec *s;
    uint64_t offset;
};

struct relr_places {
    struct link *l;
    uint64_t count;
};

static bool add_relr(void *arg, struct lsec *s, const struct reloc *r, struct lsym *sym,
                     enum dynrel kind)
{
    struct relr_places *p = arg;

    (void)sym;
    if (kind == DYN_RELR)
        p->l->relr_places[p->count++] = (struct relr_place){s, r->offset};
    return true;
}

static bool collect_relr(struct link *l)
{
    struct relr_places p = {.l = l};

    if (!(l->relr_places = arena_alloc(&l->arena, l->relr_count, sizeof *l->relr_places)) ||
        !(l->relr_addrs = arena_alloc(&l->arena, l->relr_count, sizeof *l->relr_addrs)))
        return diag_nomem(l->d);
    if (!each_dynrel(l, add_relr, &p))
        return false;
    for (uint64_t i = 1; i < l->slot_count; i++)
        if (l->slots[i].got != NO_SLOT && !lsym_preemptible(l->slots[i].sym) &&
            !lsym_is_constant(l->slots[i].sym) && !lsym_is_resolved(l->slots[i].sym))
            l->relr_places[p.count++] = (struct relr_place){l->made[MADE_GOT], l->slots[i].got};
    return true;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Encode the sorted ADDRS: an address word relocates one place; each bitmap
   word behind it (lowest bit set) tells of the next 63 words.  OUT may be
   NULL: only the size in words is wanted. */
static uint64_t encode_relr(const uint64_t *addrs, uint64_t count, uint8_t *out)
{
    uint64_t words = 0;

    for (uint64_t i = 0; i < count;) {
        uint64_t base = addrs[i++] + 8;

        if (out)
            store_uint(out + words * 8, 8, false, base - 8);
        words++;
        for (;;) {
            uint64_t bits = 0;

            while (i < count && addrs[i] - base < 63 * 8 && (addrs[i] - base) % 8 == 0)
                bits |= UINT64_C(1) << (addrs[i++] - base) / 8;
            if (!bits)
                break;
            if (out)
                store_uint(out + words * 8, 8, false, bits << 1 | 1);
            words++;
            base += 63 * 8;
        }
    }
    return words;
}

bool link_size_relr(struct link *l, bool *changed)
{
    struct lsec *s = l->made[MADE_RELR];
    uint64_t size = 0;

    *changed = false;
    if (!s)
        return true;
    if (!l->relr_places && !collect_relr(l))
        return false;
    for (uint64_t i = 0; i < l->relr_count; i++)
        l->relr_addrs[i] = lsec_addr(l->relr_places[i].s) + l->relr_places[i].offset;
    qsort(l->relr_addrs, l->relr_count, sizeof *l->relr_addrs, by_value);
    size = (encode_relr(l->relr_addrs, l->relr_count, NULL) + l->heap_relr) * 8;
    if (size > s->size) {
        s->size = s->out->size = size;
        *changed = true;
    }
    return true;
}

static bool fill_relr(struct link *l)
{
    struct lsec *s = l->made[MADE_RELR];
    uint64_t words = 0;

    if (!s)
        return true;
    if (!(s->data = arena_alloc(&l->arena, 1, s->size)))
        return diag_nomem(l->d);
    words = encode_relr(l->relr_addrs, l->relr_count, s->data);
    words += link_encode_heap_relr(l, s->data + words * 8); /* heaps lie behind all else */
    for (; words < s->size / 8; words++)                    /* an empty bitmap says nothing */
        store_uint(s->data + words * 8, 8, false, 1);
    return true;
}

/* ---- .rela.dyn ---- */

struct rela {
    uint64_t offset;
    uint32_t type, symbol;
    int64_t addend;
};

struct relas {
    struct link *l;
    struct rela *at;
    uint64_t relative, symbolic; /* next free of each kind */
    uint64_t irelative;          /* next free in .rela.plt, behind the PLT's own */
};

static void add_relative(struct relas *out, uint64_t offset, uint64_t value)
{
    out->at[out->relative++] = (struct rela){offset, out->l->machine->relative, 0, (int64_t)value};
}

static void add_symbolic(struct relas *out, uint64_t offset, uint32_t type, const struct lsym *sym,
                         int64_t addend)
{
    out->at[out->symbolic++] = (struct rela){offset, type, sym ? sym->dynsym : 0, addend};
}

static void store_rela(uint8_t *p, const struct rela *r)
{
    store_uint(p, 8, false, r->offset);
    store_uint(p + 8, 8, false, (uint64_t)r->symbol << 32 | r->type);
    store_uint(p + 16, 8, false, (uint64_t)r->addend);
}

/* What calls a resolver comes behind all else, so that the resolver finds
   the image relocated. */
static void add_irelative(struct relas *out, uint64_t offset, uint64_t resolver)
{
    struct rela r = {offset, out->l->machine->irelative, 0, (int64_t)resolver};

    store_rela(out->l->made[MADE_RELAPLT]->data + out->irelative++ * RELA64_SIZE, &r);
}

static bool add_dynrel(void *arg, struct lsec *s, const struct reloc *r, struct lsym *sym,
                       enum dynrel kind)
{
    struct relas *out = arg;
    struct link *l = out->l;
    uint64_t at = lsec_addr(s) + r->offset, value = 0;
    bool preemptible = lsym_preemptible(sym);

    if (kind == DYN_RELATIVE) {
        if (!link_target(l, s->obj, r, &value))
            value = 0;
        add_relative(out, at, value);
    } else if (kind == DYN_IRELATIVE) {
        add_irelative(out, at, sym->addr + (uint64_t)r->addend);
    } else if (kind == DYN_SYMBOL) {
        add_symbolic(out, at, l->machine->abs, sym, r->addend);
    } else if (kind == DYN_TPOFF) {
        add_symbolic(out, at, l->machine->tpoff, preemptible ? sym : NULL,
                     r->addend + (preemptible ? 0 : (int64_t)(sym->addr - l->tls_addr)));
    }
    return true;
}

/* The GOT's contents and what the dynamic linker has to do to them. */
static bool fill_got(struct link *l, struct relas *out)
{
    struct lsec *got = l->made[MADE_GOT];
    uint64_t base = 0;

    if (!got)
        return true;
    if (!(got->data = arena_alloc(&l->arena, 1, got->size)))
        return diag_nomem(l->d);
    base = lsec_addr(got);
    for (uint64_t i = 1; i < l->slot_count; i++) {
        const struct slots *slot = &l->slots[i];
        const struct lsym *s = slot->sym;
        bool preemptible = lsym_preemptible(s);
        const struct lsym *named = preemptible ? s : NULL;
        int64_t tls = preemptible ? 0 : (int64_t)(s->addr - l->tls_addr);

        if (slot->got != NO_SLOT && preemptible) {
            add_symbolic(out, base + slot->got, l->machine->glob_dat, s, 0);
        } else if (slot->got != NO_SLOT && lsym_is_resolved(s)) {
            add_irelative(out, base + slot->got, s->addr);
        } else if (slot->got != NO_SLOT) {
            store_uint(got->data + slot->got, 8, false, lsym_value(l, s));
            if (!lsym_is_constant(s) && l->opt->relocs != RELOCS_RELR)
                add_relative(out, base + slot->got, lsym_value(l, s));
        }
        if (slot->gd != NO_SLOT) {
            add_symbolic(out, base + slot->gd, l->machine->dtpmod, named, 0);
            if (preemptible)
                add_symbolic(out, base + slot->gd + 8, l->machine->dtpoff, s, 0);
            else
                store_uint(got->data + slot->gd + 8, 8, false, (uint64_t)tls);
        }
        if (slot->ie != NO_SLOT)
            add_symbolic(out, base + slot->ie, l->machine->tpoff, named, tls);
        if (slot->desc != NO_SLOT)
            add_symbolic(out, base + slot->desc, l->machine->tlsdesc, named, tls);
    }
    if (l->tls_ld_slot != NO_SLOT)
        add_symbolic(out, base + l->tls_ld_slot, l->machine->dtpmod, NULL, 0);
    return true;
}

static int by_offset(const void *a, const void *b)
{
    const struct rela *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Equal symbols together: the dynamic linker remembers its last look-up. */
static int by_symbol(const void *a, const void *b)
{
    const struct rela *x = a, *y = b;

    if (x->symbol != y->symbol)
        return x->symbol < y->symbol ? -1 : 1;
    return by_offset(a, b);
}

static bool fill_rela(struct link *l)
{
    struct lsec *s = l->made[MADE_RELA];
    uint64_t count = l->relative_count + l->symbolic_count;
    struct relas out = {.l = l, .symbolic = l->relative_count, .irelative = l->plt_count};

    out.at = malloc((count + 1) * sizeof *out.at);
    if (!out.at || (s && !(s->data = arena_alloc(&l->arena, 1, s->size)))) {
        free(out.at);
        return diag_nomem(l->d);
    }
    if (!each_dynrel(l, add_dynrel, &out) || !fill_got(l, &out)) {
        free(out.at);
        return false;
    }
    if (out.relative != l->relative_count || out.symbolic != count ||
        out.irelative != l->plt_count + l->irelative_count) {
        free(out.at);
        return diag_fail(
            l->d, E_UNSUPPORTED, "internal error: %llu + %llu dynamic relocations, not %llu + %llu",
            (unsigned long long)out.relative,
            (unsigned long long)(out.symbolic - l->relative_count),
            (unsigned long long)l->relative_count, (unsigned long long)l->symbolic_count);
    }
    qsort(out.at, l->relative_count, sizeof *out.at, by_offset);
    qsort(out.at + l->relative_count, l->symbolic_count, sizeof *out.at, by_symbol);
    for (uint64_t i = 0; i < count; i++)
        store_rela(s->data + i * RELA64_SIZE, &out.at[i]);
    free(out.at);
    return true;
}

/* ---- the PLT ---- */

static bool fill_plt(struct link *l)
{
    struct lsec *plt = l->made[MADE_PLT], *gotplt = l->made[MADE_GOTPLT];
    struct lsec *rela = l->made[MADE_RELAPLT];

    if (gotplt) {
        if (!(gotplt->data = arena_alloc(&l->arena, 1, gotplt->size)))
            return diag_nomem(l->d);
        store_uint(gotplt->data, 8, false, lsec_addr(l->made[MADE_DYNAMIC]));
    }
    if (!plt)
        return true;
    if (!(plt->data = arena_alloc(&l->arena, 1, plt->size)))
        return diag_nomem(l->d);
    l->plt_code->header(plt->data,
                        &(struct stub_at){.addr = lsec_addr(plt), .slot = lsec_addr(gotplt)});
    for (uint32_t i = 0; i < l->plt_count; i++) {
        const struct lsym *s = l->plt[i];
        bool lazy = i < l->plt_lazy;
        struct stub_at at = {.addr = plt_entry_addr(l, i),
                             .header = lsec_addr(plt),
                             .slot = lsec_addr(gotplt) + 8 * (3 + i),
                             .index = i};
        struct rela r = {at.slot, lazy ? l->machine->jump_slot : l->machine->irelative,
                         lazy ? s->dynsym : 0, lazy ? 0 : (int64_t)s->addr};
        uint8_t *entry = plt->data + (at.addr - at.header);
        int64_t reach = (int64_t)(at.slot - at.addr);

        if (reach > INT32_MAX - 64 || reach < INT32_MIN + 64)
            return diag_fail(l->d, E_RANGE,
                             "%s: .got.plt lies 0x%llx bytes from .plt, more than code can reach",
                             l->opt->output, (unsigned long long)(reach < 0 ? -reach : reach));
        l->plt_code->entry(entry, &at);
        store_uint(gotplt->data + 8 * (3 + i), 8, false,
                   lazy ? l->plt_code->lazy_target(&at) : s->addr);
        store_rela(rela->data + i * RELA64_SIZE, &r);
    }
    return true;
}

bool link_fill_dynrel(struct link *l)
{
    struct lsec *rela = l->made[MADE_RELAPLT];

    if (rela && !(rela->data = arena_alloc(&l->arena, 1, rela->size)))
        return diag_nomem(l->d);
    return fill_rela(l) && fill_relr(l) && fill_plt(l);
}
