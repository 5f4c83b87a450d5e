#!/bin/bash
# SPDX-License-Identifier: MIT
# build.sh BUILD PROGRAM [FLAG...]: luajit-image as PROGRAM, with the libsysimage that make made in BUILD.
# LuaJIT's interpreter has to be at the same address in each process. There are two ways:
#   KIND=shared (the default)  Debian's shared library, for an address of its own (../jit/rebase.py), beside PROGRAM,
#                              which may be position independent (-pie)
#   KIND=static                Debian's archive, in a program at a fixed address (-no-pie)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=$(cd "$1/runtime/.libs" && pwd)
program=$2
shift 2
case ${KIND:-shared} in
    shared)
        interpreter=$(dirname "$program")/libluajit-5.1.so.2
        from=$(pkg-config --variable=libdir luajit)/libluajit-5.1.so.2
        [ "$interpreter" -nt "$from" ] || python3 "$here/../jit/rebase.py" "$from" "$interpreter" 0x7b1000000000
        luajit=("$interpreter" "-Wl,-rpath,$(cd "$(dirname "$program")" && pwd)") ;;
    static)
        # the heap of malloc() comes behind the program, and the arena before it
        luajit=(-no-pie -Wl,-Ttext-segment=0x60000000 -l:libluajit-5.1.a -lm -ldl -Wl,--export-dynamic)
        ;;
esac
${CC:-gcc} -O2 -g -Wall -Wextra "$@" -I"$here/../../include" $(pkg-config --cflags luajit) "$here/luajit-image.c" \
    "$here/frames.c" "$here/../jit/code.c" -o "$program" -L"$library" -lsysimage -Wl,-rpath,"$library" \
    -Wl,--build-id "${luajit[@]}"
