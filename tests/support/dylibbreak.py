# SPDX-License-Identifier: GPL-3.0-or-later
"""Break a Mach-O library, one rule at a time.

dylibbreak.py list                    the mutations: NAME RULE
dylibbreak.py IN DIR                  write IN with each of them to DIR/NAME

Offsets come from <mach-o/loader.h> and <mach-o/fixup-chains.h>, and from nothing of this project.
A mutation that IN has nothing for (no thread-local variables, say) writes nothing.
"""
import os
import struct
import sys

LC = dict(SEGMENT=0x19, SYMTAB=2, DYSYMTAB=0xb, ID=0xd, LOAD=0xc, UUID=0x1b, BUILD=0x32,
          FIXUPS=0x80000034, TRIE=0x80000033, STARTS=0x26, DATA=0x29, SIGN=0x1d, INFO=0x80000022)
MUTATIONS = []


def mutation(rule):
    def register(f):
        MUTATIONS.append((f.__name__, rule, f))
        return f
    return register


class Missing(Exception):
    pass


class Image:
    def __init__(self, data):
        self.b = bytearray(data)

    def u16(self, at): return struct.unpack_from('<H', self.b, at)[0]
    def u32(self, at): return struct.unpack_from('<I', self.b, at)[0]
    def u64(self, at): return struct.unpack_from('<Q', self.b, at)[0]
    def p16(self, at, v): struct.pack_into('<H', self.b, at, v & 0xffff)
    def p32(self, at, v): struct.pack_into('<I', self.b, at, v & 0xffffffff)
    def p64(self, at, v): struct.pack_into('<Q', self.b, at, v & 0xffffffffffffffff)

    def commands(self):
        at = 32
        for _ in range(self.u32(16)):
            yield at, self.u32(at)
            at += self.u32(at + 4)

    def command(self, kind, nth=0):
        for at, cmd in self.commands():
            if cmd == LC[kind]:
                if nth == 0:
                    return at
                nth -= 1
        raise Missing(kind)

    def end(self):
        return 32 + self.u32(20)

    def segment(self, name):
        for at, cmd in self.commands():
            if cmd == LC['SEGMENT'] and self.b[at + 8:at + 24].rstrip(b'\0') == name.encode():
                return at
        raise Missing(name)

    def section(self, name):
        for at, cmd in self.commands():
            if cmd != LC['SEGMENT']:
                continue
            for i in range(self.u32(at + 64)):
                s = at + 72 + 80 * i
                if self.b[s:s + 16].rstrip(b'\0') == name.encode():
                    return s
        raise Missing(name)

    def section_of_type(self, kind):
        for at, cmd in self.commands():
            if cmd == LC['SEGMENT']:
                for i in range(self.u32(at + 64)):
                    s = at + 72 + 80 * i
                    if self.u32(s + 64) & 0xff == kind and self.u64(s + 40):
                        return s
        raise Missing(kind)

    def add_command(self, data):
        """Behind the others: there is padding for it."""
        at = self.end()
        self.b[at:at + len(data)] = data
        self.p32(16, self.u32(16) + 1)
        self.p32(20, self.u32(20) + len(data))

    def blob(self, kind):
        at = self.command(kind)
        if not self.u32(at + 12):
            raise Missing(kind)
        return self.u32(at + 8), self.u32(at + 12)

    def chain_segment(self, nth=0):
        """The start of the nth dyld_chained_starts_in_segment."""
        start, _ = self.blob('FIXUPS')
        starts = start + self.u32(start + 4)
        for i in range(self.u32(starts)):
            offset = self.u32(starts + 4 + 4 * i)
            if offset:
                if nth == 0:
                    return starts + offset, i
                nth -= 1
        raise Missing('chains')

    def segments(self):
        return [at for at, cmd in self.commands() if cmd == LC['SEGMENT']]

    def first_pointer(self, bind):
        """The file offset of the first chained pointer that is bound, or not."""
        start, _ = self.blob('FIXUPS')
        starts = start + self.u32(start + 4)
        for i, seg in enumerate(self.segments()):
            offset = self.u32(starts + 4 + 4 * i)
            if not offset:
                continue
            s = starts + offset
            page = self.u16(s + 4)
            for p in range(self.u16(s + 20)):
                at = self.u16(s + 22 + 2 * p)
                while at != 0xffff:
                    where = self.u64(seg + 40) + p * page + at
                    value = self.u64(where)
                    if bool(value >> 63) == bind:
                        return where
                    step = (value >> 51 & 0xfff) * 4
                    at = at + step if step else 0xffff
        raise Missing('pointer')


# ---- load commands ----

@mutation('macho-commands')
def cmdsize_not_multiple(m):
    at = m.command('UUID')
    m.p32(at + 4, 20)

@mutation('macho-commands')
def cmdsize_zero(m): m.p32(m.command('UUID') + 4, 0)

@mutation('macho-commands')
def cmdsize_past_end(m): m.p32(m.command('SIGN') + 4, 0x1000)

@mutation('macho-commands')
def unknown_required(m): m.add_command(struct.pack('<IIQ', 0x80000077, 16, 0))

@mutation('macho-commands')
def sizeofcmds_larger(m): m.p32(20, m.u32(20) + 8)

@mutation('macho-commands')
def sizeofcmds_past_file(m): m.p32(20, len(m.b))

@mutation('macho-commands')
def no_commands(m): m.p32(16, 0); m.p32(20, 0)

@mutation('macho-commands')
def name_outside_command(m): m.p32(m.command('LOAD') + 8, 0x4000)

@mutation('macho-once')
def two_uuids(m): m.add_command(struct.pack('<II16s', LC['UUID'], 24, b'x' * 16))

@mutation('macho-once')
def two_ids(m): m.add_command(struct.pack('<IIIIII8s', LC['ID'], 32, 24, 0, 0, 0, b'other'))

@mutation('macho-once')
def chains_and_opcodes(m): m.command('FIXUPS'); m.add_command(struct.pack('<II10I', LC['INFO'], 48, *[0] * 10))

@mutation('macho-commands')
def two_symtabs(m): m.add_command(struct.pack('<IIIIII', LC['SYMTAB'], 24, 0, 0, 0, 0))

@mutation('macho-once')
def no_dysymtab(m): m.p32(m.command('DYSYMTAB'), 0x2f)

# ---- segments ----

@mutation('macho-order')
def segment_over_another(m): m.p64(m.segment('__DATA') + 24, m.u64(m.segment('__TEXT') + 24))

@mutation('macho-order')
def file_over_another(m): m.p64(m.segment('__DATA') + 40, 0)

@mutation('macho-order')
def text_not_first(m): m.p64(m.segment('__TEXT') + 40, 0x4000); m.p64(m.segment('__TEXT') + 48, 0)

@mutation('macho-order')
def linkedit_not_last(m):
    m.add_command(struct.pack('<II16sQQQQIIII', LC['SEGMENT'], 72, b'__MORE', 1 << 32, 0x4000, len(m.b), 0, 3, 3, 0, 0))

@mutation('macho-order')
def linkedit_renamed(m): m.b[m.segment('__LINKEDIT') + 8:m.segment('__LINKEDIT') + 24] = b'__LINKEDXX'.ljust(16, b'\0')

@mutation('macho-size')
def filesize_over_vmsize(m): m.p64(m.segment('__TEXT') + 32, 0x1000)

@mutation('macho-size')
def code_larger_in_memory(m):
    """__TEXT, with what follows moved out of the way."""
    for at in m.segments()[1:]:
        m.p64(at + 24, m.u64(at + 24) + 0x10000)
    m.p64(m.segment('__TEXT') + 32, m.u64(m.segment('__TEXT') + 32) + 0x10000)

@mutation('macho-size')
def vmsize_zero(m): m.p64(m.segment('__DATA') + 32, 0)

@mutation('macho-commands')
def segment_past_file(m): m.p64(m.segment('__LINKEDIT') + 48, len(m.b) * 2)

@mutation('macho-align')
def address_not_a_page(m): m.p64(m.segment('__LINKEDIT') + 24, m.u64(m.segment('__LINKEDIT') + 24) + 0x100)

@mutation('macho-rights')
def text_writable(m): m.p32(m.segment('__TEXT') + 60, 7); m.p32(m.segment('__TEXT') + 56, 7)

@mutation('macho-rights')
def text_not_executable(m): m.p32(m.segment('__TEXT') + 60, 1)

@mutation('macho-rights')
def linkedit_writable(m): m.p32(m.segment('__LINKEDIT') + 60, 3); m.p32(m.segment('__LINKEDIT') + 56, 3)

@mutation('macho-rights')
def data_read_only(m): m.p32(m.segment('__DATA') + 60, 1)

@mutation('macho-rights')
def data_executable(m): m.p32(m.segment('__DATA') + 60, 7); m.p32(m.segment('__DATA') + 56, 7)

@mutation('macho-rights')
def const_without_flag(m): m.p32(m.segment('__DATA_CONST') + 68, 0)

@mutation('macho-rights')
def more_than_max(m): m.p32(m.segment('__DATA') + 56, 1)

@mutation('macho-names')
def same_names(m):
    at = m.segment('__DATA')
    m.b[at + 8:at + 24] = b'__TEXT'.ljust(16, b'\0')

# ---- sections ----

@mutation('macho-section')
def section_outside(m): m.p64(m.section('__text') + 32, m.u64(m.segment('__LINKEDIT') + 24))

@mutation('macho-section')
def section_too_large(m): m.p64(m.section('__data') + 40, 0x100000); m.p32(m.section('__data') + 64, 1)

@mutation('macho-section')
def section_elsewhere_in_file(m): m.p32(m.section('__text') + 48, m.u32(m.section('__text') + 48) + 16)

@mutation('macho-section')
def section_misaligned(m): m.p32(m.section('__text') + 52, 14)

@mutation('macho-section')
def section_over_commands(m):
    s = m.section('__text')
    m.p64(s + 32, 64)
    m.p32(s + 48, 64)

@mutation('macho-section')
def section_of_other_segment(m):
    s = m.section('__data')
    m.b[s + 16:s + 32] = b'__OTHER'.ljust(16, b'\0')

# ---- __LINKEDIT ----

@mutation('macho-linkedit')
def bytes_behind_the_end(m): m.b += b'\0' * 32

@mutation('macho-linkedit')
def parts_swapped(m):
    a, b = m.command('TRIE'), m.command('STARTS')
    x, y = m.b[a + 8:a + 16], m.b[b + 8:b + 16]
    m.b[a + 8:a + 16], m.b[b + 8:b + 16] = y, x

@mutation('macho-linkedit')
def gap_between_parts(m):
    at = m.command('STARTS')
    m.p32(at + 8, m.u32(at + 8) + 8)
    m.p32(at + 12, max(m.u32(at + 12), 8) - 8)
    m.p32(m.command('TRIE') + 12, m.u32(m.command('TRIE') + 12) - 8)

@mutation('macho-linkedit')
def gap_of_a_few_bytes(m):
    """The one that install_name_tool calls out of place: 7 bytes less than the pad that is declared."""
    at = m.command('TRIE')
    m.p32(at + 12, m.u32(at + 12) - 7)

@mutation('macho-linkedit')
def bytes_in_linkedit_behind_the_end(m):
    m.b += b'\0' * 15
    m.p64(m.segment('__LINKEDIT') + 48, m.u64(m.segment('__LINKEDIT') + 48) + 15)

@mutation('macho-linkedit')
def parts_overlap(m): m.p32(m.command('TRIE') + 12, m.u32(m.command('TRIE') + 12) + 16)

@mutation('macho-linkedit')
def part_misaligned(m):
    at = m.command('SYMTAB')
    m.p32(at + 8, m.u32(at + 8) + 4)
    m.p32(at + 12, m.u32(at + 12) - 1)

@mutation('macho-linkedit')
def linkedit_short(m): m.p64(m.segment('__LINKEDIT') + 48, m.u64(m.segment('__LINKEDIT') + 48) - 8)

@mutation('macho-commands')
def part_past_file(m): m.p32(m.command('TRIE') + 8, len(m.b))

# ---- libraries, identity ----

@mutation('macho-library')
def no_libraries(m):
    for at, cmd in list(m.commands()):
        if cmd == LC['LOAD']:
            m.p32(at, 0x31)

@mutation('macho-library')
def library_twice(m):
    at = m.command('LOAD')
    m.add_command(bytes(m.b[at:at + m.u32(at + 4)]))

@mutation('macho-library')
def no_install_name(m): m.p32(m.command('ID'), 0x31)

@mutation('macho-library')
def empty_install_name(m): at = m.command('ID'); m.b[at + 24] = 0

@mutation('macho-identity')
def no_uuid(m): m.p32(m.command('UUID'), 0x31)

@mutation('macho-identity')
def zero_uuid(m): at = m.command('UUID'); m.b[at + 8:at + 24] = bytes(16)

@mutation('macho-identity')
def no_version(m): m.p32(m.command('BUILD'), 0x31)

@mutation('macho-identity')
def unknown_platform(m): m.p32(m.command('BUILD') + 8, 99)

# ---- signature ----

@mutation('macho-signature')
def byte_changed(m): m.b[m.u32(m.section('__text') + 48)] ^= 1

@mutation('macho-signature')
def hash_changed(m): at, size = m.blob('SIGN'); m.b[at + size - 40] ^= 1

@mutation('macho-signature')
def code_limit(m):
    at, _ = m.blob('SIGN')
    struct.pack_into('>I', m.b, at + 24 + 32, 0x1000)

@mutation('macho-signature')
def too_few_hashes(m):
    at, _ = m.blob('SIGN')
    struct.pack_into('>I', m.b, at + 24 + 28, 1)

@mutation('macho-signature')
def signature_magic(m): m.b[m.blob('SIGN')[0]] = 0

@mutation('macho-signature')
def directory_magic(m): m.b[m.blob('SIGN')[0] + 24] = 0

@mutation('macho-signature')
def signature_unaligned(m):
    at = m.command('SIGN')
    m.p32(at + 8, m.u32(at + 8) + 8)
    m.p32(at + 12, m.u32(at + 12) - 8)

@mutation('macho-signature')
def exec_segment(m):
    at, _ = m.blob('SIGN')
    struct.pack_into('>Q', m.b, at + 24 + 72, 1 << 40)

@mutation('macho-signature')
def signature_page_size(m): m.b[m.blob('SIGN')[0] + 24 + 39] = 13

# ---- fixups ----

@mutation('macho-fixups')
def seg_count(m):
    start, _ = m.blob('FIXUPS')
    s = start + m.u32(start + 4)
    m.p32(s, m.u32(s) - 1)

@mutation('macho-fixups')
def segment_offset(m): s, _ = m.chain_segment(); m.p64(s + 8, m.u64(s + 8) + 0x4000)

@mutation('macho-fixups')
def page_size(m): s, _ = m.chain_segment(); m.p16(s + 4, 0x2000)

@mutation('macho-fixups')
def page_count(m): s, _ = m.chain_segment(); m.p16(s + 20, 0xff00)

@mutation('macho-fixups')
def mixed_formats(m): s, _ = m.chain_segment(1); m.p16(s + 6, 2 if m.u16(s + 6) == 6 else 6)

@mutation('macho-fixups')
def unknown_format(m): s, _ = m.chain_segment(); m.p16(s + 6, 77)

@mutation('macho-fixups')
def start_past_page(m): s, _ = m.chain_segment(); m.p16(s + 22, 0x7ffc)

@mutation('macho-fixups')
def multi_start(m): s, _ = m.chain_segment(); m.p16(s + 22, 0x8001)

@mutation('macho-fixups')
def import_number(m): at = m.first_pointer(True); m.p64(at, m.u64(at) | 0xfffff)

@mutation('macho-fixups')
def target_outside(m): at = m.first_pointer(False); m.p64(at, m.u64(at) | 0x800000000)

@mutation('macho-fixups')
def chain_leaves_page(m): at = m.first_pointer(True); m.p64(at, m.u64(at) | 0xfff << 51)

@mutation('macho-fixups')
def import_library(m):
    start, _ = m.blob('FIXUPS')
    at = start + m.u32(start + 8)
    m.p32(at, m.u32(at) & ~0xff | 200)

@mutation('macho-fixups')
def import_name(m):
    start, _ = m.blob('FIXUPS')
    at = start + m.u32(start + 8)
    m.p32(at, m.u32(at) | 0x7ffff << 9)

@mutation('macho-fixups')
def imports_outside(m): start, _ = m.blob('FIXUPS'); m.p32(start + 16, 0x1000000)

@mutation('macho-fixups')
def import_format(m): start, _ = m.blob('FIXUPS'); m.p32(start + 20, 9)

@mutation('macho-fixups')
def fixups_in_text(m):
    s, i = m.chain_segment()
    start, _ = m.blob('FIXUPS')
    starts = start + m.u32(start + 4)
    m.p32(starts + 4, m.u32(starts + 4 + 4 * i))
    m.p32(starts + 4 + 4 * i, 0)
    m.p64(s + 8, 0)

# ---- exports, symbols ----

@mutation('macho-exports')
def export_outside(m):
    """The last node's address becomes larger than any."""
    at, size = m.blob('TRIE')
    for i in range(at, at + size - 6):
        if m.b[i] == 4 and m.b[i + 1] == 0 and m.b[i + 2] & 0x80 and m.b[i + 3] & 0x80 and not m.b[i + 4] & 0x80:
            m.b[i + 4] = 0x7f
            return
        if m.b[i] == 3 and m.b[i + 1] == 0 and m.b[i + 2] & 0x80 and not m.b[i + 3] & 0x80:
            m.b[i + 1] = 0x0b & 3
            m.b[i + 3] |= 0x80
            return
    raise Missing('node')

@mutation('macho-exports')
def export_loop(m):
    """The root's first child is the root."""
    at, size = m.blob('TRIE')
    i = at + 2
    while m.b[i]:
        i += 1
    m.b[i + 1] = 0

@mutation('macho-exports')
def export_edge(m): at, size = m.blob('TRIE'); m.b[at + 1] = 200

@mutation('macho-symtab')
def symbol_counts(m): at = m.command('DYSYMTAB'); m.p32(at + 12, m.u32(at + 12) + 1)

@mutation('macho-symtab')
def symbol_groups(m): at = m.command('DYSYMTAB'); m.p32(at + 16, m.u32(at + 16) + 1)

@mutation('macho-symtab')
def symbol_section(m):
    at = m.u32(m.command('SYMTAB') + 8) + 16 * m.u32(m.command('DYSYMTAB') + 16)
    m.b[at + 5] = 200

@mutation('macho-symtab')
def symbol_value(m):
    at = m.u32(m.command('SYMTAB') + 8) + 16 * m.u32(m.command('DYSYMTAB') + 16)
    m.p64(at + 8, 1 << 40)

@mutation('macho-symtab')
def symbol_name(m):
    at = m.u32(m.command('SYMTAB') + 8)
    m.p32(at, 0x7fffffff)

@mutation('macho-symtab')
def symbol_library(m):
    at = m.u32(m.command('SYMTAB') + 8) + 16 * m.u32(m.command('DYSYMTAB') + 24)
    m.p16(at + 6, 0x7700)

@mutation('macho-indirect')
def indirect_index(m): m.p32(m.u32(m.command('DYSYMTAB') + 56), 0x100000)

@mutation('macho-indirect')
def indirect_range(m): m.p32(m.section('__got') + 68, 0x1000)

@mutation('macho-indirect')
def stub_size(m): m.p32(m.section('__stubs') + 72, 0)

# ---- starts, unwinding, thread-local variables, initialisers ----

@mutation('macho-starts')
def starts_outside(m): at, _ = m.blob('STARTS'); m.b[at:at + 5] = b'\xff\xff\xff\x7f\x00'

@mutation('macho-starts')
def starts_do_not_end(m): at, size = m.blob('STARTS'); m.b[at:at + size] = b'\xff' * size

@mutation('macho-unwind')
def unwind_version(m): m.p32(m.u32(m.section('__unwind_info') + 48), 9)

@mutation('macho-unwind')
def unwind_index(m): m.p32(m.u32(m.section('__unwind_info') + 48) + 24, 0x10000)

@mutation('macho-unwind')
def unwind_page(m):
    at = m.u32(m.section('__unwind_info') + 48)
    m.p32(at + m.u32(at + 20) + 4, 0xfffff)

@mutation('macho-unwind')
def unwind_function(m):
    at = m.u32(m.section('__unwind_info') + 48)
    m.p32(at + m.u32(at + 20), 0x7fffffff)

@mutation('macho-tlv')
def tlv_offset(m): s = m.section_of_type(0x13); m.p64(m.u32(s + 48) + 16, 0x100000)

@mutation('macho-tlv')
def tlv_flag(m): m.section_of_type(0x13); m.p32(24, m.u32(24) & ~0x800000)

@mutation('macho-init')
def init_outside(m): s = m.section_of_type(0x16); m.p32(m.u32(s + 48), 0x7fffffff)


def main():
    if sys.argv[1:] == ['list']:
        for name, rule, _ in MUTATIONS:
            print(name, rule)
        return 0
    source, directory = sys.argv[1:]
    with open(source, 'rb') as file:
        data = file.read()
    for name, _, change in MUTATIONS:
        image = Image(data)
        try:
            change(image)
        except Missing:
            continue
        with open(os.path.join(directory, name), 'wb') as file:
            file.write(image.b)
    return 0


sys.exit(main())
