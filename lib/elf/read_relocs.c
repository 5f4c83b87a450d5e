/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read_relocs.c - relocations, decoded in batches and checked on the way. */

#include "elf/reader.h"

#include <inttypes.h>

/* Little-endian loads that compile to one instruction. */
static inline uint64_t le64(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

static bool bad_reloc(struct diag *d, const struct object *o, uint32_t section, uint64_t index,
                      const struct reloc *r, unsigned bytes)
{
    struct where sec = {d->where, "section", section};
    struct where here = {&sec, "relocation", index};

    d->where = &here;
    if (r->symbol >= o->symbol_count)
        diag_fail(d, E_FORMAT, "symbol %" PRIu32 " of %" PRIu32, r->symbol, o->symbol_count);
    else
        diag_fail(d, E_FORMAT,
                  "%u bytes at 0x%" PRIx64 " are not inside section %s (0x%" PRIx64 " bytes)",
                  bytes, r->offset, o->sections[section].name, o->sections[section].size);
    d->where = sec.up;
    return false;
}

bool elf_relocs(struct diag *d, const struct object *o, uint32_t section, uint64_t first,
                       struct reloc *out, unsigned max, unsigned *got)
{
    const struct section *s = &o->sections[section];
    const uint8_t *p = s->relocs.at + first * s->reloc_size;
    bool fast = o->wide && !o->big && !s->implicit;
    unsigned n = s->reloc_count - first < max ? (unsigned)(s->reloc_count - first) : max;
    const struct reloc_type *type = NULL;
    uint32_t number = UINT32_MAX; /* of TYPE: runs of one type are common */

    *got = 0;
    for (unsigned i = 0; i < n; i++, p += s->reloc_size) {
        struct reloc *r = &out[i];
        unsigned bytes = 0;

        if (fast) {
            uint64_t info = le64(p + 8);

            *r = (struct reloc){.offset = le64(p),
                                .addend = (int64_t)le64(p + 16),
                                .symbol = (uint32_t)(info >> 32),
                                .number = (uint32_t)info};
        } else {
            struct cursor c = {.in = {p, s->reloc_size}, .big = o->big, .wide = o->wide};
            struct elf_rel e = elf_next_rel(&c, !s->implicit);

            *r = (struct reloc){
                .offset = e.offset, .addend = e.addend, .symbol = e.symbol, .number = e.type};
        }
        if (r->number != number || !type) {
            number = r->number;
            type = o->rows ? reloc_row(o->rows, number) : NULL;
        }
        r->type = type;
        bytes = type && type->field ? type->field->bytes : 0;
        if (r->symbol >= o->symbol_count || r->offset > s->size || s->size - r->offset < bytes ||
            (bytes && !s->data.at))
            return bad_reloc(d, o, section, first + i, r, bytes);
        if (s->implicit && bytes)
            r->addend = reloc_implicit_addend(type, s->data.at + r->offset, o->big);
    }
    *got = n;
    return true;
}
