/* SPDX-License-Identifier: GPL-3.0-or-later */
/* graph.h - what a heap's objects are and what holds them: by type, and as a
 * tree of types from the roots.  Containers have objects, and so have images of
 * the engine cache (heap_cache_objects()). */

#ifndef HEAP_GRAPH_H
#define HEAP_GRAPH_H

#include "heap/container.h"

struct heap_type_use {
    uint32_t type;
    uint64_t count, bytes;
};

/* The types that objects have, those with the most bytes first. */
bool heap_histogram(struct diag *d, struct arena *a, const struct heap *h,
                    struct heap_type_use **out, uint32_t *count);

/* A set of objects of one type that are reached over objects of the same
   types.  Each object is in one set: where the shortest way leads to it. */
struct heap_tree_node {
    uint32_t type;
    uint32_t depth;                /* 0: refers to the objects that roots lie in */
    uint32_t parent;               /* index; of depth 0: not set */
    uint64_t count, bytes;         /* of these objects */
    uint64_t all_count, all_bytes; /* and of all that are reached over them */
};

struct heap_tree {
    struct heap_tree_node *nodes; /* each followed by what is below it, most bytes first */
    uint32_t node_count;
    uint64_t count, bytes;               /* of all objects that are reached, */
    uint64_t deeper_count, deeper_bytes; /* those below the last level of the tree among them */
    uint64_t object_count, object_bytes; /* of all objects there are */
};

#define HEAP_ALL_ROOTS UINT32_MAX
enum { HEAP_TREE_DEPTH = 32, HEAP_TREE_NODES = 1 << 16 };

/* Follow the slots from root number ROOT, or from all of them, down to DEPTH
   levels (at most HEAP_TREE_DEPTH); no tree has more than HEAP_TREE_NODES
   nodes.  A word that leads to no object leads nowhere.  Compressed data is
   unpacked into A. */
bool heap_tree(struct diag *d, struct arena *a, const struct heap *h, uint32_t root, uint32_t depth,
               struct heap_tree *out);

#endif
