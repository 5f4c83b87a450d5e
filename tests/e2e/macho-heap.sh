#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Heaps in Mach-O images: every slot, root and import of generated heaps, for both CPUs, in each form of
# fixups; and heaps so large that the number of their pages does not fit in 16 bits.
. "$(dirname "$0")/common.sh"
. "$here/macho-common.sh"

gcc -O2 -Wall -o "$work/heapgen" "$support/heapgen.c" || die "heapgen does not compile (libxxhash-dev?)"

use_heaps() {
    use_darwin "$1"
    case $1 in x86_64) elf=x86_64 ;; *) elf=aarch64 ;; esac
    walker=$work/heapwalk.$1
    [ -x "$walker" ] || "$HOSTCC" -O1 -Wall -D_GNU_SOURCE -DWITH_DYLIB -o "$walker" "$support/heapwalk.c" "$support/dylibload.c" "$support/dylibfix.c" -ldl
    [ -e "$work/own.$1.o" ] || clang-19 -target "$TARGET" -O1 -ffreestanding -c "$support/heapown.c" -o "$work/own.$1.o"
    own=$work/own.$1.o
}
generate() { "$work/heapgen" heap.heap heap.list --cpu="$elf" "$@"; }
walk() { timeout 300 "${RUN[@]}" "$walker" heap.list dylib "$@" || die "heapwalk $*"; }

shapes=(
    "--seed=1"
    "--seed=2 --tags --near --density=600"
    "--seed=4 --imports=cluster --gaps"
    "--seed=6 --size=4M --tags"
)

every_mode() {
    local shape mode fixups flag
    use_heaps "$1"
    for shape in "${shapes[@]}"; do
        # shellcheck disable=SC2086 # a list of options
        generate $shape --own --plain-code
        for mode in native prelinked none; do
            flag=
            [ $mode != none ] || flag=--none
            for fixups in -fixup_chains -no_fixup_chains; do
                olink --target="$TARGET" --heap-relocs=$mode $fixups -o heap.dylib heap.heap "$own" "${libs[0]}"
                sound heap.dylib
                # shellcheck disable=SC2086
                walk heap.dylib $flag
                "$OBJTOOL" inspect heap.dylib >i
                case $mode in
                native) expect_text i "relocated by the system's loader" ;;
                prelinked) expect_text i 'prelinked for 0x7' ;;
                none) expect_text i 'slots hold heap addresses' ;;
                esac
            done
        done
    done
}
check modes-x86_64 every_mode x86_64
check modes-arm64 every_mode arm64

# start-up code of a prelinked heap is the first to run, whatever stands first on the line
start_first() {
    local flag first
    use_heaps "$1"
    generate --seed=1 --plain-code --imports=none
    echo '__attribute__((constructor)) static void early(void) {} int anchor;' >early.c
    compile early.o early.c
    for flag in -fixup_chains -no_fixup_chains; do
        olink --target="$TARGET" --heap-relocs=prelinked $flag -o heap.dylib early.o heap.heap "${libs[0]}"
        sound heap.dylib
        [ $flag = -fixup_chains ] || continue
        first=$(llvm-objdump-19 -s --section=__init_offsets heap.dylib | awk 'END { print $2 }')
        first=${first:6:2}${first:4:2}${first:2:2}${first:0:2}
        llvm-nm-19 heap.dylib | grep -q "0*$first t ___simg_start$" || die "$first runs first"
    done
    # who gives no libSystem is told
    expect_fail 1 olink --target="$TARGET" --heap-relocs=prelinked -undefined error -o heap.dylib early.o heap.heap
    expect_text err '_mprotect'
    # where it is to lie can be said
    olink --target="$TARGET" --heap-relocs=prelinked --heap-base=0x7b1200000000 -o heap.dylib early.o heap.heap "${libs[0]}"
    "$OBJTOOL" inspect heap.dylib >i
    expect_text i 'prelinked for 0x7b1200000000'
    walk heap.dylib
}
check start-first-x86_64 start_first x86_64
check start-first-arm64 start_first arm64

# libsysimage maps heaps of Mach-O images, on any system: clean where they are prelinked for, moved
# elsewhere, from the part of a universal file that is for this CPU
mapped() {
    local mode flag base
    use_heaps x86_64
    [ "$(uname -m)" = x86_64 ] || skip "for x86-64"
    gcc -O1 -Wall -D_GNU_SOURCE -DWITH_LIBSYSIMAGE -I"$top_srcdir/include" -o walk-image "$support/heapwalk.c" \
        -L"$top_builddir/runtime/.libs" -lsysimage -Wl,-rpath,"$(realpath "$top_builddir/runtime/.libs")" -ldl
    generate --seed=6 --size=16M --plain-code --imports=none
    for mode in prelinked none; do
        flag=
        [ $mode = prelinked ] || flag=--none
        olink --target="$TARGET" --heap-relocs=$mode -o heap.dylib heap.heap "${libs[0]}"
        # shellcheck disable=SC2086
        ./walk-image heap.list image "$PWD/heap.dylib" $flag --times=3 || die "walk $mode"
    done
    olink --target="$TARGET" --heap-relocs=prelinked -o heap.dylib heap.heap "${libs[0]}"
    base=$("$OBJTOOL" inspect heap.dylib | sed -n 's/.*prelinked for \(0x[0-9a-f]*\).*/\1/p')
    ./walk-image heap.list image "$PWD/heap.dylib" --at="$base" --dirty=0
    ./walk-image heap.list image "$PWD/heap.dylib" --take="$base" --relocated
    olink --target=arm64-apple-macos13 --heap-relocs=prelinked -o other.dylib heap.heap "${libs[0]}"
    expect_fail 1 ./walk-image heap.list image "$PWD/other.dylib"
    llvm-lipo-19 -create other.dylib heap.dylib -output both.dylib
    ./walk-image heap.list image "$PWD/both.dylib" --at="$base"
    llvm-lipo-19 -create other.dylib -output one.dylib
    expect_fail 1 ./walk-image heap.list image "$PWD/one.dylib"
    olink --target="$TARGET" -o native.dylib heap.heap
    expect_fail 1 ./walk-image heap.list image "$PWD/native.dylib"
}
check mapped mapped

# words that chained fixups have no room for, and places that they cannot reach, are errors with their place
limits() {
    use_heaps "$1"
    generate --seed=3 --high-tags --plain-code
    expect_fail 1 olink --target="$TARGET" -o heap.dylib heap.heap
    expect_text err 'has 36 bits'
    # (with data between code and heap: an emulator tells of neighbours as one)
    olink --target="$TARGET" -no_fixup_chains -o heap.dylib heap.heap "$own"
    sound_but_tags heap.dylib
    walk heap.dylib
    generate --seed=5 --odd --plain-code
    expect_fail 1 olink --target="$TARGET" -o heap.dylib heap.heap
    expect_text err 'is not aligned'
    olink --target="$TARGET" -no_fixup_chains -o heap.dylib heap.heap "$own"
    walk heap.dylib
    generate --seed=1
    expect_fail 6 olink --target="$TARGET" -o heap.dylib heap.heap
    expect_text err 'pointers among code'
    expect_fail 6 olink --target="$TARGET" --heap-relocs=prelinked -o heap.dylib heap.heap "${libs[0]}"
    expect_text err 'pointers among code'
}
# pointers with tags from bit 48 up lead nowhere, as far as a file can tell
sound_but_tags() { "$OBJTOOL" verify --ignore=macho-fixups "$1"; }
check limits-x86_64 limits x86_64
check limits-arm64 limits arm64

# chains count the pages of a segment in 16 bits: 256 MiB of 4 KiB, 1 GiB of 16 KiB
overflow() {
    local size=$2 want count
    use_heaps "$1"
    "$work/heapgen" heap.heap heap.list --cpu="$elf" --one --imports=none --size="$size" --density=1
    want=$(awk '$1 == "sum" { print $4 }' heap.list)
    echo 'int anchor;' >o.c
    compile o.o o.c
    olink --target="$TARGET" -o heap.dylib heap.heap o.o
    rm heap.heap
    "$OBJTOOL" verify heap.dylib
    llvm-objdump-19 --macho --chained-fixups heap.dylib >chains
    awk '/page_count/ && $3 >= 65535 { bad = 1 } END { exit bad }' chains || die "page_count"
    # another's decoder finds each pointer: counted by its own dump, and by the loader that walks them
    count=$(load heap.dylib | awk '{ print $2 }')
    [ "$count" = "$want" ] || die "$count pointers of $want"
    walk heap.dylib
    "$OBJTOOL" inspect --json heap.dylib | python3 -c "
import json, sys
f = json.load(sys.stdin)['files'][0]['fixups']
sys.exit(f['rebases'] != $want)" || die "inspect counts others"
}
check overflow-x86_64 overflow x86_64 300M
check overflow-arm64 overflow arm64 1200M

# the objects of objtool pack, linked by ld64.lld and by us, are the same heap
packed() {
    use_heaps "$1"
    generate --seed=1 --own --plain-code
    "$OBJTOOL" pack heap.heap --target="$1-apple-macos13" -o heap.o
    lldlink theirs.dylib heap.o "$own" "${libs[0]}" -undefined dynamic_lookup
    dylink ours.dylib heap.o "$own" "${libs[0]}" -undefined dynamic_lookup
    sound ours.dylib
    walk theirs.dylib --apart
    walk ours.dylib --apart
    olink --target="$TARGET" -o direct.dylib heap.heap "$own"
    for f in theirs ours direct; do exports_of $f.dylib | sort >$f.e; done
    same exports theirs.e ours.e
    same exports theirs.e direct.e
}
check packed-x86_64 packed x86_64
check packed-arm64 packed arm64

# no more than 4 GiB of file
too_large() {
    use_heaps arm64
    truncate -s 2200M zeros
    "$work/heapgen" heap.heap heap.list --cpu=aarch64 --one --imports=none --size=4M
    expect_fail 1 olink --target="$TARGET" -o heap.dylib heap.heap -sectcreate __DATA __a zeros -sectcreate __DATA __b zeros
    expect_text err 'Mach-O files end at 4 GiB'
    [ ! -e heap.dylib ] || die "there is an output"
}
check too-large too_large

finish
