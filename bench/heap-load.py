#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to start with a heap: dlopen of relocated images beside prelinked ones.

One heap of each size is linked in every way; then fresh processes load it in turns whose order is
random, each way twice in a row, and the second counts.  README.md says what is controlled.
"""

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(HERE)
COLUMNS = ["ready", "chase", "all", "f_ready", "f_chase", "f_all", "private", "pss"]
REFERENCE = "dlopen RELR"


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, **more)
    if done.returncode:
        sys.exit(f"heap-load: {' '.join(command)} ends with {done.returncode}")
    return done.stdout


def size_of(text):
    return int(text[:-1]) << {"K": 10, "M": 20, "G": 30}[text[-1].upper()]


class Heap:
    """One generated heap, linked in every way."""

    def __init__(self, bench, text, near):
        self.size = size_of(text)
        heap, listing = (os.path.join(bench.dir, "gen." + end) for end in ("heap", "list"))
        run(bench.heapgen, heap, listing, "--one", f"--size={self.size}", *(["--near"] if near else []))
        with open(listing) as lines:
            words = {line.split()[0]: line.split() for line in lines}
        self.check = [str(self.size), words["sum"][2], words["sum"][3]]
        os.unlink(listing)
        self.ways = []
        for name, way, options in (
            ("dlopen RELATIVE", "dlopen", ["--heap-relocs=native"]),
            (REFERENCE, "dlopen", ["--heap-relocs=native", "-z", "pack-relative-relocs"]),
            ("prelinked", "dlopen", []),
            ("base-relative", "none", ["--heap-relocs=none"]),
        ):
            image = os.path.join(bench.dir, name.replace(" ", "-") + ".so")
            run(bench.objtool, "link", "-o", image, heap, *options)
            self.ways.append((name, way, image, []))
        prelinked = self.ways[2][2]
        base = re.search(r"LOAD\s+\S+\s+(0x\w+)", run("readelf", "-lW", prelinked))[1]
        self.prelinked = prelinked
        self.ways.append(("prelinked, libsysimage", "image", prelinked, []))
        self.ways.append(("prelinked, address taken", "dlopen", prelinked, [base]))
        plain = os.path.join(bench.dir, "plain")
        with open(heap, "rb") as source, open(plain, "wb") as to:
            source.seek(4096)
            left = self.size
            while left:
                part = source.read(min(left, 2 << 20))
                to.write(part)
                left -= len(part)
        self.ways.append(("read(2) of the bytes", "read", plain, []))
        os.unlink(heap)
        for image in {way[2] for way in self.ways}:
            run(bench.program, "rewrite", image)

    def load(self, bench, way, kind=None, cold=False):
        name, how, image, more = way
        if cold:
            run(bench.program, "drop", image)
        out = run(bench.program, kind or how, image, *self.check, *more)
        return dict(zip(COLUMNS, map(float, out.split())))


def measure(bench, heap, cold):
    runs = {way[0]: [] for way in heap.ways}
    for _ in range(bench.rounds):
        order = list(heap.ways)
        random.shuffle(order)
        for way in order:
            if not cold:
                heap.load(bench, way)
            runs[way[0]].append(heap.load(bench, way, cold=cold))
    return {
        name: {c: statistics.median(r[c] for r in all_runs) for c in COLUMNS}
        for name, all_runs in runs.items()
    }


def table(title, medians):
    reference = medians[REFERENCE]
    print(f"\n### {title}\n")
    print(f"| | ready ms | chase ms | all ms | faults ready/chase/all | private KiB | {REFERENCE} / this: ready | chase | all |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, m in medians.items():
        print(
            f"| {name} | {m['ready']:.3f} | {m['chase']:.2f} | {m['all']:.1f} "
            f"| {m['f_ready']:.0f}/{m['f_chase']:.0f}/{m['f_all']:.0f} | {m['private']:.0f} "
            + "".join(f"| {reference[c] / m[c]:.1f} " for c in ("ready", "chase", "all"))
            + "|"
        )
    sys.stdout.flush()


def shared(bench, heap):
    print("\nTwo processes that read all of it, KiB each: private, proportional (Pss), Pss / heap")
    for name, _, image, more in heap.ways:
        if name in ("dlopen RELATIVE", REFERENCE, "prelinked"):
            out = run(bench.program, "pair", image, *heap.check).split()
            both = int(out[1]) + int(out[3])
            print(f"  {name}: {out[0]}, {out[1]}; of both by the heap: {both * 1024 / heap.size:.3f}")
    idle = heap.load(bench, ("", "idle", heap.prelinked, []))
    print(f"Prelinked and not touched: {idle['private']:.0f} KiB private")


class Bench:
    def __init__(self, arguments):
        self.rounds = arguments.n
        self.dir = tempfile.mkdtemp(prefix="heap-load.", dir=arguments.dir)
        self.objtool = os.environ.get("OBJTOOL") or shutil.which("objtool")
        library = arguments.libsysimage or os.path.join(os.path.dirname(self.objtool), "..", "runtime", ".libs")
        self.heapgen, self.program = (os.path.join(self.dir, n) for n in ("heapgen", "heap_load"))
        run("cc", "-O2", "-o", self.heapgen, os.path.join(TOP, "tests/support/heapgen.c"))
        run("cc", "-O3", "-march=native", "-o", self.program, os.path.join(HERE, "heap_load.c"),
            "-I" + os.path.join(TOP, "include"), "-L" + library, "-lsysimage",
            "-Wl,-rpath," + os.path.realpath(library), "-ldl")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=7, help="counted rounds (default 7)")
    parser.add_argument("--sizes", default="16M,256M", help="for example 16M,256M,1G")
    parser.add_argument("--near", action="store_true", help="most pointers lead close by")
    parser.add_argument("--cold", action="store_true", help="also with the files not in the page cache")
    parser.add_argument("--libsysimage", metavar="DIR", help="where libsysimage.so is")
    parser.add_argument("--dir", default=".", help="where the images are written")
    arguments = parser.parse_args()
    bench = Bench(arguments)
    ready = {}
    try:
        for text in arguments.sizes.split(","):
            heap = Heap(bench, text, arguments.near)
            medians = measure(bench, heap, False)
            ready[text] = medians["prelinked"]["ready"]
            table(f"{text}, page cache warm", medians)
            shared(bench, heap)
            if arguments.cold:
                table(f"{text}, page cache cold", measure(bench, heap, True))
        if len(ready) > 1:
            first, *_, last = ready
            print(f"\nprelinked, ready: {last} takes {ready[last] / ready[first]:.2f} times what {first} takes")
    finally:
        shutil.rmtree(bench.dir)


if __name__ == "__main__":
    main()
