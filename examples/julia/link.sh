#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# link.sh LINKER SYS.O SYS.SO: make the sysimage.
#
# LINKER is objtool (whose path $OBJTOOL may give) or one of bfd, gold, lld, mold.
# sys.o is an archive although its name does not say so.  objtool retains an
# archive named by its path whole; to the others one must say --whole-archive.
# -L and -ljulia: the image takes its functions from Julia's own library.
set -eu
. "$(dirname "$0")/paths.sh"

[ $# = 3 ] || { echo "usage: link.sh objtool|bfd|gold|lld|mold SYS.O SYS.SO" >&2; exit 2; }
linker=$1 object=$2 image=$3

case $linker in
objtool)
    "${OBJTOOL:-objtool}" link "$object" -o "$image" -L"$julia_lib" -ljulia
    ;;
bfd | gold | lld)
    "ld.$linker" -shared -o "$image" --whole-archive "$object" --no-whole-archive \
        -L"$julia_lib" -ljulia
    ;;
mold)
    mold -shared -o "$image" --whole-archive "$object" --no-whole-archive -L"$julia_lib" -ljulia
    ;;
*)
    echo "link.sh: no linker '$linker' (objtool, bfd, gold, lld or mold)" >&2
    exit 2
    ;;
esac
