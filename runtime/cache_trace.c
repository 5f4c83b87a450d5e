/* SPDX-License-Identifier: MIT */
/* cache_trace.c - lines for people: what the cache does, and what an arena has. */

#include "runtime/cache.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(const struct simg_cache *c, char *line, size_t room)
{
    size_t size = strlen(line);

    if (c->o.trace) {
        c->o.trace(c->o.trace_arg, line);
        return;
    }
    size = size < room - 1 ? size : room - 2;
    line[size] = '\n';
    map_say(line, size + 1);
}

void trace_always(const struct simg_cache *c, const char *fmt, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    put(c, line, sizeof line);
}

void trace_line(const struct simg_cache *c, const char *fmt, ...)
{
    uint32_t on = SIMG_CACHE_TRACE;
    char line[512];
    va_list ap;

    if (c->o.flags & (SIMG_CACHE_DEBUG_LOAD | SIMG_CACHE_DEBUG_STORE))
        on |= SIMG_CACHE_DEBUG_TRACE;
    if (!(c->o.flags & on))
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    put(c, line, sizeof line);
}

const char *number_text(uint64_t n, struct number *b)
{
    char plain[24];
    size_t length = (size_t)snprintf(plain, sizeof plain, "%llu", (unsigned long long)n), at = 0;

    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            b->text[at++] = ',';
        b->text[at++] = plain[i];
    }
    b->text[at] = 0;
    return b->text;
}

/* ---- a histogram ---- */

struct type_sum {
    uint64_t count, size, least, most;
    uint32_t type;
};

struct sums {
    struct type_sum *all;
    uint32_t types;
};

static void add_block(void *arg, uint64_t block, uint64_t header)
{
    struct sums *s = arg;
    uint64_t type = header >> SIMG_BLOCK_TYPE_SHIFT, size = header & SIMG_BLOCK_SIZE;
    struct type_sum *t = &s->all[type <= s->types ? type : 0];

    (void)block;
    t->count++;
    t->size += size;
    t->least = t->count == 1 || size < t->least ? size : t->least;
    t->most = size > t->most ? size : t->most;
}

static int by_size(const void *a, const void *b)
{
    const struct type_sum *x = a, *y = b;

    return (x->size > y->size) - (x->size < y->size);
}

static const char *type_name(const struct simg_cache *c, uint64_t type)
{
    char *const *names = (char *const *)(const void *)c->reg.types.at;

    return type ? names[type - 1] : "(untyped)";
}

void trace_histogram(const struct simg_cache *c)
{
    struct sums s = {.types = (uint32_t)(c->reg.types.size / sizeof(char *))};
    struct number n[5];

    if (!(s.all = calloc(s.types + 1ull, sizeof *s.all)))
        return;
    for (uint32_t i = 0; i <= s.types; i++)
        s.all[i].type = i;
    arena_walk(c->arena, add_block, &s);
    qsort(s.all, s.types + 1ull, sizeof *s.all, by_size);
    trace_always(c, "%-40s %14s %12s %10s %10s %10s", "Type", "Size", "Instances", "Min", "Max", "Avg");
    for (uint32_t i = 0; i <= s.types; i++)
        if (s.all[i].count)
            trace_always(c, "%-40s %14s %12s %10s %10s %10s", type_name(c, s.all[i].type),
                         number_text(s.all[i].size, &n[0]), number_text(s.all[i].count, &n[1]),
                         number_text(s.all[i].least, &n[2]), number_text(s.all[i].most, &n[3]),
                         number_text(s.all[i].size / s.all[i].count, &n[4]));
    free(s.all);
}

/* ---- a tree: from the roots, each block under the one that it was first found from ---- */

struct tree_block {
    uint64_t at, size; /* from behind the header */
    uint32_t type, parent; /* PARENT: 1 + number of a block; 0: not reached; own number + 1: root */
};

struct tree {
    struct tree_block *blocks;
    size_t count, room;
    uint32_t *queue;
    uint64_t *below; /* size with all that is under it */
};

static void count_block(void *arg, uint64_t block, uint64_t header)
{
    struct tree *t = arg;

    if (t->count < t->room)
        t->blocks[t->count] = (struct tree_block){.at = block + 8,
                                                  .size = (header & SIMG_BLOCK_SIZE) - 8,
                                                  .type = (uint32_t)(header >> SIMG_BLOCK_TYPE_SHIFT)};
    t->count++;
}

/* The block that has PLACE, or NULL. */
static struct tree_block *block_at(const struct tree *t, uint64_t place)
{
    size_t lo = 0, hi = t->count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (t->blocks[mid].at <= place)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && place - t->blocks[lo - 1].at < t->blocks[lo - 1].size ? &t->blocks[lo - 1] : NULL;
}

/* First-found order: parents come before what is under them. */
static size_t reach(const struct simg_cache *c, struct tree *t)
{
    const struct cache_root *roots = (const struct cache_root *)(const void *)c->roots.at;
    uintptr_t base = (uintptr_t)c->arena;
    size_t head = 0, tail = 0;

    for (size_t i = 0; i < c->roots.size / sizeof *roots; i++) {
        struct tree_block *b = block_at(t, roots[i].place);

        if (b && !b->parent) {
            b->parent = (uint32_t)(b - t->blocks) + 1;
            t->queue[tail++] = (uint32_t)(b - t->blocks);
        }
    }
    while (head < tail) {
        const struct tree_block *b = &t->blocks[t->queue[head++]];

        for (uint64_t i = 0; i + 8 <= b->size; i += 8) {
            struct tree_block *to = NULL;
            uint64_t word = 0;

            memcpy(&word, (const uint8_t *)base + b->at + i, sizeof word);
            to = word - base < c->size ? block_at(t, word - base) : NULL;
            if (to && !to->parent) {
                to->parent = (uint32_t)(b - t->blocks) + 1;
                t->queue[tail++] = (uint32_t)(to - t->blocks);
            }
        }
    }
    return tail;
}

enum { TREE_DEPTH = 4 };

/* Blocks of one type under blocks of one group: a line. */
struct group {
    uint64_t deep, own, count;
    uint32_t type;
};

static int by_deep(const void *a, const void *b)
{
    const struct group *x = a, *y = b;

    return (x->deep < y->deep) - (x->deep > y->deep);
}

/* The lines for those members of the queue, REACHED of them, whose parent is in group PARENT of
   GROUPS (UINT32_MAX: roots), which gives each block's group. */
static void tell_groups(const struct simg_cache *c, const struct tree *t, size_t reached,
                        uint32_t *groups, uint32_t parent, uint32_t *next, unsigned depth)
{
    uint32_t types = (uint32_t)(c->reg.types.size / sizeof(char *)) + 1, first = *next, used = 0;
    struct group *all = calloc(types, sizeof *all);
    struct number n[3];

    if (!all)
        return;
    for (size_t i = 0; i < reached; i++) {
        const struct tree_block *b = &t->blocks[t->queue[i]];
        uint32_t own = t->queue[i], type = b->type < types ? b->type : 0;
        bool root = b->parent == own + 1;

        if (root ? parent != UINT32_MAX : parent == UINT32_MAX || groups[b->parent - 1] != parent)
            continue;
        groups[own] = first + type;
        all[type].type = type;
        all[type].deep += t->below[own];
        all[type].own += b->size + 8;
        all[type].count++;
    }
    *next += types;
    for (uint32_t i = 0; i < types; i++)
        used += all[i].count != 0;
    qsort(all, types, sizeof *all, by_deep);
    for (uint32_t i = 0; i < used; i++) {
        trace_always(c, "%*s%-*s %14s %12s %12s", (int)(2 * depth), "", (int)(40 - 2 * depth),
                     type_name(c, all[i].type), number_text(all[i].deep, &n[0]),
                     number_text(all[i].own, &n[1]), number_text(all[i].count, &n[2]));
        if (depth + 1 < TREE_DEPTH)
            tell_groups(c, t, reached, groups, first + all[i].type, next, depth + 1);
    }
    free(all);
}

void trace_tree(const struct simg_cache *c)
{
    struct tree t = {0};
    uint32_t *groups = NULL, next = 0;
    size_t reached = 0;

    arena_walk(c->arena, count_block, &t);
    t.room = t.count;
    t.count = 0;
    t.blocks = calloc(t.room + 1, sizeof *t.blocks);
    t.queue = calloc(t.room + 1, sizeof *t.queue);
    t.below = calloc(t.room + 1, sizeof *t.below);
    groups = calloc(t.room + 1, sizeof *groups);
    if (t.blocks && t.queue && t.below && groups && t.room < UINT32_MAX) {
        arena_walk(c->arena, count_block, &t);
        memset(groups, 0xff, (t.room + 1) * sizeof *groups);
        reached = reach(c, &t);
        for (size_t i = reached; i-- > 0;) { /* from the leaves up */
            uint32_t b = t.queue[i], parent = t.blocks[b].parent - 1;

            t.below[b] += t.blocks[b].size + 8;
            if (parent != b)
                t.below[parent] += t.below[b];
        }
        trace_always(c, "%-40s %14s %12s %12s", "Reference tree", "Deep size", "Size", "Instances");
        tell_groups(c, &t, reached, groups, UINT32_MAX, &next, 0);
        trace_always(c, "%zu of %zu blocks are reached from roots", reached, t.count);
    }
    free(t.blocks);
    free(t.queue);
    free(t.below);
    free(groups);
}
