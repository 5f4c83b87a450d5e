/* SPDX-License-Identifier: MIT */
/* cache_store.c - an engine is written to a file.
 *
 * First everything that may forbid it is asked, from what costs least to what
 * costs most; then the engine is made ready, its pointers are found, and the
 * image is written beside its name, brought to the disk, and renamed.  So
 * whoever looks finds the old image or the new one, whenever the power fails. */

#include "runtime/cache.h"
#include "sysimage/secret_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The image of SIMG_CACHE_DEBUG_STORE: the one thing of this library that a process has once. */
static int debug_image = -1;

int cache_debug_image(void) { return debug_image; }

static bool to_memory(const struct simg_cache *c)
{
    return (c->o.flags & SIMG_CACHE_DEBUG_STORE) != 0;
}

static enum simg_status refuse(struct simg_cache *c, enum simg_verdict verdict,
                               enum simg_status status, struct simg_error *e, const char *text)
{
    c->status.store = verdict;
    return error_set(e, status, 0, "%s", text);
}

/* PATH with END behind it; malloc'ed. */
static char *path_with(const char *path, const char *end)
{
    size_t room = strlen(path) + strlen(end) + 1;
    char *out = malloc(room);

    if (out)
        snprintf(out, room, "%s%s", path, end);
    return out;
}

/* ---- after failures ---- */

enum { FIRST_WAIT = 15, LONGEST_WAIT = 86400 };

/* How often it failed, and when; 0: not. */
static unsigned read_failures(const char *path, int64_t *when)
{
    char text[64] = {0};
    char *file = path_with(path, ".failed");
    unsigned count = 0;
    long long at = 0;
    uint64_t size = 0;
    int fd = -1;

    *when = 0;
    if (file && map_open(file, &fd)) {
        if (map_file_size(fd, &size) && size < sizeof text && map_read(fd, 0, text, size) &&
            sscanf(text, "%u %lld", &count, &at) == 2)
            *when = at;
        map_close(fd);
    }
    free(file);
    return count;
}

static void note_failure(const struct simg_cache *c)
{
    char text[64], *file = path_with(c->store_path, ".failed");
    int64_t when = 0;
    unsigned count = read_failures(c->store_path, &when);
    int fd = -1;

    snprintf(text, sizeof text, "%u %lld\n", count < 30 ? count + 1 : count,
             (long long)map_seconds());
    if (file) {
        map_remove(file);
        if (map_create(file, true, &fd)) {
            bool limit = map_limit_on();

            map_write(fd, 0, text, strlen(text));
            map_limit_off(limit);
            map_finish(fd);
        }
    }
    free(file);
}

static void forget_failures(const struct simg_cache *c)
{
    char *file = path_with(c->store_path, ".failed");

    if (file)
        map_remove(file);
    free(file);
}

/* Seconds that are left to wait.  A clock that was set back is no reason to wait longer. */
static int64_t left_to_wait(const char *path)
{
    int64_t when = 0, now = map_seconds(), wait = FIRST_WAIT;
    unsigned count = read_failures(path, &when);

    if (count == 0 || when > now)
        return 0;
    for (unsigned i = 1; i < count && wait < LONGEST_WAIT; i++)
        wait *= 2;
    wait = wait < LONGEST_WAIT ? wait : LONGEST_WAIT;
    return when + wait > now ? when + wait - now : 0;
}

/* ---- what may forbid it ---- */

/* An image that others need is not written over, unless the user names the file for that alone. */
static bool is_left_alone(const struct simg_cache *c)
{
    if (!c->load_path || !c->store_path || strcmp(c->load_path, c->store_path) != 0)
        return false;
    switch (c->status.load) {
    case SIMG_VERDICT_FOREIGN:
    case SIMG_VERDICT_CPU:
    case SIMG_VERDICT_FLAGS:
    case SIMG_VERDICT_MOVED:
    case SIMG_VERDICT_NOT_OURS:
        return true;
    default:
        return false;
    }
}

static enum simg_status too_large(struct simg_cache *c, uint64_t size, struct simg_error *e)
{
    struct number n[2];
    char text[128];

    if (size <= c->o.max_image && c->o.max_image)
        return SIMG_OK;
    snprintf(text, sizeof text, "not stored: %s bytes, where %s are allowed", number_text(size, &n[0]),
             number_text(c->o.max_image, &n[1]));
    return refuse(c, SIMG_VERDICT_TOO_LARGE, SIMG_ERR_UNSUPPORTED, e, text);
}

static enum simg_status may_store(struct simg_cache *c, struct simg_error *e)
{
    int64_t wait = 0;
    char text[96];

    if (c->o.mode == SIMG_CACHE_READ_ONLY)
        return refuse(c, SIMG_VERDICT_READ_ONLY, SIMG_ERR_STATE, e, "not stored: only loading is on");
    if (map_process() != c->process)
        return refuse(c, SIMG_VERDICT_FORKED, SIMG_ERR_STATE, e,
                      "not stored: another process opened the cache");
    if (!to_memory(c) && is_left_alone(c)) {
        snprintf(text, sizeof text, "not stored: the image that is there (%s) is left alone",
                 simg_verdict_text(c->status.load));
        return refuse(c, (enum simg_verdict)c->status.load, SIMG_ERR_MISMATCH, e, text);
    }
    if (!to_memory(c) && (wait = left_to_wait(c->store_path)) > 0) {
        snprintf(text, sizeof text, "not stored: that failed; tried again in %lld s", (long long)wait);
        return refuse(c, SIMG_VERDICT_BACK_OFF, SIMG_ERR_STATE, e, text);
    }
    /* What an engine throws away before it is stored is not known yet. */
    return c->engine->before_store && c->o.max_image ? SIMG_OK
                                                     : too_large(c, cache_estimate(c), e);
}

static void trace_changes(const struct simg_cache *c)
{
    uint32_t sources = 0, functions = 0;

    register_counts(&c->reg, &sources, &functions);
    trace_line(c, "[engine] [cache] Detecting changes (update policy %s)...",
               update_names[c->o.update]);
    if (c->loaded)
        trace_line(c, "[engine] [cache]     Loaded image contained  %9u sources and %3u function roots.",
                   c->reg.had_source_count, c->reg.had_function_count);
    trace_line(c, "[engine] [cache]     New image contains %9u sources and %3u function roots.",
               sources, functions);
}

/* By default, there is nothing to decide, and the lines come where GraalVM has them. */
static enum simg_status decide(struct simg_cache *c, struct simg_error *e)
{
    if (c->o.update == SIMG_UPDATE_ALWAYS)
        return SIMG_OK;
    trace_changes(c);
    if (update_wanted(c)) {
        trace_line(c, "[engine] [cache]     %s",
                   c->loaded ? "It has changed." : "There is no image yet.");
        return SIMG_OK;
    }
    return refuse(c, SIMG_VERDICT_UNCHANGED, SIMG_ERR_STATE, e,
                  c->o.update == SIMG_UPDATE_NEVER ? "not stored: the policy is never to"
                                                   : "not stored: nothing has changed");
}

/* ---- what ought not to be kept ---- */

static bool speaks_of_secrets(const char *name, size_t length)
{
    for (size_t w = 0; w < sizeof secret_words / sizeof *secret_words; w++)
        for (size_t i = 0; i + strlen(secret_words[w]) <= length; i++) {
            size_t n = 0;

            while (secret_words[w][n] && toupper((unsigned char)name[i + n]) == secret_words[w][n])
                n++;
            if (!secret_words[w][n])
                return true;
        }
    return false;
}

static bool has_bytes(const uint8_t *in, uint64_t size, const char *what, size_t length)
{
    const uint8_t *end = in + size;

    while (size >= length && (in = memchr(in, what[0], (size_t)(size - length + 1)))) {
        if (memcmp(in, what, length) == 0)
            return true;
        size = (uint64_t)(end - ++in);
    }
    return false;
}

enum { SHORTEST_SECRET = 6 };

static enum simg_status audit(struct simg_cache *c, const struct scan *s, struct simg_error *e)
{
    char **all = map_environment();
    char text[160];

    for (; c->o.audit != SIMG_AUDIT_OFF && all && *all; all++) {
        const char *equals = strchr(*all, '=');

        if (!equals || strlen(equals + 1) < SHORTEST_SECRET ||
            !speaks_of_secrets(*all, (size_t)(equals - *all)) ||
            !has_bytes((const uint8_t *)c->arena, s->size, equals + 1, strlen(equals + 1)))
            continue;
        snprintf(text, sizeof text, "the value of the environment's %.*s is in the engine's memory",
                 (int)(equals - *all < 64 ? equals - *all : 64), *all);
        if (c->o.audit == SIMG_AUDIT_REFUSE)
            return refuse(c, SIMG_VERDICT_SECRET, SIMG_ERR_STATE, e, text);
        trace_line(c, "[engine] [cache] Warning: %s.", text);
    }
    return SIMG_OK;
}

/* ---- the directory ---- */

struct old_image {
    char *name;
    uint64_t size;
    int64_t used;
};

struct listing {
    struct grow images; /* struct old_image */
    uint64_t size;
};

/* Our names: NAME-0123456789abcdef.so */
static bool is_our_name(const char *name)
{
    size_t length = strlen(name);
    const char *id = name + length - 19;

    return length > 20 && strcmp(name + length - 3, ".so") == 0 && id[-1] == '-' &&
           strspn(id, "0123456789abcdef") == 16;
}

static void list_image(void *arg, const struct map_entry *entry)
{
    struct listing *l = arg;
    struct old_image i = {.size = entry->size, .used = entry->used};
    uint8_t *room = NULL;

    if (!is_our_name(entry->name) || !(i.name = strdup(entry->name)))
        return;
    if (!(room = grow_reserve(&l->images, sizeof i))) {
        free(i.name);
        return;
    }
    memcpy(room, &i, sizeof i);
    l->size += i.size;
}

static int by_use(const void *a, const void *b)
{
    const struct old_image *x = a, *y = b;

    return (x->used > y->used) - (x->used < y->used);
}

/* The images that were not used for the longest time go, until the rest fits; the new one stays. */
static void evict(const struct simg_cache *c)
{
    const char *own = map_file_name(c->store_path);
    char *folder = own > c->store_path ? strdup(c->store_path) : NULL;
    struct listing l = {0};
    struct old_image *all = NULL;
    size_t count = 0;

    if (c->o.max_directory == UINT64_MAX || !folder || !is_our_name(own)) {
        free(folder);
        return;
    }
    folder[own - c->store_path] = 0;
    map_list(folder, list_image, &l);
    all = (struct old_image *)(void *)l.images.at;
    count = l.images.size / sizeof *all;
    if (count)
        qsort(all, count, sizeof *all, by_use);
    for (size_t i = 0; i < count; i++) {
        char *path = path_with(folder, all[i].name);

        if (path && l.size > c->o.max_directory && strcmp(all[i].name, own) != 0) {
            map_remove(path);
            l.size -= all[i].size;
            trace_line(c, "[engine] [cache] Removed %s to make room.", path);
        }
        free(path);
        free(all[i].name);
    }
    free(all);
    free(folder);
}

/* ---- writing ---- */

/* Beside its name, then in its place. */
static enum simg_status write_file(struct simg_cache *c, struct scan *s, struct simg_error *e)
{
    char *temp = path_with(c->store_path, ".tmp");
    enum simg_status status = SIMG_OK;
    bool limit = false;
    int fd = -1;

    if (!temp)
        return error_memory(e);
    map_remove(temp); /* of somebody who was killed: we have the lock */
    if (!map_create(temp, true, &fd)) {
        status = error_system(e, errno, "cannot make %.120s", temp);
        free(temp);
        return status;
    }
    limit = map_limit_on();
    status = cache_write(c, s, fd, &c->status.store_bytes, e);
    if (status == SIMG_OK)
        status = too_large(c, c->status.store_bytes, e);
    if (status == SIMG_OK && !map_sync(fd))
        status = error_system(e, errno, "cannot write %.120s", temp);
    if (!map_finish(fd) && status == SIMG_OK)
        status = error_system(e, errno, "cannot write %.120s", temp);
    map_limit_off(limit);
    if (status == SIMG_OK && !map_replace(temp, c->store_path))
        status = error_system(e, errno, "cannot rename %.100s", temp);
    if (status == SIMG_OK)
        map_sync_name(c->store_path);
    else
        map_remove(temp);
    free(temp);
    return status;
}

static enum simg_status write_memory(struct simg_cache *c, struct scan *s, struct simg_error *e)
{
    enum simg_status status = SIMG_OK;
    bool limit = false;
    int fd = -1;

    if (!map_nameless(&fd))
        return error_system(e, errno, "no memory file");
    limit = map_limit_on();
    status = cache_write(c, s, fd, &c->status.store_bytes, e);
    map_limit_off(limit);
    if (status != SIMG_OK) {
        map_close(fd);
        return status;
    }
    if (debug_image >= 0)
        map_close(debug_image);
    debug_image = fd;
    return SIMG_OK;
}

static enum simg_status prepare(struct simg_cache *c, struct simg_error *e)
{
    const struct simg_engine *engine = c->engine;
    uint64_t start = map_microseconds();

    c->compile = to_memory(c) ? c->o.debug_compile : c->o.compile;
    if (to_memory(c))
        trace_line(c, "[engine] [cache] Preparing debug engine for storage...");
    else
        trace_line(c, "[engine] [cache] Preparing engine for store (compile policy %s)...",
                   compile_names[c->compile]);
    trace_line(c, "[engine] [cache] Force compile targets mode: %s", compile_names[c->compile]);
    if (!compile_functions(c) || (engine->before_store && engine->before_store(engine->arg, c) != 0))
        return refuse(c, SIMG_VERDICT_ENGINE, SIMG_ERR_STATE, e, "not stored: the engine does not want it");
    c->status.prepare_us = map_microseconds() - start;
    trace_line(c, "[engine] [cache] Prepared engine in %llu ms.",
               (unsigned long long)(c->status.prepare_us + 500) / 1000);
    return too_large(c, cache_estimate(c), e);
}

static enum simg_status persist(struct simg_cache *c, struct scan *s, struct simg_error *e)
{
    uint64_t start = map_microseconds();
    struct number n[3];
    enum simg_status status = SIMG_OK;

    trace_line(c, "[engine] [cache] Persisting engine for store ...");
    if (!scan_arena(c, s))
        return error_memory(e);
    c->status.slots = s->slots;
    c->status.outside = s->outside.size / sizeof(struct scan_outside);
    c->status.strays = s->strays;
    status = audit(c, s, e);
    c->status.persist_us = map_microseconds() - start;
    trace_line(c, "[engine] [cache] Persisted engine in %llu ms.",
               (unsigned long long)(c->status.persist_us + 500) / 1000);
    trace_line(c, "[engine] [cache]     %s pointers inside, %s into libraries%s%s%s.",
               number_text(s->slots, &n[0]), number_text(c->status.outside, &n[1]),
               s->strays ? ", and " : "", s->strays ? number_text(s->strays, &n[2]) : "",
               s->strays ? " words that look like pointers to memory that is not kept" : "");
    return status;
}

static enum simg_status write_image(struct simg_cache *c, struct scan *s, struct simg_error *e)
{
    uint64_t start = 0;
    enum simg_status status = SIMG_OK;
    struct number n;

    if (c->o.update == SIMG_UPDATE_ALWAYS && !to_memory(c)) {
        trace_changes(c);
        trace_line(c, "[engine] [cache]     Always persist policy.");
    }
    if (!to_memory(c))
        trace_line(c, "[engine] [cache] Writing image to %s...", c->store_path);
    start = map_microseconds();
    status = to_memory(c) ? write_memory(c, s, e) : write_file(c, s, e);
    c->status.write_us = map_microseconds() - start;
    if (status != SIMG_OK)
        return status;
    if (to_memory(c))
        trace_line(c, "[engine] [cache] Stored debug engine in memory.");
    else
        trace_line(c, "[engine] [cache] Finished writing %s bytes in %llu ms.",
                   number_text(c->status.store_bytes, &n),
                   (unsigned long long)(c->status.write_us + 500) / 1000);
    return SIMG_OK;
}

static enum simg_status make_and_write(struct simg_cache *c, struct simg_error *e)
{
    struct scan s = {0};
    enum simg_status status = prepare(c, e);

    if (status == SIMG_OK && (c->o.flags & SIMG_CACHE_HISTOGRAM))
        trace_histogram(c);
    if (status == SIMG_OK && (c->o.flags & SIMG_CACHE_REFERENCE_TREE))
        trace_tree(c);
    status = status ? status : persist(c, &s, e);
    status = status ? status : write_image(c, &s, e);
    scan_end(&s);
    return status;
}

/* While nobody else writes there. */
static enum simg_status store_locked(struct simg_cache *c, struct simg_error *e)
{
    char *lock = path_with(c->store_path, ".lock");
    enum simg_status status = SIMG_OK;
    int fd = -1;

    if (!lock)
        return error_memory(e);
    if (map_lock(lock, c->o.lock_timeout, &fd)) {
        status = make_and_write(c, e);
        if (status == SIMG_OK)
            evict(c);
        map_unlock(lock, fd);
    } else if (errno == EAGAIN) {
        status = refuse(c, SIMG_VERDICT_BUSY, SIMG_ERR_STATE, e,
                        "not stored: another process is storing there");
    } else {
        status = error_system(e, errno, "cannot make %.120s", lock);
    }
    free(lock);
    return status;
}

enum simg_status cache_store(struct simg_cache *c, struct simg_error *e)
{
    enum simg_status status = SIMG_OK;

    c->stored = true;
    c->status.store = SIMG_VERDICT_NONE;
    if (!c->store_path && !to_memory(c)) {
        trace_line(c, "[engine] [cache] No store engine cache configured.");
        return SIMG_OK;
    }
    status = register_ready(&c->reg, c->arena) ? may_store(c, e) : error_memory(e);
    status = status ? status : decide(c, e);
    if (status == SIMG_OK)
        status = to_memory(c) ? make_and_write(c, e) : store_locked(c, e);
    if (status == SIMG_OK) {
        c->status.store = SIMG_VERDICT_OK;
        if (!to_memory(c))
            forget_failures(c);
        return SIMG_OK;
    }
    if (c->status.store == SIMG_VERDICT_NONE)
        c->status.store = SIMG_VERDICT_SYSTEM;
    if (!to_memory(c) &&
        (c->status.store == SIMG_VERDICT_SYSTEM || c->status.store == SIMG_VERDICT_ENGINE))
        note_failure(c);
    return status;
}
