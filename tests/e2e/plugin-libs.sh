#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# retain=ARCHIVE is --whole-archive: the same symbols, imports and exports, in every linker, for static libraries of
# Debian and for the object of a Julia session.
. "$(dirname "$0")/common.sh"
. "$here/libs.sh"
need gcc nm ld.bfd ld.gold ld.lld mold
plugin=${top_builddir:?}/plugin/.libs/sysimage-plugin.so
host=$top_builddir/plugin/ld.sysimage
[ -e "$plugin" ] || skip "the plugin is not built"
use_arch x86_64
use_libdirs
echo 'void *__dso_handle __attribute__((visibility("hidden"))) = &__dso_handle;' | cc -x c -c - -o dso.o

linkers=(ld.bfd ld.gold ld.lld mold)
! have ld.lld-19 || linkers+=(ld.lld-19)

# with LINKER ARG...: LINKER with the plugin
with() {
    case $1 in
        ld.bfd | ld.gold) "$1" -plugin "$plugin" "${@:2}" ;;
        *) "$host" --real-ld="$1" "${@:2}" ;;
    esac
}
symbols() { nm "$1" | cut -c18- | sort; }

# A heap is in both, as it is what all this is for; and gold finds what retained objects need only beside one.
seq 1 1000 >raw
"$OBJTOOL" heap --raw raw --root frozen=0 -o raw.heap

# alike LINKER ARCHIVE ARG...: whole.so and retained.so have the same in them
alike() {
    local ld=$1 archive=$2
    shift 2
    with "$ld" -m elf_x86_64 -shared -o whole.so "$work/raw.heap" --whole-archive "$archive" --no-whole-archive "$work/dso.o" "$@"
    with "$ld" -m elf_x86_64 -shared -o retained.so "$work/raw.heap" "-plugin-opt=retain=$archive" "$work/dso.o" "$@"
    same "$ld $archive: symbols" <(symbols whole.so) <(symbols retained.so)
    same_shape retained.so whole.so
}

library() {
    local ld
    lib_table "$1"
    need_file "$archive"
    for ld in "${linkers[@]}"; do
        alike "$ld" "$archive" "${libdirs[@]}" "${link_args[@]}"
        run "$PWD/retained.so"
        # the archive on the line as well, where ld would take what it wants of it
        with "$ld" -m elf_x86_64 -shared -o line.so "$work/raw.heap" "$archive" -plugin-opt=retain=all "$work/dso.o" "${libdirs[@]}" "${link_args[@]}"
        same "$ld $archive, all: symbols" <(symbols whole.so) <(symbols line.so)
    done
}

julia() {
    local ld object status=0
    . "$here/../../examples/julia/paths.sh"
    "$example/get-julia.sh" "$julia_dir" || status=$?
    [ $status != 77 ] || skip "Julia cannot be fetched"
    object=$("$example/build-object.sh") || die "build-object.sh gave $?"
    for ld in "${linkers[@]}"; do
        alike "$ld" "$object" -L"$julia_lib" -ljulia
        "$julia" -J "$PWD/retained.so" --startup-file=no "$example/workload.jl" "$example/readings.csv" >report
        same "$ld: the workload's report" report "$object_dir/report.txt"
        rm -f retained.so whole.so
    done
}

for name in mruby pcre2 fftw3 ffi sqlite3 z sodium snappy boost_context crypto openblas stdcxx; do
    check "$name" library "$name"
done
check julia julia
finish
