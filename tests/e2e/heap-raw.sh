#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# objtool heap: containers of plain blobs and of memory dumps, read by heap_read.py, which was written from
# docs/heap-format.md; and libsysimage's header in C and C++.
. "$(dirname "$0")/common.sh"

need python3
python=python3 # one that can check checksums, if there is one
for p in python3 /usr/bin/python3; do
    ! "$p" -c 'import xxhash' 2>/dev/null || { python=$p; break; }
done

args=(--segment=0,0x23456,rw,objects --segment=0x30000,0x8000,ro --segment=0x40000,0x1003,code,text
    --segment=0x50000,0x100000,zero --root=start=0x40000,0x1003,function --root=a=b=16
    --root buffer=0x50000,0x100000 --imports=imports --runtime=lua --version-string=5.4.4 --build-id=abc
    --flags='-O2 -g' --meta='made-by=a test' --meta=x=y=z)

heap() { "$OBJTOOL" heap "$@"; }
reads() { "$python" "$here/heap_read.py" "$1" >got; }
as_expected() {
    reads "$1"
    same "what is in $1" expect got
}

checksums() { "$python" -c 'import xxhash' 2>/dev/null || skip "no python3 has xxhash"; }
check "heap_read.py checks checksums" checksums

blob() {
    local order=$1 base=$2
    shift 2
    python3 "$here/heap_make.py" blob "$order" "$base" 1
    heap --raw=blob --slots=slots "${args[@]}" --order="$order" --base="$base" -o ours.heap "$@"
    as_expected ours.heap
    heap --raw blob --bitmap bitmap --slots odd "${args[@]}" --order "$order" --base "$base" --output=bits.heap "$@"
    as_expected bits.heap
    cmp ours.heap bits.heap
}
check "little-endian" blob little 0
check "big-endian" blob big 0
check "at a base" blob little 0x2f1d00000000
check "big-endian, at a base" blob big 0x2f1d00000000
compressed() {
    need zstd
    blob "$@"
}
check "compressed" compressed little 0 --compress
check "compressed more" compressed big 0x10000 --compress=19

one_segment() {
    printf '\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >blob
    echo 0 >slots
    heap --raw=blob --slots=slots --root=r=0,16 -o one.heap
    printf '%s\n' 'order little span 0x10 bits 64' 'segment 0x0 0x10 rw -' 'slot 0x0 0x8' \
        "bytes $(head -c 16 /dev/zero | sha256sum | cut -d' ' -f1) but slots" 'root r data 0x0 0x10' >expect
    as_expected one.heap
    # a word of 0 is the heap's first byte, unless it is said to be none
    echo 8 >>slots
    heap --raw=blob --slots=slots -o zero.heap
    reads zero.heap
    expect_text got '^slot 0x8 0x0$'
    heap --raw=blob --slots=slots --null-is-no-slot -o null.heap
    reads null.heap
    reject_text got '^slot 0x8'
    # a tag
    printf '\10\0\0\0\0\0\374\377\0\0\0\0\0\0\0\0' >blob
    expect_fail 5 heap --raw=blob --slots=slots -o tag.heap
    heap --raw=blob --slots=slots --address-bits=48 -o tag.heap
    reads tag.heap
    expect_text got '^slot 0x0 0xfffc000000000008$'
    "$OBJTOOL" inspect tag.heap >inspected
}
check "one segment" one_segment

# what the report says: its numbers, one a line
numbers() { sed -n '1s/^ *\([0-9]*\)  */\1 /p; 2,$s/^ *\([0-9][0-9]*\)  .*/\1/p' "$1"; }

two_dumps() {
    python3 "$here/heap_make.py" dumps "$1"
    heap --scan a.bin@0x2f1d00000000 b.bin@0x3b6e00010000 -o ours.heap >report
    cat report
    numbers report >report.numbers
    same "counts" expect.report report.numbers
    expect_text report '^Not sure: [0-9]* words may be pointers'
    reads ours.heap
    grep '^slot' got >got.slots
    same "slots" expect.slots got.slots
    heap --scan --unproven a.bin@0x2f1d00000000 b.bin@0x3b6e00010000 -o more.heap >report
    reads more.heap
    grep '^slot' got >got.slots
    same "slots with unproven ones" expect.unproven got.slots
    # with a tag above the address
    heap --scan --address-bits=48 a.bin@0x2f1d00000000 b.bin@0x3b6e00010000 -o tags.heap >report
    expect_text report '^ *0  tagged candidates'
    [ "$(sed -n 's/^ *\([0-9]*\)  proven by both.*/\1/p' report)" = "$(($(sed -n 2p expect.report) + $(sed -n 5p expect.report)))" ]
}
check "two dumps" two_dumps 1
check "two other dumps" two_dumps 2

one_dump() {
    python3 - <<'E'
import struct
base = 0x2f1d00000000
words = [base + 8, base + 0x3f, 5, base + 0x40, base - 1, 0, 0, 0]
data = bytearray(struct.pack("<8Q", *words))
data[0x2b:0x33] = struct.pack("<Q", base + 16)
open("a.bin", "wb").write(data)
E
    heap --scan a.bin@0x2f1d00000000 -o one.heap >report
    expect_text report '^ *1  candidates' '^ *1  tagged candidates' '^ *1  unaligned candidates .*not taken' '^Not sure'
    reads one.heap
    [ "$(grep -c '^slot' got)" = 2 ]
    heap --scan a.bin@0x2f1d00000000 --unaligned -o one.heap >report
    reads one.heap
    expect_text got '^slot 0x2b 0x10$'
    heap --scan a.bin@0x20000 >report 2>err # no output: the report alone
    expect_text err 'warning: .*look like ordinary numbers'
    expect_text report '^ *0  candidates'
}
check "one dump" one_dump

says() {
    local status=$1 text=$2
    shift 2
    rm -f err no.heap
    expect_fail "$status" heap "$@"
    expect_text err "$text"
    [ "$(grep -c '^objtool: ' err)" = 1 ] || die "not one line"
    [ ! -e no.heap ] && ! ls no.heap.* 2>/dev/null || die "a file is left"
}
refusals() {
    head -c 100000 /dev/zero >blob
    printf '8\n0x10\nfourteen\n' >words
    printf '8\n12\n' >overlap
    printf '99996\n' >outside
    printf '8\n' >slot
    head -c 100 /dev/zero >short
    printf '\1\2\3\4\5\6\7\10' | cat - blob | head -c 100000 >data
    printf '0\n' >zero
    printf 'malloc=8,blue\n' >imports
    says 2 'neither --raw nor --scan' -o no.heap
    says 2 'no output' --raw=blob
    says 2 "unknown option '--blob=x'" --blob=x
    says 2 "'12,13' is not OFF,SIZE,KIND" --raw=blob --segment=12,13 -o no.heap
    says 2 'not a multiple of 64 KiB' --raw=blob --segment=4096,1,ro -o no.heap
    says 2 'is not NAME=OFF' --raw=blob --root=x -o no.heap
    says 2 '47, not 48 to 64' --raw=blob --address-bits=47 -o no.heap
    says 2 'same base prove nothing' --scan blob@0x10000000000 data@0x10000000000 -o no.heap
    says 3 'nowhere' --raw=nowhere -o no.heap
    says 3 'no/such' --raw=blob -o no/such/no.heap
    says 5 "words: line 3: 'fourteen' is not a number" --raw=blob --slots=words -o no.heap
    says 5 'the slot at 0xc comes after that at 0x8' --raw=blob --slots=overlap -o no.heap
    says 5 'the slot at 0x1869c is not inside' --raw=blob --slots=outside -o no.heap
    says 5 '100 bytes, but the 12500 words' --raw=blob --bitmap=short -o no.heap
    says 5 'the slot at 0x0 holds 0x807060504030201, which is no heap address' --raw=data --slots=zero -o no.heap
    says 5 'root r at 0x186a0 is in no segment' --raw=blob --root=r=100000 -o no.heap
    says 5 'overlaps another' --raw=blob --slots=slot --import=malloc=12 -o no.heap
    says 5 'segment of 0x20000 bytes at 0x0, but it has 0x186a0' --raw=blob --segment=0,0x20000,ro -o no.heap
    says 5 'the slot at 0x8 is in no segment' --raw=blob --slots=slot --segment=0x10000,16,rw -o no.heap
    says 5 'comes twice' --raw=blob --root=r=0 --root=r=8 -o no.heap
    says 2 'data and a function' --raw=blob --import=f=0 --import=f=8,function -o no.heap
    says 2 "imports: line 1.*'malloc=8,blue' is not NAME=OFF" --raw=blob --imports=imports -o no.heap
    says 5 'dumps of the same heap have the same size' --scan blob@0x10000000000 short@0x20000000000 -o no.heap
}
check "what is refused" refusals

header() {
    need gcc g++ nm
    library=$top_builddir/runtime/.libs/libsysimage.so
    need_file "$library"
    ! nm -D --undefined-only "$library" | grep -q ' __asan_init' || skip "the library is built with sanitizers"
    cat >use.c <<'E'
#include <sysimage/heap.h>

#include <stdio.h>

int main(void)
{
    static void *arena[4];
    const uint8_t bits = 5;
    struct simg_heap_segment s = {SIMG_SEGMENT_READ_WRITE, "arena", SIMG_HEAP_NEXT, sizeof arena, 0, arena};
    struct simg_heap_writer *w;
    struct simg_error e;

    arena[0] = &arena[2];
    arena[2] = arena + 4;
    if (simg_heap_create("live.heap", NULL, &w, &e) == SIMG_OK) {
        simg_heap_segment(w, &s, NULL, NULL);
        simg_heap_slot_bitmap(w, 0, 0, &bits, 4, NULL);
        simg_heap_append(w, 0, arena, sizeof arena, NULL);
        simg_heap_finish(w, &e);
    }
    puts(e.status == SIMG_OK ? simg_status_text(e.status) : e.text);
    return e.status != SIMG_OK;
}
E
    cp use.c use.cc
    for compile in 'gcc -std=c11 use.c' 'g++ -std=c++17 use.cc'; do
        rm -f live.heap
        $compile -Wall -Wextra -Wpedantic -Werror -I "$top_srcdir/include" "$library" -o use
        LD_LIBRARY_PATH=${library%/*} ./use | tee said
        [ "$(cat said)" = done ]
        reads live.heap
        expect_text got '^slot 0x0 0x10$' '^slot 0x10 0x20$'
    done
    # nothing but its functions is exported, and the two names that gdb looks for
    nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >exported
    expect_text exported '^simg_heap_create$'
    ! grep -v -e '^simg_' -e '^__jit_debug_descriptor$' -e '^__jit_debug_register_code$' exported
}
check "libsysimage in C and C++" header

finish
