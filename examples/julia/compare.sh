#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# compare.sh A.SO B.SO [RUNS]: how long the workload's first call takes with two
# images, in turns so that both see the same machine.  Prints the medians and
# the ratio A/B.  RUNS is 9 unless said.
set -eu
. "$(dirname "$0")/paths.sh"

[ $# -ge 2 ] || { echo "usage: compare.sh A.SO B.SO [RUNS]" >&2; exit 2; }
runs=${3:-9}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# measure IMAGE FILE: append "first call, whole process" in milliseconds to FILE.
measure() {
    local start=$(date +%s%N)
    "$julia" -J "$1" --startup-file=no "$example/workload.jl" "$example/readings.csv" \
        >/dev/null 2>"$work/times"
    local end=$(date +%s%N)
    awk -v whole=$(((end - start) / 1000)) \
        '{ sub(/.*first call /, ""); print $1, whole / 1000 }' "$work/times" >>"$2"
}

median() { sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

measure "$1" /dev/null # warm the page cache
measure "$2" /dev/null
for ((i = 0; i < runs; i++)); do
    if ((i % 2)); then
        measure "$1" "$work/a"
        measure "$2" "$work/b"
    else
        measure "$2" "$work/b"
        measure "$1" "$work/a"
    fi
done
for column in 1 2; do
    a=$(cut -d' ' -f$column "$work/a" | median)
    b=$(cut -d' ' -f$column "$work/b" | median)
    name=$([ $column = 1 ] && echo "first call" || echo "whole run")
    awk -v n="$name" -v a="$a" -v b="$b" -v r="$runs" 'BEGIN {
        printf "  %s: %.2f ms against %.2f ms, ratio %.2f (median of %d)\n", n, a, b, a / b, r }'
done
