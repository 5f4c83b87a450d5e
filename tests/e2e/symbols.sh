#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Which definition wins and who sees it: COMDAT groups, weak, common, hidden, protected, absolute symbols.
. "$(dirname "$0")/common.sh"

comdat() {
    cat >a.h <<'E'
template <class T> struct once { static int count; static int next() { static int n; return ++n + 0 * count; } };
template <class T> int once<T>::count = 5;
inline const char *name() { return "inline"; }
inline int shared_variable = 40;
E
    echo '#include "a.h"
        int from_a() { shared_variable++; return once<int>::next(); } const char *name_a() { return name(); }' >a.cc
    echo '#include "a.h"
        int from_b() { shared_variable++; return once<int>::next(); } const char *name_b() { return name(); }' >b.cc
    echo '#include "a.h"
        int from_a(); int from_b(); const char *name_a(); const char *name_b();
        extern "C" int work() {
            if (from_a() != 1 || from_b() != 2 || from_a() != 3) return 1;
            if (name_a() != name_b()) return 2;
            return shared_variable == 43 ? 0 : 3; }' >w.cc
    for f in a b w; do cxx -std=c++17 -c $f.cc; done
    both_work a.o b.o w.o "${libcxx[@]}"
    # the group's sections are there once
    [ "$(readelf -sW ours.so | grep -c ' _ZZN4onceIiE4nextEvE1n$')" -le 2 ] || die "static local is there twice"
}
check_cpus comdat comdat

# a group of .s text: its second copy brings another value; the first must win, and a reference to the
# dropped copy's local label from a debug section must not break the link
comdat_first() {
    for v in 1 2; do
        cat >g$v.s <<E
        .section .rodata.pick,"aG",%progbits,pick,comdat
        .weak pick
        .type pick, %object
        .size pick, 4
pick:   .long $v
.Lend:
        .section .debug_fake,"",%progbits
        .quad .Lend
        .section .note.GNU-stack,"",%progbits
E
        "$AS" -o g$v.o g$v.s
    done
    echo 'extern int pick; int work(void) { return pick - 1; }' >w.c
    cc -c w.c
    both_work w.o g1.o g2.o
    olink -o other.so w.o g2.o g1.o
    use_runner
    local status=0
    "${RUN[@]}" "$runner" "$PWD/other.so" - || status=$?
    [ "$status" = 1 ] || die "the second group won: $status"
}
check_cpus comdat_first comdat_first

weak() {
    echo '__attribute__((weak)) int value(void) { return 1; }
        __attribute__((weak)) int only_weak(void) { return 5; }
        extern int nowhere(void) __attribute__((weak)); extern int nothing __attribute__((weak));
        int work(void) { if (value() != 2) return 1; if (nowhere) return 2; if (&nothing) return 3;
            return only_weak() - 5; }' >w.c
    echo 'int value(void) { return 2; }' >s.c
    cc -c w.c
    cc -c s.c
    both_work w.o s.o
    both_work s.o w.o
    [[ "$(symbol ours.so value)" == "FUNC GLOBAL DEFAULT DEF"* ]] || die "value: $(symbol ours.so value)"
    [[ "$(symbol ours.so only_weak)" == "FUNC WEAK DEFAULT DEF"* ]] || die "only_weak: $(symbol ours.so only_weak)"
}
check_cpus weak weak

# a weak undefined symbol does not fetch a member, a strong one does; and -l follows ld's rule
weak_archive() {
    echo 'int fetched(void) { return 1; }' >fetched.c
    echo 'int asked(void) { return 2; }' >asked.c
    echo 'int other(void) { return 3; }' >other.c
    for f in fetched asked other; do cc -c $f.c; done
    ar rc libm3.a fetched.o asked.o other.o
    echo 'extern int fetched(void) __attribute__((weak)); int asked(void);
        int work(void) { return fetched ? 1 : asked() - 2; }' >w.c
    cc -c w.c
    both_work w.o -L. -lm3
    [ -z "$(symbol ours.so other)" ] || die "-l took a member that nobody asked for"
    both_work w.o --no-whole-archive libm3.a
    [ -z "$(symbol ours.so other)" ] || die "--no-whole-archive took a member that nobody asked for"
    olink -o whole.so w.o libm3.a
    [ -n "$(symbol whole.so other)" ] || die "an archive named by path is not whole"
    use_runner
    local status=0
    "${RUN[@]}" "$runner" "$PWD/whole.so" - || status=$?
    [ "$status" = 1 ] || die "fetched is not there: $status"
}
check_cpus weak_archive weak_archive

common() {
    echo 'char table[16]; int counter; int work2(void) { counter++; return table[0]; }' >a.c
    echo 'char table[100] __attribute__((aligned(64))); int counter = 7; extern int work2(void); extern int big[];
        int work(void) { work2(); if (counter != 8) return 1; if ((unsigned long)table % 64) return 2;
            for (int i = 0; i < 100; i++) table[i] = 1; return big[4999]; }' >b.c
    echo 'int big[5000];' >c.c
    for f in a b c; do cc -fcommon -c $f.c; done
    both_work a.o b.o c.o
    [[ "$(symbol ours.so table)" == *" 100" ]] || die "table: $(symbol ours.so table)"
    both_work c.o b.o a.o
}
check_cpus common common

hidden() {
    echo '__attribute__((visibility("hidden"))) int inside = 3;
        __attribute__((visibility("hidden"))) int helper(void) { return inside; }
        __attribute__((visibility("internal"))) int deeper(void) { return 4; }
        __attribute__((visibility("protected"))) int guarded(void) { return 5; }
        __attribute__((visibility("protected"))) int guarded_data = 6;' >a.c
    echo 'extern int inside; extern int helper(void), deeper(void), guarded(void); extern int guarded_data;
        static int *where = &inside; static int (*call)(void) = guarded;
        int work(void) { return inside + helper() + deeper() + guarded() + guarded_data + *where + call() - 29; }' >b.c
    cc -c a.c
    cc -c b.c
    both_work a.o b.o
    [ "$(exports ours.so | awk '{ print $1, $4 }' | sort | tr '\n' ' ')" = \
        "guarded PROTECTED guarded_data PROTECTED work DEFAULT " ] || die "$(exports ours.so)"
    # interposition: protected is not replaced, default is
    echo 'int guarded(void) { return 500; } int guarded_data = 600;' >p.c
    cc -shared -o pre.so p.c
    PRELOAD=$PWD/pre.so run "$PWD/ours.so" -
}
check_cpus hidden hidden

# a hidden reference makes the definition hidden, wherever it is
hidden_reference() {
    echo 'int target(void) { return 9; }' >a.c
    echo '__attribute__((visibility("hidden"))) extern int target(void); int work(void) { return target() - 9; }' >b.c
    cc -c a.c
    cc -c b.c
    both_work a.o b.o
    ! exports ours.so | grep -q '^target ' || die "target is exported"
}
check_cpus hidden_reference hidden_reference

interposed() {
    echo 'int answer(void) { return 1; } int data = 1; int work(void) { return answer() + data - 4; }' >a.c
    echo 'int answer(void) { return 2; } int data = 2;' >p.c
    cc -c a.c -fsemantic-interposition
    cc -shared -o pre.so p.c
    both a.o
    for f in ours bfd; do PRELOAD=$PWD/pre.so run "$PWD/$f.so" -; done
}
check_cpus interposed interposed

absolute() {
    cat >a.s <<'E'
        .globl constant
        constant = 0x1234
        .globl wide
        wide = 0x123456789abcdef0
        .data
        .globl holds
        .type holds, %object
        .size holds, 16
        .balign 8
holds:  .quad constant, wide
        .section .note.GNU-stack,"",%progbits
E
    "$AS" -o a.o a.s
    echo 'extern unsigned long holds[2]; int work(void) { return holds[0] != 0x1234 || holds[1] != 0x123456789abcdef0; }' >w.c
    cc -c w.c
    both_work a.o w.o -Bsymbolic
}
check_cpus absolute absolute

# data of another library, by its address in data and code: no copy relocation, right addends
imports_case() {
    echo 'int there[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; int far(int x) { return x + 100; }' >other.c
    cc -shared -o libother.so other.c -Wl,-soname,libother.so
    echo 'extern int there[10]; extern int far(int); int *where = &there[7]; int (*call)(int) = far;
        int work(void) { if (*where != 7) return 1; if (there[3] != 3) return 2; if (&there[7] != where) return 3;
            if (call(1) != 101 || far(2) != 102) return 4; return call == far ? 0 : 5; }' >w.c
    cc -c w.c
    both_work w.o -L. -lother -rpath '$ORIGIN'
    expect_text <(needed ours.so) '^libother.so$'
}
check_cpus imports imports_case

# section symbols with addends, references across sections of one file, PC-relative data
sections_case() {
    cat >a.c <<'E'
static const char text[] = "0123456789";
const char *const pointers[] = {text + 1, text + 9, &"literal"[3]};
static int zero[1000];
int *const into_bss = &zero[999];
__attribute__((section("my_data"))) int mine = 11;
__attribute__((section(".rodata.deep.name"))) const int deep = 12;
__attribute__((section(".text.hot.fast"))) int hot(int x) { return x + *into_bss; }
static int (*const calls[])(int) = {hot, 0};
int work(void)
{
    zero[999] = 2;
    if (*pointers[0] != '1' || *pointers[1] != '9' || *pointers[2] != 'e') return 1;
    if (calls[0](40) != 42) return 2;
    return mine + deep - 23;
}
E
    cc -O0 -c a.c
    both_work a.o
}
check_cpus sections sections_case

switch_table() {
    cat >a.c <<'E'
int pick(int n)
{
    static const void *const table[] = {&&a, &&b, &&c};
    goto *table[n];
a:  return 1;
b:  return 2;
c:  return 3;
}
int sw(int n)
{
    switch (n) {
    case 0: return 11; case 1: return 7; case 2: return 3; case 3: return 19; case 4: return -4;
    case 5: return 100; case 6: return 13; case 7: return 5;
    default: return 0;
    }
}
int work(void) { return pick(0) + pick(1) * 10 + pick(2) * 100 - 321 + sw(5) - 100 + sw(4) + 4; }
E
    cc -O1 -fno-tree-switch-conversion -c a.c
    both_work a.o
}
check_cpus switch_table switch_table

# a hidden reference is to a definition of this image, though a library before it has one for others
hidden_after_library() {
    echo 'int target(void) { return 1; }' >o.c
    echo '__attribute__((visibility("hidden"))) extern int target(void); int work(void) { return target() - 2; }' >w.c
    echo 'int target(void) { return 2; }' >t.c
    cc -shared -o libo.so o.c -Wl,-soname,libo.so
    cc -c w.c
    cc -c t.c
    ar rc libt.a t.o
    expect_fail 1 olink -o ours.so -L. -lo w.o
    expect_text err 'undefined reference to .target., which is hidden'
    both_work -L. -lo w.o -lt -rpath '$ORIGIN'
}
check_cpus hidden_after_library hidden_after_library
finish
