#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Input that cannot be linked: one clear error that names file, place and who refers; never an output, never a crash.
. "$(dirname "$0")/common.sh"

# bad STATUS PATTERN... -- ARG...: link fails so, says so, leaves nothing
bad() {
    local status=$1 patterns=()
    shift
    while [ "$1" != -- ]; do patterns+=("$1"); shift; done
    shift
    rm -f no.so
    expect_fail "$status" olink -o no.so "$@"
    expect_text err "${patterns[@]}"
    [ ! -e no.so ] || die "there is an output all the same"
    [ "$(wc -l <err)" -le 25 ] || die "$(wc -l <err) lines"
}

objects() {
    echo 'int missing_function(void); extern int missing_data; int user_one(void) { return missing_function() + missing_data; }' >u1.c
    echo 'int missing_function(void); int user_two(void) { return missing_function(); }' >u2.c
    echo 'int twice(void) { return 1; } int data_twice = 1;' >t1.c
    echo 'int twice(void) { return 2; } int data_twice = 2;' >t2.c
    for f in u1 u2 t1 t2; do cc -c $f.c; done
}

undefined() {
    objects
    bad 1 'missing_function' 'missing_data' 'u1\.o' 'u2\.o' 'user_one\|\.text' -- u1.o u2.o --no-undefined
    ar rc libu.a u1.o
    bad 1 'missing_function' 'libu\.a(u1\.o)' -- libu.a -z defs
    # C++ names are shown as written in the source
    echo 'namespace space { int f(const char *); } int user() { return space::f("x"); }' >c.cc
    cxx -c c.cc
    bad 1 'space::f(char const\*)' 'c\.o' -- c.o --no-undefined
    # hidden ones are an error always
    echo '__attribute__((visibility("hidden"))) extern int hidden_missing; int f(void) { return hidden_missing; }' >h.c
    cc -c h.c
    bad 1 'hidden_missing' 'h\.o' 'hidden' -- h.o
    # thousands are counted, not listed
    awk 'BEGIN { print ".data"; for (i = 0; i < 5000; i++) printf ".quad gone%d\n", i }' >many.s
    "$AS" -o many.o many.s
    bad 1 'gone' -- many.o --no-undefined
}
check_cpus undefined undefined

duplicate() {
    objects
    bad 1 'twice' 'data_twice' 't1\.o' 't2\.o' -- t1.o t2.o
    ar rc libt.a t1.o
    bad 1 'twice' 't2\.o' 'libt\.a(t1\.o)' -- t2.o libt.a
    bad 1 'twice' 't1\.o' -- t1.o t1.o
    olink -o ours.so t1.o t2.o --allow-multiple-definition
    olink -o ours.so t1.o t2.o -z muldefs
    # in a shared library it is no conflict
    cc -shared -o libt.so t2.c
    both t1.o ./libt.so
}
check_cpus duplicate duplicate

kinds() {
    objects
    bad '1|3' 'no_such\.o' 'No such file' -- t1.o no_such.o
    bad '1|3' -- t1.o "$PWD"
    bad '[134]' 'noread\.o\|directory' -- t1.o /
    : >empty.o
    bad '[145]' 'empty\.o' -- t1.o empty.o
    echo 'int main() { return 0; }' >text.o
    bad '[1245]' 'text\.o' -- t1.o text.o
    head -c 100 t1.o >cut.o
    bad 5 'cut\.o' -- t2.o cut.o
    head -c 1000 /dev/urandom >random.o
    bad '[1245]' 'random\.o' -- t2.o random.o
    printf '!<arch>\nshort' >short.a
    bad 5 'short\.a' -- t2.o short.a
    printf '!<arch>\n' >bare.a
    olink -o ours.so t1.o bare.a
    echo 'int main(void) { return 0; }' >p.c
    "$CC" -o program p.c
    "$CC" -no-pie -o fixed p.c
    bad '[16]' 'program' -- t1.o ./program
    bad '[16]' 'fixed' -- t1.o ./fixed
}
check_cpus kinds kinds

machines() {
    objects
    cp t1.o x86.o
    if have aarch64-linux-gnu-gcc; then
        aarch64-linux-gnu-gcc -c t2.c -o arm.o
        bad '[16]' 'arm\.o' 'aarch64\|AArch64\|ARM' 'x86[-_]64' -- x86.o arm.o
        bad '[16]' 'x86\.o' -- arm.o x86.o
        ar rc libarm.a arm.o
        bad '[16]' 'libarm\.a(arm\.o)' -- x86.o libarm.a
        # -l skips a library of another CPU, as ld does, if there is one that fits
        mkdir -p wrong right
        cp libarm.a wrong/libm.a
        ar rc right/libm.a t2.o
        olink -o ours.so u1.o -Lwrong -Lright -lm
        bad '[16]' -- x86.o -m aarch64linux
    fi
    gcc -m32 -c t2.c -o i386.o 2>/dev/null && bad '[16]' 'i386\.o' -- x86.o i386.o
    gcc -mx32 -c t2.c -o x32.o 2>/dev/null && bad '[16]' 'x32\.o' -- x86.o x32.o
    if have llvm-mc; then
        for triple in mips64-linux-gnu riscv64-linux-gnu powerpc64le-linux-gnu s390x-linux-gnu aarch64_be-linux-gnu x86_64-apple-ios14 x86_64-windows-gnu; do
            echo '.data' | llvm-mc -triple=$triple -filetype=obj -o other.o 2>/dev/null || continue
            bad '[146]' 'other\.o' -- x86.o other.o
            case $triple in *apple* | *windows*) continue ;; esac # linked by itself, that is a library for another system
            bad '[146]' 'other\.o' -- other.o
        done
    fi
}
check machines on_cpu x86_64 machines

# code that was compiled for programs
not_pic() {
    echo '#include <stdio.h>
        int own_data = 3; int uses_stderr(void) { fprintf(stderr, "x"); return own_data; }' >p.c
    case $arch in
        x86_64)
            gcc -O2 -fno-pic -mcmodel=small -c p.c
            bad 1 'p\.o' 'uses_stderr\|\.text' 'own_data\|stderr\|\.rodata' 'R_X86_64_' 'fPIC\|position' -- p.o "${libdirs[@]}" -lc
            gcc -O2 -fpie -c p.c
            bad 1 'p\.o' 'uses_stderr\|\.text' 'stderr\|own_data' 'R_X86_64_' 'fPIC\|position' -- p.o "${libdirs[@]}" -lc ;;
        aarch64)
            aarch64-linux-gnu-gcc -O2 -fno-pic -c p.c
            bad 1 'p\.o' 'uses_stderr\|\.text' 'own_data\|stderr' 'R_AARCH64_' 'fPIC\|position' -- p.o "${libdirs[@]}" -lc ;;
    esac
    ar rc libp.a p.o
    bad 1 'libp\.a(p\.o)' 'uses_stderr\|\.text' -- libp.a "${libdirs[@]}" -lc
}
check_cpus not_pic not_pic

# every byte changed in turn: an error or a file that is sound, never a crash or a hang
damaged() {
    need python3
    echo 'static int x = 1; int *p = &x; __thread int t; int work(void) { return *p - 1 + t; }' >d.c
    cc -g -c d.c
    python3 - "$OBJTOOL" <<'E'
import random, subprocess, sys
tool, data = sys.argv[1], open('d.o', 'rb').read()
random.seed(1)
seen = {}
header = list(range(64)) + list(range(len(data) - 64 * 12, len(data)))
for n in range(400):
    bad = bytearray(data)
    for _ in range(random.choice([1, 1, 1, 2, 5])):
        at = random.choice(header) if n % 2 else random.randrange(len(data))
        bad[at] = random.choice([0, 0xff, 0x80, 0x7f, random.randrange(256)])
    open('bad.o', 'wb').write(bad)
    r = subprocess.run([tool, 'link', '-o', 'bad.so', 'bad.o'], capture_output=True, timeout=20)
    seen[r.returncode] = seen.get(r.returncode, 0) + 1
    if r.returncode not in (0, 1, 3, 4, 5, 6, 7):
        open('crash.o', 'wb').write(bad)
        sys.exit('run %d: status %d: %s' % (n, r.returncode, r.stderr[-500:]))
    if r.returncode and not r.stderr:
        sys.exit('run %d: status %d and not a word' % (n, r.returncode))
print(seen)
E
}
check_cpus damaged damaged

# several errors in one go, each once
several() {
    objects
    bad 1 'twice' -- t1.o t2.o u1.o u2.o --no-undefined
    [ "$(grep -c 'data_twice' err)" = 1 ] || die "data_twice is reported $(grep -c data_twice err) times"
}
check several on_cpu x86_64 several
finish
