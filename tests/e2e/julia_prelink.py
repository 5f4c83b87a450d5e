#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""julia_prelink.py PLAIN.SO PRELINKED.SO: is the heap of the second that of the first, relocated?
julia_prelink.py FILE.O PLACE VALUE OUT.O: FILE.O with the 4 bytes at PLACE of its heap changed.

Relocates the plain image's heap for the address that the other one is linked for, by the rules of
Julia 1.5.3's own restore, and compares word by word.  Shares no code with objtool.
"""

import array
import struct
import sys


def elf_sections(image):
    shoff, shnum = struct.unpack_from("<Q", image, 40)[0], struct.unpack_from("<H", image, 60)[0]
    return [struct.unpack_from("<IIQQQQIIQQ", image, shoff + 64 * i) for i in range(shnum)]


def find(image, symbol, table):
    """Where in the file SYMBOL's bytes are, how many, and its address."""
    sections = elf_sections(image)
    for section in sections:
        if section[1] != table:
            continue
        names = sections[section[6]][4]
        for place in range(section[4], section[4] + section[5], 24):
            name, _, _, index, value, size = struct.unpack_from("<IBBHQQ", image, place)
            end = image.index(b"\0", names + name)
            if image[names + name:end] == symbol:
                home = sections[index]
                return home[4] + value - home[3], size, value
    raise SystemExit("no " + symbol.decode())


class Heap:
    def __init__(self, path):
        with open(path, "rb") as f:
            image = f.read()
        place, size, self.addr = find(image, b"jl_system_image_data", 11)
        assert struct.unpack_from("<Q", image, find(image, b"jl_system_image_size", 11)[0])[0] == size
        self.bytes = image[place:place + size]
        self.parts = []
        pos = 0
        for i in range(6):
            n = struct.unpack_from("<I", self.bytes, pos)[0]
            pos = pos + 4 if i != 1 else (pos + 4 + 15) // 16 * 16
            self.parts.append((pos, n))
            pos += n
        self.rest = pos
        place, size = self.parts[3]
        lists = array.array("I", self.bytes[place:place + size])
        first = lists.index(0)
        assert lists[-1] == 0
        self.tags, self.pointers = lists[:first], lists[first + 1:-1]
        assert 0 not in self.pointers
        end = self.parts[0][0] + self.parts[0][1]
        self.words = array.array("Q", self.bytes[:(end + 7) // 8 * 8])

    def part(self, i):
        return self.bytes[self.parts[i][0]:self.parts[i][0] + self.parts[i][1]]


def damage(path, place, value, out):
    with open(path, "rb") as f:
        image = bytearray(f.read())
    at = find(image, b"jl_system_image_data", 2)[0] + place
    struct.pack_into("<I", image, at, value)
    with open(out, "wb") as f:
        f.write(image)


if len(sys.argv) > 3:
    damage(sys.argv[1], int(sys.argv[2], 0), int(sys.argv[3], 0), sys.argv[4])
    sys.exit()

plain, linked = Heap(sys.argv[1]), Heap(sys.argv[2])
constants = plain.parts[1][0]
words, left, mask = plain.words, array.array("I"), (1 << 29) - 1
for pos in plain.pointers:
    ref = words[pos // 8]
    kind = ref >> 29
    if kind == 0:
        words[pos // 8] = linked.addr + ref
    elif kind == 1:
        words[pos // 8] = linked.addr + constants + 8 * (ref & mask)
    else:
        left.append(pos)
assert linked.addr % (2 << 20) == 0, "the heap is not at a huge page"
assert linked.tags == plain.tags, "the type tags' list differs"
assert linked.pointers == left, "the wrong pointers are left to Julia"
assert linked.words == words, "a word differs"
for i in (0, 1, 2, 4, 5):
    assert linked.parts[i][1] == plain.parts[i][1], "part %d has another size" % i
for i in (1, 2, 4, 5):
    assert linked.part(i) == plain.part(i), "part %d differs" % i
assert linked.bytes[linked.rest:] == plain.bytes[plain.rest:], "what is behind the parts differs"
print(len(plain.pointers) - len(left), "pointers relocated,", len(left), "left")
