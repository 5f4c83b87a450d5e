#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# run.sh BUILD: with the objtool of the build directory BUILD, make a shared
# library of the whole of libsqlite3.a, look at it, load it and use it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
objtool=$build/objtool/objtool
out=$build/examples
mkdir -p "$out"
cd "$out"

# Print a command, then run it.
show() {
    printf '\n$ %s\n' "$(sed "s,$objtool,objtool,g" <<<"$*")"
    "$@"
}

archive=$(realpath "$(gcc -print-file-name=libsqlite3.a)")
libdir=$(dirname "$(realpath "$(gcc -print-file-name=libc.so)")")
[ -e "$archive" ] || { echo "libsqlite3.a is missing (Debian: libsqlite3-dev)" >&2; exit 77; }

show "$objtool" link -Bsymbolic -soname libsqlite.so -o libsqlite.so "$archive" -L"$libdir" -lm -lc
show ls -l libsqlite.so
show "$objtool" inspect libsqlite.so >inspect.txt
head -n 30 inspect.txt
[ "$(wc -l <inspect.txt)" -le 30 ] || echo "... ($(wc -l <inspect.txt) lines, in $out/inspect.txt)"
show "$objtool" verify libsqlite.so
gcc -O2 -Wall -o query "$here/query.c" -ldl
show ./query ./libsqlite.so
