#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# build-object.sh: make sys.o, the object file that holds a Julia session with
# StationLog loaded and compiled, and print its path.
#
# Takes 2 to 4 minutes and 2.2 GB of memory, nearly all of it Julia's compiler.
# Kept in the cache together with the copy of the package that it was made
# from: backtraces name those files.
set -eu
. "$(dirname "$0")/paths.sh"

mkdir -p "$julia_cache"
exec 9>"$julia_cache/lock"
flock 9 # two test runs at once: the second waits and finds the object
if [ ! -e "$object_dir/sys.o" ]; then
    for file in StationLog/Project.toml StationLog/src/StationLog.jl; do
        install -D -m 644 "$example/$file" "$object_dir/packages/$file"
    done

    echo "build-object: tracing what the workload compiles" >&2
    "$julia" --startup-file=no -e 'using StationLog' # precompiled now, so not in the trace
    "$julia" --startup-file=no --trace-compile="$object_dir/trace.jl" \
        "$example/workload.jl" "$example/readings.csv" >"$object_dir/report.txt" 2>/dev/null
    # Julia 1.5 prints a Char as Char(0x79000000), which it cannot read back.
    sed -E 's/Char\(0x([0-9a-f]+)\)/reinterpret(Char, 0x\1)/g' "$object_dir/trace.jl" \
        >"$object_dir/statements.jl"
    echo "build-object: $(grep -c '' "$object_dir/statements.jl") statements" >&2

    echo "build-object: julia --output-o (2 to 4 minutes)" >&2
    SYSIMAGE_PACKAGES=$object_dir/packages SYSIMAGE_STATEMENTS=$object_dir/statements.jl \
        "$julia" --startup-file=no --output-o "$object_dir/new-sys.o" \
        -J"$julia_lib/julia/sys.so" "$example/sysimage.jl" >&2
    mv "$object_dir/new-sys.o" "$object_dir/sys.o"
fi
echo "$object_dir/sys.o"
