#!/bin/bash
# SPDX-License-Identifier: MIT
# build.sh OUT [FLAG...]: the program lua-cache, with an installed libsysimage or the one that BUILD names, a build
# directory of this project. Needs Debian's liblua5.4-dev.
# Lua is linked in, at a fixed address: so no word is written again after a load. Its whole API is exported: modules in C
# find it in the program.
set -eu
. "$(dirname "$0")/../runner/build.sh"
build_runner "$(dirname "$0")/lua-cache.c" "$1" -no-pie -fno-pie "${@:2}" $(pkg-config --cflags lua5.4) \
    -Wl,--export-dynamic,--whole-archive -l:liblua5.4.a -Wl,--no-whole-archive -lm -ldl
