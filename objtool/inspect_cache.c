/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_cache.c - an image of the engine cache: its sources, functions and
 * modules; what its memory goes to, and what is in it that should not be. */

#include "elf/cache.h"
#include "heap/audit.h"
#include "inspect_heap.h"
#include "sysimage/cache.h"

#include <inttypes.h>
#include <stdio.h>

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

struct cache_view {
    struct inspect *i;
    struct report *r;
    struct elf_cache c;
    struct heap_cache_arena arena;
    struct heap objects;
    bool has_arena;
};

/* ---- the summary ---- */

static void put_flag(struct cache_view *v, uint32_t flag, const char *key, const char *says)
{
    bool set = v->c.reg.flags & flag;

    rep_flag(v->r, key, set);
    if (set)
        rep_str(v->r, NULL, "", says);
}

static void put_modules(struct cache_view *v)
{
    static const struct column columns[] = {{"addr", "address", 14, true},
                                            {"slot_count", "slots", 9, true},
                                            {"build", "build", 40, false},
                                            {"name", "name", 0, false}};
    const struct heap_cache_register *g = &v->c.reg;

    rep_table(v->r, "modules", "modules that the heap points into", columns, COUNT(columns));
    for (uint32_t i = 0; i < g->module_count; i++) {
        rep_row(v->r);
        rep_cell_hex(v->r, g->modules[i].address);
        rep_cell_num(v->r, g->modules[i].slots);
        rep_cell(v->r, g->modules[i].build);
        rep_cell(v->r, g->modules[i].name);
    }
    rep_table_end(v->r);
}

static void put_arena(struct cache_view *v)
{
    const struct heap_cache_arena *a = &v->arena;
    struct buf *line = NULL;

    if (!v->has_arena)
        return;
    rep_open(v->r, "arena", '{');
    rep_num(v->r, "size", NULL, a->size);
    rep_num(v->r, "live_count", NULL, a->live_count);
    rep_num(v->r, "live_bytes", NULL, a->live_bytes);
    rep_num(v->r, "free_count", NULL, a->free_count);
    rep_num(v->r, "free_bytes", NULL, a->free_bytes);
    rep_close(v->r);
    if (v->r->as_json)
        return;
    line = rep_line(v->r, "blocks");
    term_count(line, a->live_count);
    buf_printf(line, " of ");
    term_count(line, a->live_bytes);
    buf_printf(line, " bytes; free: ");
    term_count(line, a->free_count);
    buf_printf(line, " of ");
    term_count(line, a->free_bytes);
    rep_end_line(v->r);
}

static void put_functions_line(struct cache_view *v)
{
    const struct heap_cache_register *g = &v->c.reg;
    uint64_t compiled = 0, bytes = 0;
    struct buf *line = NULL;

    if (!v->r->as_json)
        buf_printf(&v->r->text, "\n");
    for (uint32_t i = 0; i < g->function_count; i++) {
        bool has = g->functions[i].flags & SIMG_FUNCTION_COMPILED;

        compiled += has;
        bytes += has ? g->functions[i].code_size : 0;
    }
    rep_num(v->r, "source_count", NULL, g->source_count);
    rep_num(v->r, "function_count", NULL, g->function_count);
    rep_num(v->r, "compiled_count", NULL, compiled);
    rep_num(v->r, "compiled_bytes", NULL, bytes);
    if (v->r->as_json)
        return;
    line = rep_line(v->r, "engine cache");
    term_count(line, g->source_count);
    buf_printf(line, " sources, ");
    term_count(line, g->function_count);
    buf_printf(line, " functions, ");
    term_count(line, compiled);
    buf_printf(line, " of them with code");
    if (bytes) {
        buf_printf(line, " of ");
        term_count(line, bytes);
        buf_printf(line, " bytes");
    }
    rep_end_line(v->r);
}

static void put_summary(struct cache_view *v)
{
    const struct heap_cache_register *g = &v->c.reg;

    put_functions_line(v);
    rep_str(v->r, "compile", "compile policy", heap_cache_compile_name(g->compile));
    rep_str(v->r, "cpu", "made on", g->cpu);
    rep_str(v->r, "inputs", *g->inputs ? "inputs" : NULL, g->inputs);
    put_flag(v, SIMG_ENGINE_HASHES_ADDRESSES, "hashes_addresses",
             "hashes addresses: the engine must be where it was");
    put_flag(v, SIMG_ENGINE_HAS_CODE, "has_code", "has machine code: for such a CPU only");
    put_flag(v, SIMG_ENGINE_CODE_ONLY, "code_only", "has no state of programs");
    put_flag(v, SIMG_ENGINE_MOVABLE, "movable", "can be loaded elsewhere");
    put_arena(v);
}

/* ---- lists ---- */

static void put_sources(struct cache_view *v)
{
    static const struct column columns[] = {{"index", "#", 5, true},
                                            {"size", "bytes", 11, true},
                                            {"hash", "hash", 18, true},
                                            {"name", "name", 0, false}};
    const struct heap_cache_register *g = &v->c.reg;

    rep_table(v->r, "sources", "sources", columns, COUNT(columns));
    for (uint32_t i = 0; i < g->source_count; i++) {
        rep_row(v->r);
        rep_cell_num(v->r, i);
        rep_cell_num(v->r, g->sources[i].size);
        rep_cell_hex(v->r, g->sources[i].hash);
        rep_cell(v->r, g->sources[i].name);
    }
    rep_table_end(v->r);
}

/* A letter for each: executed, started, compiled, can be compiled ahead of time. */
static const char *function_flags(uint32_t flags, char text[8])
{
    snprintf(text, 8, "%s%s%s%s", flags & SIMG_FUNCTION_EXECUTED ? "E" : "",
             flags & SIMG_FUNCTION_STARTED ? "S" : "", flags & SIMG_FUNCTION_COMPILED ? "C" : "",
             flags & SIMG_FUNCTION_AOT ? "A" : "");
    return text;
}

static void put_place(struct report *r, uint64_t place)
{
    if (place == SIMG_NO_PLACE)
        rep_cell(r, NULL);
    else
        rep_cell_hex(r, place);
}

static void put_functions(struct cache_view *v)
{
    static const struct column columns[] = {
        {"source", "source", 6, true},   {"line", "line", 6, true},
        {"flags", "flags", 5, false},    {"calls", "calls", 10, true},
        {"object", "object", 10, true},  {"code", "code", 10, true},
        {"code_size", "bytes", 8, true}, {"name", "name", 0, false}};
    const struct heap_cache_register *g = &v->c.reg;
    char text[8];

    rep_table(v->r, "functions", "functions", columns, COUNT(columns));
    for (uint32_t i = 0; i < g->function_count; i++) {
        const struct heap_cache_function *f = &g->functions[i];

        rep_row(v->r);
        if (f->source == HEAP_CACHE_NO_SOURCE)
            rep_cell(v->r, NULL);
        else
            rep_cell_num(v->r, f->source);
        rep_cell_num(v->r, f->line);
        rep_cell(v->r, function_flags(f->flags, text));
        rep_cell_num(v->r, f->calls);
        put_place(v->r, f->object);
        put_place(v->r, f->code);
        rep_cell_num(v->r, f->code_size);
        rep_cell(v->r, f->name);
    }
    rep_table_end(v->r);
}

/* ---- the audit ---- */

enum { SHOWN_TEXT = 120 };

static const char *found_text(struct cache_view *v, const struct audit_find *f)
{
    uint64_t shown = f->text.size < SHOWN_TEXT ? f->text.size : SHOWN_TEXT;
    const char *text = arena_strndup(v->i->a, (const char *)f->text.at, shown);

    if (text && shown < f->text.size)
        text = arena_printf(v->i->a, "%s...", text);
    if (text && f->hidden)
        text = arena_printf(v->i->a, "%s(%" PRIu64 " bytes)", text, f->hidden);
    return text;
}

static bool put_found(void *arg, const struct audit_find *f)
{
    struct cache_view *v = arg;
    const char *text = found_text(v, f);

    if (!text)
        return diag_nomem(v->i->d);
    rep_row(v->r);
    rep_cell(v->r, audit_kind_name(f->kind));
    rep_cell_hex(v->r, f->at);
    rep_cell(v->r, text);
    return !v->r->over;
}

static void put_audit(struct cache_view *v)
{
    static const struct column columns[] = {
        {"kind", "kind", 11, false}, {"addr", "address", 10, true}, {"text", "text", 0, false}};

    rep_table(v->r, "strings_audit", "texts that ought not to be kept", columns, COUNT(columns));
    heap_audit(v->c.blocks, put_found, v);
    rep_table_end(v->r);
}

/* ---- all of it ---- */

static bool put_all(struct cache_view *v)
{
    struct heap_view h = {v->r, &v->objects, &v->c.heaps.heaps[0], v->i->parts};
    unsigned parts = v->i->parts;
    bool summary = v->r->as_json || !(parts & ~(unsigned)PART_MEMBERS);

    if (summary)
        put_summary(v);
    if (summary || parts & PART_IMPORTS)
        put_modules(v);
    if (parts & PART_SOURCES)
        put_sources(v);
    if (parts & PART_FUNCTIONS)
        put_functions(v);
    if (parts & PART_AUDIT)
        put_audit(v);
    if (!v->has_arena)
        return v->i->d->status == OK;
    return v->i->d->status == OK &&
           (!(parts & PART_HISTOGRAM) || heap_put_histogram(v->i->d, v->i->a, &h)) &&
           (!(parts & PART_TREE) || heap_put_tree(v->i->d, v->i->a, &h, v->i->tree_root));
}

/* The file itself is sound: say what is known and what is not. */
static bool is_told(struct inspect *i, const struct diag *problem, const char *what)
{
    if (problem->status == E_NOMEM)
        return diag_nomem(i->d);
    diag_warn(i->d, "%s: %s", what, problem->text);
    return true;
}

bool inspect_cache(struct inspect *i, const struct heap_image *m)
{
    struct cache_view v = {.i = i, .r = i->r};
    struct diag problem = {0};
    bool ok = false;

    v.c.f = i->f;
    v.c.m = i->m;
    v.c.m.file = &v.c.f;
    v.c.heaps = *m;
    if (!elf_cache_parts(&problem, i->a, &v.c.m, &m->heaps[0], &v.c))
        return is_told(i, &problem, "its register");
    v.has_arena = elf_cache_arena(&problem, i->a, &v.c, &v.arena, &v.objects);
    if (!v.has_arena && !is_told(i, &problem, "its arena"))
        return false;
    rep_open(i->r, "engine_cache", '{');
    ok = put_all(&v);
    rep_close(i->r);
    return ok;
}
