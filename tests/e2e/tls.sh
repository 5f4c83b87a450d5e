#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Thread-local variables in every access model, each with two threads at work.
. "$(dirname "$0")/common.sh"

# The definitions are in one object, the accesses in another, plus local ones in both.
sources() {
    cat >defs.c <<'E'
__thread int start = 5;
__thread char zeros[300];
__thread long aligned __attribute__((aligned(64))) = 77;
static __thread int local_one = 1;
static __thread int local_two;
int bump_local(void) { local_two += 2; return local_one++ + local_two; }
E
    cat >uses.c <<'E'
#include <pthread.h>
extern __thread int start;
extern __thread char zeros[300];
extern __thread long aligned;
__attribute__((visibility("hidden"))) __thread int hidden_tls = 9;
static __thread int mine = 3, also_mine = 4;
static __thread short many[50] = {1, 2, 3};
extern int bump_local(void);
extern void *malloc(unsigned long);
static int *volatile escaped;

static void *body(void *arg)
{
    long who = (long)arg;
    if (start != 5 || zeros[299] != 0 || aligned != 77 || mine != 3 || also_mine != 4) return (void *)1;
    if (hidden_tls != 9 || many[2] != 3 || many[49] != 0) return (void *)2;
    if ((unsigned long)&aligned % 64) return (void *)3;
    start += (int)who; zeros[299] = (char)who; mine += 10; also_mine++; hidden_tls = 0; many[49] = 7;
    if (bump_local() != 3 || bump_local() != 6) return (void *)4;
    escaped = &start;
    if (*escaped != 5 + who) return (void *)5;
    if (mine != 13 || also_mine != 5 || many[49] != 7 || zeros[299] != (char)who) return (void *)6;
    return 0;
}

int work(void)
{
    pthread_t thread;
    void *result = 0;
    for (long i = 1; i < 4; i++) {
        if (pthread_create(&thread, 0, body, (void *)i) || pthread_join(thread, &result)) return 10;
        if (result) return (int)(long)result;
    }
    return (int)(long)body((void *)9);
}
E
}

model() {
    sources
    cc "$@" -c defs.c
    cc "$@" -c uses.c
    both_work defs.o uses.o "${libc[@]}"
    expect_text <(readelf -lW ours.so) ' TLS '
    same "TLS relocations" <(relocs bfd.so | grep -E 'TLS|TPOFF|DTP') <(relocs ours.so | grep -E 'TLS|TPOFF|DTP')
    # on aarch64 neither ld.bfd nor ld.lld sets STATIC_TLS
    [ "$arch" != x86_64 ] ||
        same "flags" <(dynamic bfd.so | grep -E '^ *FLAGS') <(dynamic ours.so | grep -E '^ *FLAGS')
    both_work defs.o uses.o "${libc[@]}" -Bsymbolic
    # all variables local by a version script: what was dynamic becomes an offset
    echo '{ global: work; local: *; };' >only-work.map
    both_work defs.o uses.o "${libc[@]}" --version-script only-work.map
}

gd() { case $arch in x86_64) model -ftls-model=global-dynamic ;; *) model -ftls-model=global-dynamic -mtls-dialect=trad ;; esac; }
ld() { case $arch in x86_64) model -ftls-model=local-dynamic ;; *) model -ftls-model=local-dynamic -mtls-dialect=trad ;; esac; }
desc() { case $arch in x86_64) model -mtls-dialect=gnu2 ;; *) model -mtls-dialect=desc ;; esac; }
ie() { AT_START=1; model -ftls-model=initial-exec; [ "$arch" != x86_64 ] || expect_text <(dynamic ours.so) STATIC_TLS; }
unoptimised() { model -O0 -ftls-model=local-dynamic; model -O0 -fPIC; }
no_plt() { model -fno-plt; }
large() { model -mcmodel=large; model -mcmodel=large -ftls-model=local-dynamic; }
check_cpus gd gd
check_cpus ld ld
check_cpus desc desc
check_cpus ie ie
check_cpus unoptimised unoptimised
check_cpus no_plt no_plt
check large-model on_cpu x86_64 large

# models mixed for one variable
mixed() {
    cat >d.c <<'E'
__thread int v = 1;
int ie(void);
int gd(void);
int work(void) { v = 5; return ie() + gd() - 10; }
E
    echo 'extern __thread int v; int ie(void) { return v; }' >ie.c
    echo 'extern __thread int v; int gd(void) { return v; }' >gd.c
    cc -ftls-model=global-dynamic -c d.c
    cc -ftls-model=initial-exec -c ie.c
    cc -ftls-model=global-dynamic -c gd.c
    both_work d.o ie.o gd.o
    both_work ie.o d.o gd.o
    case $arch in
        x86_64) cc -mtls-dialect=gnu2 -c gd.c ;;
        *) cc -mtls-dialect=trad -c gd.c ;;
    esac
    both_work d.o ie.o gd.o
    both_work gd.o ie.o d.o
}
check_cpus mixed mixed

# a variable of another library
imported() {
    echo '__thread int theirs = 6; int get(void) { return theirs; }' >o.c
    cc -shared -o libo.so o.c -Wl,-soname,libo.so
    echo 'extern __thread int theirs; extern int get(void); int work(void) { theirs++; return get() - theirs; }' >w.c
    for flags in -ftls-model=global-dynamic -ftls-model=initial-exec; do
        cc $flags -c w.c
        both_work w.o -L. -lo -rpath '$ORIGIN'
    done
}
check_cpus imported imported

weak_undefined() {
    echo 'extern __thread int maybe __attribute__((weak)); int work(void) { return &maybe != 0 && 0; }' >w.c
    cc -c w.c
    both_work w.o
}
check_cpus weak_undefined weak_undefined

# only .tbss; only .tdata; a TLS segment whose start is not aligned to its own alignment
segments() {
    echo '__thread int z[100]; int work(void) { z[99]++; return z[99] - 1; }' >z.c
    echo 'static __thread int d = 4; int work(void) { return d++ - 4; }' >d.c
    echo '__thread char c = 1; __thread long wide __attribute__((aligned(4096))) = 2; __thread char after[3];
        int work(void) { return c + wide + after[2] - 3 + (int)((unsigned long)&wide % 4096); }' >w.c
    for f in z d w; do
        cc -c $f.c
        both_work $f.o
        cc -c $f.c -ftls-model=initial-exec
        AT_START=1 both_work $f.o
    done
}
check_cpus segments segments

thread_local_objects() {
    cat >t.cc <<'E'
#include <string>
#include <thread>
static int gone;
struct noisy { std::string s{"a string long enough to be on the heap"}; ~noisy() { gone += (int)s.size(); } };
thread_local noisy one;
inline thread_local int counter = 40;
extern "C" int work()
{
    std::thread([] { one.s += "!"; counter++; }).join();
    return gone == 39 && counter == 40 ? 0 : gone;
}
E
    cxx -std=c++17 -c t.cc
    both_work t.o "${libcxx[@]}"
}
check_cpus thread_local thread_local_objects

# local-exec code cannot be in a library: an error that names the place, not a wrong file
local_exec() {
    echo '__thread int v = 1; int in_function(void) { return v++; }' >w.c
    cc -ftls-model=local-exec -fno-pie -fno-pic -c w.c
    expect_fail 1 olink -o ours.so w.o
    expect_text err 'w\.o' "v" 'in_function\|\.text' 'TPOFF\|TLSLE'
    [ ! -e ours.so ] || die "there is an output all the same"
}
check_cpus local_exec local_exec
finish
