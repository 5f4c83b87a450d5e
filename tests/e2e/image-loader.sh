#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# libsysimage's loader on images that objtool link made: every slot of them, its promises one by one, and what
# it makes of changed bits and cut files: every fifth, or each with STEP=1 (tests/unit/test_image changes each
# bit of a smaller one). COUNT=100000 opens that often.
. "$(dirname "$0")/common.sh"
need gcc
use_arch x86_64
use_libdirs
support=$here/../support
library=${top_builddir:?}/runtime/.libs
[ -e "$library/libsysimage.so" ] || skip "libsysimage is not built as a shared library"
! nm -D --undefined-only "$library/libsysimage.so" | grep -q ' __asan_init' || skip "the library is built with sanitizers"
with_library=(-I"${top_srcdir:?}/include" -L"$library" -lsysimage -Wl,-rpath,"$library" -ldl -pthread)

gcc -O2 -o "$work/heapgen" "$support/heapgen.c"
gcc -O1 -Wall -D_GNU_SOURCE -DWITH_LIBSYSIMAGE "$support/heapwalk.c" -o "$work/heapwalk" "${with_library[@]}"
gcc -O1 -Wall "$support/imagetest.c" -o "$work/imagetest" "${with_library[@]}"
gcc -O2 -Wall "$support/imagebreak.c" -o "$work/imagebreak" "${with_library[@]}"

walk() { "$work/heapwalk" "$@" || die "heapwalk $*"; }

slots() {
    local shape mode
    for shape in '' '--tags --near --seed=3' '--high-tags --density=30' '--odd --gaps --imports=cluster' '--size=5M --odd'; do
        # shellcheck disable=SC2086
        "$work/heapgen" heap.heap heap.list $shape
        for mode in native prelinked none; do
            olink -o "$PWD/heap.so" heap.heap --heap-relocs=$mode "${libdirs[@]}" -lc
            none=$([ $mode != none ] || echo --none)
            # shellcheck disable=SC2086
            walk heap.list image ./heap.so $none
        done
        olink -o "$PWD/heap.so" heap.heap "${libdirs[@]}" -lc
        walk heap.list image ./heap.so --take="0x$(section heap.so .heap.ro | awk '{ print $3 }')" --relocated
    done
}
check slots slots

promises() {
    "$work/heapgen" heap.heap heap.list --size=64K
    "$work/heapgen" needy.heap needy.list --size=64K --own
    cc -c "$support/heapown.c" -o own.o
    olink -o "$PWD/heap.so" heap.heap "${libdirs[@]}" -lc
    olink -o "$PWD/native.so" heap.heap --heap-relocs=native "${libdirs[@]}" -lc
    olink -o "$PWD/needy.so" needy.heap own.o "${libdirs[@]}" -lc
    "$work/imagetest" ./heap.so ./native.so ./needy.so "$here/common.sh" "${COUNT:-5000}"
}
check promises promises

# The loader itself for the other CPU, from its sources: it needs libc, and xxHash's header.
aarch64() {
    use_arch aarch64
    use_libdirs
    xxhash=$(pkg-config --variable=includedir libxxhash)/xxhash.h
    need_file "$xxhash"
    mkdir -p header
    cp "$xxhash" header
    cc -D_GNU_SOURCE -shared -fvisibility=hidden -Iheader -I"${top_srcdir:?}" -I"$top_srcdir/include" \
        "$top_srcdir"/runtime/{cache,error,heap,image,loaded,map}*.c -o libsysimage.so -ldl
    "$CC" -O1 -Wall -I"$top_srcdir/include" "$support/imagetest.c" -o imagetest \
        -L. -lsysimage -Wl,-rpath,"$PWD" -ldl -pthread
    "$work/heapgen" heap.heap heap.list --size=64K --cpu=aarch64
    "$work/heapgen" needy.heap needy.list --size=64K --own --cpu=aarch64
    cc -c "$support/heapown.c" -o own.o
    olink -m aarch64linux -o "$PWD/heap.so" heap.heap "${libdirs[@]}" -lc
    olink -m aarch64linux -o "$PWD/native.so" heap.heap --heap-relocs=native "${libdirs[@]}" -lc
    olink -m aarch64linux -o "$PWD/needy.so" needy.heap own.o "${libdirs[@]}" -lc
    "${RUN[@]}" ./imagetest ./heap.so ./native.so ./needy.so "$here/common.sh" 100
    # an engine's image, stored and loaded
    "$CC" -O1 -Wall -I"$top_srcdir/include" "$support/cachefault.c" -o engine -L. -lsysimage -Wl,-rpath,"$PWD"
    "${RUN[@]}" ./engine store 3000 --engine.Cache=engine.so
    "${RUN[@]}" ./engine store 10 --engine.Cache=engine.so --engine.CacheVerify=full >out
    expect_text out '3010 nodes, load ok, store ok'
    "$OBJTOOL" verify engine.so
}
check aarch64 aarch64

# Bits and lengths: refused, or the same heap; never a crash.
damaged() {
    "$work/heapgen" heap.heap heap.list --size=4K --odd --imports=cluster
    olink -o "$PWD/heap.so" heap.heap --strip-all "${libdirs[@]}" -lc
    timeout 900 "$work/imagebreak" heap.so "${STEP:-5}"
}
check damaged damaged

finish
