/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_reloc.c - any relocation of any row, on any bytes: a refused one
 * changes nothing, an accepted one only its field, and twice is as once. */

#include <stdlib.h>

#include "elf/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void apply(const struct reloc_type *t, const struct reloc_at *at, const uint8_t *unit,
                  bool big)
{
    struct diag d = {0};
    uint8_t once[8], twice[8];
    unsigned bytes = t->field ? t->field->bytes : 0;

    memcpy(once, unit, sizeof once);
    if (!reloc_apply(&d, t, at, once, big)) {
        check(d.status != OK && d.text[0] && memcmp(once, unit, sizeof once) == 0);
        return;
    }
    check(d.status == OK && memcmp(once + bytes, unit + bytes, sizeof once - bytes) == 0);
    memcpy(twice, once, sizeof twice);
    check(reloc_apply(&d, t, at, twice, big) && memcmp(once, twice, sizeof once) == 0);
    if (t->field && !t->field->fix) {
        bool order = big && !t->field->insn;
        uint64_t was = load_uint(unit, bytes, order), now = load_uint(once, bytes, order);

        /* What was there before can be put back. */
        check(field_set(t->field, now, field_get(t->field, was)) == was);
        check(field_set(t->field, was, reloc_value(t, at)) == now);
    }
    (void)reloc_implicit_addend(t, once, big);
}

static void relax(const struct arch *arch, uint8_t number, const uint8_t *unit, uint8_t before)
{
    uint8_t code[8];

    memcpy(code, unit, sizeof code);
    before %= 5;
    if (!arch->relax_ok || !arch->relax_ok(number, code + before, before))
        return;
    arch->relax(number, code + before);
    check(memcmp(code + before, unit + before, sizeof code - before) == 0);
    check(!arch->relax_ok(number, code + before, before));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = {.in = {data, size}};

    while (cur_count(&c, 1, 44)) {
        uint8_t how = cur_u8(&c), before = cur_u8(&c);
        const struct elf_machine *m = how & 1 ? &elf_aarch64 : &elf_x86_64;
        const struct reloc_type *t = reloc_row(m->rows, cur_u16(&c));
        struct reloc_at at = {.x = cur_u64(&c), .a = (int64_t)cur_u64(&c), .p = cur_u64(&c)};
        uint8_t unit[8];

        at.got = cur_u64(&c);
        memcpy(unit, cur_take(&c, sizeof unit), sizeof unit);
        if (how & 2) /* near, where most of them fit */
            at.x = at.p + (uint64_t)(int16_t)at.x;
        if (t)
            apply(t, &at, unit, how & 4);
        relax(m->arch, t ? t->relax : how >> 4, unit, before);
    }
    return 0;
}
