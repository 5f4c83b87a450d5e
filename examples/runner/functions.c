/* SPDX-License-Identifier: MIT */
/* functions.c - the functions in a source, by its text.
 *
 * The interpreters compile a function for each of these, and tell nobody: their APIs have no way
 * to list them.  None of them has machine code, or counts calls, so a function's flags say
 * only of a whole program that it was executed. */

#include "runner.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct reader {
    const char *at;
    uint32_t line, last_line; /* LAST_LINE: of the function that was told before */
    int javascript;
    int value; /* before AT there is one: a slash divides it, and begins no regular expression */
    char word[64], before[64]; /* the last name; the one before it, if nothing stood between */
};

static void step(struct reader *r)
{
    r->line += *r->at == '\n';
    r->at += *r->at != 0;
}

/* Behind END, or at the text's end. */
static void skip_to(struct reader *r, const char *end)
{
    while (*r->at && strncmp(r->at, end, strlen(end)) != 0)
        step(r);
    for (size_t i = strlen(end); i && *r->at; i--)
        step(r);
}

/* A string that ends with QUOTE, or a regular expression, in whose classes a slash is one. */
static void skip_quoted(struct reader *r, char quote)
{
    int in_class = 0;

    step(r);
    while (*r->at && *r->at != '\n' && (in_class || *r->at != quote)) {
        in_class = quote == '/' && (in_class ? *r->at != ']' : *r->at == '[');
        if (*r->at == '\\')
            step(r);
        step(r);
    }
    step(r);
    r->value = 1;
}

/* Lua's [[text]], [=[text]=] and so on.  0: there is none here. */
static int skip_long_bracket(struct reader *r)
{
    size_t level = *r->at == '[' ? strspn(r->at + 1, "=") : 0;
    char end[32] = "]";

    if (*r->at != '[' || r->at[1 + level] != '[' || level > sizeof end - 3)
        return 0;
    memset(end + 1, '=', level);
    strcpy(end + 1 + level, "]");
    skip_to(r, end);
    r->value = 1;
    return 1;
}

/* 1 if there was a comment. */
static int skip_comment(struct reader *r)
{
    if (r->javascript ? strncmp(r->at, "//", 2) == 0 : strncmp(r->at, "--", 2) == 0) {
        r->at += 2;
        if (r->javascript || !skip_long_bracket(r))
            while (*r->at && *r->at != '\n')
                r->at++;
        return 1;
    }
    if (r->javascript && strncmp(r->at, "/*", 2) == 0) {
        skip_to(r, "*/");
        return 1;
    }
    return 0;
}

static int is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static void read_word(struct reader *r)
{
    static const char *const operators[] = {"return", "typeof", "case", "in",   "of", "delete",
                                            "void",   "throw",  "new",  "else", "do", "instanceof"};
    size_t size = 0;

    strcpy(r->before, r->word);
    while (is_name(*r->at) || (!r->javascript && (*r->at == '.' || *r->at == ':'))) {
        if (size < sizeof r->word - 1)
            r->word[size++] = *r->at;
        r->at++;
    }
    r->word[size] = 0;
    r->value = 1;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(r->word, operators[i]) == 0)
            r->value = 0;
}

static void tell_function(struct session *s, const struct source *f, struct reader *r,
                          const char *name, uint32_t flags)
{
    char text[96];
    struct simg_function function = {.source = f->number, .line = r->line, .flags = flags};

    /* Two on a line are told apart by where they are. */
    if (!*name || r->line == r->last_line)
        snprintf(text, sizeof text, "%s@%zx", name, (size_t)(r->at - f->text));
    else
        snprintf(text, sizeof text, "%s", name);
    function.name = text;
    r->last_line = r->line;
    simg_cache_function(s->cache, &function);
}

void functions_tell(struct session *s, const struct source *f)
{
    struct reader r = {.at = f->text, .line = 1, .javascript = s->language->block_comments};

    tell_function(s, f, &r, ":program", SIMG_FUNCTION_EXECUTED);
    r.last_line = 0;
    while (*r.at) {
        char c = *r.at;

        if (isspace((unsigned char)c)) {
            step(&r);
        } else if (skip_comment(&r) || (!r.javascript && skip_long_bracket(&r))) {
            continue;
        } else if (c == '"' || c == '\'' || (r.javascript && c == '/' && !r.value)) {
            skip_quoted(&r, c);
        } else if (is_name(c)) {
            read_word(&r);
        } else {
            if (c == '(' && strcmp(r.word, "function") == 0)
                tell_function(s, f, &r, "", 0);
            else if (c == '(' && strcmp(r.before, "function") == 0)
                tell_function(s, f, &r, r.word, 0);
            else if (c == '(' && r.javascript &&
                     (strcmp(r.before, "get") == 0 || strcmp(r.before, "set") == 0))
                tell_function(s, f, &r, r.word, 0);
            r.word[0] = r.before[0] = 0;
            r.value = c == ')' || c == ']' || c == '}';
            step(&r);
        }
    }
}
