/* SPDX-License-Identifier: MIT */
/* js.c - MuJS for the runner: js --engine.Cache=fib.image fib.js
 *
 * All of MuJS's state is in memory that js_newstate() takes from its allocator; the library has
 * no writable data of its own.  What it knows of the process:
 *
 *   report, panic    functions of this program: the image's words that point into programs and
 *                    libraries are written again if these are elsewhere
 *   the try stack    jmp_bufs, which are dead where no script runs
 *   Math.random      its seed is in the state: every process would draw the same numbers.  Ours
 *                    is of the process
 *   the C stack      MuJS counts calls, and keeps no address of it
 *
 * It hashes no addresses: properties are found by name. */

#include "runner.h"

#include <mujs.h>
#include <stdio.h>

static void *allocate(void *arena, void *p, int size)
{
    return simg_arena_realloc(arena, p, (size_t)size);
}

/* The session is of the process, the state is not: it is set again after a load. */
static struct session *session_of(js_State *J) { return js_getcontext(J); }

static void report(js_State *J, const char *message) { tell(session_of(J), "%s", message); }

/* ---- what scripts can call ---- */

static void js_print(js_State *J)
{
    for (int i = 1; i < js_gettop(J); i++)
        printf("%s%s", i > 1 ? " " : "", js_tostring(J, i));
    putchar('\n');
    js_pushundefined(J);
}

static void js_write(js_State *J)
{
    for (int i = 1; i < js_gettop(J); i++)
        printf("%s%s", i > 1 ? " " : "", js_tostring(J, i));
    js_pushundefined(J);
}

static void push_compiled(js_State *J, const struct source *f)
{
    char name[32];

    snprintf(name, sizeof name, "source %u", (unsigned)f->number);
    js_getregistry(J, name);
    js_pushundefined(J);
}

static void js_load(js_State *J)
{
    char error[256];

    for (int i = 1, n = js_gettop(J); i < n; i++) {
        const struct source *f =
            session_source(session_of(J), js_tostring(J, i), error, sizeof error);

        if (!f)
            js_error(J, "%s", error);
        push_compiled(J, f);
        js_call(J, 0);
        js_pop(J, 1);
    }
    js_pushundefined(J);
}

static void js_collect(js_State *J)
{
    js_gc(J, 0);
    js_pushundefined(J);
}

static void js_quit(js_State *J) { session_exit(session_of(J), js_tointeger(J, 1)); }

static void js_make_repr(js_State *J) { js_repr(J, 1); }

static void js_random(js_State *J)
{
    js_pushnumber(J, session_random());
}

static void define(js_State *J, js_CFunction f, const char *name, int length)
{
    js_newcfunction(J, f, name, length);
    js_setglobal(J, name);
}

/* ---- the language ---- */

static int ask(js_State *J, int failed)
{
    if (failed)
        tell(session_of(J), "%s", js_trystring(J, -1, "Error"));
    js_pop(J, 1);
    return failed ? -1 : 0;
}

static void *make(struct session *s)
{
    js_State *J = js_newstate(allocate, simg_cache_arena(s->cache), 0);

    if (!J)
        return NULL;
    js_setcontext(J, s);
    js_setreport(J, report);
    define(J, js_print, "print", 0);
    define(J, js_write, "write", 0);
    define(J, js_load, "load", 1);
    define(J, js_collect, "gc", 0);
    define(J, js_quit, "quit", 1);
    define(J, js_make_repr, "repr", 1);
    js_getglobal(J, "Math");
    js_newcfunction(J, js_random, "random", 0);
    js_defproperty(J, -2, "random", JS_DONTENUM);
    js_pop(J, 1);
    js_newobject(J);
    js_newcfunction(J, js_print, "log", 0);
    js_setproperty(J, -2, "log");
    js_setglobal(J, "console");
    return J;
}

static void end(void *state) { js_freestate(state); }

static int compile(struct session *s, const struct source *f)
{
    js_State *J = s->state;
    char name[32];

    if (js_ploadstring(J, f->name, f->text))
        return ask(J, 1);
    snprintf(name, sizeof name, "source %u", (unsigned)f->number);
    js_setregistry(J, name);
    return 0;
}

static int run(struct session *s, const struct source *f)
{
    push_compiled(s->state, f);
    return ask(s->state, js_pcall(s->state, 0));
}

static int run_text(struct session *s, const char *name, const char *text)
{
    js_State *J = s->state;

    if (js_ploadstring(J, name, text))
        return ask(J, 1);
    js_pushundefined(J);
    return ask(J, js_pcall(J, 0));
}

static void arguments(struct session *s, char **all)
{
    js_State *J = s->state;

    js_newarray(J);
    for (int i = 0; all[i]; i++) {
        js_pushstring(J, all[i]);
        js_setindex(J, -2, i);
    }
    js_setglobal(J, "scriptArgs");
}

static int prepare(struct session *s)
{
    js_setcontext(s->state, NULL);
    js_gc(s->state, 0);
    return 0;
}

static int wake(struct session *s)
{
    js_setcontext(s->state, s);
    return 0;
}

#define TEXT(MACRO) TEXT_OF(MACRO)
#define TEXT_OF(NUMBER) #NUMBER

const struct language language = {
    .name = "js",
    .version = "MuJS " TEXT(JS_VERSION_MAJOR) "." TEXT(JS_VERSION_MINOR) "." TEXT(JS_VERSION_PATCH),
    .flags = SIMG_ENGINE_OWN_MODULE, /* MuJS is linked in, and points to nothing else */
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
