#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of Julia 1.5.3 from the image of examples/julia, by linkers; whole processes, in turns.

Then, in turns as well, how long in this dlopen of the image takes (in which our start-up code runs), and
jl_restore_system_image, as a preloaded julia_phases.c finds.

The images are linked by GNU ld, lld and mold (those that are there), and by objtool without and with
--julia-prelink.  The first time, their object is made: four minutes.
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
EXAMPLE = os.path.join(HERE, "..", "examples", "julia")


def linked(objtool, directory, lib, objects):
    """Who made it: the image."""
    images = {}
    for name in ("bfd", "lld", "mold"):
        if shutil.which("mold" if name == "mold" else "ld." + name):
            images[name] = os.path.join(directory, name + ".so")
            subprocess.run([os.path.join(EXAMPLE, "link.sh"), name, objects, images[name]], check=True)
    for name, choice in (("objtool, not prelinked", "no"), ("objtool", "yes")):
        images[name] = os.path.join(directory, choice + ".so")
        subprocess.run([objtool, "link", objects, "-o", images[name], "-L" + lib, "-ljulia",
                        "--julia-prelink=" + choice], check=True)
    return images


def run(command, environment):
    """Wall ms, CPU ms, minor faults of one process."""
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    if status:
        sys.exit("%s: status %d" % (" ".join(command), status))
    return wall * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3, usage.ru_minflt


def build_shim(directory):
    shim = os.path.join(directory, "phases.so")
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", shim,
                    os.path.join(HERE, "julia_phases.c"), "-ldl"], check=True)
    return shim


def phases(command, environment, shim):
    """Milliseconds of dlopen and of the restore in one process."""
    out = os.path.join(os.path.dirname(shim), "phases.txt")
    run(command, dict(environment, LD_PRELOAD=shim, JULIA_PHASES_IMAGE=command[2], JULIA_PHASES_OUT=out))
    with open(out) as f:
        numbers = [int(n) / 1e6 for n in f.read().split()]
    os.unlink(out)
    return numbers + [sum(numbers)]


def at_once(command, environment, count):
    """Pss in MB of one of COUNT processes that run at the same time."""
    code = "print(1); flush(stdout); read(stdin, UInt8)"
    processes = [subprocess.Popen(command[:-1] + [code], env=environment, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) for _ in range(count)]
    for p in processes:
        p.stdout.read(1)
    pss = 0
    for p in processes:
        with open("/proc/%d/smaps_rollup" % p.pid) as f:
            pss += sum(int(l.split()[1]) for l in f if l.startswith("Pss:"))
    for p in processes:
        p.communicate(b"\n")
    return pss / count * 1024 / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", help="the build directory")
    parser.add_argument("-n", type=int, default=30, help="counted rounds (default 30)")
    arguments = parser.parse_args()
    objtool = os.environ.get("OBJTOOL") or os.path.join(arguments.build, "objtool", "objtool")
    said = subprocess.run(["bash", "-c", ". '%s/paths.sh'; echo \"$julia_dir\"; echo \"$julia_lib\"" % EXAMPLE],
                          check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")
    julia, lib = said[0], said[1]
    if subprocess.run([os.path.join(EXAMPLE, "get-julia.sh"), julia], stdout=sys.stderr).returncode:
        sys.exit(77)
    objects = subprocess.run([os.path.join(EXAMPLE, "build-object.sh")], check=True,
                             stdout=subprocess.PIPE, text=True).stdout.strip()
    environment = dict(os.environ, LD_LIBRARY_PATH=lib + ":" + os.path.join(julia, "lib/x86_64-linux-gnu"))
    with tempfile.TemporaryDirectory(prefix="julia-start.", dir=os.path.dirname(objects)) as directory:
        images = linked(objtool, directory, lib, objects)
        images["Julia's own"] = os.path.join(lib, "julia", "sys.so")
        commands = {name: [os.path.join(julia, "usr/bin/julia"), "-J", image, "--startup-file=no", "-e",
                           "nothing"] for name, image in images.items()}
        runs = {name: [] for name in commands}
        parts = {name: [] for name in commands}
        shim = build_shim(directory)
        load = os.getloadavg()[0]
        for turn in range(arguments.n + 1):
            for name in random.sample(list(commands), len(commands)):
                one = run(commands[name], environment)
                part = phases(commands[name], environment, shim)
                if turn:
                    runs[name].append(one)
                    parts[name].append(part)
        pss = {name: [at_once(c, environment, n) for n in (1, 4)] for name, c in commands.items()}
    print("%d rounds, load %.1f before and %.1f after" % (arguments.n, load, os.getloadavg()[0]))
    medians = {name: [statistics.median(c) for c in zip(*r)] for name, r in runs.items()}
    medians_of_parts = {name: [statistics.median(c) for c in zip(*p)] for name, p in parts.items()}
    linkers = [name for name in medians if name in ("bfd", "lld", "mold")]
    best = min(medians[name][0] for name in linkers)
    best_part = min(medians_of_parts[name][2] for name in linkers)
    print("| image by | wall ms, median (min) | by the best linker's | CPU ms | minor faults | "
          "Pss MB of one, of each of four | dlopen ms | restore ms | both | by the best linker's |\n"
          "|---|---|---|---|---|---|---|---|---|---|")
    for name, (wall, cpu, faults) in medians.items():
        opened, restored, both = medians_of_parts[name]
        print("| %s | %.1f (%.1f) | %.2f | %.1f | %d | %.0f, %.0f | %.1f | %.1f | %.1f | %.2f |" % (
            name, wall, min(r[0] for r in runs[name]), wall / best, cpu, faults, *pss[name], opened,
            restored, both, both / best_part))


if __name__ == "__main__":
    main()
