/* SPDX-License-Identifier: GPL-3.0-or-later */
/* host.c - ld.sysimage: what a linker does for a plugin, before another one is
 * started. */

#include "plugin/host/host.h"

#include "base/response.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host host;

enum plugin_status onload(struct plugin_tv *tv);

static const char usage[] =
    "usage: ld.sysimage [--real-ld=LINKER] [LINKER'S OPTION]... FILE...\n"
    "Link with LINKER, which may be one that loads no plugin, and take heap containers\n"
    "among the files as sysimage-plugin.so does: see sysimage-plugin(1).\n"
    "\n"
    "  --real-ld=LINKER     a path or a name; else $SYSIMAGE_REAL_LD; else the next\n"
    "                       linker on the PATH of the name that this was started by,\n"
    "                       or ld.lld\n"
    "  -plugin-opt=OPTION   heap=FILE, retain=ARCHIVE|all, export=SYMBOL|@FILE,\n"
    "                       hidden-ok, verbose\n"
    "  --help, --version    of this; what else there is, is the linker's\n";

/* ---- what the plugin calls ---- */

static enum plugin_status on_register_claim(plugin_claim *hook)
{
    host.claim = hook;
    return LDPS_OK;
}

static enum plugin_status on_register_all_read(plugin_event *hook)
{
    host.all_read = hook;
    return LDPS_OK;
}

static enum plugin_status on_register_cleanup(plugin_event *hook)
{
    host.cleanup = hook;
    return LDPS_OK;
}

/* The linker reads them again from the object that the plugin makes. */
static enum plugin_status on_add_symbols(void *handle, int count, const struct plugin_symbol *all)
{
    (void)handle, (void)count, (void)all;
    return LDPS_OK;
}

static bool add(struct host *h, const char ***list, uint64_t *count, uint64_t *cap,
                const char *text)
{
    if (!text || !arena_grow(&h->arena, (void **)list, *count, cap, sizeof **list))
        return diag_nomem(&h->diag);
    (*list)[(*count)++] = text;
    return true;
}

static enum plugin_status on_add_input(const char *path)
{
    return add(&host, &host.added, &host.added_count, &host.added_cap,
               arena_strdup(&host.arena, path))
               ? LDPS_OK
               : LDPS_ERR;
}

static enum plugin_status on_message(int level, const char *format, ...)
{
    va_list ap;

    fprintf(stderr, "ld.sysimage: ");
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fprintf(stderr, "\n");
    if (level >= LDPL_ERROR)
        exit(1);
    return LDPS_OK;
}

static enum plugin_status on_view(const void *handle, const void **view)
{
    (void)handle;
    *view = host.view;
    return *view ? LDPS_OK : LDPS_ERR;
}

static bool load_plugin(struct host *h)
{
    struct plugin_tv *tv = arena_alloc(&h->arena, h->option_count + 10, sizeof *tv);
    int kind = h->relocatable ? LDPO_REL : h->shared ? LDPO_DYN : LDPO_EXEC;
    uint64_t n = 0;

    if (!tv)
        return diag_nomem(&h->diag);
    tv[n++] = (struct plugin_tv){LDPT_MESSAGE, {.message = on_message}};
    tv[n++] =
        (struct plugin_tv){LDPT_REGISTER_CLAIM_FILE_HOOK, {.register_claim = on_register_claim}};
    tv[n++] = (struct plugin_tv){LDPT_REGISTER_ALL_SYMBOLS_READ_HOOK,
                                 {.register_event = on_register_all_read}};
    tv[n++] =
        (struct plugin_tv){LDPT_REGISTER_CLEANUP_HOOK, {.register_event = on_register_cleanup}};
    tv[n++] = (struct plugin_tv){LDPT_LINKER_OUTPUT, {.number = kind}};
    tv[n++] = (struct plugin_tv){LDPT_OUTPUT_NAME, {.string = h->output ? h->output : "a.out"}};
    tv[n++] = (struct plugin_tv){LDPT_ADD_SYMBOLS, {.add_symbols = on_add_symbols}};
    tv[n++] = (struct plugin_tv){LDPT_ADD_INPUT_FILE, {.add_input_file = on_add_input}};
    tv[n++] = (struct plugin_tv){LDPT_GET_VIEW, {.get_view = on_view}};
    for (uint64_t i = 0; i < h->option_count; i++)
        tv[n++] = (struct plugin_tv){LDPT_OPTION, {.string = h->options[i]}};
    tv[n] = (struct plugin_tv){.tag = LDPT_NULL};
    return onload(tv) == LDPS_OK;
}

/* ---- the command line ---- */

static bool is_our_plugin(const char *path)
{
    const char *slash = strrchr(path, '/');

    return !strcmp(slash ? slash + 1 : path, "sysimage-plugin.so");
}

static bool is_our_option(const char *text)
{
    static const char *const names[] = {
        "heap=", "retain=", "export=", "heap-relocs=", "hidden-ok", "verbose"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strncmp(text, names[i], strlen(names[i])))
            return true;
    return false;
}

/* An option that is ours alone, and no linker's. */
static bool take_option(struct host *h, int i, bool *ours, int *used)
{
    const char *value = NULL;
    bool take = false;

    if ((value = line_value(&h->line, i, "real-ld", used))) {
        h->real = value;
        take = true;
    } else if ((value = line_value(&h->line, i, "plugin", used))) {
        take = *ours = is_our_plugin(value);
    } else if ((value = line_value(&h->line, i, "plugin-opt", used)) &&
               (*ours || is_our_option(value))) {
        take = true;
        if (!add(h, &h->options, &h->option_count, &h->option_cap, value))
            return false;
    }
    for (int n = i; take && n < i + *used; n++)
        h->gone[n] = true;
    return true;
}

static bool read_words(struct host *h)
{
    const struct line *line = &h->line;
    bool ours = false;
    int used = 1;

    for (int i = 1; i < line->count; i += used) {
        const char *text = line->words[i], *next = i + 1 < line->count ? line->words[i + 1] : NULL;
        const char *name = NULL;

        if (!take_option(h, i, &ours, &used))
            return false;
        if (h->gone[i])
            continue;
        h->relocatable = h->relocatable || !strcmp(text, "-r") || !strcmp(text, "-i") ||
                         !strcmp(text, "--relocatable");
        h->shared = h->shared || !strcmp(text, "-shared") || !strcmp(text, "--shared") ||
                    !strcmp(text, "-Bshareable");
        if (!strcmp(text, "-o") && next)
            h->output = next;
        else if (!strncmp(text, "-o", 2) && text[2])
            h->output = text + 2;
        else if (!strncmp(text, "--output=", 9))
            h->output = text + 9;
        if ((name = line_value(line, i, "soname", &used)) ||
            (name = line_value(line, i, "h", &used)))
            h->soname = name;
        used = 1 + line_takes_value(text);
    }
    return true;
}

static bool expand(struct host *h, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        h->response = h->response || argv[i][0] == '@';
    h->line = (struct line){argv, argc};
    return response_expand(&h->diag, &h->arena, &h->line.count, &h->line.words) &&
           ((h->gone = arena_alloc(&h->arena, (uint64_t)h->line.count, sizeof *h->gone)) ||
            diag_nomem(&h->diag));
}

static void say(void *arg, enum diag_kind kind, const char *text)
{
    (void)arg, (void)kind;
    fprintf(stderr, "ld.sysimage: %s\n", text);
}

int main(int argc, char **argv)
{
    int status = 0;

    host.diag.sink = say;
    if (argc == 2 && !strcmp(argv[1], "--help"))
        return fputs(usage, stdout) < 0;
    if (argc == 2 && !strcmp(argv[1], "--version"))
        return printf("ld.sysimage (sysimage-tools) %s\n", PACKAGE_VERSION) < 0;
    if (!expand(&host, argc, argv) || !read_words(&host) || !load_plugin(&host) ||
        !host_offer_inputs(&host) || (host.all_read && host.all_read() != LDPS_OK))
        return 1;
    status = host_run(&host);
    return status == 0 && host.cleanup && host.cleanup() != LDPS_OK ? 1 : status;
}
