/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slots.c - places in the GOT and PLT for the symbols that need them, in the
 * order of the inputs, so that equal links give equal tables. */

#include "elf/elf.h"
#include "link/link.h"

struct slot_state {
    struct link *l;
    uint32_t got_size;
    uint64_t symbolic, relative;
    uint64_t plt_cap;
};

static uint32_t take(struct slot_state *st, uint32_t words)
{
    uint32_t at = st->got_size;

    st->got_size += 8 * words;
    return at;
}

static bool add_plt(struct slot_state *st, struct slots *slot)
{
    struct link *l = st->l;

    if (!arena_grow(&l->arena, (void **)&l->plt, l->plt_count, &st->plt_cap, sizeof *l->plt))
        return diag_nomem(l->d);
    slot->plt = (uint32_t)l->plt_count;
    l->plt[l->plt_count++] = slot->sym;
    return true;
}

static bool assign(struct slot_state *st, struct lsym *s)
{
    unsigned needs = atomic_load(&s->needs);
    bool preemptible = lsym_preemptible(s);
    struct link *l = st->l;
    struct slots *slot = NULL;

    if (!(needs & (NEED_GOT | NEED_PLT | NEED_GD | NEED_IE | NEED_DESC)))
        return true;
    if (!arena_grow(&l->arena, (void **)&l->slots, l->slot_count, &l->slot_cap, sizeof *l->slots))
        return diag_nomem(l->d);
    slot = &l->slots[l->slot_count];
    s->slots = (uint32_t)l->slot_count++;
    *slot = (struct slots){s, NO_SLOT, NO_SLOT, NO_SLOT, NO_SLOT, NO_SLOT};
    if (needs & NEED_GOT) {
        slot->got = take(st, 1);
        if (preemptible)
            st->symbolic++;
        else if (lsym_is_resolved(s))
            l->irelative_count++;
        else if (!lsym_is_constant(s))
            st->relative++;
    }
    if (needs & NEED_GD) {
        slot->gd = take(st, 2);
        st->symbolic += preemptible ? 2 : 1;
    }
    if (needs & NEED_IE) {
        slot->ie = take(st, 1);
        st->symbolic++;
    }
    if (needs & NEED_DESC) {
        slot->desc = take(st, 2);
        st->symbolic++;
    }
    /* The lazy ones first: their index is that of their relocation. */
    return !(needs & NEED_PLT) || !preemptible || add_plt(st, slot);
}

static bool assign_all(struct slot_state *st)
{
    struct link *l = st->l;

    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 0; n < l->objs[i]->o.first_global; n++)
            if (!assign(st, &l->objs[i]->locals[n]))
                return false;
    for (uint64_t i = 0; i < l->global_count; i++)
        if (!assign(st, l->globals[i]))
            return false;
    l->plt_lazy = l->plt_count;
    for (uint64_t i = 1; i < l->slot_count; i++)
        if ((atomic_load(&l->slots[i].sym->needs) & NEED_PLT) &&
            !lsym_preemptible(l->slots[i].sym) && !add_plt(st, &l->slots[i]))
            return false;
    return true;
}

bool link_assign_slots(struct link *l)
{
    struct slot_state st = {.l = l};
    bool gotplt = false;

    l->slot_count = 1; /* slots[0] is unused */
    l->tls_ld_slot = NO_SLOT;
    if (!arena_grow(&l->arena, (void **)&l->slots, 0, &l->slot_cap, sizeof *l->slots))
        return diag_nomem(l->d);
    if (!assign_all(&st))
        return false;
    if (l->need_tls_ld) {
        l->tls_ld_slot = take(&st, 2);
        st.symbolic++;
    }
    l->plt_code = (l->feature_and & 1) || l->opt->ibt_plt ? &l->arch->plt_protected
                                                          : &l->arch->plt;
    gotplt = l->plt_count || (l->need_gotbase && l->machine->got_is_gotplt);
    if (st.got_size || (l->need_gotbase && !l->machine->got_is_gotplt)) {
        l->made[MADE_GOT] = link_new_section(l, ".got", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 3);
        l->made[MADE_GOT]->size = st.got_size;
    }
    if (gotplt) {
        l->made[MADE_GOTPLT] =
            link_new_section(l, ".got.plt", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 3);
        l->made[MADE_GOTPLT]->size = 8 * (3 + l->plt_count);
    }
    if (l->plt_count) {
        l->made[MADE_PLT] =
            link_new_section(l, ".plt", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 4);
        l->made[MADE_PLT]->size =
            l->plt_code->header_size + l->plt_code->entry_size * l->plt_count;
    }
    l->symbolic_count = st.symbolic;
    if (l->opt->relocs == RELOCS_RELR)
        l->relr_count = st.relative;
    else
        l->relative_count = st.relative;
    return true;
}
