/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rel_aarch64.c - AArch64 as ELF numbers it (ELF for the Arm 64-bit
 * Architecture, 5.7 "Relocation").
 *
 * _NC: no check.  GOT is the start of .got.  All branches may be led through a
 * PLT entry; where it is too far away, the range check says so. */

#include "machine.h"

#include "arch/aarch64.h"
#include "elf.h"

#define ROW(NAME, WHAT, FROM, FIELD) .name = NAME, .what = WHAT, .from = FROM, .field = FIELD

/* clang-format off */
static const struct reloc_type none[] = {{.name = "R_AARCH64_NONE", .what = WHAT_NONE}};

static const struct reloc_type plain[] = {
    [256 - 256] = {.name = "R_AARCH64_NONE", .what = WHAT_NONE}, /* its number in old drafts */
    [257 - 256] = {ROW("R_AARCH64_ABS64", WHAT_SYMBOL, FROM_ZERO, &data64)},
    [258 - 256] = {ROW("R_AARCH64_ABS32", WHAT_SYMBOL, FROM_ZERO, &data32)},
    [259 - 256] = {ROW("R_AARCH64_ABS16", WHAT_SYMBOL, FROM_ZERO, &data16)},
    [260 - 256] = {ROW("R_AARCH64_PREL64", WHAT_SYMBOL, FROM_PLACE, &data64)},
    [261 - 256] = {ROW("R_AARCH64_PREL32", WHAT_SYMBOL, FROM_PLACE, &sdata32)},
    [262 - 256] = {ROW("R_AARCH64_PREL16", WHAT_SYMBOL, FROM_PLACE, &sdata16)},
    [263 - 256] = {ROW("R_AARCH64_MOVW_UABS_G0", WHAT_SYMBOL, FROM_ZERO, &a64_movw_u0)},
    [264 - 256] = {ROW("R_AARCH64_MOVW_UABS_G0_NC", WHAT_SYMBOL, FROM_ZERO, &a64_movw_0)},
    [265 - 256] = {ROW("R_AARCH64_MOVW_UABS_G1", WHAT_SYMBOL, FROM_ZERO, &a64_movw_u1)},
    [266 - 256] = {ROW("R_AARCH64_MOVW_UABS_G1_NC", WHAT_SYMBOL, FROM_ZERO, &a64_movw_1)},
    [267 - 256] = {ROW("R_AARCH64_MOVW_UABS_G2", WHAT_SYMBOL, FROM_ZERO, &a64_movw_u2)},
    [268 - 256] = {ROW("R_AARCH64_MOVW_UABS_G2_NC", WHAT_SYMBOL, FROM_ZERO, &a64_movw_2)},
    [269 - 256] = {ROW("R_AARCH64_MOVW_UABS_G3", WHAT_SYMBOL, FROM_ZERO, &a64_movw_3)},
    [270 - 256] = {ROW("R_AARCH64_MOVW_SABS_G0", WHAT_SYMBOL, FROM_ZERO, &a64_movw_s0)},
    [271 - 256] = {ROW("R_AARCH64_MOVW_SABS_G1", WHAT_SYMBOL, FROM_ZERO, &a64_movw_s1)},
    [272 - 256] = {ROW("R_AARCH64_MOVW_SABS_G2", WHAT_SYMBOL, FROM_ZERO, &a64_movw_s2)},
    [273 - 256] = {ROW("R_AARCH64_LD_PREL_LO19", WHAT_SYMBOL, FROM_PLACE, &a64_load19)},
    [274 - 256] = {ROW("R_AARCH64_ADR_PREL_LO21", WHAT_SYMBOL, FROM_PLACE, &a64_adr)},
    [275 - 256] = {ROW("R_AARCH64_ADR_PREL_PG_HI21", WHAT_SYMBOL, FROM_PAGE, &a64_adrp)},
    [276 - 256] = {ROW("R_AARCH64_ADR_PREL_PG_HI21_NC", WHAT_SYMBOL, FROM_PAGE, &a64_adrp_any)},
    [277 - 256] = {ROW("R_AARCH64_ADD_ABS_LO12_NC", WHAT_SYMBOL, FROM_ZERO, &a64_add12)},
    [278 - 256] = {ROW("R_AARCH64_LDST8_ABS_LO12_NC", WHAT_SYMBOL, FROM_ZERO, &a64_ldst8)},
    [279 - 256] = {ROW("R_AARCH64_TSTBR14", WHAT_PLT, FROM_PLACE, &a64_branch14)},
    [280 - 256] = {ROW("R_AARCH64_CONDBR19", WHAT_PLT, FROM_PLACE, &a64_branch19)},
    [282 - 256] = {ROW("R_AARCH64_JUMP26", WHAT_PLT, FROM_PLACE, &a64_branch26)},
    [283 - 256] = {ROW("R_AARCH64_CALL26", WHAT_PLT, FROM_PLACE, &a64_branch26)},
    [284 - 256] = {ROW("R_AARCH64_LDST16_ABS_LO12_NC", WHAT_SYMBOL, FROM_ZERO, &a64_ldst16)},
    [285 - 256] = {ROW("R_AARCH64_LDST32_ABS_LO12_NC", WHAT_SYMBOL, FROM_ZERO, &a64_ldst32)},
    [286 - 256] = {ROW("R_AARCH64_LDST64_ABS_LO12_NC", WHAT_SYMBOL, FROM_ZERO, &a64_ldst64)},
    [287 - 256] = {ROW("R_AARCH64_MOVW_PREL_G0", WHAT_SYMBOL, FROM_PLACE, &a64_movw_s0)},
    [288 - 256] = {ROW("R_AARCH64_MOVW_PREL_G0_NC", WHAT_SYMBOL, FROM_PLACE, &a64_movw_0)},
    [289 - 256] = {ROW("R_AARCH64_MOVW_PREL_G1", WHAT_SYMBOL, FROM_PLACE, &a64_movw_s1)},
    [290 - 256] = {ROW("R_AARCH64_MOVW_PREL_G1_NC", WHAT_SYMBOL, FROM_PLACE, &a64_movw_1)},
    [291 - 256] = {ROW("R_AARCH64_MOVW_PREL_G2", WHAT_SYMBOL, FROM_PLACE, &a64_movw_s2)},
    [292 - 256] = {ROW("R_AARCH64_MOVW_PREL_G2_NC", WHAT_SYMBOL, FROM_PLACE, &a64_movw_2)},
    [293 - 256] = {ROW("R_AARCH64_MOVW_PREL_G3", WHAT_SYMBOL, FROM_PLACE, &a64_movw_s3)},
    [299 - 256] = {ROW("R_AARCH64_LDST128_ABS_LO12_NC", WHAT_SYMBOL, FROM_ZERO, &a64_ldst128)},
    [300 - 256] = {ROW("R_AARCH64_MOVW_GOTOFF_G0", WHAT_GOT, FROM_GOT, &a64_movw_s0)},
    [301 - 256] = {ROW("R_AARCH64_MOVW_GOTOFF_G0_NC", WHAT_GOT, FROM_GOT, &a64_movw_0)},
    [302 - 256] = {ROW("R_AARCH64_MOVW_GOTOFF_G1", WHAT_GOT, FROM_GOT, &a64_movw_s1)},
    [303 - 256] = {ROW("R_AARCH64_MOVW_GOTOFF_G1_NC", WHAT_GOT, FROM_GOT, &a64_movw_1)},
    [304 - 256] = {ROW("R_AARCH64_MOVW_GOTOFF_G2", WHAT_GOT, FROM_GOT, &a64_movw_s2)},
    [305 - 256] = {ROW("R_AARCH64_MOVW_GOTOFF_G2_NC", WHAT_GOT, FROM_GOT, &a64_movw_2)},
    [306 - 256] = {ROW("R_AARCH64_MOVW_GOTOFF_G3", WHAT_GOT, FROM_GOT, &a64_movw_s3)},
    [307 - 256] = {ROW("R_AARCH64_GOTREL64", WHAT_SYMBOL, FROM_GOT, &data64)},
    [308 - 256] = {ROW("R_AARCH64_GOTREL32", WHAT_SYMBOL, FROM_GOT, &sdata32)},
    [309 - 256] = {ROW("R_AARCH64_GOT_LD_PREL19", WHAT_GOT, FROM_PLACE, &a64_load19)},
    [310 - 256] = {ROW("R_AARCH64_LD64_GOTOFF_LO15", WHAT_GOT, FROM_GOT, &a64_ldst64_15)},
    [311 - 256] = {ROW("R_AARCH64_ADR_GOT_PAGE", WHAT_GOT, FROM_PAGE, &a64_adrp)},
    [312 - 256] = {ROW("R_AARCH64_LD64_GOT_LO12_NC", WHAT_GOT, FROM_ZERO, &a64_ldst64)},
    [313 - 256] = {ROW("R_AARCH64_LD64_GOTPAGE_LO15", WHAT_GOT, FROM_GOTPAGE, &a64_ldst64_15)},
    [314 - 256] = {ROW("R_AARCH64_PLT32", WHAT_PLT, FROM_PLACE, &sdata32)},
    [315 - 256] = {ROW("R_AARCH64_GOTPCREL32", WHAT_GOT, FROM_PLACE, &sdata32)},
};

static const struct reloc_type tls[] = {
    [512 - 512] = {ROW("R_AARCH64_TLSGD_ADR_PREL21", WHAT_TLSGD, FROM_PLACE, &a64_adr)},
    [513 - 512] = {ROW("R_AARCH64_TLSGD_ADR_PAGE21", WHAT_TLSGD, FROM_PAGE, &a64_adrp)},
    [514 - 512] = {ROW("R_AARCH64_TLSGD_ADD_LO12_NC", WHAT_TLSGD, FROM_ZERO, &a64_add12)},
    [515 - 512] = {ROW("R_AARCH64_TLSGD_MOVW_G1", WHAT_TLSGD, FROM_GOT, &a64_movw_s1)},
    [516 - 512] = {ROW("R_AARCH64_TLSGD_MOVW_G0_NC", WHAT_TLSGD, FROM_GOT, &a64_movw_0)},
    [517 - 512] = {ROW("R_AARCH64_TLSLD_ADR_PREL21", WHAT_TLSLD, FROM_PLACE, &a64_adr)},
    [518 - 512] = {ROW("R_AARCH64_TLSLD_ADR_PAGE21", WHAT_TLSLD, FROM_PAGE, &a64_adrp)},
    [519 - 512] = {ROW("R_AARCH64_TLSLD_ADD_LO12_NC", WHAT_TLSLD, FROM_ZERO, &a64_add12)},
    [520 - 512] = {ROW("R_AARCH64_TLSLD_MOVW_G1", WHAT_TLSLD, FROM_GOT, &a64_movw_s1)},
    [521 - 512] = {ROW("R_AARCH64_TLSLD_MOVW_G0_NC", WHAT_TLSLD, FROM_GOT, &a64_movw_0)},
    [522 - 512] = {ROW("R_AARCH64_TLSLD_LD_PREL19", WHAT_TLSLD, FROM_PLACE, &a64_load19)},
    [523 - 512] = {ROW("R_AARCH64_TLSLD_MOVW_DTPREL_G2", WHAT_DTPREL, FROM_ZERO, &a64_movw_s2)},
    [524 - 512] = {ROW("R_AARCH64_TLSLD_MOVW_DTPREL_G1", WHAT_DTPREL, FROM_ZERO, &a64_movw_s1)},
    [525 - 512] = {ROW("R_AARCH64_TLSLD_MOVW_DTPREL_G1_NC", WHAT_DTPREL, FROM_ZERO, &a64_movw_1)},
    [526 - 512] = {ROW("R_AARCH64_TLSLD_MOVW_DTPREL_G0", WHAT_DTPREL, FROM_ZERO, &a64_movw_s0)},
    [527 - 512] = {ROW("R_AARCH64_TLSLD_MOVW_DTPREL_G0_NC", WHAT_DTPREL, FROM_ZERO, &a64_movw_0)},
    [528 - 512] = {ROW("R_AARCH64_TLSLD_ADD_DTPREL_HI12", WHAT_DTPREL, FROM_ZERO, &a64_add24_high)},
    [529 - 512] = {ROW("R_AARCH64_TLSLD_ADD_DTPREL_LO12", WHAT_DTPREL, FROM_ZERO,
                       &a64_add12_checked)},
    [530 - 512] = {ROW("R_AARCH64_TLSLD_ADD_DTPREL_LO12_NC", WHAT_DTPREL, FROM_ZERO, &a64_add12)},
    [531 - 512] = {ROW("R_AARCH64_TLSLD_LDST8_DTPREL_LO12", WHAT_DTPREL, FROM_ZERO,
                       &a64_ldst8_checked)},
    [532 - 512] = {ROW("R_AARCH64_TLSLD_LDST8_DTPREL_LO12_NC", WHAT_DTPREL, FROM_ZERO, &a64_ldst8)},
    [533 - 512] = {ROW("R_AARCH64_TLSLD_LDST16_DTPREL_LO12", WHAT_DTPREL, FROM_ZERO,
                       &a64_ldst16_checked)},
    [534 - 512] = {ROW("R_AARCH64_TLSLD_LDST16_DTPREL_LO12_NC", WHAT_DTPREL, FROM_ZERO,
                       &a64_ldst16)},
    [535 - 512] = {ROW("R_AARCH64_TLSLD_LDST32_DTPREL_LO12", WHAT_DTPREL, FROM_ZERO,
                       &a64_ldst32_checked)},
    [536 - 512] = {ROW("R_AARCH64_TLSLD_LDST32_DTPREL_LO12_NC", WHAT_DTPREL, FROM_ZERO,
                       &a64_ldst32)},
    [537 - 512] = {ROW("R_AARCH64_TLSLD_LDST64_DTPREL_LO12", WHAT_DTPREL, FROM_ZERO,
                       &a64_ldst64_checked)},
    [538 - 512] = {ROW("R_AARCH64_TLSLD_LDST64_DTPREL_LO12_NC", WHAT_DTPREL, FROM_ZERO,
                       &a64_ldst64)},
    [539 - 512] = {ROW("R_AARCH64_TLSIE_MOVW_GOTTPREL_G1", WHAT_TLSIE, FROM_GOT, &a64_movw_s1)},
    [540 - 512] = {ROW("R_AARCH64_TLSIE_MOVW_GOTTPREL_G0_NC", WHAT_TLSIE, FROM_GOT, &a64_movw_0)},
    [541 - 512] = {ROW("R_AARCH64_TLSIE_ADR_GOTTPREL_PAGE21", WHAT_TLSIE, FROM_PAGE, &a64_adrp)},
    [542 - 512] = {ROW("R_AARCH64_TLSIE_LD64_GOTTPREL_LO12_NC", WHAT_TLSIE, FROM_ZERO,
                       &a64_ldst64)},
    [543 - 512] = {ROW("R_AARCH64_TLSIE_LD_GOTTPREL_PREL19", WHAT_TLSIE, FROM_PLACE, &a64_load19)},
    [544 - 512] = {ROW("R_AARCH64_TLSLE_MOVW_TPREL_G2", WHAT_TPREL, FROM_ZERO, &a64_movw_s2)},
    [545 - 512] = {ROW("R_AARCH64_TLSLE_MOVW_TPREL_G1", WHAT_TPREL, FROM_ZERO, &a64_movw_s1)},
    [546 - 512] = {ROW("R_AARCH64_TLSLE_MOVW_TPREL_G1_NC", WHAT_TPREL, FROM_ZERO, &a64_movw_1)},
    [547 - 512] = {ROW("R_AARCH64_TLSLE_MOVW_TPREL_G0", WHAT_TPREL, FROM_ZERO, &a64_movw_s0)},
    [548 - 512] = {ROW("R_AARCH64_TLSLE_MOVW_TPREL_G0_NC", WHAT_TPREL, FROM_ZERO, &a64_movw_0)},
    [549 - 512] = {ROW("R_AARCH64_TLSLE_ADD_TPREL_HI12", WHAT_TPREL, FROM_ZERO, &a64_add24_high)},
    [550 - 512] = {ROW("R_AARCH64_TLSLE_ADD_TPREL_LO12", WHAT_TPREL, FROM_ZERO,
                       &a64_add12_checked)},
    [551 - 512] = {ROW("R_AARCH64_TLSLE_ADD_TPREL_LO12_NC", WHAT_TPREL, FROM_ZERO, &a64_add12)},
    [552 - 512] = {ROW("R_AARCH64_TLSLE_LDST8_TPREL_LO12", WHAT_TPREL, FROM_ZERO,
                       &a64_ldst8_checked)},
    [553 - 512] = {ROW("R_AARCH64_TLSLE_LDST8_TPREL_LO12_NC", WHAT_TPREL, FROM_ZERO, &a64_ldst8)},
    [554 - 512] = {ROW("R_AARCH64_TLSLE_LDST16_TPREL_LO12", WHAT_TPREL, FROM_ZERO,
                       &a64_ldst16_checked)},
    [555 - 512] = {ROW("R_AARCH64_TLSLE_LDST16_TPREL_LO12_NC", WHAT_TPREL, FROM_ZERO, &a64_ldst16)},
    [556 - 512] = {ROW("R_AARCH64_TLSLE_LDST32_TPREL_LO12", WHAT_TPREL, FROM_ZERO,
                       &a64_ldst32_checked)},
    [557 - 512] = {ROW("R_AARCH64_TLSLE_LDST32_TPREL_LO12_NC", WHAT_TPREL, FROM_ZERO, &a64_ldst32)},
    [558 - 512] = {ROW("R_AARCH64_TLSLE_LDST64_TPREL_LO12", WHAT_TPREL, FROM_ZERO,
                       &a64_ldst64_checked)},
    [559 - 512] = {ROW("R_AARCH64_TLSLE_LDST64_TPREL_LO12_NC", WHAT_TPREL, FROM_ZERO, &a64_ldst64)},
    [560 - 512] = {ROW("R_AARCH64_TLSDESC_LD_PREL19", WHAT_TLSDESC, FROM_PLACE, &a64_load19)},
    [561 - 512] = {ROW("R_AARCH64_TLSDESC_ADR_PREL21", WHAT_TLSDESC, FROM_PLACE, &a64_adr)},
    [562 - 512] = {ROW("R_AARCH64_TLSDESC_ADR_PAGE21", WHAT_TLSDESC, FROM_PAGE, &a64_adrp)},
    [563 - 512] = {ROW("R_AARCH64_TLSDESC_LD64_LO12", WHAT_TLSDESC, FROM_ZERO, &a64_ldst64)},
    [564 - 512] = {ROW("R_AARCH64_TLSDESC_ADD_LO12", WHAT_TLSDESC, FROM_ZERO, &a64_add12)},
    [565 - 512] = {ROW("R_AARCH64_TLSDESC_OFF_G1", WHAT_TLSDESC, FROM_GOT, &a64_movw_s1)},
    [566 - 512] = {ROW("R_AARCH64_TLSDESC_OFF_G0_NC", WHAT_TLSDESC, FROM_GOT, &a64_movw_0)},
    [567 - 512] = {.name = "R_AARCH64_TLSDESC_LDR", .what = WHAT_TLSMARK},
    [568 - 512] = {.name = "R_AARCH64_TLSDESC_ADD", .what = WHAT_TLSMARK},
    [569 - 512] = {.name = "R_AARCH64_TLSDESC_CALL", .what = WHAT_TLSMARK},
    [570 - 512] = {ROW("R_AARCH64_TLSLE_LDST128_TPREL_LO12", WHAT_TPREL, FROM_ZERO,
                       &a64_ldst128_checked)},
    [571 - 512] = {ROW("R_AARCH64_TLSLE_LDST128_TPREL_LO12_NC", WHAT_TPREL, FROM_ZERO,
                       &a64_ldst128)},
    [572 - 512] = {ROW("R_AARCH64_TLSLD_LDST128_DTPREL_LO12", WHAT_DTPREL, FROM_ZERO,
                       &a64_ldst128_checked)},
    [573 - 512] = {ROW("R_AARCH64_TLSLD_LDST128_DTPREL_LO12_NC", WHAT_DTPREL, FROM_ZERO,
                       &a64_ldst128)},
};

static const struct reloc_type dynamic[] = {
    [1024 - 1024] = {.name = "R_AARCH64_COPY", .what = WHAT_DYNAMIC},
    [1025 - 1024] = {.name = "R_AARCH64_GLOB_DAT", .what = WHAT_DYNAMIC},
    [1026 - 1024] = {.name = "R_AARCH64_JUMP_SLOT", .what = WHAT_DYNAMIC},
    [1027 - 1024] = {.name = "R_AARCH64_RELATIVE", .what = WHAT_DYNAMIC},
    [1028 - 1024] = {.name = "R_AARCH64_TLS_DTPMOD", .what = WHAT_DYNAMIC},
    /* Also for debug information in object files. */
    [1029 - 1024] = {ROW("R_AARCH64_TLS_DTPREL", WHAT_DTPREL, FROM_ZERO, &data64)},
    [1030 - 1024] = {.name = "R_AARCH64_TLS_TPREL", .what = WHAT_DYNAMIC},
    [1031 - 1024] = {.name = "R_AARCH64_TLSDESC", .what = WHAT_DYNAMIC},
    [1032 - 1024] = {.name = "R_AARCH64_IRELATIVE", .what = WHAT_DYNAMIC},
};

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

static const struct reloc_range ranges[] = {
    {256, COUNT(plain), plain},
    {512, COUNT(tls), tls},
    {1024, COUNT(dynamic), dynamic},
    {0, COUNT(none), none},
    {.count = 0},
};

/* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
static const char *const features[] = {"BTI", "PAC", "GCS", NULL};

const struct elf_machine elf_aarch64 = {
    .number = EM_AARCH64,
    .arch = &arch_aarch64,
    .rows = ranges,
    .relative = 1027, .glob_dat = 1025, .jump_slot = 1026, .abs = 257, .irelative = 1032, .pc64 = 260,
    .dtpmod = 1028, .dtpoff = 1029, .tpoff = 1030, .tlsdesc = 1031,
    .got_is_gotplt = false,
    .feature_and = 0xc0000000,
    .feature_names = features,
    .finalize = {
        {4, 275, 0, false}, /* ADR_PREL_PG_HI21 */
        {8, 277, 0, false}, /* ADD_ABS_LO12_NC */
        {12, 311, 0, true}, /* ADR_GOT_PAGE */
        {16, 312, 0, true}, /* LD64_GOT_LO12_NC */
    },
};
/* clang-format on */
