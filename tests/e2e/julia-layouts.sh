#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Images with heaps of Julia 1.9 to 1.14, of which no real ones can be had here: made by a generator that
# follows Julia's sources, linked, loaded, and restored by those versions' rules.
. "$(dirname "$0")/common.sh"

use_arch x86_64
need gcc as setarch

gcc -O2 -I"$top_srcdir" "$top_srcdir/tests/support/julialayout.c" "$top_srcdir/tests/support/julia_layouts.c" \
    -o "$work/julialayout" -ldl

# objects MINOR: data.o and code.o, as that version has them, of heap.bin
objects() {
    local section=.data tells=jl_image_pointers
    [ "$1" -lt 12 ] || section='.ldata,"awl",@progbits'
    [ "$1" != 9 ] || tells=jl_tls_offset_image
    cat >data.s <<EOF
.section $section
.balign 4096
.globl jl_system_image_data
.type jl_system_image_data, @object
jl_system_image_data:
.incbin "heap.bin"
.size jl_system_image_data, .-jl_system_image_data
.section .rodata
.balign 8
.globl jl_system_image_size
jl_system_image_size: .quad $(stat -c %s heap.bin)
.size jl_system_image_size, 8
EOF
    cat >code.s <<EOF
.section .data
.globl $tells
$tells: .quad 0
.size $tells, 8
EOF
    [ "$1" -lt 13 ] || cat >>data.s <<'EOF'
.section .data.rel.ro,"aw"
.balign 8
.globl jl_image_unpack
jl_image_unpack: .quad jl_image_unpack_uncomp
.size jl_image_unpack, 8
EOF
    [ "$1" -lt 14 ] || printf '.section .rodata\n.globl jl_system_image_checksum\njl_system_image_checksum: .long 1\n' >>data.s
    as data.s -o data.o
    as code.s -o code.o
    echo 'void jl_image_unpack_uncomp(void) {}' | gcc -xc - -shared -fPIC -o libjulia.so
}

restored() {
    "$work/julialayout" make "$1" "$1" heap.bin
    objects "$1"
    olink data.o code.o libjulia.so -o pre.so
    olink data.o code.o libjulia.so -o plain.so --julia-prelink=no
    export LD_LIBRARY_PATH=$PWD
    "$work/julialayout" check "$1" heap.bin plain.so >out
    "$work/julialayout" check "$1" heap.bin pre.so >out
    cat out
    # three of four pointers lead into the heap
    awk '{ exit !($6 * 2 < $3) }' out
    setarch -R "$work/julialayout" check "$1" heap.bin pre.so
    "$OBJTOOL" inspect pre.so >text
    expect_text text 'every byte is accounted for'
    clean pre.so
    "$OBJTOOL" verify pre.so
    olink data.o code.o libjulia.so -o elsewhere.so --heap-base=0x700000000000
    "$work/julialayout" check "$1" heap.bin elsewhere.so
}

# damaged AT VALUE TEXT: such a heap is refused, and nothing is written
damaged() {
    cp good.bin heap.bin
    "$work/julialayout" damage "$1" "$2" heap.bin
    as data.s -o data.o
    for option in "" --julia-prelink; do
        expect_fail 5 olink data.o code.o libjulia.so -o no.so $option
        expect_text err "jl_system_image_data: $3"
        [ ! -e no.so ] || die "a file was written"
    done
}

damage() {
    "$work/julialayout" make 12 1 heap.bin
    objects 12
    mv heap.bin good.bin
    damaged 0 0xffffffffffffff 'objects: 0xffffffffffffff bytes at 0x8 are not inside the heap'
    damaged 0 0x1000 ''
    damaged $(($(stat -c %s good.bin) - 20)) 1 'links to other images'
}

# What cannot be done is an error only if it was asked for.
compressed() {
    printf '\x28\xb5\x2f\xfd0123456789' >heap.bin
    objects 13
    olink data.o code.o libjulia.so -o as-it-is.so
    expect_fail 6 olink data.o code.o libjulia.so -o no.so --julia-prelink
    expect_text err 'compressed with zstd'
    printf '\373jli\r\n\032\n0123456789' >heap.bin
    objects 12
    olink data.o code.o libjulia.so -o as-it-is.so
    expect_fail 6 olink data.o code.o libjulia.so -o no.so --julia-prelink
    expect_text err "a package's"
    [ ! -e no.so ] || die "a file was written"
}

for minor in 9 10 11 12 13 14; do
    check "a heap of 1.$minor" restored $minor
done
check "damaged heaps" damage
check "compressed, and a package's" compressed

finish
