#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Against ld.lld and, if there are, gold and mold: what they and objtool make of the same archive looks the same
# to the loader and gives the same results.
. "$(dirname "$0")/common.sh"
. "$here/libs.sh"

# Names, types and sizes; the binding is left out: only ld.bfd and gold keep STB_GNU_UNIQUE.  mold leaves the bits
# of other st_other flags in, gold writes a version definition that nothing needs.
interface() {
    readelf -W --dyn-syms "$1" | sed 's/<OS specific>: *[0-9a-f]*/OTHER/; s/\[<other>: *[0-9a-f]*\]//' |
        awk '$1 ~ /^[0-9]+:$/ && $7 != "UND" && $5 != "LOCAL" { print $NF, $4, $6, $3 + 0 }' |
        grep -v '^_end \|^_edata \|^__bss_start \|^_fini \|^_init ' | sort -u
}

compare() {
    local args flags=()
    need "$2"
    lib_table "$1"
    need_file "$archive"
    use_libdirs
    [ -z "${root:-}" ] || libdirs+=("-L$root/usr/lib/$TRIPLE")
    args=("${libdirs[@]}" "${link_args[@]}" -soname "lib$1.so")
    cc -c -o dso.o -x c - <<<'void *__dso_handle __attribute__((visibility("hidden"))) = &__dso_handle;'
    case $2 in ld.lld) flags=(--undefined-version) ;; esac
    "$2" -shared "${flags[@]}" -o theirs.so --whole-archive "$archive" --no-whole-archive "${args[@]}" dso.o 2>err ||
        "$2" -shared -o theirs.so --whole-archive "$archive" --no-whole-archive "${args[@]}" dso.o 2>err || { head -n 3 err; skip "$2 does not link it"; }
    olink -o ours.so "$archive" "${args[@]}"
    same "exports" <(interface theirs.so) <(interface ours.so)
    same "needed libraries" <(needed theirs.so) <(needed ours.so)
    same "needed versions" <(version_needs theirs.so) <(version_needs ours.so)
    case $source in
        stdcxx.cc) cxx -shared -nodefaultlibs -o work.so "$here/work/$source" -I "$here/work" -lgcc_s -lm -lc -lgcc ;;
        *.cc) cxx -shared -o work.so "$here/work/$source" "${work_flags[@]}" -I "$here/work" ;;
        *) cc -shared -o work.so "$here/work/$source" "${work_flags[@]}" -I "$here/work" -lm ;;
    esac
    run "$PWD/ours.so" "$PWD/work.so" >ours.said
    # libstdc++ in lld's image aborts at its first exception: nothing to compare with
    [ "$1 $2" = "stdcxx ld.lld" ] || {
        run "$PWD/theirs.so" "$PWD/work.so" >theirs.said
        same output theirs.said ours.said
    }
}

use_arch x86_64
for name in mruby pcre2 fftw3 ffi sqlite3 z sodium snappy boost_context crypto stdcxx; do
    check "$name ld.lld" compare "$name" ld.lld
done
check "z ld.gold" compare z ld.gold
check "sqlite3 ld.gold" compare sqlite3 ld.gold
check "sqlite3 mold" compare sqlite3 mold
check "stdcxx mold" compare stdcxx mold
finish
