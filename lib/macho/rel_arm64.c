/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rel_arm64.c - arm64 as Mach-O numbers it (<mach-o/arm64/reloc.h>). */

#include "arch/aarch64.h"
#include "macho/machine.h"

enum { LONG = 2, QUAD = 3 };
#define NUMBER(TYPE, LENGTH, PCREL) MACHO_ROW(ARM64_RELOC_##TYPE, LENGTH, PCREL)
#define ROW(TYPE, LENGTH, PCREL, ...)                                                              \
    [NUMBER(TYPE, LENGTH, PCREL)] = {.name = "ARM64_RELOC_" #TYPE, __VA_ARGS__}
#define WHAT(WHAT, FROM, FIELD) .what = WHAT, .from = FROM, .field = FIELD
#define OFFSET(WHAT_, FIELD)                                                                       \
    {.name = "ARM64_RELOC_PAGEOFF12", .what = WHAT_, .from = FROM_ZERO, .field = FIELD}

/* clang-format off */
static const struct reloc_type rows[] = {
    ROW(UNSIGNED, QUAD, 0, WHAT(WHAT_SYMBOL, FROM_ZERO, &data64)),
    ROW(UNSIGNED, LONG, 0, WHAT(WHAT_SYMBOL, FROM_ZERO, &data32)),
    ROW(SUBTRACTOR, LONG, 0, .what = WHAT_NONE),
    ROW(SUBTRACTOR, QUAD, 0, .what = WHAT_NONE),
    ROW(BRANCH26, LONG, 1, WHAT(WHAT_PLT, FROM_PLACE, &a64_branch26)),
    ROW(PAGE21, LONG, 1, WHAT(WHAT_SYMBOL, FROM_PAGE, &a64_adrp)),
    ROW(PAGEOFF12, LONG, 0, WHAT(WHAT_SYMBOL, FROM_ZERO, &a64_add12)),
    ROW(GOT_LOAD_PAGE21, LONG, 1, WHAT(WHAT_GOT, FROM_PAGE, &a64_adrp), .relax = DIRECT_PAGE),
    ROW(GOT_LOAD_PAGEOFF12, LONG, 0, WHAT(WHAT_GOT, FROM_ZERO, &a64_ldst64),
        .relax = DIRECT_PAGEOFF),
    ROW(POINTER_TO_GOT, LONG, 1, WHAT(WHAT_GOT, FROM_PLACE, &sdata32)),
    ROW(POINTER_TO_GOT, QUAD, 0, WHAT(WHAT_GOT, FROM_ZERO, &data64)),
    ROW(TLVP_LOAD_PAGE21, LONG, 1, WHAT(WHAT_TLV, FROM_PAGE, &a64_adrp), .relax = DIRECT_PAGE),
    ROW(TLVP_LOAD_PAGEOFF12, LONG, 0, WHAT(WHAT_TLV, FROM_ZERO, &a64_ldst64),
        .relax = DIRECT_PAGEOFF),
    ROW(ADDEND, LONG, 0, .what = WHAT_NONE),
    ROW(ADDEND, LONG, 1, .what = WHAT_NONE),
};

/* PAGEOFF12 of loads and stores, by the size of what they move. */
static const struct reloc_type offset8 = OFFSET(WHAT_SYMBOL, &a64_ldst8);
static const struct reloc_type offset16 = OFFSET(WHAT_SYMBOL, &a64_ldst16);
static const struct reloc_type offset32 = OFFSET(WHAT_SYMBOL, &a64_ldst32);
static const struct reloc_type offset64 = OFFSET(WHAT_SYMBOL, &a64_ldst64);
static const struct reloc_type offset128 = OFFSET(WHAT_SYMBOL, &a64_ldst128);
/* clang-format on */

static const struct reloc_range ranges[] = {
    {0, sizeof rows / sizeof *rows, rows},
    {MACHO_FORM(NUMBER(PAGEOFF12, LONG, 0), 1), 1, &offset8},
    {MACHO_FORM(NUMBER(PAGEOFF12, LONG, 0), 2), 1, &offset16},
    {MACHO_FORM(NUMBER(PAGEOFF12, LONG, 0), 3), 1, &offset32},
    {MACHO_FORM(NUMBER(PAGEOFF12, LONG, 0), 4), 1, &offset64},
    {MACHO_FORM(NUMBER(PAGEOFF12, LONG, 0), 5), 1, &offset128},
    {.count = 0},
};

/* Loads and stores with an unsigned scaled offset (Arm ARM, C4.1.94): bits 29
   to 27 and 25 to 24; V and opc<1> with size 0 move 16 bytes. */
static uint32_t form(uint32_t type, uint32_t insn)
{
    uint32_t size = insn >> 30;

    if (type != ARM64_RELOC_PAGEOFF12 || (insn & 0x3b000000) != 0x39000000)
        return 0;
    return 1 + ((insn & 0x04800000) == 0x04800000 && size == 0 ? 4 : size);
}

/* LDR Xt, [Xn, #offset] becomes ADD Xt, Xn, #offset. */
static bool relax_ok(uint8_t direct, const uint8_t *unit, uint64_t before)
{
    (void)before;
    return direct == DIRECT_PAGE || (load_uint(unit, 4, false) & 0xffc00000) == 0xf9400000;
}

static const struct reloc_type *relax(uint8_t direct, uint8_t *unit, uint64_t before)
{
    if (!relax_ok(direct, unit, before))
        return NULL;
    if (direct == DIRECT_PAGE)
        return &rows[NUMBER(PAGE21, LONG, 1)];
    store_uint(unit, 4, false, (load_uint(unit, 4, false) & 0x3ff) | 0x91000000);
    return &rows[NUMBER(PAGEOFF12, LONG, 0)];
}

/* adrp x16, slot; ldr x16, [x16, slot]; br x16 */
static void stub(uint8_t *out, const struct stub_at *at)
{
    uint64_t page = (at->slot & ~UINT64_C(0xfff)) - (at->addr & ~UINT64_C(0xfff));

    store_uint(out, 4, false, field_set(&a64_adrp, 0x90000010, page));
    store_uint(out + 4, 4, false, field_set(&a64_ldst64, 0xf9400210, at->slot));
    store_uint(out + 8, 4, false, 0xd61f0200);
}

const struct macho_machine macho_arm64 = {
    .cputype = CPU_TYPE_ARM64,
    .cpusubtype = CPU_SUBTYPE_ARM64_ALL,
    .table_machine = 183,
    .arch = &arch_aarch64,
    .rows = ranges,
    .subtractor = ARM64_RELOC_SUBTRACTOR,
    .addend = ARM64_RELOC_ADDEND,
    .page_size = 0x4000,
    .fixup_page = 0x4000,
    .unwind_dwarf = UNWIND_ARM64_MODE_DWARF,
    .stub_size = 12,
    .stub_align_log2 = 2,
    .stub = stub,
    .relax = relax,
    .relax_ok = relax_ok,
    .form = form,
};
