#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every third static archive of this machine.  SWEEP=all takes every one, SWEEP_START=1 or 2 other thirds.
. "$(dirname "$0")/common.sh"
. "$here/sweep-common.sh"
use_arch x86_64
step=3
[ "${SWEEP:-}" != all ] || step=1
mapfile -t archives < <(
    printf '%s\n' /usr/lib/x86_64-linux-gnu/*.a "$(dirname "$(gcc -print-libgcc-file-name)")"/*.a |
        awk -v step=$step -v start="${SWEEP_START:-0}" 'NR % step == start % step'
)
sweep "${archives[@]}"
finish
