#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What "objtool inspect" says of the heaps of images: the pages that it says are written to at start are
# those that are, at the image's own address and away from it; the bytes of relocation data are
# those that readelf counts; JSON keeps to its schema; lists and counts are the container's own.
. "$(dirname "$0")/common.sh"
need gcc readelf jq
use_arch x86_64
use_libdirs
support=$here/../support
gcc -O2 -Wall -o "$work/heapgen" "$support/heapgen.c" || die "heapgen does not compile (libxxhash-dev?)"
gcc -O1 -Wall -o "$work/heapdirty" "$here/work/heapdirty.c" -ldl
cc -c "$support/heapown.c" -o "$work/own.o"

# make MODE HEAPGEN-OPTION... -- LINK-OPTION...: heap.heap and heap.so, and what inspect says, in heap.json
make() {
    local mode=$1 generate=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do generate+=("$1"); shift; done
    "$work/heapgen" heap.heap heap.list --own "${generate[@]}"
    olink -o "$PWD/heap.so" heap.heap "$work/own.o" --heap-relocs="$mode" "${@:2}" "${libdirs[@]}" -lc
    "$OBJTOOL" inspect --json --imports --roots heap.so | jq '.files[0]' >heap.json
}

# of FILTER: one value of heap.json
of() { jq -r "$1" heap.json; }

# dirty PLACED|MOVED FACT [TAKE]: as many pages are private as the fact says
dirty() {
    local got
    got=$("$work/heapdirty" ./heap.so "$(of '.heaps[0].addr')" "$(of '.heaps[0].span')" ${3:+"$3"})
    [ "$got" = "$(of ".heaps[0].relocation.$2") $1" ] || die "$got, inspect: $2 $(of ".heaps[0].relocation.$2")"
}

base_of() { readelf -lW "$1" | awk '$1 == "LOAD" { print $3; exit }'; }

shapes=(
    "--seed=1"
    "--seed=2 --size=5M --tags --imports=scatter --density=1"
    "--seed=3 --odd --density=5"
    "--seed=4 --size=2M --imports=cluster"
    "--seed=5 --imports=none --high-tags"
    "--seed=6 --size=300K --density=0"
)

pages() {
    local shape relr
    for shape in "${shapes[@]}"; do
        for relr in '' '-z pack-relative-relocs'; do
            # shellcheck disable=SC2086 # lists of options
            make "$1" $shape -- $relr
            if [ "$1" = prelinked ]; then
                dirty placed dirty_pages
                dirty moved dirty_pages_moved "$(base_of heap.so)"
                [ "$(of '.heaps[0].relocation.map_bytes')" -gt 0 ] || [[ "$shape" == *density=0* ]] || die "no maps"
            else
                dirty moved dirty_pages
                dirty moved dirty_pages_moved
            fi
            [ "$(of '.heaps[0].relocation | .dirty_pages + .shared_pages')" = "$(of '.heaps[0].relocation.pages')" ]
        done
    done
}

# Against readelf: the relocations whose places are in the heap.
relocation_bytes() {
    local from to relas
    for mode in native prelinked none; do
        make $mode --seed=11 --odd
        from=$(($(of '.heaps[0].addr')))
        to=$((from + $(of '.heaps[0].span')))
        relas=$(readelf -rW heap.so | awk '$3 ~ /^R_/ { print "0x" $1 }' | while read -r at; do
            [ $((at)) -lt $from ] || [ $((at)) -ge $to ] || echo "$at"; done | wc -l)
        [ "$(of '.heaps[0].relocation.rela_bytes')" = $((24 * relas)) ] || die "$mode: $relas entries"
        [ "$(of '.heaps[0].relocation.rela_count')" = "$relas" ]
    done
    make native --seed=11 -- -z pack-relative-relocs
    # all of DT_RELR is the heap's but for a few words of the linker's own
    of '.heaps[0].relocation.relr_bytes' >bytes
    all=$(readelf -SW heap.so | sed 's/^ *\[ *[0-9]*\] *//' | awk '$1 == ".relr.dyn" { print $5 }')
    [ "$(cat bytes)" -gt 0 ] && [ $((16#$all - $(cat bytes))) -lt 64 ] || die "RELR: $(cat bytes) of 0x$all"
}

# Counts and names: the same as of the container, and of the list of what was generated.
facts() {
    local fact
    for mode in native prelinked none; do
        make $mode --seed=12
        "$OBJTOOL" inspect --json --imports --roots heap.heap | jq '.files[0]' >container.json
        for fact in .content_id .identity .metadata .root_count .import_count .address_bits \
            '[.imports[] | {kind, binding, name}]' '[.roots[]]' \
            '[.segments[] | select(.flags | test("[IS]") | not) | {kind, addr, size, name, rights}]'; do
            [ "$(jq -c "$fact" container.json)" = "$(jq -c ".heaps[0] | $fact" heap.json)" ] || die "$mode: $fact"
        done
        [ "$(of '.heaps[0].mode')" = $mode ]
        [ "$(of '.heaps[0].base')" = "$([ $mode = none ] && echo 0x0 || of '.heaps[0].addr')" ]
        [ "$(jq -r '.roots[] | .name' container.json | sort)" = "$(awk '$1 == "root" { print $2 }' heap.list | sort)" ]
    done
    [ "$(jq .slot_count container.json)" = "$(awk '$1 == "slot" { n++ } END { print n }' heap.list)" ]
    "$OBJTOOL" inspect heap.so >out
    expect_text out '^  heap  *at 0x' '^  relocation ' '^  pages ' '^segments of the heap'
    "$OBJTOOL" inspect --roots heap.so >out
    expect_text out 'gen_rw'
    reject_text out '^  heap'
}

schema() {
    need python3
    python3 -c 'import jsonschema' 2>/dev/null || skip "python3 has no jsonschema"
    for mode in native prelinked none; do
        make $mode --seed=13 --odd
        mv heap.so $mode.so
    done
    "$OBJTOOL" inspect --json --all heap.heap native.so prelinked.so none.so >out
    python3 - "$top_srcdir/docs/inspect-schema.json" out <<'P'
import json, sys, jsonschema
schema, document = (json.load(open(f)) for f in sys.argv[1:])
jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
assert all(len(f["heaps"]) == 1 for f in document["files"][1:])
P
}

for mode in native prelinked none; do
    check "pages of $mode images" pages $mode
done
check "bytes of relocation data" relocation_bytes
check "facts of the container" facts
check "JSON keeps to its schema" schema
finish
