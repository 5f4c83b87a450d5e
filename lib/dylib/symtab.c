/* SPDX-License-Identifier: GPL-3.0-or-later */
/* symtab.c - the symbol table: local ones, exported ones, missing ones; and
 * the indirect symbols, which say whose each stub and slot is. */

#include "dylib/dylib.h"

#include <stdio.h>
#include <stdlib.h>

struct maker {
    struct link *l;
    struct buf *symbols, *strings;
    uint32_t count;
};

static void put(struct maker *m, const char *name, uint8_t type, uint8_t section, uint16_t desc,
                uint64_t value)
{
    buf_uint(m->symbols, m->strings->size, 4);
    buf_uint(m->symbols, type, 1);
    buf_uint(m->symbols, section, 1);
    buf_uint(m->symbols, desc, 2);
    buf_uint(m->symbols, value, 8);
    buf_str(m->strings, name);
    m->count++;
}

/* Labels that compilers and assemblers made for themselves. */
static bool is_private(const char *name) { return *name == 0 || *name == 'L' || *name == 'l'; }

static uint16_t desc_of(const struct lsym *s)
{
    const struct symbol *sym = lsym_symbol(s);

    return (uint16_t)((sym->other & (N_NO_DEAD_STRIP | REFERENCED_DYNAMICALLY)) |
                      (s->state == SYM_WEAK && !s->localized ? N_WEAK_DEF : 0));
}

static void put_defined(struct maker *m, const struct lsym *s, uint8_t flags, uint16_t desc)
{
    const struct lsec *sec = lsym_section(s);

    if (s->linker)
        return;
    put(m, s->name, (uint8_t)(flags | (sec ? N_SECT : N_ABS)),
        sec ? dylib_section_number(m->l, sec, s->addr) : NO_SECT, desc, s->addr);
}

static void put_locals(struct maker *m)
{
    const struct link *l = m->l;

    for (uint64_t i = 1; i < l->obj_count; i++) {
        const struct lobj *o = l->objs[i];

        for (uint32_t n = o->o.section_count; n < o->o.first_global; n++) {
            const struct lsym *s = &o->locals[n];
            const struct lsec *sec = lsym_section(s);

            if (o->o.heap || is_private(s->name) || o->o.symbols[n].kind == KIND_FILE ||
                (sec && !sec->out))
                continue;
            put_defined(m, s, 0, (uint16_t)(o->o.symbols[n].other & N_NO_DEAD_STRIP));
        }
    }
}

static void put_globals(struct maker *m, bool exported)
{
    const struct link *l = m->l;

    for (uint64_t i = 0; i < l->global_count; i++) {
        struct lsym *s = l->globals[i];
        const struct lsec *sec = lsym_section(s);

        if (!lsym_defined(s) || s->exported != exported || (sec && !sec->out) ||
            (!exported && is_private(s->name)))
            continue;
        s->base = m->count;
        put_defined(m, s, exported ? N_EXT : N_PEXT, desc_of(s));
    }
}

static void put_undefined(struct maker *m)
{
    const struct link *l = m->l;
    const struct dylib *y = l->dylib;

    for (uint64_t i = 0; i < y->wide_first; i++) {
        const struct lsym *s = y->imports[i].sym;
        int ordinal = s->state == SYM_SHARED ? (int)s->obj->order + 1 : dylib_ordinal(l, s);
        uint32_t shown = ordinal == BIND_SPECIAL_DYLIB_FLAT_LOOKUP ? DYNAMIC_LOOKUP_ORDINAL
                         : ordinal > (int)MAX_LIBRARY_ORDINAL      ? MAX_LIBRARY_ORDINAL
                                                                   : (uint32_t)ordinal;

        if (lsym_defined(s))
            continue;
        ((struct lsym *)s)->base = m->count;
        put(m, s->name, N_UNDF | N_EXT, NO_SECT,
            (uint16_t)((shown & 0xff) << 8 | (s->strong_ref ? 0 : N_WEAK_REF)), 0);
    }
}

/* ---- indirect symbols ---- */

static uint32_t indirect(const struct lsym *s)
{
    if (lsym_defined(s) && !s->exported)
        return lsym_section(s) ? INDIRECT_SYMBOL_LOCAL
                               : INDIRECT_SYMBOL_LOCAL | INDIRECT_SYMBOL_ABS;
    return s->base;
}

/* The section's reserved1 is where its symbols start. */
static void put_indirect(struct link *l, struct lsec *s, const uint32_t *order, uint64_t count)
{
    struct buf *b = &l->dylib->indirect.buf;

    if (!s)
        return;
    s->out->info_value = (uint32_t)(b->size / 4);
    for (uint64_t i = 0; i < count; i++)
        buf_uint(b, indirect(l->slots[order[i]].sym), 4);
}

bool dylib_make_symtab(struct link *l)
{
    struct dylib *y = l->dylib;
    struct maker m = {.l = l, .symbols = &y->symbols.buf, .strings = &y->strings.buf};

    /* The first string is no name; linkers put a space there. */
    buf_bytes(m.strings, " ", 2);
    if (l->opt->strip != STRIP_ALL && l->opt->discard != DISCARD_ALL)
        put_locals(&m);
    if (l->opt->strip != STRIP_ALL)
        put_globals(&m, false);
    y->local_count = m.count;
    put_globals(&m, true);
    y->export_count = m.count - y->local_count;
    put_undefined(&m);
    y->undefined_count = m.count - y->local_count - y->export_count;
    put_indirect(l, y->stubs, y->stub_order, y->stub_count);
    put_indirect(l, y->got, y->got_order, y->got_count);
    put_indirect(l, y->tlv, y->tlv_order, y->tlv_count);
    buf_align(m.strings, 8);
    return !(m.symbols->bad || m.strings->bad || y->indirect.buf.bad) || diag_nomem(l->d);
}
