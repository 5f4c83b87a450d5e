#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every relocation of a CPU, by value: pe_relocs.py make CPU OBJECT writes an object with one field for each
type (PE specification, 5.2) and each form of it; pe_relocs.py check CPU DLL computes what each must hold in
the image from the specification's formulas, and compares."""
import struct
import sys

ADDEND = 0x28
TARGET = 0x40  # the symbol's offset in .data
FIELD = 16  # bytes for each field


def bits(word, value, low, count, at):
    mask = ((1 << count) - 1) << at
    return word & ~mask | (value >> low & (1 << count) - 1) << at


def adr(word, value):
    return bits(bits(word, value, 0, 2, 29), value, 2, 19, 5)


# type, name, the unit before (with its addend), what it must be: f(S, P, base, section number, section start)
def amd64():
    rows = [
        (1, "ADDR64", "<Q", ADDEND, lambda S, P, B, n, s: S + ADDEND),
        (3, "ADDR32NB", "<I", ADDEND, lambda S, P, B, n, s: S + ADDEND - B),
        (10, "SECTION", "<H", 0, lambda S, P, B, n, s: n),
        (11, "SECREL", "<I", ADDEND, lambda S, P, B, n, s: S + ADDEND - s),
        (12, "SECREL7", "<B", 4, lambda S, P, B, n, s: S + 4 - s & 0x7f),
        (0, "ABSOLUTE", "<I", 77, lambda S, P, B, n, s: 77),
    ]
    for k in range(6):
        rows.append((4 + k, f"REL32_{k}", "<I", ADDEND, lambda S, P, B, n, s, k=k: S + ADDEND - P - 4 - k & 0xffffffff))
        rows.append((4 + k, f"REL32_{k}, back", "<I", 0x100000000 - 9,
                     lambda S, P, B, n, s, k=k: S - 9 - P - 4 - k & 0xffffffff))
    return rows


def arm64():
    rows = [
        (14, "ADDR64", "<Q", ADDEND, lambda S, P, B, n, s: S + ADDEND),
        (2, "ADDR32NB", "<I", ADDEND, lambda S, P, B, n, s: S + ADDEND - B),
        (3, "BRANCH26", "<I", 0x94000002, lambda S, P, B, n, s: 0x94000000 | (S + 8 - P >> 2) & 0x3ffffff),
        (4, "PAGEBASE_REL21", "<I", adr(0x90000000, ADDEND),
         lambda S, P, B, n, s: adr(0x90000000, (S + ADDEND >> 12) - (P >> 12))),
        (5, "REL21", "<I", adr(0x10000000, 12), lambda S, P, B, n, s: adr(0x10000000, S + 12 - P)),
        (6, "PAGEOFFSET_12A", "<I", 0x91000000 | 8 << 10, lambda S, P, B, n, s: 0x91000000 | (S + 8 & 0xfff) << 10),
        (8, "SECREL", "<I", ADDEND, lambda S, P, B, n, s: S + ADDEND - s),
        (9, "SECREL_LOW12A", "<I", 0x91000000 | 8 << 10, lambda S, P, B, n, s: 0x91000000 | (S + 8 - s & 0xfff) << 10),
        (10, "SECREL_HIGH12A", "<I", 0x91400000, lambda S, P, B, n, s: 0x91400000 | (S - s >> 12 & 0xfff) << 10),
        (13, "SECTION", "<H", 0, lambda S, P, B, n, s: n),
        (15, "BRANCH19", "<I", 0x54000000 | 2 << 5, lambda S, P, B, n, s: 0x54000000 | (S + 8 - P >> 2 & 0x7ffff) << 5),
        (16, "BRANCH14", "<I", 0x36000000 | 2 << 5, lambda S, P, B, n, s: 0x36000000 | (S + 8 - P >> 2 & 0x3fff) << 5),
        (17, "REL32", "<I", ADDEND, lambda S, P, B, n, s: S + ADDEND - P - 4 & 0xffffffff),
        (0, "ABSOLUTE", "<I", 77, lambda S, P, B, n, s: 77),
    ]
    # loads of 1, 2, 4, 8 and 16 bytes: the offset counts what they move
    for shift, word in ((0, 0x39400000), (1, 0x79400000), (2, 0xb9400000), (3, 0xf9400000), (4, 0x3dc00000)):
        unit = word | 1 << 10
        rows.append((7, f"PAGEOFFSET_12L {1 << shift}", "<I", unit, lambda S, P, B, n, s, w=word, k=shift:
                     w | ((S & 0xfff) + (1 << k) >> k) << 10))
        rows.append((11, f"SECREL_LOW12L {1 << shift}", "<I", unit, lambda S, P, B, n, s, w=word, k=shift:
                     w | ((S - s & 0xfff) + (1 << k) >> k) << 10))
    return rows


CPUS = {"x86_64": (0x8664, amd64), "aarch64": (0xaa64, arm64)}


def make(cpu, path):
    machine, rows = CPUS[cpu]
    rows = rows()
    text = b"".join(struct.pack(r[2], r[3]).ljust(FIELD, b"\0") for r in rows)
    data = bytes(TARGET + 64)
    relocs = b"".join(struct.pack("<IIH", i * FIELD, 2, r[0]) for i, r in enumerate(rows))
    # ADDR64 lies in .text too: code may hold addresses there, the loader writes them
    head = 20 + 2 * 40
    at_text, at_data = head, head + len(text)
    at_relocs = at_data + len(data)
    at_symbols = at_relocs + len(relocs)
    section = lambda name, size, at, rel, count, flags: name.ljust(8, b"\0") + struct.pack(
        "<IIIIIIHHI", 0, 0, size, at, rel, 0, count, 0, flags)
    out = struct.pack("<HHIIIHH", machine, 2, 0, at_symbols, 3, 0, 0)
    out += section(b".text", len(text), at_text, at_relocs, len(rows), 0x60500020)
    out += section(b".data", len(data), at_data, 0, 0, 0xc0500040)
    out += text + data + relocs
    symbol = lambda name, value, sec, kind: name.ljust(8, b"\0") + struct.pack("<IhHBB", value, sec, 0, kind, 0)
    out += symbol(b"fields", 0, 1, 2) + symbol(b"other", 0, 1, 2) + symbol(b"target", TARGET, 2, 2)
    out += struct.pack("<I", 4)
    open(path, "wb").write(out)


def check(cpu, path):
    f = open(path, "rb").read()
    pe = struct.unpack_from("<I", f, 0x3c)[0] + 4
    count, optional = struct.unpack_from("<H", f, pe + 2)[0], struct.unpack_from("<H", f, pe + 16)[0]
    base = struct.unpack_from("<Q", f, pe + 20 + 24)[0]
    sections = {}
    for i in range(count):
        at = pe + 20 + optional + 40 * i
        name = f[at:at + 8].rstrip(b"\0").decode()
        sections[name] = (i + 1, *struct.unpack_from("<IIII", f, at + 8))
    _, _, text, _, raw = sections[".text"]
    number, _, data, _, _ = sections[".data"]
    bad = 0
    for i, (kind, name, form, _, formula) in enumerate(CPUS[cpu][1]()):
        got = struct.unpack_from(form, f, raw + i * FIELD)[0]
        want = formula(base + data + TARGET, base + text + i * FIELD, base, number, base + data)
        if got != want:
            print(f"{name} (type {kind}): {got:#x}, not {want:#x}")
            bad += 1
    print(f"{len(CPUS[cpu][1]())} fields, {bad} wrong")
    return bad != 0


if __name__ == "__main__":
    sys.exit((make if sys.argv[1] == "make" else check)(*sys.argv[2:]))
