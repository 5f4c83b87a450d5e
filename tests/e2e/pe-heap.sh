#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Heaps in PE images: every slot, root and import of generated heaps, in each mode, in Wine, where the image
# wants to lie and elsewhere; and how much of a heap that nobody touched is private.
. "$(dirname "$0")/common.sh"
. "$here/pe-common.sh"

gcc -O2 -Wall -o "$work/heapgen" "$support/heapgen.c" || die "heapgen does not compile (libxxhash-dev?)"
walker=$work/walk.exe
x86_64-w64-mingw32-gcc -O1 -Wall -D__USE_MINGW_ANSI_STDIO=1 -o "$walker" "$support/heapwalk.c"
x86_64-w64-mingw32-gcc -w -O1 -ffreestanding -c "$support/heapown.c" -o "$work/own.o"
own=$work/own.o

generate() { "$work/heapgen" heap.heap heap.list --cpu=x86_64 --plain-code --windows "$@"; }
# The walker reads its own pages under the number that it has outside of Wine.
walk() {
    sh -c 'exec "$@" --pid=$$' sh "$wine" "$walker" heap.list dlopen "$@" 2>/dev/null </dev/null >walked || { cat walked; die "heapwalk $*"; }
}
base_of() { llvm-readobj-19 --file-headers "$1" | sed -n 's/.*ImageBase: //p'; }

shapes=(
    "--seed=1"
    "--seed=2 --tags --near --density=600"
    "--seed=3 --high-tags"
    "--seed=4 --imports=cluster --gaps"
    "--seed=5 --odd"
    "--seed=6 --size=4M --tags"
)

every_mode() {
    local shape mode flag
    for shape in "${shapes[@]}"; do
        # shellcheck disable=SC2086 # a list of options
        generate $shape --own
        for mode in native prelinked none; do
            flag=
            [ $mode != none ] || flag=--none
            pelink --heap-relocs=$mode -o heap.dll heap.heap "$own" -lmsvcrt
            sound heap.dll
            # shellcheck disable=SC2086
            walk heap.dll --writable $flag
            # shellcheck disable=SC2086
            walk heap.dll --writable $flag --take="$(base_of heap.dll)" --relocated
            "$OBJTOOL" inspect heap.dll >i
            case $mode in
                native) expect_text i "relocated by the system's loader" ;;
                prelinked) expect_text i 'prelinked for 0x7' ;;
                none) expect_text i 'slots hold heap addresses' ;;
            esac
        done
    done
}
check modes every_mode

# prelinked, at its address: no page is private before the program writes to it
clean() {
    generate --seed=6 --size=16M --imports=none
    pelink --heap-relocs=prelinked -o heap.dll heap.heap
    walk heap.dll --dirty=0
    walk heap.dll --take="$(base_of heap.dll)" --relocated
    # it says that it is not to be moved; a native one may be anywhere, and on arm64 all are
    llvm-readobj-19 --file-headers heap.dll >h
    reject_text h DYNAMIC_BASE
    pelink --heap-relocs=native -o heap.dll heap.heap
    llvm-readobj-19 --file-headers heap.dll >h
    expect_text h DYNAMIC_BASE
    olink --target=aarch64-w64-mingw32 --heap-relocs=prelinked -shared -o arm64.dll heap.heap
    llvm-readobj-19 --file-headers arm64.dll >h
    expect_text h DYNAMIC_BASE
    sound arm64.dll
}
check clean clean

# the objects of objtool pack, linked by lld and by us, are the same heap
packed() {
    generate --seed=1 --own --imports=none
    "$OBJTOOL" pack heap.heap --target=x86_64-w64-mingw32 -o heap.o
    ld.lld-19 -m i386pep -shared -e own_function --export-all-symbols -o theirs.dll heap.o "$own"
    pelink -o ours.dll heap.o "$own" --export-all-symbols
    sound ours.dll
    walk ours.dll --apart --writable
    exports_of theirs.dll >theirs
    exports_of ours.dll >ours
    same exports theirs ours
    [ "$(relocs_of theirs.dll)" = "$(relocs_of ours.dll)" ] || die "base relocations"
}
check packed packed

# PE_HEAP_SIZE=1G by hand: a large heap in each mode, where it wants to lie and elsewhere
large() {
    local mode flag
    generate --seed=6 --size="$PE_HEAP_SIZE" --imports=none
    for mode in native prelinked none; do
        flag=
        [ $mode != none ] || flag=--none
        pelink --heap-relocs=$mode -o heap.dll heap.heap
        # shellcheck disable=SC2086
        walk heap.dll $flag
        cat walked
        # shellcheck disable=SC2086
        walk heap.dll $flag --take="$(base_of heap.dll)" --relocated
        cat walked
    done
}
[ -z "${PE_HEAP_SIZE:-}" ] || check large large

# images of 2 GiB are refused, in words
too_large() {
    printf '.bss\n.zero 0x7fff0000\n' >b.s
    clang-19 --target=$TARGET -c b.s -o b.o
    generate --seed=1 --imports=none
    expect_fail 1 pelink -o heap.dll heap.heap b.o
    expect_text err 'Windows loads none of 2 GiB'
    [ ! -e heap.dll ] || die "there is an output"
}
check too-large too_large

finish
