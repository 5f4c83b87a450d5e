#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# libsysimage as ./configure --host=x86_64-w64-mingw32 builds and installs it, and the unit tests of the
# loader, the engine cache and the heap writer with it, in Wine.
. "$(dirname "$0")/common.sh"
. "$here/pe-common.sh"
need make

[ -x "$top_srcdir/configure" ] || skip "there is no configure script"
[ ! -e "$top_srcdir/config.status" ] || skip "the source directory itself is configured"
there=$work/there/usr/local

build() {
    "$top_srcdir/configure" --host=x86_64-w64-mingw32 --enable-werror >configured 2>&1 || { tail -n 30 configured; die "configure"; }
    make >made 2>&1 || { tail -n 30 made; die "make"; }
    make install DESTDIR="$work/there" >installed 2>&1 || { tail -n 30 installed; die "make install"; }
    need_file "$there/lib/libsysimage.dll.a" "$there/lib/libsysimage.a" "$there/include/sysimage/image.h"
    sound "$there/bin/libsysimage.dll"
    # all that the library for this system exports, and nothing else; and it needs no library of a compiler
    exports_of "$there/bin/libsysimage.dll" >theirs
    nm -D --defined-only "$top_builddir/runtime/.libs/libsysimage.so" | awk '$3 ~ /^simg_/ { sub("@.*", "", $3); print $3 }' | sort >ours
    same "exported functions" ours theirs
    imports_of "$there/bin/libsysimage.dll" | awk '{ print $1 }' | sort -u >needed
    [ "$(tr '\n' ' ' <needed)" = "kernel32.dll msvcrt.dll " ] || { cat needed; die "it needs other libraries"; }
    [ -z "$(find "$work/there" -name '*objtool*')" ] || die "tools are installed"
}
check build build

# Stand-ins for headers that MinGW lacks; what they would declare is in posix.h.
stand_ins=$top_srcdir/tests/support/windows
headers=$work/headers
mkdir -p "$headers/sys"
for h in dlfcn.h endian.h sys/mman.h sys/file.h sys/wait.h; do : >"$headers/$h"; done
cp /usr/include/xxhash.h "$headers" || die "no xxhash.h (libxxhash-dev)"

# unit NAME COUNT SOURCE...: at least COUNT tests pass, with the library that was installed
unit() {
    local name=$1 count=$2 sources=() s
    shift 2
    for s in "$@"; do sources+=("$top_srcdir/$s"); done
    x86_64-w64-mingw32-gcc -std=gnu11 -O1 -Wall -Wextra -D__USE_MINGW_ANSI_STDIO=1 -DXXH_INLINE_ALL -DEVERY=397 -DOWN_WORDS=2 -static -include "$stand_ins/posix.h" \
        -I"$headers" -I"$stand_ins" -I"$top_srcdir" -I"$top_srcdir/lib" -I"$there/include" -o "$name.exe" \
        "$top_srcdir/tests/unit/$name.c" "$stand_ins/check.c" "$stand_ins/posix.c" "${sources[@]}" \
        "$there/lib/libsysimage.dll.a" -lpthread
    cp "$there/bin/libsysimage.dll" .
    TMPDIR=. timeout 900 "$wine" "$name.exe" 2>&1 </dev/null | tr -d '\r' >out || true
    grep -q "Failures: 0$" out || { grep -v '^ok' out | head -n 60; die "$name"; }
    tail -n 1 out
    [ "$(sed -n 's/.*Checks: \([0-9]*\).*/\1/p' out)" -ge "$count" ] || die "only some of the tests ran"
}
check image unit test_image 120 tests/support/heap_image.c
check cache unit test_cache 9 tests/support/toy_engine.c
check cache-arena unit test_cache_arena 4 tests/support/toy_engine.c
check cache-refusals unit test_cache_refuse 11 tests/support/toy_engine.c
check heap-writer unit test_heap_writer 50 tests/support/windows/file.c lib/heap/container{,_parts,_slots,_stored}.c lib/base/{arena,buf,diag,strtab}.c lib/obj/slots.c

finish
