/* SPDX-License-Identifier: GPL-3.0-or-later */
/* names.c - what a name in the link stands for: a symbol, or a group. */

#include "base/pages.h"
#include "elf/elf.h"
#include "link/link.h"

#include <stdlib.h>
#include <xxhash.h>

/* A name and what it stands for. */
struct named {
    const char *name;
    void *what;
};

/* 8 bytes, since what takes the time of a large link is memory that is seen for the
   first time. */
struct name_slot {
    uint32_t hash;   /* the lower half of it */
    uint32_t number; /* of the name, from 1 on; 0: free */
};

/* An open hash table from names to symbols and, apart, to the groups that
   were kept. */
struct names {
    struct name_slot *slots;
    uint64_t size; /* of SLOTS; a power of two, or 0 */
    struct named *all;
    uint64_t count, cap;
};

struct symtab {
    struct names symbols;
    struct names groups;
};

static uint32_t hash_name(const char *name, size_t len) { return (uint32_t)XXH3_64bits(name, len); }

static struct name_slot *find_slot(const struct names *t, const char *name, size_t len,
                                   uint32_t hash)
{
    uint64_t i = hash & (t->size - 1);

    for (; t->slots[i].number; i = (i + 1) & (t->size - 1)) {
        const char *other = t->all[t->slots[i].number - 1].name;

        if (t->slots[i].hash == hash && !strncmp(other, name, len) && !other[len])
            break;
    }
    return &t->slots[i];
}

static void *find_name(const struct names *t, const char *name, size_t len)
{
    const struct name_slot *slot = t->size ? find_slot(t, name, len, hash_name(name, len)) : NULL;

    return slot && slot->number ? t->all[slot->number - 1].what : NULL;
}

static bool grow_slots(struct names *t, uint64_t size)
{
    struct name_slot *slots = calloc(size, sizeof *slots);

    if (!slots)
        return false;
    pages_make(slots, size * sizeof *slots);
    for (uint64_t i = 0; i < t->size; i++)
        if (t->slots[i].number) {
            uint64_t to = t->slots[i].hash & (size - 1);

            while (slots[to].number)
                to = (to + 1) & (size - 1);
            slots[to] = t->slots[i];
        }
    free(t->slots);
    t->slots = slots;
    t->size = size;
    return true;
}

/* Make room for MORE names. */
static bool names_reserve(struct names *t, uint64_t more)
{
    uint64_t want = t->count + more, size = t->size ? t->size : 1024, cap = t->cap ? t->cap : 256;
    struct named *all = NULL;

    if (want > UINT32_MAX)
        return false;
    while (size < 2 * want)
        size *= 2;
    while (cap < want)
        cap *= 2;
    if (size > t->size && !grow_slots(t, size))
        return false;
    if (cap == t->cap)
        return true;
    if (!(all = realloc(t->all, cap * sizeof *all)))
        return false;
    t->all = all;
    t->cap = cap;
    return true;
}

/* What NAME (LEN bytes) stands for, or *IS_NEW: its place is then empty, and whoever
   fills it sees to it that it ends behind LEN bytes.  NULL without memory. */
static struct named *names_add(struct names *t, const char *name, size_t len, bool *is_new)
{
    uint32_t hash = hash_name(name, len);
    struct name_slot *slot = NULL;

    if (!names_reserve(t, 1))
        return NULL;
    slot = find_slot(t, name, len, hash);
    *is_new = !slot->number;
    if (*is_new) {
        *slot = (struct name_slot){hash, (uint32_t)++t->count};
        t->all[t->count - 1] = (struct named){name, NULL};
    }
    return &t->all[slot->number - 1];
}

static void names_free(struct names *t)
{
    free(t->slots);
    free(t->all);
}

static struct symtab *get_symtab(struct link *l)
{
    if (!l->symtab)
        l->symtab = calloc(1, sizeof *l->symtab);
    return l->symtab;
}

/* "f@V" is called f in .dynsym. */
static uint32_t base_length(const char *name, size_t len)
{
    const char *at = memchr(name, '@', len);

    return (uint32_t)(at && at != name ? (size_t)(at - name) : len);
}

bool link_expect_names(struct link *l, uint64_t symbols, uint64_t groups)
{
    return (get_symtab(l) && names_reserve(&l->symtab->symbols, symbols) &&
            names_reserve(&l->symtab->groups, groups)) ||
           diag_nomem(l->d);
}

/* A new symbol for FOUND, which is its place in the table. */
static bool new_symbol(struct link *l, struct named *found, size_t len)
{
    struct lsym *s = arena_alloc(&l->arena, 1, sizeof *s);

    if (found->name[len])
        found->name = arena_strndup(&l->arena, found->name, len);
    if (!found->name || !s ||
        !arena_grow(&l->arena, (void **)&l->globals, l->global_count, &l->global_cap,
                    sizeof *l->globals))
        return diag_nomem(l->d);
    *s = (struct lsym){.name = found->name,
                       .base = base_length(found->name, len),
                       .version = VER_NDX_GLOBAL};
    l->globals[l->global_count++] = s;
    found->what = s;
    return true;
}

struct lsym *link_intern(struct link *l, const char *name, size_t len)
{
    struct named *found = NULL;
    bool is_new = false;

    if (!get_symtab(l) || !(found = names_add(&l->symtab->symbols, name, len, &is_new))) {
        diag_nomem(l->d);
        return NULL;
    }
    return is_new && !new_symbol(l, found, len) ? NULL : found->what;
}

struct lsym *link_find(const struct link *l, const char *name)
{
    return l->symtab ? find_name(&l->symtab->symbols, name, strlen(name)) : NULL;
}

void link_free_symtab(struct link *l)
{
    if (l->symtab) {
        names_free(&l->symtab->symbols);
        names_free(&l->symtab->groups);
        free(l->symtab);
    }
    l->symtab = NULL;
}

struct lobj *link_first_group(struct link *l, const char *name, struct lobj *o)
{
    struct named *found = NULL;
    bool is_new = false;

    if (!get_symtab(l) || !(found = names_add(&l->symtab->groups, name, strlen(name), &is_new)))
        return NULL;
    if (is_new)
        found->what = o;
    return found->what;
}

bool link_replace_group(struct link *l, const char *name, struct lobj *o)
{
    bool is_new = false;
    struct named *found = names_add(&l->symtab->groups, name, strlen(name), &is_new);

    if (found)
        found->what = o;
    return found != NULL;
}
