/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libraries.c - whom each symbol comes from: of a two-level namespace, a name
 * is looked up in one library only. */

#include "dylib/dylib.h"
#include "macho/macho.h"

#include <stdio.h>
#include <unistd.h>

/* ---- libraries that libraries pass on ---- */

static const char *const system_library = "/usr/lib/libSystem.B.dylib";

/* The file that install name NAME means on this host, or NULL: in the SDK, or
   beside what is searched for -l. */
static struct file *open_installed(struct link *l, const char *name)
{
    static const char *const endings[] = {".tbd", ".dylib", ""};
    const char *slash = strrchr(name, '/'), *dot = strrchr(name, '.');
    int stem = dot && slash && dot > slash ? (int)(dot - name) : (int)strlen(name);

    for (size_t i = 0; i <= l->opt->search.count; i++)
        for (size_t e = 0; e < sizeof endings / sizeof *endings; e++) {
            const char *root = i ? l->opt->search.at[i - 1] : l->opt->sysroot;
            const char *from = i ? (slash ? slash + 1 : name) : name;
            int len = stem - (int)(from - name);
            char *path = NULL;
            struct file *f = NULL;

            if (i == 0 && !*root)
                continue;
            path = arena_printf(&l->arena, "%s%s%.*s%s", root, i ? "/" : "",
                                *endings[e] ? len : (int)strlen(from), from, endings[e]);
            if (!path || access(path, R_OK) != 0)
                continue;
            if (!(f = arena_alloc(&l->arena, 1, sizeof *f)) ||
                !arena_grow(&l->arena, (void **)&l->files, l->file_count, &l->file_cap,
                            sizeof *l->files)) {
                diag_nomem(l->d);
                return NULL;
            }
            if (!file_open(l->d, path, f))
                return NULL;
            return l->files[l->file_count++] = f;
        }
    return NULL;
}

static bool append(struct link *l, struct object *to, const struct object *from)
{
    uint32_t count = to->symbol_count + from->symbol_count - 1;
    struct symbol *symbols = arena_alloc(&l->arena, count, sizeof *symbols);

    if (!symbols)
        return diag_nomem(l->d);
    memcpy(symbols, to->symbols, to->symbol_count * sizeof *symbols);
    memcpy(symbols + to->symbol_count, from->symbols + 1,
           (from->symbol_count - 1) * sizeof *symbols);
    to->symbols = symbols;
    to->symbol_count = count;
    return true;
}

enum { MAX_REEXPORTS = 1024 };

bool dylib_expand_library(struct link *l, struct lobj *o)
{
    const char **queue = arena_alloc(&l->arena, MAX_REEXPORTS, sizeof *queue);
    uint32_t count = 0;

    if (!queue)
        return diag_nomem(l->d);
    if (o->o.reexport_count > MAX_REEXPORTS)
        return diag_fail(l->d, E_UNSUPPORTED, "%s: passes on %u libraries; %d are allowed",
                         o->o.name, o->o.reexport_count, MAX_REEXPORTS);
    for (; count < o->o.reexport_count; count++)
        queue[count] = o->o.reexports[count];
    for (uint32_t i = 0; i < count; i++) {
        struct file *f = open_installed(l, queue[i]);
        struct where here = {l->d->where, f ? f->path : NULL, NO_INDEX};
        const struct format *format = f ? format_find(f->data) : NULL;
        struct object more = {.machine = l->darwin->cputype};
        bool ok = false;

        if (!f && l->d->status != OK)
            return false;
        if (!f) /* then its symbols are looked for elsewhere */
            continue;
        l->d->where = &here;
        ok = format ? format->read(l->d, &l->arena, f->path, f->data, &more)
                    : diag_fail(l->d, E_UNKNOWN, "is no library");
        l->d->where = here.up;
        if (!ok || more.kind != OBJ_SHARED || !append(l, &o->o, &more))
            return false;
        for (uint32_t n = 0; n < more.reexport_count && count < MAX_REEXPORTS; n++) {
            bool known = false;

            for (uint32_t k = 0; k < count; k++)
                known = known || !strcmp(queue[k], more.reexports[n]);
            if (!known)
                queue[count++] = more.reexports[n];
        }
    }
    return true;
}

/* ---- who sees what ---- */

/* A weak definition that no other image needs to know: all who have one may
   use their own (.weak_def_can_be_hidden). */
static bool hides_itself(const struct symbol *s)
{
    return (s->other & (N_WEAK_DEF | N_WEAK_REF)) == (N_WEAK_DEF | N_WEAK_REF);
}

uint8_t dylib_visibility(const struct lsym *s, const struct symbol *from)
{
    bool hidden = from->visibility == VIS_HIDDEN || hides_itself(from);
    bool replaces = !lsym_defined(s) || (s->state == SYM_WEAK && from->binding != BIND_WEAK);

    /* Of weak ones, one that is to be seen is enough. */
    if (replaces)
        return hidden ? VIS_HIDDEN : VIS_DEFAULT;
    return s->state == SYM_WEAK && !hidden ? VIS_DEFAULT : s->visibility;
}

static bool listed(const struct version_script *list, const char *name)
{
    uint16_t index = 0;
    bool local = false;

    return list && version_match(list, name, &index, &local) && !local;
}

static void decide_export(const struct link *l, struct lsym *s)
{
    const struct link_options *opt = l->opt;

    /* --export names symbols as C does, ld64's options as the object file. */
    s->localized = s->visibility == VIS_HIDDEN || s->obj->hide ||
                   (opt->exports && !listed(opt->exports, s->name) &&
                    !(*s->name == '_' && listed(opt->exports, s->name + 1))) ||
                   (opt->darwin.exports && !listed(opt->darwin.exports, s->name)) ||
                   listed(opt->darwin.hidden, s->name);
    s->exported = !s->localized;
}

bool dylib_binds(const struct lsym *s)
{
    if (!lsym_defined(s))
        return true;
    return s->exported && s->state == SYM_WEAK;
}

/* ---- missing symbols ---- */

static bool may_be_missing(const struct link *l, const struct lsym *s)
{
    const struct link_options *opt = l->opt;

    for (size_t i = 0; i < opt->darwin.lookup.count; i++)
        if (!strcmp(opt->darwin.lookup.at[i], s->name))
            return true;
    if (opt->darwin.dynamic_lookup || opt->darwin.undefined_warn)
        return true;
    return !opt->darwin.ld64_rules && !opt->no_undefined;
}

/* Symbols of libSystem that the linker itself refers to. */
static bool is_systems(const char *name)
{
    return !strcmp(name, "__tlv_bootstrap") || !strcmp(name, "dyld_stub_binder");
}

static bool check_missing(struct link *l)
{
    bool ok = true;

    for (uint64_t i = 0; i < l->global_count; i++) {
        struct lsym *s = l->globals[i];

        if (s->state != SYM_UNDEFINED || is_systems(s->name))
            continue;
        if (!s->referred && !s->wanted)
            continue;
        if (!may_be_missing(l, s))
            ok = diag_fail(l->d, E_LINK, "undefined symbol `%s', referred to by %s", s->name,
                           s->obj ? s->obj->o.name : "the command line");
        else if (l->opt->darwin.undefined_warn)
            diag_warn(l->d, "undefined symbol `%s', referred to by %s", s->name,
                      s->obj ? s->obj->o.name : "the command line");
    }
    return ok || l->opt->noinhibit;
}

/* Every image is loaded with libSystem; the loader's rules ask for it. */
static bool add_system(struct link *l)
{
    struct lobj *o = NULL;

    for (uint64_t i = 0; i < l->lib_count; i++)
        if (!strcmp(l->libs[i]->o.soname, system_library))
            return true;
    if (!(o = arena_alloc(&l->arena, 1, sizeof *o)) ||
        !arena_grow(&l->arena, (void **)&l->libs, l->lib_count, &l->lib_cap, sizeof *l->libs))
        return diag_nomem(l->d);
    o->o = (struct object){.name = system_library,
                           .format = &format_tbd,
                           .kind = OBJ_SHARED,
                           .soname = system_library,
                           .current_version = 1 << 16,
                           .compatibility_version = 1 << 16};
    o->needed = o->referred = o->strong_ref = true;
    o->order = (uint32_t)l->lib_count;
    l->libs[l->lib_count++] = o;
    return true;
}

/* -dead_strip_dylibs: leave out whom nothing is bound to. */
static void drop_libraries(struct link *l)
{
    uint64_t kept = 0;

    for (uint64_t i = 0; i < l->global_count; i++) {
        const struct lsym *s = l->globals[i];

        if (s->state != SYM_SHARED || !s->referred)
            continue;
        s->obj->referred = true;
        s->obj->strong_ref = s->obj->strong_ref || s->strong_ref;
    }
    for (uint64_t i = 0; i < l->lib_count; i++) {
        struct lobj *o = l->libs[i];

        if (l->opt->darwin.dead_strip_dylibs && !o->referred && !(o->in && o->in->reexport) &&
            strcmp(o->o.soname, system_library) != 0)
            continue;
        o->order = (uint32_t)kept;
        l->libs[kept++] = o;
    }
    l->lib_count = kept;
}

int dylib_ordinal(const struct link *l, const struct lsym *s)
{
    if (lsym_defined(s))
        return BIND_SPECIAL_DYLIB_WEAK_LOOKUP;
    if (s->state != SYM_SHARED && !is_systems(s->name))
        return BIND_SPECIAL_DYLIB_FLAT_LOOKUP;
    if (s->state == SYM_SHARED) {
        /* What is weak there may be replaced by whoever defines it first. */
        if (lsym_symbol(s)->binding == BIND_WEAK)
            return BIND_SPECIAL_DYLIB_WEAK_LOOKUP;
        return l->opt->darwin.flat_namespace ? BIND_SPECIAL_DYLIB_FLAT_LOOKUP
                                             : (int)s->obj->order + 1;
    }
    for (uint64_t i = 0; i < l->lib_count; i++)
        if (!strcmp(l->libs[i]->o.soname, system_library))
            return (int)i + 1;
    return BIND_SPECIAL_DYLIB_FLAT_LOOKUP;
}

bool dylib_resolve(struct link *l)
{
    struct dylib *y = l->dylib;

    for (size_t i = 0; i < l->opt->require_defined.count; i++) {
        const struct lsym *s = link_find(l, l->opt->require_defined.at[i]);

        if (!s || !lsym_defined(s))
            diag_fail(l->d, E_LINK, "required symbol `%s' is not defined",
                      l->opt->require_defined.at[i]);
    }
    if (!add_system(l) || !check_missing(l))
        return false;
    drop_libraries(l);
    for (uint64_t i = 0; i < l->global_count; i++) {
        struct lsym *s = l->globals[i];

        if (!lsym_defined(s))
            continue;
        decide_export(l, s);
        y->has_weak_defs = y->has_weak_defs || (s->exported && s->state == SYM_WEAK);
    }
    return true;
}
