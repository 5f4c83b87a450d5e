/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stream.c - the contents and the relocations of a heap, from the container
 * to the object, a few megabytes at a time. */

#include "pack/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { PIECE = 2 << 20 };

static bool fail_write(struct pack *p)
{
    return diag_fail(p->d, E_SYSTEM, "%s: cannot write: %s", p->opt->output,
                     strerror(errno ? errno : EIO));
}

/* The section that heap address ADDR leads to, and the distance from its start. */
static const struct pack_section *target_of(const struct pack *p, uint64_t addr, uint64_t *addend)
{
    uint32_t lo = 0, hi = p->heap.segment_count;

    while (lo < hi) { /* the last that starts at or before it */
        uint32_t mid = lo + (hi - lo) / 2;

        if (p->heap.segments[mid].addr <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    lo = lo ? lo - 1 : 0;
    *addend = addr - p->heap.segments[lo].addr;
    return &p->sections[lo];
}

/* One slot as it is in the container. */
struct slot {
    const struct pack_section *target; /* NULL: an import */
    uint32_t import;
    uint64_t addend; /* with the tag */
};

static bool read_slot(const struct pack *p, const struct heap_segment *g, uint64_t offset,
                      struct slot *out)
{
    uint64_t word = load_uint(g->data.at + offset, 8, false);
    uint64_t mask =
        p->heap.address_bits < 64 ? (UINT64_C(1) << p->heap.address_bits) - 1 : UINT64_MAX;

    *out = (struct slot){0};
    if ((word & mask) > g->slots.limit)
        return diag_fail(p->d, E_FORMAT,
                         "%s: segment %u: slot at 0x%" PRIx64 ": 0x%" PRIx64
                         " is no heap address: the heap ends at 0x%" PRIx64,
                         p->heap.name, (unsigned)(g - p->heap.segments), offset, word,
                         g->slots.limit);
    out->target = target_of(p, word & mask, &out->addend);
    out->addend += word & ~mask;
    return true;
}

/* ---- contents ---- */

struct filler {
    struct pack *p;
    const struct heap_segment *g;
    uint8_t *bytes; /* of the segment from FROM to TO */
    uint64_t from, to;
};

/* A word that may lie over the piece's ends. */
static void put_word(const struct filler *f, uint64_t offset, uint64_t word)
{
    for (unsigned i = 0; i < 8; i++)
        if (offset + i >= f->from && offset + i < f->to)
            f->bytes[offset + i - f->from] = (uint8_t)(word >> 8 * i);
}

static bool fill_slot(void *arg, uint64_t offset)
{
    const struct filler *f = arg;
    const struct pack_splicer *splicer = pack_splicer_of(f->p);
    struct slot slot;

    if (!read_slot(f->p, f->g, offset, &slot))
        return false;
    put_word(f, offset, splicer->word(f->p, slot.target, slot.addend));
    return true;
}

static bool fill_imports(const struct filler *f)
{
    const struct pack *p = f->p;
    uint64_t from = f->g->addr + f->from, to = f->g->addr + f->to;

    for (uint64_t i = heap_first_import_slot(&p->heap, from > 7 ? from - 7 : 0); i < p->heap.import_slot_count;
         i++) {
        struct heap_import_slot slot = heap_import_slot_at(&p->heap, i);

        if (slot.place >= to)
            break;
        if (slot.place + 8 > f->g->addr)
            put_word(f, slot.place - f->g->addr,
                     pack_splicer_of(p)->in_place ? (uint64_t)slot.addend : 0);
    }
    return true;
}

static bool write_contents(struct pack *p, struct pack_section *s, uint8_t *room)
{
    const struct heap_segment *g = &p->heap.segments[s->segment];
    bool in_place = pack_splicer_of(p)->in_place;

    for (uint64_t at = 0; at < g->size; at += PIECE) {
        struct filler f = {p, g, room, at, g->size - at < PIECE ? g->size : at + PIECE};

        memcpy(room, g->data.at + at, f.to - at);
        if (p->opt->mode == PACK_NATIVE && in_place &&
            !slots_each(&g->slots, at > 7 ? at - 7 : 0, f.to, fill_slot, &f))
            return false;
        if (!fill_imports(&f))
            return false;
        if (!output_write(&p->out, room, f.to - at, s->offset + at))
            return fail_write(p);
    }
    return true;
}

/* ---- relocations ---- */

struct records {
    struct pack *p;
    const struct pack_section *s;
    uint8_t *room;
    uint64_t used;
    uint64_t at; /* in the file */
    uint64_t count;
};

static bool flush(struct records *r)
{
    if (!output_write(&r->p->out, r->room, r->used, r->at))
        return fail_write(r->p);
    r->at += r->used;
    r->used = 0;
    return true;
}

static bool add_record(struct records *r, uint64_t offset, uint32_t symbol, bool import,
                       uint64_t addend)
{
    const struct pack_splicer *splicer = pack_splicer_of(r->p);

    if (r->used + splicer->record > PIECE && !flush(r))
        return false;
    splicer->store(r->p, r->s, offset, symbol, import, addend, r->room + r->used);
    r->used += splicer->record;
    r->count++;
    return true;
}

static bool add_slot(void *arg, uint64_t offset)
{
    struct records *r = arg;
    struct slot slot;

    return read_slot(r->p, &r->p->heap.segments[r->s->segment], offset, &slot) &&
           add_record(r, offset, slot.target->symbol, false, slot.addend);
}

static bool write_relocs(struct pack *p, const struct pack_section *s, uint8_t *room)
{
    const struct heap_segment *g = &p->heap.segments[s->segment];
    struct records r = {.p = p, .s = s, .room = room, .at = s->reloc_offset};
    uint64_t count = (p->opt->mode == PACK_NONE ? 0 : g->slots.count);

    for (uint64_t i = heap_first_import_slot(&p->heap, g->addr);
         i < p->heap.import_slot_count &&
         heap_import_slot_at(&p->heap, i).place < g->addr + g->size;
         i++)
        count++;
    /* COFF counts more than 65535 in a record of its own. */
    if (s->reloc_count > count && !add_record(&r, s->reloc_count, 0, false, 0))
        return false;
    if (p->opt->mode == PACK_NATIVE && !slots_each(&g->slots, 0, g->size, add_slot, &r))
        return false;
    for (uint64_t i = heap_first_import_slot(&p->heap, g->addr); i < p->heap.import_slot_count; i++) {
        struct heap_import_slot slot = heap_import_slot_at(&p->heap, i);

        if (slot.place >= g->addr + g->size)
            break;
        if (!add_record(&r, slot.place - g->addr, p->imports[slot.import], true,
                        (uint64_t)slot.addend))
            return false;
    }
    if (r.count != s->reloc_count)
        return diag_fail(p->d, E_UNSUPPORTED,
                         "internal error: %" PRIu64 " relocations, not %" PRIu64, r.count,
                         s->reloc_count);
    return flush(&r);
}

/* ---- both ---- */

static void count_relocs(struct pack *p)
{
    for (uint32_t i = 0; i < p->heap.segment_count; i++)
        p->sections[i].reloc_count = p->opt->mode == PACK_NONE ? 0 : p->heap.segments[i].slots.count;
    for (uint64_t i = 0; i < p->heap.import_slot_count; i++) {
        uint64_t addend = 0;
        const struct pack_section *s =
            target_of(p, heap_import_slot_at(&p->heap, i).place, &addend);

        p->sections[s->segment].reloc_count++;
    }
}

static void place_all(struct pack *p)
{
    const struct pack_splicer *splicer = pack_splicer_of(p);

    p->end = p->skeleton.size;
    for (uint32_t i = 0; i < p->heap.segment_count; i++) {
        struct pack_section *s = &p->sections[i];

        if (p->heap.segments[i].kind == SIMG_SEGMENT_ZERO)
            continue;
        s->offset = align_up(p->end, splicer->align);
        p->end = s->offset + s->size;
    }
    for (uint32_t i = 0; i < p->heap.segment_count; i++) {
        struct pack_section *s = &p->sections[i];

        if (!s->slots)
            continue;
        s->reloc_offset = align_up(p->end, 8);
        p->end = s->reloc_offset + s->reloc_count * splicer->record;
    }
}

bool pack_stream(struct pack *p)
{
    uint8_t *room = malloc(PIECE);
    bool ok = room || diag_nomem(p->d);

    count_relocs(p);
    if (ok)
        ok = pack_splicer_of(p)->place(p);
    if (ok) {
        place_all(p);
        ok = pack_splicer_of(p)->finish(p) && output_begin(p->d, p->opt->output, p->end, &p->out);
    }
    errno = 0;
    if (ok && !output_write(&p->out, p->skeleton.at, p->skeleton.size, 0))
        ok = fail_write(p);
    for (uint32_t i = 0; ok && i < p->heap.segment_count; i++)
        if (p->heap.segments[i].kind != SIMG_SEGMENT_ZERO)
            ok = write_contents(p, &p->sections[i], room);
    for (uint32_t i = 0; ok && i < p->heap.segment_count; i++)
        if (p->sections[i].slots)
            ok = write_relocs(p, &p->sections[i], room);
    free(room);
    return ok;
}
