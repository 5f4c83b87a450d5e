/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pdata.c - the exception table (PE specification, 5.5; x64 and ARM64 exception
 * handling): one entry for each function, of all objects together in the order
 * of their addresses, since it is searched by halves. */

#include "dll/dll.h"

#include <inttypes.h>
#include <stdlib.h>

static int by_begin(const void *a, const void *b)
{
    uint64_t x = load_uint(a, 4, false), y = load_uint(b, 4, false);

    return x < y ? -1 : x > y;
}

bool dll_sort_pdata(struct link *l)
{
    struct out *o = l->dll->pdata;
    uint64_t entry = l->coff->pdata_size, at = 0;
    uint8_t *all = NULL;

    if (!o)
        return true;
    if (!(all = arena_alloc(&l->arena, o->size, 1)))
        return diag_nomem(l->d);
    /* Entries are put together without the gaps that sections' alignment makes. */
    l->dll->sorting = true;
    for (uint64_t i = 0; i < o->count; i++) {
        struct lsec *s = o->secs[i];

        if (s->size % entry)
            return diag_fail(l->d, E_FORMAT,
                             "%s: %s: 0x%" PRIx64 " bytes are no whole number of entries of %" PRIu64,
                             s->obj->o.name, s->sec->name, s->size, entry);
        if (!link_copy(l, l->d, s, 0, s->size, all + at))
            return false;
        at += s->size;
    }
    l->dll->sorting = false;
    /* Functions that were dropped are nowhere. */
    for (uint64_t from = 0, count = at / entry, i = 0; i < count; i++, from += entry) {
        if (i == 0)
            at = 0;
        if (load_uint(all + from, 4, false) == 0)
            continue;
        memmove(all + at, all + from, entry);
        at += entry;
    }
    if (at)
        qsort(all, at / entry, entry, by_begin);
    o->size = at;
    for (uint64_t i = 0, done = 0; i < o->count; i++) {
        struct lsec *s = o->secs[i];

        s->size = s->size < at - done ? s->size : at - done;
        s->data = all + done;
        s->offset = done;
        done += s->size;
    }
    return true;
}
