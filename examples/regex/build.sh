#!/bin/bash
# SPDX-License-Identifier: MIT
# build.sh BUILD PROGRAM [FLAG...]: regex as PROGRAM, with the libsysimage that make made in BUILD. PCRE2 is linked
# statically and stands at a fixed address, so nothing of an image is written when it is loaded. With -pie, or
# PCRE2=-lpcre2-8 for the shared library, it works as well, and the addresses that have changed are written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=$(cd "$1/runtime/.libs" && pwd)
program=$2
shift 2
[ $# -gt 0 ] || set -- -no-pie
${CC:-gcc} -O2 -g -Wall -Wextra "$@" -I"$here/../../include" ${SOURCES:-"$here/regex.c"} "$here/patterns.c" "$here/../jit/code.c" \
    -o "$program" -L"$library" -lsysimage -Wl,-rpath,"$library" -Wl,--build-id ${PCRE2:--l:libpcre2-8.a}
