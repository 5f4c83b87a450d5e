#!/bin/bash
# SPDX-License-Identifier: MIT
# build.sh OUT [FLAG...]: the program js, with an installed libsysimage or the one that BUILD names, a build
# directory of this project. Needs Debian's libmujs-dev.
set -eu
. "$(dirname "$0")/../runner/build.sh"
build_runner "$(dirname "$0")/js.c" "$@" $(pkg-config --cflags --libs mujs) -lm
