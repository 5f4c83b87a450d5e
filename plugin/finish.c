/* SPDX-License-Identifier: GPL-3.0-or-later */
/* finish.c - after the link: does the library export every root, and are the
 * symbols that heaps import what they take them for?
 *
 * Version scripts, --exclude-libs and their kin hide symbols without a word,
 * and what the linker says of symbols before the link does not tell.  What a
 * symbol is, it does not say at all. */

#include "plugin/plugin.h"

#include "elf/dynamic.h"
#include "heap/container.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A name that is asked for, and what the output has by it. */
struct wanted {
    const char *name;
    bool exported;         /* other images find it */
    bool data, per_thread; /* it is data; each thread has its own */
};

/* Sorted; each name once. Far fewer than the output has. */
struct wanted_names {
    struct wanted *all;
    uint64_t count;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct wanted *)a)->name, ((const struct wanted *)b)->name);
}

static struct wanted *find(const struct wanted_names *w, const char *name)
{
    return w->count
               ? bsearch(&(struct wanted){.name = name}, w->all, w->count, sizeof *w->all, by_name)
               : NULL;
}

static bool collect(struct plugin *p, struct wanted_names *w)
{
    uint64_t room = p->exports.count, count = 0;

    for (uint64_t i = 0; i < p->heap_count; i++)
        room += (uint64_t)p->heaps[i].heap->root_count + p->heaps[i].heap->import_count;
    if (!(w->all = arena_alloc(&p->arena, room, sizeof *w->all)))
        return diag_nomem(&p->diag);
    for (uint64_t i = 0; i < p->exports.count; i++)
        w->all[count++].name = p->exports.at[i];
    for (uint64_t i = 0; i < p->heap_count; i++) {
        const struct heap *h = p->heaps[i].heap;

        for (uint32_t k = 0; k < h->root_count; k++)
            w->all[count++].name = h->roots[k].name;
        for (uint32_t k = 0; k < h->import_count; k++)
            w->all[count++].name = h->imports[k].name;
    }
    if (count)
        qsort(w->all, count, sizeof *w->all, by_name);
    for (uint64_t i = 0; i < count; i++)
        if (w->count == 0 || strcmp(w->all[w->count - 1].name, w->all[i].name) != 0)
            w->all[w->count++] = w->all[i];
    return true;
}

/* What binds within the image, linkers make local; then it was hidden before. */
static bool is_shared_name(const struct elf_sym *s)
{
    unsigned visibility = s->other & 3;

    return s->info >> 4 != STB_LOCAL || visibility == STV_HIDDEN || visibility == STV_INTERNAL;
}

/* The symbols of F that are SYMBOLS, with names in STRINGS. */
static void look_at(const struct elf_file *f, struct span symbols, struct span strings,
                    bool dynamic, struct wanted_names *w)
{
    struct cursor c = elf_cursor(f, symbols);

    for (uint64_t left = symbols.size / elf_sym_size(f->wide); left > 0; left--) {
        struct elf_sym s = elf_next_sym(&c);
        const char *name = NULL;
        struct wanted *found = NULL;

        if (c.bad || s.name >= strings.size || !is_shared_name(&s))
            continue;
        name = (const char *)strings.at + s.name;
        if (!memchr(name, 0, strings.size - s.name) || !(found = find(w, name)))
            continue;
        found->exported = found->exported || (dynamic && s.shndx != SHN_UNDEF);
        found->data = found->data || (s.info & 15) == STT_OBJECT;
        found->per_thread = found->per_thread || (s.info & 15) == STT_TLS;
    }
}

static bool is_exported(const struct wanted_names *w, const char *name)
{
    const struct wanted *found = find(w, name);

    return found && found->exported;
}

static bool check_exports(struct plugin *p, const struct wanted_names *w)
{
    bool library = p->output == LDPO_DYN;

    for (uint64_t i = 0; i < p->heap_count && library; i++) {
        const struct heap *h = p->heaps[i].heap;

        for (uint32_t r = 0; r < h->root_count; r++)
            if (!is_exported(w, h->roots[r].name))
                return diag_fail(&p->diag, E_LINK,
                                 "%s: root `%s' is not exported by %s: a version script or "
                                 "--exclude-libs hides it; -plugin-opt=hidden-ok allows that",
                                 p->heaps[i].name, h->roots[r].name, p->output_name);
    }
    for (uint64_t i = 0; i < p->exports.count; i++)
        if (!is_exported(w, p->exports.at[i]))
            return diag_fail(&p->diag, E_LINK,
                             "-plugin-opt=export=%s: is not exported by %s: %s; "
                             "-plugin-opt=hidden-ok allows that",
                             p->exports.at[i], p->output_name,
                             library ? "its visibility, a version script or --exclude-libs hides it"
                                     : "a program exports what --export-dynamic says");
    return true;
}

static bool check_import(struct plugin *p, const struct wanted_names *w, const char *heap,
                         const struct heap_import *import)
{
    const struct wanted *found = find(w, import->name);

    if (found && found->per_thread)
        return diag_fail(&p->diag, E_LINK, "%s: import `%s': %s has it as thread-local", heap,
                         import->name, p->output_name);
    if (found && found->data && import->kind == SIMG_IMPORT_FUNCTION)
        return diag_fail(&p->diag, E_LINK, "%s: import `%s': is a function, but %s has it as data",
                         heap, import->name, p->output_name);
    return true; /* a function's address may well be kept as data */
}

static bool check_imports(struct plugin *p, const struct wanted_names *w)
{
    for (uint64_t i = 0; i < p->heap_count; i++) {
        const struct heap *h = p->heaps[i].heap;

        for (uint32_t k = 0; k < h->import_count; k++)
            if (!check_import(p, w, p->heaps[i].name, &h->imports[k]))
                return false;
    }
    return true;
}

static bool finish(struct plugin *p, const struct file *file)
{
    struct wanted_names w = {0};
    struct elf_file f;
    struct elf_image m;

    if (!elf_open(&p->diag, &p->arena, file->data, &f) ||
        !elf_image_read(&p->diag, &p->arena, &f, &m) || !collect(p, &w))
        return false;
    look_at(&f, m.symbols, m.strings, true, &w);
    for (uint32_t i = 1; i < f.section_count; i++) {
        const struct elf_shdr *s = &f.sections[i];

        if (s->type == SHT_SYMTAB && s->link < f.section_count)
            look_at(&f, s->data, f.sections[s->link].data, false, &w);
    }
    return (p->hidden_ok || check_exports(p, &w)) && check_imports(p, &w) &&
           (!p->heap_count || plugin_prelink(p, file));
}

bool plugin_finish(struct plugin *p)
{
    struct diag quiet = {0};
    struct file file;
    bool ok = true;

    if (p->output == LDPO_REL || (!p->heap_count && !p->exports.count) || !p->output_name ||
        !file_open(&quiet, p->output_name, &file))
        return true;
    p->finishing = true; /* not every linker removes its output at this stage */
    if (elf_is(file.data))
        ok = finish(p, &file);
    file_close(&file);
    return ok;
}
