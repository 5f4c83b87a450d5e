# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a user of StationLog does: load the package, read a log, print the report.
# The report goes to standard output, the times to standard error.
# Run under --trace-compile, this is also the training run that tells which
# functions to compile into the image.

const start = time_ns()
using StationLog
const loaded = time_ns()
const text = report(read_log(ARGS[1]))
const called = time_ns()
report(read_log(ARGS[1]))
const again = time_ns()

print(text)
println(stderr, "using ", (loaded - start) / 1e6, " ms, first call ", (called - loaded) / 1e6,
        " ms, second call ", (again - called) / 1e6, " ms")
