#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Archives of every kind, shared libraries, and linker scripts where a library is expected.
. "$(dirname "$0")/common.sh"

members() {
    mkdir -p one two
    echo 'int from_one(void) { return 1; }' >one/same.c
    echo 'int from_two(void) { return 2; }' >two/same.c
    echo 'int long_name(void) { return 3; }' >a_member_with_a_name_of_more_than_sixteen_letters.c
    cc -c one/same.c -o one/same.o
    cc -c two/same.c -o two/same.o
    cc -c a_member_with_a_name_of_more_than_sixteen_letters.c
    echo 'int from_one(void), from_two(void), long_name(void); int work(void) { return from_one() + from_two() + long_name() - 6; }' >w.c
    cc -c w.c
    objects=(one/same.o two/same.o a_member_with_a_name_of_more_than_sixteen_letters.o)
}

use_it() {
    both_work w.o "$1"
    both_work w.o --no-whole-archive "$1"
    both_work w.o --no-whole-archive "$PWD/$1" --gc-sections
    mkdir -p "dir.$1"
    cp "$1" "dir.$1/libit.a" 2>/dev/null || true
    [ "${2:-}" = thin ] || both_work w.o "-Ldir.$1" -lit
    [ "${2:-}" = thin ] || both_work w.o -L "dir.$1" -l:libit.a
}

same_names() {
    members
    ar qc libx.a "${objects[@]}"
    ranlib libx.a
    use_it libx.a
    expect_fail 1 olink -o bad.so w.o libx.a libx.a
    expect_text err 'from_one' 'libx\.a(same\.o)'
}
check_cpus same_names same_names

thin() {
    members
    ar qcT libthin.a "${objects[@]}"
    ranlib libthin.a
    use_it libthin.a thin
    mkdir -p elsewhere
    (cd elsewhere && olink -o there.so ../w.o ../libthin.a) # members are found beside the archive
    rm two/same.o
    expect_fail '1|3' olink -o bad.so w.o libthin.a
    expect_text err 'two/same\.o' 'libthin\.a'
}
check_cpus thin thin

bsd() {
    need llvm-ar
    members
    llvm-ar --format=bsd qc libbsd.a "${objects[@]}"
    grep -a -q '^#1/' libbsd.a || die "not a BSD archive"
    ours_works w.o libbsd.a # GNU ld reads neither
    ours_works w.o --no-whole-archive libbsd.a
    llvm-ar --format=darwin qc libdarwin.a "${objects[@]}"
    ours_works w.o libdarwin.a
    ours_works w.o --no-whole-archive libdarwin.a
}
check_cpus bsd bsd

no_index() {
    members
    ar qcS libnone.a "${objects[@]}"
    ours_works w.o libnone.a
    ours_works w.o --no-whole-archive libnone.a # ld.bfd refuses; reading the members is better
}
check_cpus no_index no_index

# a 64-bit index; an index with entries nobody defines; an empty archive; other files among the members
odd() {
    members
    need llvm-ar
    SYM64_THRESHOLD=1 llvm-ar qc lib64.a "${objects[@]}"
    grep -a -q '^/SYM64/' lib64.a || skip "llvm-ar writes no 64-bit index"
    ours_works w.o --no-whole-archive lib64.a
    ar qc libempty.a
    both_work w.o "${objects[@]}" libempty.a
    echo 'just a text' >readme.txt
    ar qc libtext.a readme.txt "${objects[@]}"
    ranlib libtext.a
    both_work w.o --no-whole-archive libtext.a
    expect_fail '[1-6]' olink -o bad.so w.o libtext.a
    expect_text err 'libtext\.a(readme\.txt)'
}
check_cpus odd odd

# groups: members that need each other in turns
group() {
    echo 'int b(void); int a(void) { return b() + 1; } int a2(void) { return 5; }' >a.c
    echo 'int a2(void); int b(void) { return a2() + 1; }' >b.c
    echo 'int a2(void) { return 5; }' >a2.c
    echo 'int a(void) { int b(void); return b() + 1; }' >a.c
    echo 'int a(void); int work(void) { return a() - 7; }' >w.c
    for f in a b a2 w; do cc -c $f.c; done
    mkdir -p libs
    ar rc libs/liba.a a.o a2.o
    ar rc libs/libb.a b.o
    both_work w.o -Llibs --start-group -la -lb --end-group --no-undefined
    both_work w.o -Llibs '-(' -lb -la '-)' --no-undefined
    both_work w.o -Llibs -la -lb -la --no-undefined
    # by ld's rule, once: a2 is missing
    olink -o no.so w.o -Llibs -la -lb
    [ "$(symbol no.so a2 | cut -d' ' -f4)" = UND ] || die "-la was searched again without a group"
}
check group on_cpu x86_64 group

whole_switches() {
    members
    ar rc libx.a "${objects[@]}"
    mkdir -p libs
    cp libx.a libs/
    echo 'int work(void) { return 0; }' >w.c
    cc -c w.c
    both_work w.o -Llibs --whole-archive -lx --no-whole-archive
    [ -n "$(symbol ours.so long_name)" ] || die "--whole-archive -l"
    both_work w.o --no-whole-archive libx.a
    [ -z "$(symbol ours.so long_name)" ] || die "--no-whole-archive"
    bfd -o bfd.so w.o --push-state --whole-archive -Llibs -lx --pop-state
    olink -o ours.so w.o --push-state --whole-archive -Llibs -lx --pop-state
    same_shape ours.so bfd.so
}
check_cpus whole_switches whole_switches

# what /usr/lib has as libc.so, libm.so, libpthread.a: scripts with GROUP, INPUT, AS_NEEDED
scripts() {
    echo 'int n1(void) { return 1; }' >n1.c
    echo 'int n2(void) { return 2; }' >n2.c
    echo 'int n3(void) { return 3; }' >n3.c
    cc -shared -o libn1.so n1.c -Wl,-soname,libn1.so
    cc -shared -o libn2.so n2.c -Wl,-soname,libn2.so
    cc -c n3.c
    ar rc libn3.a n3.o
    echo 'int n1(void), n3(void); int work(void) { return n1() + n3() - 4; }' >w.c
    cc -c w.c
    echo '/* GNU ld script */ INPUT ( libn1.so AS_NEEDED ( -ln2 ) -ln3 )' >libscript.so
    both_work w.o -L. -lscript -rpath "$PWD"
    [ "$(needed ours.so)" = libn1.so ] || die "$(needed ours.so)"
    echo "OUTPUT_FORMAT($([ "$arch" = x86_64 ] && echo elf64-x86-64 || echo elf64-littleaarch64))
        GROUP ( libn3.a AS_NEEDED ( libn2.so ) ./libn1.so )" >libgroup.so
    both_work w.o ./libgroup.so -L. -rpath "$PWD"
    echo "GROUP($PWD/libn3.a $PWD/libn1.so)" >script.ld
    both_work w.o script.ld -rpath "$PWD"
    echo 'SEARCH_DIR(deeper) INPUT(-ln4)' >s.ld
    mkdir -p deeper
    cc -shared -o deeper/libn4.so n2.c -Wl,-soname,libn4.so
    both w.o s.ld
    # the system's own
    echo '#include <math.h>
        #include <stdlib.h>
        double volatile x = 9; int work(void) { return abs((int)(sqrt(x) + pow(x, 2)) - 84); }' >m.c
    cc -fno-builtin -c m.c
    both_work m.o "${libdirs[@]}" -lm -lc --no-undefined
    echo 'GROUP ( no_such_file.so )' >bad.ld
    expect_fail '1|3' olink -o bad.so w.o bad.ld
    expect_text err 'no_such_file'
    echo 'SECTIONS { .text : { *(.text) } }' >layout.ld
    status=0
    olink -o bad.so w.o layout.ld 2>err || status=$?
    cat err
    [ "$status" != 0 ] && [ "$status" -lt 70 ] || die "a script with SECTIONS gave $status"
    expect_text err 'layout\.ld' SECTIONS
}
check_cpus scripts scripts

# -L order, -l names, --sysroot, --library forms, -Bstatic and -Bdynamic
search() {
    mkdir -p d1 d2
    echo 'int which(void) { return 1; }' >1.c
    echo 'int which(void) { return 2; }' >2.c
    cc -c 1.c
    cc -c 2.c
    ar rc d1/libw.a 1.o
    "$CC" -shared -o d2/libw.so 2.o -Wl,-soname,libw.so
    echo 'int which(void); int work(void) { return which() != WANT; }' >w.c
    cc -c w.c -DWANT=1
    both_work w.o -Ld1 -Ld2 -lw
    both_work w.o -L d1 --library=w
    both_work w.o --library-path d1 --library-path=d2 --library w
    both_work w.o -lw -Ld1 # -L counts wherever it stands
    cp d1/libw.a d2/
    cc -c w.c -DWANT=2
    both_work w.o -Ld2 -lw -rpath "$PWD/d2"
    cc -c w.c -DWANT=1
    both_work w.o -Ld2 -Bstatic -lw -Bdynamic
    both_work w.o -Ld2 -static -lw
    both_work w.o -Ld2 -dn -lw -dy
    expect_fail '1|3' olink -o no.so w.o -Ld1 -lnot_there
    expect_text err 'not_there'
}
check_cpus search search
finish
