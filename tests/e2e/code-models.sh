#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The relocations that each code model, compiler and option brings, linked and run.
. "$(dirname "$0")/common.sh"

sources() {
    cat >a.c <<'E'
#include <stdlib.h>
#include <string.h>
extern int outside_data[4];
extern int outside_function(int);
static int local_data[1000] = {1};
static int local_zero[1000];
int global_data[3] = {1, 2, 3};
long double wide = 1.5L;
static const double table[] = {0.5, 1.5, 2.5, 3.5, 4.5};
static int local_function(int x) { return x + local_data[0] + local_zero[999]; }
int (*volatile pointers[])(int) = {local_function, outside_function, abs};
__attribute__((visibility("hidden"))) extern int hidden_elsewhere;
static short shorts[100]; static char bytes[100]; static struct { char c; int i; } packed[10];
typedef int vector __attribute__((vector_size(16)));
static vector vec = {1, 2, 3, 4};
int sum(int n)
{
    vector v = vec + vec;
    shorts[n] = 5; bytes[n] = 6; packed[n % 10].i = 7;
    return v[3] + shorts[n] + bytes[n] + packed[n % 10].i + (int)table[n % 5];
}
int text(int n)
{
    switch (n) {
    case 0: return strcmp("zero", "zero"); case 1: return 12; case 2: return 7; case 3: return 9; case 4: return 33;
    case 5: return 2; case 6: return 99; case 7: return -1;
    default: return (int)strlen("default");
    }
}
int work(void)
{
    if (outside_data[2] != 7 || outside_function(1) != 101 || global_data[1] != 2) return 1;
    if (pointers[0](1) != 2 || pointers[1](2) != 102 || pointers[2](-4) != 4) return 2;
    if (hidden_elsewhere != 55 || wide * 2 != 3.0L) return 3;
    if (sum(4) != 8 + 5 + 6 + 7 + 4) return 4;
    if (text(4) != 33 || text(9) != 7 || text(0)) return 5;
    return 0;
}
E
    echo 'int outside_data[4] = {5, 6, 7, 8}; int outside_function(int x) { return x + 100; }
        __attribute__((visibility("hidden"))) int hidden_elsewhere = 55;' >b.c
    echo 'int outside_data[4] = {5, 6, 7, 8}; int outside_function(int x) { return x + 100; }' >o.c
    echo '__attribute__((visibility("hidden"))) int hidden_elsewhere = 55;' >h.c
}

model() {
    local compiler=$1
    shift
    need "${compiler%% *}"
    sources
    for f in a b h o; do $compiler -Wall -O2 -fPIC -Wno-unused "$@" -c $f.c; done
    "$CC" -shared -o libo.so o.o -Wl,-soname,libo.so
    both_work a.o b.o "${libc[@]}"
    both_work a.o b.o "${libc[@]}" -Bsymbolic
    both_work a.o h.o -L. -lo -rpath "$PWD" "${libc[@]}"
    both_work a.o b.o "${libc[@]}" --gc-sections -z now -z relro
    echo '{ global: work; local: *; };' >v.map
    both_work a.o b.o "${libc[@]}" --version-script v.map
}

clang_for() { [ "$arch" = x86_64 ] && echo clang || echo "clang --target=aarch64-linux-gnu"; }

check_cpus gcc_O2 eval 'model "$CC"'
check_cpus gcc_O0 eval 'model "$CC" -O0'
check_cpus gcc_Os eval 'model "$CC" -Os -ffunction-sections -fdata-sections'
check_cpus gcc_no_plt eval 'model "$CC" -fno-plt'
check_cpus gcc_fpic eval 'model "$CC" -fpic'
check_cpus gcc_debug eval 'model "$CC" -g3 -O1'
check_cpus gcc_no_semantic_interposition eval 'model "$CC" -fno-semantic-interposition -O3'
check_cpus clang_O2 eval 'model "$(clang_for)"'
check_cpus clang_O0 eval 'model "$(clang_for)" -O0 -g'
check_cpus clang_no_plt eval 'model "$(clang_for)" -fno-plt'
check_cpus clang_addrsig eval 'model "$(clang_for)" -faddrsig -ffunction-sections -g -gdwarf-4'
check medium on_cpu x86_64 model gcc -mcmodel=medium -mlarge-data-threshold=100
check large on_cpu x86_64 model gcc -mcmodel=large
check large_O0 on_cpu x86_64 model gcc -mcmodel=large -O0
check clang_large on_cpu x86_64 model clang -mcmodel=large
check norelax on_cpu x86_64 model gcc -Wa,-mrelax-relocations=no
check avx on_cpu x86_64 model gcc -mavx2 -O3
check tiny on_cpu aarch64 model aarch64-linux-gnu-gcc -mcmodel=tiny
check outline_atomics on_cpu aarch64 model aarch64-linux-gnu-gcc -march=armv8-a -O3
check pic_register on_cpu aarch64 model aarch64-linux-gnu-gcc -mpc-relative-literal-loads -O2

# calls over more than 128 MiB need a stub on aarch64; a jump of 2 GiB cannot be made on x86-64
far() {
    cat >far.s <<'E'
        .section .text.far,"ax",%progbits
        .globl far_call
        .hidden far_call
        .type far_call, %function
far_call: mov w0, 42
        ret
        .size far_call, .-far_call
        .section .note.GNU-stack,"",%progbits
E
    cat >gap.s <<'E'
        .section .text.gap,"ax",%progbits
        .zero 0x9000000
        .section .note.GNU-stack,"",%progbits
E
    echo '__attribute__((visibility("hidden"))) int far_call(void); int work(void) { return far_call() - 42; }' >w.c
    for f in far gap; do "$AS" -o $f.o $f.s; done
    cc -c w.c
    olink -o ours.so w.o gap.o far.o
    run "$PWD/ours.so" -
    rm -f ours.so
}
check far_call on_cpu aarch64 far

# a value that does not fit is an error with a place, never a wrong file
overflow() {
    cat >a.s <<'E'
        .text
        .globl work
        .type work, @function
work:   mov near(%rip), %eax
        ret
        .size work, .-work
        .bss
        .zero 0x90000000
        .hidden near
        .globl near
near:   .zero 4
        .section .note.GNU-stack,"",@progbits
E
    as -o a.o a.s
    status=0
    olink -o ours.so a.o 2>err || status=$?
    cat err
    if [ "$status" = 0 ]; then
        run "$PWD/ours.so" - # placed so that it works: just as good
    else
        [ "$status" = 1 ] || die "status $status"
        expect_text err 'a\.o' 'near' 'R_X86_64_PC32' 'work\|\.text'
        [ ! -e ours.so ] || die "there is an output all the same"
    fi
}
check overflow on_cpu x86_64 overflow

# the whole of libgcc, by the compilers' own habits
libgcc_helpers() {
    echo 'typedef unsigned __int128 wide; wide volatile a = (wide)7 << 100, b = 12345; double volatile d;
        int work(void) { d = (double)a; return (int)(a / b % 1000 != (((wide)7 << 100) / 12345) % 1000) || __builtin_popcountll((unsigned long long)b) != 6; }' >w.c
    cc -c w.c
    both_work w.o "$("$CC" -print-libgcc-file-name)" --exclude-libs ALL --no-undefined "${libdirs[@]}" -lgcc_s -lc
    both_work w.o --no-whole-archive "$("$CC" -print-libgcc-file-name)" --no-undefined
}
check_cpus libgcc_helpers libgcc_helpers
# A huge plain section goes behind what code wants to reach (ld.bfd cannot link this one).
huge_section() {
    use_arch x86_64
    cat >a.s <<'E'
        .bss
        .globl huge
        .hidden huge
        .type huge, @object
        .size huge, 8
huge:   .quad 0
        .zero 0x90000000
        .section .note.GNU-stack,"",@progbits
E
    echo 'extern long huge __attribute__((visibility("hidden"))); static int small; static int set = 5;
int work(void) { small++; huge++; return (int)huge + small + set - 7; }' >b.c
    as -o a.o a.s
    cc -c b.c
    olink -o ours.so a.o b.o
    "$OBJTOOL" verify ours.so
    run "$PWD/ours.so" -
    expect_text <(readelf -SW ours.so) '\.lbss .*WAl'
    rm -f ours.so
}
check huge_section huge_section

# a load from the GOT stays one where the symbol lies too far for a distance
far_global() {
    use_arch x86_64
    cat >a.s <<'E'
        .section .lbss,"awl",@nobits
        .zero 0x90000000
        .globl distant
        .type distant, @object
        .size distant, 4
distant: .long 0
        .section .note.GNU-stack,"",@progbits
E
    echo 'extern int distant; int work(void) { distant += 3; return distant - 3; }' >b.c
    as -o a.o a.s
    cc -c b.c
    olink -o ours.so -Bsymbolic a.o b.o
    "$OBJTOOL" verify ours.so
    run "$PWD/ours.so" -
    rm -f ours.so
}
check far_global far_global
finish
