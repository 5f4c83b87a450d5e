/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pages.h - the pages of a heap's segments that something writes to. */

#ifndef HEAP_PAGES_H
#define HEAP_PAGES_H

#include "heap/container.h"

enum { HEAP_PAGE = 4096 };

struct heap_pages {
    const struct heap *h;
    uint8_t **marks; /* of each segment a bit for each page; NULL for zero-fill */
};

/* No page is marked.  Memory is of the order of the segments' sizes / 32768. */
bool heap_pages_begin(struct diag *d, struct arena *a, const struct heap *h,
                      struct heap_pages *out);

/* Mark what has any of the SIZE bytes at heap address ADDR.  What lies in no
   segment, or in a zero-fill one, has no pages. */
void heap_pages_mark(struct heap_pages *p, uint64_t addr, uint64_t size);
/* Mark each page with a slot. */
void heap_pages_mark_slots(struct heap_pages *p);
/* Mark all pages of segment I. */
void heap_pages_mark_segment(struct heap_pages *p, uint32_t i);

uint64_t heap_pages_marked(const struct heap_pages *p);
/* All pages but those of zero-fill segments. */
uint64_t heap_pages_all(const struct heap *h);

#endif
