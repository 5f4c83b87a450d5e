/* SPDX-License-Identifier: MIT */
/* lua-image.c - freeze a warm Lua, and thaw it in another process.
 *
 *   lua-image freeze OUT.heap FILE   runs the Lua FILE, then writes all of Lua's memory
 *   lua-image thaw IMAGE CODE        runs CODE in the Lua of the image
 *   lua-image run FILE CODE          the same without an image, to compare
 *
 * The program is linked at a fixed address (-no-pie), where the image finds Lua's C functions
 * again; another build of it is refused.  Lua hashes addresses, so its memory is not relocated:
 * it stands where the arena stood, or is refused.  Modules in C are loaded somewhere else each
 * time: they may be required in the thawed Lua, not in FILE. */
#include "arena.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysimage/heap.h>
#include <sysimage/image.h>

static void fail(const char *what)
{
    fprintf(stderr, "lua-image: %s\n", what);
    exit(1);
}

static void *allocate(void *ud, void *old, size_t had, size_t want)
{
    return (void)ud, arena_realloc(old, had, want);
}

static lua_State *start(const char *file)
{
    if (!arena_map(0))
        fail("the arena's address is taken");
    *arena = (struct arena){ARENA_BASE + 4096, ARENA_BASE + ARENA_ROOM, {0}, 0, NULL};
    lua_State *lua = arena->engine = lua_newstate(allocate, NULL);
    luaL_openlibs(lua);
    lua_getglobal(lua, "package");
    lua_getfield(lua, -1, "cpath");
    lua_pushliteral(lua, ""); /* no modules in C yet */
    lua_setfield(lua, -3, "cpath");
    if (luaL_dofile(lua, file))
        fail(lua_tostring(lua, -1));
    lua_settop(lua, 2);
    lua_setfield(lua, 1, "cpath");
    lua_settop(lua, 0);
    return lua;
}

static void freeze(const char *heap, const char *file)
{
    struct simg_heap_segment all = {.kind = SIMG_SEGMENT_READ_WRITE, .live = ARENA_BASE};
    struct simg_heap_writer *w = NULL;
    struct simg_error e;
    uint64_t count = 0, *slots = malloc(ARENA_ROOM); /* of which little is touched */

    lua_State *lua = start(file);
    lua_gc(lua, LUA_GCCOLLECT);
    if (lua_getfield(lua, LUA_REGISTRYINDEX, "_CLIBS") == LUA_TTABLE && lua_rawlen(lua, -1))
        fail("a module in C is loaded: its functions would not be there again");
    lua_pop(lua, 1);
    all.size = ((uint64_t)(arena->next - ARENA_BASE) + 4095) & ~UINT64_C(4095);
    for (uint64_t at = 0; at < all.size; at += 8) /* a word that points inside is a pointer */
        if (*(uint64_t *)(ARENA_BASE + at) - (uint64_t)ARENA_BASE < all.size)
            slots[count++] = at;
    if (simg_heap_create(heap, NULL, &w, &e) || simg_heap_segment(w, &all, NULL, &e) ||
        simg_heap_identity(w, "lua-image", LUA_RELEASE, BUILD, "", &e) ||
        simg_heap_root(w, "arena", SIMG_ROOT_DATA, 0, 0, sizeof *arena, &e) ||
        simg_heap_slots(w, 0, slots, count, &e) ||
        simg_heap_append(w, 0, ARENA_BASE, all.size, &e) || simg_heap_finish(w, &e))
        fail(e.text);
}

static lua_State *thaw(const char *path, struct simg **image)
{
    struct simg_options o = {.size = sizeof o,
                             .flags = SIMG_OPEN_MAP | SIMG_OPEN_IN_PLACE,
                             .runtime = "lua-image",
                             .build_id = BUILD};
    struct simg_error e;
    struct simg_heap h;

    if (simg_open(path, &o, image, &e))
        fail(e.text);
    simg_get_heap(*image, 0, &h);
    if (h.addr != ARENA_BASE || !arena_map(h.size)) /* the rest comes behind it */
        fail("the arena's address is taken");
    luaL_requiref(arena->engine, "io", luaopen_io, 1); /* files are of the other process */
    lua_pop((lua_State *)arena->engine, 1);
    return arena->engine;
}

int main(int argc, char **argv)
{
    struct simg *image = NULL;
    lua_State *lua = NULL;

    if (argc != 4)
        fail("usage: lua-image freeze OUT.heap FILE | thaw IMAGE CODE | run FILE CODE");
    if (!strcmp(argv[1], "freeze"))
        return freeze(argv[2], argv[3]), 0;
    lua = !strcmp(argv[1], "thaw") ? thaw(argv[2], &image) : start(argv[2]);
    if (luaL_dostring(lua, argv[3]))
        fail(lua_tostring(lua, -1));
    lua_close(lua);
    if (arena->live)
        fail("memory is left");
    simg_close(image);
    return 0;
}
