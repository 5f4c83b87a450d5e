/* SPDX-License-Identifier: GPL-3.0-or-later */
/* macho_object.c - make the object that macho_object.h describes. */

#include "tests/support/macho_object.h"

#include <stdbool.h>
#include <string.h>

struct maker {
    uint8_t *at;
    uint64_t size;
};

static void put(struct maker *m, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        m->at[m->size++] = (uint8_t)(i < 8 ? value >> 8 * i : 0);
}

static void put_name(struct maker *m, const char *name)
{
    memcpy(m->at + m->size, name, strlen(name));
    m->size += 16;
}

static void put_section(struct maker *m, const char *segment, const char *name, uint64_t addr,
                        uint64_t size, uint32_t offset, uint32_t align, uint32_t reloff,
                        uint32_t nreloc, uint32_t flags)
{
    put_name(m, name);
    put_name(m, segment);
    put(m, addr, 8);
    put(m, size, 8);
    put(m, offset, 4);
    put(m, align, 4);
    put(m, reloff, 4);
    put(m, nreloc, 4);
    put(m, flags, 4);
    put(m, 0, 12);
}

static void put_reloc(struct maker *m, uint32_t offset, uint32_t symbol, bool external,
                      unsigned type, unsigned length, bool pcrel)
{
    put(m, offset, 4);
    put(m,
        symbol | (uint32_t)pcrel << 24 | length << 25 | (uint32_t)external << 27 |
            (uint32_t)type << 28,
        4);
}

static void put_symbol(struct maker *m, uint32_t name, unsigned type, unsigned section,
                       unsigned desc, uint64_t value)
{
    put(m, name, 4);
    put(m, type, 1);
    put(m, section, 1);
    put(m, desc, 2);
    put(m, value, 8);
}

uint64_t make_macho_object(uint8_t *out)
{
    enum {
        COMMANDS = 72 + 80 * MACHO_OBJ_SECTIONS + 24 + 24,
        CONTENTS = 704,     /* behind them */
        TEXT = CONTENTS,    /* 16 bytes at address 0 */
        DATA = TEXT + 16,   /* 24 */
        VARS = DATA + 24,   /* 24 */
        TDATA = VARS + 24,  /* 4, and 4 of padding */
        UNWIND = TDATA + 8, /* 32 */
        RELOCS = UNWIND + 32,
        SYMBOLS = RELOCS + 8 * 10,
        STRINGS = SYMBOLS + 16 * MACHO_OBJ_SYMBOLS,
    };
    /* call _g; movq _x@GOTPCREL(%rip), %rax; ret */
    static const uint8_t code[16] = {0xe8, 0, 0, 0, 0,    0x48, 0x8b, 0x05,
                                     0,    0, 0, 0, 0xc3, 0x90, 0x90, 0x90};
    static const char strings[] = "\0_t$tlv$init\0_f\0_t\0_x\0_c\0_g\0__tlv_bootstrap";
    struct maker m = {.at = out};

    memset(out, 0, MACHO_OBJ_SIZE);
    put(&m, 0xfeedfacf, 4);
    put(&m, 0x01000007, 4); /* x86-64 */
    put(&m, 3, 4);
    put(&m, 1, 4); /* MH_OBJECT */
    put(&m, 3, 4);
    put(&m, COMMANDS, 4);
    put(&m, 0x2000, 4); /* MH_SUBSECTIONS_VIA_SYMBOLS */
    put(&m, 0, 4);

    put(&m, 0x19, 4); /* LC_SEGMENT_64, without a name */
    put(&m, 72 + 80 * MACHO_OBJ_SECTIONS, 4);
    m.size += 16;
    put(&m, 0, 8);
    put(&m, 0x100, 8);
    put(&m, CONTENTS, 8);
    put(&m, RELOCS - CONTENTS, 8);
    put(&m, 7, 4);
    put(&m, 7, 4);
    put(&m, MACHO_OBJ_SECTIONS, 4);
    put(&m, 0, 4);
    put_section(&m, "__TEXT", "__text", 0, 16, TEXT, 4, RELOCS, 2, 0x80000400);
    put_section(&m, "__DATA", "__data", 0x10, 24, DATA, 3, RELOCS + 16, 4, 0);
    put_section(&m, "__DATA", "__thread_vars", 0x28, 24, VARS, 3, RELOCS + 48, 2, 0x13);
    put_section(&m, "__DATA", "__thread_data", 0x40, 4, TDATA, 2, 0, 0, 0x11);
    put_section(&m, "__DATA", "__bss", 0x80, 32, 0, 4, 0, 0, 0x1);
    put_section(&m, "__LD", "__compact_unwind", 0x48, 32, UNWIND, 3, RELOCS + 64, 1, 0x02000000);
    put(&m, 0x32, 4); /* LC_BUILD_VERSION: macOS 13.0, SDK 14.0 */
    put(&m, 24, 4);
    put(&m, 1, 4);
    put(&m, 13 << 16, 4);
    put(&m, 14 << 16, 4);
    put(&m, 0, 4);
    put(&m, 2, 4); /* LC_SYMTAB */
    put(&m, 24, 4);
    put(&m, SYMBOLS, 4);
    put(&m, MACHO_OBJ_SYMBOLS, 4);
    put(&m, STRINGS, 4);
    put(&m, sizeof strings, 4);

    memcpy(out + TEXT, code, sizeof code);
    out[DATA + 8] = 8;  /* _g + 8 */
    out[DATA + 16] = 3; /* _x - _f + 3 */
    out[TDATA] = 42;
    out[UNWIND + 8] = 16; /* length */
    out[UNWIND + 15] = 1; /* a frame of %rbp */

    m.size = RELOCS;
    put_reloc(&m, 8, MACHO_OBJ_X, true, 3, 2, true);   /* GOT_LOAD */
    put_reloc(&m, 1, MACHO_OBJ_G, true, 2, 2, true);   /* BRANCH */
    put_reloc(&m, 16, MACHO_OBJ_F, true, 5, 3, false); /* SUBTRACTOR */
    put_reloc(&m, 16, MACHO_OBJ_X, true, 0, 3, false); /* UNSIGNED */
    put_reloc(&m, 8, MACHO_OBJ_G, true, 0, 3, false);
    put_reloc(&m, 0, MACHO_OBJ_TEXT, false, 0, 3, false); /* by section */
    put_reloc(&m, 16, MACHO_OBJ_INIT, true, 0, 3, false);
    put_reloc(&m, 0, MACHO_OBJ_BOOTSTRAP, true, 0, 3, false);
    put_reloc(&m, 0, MACHO_OBJ_TEXT, false, 0, 3, false);

    m.size = SYMBOLS;
    put_symbol(&m, 1, 0x0e, MACHO_OBJ_TDATA, 0, 0x40);
    put_symbol(&m, 13, 0x0f, MACHO_OBJ_TEXT, 0, 0);
    put_symbol(&m, 16, 0x0f, MACHO_OBJ_VARS, 0, 0x28);
    put_symbol(&m, 19, 0x0f, MACHO_OBJ_BSS, 0, 0x88);
    put_symbol(&m, 22, 0x01, 0, 3 << 8, 24);
    put_symbol(&m, 25, 0x01, 0, 0, 0);
    put_symbol(&m, 28, 0x01, 0, 0, 0);
    memcpy(out + STRINGS, strings, sizeof strings);
    return STRINGS + sizeof strings;
}
