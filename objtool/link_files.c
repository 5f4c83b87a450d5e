/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_files.c - options that name files of symbols: version scripts, dynamic
 * lists, lists of exports. */

#include "link_opts.h"

#include "base/file.h"
#include "link/script.h"

#include <string.h>

/* The text of PATH in C's arena, in *OUT. */
static bool read_text(struct link_command *c, const char *path, struct span *out)
{
    struct file file = {0};
    char *text = NULL;

    *out = (struct span){0};
    if (!file_open(c->d, path, &file))
        return false;
    text = arena_strndup(c->a, file.data.size ? (const char *)file.data.at : "", file.data.size);
    if (text)
        *out = (struct span){(const uint8_t *)text, file.data.size};
    file_close(&file);
    return text || diag_nomem(c->d);
}

/* Read PATH as version_read() does; TEXT is its text. */
static bool read_versions(struct link_command *c, const char *path, bool list, struct span *text,
                          struct version_script *out)
{
    struct where here = {c->d->where, path, NO_INDEX};
    bool ok = false;

    if (!read_text(c, path, text))
        return false;
    c->d->where = &here;
    ok = version_read(c->d, c->a, *text, list, out);
    c->d->where = here.up;
    return ok;
}

bool link_read_version_script(struct link_command *c, const char *path)
{
    struct version_script *script = arena_alloc(c->a, 1, sizeof *script);
    struct span text = {0};

    if (!script)
        return diag_nomem(c->d);
    if (c->options.version_script)
        return diag_fail(c->d, E_UNSUPPORTED, "--version-script %s: the second one", path);
    c->options.version_script = script;
    return read_versions(c, path, false, &text, script);
}

bool link_add_dynamic_list(struct link_command *c, struct buf *list, const char *path)
{
    struct version_script script = {0};
    struct span text = {0};

    /* Read here for its errors; all lists are one at the end. */
    if (!read_versions(c, path, true, &text, &script))
        return false;
    buf_bytes(list, text.at, text.size);
    buf_printf(list, "\n");
    return true;
}

/* One pattern on each line of TEXT; '#' starts a comment. */
static bool add_lines(struct link_command *c, const char *text)
{
    while (*text) {
        size_t line = strcspn(text, "\n");
        size_t len = strcspn(text, "#\n");
        const char *pattern = NULL;

        while (len > 0 && strchr(" \t\r", text[len - 1]))
            len--;
        while (len > 0 && strchr(" \t", *text)) {
            text++;
            len--;
            line--;
        }
        if (len > 0) {
            pattern = arena_strndup(c->a, text, len);
            if (!pattern)
                return diag_nomem(c->d);
            if (!version_add_pattern(c->d, c->a, pattern, &c->options.exports))
                return false;
        }
        text += line + (text[line] != 0);
    }
    return true;
}

bool link_add_export(struct link_command *c, const char *value)
{
    struct span text = {0};

    if (!*value)
        return diag_fail(c->d, E_USAGE, "--export: no pattern");
    if (value[0] != '@')
        return version_add_pattern(c->d, c->a, value, &c->options.exports);
    if (!read_text(c, value + 1, &text))
        return false;
    if (memchr(text.at, 0, text.size))
        return diag_fail(c->d, E_USAGE, "--export=%s: not a text", value);
    if (!add_lines(c, (const char *)text.at))
        return false;
    return c->options.exports || diag_fail(c->d, E_USAGE, "--export=%s: no pattern in it", value);
}

/* As in GNU ld: a dynamic list takes the place of -Bsymbolic, with the list
   as exceptions; --export-dynamic-symbol only adds exceptions. */
bool link_finish_lists(struct link_command *c)
{
    struct link_options *o = &c->options;
    struct where here = {c->d->where, "the dynamic list", NO_INDEX};
    bool binds = c->dynamic_list.size > 0 || o->bsymbolic != BSYMBOLIC_NONE, ok = true;
    char *text = NULL;

    buf_bytes(&c->dynamic_list, c->exceptions.at, c->exceptions.size);
    if (c->dynamic_list.bad || c->exceptions.bad)
        return diag_nomem(c->d);
    if (c->dynamic_list.size == 0 || !binds)
        return true;
    o->bsymbolic = BSYMBOLIC_NONE;
    o->dynamic_list = arena_alloc(c->a, 1, sizeof *o->dynamic_list);
    text = arena_strndup(c->a, (const char *)c->dynamic_list.at, c->dynamic_list.size);
    if (!o->dynamic_list || !text)
        return diag_nomem(c->d);
    c->d->where = &here;
    ok = version_read(c->d, c->a, (struct span){(const uint8_t *)text, c->dynamic_list.size}, true,
                      o->dynamic_list);
    c->d->where = here.up;
    return ok;
}
