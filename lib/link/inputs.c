/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inputs.c - objects and libraries into the link, in the command line's order,
 * since that order decides which definition counts and which archive members
 * are taken. */

#include "coff/machine.h"
#include "dll/dll.h"
#include "dylib/dylib.h"
#include "link/inputs.h"
#include "macho/file.h"

#include <stdio.h>
#include <stdlib.h>

/* The same of an input that is to be part of a Mach-O image. */
static bool check_darwin(struct link *l, const struct lobj *o)
{
    const char *have = macho_cpu_name(o->o.machine, 0);

    if (o->o.format != &format_macho && o->o.format != &format_tbd)
        return diag_fail(l->d, E_LINK, "%s: is %s; this link is for Mach-O on %s", o->o.name,
                         o->o.format->name, macho_cpu_name(l->darwin->cputype, 0));
    return o->o.machine == l->darwin->cputype ||
           diag_fail(l->d, E_LINK, "%s: is for %s; this link is for %s", o->o.name,
                     have ? have : "an unknown CPU", macho_cpu_name(l->darwin->cputype, 0));
}

/* And of a PE image.  Objects with resources or imports alone are for no CPU. */
static bool check_coff(struct link *l, const struct lobj *o)
{
    const char *have = coff_machine_name((uint16_t)o->o.machine);

    if (o->o.format != &format_coff)
        return diag_fail(l->d, E_LINK, "%s: is %s; this link is for PE on %s", o->o.name,
                         o->o.format->name, l->coff->arch->name);
    return o->o.machine == l->coff->number || !o->o.machine ||
           diag_fail(l->d, E_LINK, "%s: is for %s; this link is for %s", o->o.name,
                     have ? have : "an unknown CPU", l->coff->arch->name);
}

static bool check_machine(struct link *l, const struct lobj *o)
{
    const char *want = NULL, *have = NULL;

    if (o->o.heap) /* for every CPU of its byte order */
        return !o->o.big ||
               diag_fail(l->d, E_LINK, "%s: is big-endian; x86-64 and aarch64 images are not",
                         o->o.name);

    if (l->darwin)
        return check_darwin(l, o);
    if (l->coff)
        return check_coff(l, o);
    if (o->o.format != &format_elf)
        return diag_fail(l->d, E_LINK, "%s: is %s; this link is for ELF", o->o.name,
                         o->o.format->name);
    if (!l->machine) {
        l->machine = o->o.machine <= UINT16_MAX ? elf_machine_find((uint16_t)o->o.machine) : NULL;
        if (!l->machine)
            return diag_fail(l->d, E_UNSUPPORTED, "%s: is for %s; x86-64 and aarch64 can be linked",
                             o->o.name,
                             elf_machine_name((uint16_t)o->o.machine)
                                 ? elf_machine_name((uint16_t)o->o.machine)
                                 : "an unknown CPU");
    }
    if (o->o.machine == l->machine->number && o->o.wide && !o->o.big)
        return true;
    want = elf_machine_name(l->machine->number);
    have = elf_machine_name((uint16_t)o->o.machine);
    return diag_fail(l->d, E_LINK, "%s: is for %s (%s-bit, %s-endian); this link is for %s",
                     o->o.name, have ? have : "an unknown CPU", o->o.wide ? "64" : "32",
                     o->o.big ? "big" : "little", want);
}

static bool excluded(const struct link *l, const char *archive)
{
    const char *slash = archive ? strrchr(archive, '/') : NULL;

    for (size_t i = 0; archive && i < l->opt->exclude_libs.count; i++) {
        const char *name = l->opt->exclude_libs.at[i];

        if (!strcmp(name, "ALL") || !strcmp(name, slash ? slash + 1 : archive))
            return true;
    }
    return false;
}

bool inputs_add_object(struct link *l, struct lobj *o, bool retain, const char *why)
{
    if (!check_machine(l, o))
        return false;
    if (!arena_grow(&l->arena, (void **)&l->objs, l->obj_count, &l->obj_cap, sizeof *l->objs))
        return diag_nomem(l->d);
    o->order = (uint32_t)l->obj_count;
    o->retain = retain;
    o->hide = excluded(l, o->archive) || (o->in && o->in->hidden);
    o->why = why;
    l->objs[l->obj_count++] = o;
    if (o->o.heap && !link_begin_heap(l, o))
        return false;
    if (l->opt->trace)
        printf("%s\n", o->o.name);
    return link_add_object(l, o) && (!l->coff || dll_read_directives(l, o));
}

static bool add_shared(struct link *l, struct item *item)
{
    struct lobj *o = item->members[0];
    const char *slash = strrchr(item->name, '/');

    if (!check_machine(l, o))
        return false;
    if (l->coff)
        return dll_add_library(l, item, o);
    if (!o->o.soname) /* found by -l: the file's name alone, as ld does */
        o->o.soname = item->in->library && slash ? slash + 1 : item->name;
    for (uint64_t i = 0; i < l->lib_count; i++)
        if (!strcmp(l->libs[i]->o.soname, o->o.soname)) {
            l->libs[i]->needed = l->libs[i]->needed || !item->as_needed;
            return true;
        }
    o->needed = !item->as_needed;
    if (l->darwin && !dylib_expand_library(l, o))
        return false;
    if (!link_add_shared(l, o))
        return false;
    if (!o->needed) /* --as-needed, and nobody needs it */
        return true;
    if (!arena_grow(&l->arena, (void **)&l->libs, l->lib_count, &l->lib_cap, sizeof *l->libs))
        return diag_nomem(l->d);
    o->order = (uint32_t)l->lib_count;
    l->libs[l->lib_count++] = o;
    if (l->opt->trace)
        printf("%s\n", item->name);
    return true;
}

/* Does the link wait for NAME?  An undefined weak symbol does not pull. */
static struct lsym *wanted_symbol(const struct link *l, const char *name)
{
    const char *at = strstr(name, "@@");
    struct lsym *s = NULL;
    char *plain = NULL;

    if (!at) {
        s = link_find(l, name);
    } else if ((plain = strndup(name, (size_t)(at - name)))) {
        s = link_find(l, plain);
        free(plain);
    }
    /* Data is imported under its own name as well (GNU's auto-import). */
    if (l->coff && (!s || s->state != SYM_UNDEFINED) && !strncmp(name, "__imp_", 6))
        s = link_find(l, name += 6);
    if (l->coff && s && dll_provides(name))
        return NULL;
    return s && s->state == SYM_UNDEFINED && (s->strong_ref || s->shared_ref || s->wanted) ? s
                                                                                           : NULL;
}

static bool take_member(struct link *l, struct item *item, uint32_t member, const struct lsym *for_)
{
    struct lobj *o = inputs_read_object(l, l->d, &l->arena, item, member);
    const char *why = NULL;

    if (!o)
        return false;
    why = arena_printf(&l->arena, "defines `%s', which %s refers to", for_->name,
                       for_->obj ? for_->obj->o.name : "the command line");
    item->members[member] = o;
    if (o->o.kind == OBJ_SHARED)
        return check_machine(l, o) && dll_add_library(l, item, o);
    return why ? inputs_add_object(l, o, false, why) : diag_nomem(l->d);
}

/* An archive without an index: list what its members define. */
static bool make_index(struct link *l, struct item *item)
{
    uint64_t cap = 0;

    item->ar.has_index = true;
    for (uint32_t m = 0; m < item->ar.member_count; m++) {
        struct diag quiet = {0};
        struct lobj *o = inputs_read_object(l, &quiet, &l->arena, item, m);

        for (uint32_t i = o ? o->o.first_global : 0; o && i < o->o.symbol_count; i++) {
            if (o->o.symbols[i].section == SECTION_UNDEF)
                continue;
            if (!arena_grow(&l->arena, (void **)&item->ar.symbols, item->ar.symbol_count, &cap,
                            sizeof *item->ar.symbols))
                return diag_nomem(l->d);
            item->ar.symbols[item->ar.symbol_count++] =
                (struct ar_symbol){o->o.symbols[i].name, m};
        }
    }
    return true;
}

/* ld's rule: take the members that define what is undefined now, until
   there is none.  *TOOK is set when there was one. */
static bool search_archive(struct link *l, struct item *item, bool *took)
{
    bool again = true;

    if (!item->ar.has_index && !make_index(l, item))
        return false;
    while (again) {
        again = false;
        for (uint64_t i = 0; i < item->ar.symbol_count; i++) {
            const struct ar_symbol *s = &item->ar.symbols[i];
            const struct lsym *for_ = NULL;

            if (item->members[s->member] || !(for_ = wanted_symbol(l, s->name)))
                continue;
            if (!take_member(l, item, s->member, for_))
                return false;
            again = *took = true;
        }
    }
    return true;
}

static bool add_item(struct link *l, struct item *item)
{
    bool took = false;

    switch (item->kind) {
    case ITEM_OBJECT:
        return inputs_add_object(l, item->members[0], item->members[0]->o.heap != NULL,
                                 "named on the command line");
    case ITEM_SHARED:
        return add_shared(l, item);
    case ITEM_ARCHIVE:
        if (!item->whole)
            return search_archive(l, item, &took);
        for (uint32_t m = 0; m < item->ar.member_count; m++)
            if (item->members[m]->o.kind == OBJ_SHARED
                    ? !dll_add_library(l, item, item->members[m])
                    : !inputs_add_object(l, item->members[m], item->in->retain && !item->in->library,
                            item->in->whole ? "--whole-archive" : "its archive is named by path"))
                return false;
        return true;
    }
    return false;
}

/* Add items FROM...; a group is gone over until it gives nothing more.
   Returns the item behind, or 0 after a failure. */
static uint64_t add_group(struct inputs *ins, uint64_t from)
{
    uint32_t group = ins->items[from].group;
    uint64_t end = from;
    bool took = true;

    for (; end < ins->count && (end == from || (group && ins->items[end].group == group)); end++)
        if (!add_item(ins->l, &ins->items[end]))
            return 0;
    while (group && took) {
        took = false;
        for (uint64_t i = from; i < end; i++)
            if (ins->items[i].kind == ITEM_ARCHIVE && !ins->items[i].whole &&
                !search_archive(ins->l, &ins->items[i], &took))
                return 0;
    }
    return end;
}

/* ld64 reads objects first, and then searches libraries in their order until
   they give nothing more, wherever they stand. */
static bool order_for_darwin(struct inputs *ins)
{
    struct item *ordered = arena_alloc(&ins->l->arena, ins->count, sizeof *ordered);
    uint64_t count = 0;

    if (!ordered)
        return diag_nomem(ins->l->d);
    for (int library = 0; library < 2; library++)
        for (uint64_t i = 0; i < ins->count; i++) {
            struct item *item = &ins->items[i];
            bool whole = item->kind == ITEM_OBJECT || (item->kind == ITEM_ARCHIVE && item->whole);

            if (whole == library)
                continue;
            item->group = library ? 1 : 0;
            ordered[count++] = *item;
        }
    ins->items = ordered;
    return true;
}

bool link_read_inputs(struct link *l)
{
    struct inputs ins = {.l = l};

    l->machine = l->opt->machine;
    l->darwin = l->opt->darwin.machine;
    l->coff = l->opt->coff.machine;
    if (!inputs_expand(&ins) || !inputs_read(&ins) || (l->darwin && !order_for_darwin(&ins)))
        return false;
    l->heap_relocs = l->opt->heap_relocs != HEAP_RELOCS_DEFAULT ? l->opt->heap_relocs
                     : l->darwin                                ? HEAP_RELOCS_NATIVE
                                                                : HEAP_RELOCS_PRELINKED;
    for (size_t i = 0; i < l->opt->undefined.count + l->opt->require_defined.count; i++) {
        const char *name = i < l->opt->undefined.count
                               ? l->opt->undefined.at[i]
                               : l->opt->require_defined.at[i - l->opt->undefined.count];
        struct lsym *s = link_intern(l, name, strlen(name));

        if (!s)
            return false;
        s->wanted = true;
        if (s->state == SYM_NEW)
            s->state = SYM_UNDEFINED;
    }
    /* Duplicate symbols have been told, and there may be more to tell: the
       link goes on up to the scan. */
    for (uint64_t i = 0; i < ins.count;)
        if ((i = add_group(&ins, i)) == 0)
            return false;
    if (!l->machine && !l->darwin && !l->coff)
        return l->heap_count ? diag_fail(l->d, E_USAGE,
                                         "a heap is for every CPU: say which with --target")
                             : diag_fail(l->d, E_USAGE, "no input files");
    return link_prelink_julia(l) && link_start_heaps(l);
}
