/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rel_x86_64.c - x86-64 as Mach-O numbers it (<mach-o/x86_64/reloc.h>).
 *
 * The CPU counts from behind the instruction.  SIGNED_N says that N bytes of
 * an immediate follow the field; those bytes are part of the addend that the
 * assembler left in the field, so the rows are alike. */

#include "macho/machine.h"

enum { LONG = 2, QUAD = 3 };
#define ROW(TYPE, LENGTH, PCREL, ...)                                                              \
    [MACHO_ROW(X86_64_RELOC_##TYPE, LENGTH, PCREL)] = {.name = "X86_64_RELOC_" #TYPE, __VA_ARGS__}
#define WHAT(WHAT, FROM, FIELD) .what = WHAT, .from = FROM, .field = FIELD

/* clang-format off */
static const struct reloc_type rows[] = {
    ROW(UNSIGNED, QUAD, 0, WHAT(WHAT_SYMBOL, FROM_ZERO, &data64)),
    ROW(UNSIGNED, LONG, 0, WHAT(WHAT_SYMBOL, FROM_ZERO, &data32)),
    ROW(SIGNED, LONG, 1, WHAT(WHAT_SYMBOL, FROM_PLACE, &sdata32), .bias = -4),
    ROW(SIGNED_1, LONG, 1, WHAT(WHAT_SYMBOL, FROM_PLACE, &sdata32), .bias = -4),
    ROW(SIGNED_2, LONG, 1, WHAT(WHAT_SYMBOL, FROM_PLACE, &sdata32), .bias = -4),
    ROW(SIGNED_4, LONG, 1, WHAT(WHAT_SYMBOL, FROM_PLACE, &sdata32), .bias = -4),
    ROW(BRANCH, LONG, 1, WHAT(WHAT_PLT, FROM_PLACE, &sdata32), .bias = -4),
    ROW(GOT_LOAD, LONG, 1, WHAT(WHAT_GOT, FROM_PLACE, &sdata32), .bias = -4, .relax = DIRECT_PC32),
    ROW(GOT, LONG, 1, WHAT(WHAT_GOT, FROM_PLACE, &sdata32), .bias = -4),
    ROW(TLV, LONG, 1, WHAT(WHAT_TLV, FROM_PLACE, &sdata32), .bias = -4, .relax = DIRECT_PC32),
    ROW(SUBTRACTOR, LONG, 0, .what = WHAT_NONE),
    ROW(SUBTRACTOR, QUAD, 0, .what = WHAT_NONE),
};
/* clang-format on */

static const struct reloc_range ranges[] = {
    {0, sizeof rows / sizeof *rows, rows},
    {.count = 0},
};

/* REX.W MOV r64, [rip + x] becomes LEA. */
static bool relax_ok(uint8_t direct, const uint8_t *unit, uint64_t before)
{
    return direct == DIRECT_PC32 && before >= 3 && unit[-2] == 0x8b && (unit[-3] & 0xf8) == 0x48 &&
           (unit[-1] & 0xc7) == 0x05;
}

static const struct reloc_type *relax(uint8_t direct, uint8_t *unit, uint64_t before)
{
    if (!relax_ok(direct, unit, before))
        return NULL;
    unit[-2] = 0x8d;
    return &rows[MACHO_ROW(X86_64_RELOC_SIGNED, LONG, 1)];
}

/* jmp *slot(%rip) */
static void stub(uint8_t *out, const struct stub_at *at)
{
    out[0] = 0xff;
    out[1] = 0x25;
    store_uint(out + 2, 4, false, at->slot - (at->addr + 6));
}

static uint32_t form(uint32_t type, uint32_t insn)
{
    (void)type;
    (void)insn;
    return 0;
}

const struct macho_machine macho_x86_64 = {
    .cputype = CPU_TYPE_X86_64,
    .cpusubtype = CPU_SUBTYPE_X86_64_ALL,
    .table_machine = 62,
    .arch = &arch_x86_64,
    .rows = ranges,
    .subtractor = X86_64_RELOC_SUBTRACTOR,
    .page_size = 0x4000, /* as Rosetta has it */
    .fixup_page = 0x1000,
    .unwind_dwarf = UNWIND_X86_64_MODE_DWARF,
    .stub_size = 6,
    .stub_align_log2 = 1,
    .stub = stub,
    .relax = relax,
    .relax_ok = relax_ok,
    .form = form,
};
