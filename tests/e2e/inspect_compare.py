#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare "objtool inspect --json --all" with what readelf says of the same files.

usage: inspect_compare.py READELF OBJTOOL FILE...

Compared are sections (name, offset, size), segments (offset, address, sizes), symbols (value,
size, name), the number of relocations of each type, and what the dynamic section names.
Each difference is a line; the exit status is 1 if there is one."""

import collections
import json
import re
import subprocess
import sys


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout


def unescape(name):
    """The bytes of a name in our JSON."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), name.encode())


SECTION = re.compile(rb"^ *\[ *(\d+)\] (.*?) +([\w.+<>: ]+?) +([0-9a-f]{8,16}) ([0-9a-f]{6,}) ([0-9a-f]{6,}) ")
SYMBOL = re.compile(rb"^ *(\d+): ([0-9a-f]{8,16}) +(0x[0-9a-f]+|\d+) (\S+) +(\S+) +(\S+) +(?:\[[^\]]*\] +)?(\S+)(?: (.*))?$")
SEGMENT = re.compile(rb"^  (\S+) +0x([0-9a-f]+) 0x([0-9a-f]+) 0x([0-9a-f]+) 0x([0-9a-f]+) 0x([0-9a-f]+) ")
RELOC = re.compile(rb"^([0-9a-f]{8,16}) +([0-9a-f]{8,16}) +(\S+)")
TABLE = re.compile(rb"^(?:Symbol table '(.*)' contains|Relocation section '(.*)' at|Section Headers|Program Headers|(?:Dynamic section|DynamicSection))")
DYNAMIC = re.compile(rb"^ +0x[0-9a-f]+ +\((NEEDED|SONAME|RPATH|RUNPATH)\).*\[(.*)\]")


def theirs(text):
    """What readelf -WSlsrd printed of one ELF file."""
    facts = collections.defaultdict(list)
    relocs = collections.Counter()
    table = b""
    for line in text.split(b"\n"):
        if (m := TABLE.match(line)) is not None:
            table = m[0]
            name = m[1] or m[2]
            if b"relr" in (m[2] or b""):
                table = b"packed"
        elif table == b"packed" and (m := re.match(rb"^ *(\d+) offsets", line)):
            facts["relr"] = [int(m[1])]
        elif table.startswith(b"Section") and (m := SECTION.match(line)):
            if m[1] == b"0":
                continue
            facts["sections"].append((m[2].strip(), int(m[5], 16), int(m[6], 16)))
        elif table.startswith(b"Program") and (m := SEGMENT.match(line)):
            facts["segments"].append(tuple(int(m[i], 16) for i in (2, 3, 5, 6)))
        elif table.startswith(b"Symbol") and (m := SYMBOL.match(line)):
            shown = m[8] or b""
            if name == b".dynsym":
                shown = re.sub(rb"@.*", b"", shown)
            if m[4] == b"SECTION":
                shown = b""  # readelf shows the section's name
            facts[name].append((int(m[2], 16), int(m[3], 0), shown))
        elif table.startswith(b"Relocation") and (m := RELOC.match(line)):
            relocs[m[3]] += 1
        elif m := DYNAMIC.match(line):
            facts[m[1]].append(m[2])
    facts["relocs"] = sorted(relocs.values())
    return facts


def ours(elf):
    facts = collections.defaultdict(list)
    for s in elf["sections"][1:]:
        facts["sections"].append((unescape(s["name"]), int(s["offset"], 16), int(s["size"], 16)))
    for p in elf["segments"]:
        facts["segments"].append(tuple(int(p[k], 16) for k in ("offset", "addr", "file_size", "memory_size")))
    for key, name in (("symbols", b".symtab"), ("dynamic_symbols", b".dynsym")):
        for s in elf.get(key, []):
            shown = b"" if s["kind"] == "section" else unescape(s["name"])
            size = s["size"] if isinstance(s["size"], int) else int(s["size"], 16)
            facts[name].append((int(s["value"], 16), size, shown))
    relocs = collections.Counter(r["type"] for r in elf["relocations"] if r["section"] != "RELR")
    facts["relocs"] = sorted(relocs.values())
    packed = sum(r["section"] == "RELR" for r in elf["relocations"])
    facts["relr"] = [packed] if packed else []
    facts[b"NEEDED"] = [unescape(n) for n in elf["needed"]]
    for tag, key in ((b"SONAME", "soname"), (b"RPATH", "rpath"), (b"RUNPATH", "runpath")):
        if key in elf:
            facts[tag] = [unescape(elf[key])]
    return facts


def compare(path, a, b):
    different = 0
    for key in sorted(set(a) | set(b), key=str):
        if a[key] == b[key]:
            continue
        different = 1
        if isinstance(a[key], int):
            print(f"{path}: {key}: {a[key]} and {b[key]}")
            continue
        pairs = [(x, y) for x, y in zip(a[key], b[key]) if x != y]
        print(f"{path}: {key}: {len(a[key])} and {len(b[key])}; first: {pairs[0] if pairs else ''}")
    return different


def main():
    readelf, objtool, *files = sys.argv[1:]
    different = compared = 0
    for path in files:
        status, text = run(objtool, "inspect", "--json", "--all", path)
        document = json.loads(text)["files"][0]
        if status != 0:
            print(f"{path}: objtool inspect: status {status}: {document.get('error')}")
            different = 1
            continue
        _, text = run(readelf, "-WSlsrd", path)
        if document["format"] == "elf":
            elves, parts = [document], [text]
        else:
            elves = [c for c in document.get("contents", []) if c["format"] == "elf"]
            parts = re.split(rb"^File: .*$", text, flags=re.M)[1:]
            parts = [p for p in parts if re.search(rb"^(There (are|is)|Section Headers)", p, re.M)]
            if len(parts) != len(elves):
                print(f"{path}: {len(parts)} and {len(elves)} members")
                different = 1
                continue
        for elf, part in zip(elves, parts):
            name = f"{path}({elf['member']})" if "member" in elf else path
            a, b = theirs(part), ours(elf)
            if elf["machine_number"] == 8 and elf["class"] == 64:
                # Three types in one: readelf has a line for each.
                a["relocs"], b["relocs"] = sum(a["relocs"]), sum(b["relocs"])
            different |= compare(name, a, b)
            compared += 1
    print(f"{compared} ELF files compared")
    return different


sys.exit(main())
