/* SPDX-License-Identifier: GPL-3.0-or-later */
/* def.c - module definition files: LIBRARY and EXPORTS. */

#include "dll/dll.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

bool dll_is_def(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && !strcasecmp(dot, ".def");
}

struct parser {
    struct diag *d;
    struct arena *a;
    struct span text;
    uint64_t at;
    uint32_t line;
    struct def_file *out;
    char *token;    /* NULL at the end of the text */
    bool quoted;
    bool first;     /* the first of its line */
};

static bool fail(struct parser *p, const char *what)
{
    return diag_fail(p->d, E_FORMAT, "line %" PRIu32 ": %s%s%s", p->line, what,
                     p->token ? " " : "", p->token ? p->token : "");
}

static bool is_special(uint8_t c) { return c == '=' || c == ',' || c == '@'; }

/* Read the next token: a word, a quoted string, "=", "==", "," or "@". */
static bool advance(struct parser *p)
{
    uint64_t start = 0, end = 0;

    p->token = NULL;
    p->quoted = false;
    p->first = p->at == 0;
    for (; p->at < p->text.size; p->at++) {
        uint8_t c = p->text.at[p->at];

        if (c == ';')
            while (p->at + 1 < p->text.size && p->text.at[p->at + 1] != '\n')
                p->at++;
        else if (c == '\n') {
            p->line++;
            p->first = true;
        } else if (c > ' ')
            break;
    }
    if (p->at == p->text.size)
        return true;
    start = p->at;
    if (p->text.at[start] == '"' || p->text.at[start] == '\'') {
        uint8_t quote = p->text.at[start++];

        for (p->at++; p->at < p->text.size && p->text.at[p->at] != quote; p->at++)
            if (p->text.at[p->at] == '\n')
                return fail(p, "a string does not end");
        if (p->at == p->text.size)
            return fail(p, "a string does not end");
        end = p->at++;
        p->quoted = true;
    } else if (is_special(p->text.at[start])) {
        while (p->at < p->text.size && p->text.at[p->at] == p->text.at[start] && p->at - start < 2)
            p->at++;
        end = p->at;
    } else {
        while (p->at < p->text.size && p->text.at[p->at] > ' ' && p->text.at[p->at] != ';' &&
               p->text.at[p->at] != '=' && p->text.at[p->at] != ',' && p->text.at[p->at] != '"')
            p->at++;
        end = p->at;
    }
    p->token = arena_strndup(p->a, (const char *)p->text.at + start, end - start);
    return p->token || diag_nomem(p->d);
}

static bool is(const struct parser *p, const char *word)
{
    return p->token && !p->quoted && !strcasecmp(p->token, word);
}

static bool is_keyword(const struct parser *p)
{
    static const char *const words[] = {"LIBRARY",  "NAME",      "EXPORTS", "DESCRIPTION", "STACKSIZE",
                                        "HEAPSIZE", "SECTIONS",  "IMPORTS", "VERSION",     "CODE",
                                        "DATA",     "SEGMENTS"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (p->first && is(p, words[i]))
            return true;
    return false;
}

static bool number(struct parser *p, const char *text, uint64_t *out)
{
    char *end = NULL;

    *out = strtoull(text, &end, 0);
    return (*text && !*end) || fail(p, "expected a number, not");
}

/* LIBRARY [name] [BASE=address] */
static bool read_library(struct parser *p)
{
    if (!advance(p))
        return false;
    if (p->token && !p->first && !is(p, "BASE")) {
        p->out->library = p->token;
        if (!advance(p))
            return false;
    }
    if (!is(p, "BASE"))
        return true;
    if (!advance(p) || !is(p, "=") || !advance(p) || !p->token)
        return fail(p, "BASE without its address");
    p->out->has_base = true;
    return number(p, p->token, &p->out->base) && advance(p);
}

/* @N, or @ N: the token may be "@" or a word that begins so. */
static bool read_ordinal(struct parser *p, struct def_export *e)
{
    uint64_t n = 0;

    if (!advance(p) || !p->token)
        return fail(p, "@ without its number");
    if (!number(p, p->token, &n))
        return false;
    if (n == 0 || n > 65535)
        return fail(p, "numbers of exports are from 1 to 65535, not");
    e->ordinal = (uint32_t)n;
    return advance(p);
}

/* name [= internal | = DLL.name] [@N [NONAME]] [DATA | CONSTANT] [PRIVATE] [== alias] */
static bool read_export(struct parser *p)
{
    struct def_export e = {.name = p->token};

    if (!advance(p))
        return false;
    while (p->token && !p->first) {
        if (is(p, "=")) {
            if (!advance(p) || !p->token)
                return fail(p, "= without a name");
            *(strchr(p->token, '.') ? &e.forward : &e.internal) = p->token;
        } else if (is(p, "@")) {
            if (!read_ordinal(p, &e))
                return false;
            continue;
        } else if (is(p, "NONAME")) {
            e.noname = true;
        } else if (is(p, "DATA") || is(p, "CONSTANT")) {
            e.data = true;
        } else if (is(p, "PRIVATE")) {
            e.private = true;
        } else if (is(p, "==")) { /* the name that importers look for */
            if (!advance(p) || !p->token)
                return fail(p, "== without a name");
            e.internal = e.internal ? e.internal : e.name;
            e.name = p->token;
        } else {
            return fail(p, "expected what an export may have, not");
        }
        if (!advance(p))
            return false;
    }
    if (e.noname && !e.ordinal)
        return fail(p, "NONAME without a number");
    if (!arena_grow(p->a, (void **)&p->out->exports, p->out->count, &p->out->cap, sizeof e))
        return diag_nomem(p->d);
    p->out->exports[p->out->count++] = e;
    return true;
}

/* Statements that change nothing in a DLL of ours. */
static bool skip_statement(struct parser *p)
{
    do {
        if (!advance(p))
            return false;
    } while (p->token && !p->first);
    return true;
}

bool def_read(struct diag *d, struct arena *a, struct span text, struct def_file *out)
{
    struct parser p = {.d = d, .a = a, .text = text, .line = 1, .out = out};

    *out = (struct def_file){0};
    if (!advance(&p))
        return false;
    while (p.token) {
        if (!p.first || !is_keyword(&p))
            return fail(&p, "expected LIBRARY, EXPORTS or another statement, not");
        if (is(&p, "NAME") || is(&p, "LIBRARY")) {
            if (!read_library(&p))
                return false;
        } else if (is(&p, "EXPORTS")) {
            if (!advance(&p))
                return false;
            while (p.token && !is_keyword(&p))
                if (!read_export(&p))
                    return false;
        } else if (is(&p, "IMPORTS") || is(&p, "SEGMENTS") || is(&p, "SECTIONS")) {
            return diag_fail(d, E_UNSUPPORTED, "line %" PRIu32 ": %s is not supported", p.line,
                             p.token);
        } else if (!skip_statement(&p)) {
            return false;
        }
    }
    return true;
}

bool dll_add_def(struct link *l, const struct file *f)
{
    struct def_file *def = arena_alloc(&l->arena, 1, sizeof *def);
    struct where here = {l->d->where, f->path, NO_INDEX};
    bool ok = false;

    if (!def || !dll_state(l))
        return diag_nomem(l->d);
    l->d->where = &here;
    ok = def_read(l->d, &l->arena, f->data, def);
    l->d->where = here.up;
    if (!ok)
        return false;
    if (!arena_grow(&l->arena, (void **)&l->dll->defs, l->dll->def_count, &l->dll->def_cap,
                    sizeof(struct def_file *)))
        return diag_nomem(l->d);
    l->dll->defs[l->dll->def_count++] = def;
    return true;
}
