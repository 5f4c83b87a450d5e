/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rel_arm64.c - arm64 as COFF numbers it (PE specification, 5.2.3).  The
 * addend of an ADRP counts bytes, not pages. */

#include "arch/aarch64.h"
#include "coff/machine.h"

#define NAMED(TYPE, ...) {.name = "IMAGE_REL_ARM64_" TYPE, __VA_ARGS__}
#define ROW(TYPE, ...) [IMAGE_REL_ARM64_##TYPE] = NAMED(#TYPE, __VA_ARGS__)
#define WHAT(WHAT, FROM, FIELD) .what = WHAT, .from = FROM, .field = FIELD

/* clang-format off */
static const struct reloc_type rows[] = {
    ROW(ABSOLUTE, .what = WHAT_NONE),
    ROW(ADDR32, WHAT(WHAT_SYMBOL, FROM_ZERO, &udata32)),
    ROW(ADDR32NB, WHAT(WHAT_SYMBOL, FROM_IMAGE, &udata32)),
    ROW(BRANCH26, WHAT(WHAT_SYMBOL, FROM_PLACE, &a64_branch26)),
    ROW(PAGEBASE_REL21, WHAT(WHAT_SYMBOL, FROM_PAGE, &a64_adrp)),
    ROW(REL21, WHAT(WHAT_SYMBOL, FROM_PLACE, &a64_adr)),
    ROW(PAGEOFFSET_12A, WHAT(WHAT_SYMBOL, FROM_ZERO, &a64_add12)),
    ROW(PAGEOFFSET_12L, WHAT(WHAT_SYMBOL, FROM_ZERO, &a64_ldst8)),
    ROW(SECREL, WHAT(WHAT_SECREL, FROM_ZERO, &data32)),
    ROW(SECREL_LOW12A, WHAT(WHAT_SECREL, FROM_ZERO, &a64_add12)),
    ROW(SECREL_HIGH12A, WHAT(WHAT_SECREL, FROM_ZERO, &a64_add24_high)),
    ROW(SECREL_LOW12L, WHAT(WHAT_SECREL, FROM_ZERO, &a64_ldst8)),
    ROW(SECTION, WHAT(WHAT_SECTION, FROM_ZERO, &data16)),
    ROW(ADDR64, WHAT(WHAT_SYMBOL, FROM_ZERO, &data64)),
    ROW(BRANCH19, WHAT(WHAT_SYMBOL, FROM_PLACE, &a64_branch19)),
    ROW(BRANCH14, WHAT(WHAT_SYMBOL, FROM_PLACE, &a64_branch14)),
    ROW(REL32, WHAT(WHAT_SYMBOL, FROM_PLACE, &sdata32), .bias = -4),
};

/* Loads and stores, by the size of what they move; form 1 is a byte. */
#define LOADS(TYPE, WHAT_)                                                                         \
    NAMED(TYPE, WHAT(WHAT_, FROM_ZERO, &a64_ldst16)), NAMED(TYPE, WHAT(WHAT_, FROM_ZERO, &a64_ldst32)), \
    NAMED(TYPE, WHAT(WHAT_, FROM_ZERO, &a64_ldst64)), NAMED(TYPE, WHAT(WHAT_, FROM_ZERO, &a64_ldst128))
static const struct reloc_type loads[] = {LOADS("PAGEOFFSET_12L", WHAT_SYMBOL)};
static const struct reloc_type secrel_loads[] = {LOADS("SECREL_LOW12L", WHAT_SECREL)};
/* clang-format on */

#define FORM_ROWS(TYPE, FORM, ROWS) {COFF_FORM(IMAGE_REL_ARM64_##TYPE, FORM), 1, &(ROWS)[(FORM) - 1]}
static const struct reloc_range ranges[] = {
    {0, sizeof rows / sizeof *rows, rows},
    FORM_ROWS(PAGEOFFSET_12L, 1, loads),
    FORM_ROWS(PAGEOFFSET_12L, 2, loads),
    FORM_ROWS(PAGEOFFSET_12L, 3, loads),
    FORM_ROWS(PAGEOFFSET_12L, 4, loads),
    FORM_ROWS(SECREL_LOW12L, 1, secrel_loads),
    FORM_ROWS(SECREL_LOW12L, 2, secrel_loads),
    FORM_ROWS(SECREL_LOW12L, 3, secrel_loads),
    FORM_ROWS(SECREL_LOW12L, 4, secrel_loads),
    {.count = 0},
};

/* Loads and stores with an unsigned scaled offset (Arm ARM, C4.1.94): V and
   opc<1> with size 0 move 16 bytes. */
static uint32_t form(uint32_t type, uint32_t insn)
{
    uint32_t size = insn >> 30;

    if (type != IMAGE_REL_ARM64_PAGEOFFSET_12L && type != IMAGE_REL_ARM64_SECREL_LOW12L)
        return 0;
    return size == 0 && (insn & 0x04800000) == 0x04800000 ? 4 : size;
}

static int64_t addend(uint32_t type, const struct reloc_type *row, const uint8_t *unit)
{
    if (type == IMAGE_REL_ARM64_PAGEBASE_REL21)
        return reloc_implicit_addend(
            &(const struct reloc_type){.name = row->name, .field = &a64_adr}, unit, false);
    if (!row->field->insn && row->field->bytes == 4)
        return (int32_t)load_uint(unit, 4, false);
    return reloc_implicit_addend(row, unit, false);
}

/* adrp x16, slot; ldr x16, [x16, slot]; br x16 */
static void stub(uint8_t *out, const struct stub_at *at)
{
    uint64_t pages = (at->slot & ~UINT64_C(0xfff)) - (at->addr & ~UINT64_C(0xfff));

    store_uint(out, 4, false, field_set(&a64_adrp_any, 0x90000010, pages));
    store_uint(out + 4, 4, false, field_set(&a64_ldst64, 0xf9400210, at->slot));
    store_uint(out + 8, 4, false, 0xd61f0200);
}

const struct coff_machine coff_arm64 = {
    .number = IMAGE_FILE_MACHINE_ARM64,
    .table_machine = 183,
    .name = "aarch64",
    .arch = &arch_aarch64,
    .rows = ranges,
    .must_move = true,
    .stub_size = 12,
    .stub = stub,
    .pdata_size = 8,
    .form = form,
    .addend = addend,
};
