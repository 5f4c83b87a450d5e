/* SPDX-License-Identifier: GPL-3.0-or-later */
/* places.c - the order of the sections of an image.
 *
 * Of a family of sections only what stands behind its name is compared; an
 * object may have a section for each of 100,000 functions. */

#include "dll/places.h"

#include "base/pages.h"
#include "dll/dll.h"
#include "sysimage/format.h"

#include <stdlib.h>
#include <xxhash.h>

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

/* The image's sections in their order; others come where there is no name. */
static const struct {
    const char *name;
    uint32_t flags;
} order[] = {{".text", RX},   {".rdata", R}, {".data", RW},        {".pdata", R},  {".xdata", R},
             {".eh_fram", R}, {".idata", R}, {".edata", R},        {".tls", RW},   {".bss", ZERO},
             {NULL, 0},       {".rsrc", R},  {SIMG_PE_SECTION, R}, {".simgmap", R}};
enum { ORDERED = sizeof order / sizeof *order, OF_LOADER = 100 /* a sub-rank */ };

/* gcc names parts of these as it does for ELF, by a dot. */
static const char *const dotted[] = {".ctors", ".dtors", ".text",  ".rdata", ".data",
                                     ".bss",   ".pdata", ".xdata", ".tls"};

uint32_t places_flags(const char *name)
{
    for (unsigned i = 0; i < ORDERED; i++)
        if (order[i].name && !strcmp(order[i].name, name))
            return order[i].flags;
    return 0;
}

/* ---- families ---- */

static uint64_t rank_of(struct places *p, const char *name)
{
    uint64_t others = 0;

    for (uint64_t i = 0; i < ORDERED; i++) {
        if (order[i].name && !strcmp(order[i].name, name))
            return i << 32;
        others = order[i].name ? others : i << 32;
    }
    return others + p->strangers++;
}

static bool is_dotted(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof dotted / sizeof *dotted; i++)
        if (strlen(dotted[i]) == len && !memcmp(dotted[i], name, len))
            return true;
    return false;
}

/* ".text" of ".text$mn", ".ctors" of ".ctors.65535". */
static size_t base_length(const char *name)
{
    size_t len = strcspn(name, "$");
    const char *dot = len ? memchr(name + 1, '.', len - 1) : NULL;

    return dot && is_dotted(name, (size_t)(dot - name)) ? (size_t)(dot - name) : len;
}

static bool grow_slots(struct places *p)
{
    uint64_t count = p->slot_count ? 2 * p->slot_count : 64;
    uint32_t *slots = arena_alloc(&p->l->arena, count, sizeof *slots);

    if (!slots)
        return diag_nomem(p->l->d);
    for (uint64_t i = 0; i < p->family_count; i++) {
        const struct family *f = &p->families[i];
        uint64_t at = XXH3_64bits(f->name, f->len);

        while (slots[at % count])
            at++;
        slots[at % count] = (uint32_t)i + 1;
    }
    p->slots = slots;
    p->slot_count = count;
    return true;
}

static bool is_family(const struct family *f, const char *name, size_t len, bool relro, int edge)
{
    return f->len == len && f->relro == relro && f->edge == edge && !memcmp(f->name, name, len);
}

/* WANTED, which has a name and what else tells families apart, is new. */
static bool add_family(struct places *p, struct family wanted)
{
    char *name = arena_strndup(&p->l->arena, wanted.name, wanted.len);

    if (!name || !arena_grow(&p->l->arena, (void **)&p->families, p->family_count, &p->family_cap,
                             sizeof *p->families))
        return diag_nomem(p->l->d);
    wanted.to = name;
    for (uint32_t i = 0; i < sizeof renames / sizeof *renames; i++)
        if (!strcmp(renames[i].from, name)) {
            wanted.to = renames[i].to;
            wanted.sub_rank = i + 1;
        }
    /* What the loader writes to may not be read-only. */
    if (wanted.relro) {
        wanted.to = ".data";
        wanted.sub_rank = OF_LOADER;
    }
    wanted.rank = rank_of(p, wanted.to);
    p->families[p->family_count++] = wanted;
    return true;
}

/* The number of the family of sections with this name. */
static bool find_family(struct places *p, const char *name, bool relro, int edge, uint32_t *out)
{
    size_t len = base_length(name);
    uint64_t at = XXH3_64bits(name, len);

    if (2 * p->family_count >= p->slot_count && !grow_slots(p))
        return false;
    for (; p->slots[at % p->slot_count]; at++) {
        *out = p->slots[at % p->slot_count] - 1;
        if (is_family(&p->families[*out], name, len, relro, edge))
            return true;
    }
    *out = (uint32_t)p->family_count;
    p->slots[at % p->slot_count] = *out + 1;
    return add_family(p, (struct family){.name = name, .len = len, .relro = relro, .edge = edge});
}

/* ---- sections ---- */

bool places_begin(struct link *l, uint64_t count, struct places *p)
{
    *p = (struct places){.l = l, .all = arena_alloc(&l->arena, count, sizeof *p->all)};
    if (!p->all)
        return diag_nomem(l->d);
    pages_make(p->all, count * sizeof *p->all);
    return true;
}

/* The first bytes of a string as a number: the order of numbers is that of strings. */
static uint64_t first_bytes(const char *s)
{
    uint64_t key = 0;

    for (unsigned i = 0; i < 8 && s[i]; i++)
        key |= (uint64_t)(uint8_t)s[i] << (56 - 8 * i);
    return key;
}

bool places_add(struct places *p, struct lsec *s)
{
    const struct dll *y = p->l->dll;
    const char *name = s->sec->name;
    struct placed *out = &p->all[p->count];
    int edge = 0;

    if (s->obj == p->l->objs[0] && (!strcmp(name, ".ctors") || !strcmp(name, ".dtors")))
        edge = s == y->ctors || s == y->dtors ? -1 : 1;
    if (!find_family(p, name, s->relro && !(s->sec->flags & SEC_WRITE), edge, &out->family))
        return false;
    out->sec = s;
    out->order = (uint32_t)p->count++;
    out->rest = name + p->families[out->family].len;
    out->key = first_bytes(out->rest);
    p->families[out->family].count++;
    return true;
}

static int by_rank(const void *a, const void *b)
{
    const struct family *x = *(struct family *const *)a, *y = *(struct family *const *)b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->sub_rank != y->sub_rank)
        return x->sub_rank < y->sub_rank ? -1 : 1;
    return x->edge != y->edge ? x->edge - y->edge : (x > y) - (x < y);
}

static int by_rest(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    int text = 0;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->key & 0xff)
        text = strcmp(x->rest + 8, y->rest + 8);
    return text ? text : (x->order > y->order) - (x->order < y->order);
}

/* Most are in order already: those of plain objects have nothing behind the name. */
static void sort_by_rest(struct placed *all, uint64_t count)
{
    for (uint64_t i = 1; i < count; i++)
        if (by_rest(&all[i - 1], &all[i]) > 0) {
            qsort(all, count, sizeof *all, by_rest);
            return;
        }
}

bool places_sort(struct places *p)
{
    struct arena *a = &p->l->arena;
    struct family **sorted = arena_alloc(a, p->family_count, sizeof *sorted);
    uint64_t *next = arena_alloc(a, p->family_count, sizeof *next), at = 0;
    struct placed *all = NULL;

    if (!sorted || !next || !(all = arena_alloc(a, p->count, sizeof *all)))
        return diag_nomem(p->l->d);
    for (uint64_t i = 0; i < p->family_count; i++)
        sorted[i] = &p->families[i];
    if (p->family_count)
        qsort(sorted, p->family_count, sizeof(struct family *), by_rank);
    for (uint64_t i = 0; i < p->family_count; i++) {
        next[sorted[i] - p->families] = at;
        at += sorted[i]->count;
    }
    for (uint64_t i = 0; i < p->count; i++)
        all[next[p->all[i].family]++] = p->all[i];
    /* Families of one rank, which relocations brought together, are one. */
    for (uint64_t i = 0, from = 0, count = 0; i < p->family_count; i++) {
        count += sorted[i]->count;
        if (i + 1 < p->family_count && sorted[i]->rank == sorted[i + 1]->rank &&
            sorted[i]->sub_rank == sorted[i + 1]->sub_rank &&
            sorted[i]->edge == sorted[i + 1]->edge)
            continue;
        sort_by_rest(all + from, count);
        from += count;
        count = 0;
    }
    p->all = all;
    return true;
}
