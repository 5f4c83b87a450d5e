#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Constructors and destructors: order by priority, across objects, with arguments; unloading runs the rest.
. "$(dirname "$0")/common.sh"

order() {
    cat >log.h <<'E'
extern void note(int n);
E
    for n in 101 65000 300 1000; do
        echo "#include \"log.h\"
            __attribute__((constructor($n))) static void c(void) { note($n); }
            __attribute__((destructor($n))) static void d(void) { note(-$n); }" >p$n.c
        cc -c p$n.c
    done
    cat >main.c <<'E'
#include <stdio.h>
#include <stdlib.h>
#include "log.h"
static int seen[100], count;
void note(int n)
{
    seen[count++] = n;
    if (n < 0) { printf("%d ", n); if (n == -101) printf("\n"); fflush(stdout); }
}
__attribute__((constructor)) static void plain(int argc, char **argv, char **envp)
{
    note(argc > 0 && argv && envp ? 70000 : 1);
}
__attribute__((destructor)) static void last(void) { note(-70000); }
static void in_array(void) { note(80000); }
__attribute__((section(".init_array"), used)) static void (*entry)(void) = in_array;
int work(void)
{
    static const int want[] = {101, 300, 1000, 65000, 70000, 80000};
    for (int i = 0; i < 6; i++)
        if (seen[i] != want[i] && !(i >= 4 && seen[i] + seen[9 - i] == 150000)) { printf("%d: %d\n", i, seen[i]); return 1; }
    return count != 6;
}
E
    cc -c main.c
    both p1000.o main.o p65000.o p101.o p300.o "${libc[@]}"
    use_runner
    for f in ours bfd; do
        CLOSE=1 run "$PWD/$f.so" - >$f.said
        run "$PWD/$f.so" - >$f.said2
    done
    [ "$(cat ours.said)" = "-70000 -65000 -1000 -300 -101 " ] || die "destructors: $(cat ours.said)"
    same "destructors" bfd.said ours.said
    same "destructors" bfd.said2 ours.said2
}
check_cpus order order

# objects of C++ in the order of their priorities and files, destroyed in reverse (through __cxa_atexit and
# __dso_handle, which is ours to supply)
objects() {
    cat >a.cc <<'E'
#include <cstdio>
struct loud { int n; loud(int n) : n(n) { printf("+%d ", n); } ~loud() { printf("-%d ", n); fflush(stdout); } };
loud one(1);
__attribute__((init_priority(500))) loud early(0);
E
    cat >b.cc <<'E'
#include <cstdio>
struct loud { int n; loud(int n) : n(n) { printf("+%d ", n); } ~loud() { printf("-%d ", n); fflush(stdout); } };
loud two(2);
static loud &in_function() { static loud l(3); return l; }
extern "C" int work() { in_function(); printf("work "); return 0; }
E
    cxx -c a.cc
    cxx -c b.cc
    both a.o b.o "${libcxx[@]}"
    for f in ours bfd; do run "$PWD/$f.so" - >$f.said; done
    [ "$(cat ours.said)" = "+0 +1 +2 +3 work -3 -2 -1 -0 " ] || die "$(cat ours.said)"
    # Unloading must run the destructors, as gcc's start files see to, or not unload: never leave
    # them to be called when the image is gone.
    CLOSE=1 run "$PWD/ours.so" - >closed.said
    same "after unloading:" ours.said closed.said
    same "order" bfd.said ours.said
}
check_cpus objects objects

# -init and -fini as names, .init and .fini sections put together from pieces
init_sections() {
    cat >crt.s <<'E'
        .section .init,"ax",@progbits
        .globl _init
        .type _init, @function
        .hidden _init
_init:  sub $8, %rsp
        .section .fini,"ax",@progbits
        .globl _fini
        .hidden _fini
        .type _fini, @function
_fini:  sub $8, %rsp
        .section .note.GNU-stack,"",@progbits
E
    cat >mid.s <<'E'
        .section .init,"ax",@progbits
        incl value(%rip)
        .section .note.GNU-stack,"",@progbits
E
    cat >end.s <<'E'
        .section .init,"ax",@progbits
        add $8, %rsp
        ret
        .section .fini,"ax",@progbits
        add $8, %rsp
        ret
        .section .note.GNU-stack,"",@progbits
E
    for f in crt mid end; do as -o $f.o $f.s; done
    echo '__attribute__((visibility("hidden"))) int value = 4; int work(void) { return value - 5; }' >w.c
    cc -c w.c
    both_work crt.o mid.o w.o end.o
    expect_text <(dynamic ours.so) '^ *INIT ' '^ *FINI '
}
check init_sections on_cpu x86_64 init_sections

named_init() {
    echo 'static int n; void begin(void) { n = 3; } void end(void) { n = 0; } int work(void) { return n - 3; }' >w.c
    cc -c w.c
    both_work w.o -init begin -fini end
    both_work w.o -init=begin
}
check_cpus named_init named_init

with_start_files() {
    echo 'int work(void) { return 0; }' >w.c
    cc -c w.c
    NO_DSO=1 both_work "$("$CC" -print-file-name=crti.o)" "$("$CC" -print-file-name=crtbeginS.o)" w.o "${libc[@]}" \
        "$("$CC" -print-file-name=crtendS.o)" "$("$CC" -print-file-name=crtn.o)"
}
check_cpus with_start_files with_start_files

# Nobody would run these: refused, as ld does.
preinit() {
    cat >p.c <<'E'
static void early(void) {}
__attribute__((section(".preinit_array"), used)) static void (*const entry)(void) = early;
E
    cc -fPIC -c p.c -o p.o
    expect_fail 6 olink -o no.so p.o
    expect_text err 'p.o: .preinit_array: functions to be called before all libraries'
    [ ! -e no.so ]
}
check_cpus preinit preinit

finish
