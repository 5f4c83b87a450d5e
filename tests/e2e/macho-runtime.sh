#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# libsysimage for macOS, as far as that goes without Apple's SDK: all of it compiled for both CPUs against
# declarations of our own (tests/support/macos.h), without a warning, and linked by objtool.
. "$(dirname "$0")/common.sh"
. "$here/macho-common.sh"
runtime=$top_srcdir/runtime

headers=$work/include
mkdir -p "$headers/sys" "$headers/mach-o"
printf '#define assert(x) ((void)0)\n#define static_assert _Static_assert\n' >"$headers/assert.h"
for h in crt_externs ctype dirent dlfcn errno fcntl inttypes signal stdio stdlib string sys/file sys/mman sys/stat time unistd mach-o/dyld mach-o/loader; do
    case $h in mach-o/*) echo '#define MACOS_DYLD' ;; esac >"$headers/$h.h"
    echo "#include \"$(realpath "$support")/macos.h\"" >>"$headers/$h.h"
done
# of xxHash only the header is used
cp /usr/include/xxhash.h "$headers" || die "no xxhash.h (libxxhash-dev)"
# the sources are those that the build here has
mapfile -t sources < <(sed -n '/^runtime_libwriter_la_SOURCES/,/[^\\]$/p' "$runtime/local.mk" | grep -o 'runtime/[a-z_]*\.c')
[ ${#sources[@]} -gt 10 ] || die "only ${#sources[@]} sources"

library() {
    local s objects=()
    use_darwin "$1"
    for s in "${sources[@]}"; do
        "${2:-clang}" -target "$TARGET" -std=gnu11 -O2 -fvisibility=hidden -nostdlibinc -isystem "$headers" -I"$top_srcdir" -I"$top_srcdir/include" \
            -Wall -Wextra -Wconversion -Wshadow -Werror -c "$top_srcdir/$s" -o "$(basename "$s" .c).o"
        objects+=("$(basename "$s" .c).o")
    done
    {
        printf -- '--- !tapi-tbd\ntbd-version: 4\ntargets: [ x86_64-macos, arm64-macos ]\ninstall-name: /usr/lib/libSystem.B.dylib\nexports:\n'
        printf '  - targets: [ x86_64-macos, arm64-macos ]\n    symbols: ['
        grep -oE '[a-zA-Z_]+\(' "$support/macos.h" | tr -d '(' | sort -u | sed 's/.*/ _&,/' | tr -d '\n'
        echo ' _bzero, ___bzero, ___error, ___stack_chk_fail, ___stack_chk_guard ]'
    } >libSystem.tbd
    olink --target="$TARGET" -undefined error -install_name @rpath/libsysimage.0.dylib -exported_symbol '_simg_*' \
        -o libsysimage.0.dylib "${objects[@]}" libSystem.tbd
    sound libsysimage.0.dylib
    # the functions that the library for this system exports, and no others
    exports_of libsysimage.0.dylib | sed 's/^.*_simg_/simg_/' | sort >theirs
    nm -D --defined-only "$top_builddir/runtime/.libs/libsysimage.so" | awk '$3 ~ /^simg_/ { sub("@.*", "", $3); print $3 }' | sort >ours
    same "exported functions" theirs ours
}
check library-x86_64 library x86_64
check library-arm64 library arm64
check library-arm64-clang-19 library arm64 clang-19

finish
