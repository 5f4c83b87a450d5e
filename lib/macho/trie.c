/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trie.c - read and build the tree of exported names. */

#include "macho/trie.h"

#include "macho/leb.h"
#include "macho/macho.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- reading ---- */

/* Prefixes are shared, so names are longer than the tree; but not without end. */
enum { NAME_TIMES = 256, NAME_MAX_BYTES = 1 << 16 };

/* A node whose children are being visited. */
struct visit {
    uint64_t next;  /* where the next child's edge is */
    uint32_t left;  /* children to go */
    uint32_t depth; /* length of the node's name */
};

struct trie_reader {
    struct diag *d;
    struct arena *a;
    struct span in;
    uint8_t *seen; /* a bit for each offset */
    struct visit *stack;
    uint64_t depth, cap;
    char name[NAME_MAX_BYTES];
    uint64_t name_bytes;
    bool (*one)(void *arg, const struct trie_symbol *s);
    void *arg;
};

static bool bad_node(struct trie_reader *r, uint64_t at, const char *what)
{
    return diag_fail(r->d, E_FORMAT, "exports: node at 0x%" PRIx64 ": %s", at, what);
}

static bool tell_symbol(struct trie_reader *r, uint64_t at, struct cursor *c, uint32_t len)
{
    struct trie_symbol s = {.flags = cur_uleb(c)};

    if (s.flags & EXPORT_SYMBOL_FLAGS_REEXPORT) {
        s.ordinal = cur_uleb(c);
        s.import = span_str(c->in, c->pos);
        if (c->bad || !s.import)
            return bad_node(r, at, "the name that it passes on does not end inside it");
        c->pos += strlen(s.import) + 1;
    } else {
        s.addr = cur_uleb(c);
        if (s.flags & EXPORT_SYMBOL_FLAGS_STUB_AND_RESOLVER)
            s.resolver = cur_uleb(c);
    }
    if (c->bad)
        return bad_node(r, at, "its contents do not end inside it");
    if (s.flags >> 6)
        return bad_node(r, at, "unknown flags");
    r->name_bytes += len;
    if (r->name_bytes / NAME_TIMES > r->in.size)
        return bad_node(r, at, "the names so far have more than 256 times the tree's bytes");
    if (!(s.name = arena_strndup(r->a, r->name, len)))
        return diag_nomem(r->d);
    return r->one(r->arg, &s);
}

/* Tell the node at AT, whose name has LEN bytes, and go on to its children. */
static bool enter(struct trie_reader *r, uint64_t at, uint32_t len)
{
    struct cursor c = {.in = r->in, .pos = at};
    struct cursor inner = {0};
    uint64_t size = 0;

    if (at >= r->in.size)
        return bad_node(r, at, "is behind the end of the tree");
    if (r->seen[at / 8] >> at % 8 & 1)
        return bad_node(r, at, "is reached twice");
    r->seen[at / 8] |= (uint8_t)(1 << at % 8);
    size = cur_uleb(&c);
    if (c.bad || !span_sub(r->in, c.pos, size, &inner.in))
        return bad_node(r, at, "does not end inside the tree");
    if (size && !tell_symbol(r, at, &inner, len))
        return false;
    c.pos += size;
    if (!arena_grow(r->a, (void **)&r->stack, r->depth, &r->cap, sizeof *r->stack))
        return diag_nomem(r->d);
    r->stack[r->depth] = (struct visit){.left = cur_u8(&c), .depth = len};
    if (c.bad)
        return bad_node(r, at, "does not end inside the tree");
    r->stack[r->depth++].next = c.pos;
    return true;
}

/* Go down the next edge of the topmost node. */
static bool descend(struct trie_reader *r)
{
    struct visit *v = &r->stack[r->depth - 1];
    struct cursor c = {.in = r->in, .pos = v->next};
    const char *edge = span_str(r->in, c.pos);
    uint64_t len = edge ? strlen(edge) : 0, child = 0;

    if (!edge)
        return bad_node(r, v->next, "the edge does not end inside the tree");
    if (len + v->depth >= NAME_MAX_BYTES)
        return bad_node(r, v->next, "a name of more than 65535 bytes");
    memcpy(r->name + v->depth, edge, len);
    c.pos += len + 1;
    child = cur_uleb(&c);
    if (c.bad || child == 0)
        return bad_node(r, v->next, "the edge leads nowhere");
    v->next = c.pos;
    v->left--;
    return enter(r, child, v->depth + (uint32_t)len);
}

bool trie_read(struct diag *d, struct arena *a, struct span in,
               bool (*one)(void *arg, const struct trie_symbol *s), void *arg)
{
    struct trie_reader *r = NULL;
    bool ok = false;

    if (in.size == 0)
        return true;
    if (!(r = arena_alloc(a, 1, sizeof *r)))
        return diag_nomem(d);
    *r = (struct trie_reader){.d = d, .a = a, .in = in, .one = one, .arg = arg};
    if (!(r->seen = arena_alloc(a, in.size / 8 + 1, 1)))
        return diag_nomem(d);
    ok = enter(r, 0, 0);
    while (ok && r->depth) {
        if (r->stack[r->depth - 1].left == 0)
            r->depth--;
        else
            ok = descend(r);
    }
    return ok;
}

/* ---- building ---- */

/* A node: names [FROM, TO) of the sorted list have its first LEN bytes. */
struct node {
    uint64_t from, to;
    uint32_t len, edge; /* of its name; of that, on the edge that leads here */
    uint32_t first_child, child_count;
    uint64_t offset;
};

struct builder {
    struct arena *a;
    const struct trie_symbol *s;
    struct node *nodes;
    uint64_t count, cap;
};

static int by_name(const void *a, const void *b)
{
    const struct trie_symbol *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static bool add_node(struct builder *b, uint64_t from, uint64_t to, uint32_t len, uint32_t edge)
{
    if (!arena_grow(b->a, (void **)&b->nodes, b->count, &b->cap, sizeof *b->nodes))
        return false;
    b->nodes[b->count++] = (struct node){.from = from, .to = to, .len = len, .edge = edge};
    return true;
}

/* The first and the last of a sorted run have in common what all of it has. */
static uint32_t common_length(const char *x, const char *y, uint32_t from)
{
    while (x[from] && x[from] == y[from])
        from++;
    return from;
}

/* Children of node N: runs of names that go on with the same byte. */
static bool add_children(struct builder *b, uint64_t n)
{
    struct node node = b->nodes[n];
    uint64_t at = node.from;

    if (b->s[at].name[node.len] == 0) /* its own name */
        at++;
    node.first_child = (uint32_t)b->count;
    while (at < node.to) {
        uint64_t end = at + 1;
        uint32_t len = 0;

        while (end < node.to && b->s[end].name[node.len] == b->s[at].name[node.len])
            end++;
        len = common_length(b->s[at].name, b->s[end - 1].name, node.len);
        if (!add_node(b, at, end, len, len - node.len))
            return false;
        node.child_count++;
        at = end;
    }
    b->nodes[n] = node;
    return true;
}

static unsigned uleb_size(uint64_t v)
{
    unsigned n = 1;

    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

static const struct trie_symbol *own_symbol(const struct builder *b, const struct node *n)
{
    return n->to > n->from && b->s[n->from].name[n->len] == 0 ? &b->s[n->from] : NULL;
}

static uint64_t contents_size(const struct trie_symbol *s)
{
    if (s->flags & EXPORT_SYMBOL_FLAGS_REEXPORT)
        return uleb_size(s->flags) + uleb_size(s->ordinal) + strlen(s->import) + 1;
    return uleb_size(s->flags) + uleb_size(s->addr);
}

/* Give nodes their offsets; true if one of them changed. */
static bool place_nodes(struct builder *b)
{
    uint64_t at = 0;
    bool changed = false;

    for (uint64_t i = 0; i < b->count; i++) {
        struct node *n = &b->nodes[i];
        const struct trie_symbol *s = own_symbol(b, n);
        uint64_t size = s ? contents_size(s) : 0;

        changed = changed || n->offset != at;
        n->offset = at;
        at += uleb_size(size) + size + 1;
        for (uint32_t c = 0; c < n->child_count; c++) {
            const struct node *child = &b->nodes[n->first_child + c];

            at += child->edge + 1 + uleb_size(child->offset);
        }
    }
    return changed;
}

static void put_node(const struct builder *b, const struct node *n, struct buf *out)
{
    const struct trie_symbol *s = own_symbol(b, n);

    put_uleb(out, s ? contents_size(s) : 0);
    if (s) {
        put_uleb(out, s->flags);
        if (s->flags & EXPORT_SYMBOL_FLAGS_REEXPORT) {
            put_uleb(out, s->ordinal);
            buf_str(out, s->import);
        } else {
            put_uleb(out, s->addr);
        }
    }
    buf_uint(out, n->child_count, 1);
    for (uint32_t c = 0; c < n->child_count; c++) {
        const struct node *child = &b->nodes[n->first_child + c];

        buf_bytes(out, b->s[child->from].name + n->len, child->edge);
        buf_uint(out, 0, 1);
        put_uleb(out, child->offset);
    }
}

bool trie_build(struct arena *a, struct trie_symbol *s, uint64_t count, struct buf *out)
{
    struct builder b = {.a = a, .s = s};

    if (count == 0)
        return true;
    qsort(s, count, sizeof *s, by_name);
    if (!add_node(&b, 0, count, 0, 0))
        return false;
    for (uint64_t i = 0; i < b.count; i++)
        if (!add_children(&b, i))
            return false;
    /* An offset only grows with those before it, so this ends. */
    while (place_nodes(&b))
        ;
    for (uint64_t i = 0; i < b.count; i++)
        put_node(&b, &b.nodes[i], out);
    return !out->bad;
}
