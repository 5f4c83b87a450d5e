#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The heap of a Julia sysimage, relocated when it is linked (--julia-prelink): each word against what
# Julia's own restore would make of it, and Julia at work from it.  The object is julia.sh's.
. "$(dirname "$0")/common.sh"

use_arch x86_64
need readelf flock python3 setarch
. "$here/../../examples/julia/paths.sh"

status=0
"$example/get-julia.sh" "$julia_dir" || status=$?
[ $status != 77 ] || skip "Julia cannot be fetched"
[ $status = 0 ] || die "get-julia.sh gave $status"
object=$("$example/build-object.sh") || die "build-object.sh gave $?"

# image FILE OPTION...
image() { olink "$object" -o "$work/$1" -L"$julia_lib" -ljulia "${@:2}"; }

image pre.so
image plain.so --julia-prelink=no

words() {
    python3 "$here/julia_prelink.py" "$work/plain.so" "$work/pre.so" >out
    cat out
    clean "$work/pre.so"
    "$OBJTOOL" inspect "$work/pre.so" >text
    expect_text text 'runtime *julia 1.5'
    expect_text text "slots *$(sed -E 's/ .*//; s/([0-9]{3})([0-9]{3})$/,\1,\2/' out)"
}

# Whatever the command says, the same.
same_link() {
    image again.so --julia-prelink=yes
    cmp "$work/again.so" "$work/pre.so"
}

# starts IMAGE COMMAND...: Julia does all that it does from the plain image.
starts() {
    "${@:2}" "$julia" -J "$1" --startup-file=no "$here/julia_prelink.jl" >out 2>&1 || { cat out; die "status $?"; }
    same "what Julia prints" out "$work/expected"
}
"$julia" -J "$work/plain.so" --startup-file=no "$here/julia_prelink.jl" >"$work/expected" 2>&1 ||
    { cat "$work/expected"; die "not even from the plain image"; }

# Linked for another address than it gets: one that no process has.
elsewhere() {
    image elsewhere.so --heap-base=0xffff00000000
    "$julia" -J "$work/elsewhere.so" --startup-file=no "$example/workload.jl" "$example/readings.csv" >report
    same "the workload's report" report "$object_dir/report.txt"
}

# A program that is linked for a fixed address, and has Julia in it.
not_pie() {
    cat >embed.c <<'C'
#include <julia.h>
JULIA_DEFINE_FAST_TLS()
int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    jl_init_with_image(argv[1], argv[2]);
    jl_eval_string("GC.gc(true); print(sum(sqrt.(1:100)), ' ', parse(Int, \"42\"))");
    if (jl_exception_occurred())
        return 1;
    jl_atexit_hook(0);
    return 0;
}
C
    gcc -no-pie -fno-pie -isystem "$julia_dir/usr/include/julia" embed.c -o embed -L"$julia_lib" -ljulia \
        -Wl,--allow-shlib-undefined
    readelf -h embed >header
    expect_text header 'EXEC'
    for image in plain pre; do
        LD_LIBRARY_PATH=$julia_lib:$julia_dir/lib/x86_64-linux-gnu ./embed "$julia_dir/usr/bin" "$work/$image.so" >$image.out
    done
    printf '671.4629471031478 42' | same "what it says" - pre.out
    same "what it says" pre.out plain.out
}

stripped() {
    strip --strip-debug -o copy.so "$work/pre.so"
    "$julia" -J "$PWD/copy.so" --startup-file=no "$example/workload.jl" "$example/readings.csv" >report
    same "the workload's report" report "$object_dir/report.txt"
}

# Some of Julia's own tests.
own_tests() {
    local t
    for t in char env exceptions version; do
        "$julia" -J "$work/pre.so" --startup-file=no -e \
            "using Test; include(\"$julia_dir/usr/share/julia/test/$t.jl\")" >out 2>&1 ||
            { cat out; die "$t.jl: status $?"; }
    done
}

# It cannot be done, which is an error only if it was asked for.
refusals() {
    echo 'int f(void) { return 1; }' | cc -xc - -fPIC -c -o f.o
    olink f.o -o f.so
    expect_fail 6 olink f.o -o no.so --julia-prelink
    expect_text err 'no Julia sysimage among the inputs'
    expect_fail 6 olink "$object" -o no.so -L"$julia_lib" -ljulia --julia-prelink=yes --heap-relocs=native
    expect_text err 'heap-relocs has another wish'
    expect_fail 2 olink f.o -o no.so --julia-prelink=perhaps
    image native.so --heap-relocs=native
    cmp "$work/native.so" "$work/plain.so"
    [ ! -e no.so ] || die "a file was written"
}

# damaged PLACE VALUE TEXT: what Julia could not start from is not linked, unless it is not looked at.
damaged() {
    python3 "$here/julia_prelink.py" data.o "$1" "$2" bad.o
    expect_fail 5 olink text.o bad.o -o no.so -L"$julia_lib" -ljulia
    expect_text err "jl_system_image_data: $3"
    [ ! -e no.so ] || die "a file was written"
}

damage() {
    ar x "$object" text.o data.o
    damaged 0 0x7fffffff 'objects: 0x7fffffff bytes at 0x4 are not inside the heap'
    damaged 0 0x100 'constants:'
    olink text.o bad.o -o plain.so -L"$julia_lib" -ljulia --julia-prelink=no
}

check "each word is as Julia would make it" words
check "the same image if asked for" same_link
check "Julia at work, at a random address" starts "$work/pre.so" env
check "at the same address each time" starts "$work/pre.so" setarch -R
check "bound at once" starts "$work/pre.so" env LD_BIND_NOW=1
check "linked for an address that it does not get" elsewhere
check "in a program that is not position-independent" not_pie
check "stripped of debugging information, and copied" stripped
check "some of Julia's own tests" own_tests
check "what cannot be done" refusals
check "a damaged heap" damage

finish
