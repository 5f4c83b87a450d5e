/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rel_amd64.c - x86-64 as COFF numbers it (PE specification, 5.2.1).  The CPU
 * counts from behind the instruction: REL32_N has N bytes of an immediate
 * behind its field. */

#include "coff/machine.h"

#define ROW(TYPE, ...) [IMAGE_REL_AMD64_##TYPE] = {.name = "IMAGE_REL_AMD64_" #TYPE, __VA_ARGS__}
#define WHAT(WHAT, FROM, FIELD) .what = WHAT, .from = FROM, .field = FIELD

static const struct field secrel7 = {
    .name = "7-bit offset", .bytes = 1, .bits = 7, .range = UNSIGNED, .piece = {{0, 7, 0}}};

/* clang-format off */
static const struct reloc_type rows[] = {
    ROW(ABSOLUTE, .what = WHAT_NONE),
    ROW(ADDR64, WHAT(WHAT_SYMBOL, FROM_ZERO, &data64)),
    ROW(ADDR32, WHAT(WHAT_SYMBOL, FROM_ZERO, &udata32)),
    ROW(ADDR32NB, WHAT(WHAT_SYMBOL, FROM_IMAGE, &udata32)),
    ROW(REL32, WHAT(WHAT_SYMBOL, FROM_PLACE, &sdata32), .bias = -4),
    ROW(REL32_1, WHAT(WHAT_SYMBOL, FROM_PLACE, &sdata32), .bias = -5),
    ROW(REL32_2, WHAT(WHAT_SYMBOL, FROM_PLACE, &sdata32), .bias = -6),
    ROW(REL32_3, WHAT(WHAT_SYMBOL, FROM_PLACE, &sdata32), .bias = -7),
    ROW(REL32_4, WHAT(WHAT_SYMBOL, FROM_PLACE, &sdata32), .bias = -8),
    ROW(REL32_5, WHAT(WHAT_SYMBOL, FROM_PLACE, &sdata32), .bias = -9),
    ROW(SECTION, WHAT(WHAT_SECTION, FROM_ZERO, &data16)),
    ROW(SECREL, WHAT(WHAT_SECREL, FROM_ZERO, &data32)),
    ROW(SECREL7, WHAT(WHAT_SECREL, FROM_ZERO, &secrel7)),
};
/* clang-format on */

static const struct reloc_range ranges[] = {
    {0, sizeof rows / sizeof *rows, rows},
    {.count = 0},
};

/* jmp *slot(%rip) */
static void stub(uint8_t *out, const struct stub_at *at)
{
    out[0] = 0xff;
    out[1] = 0x25;
    store_uint(out + 2, 4, false, at->slot - (at->addr + 6));
    out[6] = out[7] = 0x90;
}

static uint32_t form(uint32_t type, uint32_t insn) { return (void)type, (void)insn, 0; }

static int64_t addend(uint32_t type, const struct reloc_type *row, const uint8_t *unit)
{
    (void)type;
    /* Offsets and distances may be negative, whatever the field then holds. */
    if (row->field->bytes == 4)
        return (int32_t)load_uint(unit, 4, false);
    return reloc_implicit_addend(row, unit, false);
}

const struct coff_machine coff_amd64 = {
    .number = IMAGE_FILE_MACHINE_AMD64,
    .table_machine = 62,
    .name = "x86_64",
    .arch = &arch_x86_64,
    .rows = ranges,
    .stub_size = 8,
    .stub = stub,
    .pdata_size = 12,
    .form = form,
    .addend = addend,
};
