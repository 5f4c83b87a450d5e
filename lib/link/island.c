/* SPDX-License-Identifier: GPL-3.0-or-later */
/* island.c - calls that do not reach: islands of jumps between the code.
 *
 * A branch of AArch64 reaches 128 MiB.  In an image with more code than that,
 * the code is cut into groups shorter than the reach, and behind each group
 * lies a jump for every target that some branch of the group cannot meet. */

#include "link/link.h"

#include <stdlib.h>

enum {
    SLACK = 8 << 20,      /* what all islands together may move code apart */
    MAX_ISLANDS = 512,
};

/* One jump: to S + A, wherever that is by then. */
struct jump {
    const struct lsec *sec;
    struct reloc reloc; /* a branch that needs it: names the target */
};

struct island {
    struct lsec *sec;
    struct jump *jumps;
    uint64_t count, cap;
    uint32_t *slots; /* by target: index in JUMPS + 1 */
    uint64_t size;
};

static bool is_branch(const struct link *l, const struct reloc *r)
{
    return r->type && r->type->field == l->arch->branch;
}

static bool reaches(const struct link *l, uint64_t from, uint64_t to, uint64_t slack)
{
    uint64_t distance = from < to ? to - from : from - to;

    return distance + slack < l->arch->branch_reach;
}

/* The slot of R's target in ISLAND: used, or free. */
static uint32_t *find_slot(const struct island *i, const struct lobj *o, const struct reloc *r)
{
    const struct lsym *s = lobj_sym(o, r->symbol);
    uint64_t at = ((uintptr_t)s / 16 * 0x9e3779b97f4a7c15u) ^ (uint64_t)r->addend;

    for (at &= i->size - 1; i->slots[at]; at = (at + 1) & (i->size - 1)) {
        const struct jump *j = &i->jumps[i->slots[at] - 1];

        if (lobj_sym(j->sec->obj, j->reloc.symbol) == s && j->reloc.addend == r->addend)
            break;
    }
    return &i->slots[at];
}

static bool grow_slots(struct link *l, struct island *i)
{
    i->size = i->size ? i->size * 2 : 64;
    if (!(i->slots = arena_alloc(&l->arena, i->size, sizeof *i->slots)))
        return diag_nomem(l->d);
    for (uint64_t n = 0; n < i->count; n++)
        *find_slot(i, i->jumps[n].sec->obj, &i->jumps[n].reloc) = (uint32_t)n + 1;
    return true;
}

static bool add_jump(struct link *l, struct island *i, const struct lsec *s, const struct reloc *r)
{
    uint32_t *slot = NULL;

    if (i->count * 2 >= i->size && !grow_slots(l, i))
        return false;
    if (*(slot = find_slot(i, s->obj, r)))
        return true;
    if (!arena_grow(&l->arena, (void **)&i->jumps, i->count, &i->cap, sizeof *i->jumps))
        return diag_nomem(l->d);
    i->jumps[i->count++] = (struct jump){s, *r};
    *slot = (uint32_t)i->count;
    return true;
}

/* The far branches of S. */
static bool scan_section(struct link *l, struct island *i, struct lsec *s)
{
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    s->island = i;
    for (uint64_t first = 0; first < s->sec->reloc_count; first += got) {
        if (!s->obj->o.format->relocs(l->d, &s->obj->o, s->index, first, batch, RELOC_BATCH, &got))
            return false;
        for (unsigned n = 0; n < got; n++) {
            const struct reloc *r = &batch[n];
            uint64_t to = 0;

            if (is_branch(l, r) && l->target->branch_target(l, s, r, &to) &&
                !reaches(l, lsec_addr(s) + r->offset, to, SLACK) && !add_jump(l, i, s, r))
                return false;
        }
    }
    return true;
}

/* Cut O into groups and put an island behind each that needs one. */
static bool cut_section(struct link *l, struct out *o)
{
    uint64_t group = l->arch->branch_reach - 2 * SLACK, start = 0, count = o->count;
    struct lsec **secs = o->secs;
    struct island *island = NULL;

    o->secs = NULL;
    o->count = o->cap = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct lsec *s = secs[i];

        if (!island || s->offset + s->size - start > group) {
            if (island && island->count && !out_add(l, o, island->sec))
                return false;
            if (!(island = arena_alloc(&l->arena, 1, sizeof *island)) ||
                l->island_count == MAX_ISLANDS)
                return diag_nomem(l->d);
            l->islands[l->island_count++] = island;
            island->sec = link_append_section(l, &(struct section){.name = ".text.island",
                                                                   .flags = SEC_ALLOC | SEC_EXEC,
                                                                   .align_log2 = 4,
                                                                   .type = s->sec->type});
            start = s->offset;
        }
        if (!scan_section(l, island, s) || !out_add(l, o, s))
            return false;
        island->sec->size = island->count * l->arch->far_jump_size;
    }
    return !island || !island->count || out_add(l, o, island->sec);
}

/* What only the linker makes (a PLT) has no branches of this kind. */
static bool is_cut(const struct link *l, const struct out *o)
{
    return l->target->is_code(o) && !(o->count == 1 && o->secs[0]->obj == l->objs[0]);
}

bool link_add_islands(struct link *l)
{
    uint64_t first = UINT64_MAX, end = 0, total = 0;

    for (uint64_t i = 0; i < l->out_count; i++)
        if (l->target->is_code(l->outs[i])) {
            first = l->outs[i]->addr < first ? l->outs[i]->addr : first;
            end = l->outs[i]->addr + l->outs[i]->size > end ? l->outs[i]->addr + l->outs[i]->size : end;
        }
    if (!l->arch->branch_reach || end <= first || reaches(l, first, end, 0))
        return true;
    if (!(l->islands = arena_alloc(&l->arena, MAX_ISLANDS, sizeof *l->islands)))
        return diag_nomem(l->d);
    if (!l->target->place_symbols(l))
        return false;
    for (uint64_t i = 0; i < l->out_count; i++)
        if (is_cut(l, l->outs[i])) {
            if (!cut_section(l, l->outs[i]))
                return false;
            out_lay_out(l->outs[i]);
        }
    for (uint32_t i = 0; i < l->island_count; i++)
        total += l->islands[i]->sec->size;
    if (total > SLACK / 2)
        return diag_fail(l->d, E_UNSUPPORTED,
                         "%s: code needs %llu bytes of jumps to reach itself, more than %d",
                         l->opt->output, (unsigned long long)total, SLACK / 2);
    return l->target->lay_out(l);
}

bool link_fill_islands(struct link *l)
{
    for (uint32_t i = 0; i < l->island_count; i++) {
        struct island *is = l->islands[i];

        if (!is->count)
            continue;
        if (!(is->sec->data = arena_alloc(&l->arena, 1, is->sec->size)))
            return diag_nomem(l->d);
        for (uint64_t n = 0; n < is->count; n++) {
            uint64_t at = n * l->arch->far_jump_size;
            struct stub_at stub = {.addr = lsec_addr(is->sec) + at};

            l->target->branch_target(l, is->jumps[n].sec, &is->jumps[n].reloc, &stub.slot);
            l->arch->far_jump(is->sec->data + at, &stub);
        }
    }
    return true;
}

uint64_t link_reachable(const struct link *l, const struct lsec *s, const struct reloc *r,
                        uint64_t target)
{
    uint32_t jump = 0;

    if (!s->island || !is_branch(l, r) || !s->island->count ||
        reaches(l, lsec_addr(s) + r->offset, target, 0))
        return target;
    jump = *find_slot(s->island, s->obj, r);
    return jump ? lsec_addr(s->island->sec) + (jump - 1) * (uint64_t)l->arch->far_jump_size
                : target;
}
