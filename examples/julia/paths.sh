# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sourced by the other scripts: where things are.  What is slow to make is kept
# outside the source tree, in $SYSIMAGE_CACHE.

example=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
julia_cache=${SYSIMAGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sysimage-tools}/julia
julia_dir=$julia_cache/1.5.3
julia=$julia_dir/julia
julia_lib=$julia_dir/usr/lib/x86_64-linux-gnu

# The object's name says what it was made from: any change makes a new one.
object_inputs=(build-object.sh sysimage.jl workload.jl readings.csv
    StationLog/Project.toml StationLog/src/StationLog.jl)
object_key=$(cd "$example" && sha256sum "${object_inputs[@]}" | sha256sum | cut -c1-16)
object_dir=$julia_cache/object-$object_key

# Julia finds StationLog and the standard library, and nothing of the user's own.
export JULIA_LOAD_PATH=$object_dir/packages:@stdlib
export JULIA_DEPOT_PATH=$object_dir/depot
