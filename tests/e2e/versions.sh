#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Symbol versions: made by a script, by .symver, and asked of the libraries linked against.
. "$(dirname "$0")/common.sh"

script() {
    cat >v.map <<'E'
V1 { global: first; work; local: *; };
V2 { global: second; extern "C++" { "space::f(int)"; space::g*; }; } V1;
E
    echo 'int first(void) { return 1; } int second(void) { return 2; } int secret(void) { return 3; }
        int work(void) { return first() + second() + secret() - 6; }' >a.c
    echo 'namespace space { int f(int x) { return x; } int g1() { return 1; } int g2(long) { return 2; } int h() { return 0; } }' >b.cc
    cc -c a.c
    cxx -c b.cc
    both_work a.o b.o --version-script=v.map -soname libv.so.1
    expect_text <(exports ours.so) '^first@@V1 ' '^second@@V2 ' '^_ZN5space1fEi@@V2' '^_ZN5space2g2El@@V2'
    reject_text <(exports ours.so) secret space1h
    expect_text <(version_defs ours.so) '^libv.so.1 .* base'
    # a program linked against it asks for those versions
    echo 'extern int first(void), second(void); int work(void) { return first() + second() - 3; }' >u.c
    cc -c u.c
    mkdir -p ours theirs
    cp ours.so ours/libv.so.1
    cp bfd.so theirs/libv.so.1
    for d in ours theirs; do
        ln -sf libv.so.1 $d/libv.so
        "$CC" -shared -o user.so u.o -L$d -lv -Wl,-rpath,"$PWD/$d"
        version_needs user.so >$d.needs
        run "$PWD/user.so" -
    done
    same "versions wanted" theirs.needs ours.needs
    both_work u.o -Lours -lv -rpath "$PWD/ours"
    [ "$(version_needs ours.so)" = "libv.so.1 V1
libv.so.1 V2" ] || die "$(version_needs ours.so)"
}
check_cpus script script

# several versions of one name
symver() {
    cat >a.c <<'E'
int old_f(void) { return 1; }
int new_f(void) { return 2; }
__asm__(".symver old_f,f@V1");
__asm__(".symver new_f,f@@V2");
E
    cat >b.s <<'E'
        .text
        .globl three
        .type three, %function
three:
        .ifdef X
        mov $3, %eax
        ret
        .else
        mov w0, 3
        ret
        .endif
        .size three, .-three
        .symver three, g@@V2, remove
        .section .note.GNU-stack,"",%progbits
E
    cc -c a.c
    case $arch in x86_64) "$AS" --defsym X=1 -o b.o b.s ;; *) "$AS" -o b.o b.s ;; esac
    cat >w.c <<'E'
#define _GNU_SOURCE
#include <dlfcn.h>
extern int old_f(void);
int call_old(void);
__asm__(".symver call_old,f@V1");
extern int f(void);
int work(void)
{
    int (*v1)(void) = dlvsym(RTLD_DEFAULT, "f", "V1");
    int (*v2)(void) = dlvsym(RTLD_DEFAULT, "f", "V2");
    int (*plain)(void) = dlsym(RTLD_DEFAULT, "f");
    int (*g)(void) = dlsym(RTLD_DEFAULT, "g");
    if (!v1 || v1() != 1) return 1;
    if (!v2 || v2() != 2) return 2;
    if (plain != v2) return 3;
    if (!g || g() != 3) return 4;
    return f() != 2 || call_old() != 1;
}
E
    cc -c w.c
    echo 'V1 { global: f; work; local: *; }; V2 { global: f; g; } V1;' >v.map
    both_work a.o b.o w.o --version-script v.map -soname libf.so "${libc[@]}"
    expect_text <(exports ours.so) '^f@V1 ' '^f@@V2 ' '^g@@V2 '
}
check_cpus symver symver

anonymous() {
    echo 'int a1(void) { return 1; } int a2(void) { return 2; } int b1(void) { return 3; } int work(void) { return a1() + a2() + b1() - 6; }' >a.c
    cc -c a.c
    echo '{ global: a[0-9]; w?rk; local: *; };' >v.map
    both_work a.o --version-script v.map
    [ "$(exports ours.so | cut -d' ' -f1 | tr '\n' ' ')" = "a1 a2 work " ] || die "$(exports ours.so)"
    printf '# note\n{ /* comment */ global: a1;\nwork; local:\n*; };' >v.map
    both_work a.o --version-script=v.map
    # what is named beats what a pattern matches, last pattern does not beat the first
    echo 'V1 { global: a*; work; local: a2; *; };' >v.map
    both_work a.o --version-script v.map
    reject_text <(exports ours.so) a2
}
check_cpus anonymous anonymous

# glibc's versions, taken from the library at hand; weak references ask weakly
needs() {
    echo '#include <stdio.h>
        #include <math.h>
        #include <pthread.h>
        #include <string.h>
        extern void maybe_not(void) __attribute__((weak));
        double volatile x = 2;
        int work(void) { char b[99]; pthread_once_t o = PTHREAD_ONCE_INIT; (void)o; sprintf(b, "%.3f", pow(x, 0.5)); if (maybe_not) maybe_not();
            return strcmp(b, "1.414"); }' >w.c
    cc -c w.c
    both_work w.o "${libdirs[@]}" -lm -lpthread -lc
    expect_text <(version_needs ours.so) 'libm.so.6 GLIBC_2' 'libc.so.6 GLIBC_2'
}
check_cpus needs needs

unknown_version() {
    echo 'int f(void) { return 1; } __asm__(".symver f,g@@NOWHERE");' >a.c
    cc -c a.c
    echo 'V1 { local: *; };' >v.map
    expect_fail 1 olink -o ours.so a.o --version-script v.map
    expect_text err NOWHERE g
}
check_cpus unknown_version unknown_version

bad_script() {
    echo 'int f(void) { return 1; }' >a.c
    cc -c a.c
    for text in 'V1 { global: f; ' 'V1 { global: f }; V1 { local: *; };' '{ global: f; }; V2 { local: *; };' 'V2 { f; } V1;' 'nonsense'; do
        echo "$text" >v.map
        status=0
        olink -o ours.so a.o --version-script v.map 2>err || status=$?
        cat err
        [ "$status" -gt 0 ] && [ "$status" -lt 8 ] || die "status $status for: $text"
        expect_text err 'v\.map'
    done
}
check bad_script on_cpu x86_64 bad_script
finish
