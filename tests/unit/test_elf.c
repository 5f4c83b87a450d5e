/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_elf.c - the ELF reader: sound files of either width and byte order,
 * every message about a broken one, files cut short, and no memory. */

#include <check.h>
#include <stdlib.h>

#include "elf/file.h"
#include "obj/object.h"
#include "tests/support/elf_object.h"

enum { LARGEST = (int)OBJ_SIZE > (int)LIB_SIZE ? (int)OBJ_SIZE : (int)LIB_SIZE };

/* ---- sound files ---- */

/* Each test runs for the four forms: bit 0 is the width, bit 1 the order. */
#define WIDE (_i & 1)
#define BIG (_i & 2)

static bool read_bytes(struct diag *d, struct arena *a, const uint8_t *bytes, uint64_t size,
                       struct object *o)
{
    return format_elf.read(d, a, "it", (struct span){bytes, size}, o);
}

START_TEST(reads_an_object)
{
    uint8_t bytes[LARGEST];
    uint64_t size = make_elf_object(bytes, WIDE, BIG);
    struct diag d = {0};
    struct arena a = {0};
    struct reloc r[RELOC_BATCH];
    unsigned got = 0;
    struct object o;

    ck_assert_msg(read_bytes(&d, &a, bytes, size, &o), "%s", d.text);
    ck_assert_str_eq(o.name, "it");
    ck_assert(o.kind == OBJ_RELOCATABLE && o.wide == WIDE && o.big == !!BIG);
    ck_assert_uint_eq(o.section_count, OBJ_SECTIONS);
    ck_assert_str_eq(o.sections[OBJ_TEXT].name, ".text");
    ck_assert_uint_eq(o.sections[OBJ_TEXT].flags, SEC_ALLOC | SEC_EXEC);
    ck_assert_uint_eq(o.sections[OBJ_TEXT].align_log2, 4);
    ck_assert_ptr_eq(o.sections[OBJ_TEXT].data.at, bytes + 0x100);
    ck_assert_uint_eq(o.sections[OBJ_TEXT].data.size, 0x10);
    ck_assert_uint_eq(o.sections[OBJ_DEBUG].size, 0x20);
    ck_assert_uint_eq(o.sections[OBJ_DEBUG].data.size, 0x10);
    ck_assert_uint_eq(o.sections[OBJ_DEBUG].compression, COMPRESSION_ZLIB);
    ck_assert_uint_eq(o.sections[OBJ_ORDER].link, OBJ_TEXT);
    ck_assert_uint_eq(o.sections[OBJ_TEXT_F].group, 1);
    ck_assert_uint_eq(o.group_count, 2);
    ck_assert_str_eq(o.groups[1].name, "f");
    ck_assert(o.groups[1].comdat);
    ck_assert_uint_eq(o.symbol_count, 5);
    ck_assert_uint_eq(o.first_global, 2);
    ck_assert_str_eq(o.symbols[2].name, "f");
    ck_assert_uint_eq(o.symbols[2].section, OBJ_TEXT_F);
    ck_assert_uint_eq(o.symbols[2].kind, KIND_FUNC);
    ck_assert_uint_eq(o.symbols[3].section, SECTION_UNDEF);
    ck_assert_uint_eq(o.symbols[4].section, SECTION_COMMON);
    ck_assert_uint_eq(o.symbols[4].value, 8);
    ck_assert_uint_eq(o.symbols[4].size, 16);
    ck_assert_uint_eq(o.sections[OBJ_TEXT].reloc_count, 2);
    ck_assert(format_elf.relocs(&d, &o, OBJ_TEXT, 0, r, RELOC_BATCH, &got));
    ck_assert_uint_eq(got, 2);
    ck_assert_uint_eq(r[0].offset, 1);
    ck_assert_uint_eq(r[0].symbol, 3);
    ck_assert_uint_eq(r[0].number, 4);
    ck_assert_int_eq(r[0].addend, -4);
    ck_assert(!WIDE || !strcmp(r[0].type->name, "R_X86_64_PLT32"));
    ck_assert(format_elf.relocs(&d, &o, OBJ_TEXT, 1, r, 1, &got));
    ck_assert_uint_eq(got, 1);
    ck_assert_uint_eq(r[0].symbol, 2);
    arena_free(&a);
}
END_TEST

START_TEST(reads_a_library)
{
    uint8_t bytes[LARGEST];
    uint64_t size = make_elf_library(bytes, WIDE, BIG);
    struct diag d = {0};
    struct arena a = {0};
    struct object o;

    ck_assert_msg(read_bytes(&d, &a, bytes, size, &o), "%s", d.text);
    ck_assert(o.kind == OBJ_SHARED);
    ck_assert_str_eq(o.soname, "lib.so");
    ck_assert_uint_eq(o.needed_count, 1);
    ck_assert_str_eq(o.needed[0], "dep.so");
    ck_assert_uint_eq(o.symbol_count, 2);
    ck_assert_str_eq(o.symbols[1].name, "f");
    ck_assert_uint_eq(o.symbols[1].version, 2);
    ck_assert(!o.symbols[1].hidden_version);
    ck_assert_uint_ge(o.version_count, 4);
    ck_assert_str_eq(o.versions[2], "V1");
    ck_assert_str_eq(o.versions[3], "V1");
    ck_assert_ptr_null(o.versions[1]);
    arena_free(&a);
}
END_TEST

/* ---- broken files ---- */

/* Where a number is written over another: in the ELF header, in the header
   of section INDEX, in symbol or relocation INDEX, or anywhere. */
enum part { END, EHDR, SHDR, SYM, RELA, BYTES, SIZE /* of the file */ };

struct number_at {
    unsigned at, bytes;
};
#define E_CLASS {4, 1}
#define E_VERSION {6, 1}
#define E_TYPE {16, 2}
#define E_PHOFF {32, 8}
#define E_SHOFF {40, 8}
#define E_PHENTSIZE {54, 2}
#define E_PHNUM {56, 2}
#define E_SHENTSIZE {58, 2}
#define E_SHNUM {60, 2}
#define E_SHSTRNDX {62, 2}
#define SH_NAME {0, 4}
#define SH_TYPE {4, 4}
#define SH_FLAGS {8, 8}
#define SH_OFFSET {24, 8}
#define SH_SIZE {32, 8}
#define SH_LINK {40, 4}
#define SH_INFO {44, 4}
#define SH_ALIGN {48, 8}
#define ST_NAME {0, 4}
#define ST_INFO {4, 1}
#define ST_SHNDX {6, 2}
#define ST_VALUE {8, 8}
#define R_OFFSET {0, 8}
#define R_SYMBOL {12, 4}
#define BYTE(at) {at, 1}
#define HALF(at) {at, 2}
#define WORD(at) {at, 4}

struct broken {
    bool library;
    struct change {
        enum part part;
        unsigned index;
        struct number_at field;
        uint64_t value;
    } changes[5];
    const char *text;
};

static const struct broken files[] = {
    /* file.c */
    {false, {{EHDR, 0, BYTE(1), 'F'}}, "not an ELF file"},
    {false,
     {{EHDR, 0, E_CLASS, 3}},
     "class 3, byte order 1: allowed are 1 (32-bit) and 2 (64-bit), 1 (little) and 2 (big)"},
    {false, {{EHDR, 0, E_VERSION, 2}}, "ELF version 2, not 1"},
    {false, {{SIZE, 0, {0, 0}, 15}}, "not an ELF file"},
    {false,
     {{SIZE, 0, {0, 0}, 63}},
     "ELF header ends past the end of the file (0x3f bytes)"},
    {false, {{EHDR, 0, E_SHOFF, 0}}, "11 section headers, at no offset"},
    {false, {{EHDR, 0, E_SHENTSIZE, 40}}, "e_shentsize is 40, not 64"},
    {false,
     {{EHDR, 0, E_SHOFF, 0xdc1}},
     "section headers at 0xdc1, past the end of the file (0xdc0 bytes)"},
    {false, {{EHDR, 0, E_SHOFF, 0xdb0}}, "header ends past the end of the file"},
    {false,
     {{EHDR, 0, E_SHNUM, 12}},
     "12 section headers at 0xb00 are not inside the file (0xdc0 bytes)"},
    {false,
     {{EHDR, 0, E_SHNUM, 0}, {SHDR, 0, SH_SIZE, UINT64_MAX}},
     "18446744073709551615 section headers at 0xb00 are not inside the file (0xdc0 bytes)"},
    {false,
     {{SHDR, OBJ_TEXT, SH_OFFSET, UINT64_MAX}},
     "section 1: contents (0x10 bytes at 0xffffffffffffffff) are not inside the file "
     "(0xdc0 bytes)"},
    {false,
     {{SHDR, OBJ_TEXT, SH_ALIGN, 3}},
     "section 1: alignment 0x3 is not a power of two"},
    {false,
     {{EHDR, 0, E_SHSTRNDX, OBJ_TEXT}},
     "e_shstrndx 1 is not a string table (11 sections)"},
    {false, {{EHDR, 0, E_SHSTRNDX, 11}}, "e_shstrndx 11 is not a string table (11 sections)"},
    {false,
     {{EHDR, 0, E_SHSTRNDX, 0xffff}, {SHDR, 0, SH_LINK, 99}},
     "e_shstrndx 99 is not a string table (11 sections)"},
    {false,
     {{SHDR, OBJ_TEXT, SH_NAME, 26}},
     "section 1: name at 0x1a does not end inside the name table (0x1a bytes)"},
    {false,
     {{SHDR, OBJ_SHSTRTAB, SH_SIZE, 25}, {SHDR, OBJ_TEXT, SH_NAME, 16}},
     "section 1: name at 0x10 does not end inside the name table (0x19 bytes)"},
    {false,
     {{EHDR, 0, E_PHNUM, 1}, {EHDR, 0, E_PHENTSIZE, 32}},
     "e_phentsize is 32, not 56"},
    {false,
     {{EHDR, 0, E_PHNUM, 1}, {EHDR, 0, E_PHOFF, 0xd89}},
     "1 program headers at 0xd89 are not inside the file (0xdc0 bytes)"},
    {false,
     {{EHDR, 0, E_PHNUM, 0xffff}, {SHDR, 0, SH_INFO, 0x10000}, {EHDR, 0, E_PHOFF, 0x40}},
     "65536 program headers at 0x40 are not inside the file (0xdc0 bytes)"},
    {false,
     {{EHDR, 0, E_PHNUM, 1},
      {EHDR, 0, E_PHOFF, 0x40},
      {BYTES, 0, WORD(0x40), 1},
      {BYTES, 0, WORD(0x48), 0xdbf},
      {BYTES, 0, WORD(0x60), 2}},
     "segment 0: contents (0x2 bytes at 0xdbf) are not inside the file (0xdc0 bytes)"},

    /* read.c, any file */
    {false, {{EHDR, 0, E_TYPE, 5}}, "e_type 0x5 is no object, program, library or core"},
    {false,
     {{SHDR, OBJ_DEBUG, SH_SIZE, 23}},
     "section 5: the compression header of .debug_x is damaged"},
    {false,
     {{BYTES, 0, BYTE(0x510), 3}},
     "section 5: the compression header of .debug_x is damaged"},
    {false,
     {{BYTES, 0, WORD(0x508), 0x100000}},
     "section 5: .debug_x: 0x100000 bytes from 0x28 compressed ones"},
    {false, {{BYTES, 0, WORD(0x500), 3}}, "section 5: .debug_x: compression 3"},
    {false,
     {{SHDR, OBJ_DEBUG, SH_NAME, 16},
      {SHDR, OBJ_DEBUG, SH_FLAGS, 0},
      {BYTES, 0, WORD(0x500), 0x42494c5a}, /* "ZLIB" */
      {BYTES, 0, WORD(0x504), 0},
      {BYTES, 0, WORD(0x508), 0x1000}},
     "section 5: .zdebug_x: 0x100000 bytes from 0x28 compressed ones"},
    {false, {{SHDR, OBJ_ORDER, SH_LINK, 11}}, "section 6: sh_link 11 of 11 sections"},
    {false,
     {{SHDR, OBJ_TEXT, SH_SIZE, 0x500}, {SHDR, OBJ_TEXT_F, SH_SIZE, 0x9c0}},
     "sections overlap: the first 4 have 0xef8 bytes, the file has 0xdc0"},

    /* read.c, objects */
    {false, {{SHDR, OBJ_RELA, SH_INFO, 0}}, "section 2: relocates section 0 of 11"},
    {false, {{SHDR, OBJ_RELA, SH_INFO, 11}}, "section 2: relocates section 11 of 11"},
    {false,
     {{SHDR, OBJ_RELA, SH_SIZE, 0x31}},
     "section 2: 0x31 bytes are not a whole number of 24-byte relocations"},
    {false,
     {{SHDR, OBJ_ORDER, SH_TYPE, 4},
      {SHDR, OBJ_ORDER, SH_FLAGS, 0},
      {SHDR, OBJ_ORDER, SH_INFO, OBJ_TEXT},
      {SHDR, OBJ_ORDER, SH_SIZE, 24}},
     "section 6: section 1 is relocated twice"},
    {false,
     {{SHDR, OBJ_RELA, SH_TYPE, 9}, {SHDR, OBJ_RELA, SH_INFO, OBJ_DEBUG}},
     "section 2: addends inside compressed section .debug_x"},
    {false,
     {{SHDR, OBJ_TEXT, SH_TYPE, 2}},
     "sections 1 and 8 are both symbol tables"},
    {false, {{SHDR, OBJ_SYMTAB, SH_LINK, 11}}, "section 8: sh_link 11 is not a string table"},
    {false,
     {{SHDR, OBJ_SYMTAB, SH_LINK, OBJ_TEXT}},
     "section 8: sh_link 1 is not a string table"},
    {false,
     {{SHDR, OBJ_SYMTAB, SH_SIZE, 121}},
     "section 8: 0x79 bytes are not a whole number of 24-byte symbols"},
    {false, {{SHDR, OBJ_SYMTAB, SH_INFO, 0}}, "section 8: first global symbol 0 of 5"},
    {false, {{SHDR, OBJ_SYMTAB, SH_INFO, 6}}, "section 8: first global symbol 6 of 5"},
    {false,
     {{SYM, 2, ST_NAME, 7}},
     "section 8: symbol 2: name at 0x7 does not end inside the string table (0x7 bytes)"},
    {false, {{SYM, 2, ST_INFO, 0x30}}, "section 8: symbol 2: `f' has binding 3"},
    {false,
     {{SYM, 1, ST_INFO, 0x13}},
     "section 8: symbol 1: `' is global, but the first global symbol is said to be 2"},
    {false,
     {{SYM, 2, ST_INFO, 0x02}},
     "section 8: symbol 2: `f' is local, but the first global symbol is said to be 2"},
    {false, {{SYM, 1, ST_SHNDX, 11}}, "section 8: symbol 1: section 11 of 11"},
    {false,
     {{SYM, 2, ST_SHNDX, 0xffff}, {BYTES, 0, WORD(0x708), 0x10000}},
     "section 8: symbol 2: section 65536 of 11"},
    {false,
     {{SYM, 1, ST_SHNDX, 0xffff}, {SHDR, OBJ_SHNDX, SH_SIZE, 4}},
     "section 8: symbol 1: st_shndx is SHN_XINDEX, but there is no such entry"},
    {false,
     {{SYM, 4, ST_VALUE, 3}},
     "section 8: symbol 4: common symbol `c' has alignment 0x3, not a power of two"},
    {false,
     {{SYM, 4, ST_VALUE, 0}},
     "section 8: symbol 4: common symbol `c' has alignment 0x0, not a power of two"},
    {false, {{SHDR, OBJ_GROUP, SH_SIZE, 6}}, "section 3: a group of 0x6 bytes"},
    {false, {{SHDR, OBJ_GROUP, SH_SIZE, 0}}, "section 3: a group of 0x0 bytes"},
    {false, {{SHDR, OBJ_GROUP, SH_INFO, 5}}, "section 3: signature is symbol 5 of 5"},
    {false, {{SHDR, OBJ_GROUP, SH_INFO, 0}}, "section 3: signature is symbol 0 of 5"},
    {false, {{BYTES, 0, WORD(0x304), 11}}, "section 3: member is section 11 of 11"},
    {false, {{BYTES, 0, WORD(0x304), 0}}, "section 3: member is section 0 of 11"},
    {false,
     {{SHDR, OBJ_ORDER, SH_TYPE, 17},
      {SHDR, OBJ_ORDER, SH_FLAGS, 0},
      {SHDR, OBJ_ORDER, SH_INFO, 2},
      {BYTES, 0, WORD(0x604), OBJ_TEXT_F}},
     "section 6: section 4 is in two groups"},
    {false, {{RELA, 0, R_SYMBOL, 5}}, "section 1: relocation 0: symbol 5 of 5"},
    {false,
     {{RELA, 1, R_OFFSET, 9}},
     "section 1: relocation 1: 8 bytes at 0x9 are not inside section .text (0x10 bytes)"},
    {false,
     {{RELA, 1, R_OFFSET, UINT64_MAX - 7}},
     "section 1: relocation 1: 8 bytes at 0xfffffffffffffff8 are not inside section .text "
     "(0x10 bytes)"},
    {false,
     {{SHDR, OBJ_TEXT, SH_TYPE, 8}},
     "section 1: relocation 0: 4 bytes at 0x1 are not inside section .text (0x10 bytes)"},

    /* read.c, shared libraries */
    {true, {{BYTES, 0, HALF(0x606), 0}}, "version definition 0 is damaged"},
    {true, {{BYTES, 0, WORD(0x60c), 25}}, "version definition 0 is damaged"},
    {true, {{BYTES, 0, WORD(0x614), 20}}, "version definition 0 is damaged"},
    {true,
     {{SHDR, LIB_VERDEF, SH_INFO, 2}, {BYTES, 0, WORD(0x610), 28}},
     "version definition 1 is damaged"},
    {true, {{SHDR, LIB_VERNEED, SH_SIZE, 31}}, "version need 0 is damaged"},
    {true, {{BYTES, 0, WORD(0x708), 17}}, "version need 0 is damaged"},
    {true,
     {{SHDR, LIB_VERSYM, SH_SIZE, 2}},
     "0x2 bytes of versions for 2 dynamic symbols"},
    {true,
     {{BYTES, 0, WORD(0x408), 20}},
     "DT_SONAME at 0x14 does not end inside the dynamic string table"},
    {true,
     {{SHDR, LIB_DYNSTR, SH_SIZE, 19}},
     "DT_NEEDED at 0xd does not end inside the dynamic string table"},
};

static void change(uint8_t *bytes, uint64_t *size, const struct change *c, bool library)
{
    uint64_t at = c->field.at;

    if (c->part == SIZE)
        *size = c->value;
    else if (c->part == SHDR)
        at += (uint64_t)(library ? LIB_SECTIONS : OBJ_SECTIONS) * 0x100 + c->index * 64;
    else if (c->part == SYM)
        at += OBJ_SYMTAB * 0x100 + c->index * 24;
    else if (c->part == RELA)
        at += OBJ_RELA * 0x100 + c->index * 24;
    store_uint(bytes + at, c->field.bytes, false, c->value);
}

/* All relocations of O, until one is refused. */
static bool decode(struct diag *d, const struct object *o)
{
    struct reloc r[RELOC_BATCH];
    unsigned got = 0;

    for (uint32_t i = 1; i < o->section_count; i++)
        for (uint64_t first = 0; first < o->sections[i].reloc_count; first += got)
            if (!o->format->relocs(d, o, i, first, r, RELOC_BATCH, &got))
                return false;
    return true;
}

START_TEST(says_what_is_wrong)
{
    const struct broken *b = &files[_i];
    uint8_t bytes[LARGEST];
    uint64_t size =
        b->library ? make_elf_library(bytes, true, false) : make_elf_object(bytes, true, false);
    struct diag d = {0};
    struct arena a = {0};
    struct object o;

    for (const struct change *c = b->changes; c < b->changes + 5 && c->part; c++)
        change(bytes, &size, c, b->library);
    if (read_bytes(&d, &a, bytes, size, &o))
        ck_assert_msg(!decode(&d, &o), "is accepted, not refused with: %s", b->text);
    ck_assert_str_eq(d.text, b->text);
    ck_assert_ptr_null(d.where);
    arena_free(&a);
}
END_TEST

/* Names of 65534 bytes each, all of them the same bytes: 4096 symbols, or 64
   sections. */
enum { LONG_NAME = 65534, STRINGS = LONG_NAME + 2, SYMBOLS = 4096, HEADERS = 64 };

static void put_strings(uint8_t *at)
{
    memset(at, 'a', STRINGS);
    at[0] = at[STRINGS - 1] = 0;
}

START_TEST(refuses_shared_symbol_names)
{
    uint64_t size = OBJ_SIZE + SYMBOLS * 24 + STRINGS, headers = OBJ_SECTIONS * 0x100;
    uint8_t *bytes = calloc(1, size);
    struct diag d = {0};
    struct arena a = {0};
    struct object o;

    ck_assert_ptr_nonnull(bytes);
    make_elf_object(bytes, true, false);
    store_uint(bytes + headers + OBJ_SYMTAB * 64 + 24, 8, false, OBJ_SIZE);
    store_uint(bytes + headers + OBJ_SYMTAB * 64 + 32, 8, false, SYMBOLS * 24);
    store_uint(bytes + headers + OBJ_SYMTAB * 64 + 44, 4, false, 1);
    store_uint(bytes + headers + OBJ_STRTAB * 64 + 24, 8, false, OBJ_SIZE + SYMBOLS * 24);
    store_uint(bytes + headers + OBJ_STRTAB * 64 + 32, 8, false, STRINGS);
    put_strings(bytes + OBJ_SIZE + SYMBOLS * 24);
    for (unsigned i = 1; i < SYMBOLS; i++) {
        store_uint(bytes + OBJ_SIZE + i * 24, 4, false, 1);
        bytes[OBJ_SIZE + i * 24 + 4] = STB_GLOBAL << 4;
    }
    /* The file has 167360 bytes; 41 * 65534 is more than 16 times that. */
    ck_assert(!read_bytes(&d, &a, bytes, size, &o));
    ck_assert_str_eq(d.text, "section 8: symbol 41: the names so far have more than 16 times the "
                             "file's bytes");
    arena_free(&a);
    free(bytes);
}
END_TEST

START_TEST(refuses_shared_section_names)
{
    uint64_t size = 64 + HEADERS * 64 + STRINGS;
    uint8_t *bytes = calloc(1, size);
    struct diag d = {0};
    struct arena a = {0};
    struct object o;

    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, "\177ELF\2\1\1", 7);
    store_uint(bytes + 16, 2, false, ET_REL);
    store_uint(bytes + 18, 2, false, EM_X86_64);
    store_uint(bytes + 40, 8, false, 64);
    store_uint(bytes + 58, 2, false, 64);
    store_uint(bytes + 60, 2, false, HEADERS);
    store_uint(bytes + 62, 2, false, 1);
    for (unsigned i = 1; i < HEADERS; i++)
        store_uint(bytes + 64 + i * 64, 4, false, 1);
    store_uint(bytes + 128 + 4, 4, false, SHT_STRTAB);
    store_uint(bytes + 128 + 24, 8, false, 64 + HEADERS * 64);
    store_uint(bytes + 128 + 32, 8, false, STRINGS);
    put_strings(bytes + 64 + HEADERS * 64);
    ck_assert(!read_bytes(&d, &a, bytes, size, &o));
    ck_assert_str_eq(d.text, "section names have more than 16 times the file's bytes");
    arena_free(&a);
    free(bytes);
}
END_TEST

/* ---- any damage ---- */

/* Whatever is there, the answer is yes or no, and no comes with a reason. */
static void try_bytes(const uint8_t *bytes, uint64_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    struct diag d = {0};
    struct arena a = {0};
    struct object o;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    if (read_bytes(&d, &a, copy, size, &o))
        decode(&d, &o);
    else
        ck_assert(d.status != OK && d.text[0]);
    arena_free(&a);
    free(copy);
}

START_TEST(survives_cuts)
{
    uint8_t bytes[LARGEST];
    uint64_t size = make_elf_object(bytes, WIDE, BIG);

    for (uint64_t n = 0; n < size; n++)
        try_bytes(bytes, n);
    size = make_elf_library(bytes, WIDE, BIG);
    for (uint64_t n = 0; n < size; n++)
        try_bytes(bytes, n);
}
END_TEST

START_TEST(survives_flips)
{
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    uint8_t bytes[2][LARGEST];
    uint64_t sizes[2] = {make_elf_object(bytes[0], WIDE, BIG),
                         make_elf_library(bytes[1], WIDE, BIG)};

    for (int which = 0; which < 2; which++)
        for (uint64_t at = 0; at < sizes[which]; at++)
            for (size_t f = 0; f < sizeof flips; f++) {
                bytes[which][at] ^= flips[f];
                try_bytes(bytes[which], sizes[which]);
                bytes[which][at] ^= flips[f];
            }
}
END_TEST

/* The first N allocations succeed, then there is no memory. */
START_TEST(survives_want_of_memory)
{
    uint8_t bytes[LARGEST];
    uint64_t size = _i ? make_elf_library(bytes, true, false) : make_elf_object(bytes, true, false);
    uint64_t failures = 0;

    for (uint64_t n = 1;; n++) {
        struct arena a = {.fail_after = n};
        struct diag d = {0};
        struct object o;
        bool ok = read_bytes(&d, &a, bytes, size, &o);

        arena_free(&a);
        if (ok)
            break;
        ck_assert_int_eq(d.status, E_NOMEM);
        ck_assert_str_eq(strstr(d.text, "out of memory"), "out of memory");
        ck_assert_ptr_null(o.sections);
        failures++;
    }
    ck_assert_uint_ge(failures, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("elf");
    TCase *sound = tcase_create("sound"), *broken = tcase_create("broken");
    SRunner *runner = srunner_create(suite);
    int failed = 0;

    tcase_add_loop_test(sound, reads_an_object, 0, 4);
    tcase_add_loop_test(sound, reads_a_library, 0, 4);
    suite_add_tcase(suite, sound);
    tcase_add_loop_test(broken, says_what_is_wrong, 0, sizeof files / sizeof *files);
    tcase_add_test(broken, refuses_shared_symbol_names);
    tcase_add_test(broken, refuses_shared_section_names);
    tcase_add_loop_test(broken, survives_cuts, 0, 4);
    tcase_add_loop_test(broken, survives_flips, 0, 4);
    tcase_add_loop_test(broken, survives_want_of_memory, 0, 2);
    tcase_set_timeout(broken, 60);
    suite_add_tcase(suite, broken);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
