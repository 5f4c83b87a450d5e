/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_image.c - a sysimage with one of everything (heap_image.h). */

#include "heap_image.h"

#include <assert.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "elf/elf.h"
#include "sysimage/format.h"

static const char names[] = "\0malloc\0environ\0start\0table\0image.so";
static const char strings[] = "\0objects\0constants\0code\0malloc\0environ\0start\0table\0"
                              "lua\0005.4\0abc123\0-O2\0made-by\0test";

static uint32_t find(const char *in, size_t size, const char *s)
{
    for (size_t at = 1; at < size; at += strlen(in + at) + 1)
        if (!strcmp(in + at, s))
            return (uint32_t)at;
    assert(!*s);
    return 0;
}

static uint32_t str(const char *s) { return find(strings, sizeof strings, s); }
static uint32_t name(const char *s) { return find(names, sizeof names, s); }

struct pen {
    uint8_t *at;
};

static void put(struct pen *p, unsigned size, uint64_t v)
{
    store_uint(p->at, size, false, v);
    p->at += size;
}

static void put_segment(struct pen *p, uint32_t type, uint32_t flags, uint64_t off, uint64_t filesz,
                        uint64_t memsz, uint64_t align)
{
    put(p, 4, type);
    put(p, 4, flags);
    put(p, 8, off);
    put(p, 8, off ? HIMG_BASE + off : 0);
    put(p, 8, off ? HIMG_BASE + off : 0);
    put(p, 8, filesz);
    put(p, 8, memsz);
    put(p, 8, align);
}

static void put_headers(uint8_t *out)
{
    struct pen p = {out};
    const uint64_t huge = 1 << 21;

    memcpy(out, "\177ELF\2\1\1", 7);
    p.at += 16;
    put(&p, 2, ET_DYN);
    put(&p, 2, 62);
    put(&p, 4, 1);
    put(&p, 8, 0);
    put(&p, 8, HIMG_PHDR);
    put(&p, 8, 0);
    put(&p, 4, 0);
    put(&p, 2, 64);
    put(&p, 2, 56);
    put(&p, 2, HSEG_COUNT);
    put(&p, 2, 64);
    put(&p, 2, 0);
    put(&p, 2, 0);

    p.at = out + HIMG_PHDR;
    put_segment(&p, PT_LOAD, PF_R, 0, 0x2000, 0x2000, huge);
    store_uint(out + HIMG_PH(HSEG_R, 16), 8, false, HIMG_BASE);
    store_uint(out + HIMG_PH(HSEG_R, 24), 8, false, HIMG_BASE);
    put_segment(&p, PT_LOAD, PF_R | PF_W, HIMG_RW, 0x200, 0x200, huge);
    put_segment(&p, PT_LOAD, PF_R | PF_W, HIMG_RO, 0x100, 0x100, huge);
    put_segment(&p, PT_LOAD, PF_R | PF_W, HIMG_ZERO, 0, 0x3000, huge);
    put_segment(&p, PT_LOAD, PF_R | PF_X, HIMG_CODE, 0x40, 0x40, huge);
    put_segment(&p, PT_LOAD, PF_R | PF_W, HIMG_GOT, 8, 8, huge);
    put_segment(&p, PT_LOAD, PF_R | PF_X, HIMG_PLT, 16, 16, huge);
    put_segment(&p, PT_LOAD, PF_R | PF_W, HIMG_DYNAMIC, 0x100, 0x100, huge);
    put_segment(&p, PT_DYNAMIC, PF_R | PF_W, HIMG_DYNAMIC, 0xb0, 0xb0, 8);
    put_segment(&p, PT_NOTE, PF_R, HIMG_NOTE, 48, 48, 4);
    put_segment(&p, PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 16);
    assert(p.at <= out + HIMG_NOTE);
}

static void put_symbol(struct pen *p, const char *s, unsigned info, unsigned section,
                       uint64_t value, uint64_t size)
{
    put(p, 4, name(s));
    put(p, 1, info);
    put(p, 1, 0);
    put(p, 2, section);
    put(p, 8, value);
    put(p, 8, size);
}

static void put_reloc(struct pen *p, uint64_t place, uint64_t symbol, int64_t addend)
{
    put(p, 8, HIMG_BASE + place);
    put(p, 8, symbol << 32 | 1); /* R_X86_64_64 */
    put(p, 8, (uint64_t)addend);
}

static void put_dynamic(uint8_t *out)
{
    const uint64_t entries[][2] = {{DT_SONAME, name("image.so")},
                                   {DT_HASH, HIMG_BASE + HIMG_HASH},
                                   {DT_STRTAB, HIMG_BASE + HIMG_DYNSTR},
                                   {DT_SYMTAB, HIMG_BASE + HIMG_DYNSYM},
                                   {DT_STRSZ, sizeof names},
                                   {DT_SYMENT, 24},
                                   {DT_RELA, HIMG_BASE + HIMG_RELA},
                                   {DT_RELASZ, 24 * HREL_COUNT},
                                   {DT_RELAENT, 24},
                                   {DT_FLAGS, DF_BIND_NOW},
                                   {DT_NULL, 0}};
    struct pen p = {out + HIMG_DYNSYM + 24};

    put_symbol(&p, "malloc", STB_GLOBAL << 4 | STT_FUNC, SHN_UNDEF, 0, 0);
    put_symbol(&p, "environ", STB_WEAK << 4 | STT_OBJECT, SHN_UNDEF, 0, 0);
    put_symbol(&p, "start", STB_GLOBAL << 4 | STT_FUNC, 1, HIMG_BASE + HIMG_CODE, 0x40);
    put_symbol(&p, "table", STB_GLOBAL << 4 | STT_OBJECT, 1, HIMG_BASE + HIMG_RW + 0x10, 0x20);
    memcpy(out + HIMG_DYNSTR, names, sizeof names);
    p.at = out + HIMG_HASH; /* one bucket with all */
    put(&p, 4, 1);
    put(&p, 4, HSYM_COUNT);
    put(&p, 4, 1);
    for (uint32_t i = 0; i < HSYM_COUNT; i++)
        put(&p, 4, i > 0 && i + 1 < HSYM_COUNT ? i + 1 : 0);
    p.at = out + HIMG_RELA;
    put_reloc(&p, HIMG_RW + 0x3c, HSYM_ENVIRON, 16);
    put_reloc(&p, HIMG_RO + 0x10, HSYM_ENVIRON, -8);
    put_reloc(&p, HIMG_GOT, HSYM_MALLOC, 0);
    p.at = out + HIMG_DYNAMIC;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        put(&p, 8, entries[i][0]);
        put(&p, 8, entries[i][1]);
    }
}

static void word(uint8_t *out, uint64_t at, uint64_t v) { store_uint(out + at, 8, false, v); }

static void put_heap(uint8_t *out)
{
    memset(out + HIMG_RW, 0xc3, 0x200);
    word(out, HIMG_RW + 0x10, HIMG_BASE + HIMG_RO + 0x40);
    word(out, HIMG_RW + 0x18, UINT64_C(0xffff) << 48 | (HIMG_BASE + HIMG_RO + 1)); /* two tags */
    word(out, HIMG_RW + 0x30, HIMG_BASE + HIMG_PLT); /* malloc, by its stub */
    word(out, HIMG_RW + 0x1f8, HIMG_BASE + HIMG_SPAN);
    word(out, HIMG_RW + 0x21, HIMG_BASE + HIMG_ZERO);
    word(out, HIMG_RO, HIMG_BASE + HIMG_RW);
    memset(out + HIMG_CODE, 0x90, 0x40);
    memcpy(out + HIMG_PLT, "\xff\x25\xfa\xff\xfe\xff", 6); /* jmp *-0x10006(%rip) */
    memset(out + HIMG_PLT + 6, 0xcc, 10);
    /* Bit N of byte M: the word 8 * (8 * M + N). */
    memcpy(out + HIMG_MAPS, "\x4c\0\0\0\0\0\0\x80", 8);
    word(out, HIMG_ODD, 0x21);
    out[HIMG_BITMAP_2] = 1;
}

static void put_row(struct pen *p, uint64_t addr, uint64_t size, uint32_t prot, uint32_t flags,
                    uint32_t kind, const char *s, uint64_t bitmap, uint64_t odd, uint64_t slots)
{
    put(p, 8, addr);
    put(p, 8, size);
    put(p, 4, prot);
    put(p, 4, flags);
    put(p, 4, kind);
    put(p, 4, str(s));
    put(p, 8, bitmap ? bitmap - HIMG_TABLE : 0);
    put(p, 8, bitmap ? (size + 63) / 64 : 0);
    put(p, 8, odd ? HIMG_ODD - HIMG_TABLE : 0);
    put(p, 8, odd);
    put(p, 8, slots);
    put(p, 8, 0);
}

static void put_head(struct pen *p)
{
    const uint32_t counts[] = {1, 6, 2, 2, 1, sizeof strings};
    const uint64_t at[] = {HIMG_HEAP,         HIMG_SEGMENTS, HIMG_ROOTS,  HIMG_IMPORTS,
                           HIMG_IMPORT_SLOTS, HIMG_METAS,    HIMG_STRINGS};

    memcpy(p->at, SIMG_TABLE_MAGIC, 8);
    p->at += 8;
    put(p, 4, 1);
    put(p, 4, 128);
    put(p, 8, HIMG_TABLE_SIZE);
    put(p, 8, 0);
    put(p, 4, 62);
    put(p, 4, 0);
    for (size_t i = 0; i < 6; i++)
        put(p, 4, counts[i]);
    put(p, 8, 2);
    for (size_t i = 0; i < 7; i++)
        put(p, 8, at[i] - HIMG_TABLE);
}

static void put_heap_row(struct pen *p)
{
    const uint32_t counts[] = {0, 6, 0, 2, 0, 2, 0, 1, 0};

    put(p, 8, (uint64_t)-HIMG_TABLE);
    put(p, 8, HIMG_BASE);
    put(p, 8, HIMG_SPAN);
    put(p, 4, SIMG_MODE_PRELINKED);
    put(p, 4, SIMG_HEAP_HAS_SLOTS);
    put(p, 4, 48);
    for (size_t i = 0; i < 9; i++)
        put(p, 4, counts[i]);
    put(p, 8, 0);
    put(p, 8, 2);
    put(p, 8, 6);
    for (uint8_t i = 0; i < 16; i++)
        put(p, 1, 0xa0 + i);
    put(p, 4, str("lua"));
    put(p, 4, str("5.4"));
    put(p, 4, str("abc123"));
    put(p, 4, str("-O2"));
}

static void put_table(uint8_t *out)
{
    struct pen p = {out + HIMG_TABLE};

    put_head(&p);
    assert(p.at == out + HIMG_HEAP);
    put_heap_row(&p);
    assert(p.at == out + HIMG_SEGMENTS);
    put_row(&p, HIMG_RW, 0x200, 6, 0, SIMG_SEGMENT_READ_WRITE, "objects", HIMG_MAPS, 1, 5);
    put_row(&p, HIMG_RO, 0x100, 4, 1, SIMG_SEGMENT_READ_ONLY, "constants", HIMG_BITMAP_2, 0, 1);
    put_row(&p, HIMG_ZERO, 0x3000, 6, 2, SIMG_SEGMENT_ZERO, "", 0, 0, 0);
    put_row(&p, HIMG_CODE, 0x40, 5, 0, SIMG_SEGMENT_CODE, "code", 0, 0, 0);
    put_row(&p, HIMG_GOT, 8, 4, 5, SIMG_SEGMENT_READ_ONLY, "", 0, 0, 0);
    put_row(&p, HIMG_PLT, 16, 5, 8, SIMG_SEGMENT_CODE, "", 0, 0, 0);
    assert(p.at == out + HIMG_ROOTS);
    put(&p, 4, str("start"));
    put(&p, 4, SIMG_ROOT_FUNCTION);
    put(&p, 8, HIMG_CODE);
    put(&p, 8, 0x40);
    put(&p, 4, str("table"));
    put(&p, 4, SIMG_ROOT_DATA);
    put(&p, 8, HIMG_RW + 0x10);
    put(&p, 8, 0x20);
    assert(p.at == out + HIMG_IMPORTS);
    put(&p, 4, str("malloc"));
    put(&p, 2, SIMG_IMPORT_FUNCTION);
    put(&p, 2, 0);
    put(&p, 8, HIMG_GOT);
    put(&p, 4, str("environ"));
    put(&p, 2, SIMG_IMPORT_DATA);
    put(&p, 2, 1);
    put(&p, 8, SIMG_NO_PLACE);
    assert(p.at == out + HIMG_IMPORT_SLOTS);
    put(&p, 8, HIMG_RW + 0x3c);
    put(&p, 8, 1);
    put(&p, 8, 16);
    put(&p, 8, HIMG_RO + 0x10);
    put(&p, 8, 1);
    put(&p, 8, (uint64_t)-8);
    put(&p, 4, str("made-by"));
    put(&p, 4, str("test"));
    assert(p.at == out + HIMG_STRINGS);
    memcpy(p.at, strings, sizeof strings);
    assert(p.at + sizeof strings <= out + HIMG_TABLE + HIMG_TABLE_SIZE);
}

void make_heap_image(uint8_t out[HIMG_SIZE])
{
    struct pen p = {out + HIMG_NOTE};

    memset(out, 0, HIMG_SIZE);
    put_headers(out);
    put(&p, 4, sizeof SIMG_NOTE_NAME);
    put(&p, 4, sizeof(struct simg_note));
    put(&p, 4, SIMG_NOTE_TABLE);
    memcpy(p.at, SIMG_NOTE_NAME, sizeof SIMG_NOTE_NAME);
    p.at = out + HIMG_DESC;
    put(&p, 4, 1);
    put(&p, 4, 0);
    put(&p, 8, HIMG_TABLE - HIMG_DESC);
    put(&p, 8, HIMG_TABLE_SIZE);
    put_dynamic(out);
    put_heap(out);
    put_table(out);
    seal_heap_image(out);
}

void seal_heap_image(uint8_t out[HIMG_SIZE])
{
    for (unsigned i = 0; i < 6; i++) {
        uint8_t *row = out + HIMG_SEGMENT(i), hash[8];
        uint64_t at = load_uint(row, 8, false), size = load_uint(row + 8, 8, false);

        store_uint(row + 72, 8, false, 0);
        if (i == HROW_ZERO || at > HIMG_SIZE || size > HIMG_SIZE - at)
            continue;
        store_uint(hash, 8, false, XXH3_64bits(out + at, size)); /* one block: below 1 MiB */
        store_uint(row + 72, 8, false, XXH3_64bits(hash, 8));
    }
    store_uint(out + HIMG_TABLE + 24, 8, false, 0);
    store_uint(out + HIMG_TABLE + 24, 8, false, XXH3_64bits(out + HIMG_TABLE, HIMG_TABLE_SIZE));
}

/* mach-o/loader.h: mach_header_64, segment_command_64, section_64. */
void make_heap_image_macho(uint8_t out[HIMG_SIZE])
{
    static const struct {
        uint32_t offset, filesize, vmsize;
    } segments[] = {{0, 0x2000, 0x2000},          {HIMG_RW, 0x200, 0x200}, {HIMG_RO, 0x100, 0x100},
                    {HIMG_ZERO, 0, 0x3000},       {HIMG_CODE, 0x40, 0x40}, {HIMG_GOT, 8, 8},
                    {HIMG_PLT, 16, 16},           {HIMG_DYNAMIC, 0x100, 0x100}};
    enum { SEGMENTS = sizeof segments / sizeof *segments };
    struct pen p = {out};

    make_heap_image(out);
    memset(out, 0, HIMG_DYNSYM);
    put(&p, 4, 0xfeedfacf);
    put(&p, 4, 0x01000007);
    put(&p, 4, 3);
    put(&p, 4, 6); /* MH_DYLIB */
    put(&p, 4, SEGMENTS);
    put(&p, 4, 72 * SEGMENTS + 80);
    put(&p, 8, 0);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        put(&p, 4, 0x19); /* LC_SEGMENT_64 */
        put(&p, 4, i == 0 ? 72 + 80 : 72);
        memcpy(p.at, i == 0 ? "__TEXT" : "__HEAP", 6);
        p.at += 16;
        put(&p, 8, HIMG_BASE + segments[i].offset);
        put(&p, 8, segments[i].vmsize);
        put(&p, 8, segments[i].offset);
        put(&p, 8, segments[i].filesize);
        put(&p, 8, 3 | 3ull << 32);
        put(&p, 8, i == 0 ? 1 : 0);
        if (i > 0)
            continue;
        memcpy(p.at, "__sysimage", 10);
        memcpy(p.at + 16, "__TEXT", 6);
        p.at += 32;
        put(&p, 8, HIMG_BASE + HIMG_TABLE);
        put(&p, 8, HIMG_TABLE_SIZE);
        put(&p, 4, HIMG_TABLE);
        p.at += 28;
    }
    assert(p.at <= out + HIMG_NOTE);
}

/* PE specification, 3 and 4. */
void make_heap_image_pe(uint8_t out[HIMG_SIZE])
{
    static const struct {
        const char *name;
        uint32_t offset, filesize, vmsize;
    } sections[] = {{".sysimg", HIMG_TABLE, 0x1000, 0xf000}, {".heap0", HIMG_RW, 0x200, 0x200},
                    {".heap1", HIMG_RO, 0x100, 0x100},       {".heap2", HIMG_ZERO, 0, 0x3000},
                    {".heap3", HIMG_CODE, 0x40, 0x40},       {".heap4", HIMG_GOT, 8, 8},
                    {".heap5", HIMG_PLT, 16, 16},             {".data", HIMG_DYNAMIC, 0x100, 0x100}};
    enum { SECTIONS = sizeof sections / sizeof *sections, PE_AT = 0x80, OPTIONAL = 240 };
    struct pen p = {out};

    make_heap_image(out);
    memset(out, 0, HIMG_DYNSYM);
    memcpy(out, "MZ", 2);
    p.at = out + 0x3c;
    put(&p, 4, PE_AT);
    p.at = out + PE_AT;
    put(&p, 4, 0x4550);
    put(&p, 2, 0x8664);
    put(&p, 2, SECTIONS);
    p.at += 12;
    put(&p, 2, OPTIONAL);
    put(&p, 2, 0x2022);
    put(&p, 2, 0x20b);
    p.at += 22;
    put(&p, 8, HIMG_BASE);
    p.at = out + PE_AT + 24 + OPTIONAL;
    for (unsigned i = 0; i < SECTIONS; i++) {
        memcpy(p.at, sections[i].name, strlen(sections[i].name));
        p.at += 8;
        put(&p, 4, sections[i].vmsize);
        put(&p, 4, sections[i].offset);
        put(&p, 4, sections[i].filesize);
        put(&p, 4, sections[i].filesize ? sections[i].offset : 0);
        p.at += 12;
        put(&p, 4, sections[i].filesize ? 0x40000040 : 0x40000080);
    }
    assert(p.at <= out + HIMG_NOTE);
}
