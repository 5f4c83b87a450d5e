/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coff_object.c - make the object that coff_object.h describes. */

#include "tests/support/coff_object.h"

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
    memcpy(m->at + m->size, name, strlen(name) < 8 ? strlen(name) : 8);
    m->size += 8;
}

enum { HEADERS = 20 + 40 * COFF_OBJ_SECTIONS };

static void put_section(struct maker *m, const char *name, uint32_t size, uint32_t offset,
                        uint32_t relocs, unsigned count, uint32_t flags)
{
    put_name(m, name);
    put(m, 0, 8);
    put(m, size, 4);
    put(m, offset, 4);
    put(m, relocs, 4);
    put(m, 0, 4);
    put(m, count, 2);
    put(m, 0, 2);
    put(m, flags, 4);
}

static void put_reloc(struct maker *m, uint32_t offset, uint32_t symbol, unsigned type)
{
    put(m, offset, 4);
    put(m, symbol, 4);
    put(m, type, 2);
}

static void put_symbol(struct maker *m, const char *name, uint32_t value, int section,
                       unsigned type, unsigned class, unsigned aux)
{
    put_name(m, name);
    put(m, value, 4);
    put(m, (uint16_t)section, 2);
    put(m, type, 2);
    put(m, class, 1);
    put(m, aux, 1);
}

static void put_definition(struct maker *m, uint32_t size, unsigned relocs, unsigned associate,
                           unsigned selection)
{
    put(m, size, 4);
    put(m, relocs, 2);
    put(m, 0, 2);
    put(m, 0, 4);
    put(m, associate, 2);
    put(m, selection, 1);
    put(m, 0, 3);
}

/* The rows of the symbol table that relocations name. */
enum { ROW_F = 1, ROW_G = 2, ROW_X = 4, ROW_ONCE = 7, ROW_XDATA = 10, ROW_RSRC = 18 };

/* A directory of resources with one entry: KEY leads to TO. */
static void put_directory(struct maker *m, bool named, uint32_t key, uint32_t to)
{
    put(m, 0, 12);
    put(m, named, 2);
    put(m, !named, 2);
    put(m, key, 4);
    put(m, to, 4);
}

/* Offsets in .rsrc. */
enum { RSRC_LEAF = 0x48, RSRC_TEXT = 0x58, RSRC_DATA = 0x60, RSRC_SIZE = 0x64 };

static void put_resource(struct maker *m)
{
    put_directory(m, false, 10, 0x80000018);
    put_directory(m, true, 0x80000000 | RSRC_TEXT, 0x80000030);
    put_directory(m, false, 1033, RSRC_LEAF);
    put(m, RSRC_DATA, 4); /* relocated */
    put(m, 4, 4);
    put(m, 0, 8);
    put(m, 2, 2);
    put(m, 'H' | 'I' << 16, 4);
    put(m, 0, 2);
    memcpy(m->at + m->size, "data", 4);
    m->size += 4;
}

uint64_t make_coff_object(uint8_t *out)
{
    static const uint8_t text[] = {0xe8, 0, 0, 0, 0, 0x8b, 0x05, 0, 0, 0, 0, 0xc3};
    static const char directive[] = " -export:f ", strings[] = ".xdata$once";
    enum {
        AT_TEXT = HEADERS,
        AT_DATA = AT_TEXT + sizeof text,
        AT_ONCE = AT_DATA + 8,
        AT_PDATA = AT_ONCE + 4,
        AT_XDATA = AT_PDATA + 12,
        AT_DRECTVE = AT_XDATA + 4,
        AT_RSRC = AT_DRECTVE + sizeof directive - 1,
        AT_RELOCS = AT_RSRC + RSRC_SIZE,
        AT_SYMBOLS = AT_RELOCS + 10 * 7,
    };
    struct maker m = {.at = out};

    memset(out, 0, COFF_OBJ_SIZE);
    put(&m, 0x8664, 2);
    put(&m, COFF_OBJ_SECTIONS, 2);
    put(&m, 0, 4);
    put(&m, AT_SYMBOLS, 4);
    put(&m, 20, 4);
    put(&m, 0, 2);
    put(&m, 0, 2);
    put_section(&m, ".text", sizeof text, AT_TEXT, AT_RELOCS, 2, 0x60500020);
    put_section(&m, ".data", 8, AT_DATA, AT_RELOCS + 20, 1, 0xc0400040);
    put_section(&m, ".bss", 32, 0, 0, 0, 0xc0500080);
    put_section(&m, ".text$o", 4, AT_ONCE, 0, 0, 0x60501020);
    put_section(&m, ".pdata$o", 12, AT_PDATA, AT_RELOCS + 30, 3, 0x40301040);
    put_section(&m, "/4", 4, AT_XDATA, 0, 0, 0x40301040);
    put_section(&m, ".drectve", sizeof directive - 1, AT_DRECTVE, 0, 0, 0x00100a00);
    put_section(&m, ".rsrc", RSRC_SIZE, AT_RSRC, AT_RELOCS + 60, 1, 0x40300040);
    memcpy(out + m.size, text, sizeof text);
    m.size += sizeof text;
    put(&m, 2, 8);
    put(&m, 0xc3c3c3c3, 4);
    put(&m, 0, 4); /* .pdata: begin, end, unwind */
    put(&m, 4, 4);
    put(&m, 0, 4);
    put(&m, 1, 4); /* .xdata: version 1, nothing to undo */
    memcpy(out + m.size, directive, sizeof directive - 1);
    m.size += sizeof directive - 1;
    put_resource(&m);
    put_reloc(&m, 1, ROW_G, 4);
    put_reloc(&m, 7, ROW_X, 4);
    put_reloc(&m, 0, ROW_F, 1);
    put_reloc(&m, 0, ROW_ONCE, 3);
    put_reloc(&m, 4, ROW_ONCE, 3);
    put_reloc(&m, 8, ROW_XDATA, 3);
    put_reloc(&m, RSRC_LEAF, ROW_RSRC, 3);
    put_symbol(&m, "@feat.00", 0, -1, 0, 3, 0);
    put_symbol(&m, "f", 0, COFF_OBJ_TEXT, 0x20, 2, 0);
    put_symbol(&m, "g", 0, 0, 0x20, 105, 1); /* weak: f stands in */
    put(&m, ROW_F, 4); /* its auxiliary row is row 3 */
    put(&m, 3, 4);
    put(&m, 0, 10);
    put_symbol(&m, "x", 8, 0, 0, 2, 0);
    put_symbol(&m, ".text$o", 0, COFF_OBJ_INLINE, 0, 3, 1);
    put_definition(&m, 4, 0, 0, 2);
    put_symbol(&m, "once", 0, COFF_OBJ_INLINE, 0x20, 2, 0);
    put_symbol(&m, ".pdata$o", 0, COFF_OBJ_PDATA, 0, 3, 1);
    put_definition(&m, 12, 3, 0, 2);
    put_symbol(&m, ".xdata", 0, COFF_OBJ_XDATA, 0, 3, 1);
    put_definition(&m, 4, 0, COFF_OBJ_INLINE, 5);
    put_symbol(&m, ".file", 0, -2, 0, 103, 1);
    memcpy(out + m.size, "a.c", 3);
    m.size += 18;
    put_symbol(&m, "local", 4, COFF_OBJ_DATA, 0, 3, 0);
    put_symbol(&m, "here", 2, COFF_OBJ_TEXT, 0, 6, 0);
    put_symbol(&m, "number", 77, -1, 0, 2, 0);
    put_symbol(&m, "absent", 0, 0, 0, 2, 0);
    put_symbol(&m, ".rsrc", 0, COFF_OBJ_RSRC, 0, 3, 1);
    put_definition(&m, RSRC_SIZE, 1, 0, 0);
    put(&m, 4 + sizeof strings, 4);
    memcpy(out + m.size, strings, sizeof strings);
    return m.size + sizeof strings;
}
