#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# objtool pack: heaps as objects for other linkers. ELF objects are linked by each and every slot is walked;
# Mach-O and COFF objects are linked by lld, and their relocations counted and read by others.
. "$(dirname "$0")/common.sh"
need gcc readelf
support=$here/../support
gcc -O2 -Wall -o "$work/heapgen" "$support/heapgen.c" || die "heapgen does not compile (libxxhash-dev?)"
"$work/heapgen" "$work/try.heap" "$work/try.list" --one --size=4K
"$OBJTOOL" pack "$work/try.heap" -o "$work/try.o" 2>"$work/try.err" ||
    { ! grep -q "LLVM's library is needed" "$work/try.err" || skip "no LLVM library (libllvm14)"; cat "$work/try.err"; }

use_walker() {
    walker=$work/heapwalk.$arch
    [ -x "$walker" ] || "$CC" -O1 -Wall -D_GNU_SOURCE -o "$walker" "$support/heapwalk.c" -ldl
    [ -e "$work/own.$arch.o" ] || cc -c "$support/heapown.c" -o "$work/own.$arch.o"
    own=$work/own.$arch.o
}
generate() { "$work/heapgen" "${1:-heap}.heap" "${1:-heap}.list" --cpu="$arch" --plain-code "${@:2}"; }
# by_needed [OPTION...]: a program that needs heap.so walks it
by_needed() {
    "$CC" -O1 -Wall -D_GNU_SOURCE -o needs "$support/heapwalk.c" -ldl -L. -Wl,--no-as-needed -l:heap.so -Wl,-rpath,"$PWD" ||
        die "no program that needs heap.so"
    timeout 120 "${RUN[@]}" ./needs heap.list linked "$@" || die "DT_NEEDED $*"
}
walk() { timeout 300 "${RUN[@]}" "$walker" "$@" || die "heapwalk $*"; }
pack() { "$OBJTOOL" pack "$@"; }

# each linker that makes libraries for the CPU in use
linkers() {
    local tool
    case $arch in
        x86_64) for tool in ld.bfd ld.gold ld.lld ld.lld-19 "mold -m elf_x86_64"; do have "${tool%% *}" && echo "$tool"; done ;;
        aarch64) for tool in "$BFD" aarch64-linux-gnu-ld.gold "ld.lld -m aarch64linux" "mold -m aarch64linux"; do have "${tool%% *}" && echo "$tool"; done ;;
    esac
}

elf() {
    local shape linker mode more count=0
    use_walker
    echo '{ global: gen_*; own_*; local: *; };' >map
    for shape in '--own --seed=1' '--own --odd --tags --near' '--own --high-tags --gaps' '--own --size=3M'; do
        # shellcheck disable=SC2086
        generate heap $shape
        for mode in native none; do
            pack heap.heap --target="$TRIPLE" --heap-relocs=$mode -o heap.o
            readelf -aW heap.o 2>&1 >/dev/null | grep . && die "readelf complains"
            while read -r linker; do
                for more in '' '--gc-sections --version-script=map'; do
                    # shellcheck disable=SC2086
                    $linker -shared -o heap.so heap.o "$own" $more "${libc[@]}" || die "$linker $more"
                    # shellcheck disable=SC2046
                    walk heap.list dlopen ./heap.so --apart $([ $mode = native ] || echo --none)
                    # shellcheck disable=SC2046
                    [ "$more" ] || by_needed --apart $([ $mode = native ] || echo --none)
                    count=$((count + 1))
                done
            done < <(linkers)
            olink -o "$PWD/ours.so" heap.o "$own" "${libc[@]}"
            # shellcheck disable=SC2046
            walk heap.list dlopen ./ours.so --apart $([ $mode = native ] || echo --none)
        done
    done
    [ "$count" -ge 16 ] || die "only $count links"
}
check_cpus elf elf

# An object that relocates itself: no relocation for a pointer, code with pointers too, several segments.
prelinked() {
    local shape linker more way count=0
    use_walker
    echo '{ global: gen_*; own_*; local: *; };' >map
    for shape in '--own --odd --tags --near' '--own --high-tags --gaps --size=3M --seed=9'; do
        # shellcheck disable=SC2086
        "$work/heapgen" heap.heap heap.list --cpu="$arch" $shape
        pack heap.heap --target="$TRIPLE" --heap-relocs=prelinked -o heap.o
        readelf -aW heap.o 2>&1 >/dev/null | grep . && die "readelf complains"
        [ "$(readelf -rW heap.o | grep -c 'R_')" -lt 60 ] || die "$(readelf -rW heap.o | grep -c R_) relocations"
        while read -r linker; do
            for more in '' '--gc-sections --version-script=map' '-z relro -z now -Bsymbolic'; do
                # shellcheck disable=SC2086
                $linker -shared -o heap.so heap.o "$own" $more "${libc[@]}" || die "$linker $more"
                walk heap.list dlopen ./heap.so
                [ "$more" ] || by_needed
                "$OBJTOOL" verify heap.so || die "$linker $more: not sound"
                count=$((count + 1))
            done
        done < <(linkers)
        olink -o "$PWD/ours.so" heap.o "$own" "${libc[@]}"
        walk heap.list dlopen ./ours.so
        "$OBJTOOL" verify ours.so
    done
    [ "$count" -ge 12 ] || die "only $count links"
    [ "$arch" = x86_64 ] && [ -e "$library/libsysimage.so" ] || return 0
    # and through libsysimage, by path, with nothing that only the image has
    "$work/heapgen" heap.heap heap.list --odd --tags --seed=4
    pack heap.heap --heap-relocs=prelinked -o heap.o
    gcc -shared -o heap.so heap.o
    "$OBJTOOL" inspect heap.so >text
    expect_text text 'relocates itself when it is loaded'
    nm -D --undefined-only "$library/libsysimage.so" | grep -q ' __asan_init' && return 0
    gcc -O1 -D_GNU_SOURCE -DWITH_LIBSYSIMAGE -I"${top_srcdir:?}/include" "$support/heapwalk.c" -o withlib \
        -L"$library" -lsysimage -Wl,-rpath,"$library" -ldl -pthread
    for way in image dlopen; do
        ./withlib heap.list $way ./heap.so || die "through libsysimage: $way"
    done
}
library=${top_builddir:?}/runtime/.libs
check_cpus prelinked prelinked

# The bytes of the format itself: a heap whose every slot we know, linked with no other object.
prelinked_without_llvm() {
    arch=x86_64
    "$work/heapgen" heap.heap heap.list --one --size=64M
    LD_LIBRARY_PATH=/nonexistent pack heap.heap --heap-relocs=prelinked -o heap.o
    [ "$(stat -c %s heap.o)" -lt $((66 << 20)) ] || die "$(stat -c %s heap.o) bytes"
    pack heap.heap --heap-relocs=prelinked -o again.o
    cmp heap.o again.o
}
check prelinked_without_llvm prelinked_without_llvm

# macho CPU: linked by ld64.lld; every slot against its list, by a reader of its own
macho() {
    local lld=
    for lld in /usr/lib/llvm-19/bin/ld64.lld ld64.lld-19 ld64.lld ''; do ! have "$lld" || break; done
    [ "$lld" ] || skip "ld64.lld is not installed (lld-19)"
    need python3 llvm-objdump
    arch=x86_64
    generate heap --seed=5 --size=1M
    pack heap.heap --target="$1-apple-macos12" -o heap.o
    "$lld" -arch "$1" -platform_version macos 12.0 12.0 -no_fixup_chains -dylib -dead_strip \
        -undefined dynamic_lookup -o heap.dylib heap.o
    python3 "$support/dylib_slots.py" heap.dylib heap.list
    llvm-objdump --macho --bind heap.dylib >binds
    expect_text binds '_abs$' '_environ$' 'nobody_defines_this (weak_import)'
    llvm-objdump --macho --exports-trie heap.dylib >exports
    expect_text exports _gen_ro _gen_rw _gen_zero _gen_code
    "$lld" -arch "$1" -platform_version macos 13.0 13.0 -dylib -undefined dynamic_lookup -o chained.dylib heap.o
    generate tags --high-tags
    expect_fail 6 pack tags.heap --target="$1-apple-macos12" -o no.o
}
check macho_arm64 macho arm64
check macho_x86_64 macho x86_64

coff() {
    local lld=/usr/lib/llvm-19/bin/ld.lld slots
    have "$lld" || lld=ld.lld
    need "$lld" clang llvm-readobj
    arch=x86_64
    # more than 65535 relocations, which COFF counts in another way
    generate heap --seed=6 --size=2M
    slots=$(grep -c '^slot' heap.list)
    [ "$slots" -gt 70000 ] || die "$slots slots"
    pack heap.heap --target="$1" -o heap.o
    printf '.globl abs,toupper,isdigit,tolower,environ,stdout\nabs:toupper:isdigit:tolower: ret\n.data\nenviron: .quad 0\nstdout: .quad 0\n' >defs.s
    clang --target="$1" -c defs.s -o defs.o
    "$lld" -m "$2" -shared --entry=0 -e abs -o heap.dll heap.o defs.o
    # each slot, and the import slots that are defined: five in each of two segments, and one weak
    have=$(llvm-readobj --coff-basereloc heap.dll | grep -c 'Type: DIR64')
    [ "$have" -ge "$slots" ] && [ "$have" -le $((slots + 14)) ] || die "$have base relocations for $slots slots"
    llvm-readobj --coff-exports heap.dll >exports
    expect_text exports gen_ro gen_rw gen_zero gen_code
}
check coff_x86_64 coff x86_64-w64-mingw32 i386pep
check coff_aarch64 coff aarch64-w64-windows-gnu arm64pe

# Memory: no more than the heap and 64 MiB. (The heap's file is mapped, and counts.)
memory() {
    need python3
    arch=x86_64
    "$work/heapgen" heap.heap heap.list --one --size=256M
    python3 - "$OBJTOOL" <<'E'
import resource, subprocess, sys
subprocess.run([sys.argv[1], "pack", "heap.heap", "-o", "heap.o"], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(used, "MiB")
sys.exit(used > 256 + 64)
E
    rm -f heap.o heap.heap
}
check memory memory

refused() {
    use_arch x86_64
    generate heap
    "$work/heapgen" code.heap code.list
    expect_fail 6 pack code.heap -o no.o
    expect_text err 'code with pointers'
    expect_fail 2 pack heap.heap --target=sparc-sun-solaris -o no.o
    expect_fail 2 pack heap.heap
    expect_fail 3 pack nothing.heap -o no.o
    expect_fail 4 pack "$here/common.sh" -o no.o
    expect_fail 6 pack heap.heap --heap-relocs=prelinked --target=arm64-apple-macos12 -o no.o
    expect_fail 6 pack heap.heap --heap-relocs=prelinked --target=x86_64-w64-mingw32 -o no.o
    expect_fail 2 pack heap.heap --heap-relocs=some -o no.o
    "$work/heapgen" big.heap big.list --big
    expect_fail 6 pack big.heap --heap-relocs=prelinked -o no.o
    expect_fail 3 pack heap.heap -o nowhere/no.o
    printf '\377\377\377\377\377\377\377\177' | dd of=heap.heap bs=1 seek=$((4096 + $(awk '$1 == "slot" { print $3; exit }' heap.list))) conv=notrunc status=none
    for mode in native prelinked; do
        expect_fail 5 pack heap.heap --heap-relocs=$mode -o no.o
        expect_text err 'heap.heap: segment 0: .*0x7fffffffffffffff.* no .*address'
    done
    [ ! -e no.o ] || die "an output after a failure"
}
check refused refused

# Names go into assembly text: none gets out of its quotes.
names() {
    local name target
    use_arch x86_64
    head -c 4096 /dev/zero >blob
    for name in 'a"b' 'a\b' $'a\n.incbin "/etc/hostname"\n' 'a" ; .incbin "/etc/hostname" ; .ascii "' 'a b'; do
        for target in x86_64-linux-gnu arm64-apple-macos13 x86_64-w64-mingw32; do
            "$OBJTOOL" heap --raw blob --root "$name=0" -o heap.heap
            expect_fail 6 pack heap.heap --target=$target -o no.o
            expect_text err 'heap.heap: root 0: its name has the byte'
            "$OBJTOOL" heap --raw blob --import "$name=8" -o heap.heap
            expect_fail 6 pack heap.heap --target=$target -o no.o
            expect_text err 'heap.heap: import 0: its name has the byte'
        done
    done
    # and those that are unusual, but names
    for name in 'x$y' 'f@V1' '?a@@YAXXZ' 'naïve' '1st' 'a%sb'; do
        "$OBJTOOL" heap --raw blob --root "$name=16" -o heap.heap
        pack heap.heap -o heap.o
        readelf -sW heap.o | grep -qF " $name" || die "$name is not in the object"
    done
    [ ! -e no.o ]
}
check names names

finish
