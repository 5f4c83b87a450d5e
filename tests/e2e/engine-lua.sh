#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# examples/lua-cache: Lua 5.4 as Debian has it, with all of Penlight, from images; as PIE, too, though Lua hashes
# addresses.
. "$(dirname "$0")/common.sh"
. "$here/engine-common.sh"
pkg-config --exists lua5.4 || skip "liblua5.4-dev is not installed"
need_file /usr/share/lua/5.4/pl/init.lua
use_engine lua-cache lua-cache
app=$examples/lua/app.lua

# The probes have their values in them: Lua's own interpreter passes them as well.
probes() {
    cp "$app" app.lua
    {
        sed 's/^-- Written once.*/math.randomseed(7)/' "$examples/lua/probes.lua"
        echo "print(math.random(1 << 40), #package.searchers, select('#', ...), _VERSION, io.type(io.stdout))"
    } >probes.lua
    if have lua5.4; then
        lua5.4 -e "dofile 'app.lua'" probes.lua >expected
    else
        "$engine" -r app.lua probes.lua >expected
    fi
    expect_text expected '^40 probes passed$'
    probed "$1" app.lua probes.lua
}
check "probes, PIE" probes "$engine"
check "probes, fixed" probes "$fixed"

code='print(counter(), coroutine.resume(generator), words:concat(), by_function[print], by_function[string.format])'
check "starts, PIE" starts "$engine" 100 "$app" "$code"
check "starts, fixed" starts "$fixed" 100 "$app" "$code"
check updates updates "$engine" lua 'local function f() return 1 end f()'
check stale stale "$engine" "$app" 'print(counter())' 'counter()'
check code-only code_only "$engine" lua 'kept = table.concat({ "%s", "made" }, "-")'

# A module that a library has loaded is what the image was made from, too.
modules() {
    mkdir mods
    export LUA_PATH_5_4="$PWD/mods/?.lua"
    echo 'return { value = 1 }' >mods/inner.lua
    echo 'inner = require "inner"' >lib.lua
    "$engine" -r lib.lua --engine.Cache=m.so -e 'print(inner.value)' | grep -qx 1
    "$engine" -r lib.lua --engine.Cache=m.so --engine.TraceCache -e 'print(inner.value)' 2>err | grep -qx 1
    expect_text err 'Loaded image in .* 2 sources'
    echo 'return { value = 22 }' >mods/inner.lua
    "$engine" -r lib.lua --engine.Cache=m.so --engine.TraceCache -e 'print(inner.value)' 2>err | grep -qx 22
    expect_text err 'Not loaded (engine)' 'Finished writing'
    "$engine" -r lib.lua --engine.Cache=m.so --engine.TraceCache -e 'print(inner.value)' 2>err | grep -qx 22
    expect_text err 'Loaded image'
    # another path, other modules
    mkdir others
    echo 'return { value = 333 }' >others/inner.lua
    LUA_PATH_5_4="$PWD/others/?.lua" "$engine" -r lib.lua --engine.CacheLoad=m.so --engine.TraceCache -e 'print(inner.value)' 2>err | grep -qx 333
    expect_text err 'Not loaded (stale)'
}
check modules modules

# Files are of the process: the standard ones work after a load, others are found closed.
files() {
    echo data >data
    cat >lib.lua <<'EOF'
local out, input = io.stdout, io.stdin
open = io.open('data')
shut = io.open('data') shut:close()
lines = io.lines('data')
io.output('default')
function say(...) out:write(...) end
function hear() return input:read('l') end
EOF
    program='say(io.type(open), io.type(shut), tostring(pcall(lines)), "\n") io.write(hear(), "\n") io.stderr:write("to stderr\n")'
    echo heard | "$engine" -r lib.lua --engine.CacheStore=f.so --engine.CacheMode=on -e "$program" >out 2>err
    [ "$(cat out)" = "fileclosed filetrue" ] || { cat out; die "from source"; }
    for _ in 1 2 3; do
        echo heard | "$engine" -r lib.lua --engine.CacheLoad=f.so --engine.CacheMode=on --blocks -e "$program" >out 2>err
        printf '%s\n' 'closed fileclosed filefalse' heard 'lua-cache: 0 blocks are left' >want
        same "the files" want out
        expect_text err '^to stderr$'
    done
}
check files files

# Numbers are each process's own, unless a library chose a seed.
random() {
    echo '' >free.lua
    echo 'math.randomseed(42)' >seeded.lua
    for name in free seeded; do
        "$engine" -r $name.lua --engine.CacheStore=$name.so -e 'print(math.random(1 << 50))' >$name
        for _ in 1 2 3; do
            "$engine" -r $name.lua --engine.CacheLoad=$name.so --engine.CacheMode=on -e 'print(math.random(1 << 50))'
        done >>$name
    done
    [ "$(sort -u free | wc -l)" = 4 ] || die "the same numbers"
    [ "$(sort -u seeded | wc -l)" = 1 ] || die "the seed is lost"
}
check random random

# What cannot be in an image is not stored, and said; the program runs all the same.
refused() {
    # an iterator of ipairs is a C function of Lua's own that nobody could wrap
    echo 't = { [(ipairs {})] = 1 }' >key.lua
    "$engine" -r key.lua --engine.CacheStore=k.so -e 'print(t[(ipairs {})])' >out 2>err
    expect_text out '^1$'
    expect_text err 'not stored: 1 keys of tables are addresses'
    [ ! -e k.so ] || die "it was stored"
    printf '#include <lauxlib.h>\nint luaopen_c_module(lua_State *L) { lua_pushinteger(L, 42); return 1; }\n' >c_module.c
    gcc -shared -fPIC $(pkg-config --cflags lua5.4) c_module.c -o c_module.so
    export LUA_CPATH_5_4="$PWD/?.so"
    echo 'found = pcall(require, "c_module")' >asks.lua
    "$engine" -r asks.lua --engine.CacheStore=c.so -e 'print(found, (require "c_module"))' >out
    "$engine" -r asks.lua --engine.CacheLoad=c.so --engine.CacheMode=on -e 'print(found, (require "c_module"))' >out2
    printf 'false\t42\n' >want
    same "modules in C, from source" want out
    same "modules in C, from the image" want out2
    echo 'package.loadlib(os.getenv("PWD") .. "/c_module.so", "luaopen_c_module")()' >loads.lua
    "$engine" -r loads.lua --engine.CacheStore=d.so -e 'print(1)' >out 2>err
    expect_text out '^1$'
    expect_text err 'a module in C is loaded'
    # what a library has read from the environment
    echo 'token = os.getenv("SERVICE_TOKEN")' >token.lua
    SERVICE_TOKEN=abcdef0123456789 "$engine" -r token.lua --engine.CacheStore=t.so --engine.TraceCache -e 'print(token)' >out 2>err
    expect_text out '^abcdef0123456789$'
    expect_text err 'Not stored (secret)'
    # an error in a library, and in a program
    echo 'error "no"' >error.lua
    expect_fail 1 "$engine" -r error.lua --engine.CacheStore=e.so -e 'print(1)'
    expect_text err 'error.lua:1: no'
    expect_fail 3 "$engine" --engine.CacheStore=e.so -e 'coroutine.wrap(function() os.exit(3) end)()'
    "$engine" --engine.CacheLoad=e.so --engine.CacheMode=on -e 'print(#arg)' one | grep -qx 0
}
check refused refused

finish
