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
    "$example/link.sh" bfd "$object" bfd.so
    same_shape "$work/sys.so" bfd.so
}

same_again() {
    OBJTOOL=$OBJTOOL "$example/link.sh" objtool "$object" again.so
    cmp again.so "$work/sys.so"
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
    python3 "$here/julia_heap.py" "$work/sys.so" >expected
    same "what is in sys.o and in sys.so" told expected
}

check "an image that Julia works with" flow
check "the same interface as ld.bfd's image" like_bfd
check "the same bytes again" same_again
check "nothing to complain about" clean "$work/sys.so"
check "inspect: our image" inspect "$work/sys.so"
check "inspect: Julia's own image, of three targets" inspect "$julia_lib/julia/sys.so"
check "inspect: the object" inspect_object

finish
