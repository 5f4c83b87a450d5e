#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Inputs for fuzz_elf and fuzz_link to start from, made from text by whatever
# assemblers and compilers are there:
#
#   make-seeds.sh DIR     DIR/elf/* and DIR/link/*; prints how many
set -eu

src=$(cd "$(dirname "$0")" && pwd)/seeds
out=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$out/elf" "$out/link"

# make NAME COMMAND...: an object that could be made, and no word if it could not.
make() {
    local name=$1
    shift
    if "$@" -o "$tmp/$name" >/dev/null 2>&1 && [ -s "$tmp/$name" ]; then
        cp "$tmp/$name" "$out/elf/$name"
    else
        rm -f "$tmp/$name"
    fi
}

printf 'V0 { und2; };\nV1 { puts; v; };\nV2 { t; __gxx*; und; } V1;\n' >"$tmp/map"
for cpu in x86_64 aarch64; do
    as=$cpu-linux-gnu-as
    cc=$cpu-linux-gnu-gcc
    make $cpu.o "$as" "$src/$cpu.s"
    make $cpu-users.o "$as" "$src/users.s"
    make $cpu-versions.o "$as" "$src/versions.s"
    make $cpu-zlib.o "$as" --compress-debug-sections=zlib "$src/$cpu.s"
    make $cpu-zstd.o "$as" --compress-debug-sections=zstd "$src/$cpu.s"
    make $cpu.so "$cc" -DVERSIONS -O1 -s -fpic -nostdlib -shared -Wl,--hash-style=sysv \
        -Wl,-z,noseparate-code -Wl,-z,max-page-size=4096 -Wl,-soname,s.so -Wl,--version-script,"$tmp/map" \
        "$src/shared.c"
    make $cpu-clang.o clang --target=$cpu-linux-gnu -O1 -fpic -ffunction-sections \
        -fstack-size-section -c "$src/shared.c"
done

# fuzz_link: three bytes of options before the files.
n=0
for cpu in x86_64 aarch64; do
    for files in "$cpu.o" "$cpu-users.o" "$cpu.so" "$cpu-zlib.o" "$cpu-zstd.o" "$cpu-clang.o" \
        "$cpu.o $cpu-users.o" "$cpu-users.o $cpu.o" "$cpu.o $cpu.so" "$cpu-versions.o $cpu.so" \
        "$cpu-versions.o $cpu-users.o" "$cpu-users.o $cpu.o $cpu.so"; do
        for f in $files; do
            [ -e "$tmp/$f" ] || continue 2
        done
        # Plain; collected and versioned; packed, with map; archives.
        for how in '\x00\x00\x00' '\x07\x01\x00' '\xe0\xc0\x00' '\x21\x98\x08' '\x4a\x10\x01' \
            '\x00\x00\x03' '\x01\x21\x14'; do
            (printf "$how"; cd "$tmp"; cat $files) >"$out/link/$n"
            n=$((n + 1))
        done
    done
done
echo "$(ls "$out/elf" | wc -l) seeds for fuzz_elf, $n for fuzz_link"
