/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sections.c - which input section goes where.  Of ".text$mn", what stands in
 * front of the dollar says which section of the image, and the rest in which
 * order (PE specification, 4.2). */

#include "base/pages.h"
#include "dll/dll.h"
#include "sysimage/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Sections that have no header of their own: they are in others. */
static const struct {
    const char *from, *to;
} renames[] = {
    {".CRT", ".rdata"},
    {".ctors", ".rdata"},
    {".dtors", ".rdata"},
    {".00cfg", ".rdata"},
    {".gcc_except_table", ".rdata"},
    {".eh_frame", ".eh_fram"}, /* as GNU ld calls it: 8 bytes are a name */
};

#define R (IMAGE_SCN_MEM_READ | IMAGE_SCN_CNT_INITIALIZED_DATA)
#define RW (R | IMAGE_SCN_MEM_WRITE)
#define RX (IMAGE_SCN_MEM_READ | IMAGE_SCN_CNT_CODE | IMAGE_SCN_MEM_EXECUTE)
#define ZERO (IMAGE_SCN_MEM_READ | IMAGE_SCN_MEM_WRITE | IMAGE_SCN_CNT_UNINITIALIZED_DATA)

/* The image's sections in their order, and what they may do, whatever objects say of
   their parts; others come where there is no name. */
static const struct {
    const char *name;
    uint32_t flags;
} order[] = {{".text", RX},   {".rdata", R}, {".data", RW}, {".pdata", R},         {".xdata", R},
             {".eh_fram", R}, {".idata", R}, {".edata", R}, {".tls", RW},          {".bss", ZERO},
             {NULL, 0},       {".rsrc", R},  {SIMG_PE_SECTION, R}, {".simgmap", R}};
enum { ORDERED = sizeof order / sizeof *order };

static uint32_t fixed_flags(const char *name)
{
    for (unsigned i = 0; i < ORDERED; i++)
        if (order[i].name && !strcmp(order[i].name, name))
            return order[i].flags;
    return 0;
}

/* A section on its way: where it goes, and its place there. */
struct placed {
    struct lsec *sec;
    const char *to, *base, *rest; /* BASE: its name up to the dollar; REST: behind it */
    size_t base_len;
    unsigned rank;     /* of TO */
    unsigned sub_rank; /* of BASE among those that go to TO */
    int edge;          /* -1: before all others with its name; 1: behind them */
    uint64_t order;
};

struct maker {
    struct link *l;
    struct placed *all; /* room for all of them */
    uint64_t count;
    const char **names; /* those that ORDER does not know */
    uint64_t name_count, name_cap;
};

static bool rank_of(struct maker *m, const char *name, unsigned *out)
{
    unsigned others = 0;

    for (unsigned i = 0; i < ORDERED; i++) {
        if (order[i].name && !strcmp(order[i].name, name)) {
            *out = i * 1000;
            return true;
        }
        others = order[i].name ? others : i * 1000;
    }
    for (uint64_t i = 0; i < m->name_count; i++)
        if (!strcmp(m->names[i], name)) {
            *out = others + (unsigned)i;
            return true;
        }
    if (!arena_grow(&m->l->arena, (void **)&m->names, m->name_count, &m->name_cap,
                    sizeof *m->names))
        return diag_nomem(m->l->d);
    m->names[m->name_count] = name;
    *out = others + (unsigned)m->name_count++;
    return true;
}

/* ".text" of ".text$mn", ".ctors" of ".ctors.65535", and what gcc calls as it does for ELF. */
static size_t base_length(const char *name)
{
    static const char *const dotted[] = {".ctors", ".dtors", ".text",  ".rdata", ".data",
                                         ".bss",   ".pdata", ".xdata", ".tls"};

    for (size_t i = 0; i < sizeof dotted / sizeof *dotted; i++)
        if (!strncmp(name, dotted[i], strlen(dotted[i])) && name[strlen(dotted[i])] == '.')
            return strlen(dotted[i]);
    return strcspn(name, "$");
}

static bool place(struct maker *m, struct lsec *s)
{
    struct link *l = m->l;
    struct placed *p = &m->all[m->count];
    const char *name = s->sec->name;

    *p = (struct placed){.sec = s, .base = name, .base_len = base_length(name), .order = m->count};
    p->rest = name + p->base_len;
    if (!(p->to = arena_strndup(&l->arena, name, p->base_len)))
        return diag_nomem(l->d);
    for (unsigned i = 0; i < sizeof renames / sizeof *renames; i++)
        if (!strcmp(renames[i].from, p->to)) {
            p->to = renames[i].to;
            p->sub_rank = i + 1;
        }
    /* What the loader writes to may not be read-only. */
    if (s->relro && !(s->sec->flags & SEC_WRITE)) {
        p->to = ".data";
        p->sub_rank = 100;
    }
    if (s->obj == l->objs[0] && (!strcmp(name, ".ctors") || !strcmp(name, ".dtors")))
        p->edge = s == l->dll->ctors || s == l->dll->dtors ? -1 : 1;
    m->count++;
    return rank_of(m, p->to, &p->rank);
}

/* Room for the sections that place() will be given. */
static bool make_room(struct maker *m, uint64_t count)
{
    if (!(m->all = arena_alloc(&m->l->arena, count, sizeof *m->all)))
        return diag_nomem(m->l->d);
    pages_make(m->all, count * sizeof *m->all);
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    int text = 0;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->sub_rank != y->sub_rank)
        return x->sub_rank < y->sub_rank ? -1 : 1;
    if (x->edge != y->edge)
        return x->edge - y->edge;
    text = strcmp(x->rest, y->rest);
    return text ? text : (x->order > y->order) - (x->order < y->order);
}

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

/* Are all sections that go where number I goes without bytes?  *END: behind them. */
static bool is_empty(const struct maker *m, uint64_t i, uint64_t *end)
{
    bool empty = true;

    for (*end = i; *end < m->count && !strcmp(m->all[*end].to, m->all[i].to); ++*end)
        empty = empty && m->all[*end].sec->size == 0;
    return empty;
}

static bool make_plain(struct maker *m)
{
    struct link *l = m->l;
    struct out *o = NULL;

    if (m->count)
        qsort(m->all, m->count, sizeof *m->all, by_place);
    for (uint64_t i = 0, end = 0; i < m->count; i++) {
        const struct placed *p = &m->all[i];

        /* Windows loads no section without bytes. */
        if (i >= end && is_empty(m, i, &end)) {
            i = end - 1;
            continue;
        }
        if ((!o || strcmp(o->name, p->to) != 0) &&
            !(o = new_out(l, p->to, characteristics(p->sec))))
            return false;
        o->type |= characteristics(p->sec);
        if (fixed_flags(p->to))
            o->type = fixed_flags(p->to);
        if (o->type & IMAGE_SCN_MEM_WRITE && o->type & IMAGE_SCN_MEM_EXECUTE)
            return diag_fail(l->d, E_LINK, "%s: %s: memory that may be written to and executed",
                             p->sec->obj->o.name, p->sec->sec->name);
        if (!out_add(l, o, p->sec))
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

static bool check_resources(struct link *l, const struct lsec *s, const struct lobj **first)
{
    if (strncmp(s->sec->name, ".rsrc", 5) != 0)
        return true;
    if (*first && *first != s->obj)
        return diag_fail(l->d, E_UNSUPPORTED,
                         "%s: resources, and %s has some as well: put them into one object",
                         s->obj->o.name, (*first)->o.name);
    *first = s->obj;
    return true;
}

/* Those that are in memory, and those that only debuggers read. */
static bool make_rooms(struct link *l, struct maker *plain, struct maker *debug)
{
    uint64_t in_memory = 0, others = 0;

    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            in_memory += l->objs[i]->secs[n].live && l->objs[i]->secs[n].sec->flags & SEC_ALLOC;
            others += l->objs[i]->secs[n].live && l->objs[i]->secs[n].sec->flags & SEC_DEBUG;
        }
    return make_room(plain, in_memory) && make_room(debug, others);
}

bool dll_make_outs(struct link *l)
{
    struct maker m = {.l = l}, debug = {.l = l};
    struct section reloc = {.name = ".reloc", .flags = SEC_ALLOC | SEC_ZERO, .align_log2 = 2};
    const struct lobj *resources = NULL;
    struct out *o = NULL;

    if (!make_rooms(l, &m, &debug))
        return false;
    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            struct lsec *s = &l->objs[i]->secs[n];

            if (!s->live || l->objs[i]->o.heap)
                continue;
            if (s->sec->flags & SEC_DEBUG ? !place(&debug, s)
                : s->sec->flags & SEC_ALLOC
                    ? !check_resources(l, s, &resources) || !place(&m, s)
                    : false)
                return false;
        }
    if (!make_plain(&m) || !make_heaps(l))
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
