# SPDX-License-Identifier: GPL-3.0-or-later
# What the scripts about Mach-O share, beside common.sh: compilers for it, the loader that runs what was
# linked (tests/support/dylibload.c), and other tools that look at it.

support=$here/../support
macho=$here/macho
need clang-19 ld64.lld-19 llvm-objdump-19 llvm-readobj-19 lldb-19 python3

# use_darwin CPU: x86_64 or arm64. Sets TARGET, RUN and HOSTCC.
use_darwin() {
    darwin=$1
    TARGET=$darwin-apple-macos13
    case $darwin in
        x86_64) RUN=() HOSTCC=gcc; [ "$(uname -m)" = x86_64 ] || skip "not an x86-64 machine" ;;
        arm64) RUN=(qemu-aarch64 -L /usr/aarch64-linux-gnu) HOSTCC=aarch64-linux-gnu-gcc ;;
    esac
    need "$HOSTCC" "${RUN[@]:0:1}"
    loader=$work/dylibload.$darwin
    [ -x "$loader" ] || "$HOSTCC" -O1 -Wall -o "$loader" "$support/dylibload.c" "$support/dylibfix.c" -ldl
    libs=("$macho/libSystem.tbd" "$macho/libext.tbd")
}

# compile OUT SOURCE [OPTION...] with $DCC, clang-19 by default
compile() {
    local out=$1 source=$2
    shift 2
    "${DCC:-clang-19}" -target "$TARGET" -Wno-stdlibcxx-not-found -c "$source" -o "$out" "$@"
}

# dylink OUT ARG...: objtool in the place of ld64
dylink() {
    local out=$1
    shift
    olink -arch "$darwin" -platform_version macos 13.0 26.0 -dylib -install_name "@rpath/${out##*/}" -o "$out" "$@"
}

# lldlink OUT ARG...: ld64.lld, the reference
lldlink() {
    local out=$1
    shift
    ld64.lld-19 -arch "$darwin" -platform_version macos 13.0 26.0 -dylib -install_name "@rpath/${out##*/}" -o "$out" "$@"
}

load() { timeout 120 "${RUN[@]}" "$loader" "$@" || die "dylibload $*"; }

# sound FILE: others read all of it without a complaint, verify finds nothing
sound() {
    llvm-objdump-19 --macho --private-headers --exports-trie --dyld-info --chained-fixups --unwind-info \
        --indirect-symbols --function-starts=both --data-in-code "$1" >objdump.out 2>objdump.err || die "llvm-objdump of $1"
    [ ! -s objdump.err ] || { head objdump.err; die "llvm-objdump complains of $1"; }
    llvm-readobj-19 --file-headers --sections --symbols --macho-data-in-code --macho-dysymtab --macho-segment "$1" \
        >readobj.out 2>readobj.err || die "llvm-readobj of $1"
    [ ! -s readobj.err ] || { head readobj.err; die "llvm-readobj complains of $1"; }
    lldb-19 -b -o "target create $1" -o "image dump sections $1" -o "image dump symtab $1" >lldb.out 2>&1 ||
        die "lldb of $1"
    expect_text lldb.out "Current executable set to"
    reject_text lldb.out '^error:'
    "$OBJTOOL" verify "$1" || die "objtool verify $1"
}

# exports_of FILE, and binds_of: what a loader sees, without addresses; rebases_of: how many in each section
exports_of() { llvm-objdump-19 --macho --exports-trie "$1" | awk '/^0x/ { $1 = ""; print }' | sort; }
binds_of() { llvm-objdump-19 --macho --dyld-info "$1" | awk '$5 == "bind" { print $1, $2, $6, $7, $8, $9, $10 }' | sort; }
rebases_of() { llvm-objdump-19 --macho --dyld-info "$1" | awk '$5 == "rebase" { print $1, $2 }' | sort | uniq -c; }
