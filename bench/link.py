#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare `objtool link` with the other linkers of this machine: time, CPU, memory, size.

All link the same inputs with the same options, in turns whose order is random, in one run; so
the ratios mean something even where the times do not.  README.md says what is controlled and how
to read the tables.
"""

import argparse
import ctypes
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
JULIA_EXAMPLE = os.path.join(HERE, "..", "examples", "julia")
OURS = "objtool"

# Said to every linker, since each has a default of its own: these decide how much there is to do.
COMMON = ["-shared", "--eh-frame-hdr", "--hash-style=gnu"]
VARIANTS = {
    "plain": [],
    "strip": ["--strip-all"],
    "gc": ["-z", "now", "--gc-sections", "--build-id"],
}
MB = 1e6


def say(text):
    print(text, file=sys.stderr, flush=True)


def die(text, status=1):
    say(f"bench: {text}")
    sys.exit(status)


# ---- inputs ----


class Missing(Exception):
    """An input cannot be had here; the text says why."""


class Input:
    def __init__(self, name, arguments, needs=(), exports=(), library_path=None):
        self.name = name
        self.arguments = arguments
        self.needs = needs  # names that DT_NEEDED must have
        self.exports = exports  # symbols that must be exported
        self.library_path = library_path  # where dlopen finds what is needed


def compilers_file(name):
    """Where the C compiler has a file: its start files and libraries are input to all alike."""
    if not shutil.which("cc"):
        raise Missing("no cc here, which knows where the start files are")
    asked = subprocess.run(["cc", f"-print-file-name={name}"], capture_output=True, text=True)
    path = os.path.realpath(asked.stdout.strip())
    if asked.returncode or not os.path.isfile(path):
        raise Missing(f"{name} is not installed")
    return path


def whole_archive(name, archive, libraries, **checks):
    """A static library as a whole, between the start files as `cc -shared` puts it."""
    directories = {os.path.dirname(compilers_file(f)): 0 for f in ("crtbeginS.o", "libc.so")}
    arguments = [compilers_file("crti.o"), compilers_file("crtbeginS.o")]
    arguments += ["--whole-archive", compilers_file(archive), "--no-whole-archive"]
    arguments += [f"-L{directory}" for directory in directories] + libraries
    arguments += [compilers_file("crtendS.o"), compilers_file("crtn.o")]
    return Input(name, arguments, **checks)


def julia():
    """The session that examples/julia freezes; made at the first time, which takes minutes."""

    def script(*command):
        done = subprocess.run(
            ["bash", *command], stdout=subprocess.PIPE, cwd=JULIA_EXAMPLE, text=True
        )
        if done.returncode:
            raise Missing(f"{os.path.basename(command[0])} says why above")
        return done.stdout.split("\n")

    lib, directory = script("-c", '. ./paths.sh; echo "$julia_lib"; echo "$julia_dir"')[:2]
    script("./get-julia.sh", directory)
    sys_o = script("./build-object.sh")[-2]
    return Input(
        "julia",
        ["--whole-archive", sys_o, "--no-whole-archive", f"-L{lib}", "-ljulia"],
        needs=["libjulia.so"],
        exports=["jl_sysimg_gvars_base", "jl_system_image_data"],
        library_path=lib,
    )


INPUTS = {
    "julia": julia,
    "crypto": lambda: whole_archive(
        "crypto", "libcrypto.a", ["-lc"], exports=["EVP_DigestInit_ex"]
    ),
    "stdc++": lambda: whole_archive(
        "stdc++", "libstdc++.a", ["-lm", "-lc", "-lgcc_s"], exports=["__cxa_throw"]
    ),
    "openblas": lambda: whole_archive(
        "openblas", "libopenblas.a", ["-lgfortran", "-lm", "-lc"], exports=["cblas_dgemm"]
    ),
}


# ---- linkers ----


class Linker:
    def __init__(self, name, command):
        self.name = name
        self.command = command
        shown = subprocess.run([command[0], "--version"], capture_output=True, text=True)
        self.version = shown.stdout.split("\n")[0]


def find_objtool(path):
    path = path or os.environ.get("OBJTOOL") or shutil.which("objtool")
    if not path or not os.access(path, os.X_OK):
        die("no objtool: give --objtool PATH, or set OBJTOOL, or have it on the PATH", 2)
    path = os.path.abspath(path)
    with open(path, "rb") as file:
        if file.read(2) == b"#!":
            die(f"{path} is a script (libtool's?): its shell would be measured too", 2)
    if subprocess.run(["grep", "-q", "__asan_init\\|__ubsan_handle", path]).returncode == 0:
        die(f"{path} was built with a sanitizer", 2)
    return path


def find_linkers(objtool):
    """Name -> command, of all that are here.

    mold counts twice.  Left to itself it forks, and its parent ends before the child has given
    its memory back; this is what a user waits for.  With --no-fork it is a process like the others.
    """
    # What the others do not do is not to be timed: see julia-start.py.
    found = {OURS: [objtool, "link", "--julia-prelink=no"]}
    for name in "bfd", "gold":
        if path := shutil.which(f"ld.{name}"):
            found[name] = [path]
    llds = {}
    for directory in os.get_exec_path():
        for file in os.listdir(directory) if os.path.isdir(directory) else ():
            if re.fullmatch(r"ld\.lld(-\d+)?", file):
                path = os.path.join(directory, file)
                llds.setdefault(os.path.realpath(path), []).append((file[3:], path))
    for names in llds.values():
        name, path = max(names)  # lld-14 rather than lld, where they are the same
        found[name] = [path]
    if path := shutil.which("mold"):
        found["mold"] = [path, "--no-fork"]
        found["mold-fork"] = [path]
    return found


# ---- one run ----


class Run:
    def __init__(self, wall, user, system, memory, size):
        self.wall = wall  # ms, until the process that was started ended
        self.user = user  # ms of CPU, of it and all that it started
        self.system = system
        self.cpu = user + system
        self.memory = memory  # MB, the largest of these processes at its peak
        self.size = size  # MB

    def as_dict(self):
        return {
            "wall_ms": round(self.wall, 3),
            "user_ms": round(self.user, 3),
            "system_ms": round(self.system, 3),
            "memory_mb": round(self.memory, 3),
            "output_mb": round(self.size, 6),
        }


def forget_peak():
    """Let this program's own peak of memory be what it uses now."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass  # then it may be more, and floor() says how much


def floor():
    """MB: the least peak that a child can show.  It begins with the peak of its parent, here."""
    with open("/proc/self/status") as file:
        return next(int(l.split()[1]) * 1024 / MB for l in file if l.startswith("VmHWM"))


def adopt_orphans():
    """Make this process the parent of what its children leave behind (mold's worker)."""
    PR_SET_CHILD_SUBREAPER = 36
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        die("prctl(PR_SET_CHILD_SUBREAPER) failed: " + os.strerror(ctypes.get_errno()))


def link(command, output, log):
    """Run one linker to its end and measure it.  The output is there afterwards."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    environment = {**os.environ, "LC_ALL": "C"}
    start = time.perf_counter_ns()
    first = os.posix_spawn(command[0], command, environment, file_actions=actions)
    wall = user = system = memory = 0
    failed = False
    while True:
        try:
            pid, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            break
        if pid == first:
            wall = time.perf_counter_ns() - start
        failed |= status != 0
        user += usage.ru_utime
        system += usage.ru_stime
        memory = max(memory, usage.ru_maxrss)
    if failed or not os.path.exists(output):
        with open(log, errors="replace") as file:
            die(f"FAILED: {' '.join(command)}\n{file.read()}")
    size = os.path.getsize(output) / MB
    return Run(wall / 1e6, user * 1e3, system * 1e3, memory * 1024 / MB, size)


# ---- is the output any good? ----


def fault_in(image, source, read):
    """What is wrong with a library that was linked, or None.  read is of read_image()."""
    environment = dict(os.environ)
    if source.library_path:
        environment["LD_LIBRARY_PATH"] = source.library_path
    load = "import ctypes, os, sys; lib = ctypes.CDLL(sys.argv[1], os.RTLD_NOW)\n"
    load += "for name in sys.argv[2:]: lib[name]"
    loaded = subprocess.run(
        [sys.executable, "-c", load, image, *source.exports],
        env=environment,
        capture_output=True,
        text=True,
    )
    if loaded.returncode:
        return "does not load: " + (loaded.stderr.strip() or "crash").split("\n")[-1]
    for name in source.needs:
        if read and not any(needed.startswith(name) for needed in read.needed):
            return f"does not need {name}"
    return f"displeases readelf: {read.complaints[0]}" if read and read.complaints else None


class Image:
    """What readelf shows of a library."""

    def __init__(self):
        self.needed = []
        self.exports = 0
        self.complaints = []


def read_image(image):
    """Returns an Image, or None where there is no readelf."""
    if not shutil.which("readelf"):
        return None
    read = Image()
    command = ["readelf", "-W", "-h", "-l", "-S", "-d", "--dyn-syms", image]
    environment = {**os.environ, "LC_ALL": "C"}
    # Line by line: kept as a whole, it would show in this program's own memory (see floor()).
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as readelf:
        for line in readelf.stdout:
            row = line.split()
            if line.startswith("readelf:"):
                read.complaints.append(line.strip())
            elif "(NEEDED)" in row:
                read.needed.append(row[-1].strip("[]"))
            elif len(row) >= 8 and re.fullmatch(r"\d+:", row[0]):
                read.exports += row[-2] != "UND"
    return read


# ---- the machine ----


def read_line(path):
    try:
        with open(path) as file:
            return file.readline()
    except OSError:
        return ""


def machine(directory):
    """One line: what kind of machine, and nothing that names it."""
    model = "unknown CPU"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith(("model name", "Model")):
                model = line.split(":", 1)[1].strip()
                break
    memory = int(read_line("/proc/meminfo").split()[1]) * 1024 / 2**30
    mount = subprocess.run(["df", "--output=fstype", directory], capture_output=True, text=True)
    kind = mount.stdout.split()[-1] if mount.stdout.split() else "an unknown file system"
    uname = os.uname()
    return (
        f"{len(os.sched_getaffinity(0))} CPUs ({model}), {memory:.0f} GiB, {uname.sysname} "
        f"{'.'.join(uname.release.split('.')[:2])} {uname.machine}, output on {kind}"
    )


def load_average():
    return "%.2f %.2f %.2f" % os.getloadavg()


class OthersLoad:
    """How many CPUs all but this program and its children kept busy, meanwhile."""

    def __init__(self):
        self.start = self.now()

    @staticmethod
    def now():
        fields = [int(f) for f in read_line("/proc/stat").split()[1:9]]
        tick = os.sysconf("SC_CLK_TCK")
        idle, iowait, steal = fields[3], fields[4], fields[7]
        busy = (sum(fields) - idle - iowait - steal) / tick
        return time.monotonic(), busy - sum(os.times()[:4]), steal / tick

    def mean(self):
        then, now = self.start, self.now()
        seconds = max(now[0] - then[0], 1e-9)
        return max(0, now[1] - then[1]) / seconds, (now[2] - then[2]) / seconds


# ---- measuring ----


def measure(source, variants, linkers, runs, order, directory):
    """Returns {(variant, linker): ([Run...], number of exports)}."""
    output = os.path.join(directory, "out.so")
    log = os.path.join(directory, "log")

    def once(variant, linker):
        command = [*linker.command, *COMMON, *VARIANTS[variant], "-o", output, *source.arguments]
        return link(command, output, log)

    # Not counted: brings files and memory back to where linkers keep them, and looks at what
    # each of them makes.
    result = {}
    for variant in variants:
        for linker in linkers:
            once(variant, linker)
            if said := read_line(log).strip():
                say(f"note: {source.name}/{variant}: {linker.name} says: {said}")
            read = read_image(output)
            fault = fault_in(output, source, read)
            if fault and linker.name == OURS:
                die(f"FAILED: {source.name}/{variant}: the output of {OURS} {fault}")
            if fault:
                say(f"note: {source.name}/{variant}: the output of {linker.name} {fault}")
            result[variant, linker.name] = ([], read.exports if read else None)
            os.unlink(output)

    forget_peak()
    turns = [(variant, linker) for variant in variants for linker in linkers]
    for turn in range(runs):
        order.shuffle(turns)
        for variant, linker in turns:
            run = once(variant, linker)
            # Before the next one starts: it finds the same pages free, and no file of its name.
            os.unlink(output)
            result[variant, linker.name][0].append(run)
        say(f"{source.name}: round {turn + 1} of {runs}, load {load_average()}")
    return result


# ---- tables ----


def median(values):
    values = sorted(values)
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


COLUMNS = [  # heading, what of a Run, how many of its values
    ("wall ms", "wall", median),
    ("min", "wall", min),
    ("CPU ms", "cpu", median),
    ("min", "cpu", min),
    ("memory MB", "memory", median),
    ("output MB", "size", median),
]


def figures(runs):
    return [reduce([getattr(run, field) for run in runs]) for _, field, reduce in COLUMNS]


def ratios(measured, variant):
    """For each column: ours / the best peer's, and who that is; None without peers."""
    peers = {l: figures(r) for (v, l), (r, _) in measured.items() if v == variant and l != OURS}
    if not peers or (variant, OURS) not in measured:
        return None
    ours = figures(measured[variant, OURS][0])
    best = [min(peers, key=lambda name: peers[name][i]) for i in range(len(COLUMNS))]
    return [(ours[i] / peers[best[i]][i], best[i]) for i in range(len(COLUMNS))]


def show_table(rows, markdown):
    """The first row is the heading, the first column left-adjusted."""
    rows = [[str(cell) for cell in row] for row in rows]
    width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, width))]
        print("| " + " | ".join(cells) + " |" if markdown else "  " + "  ".join(cells))
        if markdown and number == 0:
            rules = ["-" * (w + 1) + (":" if i else "-") for i, w in enumerate(width)]
            print("|" + "|".join(rules) + "|")
    print()


def show_input(name, measured, variants, markdown):
    for variant in variants:
        options = " ".join(VARIANTS[variant]) or "no further options"
        heading = f"{name}, {variant} ({options})"
        print(f"### {heading}\n" if markdown else heading)
        rows = [["linker"] + [column[0] for column in COLUMNS] + ["exports"]]
        for (v, linker), (runs, exported) in measured.items():
            if v == variant:
                values = [f"{x:.2f}" if x < 10 else f"{x:.1f}" for x in figures(runs)]
                rows.append([linker, *values, "?" if exported is None else exported])
        if compared := ratios(measured, variant):
            rows.append(["ours / best"] + [f"{r:.2f}" for r, _ in compared] + [""])
        show_table(rows, markdown)


def show_summary(results, variants, markdown):
    rows = [["ours / best", "wall", "wall, minima", "CPU", "memory", "output"]]
    for name, measured in results.items():
        for variant in variants:
            if compared := ratios(measured, variant):
                wall, wall_min, cpu, _, memory, size = [f"{r:.2f} {who}" for r, who in compared]
                rows.append([f"{name}, {variant}", wall, wall_min, cpu, memory, size])
    if len(rows) > 1:
        show_table(rows, markdown)


# ---- main ----


def names(text, known, what):
    chosen = [name for name in text.split(",") if name]
    for name in chosen:
        if name not in known:
            die(f"no {what} '{name}' here; there are: {', '.join(known)}", 2)
    return chosen


def positive(text):
    if (number := int(text)) < 1:
        raise ValueError
    return number


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    add = parser.add_argument
    add("-n", type=positive, default=5, metavar="RUNS", help="counted rounds (default 5)")
    add("--only", metavar="INPUTS", help=f"of {','.join(INPUTS)} (default: all)")
    add("--variants", metavar="LIST", help=f"of {','.join(VARIANTS)} (default: all)")
    add("--linkers", metavar="LIST", help="such as objtool,bfd,lld-19 (default: all found)")
    add("--objtool", metavar="PATH", help="default: $OBJTOOL, then the PATH")
    add("--dir", metavar="DIR", help="where to write (default: $TMPDIR or /tmp)")
    add("--seed", type=int, help="of the random order (default: a new one)")
    add("--json", metavar="FILE", help="write every run's figures")
    add("--markdown", action="store_true", help="print the tables as Markdown")
    options = parser.parse_args()

    commands = find_linkers(find_objtool(options.objtool))
    chosen = names(options.linkers or ",".join(commands), commands, "linker")
    inputs = names(options.only or ",".join(INPUTS), INPUTS, "input")
    variants = names(options.variants or ",".join(VARIANTS), VARIANTS, "variant")
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(4), "little")
    linkers = [Linker(name, commands[name]) for name in chosen]
    adopt_orphans()

    results = {}
    loads = []
    least = 0
    with tempfile.TemporaryDirectory(prefix="bench.", dir=options.dir) as directory:
        where = machine(directory)
        for name in inputs:
            try:
                source = INPUTS[name]()
            except Missing as missing:
                say(f"skip: {name}: {missing}")
                continue
            before, others = load_average(), OthersLoad()
            results[name] = measure(
                source, variants, linkers, options.n, random.Random(seed), directory
            )
            busy, stolen = others.mean()
            least = max(least, floor())
            loads.append(
                f"{name}: load average {before} before, {load_average()} after; "
                f"others used {busy:.2f} CPUs, {stolen:.2f} were stolen"
            )
    if not results:
        say("skip: none of the inputs can be had here")
        sys.exit(77)

    facts = [where, *loads, f"{options.n} counted rounds, seed {seed}; min: the best of them"]
    facts += [f"memory: less than {least:.0f} MB cannot be told"]
    facts += [f"{linker.name}: {linker.version}" for linker in linkers]
    for fact in facts:
        print(f"* {fact}" if options.markdown else fact)
    print()
    for name, measured in results.items():
        show_input(name, measured, variants, options.markdown)
    show_summary(results, variants, options.markdown)

    if options.json:
        everything = {
            "facts": facts,
            "seed": seed,
            "common_options": COMMON,
            "variants": {variant: VARIANTS[variant] for variant in variants},
            "results": [
                {
                    "input": name,
                    "variant": variant,
                    "linker": linker,
                    "exports": exported,
                    "runs": [run.as_dict() for run in runs],
                }
                for name, measured in results.items()
                for (variant, linker), (runs, exported) in measured.items()
            ],
        }
        with open(options.json, "w") as file:
            json.dump(everything, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
