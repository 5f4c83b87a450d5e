/* SPDX-License-Identifier: GPL-3.0-or-later */
/* opts.c - find an argument's row; write help. */

#include "opts.h"

#include <string.h>

enum { WIDTH = 79, HELP_AT = 30 };

/* The length of the name at P, which ends at '|' or NUL. */
static size_t name_length(const char *p) { return strcspn(p, "|"); }

/* True if NAME (LEN bytes) is one of ROW's. */
static bool row_has(const struct opt_row *row, const char *name, size_t len)
{
    for (const char *p = row->names; p && *p; p += name_length(p), p += *p == '|') {
        size_t n = name_length(p);

        if (n > 1 && p[n - 1] == '*' ? len >= n - 1 && memcmp(p, name, n - 1) == 0
                                     : len == n && memcmp(p, name, n) == 0)
            return true;
    }
    return false;
}

static const struct opt_row *find(const struct opts *o, const char *name, size_t len)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->rows[i].names && row_has(&o->rows[i], name, len))
            return &o->rows[i];
    return NULL;
}

static bool is_optional(const struct opt_row *row) { return row->value && row->value[0] == '['; }

/* The option OUT->SPELT wants a value, and the argument has none. */
static bool take_value(struct opts *o, struct opt *out)
{
    if (!out->row->value || is_optional(out->row))
        return true;
    if (!opts_more(o))
        return diag_fail(o->d, E_USAGE, "option '%s' needs a value (%s)", out->spelt,
                         out->row->value);
    out->value = o->argv[o->next++];
    return true;
}

static bool long_option(struct opts *o, const char *name, struct opt *out)
{
    size_t len = strcspn(name, "=");

    if (name[len] == '=') {
        if (!out->row->value)
            return diag_fail(o->d, E_USAGE, "option '%s' takes no value", out->spelt);
        out->value = name + len + 1;
        return true;
    }
    return take_value(o, out);
}

static bool short_option(struct opts *o, const char *name, struct opt *out)
{
    if (!name[1])
        return take_value(o, out);
    out->value = name + 1;
    return true;
}

bool opts_next(struct opts *o, struct opt *out)
{
    const char *arg = o->argv[o->next++];
    const char *name = arg + 1 + (arg[0] == '-' && arg[1] == '-');
    bool two = arg[0] == '-' && arg[1] == '-';
    size_t len = 0;

    *out = (struct opt){.spelt = arg};
    if (two && !*name && !o->ended) {
        o->ended = true;
        if (!opts_more(o))
            return true;
        arg = o->argv[o->next++];
    }
    if (o->ended || arg[0] != '-' || !arg[1]) {
        out->value = arg;
        return true;
    }

    len = strcspn(name, "=");
    if (len > 1 && (two || o->long_o || name[0] != 'o'))
        out->row = find(o, name, len);
    if (out->row)
        return long_option(o, name, out);
    if (!two)
        out->row = find(o, name, 1);
    /* Only an option that takes a value has something behind its letter. */
    if (!out->row || (!out->row->value && name[1])) {
        out->row = NULL;
        return diag_fail(o->d, E_USAGE, "unknown option '%s'", arg);
    }
    return short_option(o, name, out);
}

bool opt_names(const struct opt_row *row, bool (*seen)(void *arg, const char *name), void *arg)
{
    for (const char *p = row->names; p && *p; p += name_length(p), p += *p == '|') {
        size_t n = name_length(p);
        bool two = n > 1 && !(p[0] >= 'A' && p[0] <= 'Z');
        char name[64] = "--";

        memcpy(name + (two ? 2 : 1), p, n < 60 ? n : 60);
        if (!seen(arg, name))
            return false;
    }
    return true;
}

struct spelling {
    struct buf *out;
    const struct opt_row *row;
    uint64_t start; /* of the line */
    bool more;
};

/* "-L DIR", "--soname=NAME", "--build-id[=STYLE]", "-O[LEVEL]" */
static bool print_name(void *arg, const char *name)
{
    struct spelling *s = arg;
    const char *value = s->row->value;
    bool is_long = name[2] != 0;
    size_t len = strlen(name) + (value ? strlen(value) + 2 : 0);

    if (s->more)
        buf_printf(s->out, ",");
    if (s->more && s->out->size - s->start + 1 + len > WIDTH) {
        buf_printf(s->out, "\n ");
        s->start = s->out->size - 1;
    }
    buf_printf(s->out, " %s", name);
    s->more = true;
    if (value && is_optional(s->row))
        buf_printf(s->out, is_long ? "[=%s" : "[%s", value + 1);
    else if (value)
        buf_printf(s->out, "%c%s", is_long ? '=' : ' ', value);
    return true;
}

void opt_wrap(struct buf *out, uint64_t start, unsigned indent, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, " ");

        if (out->size - start + 1 + n > WIDTH && out->size - start > indent) {
            buf_printf(out, "\n");
            start = out->size;
        }
        if (out->size - start < indent)
            buf_printf(out, "%*s", (int)(indent - (out->size - start)), "");
        else if (out->size - start > indent)
            buf_printf(out, " ");
        buf_bytes(out, text, n);
        text += n;
        text += strspn(text, " ");
    }
    buf_printf(out, "\n");
}

void opt_help(struct buf *out, const struct opt_row *row)
{
    struct spelling s = {out, row, out->size, false};

    buf_printf(out, " ");
    opt_names(row, print_name, &s);
    if (out->size - s.start > HELP_AT - 2) {
        buf_printf(out, "\n");
        s.start = out->size;
    }
    opt_wrap(out, s.start, HELP_AT, row->help);
}
