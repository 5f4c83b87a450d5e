#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Assembly in, the text of "objtool inspect" out.  Each NAME.s says in comments how:
#   # as: COMMAND         which makes NAME.o of NAME.s (its last arguments are -o NAME.o NAME.s)
#   # inspect: OPTION...  one run each; without options, the summary
# What must come out is in NAME.expect.  UPDATE=1 writes it anew: look at the difference.
. "$top_srcdir/tests/e2e/common.sh"

golden=$top_srcdir/tests/golden

one() {
    local name=$1 assembler options
    read -r -a assembler < <(sed -n 's/^# as: //p' "$golden/$name.s")
    need "${assembler[0]}"
    "${assembler[@]}" -o "$name.o" "$golden/$name.s"
    while read -r options; do
        echo "\$ objtool inspect${options:+ $options} $name.o"
        # shellcheck disable=SC2086 # options are words
        "$OBJTOOL" inspect $options "$name.o"
        echo
    done < <(sed -n 's/^# inspect: \{0,1\}//p' "$golden/$name.s") >got
    if [ "${UPDATE:-0}" = 1 ]; then
        cp got "$golden/$name.expect"
    fi
    diff -u "$golden/$name.expect" got
}

for source in "$golden"/*.s; do
    name=$(basename "$source" .s)
    check "$name" one "$name"
done
finish
