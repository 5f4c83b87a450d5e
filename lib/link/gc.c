/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gc.c - which sections live: all that were not dropped, or with
 * --gc-sections those that can be reached from what must be kept. */

#include "elf/elf.h"
#include "link/link.h"

#include <stdio.h>

/* What lives with a section of one object, as lists by section: each is
   walked once, so that no input takes more than its size of time. */
struct company {
    uint32_t *group;               /* the next in its group, as a ring */
    uint32_t *follower, *also;     /* SHF_LINK_ORDER: the first, and the next of the same */
    uint32_t *fde;                 /* the first in FDES that describes it */
    struct fde_of {
        const struct lsec *sec;
        const struct eh_record *record;
        uint32_t next;
    } *fdes; /* [0] is unused */
};

struct marker {
    struct link *l;
    struct company *company; /* by lobj.order */
    struct lsec **work;
    uint64_t count, cap;
    bool ok;
};

static bool collectable(const struct lsec *s)
{
    return (s->sec->flags & SEC_ALLOC) && s->sec->role != ROLE_EH_FRAME;
}

static bool markable(const struct lsec *s)
{
    return !s->discarded && collectable(s) && s->sec->role != ROLE_META &&
           s->sec->role != ROLE_PROPERTY && !(s->sec->flags & SEC_EXCLUDE);
}

static void mark(struct marker *m, struct lsec *s)
{
    if (!s || s->live || !markable(s))
        return;
    s->live = true;
    if (!arena_grow(&m->l->arena, (void **)&m->work, m->count, &m->cap, sizeof(struct lsec *))) {
        m->ok = diag_nomem(m->l->d);
        return;
    }
    m->work[m->count++] = s;
}

static bool is_root_section(const struct lsec *s)
{
    /* The arrays by name too: old tools make them as plain data. */
    static const char *const kept[] = {".init",       ".fini",       ".ctors",        ".dtors", ".jcr",
                                       ".init_array", ".fini_array", ".preinit_array"};

    if (s->obj->retain || (s->sec->flags & SEC_RETAIN) || s->sec->role == ROLE_NOTE ||
        s->sec->role == ROLE_INIT_ARRAY || s->sec->role == ROLE_FINI_ARRAY ||
        s->sec->role == ROLE_PREINIT_ARRAY)
        return true;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (!strncmp(s->sec->name, kept[i], strlen(kept[i])) &&
            (!s->sec->name[strlen(kept[i])] || s->sec->name[strlen(kept[i])] == '.'))
            return true;
    return false;
}

static void mark_roots(struct marker *m)
{
    struct link *l = m->l;
    const char *const named[] = {l->opt->init ? l->opt->init : "_init",
                                 l->opt->fini ? l->opt->fini : "_fini", l->opt->entry};

    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++)
            if (is_root_section(&l->objs[i]->secs[n]))
                mark(m, &l->objs[i]->secs[n]);
    for (uint64_t i = 0; i < l->global_count; i++)
        if (l->globals[i]->exported || l->globals[i]->wanted)
            mark(m, lsym_section(l->globals[i]));
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        const struct lsym *s = named[i] ? link_find(l, named[i]) : NULL;

        if (s)
            mark(m, lsym_section(s));
    }
}

/* __start_X or __stop_X is referred to: every section X lives. */
static void mark_named(struct marker *m, struct lsym *symbol)
{
    const char *name = !strncmp(symbol->name, "__start_", 8)  ? symbol->name + 8
                       : !strncmp(symbol->name, "__stop_", 7) ? symbol->name + 7
                                                              : NULL;
    struct lsec *const *s = name ? link_named_sections(m->l, name) : NULL;

    if (symbol->named_marked)
        return;
    symbol->named_marked = true;
    for (; s && *s && !strcmp((*s)->sec->name, name); s++)
        mark(m, *s);
}

static void mark_symbol(struct marker *m, struct lobj *o, uint32_t index)
{
    struct lsym *s = lobj_sym(o, index);

    if (s->linker)
        mark_named(m, s);
    mark(m, lsym_section(s));
}

static void mark_record(struct marker *m, const struct lsec *s, const struct eh_record *e)
{
    for (uint32_t k = 0; k < e->reloc_count; k++)
        mark_symbol(m, s->obj, s->eh->relocs[e->reloc + k].symbol);
}

/* A group's sections that can be collected, each with the next of them. */
static bool list_groups(struct marker *m, struct lobj *o, struct company *c)
{
    uint32_t *first = arena_alloc(&m->l->arena, o->o.group_count + 1ull, sizeof *first);
    uint32_t *last = arena_alloc(&m->l->arena, o->o.group_count + 1ull, sizeof *last);

    if (!first || !last)
        return diag_nomem(m->l->d);
    for (uint32_t n = 1; n < o->o.section_count; n++) {
        uint32_t g = o->o.sections[n].group;

        if (!g || !markable(&o->secs[n]))
            continue;
        c->group[n] = first[g] ? first[g] : n;
        if (first[g])
            c->group[last[g]] = n;
        else
            first[g] = n;
        last[g] = n;
    }
    return true;
}

/* The FDEs of the object's functions, listed; CIEs need their personality,
   and FDEs that describe no section what they refer to, in any case. */
static bool list_fdes(struct marker *m, struct lobj *o, struct company *c)
{
    uint64_t count = 1;
    uint32_t at = 1;

    for (uint32_t n = 1; n < o->o.section_count; n++)
        count += o->secs[n].eh ? o->secs[n].eh->count : 0;
    if (count == 1)
        return true;
    c->fde = arena_alloc(&m->l->arena, o->o.section_count, sizeof *c->fde);
    c->fdes = arena_alloc(&m->l->arena, count, sizeof *c->fdes);
    if (!c->fde || !c->fdes)
        return diag_nomem(m->l->d);
    for (uint32_t n = 1; n < o->o.section_count; n++) {
        const struct lsec *s = &o->secs[n];

        for (uint32_t r = 0; s->eh && r < s->eh->count; r++) {
            const struct eh_record *e = &s->eh->records[r];
            const struct lsec *code = e->cie == EH_CIE ? NULL : eh_function(s, e);

            if (!code || (code->live && !collectable(code))) {
                mark_record(m, s, e);
            } else {
                c->fdes[at] = (struct fde_of){s, e, c->fde[code->index]};
                c->fde[code->index] = at++;
            }
        }
    }
    return true;
}

static bool list_company(struct marker *m, struct lobj *o)
{
    struct company *c = &m->company[o->order];

    c->group = arena_alloc(&m->l->arena, o->o.section_count, sizeof *c->group);
    c->follower = arena_alloc(&m->l->arena, o->o.section_count, sizeof *c->follower);
    c->also = arena_alloc(&m->l->arena, o->o.section_count, sizeof *c->also);
    if (!c->group || !c->follower || !c->also)
        return diag_nomem(m->l->d);
    for (uint32_t n = 1; n < o->o.section_count; n++) {
        uint32_t of = o->o.sections[n].link;

        if (!(o->o.sections[n].flags & SEC_LINK_ORDER))
            continue;
        c->also[n] = c->follower[of];
        c->follower[of] = n;
        if (o->secs[of].live && !collectable(&o->secs[of]))
            mark(m, &o->secs[n]);
    }
    return list_groups(m, o, c) && list_fdes(m, o, c);
}

/* All that lives because S does. */
static void mark_company(struct marker *m, const struct lsec *s)
{
    struct lobj *o = s->obj;
    const struct company *c = &m->company[o->order];

    if (c->group && c->group[s->index])
        mark(m, &o->secs[c->group[s->index]]);
    for (uint32_t n = c->follower ? c->follower[s->index] : 0; n; n = c->also[n])
        mark(m, &o->secs[n]);
    for (uint32_t f = c->fde ? c->fde[s->index] : 0; f; f = c->fdes[f].next)
        mark_record(m, c->fdes[f].sec, c->fdes[f].record);
}

static void follow(struct marker *m, struct lsec *s)
{
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    for (uint64_t first = 0; m->ok && first < s->sec->reloc_count; first += got) {
        if (!s->obj->o.format->relocs(m->l->d, &s->obj->o, s->index, first, batch, RELOC_BATCH,
                                      &got)) {
            m->ok = false;
            return;
        }
        for (unsigned i = 0; i < got; i++)
            mark_symbol(m, s->obj, batch[i].symbol);
    }
    mark_company(m, s);
}

static void print_dead(const struct link *l)
{
    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            const struct lsec *s = &l->objs[i]->secs[n];

            if (collectable(s) && !s->live && !s->discarded && s->sec->role != ROLE_META &&
                s->sec->role != ROLE_PROPERTY && s->size)
                fprintf(stderr, "%s: removing unused section '%s' in file '%s'\n",
                        l->opt->program, s->sec->name, s->obj->o.name);
        }
}

/* Without --gc-sections: only what follows a dropped section goes with it. */
static void drop_followers(struct link *l)
{
    for (uint64_t i = 1; i < l->obj_count; i++) {
        struct lobj *o = l->objs[i];

        for (uint32_t n = 1; n < o->o.section_count; n++)
            if ((o->o.sections[n].flags & SEC_LINK_ORDER) && o->o.sections[n].link &&
                o->secs[o->o.sections[n].link].discarded)
                o->secs[n].live = false;
    }
}

bool link_collect(struct link *l)
{
    struct marker m = {.l = l, .ok = true};
    uint64_t done = 0;

    if (!l->opt->gc_sections) {
        drop_followers(l);
        return true;
    }
    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++)
            if (collectable(&l->objs[i]->secs[n]))
                l->objs[i]->secs[n].live = false;
    mark_roots(&m);
    if (!(m.company = arena_alloc(&l->arena, l->obj_count, sizeof *m.company)))
        return diag_nomem(l->d);
    for (uint64_t i = 1; i < l->obj_count; i++)
        if (!list_company(&m, l->objs[i]))
            return false;
    for (; m.ok && done < m.count; done++)
        follow(&m, m.work[done]);
    if (m.ok && l->opt->print_gc_sections)
        print_dead(l);
    return m.ok;
}
