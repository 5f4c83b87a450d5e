/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reloc.c - the only code that computes, encodes and decodes relocations. */

#include "reloc.h"

#include <inttypes.h>

static const unsigned pieces_max = sizeof((struct field){0}.piece) / sizeof(struct piece);

static uint64_t low_bits(unsigned n) { return n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX; }

static uint64_t page(uint64_t v) { return v & ~UINT64_C(0xfff); }

uint64_t reloc_value(const struct reloc_type *t, const struct reloc_at *at)
{
    uint64_t v = at->x + (uint64_t)at->a + (uint64_t)(int64_t)t->bias;

    switch (t->from) {
    case FROM_ZERO:
        break;
    case FROM_PLACE:
        v -= at->p;
        break;
    case FROM_PAGE:
        v = page(v) - page(at->p);
        break;
    case FROM_GOT:
        v -= at->got;
        break;
    case FROM_GOTPAGE:
        v -= page(at->got);
        break;
    case FROM_IMAGE:
        v -= at->base;
        break;
    }
    return v;
}

static bool in_range(const struct field *f, uint64_t v)
{
    uint64_t low = f->bits ? UINT64_C(1) << (f->bits - 1u) : 0; /* -LOW is the least */
    bool is_unsigned = v <= low_bits(f->bits);
    bool is_signed = v + low <= low_bits(f->bits);

    if (f->bits >= 64)
        return true;
    switch (f->range) {
    case ANY:
        return true;
    case SIGNED:
        return is_signed;
    case UNSIGNED:
        return is_unsigned;
    case EITHER:
        return is_signed || is_unsigned;
    }
    return false;
}

bool field_check(struct diag *d, const char *name, const struct field *f, uint64_t value)
{
    bool minus = f->range != UNSIGNED && value >> 63;

    if (!in_range(f, value))
        return diag_fail(d, E_RANGE, "%s: value %s0x%" PRIx64 " does not fit %s", name,
                         minus ? "-" : "", minus ? 0 - value : value, f->name);
    if (value & low_bits(f->align))
        return diag_fail(d, E_RANGE, "%s: value %s0x%" PRIx64 " is not a multiple of %" PRIu64,
                         name, minus ? "-" : "", minus ? 0 - value : value, low_bits(f->align) + 1);
    return true;
}

uint64_t field_set(const struct field *f, uint64_t unit, uint64_t value)
{
    for (const struct piece *p = f->piece; p < f->piece + pieces_max && p->count; p++) {
        unit &= ~(low_bits(p->count) << p->to);
        unit |= (value >> p->from & low_bits(p->count)) << p->to;
    }
    return f->fix ? f->fix(unit, value) : unit;
}

uint64_t field_get(const struct field *f, uint64_t unit)
{
    uint64_t value = 0, sign = f->bits ? UINT64_C(1) << (f->bits - 1u) : 0;

    for (const struct piece *p = f->piece; p < f->piece + pieces_max && p->count; p++)
        value |= (unit >> p->to & low_bits(p->count)) << p->from;
    return f->range == SIGNED ? (value ^ sign) - sign : value;
}

bool reloc_apply(struct diag *d, const struct reloc_type *t, const struct reloc_at *at,
                 uint8_t *bytes, bool big)
{
    const struct field *f = t->field;
    uint64_t value;

    if (t->what == WHAT_DYNAMIC)
        return diag_fail(d, E_UNSUPPORTED, "%s: is only for linked files", t->name);
    if (!f)
        return true;
    value = reloc_value(t, at);
    if (!field_check(d, t->name, f, value))
        return false;
    big = big && !f->insn;
    store_uint(bytes, f->bytes, big, field_set(f, load_uint(bytes, f->bytes, big), value));
    return true;
}

int64_t reloc_implicit_addend(const struct reloc_type *t, const uint8_t *bytes, bool big)
{
    const struct field *f = t->field;

    return f ? (int64_t)field_get(f, load_uint(bytes, f->bytes, big && !f->insn)) : 0;
}
