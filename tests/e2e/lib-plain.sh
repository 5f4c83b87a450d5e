#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Static libraries of Debian linked whole into a library that loads and does its work.
. "$(dirname "$0")/common.sh"
. "$here/libs.sh"
use_arch x86_64
for name in mruby pcre2 fftw3 ffi; do
    check "$name" lib_works "$name"
done

# Debian 12's libguile-3.0.a holds 150 members without code or symbols (LTO objects that were
# stripped): what any linker can make of it is a library that loads and has nothing in it.
hollow_guile() {
    local lib=/usr/lib/$TRIPLE/libguile-3.0.a
    need_file "$lib"
    olink -o "$PWD/guile.so" "$lib"
    clean guile.so
    run "$PWD/guile.so"
    bfd -o bfd.so "$lib"
    same_shape guile.so bfd.so
    if nm "$lib" 2>/dev/null | grep -q ' T scm_with_guile$'; then
        die "libguile-3.0.a has code again: test it like the others"
    fi
}
check guile-3.0 hollow_guile
finish
