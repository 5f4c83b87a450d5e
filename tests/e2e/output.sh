#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the link says: map, trace, progress; and how it is told: response files, both spellings of options.
. "$(dirname "$0")/common.sh"

sources() {
    echo 'int helper(void); int work(void) { return helper() - 4; }' >w.c
    echo 'int helper(void) { return 4; } int other(void) { return 5; }' >h.c
    cc -ffunction-sections -c w.c
    cc -ffunction-sections -c h.c
    ar rc libh.a h.o
}

map() {
    sources
    for form in '-Map=ours.map' '-Map ours.map' '--Map=ours.map' '-M'; do
        rm -f ours.map
        olink -o ours.so w.o libh.a $form >stdout
        [ "$form" != -M ] || cp stdout ours.map
        expect_text ours.map '\.text\.work' 'w\.o' 'libh\.a(h\.o)' '\bhelper\b' '\.dynsym'
    done
    # addresses in the map are those of the file
    addr=$(readelf -sW ours.so | awk '$8 == "helper" { print $2; exit }' | sed 's/^0*//')
    expect_text ours.map "0x0*$addr.*helper"
    expect_fail 3 olink -o no.so w.o -Map=no/such/directory/map
}
check map on_cpu x86_64 map

trace() {
    sources
    mkdir -p libs
    mv libh.a libs/
    for form in --trace -t; do
        olink -o ours.so w.o -Llibs -lh "${libdirs[@]}" -lc $form >said 2>&1
        expect_text said '^w\.o$' 'libs/libh\.a(h\.o)\|(libs/libh\.a)h\.o' 'libc\.so\.6'
        reject_text said 'warning'
    done
    olink -o ours.so w.o -Llibs -lh "${libdirs[@]}" -lc --trace-symbol=helper >said 2>&1
    expect_text said 'helper' 'h\.o'
    olink -o ours.so w.o -Llibs -lh >said 2>&1
    [ ! -s said ] || { cat said; die "a link that went well has nothing to say"; }
}
check trace on_cpu x86_64 trace

response_files() {
    sources
    printf '%s\n' '-o ours.so' w.o "'libh.a'" >first.rsp
    olink @first.rsp
    run "$PWD/ours.so" -
    mkdir -p 'a b'
    cp w.o 'a b/w.o'
    printf '%s\n' '"a b/w.o" libh\.a' '-soname "with space.so" -z' 'now' >inner.rsp
    printf '@inner.rsp -o\n\tours.so\n' >outer.rsp
    olink @outer.rsp
    run "$PWD/ours.so" -
    expect_text <(dynamic ours.so) 'with space.so' '\bNOW\b'
    cp w.o @odd.o # a name with @ that is no file to read options from
    expect_fail '[1-4]' olink -o ours.so @nowhere.rsp
    expect_text err nowhere
    printf '@loop.rsp\n' >loop.rsp
    expect_fail '[1-7]' olink -o ours.so @loop.rsp w.o
}
check response_files on_cpu x86_64 response_files

spellings() {
    sources
    olink --output=ours.so w.o libh.a
    run "$PWD/ours.so" -
    olink w.o libh.a --output ours.so
    olink -oours.so w.o libh.a -znow -zrelro -Lx -L x -rpath=/a -rpath /b -m elf_x86_64 -O2 -O1 --sort-common \
        -melf_x86_64 --eh-frame-hdr -shared -Bshareable --no-add-needed -G 8 --enable-new-dtags -e work -nostdlib \
        --build-id=none -EL --no-warn-mismatch --warn-common --fatal-warnings --no-fatal-warnings -g --discard-none \
        -dynamic-linker /lib64/ld-linux-x86-64.so.2 --no-copy-dt-needed-entries -z noexecstack -z text -z combreloc \
        --no-omagic --allow-multiple-definition -plugin /nowhere.so -plugin-opt=-pass-through=-lgcc --demangle --no-demangle
    clean ours.so
    run "$PWD/ours.so" -
    expect_fail 2 olink -o ours.so w.o --no-such-option
    expect_text err 'no-such-option'
    expect_fail '0|2' olink -o ours.so w.o -z no-such-keyword # ld.bfd warns, ld.lld refuses
    expect_text err 'no-such-keyword'
    expect_fail 2 olink -o
    expect_fail 2 olink -o ours.so
    expect_fail 2 olink
    expect_fail '2|6' olink -o ours.so w.o -m elf_no_such
    olink w.o libh.a # the name is a.out, as with ld
    run "$PWD/a.out" -
    rm a.out
}
check spellings on_cpu x86_64 spellings

finish
