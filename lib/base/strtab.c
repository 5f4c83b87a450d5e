/* SPDX-License-Identifier: GPL-3.0-or-later */
/* strtab.c - strings found again through an open hash table of offsets. */

#include "strtab.h"
#include "pages.h"

#include <stdlib.h>
#include <xxhash.h>

static bool same(const struct strtab *t, uint32_t off, const char *s, size_t len)
{
    return len < t->out.size - off && !memcmp(t->out.at + off, s, len) && !t->out.at[off + len];
}

/* Put the string at OFF into the slots, which have room. */
static void place(struct strtab *t, uint32_t off, uint64_t hash)
{
    uint64_t i = hash & (t->slots - 1);

    while (t->slot[i])
        i = (i + 1) & (t->slots - 1);
    t->slot[i] = off + 1;
}

static bool grow(struct strtab *t)
{
    uint32_t *old = t->slot;
    uint64_t count = t->slots;

    t->slots = count ? count * 2 : 256;
    if (!(t->slot = calloc(t->slots, sizeof *t->slot))) {
        t->slot = old;
        t->slots = count;
        return false;
    }
    pages_make(t->slot, t->slots * sizeof *t->slot);
    for (uint64_t i = 0; i < count; i++)
        if (old[i]) {
            const char *s = (const char *)t->out.at + old[i] - 1;

            place(t, old[i] - 1, XXH3_64bits(s, strlen(s)));
        }
    free(old);
    return true;
}

uint32_t strtab_addn(struct strtab *t, const char *s, size_t len)
{
    uint64_t hash = XXH3_64bits(s, len);
    uint64_t off = 0;

    if (t->out.size == 0)
        buf_uint(&t->out, 0, 1);
    if (len == 0)
        return 0;
    if (t->used * 2 >= t->slots && !grow(t)) {
        t->out.bad = true;
        return 0;
    }
    for (uint64_t i = hash & (t->slots - 1); t->slot[i]; i = (i + 1) & (t->slots - 1))
        if (same(t, t->slot[i] - 1, s, len))
            return t->slot[i] - 1;
    off = t->out.size;
    buf_bytes(&t->out, s, len);
    buf_uint(&t->out, 0, 1);
    if (t->out.size > UINT32_MAX)
        t->out.bad = true;
    if (t->out.bad)
        return 0;
    place(t, (uint32_t)off, hash);
    t->used++;
    return (uint32_t)off;
}

uint32_t strtab_add(struct strtab *t, const char *s) { return strtab_addn(t, s, strlen(s)); }

void strtab_free(struct strtab *t)
{
    free(t->slot);
    buf_free(&t->out);
    *t = (struct strtab){0};
}
