/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.c - -plugin-opt=NAME=VALUE. */

#include "plugin/plugin.h"

#include <string.h>

/* TEXT is NAME=VALUE: the value, NULL if it is not; an empty one is an error. */
static const char *value_of(struct plugin *p, const char *text, const char *name, bool *ok)
{
    size_t len = strlen(name);

    if (strncmp(text, name, len) != 0 || text[len] != '=')
        return NULL;
    if (!text[len + 1])
        *ok = diag_fail(&p->diag, E_USAGE, "-plugin-opt=%s: needs a value", text);
    return text + len + 1;
}

/* What compilers' drivers tell every plugin, meant for that of their own LTO. */
static bool is_for_others(const char *text)
{
    static const char *const begins[] = {"-fresolution=", "-pass-through="};
    static const char *const ends[] = {"/lto-wrapper", "/lto1"};
    size_t len = strlen(text);

    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (!strncmp(text, begins[i], strlen(begins[i])))
            return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (len >= strlen(ends[i]) && !strcmp(text + len - strlen(ends[i]), ends[i]))
            return true;
    return false;
}

static bool add_retained(struct plugin *p, const char *value)
{
    if (strcmp(value, "all") != 0)
        return plugin_add_name(p, &p->retain, value);
    return p->retain_all = true;
}

/* One name, or with '@' a file of them. */
static bool add_exports(struct plugin *p, const char *value)
{
    struct file file;
    char *text = NULL, *rest = NULL;
    bool ok = true;

    if (*value != '@')
        return plugin_add_name(p, &p->exports, value);
    if (!file_open(&p->diag, value + 1, &file))
        return false;
    text =
        arena_strndup(&p->arena, file.data.size ? (const char *)file.data.at : "", file.data.size);
    ok = text || diag_nomem(&p->diag);
    for (char *word = ok ? strtok_r(text, " \t\r\n", &rest) : NULL; ok && word;
         word = strtok_r(NULL, " \t\r\n", &rest))
        ok = plugin_add_name(p, &p->exports, word);
    file_close(&file);
    return ok;
}

bool plugin_option(struct plugin *p, const char *text)
{
    const char *value = NULL;
    bool ok = true;

    if ((value = value_of(p, text, "heap", &ok)))
        return ok && plugin_add_name(p, &p->heap_files, value);
    if ((value = value_of(p, text, "retain", &ok)))
        return ok && add_retained(p, value);
    if ((value = value_of(p, text, "export", &ok)))
        return ok && add_exports(p, value);
    if ((value = value_of(p, text, "heap-relocs", &ok)))
        return ok && (!strcmp(value, "prelinked") ||
                      diag_fail(&p->diag, E_USAGE,
                                "-plugin-opt=%s: a plugin's heap is prelinked: it relocates itself",
                                text));
    if (!strcmp(text, "verbose"))
        return p->verbose = true;
    if (!strcmp(text, "hidden-ok"))
        return p->hidden_ok = true;
    return is_for_others(text) ||
           diag_fail(&p->diag, E_USAGE,
                     "-plugin-opt=%s: heap=FILE, retain=ARCHIVE|all, export=SYMBOL|@FILE, "
                     "heap-relocs=prelinked, hidden-ok and verbose are known",
                     text);
}
