#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Mach-O files that others made: packages of the npm registry ship programs and libraries for macOS. They are
# read without a complaint, as llvm-objdump reads them, and their runtimes' heaps are found.
. "$(dirname "$0")/common.sh"
. "$here/macho-common.sh"
need npm

# package NAME: unpacked in the cache, fetched if it is not there
package() {
    local dir=$cache/npm/${1//\//_}
    if [ ! -d "$dir/package" ]; then
        mkdir -p "$dir"
        (cd "$dir" && timeout 300 npm pack --silent "$1" >/dev/null && tar xzf ./*.tgz) || { rm -rf "$dir"; skip "$1 cannot be fetched"; }
    fi
    found=$dir/package
}

# reads FILE: inspect in all its forms, and its counts beside llvm-objdump's
reads() {
    local rebases binds
    "$OBJTOOL" inspect "$1" >i 2>err || die "inspect $1: $(cat err)"
    [ ! -s err ] || die "inspect says $(cat err)"
    "$OBJTOOL" inspect --all --json "$1" >all.json
    python3 - "$1" <<'E' || die "the counts differ"
import json, subprocess, sys
f = json.load(open('all.json'))['files'][0]
def llvm(option):
    return subprocess.run(['llvm-objdump-19', '--macho', option, sys.argv[1]], capture_output=True, text=True).stdout
if 'fixups' in f:
    if f['fixups']['form'] == 'chained':
        lines = [l.split() for l in llvm('--dyld-info').splitlines()]
        rebases = sum('rebase' in l for l in lines)
        binds = sum('bind' in l for l in lines)
    else:
        rebases = sum('pointer' in l for l in llvm('--rebase').splitlines()) - 1
        binds = sum(' pointer ' in l for l in llvm('--bind').splitlines())
    print(f['fixups'], rebases, binds)
    if abs(f['fixups']['rebases'] - rebases) > 1 or f['fixups']['binds'] != binds:
        sys.exit(1)
exports = sum(l.startswith('0x') or l.startswith('[re-export]') for l in llvm('--exports-trie').splitlines())
if f.get('export_count', exports) != exports:
    print(f['export_count'], exports)
    sys.exit(1)
E
    # verify may find what a new SDK forbids, and nothing else than findings
    status=0
    "$OBJTOOL" verify "$1" >v 2>err || status=$?
    [ $status -le 1 ] && [ ! -s err ] || die "verify $1: status $status: $(cat err)"
}

esbuild() { package "@esbuild/darwin-$1"; reads "$found/bin/esbuild"; expect_text i 'Security.framework'; }
sharp() {
    package "@img/sharp-libvips-darwin-$1"
    reads "$found"/lib/libvips-cpp.*.dylib
    expect_text i 'install name  *@rpath/libvips-cpp'
    [ "$1" != arm64 ] || expect_text i 'ad hoc, by a linker.*: good'
    [ ! -s v ] || die "$(cat v)"
    # signed anew, it is as sound
    "$OBJTOOL" sign -o signed.dylib "$found"/lib/libvips-cpp.*.dylib
    "$OBJTOOL" verify signed.dylib
}
sass() {
    package "sass-embedded-darwin-$1"
    reads "$found/dart-sass/src/dart"
    expect_text i 'by an authority, .*: good'
    reads "$found/dart-sass/src/sass.snapshot"
    expect_text i 'Dart snapshot: _kDartSnapshotData'
}
closure() {
    package google-closure-compiler-macos
    reads "$found/compiler"
    expect_text i 'GraalVM native image: __DATA,__svm_heap'
}
for cpu in x64 arm64; do
    check "esbuild-$cpu" esbuild $cpu
    check "sharp-$cpu" sharp $cpu
    check "sass-$cpu" sass $cpu
done
check closure closure
finish
