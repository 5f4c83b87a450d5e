#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU property notes: features that all objects have are kept, one object without drops them.
. "$(dirname "$0")/common.sh"

property() { readelf -nW "$1" 2>/dev/null | sed -n 's/.*Properties: //p; s/^ *\(x86\|AArch64\) feature/\1 feature/p'; }

sources() {
    echo 'int other(void); int work(void) { return other() - 1; }' >a.c
    echo 'int other(void) { return 1; }' >b.c
}

export NO_DSO=1 # the reference must not get an object of this test's own

features() {
    sources
    local all some
    case $arch in
        x86_64) all=-fcf-protection=full some=-fcf-protection=branch ;;
        *) all=-mbranch-protection=standard some=-mbranch-protection=bti ;;
    esac
    cc $all -c a.c
    cc $all -c b.c
    both_work a.o b.o "${libc[@]}"
    same "properties" <(property bfd.so) <(property ours.so)
    [ -n "$(property ours.so)" ] || die "no property"
    expect_text <(readelf -lW ours.so) GNU_PROPERTY
    cc $some -c b.c
    both_work a.o b.o
    same "properties of all and some" <(property bfd.so) <(property ours.so)
    case $arch in x86_64) cc -fcf-protection=none -c b.c ;; *) cc -mbranch-protection=none -c b.c ;; esac
    both_work a.o b.o
    same "properties of all and none" <(property bfd.so) <(property ours.so)
    case $arch in
        x86_64) reject_text <(property ours.so) IBT SHSTK ;;
        *) reject_text <(property ours.so) BTI PAC ;;
    esac
    # an assembler file without a note counts as an object without the feature
    echo '.section .note.GNU-stack,"",%progbits' >n.s
    "$AS" -mx86-used-note=no -o n.o n.s 2>/dev/null || "$AS" -o n.o n.s
    cc $all -c b.c
    both_work a.o b.o n.o
    same "properties with an assembler file" <(property bfd.so) <(property ours.so)
}
check_cpus features features

# calls go through PLT entries that the protected code may land on
protected_plt() {
    local flag
    case $arch in x86_64) flag=-fcf-protection=full ;; *) flag=-mbranch-protection=standard ;; esac
    echo '#include <stdlib.h>
        #include <string.h>
        int (*volatile call)(int) = abs;
        int work(void) { return abs((int)strlen(getenv("IMAGE")) * -1) < 2 || call(-3) != 3; }' >a.c
    cc $flag -fno-builtin -c a.c
    both_work a.o "${libc[@]}" -z lazy
    LAZY=1 run "$PWD/ours.so" -
    case $arch in
        x86_64) both_work a.o "${libc[@]}" -z ibt; both_work a.o "${libc[@]}" -z ibtplt; both_work a.o "${libc[@]}" -z shstk ;;
        *) both a.o "${libc[@]}" -z force-bti; both a.o "${libc[@]}" -z pac-plt ;;
    esac
}
check_cpus protected_plt protected_plt

needed_isa() {
    sources
    gcc -O2 -fPIC -c a.c -Wa,-mx86-used-note=yes
    gcc -O2 -fPIC -c b.c -Wa,-mx86-used-note=yes
    both_work a.o b.o
    same "properties" <(property bfd.so) <(property ours.so)
    ours_works a.o b.o -z x86-64-baseline # ld.bfd 2.40 aborts
}
check needed_isa on_cpu x86_64 needed_isa

# other notes are kept, each kind where it was asked to be
notes() {
    sources
    cat >n.s <<'E'
        .section .note.mine,"a",%note
        .balign 4
        .long 5, 4, 1
        .asciz "Mine"
        .balign 4
        .long 0x12345678
        .section .note.ABI-tag,"a",%note
        .balign 4
        .long 4, 16, 1
        .asciz "GNU"
        .long 0, 3, 2, 0
        .section .comment,"MS",%progbits,1
        .asciz "made by hand"
        .section .note.GNU-stack,"",%progbits
E
    "$AS" -o n.o n.s
    cc -c a.c
    cc -c b.c
    both_work a.o b.o n.o
    same "notes" <(readelf -nW bfd.so | grep -v '^$\|Displaying') <(readelf -nW ours.so | grep -v '^$\|Displaying')
    expect_text <(readelf -p .comment ours.so) 'made by hand' 'GCC:'
    [ "$(readelf -p .comment ours.so | grep -c 'GCC:')" = 1 ] || die ".comment is not merged"
}
check_cpus notes notes
finish
