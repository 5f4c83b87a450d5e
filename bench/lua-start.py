#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of examples/lua: from source, from bytecode, from its image; whole processes, in turns.

Needs Debian's liblua5.4-dev, lua-penlight and lua5.4, and the build directory of this project.
"""

import argparse
import os
import random
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
EXAMPLE = os.path.join(HERE, "..", "examples", "lua")
LIBRARY = "/usr/share/lua/5.4"
CODE = "assert(words:map(string.upper):concat(' ') == 'FROZEN THAWED WARM')"


def run(*command, **more):
    subprocess.run(command, check=True, **more)


def compiled(directory):
    """All of Penlight and the program as stripped bytecode."""
    for base, _, files in os.walk(os.path.join(LIBRARY, "pl")):
        to = os.path.join(directory, "bytecode", os.path.relpath(base, LIBRARY))
        os.makedirs(to)
        for name in files:
            run("luac5.4", "-s", "-o", os.path.join(to, name), os.path.join(base, name))
    program = os.path.join(directory, "app.luac")
    run("luac5.4", "-s", "-o", program, os.path.join(EXAMPLE, "app.lua"))
    return program


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", help="the build directory")
    parser.add_argument("-n", type=int, default=21, help="counted rounds (default 21)")
    arguments = parser.parse_args()
    objtool = os.environ.get("OBJTOOL") or os.path.join(arguments.build, "objtool", "objtool")
    with tempfile.TemporaryDirectory(prefix="lua-start.") as directory:
        run(os.path.join(EXAMPLE, "build.sh"), arguments.build, directory)
        lua = os.path.join(directory, "lua-image")
        heap, image = (os.path.join(directory, n) for n in ("lua.heap", "lua.so"))
        run(lua, "freeze", heap, os.path.join(EXAMPLE, "app.lua"))
        run(objtool, "link", "--heap-base=0x2f1d00000000", heap, "-o", image)
        bytecode = compiled(directory)
        path = dict(os.environ, LUA_PATH=os.path.join(directory, "bytecode", "?.lua"))
        ways = {
            "source": ([lua, "run", os.path.join(EXAMPLE, "app.lua"), CODE], None),
            "bytecode": ([lua, "run", bytecode, CODE], path),
            "image": ([lua, "thaw", image, CODE], None),
            "nothing (/bin/true)": (["/bin/true"], None),
        }
        times = {name: [] for name in ways}
        for turn in range(arguments.n + 1):
            for name in random.sample(list(ways), len(ways)):
                command, environment = ways[name]
                start = time.perf_counter()
                run(*command, env=environment)
                if turn:
                    times[name].append((time.perf_counter() - start) * 1e3)
    image_time = statistics.median(times["image"])
    print("| | whole process ms, median (min) | by the image |\n|---|---|---|")
    for name, all_times in times.items():
        median = statistics.median(all_times)
        print(f"| {name} | {median:.2f} ({min(all_times):.2f}) | {median / image_time:.1f} |")


if __name__ == "__main__":
    main()
