/* SPDX-License-Identifier: GPL-3.0-or-later */
/* finish.c - after the link: does the library export every root?
 *
 * Version scripts, --exclude-libs and their kin hide symbols without a word,
 * and what the linker says of symbols before the link does not tell. */

#include "plugin/plugin.h"

#include "heap/container.h"
#include "obj/object.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool plugin_note_roots(struct plugin *p, const struct heap *h)
{
    for (uint32_t i = 0; i < h->root_count; i++) {
        if (!arena_grow(&p->arena, (void **)&p->roots, p->root_count, &p->root_cap,
                        sizeof *p->roots))
            return diag_nomem(&p->diag);
        p->roots[p->root_count++] = (struct plugin_root){h->name, h->roots[i].name};
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names that O exports, sorted; NULL without memory. */
static const char **exports(struct plugin *p, const struct object *o, uint64_t *count)
{
    const char **names = arena_alloc(&p->arena, o->symbol_count, sizeof *names);

    for (uint32_t i = 1; names && i < o->symbol_count; i++)
        if (o->symbols[i].section != SECTION_UNDEF)
            names[(*count)++] = o->symbols[i].name;
    if (names)
        qsort(names, *count, sizeof *names, by_name);
    return names;
}

static bool check_roots(struct plugin *p, const struct object *o)
{
    uint64_t count = 0;
    const char **names = exports(p, o, &count);

    if (!names)
        return diag_nomem(&p->diag);
    for (uint64_t i = 0; i < p->root_count; i++) {
        const struct plugin_root *r = &p->roots[i];

        if (bsearch(&r->name, names, count, sizeof *names, by_name))
            continue;
        return diag_fail(&p->diag, E_LINK,
                         "%s: root `%s' is not exported by %s: a version script or --exclude-libs "
                         "hides it; -plugin-opt=hidden-ok allows that",
                         r->heap, r->name, p->output_name);
    }
    return true;
}

bool plugin_finish(struct plugin *p)
{
    struct diag quiet = {0};
    struct file file;
    struct object o;
    bool ok = true;

    if (p->output == LDPO_REL || p->claimed_count + p->heap_count == 0 || !p->output_name ||
        !file_open(&quiet, p->output_name, &file))
        return true;
    p->finishing = true; /* not every linker removes its output at this stage */
    if (p->output == LDPO_DYN && !p->hidden_ok && format_elf.is(file.data) &&
        format_elf.read(&quiet, &p->arena, p->output_name, file.data, &o) && o.kind == OBJ_SHARED)
        ok = check_roots(p, &o);
    ok = ok && (!format_elf.is(file.data) || plugin_prelink(p, &file));
    file_close(&file);
    return ok;
}
