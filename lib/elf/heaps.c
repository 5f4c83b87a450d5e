/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heaps.c - find an image's heaps and what relocating them costs. */

#include "elf/heaps.h"

#include <stdlib.h>

#include "heap/pages.h"

void elf_heap_notes(const struct elf_image *m, struct elf_heap_notes *out)
{
    const struct elf_file *f = m->file;
    uint64_t left = f->in.size; /* notes may lie on top of each other */

    *out = (struct elf_heap_notes){0};
    for (uint32_t i = 0; i < f->segment_count; i++) {
        const struct elf_phdr *p = &f->segments[i];
        struct cursor c = elf_cursor(f, p->data);
        struct elf_note n;

        if (p->type != PT_NOTE || p->data.size > left)
            continue;
        left -= p->data.size;
        while (elf_next_note(&c, p->align == 8 ? 8 : 4, &n)) {
            if (n.owner.size != strlen(SIMG_NOTE_NAME) ||
                memcmp(n.owner.at, SIMG_NOTE_NAME, n.owner.size) != 0)
                continue;
            out->requests += n.type == SIMG_NOTE_REQUEST;
            if (n.type == SIMG_NOTE_TABLE && out->tables++ == 0) {
                out->desc = n.desc;
                out->addr = n.desc.at ? p->vaddr + (uint64_t)(n.desc.at - p->data.at) : p->vaddr;
            }
        }
    }
}

static bool bytes_at(void *arg, uint64_t addr, uint64_t size, struct span *out)
{
    return elf_image_bytes(arg, addr, size, out);
}

bool elf_heaps_read(struct diag *d, struct arena *a, const struct elf_image *m,
                    const struct elf_heap_notes *n, struct heap_image *out)
{
    struct heap_image_input in = {.bytes = bytes_at,
                                  .arg = (void *)(uintptr_t)m,
                                  .big = m->file->big,
                                  .file_size = m->file->in.size,
                                  .note = n->addr,
                                  .desc = n->desc};

    return heap_image_read(d, a, &in, out);
}

/* ---- segments by address ---- */

static int by_addr(const void *left, const void *right)
{
    const struct elf_heap_place *l = left, *r = right;

    return l->addr < r->addr ? -1 : l->addr > r->addr;
}

bool elf_heap_places(struct diag *d, struct arena *a, const struct heap_image *m,
                     struct elf_heap_places *out)
{
    uint64_t count = 0, n = 0;

    for (uint32_t i = 0; i < m->heap_count; i++)
        count += m->heaps[i].heap.segment_count;
    *out = (struct elf_heap_places){arena_alloc(a, count, sizeof *out->all), 0};
    if (!out->all)
        return diag_nomem(d);
    for (uint32_t i = 0; i < m->heap_count; i++)
        for (uint32_t k = 0; k < m->heaps[i].heap.segment_count; k++) {
            const struct heap_segment *s = &m->heaps[i].heap.segments[k];

            out->all[n++] = (struct elf_heap_place){m->heaps[i].at + s->addr, s->size, i, k};
        }
    if (n > 0)
        qsort(out->all, n, sizeof *out->all, by_addr);
    out->count = n;
    return true;
}

const struct elf_heap_place *elf_heap_at(const struct elf_heap_places *p, uint64_t addr)
{
    uint64_t low = 0, high = p->count;

    while (low < high) { /* the last that does not begin behind ADDR */
        uint64_t mid = low + (high - low) / 2;

        if (p->all[mid].addr <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    return low > 0 && addr - p->all[low - 1].addr < p->all[low - 1].size ? &p->all[low - 1] : NULL;
}

/* ---- costs ---- */

struct counter {
    const struct heap_image *heaps;
    struct elf_heap_places places;
    struct heap_pages *pages; /* of each heap */
    struct elf_heap_cost *costs;
    uint64_t rela, word, last_word; /* entry sizes; the RELR word counted last, + 1 */
};

static bool count_reloc(void *arg, const struct elf_dynamic_reloc *r)
{
    struct counter *c = arg;
    const struct elf_heap_place *at = elf_heap_at(&c->places, r->addr);

    if (!at)
        return true;
    heap_pages_mark(&c->pages[at->heap], r->addr - c->heaps->heaps[at->heap].at, c->word);
    if (r->source != ELF_FROM_RELR) {
        c->costs[at->heap].relas++;
        c->costs[at->heap].rela_bytes += c->rela;
    } else if (c->last_word != r->index + 1) {
        c->costs[at->heap].relr_bytes += c->word;
        c->last_word = r->index + 1;
    }
    return true;
}

/* Loaders clear the rest of the last page of a file's part, if zero-filled
   memory follows. */
static void mark_cleared(struct counter *c, const struct elf_image *m)
{
    for (uint32_t i = 0; i < m->load_count; i++) {
        const struct elf_load *l = &m->loads[i];
        const struct elf_heap_place *at =
            l->file_end > l->addr ? elf_heap_at(&c->places, l->file_end - 1) : NULL;

        if (at && l->mem_end > l->file_end && l->file_end % HEAP_PAGE && l->flags & PF_W)
            heap_pages_mark(&c->pages[at->heap], l->file_end - 1 - c->heaps->heaps[at->heap].at, 1);
    }
}

/* What the start-up code writes when the heap is not where it was linked for
   (runtime/move.h): all of a segment with a bitmap.  In a small one with
   nothing but odd slots, these and the last bytes. */
static void mark_moved(struct heap_pages *p, const struct image_heap *h)
{
    enum { HUGE = 0x200000 };

    for (uint32_t i = 0; h->mode == SIMG_MODE_PRELINKED && i < h->heap.segment_count; i++) {
        const struct heap_segment *s = &h->heap.segments[i];

        if (s->slots.count == 0 || h->heap.written)
            continue;
        if (s->slots.bitmap || s->size >= HUGE) {
            heap_pages_mark_segment(p, i);
            continue;
        }
        for (uint64_t n = 0; n < s->slots.odd_count; n++)
            heap_pages_mark(p, s->addr + s->slots.odd[n], 8);
        if (s->size % 64)
            heap_pages_mark(p, s->addr + s->size - s->size % 64, s->size % 64);
    }
}

/* What the start-up code copies in any case. */
static void mark_written(struct heap_pages *p, const struct heap *h)
{
    const struct heap_segment *s = &h->segments[0];

    if (h->written && h->segment_count)
        heap_pages_mark(p, s->addr, h->written < s->size ? h->written : s->size);
}

bool elf_heap_costs(struct diag *d, struct arena *a, const struct elf_image *m,
                    const struct heap_image *heaps, struct elf_heap_cost *out)
{
    struct counter c = {.heaps = heaps,
                        .costs = out,
                        .rela = elf_rel_size(m->file->wide, true),
                        .word = m->file->wide ? 8 : 4};

    c.pages = arena_alloc(a, heaps->heap_count, sizeof *c.pages);
    if (!c.pages)
        return diag_nomem(d);
    if (!elf_heap_places(d, a, heaps, &c.places))
        return false;
    for (uint32_t i = 0; i < heaps->heap_count; i++) {
        const struct heap *h = &heaps->heaps[i].heap;

        if (!heap_pages_begin(d, a, h, &c.pages[i]))
            return false;
        out[i] = (struct elf_heap_cost){.pages = heap_pages_all(h)};
        for (uint32_t k = 0; k < h->segment_count; k++)
            out[i].map_bytes +=
                h->segments[k].slots.bitmap_size + 8 * h->segments[k].slots.odd_count;
    }
    elf_image_relocs(m, count_reloc, &c);
    mark_cleared(&c, m);
    for (uint32_t i = 0; i < heaps->heap_count; i++) {
        mark_written(&c.pages[i], &heaps->heaps[i].heap);
        out[i].dirty = heap_pages_marked(&c.pages[i]);
        mark_moved(&c.pages[i], &heaps->heaps[i]);
        out[i].dirty_moved = heap_pages_marked(&c.pages[i]);
    }
    return true;
}
