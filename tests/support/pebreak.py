#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break a PE library in one place after the other: pebreak.py DLL DIR writes DIR/NAME for each and prints
"NAME RULE": the rule of objtool verify that must find it.  What an image does not have cannot be broken: then
nothing is written.  Checksums are cleared, so that only the rule meant speaks."""
import os
import struct
import sys

image = open(sys.argv[1], "rb").read()
out = sys.argv[2]
PE = struct.unpack_from("<I", image, 0x3C)[0]
COFF = PE + 4
OPT = COFF + 20
count, = struct.unpack_from("<H", image, COFF + 2)
SECT = OPT + struct.unpack_from("<H", image, COFF + 16)[0]
BASE, = struct.unpack_from("<Q", image, OPT + 24)
CHECKSUM = OPT + 64
sections = []
for i in range(count):
    at = SECT + 40 * i
    vsize, rva, size, raw = struct.unpack_from("<IIII", image, at + 8)
    sections.append(dict(name=image[at:at + 8].rstrip(b"\0").decode("latin1"), at=at, vsize=vsize, rva=rva, size=size,
                         raw=raw))


def offset(rva):
    for s in sections:
        if s["rva"] <= rva < s["rva"] + s["vsize"] and s["size"]:
            return s["raw"] + rva - s["rva"]
    raise KeyError(hex(rva))


def directory(n):
    return struct.unpack_from("<II", image, OPT + 112 + 8 * n)


def section(name):
    return next((s for s in sections if s["name"] == name), None)


def u(at, size):
    return int.from_bytes(image[at:at + size], "little")


def write(name, rule, changes=(), cut=None, keep_checksum=False):
    b = bytearray(image)
    if not keep_checksum:
        b[CHECKSUM:CHECKSUM + 4] = bytes(4)
    for at, size, value in changes:
        b[at:at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    if cut is not None:
        b = b[:cut]
    open(os.path.join(out, name), "wb").write(b)
    print(name, rule)


text, first, second, last = section(".text"), sections[0], sections[1], sections[-1]
w = write
# headers
w("machine", "pe-headers", [(COFF, 2, 0x14C)])
w("magic", "pe-headers", [(OPT, 2, 0x107)])
w("directory-count", "pe-headers", [(OPT + 108, 4, 15)])
w("optional-size", "pe-headers", [(COFF + 16, 2, 60)])
w("win32-version", "pe-headers", [(OPT + 52, 4, 1)])
w("loader-flags", "pe-headers", [(OPT + 104, 4, 1)])
w("subsystem", "pe-headers", [(OPT + 68, 2, 0)])
w("subsystem-version", "pe-headers", [(OPT + 48, 2, 3)])
w("section-table-outside", "pe-headers", [(COFF + 2, 2, 900)], cut=0x1000)
w("contents-outside", "pe-headers", [(second["at"] + 20, 4, (len(image) + 0x1000) & ~0xFFF)])
# flags
w("not-executable", "pe-flags", [(COFF + 18, 2, u(COFF + 18, 2) & ~2)])
w("not-large", "pe-flags", [(COFF + 18, 2, u(COFF + 18, 2) & ~0x20)])
w("relocs-stripped", "pe-flags", [(COFF + 18, 2, u(COFF + 18, 2) | 1)])
w("entropy-alone", "pe-flags", [(OPT + 70, 2, 0x120)])
w("integrity", "pe-flags", [(OPT + 70, 2, u(OPT + 70, 2) | 0x80)])
w("reserved-flags", "pe-flags", [(OPT + 70, 2, u(OPT + 70, 2) | 1)])
# alignment
w("section-align", "pe-align", [(OPT + 32, 4, 0x800)])
w("section-align-odd", "pe-align", [(OPT + 32, 4, 0x3000)])
w("file-align-odd", "pe-align", [(OPT + 36, 4, 0x300)])
w("file-align-small", "pe-align", [(OPT + 36, 4, 0x100)])
w("file-align-large", "pe-align", [(OPT + 36, 4, 0x2000)])
w("base", "pe-align", [(OPT + 24, 8, BASE + 0x1000)])
w("base-high", "pe-align", [(OPT + 24, 8, 1 << 48)])
# sizes
w("image-size-small", "pe-size", [(OPT + 56, 4, u(OPT + 56, 4) - 0x1000)])
w("image-size-large", "pe-size", [(OPT + 56, 4, u(OPT + 56, 4) + 0x1000)])
w("image-size-odd", "pe-size", [(OPT + 56, 4, u(OPT + 56, 4) - 1)])
w("headers-small", "pe-size", [(OPT + 60, 4, 0x200)])
w("headers-odd", "pe-size", [(OPT + 60, 4, 0x801)])
w("last-section-huge", "pe-size", [(last["at"] + 8, 4, 0x7FFFF000)])
# sections
w("none", "pe-sections", [(COFF + 2, 2, 0)])
w("gap-first", "pe-sections", [(first["at"] + 12, 4, first["rva"] + 0x1000)])
w("gap", "pe-sections", [(second["at"] + 12, 4, second["rva"] + 0x1000)])
w("overlap", "pe-sections", [(second["at"] + 12, 4, first["rva"])])
w("unaligned", "pe-sections", [(second["at"] + 12, 4, second["rva"] + 0x10)])
w("empty", "pe-sections", [(last["at"] + 8, 4, 0), (last["at"] + 16, 4, 0)])
w("order", "pe-sections", [(first["at"] + 12, 4, second["rva"]), (second["at"] + 12, 4, first["rva"])])
# in the file
w("raw-unaligned", "pe-raw", [(second["at"] + 20, 4, second["raw"] - 0x10)])
w("raw-size-unaligned", "pe-raw", [(second["at"] + 16, 4, second["size"] - 1)])
w("raw-in-headers", "pe-raw", [(first["at"] + 20, 4, 0x200 if first["size"] == 0 else 0)])
w("raw-overlap", "pe-raw", [(second["at"] + 20, 4, first["raw"])])
w("raw-none", "pe-raw", [(second["at"] + 20, 4, 0)])
w("raw-large", "pe-raw", [(first["at"] + 16, 4, first["size"] + 0x4000)])
# rights
w("writable-code", "pe-rights", [(text["at"] + 36, 4, 0xE0000020)])
w("unreadable", "pe-rights", [(second["at"] + 36, 4, 0x00000040)])
w("shared", "pe-rights", [(second["at"] + 36, 4, 0x50000040)])
w("object-flags", "pe-rights", [(second["at"] + 36, 4, u(second["at"] + 36, 4) | 0x1000)])
# entry
w("entry-in-data", "pe-entry", [(OPT + 16, 4, second["rva"])])
w("entry-outside", "pe-entry", [(OPT + 16, 4, 0x7FFF0000)])
w("entry-in-headers", "pe-entry", [(OPT + 16, 4, 0x40)])
# directories
for n, name in ((7, "architecture"), (15, "reserved")):
    w(f"directory-{name}", "pe-directories", [(OPT + 112 + 8 * n, 4, second["rva"]), (OPT + 116 + 8 * n, 4, 4)])
w("directory-outside", "pe-directories", [(OPT + 112 + 8 * 2, 4, 0x7FFF0000), (OPT + 116 + 8 * 2, 4, 4)])
w("directory-reaches-out", "pe-directories", [(OPT + 112 + 8 * 2, 4, last["rva"]), (OPT + 116 + 8 * 2, 4, 0x100000)])
w("directory-empty", "pe-directories", [(OPT + 112 + 8 * 6, 4, second["rva"])])
w("security-outside", "pe-directories", [(OPT + 112 + 8 * 4, 4, len(image) & ~7), (OPT + 116 + 8 * 4, 4, 0x1000)])
w("checksum", "pe-checksum", [(CHECKSUM, 4, 12345)], keep_checksum=True)
w("name", "pe-names", [(second["at"], 8, 0)])
# exports
rva, size = directory(0)
if size:
    e = offset(rva)
    names, ordinals, functions = offset(u(e + 32, 4)), offset(u(e + 36, 4)), offset(u(e + 28, 4))
    assert u(e + 24, 4) >= 2
    w("export-order", "pe-exports", [(names, 4, u(names + 4, 4)), (names + 4, 4, u(names, 4))])
    w("export-twice", "pe-exports", [(names + 4, 4, u(names, 4))])
    w("export-name-outside", "pe-exports", [(names, 4, 0x7FFF0000)])
    w("export-ordinal", "pe-exports", [(ordinals, 2, 60000)])
    w("export-outside", "pe-exports", [(functions, 4, 0x7FFF0000)])
    w("export-count", "pe-exports", [(e + 20, 4, 0x10000000)])
    w("export-names-count", "pe-exports", [(e + 24, 4, 0x10000000)])
    w("export-own-name", "pe-exports", [(e + 12, 4, 0x7FFF0000)])
    w("export-flags", "pe-exports", [(e, 4, 1)])
    w("export-forward", "pe-exports", [(functions, 4, u(e + 12, 4) + 8)])
# imports
rva, size = directory(1)
if size:
    d = offset(rva)
    lookup = offset(u(d, 4))
    w("import-name-outside", "pe-imports", [(d + 12, 4, 0x7FFF0000)])
    w("import-lookup-outside", "pe-imports", [(d, 4, 0x7FFF0000)])
    w("import-slots-outside", "pe-imports", [(d + 16, 4, 0x7FFF0000)])
    w("import-slots-in-code", "pe-imports", [(d + 16, 4, text["rva"])])
    w("import-slots-unaligned", "pe-imports", [(d + 16, 4, u(d + 16, 4) + 4)])
    w("import-row-outside", "pe-imports", [(lookup, 8, 0x7FFF0000)])
    w("import-row-wide", "pe-imports", [(lookup, 8, 0x123456789)])
    slots = next(s for s in sections if s["rva"] <= u(d + 16, 4) < s["rva"] + s["vsize"])
    if not u(slots["at"] + 36, 4) & 0x80000000:
        w("import-no-table", "pe-imports", [(OPT + 112 + 8 * 12, 4, 0), (OPT + 116 + 8 * 12, 4, 0)])
# base relocations
rva, size = directory(5)
if size:
    r = offset(rva)
    block = u(r + 4, 4)
    w("reloc-size-4", "pe-relocs", [(r + 4, 4, 4)])
    w("reloc-size-odd", "pe-relocs", [(r + 4, 4, block - 2)])
    w("reloc-size-huge", "pe-relocs", [(r + 4, 4, 0x10000000)])
    w("reloc-page", "pe-relocs", [(r, 4, u(r, 4) + 8)])
    w("reloc-page-outside", "pe-relocs", [(r, 4, 0x7FFF0000)])
    w("reloc-type", "pe-relocs", [(r + 8, 2, 3 << 12 | u(r + 8, 2) & 0xFFF)])
    w("reloc-type-7", "pe-relocs", [(r + 8, 2, 7 << 12 | u(r + 8, 2) & 0xFFF)])
    w("reloc-twice", "pe-relocs", [(r + 10, 2, u(r + 8, 2))])
    w("reloc-short", "pe-relocs", [(OPT + 116 + 8 * 5, 4, block - 4 if size == block else size - 4)])
    at = offset(u(r, 4) + (u(r + 8, 2) & 0xFFF))
    w("reloc-word", "pe-relocs", [(at, 8, 0x1234)])
    w("reloc-word-end", "pe-relocs", [(at, 8, BASE + 0x7FFF0000)])
# exceptions
rva, size = directory(3)
if size:
    p = offset(rva)
    w("pdata-size", "pe-exceptions", [(OPT + 116 + 8 * 3, 4, size - 4)])
    w("pdata-order", "pe-exceptions", [(p + i, 4, u(p + 12 + i, 4)) for i in (0, 4, 8)] + [(p + 12 + i, 4, u(p + i, 4)) for i in (0, 4, 8)])
    w("pdata-backwards", "pe-exceptions", [(p + 4, 4, u(p, 4))])
    w("pdata-outside", "pe-exceptions", [(p + 4, 4, 0x7FFF0000)])
    w("pdata-in-data", "pe-exceptions", [(p, 4, second["rva"]), (p + 4, 4, second["rva"] + 4)])
    w("unwind-outside", "pe-exceptions", [(p + 8, 4, 0x7FFF0000)])
    w("unwind-unaligned", "pe-exceptions", [(p + 8, 4, u(p + 8, 4) + 2)])
    w("unwind-version", "pe-exceptions", [(offset(u(p + 8, 4)), 1, 7)])
# thread-local storage
rva, size = directory(9)
if size:
    t = offset(rva)
    w("tls-start", "pe-tls", [(t, 8, BASE + 0x7FFF0000)])
    w("tls-end", "pe-tls", [(t + 8, 8, u(t, 8) - 8)])
    w("tls-index", "pe-tls", [(t + 16, 8, BASE + text["rva"])])
    w("tls-callbacks", "pe-tls", [(t + 24, 8, BASE + second["rva"])])
    w("tls-outside", "pe-tls", [(OPT + 112 + 8 * 9, 4, 0x7FFF0000)])
w("load-config", "pe-load-config", [(OPT + 112 + 8 * 10, 4, second["rva"]), (OPT + 116 + 8 * 10, 4, 0x94), (second["raw"], 4, 0xFFFFFFF0)])
w("load-config-outside", "pe-load-config", [(OPT + 112 + 8 * 10, 4, 0x7FFF0000), (OPT + 116 + 8 * 10, 4, 0x94)])
# resources
rva, size = directory(2)
if size:
    t = offset(rva)
    w("resources-outside", "pe-resources", [(t + 20, 4, 0x80000000 | size)])
    w("resources-depth", "pe-resources", [(t + 20, 4, 0x10)])
    w("resources-names", "pe-resources", [(t + 12, 2, 1), (t + 14, 2, u(t + 14, 2) - 1)])
    w("resources-twice", "pe-resources", [(t + 24, 8, u(t + 16, 8))])
    w("resources-order", "pe-resources", [(t + 16, 4, u(t + 24, 4)), (t + 24, 4, u(t + 16, 4))])
    leaf = u(t + (u(t + (u(t + 20, 4) & 0x7FFFFFFF) + 20, 4) & 0x7FFFFFFF) + 20, 4)
    w("resources-data", "pe-resources", [(t + leaf, 4, 0x7FFF0000)])
    w("resources-size", "pe-resources", [(t + leaf + 4, 4, 0x7FFF0000)])
# our own
s = section(".sysimg")
if s:
    w("heap-table", "pe-heap", [(s["raw"], 8, 0)])
    w("heap-table-checksum", "pe-heap", [(s["raw"] + 24, 8, 1)])
    h = section(".heap0")
    w("heap-bytes", "pe-heap", [(h["raw"] + 8, 8, 0x1234567)])
    w("heap-size", "pe-heap", [(s["raw"] + 16, 8, 0x100000)])
