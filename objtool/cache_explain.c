/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache_explain.c - objtool cache explain: each of the checks of an engine that
 * loads an image (runtime/cache_load.c), in its order, as far as it can be told
 * without the engine. */

#include "cache.h"

#include "cache_modules.h"
#include "elf/verify.h"
#include "runtime/cache_cpu.h"
#include "runtime/map.h"
#include "sysimage/cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum result { PASSES, REFUSED, UNKNOWN };

struct explainer {
    struct cache_command *c;
    struct cache_image *i;
    enum simg_verdict verdict; /* of the first check that refuses; SIMG_VERDICT_OK: none */
    uint64_t unknown;
    const struct cache_search *search;
};

/* One check: what was found, and what an engine needs. */
static void tell(struct explainer *x, const char *check, enum result result,
                 enum simg_verdict verdict, const char *found, const char *needed)
{
    static const char *const names[] = {"ok", "refused", "unknown"};
    struct report *r = x->c->r;
    struct buf *line = NULL;

    if (result == REFUSED && x->verdict == SIMG_VERDICT_OK)
        x->verdict = verdict;
    x->unknown += result == UNKNOWN;
    rep_open(r, NULL, '{');
    rep_str(r, "check", NULL, check);
    rep_str(r, "result", NULL, names[result]);
    rep_str(r, "verdict", NULL, result == REFUSED ? simg_verdict_text(verdict) : NULL);
    rep_str(r, "found", NULL, found);
    rep_str(r, "needed", NULL, needed);
    rep_close(r);
    if (r->as_json)
        return;
    line = rep_line(r, check);
    term_tint(line, r->colours, result == REFUSED ? TINT_BAD : TINT_NONE, names[result]);
    buf_printf(line, "%*s", (int)(9 - strlen(names[result])), "");
    term_str(line, found);
    if (needed && result != PASSES) {
        buf_printf(line, "; needed: ");
        term_str(line, needed);
    }
    rep_end_line(r);
}

static const char *text_of(struct explainer *x, const char *text)
{
    if (!text)
        diag_nomem(x->c->d);
    return text ? text : "";
}

#define PRINT(X, ...) text_of(X, arena_printf((X)->c->a, __VA_ARGS__))

/* ---- the file ---- */

static void tell_owner(struct explainer *x)
{
    const struct cache_file *f = x->i->f;
    const char *why = NULL;
    bool ok = map_is_trusted(x->i->file.fd, &why);

    tell(x, "owner and mode", ok ? PASSES : REFUSED, SIMG_VERDICT_NOT_OURS,
         PRINT(x, "user %" PRIu32 ", mode %04" PRIo32 "%s%s", f->owner, f->mode, why ? ": " : "",
               why ? why : ""),
         PRINT(x, "user %u or 0, and nobody else may write", (unsigned)geteuid()));
}

static void tell_format(struct explainer *x)
{
    const struct cache_image *i = x->i;
    bool damaged = i->state == CACHE_DAMAGED;

    if (i->is_image)
        tell(x, "format", PASSES, SIMG_VERDICT_OK,
             PRINT(x, "an image of the engine cache, %" PRIu64 " bytes", i->f->size), NULL);
    else
        tell(x, "format", REFUSED, damaged ? SIMG_VERDICT_DAMAGED : SIMG_VERDICT_FOREIGN, i->why,
             "an image of the engine cache");
}

/* Findings of rules about heaps: what an engine checks, too. */
struct finder {
    char first[256];
    uint64_t count;
};

static bool is_checksum(void *arg, const char *rule)
{
    (void)arg;
    return strcmp(rule, "heap-checksum") == 0 || strcmp(rule, "cache-register") == 0;
}

static bool is_arena(void *arg, const char *rule)
{
    (void)arg;
    return strcmp(rule, "cache-arena") == 0;
}

static void note_finding(void *arg, const char *rule, const char *text)
{
    struct finder *f = arg;

    (void)rule;
    if (f->count++ == 0)
        snprintf(f->first, sizeof f->first, "%s", text);
}

static void tell_rules(struct explainer *x, const char *check,
                       bool (*wanted)(void *arg, const char *rule), const char *fine,
                       const char *needed)
{
    struct finder f = {{0}, 0};
    struct verify_options o = {wanted, note_finding, &f};
    uint64_t findings = 0;
    struct diag d = {0};

    if (!elf_verify(&d, &x->i->a, x->i->file.data, &o, &findings))
        tell(x, check, REFUSED, SIMG_VERDICT_DAMAGED, d.text, needed);
    else
        tell(x, check, findings ? REFUSED : PASSES, SIMG_VERDICT_DAMAGED, findings ? f.first : fine,
             needed);
}

/* ---- whose it is ---- */

static void tell_module(struct explainer *x, uint32_t n)
{
    const struct heap_cache_module *m = &x->i->c.reg.modules[n];
    const char *what = n == 0 ? "engine build" : "library build";
    const char *needed = PRINT(x, "build %s of %s", m->build, m->name);
    struct cache_module_file file;

    if (!cache_find_module(x->c->d, x->c->a, x->search, m, n == 0, &file))
        return;
    if (!file.path)
        tell(x, what, UNKNOWN, SIMG_VERDICT_OK,
             n == 0 ? "no program was named (--program=)"
                    : PRINT(x, "%s is in none of the directories of libraries", m->name),
             needed);
    else if (!file.same)
        tell(x, what, REFUSED, SIMG_VERDICT_FOREIGN,
             PRINT(x, "%s is build %s", file.path, *file.build ? file.build : "unknown"), needed);
    else
        tell(x, what, PASSES, SIMG_VERDICT_OK, PRINT(x, "%s, build %s", file.path, file.build),
             needed);
}

static void tell_moved(struct explainer *x)
{
    const struct heap_cache_register *g = &x->i->c.reg;

    for (uint32_t n = 0; n < g->module_count; n++)
        if (g->modules[n].slots && (g->flags & SIMG_ENGINE_HASHES_ADDRESSES))
            tell(x, "engine address", UNKNOWN, SIMG_VERDICT_MOVED,
                 "the engine hashes addresses, and where it is only its process knows",
                 PRINT(x, "%s at 0x%" PRIx64, g->modules[n].name, g->modules[n].address));
}

static void tell_cpu(struct explainer *x)
{
    const struct heap_cache_register *g = &x->i->c.reg;
    bool code = x->i->c.parts.code || (g->flags & SIMG_ENGINE_HAS_CODE);
    char here[64];

    cpu_features(here);
    if (!code)
        tell(x, "CPU", PASSES, SIMG_VERDICT_OK, "the image has no code: any will do", NULL);
    else
        tell(x, "CPU", cpu_covers(here, g->cpu) ? PASSES : REFUSED, SIMG_VERDICT_CPU,
             PRINT(x, "this CPU is %s", here), PRINT(x, "all that %s can do", g->cpu));
}

/* What only the engine can compare: a text of its own with the image's. */
static void tell_text(struct explainer *x, const char *check, const char *has)
{
    tell(x, check, UNKNOWN, SIMG_VERDICT_OK, PRINT(x, "'%s'", has), "the same as the engine's own");
}

static void tell_address(struct explainer *x)
{
    const struct image_heap *h = &x->i->c.heaps.heaps[0];

    if (x->i->c.reg.flags & SIMG_ENGINE_MOVABLE)
        tell(x, "address", PASSES, SIMG_VERDICT_OK, "the image can be moved", NULL);
    else
        tell(x, "address", UNKNOWN, SIMG_VERDICT_ADDRESS,
             "whether its address is taken only the engine's process knows",
             PRINT(x, "0x%" PRIx64 " bytes at 0x%" PRIx64, h->heap.span, h->at));
}

static void tell_storing(struct explainer *x)
{
    const char *path = PRINT(x, "%s.failed", x->i->f->image);
    unsigned count = 0;
    struct diag d = {0};
    struct file file;
    long long when = 0;

    if (cache_is_held(x->c->a, x->i->f))
        tell(x, "storing", PASSES, SIMG_VERDICT_OK, "a process is storing there now", NULL);
    if (!file_open(&d, path, &file))
        return;
    if (file.data.size < 64) {
        const char *text = arena_strndup(x->c->a, (const char *)file.data.at, file.data.size);

        if (text && sscanf(text, "%u %lld", &count, &when) == 2)
            tell(x, "storing", PASSES, SIMG_VERDICT_OK,
                 PRINT(x, "it failed %u times, for the last time %lld s ago", count,
                       (long long)map_seconds() - when),
                 NULL);
    }
    file_close(&file);
}

static void tell_image(struct explainer *x)
{
    const struct heap_cache_register *g = &x->i->c.reg;
    const struct heap *h = &x->i->c.heaps.heaps[0].heap;

    tell_rules(x, "checksums", is_checksum,
               "those of the table, the register and all segments are right",
               "the checksums of its bytes");
    tell_text(x, "engine", PRINT(x, "%s %s", h->runtime, h->version));
    for (uint32_t n = 0; n < g->module_count && x->c->d->status == OK; n++)
        tell_module(x, n);
    tell_moved(x);
    tell_text(x, "settings", h->flags);
    tell_cpu(x);
    tell_text(x, "inputs", g->inputs);
    tell_address(x);
    tell_rules(x, "arena", is_arena, "its blocks are in order",
               "blocks that lie one behind the other");
}

/* ---- all of it ---- */

static void put_verdict(struct explainer *x)
{
    struct report *r = x->c->r;

    rep_close(r);
    rep_str(r, "verdict", NULL, simg_verdict_text(x->verdict));
    rep_num(r, "unknown_count", NULL, x->unknown);
    rep_close(r);
    if (r->as_json)
        return;
    if (x->verdict != SIMG_VERDICT_OK)
        buf_printf(rep_line(r, "verdict"), "refused: %s", simg_verdict_text(x->verdict));
    else
        buf_printf(rep_line(r, "verdict"), "nothing speaks against it%s",
                   x->unknown ? ", as far as it is known" : "");
    rep_end_line(r);
}

static bool explain(struct cache_command *c, struct cache_image *i,
                    const struct cache_search *search)
{
    struct explainer x = {.c = c, .i = i, .verdict = SIMG_VERDICT_OK, .search = search};

    rep_heading(c->r, i->f->path,
                i->is_image ? "image of the engine cache" : "no image that can be loaded");
    rep_open(c->r, NULL, '{');
    rep_str(c->r, "name", NULL, i->f->name);
    rep_open(c->r, "checks", '[');
    if (i->state == CACHE_SYSTEM) {
        tell(&x, "file", REFUSED, SIMG_VERDICT_SYSTEM, i->why, "a file that can be read");
    } else {
        tell_owner(&x);
        tell_format(&x);
        if (i->is_image)
            tell_image(&x);
    }
    tell_storing(&x);
    put_verdict(&x);
    return x.verdict == SIMG_VERDICT_OK;
}

int cache_explain(struct cache_command *c, const struct cache_place *place)
{
    struct cache_search search;
    struct cache_image i;
    struct file program;
    uint64_t next = 0;
    int code = 0;

    if (c->program) { /* say so at once if it is not there */
        if (!file_open(c->d, c->program, &program))
            return diag_exit_code(c->d->status);
        file_close(&program);
    }
    cache_search_begin(c->a, c->program, &search);
    rep_open(c->r, "images", '[');
    while (c->d->status == OK && cache_next(place, &next, &i)) {
        if (!explain(c, &i, &search))
            code = 1;
        cache_close(&i);
    }
    rep_close(c->r);
    return code;
}
