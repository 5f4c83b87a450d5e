#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# examples/lua: a real interpreter with a real library, frozen in one process and thawed in others.
. "$(dirname "$0")/common.sh"
need gcc pkg-config sha256sum
use_arch x86_64
pkg-config --exists lua5.4 || skip "liblua5.4-dev is not installed"
need_file /usr/share/lua/5.4/pl/init.lua
example=${top_srcdir:?}/examples/lua
[ -e "${top_builddir:?}/runtime/.libs/libsysimage.so" ] || skip "libsysimage is not built as a shared library"

bash "$example/build.sh" "$top_builddir" "$work"
lua=$work/lua-image
"$lua" freeze "$work/lua.heap" "$example/app.lua"
"$OBJTOOL" verify "$work/lua.heap"
olink --heap-base=0x2f1d00000000 "$work/lua.heap" -o "$work/lua.so"

probes() {
    # the same without an image: what the probes expect is Lua's own
    "$lua" run "$example/app.lua" "dofile '$example/probes.lua'" >expected
    for _ in 1 2 3; do
        "$lua" thaw "$work/lua.so" "dofile '$example/probes.lua'" >out
        diff expected out
    done
    grep -q '^40 probes passed$' out
}
check probes probes

# It stands where the arena stood, whole and unrelocated; 200 starts without one failure.
starts() {
    "$OBJTOOL" verify "$work/lua.so"
    [ "0x$(section "$work/lua.so" .heap | awk '{ print $3 }')" = 0x00002f1d00000000 ] || die "its address"
    for _ in $(seq 200); do
        [ "$("$lua" thaw "$work/lua.so" 'print(counter())')" = 42 ]
    done
}
check starts starts

# What one process does to its Lua is not in the image.
again() {
    "$lua" thaw "$work/lua.so" 'counter() counter() print(counter())' | grep -qx 44
    "$lua" thaw "$work/lua.so" 'print(counter())' | grep -qx 42
}
check again again

# Another build of the program is refused: its functions are elsewhere.
other_build() {
    mkdir other
    gcc -O1 -D_GNU_SOURCE -no-pie -DBUILD='"another"' -I"$top_srcdir/include" $(pkg-config --cflags lua5.4) "$example/lua-image.c" \
        -o other/lua-image -L"$top_builddir/runtime/.libs" -lsysimage -Wl,-rpath,"$(realpath "$top_builddir/runtime/.libs")" -l:liblua5.4.a -lm -ldl
    expect_fail 1 other/lua-image thaw "$work/lua.so" 'print(1)'
    expect_text err 'made by build'
    expect_fail 1 "$lua" thaw "$lua" 'print(1)'
    expect_text err 'not a sysimage'
    # another program's address: the arena's place in the image is elsewhere
    olink "$work/lua.heap" -o "$PWD/elsewhere.so"
    expect_fail 1 "$lua" thaw "$PWD/elsewhere.so" 'print(1)'
    expect_text err "address is taken"
}
check other_build other_build

# Modules in C are not of the image: they are found when it is thawed, and refused before.
c_modules() {
    echo 'ok, why = pcall(require, "c_module")' >asks.lua
    echo 'package.loadlib("./c_module.so", "luaopen_c_module")' >loads.lua
    printf '#include <lauxlib.h>\nint luaopen_c_module(lua_State *L) { lua_pushinteger(L, 42); return 1; }\n' >c_module.c
    gcc -shared -fPIC $(pkg-config --cflags lua5.4) c_module.c -o c_module.so
    export LUA_CPATH_5_4="$PWD/?.so"
    "$lua" freeze asks.heap asks.lua
    olink --heap-base=0x2f1d00000000 asks.heap -o "$PWD/asks.so"
    "$lua" thaw "$PWD/asks.so" 'assert(not ok) print((require "c_module"))' | grep -qx 42
    expect_fail 1 "$lua" freeze loads.heap loads.lua
    expect_text err 'a module in C is loaded'
}
check c_modules c_modules
finish
