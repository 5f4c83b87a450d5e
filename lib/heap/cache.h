/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache.h - what an image of the engine cache has besides (docs/cache-format.md):
 * the register of its sources, functions and modules, and the blocks of its
 * arena, read and checked.
 *
 * Nothing of the image is trusted.  Checksums are for whoever asks. */

#ifndef HEAP_CACHE_H
#define HEAP_CACHE_H

#include "heap/image.h"

struct heap_cache_source {
    const char *name;
    uint64_t hash, size;
};

#define HEAP_CACHE_NO_SOURCE UINT32_MAX

struct heap_cache_function {
    const char *name;
    uint32_t source; /* index; HEAP_CACHE_NO_SOURCE: of none */
    uint32_t line;
    uint32_t flags; /* enum simg_function_flag */
    uint64_t calls;
    uint64_t object, code, code_size; /* heap addresses, or SIMG_NO_PLACE; anything else, too */
};

struct heap_cache_module {
    const char *name, *build; /* BUILD: hexadecimal */
    uint64_t address, slots;
};

struct heap_cache_register {
    struct span bytes;
    uint64_t checksum; /* as it says */
    uint32_t flags;    /* enum simg_engine_flag */
    uint32_t compile;  /* enum simg_compile, or another number */
    const char *inputs, *cpu;
    struct heap_cache_source *sources;
    struct heap_cache_function *functions;
    struct heap_cache_module *modules; /* the engine's own is the first */
    const char **types;
    uint32_t source_count, function_count, module_count, type_count;
};

/* Fill OUT, which lives in A and in the bytes IN. */
bool heap_cache_read_register(struct diag *d, struct arena *a, struct span in, bool big,
                              struct heap_cache_register *out);

/* The checksum that the register ought to have. */
uint64_t heap_cache_checksum(const struct heap_cache_register *r);

/* "none", "compiled", ... */
const char *heap_cache_compile_name(uint32_t policy);

/* The arena's header, and what its blocks come to. */
struct heap_cache_arena {
    uint64_t size, limit, first, top, code_top;
    uint64_t live_count, live_bytes; /* with their headers */
    uint64_t free_count, free_bytes;
    /* The live blocks as a stream of objects (heap_objects_begin()), without their headers.  Type
       0 is that of blocks without one, N + 1 type N of the register. */
    struct span objects;
};

/* Bytes of a block that stand before what pointers to it point at. */
enum { HEAP_CACHE_HEADER = 8 };

/* Fill OUT from the bytes of the arena's blocks, its first page included.  CODE_SIZE: of the
   image's code; TYPES: how many the register has. */
bool heap_cache_read_arena(struct diag *d, struct arena *a, struct span in, bool big,
                           uint64_t code_size, uint32_t types, struct heap_cache_arena *out);

/* H is an engine's: its last segment is a register. */
bool heap_cache_is(const struct image_heap *h);

/* Its segments; CODE is NULL if there is none. */
struct heap_cache_parts {
    const struct heap_segment *blocks, *code, *rows;
};
bool heap_cache_find(struct diag *d, const struct image_heap *h, struct heap_cache_parts *out);

/* H, whose blocks are the bytes DATA, as a heap with objects that heap_histogram() and heap_tree()
   take. */
bool heap_cache_objects(struct diag *d, struct arena *a, const struct image_heap *h,
                        const struct heap_cache_register *r, const struct heap_cache_arena *blocks,
                        struct span data, struct heap *out);

#endif
