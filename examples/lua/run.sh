#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh BUILD: freeze Lua with all of Penlight in it, make an image, thaw it, and see that it works.
# Needs Debian's liblua5.4-dev, lua-penlight and pkg-config. OBJTOOL is BUILD's unless it is set.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?the build directory}" && pwd)
objtool=${OBJTOOL:-$build/objtool/objtool}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$here/build.sh" "$build" "$work"
cd "$work"
./lua-image freeze lua.heap "$here/app.lua"
"$objtool" link --heap-base=0x2f1d00000000 lua.heap -o lua.so
ls -l lua.so
./lua-image thaw lua.so "dofile '$here/probes.lua'"
