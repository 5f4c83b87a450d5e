#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The same input gives the same bytes, whatever the directory, the clock, the load or the number of threads.
. "$(dirname "$0")/common.sh"
. "$here/libs.sh"

twice() {
    lib_table "$1"
    need_file "$archive"
    use_libdirs
    mkdir -p here there/deep/down
    options=(-soname lib.so --build-id -z now --compress-debug-sections=zlib)
    cp "$archive" here/lib.a
    cp "$archive" there/deep/down/lib.a
    (cd here && olink -o out.so lib.a "${libdirs[@]}" "${link_args[@]}" "${options[@]}" -Map=map)
    touch there/deep/down/lib.a
    (cd there/deep/down && TZ=Asia/Tokyo HOME=/nowhere olink -o out.so lib.a "${libdirs[@]}" "${link_args[@]}" "${options[@]}" -Map=map)
    cmp here/out.so there/deep/down/out.so
    cmp here/map there/deep/down/map
    (cd here && taskset -c 0 "$OBJTOOL" link -o one.so lib.a "${libdirs[@]}" "${link_args[@]}" "${options[@]}")
    cmp here/out.so here/one.so
    (cd here && olink -o ../two.so lib.a "${libdirs[@]}" "${link_args[@]}" "${options[@]}")
    cmp here/out.so two.so
    ! grep -a -q "$PWD" here/out.so || die "the file names its directory"
}
use_arch x86_64
need taskset
check sqlite3 twice sqlite3
check crypto twice crypto
check fftw3 twice fftw3
check stdcxx twice stdcxx
finish
