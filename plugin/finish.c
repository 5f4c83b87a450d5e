/* SPDX-License-Identifier: GPL-3.0-or-later */
/* finish.c - after the link: does the library export every root, and are the
 * symbols that heaps import what they take them for?
 *
 * Version scripts, --exclude-libs and their kin hide symbols without a word,
 * and what the linker says of symbols before the link does not tell.  What a
 * symbol is, it does not say at all. */

#include "plugin/plugin.h"

#include "elf/file.h"
#include "heap/container.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A symbol of the output that others can refer to. */
struct known {
    const char *name;
    uint8_t type;
    bool exported; /* other images find it */
};

struct output_names {
    struct known *all;
    uint64_t count, cap;
};

static int by_name(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : (int)y->exported - (int)x->exported;
}

/* What binds within the image, linkers make local; then it was hidden before. */
static bool is_shared_name(const struct elf_sym *s)
{
    unsigned visibility = s->other & 3;

    return s->info >> 4 != STB_LOCAL || visibility == STV_HIDDEN || visibility == STV_INTERNAL;
}

static bool add_table(struct plugin *p, const struct elf_file *f, const struct elf_shdr *table,
                      struct output_names *out)
{
    struct span strings = f->sections[table->link].data;
    struct cursor c = elf_cursor(f, table->data);

    for (uint64_t left = table->data.size / elf_sym_size(f->wide); left > 0; left--) {
        struct elf_sym s = elf_next_sym(&c);
        const char *name = NULL;

        if (c.bad || s.name >= strings.size || !is_shared_name(&s))
            continue;
        name = (const char *)strings.at + s.name;
        if (!*name || !memchr(name, 0, strings.size - s.name))
            continue;
        if (!arena_grow(&p->arena, (void **)&out->all, out->count, &out->cap, sizeof *out->all))
            return diag_nomem(&p->diag);
        out->all[out->count++] =
            (struct known){name, s.info & 15, table->type == SHT_DYNSYM && s.shndx != SHN_UNDEF};
    }
    return true;
}

static bool read_names(struct plugin *p, const struct elf_file *f, struct output_names *out)
{
    for (uint32_t i = 1; i < f->section_count; i++) {
        const struct elf_shdr *s = &f->sections[i];

        if ((s->type == SHT_DYNSYM || s->type == SHT_SYMTAB) && s->link < f->section_count &&
            !add_table(p, f, s, out))
            return false;
    }
    if (out->count)
        qsort(out->all, out->count, sizeof *out->all, by_name);
    return true;
}

/* NAME's entries in the output: the first, if there is one, is exported if any is. */
static const struct known *find(const struct output_names *n, const char *name, uint64_t *count)
{
    uint64_t low = 0, high = n->count;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2;

        if (strcmp(n->all[mid].name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (*count = 0; low + *count < n->count && !strcmp(n->all[low + *count].name, name);)
        ++*count;
    return *count ? &n->all[low] : NULL;
}

static bool is_exported(const struct output_names *n, const char *name)
{
    uint64_t count = 0;
    const struct known *k = find(n, name, &count);

    return k && k->exported;
}

static bool check_exports(struct plugin *p, const struct output_names *n)
{
    bool library = p->output == LDPO_DYN;

    for (uint64_t i = 0; i < p->heap_count && library; i++) {
        const struct heap *h = p->heaps[i].heap;

        for (uint32_t r = 0; r < h->root_count; r++)
            if (!is_exported(n, h->roots[r].name))
                return diag_fail(&p->diag, E_LINK,
                                 "%s: root `%s' is not exported by %s: a version script or "
                                 "--exclude-libs hides it; -plugin-opt=hidden-ok allows that",
                                 p->heaps[i].name, h->roots[r].name, p->output_name);
    }
    for (uint64_t i = 0; i < p->exports.count; i++)
        if (!is_exported(n, p->exports.at[i]))
            return diag_fail(&p->diag, E_LINK,
                             "-plugin-opt=export=%s: is not exported by %s: %s; "
                             "-plugin-opt=hidden-ok allows that",
                             p->exports.at[i], p->output_name,
                             library ? "its visibility, a version script or --exclude-libs hides it"
                                     : "a program exports what --export-dynamic says");
    return true;
}

static bool check_import(struct plugin *p, const struct output_names *n, const char *heap,
                         const struct heap_import *import)
{
    uint64_t count = 0;
    const struct known *k = find(n, import->name, &count);

    for (uint64_t i = 0; i < count; i++) {
        if (k[i].type == STT_TLS)
            return diag_fail(&p->diag, E_LINK, "%s: import `%s': %s has it as thread-local", heap,
                             import->name, p->output_name);
        if (k[i].type == STT_OBJECT && import->kind == SIMG_IMPORT_FUNCTION)
            return diag_fail(&p->diag, E_LINK, "%s: import `%s': is a function, but %s has it as data",
                             heap, import->name, p->output_name);
    }
    return true; /* a function's address may well be kept as data */
}

static bool check_imports(struct plugin *p, const struct output_names *n)
{
    for (uint64_t i = 0; i < p->heap_count; i++) {
        const struct heap *h = p->heaps[i].heap;

        for (uint32_t k = 0; k < h->import_count; k++)
            if (!check_import(p, n, p->heaps[i].name, &h->imports[k]))
                return false;
    }
    return true;
}

static bool finish(struct plugin *p, const struct file *file)
{
    struct output_names names = {0};
    struct elf_file f;

    return elf_open(&p->diag, &p->arena, file->data, &f) && read_names(p, &f, &names) &&
           (p->hidden_ok || check_exports(p, &names)) && check_imports(p, &names) &&
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
