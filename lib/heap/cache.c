/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache.c - read an engine's register: its sources, functions, modules and
 * types. */

#include "heap/cache.h"

#include <inttypes.h>
#include <stddef.h>
#define XXH_STATIC_LINKING_ONLY /* for the state's size */
#include <xxhash.h>

#include "sysimage/cache.h"

/* ---- the image's heap ---- */

bool heap_cache_is(const struct image_heap *h)
{
    const struct heap_segment *last = NULL;

    if (h->heap.segment_count == 0)
        return false;
    last = &h->heap.segments[h->heap.segment_count - 1];
    return last->kind == SIMG_SEGMENT_READ_ONLY && strcmp(last->name, SIMG_CACHE_SEGMENT) == 0;
}

bool heap_cache_find(struct diag *d, const struct image_heap *h, struct heap_cache_parts *out)
{
    const struct heap_segment *s = h->heap.segments;
    uint32_t count = h->heap.segment_count;

    *out = (struct heap_cache_parts){0};
    if (count < 2 || count > 3)
        return diag_fail(d, E_FORMAT, "an engine's heap of %" PRIu32 " segments, not 2 or 3",
                         count);
    if (s[0].addr != 0 || s[0].kind != SIMG_SEGMENT_READ_WRITE)
        return diag_fail(d, E_FORMAT,
                         "its first segment is not an arena: at 0x%" PRIx64 ", kind %u", s[0].addr,
                         s[0].kind);
    if (count == 3 && s[1].kind != SIMG_SEGMENT_CODE)
        return diag_fail(d, E_FORMAT, "its second segment is of kind %u, not code", s[1].kind);
    if (h->mode != SIMG_MODE_PRELINKED)
        return diag_fail(d, E_FORMAT, "an engine's heap is prelinked, and this is %s",
                         heap_mode_name(h->mode));
    *out = (struct heap_cache_parts){&s[0], count == 3 ? &s[1] : NULL, &s[count - 1]};
    return true;
}

/* ---- the register ---- */

struct rows {
    struct cursor c;
    uint32_t count;
};

struct reader {
    struct diag *d;
    struct arena *a;
    struct heap_cache_register *out;
    struct rows sources, functions, modules, types;
    struct span strings;
    bool big;
};

static bool rows_at(struct reader *r, const char *what, uint64_t offset, uint32_t count,
                    uint64_t size, unsigned align, struct rows *out)
{
    uint64_t all = r->out->bytes.size;

    *out = (struct rows){{.big = r->big}, count};
    if (offset % align || offset < sizeof(struct simg_cache_head) || offset > all ||
        count > (all - offset) / size)
        return diag_fail(r->d, E_FORMAT,
                         "%" PRIu32 " %s at 0x%" PRIx64
                         " of the register are not %u-aligned or not inside it (0x%" PRIx64
                         " bytes)",
                         count, what, offset, align, all);
    return span_sub(r->out->bytes, offset, count * size, &out->c.in);
}

static bool string_at(struct reader *r, uint32_t offset, const char *what, const char **out)
{
    if (offset >= r->strings.size || (offset > 0 && r->strings.at[offset - 1] != 0))
        return diag_fail(r->d, E_FORMAT,
                         "%s at %" PRIu32 " of the strings, where none begins (%" PRIu64 " bytes)",
                         what, offset, r->strings.size);
    *out = (const char *)r->strings.at + offset;
    return true;
}

static bool read_head(struct reader *r)
{
    struct heap_cache_register *out = r->out;
    struct cursor c = {.in = out->bytes, .big = r->big};
    const uint8_t *magic = cur_take(&c, 8);
    uint32_t version = cur_u32(&c), header_size = cur_u32(&c), inputs, cpu;
    uint64_t size = cur_u64(&c), sources, functions, modules, types, strings, strings_size;

    out->checksum = cur_u64(&c);
    out->flags = cur_u32(&c);
    out->compile = cur_u32(&c);
    inputs = cur_u32(&c);
    cpu = cur_u32(&c);
    out->source_count = cur_u32(&c);
    out->function_count = cur_u32(&c);
    out->module_count = cur_u32(&c);
    out->type_count = cur_u32(&c);
    sources = cur_u64(&c);
    functions = cur_u64(&c);
    modules = cur_u64(&c);
    types = cur_u64(&c);
    strings = cur_u64(&c);
    strings_size = cur_u64(&c);

    if (c.bad)
        return diag_fail(r->d, E_FORMAT, "the register has %" PRIu64 " bytes, its header alone %zu",
                         out->bytes.size, sizeof(struct simg_cache_head));
    if (memcmp(magic, SIMG_CACHE_MAGIC, 8) != 0)
        return diag_fail(r->d, E_FORMAT, "the register's magic is not there");
    if (version != SIMG_CACHE_VERSION)
        return diag_fail(r->d, E_UNSUPPORTED,
                         "the register has version %" PRIu32 ", only %u is known", version,
                         SIMG_CACHE_VERSION);
    if (header_size != sizeof(struct simg_cache_head))
        return diag_fail(r->d, E_FORMAT, "the register's header has %" PRIu32 " bytes, not %zu",
                         header_size, sizeof(struct simg_cache_head));
    if (size != out->bytes.size)
        return diag_fail(r->d, E_FORMAT,
                         "the register says it has %" PRIu64 " bytes, its segment has %" PRIu64,
                         size, out->bytes.size);
    if (!rows_at(r, "sources", sources, out->source_count, sizeof(struct simg_cache_source_row), 8,
                 &r->sources) ||
        !rows_at(r, "functions", functions, out->function_count,
                 sizeof(struct simg_cache_function_row), 8, &r->functions) ||
        !rows_at(r, "modules", modules, out->module_count, sizeof(struct simg_cache_module_row), 8,
                 &r->modules) ||
        !rows_at(r, "types", types, out->type_count, sizeof(struct simg_cache_type_row), 4,
                 &r->types))
        return false;
    if (strings % 4 || strings < sizeof(struct simg_cache_head) || strings_size == 0 ||
        !span_sub(out->bytes, strings, strings_size, &r->strings) || r->strings.at[0] != 0 ||
        r->strings.at[strings_size - 1] != 0)
        return diag_fail(r->d, E_FORMAT,
                         "the strings (%" PRIu64 " bytes at 0x%" PRIx64
                         ") are not 4-aligned, not inside the register, or do not begin and end "
                         "with a NUL",
                         strings_size, strings);
    if (out->module_count == 0)
        return diag_fail(r->d, E_FORMAT, "no module: the engine's own is always there");
    return string_at(r, inputs, "its inputs are", &out->inputs) &&
           string_at(r, cpu, "its CPU is", &out->cpu);
}

/* Row I of one kind into its place; the rows are all there. */
static bool read_source(struct reader *r, uint32_t i)
{
    struct heap_cache_source *s = &r->out->sources[i];
    struct cursor *c = &r->sources.c;
    uint32_t name, flags;

    s->hash = cur_u64(c);
    s->size = cur_u64(c);
    name = cur_u32(c);
    flags = cur_u32(c);
    if (flags)
        return diag_fail(r->d, E_UNSUPPORTED, "flags 0x%" PRIx32 ", none is known", flags);
    return string_at(r, name, "its name is", &s->name);
}

static bool read_function(struct reader *r, uint32_t i)
{
    struct heap_cache_function *f = &r->out->functions[i];
    struct cursor *c = &r->functions.c;
    uint32_t name = cur_u32(c);

    f->source = cur_u32(c);
    f->line = cur_u32(c);
    f->flags = cur_u32(c);
    f->calls = cur_u64(c);
    f->object = cur_u64(c);
    f->code = cur_u64(c);
    f->code_size = cur_u64(c);
    if (f->source >= r->out->source_count && f->source != HEAP_CACHE_NO_SOURCE)
        return diag_fail(r->d, E_FORMAT, "of source %" PRIu32 ", but there are %" PRIu32, f->source,
                         r->out->source_count);
    return string_at(r, name, "its name is", &f->name);
}

static bool read_module(struct reader *r, uint32_t i)
{
    struct heap_cache_module *m = &r->out->modules[i];
    struct cursor *c = &r->modules.c;

    m->address = cur_u64(c);
    m->slots = cur_u64(c);
    return string_at(r, cur_u32(c), "its name is", &m->name) &&
           string_at(r, cur_u32(c), "its build is", &m->build);
}

static bool read_type(struct reader *r, uint32_t i)
{
    return string_at(r, cur_u32(&r->types.c), "its name is", &r->out->types[i]);
}

static bool each_row(struct reader *r, const char *what, uint32_t count,
                     bool (*read)(struct reader *r, uint32_t i))
{
    struct where here = {r->d->where, what, 0};
    bool ok = true;

    r->d->where = &here;
    for (uint32_t i = 0; ok && i < count; i++) {
        here.index = i;
        ok = read(r, i);
    }
    r->d->where = here.up;
    return ok;
}

static bool read_rows(struct reader *r)
{
    struct heap_cache_register *out = r->out;

    out->sources = arena_alloc(r->a, out->source_count, sizeof *out->sources);
    out->functions = arena_alloc(r->a, out->function_count, sizeof *out->functions);
    out->modules = arena_alloc(r->a, out->module_count, sizeof *out->modules);
    out->types = arena_alloc(r->a, out->type_count, sizeof *out->types);
    if (!out->sources || !out->functions || !out->modules || !out->types)
        return diag_nomem(r->d);
    return each_row(r, "source", out->source_count, read_source) &&
           each_row(r, "function", out->function_count, read_function) &&
           each_row(r, "module", out->module_count, read_module) &&
           each_row(r, "type", out->type_count, read_type);
}

bool heap_cache_read_register(struct diag *d, struct arena *a, struct span in, bool big,
                              struct heap_cache_register *out)
{
    struct reader r = {.d = d, .a = a, .out = out, .big = big};

    *out = (struct heap_cache_register){.bytes = in};
    if (read_head(&r) && read_rows(&r))
        return true;
    *out = (struct heap_cache_register){0}; /* nothing half-checked is handed out */
    return false;
}

uint64_t heap_cache_checksum(const struct heap_cache_register *r)
{
    const uint64_t at = offsetof(struct simg_cache_head, checksum), none = 0;
    XXH3_state_t state;

    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, r->bytes.at, at);
    XXH3_64bits_update(&state, &none, sizeof none);
    XXH3_64bits_update(&state, r->bytes.at + at + 8, r->bytes.size - at - 8);
    return XXH3_64bits_digest(&state);
}

const char *heap_cache_compile_name(uint32_t policy)
{
    static const char *const names[] = {[SIMG_COMPILE_NONE] = "none",
                                        [SIMG_COMPILE_COMPILED] = "compiled",
                                        [SIMG_COMPILE_HOT] = "hot",
                                        [SIMG_COMPILE_AOT] = "aot",
                                        [SIMG_COMPILE_EXECUTED] = "executed"};

    return policy < sizeof names / sizeof names[0] ? names[policy] : "unknown";
}
