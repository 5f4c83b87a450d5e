#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# libsysimage for Windows: compiled for both CPUs without a warning, linked by objtool, and run in Wine: heaps
# mapped clean where they are prelinked for, moved elsewhere, loaded where they need the loader.
. "$(dirname "$0")/common.sh"
. "$here/pe-common.sh"

headers=$work/include
mkdir -p "$headers"
cp /usr/include/xxhash.h "$headers" || die "no xxhash.h (libxxhash-dev)"
mapfile -t sources < <(sed -n '/^runtime_libwriter_la_SOURCES/,/[^\\]$/p' "$top_srcdir/runtime/local.mk" | grep -o 'runtime/[a-z_]*\.c')
[ ${#sources[@]} -gt 10 ] || die "only ${#sources[@]} sources"
warnings=(-Wall -Wextra -Wconversion -Wshadow -Werror -D__USE_MINGW_ANSI_STDIO=1)

# compile COMMAND...: all of it, to objects here
compile() {
    local s
    objects=()
    for s in "${sources[@]}"; do
        "$@" -std=gnu11 -O2 "${warnings[@]}" -I"$headers" -I"$top_srcdir" -I"$top_srcdir/include" -c "$top_srcdir/$s" \
            -o "$(basename "$s" .c).o"
        objects+=("$PWD/$(basename "$s" .c).o")
    done
}

library() {
    compile x86_64-w64-mingw32-gcc
    x86_64-w64-mingw32-gcc -shared -static-libgcc -B "$drivers" -o sysimage.dll "${objects[@]}" -Wl,--out-implib,libsysimage.dll.a,--export-all-symbols
    sound sysimage.dll
    # the functions that the library for this system exports are there
    exports_of sysimage.dll | grep '^simg_' >theirs
    nm -D --defined-only "$top_builddir/runtime/.libs/libsysimage.so" | awk '$3 ~ /^simg_/ { sub("@.*", "", $3); print $3 }' | sort >ours
    same "exported functions" ours theirs
}
check library library

library_arm64() {
    compile clang-19 --target=aarch64-w64-mingw32 -isystem /usr/x86_64-w64-mingw32/include
}
check library-arm64 library_arm64

heaps() {
    local lib=$work/library mode flag base
    gcc -O2 -Wall -o heapgen "$support/heapgen.c"
    x86_64-w64-mingw32-gcc -O1 -Wall -D__USE_MINGW_ANSI_STDIO=1 -DWITH_LIBSYSIMAGE -I"$top_srcdir/include" -o walk.exe \
        "$support/heapwalk.c" -L"$lib" -lsysimage
    cp "$lib/sysimage.dll" .
    ./heapgen heap.heap heap.list --cpu=x86_64 --plain-code --windows --seed=6 --size=16M
    for mode in prelinked none; do
        flag=
        [ $mode = prelinked ] || flag=--none
        pelink --heap-relocs=$mode -o heap.dll heap.heap -lmsvcrt
        # shellcheck disable=SC2086
        walk image heap.dll $flag --writable
    done
    # without imports: clean at its address, moved from it
    ./heapgen heap.heap heap.list --cpu=x86_64 --plain-code --windows --seed=6 --size=16M --imports=none
    pelink --heap-relocs=prelinked -o heap.dll heap.heap
    base=$("$OBJTOOL" inspect heap.dll | sed -n 's/.*prelinked for \(0x[0-9a-f]*\).*/\1/p')
    walk image heap.dll --at="$base" --dirty=0
    walk image heap.dll --take="$base" --relocated
    walk image heap.dll --times=20
    # a native one is the loader's
    pelink --heap-relocs=native -o heap.dll heap.heap
    walk image heap.dll
    # heaps of other files: a Mach-O image's is mapped just the same
    olink --target=x86_64-apple-macos13 --heap-relocs=none -o heap.dylib heap.heap
    walk image heap.dylib --none
    # what is no image is said to be none
    printf 'MZ and no more of it, but long enough to be looked at: 64 bytes or more' >no.dll
    [ "$(run walk.exe heap.list image no.dll | grep -c 'not a sysimage')" = 1 ] || die "no.dll"
}
walk() {
    sh -c 'exec "$@" --pid=$$' sh "$wine" walk.exe heap.list "$@" 2>/dev/null </dev/null >walked || { cat walked; die "heapwalk $*"; }
}
check heaps heaps

# a container is written, and read back by the tools
writer() {
    cat >w.c <<'C'
#include <stdio.h>
#include <string.h>
#include <sysimage/heap.h>
int main(void)
{
    static unsigned long long words[512];
    struct simg_heap_segment all = {.kind = SIMG_SEGMENT_READ_WRITE, .size = sizeof words};
    struct simg_heap_writer *w = NULL;
    struct simg_error e;
    unsigned long long slot = 8;

    words[1] = 16;
    for (int again = 0; again < 2; again++)
        if (simg_heap_create("made.heap", NULL, &w, &e) || simg_heap_segment(w, &all, NULL, &e) ||
            simg_heap_identity(w, "windows", "1", "b", "", &e) || simg_heap_slots(w, 0, (const void *)&slot, 1, &e) ||
            simg_heap_append(w, 0, words, sizeof words, &e) || simg_heap_finish(w, &e)) {
            printf("%s\n", e.text);
            return 1;
        }
    return 0;
}
C
    x86_64-w64-mingw32-gcc -O1 -I"$top_srcdir/include" -o w.exe w.c -L"$work/library" -lsysimage
    cp "$work/library/sysimage.dll" .
    run w.exe >out
    [ ! -s out ] || { cat out; die "the writer"; }
    "$OBJTOOL" verify made.heap
    "$OBJTOOL" inspect made.heap >i
    expect_text i 'windows 1'
    [ "$(ls | grep -c tmp)" = 0 ] || die "a temporary file is left"
}
check writer writer

finish
