/* SPDX-License-Identifier: MIT */
/* cache.c - open, use, store and close the cache of an engine. */

#include "runtime/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Where arenas stand, unless the engine says: far from where systems put programs, libraries and
   stacks, at addresses that hardly any number is by chance. */
#define LOWEST UINT64_C(0x7a0000000000)
#define PLACES ((UINT64_C(0x7d0000000000) - LOWEST) / CACHE_ALIGN)
#define DEFAULT_RESERVE (UINT64_C(1) << 30)
#define MOST_RESERVE (UINT64_C(1) << 40)

const char *simg_verdict_text(enum simg_verdict verdict)
{
    static const char *const texts[] = {
        "none",       "ok",       "absent",   "stale",  "damaged",  "foreign",   "cpu",
        "flags",      "address",  "moved",    "large",  "not ours", "system",    "engine",
        "unchanged",  "busy",     "back-off", "secret", "forked",   "read-only",
    };

    return verdict >= 0 && verdict < sizeof texts / sizeof *texts ? texts[verdict] : "unknown";
}

/* ---- paths ---- */

/* The file of this engine, build, settings and CPU in directory PATH; or PATH.  malloc'ed. */
struct own_build {
    uintptr_t anchor;
    char build[LOADED_BUILD];
};

static bool find_build(void *arg, const struct loaded_module *m)
{
    struct own_build *b = arg;

    if (b->anchor ? b->anchor < m->from || b->anchor >= m->to : !m->program)
        return true;
    memcpy(b->build, m->build, sizeof b->build);
    return false;
}

static bool names_directory(const char *path)
{
    return !*map_file_name(path) || map_is_directory(path);
}

static char *file_in(const struct simg_cache *c, const char *path)
{
    const struct simg_engine *engine = c->engine;
    const char *texts[] = {engine->version, engine->build_flags, c->cpu};
    struct own_build own = {.anchor = (uintptr_t)engine->anchor};
    size_t room = strlen(path) + strlen(engine->name) + 32;
    char *out = malloc(room);
    uint64_t id = 0;

    loaded_each(find_build, &own);
    id = XXH3_64bits(own.build, strlen(own.build));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        id = XXH3_64bits_withSeed(texts[i] ? texts[i] : "", texts[i] ? strlen(texts[i]) : 0, id);
    if (out)
        snprintf(out, room, "%s%s%s-%016llx.so", path, *map_file_name(path) ? "/" : "",
                 engine->name, (unsigned long long)id);
    return out;
}

/* PATH: of the options; NULL is none.  Its directory is made, if FOR_STORE, where PATH ends with '/'. */
static bool resolve_path(const struct simg_cache *c, const char *path, bool for_store, char **out)
{
    *out = NULL;
    if (!path)
        return true;
    if (!names_directory(path)) {
        *out = strdup(path);
    } else {
        if (for_store && c->o.mode != SIMG_CACHE_READ_ONLY && !map_is_directory(path))
            map_make_directory(path);
        *out = file_in(c, path);
    }
    return *out != NULL;
}

/* ---- opening ---- */

static enum simg_status check_engine(const struct simg_engine *engine, struct simg_error *e)
{
    uint64_t reserve = engine->reserve ? engine->reserve : DEFAULT_RESERVE;

    if (engine->size != sizeof *engine)
        return error_set(e, SIMG_ERR_ARGUMENT, 0, "engine: its size is not set");
    if (!engine->name || !*engine->name || strpbrk(engine->name, "/\\:"))
        return error_set(e, SIMG_ERR_ARGUMENT, 0, "engine: it needs a name without slashes");
    if (reserve < 2 * CACHE_ALIGN || reserve > MOST_RESERVE || reserve % CACHE_ALIGN ||
        engine->code % CACHE_ALIGN || engine->code > reserve - CACHE_ALIGN ||
        engine->address % CACHE_ALIGN)
        return error_set(e, SIMG_ERR_ARGUMENT, 0,
                         "engine: sizes and address are multiples of 2 MiB, from 4 MiB to 1 TiB");
    if ((engine->flags & SIMG_ENGINE_MOVABLE) && !engine->scan)
        return error_set(e, SIMG_ERR_ARGUMENT, 0, "engine: what can be moved needs a scan");
    return SIMG_OK;
}

static enum simg_status copy_options(struct simg_cache *c, const struct simg_cache_options *from,
                                     struct simg_error *e)
{
    simg_cache_options_init(&c->o);
    if (!from)
        return SIMG_OK;
    if (from->size != sizeof *from)
        return error_set(e, SIMG_ERR_ARGUMENT, 0, "options: their size is not set");
    if (from->mode > SIMG_CACHE_READ_ONLY || from->verify > SIMG_VERIFY_NONE ||
        from->compile > SIMG_COMPILE_EXECUTED || from->debug_compile > SIMG_COMPILE_EXECUTED ||
        from->update > SIMG_UPDATE_NEVER || from->audit > SIMG_AUDIT_OFF)
        return error_set(e, SIMG_ERR_ARGUMENT, 0, "options: a value is not allowed");
    c->o = *from;
    c->o.load = c->o.store = NULL; /* they stay the caller's */
    if (from->mode == SIMG_CACHE_OFF) {
        c->o.flags &= ~(uint32_t)(SIMG_CACHE_DEBUG_LOAD | SIMG_CACHE_DEBUG_STORE);
        return SIMG_OK;
    }
    return resolve_path(c, from->load, false, &c->load_path) &&
                   resolve_path(c, from->store, true, &c->store_path)
               ? SIMG_OK
               : error_memory(e);
}

static void trace_load(const struct simg_cache *c)
{
    uint32_t sources = 0, functions = 0;
    struct number n;

    if (c->status.load != SIMG_VERDICT_OK) {
        trace_line(c, "[engine] [cache] Not loaded (%s): %s.", simg_verdict_text(c->status.load),
                   c->status.load_text);
        return;
    }
    register_counts(&c->reg, &sources, &functions);
    trace_line(c, "[engine] [cache] Loaded image in %llu ms. %s bytes %3u sources %3u roots",
               (unsigned long long)c->status.load_us / 1000, number_text(c->status.load_bytes, &n),
               (unsigned)sources, (unsigned)functions);
    trace_line(c, "[engine] [cache] Engine from image successfully patched with new options.");
}

/* SIMG_OK, too, if there is no image and there need not be one. */
static enum simg_status try_load(struct simg_cache *c, struct simg_error *e)
{
    bool memory = (c->o.flags & SIMG_CACHE_DEBUG_LOAD) != 0;
    uint64_t start = map_microseconds();
    enum simg_status status = SIMG_OK;
    struct simg_error own = {0};

    if (!c->load_path && !memory) {
        trace_line(c, "[engine] [cache] No load engine cache configured.");
        return SIMG_OK;
    }
    if (memory) {
        trace_line(c, "[engine] [cache] Try loading engine from memory...");
        if (cache_debug_image() >= 0) {
            status = cache_load_fd(c, cache_debug_image(), &own);
        } else {
            c->status.load = SIMG_VERDICT_ABSENT;
            status = error_set(&own, SIMG_ERR_NOT_FOUND, 0, "no engine was stored in memory");
        }
    } else {
        trace_line(c, "[engine] [cache] Try loading image '%s%s'...",
                   map_file_name(c->load_path) == c->load_path ? "./" : "", c->load_path);
        status = cache_load(c, &own);
    }
    c->status.load_us = map_microseconds() - start;
    memcpy(c->status.load_text, own.text, sizeof c->status.load_text);
    trace_load(c);
    if (status == SIMG_OK || c->o.mode != SIMG_CACHE_ON || c->status.load == SIMG_VERDICT_ABSENT)
        return SIMG_OK;
    if (e)
        *e = own;
    return status;
}

/* A fresh arena.  Each name of a file has a place of its own, so that several can be loaded at once. */
static enum simg_status make_arena(struct simg_cache *c, struct simg_error *e)
{
    const struct simg_engine *engine = c->engine;
    const char *name = c->store_path ? c->store_path : "";
    uint64_t size = engine->reserve ? engine->reserve : DEFAULT_RESERVE, seed = 0;
    uint8_t *at = NULL;

    seed = XXH3_64bits_withSeed(name, strlen(name), XXH3_64bits(engine->name, strlen(engine->name)));
    errno = EEXIST;
    for (unsigned i = 0; !at && errno == EEXIST && i < (engine->address ? 1 : 64); i++) {
        uint64_t place = XXH3_64bits_withSeed(&i, sizeof i, seed) % PLACES;

        map_reserve(engine->address ? engine->address : LOWEST + place * CACHE_ALIGN, size, true, &at);
    }
    if (!at && errno == ENOMEM)
        return error_set(e, SIMG_ERR_MEMORY, 0,
                         "no address space for an arena of %llu MiB: a limit?",
                         (unsigned long long)(size >> 20));
    if (!at)
        return error_set(e, SIMG_ERR_ADDRESS, engine->address, "the arena's address is taken");
    c->arena = (struct simg_arena *)(void *)at;
    c->size = size;
    if (!map_fresh(at, 1 << 20))
        return error_system(e, errno, "no memory for the arena");
    arena_make(c->arena, size, engine->code);
    return SIMG_OK;
}

enum simg_status simg_cache_open(const struct simg_engine *engine,
                                 const struct simg_cache_options *options, struct simg_cache **out,
                                 struct simg_error *error)
{
    struct simg_cache *c = calloc(1, sizeof *c);
    enum simg_status status = SIMG_OK;

    *out = NULL;
    error_clear(error);
    if (!c)
        return error_memory(error);
    c->engine = engine;
    c->process = map_process();
    cpu_features(c->cpu);
    status = check_engine(engine, error);
    status = status ? status : copy_options(c, options, error);
    status = status ? status : try_load(c, error);
    if (status == SIMG_OK && !c->loaded)
        status = make_arena(c, error);
    if (status != SIMG_OK) {
        simg_cache_abandon(c);
        return status;
    }
    c->compile = c->o.compile;
    *out = c;
    return SIMG_OK;
}

/* ---- in between ---- */

int simg_cache_loaded(const struct simg_cache *c) { return c->loaded; }

struct simg_arena *simg_cache_arena(const struct simg_cache *c) { return c->arena; }

int simg_cache_wants(const struct simg_cache *c, uint32_t flag) { return (c->o.flags & flag) != 0; }

void simg_cache_get_status(const struct simg_cache *c, struct simg_cache_status *out)
{
    const struct simg_arena_head *h = (const struct simg_arena_head *)(const void *)c->arena;

    *out = c->status;
    out->arena_bytes = h->top;
    out->code_bytes = h->code_top - h->limit;
    out->live_bytes = h->live_bytes;
    out->live_blocks = h->live_blocks;
    register_counts(&c->reg, &out->sources, &out->functions);
}

static struct cache_root *roots(const struct simg_cache *c, size_t *count)
{
    *count = c->roots.size / sizeof(struct cache_root);
    return (struct cache_root *)(void *)c->roots.at;
}

void *simg_cache_root(const struct simg_cache *c, const char *name)
{
    size_t count = 0;
    const struct cache_root *all = roots(c, &count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].name, name) == 0)
            return (uint8_t *)c->arena + all[i].place;
    return NULL;
}

enum simg_status simg_cache_set_root(struct simg_cache *c, const char *name, void *p)
{
    size_t count = 0, i = 0;
    struct cache_root *all = roots(c, &count);
    struct cache_root new = {NULL, (uint64_t)((uintptr_t)p - (uintptr_t)c->arena)};
    uint8_t *room = NULL;

    if (!*name || (p && !arena_has(c->arena, p)))
        return SIMG_ERR_ARGUMENT;
    while (i < count && strcmp(all[i].name, name) != 0)
        i++;
    if (i < count && p) {
        all[i].place = new.place;
        return SIMG_OK;
    }
    if (i < count) {
        free(all[i].name);
        all[i] = all[count - 1];
        c->roots.size -= sizeof *all;
        return SIMG_OK;
    }
    if (!p)
        return SIMG_OK;
    if (!(new.name = strdup(name)) || !(room = grow_reserve(&c->roots, sizeof new))) {
        free(new.name);
        return SIMG_ERR_MEMORY;
    }
    memcpy(room, &new, sizeof new);
    return SIMG_OK;
}

/* ---- the end ---- */

enum simg_status simg_cache_store(struct simg_cache *c, struct simg_error *error)
{
    struct simg_error own = {0};
    enum simg_status status = SIMG_OK;

    error_clear(error);
    if (c->o.mode == SIMG_CACHE_OFF)
        return SIMG_OK;
    status = cache_store(c, &own);
    memcpy(c->status.store_text, own.text, sizeof c->status.store_text);
    if (status == SIMG_OK)
        return SIMG_OK;
    trace_line(c, "[engine] [cache] Not stored (%s): %s.", simg_verdict_text(c->status.store), own.text);
    if (c->o.mode != SIMG_CACHE_ON || c->status.store == SIMG_VERDICT_UNCHANGED)
        return SIMG_OK;
    if (error)
        *error = own;
    return status;
}

void simg_cache_abandon(struct simg_cache *c)
{
    size_t count = 0;
    struct cache_root *all = NULL;

    if (!c)
        return;
    tell_unloaded(c);
    all = roots(c, &count);
    for (size_t i = 0; i < count; i++)
        free(all[i].name);
    free(all);
    register_free(&c->reg);
    if (c->image)
        simg_close(c->image);
    else if (c->arena)
        map_release((uint8_t *)c->arena, c->size);
    if (c->store_path && c->status.store == SIMG_VERDICT_OK)
        map_tidy(c->store_path); /* what we had mapped ourselves */
    free(c->load_path);
    free(c->store_path);
    free(c);
}

enum simg_status simg_cache_close(struct simg_cache *c, struct simg_error *error)
{
    enum simg_status status = SIMG_OK;

    error_clear(error);
    if (c && !c->stored)
        status = simg_cache_store(c, error);
    simg_cache_abandon(c);
    return status;
}
