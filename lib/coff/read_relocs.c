/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read_relocs.c - relocations, decoded in batches and checked on the way. */

#include "coff/reader.h"

#include <inttypes.h>

static bool bad(struct diag *d, uint32_t section, uint64_t index, enum status status,
                const char *text, uint64_t found, uint64_t allowed)
{
    struct where sec = {d->where, "section", section};
    struct where here = {&sec, "relocation", index};

    d->where = &here;
    diag_fail(d, status, text, found, allowed);
    d->where = sec.up;
    return false;
}

static bool decode(struct diag *d, const struct object *o, const struct coff_machine *machine,
                   uint32_t section, uint64_t index, struct reloc *out)
{
    const struct section *s = &o->sections[section];
    const uint8_t *p = s->relocs.at + index * COFF_RELOC_SIZE;
    uint32_t symbol = (uint32_t)load_uint(p + 4, 4, false), type = 0;
    unsigned bytes = 0;

    type = (uint32_t)load_uint(p + 8, 2, false);
    *out = (struct reloc){.offset = load_uint(p, 4, false) - s->addr,
                          .number = type,
                          .type = reloc_row(o->rows, type)};
    if (!out->type)
        return bad(d, section, index, E_UNSUPPORTED, "type 0x%" PRIx64 " is not known", type, 0);
    if (symbol >= o->symbol_rows || !o->symbol_map[symbol])
        return bad(d, section, index, E_FORMAT, "symbol %" PRIu64 " of %" PRIu64, symbol,
                   o->symbol_rows);
    out->symbol = o->symbol_map[symbol];
    if (!out->type->field)
        return true;
    bytes = out->type->field->bytes;
    if (out->offset > s->size || s->size - out->offset < bytes || !s->data.at)
        return bad(d, section, index, E_FORMAT,
                   "its place 0x%" PRIx64 " is not inside the section (0x%" PRIx64 " bytes)",
                   out->offset, s->size);
    if (out->type->field->insn) {
        uint32_t insn = (uint32_t)load_uint(s->data.at + out->offset, 4, false);
        uint32_t form = machine->form(type, insn);

        if (form) {
            out->number = COFF_FORM(type, form);
            out->type = reloc_row(o->rows, out->number);
        }
    }
    out->addend = machine->addend(type, out->type, s->data.at + out->offset);
    return true;
}

bool coff_relocs(struct diag *d, const struct object *o, uint32_t section, uint64_t first,
                 struct reloc *out, unsigned max, unsigned *got)
{
    const struct section *s = &o->sections[section];
    const struct coff_machine *machine = coff_machine_find((uint16_t)o->machine);
    unsigned n = s->reloc_count - first < max ? (unsigned)(s->reloc_count - first) : max;

    *got = 0;
    for (unsigned i = 0; i < n; i++)
        if (!decode(d, o, machine, section, first + i, &out[i]))
            return false;
    *got = n;
    return true;
}
