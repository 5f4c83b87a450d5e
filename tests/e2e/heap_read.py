#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a heap container as docs/heap-format.md says, with no code of ours, and print all of it.

    heap_read.py FILE.heap

A rule that is broken is an exception. zstd parts need the program zstd, checksums the module xxhash."""

import hashlib
import struct
import subprocess
import sys

try:
    import xxhash
except ImportError:
    xxhash = None

NAMES = {1: "SEGMENTS", 2: "DATA", 3: "SLOTS", 4: "IMPORTS", 5: "IMPORT_SLOTS", 6: "ROOTS", 7: "TYPES",
         8: "OBJECTS", 9: "IDENTITY", 10: "META", 11: "STRINGS"}


def leb128(b, at):
    value = shift = 0
    while True:
        value |= (b[at] & 0x7F) << shift
        shift += 7
        at += 1
        if b[at - 1] < 0x80:
            assert shift == 7 or b[at - 1] != 0, "overlong"
            return value, at


def checksum(b):
    blocks = [b[i:i + (1 << 20)] for i in range(0, len(b), 1 << 20)]
    return xxhash.xxh3_64_intdigest(b"".join(struct.pack("<Q", xxhash.xxh3_64_intdigest(x)) for x in blocks))


class Heap:
    def __init__(self, b):
        assert b[:8] == b"\x89HEAP\r\n\x1a"
        self.end = {1: "<", 2: ">"}[b[8]]
        (pointer, self.major, self.minor, header, entry, size, table, parts, flags, self.span,
         self.bits) = struct.unpack(self.end + "BBBHHQQIIQB", b[9:49])
        assert (pointer, self.major, header, entry, size, flags) == (8, 1, 128, 64, len(b), 0)
        assert not any(b[49:56]) and not any(b[72:112])
        assert table % 8 == 0 and table + 64 * parts <= len(b)
        entries = b[table:table + 64 * parts]
        if xxhash:
            assert b[56:72] == xxhash.xxh3_128_digest(entries)
            assert struct.unpack(self.end + "QQ", b[112:128]) == (
                xxhash.xxh3_64_intdigest(entries), xxhash.xxh3_64_intdigest(b[:120]))
        self.parts = {}
        places = [(0, 128), (table, table + len(entries))]
        for i in range(parts):
            kind, index, flags, r1, at, stored, size, count, check, r2 = struct.unpack(
                self.end + "IIIIQQQQQQ", entries[64 * i:64 * i + 64])
            assert r1 == r2 == 0 and flags in (0, 2) and (kind, index) not in self.parts
            assert at % (4096 if kind == 2 and not flags else 8) == 0
            body = b[at:at + stored]
            assert len(body) == stored
            assert not xxhash or checksum(body) == check
            places.append((at, at + stored))
            if flags:
                body = subprocess.run(["zstd", "-dcq"], input=body, stdout=subprocess.PIPE, check=True).stdout
            assert len(body) == size
            self.parts[kind, index] = (body, count, flags)
        places.sort()
        assert all(x[1] <= y[0] for x, y in zip(places, places[1:])), "parts overlap"
        self.strings = self.parts[11, 0][0]

    def string(self, at):
        assert at == 0 or self.strings[at - 1] == 0
        return self.strings[at:self.strings.index(b"\0", at)].decode()

    def rows(self, kind, fmt):
        body, count, _ = self.parts.get((kind, 0), (b"", 0, 0))
        size = struct.calcsize(self.end + fmt)
        assert len(body) == size * count
        return [struct.unpack(self.end + fmt, body[i:i + size]) for i in range(0, len(body), size)]

    def slots(self, index, size):
        if (3, index) not in self.parts:
            return [], ""
        body, count, _ = self.parts[3, index]
        aligned, stream, encoding = struct.unpack(self.end + "QQQ", body[:24])
        out, at = [], 24
        if encoding == 0:
            assert stream == (size + 63) // 64
            for i in range(stream * 8):
                if body[24 + i // 8] >> i % 8 & 1:
                    out.append(8 * i)
            at += stream
        else:
            word = -1
            for _ in range(aligned):
                gap, at = leb128(body, at)
                assert gap >= 1
                word += gap
                out.append(8 * word)
            assert at == 24 + stream
        assert len(out) == aligned
        odd = 0
        for _ in range(count - aligned):
            gap, at = leb128(body, at)
            odd += gap
            assert odd % 8
            out.append(odd)
        assert at == len(body)
        return sorted(out), "bitmap" if encoding == 0 else "gaps"


def show(h):
    print("order", "little" if h.end == "<" else "big", "span %#x" % h.span, "bits", h.bits)
    segments = []
    for i, row in enumerate(h.rows(1, "QQBBHIQQQ")):
        addr, size, kind, align, r, name = row[:6]
        assert r == 0 and not any(row[6:]) and addr % (1 << align) == 0
        segments.append((addr, size))
        body = h.parts[2, i][0] if kind != 3 else b""
        assert len(body) == (size if kind != 3 else 0)
        print("segment %#x %#x" % (addr, size), ["", "ro", "rw", "zero", "code"][kind], h.string(name) or "-")
        slots, _ = h.slots(i, size)
        plain = bytearray(body)
        for at in slots:
            word, = struct.unpack(h.end + "Q", body[at:at + 8])
            print("slot %#x %#x" % (addr + at, word))
            plain[at:at + 8] = bytes(8)
        print("bytes", hashlib.sha256(plain).hexdigest(), "but slots")
    assert segments[-1][0] + segments[-1][1] == h.span
    imports = [(h.string(n), kind, weak) for n, kind, weak, _, _ in h.rows(4, "IBBHQ")]
    for name, kind, weak in imports:
        print("import", name, ["data", "function"][kind], "weak" if weak else "strong")
    for place, which, _, addend in h.rows(5, "QIIq"):
        print("import slot %#x %s %d" % (place, imports[which][0], addend))
    for name, kind, _, addr, size, _ in h.rows(6, "IB3sQQQ"):
        print("root %s %s %#x %#x" % (h.string(name), ["data", "function"][kind], addr, size))
    for row in h.rows(9, "IIII"):
        print("identity", "|".join(h.string(s) for s in row))
    for key, value in h.rows(10, "II"):
        print("meta %s=%s" % (h.string(key), h.string(value)))


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as f:
        show(Heap(f.read()))
