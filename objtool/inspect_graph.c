/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_graph.c - the objects of a container by type, and what holds them. */

#include "heap/graph.h"
#include "inspect_heap.h"

#include <inttypes.h>

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

/* A type's name may be empty. */
static const char *type_name(const struct heap_view *v, uint32_t type)
{
    return v->r->as_json || *v->h->types[type] ? v->h->types[type] : "(no name)";
}

bool heap_put_histogram(struct diag *d, struct arena *a, const struct heap_view *v)
{
    static const struct column columns[] = {
        {"bytes", "bytes", 14, true}, {"count", "objects", 12, true}, {"type", "type", 0, false}};
    struct heap_type_use *all = NULL;
    uint32_t count = 0;

    if (!heap_histogram(d, a, v->h, &all, &count))
        return false;
    rep_table(v->r, "histogram", "objects by type", columns, COUNT(columns));
    for (uint32_t i = 0; i < count; i++) {
        rep_row(v->r);
        rep_cell_num(v->r, all[i].bytes);
        rep_cell_num(v->r, all[i].count);
        rep_cell(v->r, type_name(v, all[i].type));
    }
    rep_table_end(v->r);
    return true;
}

/* ---- the tree ---- */

/* Levels; of a node's children so many are lines of text. */
enum { DEPTH = 6, CHILDREN = 8 };

static bool find_root(struct diag *d, const struct heap *h, const char *name, uint32_t *out)
{
    *out = HEAP_ALL_ROOTS;
    for (uint32_t i = 0; name && i < h->root_count && *out == HEAP_ALL_ROOTS; i++)
        if (!strcmp(h->roots[i].name, name))
            *out = i;
    return !name || *out != HEAP_ALL_ROOTS ||
           diag_fail(d, E_USAGE, "there is no root '%s' (--roots lists all %" PRIu32 ")", name,
                     h->root_count);
}

static void put_reached(const struct heap_view *v, const struct heap_tree *t)
{
    struct buf *line = NULL;

    rep_num(v->r, "object_count", NULL, t->object_count);
    rep_num(v->r, "object_bytes", NULL, t->object_bytes);
    rep_num(v->r, "reached_count", NULL, t->count);
    rep_num(v->r, "reached_bytes", NULL, t->bytes);
    rep_num(v->r, "deeper_count", NULL, t->deeper_count);
    rep_num(v->r, "deeper_bytes", NULL, t->deeper_bytes);
    if (v->r->as_json)
        return;
    buf_printf(&v->r->text, "\n");
    line = rep_line(v->r, "reached");
    term_count(line, t->count);
    buf_printf(line, " of ");
    term_count(line, t->object_count);
    buf_printf(line, " objects, ");
    term_count(line, t->bytes);
    buf_printf(line, " of ");
    term_count(line, t->object_bytes);
    buf_printf(line, " bytes");
    rep_end_line(v->r);
}

struct teller {
    const struct heap_view *v;
    struct arena *a;
    uint32_t at_depth[DEPTH]; /* lines so far below the present parent */
    uint64_t left_out;
};

/* In text, false for what is beyond the first children of a node. */
static bool is_shown(struct teller *t, const struct heap_tree_node *n)
{
    if (t->v->r->as_json)
        return true;
    for (uint32_t i = n->depth + 1; i < DEPTH; i++)
        t->at_depth[i] = t->at_depth[n->depth] >= CHILDREN ? CHILDREN : 0;
    if (t->at_depth[n->depth] < CHILDREN) {
        t->at_depth[n->depth]++;
        return true;
    }
    t->left_out++;
    return false;
}

static bool put_node(struct diag *d, struct teller *t, const struct heap_tree_node *n)
{
    struct report *r = t->v->r;
    const char *name = type_name(t->v, n->type);
    const char *text = r->as_json ? name : arena_printf(t->a, "%*s%s", 2 * (int)n->depth, "", name);

    if (!text)
        return diag_nomem(d);
    rep_row(r);
    rep_cell_num(r, n->all_bytes);
    rep_cell_num(r, n->all_count);
    rep_cell_num(r, n->bytes);
    rep_cell_num(r, n->count);
    rep_cell_num(r, n->depth);
    rep_cell(r, text);
    return true;
}

bool heap_put_tree(struct diag *d, struct arena *a, const struct heap_view *v, const char *root)
{
    static const struct column columns[] = {{"all_bytes", "all bytes", 14, true},
                                            {"all_count", "all objects", 12, true},
                                            {"bytes", "own bytes", 14, true},
                                            {"count", "own objects", 12, true},
                                            {"depth", "#", 2, true},
                                            {"type", "type", 0, false}};
    struct teller t = {.v = v, .a = a};
    struct heap_tree tree;
    uint32_t from = 0;

    if (!find_root(d, v->h, root, &from) || !heap_tree(d, a, v->h, from, DEPTH, &tree))
        return false;
    rep_open(v->r, "reference_tree", '{');
    rep_str(v->r, "root", NULL, root);
    put_reached(v, &tree);
    rep_table(v->r, "nodes", "what the roots hold", columns, COUNT(columns));
    for (uint32_t i = 0; i < tree.node_count && !v->r->over; i++)
        if (is_shown(&t, &tree.nodes[i]) && !put_node(d, &t, &tree.nodes[i]))
            return false;
    rep_table_end(v->r);
    rep_num(v->r, NULL, t.left_out ? "left out" : NULL, t.left_out);
    rep_close(v->r);
    return true;
}
