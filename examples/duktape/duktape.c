/* SPDX-License-Identifier: MIT */
/* duktape.c - Duktape for the runner: duktape --engine.Cache=app.image -r library.js app.js
 *
 * All of Duktape's state is in memory that duk_create_heap() takes from its allocator, and
 * properties are found by strings: no address is hashed.  What it knows of the process:
 *
 *   functions in C, the fatal handler   the image's words that point into programs and libraries
 *                  are written again if these are elsewhere, as libduktape.so is in each process
 *   Math.random    its state is in the heap: every process would draw the same numbers.  Ours is
 *                  of the process
 *   the C stack    Duktape counts calls; its chain of jmp_bufs ends where no script runs */

#include "runner.h"

#include <duktape.h>
#include <stdio.h>
#include <string.h>

/* The allocator's user data, in the arena. */
struct memory {
    struct simg_arena *arena;
    struct session *session;
};

static void *heap_alloc(void *ud, duk_size_t size)
{
    return simg_arena_realloc(((struct memory *)ud)->arena, NULL, size);
}

static void *heap_realloc(void *ud, void *p, duk_size_t size)
{
    return simg_arena_realloc(((struct memory *)ud)->arena, p, size);
}

static void heap_free(void *ud, void *p) { simg_arena_free(((struct memory *)ud)->arena, p); }

static void fatal(void *ud, const char *message)
{
    (void)ud;
    fail("%s", message ? message : "a fatal error");
}

static struct memory *memory_of(duk_context *ctx)
{
    duk_memory_functions f;

    duk_get_memory_functions(ctx, &f);
    return f.udata;
}

static struct session *session_of(duk_context *ctx) { return memory_of(ctx)->session; }

/* ---- what scripts can call ---- */

static void put(duk_context *ctx)
{
    for (duk_idx_t i = 0; i < duk_get_top(ctx); i++)
        printf("%s%s", i > 0 ? " " : "", duk_safe_to_string(ctx, i));
}

static duk_ret_t do_print(duk_context *ctx)
{
    put(ctx);
    putchar('\n');
    return 0;
}

static duk_ret_t do_write(duk_context *ctx)
{
    put(ctx);
    return 0;
}

static void push_compiled(duk_context *ctx, const struct source *f)
{
    duk_push_global_stash(ctx);
    duk_get_prop_index(ctx, -1, f->number);
    duk_remove(ctx, -2);
}

static duk_ret_t do_load(duk_context *ctx)
{
    char error[256];

    for (duk_idx_t i = 0, n = duk_get_top(ctx); i < n; i++) {
        const struct source *f =
            session_source(session_of(ctx), duk_to_string(ctx, i), error, sizeof error);

        if (!f)
            return duk_error(ctx, DUK_ERR_ERROR, "%s", error);
        push_compiled(ctx, f);
        duk_call(ctx, 0);
        duk_pop(ctx);
    }
    return 0;
}

static duk_ret_t do_gc(duk_context *ctx)
{
    duk_gc(ctx, 0);
    return 0;
}

static duk_ret_t do_quit(duk_context *ctx) { session_exit(session_of(ctx), duk_to_int(ctx, 0)); }

static duk_ret_t do_random(duk_context *ctx)
{
    duk_push_number(ctx, session_random());
    return 1;
}

/* ---- the language ---- */

static const duk_function_list_entry globals[] = {
    {"print", do_print, DUK_VARARGS},
    {"write", do_write, DUK_VARARGS},
    {"load", do_load, DUK_VARARGS},
    {"gc", do_gc, 0},
    {"quit", do_quit, 1},
    {NULL, NULL, 0},
};

static void *make(struct session *s)
{
    struct memory *m = simg_arena_alloc(simg_cache_arena(s->cache), sizeof *m);
    duk_context *ctx = NULL;

    if (!m)
        return NULL;
    *m = (struct memory){simg_cache_arena(s->cache), s};
    if (!(ctx = duk_create_heap(heap_alloc, heap_realloc, heap_free, m, fatal)))
        return NULL;
    duk_push_global_object(ctx);
    duk_put_function_list(ctx, -1, globals);
    duk_get_prop_string(ctx, -1, "Math");
    duk_push_c_function(ctx, do_random, 0);
    duk_put_prop_string(ctx, -2, "random");
    duk_pop(ctx);
    duk_push_object(ctx);
    duk_push_c_function(ctx, do_print, DUK_VARARGS);
    duk_put_prop_string(ctx, -2, "log");
    duk_put_prop_string(ctx, -2, "console");
    duk_pop(ctx);
    return ctx;
}

static void end(void *state)
{
    struct memory *m = memory_of(state);

    duk_destroy_heap(state);
    simg_arena_free(m->arena, m);
}

/* The result, or the error, is on top of the stack. */
static int told(struct session *s, int failed)
{
    if (failed)
        tell(s, "%s", duk_safe_to_stacktrace(s->state, -1));
    duk_pop(s->state);
    return failed ? -1 : 0;
}

/* What `duk -c` writes: trusted, as the program is. */
static duk_ret_t load_bytecode(duk_context *ctx, void *source)
{
    const struct source *f = source;

    memcpy(duk_push_fixed_buffer(ctx, f->size), f->text, f->size);
    duk_load_function(ctx);
    return 1;
}

static int compile(struct session *s, const struct source *f)
{
    duk_context *ctx = s->state;
    void *source = (void *)(uintptr_t)f;
    int failed = 0;

    if (f->size && (unsigned char)f->text[0] == 0xbf) {
        failed = duk_safe_call(ctx, load_bytecode, source, 0, 1);
    } else {
        duk_push_string(ctx, f->name);
        failed = duk_pcompile_lstring_filename(ctx, 0, f->text, f->size);
    }
    if (failed)
        return told(s, 1);
    duk_push_global_stash(ctx);
    duk_insert(ctx, -2);
    duk_put_prop_index(ctx, -2, f->number);
    duk_pop(ctx);
    return 0;
}

static int run(struct session *s, const struct source *f)
{
    push_compiled(s->state, f);
    return told(s, duk_pcall(s->state, 0));
}

static int run_text(struct session *s, const char *name, const char *text)
{
    duk_push_string(s->state, name);
    if (duk_pcompile_string_filename(s->state, 0, text))
        return told(s, 1);
    return told(s, duk_pcall(s->state, 0));
}

static void arguments(struct session *s, char **all)
{
    duk_context *ctx = s->state;

    duk_push_array(ctx);
    for (duk_uarridx_t i = 0; all[i]; i++) {
        duk_push_string(ctx, all[i]);
        duk_put_prop_index(ctx, -2, i);
    }
    duk_put_global_string(ctx, "scriptArgs");
}

static int prepare(struct session *s)
{
    duk_gc(s->state, 0);
    duk_gc(s->state, DUK_GC_COMPACT); /* twice: finalizers may have made garbage */
    memory_of(s->state)->session = NULL;
    return 0;
}

static int wake(struct session *s)
{
    memory_of(s->state)->session = s;
    return 0;
}

#define TEXT(MACRO) TEXT_OF(MACRO)
#define TEXT_OF(NUMBER) #NUMBER

const struct language language = {
    .name = "duktape",
    .version = "Duktape " TEXT(DUK_VERSION),
    .block_comments = 1,
    .make = make,
    .end = end,
    .compile = compile,
    .run = run,
    .run_text = run_text,
    .arguments = arguments,
    .prepare = prepare,
    .wake = wake,
};
