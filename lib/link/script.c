/* SPDX-License-Identifier: GPL-3.0-or-later */
/* script.c - linker scripts that stand in for libraries: lists of files, as
 * /usr/lib/libc.so is one.  Scripts that lay out an image are refused. */

#include "script.h"

#include "lexer.h"

#include <string.h>

/* Deeper than any script needs: AS_NEEDED inside GROUP is two. */
enum { MAX_DEPTH = 16 };

struct reader {
    struct lexer lex;
    struct arena *a;
    struct linker_script *out;
    uint64_t input_cap, search_cap;
    uint32_t groups;
};

bool script_is(struct span in)
{
    for (uint64_t i = 0; i < in.size; i++)
        if (in.at[i] == 0x7f || (in.at[i] < ' ' && (in.at[i] < '\t' || in.at[i] > '\r')))
            return false;
    return in.size > 0;
}

/* A name in a list: "libx.so", or -lx for a library to search. */
static bool add_input(struct reader *r, bool as_needed, uint32_t group)
{
    const struct token *t = &r->lex.token;
    struct script_input in = {.as_needed = as_needed, .group = group};
    void *inputs = r->out->inputs;

    in.name = lexer_text(&r->lex, r->a);
    if (!in.name)
        return false;
    if (t->kind == TOKEN_NAME && strncmp(in.name, "-l", 2) == 0) {
        in.library = true;
        in.name += 2;
    }
    if (!*in.name)
        return lexer_fail(&r->lex, E_FORMAT, "expected the name of a file");
    if (!arena_grow(r->a, &inputs, r->out->input_count, &r->input_cap, sizeof in))
        return diag_nomem(r->lex.d);
    r->out->inputs = inputs;
    r->out->inputs[r->out->input_count++] = in;
    return lexer_next(&r->lex);
}

/* "( a, b AS_NEEDED ( c ) -ld )" */
static bool read_list(struct reader *r, bool as_needed, uint32_t group, unsigned depth)
{
    if (depth > MAX_DEPTH)
        return lexer_fail(&r->lex, E_FORMAT, "lists are nested too deeply");
    if (!lexer_expect(&r->lex, '('))
        return false;
    while (!lexer_is(&r->lex, ')')) {
        bool ok = false;

        if (lexer_is(&r->lex, ','))
            ok = lexer_next(&r->lex);
        else if (lexer_is_name(&r->lex, "AS_NEEDED"))
            ok = lexer_next(&r->lex) && read_list(r, true, group, depth + 1);
        else if (r->lex.token.kind == TOKEN_NAME || r->lex.token.kind == TOKEN_QUOTED)
            ok = add_input(r, as_needed, group);
        else
            return lexer_fail(&r->lex, E_FORMAT, "expected the name of a file or `)'");
        if (!ok)
            return false;
    }
    return lexer_next(&r->lex);
}

/* "( NAME )" or "( NAME, NAME, NAME )"; *FIRST is the first. */
static bool read_names(struct reader *r, const char **first)
{
    bool more = false;

    *first = NULL;
    if (!lexer_expect(&r->lex, '('))
        return false;
    do {
        if (r->lex.token.kind != TOKEN_NAME && r->lex.token.kind != TOKEN_QUOTED)
            return lexer_fail(&r->lex, E_FORMAT, "expected a name");
        if (!*first && !(*first = lexer_text(&r->lex, r->a)))
            return false;
        if (!lexer_next(&r->lex))
            return false;
        more = lexer_is(&r->lex, ',');
        if (more && !lexer_next(&r->lex))
            return false;
    } while (more);
    return lexer_expect(&r->lex, ')');
}

static bool add_search(struct reader *r)
{
    const char *dir = NULL;
    void *search = r->out->search;

    if (!read_names(r, &dir))
        return false;
    if (!arena_grow(r->a, &search, r->out->search_count, &r->search_cap, sizeof dir))
        return diag_nomem(r->lex.d);
    r->out->search = search;
    r->out->search[r->out->search_count++] = dir;
    return true;
}

static bool read_command(struct reader *r)
{
    struct lexer *lex = &r->lex;
    const char *ignored = NULL;

    if (lexer_is(lex, ';'))
        return lexer_next(lex);
    if (lexer_is_name(lex, "INPUT"))
        return lexer_next(lex) && read_list(r, false, 0, 1);
    if (lexer_is_name(lex, "GROUP"))
        return lexer_next(lex) && read_list(r, false, ++r->groups, 1);
    if (lexer_is_name(lex, "AS_NEEDED"))
        return lexer_next(lex) && read_list(r, true, 0, 1);
    if (lexer_is_name(lex, "SEARCH_DIR"))
        return lexer_next(lex) && add_search(r);
    if (lexer_is_name(lex, "OUTPUT_FORMAT"))
        return lexer_next(lex) && read_names(r, &r->out->output_format);
    /* What these say is known from the objects themselves. */
    if (lexer_is_name(lex, "OUTPUT_ARCH") || lexer_is_name(lex, "TARGET"))
        return lexer_next(lex) && read_names(r, &ignored);

    for (const char *const *p = (const char *const[]){"SECTIONS",
                                                      "PHDRS",
                                                      "MEMORY",
                                                      "VERSION",
                                                      "ENTRY",
                                                      "EXTERN",
                                                      "STARTUP",
                                                      "OUTPUT",
                                                      "INCLUDE",
                                                      "PROVIDE",
                                                      "ASSERT",
                                                      "INSERT",
                                                      "HIDDEN",
                                                      "PROVIDE_HIDDEN",
                                                      "REGION_ALIAS",
                                                      "NOCROSSREFS",
                                                      "NOCROSSREFS_TO",
                                                      "LD_FEATURE",
                                                      "CONSTRUCTORS",
                                                      "FORCE_COMMON_ALLOCATION",
                                                      "INHIBIT_COMMON_ALLOCATION",
                                                      "FORCE_GROUP_ALLOCATION",
                                                      NULL};
         *p; p++)
        if (lexer_is_name(lex, *p))
            return lexer_fail(lex, E_UNSUPPORTED,
                              "only scripts that list libraries are supported "
                              "(INPUT, GROUP, AS_NEEDED, SEARCH_DIR, OUTPUT_FORMAT)");
    return lexer_fail(lex, E_FORMAT, "expected a linker script command such as INPUT or GROUP");
}

bool script_read(struct diag *d, struct arena *a, struct span in, struct linker_script *out)
{
    struct reader r = {.lex = {.d = d, .in = in, .line = 1, .marks = "(){};,"}, .a = a, .out = out};
    bool ok = true;

    *out = (struct linker_script){0};
    ok = lexer_next(&r.lex);
    while (ok && r.lex.token.kind != TOKEN_END)
        ok = read_command(&r);
    if (!ok)
        *out = (struct linker_script){0};
    return ok;
}
