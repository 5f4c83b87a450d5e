/* SPDX-License-Identifier: GPL-3.0-or-later */
/* symtab.c - COFF's symbol table behind the image, for debuggers and profilers,
 * that the loader does not read (PE specification, 5.4).  Symbols are named by
 * the section they are in and the distance from where it starts. */

#include "dll/dll.h"

enum { SHORT_NAME = 8 };

struct table {
    struct link *l;
    struct buf rows, strings;
};

static void put_name(struct table *t, const char *name)
{
    size_t len = strlen(name);

    if (len <= SHORT_NAME) {
        buf_bytes(&t->rows, name, len);
        buf_bytes(&t->rows, (const uint8_t[SHORT_NAME]){0}, SHORT_NAME - len);
        return;
    }
    buf_uint(&t->rows, 0, 4);
    buf_uint(&t->rows, t->strings.size, 4);
    buf_bytes(&t->strings, name, len + 1);
}

/* NAME is at ADDR in O; NULL: it is a number. */
static void put_row(struct table *t, const char *name, const struct out *o, uint64_t addr,
                    bool code, enum storage_class class)
{
    uint64_t value = o ? addr - o->addr : addr;

    if (value > UINT32_MAX) /* an address outside of all sections: a row has no room for it */
        return;
    put_name(t, name);
    buf_uint(&t->rows, value, 4);
    buf_uint(&t->rows, o ? o->index : (uint16_t)IMAGE_SYM_ABSOLUTE, 2);
    buf_uint(&t->rows, code ? IMAGE_SYM_DTYPE_FUNCTION : 0, 2);
    buf_uint(&t->rows, class, 1);
    buf_uint(&t->rows, 0, 1); /* auxiliary rows */
}

static void put_defined(struct table *t, const struct lsym *s, enum storage_class class)
{
    const struct lsec *sec = lsym_section(s);
    bool code = sec && sec->sec->flags & SEC_EXEC;

    if (!sec || (sec->live && sec->out))
        put_row(t, s->name, sec ? sec->out : NULL, s->addr, code, class);
}

/* Another image's: the slot that is called __imp_X, and the jump through it. */
static void put_import(struct table *t, const struct lsym *s)
{
    const struct dll *y = t->l->dll;
    uint32_t id = s->obj->import_ids ? s->obj->import_ids[dll_import_of(s)] : 0;
    const struct dll_import *import = id ? &y->imports[id - 1] : NULL;

    if (!import)
        return;
    if (dll_is_pointer(s) && !import->place)
        put_row(t, s->name, y->iat->out, dll_slot_address(t->l, s), false,
                IMAGE_SYM_CLASS_EXTERNAL);
    else if (!dll_is_pointer(s) && import->stub)
        put_row(t, s->name, y->stubs->out, dll_stub_address(t->l, s), true,
                IMAGE_SYM_CLASS_EXTERNAL);
}

static void put_locals(struct table *t, const struct lobj *o)
{
    for (uint32_t i = 1; i < o->o.first_global; i++) {
        const struct symbol *sym = &o->o.symbols[i];

        /* "@feat.00" and its like are about the object, not the image. */
        if (sym->kind != KIND_SECTION && *sym->name && sym->section != SECTION_ABS)
            put_defined(t, &o->locals[i], IMAGE_SYM_CLASS_STATIC);
    }
}

bool dll_make_symtab(struct link *l, struct buf *strings)
{
    struct table t = {.l = l, .strings = *strings};

    if (l->opt->strip == STRIP_ALL)
        return true;
    for (uint64_t i = 1; i < l->obj_count && l->opt->discard != DISCARD_ALL; i++)
        put_locals(&t, l->objs[i]);
    for (uint64_t i = 0; i < l->global_count; i++) {
        const struct lsym *s = l->globals[i];

        if (s->state == SYM_SHARED)
            put_import(&t, s);
        else if (lsym_defined(s))
            put_defined(&t, s, IMAGE_SYM_CLASS_EXTERNAL);
    }
    *strings = t.strings; /* wherever they are by now */
    l->dll->symbols = buf_span(&t.rows);
    return link_own(l, t.rows.at) && (!t.rows.bad || diag_nomem(l->d));
}
