/* SPDX-License-Identifier: GPL-3.0-or-later */
/* aarch64.h - the fields of AArch64 instructions (Arm ARM, C6.2). */

#ifndef ARCH_AARCH64_H
#define ARCH_AARCH64_H

#include "obj/reloc.h"

/* Branches and PC-relative loads count words; ADR and ADRP split their
   number in two. */
extern const struct field a64_branch14, a64_branch19, a64_branch26;
extern const struct field a64_load19, a64_adr, a64_adrp, a64_adrp_any;

/* The immediate of ADD: bits 11..0, unchecked or checked; bits 23..12. */
extern const struct field a64_add12, a64_add12_checked, a64_add24_high;

/* The scaled offset of a load or store of 8, 16, ... 128 bits; the same,
   checked; and those that reach 32 KiB from the GOT or its page. */
extern const struct field a64_ldst8, a64_ldst16, a64_ldst32, a64_ldst64, a64_ldst128;
extern const struct field a64_ldst8_checked, a64_ldst16_checked, a64_ldst32_checked;
extern const struct field a64_ldst64_checked, a64_ldst128_checked;
extern const struct field a64_ldst64_15;

/* 16 bits at 0, 16, 32, 48 of an unsigned value, checked to hold all of it
   with those below, or not (MOVZ, MOVK). */
extern const struct field a64_movw_u0, a64_movw_u1, a64_movw_u2;
extern const struct field a64_movw_0, a64_movw_1, a64_movw_2, a64_movw_3;

/* The same of a signed value: becomes MOVZ, or MOVN of the complement. */
extern const struct field a64_movw_s0, a64_movw_s1, a64_movw_s2, a64_movw_s3;

#endif
