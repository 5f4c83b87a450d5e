/* SPDX-License-Identifier: GPL-3.0-or-later */
/* names.c - what a name in the link stands for: a symbol, or a group. */

#include "base/pages.h"
#include "elf/elf.h"
#include "link/link.h"

#include <stdlib.h>
#include <xxhash.h>

/* An open hash table from names to symbols and, apart, to the groups that
   were kept. */
struct name_slot {
    uint64_t hash;
    const char *name;
    void *what;
};

struct names {
    struct name_slot *slots;
    uint64_t size, used;
};

struct symtab {
    struct names symbols;
    struct names groups;
};

static struct name_slot *find_slot(const struct names *t, const char *name, size_t len,
                                   uint64_t hash)
{
    uint64_t i = hash & (t->size - 1);

    while (t->slots[i].name &&
           (t->slots[i].hash != hash || strncmp(t->slots[i].name, name, len) != 0 ||
            t->slots[i].name[len]))
        i = (i + 1) & (t->size - 1);
    return &t->slots[i];
}

static bool names_grow(struct names *t)
{
    struct names bigger = {.size = t->size ? t->size * 2 : 1024, .used = t->used};

    if (!(bigger.slots = calloc(bigger.size, sizeof *bigger.slots)))
        return false;
    pages_make(bigger.slots, bigger.size * sizeof *bigger.slots);
    for (uint64_t i = 0; i < t->size; i++)
        if (t->slots[i].name) {
            uint64_t to = t->slots[i].hash & (bigger.size - 1);

            while (bigger.slots[to].name)
                to = (to + 1) & (bigger.size - 1);
            bigger.slots[to] = t->slots[i];
        }
    free(t->slots);
    *t = bigger;
    return true;
}

/* The slot of NAME (LEN bytes); NULL without memory.  A new one has no name
   yet: whoever fills it counts it in USED. */
static struct name_slot *names_slot(struct names *t, const char *name, size_t len)
{
    uint64_t hash = XXH3_64bits(name, len);
    struct name_slot *slot = NULL;

    if (t->used * 2 >= t->size && !names_grow(t))
        return NULL;
    slot = find_slot(t, name, len, hash);
    slot->hash = hash;
    return slot;
}

/* "f@V" is called f in .dynsym. */
static uint32_t base_length(const char *name, size_t len)
{
    const char *at = memchr(name, '@', len);

    return (uint32_t)(at && at != name ? (size_t)(at - name) : len);
}

struct lsym *link_intern(struct link *l, const char *name, size_t len)
{
    struct name_slot *slot = NULL;
    struct lsym *s = NULL;

    if (!l->symtab && !(l->symtab = calloc(1, sizeof *l->symtab))) {
        diag_nomem(l->d);
        return NULL;
    }
    if (!(slot = names_slot(&l->symtab->symbols, name, len))) {
        diag_nomem(l->d);
        return NULL;
    }
    if (slot->name)
        return slot->what;
    if (name[len])
        name = arena_strndup(&l->arena, name, len);
    if (!name || !(s = arena_alloc(&l->arena, 1, sizeof *s)) ||
        !arena_grow(&l->arena, (void **)&l->globals, l->global_count, &l->global_cap,
                    sizeof *l->globals)) {
        diag_nomem(l->d);
        return NULL;
    }
    *s = (struct lsym){.name = name, .base = base_length(name, len), .version = VER_NDX_GLOBAL};
    l->globals[l->global_count++] = s;
    slot->name = name;
    slot->what = s;
    l->symtab->symbols.used++;
    return s;
}

struct lsym *link_find(const struct link *l, const char *name)
{
    size_t len = strlen(name);

    if (!l->symtab || !l->symtab->symbols.size)
        return NULL;
    return find_slot(&l->symtab->symbols, name, len, XXH3_64bits(name, len))->what;
}

void link_free_symtab(struct link *l)
{
    if (l->symtab) {
        free(l->symtab->symbols.slots);
        free(l->symtab->groups.slots);
        free(l->symtab);
    }
    l->symtab = NULL;
}

struct lobj *link_first_group(struct link *l, const char *name, struct lobj *o)
{
    struct name_slot *slot = NULL;

    if (!l->symtab && !(l->symtab = calloc(1, sizeof *l->symtab)))
        return NULL;
    if (!(slot = names_slot(&l->symtab->groups, name, strlen(name))))
        return NULL;
    if (!slot->name) {
        slot->name = name;
        slot->what = o;
        l->symtab->groups.used++;
    }
    return slot->what;
}

bool link_replace_group(struct link *l, const char *name, struct lobj *o)
{
    struct name_slot *slot = names_slot(&l->symtab->groups, name, strlen(name));

    if (slot)
        slot->what = o;
    return slot != NULL;
}
