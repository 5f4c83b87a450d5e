#!/bin/bash
# SPDX-License-Identifier: MIT
# build.sh OUT [FLAG...]: the program duktape, with an installed libsysimage or the one that BUILD names, a build
# directory of this project. Needs Debian's duktape-dev.
set -eu
. "$(dirname "$0")/../runner/build.sh"
build_runner "$(dirname "$0")/duktape.c" "$@" $(pkg-config --cflags --libs duktape) -lm
