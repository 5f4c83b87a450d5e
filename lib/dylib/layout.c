/* SPDX-License-Identifier: GPL-3.0-or-later */
/* layout.c - addresses and offsets.
 *
 * File order is memory order.  Segments start at pages of 16 KiB in both, for
 * every CPU: arm64 has such pages, and so has Rosetta. */

#include "dylib/dylib.h"
#include "heap/object.h"

#include <inttypes.h>

/* Offsets in load commands and in the loader have 32 bits. */
#define MAX_FILE UINT32_MAX

struct place {
    uint64_t addr, offset;
};

static void place_out(struct out *o, const struct dylib_segment *seg, struct place *at)
{
    uint64_t align = UINT64_C(1) << o->align_log2;

    at->addr = align_up(at->addr, align);
    o->addr = at->addr;
    o->offset = macho_is_zerofill(o->type) ? 0 : seg->offset + (at->addr - seg->addr);
    at->addr += o->size;
    if (!macho_is_zerofill(o->type))
        at->offset = o->offset + o->size;
}

static bool is_tls(const struct out *o)
{
    uint32_t type = o->type & SECTION_TYPE;

    return type == S_THREAD_LOCAL_REGULAR || type == S_THREAD_LOCAL_ZEROFILL;
}

/* The template of thread-local variables starts where all of it is aligned. */
static void align_tls(struct link *l)
{
    struct out *first = NULL;

    for (uint64_t i = 0; i < l->out_count; i++) {
        if (!is_tls(l->outs[i]))
            continue;
        first = first ? first : l->outs[i];
        if (l->outs[i]->align_log2 > first->align_log2)
            first->align_log2 = l->outs[i]->align_log2;
    }
}

static bool place_segment(struct link *l, struct dylib_segment *seg, struct place *at)
{
    struct dylib *y = l->dylib;
    uint64_t page = l->darwin->page_size;

    seg->addr = at->addr = align_up(at->addr, page);
    seg->offset = at->offset = align_up(at->offset, page);
    if (seg == y->segments) {
        at->addr += y->header_size;
        at->offset += y->header_size;
    }
    for (uint64_t i = 0; i < seg->out_count; i++) {
        struct out *o = l->outs[seg->first_out + i];

        /* What it says depends on where code is, and code comes before it. */
        if (y->unwind && o == y->unwind->out) {
            if (!dylib_size_unwind(l))
                return false;
            out_lay_out(o);
        }
        if (is_tls(o) && !y->tls_addr) {
            place_out(o, seg, at);
            y->tls_addr = o->addr;
            continue;
        }
        place_out(o, seg, at);
    }
    at->addr = align_up(at->addr, page);
    seg->vmsize = at->addr - seg->addr;
    at->offset = align_up(at->offset, page);
    seg->filesize = at->offset - seg->offset;
    if (seg->vmsize < seg->filesize) {
        seg->vmsize = seg->filesize;
        at->addr = seg->addr + seg->vmsize;
    }
    return true;
}

/* What is added to the slots of HEAP.  Prelinked heaps keep the distances that
   they have in the image. */
static uint64_t value_of(const struct link *l, const struct lobj *heap)
{
    switch (l->heap_relocs) {
    case HEAP_RELOCS_PRELINKED:
        return l->heap_place + (heap->heap_base - l->heaps[0]->heap_base);
    case HEAP_RELOCS_NATIVE:
        return heap->heap_base;
    default:
        return 0;
    }
}

/* Segments of heaps keep their distances: each reaches up to the next. */
static void place_heaps(struct link *l, uint32_t first, struct place *at)
{
    struct dylib *y = l->dylib;
    uint64_t page = l->darwin->page_size;

    for (uint32_t i = first; &y->segments[i] != y->linkedit; i++) {
        struct dylib_segment *seg = &y->segments[i];
        struct out *o = l->outs[seg->first_out];
        struct lsec *s = o->secs[0];
        bool zero = s->sec->flags & SEC_ZERO;
        const struct dylib_segment *next = seg + 1;
        uint64_t left = s->size - seg->heap_from;

        if (seg->heap_from == 0) {
            if (i == first || l->outs[seg[-1].first_out]->heap != o->heap)
                o->heap->heap_base = align_up(at->addr, UINT64_C(1) << SIMG_SEGMENT_ALIGN_LOG2);
            o->addr = o->heap->heap_base + s->sec->addr;
            o->heap->heap_value = value_of(l, o->heap);
            at->offset = align_up(at->offset, page);
            o->offset = zero ? 0 : at->offset;
            s->offset = 0;
            o->size = s->size;
        }
        seg->addr = o->addr + seg->heap_from;
        seg->offset = zero ? at->offset : o->offset + seg->heap_from;
        if (next != y->linkedit && next->first_out == seg->first_out)
            left = next->heap_from - seg->heap_from;
        seg->filesize = zero ? 0 : align_up(left, page);
        seg->vmsize = align_up(left, page);
        at->addr = seg->addr + seg->vmsize;
        at->offset = seg->offset + seg->filesize;
        /* No hole in front of it, but behind code: old loaders refuse code whose
           vmsize is not its filesize. */
        if (i > 0 && !(seg[-1].initprot & VM_PROT_EXECUTE))
            seg[-1].vmsize = seg->addr - seg[-1].addr;
    }
}

uint8_t dylib_section_number(const struct link *l, const struct lsec *s, uint64_t addr)
{
    const struct dylib *y = l->dylib;

    for (uint32_t i = 0; i < y->segment_count; i++) {
        const struct dylib_segment *seg = &y->segments[i];

        for (uint64_t n = 0; n < seg->out_count; n++) {
            if (l->outs[seg->first_out + n] != s->out)
                continue;
            if (s->out->heap && seg[1].out_count && l->outs[seg[1].first_out] == s->out &&
                addr >= s->out->addr + seg[1].heap_from)
                continue;
            if (seg->first_section + n > 255)
                return 255;
            return (uint8_t)(seg->first_section + n);
        }
    }
    return 0;
}

static void count_fixups(const struct link *l, struct dylib_segment *seg)
{
    for (uint64_t i = 0; i < seg->out_count; i++) {
        const struct out *o = l->outs[seg->first_out + i];

        for (uint64_t n = 0; n < o->count; n++) {
            const struct lsec *s = o->secs[n];

            if (o->heap && seg->heap_from) /* counted by the first piece */
                continue;
            seg->rebases += s->relative;
            seg->binds += s->symbolic;
            if (s->sec->slots && l->heap_relocs == HEAP_RELOCS_NATIVE)
                seg->rebases += s->sec->slots->count;
        }
    }
}

bool dylib_place(struct link *l)
{
    struct dylib *y = l->dylib;
    struct place at = {.addr = l->opt->image_base};
    uint32_t heaps = 0;

    y->tls_addr = 0;
    for (uint64_t i = 0; i < l->out_count; i++)
        if (!l->outs[i]->heap)
            out_lay_out(l->outs[i]);
    align_tls(l);
    y->header_size = dylib_header_size(l);
    for (; heaps + 1 < y->segment_count &&
           !(y->segments[heaps].out_count && l->outs[y->segments[heaps].first_out]->heap);
         heaps++)
        if (!place_segment(l, &y->segments[heaps], &at))
            return false;
    place_heaps(l, heaps, &at);
    y->linkedit->addr = align_up(at.addr, l->darwin->page_size);
    y->linkedit->offset = at.offset;
    return true;
}

bool dylib_layout(struct link *l)
{
    struct dylib *y = l->dylib;

    if (!dylib_place(l) || !link_add_islands(l))
        return false;
    for (uint32_t i = 0; i + 1 < y->segment_count; i++)
        count_fixups(l, &y->segments[i]);
    if (y->linkedit->offset > MAX_FILE)
        return diag_fail(l->d, E_LINK,
                         "the image would have 0x%" PRIx64
                         " bytes; Mach-O files end at 4 GiB, since offsets have 32 bits: keep the "
                         "heap in a file of its own",
                         y->linkedit->offset);
    for (uint32_t i = 0; i < y->segment_count; i++) {
        struct dylib_segment *seg = &y->segments[i];

        if (!y->chained || !(seg->rebases + seg->binds + seg->heap_from))
            continue;
        seg->page_count = (seg->filesize + l->darwin->fixup_page - 1) / l->darwin->fixup_page;
        if (seg->page_count >= UINT16_MAX)
            return diag_fail(l->d, E_LINK,
                             "segment %s: pointers in 0x%" PRIx64
                             " pages, and chained fixups allow 65534; use -no_fixup_chains, or "
                             "fewer data",
                             seg->name, seg->page_count);
        if (!(seg->page_starts = arena_alloc(&l->arena, seg->page_count, sizeof(uint16_t))))
            return diag_nomem(l->d);
        memset(seg->page_starts, 0xff, seg->page_count * sizeof(uint16_t));
    }
    return true;
}
