#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# run.sh [--linker NAME] [--compare NAME] [--keep FILE]: a Julia package made
# into a sysimage, from fetching Julia to running the package.
#
#   --linker NAME   link with NAME: objtool (the default), bfd, gold, lld, mold
#   --compare NAME  link with NAME too, and compare the time of the first call
#   --keep FILE     leave the image in FILE
#
# Exit status: 0 the image works, 1 it does not, 77 Julia cannot be fetched here.
set -eu
. "$(dirname "$0")/paths.sh"

linker=${LINKER:-objtool} compare= keep=
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || set -- usage usage
    case $1 in
    --linker) linker=$2 ;;
    --compare) compare=$2 ;;
    --keep) keep=$2 ;;
    *)
        echo "usage: run.sh [--linker NAME] [--compare NAME] [--keep FILE]" >&2
        exit 2
        ;;
    esac
    shift 2
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# link NAME IMAGE: link, and say how long it took and how big the image is.
link() {
    local start=$(date +%s%N)
    "$example/link.sh" "$1" "$object" "$2"
    local end=$(date +%s%N)
    awk -v who="$1" -v ms=$(((end - start) / 1000000)) -v size=$(stat -c %s "$2") \
        'BEGIN { printf "  %s: %.2f s, %.1f MB\n", who, ms / 1000, size / 1e6 }'
}

echo "1. Julia 1.5.3"
"$example/get-julia.sh" "$julia_dir"
echo "  $julia"

echo "2. The object file (the slow step, done once)"
object=$("$example/build-object.sh")
echo "  $object"

echo "3. Linking"
link "$linker" "$work/sys.so"

echo "4. Julia with this image"
status=0
"$example/check-image.sh" "$work/sys.so" || status=1
[ $status = 0 ] || echo "  the image that $linker made does not work"

if [ -n "$compare" ] && [ $status = 0 ]; then
    echo "5. Against the image that $compare makes"
    link "$compare" "$work/other.so"
    "$example/compare.sh" "$work/sys.so" "$work/other.so"
fi
[ -z "$keep" ] || cp "$work/sys.so" "$keep"
exit $status
