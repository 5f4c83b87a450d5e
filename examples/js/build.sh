#!/bin/bash
# SPDX-License-Identifier: MIT
# build.sh OUT [FLAG...]: the program js, with an installed libsysimage or the one that BUILD names, a build
# directory of this project. Needs Debian's libmujs-dev.
# Each of MuJS's objects and strings points to a variable of the library. So it is linked in, at a fixed address: where
# it is elsewhere in each process (-pie -fPIE), all of these are written again after a load, which takes its time.
set -eu
. "$(dirname "$0")/../runner/build.sh"
build_runner "$(dirname "$0")/js.c" "$1" -no-pie -fno-pie "${@:2}" $(pkg-config --cflags mujs) -l:libmujs.a -lm
