#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines of examples/: what they take to be ready with real libraries from source, from bytecode, from images.

Ways take turns in random order; figures are medians of the counted rounds, with the least in parentheses. What an
engine or a library needs and is not there is left out, with a line that says so. ENGINES is the table: an entry makes
the workloads of one engine in a directory.
"""

import argparse
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.realpath(__file__))
EXAMPLES = os.path.join(HERE, "..", "examples")
JAVASCRIPT = "/usr/share/javascript"
# What a way tells of itself on standard error, if it can: the rest is measured from outside.
TOLD = re.compile(rb"open (\d+) us, run (\d+) us, dirty (\d+) KiB")


class Missing(Exception):
    """Something that a workload needs is not on this machine."""


@dataclass
class Way:
    """A command, and what is added to its environment."""

    command: list
    environment: dict = field(default_factory=dict)


@dataclass
class Workload:
    """One engine with some libraries. WAYS has "source" and "image" at least; BASE is what they are compared with."""

    name: str
    ways: dict
    base: str = "source"


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def build(example, directory, name):
    """The program of examples/EXAMPLE."""
    program = os.path.join(directory, name)
    try:
        run(os.path.join(EXAMPLES, example, "build.sh"), program)
    except subprocess.CalledProcessError as error:
        raise Missing(f"{example} cannot be built: {error.stderr.decode().splitlines()[0]}") from error
    return program


def need(*paths):
    for path in paths:
        if not os.path.exists(path):
            raise Missing(f"{path} is missing")
    return list(paths)


def typescript(directory):
    """The TypeScript compiler of 2016, the last one in ES5 of that size that both engines run; from npm."""
    path = os.path.join(directory, "package", "lib", "typescript.js")
    if not os.path.exists(path):
        try:
            run("npm", "pack", "typescript@1.8.10", cwd=directory)
            run("tar", "xzf", os.path.join(directory, "typescript-1.8.10.tgz"), "-C", directory)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Missing("typescript 1.8.10 cannot be had from npm") from error
    return need(path)


def runner_ways(program, directory, name, libraries, code):
    """The ways of every program that is made with examples/runner."""
    options = [word for library in libraries for word in ("-r", library)]
    ways = {"source": Way([program, *options, "--measure", "-e", code])}
    for way, context in (("image of code", "false"), ("image", "true")):
        context = f"--engine.CachePreinitializeContext={context}"
        image = os.path.join(directory, f"{os.path.basename(program)}-{name}-{way}.so".replace(" ", "-"))
        run(program, *options, context, "--engine.CacheMode=on", f"--engine.CacheStore={image}", "-e", code)
        ways[way] = Way([program, *options, context, "--engine.CacheMode=on", f"--engine.CacheLoad={image}", "--measure",
                         "-e", code])
    return ways


def libraries_of(directory, sets):
    """Those of SETS (name: a function that gives files) that are there."""
    for name, files in sets.items():
        try:
            yield name, files()
        except Missing as error:
            print(f"left out: {name}: {error}", file=sys.stderr)


def javascript(*names):
    return need(*(os.path.join(JAVASCRIPT, n.split("/")[0], n.split("/")[-1] + ".js") for n in names))


def js(directory):
    program = build("js", directory, "js")
    sets = {
        "handlebars, underscore, mustache": lambda: javascript("handlebars", "underscore", "mustache"),
        "TypeScript 1.8": lambda: typescript(directory),
    }
    for name, files in libraries_of(directory, sets):
        short = name.split()[0].strip(",").lower()
        yield Workload(f"MuJS, {name}", runner_ways(program, directory, short, files, "1"))


def duktape(directory):
    program = build("duktape", directory, "duktape")
    sets = {
        "lodash, handlebars, underscore, moment":
            lambda: javascript("lodash", "handlebars", "underscore", "moment"),
        "TypeScript 1.8": lambda: typescript(directory),
    }
    for name, files in libraries_of(directory, sets):
        short = name.split()[0].strip(",").lower()
        ways = runner_ways(program, directory, short, files, "1")
        if shutil.which("duk"):
            options = []
            for path in files:
                out = os.path.join(directory, f"{short}-{os.path.basename(path)}.bin")
                run("duk", "-c", out, path)
                options += ["-r", out]
            ways["bytecode"] = Way([program, *options, "--measure", "-e", "1"])
        yield Workload(f"Duktape, {name}", ways)


def lua(directory):
    program = build("lua-cache", directory, "lua-cache")
    library = "/usr/share/lua/5.4"
    need(os.path.join(library, "pl", "init.lua"))
    app = os.path.join(EXAMPLES, "lua", "app.lua")
    ways = runner_ways(program, directory, "penlight", [app], "counter()")
    if shutil.which("luac5.4"):
        for base, _, files in os.walk(os.path.join(library, "pl")):
            to = os.path.join(directory, "lua-bytecode", os.path.relpath(base, library))
            os.makedirs(to, exist_ok=True)
            for name in files:
                run("luac5.4", "-s", "-o", os.path.join(to, name), os.path.join(base, name))
        compiled = os.path.join(directory, "app.luac")
        run("luac5.4", "-s", "-o", compiled, app)
        ways["bytecode"] = Way([program, "-r", compiled, "--measure", "-e", "counter()"],
                               {"LUA_PATH": os.path.join(directory, "lua-bytecode", "?.lua")})
    yield Workload("Lua 5.4, Penlight", ways)


def mruby(directory):
    """No package of Debian's has a library in mruby's Ruby: one is made, of classes with methods, closures and tables."""
    program = build("mruby", directory, "mruby-cache")
    path = os.path.join(directory, "classes.rb")
    with open(path, "w", encoding="utf-8") as f:
        for i in range(400):
            f.write(f"class C{i}\n  LIMIT = {i}\n  NAMES = %w[a{i} b{i} c{i}].map(&:to_sym)\n  attr_reader :x, :y\n"
                    f"  def initialize(x, y)\n    @x, @y = x, y\n  end\n")
            for m in range(12):
                f.write(f"  def m{m}(a, b = {m}, *rest, &block)\n    return a if b > LIMIT && rest.empty?\n"
                        f"    sum = [a, b, *rest].inject(0) {{ |s, v| s + v * {m} }}\n"
                        f'    block ? block.call(sum) : format("%s-%d", self.class, sum)\n  end\n')
            f.write(f"  TABLE = 20.times.inject({{}}) {{ |h, n| h[\"k#{{n}}\"] = n * {i}; h }}\nend\n")
    ways = runner_ways(program, directory, "classes", [path], "1")
    if shutil.which("mrbc"):
        compiled = os.path.join(directory, "classes.mrb")
        run("mrbc", "-o", compiled, path)
        ways["bytecode"] = Way([program, "-r", compiled, "--measure", "-e", "1"])
    yield Workload("mruby, 400 classes", ways)


# Name: a function of a directory that gives workloads, or raises Missing.
ENGINES = {"js": js, "duktape": duktape, "lua": lua, "mruby": mruby}


def measure(way):
    """Milliseconds of the whole process and of its CPU, and what it told of itself: open ms, dirty KiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = run(*way.command, env=dict(os.environ, **way.environment))
    wall = (time.perf_counter() - start) * 1e3
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = TOLD.search(done.stderr)
    return {
        "whole": wall,
        "cpu": (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3,
        "open": int(told[1]) / 1e3 if told else None,
        "dirty": int(told[3]) if told else None,
    }


def rounds(workload, count, generator):
    figures = {name: [] for name in workload.ways}
    for turn in range(count + 1):
        for name in generator.sample(list(workload.ways), len(workload.ways)):
            figure = measure(workload.ways[name])
            if turn:
                figures[name].append(figure)
    return figures


def column(figures, name, key):
    return [f[key] for f in figures[name] if f[key] is not None]


def cell(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f})" if values else ""


def by(figures, base, name, key):
    """The median of each round's BASE by NAME."""
    ratios = [b[key] / n[key] for b, n in zip(figures[base], figures[name]) if b[key] is not None and n[key]]
    return f"{statistics.median(ratios):.0f}" if ratios else ""


def show(workload, figures):
    print(f"\n{workload.name}\n\n| | open ms | {workload.base} by it | whole process ms | {workload.base} by it | CPU ms | "
          "written to, KiB |\n|---|---:|---:|---:|---:|---:|---:|")
    for name in workload.ways:
        dirty = column(figures, name, "dirty")
        print(f"| {name} | {cell(column(figures, name, 'open'))} | {by(figures, workload.base, name, 'open')} | "
              f"{cell(column(figures, name, 'whole'))} | {by(figures, workload.base, name, 'whole')} | "
              f"{cell(column(figures, name, 'cpu'))} | {statistics.median(dirty) if dirty else ''} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", help="the build directory")
    parser.add_argument("-n", type=int, default=21, help="counted rounds (default 21)")
    parser.add_argument("--engines", default=",".join(ENGINES), help="some of " + ",".join(ENGINES))
    parser.add_argument("--seed", type=int, default=None, help="of the order")
    arguments = parser.parse_args()
    os.environ["BUILD"] = os.path.realpath(arguments.build)
    generator = random.Random(arguments.seed)
    print(f"load average {' '.join(f'{x:.2f}' for x in os.getloadavg())}, {arguments.n} rounds")
    some = False
    with tempfile.TemporaryDirectory(prefix="engine-cache.") as directory:
        nothing = Workload("nothing", {"/bin/true": Way(["/bin/true"])}, "/bin/true")
        show(nothing, rounds(nothing, arguments.n, generator))
        for name in arguments.engines.split(","):
            try:
                for workload in ENGINES[name](directory):
                    show(workload, rounds(workload, arguments.n, generator))
                    some = True
            except Missing as error:
                print(f"left out: {name}: {error}", file=sys.stderr)
    print(f"\nload average {' '.join(f'{x:.2f}' for x in os.getloadavg())}")
    return 0 if some else 77


if __name__ == "__main__":
    sys.exit(main())
