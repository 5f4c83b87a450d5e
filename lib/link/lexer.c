/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lexer.c - words and marks, C comments, quotes, line numbers. */

#include "lexer.h"

#include <stdio.h>
#include <string.h>

/* The character at POS + AHEAD, 0 behind the end. */
static char peek(const struct lexer *lex, uint64_t ahead)
{
    return ahead < lex->in.size - lex->pos ? (char)lex->in.at[lex->pos + ahead] : 0;
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool at_end(const struct lexer *lex) { return lex->pos == lex->in.size; }

static bool fail_at(struct lexer *lex, uint32_t line, enum status status, const char *what)
{
    struct where here = {lex->d->where, "line", line};

    lex->d->where = &here;
    diag_fail(lex->d, status, "%s", what);
    lex->d->where = here.up;
    return false;
}

static void step(struct lexer *lex)
{
    if (lex->in.at[lex->pos++] == '\n')
        lex->line++;
}

/* Skip blanks and comments. */
static bool skip(struct lexer *lex)
{
    while (!at_end(lex)) {
        uint32_t line = lex->line;

        if (is_space(peek(lex, 0))) {
            step(lex);
        } else if (lex->hash && peek(lex, 0) == '#') {
            while (!at_end(lex) && peek(lex, 0) != '\n')
                step(lex);
        } else if (peek(lex, 0) == '/' && peek(lex, 1) == '*') {
            lex->pos += 2;
            while (!at_end(lex) && !(peek(lex, 0) == '*' && peek(lex, 1) == '/'))
                step(lex);
            if (at_end(lex))
                return fail_at(lex, line, E_FORMAT, "a comment does not end");
            lex->pos += 2;
        } else {
            break;
        }
    }
    return true;
}

static bool is_mark(const struct lexer *lex, char c) { return c && strchr(lex->marks, c); }

/* A name may hold "::", so that C++ patterns need no quotes. */
static bool in_name(const struct lexer *lex)
{
    char c = peek(lex, 0);

    if (at_end(lex) || is_space(c) || c == '"' || (c == '/' && peek(lex, 1) == '*'))
        return false;
    return !is_mark(lex, c) || (c == ':' && peek(lex, 1) == ':');
}

bool lexer_next(struct lexer *lex)
{
    struct token *t = &lex->token;

    *t = (struct token){.kind = TOKEN_END, .at = "", .line = lex->line};
    if (!skip(lex))
        return false;
    t->line = lex->line;
    if (at_end(lex))
        return true;
    t->at = (const char *)lex->in.at + lex->pos;
    if (peek(lex, 0) == '"') {
        t->kind = TOKEN_QUOTED;
        t->at++;
        lex->pos++;
        while (!at_end(lex) && peek(lex, 0) != '"' && peek(lex, 0) != '\n')
            lex->pos++;
        t->len = (size_t)((const char *)lex->in.at + lex->pos - t->at);
        if (peek(lex, 0) != '"')
            return fail_at(lex, t->line, E_FORMAT, "a quoted name does not end");
        lex->pos++;
    } else if (!in_name(lex)) {
        t->kind = TOKEN_MARK;
        t->len = 1;
        lex->pos++;
    } else {
        t->kind = TOKEN_NAME;
        while (in_name(lex))
            lex->pos += is_mark(lex, peek(lex, 0)) ? 2 : 1;
        t->len = (size_t)((const char *)lex->in.at + lex->pos - t->at);
    }
    if (memchr(t->at, 0, t->len))
        return fail_at(lex, t->line, E_FORMAT, "a NUL byte; this is no text");
    return true;
}

bool lexer_is(const struct lexer *lex, char c)
{
    return lex->token.kind == TOKEN_MARK && lex->token.at[0] == c;
}

bool lexer_is_name(const struct lexer *lex, const char *s)
{
    const struct token *t = &lex->token;

    return t->kind == TOKEN_NAME && t->len == strlen(s) && memcmp(t->at, s, t->len) == 0;
}

bool lexer_expect(struct lexer *lex, char c)
{
    char what[] = "expected `?'";

    if (lexer_is(lex, c))
        return lexer_next(lex);
    what[sizeof what - 3] = c;
    return lexer_fail(lex, E_FORMAT, what);
}

bool lexer_fail(struct lexer *lex, enum status status, const char *what)
{
    const struct token *t = &lex->token;
    int len = t->len > 60 ? 60 : (int)t->len; /* enough to find it */
    char text[256];

    if (t->kind == TOKEN_END)
        snprintf(text, sizeof text, "%s, not the end of the text", what);
    else
        snprintf(text, sizeof text, "%s, not `%.*s%s'", what, len, t->at, t->len > 60 ? "..." : "");
    return fail_at(lex, t->line, status, text);
}

const char *lexer_text(struct lexer *lex, struct arena *a)
{
    const char *text = arena_strndup(a, lex->token.at, lex->token.len);

    if (!text)
        diag_nomem(lex->d);
    return text;
}
