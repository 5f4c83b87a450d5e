# SPDX-License-Identifier: GPL-3.0-or-later
#
# The state that goes into the image: run by `julia --output-o`, which saves
# everything that is loaded and compiled when this file ends.
# Arguments, from the environment:
#   SYSIMAGE_PACKAGES    directory that holds StationLog
#   SYSIMAGE_STATEMENTS  file written by --trace-compile

# With --output-o no module's __init__ has run.  Do what matters by hand:
# without the first line any message ends in a segmentation fault, without the
# others no package is found, not even those of the standard library.
Base.reinit_stdio()
@eval Sys BINDIR = ccall(:jl_get_julia_bindir, Any, ())::String
@eval Sys STDLIB = abspath(BINDIR, "..", "share", "julia", "stdlib", "v$(VERSION.major).$(VERSION.minor)")
Base.init_depot_path()
Base.init_load_path()
pushfirst!(LOAD_PATH, ENV["SYSIMAGE_PACKAGES"])

using StationLog

# Compile what the training run compiled.  The statements name modules that
# Main has not loaded, so they run in a module where every one has its name;
# and a few are not valid Julia as printed, so each may fail alone.
let names = Module(), compiled = 0, failed = 0
    for (id, loaded) in Base.loaded_modules
        name = Symbol(id.name)
        isdefined(names, name) || Core.eval(names, :(const $name = $loaded))
    end
    for statement in eachline(ENV["SYSIMAGE_STATEMENTS"])
        try
            Base.include_string(names, statement)
            compiled += 1
        catch err
            failed += 1
            println(stderr, "  skipped: ", first(statement, 100), "\n    (", first(sprint(showerror, err), 100), ")")
        end
    end
    println(stderr, "  precompile statements: ", compiled, " compiled, ", failed, " skipped")
end

# These are of this machine and this run; the image's user has their own.
empty!(LOAD_PATH)
empty!(DEPOT_PATH)
