#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of Mach-O libraries: objtool beside ld64.lld, the same objects, taking turns in one run.

Many objects (functions that call and point at those of others), and one heap of many pointers, which
ld64.lld gets as the object that objtool pack makes of it. README.md says how to read the table.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
STUBS = [os.path.join(TOP, "tests/e2e/macho", name) for name in ("libSystem.tbd", "libext.tbd")]


def make_objects(directory, cpu, count, functions):
    """COUNT objects of FUNCTIONS each; the arguments that name them."""
    paths, running = [], []
    for i in range(count):
        source = os.path.join(directory, f"{i}.c")
        following = (i + 1) % count
        with open(source, "w") as file:
            file.write("extern int ext_data; extern int ext_fn(int);\n")
            for k in range(functions):
                other = f"g{following}_{k * 7 % functions}"
                file.write(f"int {other}(int);\nstatic int s{k}(int x) {{ return x * {k} + ext_data; }}\n"
                           f"int g{i}_{k}(int x) {{ return x < 1 ? 0 : s{k}(x) + ext_fn(x) + {other}(x - 1); }}\n"
                           f"int (*p{i}_{k})(int) = g{i}_{k}; const char *n{i}_{k} = \"name {i} {k}\";\n")
        paths.append(os.path.join(directory, f"{cpu}-{i}.o"))
        running.append(subprocess.Popen(["clang-19", "-target", f"{cpu}-apple-macos13", "-O1", "-c", source, "-o", paths[-1]]))
        if len(running) >= (os.cpu_count() or 1):
            if running.pop(0).wait():
                sys.exit("the objects do not compile")
    for process in running:
        process.wait()
    return paths


def make_heap(directory, cpu, size):
    """A generated heap: as a container, and as an object."""
    generator = os.path.join(directory, "heapgen")
    subprocess.run(["cc", "-O2", os.path.join(TOP, "tests/support/heapgen.c"), "-o", generator], check=True)
    heap, packed = (os.path.join(directory, "heap" + end) for end in (".heap", ".o"))
    subprocess.run([generator, heap, os.devnull, "--one", "--imports=none", f"--size={size}"], check=True)
    objtool = os.environ.get("OBJTOOL", "objtool")
    subprocess.run([objtool, "pack", f"--target={cpu}-apple-macos13", heap, "-o", packed], check=True)
    return heap, packed


def measure(command, output):
    """Wall time and user and system time in seconds, and the most memory in MiB."""
    if os.path.exists(output):
        os.unlink(output)
    start = time.monotonic()
    process = subprocess.Popen(command + ["-o", output], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    wall = time.monotonic() - start
    if status:
        sys.exit(f"{' '.join(command[:3])}: status {status} {error}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(title, commands, rounds, directory):
    """Medians of ours and theirs, and the ratio of each round's."""
    results = {name: [] for name in commands}
    for round_number in range(rounds + 1):
        order = list(commands)
        random.shuffle(order)
        for name in order:
            result = measure(commands[name], os.path.join(directory, "out.dylib"))
            if round_number:  # the first only warms up
                results[name].append(result)
    ours, theirs = results.values()
    print(f"{title}:")
    for i, what in enumerate(("wall s", "CPU s", "memory MiB")):
        ratio = statistics.median(a[i] / b[i] for a, b in zip(ours, theirs))
        print(f"  {what:<11} {statistics.median(r[i] for r in ours):9.3f} {statistics.median(r[i] for r in theirs):9.3f}"
              f"   ratio {ratio:.2f}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=11, help="rounds (11)")
    parser.add_argument("--objects", type=int, default=150)
    parser.add_argument("--functions", type=int, default=400)
    parser.add_argument("--heap", default="64M", help="the size of the heap (64M)")
    parser.add_argument("--cpu", choices=["x86_64", "arm64"], default="arm64")
    options = parser.parse_args()
    objtool = os.environ.get("OBJTOOL", "objtool")
    common = ["-dylib", "-arch", options.cpu, "-platform_version", "macos", "13.0", "26.0", "-install_name", "x"]
    with tempfile.TemporaryDirectory() as directory:
        objects = make_objects(directory, options.cpu, options.objects, options.functions)
        heap, packed = make_heap(directory, options.cpu, options.heap)
        print(f"{'':<13} {'objtool':>9} {'ld64.lld':>9}")
        compare(f"{options.objects} objects, {options.cpu}",
                {"ours": [objtool, "link"] + common + objects + STUBS,
                 "lld": ["ld64.lld-19"] + common + ["-adhoc_codesign"] + objects + STUBS}, options.n, directory)
        compare(f"a heap of {options.heap}, {options.cpu}",
                {"ours": [objtool, "link"] + common + [heap] + STUBS[:1],
                 "lld": ["ld64.lld-19"] + common + ["-adhoc_codesign", packed] + STUBS[:1]}, options.n, directory)
        compare(f"the same as an object, {options.cpu}",
                {"ours": [objtool, "link"] + common + [packed] + STUBS[:1],
                 "lld": ["ld64.lld-19"] + common + ["-adhoc_codesign", packed] + STUBS[:1]}, options.n, directory)


if __name__ == "__main__":
    main()
