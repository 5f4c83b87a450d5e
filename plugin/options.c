/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.c - -plugin-opt=NAME=VALUE. */

#include "plugin/plugin.h"

#include <string.h>

static bool add(struct plugin *p, const char ***list, uint64_t *count, uint64_t *cap,
                const char *value)
{
    const char *copy = arena_strdup(&p->arena, value);

    if (!copy || !arena_grow(&p->arena, (void **)list, *count, cap, sizeof **list))
        return diag_nomem(&p->diag);
    (*list)[(*count)++] = copy;
    return true;
}

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

bool plugin_option(struct plugin *p, const char *text)
{
    const char *value = NULL;
    bool ok = true;

    if ((value = value_of(p, text, "heap", &ok)))
        return ok && add(p, &p->heaps, &p->heap_count, &p->heap_cap, value);
    if ((value = value_of(p, text, "retain", &ok)))
        return ok && add(p, &p->retain, &p->retain_count, &p->retain_cap, value);
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
                     "-plugin-opt=%s: heap=FILE, retain=ARCHIVE, heap-relocs=prelinked, hidden-ok "
                     "and verbose are known",
                     text);
}
