/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elf_image.c - write the image, field by field.  Nothing of lib/ is used but
 * the numbers of ELF. */

#include "tests/support/elf_image.h"

#include "elf/elf.h"

#include <stdbool.h>
#include <string.h>

/* The N bytes of V at OFF. */
static void set(uint8_t *out, uint64_t off, unsigned n, uint64_t v)
{
    for (unsigned i = 0; i < n; i++)
        out[off + i] = (uint8_t)(v >> 8 * i);
}

/* Values in a row, each of N bytes. */
static uint64_t set_all(uint8_t *out, uint64_t off, unsigned n, const uint64_t *v, unsigned count)
{
    for (unsigned i = 0; i < count; i++, off += n)
        set(out, off, n, v[i]);
    return off;
}

#define ROW(...) (const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / 8

static uint32_t sysv_hash(const char *s)
{
    uint32_t h = 0;

    for (; *s; s++) {
        h = (h << 4) + (uint8_t)*s;
        if (h & 0xf0000000)
            h ^= (h & 0xf0000000) >> 24;
        h &= 0x0fffffff;
    }
    return h;
}

static uint32_t gnu_hash(const char *s)
{
    uint32_t h = 5381;

    for (; *s; s++)
        h = (h << 5) + h + (uint8_t)*s;
    return h;
}

/* Add S to the string table at TAB; its offset there. */
static uint32_t add_string(uint8_t *tab, uint32_t *used, const char *s)
{
    uint32_t at = *used;

    memcpy(tab + at, s, strlen(s) + 1);
    *used += (uint32_t)strlen(s) + 1;
    return at;
}

static void set_header(uint8_t *out)
{
    static const uint8_t ident[16] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};

    memcpy(out, ident, 16);
    set_all(out, 16, 2, ROW(ET_DYN, EM_X86_64));
    set(out, 20, 4, EV_CURRENT);
    set_all(out, 24, 8, ROW(IMG_TEXT, IMG_PHDR, IMG_SHDR));
    set_all(out, 52, 2, ROW(64, 56, SEG_COUNT, 64, SEC_COUNT, SEC_SHSTRTAB));
}

static void set_segments(uint8_t *out)
{
    static const struct {
        uint32_t type, flags;
        uint64_t offset, addr, filesz, memsz, align;
    } all[SEG_COUNT] = {
        [SEG_PHDR] = {PT_PHDR, PF_R, IMG_PHDR, IMG_PHDR, 56 * SEG_COUNT, 56 * SEG_COUNT, 8},
        [SEG_R] = {PT_LOAD, PF_R, 0, 0, 0x800, 0x800, 0x1000},
        [SEG_X] = {PT_LOAD, PF_R | PF_X, 0x1000, IMG_TEXT, 0x40, 0x40, 0x1000},
        [SEG_W] = {PT_LOAD, PF_R | PF_W, 0x2000, IMG_TDATA, 0x1020, 0x1040, 0x1000},
        [SEG_DYNAMIC] = {PT_DYNAMIC, PF_R | PF_W, IMG_RW(IMG_DYNAMIC), IMG_DYNAMIC,
                         16 * (DYN_END + 1), 16 * (DYN_END + 1), 8},
        [SEG_NOTE] = {PT_NOTE, PF_R, IMG_NOTE, IMG_NOTE, 36, 36, 4},
        [SEG_TLS] = {PT_TLS, PF_R, IMG_RW(IMG_TDATA), IMG_TDATA, 8, 8, 8},
        [SEG_EH] = {PT_GNU_EH_FRAME, PF_R, IMG_EH_FRAME_HDR, IMG_EH_FRAME_HDR, 28, 28, 4},
        [SEG_STACK] = {PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 16},
        [SEG_RELRO] = {PT_GNU_RELRO, PF_R, 0x2000, IMG_TDATA, 0x1000, 0x1000, 1},
    };

    for (unsigned i = 0; i < SEG_COUNT; i++) {
        set_all(out, IMG_PH(i, P_TYPE), 4, ROW(all[i].type, all[i].flags));
        set_all(out, IMG_PH(i, P_OFFSET), 8,
                ROW(all[i].offset, all[i].addr, all[i].addr, all[i].filesz, all[i].memsz,
                    all[i].align));
    }
}

/* Strings of the dynamic section, in this order. */
struct names {
    uint32_t symbol[SYM_COUNT], libc, glibc, relr, soname, v1, size;
};

static const char *const symbol_names[SYM_COUNT] = {"", "ext", "tls", "alpha", "beta", "data"};

static void set_names(uint8_t *out, struct names *n)
{
    uint8_t *tab = out + IMG_DYNSTR;

    for (unsigned i = 0; i < SYM_COUNT; i++)
        n->symbol[i] = add_string(tab, &n->size, symbol_names[i]);
    n->libc = add_string(tab, &n->size, "libc.so.6");
    n->glibc = add_string(tab, &n->size, "GLIBC_2.2.5");
    n->relr = add_string(tab, &n->size, "GLIBC_ABI_DT_RELR");
    n->soname = add_string(tab, &n->size, "good.so");
    n->v1 = add_string(tab, &n->size, "V1");
}

static void set_symbols(uint8_t *out, const struct names *n)
{
    static const struct {
        uint8_t info;
        uint16_t section;
        uint64_t value, size;
    } all[SYM_COUNT] = {
        [SYM_EXT] = {STB_GLOBAL << 4 | STT_FUNC, 0, 0, 0},
        [SYM_TLS] = {STB_GLOBAL << 4 | STT_TLS, SEC_TDATA, 0, 8},
        [SYM_ALPHA] = {STB_GLOBAL << 4 | STT_FUNC, SEC_TEXT, IMG_TEXT, 16},
        [SYM_BETA] = {STB_GLOBAL << 4 | STT_FUNC, SEC_TEXT, IMG_TEXT + 16, 16},
        [SYM_DATA] = {STB_GLOBAL << 4 | STT_OBJECT, SEC_DATA, IMG_DATA, 8},
    };

    for (unsigned i = 1; i < SYM_COUNT; i++) {
        set(out, IMG_SYM(i, ST_NAME), 4, n->symbol[i]);
        set(out, IMG_SYM(i, ST_INFO), 1, all[i].info);
        set(out, IMG_SYM(i, ST_SHNDX), 2, all[i].section);
        set_all(out, IMG_SYM(i, ST_VALUE), 8, ROW(all[i].value, all[i].size));
    }
}

/* Two buckets in both tables.  In the GNU one symbols lie in the order of
   their buckets, as enum SYM_ has them: "tls" in 0, the others in 1. */
static void set_hashes(uint8_t *out)
{
    uint64_t buckets[2] = {0}, chains[SYM_COUNT] = {0}, bloom = 0;

    for (unsigned i = SYM_COUNT - 1; i > 0; i--) {
        uint32_t b = sysv_hash(symbol_names[i]) % 2;

        chains[i] = buckets[b];
        buckets[b] = i;
    }
    set_all(out, IMG_HASH, 4, ROW(2, SYM_COUNT));
    set_all(out, IMG_HASH + 8, 4, buckets, 2);
    set_all(out, IMG_HASH + 16, 4, chains, SYM_COUNT);

    set_all(out, IMG_GNU_HASH, 4, ROW(2, SYM_TLS, 1, 6));
    set_all(out, IMG_GNU_HASH + 24, 4, ROW(SYM_TLS, SYM_ALPHA));
    for (unsigned i = SYM_TLS; i < SYM_COUNT; i++) {
        uint32_t h = gnu_hash(symbol_names[i]);
        bool last = i == SYM_TLS || i == SYM_COUNT - 1;

        bloom |= UINT64_C(1) << h % 64 | UINT64_C(1) << (h >> 6) % 64;
        set(out, IMG_GNU_HASH + 32 + 4 * (i - SYM_TLS), 4, last ? h | 1 : h & ~1u);
    }
    set(out, IMG_GNU_HASH + 16, 8, bloom);
}

static void set_versions(uint8_t *out, const struct names *n)
{
    set_all(out, IMG_VERSYM, 2, ROW(0, 3, 2, 2, 2, 2));
    /* Verdef: version, flags, index, count; hash, names, next.  Verdaux: name, next. */
    set_all(out, IMG_VERDEF, 2, ROW(1, VER_FLG_BASE, 1, 1));
    set_all(out, IMG_VERDEF + 8, 4, ROW(sysv_hash("good.so"), 20, 28, n->soname, 0));
    set_all(out, IMG_VERDEF + 28, 2, ROW(1, 0, 2, 1));
    set_all(out, IMG_VERDEF + 36, 4, ROW(sysv_hash("V1"), 20, 0, n->v1, 0));
    /* Verneed: version, count; file, names, next.  Vernaux: hash; flags, index; name, next. */
    set_all(out, IMG_VERNEED, 2, ROW(1, 2));
    set_all(out, IMG_VERNEED + 4, 4, ROW(n->libc, 16, 0));
    set(out, IMG_VERNEED + 16, 4, sysv_hash("GLIBC_2.2.5"));
    set_all(out, IMG_VERNEED + 20, 2, ROW(0, 3));
    set_all(out, IMG_VERNEED + 24, 4, ROW(n->glibc, 16));
    set(out, IMG_VERNEED + 32, 4, sysv_hash("GLIBC_ABI_DT_RELR"));
    set_all(out, IMG_VERNEED + 36, 2, ROW(0, 4));
    set_all(out, IMG_VERNEED + 40, 4, ROW(n->relr, 0));
}

static void set_relocs(uint8_t *out)
{
    enum { R_GLOB_DAT = 6, R_JUMP_SLOT = 7, R_RELATIVE = 8 };
    const uint64_t ext = (uint64_t)SYM_EXT << 32;

    set_all(out, IMG_RELA, 8,
            ROW(IMG_INIT_ARRAY, R_RELATIVE, IMG_TEXT, IMG_FINI_ARRAY, R_RELATIVE, IMG_TEXT + 16,
                IMG_GOT, ext | R_GLOB_DAT, 0));
    set_all(out, IMG_JMPREL, 8, ROW(IMG_GOT_PLT + 24, ext | R_JUMP_SLOT, 0));
    /* IMG_DATA + 8, and the word behind it. */
    set_all(out, IMG_RELR, 8, ROW(IMG_DATA + 8, 3));
    set_all(out, IMG_RW(IMG_DATA + 8), 8, ROW(IMG_TEXT, IMG_DATA));
}

/* One CIE at 0, FDEs at 24 and 48 for alpha and beta, a terminator at 72. */
static void set_frames(uint8_t *out)
{
    uint8_t *cie = out + IMG_EH_FRAME;

    set_all(cie, 0, 4, ROW(20, 0));
    memcpy(cie + 8, "\1zR\0\1\x78\x10\1\x1b\x0c\7\x08\x90\1", 14);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t at = 24 + 24 * i, code = IMG_TEXT + 16 * i;

        set_all(cie, at, 4, ROW(20, at + 4, code - (IMG_EH_FRAME + at + 8), 16, 0, 0));
        set_all(out, IMG_EH_FRAME_HDR + 12 + 8 * i, 4,
                ROW(code - IMG_EH_FRAME_HDR, IMG_EH_FRAME + at - IMG_EH_FRAME_HDR));
    }
    set_all(out, IMG_EH_FRAME_HDR, 1, ROW(1, 0x1b, 0x03, 0x3b));
    set_all(out, IMG_EH_FRAME_HDR + 4, 4, ROW(IMG_EH_FRAME - (IMG_EH_FRAME_HDR + 4), 2));
}

static void set_dynamic(uint8_t *out, const struct names *n)
{
    const struct {
        uint64_t tag, value;
    } all[DYN_END] = {
        [DYN_NEEDED] = {DT_NEEDED, n->libc},
        [DYN_SONAME] = {DT_SONAME, n->soname},
        [DYN_INIT_ARRAY] = {DT_INIT_ARRAY, IMG_INIT_ARRAY},
        [DYN_INIT_ARRAYSZ] = {DT_INIT_ARRAYSZ, 8},
        [DYN_FINI_ARRAY] = {DT_FINI_ARRAY, IMG_FINI_ARRAY},
        [DYN_FINI_ARRAYSZ] = {DT_FINI_ARRAYSZ, 8},
        [DYN_HASH] = {DT_HASH, IMG_HASH},
        [DYN_GNU_HASH] = {DT_GNU_HASH, IMG_GNU_HASH},
        [DYN_STRTAB] = {DT_STRTAB, IMG_DYNSTR},
        [DYN_SYMTAB] = {DT_SYMTAB, IMG_DYNSYM},
        [DYN_STRSZ] = {DT_STRSZ, n->size},
        [DYN_SYMENT] = {DT_SYMENT, 24},
        [DYN_PLTGOT] = {DT_PLTGOT, IMG_GOT_PLT},
        [DYN_PLTRELSZ] = {DT_PLTRELSZ, 24},
        [DYN_PLTREL] = {DT_PLTREL, DT_RELA},
        [DYN_JMPREL] = {DT_JMPREL, IMG_JMPREL},
        [DYN_RELA] = {DT_RELA, IMG_RELA},
        [DYN_RELASZ] = {DT_RELASZ, 72},
        [DYN_RELAENT] = {DT_RELAENT, 24},
        [DYN_RELR] = {DT_RELR, IMG_RELR},
        [DYN_RELRSZ] = {DT_RELRSZ, 16},
        [DYN_RELRENT] = {DT_RELRENT, 8},
        [DYN_VERSYM] = {DT_VERSYM, IMG_VERSYM},
        [DYN_VERDEF] = {DT_VERDEF, IMG_VERDEF},
        [DYN_VERDEFNUM] = {DT_VERDEFNUM, 2},
        [DYN_VERNEED] = {DT_VERNEED, IMG_VERNEED},
        [DYN_VERNEEDNUM] = {DT_VERNEEDNUM, 1},
        [DYN_FLAGS] = {DT_FLAGS, DF_BIND_NOW},
    };

    for (unsigned i = 0; i < DYN_END; i++)
        set_all(out, IMG_DYN_TAG(i), 8, ROW(all[i].tag, all[i].value));
}

static void set_sections(uint8_t *out, const struct names *n)
{
    const struct {
        const char *name;
        uint32_t type;
        uint64_t flags, addr, offset, size;
        uint32_t link, info;
        uint64_t align, entsize;
    } all[SEC_COUNT] = {
#define RO(a) (a), (a)
#define RW(a) (a), IMG_RW(a)
        [SEC_NOTE] = {".note.gnu.build-id", SHT_NOTE, SHF_ALLOC, RO(IMG_NOTE), 36, 0, 0, 4, 0},
        [SEC_HASH] = {".hash", SHT_HASH, SHF_ALLOC, RO(IMG_HASH), 40, SEC_DYNSYM, 0, 8, 4},
        [SEC_GNU_HASH] = {".gnu.hash", SHT_GNU_HASH, SHF_ALLOC, RO(IMG_GNU_HASH), 48, SEC_DYNSYM,
                          0, 8, 0},
        [SEC_DYNSYM] = {".dynsym", SHT_DYNSYM, SHF_ALLOC, RO(IMG_DYNSYM), 24 * SYM_COUNT,
                        SEC_DYNSTR, 1, 8, 24},
        [SEC_DYNSTR] = {".dynstr", SHT_STRTAB, SHF_ALLOC, RO(IMG_DYNSTR), n->size, 0, 0, 1, 0},
        [SEC_VERSYM] = {".gnu.version", SHT_GNU_VERSYM, SHF_ALLOC, RO(IMG_VERSYM), 2 * SYM_COUNT,
                        SEC_DYNSYM, 0, 2, 2},
        [SEC_VERDEF] = {".gnu.version_d", SHT_GNU_VERDEF, SHF_ALLOC, RO(IMG_VERDEF), 56,
                        SEC_DYNSTR, 2, 8, 0},
        [SEC_VERNEED] = {".gnu.version_r", SHT_GNU_VERNEED, SHF_ALLOC, RO(IMG_VERNEED), 48,
                         SEC_DYNSTR, 1, 8, 0},
        [SEC_RELA] = {".rela.dyn", SHT_RELA, SHF_ALLOC, RO(IMG_RELA), 72, SEC_DYNSYM, 0, 8, 24},
        [SEC_JMPREL] = {".rela.plt", SHT_RELA, SHF_ALLOC | SHF_INFO_LINK, RO(IMG_JMPREL), 24,
                        SEC_DYNSYM, SEC_GOT_PLT, 8, 24},
        [SEC_RELR] = {".relr.dyn", SHT_RELR, SHF_ALLOC, RO(IMG_RELR), 16, 0, 0, 8, 8},
        [SEC_EH_HDR] = {".eh_frame_hdr", SHT_PROGBITS, SHF_ALLOC, RO(IMG_EH_FRAME_HDR), 28, 0, 0,
                        4, 0},
        [SEC_EH] = {".eh_frame", SHT_PROGBITS, SHF_ALLOC, RO(IMG_EH_FRAME), 76, 0, 0, 8, 0},
        [SEC_TEXT] = {".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, RO(IMG_TEXT), 0x40, 0, 0,
                      16, 0},
        [SEC_TDATA] = {".tdata", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_TLS, RW(IMG_TDATA), 8,
                       0, 0, 8, 0},
        [SEC_INIT] = {".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, RW(IMG_INIT_ARRAY), 8,
                      0, 0, 8, 8},
        [SEC_FINI] = {".fini_array", SHT_FINI_ARRAY, SHF_ALLOC | SHF_WRITE, RW(IMG_FINI_ARRAY), 8,
                      0, 0, 8, 8},
        [SEC_DYN] = {".dynamic", SHT_DYNAMIC, SHF_ALLOC | SHF_WRITE, RW(IMG_DYNAMIC),
                     16 * (DYN_END + 1), SEC_DYNSTR, 0, 8, 16},
        [SEC_GOT] = {".got", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, RW(IMG_GOT), 0x20, 0, 0, 8, 8},
        [SEC_GOT_PLT] = {".got.plt", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, RW(IMG_GOT_PLT), 0x20, 0,
                         0, 8, 8},
        [SEC_DATA] = {".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, RW(IMG_DATA), 0x20, 0, 0, 8,
                      0},
        [SEC_BSS] = {".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, RW(IMG_BSS), 0x20, 0, 0, 8, 0},
        [SEC_SYMTAB] = {".symtab", SHT_SYMTAB, 0, 0, IMG_SYMTAB, 72, SEC_STRTAB, 2, 8, 24},
        [SEC_STRTAB] = {".strtab", SHT_STRTAB, 0, 0, IMG_STRTAB, 13, 0, 0, 1, 0},
        [SEC_SHSTRTAB] = {".shstrtab", SHT_STRTAB, 0, 0, IMG_SHSTRTAB, 0x120, 0, 0, 1, 0},
#undef RO
#undef RW
    };
    uint32_t used = 1;

    for (unsigned i = 1; i < SEC_COUNT; i++) {
        set(out, IMG_SH(i, S_NAME), 4, add_string(out + IMG_SHSTRTAB, &used, all[i].name));
        set(out, IMG_SH(i, S_TYPE), 4, all[i].type);
        set_all(out, IMG_SH(i, S_FLAGS), 8,
                ROW(all[i].flags, all[i].addr, all[i].offset, all[i].size));
        set_all(out, IMG_SH(i, S_LINK), 4, ROW(all[i].link, all[i].info));
        set_all(out, IMG_SH(i, S_ALIGN), 8, ROW(all[i].align, all[i].entsize));
    }
}

/* .symtab: a local "inner" and the global "alpha". */
static void set_symtab(uint8_t *out)
{
    uint32_t used = 1, inner = add_string(out + IMG_STRTAB, &used, "inner");
    uint32_t alpha = add_string(out + IMG_STRTAB, &used, "alpha");

    set(out, IMG_SYMTAB + 24, 4, inner);
    set_all(out, IMG_SYMTAB + 24 + ST_INFO, 1, ROW(STB_LOCAL << 4 | STT_FUNC, 0, SEC_TEXT, 0));
    set_all(out, IMG_SYMTAB + 24 + ST_VALUE, 8, ROW(IMG_TEXT + 32, 16));
    set(out, IMG_SYMTAB + 48, 4, alpha);
    set_all(out, IMG_SYMTAB + 48 + ST_INFO, 1, ROW(STB_GLOBAL << 4 | STT_FUNC, 0, SEC_TEXT, 0));
    set_all(out, IMG_SYMTAB + 48 + ST_VALUE, 8, ROW(IMG_TEXT, 16));
}

void make_elf_image(uint8_t out[IMG_SIZE])
{
    struct names n = {0};

    memset(out, 0, IMG_SIZE);
    set_header(out);
    set_segments(out);
    set_all(out, IMG_NOTE, 4, ROW(4, 20, NT_GNU_BUILD_ID));
    memcpy(out + IMG_NOTE + 12, "GNU\0twenty bytes of build", 24);
    set_names(out, &n);
    set_symbols(out, &n);
    set_hashes(out);
    set_versions(out, &n);
    set_relocs(out);
    set_frames(out);
    set_dynamic(out, &n);
    set_sections(out, &n);
    set_symtab(out);
}
