/* SPDX-License-Identifier: GPL-3.0-or-later */
/* graph.c - objects by type, and the tree of types from the roots. */

#include "heap/graph.h"

#include <stdlib.h>

static int by_bytes(const void *left, const void *right)
{
    const struct heap_type_use *l = left, *r = right;

    if (l->bytes != r->bytes)
        return l->bytes > r->bytes ? -1 : 1;
    if (l->count != r->count)
        return l->count > r->count ? -1 : 1;
    return l->type < r->type ? -1 : l->type > r->type;
}

bool heap_histogram(struct diag *d, struct arena *a, const struct heap *h,
                    struct heap_type_use **out, uint32_t *count)
{
    struct heap_type_use *all = arena_alloc(a, h->type_count, sizeof *all);
    struct heap_objects it;
    struct heap_object o;

    *out = all;
    *count = 0;
    if (!all)
        return diag_nomem(d);
    for (uint32_t i = 0; i < h->segment_count; i++) {
        heap_objects_begin(h, i, &it);
        while (heap_objects_next(&it, &o)) {
            all[o.type].count++;
            all[o.type].bytes += o.size + h->object_head;
        }
    }
    for (uint32_t i = 0; i < h->type_count; i++)
        if (all[i].count > 0) {
            all[*count] = all[i];
            all[(*count)++].type = i;
        }
    if (*count > 0)
        qsort(all, *count, sizeof *all, by_bytes);
    return true;
}

/* ---- the tree ---- */

#define NO_NODE UINT32_MAX

struct object {
    uint64_t addr, size;
    uint32_t type, segment;
};

struct walk {
    const struct heap *h;
    struct span *data; /* of each segment, plain */
    struct object *objects;
    uint32_t *node; /* of each object; NO_NODE: not reached */
    uint32_t *queue;
    uint64_t count, queued, depth;
    struct heap_tree_node *nodes;
    uint32_t node_count;
    uint32_t *table; /* node + 1 by a hash of its parent and type */
    struct heap_tree *out;
    uint64_t at; /* the object under way */
};

enum { TABLE_SIZE = 4 * HEAP_TREE_NODES };

static bool load_data(struct diag *d, struct arena *a, struct walk *w)
{
    const struct heap *h = w->h;

    if (!(w->data = arena_alloc(a, h->segment_count, sizeof *w->data)))
        return diag_nomem(d);
    for (uint32_t i = 0; i < h->segment_count; i++) {
        const struct heap_segment *s = &h->segments[i];
        uint8_t *plain = NULL;

        w->data[i] = s->data;
        if (s->data.at || !s->slots.count)
            continue;
        if (!(plain = arena_alloc(a, 1, s->size)))
            return diag_nomem(d);
        if (!heap_unpack(d, h, i, plain))
            return false;
        w->data[i] = (struct span){plain, s->size};
    }
    return true;
}

static bool load_objects(struct diag *d, struct arena *a, struct walk *w)
{
    const struct heap *h = w->h;
    struct heap_objects it;
    struct heap_object o;
    uint64_t n = 0;

    for (uint32_t i = 0; i < h->segment_count; i++)
        w->count += h->segments[i].object_count;
    if (w->count >= NO_NODE)
        return diag_fail(d, E_UNSUPPORTED, "a tree of so many objects is not supported");
    w->objects = arena_alloc(a, w->count, sizeof *w->objects);
    w->node = arena_alloc(a, w->count, sizeof *w->node);
    w->queue = arena_alloc(a, w->count, sizeof *w->queue);
    w->nodes = arena_alloc(a, HEAP_TREE_NODES, sizeof *w->nodes);
    w->table = arena_alloc(a, TABLE_SIZE, sizeof *w->table);
    if (!w->objects || !w->node || !w->queue || !w->nodes || !w->table)
        return diag_nomem(d);
    for (uint32_t i = 0; i < h->segment_count; i++) {
        heap_objects_begin(h, i, &it);
        while (heap_objects_next(&it, &o)) {
            w->node[n] = NO_NODE;
            w->objects[n++] = (struct object){h->segments[i].addr + o.offset, o.size, o.type, i};
            w->out->object_bytes += o.size + h->object_head;
        }
    }
    w->out->object_count = n;
    return true;
}

/* The first object that ends behind ADDR. */
static uint64_t object_at(const struct walk *w, uint64_t addr)
{
    uint64_t lo = 0, hi = w->count;

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;

        if (w->objects[mid].addr + w->objects[mid].size <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The node of TYPE below PARENT, made if it is new.  NO_NODE if the tree is
   full or the level too deep. */
static uint32_t node_of(struct walk *w, uint32_t parent, uint32_t type)
{
    uint32_t depth = parent == NO_NODE ? 0 : w->nodes[parent].depth + 1;
    uint64_t hash = ((uint64_t)parent << 32 | type) * UINT64_C(0x9e3779b97f4a7c15);

    for (uint64_t at = hash >> 40;; at++) {
        uint32_t *slot = &w->table[at % TABLE_SIZE];

        if (*slot == 0) {
            if (depth >= w->depth || w->node_count == HEAP_TREE_NODES)
                return NO_NODE;
            w->nodes[w->node_count] =
                (struct heap_tree_node){.type = type, .depth = depth, .parent = parent};
            *slot = ++w->node_count;
            return *slot - 1;
        }
        if (w->nodes[*slot - 1].parent == parent && w->nodes[*slot - 1].type == type)
            return *slot - 1;
    }
}

/* Object I is reached over objects of node PARENT. */
static void reach(struct walk *w, uint64_t i, uint32_t parent)
{
    const struct object *o = &w->objects[i];
    uint64_t size = o->size + w->h->object_head;
    uint32_t node = NO_NODE;

    if (w->node[i] != NO_NODE)
        return;
    node = node_of(w, parent, o->type);
    if (node == NO_NODE && parent == NO_NODE)
        return; /* roots of 65,536 types: the rest is left out */
    w->out->count++;
    w->out->bytes += size;
    if (node != NO_NODE) {
        w->nodes[node].count++;
        w->nodes[node].bytes += size;
    } else {
        /* Counted with what it hangs on. */
        node = parent;
        w->out->deeper_count++;
        w->out->deeper_bytes += size;
        w->nodes[node].all_count++;
        w->nodes[node].all_bytes += size;
    }
    w->node[i] = node;
    w->queue[w->queued++] = (uint32_t)i;
}

static bool follow(void *arg, uint64_t offset)
{
    struct walk *w = arg;
    const struct object *o = &w->objects[w->at];
    uint64_t mask = UINT64_MAX >> (64 - w->h->address_bits);
    uint64_t to = (load_uint(w->data[o->segment].at + offset, 8, w->h->big) - w->h->base) & mask;
    uint64_t i = object_at(w, to);

    if (i < w->count && to >= w->objects[i].addr)
        reach(w, i, w->node[w->at]);
    return true;
}

static void walk(struct walk *w)
{
    for (uint64_t n = 0; n < w->queued; n++) {
        const struct object *o = NULL;
        const struct heap_segment *s = NULL;

        w->at = w->queue[n];
        o = &w->objects[w->at];
        s = &w->h->segments[o->segment];
        if (s->slots.count && w->data[o->segment].at)
            slots_each(&s->slots, o->addr - s->addr, o->addr - s->addr + o->size, follow, w);
    }
}

static void begin_at(struct walk *w, const struct heap_root *root)
{
    uint64_t end = root->addr + (root->size ? root->size : 1);

    for (uint64_t i = object_at(w, root->addr); i < w->count && w->objects[i].addr < end; i++)
        reach(w, i, NO_NODE);
}

/* ---- its order ---- */

struct sorted {
    const struct heap_tree_node *node;
    uint32_t index;
};

static int by_parent(const void *left, const void *right)
{
    const struct heap_tree_node *l = ((const struct sorted *)left)->node;
    const struct heap_tree_node *r = ((const struct sorted *)right)->node;

    if (l->parent != r->parent)
        return l->parent < r->parent ? -1 : 1;
    if (l->all_bytes != r->all_bytes)
        return l->all_bytes > r->all_bytes ? -1 : 1;
    return l->type < r->type ? -1 : l->type > r->type;
}

struct lister {
    const struct walk *w;
    const struct sorted *order; /* nodes by parent */
    const uint32_t *first;      /* for each node, where in ORDER its children begin */
    uint32_t total;
};

/* The nodes at N of the order that have this parent, and what is below. */
static void list(struct lister *l, uint32_t parent, uint32_t n, uint32_t parent_listed)
{
    for (; n < l->w->node_count && l->order[n].node->parent == parent; n++) {
        uint32_t at = l->order[n].index, listed = l->total++;

        l->w->out->nodes[listed] = *l->order[n].node;
        l->w->out->nodes[listed].parent = parent_listed;
        list(l, at, l->first[at], listed); /* no deeper than HEAP_TREE_DEPTH */
    }
}

static bool make_list(struct diag *d, struct arena *a, struct walk *w)
{
    uint32_t count = w->node_count, top = 0, *first = arena_alloc(a, count, sizeof *first);
    struct sorted *order = arena_alloc(a, count, sizeof *order);
    struct lister l = {.w = w, .order = order, .first = first};

    w->out->nodes = arena_alloc(a, count, sizeof *w->out->nodes);
    if (!order || !first || !w->out->nodes)
        return diag_nomem(d);
    for (uint32_t i = count; i-- > 0;) { /* children come behind their parents */
        struct heap_tree_node *n = &w->nodes[i];

        order[i] = (struct sorted){n, i};
        first[i] = count;
        n->all_count += n->count;
        n->all_bytes += n->bytes;
        if (n->parent != NO_NODE) {
            w->nodes[n->parent].all_count += n->all_count;
            w->nodes[n->parent].all_bytes += n->all_bytes;
        }
    }
    if (count > 0)
        qsort(order, count, sizeof *order, by_parent);
    for (uint32_t n = count; n-- > 0;)
        if (order[n].node->parent != NO_NODE)
            first[order[n].node->parent] = n;
    while (top < count && order[top].node->parent != NO_NODE)
        top++;
    list(&l, NO_NODE, top, NO_NODE);
    w->out->node_count = l.total;
    return true;
}

bool heap_tree(struct diag *d, struct arena *a, const struct heap *h, uint32_t root, uint32_t depth,
               struct heap_tree *out)
{
    struct walk w = {.h = h, .out = out};

    *out = (struct heap_tree){0};
    w.depth = depth < HEAP_TREE_DEPTH ? depth : HEAP_TREE_DEPTH;
    if (!load_data(d, a, &w) || !load_objects(d, a, &w))
        return false;
    for (uint32_t i = 0; i < h->root_count; i++)
        if (root == HEAP_ALL_ROOTS || root == i)
            begin_at(&w, &h->roots[i]);
    walk(&w);
    return make_list(d, a, &w);
}
