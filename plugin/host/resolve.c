/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resolve.c - which heaps in archives a link needs.
 *
 * A member of an archive is part of a link if it defines a name that is not
 * defined yet, and a linker asks a plugin only then.  So the symbols of all
 * inputs are read and resolved here as the linker will, but for its order of
 * inputs: it may go back to an archive, as lld and mold do. */

#include "plugin/host/host.h"

#include "base/bytes.h"
#include "base/file.h"
#include "elf/elf.h"
#include "heap/container.h"
#include "obj/archive.h"
#include "obj/object.h"
#include "plugin/plugin.h"

#if HAVE_LIBIBERTY_DEMANGLE_H
#include <libiberty/hashtab.h>
#else
#include <hashtab.h>
#endif
#include <string.h>

struct name {
    const char *name;
    bool defined, needed;
};

/* An archive with members that are not part of the link yet. */
struct library {
    const char *path;
    struct archive ar;
    bool *loaded; /* of each member */
};

struct resolver {
    struct host *h;
    htab_t names;
    struct library *libraries;
    uint64_t library_count, library_cap;
    uint64_t heaps; /* of the plugin's, those whose symbols are here */
    bool unknown;   /* an input was not read, so any name may be needed */
};

/* ---- names ---- */

static hashval_t hash_name(const void *p)
{
    return htab_hash_string(((const struct name *)p)->name);
}

static int equal_names(const void *a, const void *b)
{
    return !strcmp(((const struct name *)a)->name, ((const struct name *)b)->name);
}

static struct name *find(struct resolver *r, const char *name)
{
    return htab_find(r->names, &(struct name){.name = name});
}

static bool add(struct resolver *r, const char *name, bool defined, bool needed)
{
    struct name key = {.name = name}, *n = NULL;
    void **slot = htab_find_slot(r->names, &key, INSERT);

    if (!slot)
        return diag_nomem(&r->h->diag);
    if (!*slot) {
        n = arena_alloc(&r->h->arena, 1, sizeof *n);
        name = arena_strdup(&r->h->arena, name);
        if (!n || !name)
            return diag_nomem(&r->h->diag);
        n->name = name;
        *slot = n;
    }
    n = *slot;
    n->defined = n->defined || defined;
    n->needed = n->needed || needed;
    return true;
}

static bool is_missing(struct resolver *r, const char *name)
{
    const struct name *n = find(r, name);

    return n && n->needed && !n->defined;
}

/* ---- what inputs define and need ---- */

static bool add_heap(struct resolver *r, const struct heap *h)
{
    bool ok = true;

    for (uint32_t i = 0; ok && i < h->root_count; i++)
        ok = add(r, h->roots[i].name, true, false);
    for (uint32_t i = 0; ok && i < h->import_count; i++)
        ok = add(r, h->imports[i].name, false, !h->imports[i].weak);
    return ok;
}

static bool is_bitcode(struct span in)
{
    return in.size >= 4 &&
           (!memcmp(in.at, "BC\xc0\xde", 4) || !memcmp(in.at, "\xde\xc0\x17\x0b", 4));
}

/* What cannot be read, the linker will complain about, or knows better. */
static bool add_object(struct resolver *r, const char *name, struct span bytes)
{
    struct arena scratch = {0};
    struct diag quiet = {0};
    struct object o = {0};
    bool ok = true;

    if (is_bitcode(bytes))
        r->unknown = true;
    if (format_elf.is(bytes) && format_elf.read(&quiet, &scratch, name, bytes, &o)) {
        r->unknown = r->unknown || o.lto_only;
        for (uint32_t i = 1; ok && i < o.symbol_count; i++) {
            const struct symbol *s = &o.symbols[i];
            bool undefined = s->section == SECTION_UNDEF;

            if (s->binding != BIND_LOCAL && *s->name)
                ok = add(r, s->name, !undefined, undefined && s->binding != BIND_WEAK);
        }
    }
    arena_free(&scratch);
    return ok;
}

static bool add_library(struct resolver *r, const char *path, struct span bytes, bool whole)
{
    struct diag quiet = {0};
    struct library *l = NULL;

    if (!arena_grow(&r->h->arena, (void **)&r->libraries, r->library_count, &r->library_cap,
                    sizeof *r->libraries))
        return diag_nomem(&r->h->diag);
    l = &r->libraries[r->library_count++];
    *l = (struct library){.path = path};
    if (!archive_read(&quiet, &r->h->arena, bytes, &l->ar))
        return true;
    if (!(l->loaded = arena_alloc(&r->h->arena, l->ar.member_count, sizeof *l->loaded)))
        return diag_nomem(&r->h->diag);
    for (uint32_t i = 0; whole && i < l->ar.member_count; i++) {
        l->loaded[i] = true;
        if (!add_object(r, path, l->ar.members[i].data))
            return false;
    }
    return true;
}

static bool add_input(struct resolver *r, const char *path, bool whole)
{
    struct file *file = arena_alloc(&r->h->arena, 1, sizeof *file);
    struct diag quiet = {0};
    bool ok = true;

    if (!file)
        return diag_nomem(&r->h->diag);
    if (!file_open(&quiet, path, file))
        return true;
    if (archive_is(file->data))
        return add_library(r, path, file->data, whole); /* its bytes are needed on */
    ok = add_object(r, path, file->data);
    file_close(file);
    return ok;
}

/* Symbols that the command line asks for. */
static bool add_wanted(struct resolver *r)
{
    static const char *const options[] = {"u", "undefined", "require-defined", "e", "entry"};
    const struct line *line = &r->h->line;
    const char *value = NULL;
    int used = 0;

    for (int i = 1; i < line->count; i++)
        for (size_t n = 0; n < sizeof options / sizeof *options; n++)
            if ((value = line_value(line, i, options[n], &used)) && !add(r, value, false, true))
                return false;
    for (uint64_t i = 0; i < plugin.exports.count; i++)
        if (!add(r, plugin.exports.at[i], false, true))
            return false;
    return true;
}

static bool add_inputs(struct resolver *r)
{
    const struct line *line = &r->h->line;
    bool whole = false;

    for (int i = 1; i < line->count; i++) {
        const char *text = line->words[i];
        const char *path = text[0] != '-' ? text : line_library(line, &r->h->arena, i);

        whole = (whole || line_is(text, "whole-archive")) && !line_is(text, "no-whole-archive");
        if (path && !r->h->gone[i] && !add_input(r, path, whole))
            return false;
        i += line_takes_value(text);
    }
    for (uint64_t i = 0; i < plugin.member_count; i++)
        if (!add_object(r, plugin.members[i].name, plugin.members[i].bytes))
            return false;
    return true;
}

/* ---- members that are needed ---- */

/* The objects of L that define something that is missing; *MORE if there were any. */
static bool load_members(struct resolver *r, struct library *l, bool *more)
{
    for (uint64_t i = 0; i < l->ar.symbol_count; i++) {
        uint32_t m = l->ar.symbols[i].member;

        if (l->loaded[m] || heap_is(l->ar.members[m].data) || !is_missing(r, l->ar.symbols[i].name))
            continue;
        l->loaded[m] = *more = true;
        if (!add_object(r, l->path, l->ar.members[m].data))
            return false;
    }
    return true;
}

static bool is_needed(struct resolver *r, const struct heap_member *m)
{
    struct arena scratch = {0};
    struct diag quiet = {0};
    struct heap heap = {0};
    bool needed = r->unknown || m->whole;

    /* One that is unsound is the plugin's to complain about. */
    if (!needed && !heap_read(&quiet, &scratch, m->name, m->bytes, &heap))
        needed = true;
    for (uint32_t i = 0; !needed && i < heap.root_count; i++)
        needed = is_missing(r, heap.roots[i].name);
    arena_free(&scratch);
    return needed;
}

static bool take_heaps(struct resolver *r, bool *more)
{
    for (; r->heaps < plugin.heap_count; r->heaps++)
        if (!add_heap(r, plugin.heaps[r->heaps].heap))
            return false;
    for (uint64_t i = 0; i < r->h->heap_member_count; i++) {
        struct heap_member *m = &r->h->heap_members[i];

        if (m->taken || !is_needed(r, m))
            continue;
        m->taken = *more = true;
        if (!host_offer_heap(r->h, m))
            return false;
    }
    return true;
}

bool host_resolve_heaps(struct host *h)
{
    struct resolver r = {.h = h};
    bool ok = true, more = true;

    if (!h->heap_member_count)
        return true;
    if (!(r.names = htab_try_create(1024, hash_name, equal_names, NULL)))
        return diag_nomem(&h->diag);
    ok = add_wanted(&r) && add_inputs(&r);
    while (ok && more) {
        more = false;
        ok = take_heaps(&r, &more);
        for (uint64_t i = 0; ok && i < r.library_count; i++)
            ok = load_members(&r, &r.libraries[i], &more);
    }
    htab_delete(r.names);
    return ok;
}
