#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sysimage-plugin.so adds to a link of many objects: the same link without it and with it.

The linker offers the plugin each of its inputs; this is what that costs. All take turns in one run;
README.md says how to read the table.
"""

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # the sources may not be ours to write in
import link as common  # noqa: E402

TOP = os.path.dirname(common.HERE)
NAME = b"f0000000"  # a symbol of the object that all others are copies of


def make_objects(directory, count):
    """COUNT objects with a function each; the file that lists them for "@FILE"."""
    source = f"int {NAME.decode()}(int c);\nint {NAME.decode()}(int c) {{ return c + 1; }}\n"
    first = os.path.join(directory, "first.o")
    subprocess.run(["cc", "-O2", "-fPIC", "-x", "c", "-c", "-", "-o", first], input=source.encode(), check=True)
    with open(first, "rb") as file:
        bytes_of_first = file.read()
    paths = []
    for i in range(count):
        paths.append(os.path.join(directory, f"{i}.o"))
        with open(paths[-1], "wb") as file:
            file.write(bytes_of_first.replace(NAME, b"f%07d" % i))
    listing = os.path.join(directory, "list")
    with open(listing, "w") as file:
        file.write("\n".join(paths))
    return listing


def make_heap(directory):
    """An empty heap of 64 KiB, with a root: as a container, and as an object for any linker."""
    raw, heap, packed = (os.path.join(directory, "raw" + end) for end in ("", ".heap", ".o"))
    with open(raw, "wb") as file:
        file.write(bytes(65536))
    objtool = os.environ.get("OBJTOOL", "objtool")
    subprocess.run([objtool, "heap", "--raw", raw, "--root", "frozen=0", "-o", heap], check=True)
    subprocess.run([objtool, "pack", "--heap-relocs=prelinked", heap, "-o", packed], check=True)
    return heap, packed


def measure(command, output):
    """User and system time, and wall time, in seconds."""
    if os.path.exists(output):
        os.unlink(output)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command + ["-o", output], capture_output=True, text=True)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        common.die(f"{' '.join(command[:3])}: {done.stderr.strip()}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("-n", type=common.positive, default=15, help="counted rounds (15)")
    parser.add_argument("--objects", type=common.positive, default=10000, help="how many (10000)")
    parser.add_argument("--linkers", default="ld.bfd,ld.gold", help="names or paths (ld.bfd,ld.gold)")
    parser.add_argument(
        "--plugin", default=os.path.join(TOP, "build/plugin/.libs/sysimage-plugin.so"), help="the plugin"
    )
    options = parser.parse_args()
    if not os.path.exists(options.plugin):
        common.die(f"{options.plugin} is not there: build first, or --plugin=PATH", 77)
    with tempfile.TemporaryDirectory() as directory:
        listing = make_objects(directory, options.objects)
        heap, packed = make_heap(directory)
        output = os.path.join(directory, "out.so")
        ways = {  # and the way that it is compared with
            "no heap": ([], "no heap"),
            "no heap, plugin": (["-plugin", options.plugin], "no heap"),
            "packed heap": ([packed], "packed heap"),
            "heap, plugin": ([heap, "-plugin", options.plugin], "packed heap"),
        }
        runs = {(ld, way): [] for ld in options.linkers.split(",") for way in ways}
        for counted in [False] + [True] * options.n:
            for ld, way in random.sample(sorted(runs), len(runs)):
                times = measure([ld, "-shared", "@" + listing] + ways[way][0], output)
                if counted:
                    runs[ld, way].append(times)
    print(f"{options.objects} objects, medians of {options.n} rounds; ratio: CPU to that without the plugin")
    print(f"{'linker':12} {'way':18} {'CPU ms':>8} {'ratio':>7} {'wall ms':>8}")
    for (ld, way), times in runs.items():
        pairs = [a[0] / b[0] for a, b in zip(times, runs[ld, ways[way][1]])]
        cpu, wall = (statistics.median(t[i] for t in times) * 1000 for i in (0, 1))
        print(f"{os.path.basename(ld):12} {way:18} {cpu:8.0f} {statistics.median(pairs):7.3f} {wall:8.0f}")


if __name__ == "__main__":
    main()
