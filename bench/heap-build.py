#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to make an image of a heap: objtool link beside other linkers, and beside writing.

objtool links a heap container; the others link an object with the same bytes and a relocation for
each pointer, since they know no heaps.  "write only" writes the bytes and does nothing else.  All
take turns in one run; README.md says what is controlled and how to read the tables.
"""

import argparse
import fnmatch
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the sources may not be ours to write in
import link as common  # noqa: E402

TOP = os.path.dirname(common.HERE)
PIECE = 2 << 20
RELR = ["-z", "pack-relative-relocs"]
MODES = {  # of objtool with a container
    "prelinked": ["--heap-relocs=prelinked"],
    "none": ["--heap-relocs=none"],
    "native RELR": ["--heap-relocs=native", *RELR],
    "native RELATIVE": ["--heap-relocs=native"],
}
ABSOLUTE = {"x86_64": (62, 1), "aarch64": (183, 257)}  # e_machine, the relocation of a pointer
FLOOR = "write only"
OURS = "objtool prelinked"


def size_of(text):
    return int(text[:-1]) << {"K": 10, "M": 20, "G": 30}[text[-1].upper()]


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        common.die(f"{' '.join(command)} ends with {done.returncode}")
    return done.stdout.strip()


def rewrite(path):
    """Write a file again in pieces of 2 MiB and to the disk: large folios, and no dirty pages that
    the kernel would write while something is measured."""
    with open(path, "rb", buffering=0) as old, open(path + ".new", "wb", buffering=0) as new:
        while piece := old.read(PIECE):
            new.write(piece)
        os.fsync(new.fileno())
    os.replace(path + ".new", path)


class Inputs:
    """One generated heap as a container and as an object."""

    def __init__(self, bench, text):
        self.name = text
        self.size = size_of(text)
        self.heap, self.object, listing = (
            os.path.join(bench.directory, "gen." + end) for end in ("heap", "o", "list")
        )
        near = ["--near"] if bench.options.near else []
        run(bench.heapgen, self.heap, listing, "--one", f"--size={self.size}", *near)
        with open(listing) as lines:
            words = {line.split()[0]: line.split() for line in lines}
        self.check = [str(self.size), words["sum"][2], words["sum"][3]]
        rewrite(self.heap)
        machine, kind = ABSOLUTE[os.uname().machine]
        run(bench.helper, "object", self.heap, self.object, str(machine), str(kind))


def ways(bench, inputs):
    """Name -> command, without the output's name."""
    objtool = [bench.linkers[common.OURS][0], "link"]
    found = {FLOOR: [bench.helper, "floor", inputs.heap]}
    for mode, options in MODES.items():
        found[f"objtool {mode}"] = [*objtool, *options, inputs.heap, "-o"]
    for name, command in bench.linkers.items():
        of = "objtool, object" if name == common.OURS else name
        found[f"{of} RELATIVE"] = [*command, "-shared", inputs.object, "-o"]
        if name != "gold":  # it has no RELR
            found[f"{of} RELR"] = [*command, "-shared", *RELR, inputs.object, "-o"]
    patterns = bench.options.ways.split(";")
    return {n: c for n, c in found.items() if any(fnmatch.fnmatch(n, p) for p in patterns)}


def measure(bench, inputs):
    output = os.path.join(bench.directory, "out.so")
    log = os.path.join(bench.directory, "log")
    runs = {}
    turns = []
    # Not counted: brings files and memory to where linkers keep them, and looks at what is made.
    for name, command in ways(bench, inputs).items():
        first = common.link([*command, output], output, log)
        if name != FLOOR:
            check = [bench.helper, "check", output, *inputs.check]
            said = subprocess.run(check, capture_output=True)
            if said.returncode:
                fault = f"{name}: the output is wrong: {said.stderr.decode().strip()}"
                if name.startswith("objtool"):
                    common.die("FAILED: " + fault)
                common.say("note: " + fault)
        runs[name] = []
        # What is fast is easily disturbed, and cheap to repeat.
        turns += [(name, command)] * (3 if first.wall < 2000 else 1)
        os.unlink(output)
    common.forget_peak()
    for turn in range(bench.options.n):
        bench.order.shuffle(turns)
        for name, command in turns:
            runs[name].append(common.link([*command, output], output, log))
            # The next one finds no file of that name, and its pages free.
            os.unlink(output)
        common.say(f"{inputs.name}: {turn + 1} of {bench.options.n}, load {common.load_average()}")
    return runs


def ratio(value, of):
    return f"{value / of:.2f}" if value < 10 * of else f"{value / of:.0f}" if of else "?"


def show(inputs, runs, markdown):
    heading = f"{inputs.name} heap, {int(inputs.check[2]) / 1e6:.1f} million pointers"
    print(f"### {heading}\n" if markdown else heading)
    times = [("wall", common.median), ("wall", min), ("cpu", common.median)]
    figures = {
        name: [reduce([getattr(run, field) for run in all_runs]) for field, reduce in times]
        for name, all_runs in runs.items()
    }
    rows = [["", "wall ms", "min", "CPU ms", "memory MiB", "output / heap"]]
    against = [(other, other.replace("objtool ", "")) for other in (FLOOR, OURS) if other in runs]
    rows[0] += [f"{what}/{short}" for _, short in against for what in ("wall", "min", "CPU")]
    for name, all_runs in runs.items():
        row = [name] + [f"{value:.1f}" for value in figures[name]]
        row.append(f"{common.median([run.memory for run in all_runs]) * common.MB / 2**20:.0f}")
        row.append(f"{all_runs[0].size * common.MB / inputs.size:.3f}")
        for other, _ in against:
            row += [ratio(*pair) for pair in zip(figures[name], figures[other])]
        rows.append(row)
    common.show_table(rows, markdown)


class Bench:
    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.linkers = common.find_linkers(common.find_objtool(options.objtool))
        self.order = random.Random(options.seed)
        self.heapgen, self.helper = (os.path.join(directory, n) for n in ("heapgen", "heap_build"))
        run("cc", "-O2", "-o", self.heapgen, os.path.join(TOP, "tests/support/heapgen.c"))
        run("cc", "-O2", "-o", self.helper, os.path.join(common.HERE, "heap_build.c"),
            "-I" + os.path.join(TOP, "include"), "-ldl")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    add = parser.add_argument
    add("-n", type=common.positive, default=5, metavar="RUNS", help="counted rounds (default 5)")
    add("--sizes", default="16M,256M", metavar="LIST", help="of heaps (default 16M,256M)")
    add("--ways", default="*", metavar="LIST", help="only these: 'write only;objtool *;* RELR'")
    add("--near", action="store_true", help="most pointers lead close by")
    add("--objtool", metavar="PATH", help="default: $OBJTOOL, then the PATH")
    add("--dir", metavar="DIR", help="where to write (default: $TMPDIR or /tmp)")
    add("--seed", type=int, help="of the random order (default: a new one)")
    add("--json", metavar="FILE", help="write every run's figures")
    add("--markdown", action="store_true", help="print the tables as Markdown")
    options = parser.parse_args()
    if not shutil.which("cc") or os.uname().machine not in ABSOLUTE:
        common.say("skip: this needs cc, on x86-64 or aarch64")
        sys.exit(77)
    if options.seed is None:
        options.seed = int.from_bytes(os.urandom(4), "little")
    common.adopt_orphans()

    facts, results = [], {}
    with tempfile.TemporaryDirectory(prefix="bench.", dir=options.dir) as directory:
        bench = Bench(options, directory)
        facts.append(common.machine(directory))
        for text in options.sizes.split(","):
            inputs = Inputs(bench, text)
            before, others = common.load_average(), common.OthersLoad()
            results[text] = (inputs, measure(bench, inputs))
            busy, stolen = others.mean()
            facts.append(
                f"{text}: load average {before} before, {common.load_average()} after; "
                f"others used {busy:.2f} CPUs, {stolen:.2f} were stolen"
            )
    facts.append(f"{options.n} rounds, seed {options.seed}")
    facts.append(f"memory: less than {common.floor() * common.MB / 2**20:.0f} MiB cannot be told")
    facts += [f"{n}: {common.Linker(n, c).version}" for n, c in bench.linkers.items()]
    for fact in facts:
        print(f"* {fact}" if options.markdown else fact)
    print()
    for inputs, runs in results.values():
        show(inputs, runs, options.markdown)
    if options.json:
        figures = {
            text: {name: [run.as_dict() for run in all_runs] for name, all_runs in runs.items()}
            for text, (_, runs) in results.items()
        }
        with open(options.json, "w") as file:
            json.dump({"facts": facts, "seed": options.seed, "results": figures}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
