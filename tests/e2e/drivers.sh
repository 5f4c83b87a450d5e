#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# As the linker of gcc and clang: gcc -B DIR and clang --ld-path= with a link named ld to objtool.
. "$(dirname "$0")/common.sh"

mkdir -p "$work/bin"
ln -s "$OBJTOOL" "$work/bin/ld"
ln -s "$OBJTOOL" "$work/bin/ld.objtool"

sources() {
    cat >c.c <<'E'
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
static __thread int local = 3;
static void *body(void *arg) { local++; return arg; }
double volatile x = 2;
int work(void)
{
    pthread_t t;
    char text[50];
    if (pthread_create(&t, 0, body, 0) || pthread_join(t, 0)) return 1;
    sprintf(text, "%.3f %d", sqrt(x), local);
    return strcmp(text, "1.414 3");
}
E
    cat >d.cc <<'E'
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <vector>
static int destroyed;
struct object { ~object() { destroyed++; } };
static std::vector<int> global{1, 2, 3};
extern "C" int work()
{
    std::ostringstream out;
    try { std::unique_ptr<object> o(new object); throw std::runtime_error("thrown"); }
    catch (const std::exception &e) { out << e.what() << global.size() << destroyed; }
    return out.str() == "thrown31" ? 0 : 1;
}
E
}

# built COMPILER SOURCE [OPTION...]: by our linker and by the compiler's own, and it works, also after dlclose
built() {
    local compiler=$1 source=$2
    shift 2
    need "${compiler%% *}"
    sources
    case $compiler in
        *clang*) ours=(--ld-path="$work/bin/ld.objtool") ;;
        *) ours=(-B "$work/bin") ;;
    esac
    $compiler "${ours[@]}" -fPIC -shared -o ours.so $source "$@"
    clean ours.so
    CLOSE=1 run "$PWD/ours.so" -
    $compiler -fuse-ld=bfd -fPIC -shared -o bfd.so $source "$@"
    same_shape ours.so bfd.so
}

check "gcc C" on_cpu x86_64 built gcc c.c -lm -pthread
check "gcc C -g -Os" on_cpu x86_64 built gcc c.c -lm -pthread -g -Os -Wl,--gc-sections -ffunction-sections -Wl,--build-id
check "gcc C -Wl" on_cpu x86_64 built gcc c.c -lm -pthread -Wl,-z,now,-z,relro,-soname,libc.so.1,--hash-style=gnu -Wl,--as-needed -Wl,-O1
check "g++ C++" on_cpu x86_64 built g++ d.cc
check "g++ C++ static-libstdc++" on_cpu x86_64 built g++ d.cc -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL
check "clang C" on_cpu x86_64 built clang c.c -lm -pthread
check "clang++ C++" on_cpu x86_64 built clang++ d.cc -O2 -g
check "cross gcc C" on_cpu aarch64 built aarch64-linux-gnu-gcc c.c -lm -pthread
check "cross g++ C++" on_cpu aarch64 built aarch64-linux-gnu-g++ d.cc -O2
check "cross clang C" on_cpu aarch64 built "clang --target=aarch64-linux-gnu" c.c -lm -pthread
check "libtool's way" on_cpu x86_64 built gcc c.c -lm -pthread -nostartfiles -Wl,--whole-archive -Wl,--no-whole-archive

# under the name ld, archives follow ld's rule
ld_rule() {
    sources
    echo 'int used(void) { return 1; }' >used.c
    echo 'int unused(void) { return 2; }' >unused.c
    echo 'int used(void); int work(void) { return used() - 1; }' >w.c
    for f in used unused w; do cc -c $f.c; done
    ar rc liba.a used.o unused.o
    gcc -B "$work/bin" -shared -o ours.so w.o liba.a
    run "$PWD/ours.so" -
    [ -z "$(symbol ours.so unused)" ] || die "an archive was taken whole"
    gcc -B "$work/bin" -shared -o ours.so w.o -Wl,--whole-archive liba.a -Wl,--no-whole-archive
    [ -n "$(symbol ours.so unused)" ] || die "--whole-archive has no effect"
    "$work/bin/ld" -shared -o ours.so w.o liba.a
    [ -z "$(symbol ours.so unused)" ] || die "an archive was taken whole"
}
check "ld's rule" on_cpu x86_64 ld_rule

# a program is refused in one line
refused() {
    echo 'int main(void) { return 0; }' >m.c
    gcc -c m.c
    status=0
    gcc -B "$work/bin" -o program m.o 2>err || status=$?
    cat err
    [ "$status" != 0 ] || die "made a program"
    expect_text err '-shared'
    [ "$(grep -vc 'collect2' err)" = 1 ] || die "more than one line"
    [ ! -e program ] || die "there is an output all the same"
    for arguments in "-pie m.o" "-r m.o" "-static m.o" "m.o"; do
        expect_fail '[126]' "$work/bin/ld" -o program $arguments
        expect_text err '-shared'
        [ "$(wc -l <err)" = 1 ] || die "more than one line for $arguments"
    done
}
check "programs are refused" on_cpu x86_64 refused

# objects that hold only LTO code: an error that says what to do; fat ones are just objects
lto() {
    sources
    echo 'int helper(void) { return 4; }' >h.c
    echo 'int helper(void); int work(void) { return helper() - 4; }' >w.c
    gcc -fPIC -c h.c
    gcc -fPIC -flto -fno-fat-lto-objects -c w.c
    expect_fail '[16]' olink -o ours.so w.o h.o
    expect_text err 'w\.o' 'LTO\|lto' 'fat-lto-objects\|-fno-lto\|without -flto'
    if have clang; then
        clang -fPIC -flto -c w.c -o bitcode.o
        expect_fail '[146]' olink -o ours.so bitcode.o h.o
        expect_text err 'bitcode\.o' 'LTO\|bitcode' 'fno-lto\|without -flto'
    fi
    gcc -fPIC -flto -ffat-lto-objects -c w.c
    both_work w.o h.o
    reject_text <(readelf -SW ours.so) 'gnu\.lto'
    gcc -fPIC -flto -fno-fat-lto-objects -c w.c
    gcc-ar rc libw.a w.o 2>/dev/null || ar rc libw.a w.o
    expect_fail '[16]' olink -o ours.so libw.a h.o
    expect_text err 'libw\.a(w\.o)' 'LTO\|lto'
}
check lto on_cpu x86_64 lto

# gcc compiles the LTO code itself when it is told not to leave it to a plug-in
version() {
    "$work/bin/ld" --version >said
    expect_text said 'GNU ld\|compatible with GNU\|sysimage-tools'
    "$work/bin/ld" -v >said
    "$work/bin/ld" --help >said
    [ -s said ] || die "no help"
}
check version on_cpu x86_64 version
finish
