#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# objtool verify on PE images: each of many ways to break one is found by the rule for it; what other linkers
# make, and what a distribution ships, keeps the rules.
. "$(dirname "$0")/common.sh"
. "$here/pe-common.sh"

make_images() {
    gcc -O2 -Wall -o heapgen "$support/heapgen.c"
    ./heapgen heap.heap heap.list --cpu=x86_64 --plain-code --windows --seed=1 --own
    x86_64-w64-mingw32-gcc -w -O1 -ffreestanding -c "$support/heapown.c" -o own.o
    clang++-19 --target=$TARGET -fno-emulated-tls -O1 -c "$pe/bare.cc" -o b.o
    printf '%s\n' '1 RCDATA { "one" }' 'STRINGTABLE { 1, "text" }' >r.rc
    x86_64-w64-mingw32-windres r.rc r.o
    pelink --heap-relocs=native -o ours.dll heap.heap own.o b.o r.o -lmsvcrt --export-all-symbols
    x86_64-w64-mingw32-g++ -O1 -c "$pe/plain.cc" -o p.o
    x86_64-w64-mingw32-g++ -shared -static -o bfd.dll p.o -Wl,--export-all-symbols
    lld-link-19 /DLL /NOENTRY /OUT:lld.dll own.o /EXPORT:own_function /EXPORT:own_data /INCLUDE:own_root \
        /ALTERNATENAME:gen_ro=own_data /ALTERNATENAME:gen_rw=own_data /ALTERNATENAME:gen_zero=own_data /ALTERNATENAME:gen_code=own_data
}
check images make_images

# each is found, by its rule; and the image as it was has nothing to find
broken() {
    local name rule count=0
    "$OBJTOOL" verify "$work/images/$1.dll"
    mkdir b
    python3 "$support/pebreak.py" "$work/images/$1.dll" b >rules
    while read -r name rule; do
        count=$((count + 1))
        status=0
        "$OBJTOOL" verify "b/$name" >found 2>&1 || status=$?
        grep -q "\[$rule\]" found || { head -5 found; die "$name: $rule did not find it (status $status)"; }
        [ $status = 1 ] || die "$name: status $status"
    done <rules
    echo "$count ways to break it"
    [ $count -ge "$2" ] || die "only $count"
}
check broken-ours broken ours 100
check broken-bfd broken bfd 90

sound_of_others() {
    "$OBJTOOL" verify "$work/images/lld.dll"
    "$OBJTOOL" verify /usr/lib/gcc/x86_64-w64-mingw32/12-win32/*.dll
    for f in "$work/images/lld.dll" /usr/lib/gcc/x86_64-w64-mingw32/12-win32/*.dll; do
        "$OBJTOOL" inspect --json "$f" >j
        exports=$(python3 -c "import json; print(json.load(open('j'))['files'][0]['export_count'])")
        relocs=$(python3 -c "import json; print(json.load(open('j'))['files'][0]['base_reloc_count'])")
        [ "$exports" = "$(llvm-readobj-19 --coff-exports "$f" | grep -c '^  Ordinal:')" ] || die "$f: exports"
        [ "$relocs" = "$(llvm-readobj-19 --coff-basereloc "$f" | grep -c 'Type: DIR64')" ] || die "$f: base relocations"
    done
}
check others sound_of_others

# real images of others, as far as Wine's own are: read and described, imports and exports as another sees them
wines() {
    local f n=0
    for f in /usr/lib/x86_64-linux-gnu/wine/x86_64-windows/{kernel32,ntdll,user32,gdi32,ole32}.dll; do
        need_file "$f"
        "$OBJTOOL" verify --ignore=pe-checksum "$f"
        "$OBJTOOL" inspect --exports --imports --relocs "$f" >i
        [ "$(sed -n '/^exports/,/^$/p' i | wc -l)" -gt 50 ] || die "$f: exports"
        n=$((n + 1))
    done
    [ $n = 5 ]
}
check wines wines

# what cannot be judged
wrong() {
    expect_fail 6 "$OBJTOOL" verify "$work/images/own.o"
    expect_text err 'linked images'
    head -c 3000 "$work/images/bfd.dll" >short
    expect_fail 1 "$OBJTOOL" verify short
    expect_fail 5 "$OBJTOOL" inspect short
}
check wrong wrong

finish
