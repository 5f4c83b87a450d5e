/* SPDX-License-Identifier: MIT */
/* cache_scan.c - where an arena's pointers are, and what they point into.
 *
 * If the engine does not say, each aligned word that looks like a pointer is
 * one: into the arena, or into a module of the process.  The first is harmless
 * if wrong, since an image is loaded where it was.  The second is written
 * again only where a module has moved; words that point into a program which
 * cannot move are not even noted. */

#include "runtime/cache.h"

#include <stdlib.h>
#include <string.h>

static struct cache_module *modules_of(const struct scan *s, uint32_t *count)
{
    *count = (uint32_t)(s->modules.size / sizeof(struct cache_module));
    return (struct cache_module *)(void *)s->modules.at;
}

static bool add_module(void *arg, const struct loaded_module *m)
{
    struct scan *s = arg;
    uint8_t *room = grow_reserve(&s->modules, sizeof(struct cache_module));

    if (!room) {
        s->failed = true;
        return false;
    }
    memcpy(room, &(struct cache_module){.m = *m}, sizeof(struct cache_module));
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct cache_module *x = a, *y = b;

    return (x->m.from > y->m.from) - (x->m.from < y->m.from);
}

/* What a scan compares words with. */
struct ranges {
    struct cache_module *modules;
    uint32_t count;
    uintptr_t from, to; /* of all modules that words may point into */
    struct map_range *memory; /* NULL: strays are not counted */
    size_t memory_count;
};

static struct cache_module *module_at(const struct ranges *r, uint64_t word)
{
    uint32_t lo = 0, hi = r->count;

    if (word < r->from || word >= r->to)
        return NULL;
    while (lo < hi) { /* the last one that starts at or before WORD */
        uint32_t mid = lo + (hi - lo) / 2;

        if (r->modules[mid].m.from <= word)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && word < r->modules[lo - 1].m.to ? &r->modules[lo - 1] : NULL;
}

static bool is_stray(const struct ranges *r, uint64_t word)
{
    size_t lo = 0, hi = r->memory_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (r->memory[mid].from <= word)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && word < r->memory[lo - 1].to;
}

/* The word at PLACE, which is one or may be one. */
static void look(struct simg_cache *c, struct scan *s, const struct ranges *r, uint64_t place)
{
    uint64_t word = 0, base = (uint64_t)(uintptr_t)c->arena;
    struct cache_module *m = NULL;
    struct scan_outside *o = NULL;

    memcpy(&word, (const uint8_t *)c->arena + place, sizeof word);
    if (word - base < c->size) {
        s->bitmap[place / 64] |= (uint8_t)(1u << place / 8 % 8);
        s->slots++;
        return;
    }
    s->bitmap[place / 64] &= (uint8_t)~(1u << place / 8 % 8);
    if (!(m = module_at(r, word))) {
        s->strays += r->memory && is_stray(r, word);
        return;
    }
    m->slots++;
    if (m->m.fixed) /* it needs no writing, ever */
        return;
    if (!(o = (struct scan_outside *)(void *)grow_reserve(&s->outside, sizeof *o))) {
        s->failed = true;
        return;
    }
    *o = (struct scan_outside){place, (uint32_t)(m - r->modules), (int64_t)(word - m->m.bias)};
}

void simg_cache_slot(struct simg_cache *c, void *word)
{
    uint64_t place = (uint64_t)((uintptr_t)word - (uintptr_t)c->arena);

    if (c->scan && place % 8 == 0 && place < c->scan->size)
        c->scan->bitmap[place / 64] |= (uint8_t)(1u << place / 8 % 8);
}

/* Pages of zeros are quickly passed over. */
static bool is_zero(const uint8_t *at, size_t size)
{
    return at[0] == 0 && memcmp(at, at + 1, size - 1) == 0;
}

static bool look_everywhere(struct simg_cache *c, struct scan *s, const struct ranges *r)
{
    const uint8_t *at = (const uint8_t *)c->arena;
    uint64_t first = sizeof(struct simg_arena_head);

    for (uint64_t page = 0; page < s->size; page += 4096) {
        if (is_zero(at + page, 4096))
            continue;
        for (uint64_t i = page < first ? first : page; i < page + 4096; i += 8)
            look(c, s, r, i);
    }
    return true;
}

static bool look_where_told(struct simg_cache *c, struct scan *s, const struct ranges *r)
{
    c->scan = s;
    if (c->engine->scan(c->engine->arg, c) != 0)
        s->failed = true;
    c->scan = NULL;
    for (uint64_t i = 0; i < s->size / 8; i++)
        if (s->bitmap[i / 8] >> i % 8 & 1)
            look(c, s, r, 8 * i);
    return !s->failed;
}

/* The modules that words may point into.  Numbers of 16 bits, four to a word, are often enough like
   an address of some library: with a few MB of them it was one store in some thousands. */
static void set_range(const struct simg_engine *engine, struct ranges *r)
{
    uintptr_t anchor = (uintptr_t)engine->anchor;

    r->from = UINTPTR_MAX;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct loaded_module *m = &r->modules[i].m;

        if ((engine->flags & SIMG_ENGINE_OWN_MODULE) &&
            (anchor ? anchor < m->from || anchor >= m->to : !m->program))
            continue;
        r->from = m->from < r->from ? m->from : r->from;
        r->to = m->to > r->to ? m->to : r->to;
    }
}

bool scan_arena(struct simg_cache *c, struct scan *s)
{
    const struct simg_arena_head *h = (const struct simg_arena_head *)(const void *)c->arena;
    struct ranges r = {0};

    *s = (struct scan){.size = (h->top + 8 + CACHE_PAGE - 1) & ~(uint64_t)(CACHE_PAGE - 1),
                       .code_size = h->code_top - h->limit};
    s->bitmap = calloc(1, s->size / 64 + 1);
    loaded_each(add_module, s);
    if (!s->bitmap || s->failed)
        return false;
    r.modules = modules_of(s, &r.count);
    qsort(r.modules, r.count, sizeof *r.modules, by_place);
    set_range(c->engine, &r);
    if (c->o.flags & SIMG_CACHE_TRACE)
        r.memory = map_ranges(&r.memory_count);
    if (c->engine->scan)
        look_where_told(c, s, &r);
    else
        look_everywhere(c, s, &r);
    free(r.memory);
    return !s->failed;
}

void scan_end(struct scan *s)
{
    free(s->bitmap);
    free(s->outside.at);
    free(s->modules.at);
    *s = (struct scan){0};
}
