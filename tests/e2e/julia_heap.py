#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""julia_heap.py SYS.SO: what is in an image of Julia 1.5.3, as lines of text.
julia_heap.py SYS.SO JSON: the same, as `objtool inspect --json` tells it.

A second opinion on `objtool inspect`, which shares no code with it: reads a
little-endian 64-bit ELF file, finds symbols through its section headers, and
walks the heap as Julia's own restore does, from front to back.
"""

import json
import struct
import sys
from collections import Counter

ROOTS = 139  # what 1.5.3 starts from: 138 objects of its own and the root task's locals
KINDS = ["object", "constant", "builtin_object", "name", "binding", "calling_convention",
         "builtin_function"]



def find_julia(value):
    """The value of the key "julia", wherever it is."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(value, dict) and "julia" in value:
        return value["julia"]
    return next(filter(None, map(find_julia, inner)), None)


def tell_json(julia):
    heap = julia["heap"]
    print("functions", julia["functions"])
    print("globals", julia["globals"])
    for t in julia["targets"]:
        print("target", t["name"], "flags", len(t["flags"]), "enabled", len(t["enabled"]),
              "disabled", len(t["disabled"]), "clones", t["clones"], "full", int(t["full"]))
    print("heap", heap["size"])
    for p in heap["parts"]:
        print("part", p["part"], p["size"], p["count"])
    for name, key in [("tags", "tag"), ("pointers", "pointer"), ("globals", "global")]:
        for kind in KINDS:
            print("refs", name, kind, heap[key + "_references"][kind])
    print("functions specialized", heap["functions_specialized"])
    print("functions generic", heap["functions_generic"])
    print("world", heap["world"])


if len(sys.argv) > 2:
    with open(sys.argv[2]) as f:
        tell_json(find_julia(json.load(f)))
    sys.exit()

with open(sys.argv[1], "rb") as f:
    image = f.read()


def at(fmt, offset):
    return struct.unpack_from("<" + fmt, image, offset)


shoff, shnum = at("Q", 40)[0], at("H", 60)[0]
sections = [at("IIQQQQIIQQ", shoff + 64 * i) for i in range(shnum)]
symbols = {}
for section in sections:
    if section[1] != 11:  # SHT_DYNSYM
        continue
    strings = sections[section[6]][4]
    for place in range(section[4], section[4] + section[5], 24):
        name, _, _, index, value, size = at("IBBHQQ", place)
        if 0 < index < shnum and sections[index][1] != 8:  # not SHT_NOBITS
            end = image.index(b"\0", strings + name)
            home = sections[index]
            symbols[image[strings + name:end].decode()] = (home[4] + value - home[3], size)


def words(symbol):
    offset, size = symbols[symbol]
    return at("%dI" % (size // 4), offset)


functions = words("jl_sysimg_fvars_offsets")
assert len(functions) == functions[0] + 1
print("functions", functions[0])
variables = words("jl_sysimg_gvars_offsets")
assert len(variables) == variables[0] + 1
print("globals", variables[0])

place, size = symbols["jl_dispatch_target_ids"]
end = place + size
targets = []
count = at("I", place)[0]
place += 4
for _ in range(count):
    flags, n = at("II", place)
    bits = [sum(bin(w).count("1") for w in at("%dI" % n, place + 8 + 4 * n * k)) for k in (0, 1)]
    place += 8 + 8 * n
    texts = []
    for _ in range(2):
        n = at("I", place)[0]
        texts.append(image[place + 4:place + 4 + n].decode())
        place += 4 + n
    targets.append((texts[0], flags, bits[0], bits[1]))
assert place == end
table = list(words("jl_dispatch_fvars_idxs"))
for name, flags, enabled, disabled in targets:
    head = table.pop(0)
    full, n = head >> 31, head & 0x7fffffff
    if not full:
        table.pop(0)
    clones = functions[0] if full else n
    del table[:n]
    print("target", name, "flags", bin(flags).count("1"), "enabled", enabled, "disabled", disabled,
          "clones", clones, "full", full)
assert not table

base, size = symbols["jl_system_image_data"]
assert size == at("Q", symbols["jl_system_image_size"][0])[0]
print("heap", size)
pos = 0
parts = {}
for name in ["objects", "constants", "names", "relocations", "globals", "functions"]:
    n = at("I", base + pos)[0]
    pos += 4
    if name == "constants":
        pos = (pos + 15) // 16 * 16
    parts[name] = (pos, n)
    pos += n


def part(name, size, count):
    print("part", name, size, count)


part("objects", parts["objects"][1], 0)
part("constants", parts["constants"][1], 0)
place, size = parts["names"]
end = place + size
count = 0
while place < end:
    place += 4 + at("I", base + place)[0] + 1
    assert image[base + place - 1] == 0
    count += 1
assert place == end
part("names", size, count)

place, size = parts["relocations"]
listed = at("%dI" % (size // 4), base + place)
first = listed.index(0)
second = listed.index(0, first + 1)
assert second == len(listed) - 1
part("tags", 4 * (first + 1), first)
part("pointers", 4 * (second - first), second - first - 1)
place, size = parts["globals"]
refs = at("%dI" % (size // 4), base + place)
part("globals", size, len(refs))
place, size = parts["functions"]
owners = at("%dI" % (size // 4), base + place)[::2]
part("functions", size, len(owners))

size = symbols["jl_system_image_data"][1] - pos
tail = at("%dI" % (size // 4), base + pos)
part("roots", 4 * ROOTS, ROOTS)
part("counters", 12, 3)
i = ROOTS + 3
for name in ["reinit", "ccallable"]:
    start = i
    while tail[i] != 0:
        assert tail[i + 1] in (1, 2) if name == "reinit" else tail[i + 1] == 3
        i += 2
    i += 1
    part(name, 4 * (i - start), (i - start) // 2)
assert 4 * i == size


def refer(name, values):
    counted = Counter(v >> 29 for v in values)
    for kind, text in enumerate(KINDS):
        print("refs", name, text, counted[kind])


refer("tags", [at("Q", base + p)[0] for p in listed[:first]])
refer("pointers", [at("Q", base + p)[0] for p in listed[first + 1:second]])
refer("globals", [v for v in refs if v])
print("functions specialized", sum(0 < v < 1 << 31 for v in owners))
print("functions generic", sum(v >> 31 for v in owners))
print("world", tail[ROOTS + 1])
