#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of engines with machine code, from source and from an image: examples/regex (PCRE2) and examples/luajit.

Needs Debian's libpcre2-dev, libluajit-5.1-dev, luajit, lua-penlight, nmap-common, modsecurity-crs, and the build directory of this
project.  README.md says what the columns are.
"""

import argparse
import glob
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
EXAMPLES = os.path.join(HERE, "..", "examples")
PENLIGHT = "/usr/share/lua/5.1/pl"
# where arenas are, and libraries that were put at an address of their own
ARENAS = range(0x7A0000000000, 0x7E0000000000)


def run(*command, **more):
    return subprocess.run(command, check=False, capture_output=True, **more)


def once(command, environment):
    """Whole process ms, its CPU ms, µs until it was ready, of CPU; and what it printed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, close_fds=False)
    out, err = process.stdout.read(), process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    wall = (time.perf_counter() - start) * 1e3
    found = re.search(r"ready in (\d+) us, (\d+) of CPU", err)
    if not found or os.waitstatus_to_exitcode(status) > 1:
        sys.exit(f"{' '.join(command)}: {err}")
    return wall, (usage.ru_utime + usage.ru_stime) * 1e3, int(found[1]), int(found[2]), out


def dirty(command, environment):
    """KiB that the process has changed in the arena, while it waits for more input."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=environment)
    total, before, ours = 0, -1, False
    while total != before:  # it is done when nothing changes any more
        time.sleep(1)
        before, total = total, 0
        for line in open(f"/proc/{process.pid}/smaps"):
            if re.match(r"[0-9a-f]+-", line):
                ours = int(line.split("-")[0], 16) in ARENAS
            elif ours and line.startswith("Private_Dirty:"):
                total += int(line.split()[1])
    process.stdin.close()
    process.wait()
    return total


def compare(title, ways, rounds, reference):
    """WAYS: name -> (command, environment, command that waits)"""
    results = {name: [] for name in ways}
    expected = None
    for turn in range(rounds + 1):
        for name in random.sample(list(ways), len(ways)):
            *figures, out = once(*ways[name][:2])
            expected = expected or out
            if out != expected:
                sys.exit(f"{title}: {name} printed something else")
            if turn:  # the first only warms up
                results[name].append(figures)
    median = {name: [statistics.median(f[i] for f in all_of_it) for i in range(4)] for name, all_of_it in results.items()}
    print(f"\n### {title}\n")
    print(f"| | ready µs | CPU µs | process ms | CPU ms | dirtied KiB | {reference} by this: ready | CPU | process | CPU |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, m in median.items():
        ratio = [statistics.median(a[i] / b[i] for a, b in zip(results[reference], results[name])) for i in range(4)]
        print(f"| {name} | {m[2]:.0f} | {m[3]:.0f} | {m[0]:.1f} | {m[1]:.1f} | {dirty(ways[name][2], ways[name][1])} "
              f"| {ratio[2]:.1f} | {ratio[3]:.1f} | {ratio[0]:.1f} | {ratio[1]:.1f} |")
    sys.stdout.flush()


# ---- PCRE2 ----

def regex_set(program, directory, name, rules, texts, escaped, rounds):
    """Images of NAME's RULES, stored by a process that has matched the longest of TEXTS; and ways to match each."""
    common = [program, "--stats"] + ["--escaped"] * escaped
    images = {}
    print()
    for policy in ("none", "compiled", "hot", "executed", "aot"):
        images[policy] = os.path.join(directory, f"{name}-{policy}.so")
        more = ["--aot=100000000"] if policy == "aot" else ["--aot=0"]
        out = run(*common, *more, "--engine.CacheCompile=" + policy, "--engine.CacheStore=" + images[policy], rules, texts[-1])
        stored = re.search(r"store ok, (\d+) bytes", out.stderr.decode())
        out = run(*common, "--engine.CacheLoad=" + images[policy], rules)
        machine = re.search(r"(\d+) rules, (\d+) with machine code", out.stderr.decode())
        if not stored or not machine:
            sys.exit(out.stderr.decode())
        print(f"{name}, image, {policy}: {int(stored[1]):,} bytes, {machine[2]} of {machine[1]} rules with machine code")
    ways = {"source, interpreted": ["--hot=0"], "source, hot rules compiled": [], "source, all compiled": ["--all"]}
    ways |= {"image, " + policy: ["--engine.CacheLoad=" + image] + (["--hot=0"] if policy == "none" else [])
             for policy, image in images.items()}
    for path in texts:
        count = len(open(path, "rb").readlines())
        compare(f"PCRE2, {machine[1]} rules of {name}, {count} lines",
                {way: (common + more + [rules, path], None, common + more + [rules, path, "-"])
                 for way, more in ways.items()}, rounds, "source, all compiled")


def regex(directory, build, rounds):
    example = os.path.join(EXAMPLES, "regex")
    program, rules, many, few = (os.path.join(directory, n) for n in ("regex", "rules", "many", "few"))
    made = run("bash", os.path.join(example, "build.sh"), build, program)
    if made.returncode:
        sys.exit(made.stderr.decode())
    script = os.path.join(example, "rules.py")
    with open(rules, "wb") as out:
        out.write(run(sys.executable, script, "nmap", "/usr/share/nmap/nmap-service-probes").stdout)
    lines = run(sys.executable, script, "banners", rules, "61").stdout.splitlines(keepends=True)
    for path, count in ((many, 100), (few, 2)):
        with open(path, "wb") as out:
            out.writelines(lines[:count])
    regex_set(program, directory, "nmap", rules, (few, many), True, rounds)
    rules = os.path.join(directory, "crs")
    with open(rules, "wb") as out:
        out.write(run(sys.executable, script, "modsecurity", *sorted(glob.glob("/usr/share/modsecurity-crs/rules/*.conf"))).stdout)
    regex_set(program, directory, "modsecurity", rules, ("/usr/share/common-licenses/GPL-3",), False, rounds)


# ---- LuaJIT ----

def bytecode(directory, warm):
    """Penlight and WARM.lua, stripped."""
    for base, _, files in os.walk(PENLIGHT):
        to = os.path.join(directory, "bytecode", os.path.relpath(base, os.path.dirname(PENLIGHT)))
        os.makedirs(to)
        for name in files:
            run("luajit", "-b", "-t", "raw", "-s", os.path.join(base, name), os.path.join(to, name))
    out = os.path.join(directory, "warm.raw")
    if run("luajit", "-b", "-t", "raw", warm, out).returncode:
        sys.exit("luajit cannot make bytecode")
    return out


def luajit(directory, build, rounds):
    example = os.path.join(EXAMPLES, "luajit")
    program, warm, cold = os.path.join(directory, "luajit-image"), os.path.join(directory, "warm.lua"), None
    made = run("bash", os.path.join(example, "build.sh"), build, program, "-pie", "-fPIE")
    if made.returncode:
        sys.exit(made.stderr.decode())
    text = open(os.path.join(example, "warm.lua")).read()
    cold = os.path.join(directory, "cold.lua")
    last = "for _ = 1, 20 do work_all(1000) end\n"
    if not text.endswith(last):
        sys.exit("warm.lua ends with something else")
    for path, content in ((warm, text), (cold, text[: -len(last)])):
        with open(path, "w") as out:
            out.write(content)
    compiled = bytecode(directory, cold)
    path = dict(os.environ, LUA_PATH=os.path.join(directory, "bytecode", "?.lua"))
    images = {}
    for policy in ("none", "hot"):
        images[policy] = os.path.join(directory, "luajit-" + policy + ".so")
        out = run(program, "--stats", "--engine.CacheCompile=" + policy, "--engine.CacheStore=" + images[policy], warm)
        found = re.search(r"store ok, (\d+) bytes", out.stderr.decode())
        out = run(program, "--stats", "--engine.CacheLoad=" + images[policy], warm)
        traces = re.search(r"(\d+) traces", out.stderr.decode())
        print(f"\nimage, {policy}: {int(found[1]):,} bytes, {traces[1]} traces")
    for times, what in ((1, "the work once"), (20, "the work 20 times")):
        code = f"for _ = 1, {times} do last = work_all(1000) end print(last)"
        ways = {"source": ([cold], None), "bytecode": ([compiled], path), "source, run until warm": ([warm], None)}
        ways |= {"image, " + policy: (["--engine.CacheLoad=" + image, warm], None) for policy, image in images.items()}
        compare("LuaJIT with Penlight, " + what,
                {name: ([program, "--stats", *way, "-e", code], environment,
                        [program, "--stats", *way, "-e", code + " io.read()"])
                 for name, (way, environment) in ways.items()}, rounds, "source")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", help="the build directory")
    parser.add_argument("-n", type=int, default=15, help="counted rounds (default 15)")
    parser.add_argument("--only", choices=("regex", "luajit"))
    parser.add_argument("--dir", help="where the images are written")
    arguments = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f}")
    for engine in (regex, luajit):
        if arguments.only in (None, engine.__name__):
            with tempfile.TemporaryDirectory(prefix="engine-jit.", dir=arguments.dir) as directory:
                engine(directory, arguments.build, arguments.n)
    print(f"\nload average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
