#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# More than 65,280 sections in one object, and in an archive of many members; a million symbols.
. "$(dirname "$0")/common.sh"

object() {
    awk 'BEGIN {
        for (i = 0; i < 70000; i++) printf ".section .data.s%d,\"aw\",%%progbits\n.globl d%d\n.hidden d%d\nd%d: .long %d\n", i, i, i, i, i
        print ".section .data.table,\"aw\",%progbits\n.balign 8\n.globl table\n.hidden table\ntable:"
        for (i = 0; i < 70000; i += 7) print ".quad d" i
        print ".section .note.GNU-stack,\"\",%progbits" }' >many.s
    "$AS" -o many.o many.s
    [ "$(readelf -hW many.o | awk '/Number of section headers/ { print $5 }')" = 0 ] || die "not an object with many sections"
    echo 'extern int *table[10000] __attribute__((visibility("hidden")));
        extern int d69999 __attribute__((visibility("hidden")));
        int work(void) { for (int i = 0; i < 10000; i++) if (*table[i] != i * 7) return 1; return d69999 - 69999; }' >w.c
    cc -c w.c
    both_work many.o w.o
    both_work many.o w.o --gc-sections
    [ -z "$(symbol ours.so d3)" ] || die "d3 is there"
}
check_cpus object object

# groups, text sections and relocations by the ten thousand
functions() {
    awk 'BEGIN { print "extern int sink;";
        for (i = 0; i < 30000; i++) printf "int f%d(int x) { return x + %d; }\n", i, i
        print "int (*const all[])(int) = {"; for (i = 0; i < 30000; i++) printf "f%d,", i; print "};"
        print "int work(void) { for (int i = 0; i < 30000; i++) if (all[i](1) != i + 1) return 1; return 0; }" }' >f.c
    cc -O0 -ffunction-sections -fdata-sections -fasynchronous-unwind-tables -c f.c
    both_work f.o
    [ "$arch" != x86_64 ] || both_work f.o -Bsymbolic --gc-sections
}
check_cpus functions functions

# relocations, symbols and groups with extended section indices
extended() {
    for again in 0 1; do
        awk -v again=$again 'BEGIN {
            for (i = 0; i < 33000; i++) printf ".section .text.g%d,\"axG\",%%progbits,group%d,comdat\n.weak group%d\ngroup%d: .long %d\n", i, i, i, i, i
            if (!again) print ".data\n.globl last\nlast: .quad group32999, .text.g32998\n.size last,16\n.type last,%object"
            print ".section .note.GNU-stack,\"\",%progbits" }' >g$again.s
        "$AS" -o g$again.o g$again.s
    done
    echo 'extern int *last[2]; int work(void) { return *last[0] - 32999 || *last[1] - 32998; }' >w.c
    cc -c w.c
    both_work g0.o g1.o w.o
}
check_cpus extended extended
finish
