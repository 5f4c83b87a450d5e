# SPDX-License-Identifier: GPL-3.0-or-later
"""dylib_slots.py DYLIB LIST: is every slot of heapgen's LIST right in a dylib made without chained fixups?

The word at a slot must be the address, in the dylib, of what the list says; and the rebase
opcodes must be as many as the slots.
"""

import struct
import subprocess
import sys

LC_SEGMENT_64 = 0x19
SECTIONS = {"gen_ro": "__heap_ro", "gen_rw": "__heap", "gen_zero": "__heap_zero", "gen_code": "__heap_code"}


def sections(data):
    found, at = {}, 32
    for _ in range(struct.unpack_from("<I", data, 16)[0]):
        command, size = struct.unpack_from("<II", data, at)
        if command == LC_SEGMENT_64:
            for k in range(struct.unpack_from("<I", data, at + 64)[0]):
                entry = at + 72 + 80 * k
                name = data[entry : entry + 16].rstrip(b"\0").decode()
                found[name] = (struct.unpack_from("<Q", data, entry + 32)[0],
                               struct.unpack_from("<I", data, entry + 48)[0])
        at += size
    return found


def main():
    with open(sys.argv[1], "rb") as dylib:
        data = dylib.read()
    found = sections(data)
    roots, slots, wrong = {}, 0, 0
    with open(sys.argv[2]) as lines:
        for line in lines:
            words = line.split()
            if words[0] == "root":
                roots[words[1]] = int(words[2], 16)
            elif words[0] == "slot":
                _, offset = found[SECTIONS[words[1]]]
                value = struct.unpack_from("<Q", data, offset + int(words[2]))[0]
                target = int(words[3], 16)
                root = max((r for r in roots if roots[r] <= target), key=roots.get)
                slots += 1
                wrong += value != found[SECTIONS[root]][0] + target - roots[root]
    print(slots, "slots,", wrong, "wrong")
    return wrong != 0 or slots == 0


if __name__ == "__main__":
    sys.exit(main())
