# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a Julia must be able to do whatever image it runs from.  What is printed is the same with
# each image; what would not be, is checked here.

using Dates, InteractiveUtils, LinearAlgebra, Printf, Random, Test

# objects of the image, reached by name and by reflection
@test parse(Float64, "1.5e3") == 1500
@test occursin(r"^a.c$", "abc")
@test norm(inv([1.0 2; 3 4]) * [1.0 2; 3 4] - I) < 1e-12
@test Symbol("a", "b") === :ab && Core.nothing === nothing
@test typeof(1) === Int && Int <: Integer && Base.return_types(+, (Int, Int)) == [Int]
println(length(methods(+)), " ", length(names(Base)), " ", Dates.format(DateTime(2020, 1, 2), "yyyy-mm-dd"))
println(@sprintf("%5.2f", pi), " ", rand(MersenneTwister(1), UInt32), " ", hash("a"))
for s in (:Base, :Core), n in sort(names(getfield(Main, s)))
    isdefined(getfield(Main, s), n) && string(getfield(getfield(Main, s), n))
end

# exceptions, with the image's functions in their traces, and its native code
trace = try parse(Int, "x") catch; stacktrace(catch_backtrace()) end
@test any(f -> f.func === :tryparse_internal && endswith(string(f.file), "parse.jl") && f.line > 0, trace)
@test_throws BoundsError [1, 2][3]
println(try error("boom") catch e; sprint(showerror, e) end)
code = sprint(code_native, parse, (Type{Int}, String))
@test occursin("ret", code)

# Full collections while objects of the image come to hold young ones: method tables, arrays,
# dictionaries, globals.  An object whose mark is not reset loses what it refers to.
twice(x::Int) = 2x
for i in 1:6
    @eval twice(::Val{$i}) = $(string("v", i))
    push!(DEPOT_PATH, string("depot", i))
    push!(LOAD_PATH, string("load", i))
    Core.eval(Base, :(active_repl_backend = $(Dict(i => [string("young", i)]))))
    ENV["PRELINK$i"] = string(i)
    Base.CoreLogging.global_logger(Base.CoreLogging.SimpleLogger(IOBuffer()))
    GC.gc(true)
    garbage = [string(k) => [k, k^2] for k in 1:20000]
    @test sum(v[2] for (_, v) in garbage) == sum(k^2 for k in 1:20000)
    GC.gc(false)
    GC.gc(true)
    @test all(Base.invokelatest(twice, Val(k)) == string("v", k) for k in 1:i)
    @test DEPOT_PATH[end-i+1:end] == ["depot$k" for k in 1:i]
    @test LOAD_PATH[end-i+1:end] == ["load$k" for k in 1:i]
    @test Base.active_repl_backend[i] == ["young$i"]
end
println("all is well")
