/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exports.c - the tree of exported names, the starts of functions, and the
 * places of data among code. */

#include "dylib/dylib.h"
#include "macho/trie.h"

#include <stdlib.h>

bool dylib_make_exports(struct link *l)
{
    struct dylib *y = l->dylib;
    struct trie_symbol *all = arena_alloc(&l->arena, l->global_count, sizeof *all);
    struct arena scratch = {0};
    uint64_t count = 0;
    bool ok = false;

    if (!all)
        return diag_nomem(l->d);
    for (uint64_t i = 0; i < l->global_count; i++) {
        const struct lsym *s = l->globals[i];
        const struct lsec *sec = lsym_section(s);

        if (!lsym_defined(s) || !s->exported || s->linker || (sec && !sec->out))
            continue;
        all[count++] = (struct trie_symbol){
            .name = s->name,
            .addr = sec ? s->addr - l->opt->image_base : s->addr,
            .flags = (!sec                               ? EXPORT_SYMBOL_FLAGS_KIND_ABSOLUTE
                      : lsym_symbol(s)->kind == KIND_TLS ? EXPORT_SYMBOL_FLAGS_KIND_THREAD_LOCAL
                                                         : EXPORT_SYMBOL_FLAGS_KIND_REGULAR) |
                     (s->state == SYM_WEAK ? EXPORT_SYMBOL_FLAGS_WEAK_DEFINITION : 0),
        };
    }
    ok = trie_build(&scratch, all, count, &y->trie.buf);
    arena_free(&scratch);
    buf_align(&y->trie.buf, 8);
    return (ok && !y->trie.buf.bad) || diag_nomem(l->d);
}

/* ---- starts of functions ---- */

struct addresses {
    uint64_t *at, count, cap;
};

static bool add(struct addresses *a, uint64_t addr)
{
    if (a->count == a->cap) {
        uint64_t cap = a->cap ? 2 * a->cap : 4096, *bigger = realloc(a->at, cap * sizeof *bigger);

        if (!bigger)
            return false;
        a->at = bigger;
        a->cap = cap;
    }
    a->at[a->count++] = addr;
    return true;
}

static bool add_symbol(struct addresses *a, const struct lobj *o, uint32_t i)
{
    const struct symbol *sym = &o->o.symbols[i];
    const struct lsec *sec = NULL;

    if (sym->kind != KIND_FUNC || sym->section == SECTION_UNDEF ||
        sym->section >= o->o.section_count || *sym->name == 'L' || *sym->name == 'l')
        return true;
    sec = &o->secs[sym->section];
    return !sec->live || !sec->out || add(a, lsec_addr(sec) + sym->value);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

bool dylib_make_starts(struct link *l)
{
    struct addresses a = {0};
    struct buf *b = &l->dylib->starts.buf;
    uint64_t last = l->opt->image_base;
    bool ok = true;

    for (uint64_t i = 0; ok && i < l->obj_count && !l->opt->darwin.no_function_starts; i++)
        for (uint32_t n = 1; ok && n < l->objs[i]->o.symbol_count; n++)
            ok = add_symbol(&a, l->objs[i], n);
    if (a.count)
        qsort(a.at, a.count, sizeof *a.at, by_value);
    for (uint64_t i = 0; i < a.count; i++) {
        if (a.at[i] == last)
            continue;
        put_uleb(b, a.at[i] - last);
        last = a.at[i];
    }
    if (b->size)
        buf_uint(b, 0, 1);
    buf_align(b, 8);
    free(a.at);
    return (ok && !b->bad) || diag_nomem(l->d);
}

/* ---- data among code ---- */

struct data_in_code {
    uint64_t addr;
    uint16_t length, kind;
};

static int by_address(const void *a, const void *b)
{
    const struct data_in_code *x = a, *y = b;

    return (x->addr > y->addr) - (x->addr < y->addr);
}

bool dylib_make_data_in_code(struct link *l)
{
    struct buf *b = &l->dylib->data_in_code.buf;
    struct data_in_code *all = NULL;
    uint64_t count = 0, cap = 0;

    for (uint64_t i = 1; i < l->obj_count && !l->opt->darwin.no_data_in_code; i++) {
        struct cursor c = {.in = l->objs[i]->o.data_in_code};

        while (c.pos + DATA_IN_CODE_ENTRY_SIZE <= c.in.size) {
            uint64_t addr = cur_u32(&c), offset = 0;
            struct data_in_code d = {.length = cur_u16(&c), .kind = cur_u16(&c)};
            const struct lsec *s = dylib_section_at(l->objs[i], addr, &offset);

            if (!s || !s->out || offset + d.length > s->size)
                continue;
            d.addr = lsec_addr(s) + offset;
            if (!arena_grow(&l->arena, (void **)&all, count, &cap, sizeof *all))
                return diag_nomem(l->d);
            all[count++] = d;
        }
    }
    if (count)
        qsort(all, count, sizeof *all, by_address);
    for (uint64_t i = 0; i < count; i++) {
        buf_uint(b, all[i].addr - l->opt->image_base, 4);
        buf_uint(b, all[i].length, 2);
        buf_uint(b, all[i].kind, 2);
    }
    return !b->bad || diag_nomem(l->d);
}
