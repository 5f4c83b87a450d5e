#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Mergeable strings and constants: once each, every reference still right.
. "$(dirname "$0")/common.sh"

strings() {
    for n in 1 2 3; do
        echo "const char *const list$n[] = {\"shared by all\", \"only $n\", \"by all\", \"\", \"tail of $n\"};
            const char *tail$n(void) { return \"a longer tail of $n\"; }
            const char *middle$n(void) { return \"shared by all\" + 3; }
            const wchar_t *wide$n(void) { return L\"wide shared\"; }" | sed '1i #include <stddef.h>' >s$n.c
        cc -O2 -c s$n.c
    done
    cat >w.c <<'E'
#include <string.h>
#include <wchar.h>
#define ONE(n) extern const char *const list##n[]; const char *tail##n(void), *middle##n(void); const wchar_t *wide##n(void);
ONE(1) ONE(2) ONE(3)
#define TEST(n) (strcmp(list##n[0], "shared by all") || strcmp(list##n[1], "only " #n) || strcmp(list##n[2], "by all") || \
    *list##n[3] || strcmp(tail##n(), "a longer tail of " #n) || strcmp(middle##n(), "red by all") || wcscmp(wide##n(), L"wide shared"))
int work(void) { return TEST(1) || TEST(2) || TEST(3); }
E
    cc -c w.c
    both_work s1.o s2.o s3.o w.o "${libc[@]}"
    LC_ALL=C grep -a -o 'only [123]' ours.so | sort | uniq -d | grep . && die "a string is there twice"
    [ "$(grep -a -o 'shared by all' ours.so | wc -l)" = 1 ] || die "the shared string is there $(grep -a -o 'shared by all' ours.so | wc -l) times"
}
check_cpus strings strings

# references with an offset into a string and into a string's end; sections of several entry sizes;
# one section with the flag but without entries; a last string without NUL is malformed
assembly() {
    cat >a.s <<'E'
        .section .rodata.str1.1,"aMS",%progbits,1
.La:    .asciz "first"
.Lb:    .asciz "second"
        .section .rodata.cst8,"aM",%progbits,8
        .balign 8
.Lc:    .quad 0x1111, 0x2222, 0x1111
        .section .rodata.str4.4,"aMS",%progbits,4
        .balign 4
.Lw:    .long 'w', 'x', 0
        .section .rodata.empty,"aMS",%progbits,1
        .data
        .globl table
        .type table, %object
        .size table, 64
        .balign 8
table:  .quad .La, .Lb, .Lb + 3, .La + 5
        .quad .rodata.cst8 + 8, .rodata.cst8 + 16, .Lw + 4, .rodata.str1.1 + 6
        .section .note.GNU-stack,"",%progbits
E
    sed 's/first/second/; s/"second"$/"first"/' a.s | sed 's/table/table2/' >b.s
    "$AS" -o a.o a.s
    "$AS" -o b.o b.s
    cat >w.c <<'E'
#include <string.h>
extern const char *table[8];
int work(void)
{
    if (strcmp(table[0], "first") || strcmp(table[1], "second") || strcmp(table[2], "ond") || *table[3]) return 1;
    if (*(const long *)table[4] != 0x2222 || *(const long *)table[5] != 0x1111 || *(const int *)table[6] != 'x') return 2;
    return strcmp(table[7], "second");
}
E
    cc -c w.c
    both_work a.o b.o w.o "${libc[@]}"
    both_work b.o a.o w.o "${libc[@]}"
}
check_cpus assembly assembly

# many strings, most of them in several files
many() {
    for n in 1 2 3 4; do
        awk -v n=$n 'BEGIN { print "const char *const many" n "[] = {"; for (i = 0; i < 20000; i++) print "\"text number " (i * n % 30011) "\","; print "};" }' >m$n.c
        cc -O0 -c m$n.c
    done
    cat >w.c <<'E'
#include <stdio.h>
#include <string.h>
extern const char *const many1[], *const many2[], *const many3[], *const many4[];
int work(void)
{
    const char *const *all[] = {many1, many2, many3, many4};
    for (int n = 1; n <= 4; n++)
        for (int i = 0; i < 20000; i++) {
            char want[50];
            sprintf(want, "text number %d", i * n % 30011);
            if (strcmp(all[n - 1][i], want)) return 1;
        }
    return 0;
}
E
    cc -c w.c
    both_work m1.o m2.o m3.o m4.o w.o "${libc[@]}"
    ours=$(stat -c %s ours.so) theirs=$(stat -c %s bfd.so)
    [ "$ours" -lt $((theirs * 11 / 10)) ] || die "size $ours, ld.bfd's $theirs"
}
check_cpus many many
finish
