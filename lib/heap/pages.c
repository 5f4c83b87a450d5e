/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pages.c - sets of pages of a heap. */

#include "heap/pages.h"

#include "heap/container_parts.h"

/* Segments begin at multiples of 64 KiB: their pages are counted from there. */
static uint64_t page_count(const struct heap_segment *s)
{
    return s->kind == SIMG_SEGMENT_ZERO ? 0 : s->size / HEAP_PAGE + (s->size % HEAP_PAGE != 0);
}

bool heap_pages_begin(struct diag *d, struct arena *a, const struct heap *h, struct heap_pages *out)
{
    *out = (struct heap_pages){h, arena_alloc(a, h->segment_count, sizeof *out->marks)};
    if (!out->marks)
        return diag_nomem(d);
    for (uint32_t i = 0; i < h->segment_count; i++) {
        uint64_t pages = page_count(&h->segments[i]);

        if (pages && !(out->marks[i] = arena_alloc(a, pages / 8 + 1, 1)))
            return diag_nomem(d);
    }
    return true;
}

static void mark(uint8_t *marks, uint64_t first, uint64_t last)
{
    for (uint64_t n = first; n <= last; n++)
        marks[n / 8] |= (uint8_t)(1 << n % 8);
}

void heap_pages_mark(struct heap_pages *p, uint64_t addr, uint64_t size)
{
    const struct heap_segment *s = heap_segment_at(p->h, addr);
    uint8_t *marks = s ? p->marks[s - p->h->segments] : NULL;
    uint64_t offset = s ? addr - s->addr : 0;

    if (!marks || size == 0)
        return;
    size = size < s->size - offset ? size : s->size - offset;
    mark(marks, offset / HEAP_PAGE, (offset + size - 1) / HEAP_PAGE);
}

static bool mark_slot(void *arg, uint64_t offset)
{
    mark(arg, offset / HEAP_PAGE, (offset + 7) / HEAP_PAGE);
    return true;
}

void heap_pages_mark_slots(struct heap_pages *p)
{
    for (uint32_t i = 0; i < p->h->segment_count; i++)
        if (p->marks[i])
            slots_each(&p->h->segments[i].slots, 0, p->h->segments[i].size, mark_slot, p->marks[i]);
}

void heap_pages_mark_segment(struct heap_pages *p, uint32_t i)
{
    if (p->marks[i])
        mark(p->marks[i], 0, page_count(&p->h->segments[i]) - 1);
}

uint64_t heap_pages_marked(const struct heap_pages *p)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < p->h->segment_count; i++)
        for (uint64_t n = 0; p->marks[i] && n <= page_count(&p->h->segments[i]) / 8; n++)
            count += (unsigned)__builtin_popcount(p->marks[i][n]);
    return count;
}

uint64_t heap_pages_all(const struct heap *h)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < h->segment_count; i++)
        count += page_count(&h->segments[i]);
    return count;
}
