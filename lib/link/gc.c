/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gc.c - which sections live: all that were not dropped, or with
 * --gc-sections those that can be reached from what must be kept. */

#include "elf/elf.h"
#include "link/link.h"

#include <stdio.h>

struct marker {
    struct link *l;
    struct lsec **work;
    uint64_t count, cap;
    bool ok;
};

static bool collectable(const struct lsec *s)
{
    return (s->sec->flags & SEC_ALLOC) && s->sec->role != ROLE_EH_FRAME;
}

static void mark(struct marker *m, struct lsec *s)
{
    if (!s || s->live || s->discarded || !collectable(s) || s->sec->role == ROLE_META ||
        s->sec->role == ROLE_PROPERTY || (s->sec->flags & SEC_EXCLUDE))
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
    static const char *const kept[] = {".init", ".fini", ".ctors", ".dtors", ".jcr"};

    if (s->obj->retain || (s->sec->flags & SEC_RETAIN) || s->sec->role == ROLE_NOTE ||
        s->sec->role == ROLE_INIT_ARRAY || s->sec->role == ROLE_FINI_ARRAY ||
        s->sec->role == ROLE_PREINIT_ARRAY)
        return true;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (!strcmp(s->sec->name, kept[i]))
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
static void mark_named(struct marker *m, const char *symbol)
{
    const char *name = !strncmp(symbol, "__start_", 8)  ? symbol + 8
                       : !strncmp(symbol, "__stop_", 7) ? symbol + 7
                                                        : NULL;

    for (uint64_t i = 1; name && i < m->l->obj_count; i++)
        for (uint32_t n = 1; n < m->l->objs[i]->o.section_count; n++)
            if (!strcmp(m->l->objs[i]->o.sections[n].name, name))
                mark(m, &m->l->objs[i]->secs[n]);
}

static void mark_symbol(struct marker *m, struct lobj *o, uint32_t index)
{
    const struct lsym *s = lobj_sym(o, index);

    if (s->linker)
        mark_named(m, s->name);
    mark(m, lsym_section(s));
}

/* What the unwind records need: the personality of every CIE, and what the
   FDEs of living code refer to.  True if something new came alive. */
static bool mark_unwind(struct marker *m)
{
    uint64_t before = m->count;

    for (uint64_t i = 1; i < m->l->obj_count; i++)
        for (uint32_t n = 1; n < m->l->objs[i]->o.section_count; n++) {
            const struct lsec *s = &m->l->objs[i]->secs[n];

            for (uint32_t r = 0; s->eh && r < s->eh->count; r++) {
                const struct eh_record *e = &s->eh->records[r];
                const struct lsec *code = e->cie == EH_CIE ? NULL : eh_function(s, e);

                if (code && !code->live)
                    continue;
                for (uint32_t k = 0; k < e->reloc_count; k++)
                    mark_symbol(m, s->obj, s->eh->relocs[e->reloc + k].symbol);
            }
        }
    return m->count > before;
}

/* Sections that go with another: alive as soon as that one is. */
static bool mark_followers(struct marker *m)
{
    uint64_t before = m->count;

    for (uint64_t i = 1; i < m->l->obj_count; i++) {
        struct lobj *o = m->l->objs[i];

        for (uint32_t n = 1; n < o->o.section_count; n++)
            if ((o->o.sections[n].flags & SEC_LINK_ORDER) && o->secs[o->o.sections[n].link].live)
                mark(m, &o->secs[n]);
    }
    return m->count > before;
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
    for (uint32_t n = 1; s->sec->group && n < s->obj->o.section_count; n++)
        if (s->obj->o.sections[n].group == s->sec->group)
            mark(m, &s->obj->secs[n]);
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
    do {
        for (; m.ok && done < m.count; done++)
            follow(&m, m.work[done]);
    } while (m.ok && (mark_unwind(&m) | mark_followers(&m)));
    if (m.ok && l->opt->print_gc_sections)
        print_dead(l);
    return m.ok;
}
