/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elf_object.c - write the two files, field by field. */

#include "tests/support/elf_object.h"

#include "base/bytes.h"
#include "elf/elf.h"

struct maker {
    uint8_t *file;
    bool wide, big;
    uint64_t at;
};

static void put(struct maker *m, unsigned bytes, uint64_t value)
{
    store_uint(m->file + m->at, bytes, m->big, value);
    m->at += bytes;
}

static void word(struct maker *m, uint64_t value) { put(m, m->wide ? 8 : 4, value); }

static void text(struct maker *m, const char *bytes, uint64_t size)
{
    memcpy(m->file + m->at, bytes, size);
    m->at += size;
}

static void put_symbol(struct maker *m, uint32_t name, uint8_t info, uint16_t section,
                       uint64_t value, uint64_t size)
{
    put(m, 4, name);
    if (!m->wide) {
        put(m, 4, value);
        put(m, 4, size);
    }
    put(m, 1, info);
    put(m, 1, 0);
    put(m, 2, section);
    if (m->wide) {
        put(m, 8, value);
        put(m, 8, size);
    }
}

static void put_rela(struct maker *m, uint64_t offset, uint32_t symbol, uint32_t type,
                     uint64_t addend)
{
    word(m, offset);
    word(m, m->wide ? (uint64_t)symbol << 32 | type : symbol << 8 | type);
    word(m, addend);
}

struct header {
    uint32_t name, type;
    uint64_t flags, size;
    uint32_t link, info;
    uint64_t align, entsize;
};

/* The ELF header, and the headers of SECTIONS sections. */
static uint64_t put_headers(struct maker *m, uint16_t type, const struct header *h,
                            uint16_t sections)
{
    uint64_t shoff = sections * UINT64_C(0x100);

    m->at = 0;
    text(m, "\177ELF", 4);
    put(m, 1, m->wide ? ELFCLASS64 : ELFCLASS32);
    put(m, 1, m->big ? ELFDATA2MSB : ELFDATA2LSB);
    put(m, 1, EV_CURRENT);
    m->at = 16;
    put(m, 2, type);
    put(m, 2, EM_X86_64);
    put(m, 4, EV_CURRENT);
    word(m, 0);
    word(m, 0);
    word(m, shoff);
    put(m, 4, 0);
    put(m, 2, m->wide ? 64 : 52);
    put(m, 2, m->wide ? 56 : 32);
    put(m, 2, 0);
    put(m, 2, m->wide ? 64 : 40);
    put(m, 2, sections);
    put(m, 2, sections - 1u);
    m->at = shoff;
    for (uint16_t i = 0; i < sections; i++) {
        put(m, 4, h[i].name);
        put(m, 4, h[i].type);
        word(m, h[i].flags);
        word(m, 0);
        word(m, i * UINT64_C(0x100));
        word(m, h[i].size);
        put(m, 4, h[i].link);
        put(m, 4, h[i].info);
        word(m, h[i].align);
        word(m, h[i].entsize);
    }
    return m->at;
}

uint64_t make_elf_object(uint8_t *out, bool wide, bool big)
{
    struct maker m = {.file = out, .wide = wide, .big = big};
    uint64_t sym = wide ? 24 : 16, rela = wide ? 24 : 12, chdr = wide ? 24 : 12;
    const struct header headers[OBJ_SECTIONS] = {
        [OBJ_TEXT] = {1, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0x10, 0, 0, 16, 0},
        [OBJ_RELA] = {0, SHT_RELA, 0, 2 * rela, OBJ_SYMTAB, OBJ_TEXT, 8, rela},
        [OBJ_GROUP] = {0, SHT_GROUP, 0, 8, OBJ_SYMTAB, 2, 4, 4},
        [OBJ_TEXT_F] = {0, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR | SHF_GROUP, 8, 0, 0, 1, 0},
        [OBJ_DEBUG] = {7, SHT_PROGBITS, SHF_COMPRESSED, chdr + 0x10, 0, 0, 1, 0},
        [OBJ_ORDER] = {0, SHT_PROGBITS, SHF_ALLOC | SHF_LINK_ORDER, 8, OBJ_TEXT, 0, 1, 0},
        [OBJ_SHNDX] = {0, SHT_SYMTAB_SHNDX, 0, 5 * 4, OBJ_SYMTAB, 0, 4, 4},
        [OBJ_SYMTAB] = {0, SHT_SYMTAB, 0, 5 * sym, OBJ_STRTAB, 2, 8, sym},
        [OBJ_STRTAB] = {0, SHT_STRTAB, 0, 7, 0, 0, 1, 0},
        [OBJ_SHSTRTAB] = {0, SHT_STRTAB, 0, 26, 0, 0, 1, 0},
    };

    memset(out, 0, OBJ_SIZE);
    m.at = OBJ_TEXT * 0x100;
    text(&m, "\xe8\0\0\0\0\x90\x90\xc3", 8);
    m.at = OBJ_RELA * 0x100;
    put_rela(&m, 1, 3, 4, (uint64_t)-4); /* R_X86_64_PLT32 */
    put_rela(&m, 8, 2, 1, 0);            /* R_X86_64_64 */
    m.at = OBJ_GROUP * 0x100;
    put(&m, 4, GRP_COMDAT);
    put(&m, 4, OBJ_TEXT_F);
    m.at = OBJ_DEBUG * 0x100;
    put(&m, 4, ELFCOMPRESS_ZLIB);
    if (wide)
        put(&m, 4, 0);
    word(&m, 0x20);
    word(&m, 1);
    m.at = OBJ_SYMTAB * 0x100;
    put_symbol(&m, 0, 0, 0, 0, 0);
    put_symbol(&m, 0, STB_LOCAL << 4 | STT_SECTION, OBJ_TEXT, 0, 0);
    put_symbol(&m, 1, STB_GLOBAL << 4 | STT_FUNC, OBJ_TEXT_F, 0, 8);
    put_symbol(&m, 3, STB_GLOBAL << 4 | STT_NOTYPE, SHN_UNDEF, 0, 0);
    put_symbol(&m, 5, STB_GLOBAL << 4 | STT_OBJECT, SHN_COMMON, 8, 16);
    m.at = OBJ_STRTAB * 0x100;
    text(&m, "\0f\0g\0c", 7);
    m.at = OBJ_SHSTRTAB * 0x100;
    text(&m, "\0.text\0.debug_x\0.zdebug_x", 26);
    return put_headers(&m, ET_REL, headers, OBJ_SECTIONS);
}

uint64_t make_elf_library(uint8_t *out, bool wide, bool big)
{
    struct maker m = {.file = out, .wide = wide, .big = big};
    uint64_t sym = wide ? 24 : 16, dyn = wide ? 16 : 8;
    const struct header headers[LIB_SECTIONS] = {
        [LIB_DYNSYM] = {0, SHT_DYNSYM, SHF_ALLOC, 2 * sym, LIB_DYNSTR, 1, 8, sym},
        [LIB_DYNSTR] = {0, SHT_STRTAB, SHF_ALLOC, 20, 0, 0, 1, 0},
        [LIB_TEXT] = {0, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 8, 0, 0, 1, 0},
        [LIB_DYNAMIC] = {0, SHT_DYNAMIC, SHF_ALLOC | SHF_WRITE, 3 * dyn, LIB_DYNSTR, 0, 8, dyn},
        [LIB_VERSYM] = {0, SHT_GNU_VERSYM, SHF_ALLOC, 4, LIB_DYNSYM, 0, 2, 2},
        [LIB_VERDEF] = {0, SHT_GNU_VERDEF, SHF_ALLOC, 28, LIB_DYNSTR, 1, 4, 0},
        [LIB_VERNEED] = {0, SHT_GNU_VERNEED, SHF_ALLOC, 32, LIB_DYNSTR, 1, 4, 0},
        [LIB_SHSTRTAB] = {0, SHT_STRTAB, 0, 1, 0, 0, 1, 0},
    };

    memset(out, 0, LIB_SIZE);
    m.at = LIB_DYNSYM * 0x100;
    put_symbol(&m, 0, 0, 0, 0, 0);
    put_symbol(&m, 1, STB_GLOBAL << 4 | STT_FUNC, LIB_TEXT, 0x300, 8);
    m.at = LIB_DYNSTR * 0x100;
    text(&m, "\0f\0V1\0lib.so\0dep.so", 20);
    m.at = LIB_DYNAMIC * 0x100;
    word(&m, DT_SONAME);
    word(&m, 6);
    word(&m, DT_NEEDED);
    word(&m, 13);
    m.at = LIB_VERSYM * 0x100;
    put(&m, 2, 0);
    put(&m, 2, 2);
    m.at = LIB_VERDEF * 0x100;
    put(&m, 2, 1);  /* vd_version */
    put(&m, 2, 0);  /* vd_flags */
    put(&m, 2, 2);  /* vd_ndx */
    put(&m, 2, 1);  /* vd_cnt */
    put(&m, 4, 0);  /* vd_hash */
    put(&m, 4, 20); /* vd_aux */
    put(&m, 4, 0);  /* vd_next */
    put(&m, 4, 3);  /* vda_name */
    m.at = LIB_VERNEED * 0x100;
    put(&m, 2, 1);  /* vn_version */
    put(&m, 2, 1);  /* vn_cnt */
    put(&m, 4, 13); /* vn_file */
    put(&m, 4, 16); /* vn_aux */
    put(&m, 4, 0);  /* vn_next */
    put(&m, 4, 0);  /* vna_hash */
    put(&m, 2, 0);  /* vna_flags */
    put(&m, 2, 3);  /* vna_other */
    put(&m, 4, 3);  /* vna_name */
    return put_headers(&m, ET_DYN, headers, LIB_SECTIONS);
}
