/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache_gc.c - objtool cache gc: what nobody needs any more is removed.
 *
 * Writers hold IMAGE.lock while IMAGE.tmp is made and renamed, so nothing of an
 * image goes but under its lock, and only if it is still the file that was
 * looked at.  What has another name than engines give, belongs to somebody
 * else, or is no image, stays. */

#include "cache.h"

#include "runtime/map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOCK_WAIT = 250, /* milliseconds, as an engine waits */ LONGEST_WAIT = 86400 };

struct victim {
    const struct cache_file *f;
    const char *why; /* NULL: it stays */
};

struct collector {
    struct cache_command *c;
    struct victim *images, *rest;
    uint64_t image_count, rest_count;
    uint64_t bytes; /* of images that stay */
    uint64_t removed, freed, failed;
};

/* ---- choosing ---- */

static bool is_mine(const struct cache_file *f)
{
    return f->named && f->owner == (uint32_t)geteuid();
}

static const char *days_text(struct arena *a, int64_t seconds)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "days"}, {3600, "hours"}, {60, "minutes"}, {1, "seconds"}};
    unsigned u = 0;

    while (u < 3 && seconds < 2 * units[u].seconds)
        u++;
    return arena_printf(a, "not used for %" PRId64 " %s", seconds / units[u].seconds,
                        units[u].name);
}

static int by_use(const void *left, const void *right)
{
    const struct victim *l = left, *r = right;

    if (l->f->used != r->f->used)
        return l->f->used < r->f->used ? -1 : 1;
    return strcmp(l->f->name, r->f->name);
}

/* An image that may go; *WHY, if it must. */
static bool is_candidate(const struct cache_file *f, const char **why)
{
    struct cache_image i;
    bool ours = false;

    *why = NULL;
    if (f->kind != CACHE_IMAGE || !is_mine(f))
        return false;
    cache_open(f, &i);
    /* Of another name, nothing but its register shows that it was an image. */
    ours = i.is_image || (i.state == CACHE_DAMAGED && f->usual);
    if (i.state == CACHE_DAMAGED)
        *why = "damaged";
    cache_close(&i);
    return ours;
}

static void choose_images(struct collector *g, int64_t now)
{
    struct cache_command *c = g->c;

    if (g->image_count)
        qsort(g->images, g->image_count, sizeof *g->images, by_use);
    for (uint64_t n = 0; n < g->image_count; n++) {
        struct victim *v = &g->images[n];

        if (!v->why && c->older_than >= 0 && now - v->f->used > c->older_than)
            v->why = days_text(c->a, now - v->f->used);
        if (!v->why)
            g->bytes += v->f->size;
    }
    for (uint64_t n = 0; n < g->image_count && g->bytes > c->max_size; n++) {
        struct victim *v = &g->images[n];

        if (v->why)
            continue;
        v->why = "least recently used";
        g->bytes -= v->f->size;
    }
}

static const char *why_rest(struct arena *a, const struct cache_file *f, int64_t now)
{
    if (cache_is_held(a, f))
        return NULL;
    switch (f->kind) {
    case CACHE_BAD:
        return "set aside";
    case CACHE_TEMP:
        return "left by a writer";
    case CACHE_LOCK:
        return "nobody has it";
    case CACHE_FAILED:
        return now - f->used > LONGEST_WAIT ? "its wait is over" : NULL;
    case CACHE_IMAGE:
        break;
    }
    return NULL;
}

/* A file that was named comes first: if it is no image, what stands beside it is not the cache's. */
static bool choose(struct collector *g, const struct cache_place *place)
{
    int64_t now = map_seconds();

    g->images = arena_alloc(g->c->a, place->count, sizeof *g->images);
    g->rest = arena_alloc(g->c->a, place->count, sizeof *g->rest);
    if (!g->images || !g->rest)
        return diag_nomem(g->c->d);
    for (uint64_t n = 0; n < place->count; n++) {
        const struct cache_file *f = &place->files[n];
        const char *why = NULL;

        if (is_candidate(f, &why))
            g->images[g->image_count++] = (struct victim){f, why};
        else if (f->kind != CACHE_IMAGE && is_mine(f) && (f->usual || g->image_count > 0) &&
                 (why = why_rest(g->c->a, f, now)))
            g->rest[g->rest_count++] = (struct victim){f, why};
    }
    choose_images(g, now);
    return true;
}

/* ---- removing ---- */

static void put_victim(struct collector *g, const struct victim *v, const char *problem)
{
    struct report *r = g->c->r;
    struct buf *out = &r->text;

    rep_open(r, NULL, '{');
    rep_str(r, "name", NULL, v->f->name);
    rep_num(r, "bytes", NULL, v->f->size);
    rep_str(r, "why", NULL, v->why);
    rep_flag(r, "removed", !problem && !g->c->dry_run);
    if (problem)
        rep_str(r, "problem", NULL, problem);
    rep_close(r);
    if (!r->as_json) {
        buf_printf(out, "%s ", problem ? "left" : g->c->dry_run ? "would remove" : "removed");
        term_str(out, v->f->path);
        buf_printf(out, ", ");
        term_count(out, v->f->size);
        buf_printf(out, " bytes: %s", v->why);
        if (problem) {
            buf_printf(out, ", but ");
            term_str(out, problem);
        }
        buf_printf(out, "\n");
    }
    if (problem) {
        g->failed++;
        return;
    }
    g->removed++;
    g->freed += v->f->size;
}

/* While nobody stores there.  The lock's file goes by itself. */
static const char *remove_locked(struct collector *g, const struct cache_file *f)
{
    const char *lock = arena_printf(g->c->a, "%s.lock", f->image), *problem = NULL;
    int fd = -1;

    if (!lock)
        return "there is no memory";
    if (!map_lock(lock, LOCK_WAIT, &fd))
        return errno == EAGAIN ? "a process is storing there" : strerror(errno);
    if (f->kind == CACHE_LOCK)
        ; /* that is this one */
    else if (access(f->path, F_OK) != 0)
        ; /* somebody else has removed it */
    else if (!cache_is_same(f))
        problem = "it is another file now";
    else if (unlink(f->path) != 0)
        problem = strerror(errno);
    map_unlock(lock, fd);
    return problem;
}

static void remove_all(struct collector *g, const struct victim *all, uint64_t count)
{
    for (uint64_t n = 0; n < count; n++)
        if (all[n].why)
            put_victim(g, &all[n], g->c->dry_run ? NULL : remove_locked(g, all[n].f));
}

int cache_gc(struct cache_command *c, const struct cache_place *place)
{
    struct collector g = {.c = c};
    struct report *r = c->r;

    if (!choose(&g, place))
        return diag_exit_code(c->d->status);
    rep_flag(r, "dry_run", c->dry_run);
    rep_open(r, "removed", '[');
    remove_all(&g, g.images, g.image_count);
    remove_all(&g, g.rest, g.rest_count);
    rep_close(r);
    rep_num(r, "removed_count", NULL, g.removed);
    rep_num(r, "removed_bytes", NULL, g.freed);
    rep_num(r, "left_count", NULL, g.failed);
    rep_num(r, "kept_bytes", NULL, g.bytes);
    if (!r->as_json) {
        term_str(&r->text, place->path);
        buf_printf(&r->text, ": %s", c->dry_run ? "would remove " : "removed ");
        term_count(&r->text, g.removed);
        buf_printf(&r->text, " files of ");
        term_count(&r->text, g.freed);
        buf_printf(&r->text, " bytes; images of ");
        term_count(&r->text, g.bytes);
        buf_printf(&r->text, " bytes stay\n");
    }
    return g.failed > 0;
}
