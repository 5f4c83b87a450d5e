/* SPDX-License-Identifier: MIT */
/* patterns.c - PCRE2 with all of its memory in an arena.
 *
 * PCRE2's own allocator of machine code keeps its state in variables of the
 * library, which a new process has empty.  So it never sees code of an image
 * again: such a pattern is freed here, by the list of its blocks. */
#include "patterns.h"

#include <string.h>
#include <sysimage/format.h>

struct block {
    struct block *next, **link;
};

/* The root of the image. */
struct library {
    struct simg_arena *arena;
    struct block **owner;  /* whose memory is being taken */
    struct block *blocks;  /* its own */
    struct pattern **rows; /* ROWS each: what is looked at for each line lies close together */
    uint64_t count;
    uint32_t row_count;
    const uint8_t *tables; /* of characters: else code would refer to PCRE2's */
    pcre2_general_context *memory;
    pcre2_compile_context *compile;
    uint32_t generation;
    uint32_t source; /* where the patterns are from */
    uint32_t queued; /* patterns, when it was stored */
};

enum { ROWS = 1024, PAGE = 65536 };

static char build_flags[64];

/* ---- memory ---- */

static void *take(size_t size, void *arg)
{
    struct library *l = arg;
    struct block *b = simg_arena_alloc(l->arena, sizeof *b + size);

    if (!b)
        return NULL;
    b->next = *l->owner;
    b->link = l->owner;
    if (b->next)
        b->next->link = &b->next;
    *l->owner = b;
    return b + 1;
}

static void give_back(void *p, void *arg)
{
    struct library *l = arg;
    struct block *b = (struct block *)p - 1;

    if (!p)
        return;
    *b->link = b->next;
    if (b->next)
        b->next->link = b->link;
    simg_arena_free(l->arena, b);
}

static void give_all_back(struct library *l, struct block **list)
{
    while (*list)
        give_back(*list + 1, l);
}

/* ---- machine code ---- */

/* PCRE2 asks for memory that is writable and executable.  Here it is one at a time: what this
   process has made is writable while more is made, and executable while patterns are matched. */
static bool set_writable(struct patterns *p, bool on)
{
    if (p->writable == on)
        return true;
    p->writable = on;
    if (p->code.fresh == p->code.end)
        return true;
    return simg_arena_protect(p->code.arena, p->code.fresh, (size_t)(p->code.end - p->code.fresh),
                              on ? SIMG_PROT_R | SIMG_PROT_W : SIMG_PROT_R | SIMG_PROT_X) == 0;
}

/* The lowest address in the code that a block which came after OLD refers to. */
static void find_machine(const struct patterns *p, struct pattern *x, const struct block *old)
{
    size_t size = 0;

    x->machine = NULL;
    for (const struct block *b = x->blocks; b != old; b = b->next) {
        size_t words = (simg_arena_size(p->code.arena, b) - sizeof *b) / sizeof(char *);

        for (size_t i = 0; i < words; i++) {
            char *word = ((char *const *)(const void *)(b + 1))[i];

            if (word >= p->code.from && word < p->code.to && (!x->machine || word < x->machine))
                x->machine = word;
        }
    }
    pcre2_pattern_info(x->code, PCRE2_INFO_JITSIZE, &size);
    x->machine_size = (uint32_t)size;
}

bool patterns_compile(struct patterns *p, struct pattern *x)
{
    struct library *l = p->library;
    struct block *old = x->blocks;
    struct code *before = NULL;
    int status = 0;

    x->queued = false;
    if (x->machine || x->refused)
        return x->machine != NULL;
    if (!set_writable(p, true))
        return false;
    before = code_enter(&p->code);
    l->owner = &x->blocks;
    status = pcre2_jit_compile(x->code, PCRE2_JIT_COMPLETE);
    code_enter(before);
    x->refused = status == PCRE2_ERROR_JIT_BADOPTION;
    if (status != 0)
        return false;
    find_machine(p, x, old);
    x->generation = l->generation;
    p->compiled++;
    return x->machine != NULL;
}

static bool is_fresh(const struct patterns *p, const struct pattern *x)
{
    return x->machine && x->generation == p->library->generation;
}

static void free_code(struct patterns *p, pcre2_code *code)
{
    struct code *before = code_enter(&p->code);

    set_writable(p, true);
    pcre2_code_free(code);
    code_enter(before);
}

/* X goes on without machine code. */
static bool drop_machine(struct patterns *p, struct pattern *x)
{
    struct block *blocks = NULL;
    pcre2_code *copy = NULL;

    x->queued = false;
    if (!x->machine)
        return true;
    p->library->owner = &blocks;
    if (!(copy = pcre2_code_copy(x->code)))
        return false;
    if (is_fresh(p, x))
        free_code(p, x->code);
    else
        give_all_back(p->library, &x->blocks);
    x->blocks = blocks;
    blocks->link = &x->blocks;
    p->library->owner = &p->library->blocks;
    x->code = copy;
    x->machine = NULL;
    x->machine_size = 0;
    return true;
}

/* Pages of an image that no pattern has code in any more; the first has the stubs.  While there is
   code that this process has made, PCRE2 keeps account of pages among them, and nothing is done. */
static void give_pages_back(struct patterns *p)
{
    const struct simg_arena_head *h = (const void *)p->code.arena;
    struct library *l = p->library;

    for (uint64_t i = 0; i < l->count; i++)
        if (is_fresh(p, patterns_get(p, i)))
            return;
    for (char *end = (char *)p->code.arena + h->code_top; end > p->code.from + PAGE; end -= PAGE) {
        bool used = false;

        for (uint64_t i = 0; !used && i < l->count; i++) {
            const struct pattern *x = patterns_get(p, i);

            used = x->machine && x->machine < end && x->machine + x->machine_size > end - PAGE;
        }
        if (used)
            return; /* only what is at the end: none, as a rule, or all */
        simg_arena_free_code(p->code.arena, end - PAGE, PAGE);
    }
}

/* ---- what the cache asks for ---- */

static void describe(const struct patterns *p, const struct pattern *x, struct simg_function *f)
{
    *f = (struct simg_function){
        .name = x->name,
        .source = p->library->source,
        .line = x->line,
        .calls = x->calls,
        .object = (void *)(uintptr_t)x,
        .code = x->machine,
        .code_size = x->machine_size,
        .flags = (x->calls ? SIMG_FUNCTION_EXECUTED : 0u) |
                 (x->queued ? SIMG_FUNCTION_STARTED : 0u) |
                 (x->machine ? SIMG_FUNCTION_COMPILED : 0u) |
                 (!x->refused && x->bytecode <= p->aot ? SIMG_FUNCTION_AOT : 0u),
    };
}

static int compile(void *arg, struct simg_cache *cache, struct simg_function *f)
{
    struct patterns *p = arg;
    struct pattern *x = f->object;

    (void)cache;
    if (!patterns_compile(p, x))
        return -1;
    f->code = x->machine;
    f->code_size = x->machine_size;
    return 0;
}

static int drop(void *arg, struct simg_cache *cache, struct simg_function *f)
{
    (void)cache;
    return drop_machine(arg, f->object) ? 0 : -1;
}

static void free_unused(struct patterns *p)
{
    struct code *before = code_enter(&p->code);

    set_writable(p, true);
    pcre2_jit_free_unused_memory(NULL);
    code_enter(before);
    give_pages_back(p);
}

static int before_store(void *arg, struct simg_cache *cache)
{
    struct patterns *p = arg;

    p->library->queued = 0;
    for (uint64_t i = 0; i < p->library->count; i++)
        p->library->queued += patterns_get(p, i)->queued;
    free_unused(p);
    return set_writable(p, false) && code_collect(&p->code, cache) >= 0 ? 0 : -1;
}

static int after_load(void *arg, struct simg_cache *cache)
{
    struct patterns *p = arg;

    p->library = simg_cache_root(cache, "patterns");
    if (!p->library)
        return -1;
    code_open(&p->code, simg_cache_arena(cache));
    p->library->generation++;
    p->moved = code_mend(&p->code, cache);
    if (p->moved < 0)
        code_close(&p->code);
    return p->moved < 0 ? -1 : 0;
}

/* ---- from start to end ---- */

static bool make_library(struct patterns *p)
{
    struct simg_arena *arena = simg_cache_arena(p->cache);
    struct library *l = p->library = simg_arena_alloc(arena, sizeof *l);
    /* Each pattern has pointers to both.  As stubs, none of them has to be changed in an image. */
    void *const functions[] = {(void *)(uintptr_t)take, (void *)(uintptr_t)give_back};
    void *stubs[2] = {NULL};

    if (!l || simg_cache_set_root(p->cache, "patterns", l) != SIMG_OK)
        return false;
    code_open(&p->code, arena);
    if (!code_stubs(&p->code, functions, 2, stubs))
        return false;
    l->arena = arena;
    l->owner = &l->blocks;
    l->source = UINT32_MAX;
    l->memory = pcre2_general_context_create((void *(*)(size_t, void *))(uintptr_t)stubs[0],
                                              (void (*)(void *, void *))(uintptr_t)stubs[1], l);
    l->compile = l->memory ? pcre2_compile_context_create(l->memory) : NULL;
    l->tables = l->memory ? pcre2_maketables(l->memory) : NULL;
    return l->compile && l->tables && pcre2_set_character_tables(l->compile, l->tables) == 0;
}

enum simg_status patterns_open(struct patterns *p, struct simg_cache_options *options,
                               const char *inputs, struct simg_error *e)
{
    enum simg_status status = SIMG_OK;
    static char version[64];

    *p = (struct patterns){.options = options, .aot = 2048};
    pcre2_config(PCRE2_CONFIG_VERSION, version);
    pcre2_config(PCRE2_CONFIG_JITTARGET, build_flags);
    p->engine = (struct simg_engine){.size = sizeof p->engine,
                                     .name = "regex",
                                     .version = version,
                                     .build_flags = build_flags,
                                     .inputs = inputs,
                                     .flags = SIMG_ENGINE_HAS_CODE | SIMG_ENGINE_CODE_ONLY,
                                     .code = UINT64_C(256) << 20,
                                     .before_store = before_store,
                                     .after_load = after_load,
                                     .compile = compile,
                                     .drop = drop,
                                     .arg = p};
    status = simg_cache_open(&p->engine, options, &p->cache, e);
    if (status != SIMG_OK)
        return status;
    if (!simg_cache_loaded(p->cache) && !make_library(p)) {
        code_close(&p->code);
        simg_cache_abandon(p->cache);
        return SIMG_ERR_MEMORY;
    }
    return SIMG_OK;
}

void patterns_source(struct patterns *p, const char *name, const char *text, size_t size)
{
    p->library->source = simg_cache_source(p->cache, name, text, size, NULL);
}

uint32_t patterns_queued(const struct patterns *p) { return p->library->queued; }

uint64_t patterns_count(const struct patterns *p) { return p->library->count; }

struct pattern *patterns_get(const struct patterns *p, uint64_t index)
{
    return &p->library->rows[index / ROWS][index % ROWS];
}

/* The next one. */
static struct pattern *make_row(struct patterns *p)
{
    struct library *l = p->library;
    struct pattern **rows = NULL;

    if (l->count == (uint64_t)l->row_count * ROWS) {
        rows = simg_arena_realloc(l->arena, l->rows, (l->row_count + 1) * sizeof *rows);
        if (!rows)
            return NULL;
        l->rows = rows;
        if (!(rows[l->row_count] = simg_arena_alloc(l->arena, ROWS * sizeof **rows)))
            return NULL;
        simg_cache_type(p->cache, rows[l->row_count], "patterns");
        l->row_count++;
    }
    return &l->rows[l->count / ROWS][l->count % ROWS];
}

/* What can be told of a line before it is matched. */
static void look_at(struct pattern *x, uint32_t flags)
{
    uint32_t type = 0, unit = 0;
    size_t size = 0;

    pcre2_pattern_info(x->code, PCRE2_INFO_SIZE, &size);
    x->bytecode = (uint32_t)size;
    x->first = x->last = -1;
    if (flags & PCRE2_UTF)
        return;
    pcre2_pattern_info(x->code, PCRE2_INFO_MINLENGTH, &x->least);
    if (pcre2_pattern_info(x->code, PCRE2_INFO_FIRSTCODETYPE, &type) == 0 && type == 1 &&
        pcre2_pattern_info(x->code, PCRE2_INFO_FIRSTCODEUNIT, &unit) == 0)
        x->first = (int16_t)unit;
    if (pcre2_pattern_info(x->code, PCRE2_INFO_LASTCODETYPE, &type) == 0 && type == 1 &&
        pcre2_pattern_info(x->code, PCRE2_INFO_LASTCODEUNIT, &unit) == 0)
        x->last = (int16_t)unit;
}

struct pattern *patterns_add(struct patterns *p, const char *name, uint32_t line, const char *text,
                             size_t length, uint32_t flags, int *error, size_t *offset)
{
    struct library *l = p->library;
    struct pattern *x = make_row(p);

    *error = PCRE2_ERROR_NOMEMORY;
    *offset = 0;
    if (!x || !(x->name = simg_arena_alloc(l->arena, strlen(name) + 1)))
        return NULL;
    strcpy(x->name, name);
    x->line = line;
    l->owner = &x->blocks;
    x->code = pcre2_compile((PCRE2_SPTR)text, length, flags, error, offset, l->compile);
    if (!x->code) {
        simg_arena_free(l->arena, x->name);
        x->name = NULL;
        return NULL;
    }
    look_at(x, flags);
    simg_cache_type(p->cache, x->name, "name");
    for (struct block *b = x->blocks; b; b = b->next)
        simg_cache_type(p->cache, b, "bytecode");
    l->count++;
    return x;
}

int patterns_match(struct patterns *p, struct pattern *x, const char *subject, size_t length,
                   size_t start, uint32_t flags, pcre2_match_data *data,
                   pcre2_match_context *context)
{
    set_writable(p, false);
    x->calls++;
    return pcre2_match(x->code, (PCRE2_SPTR)subject, length, start, flags, data, context);
}

void patterns_clear(struct patterns *p)
{
    struct library *l = p->library;

    for (uint64_t i = 0; i < l->count; i++) {
        struct pattern *x = patterns_get(p, i);

        if (is_fresh(p, x))
            free_code(p, x->code);
        else
            give_all_back(l, &x->blocks);
        simg_arena_free(l->arena, x->name);
    }
    for (uint32_t i = 0; i < l->row_count; i++)
        simg_arena_free(l->arena, l->rows[i]);
    simg_arena_free(l->arena, l->rows);
    l->rows = NULL;
    l->row_count = 0;
    l->count = 0;
}

static void tell(struct patterns *p)
{
    struct simg_function f;

    for (uint64_t i = 0; i < p->library->count; i++) {
        describe(p, patterns_get(p, i), &f);
        simg_cache_function(p->cache, &f);
    }
}

/* This process's machine code goes before its memory does: PCRE2 must not find it later. */
enum simg_status patterns_close(struct patterns *p, struct simg_cache_status *status,
                                struct simg_error *e)
{
    enum simg_status result = SIMG_OK;

    if (p->options->store || (p->options->flags & SIMG_CACHE_DEBUG_STORE)) {
        tell(p);
        result = simg_cache_store(p->cache, e);
    }
    if (status)
        simg_cache_get_status(p->cache, status);
    for (uint64_t i = 0; p->compiled && i < p->library->count; i++)
        if (is_fresh(p, patterns_get(p, i)))
            free_code(p, patterns_get(p, i)->code);
    if (p->compiled && set_writable(p, true))
        pcre2_jit_free_unused_memory(NULL);
    code_close(&p->code);
    simg_cache_abandon(p->cache);
    return result;
}
