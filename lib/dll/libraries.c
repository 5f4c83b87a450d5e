/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libraries.c - who gives what the image imports: members of import libraries,
 * and DLLs themselves. */

#include "dll/dll.h"
#include "link/inputs.h"

#include <stdio.h>

struct dll *dll_state(struct link *l)
{
    if (!l->dll && !(l->dll = arena_alloc(&l->arena, 1, sizeof *l->dll)))
        diag_nomem(l->d);
    return l->dll;
}

bool dll_add_string(struct link *l, struct strings *list, size_t *cap, const char *text)
{
    uint64_t have = *cap;
    void *at = (void *)list->at;

    if (!arena_grow(&l->arena, &at, list->count, &have, sizeof *list->at))
        return diag_nomem(l->d);
    list->at = at;
    *cap = have;
    list->at[list->count++] = text;
    return true;
}

/* ---- the name behind a GNU import ---- */

/* The member of ITEM whose index entry is NAME, read; NULL: there is none, or
   a failure that was told. */
static struct lobj *member_with(struct link *l, struct item *item, const char *name)
{
    for (uint64_t i = 0; i < item->ar.symbol_count; i++)
        if (!strcmp(item->ar.symbols[i].name, name))
            return inputs_read_object(l, l->d, &l->arena, item, item->ar.symbols[i].member);
    return NULL;
}

/* The head refers to the name that the tail has. */
static const char *library_name(struct link *l, struct item *item, const char *head)
{
    struct lobj *o = member_with(l, item, head), *tail = NULL;

    for (uint32_t i = o ? o->o.first_global : 0; o && i < o->o.symbol_count; i++) {
        const struct symbol *s = &o->o.symbols[i];
        size_t len = strlen(s->name);

        if (s->section != SECTION_UNDEF || len < 6 || strcmp(s->name + len - 6, "_iname") != 0)
            continue;
        if (!(tail = member_with(l, item, s->name)))
            return NULL;
        for (uint32_t n = 1; n < tail->o.section_count; n++)
            if (!strcmp(tail->o.sections[n].name, ".idata$7"))
                return span_str(tail->o.sections[n].data, 0);
    }
    return NULL;
}

static bool find_name(struct link *l, struct item *item, struct lobj *o)
{
    struct dll *y = l->dll;
    const char *name = NULL;

    for (uint64_t i = y->dll_name_count; i-- > 0;)
        if (!strcmp(y->dll_names[i][0], o->o.import_head)) {
            o->o.soname = y->dll_names[i][1];
            return true;
        }
    name = library_name(l, item, o->o.import_head);
    if (l->d->status != OK)
        return false;
    if (!name || !*name)
        return diag_fail(l->d, E_FORMAT, "%s: nobody in %s tells the library's name (`%s')",
                         o->o.name, item->name, o->o.import_head);
    if (!arena_grow(&l->arena, (void **)&y->dll_names, y->dll_name_count, &y->dll_name_cap,
                    sizeof *y->dll_names))
        return diag_nomem(l->d);
    y->dll_names[y->dll_name_count][0] = o->o.import_head;
    y->dll_names[y->dll_name_count++][1] = name;
    o->o.soname = name;
    return true;
}

bool dll_add_library(struct link *l, struct item *item, struct lobj *o)
{
    const char *slash = strrchr(item->name, '/');

    if (!dll_state(l) || (o->o.import_head && !find_name(l, item, o)))
        return false;
    if (!o->o.soname)
        o->o.soname = slash ? slash + 1 : item->name;
    if (!(o->import_ids = arena_alloc(&l->arena, o->o.import_count, sizeof *o->import_ids)))
        return diag_nomem(l->d);
    o->needed = true;
    if (l->opt->trace)
        printf("%s\n", o->o.name);
    return link_add_shared(l, o);
}
