/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chain.c - another plugin beside this one.
 *
 * GNU ld and gold load all that the command line names and ask one after the
 * other.  mold loads the last and gives it everybody's options: a compiler's
 * own plugin is not loaded then, and link-time optimisation fails.  So the
 * other one is loaded here, gets its own options, and is asked after us. */

#include "plugin/plugin.h"

#include "heap/container.h"
#include "plugin/line.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum plugin_status onload(struct plugin_tv *tv);

/* ---- what it registers ---- */

static enum plugin_status on_register_claim(plugin_claim *hook)
{
    plugin.chain.claim = hook;
    return LDPS_OK;
}

static enum plugin_status on_register_all_read(plugin_event *hook)
{
    plugin.chain.all_read = hook;
    return LDPS_OK;
}

static enum plugin_status on_register_cleanup(plugin_event *hook)
{
    plugin.chain.cleanup = hook;
    return LDPS_OK;
}

/* ---- what it asks ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool collect_imports(struct plugin *p)
{
    struct plugin_names *names = &p->chain.imports;

    if (names->count)
        return true;
    for (uint64_t i = 0; i < p->heap_count; i++)
        for (uint32_t k = 0; k < p->heaps[i].heap->import_count; k++)
            if (!plugin_add_name(p, names, p->heaps[i].heap->imports[k].name))
                return false;
    if (names->count)
        qsort(names->at, names->count, sizeof *names->at, by_name);
    return true;
}

/* What is defined in intermediate code and referred to by a heap is, to the
   linker, needed by intermediate code alone: a compiler may drop it then. */
static enum plugin_status ask(unsigned version, const void *handle, int count,
                              struct plugin_symbol *all)
{
    struct plugin_names *names = &plugin.chain.imports;
    enum plugin_status status = plugin.chain.get_symbols[version](handle, count, all);

    if (!collect_imports(&plugin))
        return LDPS_ERR;
    for (int i = 0; status == LDPS_OK && names->count && i < count; i++)
        if (all[i].resolution == LDPR_PREVAILING_DEF_IRONLY &&
            bsearch(&all[i].name, names->at, names->count, sizeof *names->at, by_name))
            all[i].resolution = LDPR_PREVAILING_DEF;
    return status;
}

static enum plugin_status on_get_symbols(const void *handle, int count, struct plugin_symbol *all)
{
    return ask(0, handle, count, all);
}

static enum plugin_status on_get_symbols_v2(const void *handle, int count,
                                            struct plugin_symbol *all)
{
    return ask(1, handle, count, all);
}

static enum plugin_status on_get_symbols_v3(const void *handle, int count,
                                            struct plugin_symbol *all)
{
    return ask(2, handle, count, all);
}

static void replace_question(struct plugin *p, struct plugin_tv *tv)
{
    static const struct {
        int tag;
        plugin_get_symbols *ours;
    } rows[] = {{LDPT_GET_SYMBOLS, on_get_symbols},
                {LDPT_GET_SYMBOLS_V2, on_get_symbols_v2},
                {LDPT_GET_SYMBOLS_V3, on_get_symbols_v3}};

    for (unsigned i = 0; i < 3; i++)
        if (tv->tag == rows[i].tag) {
            p->chain.get_symbols[i] = tv->u.get_symbols;
            tv->u.get_symbols = rows[i].ours;
        }
}

/* ---- the command line ---- */

static bool is_self(const char *path)
{
    struct stat a, b;
    Dl_info here;
    void *at = NULL;

    *(enum plugin_status(**)(struct plugin_tv *)) & at = onload;
    return dladdr(at, &here) && stat(path, &a) == 0 && stat(here.dli_fname, &b) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The options behind each -plugin are that one's. */
static bool split_options(struct plugin *p, const struct line *line, struct plugin_names *theirs)
{
    bool other = false;
    int used = 1;

    for (int i = 1; i < line->count; i += used) {
        const char *value = NULL;

        if ((value = line_value(line, i, "plugin", &used))) {
            other = !is_self(value);
            if (other && p->chain.path && strcmp(p->chain.path, value) != 0)
                return diag_fail(&p->diag, E_UNSUPPORTED,
                                 "%s and %s: this linker loads one plugin, and this one loads one "
                                 "more, but not two",
                                 p->chain.path, value);
            p->chain.path = other ? value : p->chain.path;
        } else if ((value = line_value(line, i, "plugin-opt", &used))) {
            if (!(other ? plugin_add_name(p, theirs, value) : plugin_option(p, value)))
                return false;
        } else {
            used = 1 + line_takes_value(line->words[i]);
        }
    }
    return true;
}

/* What it is told: what we were, but for hooks and options. */
static struct plugin_tv *make_list(struct plugin *p, const struct plugin_tv *tv,
                                   const struct plugin_names *options)
{
    struct plugin_tv *list = NULL;
    uint64_t count = 0, n = 0;

    while (tv[count].tag != LDPT_NULL)
        count++;
    if (!(list = arena_alloc(&p->arena, count + options->count + 1, sizeof *list)))
        return NULL;
    for (uint64_t i = 0; i < count; i++) {
        if (tv[i].tag == LDPT_OPTION)
            continue;
        list[n] = tv[i];
        if (tv[i].tag == LDPT_REGISTER_CLAIM_FILE_HOOK)
            list[n].u.register_claim = on_register_claim;
        else if (tv[i].tag == LDPT_REGISTER_ALL_SYMBOLS_READ_HOOK)
            list[n].u.register_event = on_register_all_read;
        else if (tv[i].tag == LDPT_REGISTER_CLEANUP_HOOK)
            list[n].u.register_event = on_register_cleanup;
        replace_question(p, &list[n]);
        n++;
    }
    for (uint64_t i = 0; i < options->count; i++)
        list[n++] = (struct plugin_tv){LDPT_OPTION, {.string = options->at[i]}};
    list[n] = (struct plugin_tv){.tag = LDPT_NULL};
    return list;
}

bool plugin_load_chained(struct plugin *p, const struct plugin_tv *tv)
{
    enum plugin_status (*start)(struct plugin_tv *) = NULL;
    struct plugin_names options = {0};
    struct plugin_tv *list = NULL;
    struct line line;
    void *library = NULL;

    if (!line_read(&p->diag, &p->arena, &line) || !split_options(p, &line, &options))
        return false;
    if (!p->chain.path)
        return true;
    if (!(list = make_list(p, tv, &options)))
        return diag_nomem(&p->diag);
    library = dlopen(p->chain.path, RTLD_NOW | RTLD_LOCAL);
    if (library)
        *(void **)&start = dlsym(library, "onload");
    if (!start)
        return diag_fail(&p->diag, E_SYSTEM, "%s: cannot be loaded: %s", p->chain.path, dlerror());
    plugin_tell(p, "%s is loaded, as the linker loads one plugin only", p->chain.path);
    return start(list) == LDPS_OK ||
           diag_fail(&p->diag, E_SYSTEM, "%s: does not start", p->chain.path);
}
