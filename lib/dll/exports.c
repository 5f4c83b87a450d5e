/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exports.c - the export directory (PE specification, 6.3).  Names are sorted by
 * their bytes: the loader searches them by halves. */

#include "dll/dll.h"

#include <inttypes.h>

struct tables {
    uint64_t names;                          /* exports that have one */
    uint64_t functions, pointers, ordinals;  /* offsets of the tables, */
    uint64_t strings, end;                   /* and of what they lead to */
};

static struct tables measure(const struct dll *y)
{
    struct tables t = {.functions = EXPORT_DIRECTORY_SIZE};
    uint64_t strings = strlen(y->name) + 1;

    for (uint64_t i = 0; i < y->export_count; i++) {
        t.names += y->exports[i].name != NULL;
        strings += y->exports[i].name ? strlen(y->exports[i].name) + 1 : 0;
        strings += y->exports[i].forward ? strlen(y->exports[i].forward) + 1 : 0;
    }
    t.pointers = t.functions + 4ull * (y->ordinal_end - y->ordinal_base);
    t.ordinals = t.pointers + 4 * t.names;
    t.strings = t.ordinals + 2 * t.names;
    t.end = t.strings + strings;
    return t;
}

bool dll_make_exports(struct link *l)
{
    struct section section = {
        .name = ".edata", .flags = SEC_ALLOC | SEC_ZERO, .align_log2 = 2};

    if (l->dll->export_count == 0)
        return true;
    section.size = measure(l->dll).end;
    l->dll->edata = link_append_section(l, &section);
    return true;
}

static uint64_t put_string(uint8_t *to, uint64_t *at, const char *text)
{
    uint64_t was = *at;
    size_t len = strlen(text) + 1;

    memcpy(to + was, text, len);
    *at += len;
    return was;
}

bool dll_fill_exports(struct link *l)
{
    struct dll *y = l->dll;
    struct tables t;
    uint64_t at = 0, named = 0, base = 0;
    uint8_t *to = NULL;

    if (!y->edata)
        return true;
    t = measure(y);
    if (!(to = y->edata->data = arena_alloc(&l->arena, y->edata->size, 1)))
        return diag_nomem(l->d);
    base = dll_lsec_rva(l, y->edata);
    at = t.strings;
    store_uint(to + 12, 4, false, base + put_string(to, &at, y->name));
    store_uint(to + 16, 4, false, y->ordinal_base);
    store_uint(to + 20, 4, false, y->ordinal_end - y->ordinal_base);
    store_uint(to + 24, 4, false, t.names);
    store_uint(to + 28, 4, false, base + t.functions);
    store_uint(to + 32, 4, false, t.names ? base + t.pointers : 0);
    store_uint(to + 36, 4, false, t.names ? base + t.ordinals : 0);
    for (uint64_t i = 0; i < y->export_count; i++) {
        const struct dll_export *e = &y->exports[i];
        uint64_t index = e->ordinal - y->ordinal_base, rva = 0;

        if (e->forward)
            rva = base + put_string(to, &at, e->forward);
        else
            rva = dll_rva(l, e->sym->state == SYM_SHARED ? dll_stub_address(l, e->sym)
                                                         : e->sym->addr);
        store_uint(to + t.functions + 4 * index, 4, false, rva);
        if (!e->name)
            continue;
        store_uint(to + t.pointers + 4 * named, 4, false, base + put_string(to, &at, e->name));
        store_uint(to + t.ordinals + 2 * named, 2, false, index);
        named++;
    }
    return true;
}
