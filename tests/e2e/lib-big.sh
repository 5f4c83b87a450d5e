#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Big archives that need __dso_handle, IFUNC or CPU dispatch, many versions of libc symbols.
. "$(dirname "$0")/common.sh"
. "$here/libs.sh"
use_arch x86_64
for name in crypto openblas stdcxx; do
    check "$name" lib_works "$name"
done
finish
