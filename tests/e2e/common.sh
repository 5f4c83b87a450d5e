# SPDX-License-Identifier: GPL-3.0-or-later
# What the end-to-end scripts share; read with `. common.sh`.  Makes a directory to work in ($work),
# goes there and removes it at the end.  A script is a list of `check NAME FUNCTION [ARG...]`; it
# fails if one of them did, and is a skip (77) if all of them were.

set -eu
export LC_ALL=C
unset LD_LIBRARY_PATH LD_PRELOAD
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SYSIMAGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sysimage-tools}
export OBJTOOL=${OBJTOOL:?is not set: the path of the objtool to test}
work=$(mktemp -d "${TMPDIR:-/tmp}/e2e.XXXXXXXX")
script_pid=$BASHPID
failed=0 passed=0 skipped=0
trap '[ "$BASHPID" != "$script_pid" ] || rm -rf "$work"' EXIT
cd "$work"

skip() { echo "skip: $*" >&2; exit 77; }
die() { echo "failed: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# need TOOL...: what the whole script or the present check cannot do without
need() {
    local tool
    for tool; do have "$tool" || skip "$tool is not installed"; done
}

need_file() {
    local file
    for file; do [ -e "$file" ] || skip "$file is missing (tests/e2e/packages names its package)"; done
}

# check NAME COMMAND [ARG...]: one case, in a directory and a shell of its own
check() {
    local name=$1 status=0
    shift
    case ${ONLY:-} in '') ;; *) case $name in $ONLY) ;; *) return 0 ;; esac ;; esac
    mkdir -p "$work/${name//[^A-Za-z0-9._+-]/_}"
    (
        set -eu
        cd "$work/${name//[^A-Za-z0-9._+-]/_}"
        "$@"
    ) >"$work/out" 2>&1 &
    wait $! || status=$?
    case $status in
        0) passed=$((passed + 1)); echo "ok: $name" ;;
        77) skipped=$((skipped + 1)); echo "skip: $name: $(grep '^skip: ' "$work/out" | tail -n1 | cut -c7-)" ;;
        *) failed=$((failed + 1)); echo "not ok: $name (status $status)"; sed 's/^/    /' "$work/out" | tail -n "${LINES_SHOWN:-40}" ;;
    esac
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ] || exit 1
    [ "$passed" != 0 ] || exit 77
    exit 0
}

# use_arch CPU: x86_64 or aarch64.  Sets CC, CXX, AS, the emulation's RUN prefix and the ld to compare with.
use_arch() {
    arch=$1
    case $arch in
        x86_64)
            CC=gcc CXX=g++ AS=as BFD=ld.bfd TRIPLE=x86_64-linux-gnu RUN=() LOADER=ld-linux-x86-64.so.2
            [ "$(uname -m)" = x86_64 ] || skip "not an x86-64 machine" ;;
        aarch64)
            CC=aarch64-linux-gnu-gcc CXX=aarch64-linux-gnu-g++ AS=aarch64-linux-gnu-as
            BFD=aarch64-linux-gnu-ld.bfd TRIPLE=aarch64-linux-gnu LOADER=ld-linux-aarch64.so.1
            RUN=(qemu-aarch64 -L "${SYSROOT:-/usr/aarch64-linux-gnu}") ;;
        *) die "no such CPU: $arch" ;;
    esac
    need "$CC" "$BFD" "${RUN[@]:0:1}"
}

# where gcc's own libraries for the CPU in use are, as -L options in libdirs
use_libdirs() {
    local dir
    libdirs=("-L$(dirname "$("$CC" -print-libgcc-file-name)")")
    for dir in /usr/lib/$TRIPLE /lib/$TRIPLE /usr/$TRIPLE/lib; do
        [ ! -d "$dir" ] || libdirs+=("-L$dir")
    done
}

cc() { "$CC" -Wall -O2 -fPIC "$@"; }
cxx() { "$CXX" -Wall -O2 -fPIC "$@"; }
olink() { "$OBJTOOL" link "$@"; }

# bfd ARG...: the reference, ld.bfd -shared; an archive named by path is taken whole, as objtool link
# does, and __dso_handle is supplied as gcc's start files do (unless NO_DSO=1)
bfd() {
    local arg args=() whole=1 last=
    for arg; do
        case $arg in
            --no-whole-archive) whole= ;;
            -*) args+=("$arg") ;;
            *.a) if [ "$whole" ] && [ -f "$arg" ] && [ "$last" != --exclude-libs ]; then args+=(--whole-archive "$arg" --no-whole-archive); else args+=("$arg"); fi ;;
            *) args+=("$arg") ;;
        esac
        last=$arg
    done
    if [ ! -e "$work/dso.$arch.o" ]; then
        echo 'void *__dso_handle __attribute__((visibility("hidden"))) = &__dso_handle;' >dso_handle.c
        "$CC" -fPIC -c dso_handle.c -o dso_handle.o
        mv dso_handle.o "$work/dso.$arch.o"
    fi
    [ -n "${NO_DSO:-}" ] || args+=("$work/dso.$arch.o")
    "$BFD" -shared --eh-frame-hdr -z noexecstack "${args[@]}"
}

# runner: builds run(1) for the CPU in use, once a script; its path in $runner
use_runner() {
    runner=$work/run.$arch
    if [ ! -x "$runner" ]; then
        "$CC" -O1 -Wall -o run.tmp "$here/work/run.c" -I "$here/work" -ldl
        mv run.tmp "$runner"
    fi
}

# run IMAGE [PLUGIN [FUNCTION]] under the emulator if need be; PRELOAD=FILE goes before the image
run() {
    use_runner
    local status=0
    if [ -n "${PRELOAD:-}" ]; then
        case $arch in
            x86_64) env LD_PRELOAD="$PRELOAD" "$runner" "$@" || status=$? ;;
            *) "${RUN[@]}" -E "LD_PRELOAD=$PRELOAD" "$runner" "$@" || status=$? ;;
        esac
    else
        timeout 120 "${RUN[@]}" "$runner" "$@" || status=$?
    fi
    [ "$status" = 0 ] || die "run $* gave $status"
}

# expect_fail STATUS COMMAND...: it must end with STATUS (or one of: 1|3); its messages go to the file err
expect_fail() {
    local want=$1 status=0
    shift
    "$@" >out 2>err || status=$?
    cat err
    [[ "$status" =~ ^($want)$ ]] || die "status $status instead of $want: $*"
}

# expect_text FILE PATTERN...: each is somewhere in it; reject_text: none is
expect_text() {
    local file=$1 all text
    all=$(cat "$1")
    shift
    for text; do
        grep -q -e "$text" <<<"$all" || { sed 's/^/    | /' <<<"$all" | head -n 60; die "no '$text' in $file"; }
    done
}

reject_text() {
    local file=$1 all text
    all=$(cat "$1")
    shift
    for text; do
        ! grep -e "$text" <<<"$all" || die "'$text' is in $file"
    done
}

# exports FILE: what it defines for others: name, type, binding, visibility, size; without the absolute symbol
# that ld.bfd makes for each version, and its __start_ and __stop_ symbols that are hidden and yet listed
exports() {
    readelf -W --dyn-syms "$1" |
        awk '$1 ~ /^[0-9]+:$/ && $7 != "UND" && $5 != "LOCAL" && $6 != "HIDDEN" && ($7 != "ABS" || $4 != "OBJECT") { print $8, $4, $5, $6, $3 + 0 }' | sort -u
}

# imports FILE: what it wants of others
imports() {
    readelf -W --dyn-syms "$1" |
        awk '$1 ~ /^[0-9]+:$/ && $7 == "UND" && $8 != "" { sub(/ *\([0-9]+\)$/, ""); print $8, $5 }' | sort -u
}

needed() { readelf -Wd "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
dynamic() { readelf -Wd "$1" | awk '$1 ~ /^0x/ { gsub(/[()]/, "", $2); $1 = ""; print }'; }

version_needs() {
    readelf -WV "$1" | awk '/^Version needs/ { on = 1; next } /^Version/ { on = 0 }
        on && / File: / { for (i = 1; i <= NF; i++) if ($i == "File:") file = $(i + 1) }
        on && / Name: / { for (i = 1; i <= NF; i++) if ($i == "Name:") print file, $(i + 1) }' | sort -u
}

version_defs() {
    readelf -WV "$1" | awk '/^Version definition/ { on = 1; next } /^Version/ { on = 0 }
        on && / Name: / { for (i = 1; i <= NF; i++) if ($i == "Name:") print $(i + 1), $(i - 1), /Flags: BASE/ ? "base" : "" }' |
        sort -u
}

same() {
    local what=$1
    shift
    diff "$@" >differences || { head -n 40 differences; die "$what differ (< reference, > ours)"; }
}

# same_shape OURS THEIRS: what the loader and other links see of both is the same
same_shape() {
    local f of
    for of in exports imports needed version_needs version_defs; do
        # a version definition's base is the file's own name if there is no soname
        for f in "$1" "$2"; do "$of" "$f" | sed "s/^${f##*/} /FILE /" >"$f.$of"; done
        # linker-made section boundaries and the like are no part of a library's interface
        case $of in
            exports) sed -i -E '/^(_end|_edata|__bss_start|__bss_start__|_bss_end__|__bss_end__|__end__|_init|_fini) /d' "$1.$of" "$2.$of" ;;
            # ld.bfd imports every name that libc has for a variable which the library takes by one of them;
            # __cxa_finalize is called by what stands in for gcc's start files
            imports)
                sed -i -E -e '/^(__environ|_environ|environ|__timezone|__daylight|__tzname)@/d' -e '/^__cxa_finalize(@| )/d' \
                    -e '/^(__progname|__progname_full|program_invocation_name|program_invocation_short_name)@/d' \
                    "$1.$of" "$2.$of" ;;
            # ld.bfd asks for it only if it asks libc for another version too
            version_needs)
                sed -i '/ GLIBC_ABI_DT_RELR$/d' "$1.$of" "$2.$of"
                if imports "$1" | grep -q '^__cxa_finalize[@ ]' && ! imports "$2" | grep -q '^__cxa_finalize[@ ]'; then
                    sed -i -E '/^libc\.so\.6 GLIBC_2\.(2\.5|17)$/d' "$1.$of" "$2.$of"
                fi ;;
        esac
        [ "${IGNORE:-}" = "$of" ] || diff -u "$2.$of" "$1.$of" | head -n 40 >differences
        [ ! -s differences ] || { cat differences; die "$of: - reference $2, + $1"; }
    done
}

# clean FILE: both readelfs (NO_LLVM=1: one) read all of it without a warning, objtool verify finds nothing
clean() {
    local tool
    readelf -aW "$1" >readelf.out 2>readelf.err || true
    [ ! -s readelf.err ] || { head -n 20 readelf.err; die "readelf -aW $1 complains"; }
    reject_text readelf.out '^readelf: ' '<corrupt'
    for tool in llvm-readelf llvm-readelf-19 llvm-readelf-14; do
        [ -z "${NO_LLVM:-}" ] && have "$tool" || continue
        "$tool" -a "$1" >readelf.out 2>readelf.err || { cat readelf.err; die "$tool -a $1 fails"; }
        [ ! -s readelf.err ] || { head -n 20 readelf.err; die "$tool -a $1 complains"; }
        break
    done
    wx=$(readelf -lW "$1" | awk '$1 == "LOAD" && / RWE /')
    [ -z "$wx" ] || die "a segment is writable and executable: $wx"
    if [ -z "${NO_VERIFY:-}" ]; then "$OBJTOOL" verify "$1" >verify.out 2>&1 || { head -n 20 verify.out; die "objtool verify $1"; }; fi
}

# check_cpus NAME FUNCTION...: the case on every CPU
check_cpus() {
    local name=$1 cpu
    shift
    for cpu in ${CPUS:-x86_64 aarch64}; do
        check "$name $cpu" on_cpu "$cpu" "$@"
    done
}

on_cpu() {
    use_arch "$1"
    use_libdirs
    shift
    libc=("${libdirs[@]}" -lc -lgcc)
    libcxx=("${libdirs[@]}" -lstdc++ -lm -lgcc_s -lc -lgcc)
    "$@"
}

# both ARG...: links ours.so with objtool and bfd.so with ld.bfd, checks ours against it
both() {
    olink -o "$PWD/ours.so" "$@"
    bfd -o "$PWD/bfd.so" "$@"
    clean ours.so
    same_shape ours.so bfd.so
}

# both_work ARG...: and both work: their own function work() returns 0.  AT_START=1 has them in the
# process from its start, which much static TLS needs.
both_work() {
    both "$@"
    PRELOAD=${AT_START:+$PWD/ours.so} run "$PWD/ours.so" -
    PRELOAD=${AT_START:+$PWD/bfd.so} run "$PWD/bfd.so" -
}

# ours_works ARG...: for what ld.bfd cannot do
ours_works() {
    olink -o "$PWD/ours.so" "$@"
    clean ours.so
    PRELOAD=${AT_START:+$PWD/ours.so} run "$PWD/ours.so" -
}

# section FILE NAME, symbol FILE NAME, relocs FILE: one line each
section() { readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] *//' | awk -v n="$2" '$1 == n'; }
symbol() { readelf -sW "$1" | awk -v n="$2" '$1 ~ /^[0-9]+:$/ && $8 == n { print $4, $5, $6, $7 == "UND" ? "UND" : "DEF", $3; exit }'; }
relocs() { readelf -rW "$1" | awk '$3 ~ /^R_/ { print $3 }' | sort | uniq -c; }
