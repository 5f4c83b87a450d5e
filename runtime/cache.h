/* SPDX-License-Identifier: MIT */
/* cache.h - the inside of the engine cache, shared by its files.
 *
 *   cache.c           open, store, close; the calls in between
 *   cache_options.c   arguments to options
 *   cache_arena.c     the engine's memory
 *   cache_register.c  its sources and functions: in memory, to a file's bytes, and from them
 *   cache_scan.c      where pointers are, and into what
 *   cache_compile.c   the policies of compilation and of updates
 *   cache_cpu.c       what this CPU can do
 *   cache_image.c     the image's file
 *   cache_store.c     when and where it is written
 *   cache_load.c      what is refused, and the rest mapped
 *   cache_tell.c      debuggers and unwinders
 *   cache_trace.c     lines for people */

#ifndef RUNTIME_CACHE_H
#define RUNTIME_CACHE_H

#include "runtime/cache_cpu.h"
#include "runtime/error.h"
#include "runtime/heap_writer.h" /* struct grow */
#include "runtime/image.h"
#include "runtime/loaded.h"
#include "runtime/map.h"
#include "sysimage/cache.h"
#include "sysimage/format.h"

enum {
    CACHE_PAGE = 65536,       /* code is given out in pages that every CPU has */
    CACHE_ALIGN = 0x200000,   /* of the arena and its parts: a huge page */
    CACHE_BUILD = 65,         /* a build-id as text, cut to 32 bytes */
};

/* ---- cache_register.c ---- */

struct cache_source {
    char *name;
    uint64_t hash, size;
    bool gone;
};

struct cache_function {
    struct simg_function f; /* its name is malloc'ed */
    bool gone;
};

/* Heap addresses are from the arena's start. */
struct cache_register {
    struct grow sources, functions, types; /* struct cache_source, struct cache_function, char * */
    uint32_t *index; /* by hash: 1 + number of a source; of a function, with the top bit */
    size_t index_size, index_used;
    /* What the image had: hashes of its live sources, functions, functions with code, added up,
       so that sets compare whatever their order. */
    uint64_t had_sources, had_functions, had_code;
    uint32_t had_source_count, had_function_count;
    const uint8_t *image; /* the rows of the image, if they were not taken in yet */
};

/* A register's bytes, checked: all offsets and numbers in them hold. */
struct register_view {
    const uint8_t *at;
    const struct simg_cache_head *head;
    const struct simg_cache_source_row *sources;
    const struct simg_cache_function_row *functions;
    const struct simg_cache_module_row *modules;
    const struct simg_cache_type_row *types;
    const char *strings;
};

/* Modules that the heap points into. */
struct cache_module {
    struct loaded_module m;
    uint64_t slots;
    uint32_t number; /* in the image */
};

bool register_check(const uint8_t *at, uint64_t size, struct register_view *out);
/* The rows of an image, which were checked: they are taken in when somebody asks, so that loading
   takes no longer the more there are. */
void register_use(struct cache_register *r, const uint8_t *image);
/* Take them in; ARENA is where places count from.  False: no memory. */
bool register_ready(struct cache_register *r, const void *arena);
/* How many there are that are not gone. */
void register_counts(const struct cache_register *r, uint32_t *source_count, uint32_t *function_count);
void register_free(struct cache_register *r);
/* The three sums of what there is now. */
void register_sums(const struct cache_register *r, uint64_t sums[3], uint32_t counts[2]);
/* The bytes for a file, malloc'ed; NULL without memory. */
struct register_extra {
    const struct cache_module *modules; /* those with a NUMBER, in its order */
    uint32_t module_count, flags, compile;
    const char *inputs, *cpu;
};
uint8_t *register_bytes(const struct cache_register *r, const uint8_t *arena,
                        const struct register_extra *x, uint64_t *size);

/* ---- cache_arena.c ---- */

/* A new one in reserved memory, of which the first MiB is there. */
void arena_make(struct simg_arena *a, uint64_t size, uint64_t code);
/* Of an image with BYTES of blocks and CODE_BYTES of code. */
bool arena_check(const struct simg_arena_head *h, uint64_t bytes, uint64_t code_bytes);
/* Each block in use: its header's distance, and what is in it. */
void arena_walk(const struct simg_arena *a, void (*each)(void *arg, uint64_t block, uint64_t header),
                void *arg);
bool arena_has(const struct simg_arena *a, const void *p);

/* ---- cache_scan.c ---- */

struct scan_outside {
    uint64_t place; /* from the arena's start */
    uint32_t module; /* index of struct scan.modules */
    int64_t addend; /* to the module's bias */
};

/* Where a store's pointers are. */
struct scan {
    uint64_t size;        /* of the blocks' part, in whole pages */
    uint64_t code_size;
    uint8_t *bitmap;      /* a bit for each word of SIZE */
    uint64_t slots, strays;
    struct grow outside;  /* struct scan_outside, ascending */
    struct grow modules;  /* struct cache_module: all of the process */
    bool failed;          /* no memory */
};

bool scan_arena(struct simg_cache *c, struct scan *s);
void scan_end(struct scan *s);

/* ---- cache_image.c ---- */

struct cache_root {
    char *name;
    uint64_t place;
};

/* Write the image to FD, which is empty; *SIZE: of the file. */
enum simg_status cache_write(struct simg_cache *c, struct scan *s, int fd, uint64_t *size,
                             struct simg_error *e);
/* What it will have at least: before it is paid for. */
uint64_t cache_estimate(const struct simg_cache *c);

/* ---- the cache ---- */

struct simg_cache {
    const struct simg_engine *engine;
    struct simg_cache_options o;
    struct simg_arena *arena;
    uint64_t size;      /* of its address space */
    struct simg *image; /* NULL: the arena is fresh */
    long process;
    bool loaded, stored;
    uint32_t compile; /* the policy in use */
    struct cache_register reg;
    struct grow roots; /* struct cache_root */
    struct scan *scan; /* while one is going on */
    struct shown *shown; /* what the debugger was told; NULL: nothing */
    const void *unwound; /* and the unwinder */
    struct simg_cache_status status;
    char cpu[64];
    char *load_path, *store_path; /* those of the options, directories resolved */
};

/* ---- cache_load.c ---- */

/* Load c->load_path: c->status.load says what became of it.  What was reserved for an arena is
   given back first. */
enum simg_status cache_load(struct simg_cache *c, struct simg_error *e);
enum simg_status cache_load_fd(struct simg_cache *c, int fd, struct simg_error *e);

/* ---- cache_store.c ---- */

enum simg_status cache_store(struct simg_cache *c, struct simg_error *e);
/* The image in this process's memory that SIMG_CACHE_DEBUG_STORE left; -1: none. */
int cache_debug_image(void);

/* ---- cache_compile.c ---- */

/* Apply the policy to all functions. */
bool compile_functions(struct simg_cache *c);
/* Is what there is different from what was loaded, by the policy? */
bool update_wanted(const struct simg_cache *c);
extern const char *const compile_names[], *const update_names[];

/* ---- cache_trace.c ---- */

void trace_line(const struct simg_cache *c, const char *fmt, ...) PRINTF_FORMAT(2, 3);
void trace_always(const struct simg_cache *c, const char *fmt, ...) PRINTF_FORMAT(2, 3);
/* N with its thousands, in one of a few buffers of BUFFER. */
struct number {
    char text[32];
};
const char *number_text(uint64_t n, struct number *buffer);
void trace_histogram(const struct simg_cache *c);
void trace_tree(const struct simg_cache *c);

/* ---- cache_tell.c ---- */

/* Tell the debugger, if the options ask for that, and the unwinder of an image that was loaded from
   FD; MOVED: not to its own address. */
void tell_loaded(struct simg_cache *c, int fd, bool moved);
void tell_unloaded(struct simg_cache *c);

#endif
