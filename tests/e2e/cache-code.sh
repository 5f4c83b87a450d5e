#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Machine code in an image of the engine cache: exceptions pass through it, a debugger and a profiler know its names.
. "$(dirname "$0")/common.sh"
need g++
[ "$(uname -m)" = x86_64 ] || skip "the function's code is for x86-64"
cp -L "$top_builddir"/runtime/.libs/libsysimage.so.0 "$work"
ln -s libsysimage.so.0 "$work/libsysimage.so"
code=$work/code
g++ -O1 -g -Wall -I"$top_srcdir/include" "$here/../support/cachecode.cc" -o "$code" -L"$work" -lsysimage -Wl,-rpath,"$work"

exceptions() {
    "$code" --engine.CacheStore=a.so --engine.CacheMode=on >out
    expect_text out '^made, returned 41$' '^caught: from inside$'
    "$code" --engine.CacheLoad=a.so --engine.CacheMode=on >out
    expect_text out '^loaded, returned 41$' '^caught: from inside$'
    # stored from an image, and again
    "$code" --engine.Cache=a.so --engine.CacheMode=on >out
    "$code" --engine.Cache=a.so --engine.CacheMode=on >out
    expect_text out '^loaded, returned 41$' '^caught: from inside$'
}
check exceptions exceptions

# Nothing can be written to and run.
rights() {
    need readelf
    "$code" --engine.CacheStore=a.so >out
    readelf -lW a.so >out
    expect_text out 'LOAD .* R E 0x'
    grep 'LOAD.*RWE' out && die "written to and run"
    readelf -sW a.so >out
    expect_text out 'FUNC .* compiled_by_the_engine'
    "$OBJTOOL" verify a.so
}
check rights rights

debugger() {
    need gdb
    "$code" --engine.CacheStore=a.so >out
    cat >commands <<'.'
set confirm off
set breakpoint pending on
break throws
run
backtrace
info symbol $pc
up
info symbol $pc
quit
.
    gdb -nx -batch -x commands --args "$code" --engine.CacheLoad=a.so --engine.CacheRegister >out 2>err
    cat out
    expect_text out '#0 .*throws' '#1 .*compiled_by_the_engine' '#2 .*main'
    # without being asked it does not
    gdb -nx -batch -x commands --args "$code" --engine.CacheLoad=a.so >out 2>err
    grep 'compiled_by_the_engine' out && die "gdb was told"
    return 0
}
check debugger debugger

finish
