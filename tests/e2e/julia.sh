#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A real engine: the flow of examples/julia with the image linked by objtool. The object that goes
# into it is made once and cached, which takes minutes. Asserts what must be right, not how fast.
. "$(dirname "$0")/common.sh"

use_arch x86_64
need readelf flock
. "$here/../../examples/julia/paths.sh"

echo "making sys.o, unless it is in the cache" >&2
status=0
"$example/get-julia.sh" "$julia_dir" || status=$?
[ $status != 77 ] || skip "Julia cannot be fetched"
[ $status = 0 ] || die "get-julia.sh gave $status"
object=$("$example/build-object.sh") || die "build-object.sh gave $?"

flow() {
    "$example/run.sh" --linker objtool --keep "$work/sys.so"
}

like_bfd() {
    # The heap that was relocated is smaller, and so is its symbol.
    olink "$object" -o plain.so -L"$julia_lib" -ljulia --julia-prelink=no
    "$example/link.sh" bfd "$object" bfd.so
    same_shape plain.so bfd.so
}

same_again() {
    OBJTOOL=$OBJTOOL "$example/link.sh" objtool "$object" again.so
    cmp again.so "$work/sys.so"
}

# variant OPTION...: the package runs from an image linked with these.
variant() {
    olink "$object" -o "$work/variant.so" -L"$julia_lib" -ljulia "$@"
    "$julia" -J "$work/variant.so" --startup-file=no "$example/workload.jl" "$example/readings.csv" >report
    same "the workload's report" report "$object_dir/report.txt"
}

# Without line tables a backtrace still has the names of the image's functions.
stripped() {
    variant --strip-debug
    echo 'one,field' | cat "$example/readings.csv" - >bad.csv
    "$julia" -J "$work/variant.so" --startup-file=no "$example/workload.jl" bad.csv >out 2>&1 && die "no error"
    expect_text out 'parse_reading'
    reject_text out 'StationLog.jl'
}

# inspect FILE: what objtool says of an image is what the other script says.
inspect() {
    need python3
    "$OBJTOOL" inspect --json "$1" >json
    python3 "$here/julia_heap.py" "$1" json >told
    python3 "$here/julia_heap.py" "$1" >expected
    same "what is in $1" told expected
    "$OBJTOOL" inspect "$1" >text
    expect_text text 'Julia 1.5'
}

# The object, before it is linked, is an archive whose members make one image.
inspect_object() {
    need python3
    "$OBJTOOL" inspect --json "$object" >json
    python3 "$here/julia_heap.py" "$object" json >told
    olink "$object" -o plain.so -L"$julia_lib" -ljulia --julia-prelink=no
    python3 "$here/julia_heap.py" plain.so >expected
    same "what is in sys.o and in the image" told expected
}

check "an image that Julia works with" flow
check "the same interface as ld.bfd's image" like_bfd
check "the same bytes again" same_again
check "nothing to complain about" clean "$work/sys.so"
check "-z now -z relro" variant -z now -z relro
check "-z pack-relative-relocs" variant -z pack-relative-relocs
check "--gc-sections -Bsymbolic --build-id" variant --gc-sections -Bsymbolic --build-id
check "--strip-all" variant --strip-all
check "--strip-debug" stripped
check "inspect: our image" inspect "$work/sys.so"
check "inspect: Julia's own image, of three targets" inspect "$julia_lib/julia/sys.so"
check "inspect: the object" inspect_object

finish
