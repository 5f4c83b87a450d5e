#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rebase.py LIBRARY OUT ADDRESS: a copy of a shared library for x86-64 that is linked for ADDRESS, not for 0.

The system's loader puts it there in each process, if nobody else is there, since it takes the first segment's
address for a hint.  So its functions and data are where the machine code of an image expects them, while everything
else is somewhere else each time.  It is the same code, byte by byte: it does not depend on its address."""

import struct
import sys

PT_DYNAMIC = 2
DT_NULL = 0
# tags whose value is an address: the gABI's, and GNU's between 0x6ffffe00 and 0x6ffffeff, VERSYM, VERDEF, VERNEED
ADDRESSES = {3, 4, 5, 6, 7, 12, 13, 17, 23, 25, 26, 32, 36, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE} | set(
    range(0x6FFFFE00, 0x6FFFFF00))
R_X86_64_JUMP_SLOT, R_X86_64_RELATIVE, R_X86_64_IRELATIVE = 7, 8, 37
SHN_UNDEF, SHN_ABS, STT_TLS = 0, 0xFFF1, 6


def main():
    library, out, address = sys.argv[1], sys.argv[2], int(sys.argv[3], 0)
    data = bytearray(open(library, "rb").read())

    def get(fmt, at):
        return struct.unpack_from("<" + fmt, data, at)

    def add(at, by=address):
        struct.pack_into("<Q", data, at, get("Q", at)[0] + by)

    if data[:6] != b"\x7fELF\x02\x01" or get("HH", 16) != (3, 62):
        sys.exit(f"{library}: no shared library for x86-64")
    phoff, shoff = get("QQ", 32)
    phentsize, phnum, shentsize, shnum = get("HHHH", 54)
    segments, sections = [], []
    for at in range(phoff, phoff + phnum * phentsize, phentsize):
        kind, _, offset, vaddr, _, filesz = get("IIQQQQ", at)
        segments.append((kind, offset, vaddr, filesz))
    if min(vaddr for kind, _, vaddr, _ in segments if kind == 1) != 0:
        sys.exit(f"{library}: is not linked for 0")

    def place(vaddr):
        for kind, offset, start, size in segments:
            if kind == 1 and start <= vaddr < start + size:
                return offset + vaddr - start
        sys.exit(f"{library}: address {vaddr:#x} is not in the file")

    dynamic, at = {}, next(offset for kind, offset, _, _ in segments if kind == PT_DYNAMIC)
    while get("Q", at)[0] != DT_NULL:
        tag, value = get("QQ", at)
        dynamic[tag] = value
        if tag in ADDRESSES:
            add(at + 8)
        at += 16
    if 36 in dynamic:
        sys.exit(f"{library}: has RELR")
    for table, size in ((7, 8), (23, 2)):  # RELA, RELASZ; JMPREL, PLTRELSZ
        if table not in dynamic:
            continue
        start = place(dynamic[table])
        for at in range(start, start + dynamic[size], 24):
            offset, info, _ = get("QQq", at)
            add(at)
            if info & 0xFFFFFFFF in (R_X86_64_RELATIVE, R_X86_64_IRELATIVE):
                add(at + 16)
            elif info & 0xFFFFFFFF == R_X86_64_JUMP_SLOT and get("Q", place(offset))[0]:
                add(place(offset))  # its way back into the PLT
    if 3 in dynamic and get("Q", place(dynamic[3]))[0]:
        add(place(dynamic[3]))  # the GOT's first word: .dynamic
    for at in range(shoff, shoff + shnum * shentsize, shentsize):
        kind, flags, addr, offset, size = get("IQQQQ", at + 4)
        if kind in (2, 11):  # SYMTAB, DYNSYM
            for symbol in range(offset, offset + size, 24):
                info, _, section = get("BBH", symbol + 4)
                if section not in (SHN_UNDEF, SHN_ABS) and info & 15 != STT_TLS:
                    add(symbol + 8)
        if flags & 2:
            add(at + 16)
    for at in range(phoff, phoff + phnum * phentsize, phentsize):
        if get("I", at)[0] != 0x6474E551:  # GNU_STACK
            add(at + 16)
            add(at + 24)
    if get("Q", 24)[0]:
        add(24)
    # another file, another build: an image of one is not for the other
    for kind, offset, _, size in segments:
        if kind == 4 and data[offset + 4] == 20 and get("I", offset + 8)[0] == 3:
            for i, byte in enumerate(struct.pack("<Q", address)):
                data[offset + 16 + i] ^= byte
    with open(out, "wb") as f:
        f.write(data)


if __name__ == "__main__":
    main()
