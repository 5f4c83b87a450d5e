/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elf_image.h - make a small sound shared library in memory: x86-64, with one
 * of everything that a rule looks at, each at a place that is known here. */

#ifndef SUPPORT_ELF_IMAGE_H
#define SUPPORT_ELF_IMAGE_H

#include <stdint.h>

/* Addresses; in the read-only part they are offsets in the file, too. */
enum {
    IMG_PHDR = 0x40,
    IMG_NOTE = 0x280,
    IMG_HASH = 0x2a8,
    IMG_GNU_HASH = 0x2d0,
    IMG_DYNSYM = 0x340,
    IMG_DYNSTR = 0x3d0,
    IMG_VERSYM = 0x480,
    IMG_VERDEF = 0x490,
    IMG_VERNEED = 0x4d0,
    IMG_RELA = 0x500,
    IMG_JMPREL = 0x548,
    IMG_RELR = 0x560,
    IMG_EH_FRAME_HDR = 0x570,
    IMG_EH_FRAME = 0x590,
    IMG_TEXT = 0x1000,
    IMG_TDATA = 0x3000,
    IMG_INIT_ARRAY = 0x3008,
    IMG_FINI_ARRAY = 0x3010,
    IMG_DYNAMIC = 0x3020,
    IMG_GOT = 0x32a0,
    IMG_GOT_PLT = 0x32c0,
    IMG_DATA = 0x4000,
    IMG_BSS = 0x4020,
    IMG_END = 0x4040,
    IMG_SYMTAB = 0x3040, /* from here on: offsets only */
    IMG_STRTAB = 0x3090,
    IMG_SHSTRTAB = 0x30c0,
    IMG_SHDR = 0x3200,
    IMG_SIZE = 0x3200 + 64 * 26,
};

/* The writable part lies 0x1000 further on in memory than in the file. */
#define IMG_RW(addr) ((addr) - 0x1000)

/* Offsets of fields. */
#define IMG_PH(segment, field) (IMG_PHDR + 56 * (segment) + (field))
enum { P_TYPE = 0, P_FLAGS = 4, P_OFFSET = 8, P_VADDR = 16, P_FILESZ = 32, P_MEMSZ = 40,
       P_ALIGN = 48 };
enum { SEG_PHDR, SEG_R, SEG_X, SEG_W, SEG_DYNAMIC, SEG_NOTE, SEG_TLS, SEG_EH, SEG_STACK,
       SEG_RELRO, SEG_COUNT };
#define IMG_SH(section, field) (IMG_SHDR + 64 * (section) + (field))
enum { S_NAME = 0, S_TYPE = 4, S_FLAGS = 8, S_ADDR = 16, S_OFFSET = 24, S_SIZE = 32, S_LINK = 40,
       S_INFO = 44, S_ALIGN = 48, S_ENTSIZE = 56 };
/* In the order of the file. */
enum { SEC_NULL, SEC_NOTE, SEC_HASH, SEC_GNU_HASH, SEC_DYNSYM, SEC_DYNSTR, SEC_VERSYM, SEC_VERDEF,
       SEC_VERNEED, SEC_RELA, SEC_JMPREL, SEC_RELR, SEC_EH_HDR, SEC_EH, SEC_TEXT, SEC_TDATA,
       SEC_INIT, SEC_FINI, SEC_DYN, SEC_GOT, SEC_GOT_PLT, SEC_DATA, SEC_BSS, SEC_SYMTAB,
       SEC_STRTAB, SEC_SHSTRTAB, SEC_COUNT };
#define IMG_SYM(symbol, field) (IMG_DYNSYM + 24 * (symbol) + (field))
enum { ST_NAME = 0, ST_INFO = 4, ST_OTHER = 5, ST_SHNDX = 6, ST_VALUE = 8, ST_SIZE = 16 };
enum { SYM_NULL, SYM_EXT, SYM_TLS, SYM_ALPHA, SYM_BETA, SYM_DATA, SYM_COUNT };
/* The value of entry N of the dynamic section. */
#define IMG_DYN_TAG(n) (IMG_RW(IMG_DYNAMIC) + 16 * (n))
#define IMG_DYN(n) (IMG_DYN_TAG(n) + 8)
enum { DYN_NEEDED, DYN_SONAME, DYN_INIT_ARRAY, DYN_INIT_ARRAYSZ, DYN_FINI_ARRAY, DYN_FINI_ARRAYSZ,
       DYN_HASH, DYN_GNU_HASH, DYN_STRTAB, DYN_SYMTAB, DYN_STRSZ, DYN_SYMENT, DYN_PLTGOT,
       DYN_PLTRELSZ, DYN_PLTREL, DYN_JMPREL, DYN_RELA, DYN_RELASZ, DYN_RELAENT, DYN_RELR,
       DYN_RELRSZ, DYN_RELRENT, DYN_VERSYM, DYN_VERDEF, DYN_VERDEFNUM, DYN_VERNEED,
       DYN_VERNEEDNUM, DYN_FLAGS, DYN_END };

void make_elf_image(uint8_t out[IMG_SIZE]);

#endif
