#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# PE files that others made: packages of the npm registry ship programs and libraries for Windows, by Microsoft's
# linker, Go's, Rust's and lld. They are read without a complaint, as llvm-readobj and pefile read them, and their
# runtimes' heaps are found.
. "$(dirname "$0")/common.sh"
need npm llvm-readobj-19 python3

# package NAME: unpacked in the cache, fetched if it is not there
package() {
    local dir=$cache/npm/${1//\//_}
    if [ ! -d "$dir/package" ]; then
        mkdir -p "$dir"
        (cd "$dir" && timeout 300 npm pack --silent "$1" >/dev/null && tar xzf ./*.tgz) || { rm -rf "$dir"; skip "$1 cannot be fetched"; }
    fi
    found=$dir/package
}

# reads FILE: inspect in its forms, with the counts that others see; what verify finds is in v
reads() {
    local status=0
    "$OBJTOOL" inspect "$1" >i 2>err || die "inspect $1: $(cat err)"
    [ ! -s err ] || die "inspect says $(cat err)"
    "$OBJTOOL" inspect --all --json "$1" >all.json
    llvm-readobj-19 --sections --coff-exports --coff-imports --coff-basereloc "$1" >readobj.out
    /usr/bin/python3 - "$1" <<'P' || die "the counts differ"
import json, re, sys
f = json.load(open('all.json'))['files'][0]
text = open('readobj.out').read()
ours = [f['section_count'], f['import_count'], f['export_count'], f.get('base_reloc_count', 0)]
theirs = [len(re.findall(r'^  Section \{', text, re.M)), len(re.findall(r'^  Symbol: ', text, re.M)),
          len(re.findall(r'^  Ordinal: ', text, re.M)), len(re.findall(r'^    Type: DIR64', text, re.M)) or
          len(re.findall(r'^  Type: DIR64', text, re.M))]
print(ours, theirs)
if ours != theirs:
    sys.exit(1)
try:
    import pefile
except ImportError:
    sys.exit(0)
pe = pefile.PE(sys.argv[1], fast_load=True)
pe.parse_data_directories([pefile.DIRECTORY_ENTRY['IMAGE_DIRECTORY_ENTRY_' + n] for n in ('IMPORT', 'EXPORT')])
other = [len(pe.sections), sum(len(d.imports) for d in getattr(pe, 'DIRECTORY_ENTRY_IMPORT', [])),
         len(pe.DIRECTORY_ENTRY_EXPORT.symbols) if hasattr(pe, 'DIRECTORY_ENTRY_EXPORT') else 0]
names = [d.dll.decode() for d in getattr(pe, 'DIRECTORY_ENTRY_IMPORT', [])]
print(other, names)
sys.exit(ours[:3] != other or f['needed'][:len(names)] != names)
P
    "$OBJTOOL" verify "$1" >v 2>err || status=$?
    [ $status -le 1 ] && [ ! -s err ] || die "verify $1: status $status: $(cat err)"
}

# Go says of some functions that they end behind where the next one begins; nothing else is wrong
esbuild() {
    package @esbuild/win32-x64
    reads "$found/esbuild.exe"
    ! grep -v '\[pe-exceptions\]$' v || die "verify finds other things"
}
sharp() {
    local file
    package @img/sharp-win32-x64
    for file in "$found"/lib/*.dll "$found"/lib/*.node; do
        reads "$file"
        [ ! -s v ] || die "$(cat v)"
    done
}
sass() {
    package sass-embedded-win32-x64
    reads "$found/dart-sass/src/dart.exe"
    expect_text i 'dartaotruntime_product.exe'
    [ ! -s v ] || die "$(cat v)"
}
closure() {
    package google-closure-compiler-windows
    reads "$found/compiler.exe"
    expect_text i 'GraalVM native image: .svm_hea'
    [ ! -s v ] || die "$(cat v)"
}
check esbuild esbuild
check sharp sharp
check sass sass
check closure closure
finish
