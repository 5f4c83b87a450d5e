#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Assembly in, the text of "objtool inspect" out.  Each NAME.s says in comments how:
#   # as: COMMAND         which makes NAME.o of NAME.s (its last arguments are -o NAME.o NAME.s)
#   # inspect: OPTION...  one run each; without options, the summary
# and each NAME.heap.txt describes a container, which tests/golden/mkheap makes of it.
# What must come out is in NAME.expect.  UPDATE=1 writes it anew: look at the difference.
. "$top_srcdir/tests/e2e/common.sh"

golden=$top_srcdir/tests/golden

# compare NAME FILE SOURCE: what SOURCE asks to inspect of FILE is in NAME.expect
compare() {
    local options
    while read -r options; do
        echo "\$ objtool inspect${options:+ $options} $2"
        # shellcheck disable=SC2086 # options are words
        "$OBJTOOL" inspect $options "$2"
        echo
    done < <(sed -n 's/^# inspect: \{0,1\}//p' "$3") >got
    if [ "${UPDATE:-0}" = 1 ]; then
        cp got "$golden/$1.expect"
    fi
    diff -u "$golden/$1.expect" got
}

one() {
    local name=$1 assembler
    read -r -a assembler < <(sed -n 's/^# as: //p' "$golden/$name.s")
    need "${assembler[0]}"
    "${assembler[@]}" -o "$name.o" "$golden/$name.s"
    compare "$name" "$name.o" "$golden/$name.s"
}

heap() {
    "$top_builddir/tests/golden/mkheap" <"$golden/$1.txt" >"$1"
    compare "$1" "$1" "$golden/$1.txt"
}

for source in "$golden"/*.s; do
    name=$(basename "$source" .s)
    check "$name" one "$name"
done
for source in "$golden"/*.heap.txt; do
    name=$(basename "$source" .txt)
    check "$name" heap "$name"
done
finish
