/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lexer.h - words and marks of the texts that ld reads. */

#ifndef LINK_LEXER_H
#define LINK_LEXER_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_QUOTED, /* the text between the quotes */
    TOKEN_MARK,   /* one character of the lexer's MARKS */
};

/* The text is in the input, not terminated. */
struct token {
    enum token_kind kind;
    const char *at;
    size_t len;
    uint32_t line;
};

struct lexer {
    struct diag *d;
    struct span in;
    uint64_t pos;
    uint32_t line;      /* starts at 1 */
    const char *marks;  /* characters that stand alone and end a name */
    bool hash;          /* '#' starts a comment */
    struct token token; /* the current one */
};

/* Move to the next token.  False for a quote or comment that does not end,
   and for a NUL byte. */
bool lexer_next(struct lexer *lex);

/* The current token is the mark C, or the unquoted name S. */
bool lexer_is(const struct lexer *lex, char c);
bool lexer_is_name(const struct lexer *lex, const char *s);

/* If the current token is the mark C, move on; else say that it is missing. */
bool lexer_expect(struct lexer *lex, char c);

/* Fail at the current token: "line 3: WHAT, not `x'". */
bool lexer_fail(struct lexer *lex, enum status status, const char *what);

/* A copy of the current token's text; NULL, said, without memory. */
const char *lexer_text(struct lexer *lex, struct arena *a);

#endif
