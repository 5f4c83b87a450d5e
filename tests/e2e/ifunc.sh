#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Functions chosen at load time: called, their address taken in code and in data, exported and local.
. "$(dirname "$0")/common.sh"

sources() {
    cat >i.c <<'E'
static int chosen(int x) { return x + 1; }
static int other(int x) { return x + 2; }
static void *resolve(void) { return (void *)chosen; }
static void *resolve_other(void) { return (void *)other; }
int visible(int) __attribute__((ifunc("resolve")));
__attribute__((visibility("hidden"))) int inside(int) __attribute__((ifunc("resolve_other")));
static int local(int) __attribute__((ifunc("resolve")));
int (*visible_pointer)(int) = visible;
static int (*local_pointer)(int) = local;
__attribute__((visibility("hidden"))) int (*inside_pointer)(int) = inside;
int through(int x) { return local(x) + local_pointer(x); }
E
    cat >u.c <<'E'
extern int visible(int), through(int);
extern int inside(int) __attribute__((visibility("hidden")));
extern int (*visible_pointer)(int);
extern int (*inside_pointer)(int) __attribute__((visibility("hidden")));
int (*volatile taken)(int);
static int (*again)(int) = inside;
int work(void)
{
    if (visible(1) != 2 || inside(1) != 3 || through(1) != 4) return 1;
    if (visible_pointer(5) != 6 || inside_pointer(5) != 7 || again(5) != 7) return 2;
    taken = visible;
    if (taken != visible_pointer || taken(1) != 2) return 3;
    taken = inside;
    if (taken(1) != 3) return 4; /* ld.bfd does not make the addresses of a hidden one equal */
    return 0;
}
E
    cc "$@" -c i.c
    cc "$@" -c u.c
}

ifunc() {
    sources "$@"
    for z in '-z lazy' '-z now'; do
        both_work i.o u.o $z
        LAZY=1 run "$PWD/ours.so" -
    done
    ours_works i.o u.o -Bsymbolic # ld.bfd of aarch64 fails an assertion of its own
    [[ "$(symbol ours.so visible)" == IFUNC* ]] || die "$(symbol ours.so visible)"
}
check_cpus called ifunc
check_cpus no_plt ifunc -fno-plt
check_cpus unoptimised ifunc -O0
check_cpus local_only ifunc -fvisibility=protected

# the resolver uses relocated data of the image: IRELATIVE must come after RELATIVE
resolver_reads() {
    cat >i.c <<'E'
static int one(void) { return 1; }
static int two(void) { return 2; }
static int (*table[])(void) = {one, two};
static int which = 1;
static int *volatile at = &which;
static void *resolve(void) { return (void *)table[*at]; }
__attribute__((visibility("hidden"))) int f(void) __attribute__((ifunc("resolve")));
int (*in_data)(void) = f;
int work(void) { return f() + in_data() - 4; }
E
    cc -c i.c
    both_work i.o
    both_work i.o -z now
    both_work i.o -z pack-relative-relocs "${libc[@]}"
}
check_cpus resolver_reads resolver_reads

# another library's function through this image's pointer
imported() {
    echo 'static int v(void) { return 8; } static void *r(void) { return (void *)v; } int f(void) __attribute__((ifunc("r")));' >o.c
    cc -shared -o libo.so o.c -Wl,-soname,libo.so
    echo 'extern int f(void); int (*p)(void) = f; int work(void) { return f() + p() - 16; }' >w.c
    cc -c w.c
    both_work w.o -L. -lo -rpath '$ORIGIN'
}
check_cpus imported imported

# a pointer to the function and no call: there is no PLT, and glibc binding lazily must find its way
pointer_only() {
    cat >i.c <<'E'
static int one(void) { return 1; }
static void *resolve(void) { return (void *)one; }
int f(void) __attribute__((ifunc("resolve")));
int (*p)(void) = f;
int work(void) { return p() - 1; }
E
    cat >lazy.c <<'E'
#include <dlfcn.h>
int main(int argc, char **argv)
{
    void *image = dlopen(argv[argc - 1], RTLD_LAZY);
    int (*work)(void) = image ? (int (*)(void))dlsym(image, "work") : 0;

    return work ? work() : 1;
}
E
    cc -c i.c
    cc -o lazy lazy.c -ldl
    both_work i.o -Bsymbolic
    expect_text <(dynamic ours.so) PLTGOT
    "${RUN[@]}" ./lazy "$PWD/ours.so" || die "bound lazily: status $?"
}
check_cpus pointer_only pointer_only
finish
