/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rel_x86_64.c - x86-64 as ELF numbers it (AMD64 psABI, 4.4 "Relocation").
 *
 * L is the PLT entry or the symbol itself, whichever a branch should reach.
 * GOTPLT64 is GOT64 that may share the PLT's slot; it need not. */

#include "machine.h"

#include "elf.h"

#define ROW(NAME, WHAT, FROM, FIELD) .name = NAME, .what = WHAT, .from = FROM, .field = FIELD

/* clang-format off */
static const struct reloc_type rows[] = {
    [0] = {.name = "R_X86_64_NONE", .what = WHAT_NONE},
    [1] = {ROW("R_X86_64_64", WHAT_SYMBOL, FROM_ZERO, &data64)},
    [2] = {ROW("R_X86_64_PC32", WHAT_SYMBOL, FROM_PLACE, &sdata32)},
    [3] = {ROW("R_X86_64_GOT32", WHAT_GOT, FROM_GOT, &sdata32)},
    [4] = {ROW("R_X86_64_PLT32", WHAT_PLT, FROM_PLACE, &sdata32)},
    [5] = {.name = "R_X86_64_COPY", .what = WHAT_DYNAMIC},
    [6] = {.name = "R_X86_64_GLOB_DAT", .what = WHAT_DYNAMIC},
    [7] = {.name = "R_X86_64_JUMP_SLOT", .what = WHAT_DYNAMIC},
    [8] = {.name = "R_X86_64_RELATIVE", .what = WHAT_DYNAMIC},
    [9] = {ROW("R_X86_64_GOTPCREL", WHAT_GOT, FROM_PLACE, &sdata32)},
    [10] = {ROW("R_X86_64_32", WHAT_SYMBOL, FROM_ZERO, &udata32)},
    [11] = {ROW("R_X86_64_32S", WHAT_SYMBOL, FROM_ZERO, &sdata32)},
    [12] = {ROW("R_X86_64_16", WHAT_SYMBOL, FROM_ZERO, &data16)},
    [13] = {ROW("R_X86_64_PC16", WHAT_SYMBOL, FROM_PLACE, &sdata16)},
    [14] = {ROW("R_X86_64_8", WHAT_SYMBOL, FROM_ZERO, &data8)},
    [15] = {ROW("R_X86_64_PC8", WHAT_SYMBOL, FROM_PLACE, &sdata8)},
    [16] = {.name = "R_X86_64_DTPMOD64", .what = WHAT_DYNAMIC},
    [17] = {ROW("R_X86_64_DTPOFF64", WHAT_DTPREL, FROM_ZERO, &data64)},
    [18] = {ROW("R_X86_64_TPOFF64", WHAT_TPREL, FROM_ZERO, &data64)},
    [19] = {ROW("R_X86_64_TLSGD", WHAT_TLSGD, FROM_PLACE, &sdata32)},
    [20] = {ROW("R_X86_64_TLSLD", WHAT_TLSLD, FROM_PLACE, &sdata32)},
    [21] = {ROW("R_X86_64_DTPOFF32", WHAT_DTPREL, FROM_ZERO, &sdata32)},
    [22] = {ROW("R_X86_64_GOTTPOFF", WHAT_TLSIE, FROM_PLACE, &sdata32)},
    [23] = {ROW("R_X86_64_TPOFF32", WHAT_TPREL, FROM_ZERO, &sdata32)},
    [24] = {ROW("R_X86_64_PC64", WHAT_SYMBOL, FROM_PLACE, &data64)},
    [25] = {ROW("R_X86_64_GOTOFF64", WHAT_SYMBOL, FROM_GOT, &data64)},
    [26] = {ROW("R_X86_64_GOTPC32", WHAT_GOTBASE, FROM_PLACE, &sdata32)},
    [27] = {ROW("R_X86_64_GOT64", WHAT_GOT, FROM_GOT, &data64)},
    [28] = {ROW("R_X86_64_GOTPCREL64", WHAT_GOT, FROM_PLACE, &data64)},
    [29] = {ROW("R_X86_64_GOTPC64", WHAT_GOTBASE, FROM_PLACE, &data64)},
    [30] = {ROW("R_X86_64_GOTPLT64", WHAT_GOT, FROM_GOT, &data64)},
    [31] = {ROW("R_X86_64_PLTOFF64", WHAT_PLT, FROM_GOT, &data64)},
    [32] = {ROW("R_X86_64_SIZE32", WHAT_SIZE, FROM_ZERO, &udata32)},
    [33] = {ROW("R_X86_64_SIZE64", WHAT_SIZE, FROM_ZERO, &data64)},
    [34] = {ROW("R_X86_64_GOTPC32_TLSDESC", WHAT_TLSDESC, FROM_PLACE, &sdata32)},
    [35] = {.name = "R_X86_64_TLSDESC_CALL", .what = WHAT_TLSMARK},
    [36] = {.name = "R_X86_64_TLSDESC", .what = WHAT_DYNAMIC},
    [37] = {.name = "R_X86_64_IRELATIVE", .what = WHAT_DYNAMIC},
    [38] = {.name = "R_X86_64_RELATIVE64", .what = WHAT_DYNAMIC},
    [39] = {ROW("R_X86_64_PC32_BND", WHAT_SYMBOL, FROM_PLACE, &sdata32)},
    [40] = {ROW("R_X86_64_PLT32_BND", WHAT_PLT, FROM_PLACE, &sdata32)},
    [41] = {ROW("R_X86_64_GOTPCRELX", WHAT_GOT, FROM_PLACE,
                &sdata32), .relax = X86_RELAX_MOV_CALL_JMP},
    [42] = {ROW("R_X86_64_REX_GOTPCRELX", WHAT_GOT, FROM_PLACE,
                &sdata32), .relax = X86_RELAX_REX_MOV},
    [43] = {ROW("R_X86_64_CODE_4_GOTPCRELX", WHAT_GOT, FROM_PLACE, &sdata32)},
    [44] = {ROW("R_X86_64_CODE_4_GOTTPOFF", WHAT_TLSIE, FROM_PLACE, &sdata32)},
    [45] = {ROW("R_X86_64_CODE_4_GOTPC32_TLSDESC", WHAT_TLSDESC, FROM_PLACE, &sdata32)},
    [46] = {ROW("R_X86_64_CODE_5_GOTPCRELX", WHAT_GOT, FROM_PLACE, &sdata32)},
    [47] = {ROW("R_X86_64_CODE_5_GOTTPOFF", WHAT_TLSIE, FROM_PLACE, &sdata32)},
    [48] = {ROW("R_X86_64_CODE_5_GOTPC32_TLSDESC", WHAT_TLSDESC, FROM_PLACE, &sdata32)},
    [49] = {ROW("R_X86_64_CODE_6_GOTPCRELX", WHAT_GOT, FROM_PLACE, &sdata32)},
    [50] = {ROW("R_X86_64_CODE_6_GOTTPOFF", WHAT_TLSIE, FROM_PLACE, &sdata32)},
    [51] = {ROW("R_X86_64_CODE_6_GOTPC32_TLSDESC", WHAT_TLSDESC, FROM_PLACE, &sdata32)},
};

static const struct reloc_range ranges[] = {
    {0, sizeof rows / sizeof *rows, rows},
    {.count = 0},
};

/* GNU_PROPERTY_X86_FEATURE_1_AND */
static const char *const features[] = {"IBT", "SHSTK", "LAM_U48", "LAM_U57", NULL};

const struct elf_machine elf_x86_64 = {
    .number = EM_X86_64,
    .arch = &arch_x86_64,
    .rows = ranges,
    .relative = 8, .glob_dat = 6, .jump_slot = 7, .abs = 1, .irelative = 37, .pc64 = 24,
    .dtpmod = 16, .dtpoff = 17, .tpoff = 18, .tlsdesc = 36,
    .got_is_gotplt = true,
    .feature_and = 0xc0000002,
    .feature_names = features,
    .finalize = {
        {7, 2, -4, false}, /* PC32 */
        {14, 9, -4, true}, /* GOTPCREL */
    },
};
/* clang-format on */
