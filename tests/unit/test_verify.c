/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_verify.c - every rule of a sound image, on an image that is sound but
 * for one or two fields. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "elf/elf.h"
#include "elf/verify.h"
#include "tests/support/elf_image.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* What to write where; SIZE 0 ends the list. */
struct patch {
    uint32_t off;
    uint8_t size;
    uint64_t value;
};

static const struct {
    const char *rule;
    struct patch patch[4];
    const char *text; /* one of the findings must be just this */
} cases[] = {
    {"header", {{20, 4, 2}}, "e_version is 2, not 1"},
    {"header", {{52, 2, 52}}, "e_ehsize is 52, not 64"},
    {"header", {{24, 8, 0x500}}, "e_entry 0x500 is not in an executable PT_LOAD"},
    {"header", {{54, 2, 32}}, "e_phentsize is 32, not 56"},
    {"header", {{40, 8, IMG_SIZE - 64}},
     "26 section headers at 0x3840 are not inside the file (0x3880 bytes)"},
    {"header", {{IMG_PH(SEG_W, P_OFFSET), 8, 0x4000}},
     "segment 3: contents (0x1020 bytes at 0x4000) are not inside the file (0x3880 bytes)"},
    {"load-order", {{IMG_PH(SEG_W, P_VADDR), 8, 0x800}},
     "segment 3: PT_LOAD at 0x800 comes after the one at 0x1000"},
    {"load-order", {{IMG_PH(SEG_X, P_MEMSZ), 8, 0x2800}},
     "segment 3: PT_LOAD at 0x3000 overlaps the one before, which ends at 0x3800"},
    {"load-order", {{IMG_PH(SEG_R, P_VADDR), 8, 0x5000}},
     "segment 2: PT_LOAD at 0x1000 comes after the one at 0x5000"},
    {"load-align", {{IMG_PH(SEG_X, P_ALIGN), 8, 0x1800}},
     "segment 2: p_align 0x1800 is not a power of two"},
    {"load-align", {{IMG_PH(SEG_X, P_ALIGN), 8, 0x10}},
     "segment 2: p_align 0x10 is less than a page"},
    {"load-align", {{IMG_PH(SEG_X, P_OFFSET), 8, 0x1010}},
     "segment 2: p_offset 0x1010 and p_vaddr 0x1000 differ modulo p_align 0x1000"},
    {"load-size", {{IMG_PH(SEG_W, P_MEMSZ), 8, 0x1000}},
     "segment 3: p_filesz 0x1020 is more than p_memsz 0x1000"},
    {"load-size", {{IMG_PH(SEG_W, P_MEMSZ), 8, UINT64_MAX - 0x100}},
     "segment 3: 0xfffffffffffffeff bytes at 0x3000 wrap around"},
    {"wx-segment", {{IMG_PH(SEG_X, P_FLAGS), 4, 7}},
     "segment 2: PT_LOAD at 0x1000 is writable and executable"},
    {"stack", {{IMG_PH(SEG_STACK, P_FLAGS), 4, 7}}, "segment 8: PT_GNU_STACK is executable"},
    {"stack", {{IMG_PH(SEG_STACK, P_TYPE), 4, PT_NULL}},
     "no PT_GNU_STACK: loaders then make every stack of the process executable"},
    {"stack", {{IMG_PH(SEG_EH, P_TYPE), 4, PT_GNU_STACK}}, "2 PT_GNU_STACKs"},
    {"relro", {{IMG_PH(SEG_RELRO, P_VADDR), 8, 0x1000}},
     "segment 9: PT_GNU_RELRO, 0x1000 bytes at 0x1000, is not inside a writable PT_LOAD"},
    {"relro", {{IMG_PH(SEG_RELRO, P_VADDR), 8, 0x3008}},
     "segment 9: PT_GNU_RELRO begins at 0x3008, inside a page whose start is to stay writable"},
    {"relro", {{IMG_PH(SEG_RELRO, P_MEMSZ), 8, 0x800}},
     "segment 9: PT_GNU_RELRO ends at 0x3800, inside a page: its last 0x800 bytes stay writable"},
    {"relro", {{IMG_PH(SEG_RELRO, P_MEMSZ), 8, 0x3000}},
     "segment 9: PT_GNU_RELRO, 0x3000 bytes at 0x3000, is not inside a writable PT_LOAD"},
    {"segment-place", {{IMG_PH(SEG_NOTE, P_VADDR), 8, 0x900}},
     "segment 5: NOTE, 0x24 bytes at 0x900, is not inside a PT_LOAD"},
    {"segment-place", {{IMG_PH(SEG_EH, P_OFFSET), 8, IMG_EH_FRAME_HDR + 4}},
     "segment 7: GNU_EH_FRAME at 0x570 has offset 0x574, its PT_LOAD puts offset 0x570 there"},
    {"phdr", {{IMG_PH(SEG_PHDR, P_FILESZ), 8, 56}},
     "segment 0: PT_PHDR, 0x38 bytes at offset 0x40, is not the program headers, 0x230 bytes at "
     "offset 0x40"},
    {"phdr", {{IMG_PH(SEG_NOTE, P_TYPE), 4, PT_INTERP}},
     "segment 5: PT_INTERP comes after a PT_LOAD"},
    {"phdr", {{IMG_PH(SEG_STACK, P_TYPE), 4, PT_PHDR}}, "2 segments PT_PHDR"},
    {"tls", {{IMG_PH(SEG_TLS, P_ALIGN), 8, 24}},
     "segment 6: PT_TLS: p_align 0x18 is not a power of two"},
    {"tls", {{IMG_PH(SEG_TLS, P_VADDR), 8, 0x3004}},
     "segment 6: PT_TLS at 0x3004 is not at a multiple of its p_align 0x8"},
    {"tls", {{IMG_PH(SEG_TLS, P_MEMSZ), 8, 4}},
     "segment 6: PT_TLS: p_filesz 0x8 is more than p_memsz 0x4"},
    {"tls", {{IMG_PH(SEG_STACK, P_TYPE), 4, PT_TLS}}, "segment 6: the first of 2 PT_TLSs"},
    {"note", {{IMG_NOTE + 4, 4, 200}},
     "segment 5: a note is cut off by the end of its segment (0x24 bytes)"},
    {"note", {{IMG_NOTE + 4, 4, 2}}, "segment 5: build-id has 2 bytes"},
    {"note",
     {{IMG_PH(SEG_EH, P_TYPE), 4, PT_NOTE},
      {IMG_PH(SEG_EH, P_OFFSET), 8, IMG_NOTE},
      {IMG_PH(SEG_EH, P_FILESZ), 8, 36}},
     "2 build-ids"},
    {"note", {{IMG_NOTE + 8, 4, NT_GNU_PROPERTY_TYPE_0}},
     "segment 5: property 0x6e657774 is cut off"},
    {"dynamic-place", {{IMG_PH(SEG_DYNAMIC, P_FILESZ), 8, 0x100}},
     "segment 4: PT_DYNAMIC, 0x100 bytes at 0x3020, is not section .dynamic, 0x1d0 bytes at "
     "0x3020"},
    {"dynamic-place", {{IMG_PH(SEG_DYNAMIC, P_VADDR), 8, 0x6000}},
     "segment 4: PT_DYNAMIC, 0x1d0 bytes at 0x6000, is not section .dynamic, 0x1d0 bytes at "
     "0x3020"},
    {"dynamic-place", {{IMG_PH(SEG_DYNAMIC, P_TYPE), 4, PT_NULL}},
     "a shared library without PT_DYNAMIC"},
    {"dynamic-table", {{IMG_DYN_TAG(DYN_END), 8, DT_DEBUG}}, "no DT_NULL after 29 entries"},
    {"dynamic-table", {{IMG_DYN_TAG(DYN_FLAGS), 8, DT_STRTAB}}, "DT_STRTAB more than once"},
    {"dynamic-table", {{IMG_DYN_TAG(DYN_RELASZ), 8, DT_DEBUG}}, "DT_RELA without DT_RELASZ"},
    {"dynamic-table", {{IMG_DYN_TAG(DYN_RELRENT), 8, DT_DEBUG}}, "DT_RELR without DT_RELRENT"},
    {"dynamic-table", {{IMG_DYN_TAG(DYN_RELA), 8, DT_DEBUG}}, "DT_RELASZ without DT_RELA"},
    {"dynamic-table", {{IMG_DYN(DYN_RELAENT), 8, 12}}, "DT_RELAENT is 12, not 24"},
    {"dynamic-table", {{IMG_DYN(DYN_INIT_ARRAYSZ), 8, 12}},
     "DT_INIT_ARRAYSZ is 0xc, not a multiple of 8"},
    {"dynamic-table", {{IMG_DYN_TAG(DYN_SYMTAB), 8, DT_DEBUG}}, "no DT_SYMTAB"},
    {"dynamic-range", {{IMG_DYN(DYN_STRTAB), 8, 0x900}},
     "DT_STRTAB: 0x4c bytes at 0x900 are not inside a PT_LOAD"},
    {"dynamic-range", {{IMG_DYN(DYN_RELASZ), 8, 0x480}},
     "DT_RELA: 0x480 bytes at 0x500 are not inside a PT_LOAD"},
    {"dynamic-range", {{IMG_DYN_TAG(DYN_FLAGS), 8, DT_INIT}, {IMG_DYN(DYN_FLAGS), 8, IMG_DATA}},
     "DT_INIT: 0x4000 is in segment 3, which is not executable"},
    {"dynamic-range", {{IMG_DYN(DYN_RELR), 8, IMG_BSS}},
     "DT_RELR: 0x10 bytes at 0x4020 are not all in the file"},
    {"strings", {{IMG_DYNSTR, 1, 'x'}}, "DT_STRTAB does not begin with NUL"},
    {"strings", {{IMG_DYN(DYN_STRSZ), 8, 0x20}}, "DT_STRTAB does not end with NUL"},
    {"strings", {{IMG_DYN(DYN_SONAME), 8, 0x1000}},
     "DT_SONAME: string 0x1000 is not inside DT_STRTAB (0x4c bytes)"},
    {"strings", {{IMG_DYN(DYN_SONAME), 8, 0}}, "DT_SONAME is empty"},
    {"needed", {{IMG_DYN_TAG(DYN_FLAGS), 8, DT_NEEDED}, {IMG_DYN(DYN_FLAGS), 8, 25}},
     "DT_NEEDED libc.so.6 more than once"},
    {"textrel", {{IMG_DYN_TAG(DYN_FLAGS), 8, DT_TEXTREL}},
     "DT_TEXTREL: read-only segments are written to at start"},
    {"textrel", {{IMG_DYN(DYN_FLAGS), 8, DF_TEXTREL}},
     "DT_FLAGS has DF_TEXTREL: read-only segments are written to at start"},
    {"plt", {{IMG_DYN_TAG(DYN_PLTREL), 8, DT_DEBUG}}, "DT_JMPREL without DT_PLTREL"},
    {"plt", {{IMG_DYN(DYN_PLTREL), 8, 8}}, "DT_PLTREL is 8, not 17 (REL) or 7 (RELA)"},
    {"plt", {{IMG_DYN(DYN_PLTRELSZ), 8, 20}}, "DT_PLTRELSZ is 0x14, not a multiple of 24"},
    {"plt", {{IMG_JMPREL, 8, IMG_DATA}},
     "JMPREL 0: the slot at 0x4000 is not inside .got.plt or .got"},
    {"init-array", {{IMG_RELA + 16, 8, IMG_DATA}}, "DT_INIT_ARRAY entry 0: 0x4000 is not code"},
    {"init-array", {{IMG_RELA, 8, IMG_DATA}}, "DT_INIT_ARRAY entry 0 is not relocated"},
    {"symbol", {{IMG_SYM(SYM_NULL, ST_SIZE), 8, 1}}, "symbol 0 is not all zero"},
    {"symbol", {{IMG_SYM(SYM_ALPHA, ST_NAME), 4, 0x1000}},
     "symbol 3: name 0x1000 is not inside DT_STRTAB (0x4c bytes)"},
    {"symbol", {{IMG_SYM(SYM_ALPHA, ST_OTHER), 1, STV_HIDDEN}},
     "symbol 3 (alpha) is hidden and yet exported"},
    {"symbol", {{IMG_SYM(SYM_ALPHA, ST_SHNDX), 2, 99}},
     "symbol 3 (alpha): section 99, there are 26"},
    {"symbol", {{IMG_SYM(SYM_ALPHA, ST_VALUE), 8, 0x1041}},
     "symbol 3 (alpha): 0x1041 is not inside section 14 (.text), 0x40 bytes at 0x1000"},
    {"symbol", {{IMG_SYM(SYM_TLS, ST_VALUE), 8, 0x10}},
     "symbol 2 (tls): 0x3010 is not inside section 15 (.tdata), 0x8 bytes at 0x3000"},
    {"symbol", {{IMG_SYM(SYM_DATA, ST_SIZE), 8, 0x100}},
     "symbol 5 (data): 0x100 bytes at 0x4000 are not inside a PT_LOAD"},
    {"symbol",
     {{IMG_SYM(SYM_DATA, ST_INFO), 1, STB_GLOBAL << 4},
      {IMG_SYM(SYM_DATA, ST_SIZE), 8, 0},
      {IMG_SYM(SYM_DATA, ST_VALUE), 8, 0x9000}},
     "symbol 5 (data): 0x9000 is not inside a PT_LOAD"},
    {"hash", {{IMG_HASH, 4, 0}}, "DT_HASH: no bucket: loaders divide by their number"},
    {"hash", {{IMG_HASH + 4, 4, 7}}, "DT_HASH: nchain is 7, there are 6 symbols"},
    {"hash", {{IMG_HASH + 4, 4, 0x1000}},
     "DT_HASH: 2 buckets and 4096 chain words at 0x2a8 are not inside a PT_LOAD"},
    {"hash", {{IMG_HASH + 12, 4, 0}}, "DT_HASH: symbol 2 (tls) is exported and not in the table"},
    {"hash", {{IMG_HASH + 8, 4, 6}}, "DT_HASH: bucket 0: symbol 6, there are 6"},
    {"hash", {{IMG_HASH + 16 + 4 * SYM_DATA, 4, SYM_DATA}},
     "DT_HASH: bucket 1: symbol 5 is in a chain for the second time"},
    {"hash", {{IMG_SYM(SYM_ALPHA, ST_NAME), 4, 2}},
     "DT_HASH: bucket 1: symbol 3 (xt) belongs to bucket 0"},
    {"gnu-hash", {{IMG_GNU_HASH, 4, 0}},
     "DT_GNU_HASH: 0 buckets, 1 bloom words, first symbol 2: allowed are 1 and up, a power of "
     "two, up to 6"},
    {"gnu-hash", {{IMG_GNU_HASH, 4, 0x1000}},
     "DT_GNU_HASH: table at 0x2d0 (1 bloom words, 4096 buckets) is not inside a segment"},
    {"gnu-hash", {{IMG_GNU_HASH + 8, 4, 3}},
     "DT_GNU_HASH: 2 buckets, 3 bloom words, first symbol 2: allowed are 1 and up, a power of "
     "two, up to 6"},
    {"gnu-hash", {{IMG_GNU_HASH + 16, 8, 0}},
     "DT_GNU_HASH: symbol 2 (tls) does not pass the bloom filter"},
    {"gnu-hash", {{IMG_GNU_HASH + 24, 4, SYM_ALPHA}},
     "DT_GNU_HASH: bucket 0 starts at symbol 3, not at 2 where the one before ends"},
    {"gnu-hash", {{IMG_GNU_HASH + 28, 4, 0}},
     "DT_GNU_HASH: symbol 3 (alpha) is exported and not in the table"},
    {"gnu-hash", {{IMG_GNU_HASH + 32, 4, 0xb88aeb8}},
     "DT_GNU_HASH: symbol 3 (alpha) is in bucket 0 and belongs to 1"},
    {"gnu-hash", {{IMG_GNU_HASH + 36, 4, 0x1234}},
     "DT_GNU_HASH: symbol 3 (alpha): hash 0x1235 in the chain, 0xf176c2b of the name"},
    {"gnu-hash", {{IMG_GNU_HASH + 44, 4, 0x7c95915e}},
     "DT_GNU_HASH: bucket 1: the chain does not end before symbol 6"},
    {"version", {{IMG_VERSYM + 2 * SYM_ALPHA, 2, 9}},
     "symbol 3 (alpha) has version 9, which no record has"},
    {"version", {{IMG_VERSYM + 2 * SYM_ALPHA, 2, 3}},
     "symbol 3 (alpha) has version 3, which is another file's, and the symbol is defined here"},
    {"version", {{IMG_VERSYM + 2 * SYM_EXT, 2, 2}},
     "symbol 1 (ext) has version 2, which this file defines, and the symbol is undefined"},
    {"version", {{IMG_VERDEF + 36, 4, 1}}, "DT_VERDEF 1: hash is 0x1, that of the name is 0x591"},
    {"version", {{IMG_VERDEF + 32, 2, 1}}, "DT_VERDEF 1: index 1 is already taken"},
    {"version", {{IMG_VERDEF + 16, 4, 0}}, "DT_VERDEF 0: the chain ends after 1 of 2 records"},
    {"version", {{IMG_VERDEF, 2, 2}},
     "DT_VERDEF 0: version 2, index 1, 1 names: allowed are 1, 1 and up, 1 and up"},
    {"version", {{IMG_VERNEED + 8, 4, 0x7fffffff}},
     "DT_VERNEED 0: record 0 at 0x7fffffff is not inside its segment"},
    {"version", {{IMG_VERNEED + 2, 2, 3}}, "DT_VERNEED 0: the chain ends after 2 of 3 records"},
    {"version", {{IMG_VERNEED + 4, 4, 0x1000}},
     "DT_VERNEED 0: file name at 0x1000 is not inside DT_STRTAB"},
    {"version", {{IMG_VERNEED + 4, 4, 1}}, "DT_VERNEED 0: ext is not in DT_NEEDED"},
    {"version", {{IMG_DYN(DYN_VERSYM), 8, 0x7fc}},
     "DT_VERSYM: 2 bytes for each of 6 symbols at 0x7fc are not inside a segment"},
    {"version", {{IMG_DYN_TAG(DYN_VERDEFNUM), 8, DT_DEBUG}}, "DT_VERDEF without its count"},
    {"reloc-place", {{IMG_RELA + 48, 8, 0x8000}},
     "RELA 2: the place 0x8000 is not inside a PT_LOAD"},
    {"reloc-place", {{IMG_RELA + 48, 8, 0x600}},
     "RELA 2: the place 0x600 is in segment 1, which is not writable, and there is no DT_TEXTREL"},
    {"reloc-place", {{IMG_JMPREL, 8, IMG_GOT_PLT + 20}},
     "JMPREL 0: the place 0x32d4 is not a multiple of 8"},
    {"reloc-place", {{IMG_RELR, 8, 0x4004}}, "RELR 0: the place 0x4004 is not a multiple of 8"},
    {"reloc-type", {{IMG_RELA + 8, 4, 9}},
     "RELA 0: no loader applies type 9 (R_X86_64_GOTPCREL) at 0x3008"},
    {"reloc-type", {{IMG_RELA + 8, 4, 0x1234}}, "RELA 0: no loader applies type 4660 at 0x3008"},
    {"reloc-symbol", {{IMG_RELA + 60, 4, 77}}, "RELA 2: symbol 77, there are 6"},
    {"reloc-symbol", {{IMG_RELA + 60, 4, 0}}, "RELA 2: type 6 without a symbol"},
    {"reloc-symbol", {{IMG_RELA + 12, 4, 1}}, "RELA 0: RELATIVE with symbol 1"},
    {"relative", {{IMG_RELA + 16, 8, 0x9000}},
     "RELA 0: 0x3008 gets the address 0x9000, outside of the image (0x0 to 0x4040)"},
    {"relative", {{IMG_RW(IMG_DATA + 16), 8, 0x9000}},
     "RELR 1: 0x4010 gets the address 0x9000, outside of the image (0x0 to 0x4040)"},
    {"relr", {{IMG_RELR, 8, 3}}, "DT_RELR 0: a bitmap before any place"},
    {"relr", {{IMG_RELR + 8, 8, IMG_DATA}},
     "DT_RELR 1: the place 0x4000 is below 0x4010, where the entries before have "
     "come to"},
    {"relr", {{IMG_VERNEED + 2, 2, 1}, {IMG_VERNEED + 28, 4, 0}},
     "DT_RELR without version GLIBC_ABI_DT_RELR of libc: glibc does not load this"},
    {"eh-frame", {{IMG_EH_FRAME + 8, 1, 9}},
     ".eh_frame: record at 0x590: CIE of version 9, not 1 or 3"},
    {"eh-frame", {{IMG_EH_FRAME + 15, 1, 0xff}},
     ".eh_frame: record at 0x590: CIE is cut off or has an unknown encoding"},
    {"eh-frame", {{IMG_EH_FRAME + 16, 1, 0x1f}}, ".eh_frame: record at 0x5a8: FDE is cut off"},
    {"eh-frame", {{IMG_EH_FRAME + 24, 4, 0x1000}},
     ".eh_frame: record at 0x5a8: 0x1000 bytes go past the end (0x4c)"},
    {"eh-frame", {{IMG_EH_FRAME + 24, 4, 2}},
     ".eh_frame: record at 0x5a8: 0x2 bytes are too few for a record"},
    {"eh-frame", {{IMG_EH_FRAME + 28, 4, 8}},
     ".eh_frame: record at 0x5a8: FDE refers to a CIE at 0x5a4, where none is"},
    {"eh-frame", {{IMG_EH_FRAME + 32, 4, 0x4000}},
     ".eh_frame: record at 0x5a8: FDE for 0x10 bytes at 0x45b0, which are not code"},
    {"eh-frame", {{IMG_EH_FRAME + 48, 4, 0}},
     ".eh_frame: 0x18 bytes behind the terminator are never read"},
    {"eh-frame-hdr", {{IMG_EH_FRAME_HDR, 1, 2}}, ".eh_frame_hdr: version 2, not 1"},
    {"eh-frame-hdr", {{IMG_EH_FRAME_HDR + 4, 4, 0x20}},
     ".eh_frame_hdr: leads to 0x594, .eh_frame is at 0x590"},
    {"eh-frame-hdr", {{IMG_EH_FRAME_HDR + 8, 4, 1}}, ".eh_frame_hdr: 1 entries for 2 FDEs"},
    {"eh-frame-hdr", {{IMG_EH_FRAME_HDR + 8, 4, 3}}, ".eh_frame_hdr: 3 entries for 2 FDEs"},
    {"eh-frame-hdr", {{IMG_EH_FRAME_HDR + 12, 4, 0x1020 - IMG_EH_FRAME_HDR}},
     ".eh_frame_hdr: entry 0: 0x1020 is not covered by its FDE, 0x10 bytes at 0x1000"},
    {"eh-frame-hdr", {{IMG_EH_FRAME_HDR + 16, 4, IMG_EH_FRAME - IMG_EH_FRAME_HDR}},
     ".eh_frame_hdr: entry 0: no FDE at 0x590"},
    {"eh-frame-hdr", {{IMG_EH_FRAME_HDR + 16, 4, IMG_EH_FRAME + 48 - IMG_EH_FRAME_HDR}},
     ".eh_frame_hdr: entry 0: 0x1000 is not covered by its FDE, 0x10 bytes at 0x1010"},
    {"section-place", {{IMG_SH(SEC_TEXT, S_ADDR), 8, 0x8000}},
     "section 14 (.text): 0x40 bytes at 0x8000 are not inside a PT_LOAD"},
    {"section-place", {{IMG_SH(SEC_TEXT, S_OFFSET), 8, 0x1010}},
     "section 14 (.text): offset 0x1010, segment 2 puts address 0x1000 at offset 0x1000"},
    {"section-place", {{IMG_SH(SEC_DATA, S_SIZE), 8, 0x30}},
     "section 21 (.data): has contents where segment 3 is zero-filled"},
    {"section-place", {{IMG_SH(SEC_TEXT, S_FLAGS), 8, SHF_ALLOC | SHF_WRITE}},
     "section 14 (.text): is writable, segment 2 is not"},
    {"section-place", {{IMG_SH(SEC_DATA, S_ALIGN), 8, 0x8000}},
     "section 21 (.data): 0x4000 is not a multiple of its alignment 0x8000"},
    {"section-overlap", {{IMG_SH(SEC_GOT, S_SIZE), 8, 0x28}},
     "section 20 (.got.plt) begins at address 0x32c0, inside section 19 (.got)"},
    {"section-overlap", {{IMG_SH(SEC_SYMTAB, S_OFFSET), 8, 0x3010}},
     "section 23 (.symtab) begins at offset 0x3010, inside section 21 (.data)"},
    {"section-link", {{IMG_SH(SEC_DYNSYM, S_LINK), 4, SEC_TEXT}},
     "section 4 (.dynsym): sh_link 14 is not a string table"},
    {"section-link", {{IMG_SH(SEC_RELA, S_LINK), 4, SEC_TEXT}},
     "section 9 (.rela.dyn): sh_link 14 is not a symbol table"},
    {"section-link", {{IMG_SH(SEC_RELA, S_INFO), 4, 99}},
     "section 9 (.rela.dyn): sh_info 99 is more than there are sections"},
    {"section-link", {{IMG_SH(SEC_DYNSYM, S_INFO), 4, 99}},
     "section 4 (.dynsym): sh_info 99 is more than there are symbols"},
    {"section-link", {{IMG_SH(SEC_DYNSYM, S_ENTSIZE), 8, 16}},
     "section 4 (.dynsym): sh_entsize is 16, not 24"},
    {"section-link", {{IMG_SH(SEC_SYMTAB, S_SIZE), 8, 70}},
     "section 23 (.symtab): 0x46 bytes, not a multiple of 24"},
    {"symtab", {{IMG_SH(SEC_SYMTAB, S_INFO), 4, 1}},
     ".symtab: symbol 1 is local, and sh_info says that the first global one is 1"},
    {"symtab", {{IMG_SYMTAB + 24 + ST_INFO, 1, STB_GLOBAL << 4}},
     ".symtab: symbol 1 is not local, and sh_info says that the first global one is 2"},
    {"symtab", {{IMG_SYMTAB + 24 + ST_NAME, 4, 99}},
     ".symtab: symbol 1: name 0x63 is not in the string table (0xd bytes)"},
    {"symtab", {{IMG_SYMTAB + 24 + ST_SHNDX, 2, 99}},
     ".symtab: symbol 1: section 99, there are 26"},
    {"symtab", {{IMG_SH(SEC_STRTAB, S_SIZE), 8, 12}},
     ".symtab: its string table does not end with NUL"},
};

/* The findings of one run, each as "RULE: TEXT\n". */
struct told {
    char text[16384];
    size_t used;
};

static void found(void *arg, const char *rule, const char *text)
{
    struct told *f = arg;
    int n = snprintf(f->text + f->used, sizeof f->text - f->used, "%s: %s\n", rule, text);

    f->used += (size_t)n;
    ck_assert_uint_lt(f->used, sizeof f->text);
}

/* Verify SIZE bytes at IMAGE, in a block of their own so that a sanitizer
   sees every read past the end. */
static uint64_t run(const uint8_t *image, size_t size, struct told *f, struct diag *d)
{
    struct verify_options o = {.found = found, .arg = f};
    struct arena a = {0};
    uint64_t count = 0;
    uint8_t *copy = malloc(size ? size : 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, image, size);
    *f = (struct told){0};
    *d = (struct diag){0};
    ck_assert(elf_verify(d, &a, (struct span){copy, size}, &o, &count) == (d->status == OK));
    arena_free(&a);
    free(copy);
    return count;
}

START_TEST(a_sound_image_has_no_findings)
{
    uint8_t image[IMG_SIZE];
    struct told f;
    struct diag d;

    make_elf_image(image);
    ck_assert_msg(run(image, sizeof image, &f, &d) == 0, "%s", f.text);
    ck_assert_str_eq(d.text, "");
}
END_TEST

START_TEST(a_broken_field_is_found)
{
    uint8_t image[IMG_SIZE];
    struct told f;
    struct diag d;
    char want[512];

    make_elf_image(image);
    for (const struct patch *p = cases[_i].patch; p->size > 0; p++)
        for (unsigned i = 0; i < p->size; i++)
            image[p->off + i] = (uint8_t)(p->value >> 8 * i);
    run(image, sizeof image, &f, &d);
    ck_assert_str_eq(d.text, "");
    snprintf(want, sizeof want, "%s: %s\n", cases[_i].rule, cases[_i].text);
    ck_assert_msg(strstr(f.text, want) != NULL, "case %d: no '%s' in:\n%s", _i, want, f.text);
}
END_TEST

START_TEST(every_rule_has_a_case)
{
    const char *says = NULL, *name = verify_rule(0, &says);

    for (unsigned i = 0; name; name = verify_rule(++i, &says)) {
        size_t c = 0;

        while (c < COUNT(cases) && strcmp(cases[c].rule, name) != 0)
            c++;
        /* Heaps are in test_verify_heap.c, engines in test_cache_read.c. */
        ck_assert_msg(c < COUNT(cases) || !strncmp(name, "heap-", 5) || !strncmp(name, "cache-", 6),
                      "rule %s has no case", name);
    }
}
END_TEST

/* Cut anywhere, it is a finding or an error, never a crash. */
START_TEST(a_cut_image_is_never_clean)
{
    uint8_t image[IMG_SIZE];
    struct told f;
    struct diag d;

    make_elf_image(image);
    for (size_t n = 0; n < sizeof image; n++)
        ck_assert_msg(run(image, n, &f, &d) > 0 || d.status != OK, "cut at %zu", n);
}
END_TEST

/* Any byte changed: no crash, and no more findings than are told. */
START_TEST(any_changed_byte_is_survived)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    uint8_t image[IMG_SIZE];
    struct told f;
    struct diag d;

    make_elf_image(image);
    for (size_t n = 0; n < sizeof image; n++) {
        uint8_t old = image[n];

        for (size_t v = 0; v < sizeof values; v++) {
            image[n] = values[v];
            run(image, sizeof image, &f, &d);
        }
        image[n] = old;
    }
}
END_TEST

START_TEST(what_is_no_image_is_refused)
{
    uint8_t image[IMG_SIZE];
    struct told f;
    struct diag d;

    make_elf_image(image);
    image[16] = ET_REL;
    ck_assert_uint_eq(run(image, sizeof image, &f, &d), 0);
    ck_assert_int_eq(d.status, E_UNSUPPORTED);
    ck_assert_str_eq(d.text, "only linked images have these rules, and this is a relocatable "
                             "object (e_type 1)");
    image[0] = 'x';
    ck_assert_uint_eq(run(image, sizeof image, &f, &d), 0);
    ck_assert_int_eq(d.status, E_UNKNOWN);
}
END_TEST

/* Every allocation that fails is said, and nothing else happens. */
START_TEST(without_memory_it_says_so)
{
    uint8_t image[IMG_SIZE];
    bool done = false;

    make_elf_image(image);
    for (uint64_t n = 1; !done; n++) {
        struct told f = {0};
        struct verify_options o = {.found = found, .arg = &f};
        struct arena a = {.fail_after = n};
        struct diag d = {0};
        uint64_t count = 0;

        done = elf_verify(&d, &a, (struct span){image, sizeof image}, &o, &count);
        ck_assert(done == (d.status == OK));
        ck_assert(done || d.status == E_NOMEM);
        arena_free(&a);
        ck_assert_uint_lt(n, 1000);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("verify");
    TCase *t = tcase_create("verify");
    SRunner *r = srunner_create(s);
    int failed = 0;

    tcase_set_timeout(t, 300);
    tcase_add_test(t, a_sound_image_has_no_findings);
    tcase_add_loop_test(t, a_broken_field_is_found, 0, COUNT(cases));
    tcase_add_test(t, every_rule_has_a_case);
    tcase_add_test(t, a_cut_image_is_never_clean);
    tcase_add_test(t, any_changed_byte_is_survived);
    tcase_add_test(t, what_is_no_image_is_refused);
    tcase_add_test(t, without_memory_it_says_so);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
