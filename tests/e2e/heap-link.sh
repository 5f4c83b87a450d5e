#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Heaps in images: every slot, root and import of generated heaps, in every --heap-relocs mode, on both
# CPUs, at the image's own address and away from it. The heaps come from tests/support/heapgen.c, which
# writes them from docs/heap-format.md alone.
. "$(dirname "$0")/common.sh"
need gcc readelf
support=$here/../support

gcc -O2 -Wall -o "$work/heapgen" "$support/heapgen.c" || die "heapgen does not compile (libxxhash-dev?)"

# walker: heapwalk for the CPU in use
use_walker() {
    walker=$work/heapwalk.$arch
    [ -x "$walker" ] || "$CC" -O1 -Wall -D_GNU_SOURCE -o "$walker" "$support/heapwalk.c" -ldl
    [ -e "$work/own.$arch.o" ] || cc -c "$support/heapown.c" -o "$work/own.$arch.o"
    own=$work/own.$arch.o
}

generate() { "$work/heapgen" "${1:-heap}.heap" "${1:-heap}.list" --cpu="$arch" "${@:2}"; }
walk() { timeout 300 "${RUN[@]}" "$walker" "$@" || die "heapwalk $*"; }
base_of() { readelf -lW "$1" | awk '$1 == "LOAD" { print $3; exit }'; }
# heap_of IMAGE: the address of its heap
heap_of() { printf '0x%s' "$(section "$1" .heap.ro | awk '{ print $3 }')"; }
flag() { [ "$1" != none ] || echo --none; }

shapes=(
    "--seed=1"
    "--seed=2 --tags --near --density=600"
    "--seed=3 --high-tags --density=20 --gaps"
    "--seed=4 --odd --imports=cluster"
    "--seed=5 --odd --tags --gaps --density=5"
    "--seed=6 --size=4M --tags"
)

every_mode() {
    local shape mode more
    use_walker
    for shape in "${shapes[@]}"; do
        # shellcheck disable=SC2086 # a list of options
        generate heap $shape --own
        for mode in native prelinked none; do
            for more in '' '-z pack-relative-relocs' '--gc-sections -Bsymbolic -z now -s'; do
                # shellcheck disable=SC2086
                olink -o "$PWD/heap.so" heap.heap "$own" --heap-relocs=$mode $more "${libc[@]}"
                clean heap.so
                [ "$mode" = prelinked ] || [ "$(base_of heap.so)" = 0x0000000000000000 ] || die "base"
                walk heap.list dlopen ./heap.so $(flag $mode)
            done
        done
    done
}
check_cpus every_mode every_mode

# Segments of any size: none ends with a page, and those behind are aligned in the file all the same. (A
# large zero-fill one was not.)
sizes() {
    local size mode
    use_walker
    for size in 100001 20000003; do
        generate heap --size=$size --density=2 --seed=$size
        for mode in native prelinked none; do
            olink --target="$TRIPLE" -o "$PWD/heap.so" heap.heap --heap-relocs=$mode "${libc[@]}"
            clean heap.so
            walk heap.list dlopen ./heap.so $(flag $mode)
        done
    done
}
check_cpus sizes sizes

# Where it wants to lie, it lies, and nothing is relocated; with that place taken it is right all the same.
placed() {
    local base
    use_walker
    generate heap --own --odd --size=3M --imports=cluster
    olink -o "$PWD/heap.so" heap.heap "$own" "${libc[@]}"
    base=$(base_of heap.so)
    [[ "$base" == 0x00007[abc]* ]] || die "the image prefers $base"
    walk heap.list dlopen ./heap.so --at="$(heap_of heap.so)" $([ "$arch" != x86_64 ] || echo --dirty=16)
    walk heap.list dlopen ./heap.so --take="$base" --relocated
    [ "$arch" != x86_64 ] || walk heap.list dlopen ./heap.so --take="$base" --relocated --times=20
    # only imports and the linker's own are left to the loader
    relocs heap.so >relocs
    [ "$(awk '{ n += $1 } END { print n }' relocs)" -lt 60 ] || die "$(cat relocs)"
    olink -o "$PWD/set.so" heap.heap "$own" --image-base=0x7b0000000000 "${libc[@]}"
    [ "$(base_of set.so)" = 0x00007b0000000000 ] || die "--image-base"
    walk heap.list dlopen ./set.so
    # other contents, another place; the same contents, the same bytes
    generate other --own --odd --size=3M --imports=cluster --seed=77
    olink -o "$PWD/other.so" other.heap "$own" "${libc[@]}"
    [ "$(base_of other.so)" != "$base" ] || die "two images prefer one address"
    olink -o "$PWD/again.so" heap.heap "$own" "${libc[@]}" --threads=1
    cmp heap.so again.so
}
check_cpus placed placed

linked() {
    local mode
    use_walker
    generate heap --own
    for mode in native prelinked none; do
        olink -o "$PWD/heap.so" heap.heap "$own" -soname heap.so --heap-relocs=$mode "${libc[@]}"
        "$CC" -O1 -Wall -D_GNU_SOURCE -o linked "$support/heapwalk.c" -ldl -L. -Wl,--no-as-needed -l:heap.so \
            -Wl,-rpath,"$PWD" -Wl,--allow-shlib-undefined
        timeout 60 "${RUN[@]}" ./linked heap.list linked $(flag $mode) || die "DT_NEEDED, $mode"
    done
}
check_cpus linked linked

many() {
    local i args=()
    use_walker
    for i in $(seq 100); do
        generate h --seed="$i" --size=64K
        olink --target="$TRIPLE" -o "$PWD/h$i.so" h.heap "${libc[@]}"
        mv h.list "h$i.list"
    done
    cat >all.c <<'E'
#include <dlfcn.h>
#include <stdio.h>
int main(int n, char **v)
{
    for (int i = 1; i < n; i++)
        if (!dlopen(v[i], RTLD_NOW)) { puts(dlerror()); return 1; }
    for (int i = 1; i < n; i++) {
        char *at = dlsym(dlopen(v[i], RTLD_NOW), "gen_rw");
        for (int k = 1; k < i; k++) if (dlsym(dlopen(v[k], RTLD_NOW), "gen_rw") == at) return 2;
    }
    puts("all there");
}
E
    "$CC" -O1 -o all all.c -ldl
    for i in $(seq 100); do args+=("./h$i.so"); done
    "${RUN[@]}" ./all "${args[@]}" || die "100 images at once"
    for i in 1 50 100; do walk "h$i.list" dlopen "./h$i.so"; done
}
check_cpus hundred_images many

# Another loader, which has nothing of glibc: musl's.
musl() {
    use_arch x86_64; need musl-gcc
    generate heap --imports=none --odd --tags --size=3M
    musl-gcc -O1 -Wall -D_GNU_SOURCE -o walker "$support/heapwalk.c"
    olink -o "$PWD/heap.so" heap.heap
    ./walker heap.list dlopen ./heap.so --at="$(heap_of heap.so)" --dirty=0
    ./walker heap.list dlopen ./heap.so --take="$(base_of heap.so)" --relocated
    olink -o "$PWD/native.so" heap.heap --heap-relocs=native
    ./walker heap.list dlopen ./native.so
}
check musl musl

# Open and close: memory and mappings do not grow. (100,000 by hand: TIMES=100000.)
again_and_again() {
    use_arch x86_64; use_libdirs; use_walker
    generate heap --size=16K
    olink -o "$PWD/heap.so" heap.heap "${libdirs[@]}" -lc
    walk heap.list dlopen ./heap.so --times="${TIMES:-2000}"
    walk heap.list dlopen ./heap.so --times="${TIMES:-2000}" --take="$(base_of heap.so)"
}
check again_and_again again_and_again

# Tools that edit images leave them right.
edited() {
    use_arch x86_64; use_libdirs; use_walker; need strip patchelf objcopy gdb
    generate heap --own
    olink -o "$PWD/heap.so" heap.heap "$own" -g "${libdirs[@]}" -lc
    strip -o stripped.so heap.so
    cp heap.so rpath.so; patchelf --set-rpath /nowhere rpath.so
    objcopy --only-keep-debug heap.so heap.debug
    objcopy --strip-debug heap.so nodebug.so
    for image in stripped.so rpath.so nodebug.so; do
        walk heap.list dlopen ./$image
        walk heap.list dlopen ./$image --take="$(base_of $image)"
    done
    gdb -batch -ex 'info functions own' heap.so 2>&1 | grep -q own_function || die gdb
}
check edited edited

# Where imports come from: objects of the link, archives, shared libraries; and what is refused.
imports() {
    use_arch x86_64; use_libdirs; use_walker
    generate heap --own
    ar rc libown.a "$own"
    olink -o "$PWD/heap.so" heap.heap --no-whole-archive libown.a "${libdirs[@]}" -lc
    walk heap.list dlopen ./heap.so
    sed 's/__attribute__((visibility("hidden")))//; /gen_ro\[\]/,$d' "$support/heapown.c" >lib.c
    cc -shared lib.c -o libown.so
    for mode in native prelinked none; do
        olink -o "$PWD/heap.so" heap.heap -L. -lown --heap-relocs=$mode -rpath "$PWD" "${libdirs[@]}" -lc
        walk heap.list dlopen ./heap.so $(flag $mode)
        needed heap.so | grep -qx libown.so || die "not needed: libown.so"
    done
    expect_fail 1 olink -o "$PWD/no.so" heap.heap --no-undefined "${libdirs[@]}" -lc
    expect_text err "heap.heap: .*undefined reference to .own_function"
    echo 'int own_function = 3;' | cc -x c -c - -o data.o
    expect_fail 1 olink -o "$PWD/no.so" heap.heap data.o "${libdirs[@]}" -lc
    expect_text err "import .own_function': is a function, but data.o defines it as data"
    echo '__thread int own_data;' | cc -x c -c - -o tls.o
    expect_fail 1 olink -o "$PWD/no.so" heap.heap tls.o "${libdirs[@]}" -lc
    expect_text err "thread-local"
    generate big --big
    expect_fail 1 olink -o "$PWD/no.so" big.heap
    expect_text err 'big-endian'
    [ ! -e no.so ] || die "an output after a failure"
}
check imports imports

# Two heaps in one image.
two() {
    use_arch x86_64; use_libdirs; use_walker
    generate a --seed=8 --one --size=1M
    generate b --seed=9 --own --odd
    sed -i 's/gen_/two_/' a.list
    olink -o "$PWD/a.so" a.heap --defsym two_rw=gen_rw --export=two_rw
    walk a.list dlopen ./a.so
    # both export gen_rw: that is a duplicate, told as one
    expect_fail 1 olink -o "$PWD/two.so" a.heap b.heap "$own" "${libdirs[@]}" -lc
    expect_text err 'gen_rw'
    for mode in native prelinked none; do
        olink -o "$PWD/two.so" b.heap a.heap "$own" --allow-multiple-definition --heap-relocs=$mode "${libdirs[@]}" -lc
        clean two.so
        walk b.list dlopen ./two.so $(flag $mode)
        walk b.list dlopen ./two.so $(flag $mode) --take="$(base_of two.so | sed 's/^0x0*$/0x10000000/')"
    done
}
check two two

# A slot that holds no heap address is found while the image is written; no image then.
bad_slot() {
    use_arch x86_64
    generate heap --one --size=64K --density=1000
    at=$(awk '/^root gen_rw/ { print 0 }' heap.list)
    [ "$at" = 0 ]
    # the first words of the only DATA part, which starts at a page
    printf '\377\377\377\377\377\377\377\177' | dd of=heap.heap bs=1 seek=$((4096 + 800)) conv=notrunc status=none
    expect_fail 5 olink -o "$PWD/no.so" heap.heap
    expect_text err 'heap.heap: segment 0: slot at 0x320: 0x7fffffffffffffff is no heap address'
    [ ! -e no.so ] || die "an output after a failure"
}
check bad_slot bad_slot

finish
