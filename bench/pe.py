#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of PE libraries: objtool beside GNU ld, ld.lld and lld-link, the same inputs, taking turns in one run; and
how long Wine takes to load a heap, and how much of it is private then, beside lld's DLL of the same heap.

libstdc++ and libgcc whole, an object of 70,000 sections, a heap of many pointers (which others get as the object
that objtool pack makes of it).  README.md says how to read the table.
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
OBJTOOL = os.environ.get("OBJTOOL", "objtool")
WINE = "/usr/lib/wine/wine64"

LOADER = r"""
#include <stdio.h>
#include <windows.h>
/* loader DLL [SECONDS]: how long LoadLibrary takes, in microseconds; then wait, to be looked at */
int main(int argc, char **argv)
{
    LARGE_INTEGER from, to, in_a_second;
    QueryPerformanceFrequency(&in_a_second);
    QueryPerformanceCounter(&from);
    HMODULE m = LoadLibraryA(argv[1]);
    QueryPerformanceCounter(&to);
    if (!m)
        return 1;
    printf("%lld %llx\n", (to.QuadPart - from.QuadPart) * 1000000 / in_a_second.QuadPart, (unsigned long long)m);
    fflush(stdout);
    getchar();
    return 0;
}
"""


def run(command, **more):
    subprocess.run(command, check=True, **more)


def measure(command, output):
    """Wall time and user and system time in seconds, and the most memory in MiB."""
    if os.path.exists(output):
        os.unlink(output)
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    wall = time.monotonic() - start
    if status:
        sys.exit(f"{' '.join(command[:4])}: status {status} {error[:500]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(title, commands, rounds, output):
    """Medians of each, and ours by theirs, round by round."""
    results = {name: [] for name in commands}
    for round_number in range(rounds + 1):
        order = list(commands)
        random.shuffle(order)
        for name in order:
            result = measure(commands[name], output)
            if round_number:  # the first only warms up
                results[name].append(result)
    print(f"{title}:")
    for i, what in enumerate(("wall s", "CPU s", "memory MiB")):
        line = f"  {what:<11}"
        for name, all_of_it in results.items():
            line += f" {name} {statistics.median(r[i] for r in all_of_it):.3f}"
            if name != "objtool":
                line += f" ({statistics.median(a[i] / b[i] for a, b in zip(results['objtool'], all_of_it)):.2f})"
        print(line)
    sys.stdout.flush()


def private(pid, base):
    """KiB of anonymous memory from address BASE on, up to 2 GiB."""
    total, ours = 0, False
    for line in open(f"/proc/{pid}/smaps"):
        if "-" in line.split()[0] and ":" not in line.split()[0]:
            start = int(line.split("-")[0], 16)
            ours = base <= start < base + (1 << 31)
        elif ours and line.startswith("Anonymous:"):
            total += int(line.split()[1])
    return total


def load(directory, loader, dll):
    process = subprocess.Popen([WINE, loader, dll], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               cwd=directory)
    micro, base = process.stdout.readline().split()
    kib = private(process.pid, int(base, 16))
    process.stdin.write(b"\n")
    process.stdin.close()
    process.wait()
    return int(micro), kib


def loads(directory, dlls, rounds):
    loader = os.path.join(directory, "loader.exe")
    with open(os.path.join(directory, "loader.c"), "w") as file:
        file.write(LOADER)
    run(["x86_64-w64-mingw32-gcc", "-O1", "-o", loader, os.path.join(directory, "loader.c")])
    results = {name: [] for name in dlls}
    for round_number in range(rounds + 1):
        order = list(dlls)
        random.shuffle(order)
        for name in order:
            result = load(directory, loader, dlls[name])
            if round_number:
                results[name].append(result)
    print("loading it in Wine, at its address:")
    base = statistics.median(r[0] for r in results["lld"])
    for name, all_of_it in results.items():
        micro = statistics.median(r[0] for r in all_of_it)
        print(f"  {name:<20} {micro / 1000:9.3f} ms (1/{base / micro:.0f} of lld's)"
              f"   {statistics.median(r[1] for r in all_of_it):9.0f} KiB private")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=7, help="rounds (7)")
    parser.add_argument("--heap", default="64M", help="the size of the heap (64M)")
    parser.add_argument("--bfd-sections", action="store_true", help="GNU ld on 70,000 sections too (a minute each)")
    o = parser.parse_args()
    with tempfile.TemporaryDirectory() as d:
        os.environ.update(WINEPREFIX=os.path.join(d, "wine"), WINEDEBUG="-all",
                          WINEDLLOVERRIDES="mscoree,mshtml=;winemenubuilder.exe,services.exe,explorer.exe,plugplay.exe,rpcss.exe,winedevice.exe=d")
        os.environ.pop("DISPLAY", None)
        out = os.path.join(d, "out.dll")
        path = lambda name: os.path.join(d, name)

        def library(name):
            return subprocess.run(["x86_64-w64-mingw32-g++", f"-print-file-name={name}"], check=True, capture_output=True,
                                  text=True).stdout.strip()

        # the whole C++ library, with MinGW's own line behind it
        rest = [library(n) for n in ("dllcrt2.o", "crtbegin.o")]
        whole = ["--whole-archive", library("libstdc++.a"), "--no-whole-archive"]
        tail = ["--start-group"] + [library(n) for n in ("libmingw32.a", "libgcc.a", "libgcc_eh.a", "libmoldname.a",
                                                         "libmingwex.a", "libmsvcrt.a", "libkernel32.a", "libadvapi32.a",
                                                         "libshell32.a", "libuser32.a")] + ["--end-group", library("crtend.o")]
        gnu = ["-m", "i386pep", "-shared", "-Bdynamic", "-e", "DllMainCRTStartup", "-o", out] + rest + whole + tail
        os.symlink(os.path.realpath(OBJTOOL), path("ld"))  # with ld's rules
        compare("libstdc++ whole", {"objtool": [path("ld")] + gnu, "bfd": ["x86_64-w64-mingw32-ld"] + gnu,
                                    "lld": ["ld.lld-19"] + gnu}, o.n, out)

        with open(path("s.s"), "w") as file:
            for i in range(70000):
                file.write(f".section .text$f{i},\"xr\",one_only,f{i}\n.globl f{i}\nf{i}: movl ${i}, %eax\nret\n")
            file.write(".section .drectve,\"yn\"\n.ascii \" -export:f1\"\n")
        run(["clang-19", "--target=x86_64-w64-mingw32", "-c", path("s.s"), "-o", path("s.o")])
        # -s: lld-link writes no symbol table of COFF's
        sections = {"objtool": [OBJTOOL, "link", "--target=x86_64-w64-mingw32", "-shared", "-s", "-o", out, path("s.o")],
                    "lld": ["ld.lld-19", "-m", "i386pep", "-shared", "-s", "-e", "f1", "-o", out, path("s.o")],
                    "lld-link": ["lld-link-19", "/DLL", "/NOENTRY", f"/OUT:{out}", path("s.o")]}
        if o.bfd_sections:
            sections["bfd"] = ["x86_64-w64-mingw32-ld", "-m", "i386pep", "-shared", "-s", "-e", "f1", "-o", out, path("s.o")]
        compare("70,000 sections in an object", sections, o.n, out)

        run(["cc", "-O2", os.path.join(TOP, "tests/support/heapgen.c"), "-o", path("heapgen")])
        run([path("heapgen"), path("h.heap"), os.devnull, "--one", "--imports=none", f"--size={o.heap}"])
        run([OBJTOOL, "pack", "--target=x86_64-w64-mingw32", path("h.heap"), "-o", path("h.o")])
        ours = [OBJTOOL, "link", "--target=x86_64-w64-mingw32", "-shared", "-o", out]
        with open(path("e.c"), "w") as file:
            file.write("int start(void) { return 1; }\n")
        run(["x86_64-w64-mingw32-gcc", "-c", path("e.c"), "-o", path("e.o")])
        theirs = {"bfd": ["x86_64-w64-mingw32-ld", "-m", "i386pep", "-shared", "-e", "start", "-o", out, path("h.o"), path("e.o")],
                  "lld": ["ld.lld-19", "-m", "i386pep", "-shared", "-e", "start", "-o", out, path("h.o"), path("e.o")],
                  "lld-link": ["lld-link-19", "/DLL", "/NOENTRY", f"/OUT:{out}", path("h.o")]}
        compare(f"a heap of {o.heap}", {"objtool": ours + [path("h.heap")], **theirs}, o.n, out)
        compare("the same as an object", {"objtool": ours + [path("h.o")], **theirs}, o.n, out)

        run(theirs["lld"][:-3] + [path("lld.dll"), path("h.o"), path("e.o")])
        for mode in ("prelinked", "native"):
            run(ours[:-1] + [path(f"{mode}.dll"), f"--heap-relocs={mode}", path("h.heap")])
        if os.path.exists(WINE):
            subprocess.run([WINE, "cmd.exe", "/c", "exit"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            server = "/usr/lib/wine/wineserver64"
            subprocess.run([server, "-p60"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            loads(d, {"lld": "lld.dll", "objtool prelinked": "prelinked.dll", "objtool native": "native.dll"}, o.n)
            subprocess.run([server, "-k"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
