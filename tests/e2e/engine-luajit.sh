#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# examples/luajit: LuaJIT and its compiled traces in an image. Expected values are those of Debian's luajit, which has none.
. "$(dirname "$0")/common.sh"
need gcc pkg-config python3 luajit readelf
use_arch x86_64
pkg-config --exists luajit || skip "libluajit-5.1-dev is not installed"
need_file /usr/share/lua/5.1/pl/import_into.lua
example=${top_srcdir:?}/examples/luajit
[ -e "${top_builddir:?}/runtime/.libs/libsysimage.so" ] || skip "libsysimage is not built as a shared library"
warm=$example/warm.lua probes=$example/probes.lua

program() { # OUT KIND FLAG...
    local out=$1 kind=$2
    shift 2
    KIND=$kind bash "$example/build.sh" "$top_builddir" "$out" "$@"
}
mkdir "$work/shared" "$work/static"
program "$work/shared/luajit" shared -pie -fPIE
program "$work/static/luajit" static
# what the work gives in an interpreter without a compiler
EXPECTED=$(luajit -joff -e "dofile '$warm' print(work_all(1000))")
export EXPECTED

traces() { sed -n 's/^\([0-9]*\) traces$/\1/p' "$1"; }
functions() { readelf -sW "$1" | awk '$4 == "FUNC" && $3 > 0' | wc -l; }

probe() {
    local luajit=$work/$1/luajit
    cat "$warm" "$probes" >both.lua
    luajit both.lua >expected # Debian's own
    [ "$(sed -n 's/ probes passed$//p' expected)" -gt 40 ]
    "$luajit" --stats --close "$warm" "$probes" >out 2>err
    same "probes without an image" expected out
    expect_text err ' 2 blocks, 65536 bytes of code;'
    "$luajit" --stats --engine.CacheStore=l.so "$warm" >out 2>err
    expect_text err 'store ok'
    made=$(traces err)
    [ "$made" -gt 20 ] || die "only $made traces"
    # each trace is a function of the image
    [ "$(functions l.so)" = "$made" ] || die "$(functions l.so) functions for $made traces"
    for _ in 1 2 3; do
        "$luajit" --stats --close --engine.CacheLoad=l.so "$warm" "$probes" >out 2>err
        same "probes with an image" expected out
        expect_text err 'load ok' ' 3 blocks, 65536 bytes of code'
    done
    clean l.so
}
check "probes shared" probe shared
check "probes static" probe static

# The traces that run are those of the image: where a process without one makes dozens, a few are added to them.
runs() {
    local luajit=$work/shared/luajit
    cat >count.lua <<'END'
local made = 0
local function count(what) if what == 'stop' then made = made + 1 end end
jit.attach(count, 'trace')
for _ = 1, 10 do assert(work_all(1000) == os.getenv('EXPECTED')) end
jit.attach(count)
print(made)
END
    cat >list.lua <<'END'
local util = require('jit.util')
jit.off()
for i = 1, 4000 do local code, at = util.tracemc(i) if code then print(i, at, #code) end end
END
    sed 's/^for _ = 1, 20 do work_all(1000) end$//' "$warm" >cold.lua
    cmp -s cold.lua "$warm" && die "nothing is left out"
    "$luajit" cold.lua count.lua >cold
    "$luajit" --engine.CacheStore=l.so "$warm" list.lua >expected
    "$luajit" --stats --engine.CacheLoad=l.so "$warm" count.lua >warm 2>err
    "$luajit" --engine.CacheLoad=l.so "$warm" count.lua list.lua | tail -n +2 >out
    expect_text err 'load ok'
    echo "$(cat cold) traces are made without an image, $(cat warm) with one of $(wc -l <expected) traces"
    [ "$(cat cold)" -gt 30 ] && [ "$(cat warm)" -le 10 ] || die "traces are made anew"
    [ "$(wc -l <expected)" -gt 40 ] || die "too few traces"
    sort expected >expected.sorted
    sort out | comm -23 expected.sorted - >lost
    [ ! -s lost ] || { cat lost; die "traces of the image are gone"; }
}
check runs runs

# A hundred processes, each with its own addresses.
starts() {
    local luajit=$work/$1/luajit i
    "$luajit" --engine.CacheStore=l.so "$warm"
    for ((i = 0; i < 100; i++)); do
        "$luajit" --stats --engine.CacheLoad=l.so "$warm" -e 'print(work_all(1000), counter())' >out 2>err
        [ "$(cat out)" = "$EXPECTED	42" ] && grep -q '^load ok' err || { cat out err; die "start $i"; }
    done
}
check "starts shared" starts shared
check "starts static" starts static

# What one process adds is in the next image; --engine.CacheCompile=none leaves no code.
again() {
    local luajit=$work/shared/luajit
    "$luajit" --stats --engine.Cache=l.so "$warm" >out 2>err
    first=$(traces err)
    "$luajit" --stats --engine.Cache=l.so "$warm" -e 'function late(n) local s = 0 for i = 1, n do s = s + bit.band(i, 3) end return s end late(1000) counter()' >out 2>err
    expect_text err 'load ok' 'store ok'
    [ "$(traces err)" -gt "$first" ] || die "no new traces"
    "$luajit" --stats --engine.Cache=l.so "$warm" -e 'print(late(1000), counter())' >out 2>err
    [ "$(cat out)" = "1500	43" ] || { cat out; die "what the second process did is lost"; }
    for policy in compiled hot aot executed none; do
        "$luajit" --stats --engine.CacheLoad=l.so --engine.CacheStore=$policy.so --engine.CacheCompile=$policy "$warm" >out 2>err
        expect_text err 'store ok'
        echo "$policy: $(functions $policy.so) functions"
    done
    [ "$(functions none.so)" = 0 ] || die "code is left"
    for policy in compiled hot aot executed; do # what runs is compiled, and nothing else can be
        [ "$(functions $policy.so)" = "$(functions compiled.so)" ] && [ "$(functions $policy.so)" -gt "$first" ] || die "$policy"
    done
    "$luajit" --stats --close --engine.CacheLoad=none.so "$warm" -e 'assert(work_all(1000) == os.getenv("EXPECTED"))' 2>err
    expect_text err 'load ok'
}
check again again

refused() {
    local luajit=$work/shared/luajit
    cp "$warm" warm.lua
    "$luajit" --engine.CacheStore=l.so warm.lua
    # another build, another kind
    mkdir other
    program "$PWD/other/luajit" shared -O1 -DOTHER
    for other in other/luajit "$work/static/luajit"; do
        "$other" --stats --engine.Cache=l.so warm.lua -e 'print(work_all(1000))' >out 2>err
        [ "$(cat out)" = "$EXPECTED" ]
        expect_text err 'load foreign' 'store foreign'
    done
    # another program to start with
    echo 'function counter() return 7 end' >>warm.lua
    "$luajit" --stats --engine.Cache=l.so warm.lua -e 'print(counter())' >out 2>err
    [ "$(cat out)" = 7 ]
    expect_text err 'load stale' 'store ok'
    # a module in C, which is not of the image: refused where it is not loaded
    if [ -e /usr/lib/x86_64-linux-gnu/lua/5.1/lfs.so ]; then
        echo 'lfs = require("lfs")' >module.lua
        "$luajit" --engine.CacheStore=m.so module.lua
        "$luajit" --stats --engine.CacheLoad=m.so module.lua -e 'assert(lfs.currentdir())' 2>err
        expect_text err 'load foreign' 'lfs.so, which is not loaded'
    fi
    have qemu-x86_64 || return 0
    qemu-x86_64 -cpu Westmere "$luajit" --stats --engine.CacheLoad=l.so warm.lua -e 'print(work_all(1000))' >out 2>err
    [ "$(cat out)" = "$EXPECTED" ]
    expect_text err 'load cpu'
}
check refused refused

# The interpreter elsewhere than where the image's was: code that jumps to it is never run.
moved() {
    program "$PWD/luajit" shared -pie -fPIE
    ./luajit --engine.CacheStore=l.so "$warm"
    python3 "$example/../jit/rebase.py" "$(pkg-config --variable=libdir luajit)/libluajit-5.1.so.2" libluajit-5.1.so.2 0x7b3000000000
    ./luajit --stats --engine.CacheLoad=l.so "$warm" -e 'print(work_all(1000))' >out 2>err
    [ "$(cat out)" = "$EXPECTED" ]
    expect_text err 'load foreign'
    # the same library, whose address somebody else has
    echo 'int taken;' >taken.c
    gcc -shared -fPIC -Wl,-Ttext-segment=0x7b1000000000 taken.c -o taken.so
    python3 "$example/../jit/rebase.py" "$(pkg-config --variable=libdir luajit)/libluajit-5.1.so.2" libluajit-5.1.so.2 0x7b1000000000
    ./luajit --stats --engine.CacheLoad=l.so "$warm" -e 'print(work_all(1000))' >out 2>err
    expect_text err 'load ok'
    LD_PRELOAD=$PWD/taken.so ./luajit --stats --engine.Cache=l.so "$warm" -e 'print(work_all(1000))' >out 2>err
    [ "$(cat out)" = "$EXPECTED" ]
    expect_text err 'load flags' 'store flags'
}
check moved moved

# No memory of the process is writable and executable at once.
rights() {
    "$work/shared/luajit" --engine.CacheStore=l.so "$warm"
    cat >look.lua <<'END'
for _ = 1, 50 do work_all(200) end
for line in io.lines('/proc/self/maps') do assert(not line:find(' rwx', 1, true), line) end
jit.flush()
for _ = 1, 50 do work_all(200) end
for line in io.lines('/proc/self/maps') do assert(not line:find(' rwx', 1, true), line) end
END
    "$work/shared/luajit" --engine.CacheLoad=l.so "$warm" look.lua
}
check rights rights
finish
