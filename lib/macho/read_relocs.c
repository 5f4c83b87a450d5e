/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read_relocs.c - relocations, decoded in batches and checked on the way.
 *
 * Two records make one relocation where a symbol is subtracted (SUBTRACTOR,
 * UNSIGNED) or an addend does not fit the instruction (ADDEND, PAGE21): the
 * first is decoded as one that does nothing, the second looks back at it.  So
 * a batch may start anywhere, and records whose offsets fall, as LLVM writes
 * them, can be told from behind.
 *
 * A record without r_extern names a section, and the field has an address in
 * the object's own space.  What leaves is the section's symbol and the
 * distance from its start. */

#include "macho/reader.h"

#include <inttypes.h>

/* struct relocation_info, in a little-endian file. */
struct record {
    uint32_t address, symbol;
    uint8_t type, length;
    bool pcrel, external;
};

static struct record load_record(const struct section *s, uint64_t i)
{
    const uint8_t *p = s->relocs.at + i * RELOCATION_INFO_SIZE;
    uint32_t info = (uint32_t)load_uint(p + 4, 4, false);

    return (struct record){
        .address = (uint32_t)load_uint(p, 4, false),
        .symbol = info & 0xffffff,
        .pcrel = info >> 24 & 1,
        .length = info >> 25 & 3,
        .external = info >> 27 & 1,
        .type = (uint8_t)(info >> 28),
    };
}

/* Where the decoder is, for messages. */
struct place {
    struct diag *d;
    const struct object *o;
    const struct macho_machine *machine;
    const struct section *s;
    uint32_t section;
    uint64_t index;
};

static bool bad(const struct place *p, enum status status, const char *text, uint64_t found,
                uint64_t allowed)
{
    struct where sec = {p->d->where, "section", p->section};
    struct where here = {&sec, "relocation", p->index};

    p->d->where = &here;
    diag_fail(p->d, status, text, found, allowed);
    p->d->where = sec.up;
    return false;
}

/* The model's symbol of R, and in *MINUS what its section starts at in the
   object's own addresses. */
static bool find_symbol(const struct place *p, const struct record *r, uint32_t *symbol,
                        uint64_t *start)
{
    uint32_t sections = p->o->section_count, symbols = p->o->symbol_count - sections;

    *start = 0;
    *symbol = 0;
    if (r->external) {
        if (r->symbol >= symbols)
            return bad(p, E_FORMAT, "symbol %" PRIu64 " of %" PRIu64, r->symbol, symbols);
        *symbol = macho_model_symbol(p->o, r->symbol);
        return true;
    }
    if (r->symbol >= sections)
        return bad(p, E_FORMAT, "section %" PRIu64 ", up to %" PRIu64 " is allowed", r->symbol,
                   sections - 1);
    *symbol = r->symbol ? macho_section_symbol(r->symbol) : 0;
    *start = r->symbol ? p->o->sections[r->symbol].addr : 0;
    return true;
}

/* What the field itself holds of the addend. */
static int64_t embedded(const struct place *p, const struct reloc_type *t, uint64_t offset)
{
    uint64_t unit = 0;

    /* On arm64 only data does. */
    if (t->field->insn || (p->machine->addend && t->what != WHAT_SYMBOL))
        return 0;
    unit = load_uint(p->s->data.at + offset, t->field->bytes, false);
    return t->field->bytes == 4 ? (int32_t)unit : (int64_t)unit;
}

/* The first half of a pair: it must be followed by its second. */
static bool check_pair(const struct place *p, const struct record *r)
{
    struct record next = {0};

    if (p->index + 1 < p->s->reloc_count)
        next = load_record(p->s, p->index + 1);
    if (next.address != r->address || p->index + 1 == p->s->reloc_count)
        return bad(p, E_FORMAT, "nothing at 0x%" PRIx64 " follows it", r->address, 0);
    if (r->type == p->machine->subtractor && (next.type != 0 || next.length != r->length))
        return bad(p, E_FORMAT,
                   "type %" PRIu64 " follows a SUBTRACTOR, not an UNSIGNED of its size", next.type,
                   0);
    if (r->type == p->machine->addend && p->machine->addend && next.type != ARM64_RELOC_PAGE21 &&
        next.type != ARM64_RELOC_PAGEOFF12 && next.type != ARM64_RELOC_BRANCH26)
        return bad(p, E_FORMAT, "type %" PRIu64 " follows an ADDEND", next.type, 0);
    return true;
}

/* A pair's first half at the place before, if there is one; its effect on OUT. */
static bool look_back(const struct place *p, const struct record *r, struct reloc *out)
{
    struct record before = {0};
    uint64_t start = 0;

    if (p->index == 0)
        return true;
    before = load_record(p->s, p->index - 1);
    if (before.address != r->address)
        return true;
    if (before.type == p->machine->subtractor && r->type == 0) {
        if (!find_symbol(p, &before, &out->minus, &start))
            return false;
        out->addend += (int64_t)start;
    } else if (p->machine->addend && before.type == p->machine->addend) {
        /* 24 bits, signed */
        out->addend += (int32_t)(before.symbol << 8) >> 8;
    }
    return true;
}

static bool decode(const struct place *p, struct reloc *out)
{
    struct record r = load_record(p->s, p->index);
    bool prefix =
        r.type == p->machine->subtractor || (p->machine->addend && r.type == p->machine->addend);
    uint64_t start = 0;
    unsigned bytes = 0;

    *out = (struct reloc){.offset = r.address,
                          .number = MACHO_ROW(r.type, (uint32_t)r.length, r.pcrel)};
    if (prefix && !check_pair(p, &r))
        return false;
    out->type = reloc_row(p->o->rows, out->number);
    if (!out->type)
        return bad(p, E_UNSUPPORTED,
                   "type %" PRIu64 " of this size (2^%" PRIu64 " bytes) is not known", r.type,
                   r.length);
    bytes = out->type->field ? out->type->field->bytes : 0;
    if (out->offset > p->s->size || p->s->size - out->offset < bytes || (bytes && !p->s->data.at))
        return bad(p, E_FORMAT,
                   "its place 0x%" PRIx64 " is not inside the section (0x%" PRIx64 " bytes)",
                   out->offset, p->s->size);
    if (prefix)
        return true;
    if (!find_symbol(p, &r, &out->symbol, &start))
        return false;
    if (out->type->field->insn) {
        uint32_t insn = (uint32_t)load_uint(p->s->data.at + out->offset, 4, false);

        out->number = MACHO_FORM(out->number, p->machine->form(r.type, insn));
        out->type = reloc_row(p->o->rows, out->number);
    }
    out->addend = embedded(p, out->type, out->offset) - (int64_t)start;
    if (!r.external && r.pcrel) /* the field counts from behind itself */
        out->addend += (int64_t)(p->s->addr + out->offset) - out->type->bias;
    return look_back(p, &r, out);
}

bool macho_relocs(struct diag *d, const struct object *o, uint32_t section, uint64_t first,
                  struct reloc *out, unsigned max, unsigned *got)
{
    const struct section *s = &o->sections[section];
    struct place p = {
        .d = d, .o = o, .machine = macho_machine_find(o->machine), .s = s, .section = section};
    unsigned n = s->reloc_count - first < max ? (unsigned)(s->reloc_count - first) : max;

    *got = 0;
    for (unsigned i = 0; i < n; i++) {
        p.index = s->backwards ? s->reloc_count - 1 - (first + i) : first + i;
        if (!decode(&p, &out[i]))
            return false;
    }
    *got = n;
    return true;
}
