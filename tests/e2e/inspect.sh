#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# objtool inspect: the same facts as readelf has, for files of this machine and for every CPU
# that clang knows; JSON that keeps to its schema; exit codes.
. "$(dirname "$0")/common.sh"

compare() {
    need python3 readelf
    python3 "$here/inspect_compare.py" readelf "$OBJTOOL" "$@"
}

existing() {
    local file
    for file; do [ ! -f "$file" ] || echo "$file"; done
}

system_files() {
    local files
    mapfile -t files < <(existing /bin/bash /bin/ls "$OBJTOOL" \
        /lib/*-linux-gnu/lib{c,m,stdc++,pthread,z,crypto,dl}.so.* /lib64/ld-*.so.* \
        /usr/lib/gcc/*/*/{libgcc.a,libgcov.a,crtbegin*.o} \
        /usr/lib/*-linux-gnu/{libz.a,libm-*.a,libffi_pic.a,*crt1.o} \
        /usr/aarch64-linux-gnu/lib/{libc.so.6,libm.so.6,crt1.o,ld-linux-aarch64.so.1})
    compare "${files[@]}"
}

other_cpus() {
    local target made=()
    need clang
    cat >t.c <<'C'
extern int other(const char *, ...);
int counter = 3;
static int kept[20];
_Thread_local int local_to_thread = 1;
int *address = &kept[4];
__attribute__((weak)) int f(int n)
{
    kept[n % 20] += counter++ + local_to_thread++;
    return other("a string", kept, address) + 1;
}
C
    for target in i386 x86_64 arm armeb aarch64 aarch64_be mips mipsel mips64 mips64el powerpc \
        powerpc64 powerpc64le riscv32 riscv64 s390x sparc sparcv9; do
        if clang --target=$target-unknown-linux-gnu -g -O1 -fPIC -ffunction-sections -c t.c -o $target.o 2>err; then
            made+=($target.o)
        fi
    done
    echo "${made[*]}"
    [ ${#made[@]} -ge 4 ] || skip "clang knows too few CPUs: ${made[*]}"
    compare "${made[@]}"
}

# One name in many archives: each kind is told apart, each member is read.
archives() {
    need gcc ar
    mkdir a b
    echo 'int in_a; int f(void) { return 1; }' >a/same.c
    echo 'int in_b; int g(void) { return 2; }' >b/same.c
    gcc -c a/same.c -o a/same.o
    gcc -c b/same.c -o b/same.o
    echo 'just text' >notes.txt
    ar rcs gnu.a a/same.o notes.txt
    ar q gnu.a b/same.o
    ranlib gnu.a
    ar rcS noindex.a a/same.o
    ar rcsT thin.a a/same.o b/same.o
    ar rcs empty.a
    compare gnu.a noindex.a
    "$OBJTOOL" inspect gnu.a noindex.a thin.a empty.a >out
    expect_text out 'gnu.a: archive (gnu), 3 members' 'index symbols  4' 'ELF members    2' \
        'elf  *same.o' 'other  *notes.txt' 'noindex.a: archive' 'index          none' \
        'thin.a: archive (gnu-thin), 2 members' 'outside' 'empty.a: archive (.*), 0 members'
    [ "$(grep -c 'elf  *same.o' out)" = 3 ]
    for n in $(seq 30); do cp a/same.o a/member$n.o; done
    ar rcs many.a a/member*.o
    "$OBJTOOL" inspect many.a >out
    expect_text out 'the largest members'
    [ "$(grep -c member out)" -lt 30 ]
    "$OBJTOOL" inspect --members many.a >out
    [ "$(grep -c 'elf  *member' out)" = 30 ]
}

many_sections() {
    need gcc
    seq 66000 | sed 's/.*/.section .text.f&,"ax"; .globl f&; f&: call f1@PLT/' >many.s
    gcc -c many.s -o many.o
    compare many.o
    "$OBJTOOL" inspect --json --symbols many.o >out
    expect_text out '"section":".text.f66000","name":"f66000"'
}

shared_library() {
    need gcc readelf
    cat >v.c <<'C'
#include <stdio.h>
__asm__(".symver old_f, f@V1\n.symver new_f, f@@V2");
int old_f(void) { return 1; }
int new_f(void) { return puts("x"); }
static void start(void) { }
__attribute__((section(".init_array"))) void (*const at_start)(void) = start;
C
    printf 'V1 { global: f; local: *; };\nV2 { global: f; } V1;\n' >v.map
    gcc -shared -fPIC v.c -o v.so -Wl,--version-script=v.map -Wl,-soname,v.so.1 -Wl,-z,now,-z,relro \
        -Wl,--build-id=0x0123456789abcdef -Wl,-rpath,/some/where -Wl,--enable-new-dtags
    compare v.so
    "$OBJTOOL" inspect v.so >out
    cat out
    expect_text out 'soname         v.so.1' 'runpath        /some/where' 'build id       0123456789abcdef' \
        'versions       .*V1' 'needs  *libc.so.6: GLIBC_2.2.5' 'full RELRO, immediate binding, non-executable stack'
    "$OBJTOOL" inspect --exports v.so >out
    expect_text out 'V1  *f$' 'V2  *f$'
    "$OBJTOOL" inspect --imports v.so >out
    expect_text out 'libc.so.6  *GLIBC_2.2.5  *puts$'
}

schema() {
    need python3 gcc
    python3 -c 'import jsonschema' 2>/dev/null || skip "python3 has no jsonschema"
    echo 'int x; int *p = &x;' >t.c
    gcc -c t.c -o t.o
    ar rcs t.a t.o
    echo text >t.txt
    head -c 100 t.o >cut.o
    for heap in lists hostile; do
        "$top_builddir/tests/golden/mkheap" <"$top_srcdir/tests/golden/$heap.heap.txt" >$heap.heap
    done
    head -c 2000 lists.heap >cut.heap
    "$OBJTOOL" inspect --json --all t.o t.a t.txt cut.o absent "$OBJTOOL" \
        $(existing /lib/*-linux-gnu/libc.so.6) lists.heap hostile.heap cut.heap >out 2>err &&
        die "status 0 in spite of bad files"
    python3 - "$top_srcdir/docs/inspect-schema.json" out <<'P'
import json, sys, jsonschema
schema, document = (json.load(open(f)) for f in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
assert [f.get("exit_code", 0) for f in document["files"]][:5] == [0, 0, 4, 5, 3]
heap = next(f for f in document["files"] if f["file"] == "lists.heap")
assert len(heap["segments"]) == heap["segment_count"] == 4 and len(heap["roots"]) == 3
assert sum(n["bytes"] for n in heap["reference_tree"]["nodes"]) == sum(t["bytes"] for t in heap["histogram"]) == 248
assert document["files"][-1]["exit_code"] == 5
P
}

exit_codes() {
    need gcc
    echo 'int x;' >t.c
    gcc -c t.c -o t.o
    echo text >t.txt
    : >empty
    head -c 600 t.o >cut.o
    expect_fail 2 "$OBJTOOL" inspect
    expect_fail 2 "$OBJTOOL" inspect --no-such-option t.o
    expect_fail 3 "$OBJTOOL" inspect absent
    expect_text err absent
    expect_fail 3 "$OBJTOOL" inspect .
    expect_fail 4 "$OBJTOOL" inspect t.txt
    expect_fail 4 "$OBJTOOL" inspect empty
    expect_fail 5 "$OBJTOOL" inspect cut.o
    expect_text err 'cut.o: '
    [ ! -s out ]
    expect_fail 5 "$OBJTOOL" inspect t.o cut.o t.txt
    expect_text out 't.o: ELF'
    "$OBJTOOL" inspect --help | grep -q -e --json
    [ ! -e /dev/full ] || { expect_fail 3 sh -c '"$OBJTOOL" inspect t.o >/dev/full'; }
}

# A real sysimage, where an earlier run of the Julia test has left one.
julia() {
    local object text
    object=$(find "$cache/julia" -name sys.o -path '*object-*' 2>/dev/null | head -n1)
    [ -n "$object" ] || skip "no Julia object in the cache (tests/e2e/julia.sh makes one)"
    "$OBJTOOL" inspect "$object" >out
    expect_text out 'Julia image    for Julia 1.5, 14 of its 14 symbols' 'every byte is accounted for' \
        'targets      generic'
    "$OBJTOOL" inspect --json "$object" >json
    expect_text json '"unaccounted":0'
}

check "system files against readelf" system_files
check "other CPUs against readelf" other_cpus
check "archives" archives
check "more than 65,536 sections" many_sections
check "a shared library with versions" shared_library
check "JSON keeps to its schema" schema
check "exit codes" exit_codes
check "a Julia sysimage" julia
finish
