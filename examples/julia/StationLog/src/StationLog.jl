# SPDX-License-Identifier: GPL-3.0-or-later

"""
Reads a CSV file of weather readings and makes a table, one line per station.

A stand-in for a real package: small, but its first call makes Julia compile
text parsing, dates, dictionaries, sorting, formatted printing and a
least-squares fit, which takes seconds.
"""
module StationLog

using Dates, LinearAlgebra, Printf

export read_log, report

struct Reading
    station::String
    taken::DateTime
    celsius::Float64
    pressure::Union{Float64,Missing}
end

const TIME_FORMAT = dateformat"yyyy-mm-dd HH:MM"
const HEADER = "station,taken,celsius,pressure"

"Turn line NUMBER of a log into a `Reading`, or throw an `ArgumentError` that names the line."
function parse_reading(line::AbstractString, number::Integer)
    fields = strip.(split(line, ','))
    length(fields) == 4 ||
        throw(ArgumentError("line $number: $(length(fields)) fields where 4 belong: $(repr(line))"))
    celsius = tryparse(Float64, fields[3])
    celsius === nothing &&
        throw(ArgumentError("line $number: not a temperature: $(repr(fields[3]))"))
    pressure = isempty(fields[4]) ? missing : parse(Float64, fields[4])
    Reading(String(fields[1]), DateTime(fields[2], TIME_FORMAT), celsius, pressure)
end

"Read a whole log from IO."
function read_log(io::IO)
    first_line = readline(io)
    first_line == HEADER || throw(ArgumentError("line 1: expected the header $(repr(HEADER))"))
    [parse_reading(line, number + 1)
     for (number, line) in enumerate(eachline(io)) if !occursin(r"^\s*(#|$)", line)]
end

read_log(path::AbstractString) = open(read_log, path)

"Degrees per day that the temperature rises, by least squares."
function trend(readings::Vector{Reading})
    start = readings[1].taken
    days = [Dates.value(r.taken - start) / 86_400_000 for r in readings]
    fit = [ones(length(days)) days] \ [r.celsius for r in readings]
    fit[2]
end

"The report on READINGS: one line for each station, the warmest first."
function report(readings::Vector{Reading})
    stations = Dict{String,Vector{Reading}}()
    for r in readings
        push!(get!(stations, r.station, Reading[]), r)
    end
    mean(rs) = sum(r.celsius for r in rs) / length(rs)
    out = IOBuffer()
    for name in sort!(collect(keys(stations)); by = name -> (-mean(stations[name]), name))
        rs = sort(stations[name]; by = r -> r.taken)
        pressures = collect(skipmissing(r.pressure for r in rs))
        @printf(out, "%-12s %3d readings  %s to %s  %6.2f C  %+6.3f C/day  %s\n", titlecase(name),
                length(rs), Dates.format(rs[1].taken, "d u"), Dates.format(rs[end].taken, "d u"),
                mean(rs), trend(rs),
                isempty(pressures) ? "no pressure" : string(round(Int, maximum(pressures)), " hPa max"))
    end
    String(take!(out))
end

end
