#!/bin/bash
# SPDX-License-Identifier: MIT
# build.sh BUILD DIR: lua-image in DIR, with the libsysimage that make made in BUILD. Its build id is of the
# program as it is without one: who changes anything gets images of his own.  Lua's whole API is exported:
# modules in C (lxp, lfs) find it in the program.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=$(cd "$1/runtime/.libs" && pwd)
compile() {
    gcc -O2 -Wall -Wextra -D_GNU_SOURCE -no-pie "-DBUILD=\"$1\"" -I"$here/../../include" $(pkg-config --cflags lua5.4) \
        "$here/lua-image.c" -o "$2" -L"$library" -lsysimage -Wl,-rpath,"$library" -Wl,--build-id=none \
        -Wl,--export-dynamic,--whole-archive -l:liblua5.4.a -Wl,--no-whole-archive -lm -ldl
}
compile none "$2/lua-image.none"
compile "$(sha256sum <"$2/lua-image.none" | cut -c1-32)" "$2/lua-image"
rm "$2/lua-image.none"
