/* SPDX-License-Identifier: GPL-3.0-or-later */
/* start.c - who calls constructors: the C runtime's entry point, if it is in the
 * link; else code of ours, if there is something to call. */

#include "dll/dll.h"
#include "heap/startup.h"

static bool is_constructor(const struct lsec *s)
{
    const char *name = s->sec->name;

    return s->live && s->size &&
           (!strncmp(name, ".ctors", 6) || !strncmp(name, ".dtors", 6) ||
            !strncmp(name, ".CRT$XC", 7));
}

static bool has_constructors(const struct link *l)
{
    const struct lsym *main = link_find(l, "DllMain");

    if (main && lsym_defined(main))
        return true;
    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++)
            if (is_constructor(&l->objs[i]->secs[n]))
                return true;
    return false;
}

static bool is_defined(const struct link *l, const char *name)
{
    const struct lsym *s = name ? link_find(l, name) : NULL;

    return s && lsym_defined(s);
}

bool dll_add_start(struct link *l)
{
    struct span bytes;
    struct lobj *o = NULL;

    if (is_defined(l, l->opt->entry) || is_defined(l, "DllMainCRTStartup") ||
        is_defined(l, "_DllMainCRTStartup") || !has_constructors(l))
        return true;
    bytes = startup_object(l->coff->table_machine, STARTUP_WINDOWS);
    if (!bytes.at)
        return diag_fail(l->d, E_UNSUPPORTED,
                         "this objtool was built without the code that calls constructors on %s: "
                         "link with a C runtime that has DllMainCRTStartup",
                         l->coff->arch->name);
    if (!(o = arena_alloc(&l->arena, 1, sizeof *o)))
        return diag_nomem(l->d);
    return format_coff.read(l->d, &l->arena, "<start-up code>", bytes, &o->o) &&
           link_prepare_object(l, l->d, &l->arena, o) &&
           inputs_add_object(l, o, true, "calls constructors");
}
