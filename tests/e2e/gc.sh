#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# --gc-sections: what stays and why; what a path-named archive, SHF_GNU_RETAIN, KEEP-like sections and
# __start_/__stop_ hold.
. "$(dirname "$0")/common.sh"

plain() {
    cat >a.c <<'E'
__attribute__((visibility("hidden"))) int unused_data[100] = {1};
__attribute__((visibility("hidden"))) int unused(void) { return unused_data[3]; }
__attribute__((visibility("hidden"))) int used_data = 4;
__attribute__((visibility("hidden"))) int used(void) { return used_data; }
static int constructed;
__attribute__((constructor)) static void construct(void) { constructed = 5; }
int work(void) { return used() + constructed - 9; }
E
    cc -O0 -c -ffunction-sections -fdata-sections a.c
    both_work a.o --gc-sections
    [ -z "$(symbol ours.so unused)$(symbol ours.so unused_data)" ] || die "unused is still there"
    [ -n "$(symbol ours.so used)" ] || die "used has gone"
    olink -o ours.so a.o --gc-sections --print-gc-sections >said 2>&1
    expect_text said '\.text\.unused.*a\.o\|a\.o.*\.text\.unused' 'unused_data'
    reject_text said '\.text\.used[^_]' '\.text\.work'
    olink -o ours.so a.o
    [ -n "$(symbol ours.so unused)" ] || die "unused has gone without --gc-sections"
}
check_cpus plain plain

start_stop() {
    cat >a.c <<'E'
struct entry { int n; };
#define ENTRY(x) static const struct entry e##x __attribute__((section("registry"), used)) = {x}
ENTRY(1); ENTRY(2); ENTRY(3);
E
    cat >b.c <<'E'
struct entry { int n; };
static const struct entry e4 __attribute__((section("registry"), used)) = {4};
extern const struct entry __start_registry[], __stop_registry[];
extern const struct entry __start_absent[] __attribute__((weak)), __stop_absent[] __attribute__((weak));
int work(void)
{
    int sum = 0;
    for (const struct entry *e = __start_registry; e < __stop_registry; e++) sum += e->n;
    return sum - 10 + (__start_absent != __stop_absent);
}
E
    cc -c -fdata-sections a.c
    cc -c -fdata-sections -ffunction-sections b.c
    both_work a.o b.o
    both_work a.o b.o --gc-sections -u work
    both_work a.o b.o --gc-sections -z nostart-stop-gc
    # hidden references
    sed 's/extern const/extern __attribute__((visibility("hidden"))) const/' b.c >h.c
    cc -c h.c
    both_work a.o h.o --gc-sections
}
check_cpus start_stop start_stop

retain() {
    cat >a.s <<'E'
        .section .data.kept,"awR",%progbits
        .globl kept
        .hidden kept
        .type kept, %object
        .size kept, 16
kept:   .asciz "keep me, please"
        .section .data.dropped,"aw",%progbits
        .hidden dropped
        .globl dropped
        .type dropped, %object
        .size dropped, 16
dropped: .asciz "drop me, please"
        .section .note.GNU-stack,"",%progbits
E
    "$AS" -o a.o a.s
    echo 'int work(void) { return 0; }' >w.c
    cc -c w.c
    both_work a.o w.o --gc-sections
    grep -q 'keep me, please' ours.so || die "the retained section has gone"
    ! grep -q 'drop me, please' ours.so || die "the other section is there"
}
check_cpus retain retain

# under --gc-sections too, an archive named by path is kept whole; by -l it is not
archive() {
    echo '__attribute__((visibility("hidden"))) int nobody_calls_this(void) { return 1; }
        __attribute__((visibility("hidden"))) int nor_this = 2;' >m.c
    echo 'int work(void) { return 0; }' >w.c
    cc -c -ffunction-sections -fdata-sections m.c
    cc -c w.c
    ar rc libm4.a m.o
    ours_works w.o libm4.a --gc-sections --print-retained >said
    [ -n "$(symbol ours.so nobody_calls_this)" ] || die "a whole archive lost a function"
    [ -n "$(symbol ours.so nor_this)" ] || die "a whole archive lost data"
    cat said
    expect_text said 'm\.o' 'libm4\.a'
    ours_works w.o -L. -lm4 --gc-sections
    [ -z "$(symbol ours.so nor_this)" ] || die "-lm4 took a member that nobody asked for"
    ours_works w.o --no-whole-archive libm4.a --gc-sections
    [ -z "$(symbol ours.so nor_this)" ] || die "--no-whole-archive has no effect"
    ours_works w.o --no-whole-archive libm4.a --gc-sections -u nor_this
    [ -n "$(symbol ours.so nor_this)" ] || die "-u has no effect"
    [ -z "$(symbol ours.so nobody_calls_this)" ] || die "a function of an ordinary member is not collected"
}
check_cpus archive archive

# --print-retained gives a reason for every member and symbol
print_retained() {
    echo 'int called(void) { return 1; }' >called.c
    echo 'int other(void) { return 2; }' >other.c
    echo 'int called(void); int work(void) { return called() - 1; }' >w.c
    for f in called other w; do cc -c $f.c; done
    ar rc libr.a called.o other.o
    olink -o ours.so w.o --no-whole-archive libr.a --print-retained >said 2>&1
    cat said
    expect_text said 'libr\.a(called\.o)' 'w\.o' 'called' 'work'
    reject_text said 'other\.o'
    olink -o ours.so w.o libr.a --print-retained >said 2>&1
    expect_text said 'libr\.a(called\.o)' 'libr\.a(other\.o)'
}
check print_retained on_cpu x86_64 print_retained

# what unwinding tables, init arrays, notes and groups refer to
reachable() {
    cat >a.cc <<'E'
#include <stdexcept>
static int from_init;
struct setter { setter() { from_init = 3; } };
static setter s;
template <class T> int grouped() { static int n; return ++n; }
__attribute__((visibility("hidden"))) int never(int n) { throw std::logic_error("never"); return n; }
extern "C" int work()
{
    try { throw std::runtime_error("x"); } catch (const std::exception &) { return from_init + grouped<int>() - 4; }
}
E
    cxx -c -ffunction-sections -fdata-sections a.cc
    both_work a.o "${libcxx[@]}" --gc-sections
    [ -z "$(symbol ours.so _Z5neveri)" ] || die "never is still there"
}
check_cpus reachable reachable

# symbols in SHF_LINK_ORDER sections live and die with what they describe
link_order() {
    cat >a.s <<'E'
        .section .text.live,"ax",%progbits
        .globl live
        .type live, %function
live:
        .ifdef X
        xor %eax, %eax
        ret
        .else
        mov w0, 0
        ret
        .endif
        .size live, .-live
        .section .text.dead,"ax",%progbits
        .globl dead
        .hidden dead
dead:   .long 0
        .section meta,"ao",%progbits,.text.live
        .ascii "about live"
        .section meta,"ao",%progbits,.text.dead,unique,2
        .ascii "about dead"
        .section .note.GNU-stack,"",%progbits
E
    "$AS" $([ "$arch" != x86_64 ] || echo --defsym X=1) -o a.o a.s
    both a.o --gc-sections
    run "$PWD/ours.so" - live
    grep -q 'about live' ours.so || die "the section of live has gone"
    ! grep -q 'about dead' ours.so || die "the section of dead is there"
}
check_cpus link_order link_order

# pointers in a section that is not writable, with other such data: __start_X is around its own alone
start_stop_readonly() {
    cat >a.c <<'E'
__asm__(".section registry,\"a\",%progbits\n.balign 8\n"
#ifdef __aarch64__
        ".xword one, two\n.text");
#else
        ".quad one, two\n.text");
#endif
int one = 1, two = 2;
static int a, b, c;
int *const volatile others[] = {&a, &b, &c};
extern int *const __start_registry[], *const __stop_registry[];
int work(void) { return __stop_registry - __start_registry != 2 || *__start_registry[1] != 2; }
E
    cc -fno-section-anchors -c a.c
    ours_works a.o
    ours_works a.o -Bsymbolic
}
check_cpus start_stop_readonly start_stop_readonly

# an array of initialisers that is plain data by its type is kept for its name
plain_init_array() {
    need python3
    echo 'static int set; static void start(void) { set = 1; }
__attribute__((section(".init_array"), used)) static void (*const first)(void) = start;
int work(void) { return !set; }' >a.c
    cc -ffunction-sections -c a.c
    # today's assemblers set the type themselves: undo that
    python3 - a.o <<'E'
import struct, sys
data = bytearray(open(sys.argv[1], 'rb').read())
headers, = struct.unpack_from('<Q', data, 40)
for at in range(headers, headers + 64 * struct.unpack_from('<H', data, 60)[0], 64):
    if struct.unpack_from('<I', data, at + 4)[0] == 14:
        struct.pack_into('<I', data, at + 4, 1)
open(sys.argv[1], 'wb').write(data)
E
    both_work a.o --gc-sections
}
check_cpus plain_init_array plain_init_array
finish
