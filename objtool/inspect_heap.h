/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_heap.h - what heaps in containers and heaps in images have in
 * common when they are shown. */

#ifndef OBJTOOL_INSPECT_HEAP_H
#define OBJTOOL_INSPECT_HEAP_H

#include "heap/image.h"
#include "inspect.h"

/* A heap under inspection. */
struct heap_view {
    struct report *r;
    const struct heap *h;
    const struct image_heap *image; /* NULL: a container's */
    unsigned parts;
};

/* Whose it is, its counts and its metadata. */
/* Where an image has its heap, and who relocates it. */
void heap_put_place(struct report *r, const struct image_heap *h);
void heap_put_facts(const struct heap_view *v);
/* The table of segments; those that are too many for a summary are left out
   of text, unless they were asked for. */
void heap_put_segments(const struct heap_view *v);
void heap_put_imports(const struct heap_view *v);
void heap_put_roots(const struct heap_view *v);

/* inspect_graph.c: what its objects are, if the container knows. */
bool heap_put_histogram(struct diag *d, struct arena *a, const struct heap_view *v);
bool heap_put_tree(struct diag *d, struct arena *a, const struct heap_view *v, const char *root);

/* inspect_cache.c: what an image of the engine cache has besides. */
bool inspect_cache(struct inspect *i, const struct heap_image *m);

#endif
