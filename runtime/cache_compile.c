/* SPDX-License-Identifier: MIT */
/* cache_compile.c - which functions' code goes into an image, and whether an
 * image is worth writing again. */

#include "runtime/cache.h"

#include <string.h>

const char *const compile_names[] = {"none", "compiled", "hot", "aot", "executed", NULL};
const char *const update_names[] = {"always", "newsource", "newroot", "newcode", "never", NULL};

/* Functions without code that each policy compiles: those with one of these flags. */
static const uint32_t to_compile[] = {
    [SIMG_COMPILE_NONE] = 0,
    [SIMG_COMPILE_COMPILED] = 0,
    [SIMG_COMPILE_HOT] = SIMG_FUNCTION_STARTED,
    [SIMG_COMPILE_AOT] = SIMG_FUNCTION_STARTED | SIMG_FUNCTION_AOT,
    [SIMG_COMPILE_EXECUTED] = SIMG_FUNCTION_STARTED | SIMG_FUNCTION_AOT | SIMG_FUNCTION_EXECUTED,
};

static struct cache_function *functions(struct simg_cache *c, uint32_t *count)
{
    *count = (uint32_t)(c->reg.functions.size / sizeof(struct cache_function));
    return (struct cache_function *)(void *)c->reg.functions.at;
}

/* In the form of the engine's own traces of compilation. */
static void trace_compiled(struct simg_cache *c, const struct simg_function *f, uint64_t us)
{
    const char *source = "<none>";
    uint64_t size = 0;

    simg_cache_get_source(c, f->source, &source, &size);
    trace_always(c,
                 "[engine] opt done         %-60s|Time %5llu.%llu ms |Tier Last |Calls %8llu "
                 "|CodeSize %8llu |CodeAddress 0x%llx |Source %s:%u",
                 f->name, (unsigned long long)us / 1000, (unsigned long long)us / 100 % 10,
                 (unsigned long long)f->calls, (unsigned long long)f->code_size,
                 (unsigned long long)(uintptr_t)f->code, source ? source : "<none>",
                 (unsigned)f->line);
}

static bool drop(struct simg_cache *c, struct simg_function *f)
{
    if (c->engine->drop && c->engine->drop(c->engine->arg, c, f) != 0)
        return false;
    f->flags &= ~(uint32_t)(SIMG_FUNCTION_COMPILED | SIMG_FUNCTION_STARTED);
    f->code = NULL;
    f->code_size = 0;
    return true;
}

/* A function that cannot be compiled stays as it is: others may still be. */
static void compile(struct simg_cache *c, struct simg_function *f)
{
    uint64_t start = map_microseconds();

    if (c->engine->compile(c->engine->arg, c, f) != 0)
        return;
    f->flags |= SIMG_FUNCTION_COMPILED;
    f->flags &= ~(uint32_t)SIMG_FUNCTION_STARTED;
    if (c->o.flags & SIMG_CACHE_TRACE_COMPILATION)
        trace_compiled(c, f, map_microseconds() - start);
}

bool compile_functions(struct simg_cache *c)
{
    uint32_t count = 0, wanted = 0;
    struct cache_function *all = functions(c, &count);

    for (uint32_t i = 0; i < count; i++)
        wanted += !all[i].gone && !(all[i].f.flags & SIMG_FUNCTION_COMPILED) &&
                  (all[i].f.flags & to_compile[c->compile]);
    if (wanted && c->engine->compile)
        trace_line(c, "[engine] [cache] Force compiling %u roots for engine caching.",
                   (unsigned)wanted);
    for (uint32_t i = 0; i < count; i++) {
        struct simg_function f = all[i].f;
        bool ok = true;

        if (all[i].gone)
            continue;
        if (c->compile == SIMG_COMPILE_NONE && (f.flags & (SIMG_FUNCTION_COMPILED | SIMG_FUNCTION_STARTED)))
            ok = drop(c, &f);
        else if (!(f.flags & SIMG_FUNCTION_COMPILED) && (f.flags & to_compile[c->compile]) &&
                 c->engine->compile)
            compile(c, &f);
        if (!ok)
            return false;
        /* A callback may have told of functions: the rows may lie elsewhere now. */
        all = functions(c, &count);
        f.name = all[i].f.name;
        all[i].f = f;
    }
    return true;
}

bool update_wanted(const struct simg_cache *c)
{
    uint64_t sums[3];
    uint32_t counts[2];
    bool sources = false, roots = false, code = false;

    if (!c->loaded)
        return c->o.update != SIMG_UPDATE_NEVER;
    register_sums(&c->reg, sums, counts);
    sources = sums[0] != c->reg.had_sources || counts[0] != c->reg.had_source_count;
    roots = sums[1] != c->reg.had_functions || counts[1] != c->reg.had_function_count;
    code = sums[2] != c->reg.had_code;
    switch (c->o.update) {
    case SIMG_UPDATE_NEVER:
        return false;
    case SIMG_UPDATE_NEW_SOURCE:
        return sources;
    case SIMG_UPDATE_NEW_ROOT:
        return roots;
    case SIMG_UPDATE_NEW_CODE:
        return roots || code;
    default:
        return true;
    }
}
