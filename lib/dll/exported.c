/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exported.c - what the image exports: what .def files, --export and compilers'
 * directives name; if nobody names anything, everything, as GNU ld does. */

#include "dll/dll.h"
#include "link/script.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

enum { MOST_EXPORTS = 65535 }; /* ordinals have 16 bits */

static bool add(struct link *l, const struct dll_export *e)
{
    struct dll *y = l->dll;

    if (!arena_grow(&l->arena, (void **)&y->exports, y->export_count, &y->export_cap, sizeof *e))
        return diag_nomem(l->d);
    y->exports[y->export_count++] = *e;
    return true;
}

static bool is_data(const struct lsym *s)
{
    const struct lsec *sec = lsym_section(s);

    return sec ? !(sec->sec->flags & SEC_EXEC) : true;
}

/* The symbol that NAME means here; NULL with a word if there is none. */
static const struct lsym *find(struct link *l, const char *name, const char *who)
{
    const struct lsym *s = link_find(l, name);

    if (s && (lsym_defined(s) || s->state == SYM_SHARED))
        return s;
    diag_fail(l->d, E_LINK, "export `%s' of %s: is not defined", name, who);
    return NULL;
}

static bool add_defs(struct link *l)
{
    for (uint64_t i = 0; i < l->dll->def_count; i++)
        for (uint64_t n = 0; n < l->dll->defs[i]->count; n++) {
            const struct def_export *d = &l->dll->defs[i]->exports[n];
            struct dll_export e = {.name = d->noname ? NULL : d->name,
                                   .forward = d->forward,
                                   .ordinal = d->ordinal,
                                   .data = d->data,
                                   .private = d->private};

            if (!d->forward) {
                if (!(e.sym = find(l, d->internal ? d->internal : d->name, "a .def file")))
                    return false;
                e.data = e.data || is_data(e.sym);
            }
            if (!add(l, &e))
                return false;
        }
    return true;
}

/* -export:NAME[=INTERNAL][,@ORDINAL[,NONAME]][,DATA][,PRIVATE] */
static bool add_asked(struct link *l, const char *text)
{
    char *copy = arena_strdup(&l->arena, text), *save = NULL, *equals = NULL;
    struct dll_export e = {0};

    if (!copy)
        return diag_nomem(l->d);
    e.name = strtok_r(copy, ",", &save);
    if (!e.name)
        return true;
    for (const char *word = NULL; (word = strtok_r(NULL, ",", &save));) {
        if (!strcasecmp(word, "data") || !strcasecmp(word, "constant"))
            e.data = true;
        else if (!strcasecmp(word, "private"))
            e.private = true;
        else if (!strcasecmp(word, "noname") && e.ordinal)
            e.name = NULL;
        else if (*word == '@')
            e.ordinal = (uint32_t)strtoul(word + 1, NULL, 10);
    }
    equals = strchr(copy, '=');
    if (equals)
        *equals++ = 0;
    if (equals && strchr(equals, '.')) {
        e.forward = equals;
        return add(l, &e);
    }
    if (!(e.sym = find(l, equals ? equals : copy, "a directive")))
        return false;
    e.data = e.data || is_data(e.sym);
    return add(l, &e);
}

static bool in_list(const struct strings *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->at[i], name))
            return true;
    return false;
}

/* ---- everything ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool in_sorted(const struct strings *list, const char *name)
{
    return list->count && bsearch(&name, list->at, list->count, sizeof *list->at, by_text);
}

/* Of the compiler's own libraries and start files: each image has its own. */
static bool is_runtime(const struct lobj *o)
{
    static const char *const archives[] = {
        "libgcc.a",        "libgcc_eh.a",       "libgcc_s.a",     "libgcc_s.dll.a", "libstdc++.a",
        "libsupc++.a",     "libmingw32.a",      "libmingwex.a",   "libmingwthrd.a", "libmoldname.a",
        "libg2c.a",        "libmsvcrt.a",       "libmsvcrt-os.a", "libucrt.a",      "libucrtbase.a",
        "libpthread.a",    "libwinpthread.a",   "libssp.a",       "libclang_rt.builtins-x86_64.a",
        "libclang_rt.builtins-aarch64.a"};
    static const char *const objects[] = {"dllcrt2.o", "dllcrt1.o", "crt2.o",   "crt1.o",
                                          "crtbegin.o", "crtend.o", "gcrt2.o"};
    const char *path = o->archive ? o->archive : o->o.name, *slash = strrchr(path, '/');

    path = slash ? slash + 1 : path;
    for (size_t i = 0; o->archive && i < sizeof archives / sizeof *archives; i++)
        if (!strcmp(archives[i], path))
            return true;
    for (size_t i = 0; !o->archive && i < sizeof objects / sizeof *objects; i++)
        if (!strcmp(objects[i], path))
            return true;
    return false;
}

/* Names that mean something inside of an image only. */
static bool is_internal(const char *name)
{
    static const char *const prefixes[] = {".",          "__imp_", "_imp__", "__rtti_", "__builtin_",
                                           "_head_",     "_nm_",   "__nm_",  "__profile_"};
    static const char *const suffixes[] = {"_iname", "_NULL_THUNK_DATA"};
    static const char *const names[] = {"DllMain",       "DllEntryPoint", "DllMainCRTStartup",
                                        "_pei386_runtime_relocator", "do_pseudo_reloc",
                                        "_tls_index",    "_tls_used",     "__simg_dll_start",
                                        "@feat.00"};
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
            return true;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (len > strlen(suffixes[i]) && !strcmp(name + len - strlen(suffixes[i]), suffixes[i]))
            return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

static bool listed(const struct version_script *list, const char *name)
{
    uint16_t index = 0;
    bool local = false;

    return version_match(list, name, &index, &local) && !local;
}

static bool add_all(struct link *l)
{
    struct strings *hidden = &l->dll->hidden;

    if (hidden->count)
        qsort(hidden->at, hidden->count, sizeof *hidden->at, by_text);
    for (uint64_t i = 0; i < l->global_count; i++) {
        const struct lsym *s = l->globals[i];

        if (!lsym_defined(s) || s->obj == l->objs[0] || s->obj->hide || is_internal(s->name) ||
            in_sorted(hidden, s->name) || in_list(&l->opt->coff.exclude, s->name) ||
            (l->opt->exports ? !listed(l->opt->exports, s->name) : is_runtime(s->obj)))
            continue;
        /* A number is no address, and what was dropped has none. */
        if (!lsym_section(s) || !lsym_section(s)->live)
            continue;
        if (!add(l, &(struct dll_export){.name = s->name, .sym = s, .data = is_data(s)}))
            return false;
    }
    return true;
}

/* ---- numbers ---- */

static int by_name(const void *a, const void *b)
{
    const struct dll_export *x = a, *y = b;

    if (!x->name || !y->name)
        return (!x->name) - (!y->name);
    return strcmp(x->name, y->name);
}

/* Of two with the same name the first to ask, with what both say. */
static void drop_doubles(struct dll *y)
{
    uint64_t kept = 0;

    for (uint64_t i = 0; i < y->export_count; i++) {
        struct dll_export *last = kept ? &y->exports[kept - 1] : NULL;
        const struct dll_export *e = &y->exports[i];

        if (last && last->name && e->name && !strcmp(last->name, e->name)) {
            last->ordinal = last->ordinal ? last->ordinal : e->ordinal;
            last->private = last->private || e->private;
            continue;
        }
        y->exports[kept++] = *e;
    }
    y->export_count = kept;
}

static bool number(struct link *l)
{
    struct dll *y = l->dll;
    uint32_t next = 1;
    uint8_t *taken = arena_alloc(&l->arena, MOST_EXPORTS + 1, 1);

    if (!taken)
        return diag_nomem(l->d);
    y->ordinal_base = UINT32_MAX;
    for (uint64_t i = 0; i < y->export_count; i++) {
        uint32_t n = y->exports[i].ordinal;

        if (n > MOST_EXPORTS || (n && taken[n]++))
            return diag_fail(l->d, E_LINK, "export `%s': number %" PRIu32 " %s",
                             y->exports[i].name ? y->exports[i].name : "(no name)", n,
                             n > MOST_EXPORTS ? "is too large (65535)" : "is taken already");
    }
    for (uint64_t i = 0; i < y->export_count; i++) {
        struct dll_export *e = &y->exports[i];

        while (!e->ordinal) {
            if (!taken[next]) {
                taken[next] = 1;
                e->ordinal = next;
            }
            next++;
        }
        if (e->ordinal < y->ordinal_base)
            y->ordinal_base = e->ordinal;
        if (e->ordinal >= y->ordinal_end)
            y->ordinal_end = e->ordinal + 1;
    }
    return true;
}

bool dll_choose_exports(struct link *l)
{
    struct dll *y = l->dll;
    bool named = y->def_count || y->asked.count;

    if (l->opt->coff.export_none) {
        if (l->opt->exports && !add_all(l))
            return false;
    } else {
        if (!add_defs(l))
            return false;
        for (size_t i = 0; i < y->asked.count; i++)
            if (!add_asked(l, y->asked.at[i]))
                return false;
        if ((!named || l->opt->coff.export_all || l->opt->exports) && !add_all(l))
            return false;
    }
    /* What a heap's runtime looks for by name is exported in any case. */
    for (uint64_t i = 0; named && i < l->heap_count; i++)
        for (uint32_t n = l->heaps[i]->o.first_global; n < l->heaps[i]->o.symbol_count; n++) {
            const struct lsym *s = lobj_sym(l->heaps[i], n);

            if (lsym_defined(s) && s->obj == l->heaps[i] &&
                !add(l, &(struct dll_export){.name = s->name, .sym = s, .data = is_data(s)}))
                return false;
        }
    if (y->export_count)
        qsort(y->exports, y->export_count, sizeof *y->exports, by_name);
    drop_doubles(y);
    if (y->export_count > MOST_EXPORTS)
        return diag_fail(l->d, E_LINK,
                         "%" PRIu64 " exports; a DLL can have %d: name those that are needed "
                         "(--export=LIST, a .def file, dllexport), or leave some out "
                         "(--exclude-symbols, --exclude-libs, -fvisibility=hidden)",
                         y->export_count, MOST_EXPORTS);
    return number(l);
}
