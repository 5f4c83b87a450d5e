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

check "an image that Julia works with" flow
check "the same interface as ld.bfd's image" like_bfd
check "the same bytes again" same_again
check "nothing to complain about" clean "$work/sys.so"

finish
