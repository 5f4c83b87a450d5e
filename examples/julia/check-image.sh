#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# check-image.sh SYS.SO: does Julia work with this image?  One line per answer;
# exit status 1 if any is no.
set -eu
. "$(dirname "$0")/paths.sh"

[ $# = 1 ] || { echo "usage: check-image.sh SYS.SO" >&2; exit 2; }
image=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# answer yes|no TEXT FILE: FILE, shown when the answer is no, is what was seen instead.
answer() {
    if [ "$1" = yes ]; then
        echo "  ok    $2"
    else
        echo "  FAIL  $2"
        sed 's/^/        /' "$3" | cut -c1-200
        echo
        failed=1
    fi
}

run() { "$julia" -J "$image" --startup-file=no "$@"; }

# What Julia 1.5 looks up in an image, by dlsym.
cat >"$work/wanted" <<'SYMBOLS'
jl_RTLD_DEFAULT_handle_pointer OBJECT
jl_dispatch_fvars_idxs OBJECT
jl_dispatch_fvars_offsets OBJECT
jl_dispatch_reloc_slots OBJECT
jl_dispatch_target_ids OBJECT
jl_get_ptls_states_slot OBJECT
jl_globalUnique OBJECT
jl_sysimg_fvars_base FUNC
jl_sysimg_fvars_offsets OBJECT
jl_sysimg_gvars_base OBJECT
jl_sysimg_gvars_offsets OBJECT
jl_system_image_data OBJECT
jl_system_image_size OBJECT
jl_tls_offset OBJECT
SYMBOLS
readelf --dyn-syms -W "$image" | awk '$5 == "GLOBAL" && $7 != "UND" { print $8, $4 }' |
    LC_ALL=C sort >"$work/exported"
LC_ALL=C comm -23 <(LC_ALL=C sort "$work/wanted") "$work/exported" >"$work/missing"
[ -s "$work/missing" ] && said=no || said=yes
answer $said "exports the 14 symbols that Julia looks up" "$work/missing"

# The very address of libjulia's variable, or Julia says "failed consistency check".
readelf -dW "$image" | grep NEEDED >"$work/needed" || true
grep -q 'libjulia\.so' "$work/needed" && said=yes || said=no
answer $said "needs libjulia.so" "$work/needed"

run -e 'print(unsafe_string(Base.JLOptions().image_file))' >"$work/loaded" 2>&1 || true
[ "$(cat "$work/loaded")" = "$image" ] && said=yes || said=no
answer $said "julia -J starts" "$work/loaded"

# Before `using`, and with no way to find it: it can come from the image only.
JULIA_LOAD_PATH= run -e 'print(any(id.name == "StationLog" for id in keys(Base.loaded_modules)))' \
    >"$work/inside" 2>&1 || true
[ "$(cat "$work/inside")" = true ] && said=yes || said=no
answer $said "StationLog is inside" "$work/inside"

run "$example/workload.jl" "$example/readings.csv" >"$work/report" 2>"$work/times" || true
diff "$object_dir/report.txt" "$work/report" >"$work/diff" && said=yes || said=no
answer $said "the workload's report is the same as with Julia's own image" "$work/diff"

# What the workload still compiles would be listed here, as it was for the training run.
: >"$work/late"
run --trace-compile="$work/late" "$example/workload.jl" "$example/readings.csv" >/dev/null 2>&1 &&
    ! grep StationLog "$work/late" >"$work/list" && said=yes || said=no
answer $said "no function of StationLog is compiled at run time" "$work/list"

run -e 'GC.gc(true); GC.gc(true); using StationLog; GC.gc(true)
        print(length(report(read_log(ARGS[1]))) > 0)' "$example/readings.csv" >"$work/gc" 2>&1 || true
[ "$(cat "$work/gc")" = true ] && said=yes || said=no
answer $said "full garbage collections leave it working" "$work/gc"

# The first frame is compiled code of the image; its line is where the failing statement begins.
line=$(grep -n 'length(fields) == 4 ||' \
    "$object_dir/packages/StationLog/src/StationLog.jl" | cut -d: -f1)
{ cat "$example/readings.csv"; echo "one,field,short"; } >"$work/bad.csv"
run "$example/workload.jl" "$work/bad.csv" >"$work/backtrace" 2>&1 || true
grep -q "parse_reading(.*) at .*StationLog/src/StationLog.jl:$line\$" "$work/backtrace" &&
    grep -q 'ArgumentError: line 115: 3 fields where 4 belong' "$work/backtrace" &&
    grep -q 'read_log(::String) at .*StationLog.jl:[0-9]' "$work/backtrace" && said=yes || said=no
answer $said "an error in StationLog has a backtrace with function, file and line" "$work/backtrace"

exit $failed
