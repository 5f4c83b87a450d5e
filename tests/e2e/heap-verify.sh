#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# objtool verify on heap containers and on images with heaps: clean on what is sound, in every mode, on both
# CPUs, and after other tools have edited it; findings on what is not. Every rule by itself is in
# tests/unit/test_verify_heap.c and test_heap.c.
. "$(dirname "$0")/common.sh"
need gcc readelf
support=$here/../support
gcc -O2 -Wall -o "$work/heapgen" "$support/heapgen.c" || die "heapgen does not compile (libxxhash-dev?)"

# make MODE HEAPGEN-OPTION...: heap.heap and heap.so
make() {
    "$work/heapgen" heap.heap heap.list --own --cpu="$arch" "${@:2}"
    [ -e own.o ] || cc -c "$support/heapown.c" -o own.o
    olink -o "$PWD/heap.so" heap.heap own.o --heap-relocs="$1" "${libc[@]}"
}

sound() {
    local mode shape
    for shape in "--seed=1 --odd --tags" "--seed=2 --high-tags --size=3M" "--seed=3 --gaps --imports=none"; do
        for mode in native prelinked none; do
            # shellcheck disable=SC2086 # a list of options
            make $mode $shape
            "$OBJTOOL" verify heap.heap heap.so
        done
    done
}

# word FILE OFFSET: eight bytes of ones there
word() { printf '\377\377\377\377\377\377\377\377' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# broken FILE RULE TEXT...: verify says so, of that rule
broken() {
    expect_fail 1 "$OBJTOOL" verify "$1"
    expect_text out "$3.* \[$2\]"
}

damaged_images() {
    local at
    make prelinked --seed=4
    at=$((16#$(section heap.so .heap | awk '{ print $4 }')))
    slot=$(awk '$1 == "slot" && $2 == "gen_rw" { print $3; exit }' heap.list)
    cp heap.so word.so; word word.so $((at + slot))
    broken word.so heap-slots 'heap 0: segment 1: the slot at 0x.* holds 0xffffffffffffffff'
    broken word.so heap-checksum 'heap 0: segment 1: checksum'
    # its table's name for itself, and what is behind its header
    at=$((16#$(section heap.so .sysimage | awk '{ print $4 }')))
    cp heap.so table.so; word table.so $at
    broken table.so heap-table 'magic'
    cp heap.so sums.so; word sums.so $((at + 128 + 96)) # the container's content id
    broken sums.so heap-checksum "the table's checksum"
    # without its exports it has no roots
    echo '{ local: *; };' >none.map
    olink -o "$PWD/hidden.so" heap.heap own.o --version-script=none.map "${libc[@]}"
    broken hidden.so heap-roots 'is no dynamic symbol'
}

edited_images() {
    need strip patchelf objcopy
    for mode in native prelinked none; do
        make $mode --seed=5
        cp heap.so edited.so; strip edited.so
        patchelf --set-rpath /nowhere edited.so
        "$OBJTOOL" verify edited.so >found || true
        reject_text found '\[heap-'
        [ "$("$OBJTOOL" inspect edited.so | grep -c '^  heap  *at')" = 1 ]
    done
}

damaged_containers() {
    make none --seed=6
    cp heap.heap bad.heap; word bad.heap 4104
    broken bad.heap part-checksum 'data of segment'
    cp heap.heap bad.heap; word bad.heap 40
    broken bad.heap container 'checksum of the header'
    head -c 5000 heap.heap >bad.heap
    broken bad.heap container 'bytes'
    expect_fail 1 "$OBJTOOL" verify -q bad.heap
    [ ! -s out ] || die "-q"
    "$OBJTOOL" verify --ignore=container bad.heap
    printf '\211HEAP\r\n\032\001\010\002\000' >new.heap; head -c 200 /dev/zero >>new.heap
    expect_fail 6 "$OBJTOOL" verify new.heap
    expect_text err 'version 2.0'
}

# An object that asks for a heap, and no plugin that answers.
no_plugin() {
    cat >ask.s <<'S'
    .section .note.sysimage,"a",%note
    .balign 4
    .long 9, 4, 2
    .asciz "SYSIMAGE"
    .balign 4
    .long 0
    .text
    .globl f
    .type f, %function
f:  ret
    .size f, .-f
    .section .note.GNU-stack,"",%progbits
S
    "$AS" ask.s -o ask.o
    "$BFD" -shared -z noexecstack -z separate-code -o ask.so ask.o
    broken ask.so heap-note 'the linker plugin that puts it here never ran'
    "$OBJTOOL" inspect ask.so >out
    expect_text out '^  heap  *asked for and not there'
    "$OBJTOOL" inspect --json ask.so >out
    expect_text out '"no_heap"'
}

check_cpus "sound" sound
check_cpus "damaged images" damaged_images
check_cpus "a heap that was asked for" no_plugin
check "edited images" on_cpu x86_64 edited_images
check "damaged containers" on_cpu x86_64 damaged_containers
finish
