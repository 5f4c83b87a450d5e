#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Copying a segment and adding at its slots on the way (runtime/move.h), each way that a CPU has, as start-up
# code and libsysimage do it; and what the start-up code itself needs: nothing but the table.
. "$(dirname "$0")/common.sh"
need gcc readelf

moved() {
    use_arch "$1"
    need "$2"
    "$2" "${@:3}" -std=gnu11 -Wall -Wextra -Wconversion -Wshadow -Werror -I"${top_srcdir:?}" \
        "$here/../support/movetest.c" -o movetest
    "${RUN[@]}" ./movetest
}
check "x86-64" moved x86_64 gcc -O2
check "x86-64, clang" moved x86_64 clang -O2
check "x86-64, sanitizers" moved x86_64 gcc -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
check "aarch64" moved aarch64 aarch64-linux-gnu-gcc -O2 -static

# Its object: one undefined name, nothing to write but its entry in .init_array, and no reference that is not
# relative, that entry's aside.
needs_nothing() {
    local object=$top_builddir/lib/heap/startup-$1.o
    [ -s "$object" ] || skip "objtool was built without a compiler for $1"
    readelf -sW "$object" | awk '$7 == "UND" && $8 { print $8, $6 }' >undefined
    echo '__simg_table HIDDEN' | diff - undefined
    readelf -sW "$object" | awk '$5 == "GLOBAL" && $7 != "UND" { print $8, $6 }' >defined
    echo '__simg_start HIDDEN' | diff - defined
    readelf -SW "$object" | sed 's/^ *\[ *[0-9]*\] *//' |
        awk '$7 ~ /W/ && $5 !~ /^0+$/ { print $1, $2 }' >writable
    echo '.init_array.00000 INIT_ARRAY' | diff - writable
    readelf -rW "$object" | awk '/^Relocation section/ { part = $3 } /R_/ { print part, $3 }' |
        grep -v -e "init_array.* R_X86_64_64$" -e "init_array.* R_AARCH64_ABS64$" \
            -e ' R_X86_64_PC32$' -e ' R_X86_64_PLT32$' -e ' R_AARCH64_ADR_PREL_PG_HI21$' \
            -e ' R_AARCH64_ADD_ABS_LO12_NC$' -e ' R_AARCH64_LDST[0-9]*_ABS_LO12_NC$' \
            -e ' R_AARCH64_CALL26$' >absolute || true
    diff /dev/null absolute
}
check "x86-64's start-up code" needs_nothing x86_64
check "aarch64's start-up code" needs_nothing aarch64

finish
