/* SPDX-License-Identifier: GPL-3.0-or-later */
/* layout.c - addresses and offsets.
 *
 * Sections follow each other in memory without gaps, which Windows insists on,
 * and have the same alignment in the file, so that their pages are the file's
 * own: other linkers' 512 bytes make the loader read all of an image into
 * private memory. */

#include "dll/dll.h"

#include <inttypes.h>

enum { PAGE = 4096, VIEW = 65536 /* files are mapped at multiples of it */, MOST_SECTIONS = 96 };
#define MOST_SIZE UINT64_C(0x7fff0000) /* Windows loads nothing of 2 GiB */

struct place {
    uint64_t rva, offset;
};

static bool is_zero(const struct out *o) { return o->type & IMAGE_SCN_CNT_UNINITIALIZED_DATA; }

static bool put(struct link *l, struct out *o, struct place *at, uint64_t file_align)
{
    o->addr = l->image_base + at->rva;
    at->offset = align_up(at->offset, file_align);
    o->offset = is_zero(o) ? 0 : at->offset;
    at->rva = align_up(at->rva + o->size, PAGE);
    if (!is_zero(o))
        at->offset = align_up(at->offset + o->size, PAGE);
    return at->rva <= MOST_SIZE ||
           diag_fail(l->d, E_LINK,
                     "the image would have 0x%" PRIx64
                     " bytes with section %s; Windows loads none of 2 GiB or more: keep the heap in "
                     "a file of its own",
                     at->rva, o->name);
}

/* Segments keep the distances that they have in the heap: what stands before one
   reaches up to it. */
static bool put_heap(struct link *l, uint64_t index, struct place *at)
{
    struct out *o = l->outs[index], *before = index ? l->outs[index - 1] : NULL;
    struct lsec *s = o->secs[0];
    uint64_t rva = 0;

    s->offset = 0;
    o->size = s->size;
    if (!before || before->heap != o->heap) {
        o->heap->heap_base = l->image_base + align_up(at->rva, VIEW);
        o->heap->heap_value = l->heap_relocs == HEAP_RELOCS_NONE ? 0 : o->heap->heap_base;
    }
    rva = o->heap->heap_base + s->sec->addr - l->image_base;
    if (before && rva > at->rva)
        before->size = rva - (before->addr - l->image_base);
    at->rva = rva;
    return put(l, o, at, VIEW);
}

static uint64_t headers_size(const struct link *l)
{
    return align_up(0x80 + 4 + FILE_HEADER_SIZE + OPTIONAL_HEADER_SIZE +
                        DIRECTORY_COUNT * DATA_DIRECTORY_SIZE +
                        SECTION_HEADER_SIZE * l->out_count,
                    PAGE);
}

uint32_t dll_section_number(const struct link *l, const struct out *o)
{
    for (uint64_t i = 0; i < l->out_count; i++)
        if (l->outs[i] == o)
            return (uint32_t)i + 1;
    return 0;
}

bool dll_layout(struct link *l)
{
    struct dll *y = l->dll;
    struct place at = {0};

    if (l->out_count > MOST_SECTIONS)
        return diag_fail(l->d, E_LINK, "%" PRIu64 " sections; Windows loads an image with %d",
                         l->out_count, MOST_SECTIONS);
    at.rva = at.offset = y->headers_size = headers_size(l);
    for (uint64_t i = 0; i < l->out_count; i++) {
        struct out *o = l->outs[i];

        o->index = (uint32_t)i + 1;
        if (!o->heap)
            out_lay_out(o);
        if (!strcmp(o->name, ".pdata"))
            y->pdata = o;
        else if (!strcmp(o->name, ".tls"))
            y->tls = o;
        if (o->secs[0] == y->reloc) {
            if (!dll_make_relocs(l))
                return false;
            y->reloc->size = o->size = y->relocs.size;
            y->any_reloc = y->relocs.size > 0;
            if (!y->any_reloc) { /* nothing moves */
                memmove(l->outs + i, l->outs + i + 1, (--l->out_count - i) * sizeof *l->outs);
                i--;
                continue;
            }
        }
        if (o->heap ? !put_heap(l, i, &at) : !put(l, o, &at, PAGE))
            return false;
    }
    y->image_size = at.rva;
    l->file_size = at.offset;
    return true;
}
