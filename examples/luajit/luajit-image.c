/* SPDX-License-Identifier: MIT */
/* luajit-image.c - LuaJIT that goes on where it was, with its compiled traces.
 *
 *   luajit-image [OPTION...] WARM.lua [FILE.lua | -e CODE]...
 *
 * WARM.lua is run unless there is an image of a process that has run it, then the rest.  Options:
 *
 *   --engine.X=...  of the cache, as in sysimage-cache(7); those in $LUAJIT_OPTIONS come before
 *   --stats         at the end, two lines of counts to standard error
 *   --close         at the end, lua_close(); --stats then tells what is left
 *
 * LuaJIT's machine code jumps into its interpreter, at most 1 GiB away: the arena lies below the
 * interpreter, and an image is only for processes where both are where they were.  build.sh says
 * how that is. */
#define _GNU_SOURCE
#include "../jit/code.h"
#include "frames.h"

#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MIB (UINT64_C(1) << 20)
#define RESERVE (512 * MIB) /* of it, CODE are at the end, closest to the interpreter */
#define CODE (64 * MIB)
#define GAP (64 * MIB)      /* behind it, for the rest of an image */

static struct simg_cache_options options;
static struct simg_engine engine;
static struct simg_cache *cache;
static struct code code;
static lua_State *lua;
static long moved;
static long long ready, ready_cpu; /* microseconds until WARM.lua was run, or loaded */
static bool stats, close_all;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "luajit-image: %s: %s\n", what, why);
    exit(1);
}

/* ---- in Lua: which traces there are ---- */

/* Calls of REPORT tell of the traces; that is all of the engine's own that is in an image. */
static const char watch[] =
    "local util = require('jit.util')\n"
    "local traces, tried, report = {}, {}, {}\n"
    "local function place(func, pc)\n"
    "  local info = util.funcinfo(func, pc)\n"
    "  return info.source and info.source:gsub('^@', '') or '?', info.currentline or 0\n"
    "end\n"
    "jit.attach(function(what, number, func, pc)\n"
    "  if what == 'start' then\n"
    "    local source, line = place(func, pc)\n"
    "    local name = source .. ':' .. line\n"
    "    tried[name] = { source, line, (tried[name] or { 0, 0, 0 })[3] + 1 }\n"
    "    traces[number] = nil\n"
    "    report.started = { source, line }\n"
    "  elseif what == 'stop' then traces[number] = report.started\n"
    "  elseif what == 'flush' then traces, tried = {}, {}\n"
    "  end\n"
    "end, 'trace')\n"
    "function report.count()\n"
    "  local n = 0\n"
    "  for number in pairs(traces) do if util.traceinfo(number) then n = n + 1 end end\n"
    "  return n\n"
    "end\n"
    "function report.each(tell)\n" /* name, source, line, times it was started, address, size */
    "  local done = {}\n"
    "  for number, at in pairs(traces) do\n"
    "    local mcode, address = util.tracemc(number)\n"
    "    if mcode then\n"
    "      done[at[1] .. ':' .. at[2]] = true\n"
    "      local name = at[1]:match('[^/]*$') .. ':' .. at[2]\n"
    "      tell(name .. ' trace ' .. number, at[1], at[2], 1, address, #mcode)\n"
    "    end\n"
    "  end\n"
    "  for name, at in pairs(tried) do\n"
    "    if not done[name] then tell('no trace', at[1], at[2], at[3], 0, 0) end\n"
    "  end\n"
    "end\n"
    "jit.off(report.count) jit.off(report.each)\n" /* they are none of the program's */
    "return report\n";

static int tell(lua_State *L)
{
    const char *source = luaL_checkstring(L, 2);
    struct simg_function f = {.name = luaL_checkstring(L, 1),
                              .source = simg_cache_source(cache, source, "", 0, NULL),
                              .line = (uint32_t)luaL_checkinteger(L, 3),
                              .calls = (uint64_t)luaL_checkinteger(L, 4),
                              .code_size = (uint64_t)luaL_checkinteger(L, 6)};

    /* the address is a number, and may be a negative one */
    f.code = f.code_size ? (void *)(uintptr_t)(int64_t)luaL_checknumber(L, 5) : NULL;
    f.flags = SIMG_FUNCTION_EXECUTED | (f.code ? SIMG_FUNCTION_COMPILED : SIMG_FUNCTION_STARTED);
    simg_cache_function(cache, &f);
    return 0;
}

static void tell_of_traces(void)
{
    struct simg_function f;

    for (uint32_t i = 0; simg_cache_get_function(cache, i, &f); i++)
        simg_cache_drop_function(cache, i);
    lua_getfield(lua, LUA_REGISTRYINDEX, "luajit-image");
    lua_getfield(lua, -1, "each");
    lua_pushcfunction(lua, tell);
    if (lua_pcall(lua, 1, 0, 0) != 0)
        fail("traces", lua_tostring(lua, -1));
    lua_settop(lua, 0);
    lua_gc(lua, LUA_GCCOLLECT, 0); /* of which the pointer to tell() is a part */
}

static int trace_count(void)
{
    int count = 0;

    lua_getfield(lua, LUA_REGISTRYINDEX, "luajit-image");
    lua_getfield(lua, -1, "count");
    lua_call(lua, 0, 1);
    count = (int)lua_tointeger(lua, -1);
    lua_settop(lua, 0);
    return count;
}

/* ---- what the cache asks for ---- */

/* A trace cannot be dropped alone, since others jump to it.  When one is to go, all do. */
static int drop(void *arg, struct simg_cache *c, struct simg_function *f)
{
    (void)arg, (void)c, (void)f;
    return luaJIT_setmode(lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH) ? 0 : -1;
}

static int before_store(void *arg, struct simg_cache *c)
{
    (void)arg;
    lua_gc(lua, LUA_GCCOLLECT, 0);
    lua_gc(lua, LUA_GCCOLLECT, 0);
    return !frames_complete() || code_collect(&code, c) < 0;
}

static int after_load(void *arg, struct simg_cache *c)
{
    (void)arg;
    if (!(lua = simg_cache_root(c, "lua")))
        return -1;
    code_open(&code, simg_cache_arena(c));
    moved = code_mend(&code, c);
    if (moved < 0 || !frames_open(c, true)) {
        code_close(&code);
        return -1;
    }
    return 0;
}

/* ---- from start to end ---- */

static void *allocate(void *arena, void *old, size_t had, size_t want)
{
    (void)had;
    return simg_arena_realloc(arena, old, want);
}

/* Its address is that of a stub: the program may be elsewhere next time. */
static void make(void)
{
    void *const function = (void *)(uintptr_t)allocate;
    struct simg_arena *arena = simg_cache_arena(cache);
    void *stub = NULL;

    code_open(&code, arena);
    code_enter(&code);
    if (!frames_open(cache, false) || !code_stubs(&code, &function, 1, &stub) ||
        !(lua = lua_newstate((lua_Alloc)(uintptr_t)stub, arena)) ||
        simg_cache_set_root(cache, "lua", lua) != SIMG_OK)
        fail("LuaJIT", "it cannot be started");
    luaL_openlibs(lua);
    if (luaL_loadbuffer(lua, watch, sizeof watch - 1, "=luajit-image") || lua_pcall(lua, 0, 1, 0))
        fail("LuaJIT", lua_tostring(lua, -1));
    lua_setfield(lua, LUA_REGISTRYINDEX, "luajit-image");
}

static void run_file(const char *path)
{
    if (luaL_dofile(lua, path))
        fail(path, lua_tostring(lua, -1));
    lua_settop(lua, 0);
}

static void open_engine(const char *warm)
{
    static char inputs[400], flags[64];
    /* a function of the interpreter's library, or of the program */
    uintptr_t at = (uintptr_t)lua_newstate & ~(uintptr_t)(2 * MIB - 1);
    struct simg_error e;
    struct stat st;

    if (stat(warm, &st) != 0)
        fail(warm, "cannot be read");
    snprintf(inputs, sizeof inputs, "%.300s %lld bytes %lld.%09ld", warm, (long long)st.st_size,
             (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    snprintf(flags, sizeof flags, "interpreter at 0x%llx", (unsigned long long)at);
    engine = (struct simg_engine){.size = sizeof engine,
                                  .name = "luajit",
                                  .version = LUAJIT_VERSION,
                                  .build_flags = flags,
                                  .inputs = inputs,
                                  .flags = SIMG_ENGINE_HAS_CODE,
                                  .reserve = RESERVE,
                                  .code = CODE,
                                  .address = at - GAP - RESERVE,
                                  .before_store = before_store,
                                  .after_load = after_load,
                                  .drop = drop};
    if (simg_cache_open(&engine, &options, &cache, &e) != SIMG_OK)
        fail("cache", e.text);
    if (!simg_cache_loaded(cache)) {
        make();
        run_file(warm);
    }
    code_enter(&code);
}

static int take_options(int argc, char **argv)
{
    struct simg_error e;
    int i = 1;

    simg_cache_options_init(&options);
    if (simg_cache_option_env(&options, "LUAJIT_OPTIONS", &e) != SIMG_OK)
        fail("LUAJIT_OPTIONS", e.text);
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        enum simg_status status = simg_cache_option(&options, argv[i], &e);

        if (strcmp(argv[i], "--stats") == 0)
            stats = true;
        else if (strcmp(argv[i], "--close") == 0)
            close_all = true;
        else if (status != SIMG_OK)
            fail(argv[i], status == SIMG_ERR_NOT_FOUND ? "no such option" : e.text);
    }
    if (i >= argc)
        fail("usage", "luajit-image [OPTION...] WARM.lua [FILE.lua | -e CODE]...");
    return i;
}

/* What a process maps for code, it gives back: to the arena, which then goes. */
static void end(enum simg_status *status, struct simg_error *e)
{
    struct simg_cache_status s;
    int count = stats ? trace_count() : 0;

    if (options.store || (options.flags & SIMG_CACHE_DEBUG_STORE)) {
        tell_of_traces();
        *status = simg_cache_store(cache, e);
    }
    if (stats)
        fprintf(stderr, "%d traces\n", count);
    if (close_all)
        lua_close(lua);
    simg_cache_get_status(cache, &s);
    if (stats)
        fprintf(stderr,
                "load %s in %llu us, %u and %ld words patched; store %s, %llu bytes; "
                "%llu blocks, %llu bytes of code; ready in %lld us, %lld of CPU%s%s\n",
                simg_verdict_text((enum simg_verdict)s.load), (unsigned long long)s.load_us,
                (unsigned)s.patched, moved, simg_verdict_text((enum simg_verdict)s.store),
                (unsigned long long)s.store_bytes, (unsigned long long)s.live_blocks,
                (unsigned long long)s.code_bytes, ready, ready_cpu,
                s.load_text[0] ? "; " : "", s.load_text);
    code_enter(NULL);
    frames_close();
    code_close(&code);
    simg_cache_abandon(cache);
}

static long long microseconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    long long start = microseconds(CLOCK_MONOTONIC);
    long long cpu = microseconds(CLOCK_PROCESS_CPUTIME_ID);
    int i = take_options(argc, argv);
    enum simg_status status = SIMG_OK;
    struct simg_error e;

    open_engine(argv[i]);
    ready = microseconds(CLOCK_MONOTONIC) - start;
    ready_cpu = microseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    for (i++; i < argc; i++)
        if (strcmp(argv[i], "-e") != 0) {
            run_file(argv[i]);
        } else if (i + 1 < argc && luaL_dostring(lua, argv[++i])) {
            fail("-e", lua_tostring(lua, -1));
        }
    fflush(stdout);
    end(&status, &e);
    if (status != SIMG_OK)
        fail("cache", e.text);
    simg_cache_options_free(&options);
    return 0;
}
