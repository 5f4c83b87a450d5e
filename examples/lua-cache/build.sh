#!/bin/bash
# SPDX-License-Identifier: MIT
# build.sh OUT [FLAG...]: the program lua-cache, with an installed libsysimage or the one that BUILD names, a build
# directory of this project. Needs Debian's liblua5.4-dev.
set -eu
. "$(dirname "$0")/../runner/build.sh"
build_runner "$(dirname "$0")/lua-cache.c" "$@" $(pkg-config --cflags --libs lua5.4)
