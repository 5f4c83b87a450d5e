#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Unwinding: exceptions through the image and out of it, .eh_frame_hdr's table, CIEs, dropped functions.
. "$(dirname "$0")/common.sh"

exceptions() {
    cat >a.cc <<'E'
#include <stdexcept>
#include <string>
struct mine : std::runtime_error { using std::runtime_error::runtime_error; };
int cleaned;
struct cleaner { ~cleaner() { cleaned++; } };
__attribute__((noinline)) void deep(int n) { cleaner c; if (n == 0) throw mine("deep"); deep(n - 1); }
E
    cat >b.cc <<'E'
#include <stdexcept>
#include <cstring>
struct mine : std::runtime_error { using std::runtime_error::runtime_error; };
extern int cleaned;
void deep(int);
extern "C" void call_back(void (*f)(void)) { f(); }   /* unwound through */
extern "C" void throw_int(void) { throw 42; }
extern "C" int work(void)
{
    try { deep(5); return 1; } catch (const mine &e) { if (std::strcmp(e.what(), "deep")) return 2; }
    if (cleaned != 6) return 3;
    try { deep(1); return 4; } catch (const std::exception &) { }
    try { try { throw_int(); } catch (...) { throw; } return 5; } catch (int n) { if (n != 42) return 6; }
    return 0;
}
E
    cat >p.cc <<'E'
extern "C" void call_back(void (*f)(void));
extern "C" void throw_int(void);
#include <string>
static void thrower() { throw std::string("from the plug-in through the image"); }
extern "C" int work(void)
{
    try { call_back(thrower); return 1; } catch (const std::string &s) { if (s.size() != 34) return 2; }
    try { throw_int(); return 3; } catch (int n) { return n - 42; }
}
E
    for f in a b p; do cxx -c $f.cc "$@"; done
    "$CXX" -shared -o plugin.so p.o
    both_work a.o b.o "${libcxx[@]}"
    run "$PWD/ours.so" "$PWD/plugin.so"
    expect_text <(readelf -lW ours.so) GNU_EH_FRAME
    table ours.so
    # the data relocations of .eh_frame (personality, LSDA) must not have become text relocations
    reject_text <(dynamic ours.so) TEXTREL
    both_work a.o b.o "${libcxx[@]}" --gc-sections -u work
    run "$PWD/ours.so" "$PWD/plugin.so"
}

# The search table is sorted, has an entry for every FDE, and readelf can follow it.
table() {
    local fdes count
    fdes=$(readelf --debug-dump=frames "$1" 2>/dev/null | grep -c ' FDE ')
    count=$(llvm_table_count "$1")
    [ -z "$count" ] || [ "$fdes" = "$count" ] || die "$fdes FDEs, $count entries in .eh_frame_hdr"
}

# .eh_frame_hdr: version 1, encodings 1b 03 3b, then the count
llvm_table_count() {
    local bytes
    bytes=$(objdump -s -j .eh_frame_hdr "$1" 2>/dev/null | awk '/^ [0-9a-f]+ / { print $2 $3 $4 $5; exit }')
    [ "${bytes:0:8}" = 011b033b ] || die ".eh_frame_hdr begins with $bytes"
    echo $((16#${bytes:22:2}${bytes:20:2}${bytes:18:2}${bytes:16:2}))
}

check_cpus exceptions exceptions
check_cpus sections exceptions -ffunction-sections -fdata-sections
check_cpus unoptimised exceptions -O0

large() { exceptions -mcmodel=large; }
check large_model on_cpu x86_64 large

# Equal CIEs are kept once or many times, but every FDE finds its own; personality and plain ones mixed.
cies() {
    for n in 1 2 3 4 5 6; do
        echo "extern void say(int); int plain$n(int x) { say(x); return x + $n; }" >p$n.c
        echo "extern \"C\" void say(int); struct c { ~c() { say(7); } };
            extern \"C\" int guarded$n(int x) { c one; if (x == 3) throw x + $n; say(x); return x; }" >g$n.cc
        cc -c -fasynchronous-unwind-tables p$n.c
        cxx -c g$n.cc
    done
    cat >w.cc <<'E'
extern "C" { int guarded1(int), guarded2(int), guarded3(int), guarded4(int), guarded5(int), guarded6(int), plain1(int), plain6(int); }
static int said;
extern "C" void say(int n) { said += n; if (n == 99) throw 'x'; }
extern "C" int work()
{
    int (*all[])(int) = {guarded1, guarded2, guarded3, guarded4, guarded5, guarded6};
    for (int i = 0; i < 6; i++)
        try { all[i](3); return 1; } catch (int n) { if (n != 4 + i) return 2; }
    if (said != 42) return 3;
    try { plain1(99); return 4; } catch (char) { }
    try { plain6(99); return 5; } catch (char) { }
    return 0;
}
E
    cxx -c w.cc
    both_work p?.o g?.o w.o "${libcxx[@]}"
    table ours.so
    [ "$(readelf --debug-dump=frames ours.so 2>/dev/null | grep -c ' CIE$')" -le "$(readelf --debug-dump=frames bfd.so 2>/dev/null | grep -c ' CIE$')" ] ||
        die "more CIEs than ld.bfd keeps"
}
check_cpus cies cies

# FDEs of functions that --gc-sections or a COMDAT group dropped are dropped as well
dropped() {
    cat >a.cc <<'E'
#include <vector>
__attribute__((visibility("hidden"))) int unused(int x) { if (x) throw 1; return 2; }
int used(int x) { if (x) throw 3; return 4; }
inline __attribute__((noinline)) int twice(int x) { if (x) throw 5; return 6; }
int a() { return twice(0); }
E
    sed 's/int a()/int b()/; s/int used.*//; s/int unused/int unused_too/' a.cc >b.cc
    cxx -c -ffunction-sections a.cc
    cxx -c -ffunction-sections b.cc
    echo 'int used(int); int a(); int b();
        extern "C" int work() { try { used(1); return 1; } catch (int n) { return n - 3 + a() + b() - 12; } }' >w.cc
    cxx -c w.cc
    both_work a.o b.o w.o "${libcxx[@]}" --gc-sections
    table ours.so
    [ -z "$(symbol ours.so _Z6unusedi)" ] || die "unused is still there"
    ours=$(readelf --debug-dump=frames ours.so 2>/dev/null | grep -c ' FDE ')
    theirs=$(readelf --debug-dump=frames bfd.so 2>/dev/null | grep -c ' FDE ')
    # ld.bfd makes one more for the PLT on x86-64
    [ "$ours" = "$theirs" ] || [ "$ours" = $((theirs - 1)) ] || die "$ours FDEs, ld.bfd keeps $theirs"
    ! readelf --debug-dump=frames ours.so 2>/dev/null | grep -E 'FDE .*pc=0+\.\.' || die "an FDE for address 0"
}
check_cpus dropped dropped

# unwinding through frames made by hand, C without tables, and _Unwind_Backtrace over lambdas
backtrace_case() {
    cat >a.c <<'E'
#include <unwind.h>
#include <stdint.h>
static int depth;
static _Unwind_Reason_Code step(struct _Unwind_Context *c, void *arg)
{
    (void)c; (void)arg;
    depth++;
    return _URC_NO_REASON;
}
__attribute__((noinline)) int down(int n) { if (n == 0) { depth = 0; _Unwind_Backtrace(step, 0); return depth; } return down(n - 1) + (n < 0); }
int work(void) { int a = down(2), b = down(22); return b - a != 20; }
E
    cc -O1 -fno-optimize-sibling-calls -fasynchronous-unwind-tables -c a.c
    both_work a.o "${libdirs[@]}" -lgcc_s -lc
}
check_cpus backtrace backtrace_case

terminators() {
    # crtend's terminator in the middle, .eh_frame of two sections in one object, an empty one
    cat >a.s <<'E'
        .section .eh_frame,"a",%progbits
        .section .note.GNU-stack,"",%progbits
E
    cat >z.s <<'E'
        .section .eh_frame,"a",%progbits
        .long 0
        .section .note.GNU-stack,"",%progbits
E
    "$AS" -o a.o a.s
    "$AS" -o z.o z.s
    echo 'extern "C" int work() { try { throw 1; } catch (int) { return 0; } return 1; }' >w.cc
    cxx -c w.cc
    both_work a.o z.o w.o "${libcxx[@]}"
    both_work w.o z.o a.o "${libcxx[@]}"
}
check_cpus terminators terminators

no_frames() {
    printf '.globl work\n.type work, %%function\nwork:\n%s\n.section .note.GNU-stack,"",%%progbits\n' \
        "$([ "$arch" = x86_64 ] && echo 'xor %eax, %eax; ret' || printf 'mov w0, 0\nret')" >a.s
    "$AS" -o a.o a.s
    ours_works a.o
}
check_cpus no_frames no_frames

# .eh_frame of code compiled for programs: nothing fills its addresses in when the image is loaded
not_for_libraries() {
    echo 'struct S { ~S(); }; extern "C" void g(); extern "C" void work() { S s; g(); }' >w.cc
    "$CXX" -fno-pic -c w.cc
    expect_fail 1 olink -o ours.so w.o
    expect_text err 'w.o: .*eh_frame+0x.*__gxx_personality_v0.*recompile with -fPIC'
}
check not_for_libraries on_cpu x86_64 not_for_libraries
finish
