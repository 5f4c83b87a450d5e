#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make blobs and memory dumps for heap-raw.sh, and what heap_read.py must say of their containers.

    heap_make.py blob ORDER BASE SEED     blob, slots, bitmap, odd, imports, args; expect
    heap_make.py dumps SEED               a.bin, b.bin; expect.slots, expect.report, expect.one"""

import hashlib
import random
import struct
import sys

SEGMENTS = [(0, 0x23456, "rw", "objects"), (0x30000, 0x8000, "ro", ""), (0x40000, 0x1003, "code", "text"),
            (0x50000, 0x100000, "zero", "")]
KINDS = {"ro": "ro", "rw": "rw", "code": "code", "zero": "zero"}


def make_blob(order, base, seed):
    rng = random.Random(seed)
    end = "<" if order == "little" else ">"
    blob = bytearray(rng.randbytes(0x41003))
    slots, words, imports = [], {}, []
    for off, size, kind, _ in SEGMENTS[:2]:
        at = rng.randrange(20)
        while at + 8 <= size:
            if rng.random() < 0.5:
                at = min(-(-at // 8) * 8, size - 8)
            place = off + at
            if rng.random() < 0.02:
                imports.append((place, rng.choice(["malloc", "environ", "free"]), rng.randrange(-9, 9)))
            else:
                o, s = rng.choice(SEGMENTS)[:2]
                words[place] = o + rng.randrange(s + 1)
                slots.append(place)
                blob[place:place + 8] = struct.pack(end + "Q", base + words[place])
            at += 8 + rng.randrange(60)
    with open("blob", "wb") as f:
        f.write(blob)
    with open("slots", "w") as f:
        f.write("# slots\n\n" + "".join((hex(s) if s % 3 else str(s)) + ("  # x\n" if s % 5 == 0 else "\n") for s in slots))
    words_in_blob = len(blob) // 8
    bits = bytearray((words_in_blob + 7) // 8)
    for s in slots:
        if s % 8 == 0:
            bits[s // 64] |= 1 << s // 8 % 8
    with open("bitmap", "wb") as f:
        f.write(bits)
    with open("odd", "w") as f:  # in no order
        odd = [s for s in slots if s % 8]
        rng.shuffle(odd)
        f.write("".join("%d\n" % s for s in odd))
    attributes = {"malloc": "function", "environ": "data,weak", "free": "function"}
    with open("imports", "w") as f:
        for place, name, addend in imports:
            f.write("%s=%#x,%s%s\n" % (name, place, attributes[name], ",%+d" % addend if addend else ""))
    with open("expect", "w") as f:
        f.write("order %s span %#x bits 64\n" % (order, SEGMENTS[-1][0] + SEGMENTS[-1][1]))
        for off, size, kind, name in SEGMENTS:
            f.write("segment %#x %#x %s %s\n" % (off, size, kind, name or "-"))
            plain = bytearray(blob[off:off + size] if kind != "zero" else b"")
            for place, _, _ in imports:
                if off <= place < off + size:
                    plain[place - off:place - off + 8] = bytes(8)
            for s in slots:
                if off <= s < off + size:
                    f.write("slot %#x %#x\n" % (s, words[s]))
                    plain[s - off:s - off + 8] = bytes(8)
            f.write("bytes %s but slots\n" % hashlib.sha256(plain).hexdigest())
        for name in sorted({i[1] for i in imports}):
            f.write("import %s %s %s\n" % (name, "data" if name == "environ" else "function",
                                           "weak" if name == "environ" else "strong"))
        for place, name, addend in imports:
            f.write("import slot %#x %s %d\n" % (place, name, addend))
        f.write("root start function 0x40000 0x1003\nroot a=b data 0x10 0x0\nroot buffer data 0x50000 0x100000\n")
        f.write("identity lua|5.4.4|abc|-O2 -g\nmeta made-by=a test\nmeta x=y=z\n")


def make_dumps(seed):
    """Two dumps of one heap, with a known number of words of each kind."""
    rng = random.Random(seed)
    n, base_a, base_b = 0x8000, 0x2F1D00000000, 0x3B6E00010000
    a, b = bytearray(n), bytearray(n)
    proven, unproven, odd = [], [], []
    count = dict.fromkeys(["proven", "tagged", "high", "alike", "only_a", "only_b", "unmoved", "noise"], 0)

    def put(at, x, y):
        a[at:at + 8] = struct.pack("<Q", x)
        b[at:at + 8] = struct.pack("<Q", y)

    at = 0
    while at + 32 <= n:
        t, kind = rng.randrange(n // 8 + 1) * 8, rng.randrange(12)
        if kind <= 2:
            tag = rng.randrange(8) if t < n else 0
            put(at, base_a + t + tag, base_b + t + tag)
            count["proven"] += 1
            count["tagged"] += tag != 0
            proven.append((at, t + tag))
        elif kind == 3:
            put(at, base_a + t | 0xFFFC << 48, base_b + t | 0xFFFC << 48)
            count["high"] += 1
        elif kind == 4:
            u = (t + 8 + rng.randrange(n // 2)) % n
            put(at, base_a + t, base_b + u)
            count["alike"] += 1
            unproven.append((at, t))
        elif kind == 5:
            put(at, base_a + t, 7)
            count["only_a"] += 1
            unproven.append((at, t))
        elif kind == 6:
            put(at, 7, base_b + t)
            count["only_b"] += 1
        elif kind == 7:
            put(at, base_a + t, base_a + t)
            count["unmoved"] += 1
        elif kind == 8:
            put(at, 0x7F0000001000 + t, 0x7F1234567000 + t)
            count["noise"] += 1
        elif kind == 9:  # at an odd place, between words of zeros
            place = at + 8 + rng.choice([1, 2, 3, 4, 5, 6, 7])
            put(place, base_a + t, base_b + t)
            odd.append((place, t))
        else:
            put(at, 12345, 12345)
        at += 8 if kind != 9 else 24
    # Words that a pointer at an odd place lies across: they differ, as noise.
    for place, _ in odd:
        for w in (place // 8 * 8, place // 8 * 8 + 8):
            count["noise"] += a[w:w + 8] != b[w:w + 8]
    for name, data in (("a.bin", a), ("b.bin", b)):
        with open(name, "wb") as f:
            f.write(data)
    for name, pairs in (("expect.slots", proven + odd), ("expect.unproven", proven + odd + unproven)):
        with open(name, "w") as f:
            f.write("".join("slot %#x %#x\n" % p for p in sorted(pairs)))
    with open("expect.report", "w") as f:
        f.write("%d words\n" % (n // 8))
        for key in ("proven", "tagged"):
            f.write("%d\n" % count[key])
        f.write("%d\n" % len(odd))
        for key in ("high", "alike", "only_a", "only_b", "unmoved", "noise"):
            f.write("%d\n" % count[key])


if sys.argv[1] == "blob":
    make_blob(sys.argv[2], int(sys.argv[3], 0), int(sys.argv[4]))
else:
    make_dumps(int(sys.argv[2]))
