/* SPDX-License-Identifier: GPL-3.0-or-later */
/* version.c - version scripts, dynamic lists and lists of exports: read them,
 * and say which node a symbol belongs to. */

#include "script.h"

#include "lexer.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* Indices share 15 bits with a flag; 0 and 1 are taken. */
enum { FIRST_INDEX = 2, LAST_INDEX = 0x7fff };

/* Where a name or a pattern stands. */
struct entry {
    const char *text; /* NULL: this slot is free */
    uint32_t node;
    bool local, cxx;
};

/* What a script's LOOKUP points to. */
struct lookup {
    struct entry *slots; /* exact names, hashed; COUNT slots, a power of two */
    uint64_t count, used;
    struct entry *wild; /* patterns with wildcards, in the order of the text */
    uint64_t wild_count, wild_cap;
    uint64_t pattern_cap; /* room in the last node */
};

struct reader {
    struct lexer lex;
    struct arena *a;
    struct version_script *out;
    uint64_t node_cap;
    struct lookup names; /* of the nodes */
    bool list;           /* a dynamic list: no labels, no names */
};

/* ---- the table ---- */

static uint64_t hash(const char *s, bool cxx)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) + cxx;

    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
    return h ^ h >> 29;
}

/* The slot that holds the exact name TEXT, or the free one for it. */
static struct entry *find_slot(const struct lookup *l, const char *text, bool cxx)
{
    uint64_t i = hash(text, cxx) & (l->count - 1);

    while (l->slots[i].text && (l->slots[i].cxx != cxx || strcmp(l->slots[i].text, text) != 0))
        i = (i + 1) & (l->count - 1);
    return &l->slots[i];
}

/* True if A comes before B: an earlier node, or global in the same one. */
static bool comes_before(const struct entry *a, const struct entry *b)
{
    return a->node != b->node ? a->node < b->node : a->local < b->local;
}

static bool grow_slots(struct arena *a, struct lookup *l)
{
    struct lookup bigger = {.count = l->count ? l->count * 2 : 64};

    bigger.slots = arena_alloc(a, bigger.count, sizeof *bigger.slots);
    if (!bigger.slots)
        return false;
    for (uint64_t i = 0; i < l->count; i++)
        if (l->slots[i].text)
            *find_slot(&bigger, l->slots[i].text, l->slots[i].cxx) = l->slots[i];
    l->slots = bigger.slots;
    l->count = bigger.count;
    return true;
}

static bool index_pattern(struct arena *a, struct lookup *l, const struct version_pattern *p,
                          uint32_t node)
{
    struct entry e = {p->text, node, p->local, p->cxx};
    void *wild = l->wild;

    if (!p->exact) {
        if (!arena_grow(a, &wild, l->wild_count, &l->wild_cap, sizeof e))
            return false;
        l->wild = wild;
        l->wild[l->wild_count++] = e;
        return true;
    }
    if (l->used * 2 >= l->count && !grow_slots(a, l))
        return false;

    struct entry *slot = find_slot(l, e.text, e.cxx);

    if (!slot->text)
        l->used++;
    if (!slot->text || comes_before(&e, slot))
        *slot = e;
    return true;
}

/* Add P to the last node of SCRIPT. */
static bool add_pattern(struct arena *a, struct version_script *script,
                        const struct version_pattern *p)
{
    struct lookup *l = script->lookup;
    struct version_node *n = &script->nodes[script->node_count - 1];
    void *patterns = n->patterns;

    if (!arena_grow(a, &patterns, n->pattern_count, &l->pattern_cap, sizeof *p))
        return false;
    n->patterns = patterns;
    n->patterns[n->pattern_count++] = *p;
    script->has_cxx |= p->cxx;
    return index_pattern(a, l, p, script->node_count - 1);
}

/* Set EXACT and ALL of P from its text.  An exact name loses its
   backslashes; TEXT is changed in place. */
static void classify(struct version_pattern *p, char *text, bool quoted)
{
    char *to = text;

    p->text = text;
    p->exact = quoted || !text[strcspn(text, "*?[")];
    p->all = !quoted && strcmp(text, "*") == 0;
    if (quoted || !p->exact)
        return;
    for (const char *from = text; *from; from++) {
        if (*from == '\\' && from[1])
            from++;
        *to++ = *from;
    }
    *to = 0;
}

/* ---- reading ---- */

/* A name or pattern; the lexer stands on it. */
static bool read_pattern(struct reader *r, bool local, bool cxx)
{
    const struct token *t = &r->lex.token;
    struct version_pattern p = {.cxx = cxx, .local = local, .line = t->line};
    char *text = NULL;

    if (t->kind != TOKEN_NAME && t->kind != TOKEN_QUOTED)
        return lexer_fail(&r->lex, E_FORMAT, "expected a symbol's name");
    text = arena_strndup(r->a, t->at, t->len);
    if (!text)
        return diag_nomem(r->lex.d);
    classify(&p, text, t->kind == TOKEN_QUOTED);
    if (!add_pattern(r->a, r->out, &p))
        return diag_nomem(r->lex.d);
    return lexer_next(&r->lex);
}

/* 'extern "C++" { a; b }': the lexer stands behind the word extern. */
static bool read_extern(struct reader *r, bool local)
{
    struct lexer *lex = &r->lex;
    bool cxx = false;

    if (lex->token.kind != TOKEN_QUOTED)
        return lexer_fail(lex, E_FORMAT, "expected a quoted language");
    cxx = lex->token.len == 3 && memcmp(lex->token.at, "C++", 3) == 0;
    if (!cxx && !(lex->token.len == 1 && lex->token.at[0] == 'C'))
        return lexer_fail(lex, E_UNSUPPORTED, "the languages known are \"C\" and \"C++\"");
    if (!lexer_next(lex) || !lexer_expect(lex, '{'))
        return false;
    while (!lexer_is(lex, '}')) {
        if (!read_pattern(r, local, cxx))
            return false;
        if (!lexer_is(lex, '}') && !lexer_expect(lex, ';'))
            return false;
    }
    return lexer_next(lex);
}

/* What stands between the braces of a node, and the brace that ends it.
   ld wants global: before local: and each once; any order is read here. */
static bool read_body(struct reader *r)
{
    struct lexer *lex = &r->lex;
    bool local = false;

    if (!lexer_expect(lex, '{'))
        return false;
    while (!lexer_is(lex, '}')) {
        struct lexer start = *lex;
        bool is_local = lexer_is_name(lex, "local");

        /* "global" and "local" are labels only in front of a colon. */
        if (is_local || lexer_is_name(lex, "global")) {
            if (!lexer_next(lex))
                return false;
            if (lexer_is(lex, ':') && !r->list) {
                local = is_local;
                if (!lexer_next(lex))
                    return false;
                continue;
            }
            *lex = start;
        }
        if (lexer_is_name(lex, "extern") ? !lexer_next(lex) || !read_extern(r, local)
                                         : !read_pattern(r, local, false))
            return false;
        if (!lexer_expect(lex, ';'))
            return false;
    }
    return lexer_next(lex);
}

static bool add_node(struct reader *r, const char *name, uint16_t index)
{
    void *nodes = r->out->nodes;

    if (!arena_grow(r->a, &nodes, r->out->node_count, &r->node_cap, sizeof *r->out->nodes))
        return diag_nomem(r->lex.d);
    r->out->nodes = nodes;
    if (r->names.used * 2 >= r->names.count && !grow_slots(r->a, &r->names))
        return diag_nomem(r->lex.d);
    *find_slot(&r->names, name, false) = (struct entry){name, r->out->node_count, false, false};
    r->names.used++;
    r->out->nodes[r->out->node_count++] = (struct version_node){.name = name, .index = index};
    ((struct lookup *)r->out->lookup)->pattern_cap = 0;
    return true;
}

/* The names behind a node's brace: nodes that it depends on. */
static bool read_parents(struct reader *r)
{
    struct version_node *n = &r->out->nodes[r->out->node_count - 1];
    struct lexer *lex = &r->lex;
    uint64_t cap = 0;

    while (lex->token.kind == TOKEN_NAME || lex->token.kind == TOKEN_QUOTED) {
        const char *name = lexer_text(lex, r->a);
        const struct entry *parent = name ? find_slot(&r->names, name, false) : NULL;
        void *parents = n->parents;

        if (!name)
            return false;
        if (!parent->text || parent->node == r->out->node_count - 1)
            return lexer_fail(lex, E_FORMAT, "expected a version that was defined before");
        if (!arena_grow(r->a, &parents, n->parent_count, &cap, sizeof *n->parents))
            return diag_nomem(lex->d);
        n->parents = parents;
        n->parents[n->parent_count++] = r->out->nodes[parent->node].index;
        if (!lexer_next(lex))
            return false;
    }
    return true;
}

static bool read_node(struct reader *r)
{
    struct lexer *lex = &r->lex;
    bool first = r->out->node_count == 0;
    const char *name = "";

    if (lexer_is(lex, '{')) {
        if (!first && !r->list)
            return lexer_fail(lex, E_FORMAT, "an anonymous version stands alone");
        if (first && !add_node(r, name, VERSION_GLOBAL))
            return false;
        return read_body(r) && lexer_expect(lex, ';');
    }
    if (r->list)
        return lexer_fail(lex, E_FORMAT, "expected `{'");
    if (lex->token.kind != TOKEN_NAME && lex->token.kind != TOKEN_QUOTED)
        return lexer_fail(lex, E_FORMAT, "expected the name of a version or `{'");
    if (!first && !*r->out->nodes[0].name)
        return lexer_fail(lex, E_FORMAT, "an anonymous version stands alone");
    if (lex->token.len == 0)
        return lexer_fail(lex, E_FORMAT, "a version needs a name");
    if (r->out->node_count > LAST_INDEX - FIRST_INDEX)
        return lexer_fail(lex, E_UNSUPPORTED, "too many versions");
    name = lexer_text(lex, r->a);
    if (!name)
        return false;
    if (!first && find_slot(&r->names, name, false)->text)
        return lexer_fail(lex, E_FORMAT, "expected a new version");
    return add_node(r, name, (uint16_t)(FIRST_INDEX + r->out->node_count)) && lexer_next(lex) &&
           read_body(r) && read_parents(r) && lexer_expect(lex, ';');
}

bool version_read(struct diag *d, struct arena *a, struct span in, bool dynamic_list,
                  struct version_script *out)
{
    struct reader r = {.lex = {.d = d, .in = in, .line = 1, .marks = "{};:", .hash = true},
                       .a = a,
                       .out = out,
                       .list = dynamic_list};
    bool ok = true;

    *out = (struct version_script){.lookup = arena_alloc(a, 1, sizeof(struct lookup))};
    if (!out->lookup)
        return diag_nomem(d);
    ok = lexer_next(&r.lex);
    if (ok && r.lex.token.kind == TOKEN_END)
        ok = lexer_fail(&r.lex, E_FORMAT, "expected a version");
    while (ok && r.lex.token.kind != TOKEN_END)
        ok = read_node(&r);
    if (!ok)
        *out = (struct version_script){0};
    return ok;
}

bool version_add_pattern(struct diag *d, struct arena *a, const char *pattern,
                         struct version_script **script)
{
    struct reader r = {.lex = {.d = d}, .a = a, .out = *script};
    struct version_pattern p = {.line = 0};
    char *text = arena_strdup(a, pattern);

    if (!r.out) {
        r.out = arena_alloc(a, 1, sizeof *r.out);
        if (!r.out || !(r.out->lookup = arena_alloc(a, 1, sizeof(struct lookup))))
            return diag_nomem(d);
        if (!add_node(&r, "", VERSION_GLOBAL))
            return false;
        *script = r.out;
    }
    if (!text)
        return diag_nomem(d);
    classify(&p, text, false);
    return add_pattern(a, r.out, &p) || diag_nomem(d);
}

/* ---- matching ---- */

/* The exact name that NAME or its C++ form CXX is, the first in the script. */
static const struct entry *find_exact(const struct lookup *l, const char *name, const char *cxx)
{
    const struct entry *plain = NULL, *other = NULL;

    if (l->used == 0)
        return NULL;
    plain = find_slot(l, name, false);
    other = cxx ? find_slot(l, cxx, true) : NULL;
    if (!other || !other->text)
        return plain->text ? plain : NULL;
    return plain->text && comes_before(plain, other) ? plain : other;
}

/* The wildcard that takes NAME: of the last node, one that says more than
   "*" first, global first. */
static const struct entry *find_wild(const struct lookup *l, const char *name, const char *cxx)
{
    const struct entry *best[2][2] = {0}; /* [it is "*"][local] */

    for (uint64_t i = 0; i < l->wild_count; i++) {
        const struct entry *e = &l->wild[i];
        bool all = strcmp(e->text, "*") == 0;

        if (all || fnmatch(e->text, e->cxx ? cxx : name, 0) == 0)
            best[all][e->local] = e;
    }
    for (int i = 0; i < 4; i++)
        if (best[i / 2][i % 2])
            return best[i / 2][i % 2];
    return NULL;
}

bool version_match(const struct version_script *script, const char *name, uint16_t *index,
                   bool *local)
{
    const struct lookup *l = script->lookup;
    char *demangled = script->has_cxx ? demangle_cxx(name) : NULL;
    /* As in ld, a name that is not C++ is its own C++ form. */
    const char *cxx = demangled ? demangled : script->has_cxx ? name : NULL;
    const struct entry *e = find_exact(l, name, cxx);

    if (!e)
        e = find_wild(l, name, cxx);
    free(demangled);
    if (!e)
        return false;
    *index = script->nodes[e->node].index;
    *local = e->local;
    return true;
}
