#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The dynamic section and the segments by option: libraries needed, binding, RELRO, RELR, page size, hash
# tables, build-id, run paths.
. "$(dirname "$0")/common.sh"

sources() {
    echo 'int needed_one(void) { return 1; }' >n1.c
    echo 'int needed_two(void) { return 2; }' >n2.c
    for n in 1 2; do cc -shared -o libn$n.so n$n.c -Wl,-soname,libn$n.so.7; ln -sf libn$n.so libn$n.so.7; done
    cat >w.c <<'E'
#include <string.h>
int needed_one(void);
static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
const char *const *const more[] = {names, names + 1, names + 2};
char *writable[40] = {(char *)"x"};
static int cleared[3000];
int work(void) { cleared[2999]++; return strcmp(more[2][5], "h") || *writable[0] != 'x' || needed_one() != 1; }
E
    cc -c w.c
    libs=(-L. -ln1 "${libdirs[@]}" -lc -rpath "$PWD")
}

as_needed() {
    sources
    both_work w.o -L. -ln1 -ln2 "${libdirs[@]}" -lc -rpath "$PWD"
    [ "$(needed ours.so | tr '\n' ' ')" = "libn1.so.7 libn2.so.7 libc.so.6 " ] || die "$(needed ours.so)"
    both_work w.o -L. --as-needed -ln1 -ln2 --no-as-needed "${libdirs[@]}" -lc -rpath "$PWD"
    [ "$(needed ours.so | tr '\n' ' ')" = "libn1.so.7 libc.so.6 " ] || die "$(needed ours.so)"
    both_work --as-needed -L. -ln2 -ln1 w.o "${libdirs[@]}" -lc -rpath "$PWD" -ln1
    both_work w.o ./libn1.so -L. -l:libn2.so "${libdirs[@]}" -lc -rpath "$PWD"
    # the same library twice is needed once
    both_work w.o -L. -ln1 ./libn1.so "${libdirs[@]}" -lc -lc -rpath "$PWD"
    # a library without soname is needed under the name it was given by
    cc -shared -o libplain.so n1.c
    both_work w.o -L. -lplain "${libdirs[@]}" -lc -rpath "$PWD"
}
check_cpus as_needed as_needed

undefined() {
    sources
    echo 'int nowhere_defined(void); int f(void) { return nowhere_defined(); }' >u.c
    cc -c u.c
    olink -o ours.so u.o
    [ "$(symbol ours.so nowhere_defined)" = "NOTYPE GLOBAL DEFAULT UND 0" ] || die "$(symbol ours.so nowhere_defined)"
    rm ours.so
    for option in --no-undefined '-z defs' '-zdefs'; do
        expect_fail 1 olink -o ours.so u.o $option
        expect_text err nowhere_defined 'u\.o' '\bf\b\|\.text'
        [ ! -e ours.so ] || die "there is an output all the same"
    done
    both_work w.o "${libs[@]}" --no-undefined
    both u.o --no-undefined -z undefs
    echo 'extern int maybe(void) __attribute__((weak)); int work(void) { return maybe ? maybe() : 0; }' >weak.c
    cc -c weak.c
    both_work weak.o --no-undefined
    # --unresolved-symbols, --warn-unresolved-symbols as gcc users know them
    both u.o --no-undefined --unresolved-symbols=ignore-all
}
check_cpus undefined undefined

# a library needed by a library: found by --rpath-link and not needed itself
rpath_link() {
    mkdir -p inner
    echo 'int inner(void) { return 3; }' >i.c
    cc -shared -o inner/libinner.so i.c -Wl,-soname,libinner.so
    echo 'int inner(void); int outer(void) { return inner(); }' >o.c
    cc -shared -o libouter.so o.c -Linner -linner -Wl,-soname,libouter.so,-rpath,"$PWD/inner"
    echo 'int outer(void); int work(void) { return outer() - 3; }' >w.c
    cc -c w.c
    both_work w.o -L. -louter -rpath "$PWD" -rpath-link inner --no-undefined
    both_work w.o -L. -louter -rpath="$PWD:/second" --rpath-link=inner
    [ "$(needed ours.so)" = libouter.so ] || die "$(needed ours.so)"
    expect_text <(dynamic ours.so) 'RUNPATH.*:/second'
    both_work w.o -L. -louter -rpath "$PWD" --disable-new-dtags
    expect_text <(dynamic ours.so) '^ *RPATH'
    both_work w.o -L. -louter --enable-new-dtags -rpath "$PWD" -rpath /another -R /third
}
check_cpus rpath_link rpath_link

binding() {
    sources
    both_work w.o "${libs[@]}" -z now
    expect_text <(dynamic ours.so) '\bNOW\b'
    both_work w.o "${libs[@]}" -z lazy
    reject_text <(dynamic ours.so) '\bNOW\b'
    LAZY=1 run "$PWD/ours.so" -
    both_work w.o "${libs[@]}" -z nodelete -z origin -z initfirst -z interpose -z nodefaultlib
    same flags <(dynamic bfd.so | grep FLAGS) <(dynamic ours.so | grep FLAGS)
    both w.o "${libs[@]}" -z nodlopen -z global
    same flags <(dynamic bfd.so | grep FLAGS) <(dynamic ours.so | grep FLAGS)
}
check_cpus binding binding

# RELRO covers all that is only written by relocation, ends on a page, and is really read-only afterwards
relro() {
    sources
    cat >r.c <<'E'
#include <stdio.h>
#include <stdlib.h>
extern const char *const *const more[];
extern char *writable[];
static int writable_page(const void *p)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[500], mode[5];
    unsigned long from, to;
    int result = -1;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) == 3 && from <= (unsigned long)p && (unsigned long)p < to)
            result = mode[1] == 'w';
    fclose(f);
    return result;
}
int relro(void) { return writable_page(more) == 0 && writable_page(writable) == 1 ? 0 : 1; }
E
    cc -c r.c
    both w.o r.o "${libs[@]}" -z relro
    expect_text <(readelf -lW ours.so) GNU_RELRO
    run "$PWD/ours.so" - relro
    both w.o r.o "${libs[@]}" -z relro -z now
    run "$PWD/ours.so" - relro
    both w.o r.o "${libs[@]}" -z norelro
    reject_text <(readelf -lW ours.so) GNU_RELRO
}
check_cpus relro relro

relr() {
    local try=both_work
    [ "$arch" = x86_64 ] || try=ours_works # ld.bfd 2.40 has it for x86-64 only
    sources
    sed -i 's/^int work.*/#include <stdlib.h>\n&/; s/return strcmp/return !getenv("IMAGE") || strcmp/' w.c
    cc -c w.c
    $try w.o "${libs[@]}" -z pack-relative-relocs
    expect_text <(dynamic ours.so) '^ *RELR ' RELRSZ RELRENT
    expect_text <(version_needs ours.so) 'libc.so.6 GLIBC_ABI_DT_RELR'
    [ "$arch" != x86_64 ] || [ "$(readelf -rW ours.so | grep -c _RELATIVE)" -le "$(readelf -rW bfd.so | grep -c _RELATIVE)" ] ||
        die "$(readelf -rW ours.so | grep -c _RELATIVE) RELATIVE relocations are left"
    both_work w.o "${libs[@]}" -z nopack-relative-relocs
    reject_text <(dynamic ours.so) RELR
    # many: long bitmaps, gaps, a slot at an odd address that RELR cannot hold
    awk 'BEGIN { print ".data\n.balign 8\n.globl big\nbig:"; for (i = 0; i < 5000; i++) { print ".quad big + " i; if (i % 130 == 0) print ".zero 1000"; if (i % 7 == 0) print ".quad 5" }
        print "odd: .byte 1\n.quad big + 1\n.section .note.GNU-stack,\"\",%progbits" }' >big.s
    "$AS" -o big.o big.s
    $try w.o big.o "${libs[@]}" -z pack-relative-relocs -Bsymbolic
    echo 'static int zero; int *one_pointer = &zero; int work(void) { return *one_pointer; }' >one.c
    cc -c one.c
    $try one.o "${libdirs[@]}" -lc -z pack-relative-relocs -Bsymbolic
}
check_cpus relr relr

page_size() {
    sources
    for size in 0x1000 0x4000 0x10000 0x200000; do
        both_work w.o "${libs[@]}" -z max-page-size=$size
        readelf -lW ours.so | awk '$1 == "LOAD" { print $NF }' | sort -u >aligns
        [ "$(cat aligns)" = "0x${size#0x}" ] || [ "$(cat aligns)" = "$size" ] || die "-z max-page-size=$size: $(cat aligns)"
        [ "$(stat -c %s ours.so)" -lt $((4 * $(stat -c %s bfd.so) + 100000)) ] || die "$(stat -c %s ours.so) bytes"
    done
    both_work w.o "${libs[@]}" -z max-page-size=65536 -z common-page-size=4096
    both_work w.o "${libs[@]}" -z max-page-size=0x1000 -z separate-code
    both_work w.o "${libs[@]}" -z noseparate-code
    expect_fail 2 olink -o no.so w.o -z max-page-size=12345
}
check_cpus page_size page_size

hash_style() {
    awk 'BEGIN { for (i = 0; i < 3000; i++) printf "int function_number_%d(void) { return %d; }\n", i, i }' >f.c
    cat >w.c <<'E'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int work(void)
{
    void *self = dlopen(getenv("IMAGE"), RTLD_NOW | RTLD_NOLOAD);
    for (int i = 0; i < 3000; i++) {
        char name[50];
        int (*f)(void);
        sprintf(name, "function_number_%d", i);
        f = dlsym(self, name);
        if (!f || f() != i) return 1;
    }
    return dlsym(self, "function_number_3000") != 0;
}
E
    cc -O0 -c f.c
    cc -c w.c
    for style in sysv gnu both; do
        both_work f.o w.o "${libdirs[@]}" -lc --hash-style=$style
        same "hash tables" <(dynamic bfd.so | grep -oE '(GNU_)?HASH' | sort) <(dynamic ours.so | grep -oE '(GNU_)?HASH' | sort)
    done
    expect_fail 2 olink -o no.so f.o --hash-style=elvish
}
check_cpus hash_style hash_style

build_id() {
    sources
    id() { readelf -nW "$1" | sed -n 's/.*Build ID: //p'; }
    for form in '' =sha1 =md5 =0x0123456789abcdef =fast =tree; do
        olink -o ours.so w.o "${libs[@]}" --build-id$form || { [ "$form" = =fast ] && continue; [ "$form" = =tree ] && continue; die "--build-id$form"; }
        clean ours.so
        id ours.so >id$form
    done
    [ "$(wc -c <id)" = 41 ] || die "the default is not a 160 bit number: $(cat id)"
    [ "$(wc -c <id=md5)" = 33 ] || die "md5: $(cat id=md5)"
    [ "$(cat id=0x0123456789abcdef)" = 0123456789abcdef ] || die "$(cat id=0x0123456789abcdef)"
    olink -o ours.so w.o "${libs[@]}" --build-id=uuid
    olink -o ours2.so w.o "${libs[@]}" --build-id=uuid
    [ "$(id ours.so)" != "$(id ours2.so)" ] || die "uuid twice the same"
    olink -o ours.so w.o "${libs[@]}" --build-id --build-id=none
    [ -z "$(id ours.so)" ] || die "none: $(id ours.so)"
    olink -o ours.so w.o "${libs[@]}" --build-id
    olink -o ours2.so w.o "${libs[@]}" --build-id -z now
    [ "$(id ours.so)" = "$(cat id)" ] || die "not the same for the same input"
    [ "$(id ours.so)" != "$(id ours2.so)" ] || die "the same for another output"
    expect_fail 2 olink -o no.so w.o --build-id=0x123xyz
}
check_cpus build_id build_id

soname() {
    sources
    for form in '-soname libx.so.1' -soname=libx.so.1 '-h libx.so.1' --soname=libx.so.1; do
        both_work w.o "${libs[@]}" $form
        expect_text <(dynamic ours.so) 'SONAME.*libx.so.1'
    done
}
check_cpus soname soname

# an image without any data, without any code, without anything
little() {
    echo 'static const int nothing_at_all;' >e.c
    cc -c e.c
    olink -o ours.so e.o
    clean ours.so
    run "$PWD/ours.so"
    echo 'const int only_data = 7;' >d.c
    cc -c d.c
    both d.o
    run "$PWD/ours.so"
    echo 'int only_bss[100000];' >b.c
    cc -c b.c
    both b.o
    run "$PWD/ours.so"
    [ "$(stat -c %s ours.so)" -lt 100000 ] || die ".bss takes room in the file"
}
check_cpus little little

segments() {
    sources
    both_work w.o "${libs[@]}"
    readelf -lW ours.so >segments
    expect_text segments 'GNU_STACK .* RW ' 'DYNAMIC' 'LOAD'
    local end=0 addr size
    while read -r addr size; do
        ((addr >= end)) || { cat segments; die "segments overlap or are out of order"; }
        end=$((addr + size))
    done < <(awk '$1 == "LOAD" { print $3, $6 }' segments)
    printf '.globl f\nf: .long 0\n' >stack.s   # no .note.GNU-stack: not a reason for an executable stack
    "$AS" -o stack.o stack.s
    olink -o ours.so w.o stack.o "${libs[@]}" 2>err
    expect_text <(readelf -lW ours.so) 'GNU_STACK .* RW '
    olink -o ours.so w.o "${libs[@]}" -z execstack
    expect_text <(readelf -lW ours.so) 'GNU_STACK .* RWE '
}
check_cpus segments segments
finish
