/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache_ls.c - objtool cache status, ls and verify: what images there are, and
 * whether they are sound. */

#include "cache.h"

#include "elf/verify.h"

#include <inttypes.h>
#include <stdio.h>

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

/* ---- status ---- */

struct sum {
    uint64_t count, bytes, disk;
};

static void add(struct sum *s, const struct cache_file *f)
{
    s->count++;
    s->bytes += f->size;
    s->disk += f->disk;
}

static void put_sum(struct report *r, const char *key, const char *label, const struct sum *s)
{
    struct buf *line = NULL;

    rep_open(r, key, '{');
    rep_num(r, "count", NULL, s->count);
    rep_num(r, "bytes", NULL, s->bytes);
    rep_num(r, "disk_bytes", NULL, s->disk);
    rep_close(r);
    if (r->as_json)
        return;
    line = rep_line(r, label);
    term_count(line, s->count);
    if (s->count) {
        buf_printf(line, ", ");
        term_count(line, s->bytes);
        buf_printf(line, " bytes, ");
        term_count(line, s->disk);
        buf_printf(line, " on the disk");
    }
    rep_end_line(r);
}

static void put_cap(struct cache_command *c, uint64_t bytes)
{
    struct buf *line = NULL;

    if (c->max_size != UINT64_MAX) {
        rep_num(c->r, "max_size", "at most", c->max_size);
        rep_num(c->r, "over", bytes > c->max_size ? "too much" : NULL,
                bytes > c->max_size ? bytes - c->max_size : 0);
        return;
    }
    if (c->r->as_json)
        return;
    line = rep_line(c->r, "at most");
    buf_printf(line, "(an engine's CacheMaxDirectorySize is not in the directory: --max-size=)");
    rep_end_line(c->r);
}

static void put_states(struct report *r, const uint64_t counts[CACHE_SYSTEM + 1])
{
    struct buf *line = NULL;

    rep_open(r, "states", '{');
    for (unsigned s = CACHE_OK; s <= CACHE_SYSTEM; s++) {
        rep_num(r, cache_state_name(s), NULL, counts[s]);
        if (r->as_json || !counts[s])
            continue;
        buf_printf(line ? line : rep_line(r, "  of them"), "%s", line ? ", " : "");
        line = &r->text;
        term_count(line, counts[s]);
        buf_printf(line, " %s", cache_state_name(s));
    }
    rep_close(r);
    if (line)
        rep_end_line(r);
}

int cache_status(struct cache_command *c, const struct cache_place *place)
{
    struct sum images = {0}, named = {0}, kinds[CACHE_FAILED + 1] = {{0}};
    struct report *r = c->r;
    uint64_t states[CACHE_SYSTEM + 1] = {0}, next = 0, held = 0;
    struct cache_image i;

    while (cache_next(place, &next, &i)) {
        add(&images, i.f);
        if (i.f->named)
            add(&named, i.f);
        states[i.state]++;
        cache_close(&i);
    }
    for (uint64_t n = 0; n < place->count; n++) {
        const struct cache_file *f = &place->files[n];

        if (f->kind == CACHE_IMAGE || !f->named)
            continue;
        add(&kinds[f->kind], f);
        held += f->kind == CACHE_LOCK && cache_is_held(c->a, f);
    }
    rep_heading(r, place->path, place->directory ? "directory of an engine cache" : "engine cache");
    put_sum(r, "images", "images", &images);
    put_states(r, states);
    put_cap(c, named.bytes);
    put_sum(r, "set_aside", "set aside", &kinds[CACHE_BAD]);
    put_sum(r, "temporaries", "temporaries", &kinds[CACHE_TEMP]);
    put_sum(r, "failures", "failures", &kinds[CACHE_FAILED]);
    put_sum(r, "locks", "locks", &kinds[CACHE_LOCK]);
    rep_num(r, "locks_held", held ? "  held" : NULL, held);
    return 0;
}

/* ---- ls ---- */

static uint64_t code_bytes(const struct cache_image *i)
{
    return i->c.parts.code ? i->c.parts.code->size : 0;
}

static void put_json(struct report *r, const struct cache_image *i)
{
    const struct heap_cache_register *g = &i->c.reg;
    const struct heap *h = i->is_image ? &i->c.heaps.heaps[0].heap : NULL;
    char text[32];

    rep_open(r, NULL, '{');
    rep_str(r, "name", NULL, i->f->name);
    rep_str(r, "state", NULL, cache_state_name(i->state));
    if (i->why[0])
        rep_str(r, "why", NULL, i->why);
    rep_num(r, "size", NULL, i->f->size);
    rep_num(r, "disk_bytes", NULL, i->f->disk);
    rep_str(r, "used", NULL, cache_time_text(i->f->used, text));
    if (h) {
        rep_str(r, "engine", NULL, h->runtime);
        rep_str(r, "version", NULL, h->version);
        rep_str(r, "build", NULL, h->build_id);
        rep_str(r, "settings", NULL, h->flags);
        rep_str(r, "inputs", NULL, g->inputs);
        rep_str(r, "cpu", NULL, g->cpu);
        rep_str(r, "flags", NULL, cache_flags_text(g->flags, text));
        rep_str(r, "compile", NULL, heap_cache_compile_name(g->compile));
        rep_num(r, "sources", NULL, g->source_count);
        rep_num(r, "functions", NULL, g->function_count);
        rep_num(r, "modules", NULL, g->module_count);
        rep_num(r, "arena_bytes", NULL, i->c.parts.blocks->size);
        rep_num(r, "code_bytes", NULL, code_bytes(i));
        rep_hex(r, "addr", NULL, i->c.heaps.heaps[0].at);
    }
    rep_close(r);
}

/* "x86-64" of "x86-64:..." */
static const char *cpu_kind(struct arena *a, const char *cpu)
{
    const char *kind = arena_strndup(a, cpu, strcspn(cpu, ":"));

    return kind ? kind : "";
}

static void put_text(struct report *r, struct cache_image *i)
{
    const struct heap *h = i->is_image ? &i->c.heaps.heaps[0].heap : NULL;
    char text[32];

    rep_row(r);
    rep_cell(r, h ? h->runtime : "");
    rep_cell(r, h ? h->version : "");
    snprintf(text, sizeof text, "%.12s", h ? h->build_id : "");
    rep_cell(r, text);
    rep_cell(r, h ? cpu_kind(&i->a, i->c.reg.cpu) : "");
    rep_cell(r, h ? cache_flags_text(i->c.reg.flags, text) : "");
    rep_cell_num(r, i->f->size);
    rep_cell_num(r, i->c.reg.source_count);
    rep_cell_num(r, i->c.reg.function_count);
    rep_cell(r, cache_time_text(i->f->used, text));
    rep_cell(r, cache_state_name(i->state));
    rep_cell(r, i->f->name);
}

int cache_ls(struct cache_command *c, const struct cache_place *place)
{
    static const struct column columns[] = {
        {NULL, "engine", 8, false}, {NULL, "version", 8, false},  {NULL, "build", 12, false},
        {NULL, "cpu", 7, false},    {NULL, "flags", 5, false},    {NULL, "bytes", 11, true},
        {NULL, "sources", 7, true}, {NULL, "functions", 9, true}, {NULL, "used", 20, false},
        {NULL, "state", 8, false},  {NULL, "name", 0, false}};
    struct report *r = c->r;
    struct cache_image i;
    uint64_t next = 0;

    if (r->as_json)
        rep_open(r, "images", '[');
    else
        rep_table(r, NULL, place->path, columns, COUNT(columns));
    while (cache_next(place, &next, &i)) {
        if (r->as_json)
            put_json(r, &i);
        else
            put_text(r, &i);
        cache_close(&i);
    }
    if (r->as_json)
        rep_close(r);
    else
        rep_table_end(r);
    return 0;
}

/* ---- verify ---- */

struct finder {
    struct report *r;
    const char *path;
};

static void put_finding(void *arg, const char *rule, const char *text)
{
    const struct finder *f = arg;
    struct buf *out = &f->r->text;

    rep_open(f->r, NULL, '{');
    rep_str(f->r, "rule", NULL, rule);
    rep_str(f->r, "text", NULL, text);
    rep_close(f->r);
    if (f->r->as_json)
        return;
    term_str(out, f->path);
    buf_bytes(out, ": ", 2);
    term_str(out, text);
    buf_bytes(out, " [", 2);
    term_tint(out, f->r->colours, TINT_BAD, rule);
    buf_bytes(out, "]\n", 2);
}

/* All rules of "objtool verify", that it is an image of the cache, and whose it is. */
static uint64_t verify_image(struct cache_command *c, struct cache_image *i)
{
    struct finder f = {c->r, i->f->path};
    struct verify_options o = {.found = put_finding, .arg = &f};
    struct diag d = {0};
    uint64_t found = 0, own = 0;

    if (i->file.data.size && !elf_verify(&d, &i->a, i->file.data, &o, &found)) {
        put_finding(&f, "cache-image", d.text);
        return found + 1;
    }
    if (i->state == CACHE_NOT_OURS)
        put_finding(&f, "cache-owner", i->why), own++;
    else if (!i->is_image)
        put_finding(&f, "cache-image", i->why), own++;
    return found + own;
}

int cache_verify(struct cache_command *c, const struct cache_place *place)
{
    uint64_t next = 0, bad = 0, all = 0;
    struct report *r = c->r;
    struct cache_image i;

    rep_open(r, "images", '[');
    while (cache_next(place, &next, &i)) {
        uint64_t found = 0;

        rep_open(r, NULL, '{');
        rep_str(r, "name", NULL, i.f->name);
        rep_open(r, "findings", '[');
        found = verify_image(c, &i);
        rep_close(r);
        rep_num(r, "finding_count", NULL, found);
        rep_flag(r, "ok", found == 0);
        rep_close(r);
        bad += found > 0;
        all++;
        cache_close(&i);
    }
    rep_close(r);
    rep_num(r, "image_count", NULL, all);
    rep_num(r, "bad_count", NULL, bad);
    if (!r->as_json) {
        term_str(&r->text, place->path);
        buf_printf(&r->text, ": %" PRIu64 " of %" PRIu64 " images are sound\n", all - bad, all);
    }
    return bad > 0;
}
