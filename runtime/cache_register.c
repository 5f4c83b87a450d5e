/* SPDX-License-Identifier: MIT */
/* cache_register.c - the sources and functions of an engine: what it tells of
 * them, and as bytes of an image (docs/cache-format.md). */

#include "runtime/cache.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static struct cache_source *sources(const struct cache_register *r, uint32_t *count)
{
    *count = (uint32_t)(r->sources.size / sizeof(struct cache_source));
    return (struct cache_source *)(void *)r->sources.at;
}

static struct cache_function *functions(const struct cache_register *r, uint32_t *count)
{
    *count = (uint32_t)(r->functions.size / sizeof(struct cache_function));
    return (struct cache_function *)(void *)r->functions.at;
}

static char **type_names(const struct cache_register *r, uint32_t *count)
{
    *count = (uint32_t)(r->types.size / sizeof(char *));
    return (char **)(void *)r->types.at;
}

static bool add_type(struct cache_register *r, const char *name);

/* ---- found by what they are ---- */

#define IS_FUNCTION (UINT32_C(1) << 31)

static uint64_t hash_text(const char *s, uint64_t seed) { return XXH3_64bits_withSeed(s, strlen(s), seed); }

static uint64_t source_key(const struct cache_source *s) { return hash_text(s->name, s->hash); }

static uint64_t function_key(const struct cache_register *r, const struct simg_function *f)
{
    uint32_t count = 0;
    const struct cache_source *all = sources(r, &count);
    uint64_t seed = f->source < count ? source_key(&all[f->source]) : 0;

    return hash_text(f->name, seed ^ ((uint64_t)f->line << 32 | 1));
}

static bool is_at(const struct cache_register *r, uint32_t entry, uint64_t key, bool function)
{
    uint32_t count = 0, i = (entry & ~IS_FUNCTION) - 1;

    if (!(entry & IS_FUNCTION) == function)
        return false;
    return key == (function ? function_key(r, &functions(r, &count)[i].f)
                            : source_key(&sources(r, &count)[i]));
}

/* Where KEY is or would be; the index has room. */
static uint32_t *find(const struct cache_register *r, uint64_t key, bool function)
{
    size_t i = (size_t)key & (r->index_size - 1);

    while (r->index[i] && !is_at(r, r->index[i], key, function))
        i = (i + 1) & (r->index_size - 1);
    return &r->index[i];
}

static bool index_room(struct cache_register *r)
{
    size_t size = r->index_size ? 2 * r->index_size : 256;
    uint32_t *old = r->index, count = 0;
    size_t old_size = r->index_size;

    if (r->index_used + 1 < r->index_size / 4 * 3)
        return true;
    if (!(r->index = calloc(size, sizeof *r->index))) {
        r->index = old;
        return false;
    }
    r->index_size = size;
    for (size_t i = 0; i < old_size; i++)
        if (old[i]) {
            uint32_t at = (old[i] & ~IS_FUNCTION) - 1;
            bool is_function = old[i] & IS_FUNCTION;

            *find(r, is_function ? function_key(r, &functions(r, &count)[at].f)
                                 : source_key(&sources(r, &count)[at]), is_function) = old[i];
        }
    free(old);
    return true;
}

static uint32_t add_source(struct cache_register *r, const char *name, uint64_t hash, uint64_t size,
                           bool *is_new)
{
    struct cache_source s = {.name = strdup(name), .hash = hash, .size = size};
    uint32_t *at = NULL, count = 0;
    struct cache_source *all = NULL, *room = NULL;

    *is_new = false;
    if (!s.name || !index_room(r)) {
        free(s.name);
        return UINT32_MAX;
    }
    at = find(r, source_key(&s), false);
    all = sources(r, &count);
    if (*at) {
        free(s.name);
        *is_new = all[*at - 1].gone;
        all[*at - 1].gone = false;
        return *at - 1;
    }
    if (!(room = (struct cache_source *)(void *)grow_reserve(&r->sources, sizeof s))) {
        free(s.name);
        return UINT32_MAX;
    }
    *room = s;
    *at = count + 1;
    r->index_used++;
    *is_new = true;
    return count;
}

static uint32_t add_function(struct cache_register *r, const struct simg_function *f)
{
    struct cache_function new = {.f = *f};
    struct cache_function *all = NULL, *room = NULL;
    uint32_t *at = NULL, count = 0;

    if (!index_room(r) || !(new.f.name = strdup(f->name)))
        return UINT32_MAX;
    at = find(r, function_key(r, f), true);
    all = functions(r, &count);
    if (*at) {
        struct cache_function *old = &all[(*at & ~IS_FUNCTION) - 1];

        free((char *)(uintptr_t)old->f.name);
        *old = new;
        return (*at & ~IS_FUNCTION) - 1;
    }
    if (!(room = (struct cache_function *)(void *)grow_reserve(&r->functions, sizeof new))) {
        free((char *)(uintptr_t)new.f.name);
        return UINT32_MAX;
    }
    *room = new;
    *at = (count + 1) | IS_FUNCTION;
    r->index_used++;
    return count;
}

void register_free(struct cache_register *r)
{
    uint32_t source_count = 0, function_count = 0, type_count = 0;
    struct cache_source *s = sources(r, &source_count);
    struct cache_function *f = functions(r, &function_count);
    char **t = type_names(r, &type_count);

    for (uint32_t i = 0; i < source_count; i++)
        free(s[i].name);
    for (uint32_t i = 0; i < function_count; i++)
        free((char *)(uintptr_t)f[i].f.name);
    for (uint32_t i = 0; i < type_count; i++)
        free(t[i]);
    free(r->sources.at);
    free(r->functions.at);
    free(r->types.at);
    free(r->index);
    *r = (struct cache_register){0};
}

void register_sums(const struct cache_register *r, uint64_t sums[3], uint32_t counts[2])
{
    uint32_t source_count = 0, function_count = 0;
    const struct cache_source *s = sources(r, &source_count);
    const struct cache_function *f = functions(r, &function_count);

    memset(sums, 0, 3 * sizeof *sums);
    counts[0] = counts[1] = 0;
    for (uint32_t i = 0; i < source_count; i++)
        if (!s[i].gone)
            sums[0] += source_key(&s[i]), counts[0]++;
    for (uint32_t i = 0; i < function_count; i++)
        if (!f[i].gone) {
            uint64_t key = function_key(r, &f[i].f);

            sums[1] += key;
            sums[2] += f[i].f.flags & SIMG_FUNCTION_COMPILED ? key * 3 : 0;
            counts[1]++;
        }
}

/* ---- what engines call ---- */

uint32_t simg_cache_source(struct simg_cache *c, const char *name, const void *bytes, size_t size,
                           int *is_new)
{
    bool new = false;
    uint32_t i = register_ready(&c->reg, c->arena)
                     ? add_source(&c->reg, name, XXH3_64bits(bytes, size), size, &new)
                     : UINT32_MAX;

    if (is_new)
        *is_new = new;
    return i;
}

uint32_t simg_cache_function(struct simg_cache *c, const struct simg_function *f)
{
    return register_ready(&c->reg, c->arena) ? add_function(&c->reg, f) : UINT32_MAX;
}

int simg_cache_get_source(struct simg_cache *c, uint32_t index, const char **name, uint64_t *size)
{
    uint32_t count = 0;
    const struct cache_source *s = register_ready(&c->reg, c->arena) ? sources(&c->reg, &count) : NULL;

    *name = NULL;
    *size = 0;
    if (index >= count || s[index].gone)
        return 0;
    *name = s[index].name;
    *size = s[index].size;
    return 1;
}

int simg_cache_get_function(struct simg_cache *c, uint32_t index, struct simg_function *out)
{
    uint32_t count = 0;
    const struct cache_function *f =
        register_ready(&c->reg, c->arena) ? functions(&c->reg, &count) : NULL;

    *out = (struct simg_function){0};
    if (index >= count || f[index].gone)
        return 0;
    *out = f[index].f;
    return 1;
}

void simg_cache_drop_source(struct simg_cache *c, uint32_t index)
{
    uint32_t count = 0;
    struct cache_source *s =
        register_ready(&c->reg, c->arena) ? sources(&c->reg, &count) : NULL;

    if (index < count)
        s[index].gone = true;
}

void simg_cache_drop_function(struct simg_cache *c, uint32_t index)
{
    uint32_t count = 0;
    struct cache_function *f =
        register_ready(&c->reg, c->arena) ? functions(&c->reg, &count) : NULL;

    if (index < count)
        f[index].gone = true;
}

void simg_cache_type(struct simg_cache *c, void *p, const char *type)
{
    uint64_t *header = (uint64_t *)p - 1;
    uint32_t count = 0, i = 0;
    char **names = NULL;

    if (!register_ready(&c->reg, c->arena))
        return;
    names = type_names(&c->reg, &count);
    while (i < count && strcmp(names[i], type) != 0)
        i++;
    if (i == count && (count >= UINT16_MAX - 1 || !add_type(&c->reg, type)))
        return;
    *header = (*header & ~(UINT64_MAX << SIMG_BLOCK_TYPE_SHIFT)) |
              (uint64_t)(i + 1) << SIMG_BLOCK_TYPE_SHIFT;
}

/* ---- to bytes ---- */

struct out {
    uint8_t *at; /* NULL while sizes are taken */
    struct simg_cache_head h;
    uint64_t strings; /* used so far */
};

static uint32_t put_string(struct out *o, const char *s)
{
    uint64_t n = strlen(s) + 1, at = o->strings;

    if (n == 1)
        return 0;
    if (o->at)
        memcpy(o->at + o->h.strings + at, s, n);
    o->strings += n;
    return (uint32_t)at;
}

static void put_row(struct out *o, uint64_t at, const void *row, uint64_t size)
{
    if (o->at)
        memcpy(o->at + at, row, size);
}

static uint64_t heap_place(const void *p, const uint8_t *arena)
{
    return p ? (uint64_t)((uintptr_t)p - (uintptr_t)arena) : SIMG_NO_PLACE;
}

/* Sources that are gone are left out: the others get new numbers. */
static void put_all(struct out *o, const struct cache_register *r, const uint8_t *arena,
                    const struct register_extra *x, const uint32_t *numbers)
{
    uint32_t source_count = 0, function_count = 0, type_count = 0;
    const struct cache_source *s = sources(r, &source_count);
    const struct cache_function *f = functions(r, &function_count);
    char *const *types = type_names(r, &type_count);
    uint64_t at = o->h.sources;

    o->strings = 1;
    o->h.inputs = put_string(o, x->inputs);
    o->h.cpu = put_string(o, x->cpu);
    for (uint32_t i = 0; i < source_count; i++)
        if (!s[i].gone) {
            struct simg_cache_source_row row = {s[i].hash, s[i].size, put_string(o, s[i].name), 0};

            put_row(o, at, &row, sizeof row);
            at += sizeof row;
        }
    at = o->h.functions;
    for (uint32_t i = 0; i < function_count; i++)
        if (!f[i].gone) {
            struct simg_cache_function_row row = {
                .name = put_string(o, f[i].f.name),
                .source = f[i].f.source < source_count ? numbers[f[i].f.source] : UINT32_MAX,
                .line = f[i].f.line,
                .flags = f[i].f.flags,
                .calls = f[i].f.calls,
                .object = heap_place(f[i].f.object, arena),
                .code = heap_place(f[i].f.code, arena),
                .code_size = f[i].f.code_size};

            put_row(o, at, &row, sizeof row);
            at += sizeof row;
        }
    at = o->h.modules;
    for (uint32_t i = 0; i < x->module_count; i++) {
        const struct cache_module *m = &x->modules[i];
        struct simg_cache_module_row row = {m->m.bias, m->slots, put_string(o, m->m.name),
                                            put_string(o, m->m.build)};

        put_row(o, at, &row, sizeof row);
        at += sizeof row;
    }
    at = o->h.types;
    for (uint32_t i = 0; i < type_count; i++) {
        struct simg_cache_type_row row = {put_string(o, types[i])};

        put_row(o, at, &row, sizeof row);
        at += sizeof row;
    }
}

static uint64_t checksum(const uint8_t *at, uint64_t size)
{
    static const uint8_t zero[8];
    XXH3_state_t state;
    const size_t field = offsetof(struct simg_cache_head, checksum);

    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, at, field);
    XXH3_64bits_update(&state, zero, 8);
    XXH3_64bits_update(&state, at + field + 8, size - field - 8);
    return XXH3_64bits_digest(&state);
}

static uint64_t align8(uint64_t n) { return (n + 7) & ~UINT64_C(7); }

uint8_t *register_bytes(const struct cache_register *r, const uint8_t *arena,
                        const struct register_extra *x, uint64_t *size)
{
    struct out o = {0};
    uint32_t source_count = 0, counts[2];
    const struct cache_source *s = sources(r, &source_count);
    uint32_t *numbers = malloc((source_count + 1ull) * sizeof *numbers), next = 0;
    uint64_t sums[3];

    *size = 0;
    if (!numbers)
        return NULL;
    for (uint32_t i = 0; i < source_count; i++)
        numbers[i] = s[i].gone ? UINT32_MAX : next++;
    register_sums(r, sums, counts);
    memcpy(o.h.magic, SIMG_CACHE_MAGIC, 8);
    o.h.version = SIMG_CACHE_VERSION;
    o.h.header_size = sizeof o.h;
    o.h.flags = x->flags;
    o.h.compile = x->compile;
    o.h.source_count = counts[0];
    o.h.function_count = counts[1];
    o.h.module_count = x->module_count;
    type_names(r, &o.h.type_count);
    o.h.sources = sizeof o.h;
    o.h.functions = o.h.sources + counts[0] * sizeof(struct simg_cache_source_row);
    o.h.modules = o.h.functions + counts[1] * sizeof(struct simg_cache_function_row);
    o.h.types = o.h.modules + x->module_count * sizeof(struct simg_cache_module_row);
    o.h.strings = o.h.types + o.h.type_count * sizeof(struct simg_cache_type_row);
    put_all(&o, r, arena, x, numbers);
    o.h.strings_size = o.strings;
    o.h.size = align8(o.h.strings + o.strings);
    if (o.strings <= UINT32_MAX && (o.at = calloc(1, o.h.size))) {
        put_all(&o, r, arena, x, numbers);
        memcpy(o.at, &o.h, sizeof o.h);
        o.h.checksum = checksum(o.at, o.h.size);
        memcpy(o.at, &o.h, sizeof o.h);
        *size = o.h.size;
    }
    free(numbers);
    return o.at;
}

/* ---- from bytes ---- */

static const void *rows(const struct register_view *v, uint64_t offset, uint64_t count,
                        uint64_t entry)
{
    if (offset % 4 || offset > v->head->size || count > (v->head->size - offset) / entry)
        return NULL;
    return v->at + offset;
}

/* V's rows are inside. */
static bool find_rows(struct register_view *v)
{
    const struct simg_cache_head *h = v->head;

    v->sources = rows(v, h->sources, h->source_count, sizeof *v->sources);
    v->functions = rows(v, h->functions, h->function_count, sizeof *v->functions);
    v->modules = rows(v, h->modules, h->module_count, sizeof *v->modules);
    v->types = rows(v, h->types, h->type_count, sizeof *v->types);
    v->strings = rows(v, h->strings, h->strings_size, 1);
    return v->sources && v->functions && v->modules && v->types && v->strings &&
           h->strings_size > 0;
}

static bool is_string(const struct register_view *v, uint32_t at)
{
    return at < v->head->strings_size;
}

bool register_check(const uint8_t *at, uint64_t size, struct register_view *v)
{
    const struct simg_cache_head *h = (const struct simg_cache_head *)(const void *)at;
    bool ok = true;

    *v = (struct register_view){.at = at, .head = h};
    if (size < sizeof *h || memcmp(h->magic, SIMG_CACHE_MAGIC, 8) != 0 ||
        h->version != SIMG_CACHE_VERSION || h->header_size != sizeof *h || h->size != size ||
        h->sources % 8 || h->functions % 8 || h->modules % 8 || checksum(at, size) != h->checksum ||
        !find_rows(v))
        return false;
    ok = v->strings[0] == 0 && v->strings[h->strings_size - 1] == 0 && is_string(v, h->inputs) &&
         is_string(v, h->cpu);
    for (uint32_t i = 0; ok && i < h->source_count; i++)
        ok = is_string(v, v->sources[i].name);
    for (uint32_t i = 0; ok && i < h->function_count; i++)
        ok = is_string(v, v->functions[i].name) &&
             (v->functions[i].source < h->source_count || v->functions[i].source == UINT32_MAX);
    for (uint32_t i = 0; ok && i < h->module_count; i++)
        ok = is_string(v, v->modules[i].name) && is_string(v, v->modules[i].build);
    for (uint32_t i = 0; ok && i < h->type_count; i++)
        ok = is_string(v, v->types[i].name);
    return ok;
}

static void *from_place(uint64_t place, const void *arena)
{
    return place == SIMG_NO_PLACE ? NULL : (void *)((uintptr_t)arena + place);
}

static bool add_type(struct cache_register *r, const char *name)
{
    char *copy = strdup(name);
    uint8_t *room = copy ? grow_reserve(&r->types, sizeof copy) : NULL;

    if (room)
        memcpy(room, &copy, sizeof copy);
    else
        free(copy);
    return room != NULL;
}

void register_use(struct cache_register *r, const uint8_t *image) { r->image = image; }

bool register_ready(struct cache_register *r, const void *arena)
{
    struct register_view v = {.at = r->image, .head = (const void *)r->image};
    uint64_t sums[3];
    uint32_t counts[2];
    bool is_new = false;

    if (!r->image)
        return true;
    r->image = NULL;
    find_rows(&v); /* as it did before */
    for (uint32_t i = 0; i < v.head->source_count; i++)
        if (add_source(r, v.strings + v.sources[i].name, v.sources[i].hash, v.sources[i].size,
                       &is_new) == UINT32_MAX)
            return false;
    for (uint32_t i = 0; i < v.head->function_count; i++) {
        const struct simg_cache_function_row *row = &v.functions[i];
        struct simg_function f = {.name = v.strings + row->name,
                                  .source = row->source,
                                  .line = row->line,
                                  .flags = row->flags,
                                  .calls = row->calls,
                                  .object = from_place(row->object, arena),
                                  .code = from_place(row->code, arena),
                                  .code_size = row->code_size};

        if (add_function(r, &f) == UINT32_MAX)
            return false;
    }
    for (uint32_t i = 0; i < v.head->type_count; i++)
        if (!add_type(r, v.strings + v.types[i].name))
            return false;
    register_sums(r, sums, counts);
    r->had_sources = sums[0];
    r->had_functions = sums[1];
    r->had_code = sums[2];
    r->had_source_count = counts[0];
    r->had_function_count = counts[1];
    return true;
}

void register_counts(const struct cache_register *r, uint32_t *source_count,
                     uint32_t *function_count)
{
    const struct simg_cache_head *h = (const void *)r->image;
    uint64_t sums[3];
    uint32_t counts[2];

    if (h) {
        counts[0] = h->source_count;
        counts[1] = h->function_count;
    } else {
        register_sums(r, sums, counts);
    }
    *source_count = counts[0];
    *function_count = counts[1];
}
