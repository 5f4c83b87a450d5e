/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resolve.c - who stands in for whom: weak symbols, pointers that compilers
 * keep beside code, and the names that GNU ld provides. */

#include "dll/dll.h"
#include "heap/place.h"

#include <stdio.h>
#include <stdlib.h>

/* What nobody defines is 0 here, but another process may have it. */
bool dll_binds(const struct lsym *s) { return s->state == SYM_SHARED || !lsym_defined(s); }

/* ---- stand-ins ---- */

/* TO means from now on what FROM means. */
static void become(struct lsym *to, const struct lsym *from)
{
    to->state = from->state;
    to->obj = from->obj;
    to->index = from->index;
    to->addr = from->addr;
}

/* A weak symbol that nobody defines is the one that its object names.  That may
   be weak itself. */
static bool use_fallback(struct link *l, struct lsym *s, unsigned depth)
{
    const struct symbol *entry = NULL;
    struct lsym *other = NULL;

    if (s->state != SYM_UNDEFINED || !s->obj)
        return true;
    entry = lsym_symbol(s);
    if (entry->binding != BIND_WEAK || !entry->fallback)
        return true;
    if (depth > 16)
        return diag_fail(l->d, E_LINK, "weak symbol `%s': stands in for itself", s->name);
    other = lobj_sym(s->obj, entry->fallback);
    if (!use_fallback(l, other, depth + 1))
        return false;
    if (lsym_defined(other) || other->state == SYM_SHARED)
        become(s, other);
    return true;
}

static bool use_fallbacks(struct link *l)
{
    const struct strings *alternates = &l->dll->alternates;

    for (uint64_t i = 0; i < l->global_count; i++)
        if (!use_fallback(l, l->globals[i], 0))
            return false;
    for (size_t i = 0; i + 1 < alternates->count; i += 2) {
        struct lsym *s = link_find(l, alternates->at[i]);
        const struct lsym *other = link_find(l, alternates->at[i + 1]);

        if (s && s->state == SYM_UNDEFINED && other &&
            (lsym_defined(other) || other->state == SYM_SHARED))
            become(s, other);
    }
    return true;
}

/* gcc and clang keep the address of what may be another image's in a pointer
   of its own, .refptr.X.  The loader keeps the same address in its table: the
   one is the other. */
static bool use_pointers(struct link *l)
{
    for (uint64_t i = 0; i < l->global_count; i++) {
        struct lsym *s = l->globals[i], *target = NULL;
        struct lsec *sec = NULL;
        struct reloc r;
        unsigned got = 0;

        if (strncmp(s->name, ".refptr.", 8) != 0 || !(sec = lsym_section(s)))
            continue;
        if (sec->sec->reloc_count != 1 || sec->size != 8)
            continue;
        if (!sec->obj->o.format->relocs(l->d, &sec->obj->o, sec->index, 0, &r, 1, &got))
            return false;
        target = lobj_sym(sec->obj, r.symbol);
        if (!reloc_is_word(r.type) || r.addend || target->state != SYM_SHARED ||
            dll_is_pointer(target) || lsym_symbol(target)->kind == KIND_FUNC)
            continue;
        become(s, target);
        s->index--; /* the pointer stands in front of the thing */
        sec->live = false;
    }
    return true;
}

/* __imp_X where X is defined here: a pointer to it, for code that was told
   that it is another image's.  The linker makes it, as link.exe does. */
static bool make_local_pointers(struct link *l)
{
    struct section section = {.name = ".rdata", .flags = SEC_ALLOC | SEC_ZERO, .align_log2 = 3};
    struct dll *y = l->dll;
    struct lsec *table = link_append_section(l, &section);

    for (uint64_t i = 0; i < l->global_count; i++) {
        struct lsym *s = l->globals[i], *target = NULL;

        if (s->state != SYM_UNDEFINED || !s->referred || strncmp(s->name, "__imp_", 6) != 0)
            continue;
        target = link_find(l, s->name + 6);
        if (!target || !lsym_defined(target))
            continue;
        if (!arena_grow(&l->arena, (void **)&y->pointers, y->pointer_count, &y->pointer_cap,
                        sizeof(struct lsym *)))
            return diag_nomem(l->d);
        link_define(l, s, table, 8 * y->pointer_count, KIND_OBJECT);
        y->pointers[y->pointer_count++] = target;
    }
    y->pointer_table = y->pointer_count ? table : NULL;
    table->size = 8 * y->pointer_count;
    table->live = y->pointer_count > 0;
    l->objs[0]->o.sections[table->index].size = table->size;
    return true;
}

/* ---- common symbols ---- */

static void place_common(struct link *l, struct lsym *s)
{
    struct section section = {
        .name = ".bss",
        .flags = SEC_ALLOC | SEC_WRITE | SEC_ZERO,
        .align_log2 = (uint8_t)__builtin_ctzll(s->addr ? s->addr : 1),
        .size = lsym_symbol(s)->size,
    };

    link_define(l, s, link_append_section(l, &section), 0, KIND_OBJECT);
    s->visibility = VIS_DEFAULT;
}

/* ---- names that are provided ---- */

enum place { AT_BASE, AT_START, AT_END, AT_CTORS, AT_DTORS, AT_PSEUDO, AT_PSEUDO_END, IS_NUMBER };

static const struct provided {
    const char *name, *section;
    enum place where;
    uint64_t number;
} provided[] = {
    {"__ImageBase", NULL, AT_BASE, 0},
    {"__image_base__", NULL, AT_BASE, 0},
    {"__executable_start", NULL, AT_BASE, 0},
    {"__CTOR_LIST__", NULL, AT_CTORS, 0},
    {"___CTOR_LIST__", NULL, AT_CTORS, 0},
    {"__DTOR_LIST__", NULL, AT_DTORS, 0},
    {"___DTOR_LIST__", NULL, AT_DTORS, 0},
    {"__data_start__", ".data", AT_START, 0},
    {"__data_end__", ".data", AT_END, 0},
    {"__bss_start__", ".bss", AT_START, 0},
    {"__bss_end__", ".bss", AT_END, 0},
    {"etext", ".text", AT_END, 0},
    {"_etext", ".text", AT_END, 0},
    {"__etext", ".text", AT_END, 0},
    {"__RUNTIME_PSEUDO_RELOC_LIST__", NULL, AT_PSEUDO, 0},
    {"__RUNTIME_PSEUDO_RELOC_LIST_END__", NULL, AT_PSEUDO_END, 0},
    {"__dll__", NULL, IS_NUMBER, 1},
    {"__section_alignment__", NULL, IS_NUMBER, 4096},
    {"__file_alignment__", NULL, IS_NUMBER, 4096},
    {"__subsystem__", NULL, IS_NUMBER, IMAGE_SUBSYSTEM_WINDOWS_CUI},
};

static const struct provided *find_provided(const char *name)
{
    for (size_t i = 0; i < sizeof provided / sizeof *provided; i++)
        if (!strcmp(provided[i].name, name))
            return &provided[i];
    return NULL;
}

bool dll_provides(const char *name) { return find_provided(name) != NULL; }

/* A list of constructors: -1 in front, 0 behind. */
static struct lsec *list_edges(struct link *l, const char *name)
{
    static const uint8_t edge[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t zero[8];
    struct section section = {
        .name = name, .flags = SEC_ALLOC, .align_log2 = 3, .size = 8, .data = {edge, 8}};
    struct lsec *first = link_append_section(l, &section);

    section.data.at = zero;
    link_append_section(l, &section);
    return first;
}

static void provide(struct link *l, struct lsym *s)
{
    const struct provided *p = NULL;
    struct dll *y = l->dll;

    if (s->state != SYM_UNDEFINED || !(p = find_provided(s->name)))
        return;
    if (p->where == AT_CTORS && !y->ctors)
        y->ctors = list_edges(l, ".ctors");
    if (p->where == AT_DTORS && !y->dtors)
        y->dtors = list_edges(l, ".dtors");
    link_define(l, s, NULL, p->number, KIND_OBJECT);
    s->linker = p->where != IS_NUMBER;
}

static bool defsym(struct link *l, const struct defsym *d)
{
    struct lsym *s = link_intern(l, d->name, strlen(d->name)), *from = NULL;

    if (!s)
        return false;
    if (d->number) {
        link_define(l, s, NULL, d->addend, KIND_NONE);
        return true;
    }
    from = link_find(l, d->value);
    if (!from || !lsym_defined(from) || d->addend)
        return diag_fail(l->d, E_LINK, "--defsym %s: `%s' is not defined here, or has a distance",
                         d->name, d->value);
    become(s, from);
    return true;
}

static const struct out *out_named(const struct link *l, const char *name)
{
    for (uint64_t i = 0; i < l->out_count; i++)
        if (!strcmp(l->outs[i]->name, name))
            return l->outs[i];
    return NULL;
}

void dll_place_provided(struct link *l)
{
    for (uint64_t i = 0; i < l->global_count; i++) {
        struct lsym *s = l->globals[i];
        const struct provided *p = s->linker ? find_provided(s->name) : NULL;
        const struct out *o = p && p->section ? out_named(l, p->section) : NULL;

        if (!p)
            continue;
        s->addr = l->image_base;
        if (p->where == AT_CTORS)
            s->addr = lsec_addr(l->dll->ctors);
        else if (p->where == AT_DTORS)
            s->addr = lsec_addr(l->dll->dtors);
        else if (p->where >= AT_PSEUDO)
            s->addr = !l->dll->pseudo ? l->image_base /* an empty list */
                                      : lsec_addr(l->dll->pseudo) +
                                            (p->where == AT_PSEUDO_END ? l->dll->pseudo->size : 0);
        else if (o)
            s->addr = o->addr + (p->where == AT_END ? o->size : 0);
    }
}

/* ---- all ---- */

static bool check_missing(struct link *l)
{
    bool ok = true;

    for (uint64_t i = 0; i < l->global_count; i++) {
        const struct lsym *s = l->globals[i];

        if (s->state != SYM_UNDEFINED || !s->strong_ref)
            continue;
        if (l->opt->warn_unresolved)
            diag_warn(l->d, "undefined symbol `%s', referred to by %s", s->name, s->obj->o.name);
        else
            ok = diag_fail(l->d, E_LINK, "undefined symbol `%s', referred to by %s", s->name,
                           s->obj->o.name);
    }
    for (size_t i = 0; i < l->opt->require_defined.count; i++) {
        const struct lsym *s = link_find(l, l->opt->require_defined.at[i]);

        if (!s || !lsym_defined(s))
            ok = diag_fail(l->d, E_LINK, "required symbol `%s' is not defined",
                           l->opt->require_defined.at[i]);
    }
    return ok || l->opt->noinhibit;
}

/* --entry, or what a C runtime has; a DLL can do without. */
static void find_entry(struct link *l)
{
    static const char *const names[] = {NULL, "DllMainCRTStartup", "_DllMainCRTStartup",
                                        "__simg_dll_start"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *name = i ? names[i] : l->opt->entry;
        struct lsym *s = name ? link_find(l, name) : NULL;

        if (s && lsym_defined(s) && !l->dll->entry)
            l->dll->entry = s;
    }
}

bool dll_resolve(struct link *l)
{
    const char *slash = strrchr(l->opt->output, '/');

    if (!dll_state(l) || !link_make_internal(l))
        return false;
    l->arch = l->coff->arch;
    l->dll->name = l->opt->soname ? l->opt->soname : slash ? slash + 1 : l->opt->output;
    for (uint64_t i = 0; i < l->dll->def_count; i++)
        if (l->dll->defs[i]->library && !l->opt->soname)
            l->dll->name = l->dll->defs[i]->library;
    if (!l->opt->image_base_set)
        l->image_base = heap_place_address(heap_place_begin(l->dll->name));
    for (uint64_t i = 0; i < l->global_count; i++)
        if (l->globals[i]->state == SYM_COMMON)
            place_common(l, l->globals[i]);
    if (!use_fallbacks(l) || !use_pointers(l))
        return false;
    for (size_t i = 0; i < l->opt->defsym_count; i++)
        if (!defsym(l, &l->opt->defsyms[i]))
            return false;
    for (uint64_t i = 0; i < l->global_count; i++)
        provide(l, l->globals[i]);
    l->dll->tls_used = link_find(l, "_tls_used");
    if (l->dll->tls_used && !lsym_defined(l->dll->tls_used))
        l->dll->tls_used = NULL;
    if (!make_local_pointers(l) || !dll_make_tls(l) || !check_missing(l) ||
        !link_resolve_heaps(l))
        return false;
    find_entry(l);
    return dll_choose_exports(l);
}
