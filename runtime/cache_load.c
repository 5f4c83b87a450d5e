/* SPDX-License-Identifier: MIT */
/* cache_load.c - an image is checked for this engine, build, CPU and user, and
 * mapped; or refused with a reason, which is the same for the same reason. */

#include "runtime/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What there is to know about a file before it is mapped. */
struct candidate {
    struct simg_cache *c;
    struct simg *image;
    struct file f;
    struct map_view view;
    struct register_view reg;
    const struct simg_table_segment *blocks, *code, *rows;
    uint64_t *deltas; /* of each module: what is to be added to words that point into it */
    struct simg_error *e;
};

static enum simg_status refuse(const struct candidate *x, enum simg_verdict verdict,
                               enum simg_status status, const char *text)
{
    x->c->status.load = verdict;
    return error_set(x->e, status, 0, "%s", text);
}

/* Somebody's program or library, named by mistake, must stay where it is.  An image has the word twice
   in front, in its note and its table, so one of them may be damaged; what is shorter than
   that was cut off. */
static bool starts_like_an_image(int fd)
{
    uint8_t head[4096];
    uint64_t size = 0;

    if (!map_file_size(fd, &size) || size == 0)
        return size == 0;
    size = size < sizeof head ? size : sizeof head;
    if (size < 4 || !map_read(fd, 0, head, size) || memcmp(head, "\177ELF", 4) != 0)
        return false;
    for (uint64_t i = 0; i + 8 <= size; i++)
        if (memcmp(head + i, SIMG_TABLE_MAGIC, 8) == 0)
            return true;
    return size < 1024;
}

/* What a failure of the loader means here. */
static enum simg_verdict verdict_of(enum simg_status status, int fd)
{
    switch (status) {
    case SIMG_ERR_FORMAT:
    case SIMG_ERR_CHECKSUM:
    case SIMG_ERR_NOT_IMAGE:
        return starts_like_an_image(fd) ? SIMG_VERDICT_DAMAGED : SIMG_VERDICT_FOREIGN;
    case SIMG_ERR_ADDRESS:
        return SIMG_VERDICT_ADDRESS;
    case SIMG_ERR_SYSTEM:
    case SIMG_ERR_MEMORY:
        return SIMG_VERDICT_SYSTEM;
    default:
        return SIMG_VERDICT_FOREIGN;
    }
}

/* ---- the file's parts ---- */

static enum simg_status find_parts(struct candidate *x)
{
    const struct table *t = &x->image->table;
    const struct simg_table_heap *h = t->heaps;
    uint64_t offset = 0;

    if (t->head->heap_count != 1 || h->segment_count < 2)
        return refuse(x, SIMG_VERDICT_FOREIGN, SIMG_ERR_MISMATCH, "it is no image of an engine");
    x->blocks = &t->segments[h->first_segment];
    x->rows = &x->blocks[h->segment_count - 1];
    x->code = h->segment_count > 2 ? &x->blocks[1] : NULL;
    if (strcmp(t->strings + x->rows->name, SIMG_CACHE_SEGMENT) != 0 || h->segment_count > 3 ||
        h->mode != SIMG_MODE_PRELINKED || x->rows->kind != SIMG_SEGMENT_READ_ONLY)
        return refuse(x, SIMG_VERDICT_FOREIGN, SIMG_ERR_MISMATCH, "it is no image of an engine");
    if (x->blocks->addr != 0 || x->blocks->size < sizeof(struct simg_arena_head) ||
        x->blocks->size % CACHE_PAGE || x->blocks->kind != SIMG_SEGMENT_READ_WRITE ||
        (x->code && x->code->kind != SIMG_SEGMENT_CODE) ||
        !file_place(&x->f, x->f.table + (uint64_t)h->at + x->rows->addr, x->rows->size, &offset))
        return refuse(x, SIMG_VERDICT_DAMAGED, SIMG_ERR_FORMAT, "its parts are not those of an engine");
    if (!map_view(x->f.fd, offset, x->rows->size, &x->view))
        return error_system(x->e, errno, "cannot map the register");
    if (!register_check(x->view.at, x->rows->size, &x->reg) ||
        x->reg.head->module_count != h->import_count || x->reg.head->module_count == 0)
        return refuse(x, SIMG_VERDICT_DAMAGED, SIMG_ERR_CHECKSUM, "its register is damaged");
    return SIMG_OK;
}

/* ---- whose is it ---- */

static bool is_text(const struct candidate *x, uint32_t have, const char *want)
{
    return strcmp(x->image->table.strings + have, want ? want : "") == 0;
}

struct module_search {
    const struct candidate *x;
    uint32_t left; /* modules that were not found */
    uintptr_t anchor;
    char own[LOADED_BUILD]; /* the engine's build */
    bool *found;
};

static bool match_module(void *arg, const struct loaded_module *m)
{
    struct module_search *s = arg;
    const struct register_view *v = &s->x->reg;
    bool own = s->anchor ? s->anchor >= m->from && s->anchor < m->to : m->program;

    if (own)
        memcpy(s->own, m->build, sizeof s->own);
    for (uint32_t i = 0; i < v->head->module_count; i++)
        if (!s->found[i] && (i == 0 ? own : true) &&
            strcmp(v->strings + v->modules[i].build, m->build) == 0) {
            s->found[i] = true;
            s->left--;
            s->x->deltas[i] = m->bias - v->modules[i].address;
            break;
        }
    return s->left > 0 || !s->own[0];
}

static enum simg_status find_modules(struct candidate *x)
{
    const struct register_view *v = &x->reg;
    uint32_t count = v->head->module_count;
    struct module_search s = {.x = x, .left = count, .anchor = (uintptr_t)x->c->engine->anchor};
    enum simg_status status = SIMG_OK;
    char text[160];

    x->deltas = calloc(count, sizeof *x->deltas);
    s.found = calloc(count, sizeof *s.found);
    if (!x->deltas || !s.found) {
        free(s.found);
        return error_memory(x->e);
    }
    loaded_each(match_module, &s);
    for (uint32_t i = 0; status == SIMG_OK && i < count; i++) {
        const char *name = v->strings + v->modules[i].name;

        if (!s.found[i]) {
            if (i == 0)
                snprintf(text, sizeof text, "made by build %.40s of %s, not %.40s",
                         v->strings + v->modules[0].build, x->c->engine->name, s.own);
            else
                snprintf(text, sizeof text, "made with build %.40s of %.48s, which is not loaded",
                         v->strings + v->modules[i].build, name);
            status = refuse(x, SIMG_VERDICT_FOREIGN, SIMG_ERR_MISMATCH, text);
        } else if (x->deltas[i] && v->modules[i].slots &&
                   (x->c->engine->flags & SIMG_ENGINE_HASHES_ADDRESSES)) {
            snprintf(text, sizeof text, "%.48s is at another address, and the engine hashes addresses",
                     name);
            status = refuse(x, SIMG_VERDICT_MOVED, SIMG_ERR_ADDRESS, text);
        }
    }
    free(s.found);
    return status;
}

static enum simg_status match(struct candidate *x)
{
    const struct simg_table_heap *h = x->image->table.heaps;
    const struct simg_engine *engine = x->c->engine;
    enum simg_status status = SIMG_OK;

    if (!is_text(x, h->runtime, engine->name) || !is_text(x, h->version, engine->version))
        return refuse(x, SIMG_VERDICT_FOREIGN, SIMG_ERR_MISMATCH, "made by another engine or version");
    if ((status = find_modules(x)) != SIMG_OK)
        return status;
    if (!is_text(x, h->options, engine->build_flags))
        return refuse(x, SIMG_VERDICT_FLAGS, SIMG_ERR_MISMATCH, "made with other settings");
    if ((x->code || (x->reg.head->flags & SIMG_ENGINE_HAS_CODE)) &&
        !cpu_covers(x->c->cpu, x->reg.strings + x->reg.head->cpu))
        return refuse(x, SIMG_VERDICT_CPU, SIMG_ERR_MISMATCH, "made for a CPU that can do more");
    if (strcmp(x->reg.strings + x->reg.head->inputs, engine->inputs ? engine->inputs : "") != 0)
        return refuse(x, SIMG_VERDICT_STALE, SIMG_ERR_MISMATCH, "made from other inputs");
    return SIMG_OK;
}

/* ---- in place ---- */

/* Words that point into modules that are elsewhere now. */
static void patch(struct candidate *x, uint8_t *arena)
{
    const struct table *t = &x->image->table;

    for (uint64_t i = 0; i < t->heaps[0].import_slot_count; i++) {
        const struct simg_table_import_slot *s = &t->import_slots[i];
        uint64_t word = 0;

        if (!x->deltas[s->import])
            continue;
        memcpy(&word, arena + s->place, sizeof word);
        word += x->deltas[s->import];
        memcpy(arena + s->place, &word, sizeof word);
        x->c->status.patched++;
    }
}

static enum simg_status take_roots(struct candidate *x)
{
    const struct table *t = &x->image->table;

    for (uint32_t i = 0; i < t->head->root_count; i++) {
        struct cache_root root = {strdup(t->strings + t->roots[i].name), t->roots[i].addr};
        uint8_t *room = root.name ? grow_reserve(&x->c->roots, sizeof root) : NULL;

        if (!room) {
            free(root.name);
            return error_memory(x->e);
        }
        memcpy(room, &root, sizeof root);
    }
    return SIMG_OK;
}

static enum simg_status map(struct candidate *x)
{
    bool movable = (x->c->engine->flags & SIMG_ENGINE_MOVABLE) != 0;
    struct simg_options o = {.size = sizeof o,
                             .flags = (movable ? 0 : SIMG_OPEN_IN_PLACE) | IMAGE_KEEP_IMPORTS};
    enum simg_status status = image_map(x->image, &x->f, &o, x->e);
    const struct simg_arena_head *h = NULL;
    uint8_t *arena = NULL;

    if (status != SIMG_OK)
        return status;
    arena = x->image->heaps[0].at;
    h = (const struct simg_arena_head *)(const void *)arena;
    if (!arena_check(h, x->blocks->size, x->code ? x->code->size : 0) || h->size != x->rows->addr ||
        (x->code && x->code->addr != h->limit))
        return refuse(x, SIMG_VERDICT_DAMAGED, SIMG_ERR_FORMAT, "its arena is damaged");
    patch(x, arena);
    x->c->arena = (struct simg_arena *)(void *)arena;
    x->c->size = h->size;
    register_use(&x->c->reg, arena + x->rows->addr);
    return take_roots(x);
}

static enum simg_status load(struct candidate *x, int fd)
{
    struct simg_options o = {.size = sizeof o, .verify = x->c->o.verify};
    enum simg_status status = file_begin(fd, &x->f, x->e);

    x->c->status.load_bytes = x->f.size;
    status = status ? status : image_check(x->image, &x->f, &o, x->e);
    status = status ? status : find_parts(x);
    status = status ? status : match(x);
    return status ? status : map(x);
}

static void forget(struct simg_cache *c)
{
    struct cache_root *roots = (struct cache_root *)(void *)c->roots.at;

    for (size_t i = 0; i < c->roots.size / sizeof *roots; i++)
        free(roots[i].name);
    c->roots.size = 0;
    register_free(&c->reg);
    c->arena = NULL;
    c->size = 0;
}

enum simg_status cache_load_fd(struct simg_cache *c, int fd, struct simg_error *e)
{
    struct candidate x = {.c = c, .image = calloc(1, sizeof *x.image), .e = e};
    enum simg_status status = x.image ? load(&x, fd) : error_memory(e);

    if (status != SIMG_OK && c->status.load == SIMG_VERDICT_NONE)
        c->status.load = verdict_of(status, fd);
    if (status == SIMG_OK) {
        c->image = x.image;
        c->loaded = true;
        tell_loaded(c, fd, (uint64_t)(uintptr_t)c->arena != x.image->table.heaps[0].base);
        if (c->engine->after_load && c->engine->after_load(c->engine->arg, c) != 0) {
            c->loaded = false;
            c->image = NULL;
            tell_unloaded(c);
            status = refuse(&x, SIMG_VERDICT_ENGINE, SIMG_ERR_MISMATCH, "the engine does not take it");
        }
    }
    map_unview(&x.view);
    free(x.deltas);
    file_end(&x.f);
    if (status != SIMG_OK) {
        forget(c);
        simg_close(x.image);
        return status;
    }
    c->status.load = SIMG_VERDICT_OK;
    return SIMG_OK;
}

/* Is FD still what has the name PATH?  A writer may have put a good one there. */
static bool has_name(int fd, const char *path)
{
    uint64_t own[2] = {0}, named[2] = {0};
    int other = -1;
    bool same = map_open(path, &other) && map_file_id(fd, own) && map_file_id(other, named) &&
                own[0] == named[0] && own[1] == named[1];

    if (other >= 0)
        map_close(other);
    return same;
}

/* The one that was set aside before is lost: one is enough to look at. */
static void set_aside(const struct simg_cache *c)
{
    size_t room = strlen(c->load_path) + 8;
    char *bad = malloc(room);

    if (!bad)
        return;
    snprintf(bad, room, "%s.bad", c->load_path);
    if (map_replace(c->load_path, bad))
        trace_line(c, "[engine] [cache] The damaged image is now %s.", bad);
    free(bad);
}

enum simg_status cache_load(struct simg_cache *c, struct simg_error *e)
{
    enum simg_status status = SIMG_OK;
    const char *why = NULL;
    bool bad = false;
    int fd = -1;

    if (!map_open(c->load_path, &fd)) {
        c->status.load = errno == ENOENT ? SIMG_VERDICT_ABSENT : SIMG_VERDICT_SYSTEM;
        return error_system(e, errno, "%.120s", c->load_path);
    }
    if (!map_is_trusted(fd, &why)) {
        c->status.load = SIMG_VERDICT_NOT_OURS;
        status = error_set(e, SIMG_ERR_MISMATCH, 0, "%s", why);
    } else {
        status = cache_load_fd(c, fd, e);
    }
    if (status == SIMG_OK && c->o.mode != SIMG_CACHE_READ_ONLY)
        map_touch(fd);
    bad = c->status.load == SIMG_VERDICT_DAMAGED && c->o.mode != SIMG_CACHE_READ_ONLY &&
          has_name(fd, c->load_path);
    map_close(fd);
    if (bad)
        set_aside(c);
    return status;
}
