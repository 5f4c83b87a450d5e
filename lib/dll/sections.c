/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sections.c - the sections of the image, of those of the inputs. */

#include "dll/dll.h"
#include "dll/places.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- the image's sections ---- */

static struct out *new_out(struct link *l, const char *name, uint32_t flags)
{
    struct out *o = arena_alloc(&l->arena, 1, sizeof *o);

    if (!o || !arena_grow(&l->arena, (void **)&l->outs, l->out_count, &l->out_cap,
                          sizeof *l->outs)) {
        diag_nomem(l->d);
        return NULL;
    }
    *o = (struct out){.name = name, .type = flags};
    l->outs[l->out_count++] = o;
    return o;
}

static uint32_t characteristics(const struct lsec *s)
{
    uint32_t flags = IMAGE_SCN_MEM_READ;

    if (s->sec->flags & SEC_DEBUG)
        return flags | IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_DISCARDABLE;
    if (s->sec->flags & SEC_WRITE || s->relro)
        flags |= IMAGE_SCN_MEM_WRITE;
    if (s->sec->flags & SEC_EXEC)
        return flags | IMAGE_SCN_CNT_CODE | IMAGE_SCN_MEM_EXECUTE;
    return flags | IMAGE_SCN_CNT_INITIALIZED_DATA;
}

/* One section of the image: COUNT inputs' that go there. */
static bool make_one(struct link *l, const char *name, const struct placed *all, uint64_t count)
{
    uint32_t flags = places_flags(name);
    struct out *o = new_out(l, name, flags);

    if (!o)
        return false;
    if (!(o->secs = arena_alloc(&l->arena, count, sizeof *o->secs)))
        return diag_nomem(l->d);
    o->cap = count;
    for (uint64_t i = 0; i < count; i++) {
        struct lsec *s = all[i].sec;

        if (!flags)
            o->type |= characteristics(s);
        if (o->type & IMAGE_SCN_MEM_WRITE && o->type & IMAGE_SCN_MEM_EXECUTE)
            return diag_fail(l->d, E_LINK, "%s: %s: memory that may be written to and executed",
                             s->obj->o.name, s->sec->name);
        if (!out_add(l, o, s))
            return false;
    }
    return true;
}

static bool make_plain(struct places *p)
{
    if (!places_sort(p))
        return false;
    for (uint64_t i = 0, end = 0; i < p->count; i = end) {
        const struct family *f = places_family(p, &p->all[i]);
        bool empty = true;

        for (end = i; end < p->count && places_family(p, &p->all[end])->rank == f->rank; end++)
            empty = empty && p->all[end].sec->size == 0;
        /* Windows loads no section without bytes. */
        if (!empty && !make_one(p->l, f->to, p->all + i, end - i))
            return false;
    }
    return true;
}

static bool make_heaps(struct link *l)
{
    unsigned number = 0;

    for (uint64_t i = 0; i < l->heap_count; i++)
        for (uint32_t n = 1; n < l->heaps[i]->o.section_count; n++) {
            struct lsec *s = &l->heaps[i]->secs[n];
            struct out *o = NULL;
            char *name = NULL;

            if (!s->live || s->size == 0)
                continue;
            if (!(name = arena_printf(&l->arena, ".heap%u", number++)))
                return diag_nomem(l->d);
            if (!(o = new_out(l, name, characteristics(s))) || !out_add(l, o, s))
                return false;
            if (s->sec->flags & SEC_ZERO)
                o->type = (o->type & ~IMAGE_SCN_CNT_INITIALIZED_DATA) |
                          IMAGE_SCN_CNT_UNINITIALIZED_DATA;
            o->heap = l->heaps[i];
        }
    return true;
}

/* Those that are in memory, and those that only debuggers read. */
static bool begin(struct link *l, struct places *plain, struct places *debug)
{
    uint64_t in_memory = 0, others = 0;

    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            in_memory += l->objs[i]->secs[n].live && l->objs[i]->secs[n].sec->flags & SEC_ALLOC;
            others += l->objs[i]->secs[n].live && l->objs[i]->secs[n].sec->flags & SEC_DEBUG;
        }
    return places_begin(l, in_memory, plain) && places_begin(l, others, debug);
}

bool dll_make_outs(struct link *l)
{
    struct places plain, debug;
    struct section reloc = {.name = ".reloc", .flags = SEC_ALLOC | SEC_ZERO, .align_log2 = 2};
    struct out *o = NULL;

    if (!begin(l, &plain, &debug))
        return false;
    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            struct lsec *s = &l->objs[i]->secs[n];

            if (!s->live || l->objs[i]->o.heap)
                continue;
            if (s->sec->flags & SEC_DEBUG   ? !places_add(&debug, s)
                : s->sec->flags & SEC_ALLOC ? !places_add(&plain, s)
                                            : false)
                return false;
        }
    if (!make_plain(&plain) || !make_heaps(l))
        return false;
    /* Before what only debuggers read; its contents need all addresses. */
    l->dll->reloc = link_append_section(l, &reloc);
    if (!(o = new_out(l, ".reloc",
                      IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_DISCARDABLE |
                          IMAGE_SCN_MEM_READ)) ||
        !out_add(l, o, l->dll->reloc))
        return false;
    return make_plain(&debug);
}
