/* SPDX-License-Identifier: MIT */
/* lua-cache.c - Lua 5.4 for the runner: lua-cache --engine.Cache=app.image -r libraries.lua app.lua
 *
 * All of Lua's state is in memory that lua_newstate() takes from its allocator.  What it knows of
 * the process, or of where things are in it:
 *
 *   C functions    words that point into programs and libraries are written again if these are
 *                  elsewhere.  But Lua hashes the address of a C function without upvalues, and
 *                  of a light userdata, where it is a table's key: such a table would be broken.
 *                  So the libraries' functions get an upvalue, which makes them objects with an
 *                  address in the arena; and a state with a table that has such a key all the
 *                  same is not stored
 *   FILE           of stdin, stdout and stderr, which libraries may have kept, are set again after
 *                  a load.  Other open files are closed before storing: so they are found closed
 *   math.random    gets a new seed after a load, unless a library has set one
 *   modules in C   are not stored: their functions would not be there again.  Libraries find none
 *   LUA_PATH       and its like are inputs of the image: with others it is stale */

#include "runner.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* The allocator's user data, in the arena. */
struct memory {
    struct simg_arena *arena;
    struct session *session;
    uint64_t typed; /* say what blocks are */
};

/* Keys of the registry. */
#define STANDARD "runner.standard" /* the files stdin, stdout and stderr */
#define SEED "runner.seed"         /* math.randomseed as it was */
#define SEEDED "runner.seeded"     /* true: a library has called it */
#define CLOSE "runner.close"       /* io.close as it was */

static FILE **const standard[] = {&stdin, &stdout, &stderr};
static const char *const standard_names[] = {"stdin", "stdout", "stderr"};

static void *allocate(void *ud, void *p, size_t had, size_t want)
{
    static const char *const types[] = {[LUA_TSTRING] = "string",
                                        [LUA_TTABLE] = "table",
                                        [LUA_TFUNCTION] = "function",
                                        [LUA_TUSERDATA] = "userdata",
                                        [LUA_TTHREAD] = "thread"};
    const struct memory *m = ud;
    void *to = simg_arena_realloc(m->arena, p, want);

    if (m->typed && !p && to && had < sizeof types / sizeof *types && types[had])
        simg_cache_type(m->session->cache, to, types[had]); /* HAD is the kind of a new object */
    return to;
}

static struct session *session_of(lua_State *L)
{
    void *ud = NULL;

    lua_getallocf(L, &ud);
    return ((struct memory *)ud)->session;
}

/* ---- what has addresses ---- */

static int is_bare(lua_State *L, int at)
{
    if (!lua_iscfunction(L, at))
        return 0;
    if (!lua_getupvalue(L, at, 1))
        return 1;
    lua_pop(L, 1);
    return 0;
}

/* A walk over all objects.  On the stack: what was seen, and a queue of what is to be looked at. */
struct walk {
    lua_State *L;
    int seen, queue, wrapped, files; /* places in the stack */
    lua_Integer count;
    int wrap;   /* give bare functions an upvalue */
    int hashed; /* tables with a key that is an address outside */
};

/* Take the value on top of the stack, and remember to look into it. */
static void enqueue(struct walk *w)
{
    lua_State *L = w->L;
    int type = lua_type(L, -1);

    if (type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA ||
        type == LUA_TTHREAD) {
        lua_pushvalue(L, -1);
        if (lua_rawget(L, w->seen) == LUA_TNIL && !is_bare(L, -2)) {
            lua_pushvalue(L, -2);
            lua_pushboolean(L, 1);
            lua_rawset(L, w->seen);
            lua_pushvalue(L, -2);
            lua_rawseti(L, w->queue, ++w->count);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* The bare function on top of the stack becomes one with an upvalue, the same one each time. */
static void wrap(struct walk *w)
{
    lua_State *L = w->L;

    lua_pushvalue(L, -1);
    if (lua_rawget(L, w->wrapped) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_pushcclosure(L, lua_tocfunction(L, -2), 1);
        lua_pushvalue(L, -1);
        lua_insert(L, -3);
        lua_rawset(L, w->wrapped);
    }
    lua_remove(L, -2);
}

static void look_into_table(struct walk *w)
{
    lua_State *L = w->L;
    int table = lua_gettop(L);

    for (lua_pushnil(L); lua_next(L, table);) {
        w->hashed += lua_islightuserdata(L, -2) || is_bare(L, -2);
        if (w->wrap && is_bare(L, -1)) {
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            wrap(w);
            lua_rawset(L, table);
        }
        enqueue(w);
        lua_pushvalue(L, -1);
        enqueue(w);
    }
}

/* What coroutine CO has on its stack. */
static void look_into_thread(struct walk *w, lua_State *co)
{
    lua_Debug ar;

    if (co == w->L || !lua_checkstack(co, 4))
        return;
    for (int level = 0; lua_getstack(co, level, &ar); level++)
        for (int sign = 1; sign >= -1; sign -= 2)
            for (int i = sign; lua_getlocal(co, &ar, i); i += sign) {
                lua_xmove(co, w->L, 1);
                enqueue(w);
            }
    for (int i = lua_gettop(co); i > 0; i--) {
        lua_pushvalue(co, i);
        lua_xmove(co, w->L, 1);
        enqueue(w);
    }
}

/* The file on top of the stack. */
static void close_file(lua_State *L)
{
    const luaL_Stream *stream = lua_touserdata(L, -1);

    for (int i = 0; i < 3; i++)
        if (!stream->closef || stream->f == *standard[i])
            return;
    lua_getfield(L, LUA_REGISTRYINDEX, CLOSE);
    lua_pushvalue(L, -2);
    lua_pcall(L, 1, 0, 0);
}

static void look_into(struct walk *w)
{
    lua_State *L = w->L;

    if (lua_getmetatable(L, -1)) {
        int is_file = lua_rawequal(L, -1, w->files);

        enqueue(w);
        if (is_file)
            close_file(L);
    }
    switch (lua_type(L, -1)) {
    case LUA_TTABLE:
        look_into_table(w);
        break;
    case LUA_TFUNCTION:
        for (int i = 1; lua_getupvalue(L, -1, i); i++)
            enqueue(w);
        break;
    case LUA_TUSERDATA:
        for (int i = 1; lua_getiuservalue(L, -1, i) != LUA_TNONE; i++)
            enqueue(w);
        lua_pop(L, 1);
        break;
    default:
        look_into_thread(w, lua_tothread(L, -1));
    }
}

static void walk(struct walk *w)
{
    lua_State *L = w->L;

    lua_newtable(L);
    w->seen = lua_gettop(L);
    lua_newtable(L);
    w->queue = lua_gettop(L);
    lua_newtable(L);
    w->wrapped = lua_gettop(L);
    luaL_getmetatable(L, LUA_FILEHANDLE);
    w->files = lua_gettop(L);
    lua_pushvalue(L, LUA_REGISTRYINDEX);
    enqueue(w);
    lua_pushliteral(L, ""); /* strings have a metatable */
    if (lua_getmetatable(L, -1))
        enqueue(w);
    lua_pop(L, 1);
    for (lua_Integer i = 1; i <= w->count; i++) {
        lua_rawgeti(L, w->queue, i);
        look_into(w);
        lua_pop(L, 1);
    }
    lua_settop(L, w->seen - 1);
}

/* ---- functions that know of sources ---- */

static void push_compiled(lua_State *L, const struct source *f)
{
    char name[32];

    snprintf(name, sizeof name, "source %u", (unsigned)f->number);
    lua_getfield(L, LUA_REGISTRYINDEX, name);
}

static const struct source *source_at(lua_State *L, const char *path)
{
    char error[256];
    const struct source *f = session_source(session_of(L), path, error, sizeof error);

    if (!f)
        luaL_error(L, "%s", error);
    return f;
}

static int continue_dofile(lua_State *L, int status, lua_KContext context)
{
    (void)status, (void)context;
    return lua_gettop(L) - 1;
}

static int do_file(lua_State *L)
{
    const struct source *f = source_at(L, luaL_checkstring(L, 1));

    lua_settop(L, 1);
    push_compiled(L, f);
    lua_callk(L, 0, LUA_MULTRET, 0, continue_dofile);
    return continue_dofile(L, LUA_OK, 0);
}

/* require's searcher for modules in Lua. */
static int search(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);

    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "package");
    lua_getfield(L, -1, "searchpath");
    lua_pushstring(L, name);
    lua_getfield(L, -3, "path");
    lua_call(L, 2, 2);
    if (lua_isnil(L, -2))
        return 1; /* where it was looked for */
    lua_pop(L, 1);
    push_compiled(L, source_at(L, lua_tostring(L, -1)));
    lua_insert(L, -2);
    return 2;
}

/* Its searchers for modules in C, which find none for libraries. */
static int search_c(lua_State *L)
{
    if (session_of(L)->in_library) {
        lua_pushliteral(L, "\n\tno modules in C while libraries are loaded");
        return 1;
    }
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int os_exit(lua_State *L)
{
    session_exit(session_of(L),
                 lua_isboolean(L, 1) ? !lua_toboolean(L, 1) : (int)luaL_optinteger(L, 1, 0));
}

static int set_seed(lua_State *L)
{
    int count = lua_gettop(L);

    lua_pushboolean(L, count > 0);
    lua_setfield(L, LUA_REGISTRYINDEX, SEEDED);
    lua_getfield(L, LUA_REGISTRYINDEX, SEED);
    lua_insert(L, 1);
    lua_call(L, count, LUA_MULTRET);
    return lua_gettop(L);
}

/* Other numbers in each process: Lua's own seed is the time and an address in the arena. */
static void seed(lua_State *L)
{
    lua_Integer n[2] = {0, 0};

    if (getrandom(n, sizeof n, 0) != sizeof n)
        fail("no random numbers");
    lua_getfield(L, LUA_REGISTRYINDEX, SEED);
    lua_pushinteger(L, n[0]);
    lua_pushinteger(L, n[1]);
    lua_call(L, 2, 0);
}

/* ---- the language ---- */

static int panic(lua_State *L) { fail("%s", lua_tostring(L, -1)); }

/* Field NAME of library LIB becomes F; what it was is kept in the registry as KEPT, if not NULL. */
static void replace(lua_State *L, const char *lib, const char *name, lua_CFunction f,
                    const char *kept)
{
    lua_getglobal(L, lib);
    if (kept) {
        lua_getfield(L, -1, name);
        lua_setfield(L, LUA_REGISTRYINDEX, kept);
    }
    if (f) {
        lua_pushcfunction(L, f);
        lua_setfield(L, -2, name);
    }
    lua_pop(L, 1);
}

static void *make(struct session *s)
{
    struct memory *m = simg_arena_alloc(simg_cache_arena(s->cache), sizeof *m);
    lua_State *L = NULL;
    struct walk w = {.wrap = 1};

    if (!m)
        return NULL;
    *m = (struct memory){simg_cache_arena(s->cache), s,
                         (uint64_t)(simg_cache_wants(s->cache, SIMG_CACHE_HISTOGRAM) ||
                                    simg_cache_wants(s->cache, SIMG_CACHE_REFERENCE_TREE))};
    if (!(L = lua_newstate(allocate, m)))
        return NULL;
    lua_atpanic(L, panic);
    luaL_openlibs(L);
    replace(L, "_G", "dofile", do_file, NULL);
    replace(L, "os", "exit", os_exit, NULL);
    replace(L, "math", "randomseed", set_seed, SEED);
    seed(L);
    replace(L, "io", "close", NULL, CLOSE);
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers");
    lua_pushcfunction(L, search);
    lua_rawseti(L, -2, 2);
    for (int i = 3; i <= 4; i++) {
        lua_rawgeti(L, -1, i);
        lua_pushcclosure(L, search_c, 1);
        lua_rawseti(L, -2, i);
    }
    lua_getglobal(L, "io");
    lua_newtable(L);
    for (int i = 0; i < 3; i++) {
        lua_getfield(L, -2, standard_names[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, LUA_REGISTRYINDEX, STANDARD);
    lua_settop(L, 0);
    w.L = L;
    walk(&w);
    return L;
}

static void end(void *state)
{
    void *ud = NULL;

    lua_getallocf(state, &ud);
    lua_close(state);
    simg_arena_free(((struct memory *)ud)->arena, ud);
}

static int traceback(lua_State *L)
{
    const char *text = lua_tostring(L, 1);

    luaL_traceback(L, L, text ? text : luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

static int told(struct session *s, int status)
{
    if (status != LUA_OK)
        tell(s, "%s: %s", s->language->name, lua_tostring(s->state, -1));
    lua_settop(s->state, 0);
    return status == LUA_OK ? 0 : -1;
}

static int compile(struct session *s, const struct source *f)
{
    lua_State *L = s->state;
    char name[32];
    int status = LUA_OK, line = *f->text == '#'; /* for a system's interpreter, not for ours */
    const char *text = line ? f->text + strcspn(f->text, "\n") : f->text;

    lua_pushfstring(L, "@%s", f->name);
    status =
        luaL_loadbufferx(L, text, f->size - (size_t)(text - f->text), lua_tostring(L, -1), "bt");
    lua_remove(L, -2);
    if (status != LUA_OK) {
        tell(s, "%s: %s", s->language->name, lua_tostring(L, -1));
        lua_pop(L, 1);
        return -1;
    }
    snprintf(name, sizeof name, "source %u", (unsigned)f->number);
    lua_setfield(L, LUA_REGISTRYINDEX, name);
    return 0;
}

/* The function on top of the stack, with the program's arguments. */
static int call(struct session *s)
{
    lua_State *L = s->state;
    int function = lua_gettop(L), count = 0;

    lua_pushcfunction(L, traceback);
    lua_insert(L, function);
    if (lua_getglobal(L, "arg") == LUA_TTABLE) {
        int table = lua_gettop(L);

        while (lua_checkstack(L, 1) && lua_rawgeti(L, table, count + 1) != LUA_TNIL)
            count++;
        lua_pop(L, 1);
        lua_remove(L, table);
    } else {
        lua_pop(L, 1);
    }
    return told(s, lua_pcall(L, count, 0, function));
}

static int run(struct session *s, const struct source *f)
{
    push_compiled(s->state, f);
    return call(s);
}

static int run_text(struct session *s, const char *name, const char *text)
{
    int status = luaL_loadbuffer(s->state, text, strlen(text), name);

    return status == LUA_OK ? call(s) : told(s, status);
}

static void arguments(struct session *s, char **all)
{
    lua_State *L = s->state;

    lua_newtable(L);
    for (int i = 0; all[i]; i++) {
        lua_pushstring(L, all[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setglobal(L, "arg");
}

/* Set the FILEs of stdin, stdout and stderr; FILES NULL: to none. */
static void set_standard(lua_State *L, FILE **const *files)
{
    lua_getfield(L, LUA_REGISTRYINDEX, STANDARD);
    for (int i = 0; i < 3; i++) {
        lua_rawgeti(L, -1, i + 1);
        ((luaL_Stream *)lua_touserdata(L, -1))->f = files ? *files[i] : NULL;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* io.read() and io.write() without a file mean standard input and output again. */
static void reset_default(lua_State *L, const char *key, int standard_file)
{
    lua_getfield(L, LUA_REGISTRYINDEX, STANDARD);
    lua_rawgeti(L, -1, standard_file);
    lua_setfield(L, LUA_REGISTRYINDEX, key);
    lua_pop(L, 1);
}

static int prepare(struct session *s)
{
    lua_State *L = s->state;
    struct walk w = {.L = L};

    lua_settop(L, 0);
    if (lua_getfield(L, LUA_REGISTRYINDEX, "_CLIBS") == LUA_TTABLE && lua_rawlen(L, -1)) {
        fprintf(stderr, "%s: not stored: a module in C is loaded\n", s->language->name);
        return -1;
    }
    lua_settop(L, 0);
    reset_default(L, "_IO_input", 1);
    reset_default(L, "_IO_output", 2);
    walk(&w);
    if (w.hashed) {
        fprintf(stderr, "%s: not stored: %d keys of tables are addresses outside of Lua's memory\n",
                s->language->name, w.hashed);
        return -1;
    }
    lua_gc(L, LUA_GCCOLLECT);
    set_standard(L, NULL);
    return 0;
}

static int wake(struct session *s)
{
    lua_State *L = s->state;
    void *ud = NULL;

    lua_getallocf(L, &ud);
    ((struct memory *)ud)->session = s;
    ((struct memory *)ud)->typed = 0;
    set_standard(L, standard);
    lua_getfield(L, LUA_REGISTRYINDEX, SEEDED);
    if (!lua_toboolean(L, -1))
        seed(L);
    lua_settop(L, 0);
    return 0;
}

static const char *const environment[] = {"LUA_PATH_5_4", "LUA_PATH", "LUA_CPATH_5_4", "LUA_CPATH",
                                          NULL};

const struct language language = {
    .name = "lua-cache",
    .version = LUA_RELEASE,
    .environment = environment,
    .flags = SIMG_ENGINE_OWN_MODULE, /* Lua is linked in; FILEs are not stored */
    .make = make,
    .end = end,
    .compile = compile,
    .run = run,
    .run_text = run_text,
    .arguments = arguments,
    .prepare = prepare,
    .wake = wake,
};
