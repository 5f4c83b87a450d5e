/* SPDX-License-Identifier: GPL-3.0-or-later */
/* aarch64.c - fields of AArch64 instructions, and stubs.
 *
 * Stubs use x16 and x17, which any call may change, and jump through them:
 * that is how a BTI "c" landing pad tells a tail call from a stray branch. */

#include "aarch64.h"

#include "arch.h"

#define INSN(NAME, BITS, ALIGN, RANGE)                                                             \
    .name = NAME, .bytes = 4, .insn = true, .bits = BITS, .align = ALIGN, .range = RANGE

const struct field a64_branch14 = {INSN("16-bit branch", 16, 2, SIGNED), .piece = {{2, 14, 5}}};
const struct field a64_branch19 = {INSN("21-bit branch", 21, 2, SIGNED), .piece = {{2, 19, 5}}};
const struct field a64_branch26 = {INSN("28-bit branch", 28, 2, SIGNED), .piece = {{2, 26, 0}}};
const struct field a64_load19 = {INSN("21-bit load", 21, 2, SIGNED), .piece = {{2, 19, 5}}};
const struct field a64_adr = {INSN("21-bit address", 21, 0, SIGNED),
                              .piece = {{0, 2, 29}, {2, 19, 5}}};
const struct field a64_adrp = {INSN("33-bit page", 33, 12, SIGNED),
                               .piece = {{12, 2, 29}, {14, 19, 5}}};
const struct field a64_adrp_any = {INSN("page", 33, 12, ANY), .piece = {{12, 2, 29}, {14, 19, 5}}};

const struct field a64_add12 = {INSN("12-bit immediate", 12, 0, ANY), .piece = {{0, 12, 10}}};
const struct field a64_add12_checked = {INSN("12-bit immediate", 12, 0, UNSIGNED),
                                        .piece = {{0, 12, 10}}};
const struct field a64_add24_high = {INSN("24-bit immediate", 24, 0, UNSIGNED),
                                     .piece = {{12, 12, 10}}};

const struct field a64_ldst8 = {INSN("12-bit offset", 12, 0, ANY), .piece = {{0, 12, 10}}};
const struct field a64_ldst16 = {INSN("12-bit offset", 12, 1, ANY), .piece = {{1, 11, 10}}};
const struct field a64_ldst32 = {INSN("12-bit offset", 12, 2, ANY), .piece = {{2, 10, 10}}};
const struct field a64_ldst64 = {INSN("12-bit offset", 12, 3, ANY), .piece = {{3, 9, 10}}};
const struct field a64_ldst128 = {INSN("12-bit offset", 12, 4, ANY), .piece = {{4, 8, 10}}};
const struct field a64_ldst8_checked = {INSN("12-bit offset", 12, 0, UNSIGNED),
                                        .piece = {{0, 12, 10}}};
const struct field a64_ldst16_checked = {INSN("12-bit offset", 12, 1, UNSIGNED),
                                         .piece = {{1, 11, 10}}};
const struct field a64_ldst32_checked = {INSN("12-bit offset", 12, 2, UNSIGNED),
                                         .piece = {{2, 10, 10}}};
const struct field a64_ldst64_checked = {INSN("12-bit offset", 12, 3, UNSIGNED),
                                         .piece = {{3, 9, 10}}};
const struct field a64_ldst128_checked = {INSN("12-bit offset", 12, 4, UNSIGNED),
                                          .piece = {{4, 8, 10}}};
const struct field a64_ldst64_15 = {INSN("15-bit offset", 15, 3, UNSIGNED), .piece = {{3, 12, 10}}};

const struct field a64_movw_u0 = {INSN("16-bit immediate", 16, 0, UNSIGNED), .piece = {{0, 16, 5}}};
const struct field a64_movw_u1 = {INSN("32-bit immediate", 32, 0, UNSIGNED),
                                  .piece = {{16, 16, 5}}};
const struct field a64_movw_u2 = {INSN("48-bit immediate", 48, 0, UNSIGNED),
                                  .piece = {{32, 16, 5}}};
const struct field a64_movw_0 = {INSN("bits 0 to 15", 16, 0, ANY), .piece = {{0, 16, 5}}};
const struct field a64_movw_1 = {INSN("bits 16 to 31", 32, 0, ANY), .piece = {{16, 16, 5}}};
const struct field a64_movw_2 = {INSN("bits 32 to 47", 48, 0, ANY), .piece = {{32, 16, 5}}};
const struct field a64_movw_3 = {INSN("bits 48 to 63", 64, 0, ANY), .piece = {{48, 16, 5}}};

/* MOVN and MOVZ differ in bit 30, and MOVN's immediate is the complement. */
static uint64_t movz_or_movn(uint64_t unit, uint64_t value)
{
    const uint64_t movz = UINT64_C(1) << 30, imm = UINT64_C(0xffff) << 5;

    return value >> 63 ? (unit & ~movz) ^ imm : unit | movz;
}

const struct field a64_movw_s0 = {INSN("17-bit signed immediate", 17, 0, SIGNED),
                                  .piece = {{0, 16, 5}}, .fix = movz_or_movn};
const struct field a64_movw_s1 = {INSN("33-bit signed immediate", 33, 0, SIGNED),
                                  .piece = {{16, 16, 5}}, .fix = movz_or_movn};
const struct field a64_movw_s2 = {INSN("49-bit signed immediate", 49, 0, SIGNED),
                                  .piece = {{32, 16, 5}}, .fix = movz_or_movn};
const struct field a64_movw_s3 = {INSN("64-bit signed immediate", 64, 0, SIGNED),
                                  .piece = {{48, 16, 5}}, .fix = movz_or_movn};

/* Write COUNT instructions: little-endian, whatever the data is. */
static void put_code(uint8_t *out, const uint32_t *code, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        store_uint(out + 4 * i, 4, false, code[i]);
}

/* Complete the three instructions at CODE, which will be at ADDR:
   adrp x16, SLOT; ldr x17, [x16, :lo12:SLOT]; add x16, x16, :lo12:SLOT. */
static void aim(uint32_t *code, uint64_t addr, uint64_t slot)
{
    uint64_t pages = (slot & ~UINT64_C(0xfff)) - (addr & ~UINT64_C(0xfff));

    code[0] = (uint32_t)field_set(&a64_adrp_any, code[0], pages);
    code[1] = (uint32_t)field_set(&a64_ldst64, code[1], slot);
    code[2] = (uint32_t)field_set(&a64_add12, code[2], slot);
}

/* The resolver finds the slot's address and the return address on the stack,
   and the address of GOT.PLT[2] in x16. */
static void plt_header(uint8_t *out, const struct stub_at *at)
{
    uint32_t code[8] = {
        0xd503245f, /* bti c */
        0xa9bf7bf0, /* stp x16, x30, [sp, #-16]! */
        0x90000010, /* adrp x16, GOT.PLT+16 */
        0xf9400211, /* ldr x17, [x16, :lo12:GOT.PLT+16] */
        0x91000210, /* add x16, x16, :lo12:GOT.PLT+16 */
        0xd61f0220, /* br x17 */
        0xd503201f, /* nop */
        0xd503201f, /* nop */
    };

    aim(code + 2, at->addr + 8, at->slot + 16);
    put_code(out, code, 8);
}

static void plt_entry(uint8_t *out, const struct stub_at *at)
{
    uint32_t code[4] = {
        0x90000010, /* adrp x16, SLOT */
        0xf9400211, /* ldr x17, [x16, :lo12:SLOT] */
        0x91000210, /* add x16, x16, :lo12:SLOT */
        0xd61f0220, /* br x17 */
    };

    aim(code, at->addr, at->slot);
    put_code(out, code, 4);
}

static void slot_jump(uint8_t *out, const struct stub_at *at)
{
    uint32_t code[4] = {
        0xd503245f, /* bti c */
        0x90000010, /* adrp x16, SLOT */
        0xf9400210, /* ldr x16, [x16, :lo12:SLOT] */
        0xd61f0200, /* br x16 */
    };
    uint64_t pages = (at->slot & ~UINT64_C(0xfff)) - ((at->addr + 4) & ~UINT64_C(0xfff));

    code[1] = (uint32_t)field_set(&a64_adrp_any, code[1], pages);
    code[2] = (uint32_t)field_set(&a64_ldst64, code[2], at->slot);
    put_code(out, code, 4);
}

static void far_jump(uint8_t *out, const struct stub_at *at)
{
    uint64_t pages = (at->slot & ~UINT64_C(0xfff)) - (at->addr & ~UINT64_C(0xfff));
    uint32_t code[4] = {
        0x90000010, /* adrp x16, TARGET */
        0x91000210, /* add x16, x16, :lo12:TARGET */
        0xd61f0200, /* br x16 */
        0xd503201f, /* nop */
    };

    code[0] = (uint32_t)field_set(&a64_adrp_any, code[0], pages);
    code[1] = (uint32_t)field_set(&a64_add12, code[1], at->slot);
    put_code(out, code, 4);
}

static uint64_t lazy_target(const struct stub_at *at) { return at->header; }

static const uint8_t finalize_code[] = {
    0x5f, 0x24, 0x03, 0xd5, /* bti c */
    0x00, 0x00, 0x00, 0x90, /* adrp x0, ARG */
    0x00, 0x00, 0x00, 0x91, /* add x0, x0, :lo12:ARG */
    0x10, 0x00, 0x00, 0x90, /* adrp x16, :got:FUNCTION */
    0x10, 0x02, 0x40, 0xf9, /* ldr x16, [x16, :got_lo12:FUNCTION] */
    0x50, 0x00, 0x00, 0xb4, /* cbz x16, 1f */
    0x00, 0x02, 0x1f, 0xd6, /* br x16 */
    0xc0, 0x03, 0x5f, 0xd6, /* 1: ret */
};

const struct arch arch_aarch64 = {
    .name = "aarch64",
    .pointer_size = 8,
    .page_size = 4096,
    .max_page_size = 65536,
    .separate_code = false,
    .tls_tcb = 16,
    .nop = 0xd503201f,
    .plt = {32, 16, plt_header, plt_entry, lazy_target},
    .plt_protected = {32, 16, plt_header, plt_entry, lazy_target},
    .branch_reach = 128 << 20,
    .branch = &a64_branch26,
    .far_jump_size = 16,
    .far_jump = far_jump,
    .slot_jump = slot_jump,
    .finalize_code = finalize_code,
    .finalize_size = sizeof finalize_code,
};
