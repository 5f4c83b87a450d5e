#!/bin/bash
# SPDX-License-Identifier: MIT
# build.sh OUT [FLAG...]: the program mruby-cache, with an installed libsysimage or the one that BUILD names, a build
# directory of this project. Needs Debian's libmruby-dev, a static library.
# Methods and symbols of mruby's own point into it: at a fixed address nothing is written again after a load.
set -eu
. "$(dirname "$0")/../runner/build.sh"
build_runner "$(dirname "$0")/mruby.c" "$1" -no-pie -fno-pie "${@:2}" -DMRB_USE_RATIONAL -DMRB_USE_COMPLEX -lmruby -lm
