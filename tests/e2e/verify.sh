#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# objtool verify: clean on what other linkers make and on the libraries of this machine; findings
# on what is unsound.  Every rule by itself is in tests/unit/test_verify.c.
. "$(dirname "$0")/common.sh"

# clean FILE...: no findings in any
all_clean() {
    local status=0
    "$OBJTOOL" verify "$@" >found 2>err || status=$?
    cat err
    head -n 30 found
    [ "$status" = 0 ] || die "status $status"
}

# One image with all that rules look at, by each linker.
write_sources() {
    cat >all.cc <<'C'
#include <stdexcept>
#include <string>
thread_local int counter = 7;
thread_local std::string text = "x";
static int (*const table[])() = {[] { return ++counter; }, [] { return --counter; }};
extern "C" __attribute__((visibility("default"))) int versioned(int n)
{
    try {
        if (n > 1)
            throw std::runtime_error(text);
        return table[n]();
    } catch (const std::exception &e) {
        return e.what()[0];
    }
}
static int chosen(int n) { return n; }
extern "C" int (*choose())(int) { return chosen; }
extern "C" int picked(int) __attribute__((ifunc("choose")));
__attribute__((constructor(200))) static void start() { counter = 1; }
__attribute__((destructor)) static void stop() { counter = 2; }
C
    printf 'V_1 { global: versioned; picked; local: *; };\n' >all.map
}

linkers() {
    local linker relr made=()
    need g++
    write_sources
    g++ -g -O1 -fPIC -c all.cc -o all.o
    for linker in bfd gold lld mold; do
        have "ld.$linker" || have "$linker" || continue
        for flags in "" "-Wl,--hash-style=both" "-Wl,-z,now,-z,relro,--build-id=sha1" "-Wl,--hash-style=sysv,--strip-all"; do
            # shellcheck disable=SC2086 # flags are words
            g++ -fuse-ld=$linker -shared all.o -o "$linker${#made[@]}.so" $flags -Wl,--version-script=all.map \
                -Wl,-soname,all.so 2>err || { cat err; continue; }
            made+=("$linker${#made[@]}.so")
        done
        relr=-Wl,-z,pack-relative-relocs
        if g++ -fuse-ld=$linker -shared all.o -o "$linker-relr.so" $relr 2>/dev/null; then
            made+=("$linker-relr.so")
        fi
    done
    echo "${made[*]}"
    [ ${#made[@]} -ge 4 ] || skip "no linker made anything"
    all_clean "${made[@]}"
}

programs() {
    need gcc
    echo '#include <stdio.h>
int main(void) { fputs("", stdout); return 0; }' >p.c
    gcc -o pie p.c
    gcc -no-pie -o nopie p.c
    gcc -static-pie -o static-pie p.c 2>/dev/null || cp pie static-pie
    gcc -static -o static p.c 2>/dev/null || cp pie static
    strip -o stripped pie
    all_clean pie nopie static-pie static stripped
}

aarch64() {
    need aarch64-linux-gnu-g++
    write_sources
    aarch64-linux-gnu-g++ -O1 -fPIC -shared all.cc -o all.so -Wl,--version-script=all.map
    all_clean all.so
    all_clean "$(aarch64-linux-gnu-gcc -print-file-name=libc.so.6)"
}

# Tools that edit images leave sound ones, and so are their results here.
edited() {
    need gcc strip objcopy patchelf
    write_sources
    g++ -g -O1 -fPIC -shared all.cc -o all.so
    strip -o stripped.so all.so
    objcopy --strip-debug all.so nodebug.so
    cp all.so rpath.so
    patchelf --set-rpath /a/rather/long/path/so/that/the/file/has/to/grow rpath.so
    all_clean stripped.so nodebug.so rpath.so
    objcopy --only-keep-debug all.so all.debug
    expect_fail 6 "$OBJTOOL" verify all.debug
    expect_text err 'debug information'
}

# The libraries of this machine that come with the system.
sweep() {
    local files=()
    mapfile -t files < <(find /usr/lib/*-linux-gnu /usr/*-linux-gnu/lib -maxdepth 1 -name '*.so*' -type f 2>/dev/null |
        while read -r f; do [ "$(head -c4 "$f" | tr -d '\177')" != ELF ] || echo "$f"; done)
    [ ${#files[@]} -gt 10 ] || skip "no system libraries found"
    echo "${#files[@]} libraries"
    all_clean "${files[@]}"
}

# Made unsound on purpose, by options that linkers have for it.
unsound() {
    need gcc ld.bfd
    cat >t.s <<'S'
        .data
        .globl word
word:   .quad there
        .text
        .globl there
there:  movabsq $word, %rax
        ret
S
    [ "$(uname -m)" = x86_64 ] || skip "not an x86-64 machine"
    gcc -c t.s -o t.o
    ld.bfd -shared -z notext -z execstack t.o -o t.so 2>/dev/null
    expect_fail 1 "$OBJTOOL" verify t.so
    expect_text out '^t.so: segment [0-9]*: PT_GNU_STACK is executable \[stack\]$' \
        'DF_TEXTREL: read-only segments are written to at start \[textrel\]\|DT_TEXTREL: .*\[textrel\]'
    expect_fail 1 "$OBJTOOL" verify --ignore=stack t.so
    reject_text out '\[stack\]'
    expect_fail 1 "$OBJTOOL" verify -q t.so
    [ ! -s out ]
    all_clean --ignore=stack,textrel t.so
    ld.bfd -shared -N -z noexecstack t.o -o n.so 2>/dev/null
    expect_fail 1 "$OBJTOOL" verify n.so
    expect_text out '\[wx-segment\]'
}

# Images with DT_RELR that glibc refuses, since their linker does not ask for its version.
relr_without_version() {
    local linker
    need gcc
    echo '#include <stdio.h>
int *p[100] = { (int *)p, (int *)p }; int f(void) { return puts("x"); }' >r.c
    for linker in lld mold; do
        have "ld.$linker" || have "$linker" || continue
        gcc -fPIC -shared -fuse-ld=$linker r.c -o r.so -Wl,--pack-dyn-relocs=relr 2>/dev/null || continue
        readelf -dW r.so | grep -q RELR || continue
        readelf -VW r.so | grep -q GLIBC_ABI_DT_RELR && continue
        expect_fail 1 "$OBJTOOL" verify r.so
        expect_text out 'GLIBC_ABI_DT_RELR.*\[relr\]'
        return
    done
    skip "no linker here makes such an image"
}

exit_codes() {
    need gcc ar
    echo 'int x;' >t.c
    gcc -c t.c -o t.o
    ar rcs t.a t.o
    gcc -shared t.o -o t.so
    echo text >t.txt
    head -c 2000 t.so >cut.so
    expect_fail 2 "$OBJTOOL" verify
    expect_fail 2 "$OBJTOOL" verify --no-such-option t.so
    expect_fail 2 "$OBJTOOL" verify --ignore=no-such-rule t.so
    expect_text err no-such-rule
    expect_fail 3 "$OBJTOOL" verify absent
    expect_fail 4 "$OBJTOOL" verify t.txt
    expect_fail 6 "$OBJTOOL" verify t.o
    expect_fail 6 "$OBJTOOL" verify t.a
    expect_fail 1 "$OBJTOOL" verify cut.so
    expect_text out '^cut.so: .* \[header\]$'
    expect_fail 4 "$OBJTOOL" verify t.so cut.so t.txt t.so
    "$OBJTOOL" verify --help | grep -q -e --ignore
}

# The man page has the rules that there are.
documented() {
    "$OBJTOOL" verify --rules | awk '{ print $1 }' | sort >rules
    sed -n '/^\.SH RULES/,/^\.SH EXIT/s/^\.B //p' "$top_srcdir/man/objtool-verify.1" | tr -d '\\' | sort >described
    same "rules" rules described
}

check "images by every linker" linkers
check "programs" programs
check "aarch64" aarch64
check "edited images" edited
check "the system's libraries" sweep
check "unsound images" unsound
check "DT_RELR that glibc refuses" relr_without_version
check "exit codes" exit_codes
check "the man page" documented
finish
