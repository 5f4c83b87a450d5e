# SPDX-License-Identifier: GPL-3.0-or-later
# What the scripts about PE share, beside common.sh: compilers for it, Wine to run what was linked, and other
# tools that look at it.

support=$here/../support
pe=$here/pe
need x86_64-w64-mingw32-gcc x86_64-w64-mingw32-g++ x86_64-w64-mingw32-objdump clang-19 ld.lld-19 lld-link-19 llvm-readobj-19 python3
wine=/usr/lib/wine/wine64
need_file $wine /usr/lib/wine/wineserver64
TARGET=x86_64-w64-mingw32

# Wine's files, made once and kept; without programs that ask or draw.
export WINEDEBUG=-all WINEPREFIX=$work/wine
export WINEDLLOVERRIDES="mscoree,mshtml=;winemenubuilder.exe,services.exe,explorer.exe,plugplay.exe,rpcss.exe,winedevice.exe,winedbg.exe=d"
unset DISPLAY
start_wine() {
    mkdir -p "$WINEPREFIX"
    # A server that stays makes a run 20 ms instead of 350; what it prints goes nowhere, or pipes stay open.
    "$wine" cmd.exe /c exit >/dev/null 2>&1 </dev/null || true
    /usr/lib/wine/wineserver64 -p60 >/dev/null 2>&1 </dev/null || true
}
start_wine
trap '[ "$BASHPID" != "$script_pid" ] || { /usr/lib/wine/wineserver64 -k >/dev/null 2>&1 </dev/null || true; rm -rf "$work"; }' EXIT

# run PROGRAM ARG...: what it prints. One that ends badly without a word has a second try: about one start in many
# thousands of Wine itself fails on a busy machine. What fails twice is a failure, with what Wine said of it.
run() {
    local status=0
    for _ in 1 2; do
        status=0
        timeout 120 "$wine" "$@" >"$work/run.out" 2>"$work/run.err" </dev/null || status=$?
        [ "$status" != 0 ] && [ ! -s "$work/run.out" ] || break
        echo "$*: status $status, and nothing printed" >&2
        head -n 5 "$work/run.err" >&2
    done
    tr -d '\r' <"$work/run.out"
}

host=$work/pehost.exe
x86_64-w64-mingw32-gcc -O1 -Wall -o "$host" "$support/pehost.c"

# gives WANT DLL... -- FUNCTION [NUMBER]: where it wants to lie, and elsewhere
gives() {
    local want=$1 got
    shift
    got=$(run "$host" "$@")
    [ "$got" = "$want" ] || die "$* gives '$got', not $want"
    got=$(run "$host" --take "$@")
    [ "$got" = "$want" ] || die "moved, $* gives '$got', not $want"
}

# sound DLL: others read all of it without a complaint, verify finds nothing
sound() {
    timeout 60 llvm-readobj-19 --file-headers --sections --coff-exports --coff-imports --coff-basereloc --coff-tls-directory --unwind \
        "$1" >readobj.out 2>readobj.err || die "llvm-readobj of $1"
    [ ! -s readobj.err ] || { head readobj.err; die "llvm-readobj complains of $1"; }
    case $1 in *arm64*) ;; *)
        x86_64-w64-mingw32-objdump -p "$1" >objdump.out 2>objdump.err || die "objdump of $1"
        [ ! -s objdump.err ] || { head objdump.err; die "objdump complains of $1"; } ;;
    esac
    [ -n "${NOVERIFY:-}" ] || "$OBJTOOL" verify "$1" || die "objtool verify $1"
}

pelink() { olink --target=$TARGET -shared "$@"; }

# names that a DLL exports; what it imports
exports_of() { llvm-readobj-19 --coff-exports "$1" | sed -n 's/^  Name: //p' | grep -v '^$' | sort; }
imports_of() { llvm-readobj-19 --coff-imports "$1" | awk '/^  Name:/ { dll = tolower($2) } /^  Symbol:/ { print dll, $2 }' | sort -u; }
# how many words move with it
relocs_of() { llvm-readobj-19 --coff-basereloc "$1" | grep -c 'Type: DIR64' || true; }

# a gcc whose linker is objtool: -B "$drivers"
drivers=$work/drivers
mkdir -p "$drivers"
ln -s "$(realpath "$OBJTOOL")" "$drivers/collect2"
ln -s "$(realpath "$OBJTOOL")" "$drivers/ld.lld"
