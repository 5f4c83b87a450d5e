#!/bin/bash
# SPDX-License-Identifier: MIT
# build.sh BUILD PROGRAM [FLAG...]: regex as PROGRAM, with the libsysimage that make made in BUILD.
#   KIND=static (the default)  Debian's archive, in a program at a fixed address (-no-pie): nothing of an image has to
#                              be changed when it is loaded
#   KIND=rebased               Debian's shared library, for an address of its own (../jit/rebase.py), beside PROGRAM,
#                              which may be position independent (-pie): two words are changed
#   KIND=shared                Debian's shared library, which is somewhere else each time: each pattern's machine
#                              code is changed
# SOURCES=FILE.c: another program with the same patterns.c.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=$(cd "$1/runtime/.libs" && pwd)
program=$2
shift 2
case ${KIND:-static} in
    static) pcre2=(-no-pie -l:libpcre2-8.a) ;;
    shared) pcre2=(-lpcre2-8) ;;
    rebased)
        beside=$(cd "$(dirname "$program")" && pwd)
        from=$(pkg-config --variable=libdir libpcre2-8)/libpcre2-8.so.0
        [ "$beside/libpcre2-8.so.0" -nt "$from" ] ||
            python3 "$here/../jit/rebase.py" "$from" "$beside/libpcre2-8.so.0" 0x7b0000000000
        pcre2=("$beside/libpcre2-8.so.0" "-Wl,-rpath,$beside") ;;
esac
${CC:-gcc} -O2 -g -Wall -Wextra "$@" -I"$here" -I"$here/../../include" "${SOURCES:-$here/regex.c}" "$here/patterns.c" \
    "$here/../jit/code.c" -o "$program" -L"$library" -lsysimage -Wl,-rpath,"$library" -Wl,--build-id "${pcre2[@]}"
