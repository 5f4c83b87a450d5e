/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_image.c - the heaps of a linked image: what the table says of them,
 * and what it costs to start with them. */

#include "elf/heaps.h"
#include "heap/cache.h"
#include "heap/pages.h"
#include "inspect_heap.h"

#include <inttypes.h>
#include <stdio.h>

static void put_cost(struct report *r, const struct elf_heap_cost *c)
{
    struct buf *line = NULL;

    rep_open(r, "relocation", '{');
    rep_num(r, "rela_bytes", NULL, c->rela_bytes);
    rep_num(r, "rela_count", NULL, c->relas);
    rep_num(r, "relr_bytes", NULL, c->relr_bytes);
    rep_num(r, "map_bytes", NULL, c->map_bytes);
    rep_num(r, "page_size", NULL, HEAP_PAGE);
    rep_num(r, "pages", NULL, c->pages);
    rep_num(r, "dirty_pages", NULL, c->dirty);
    rep_num(r, "dirty_pages_moved", NULL, c->dirty_moved);
    rep_num(r, "shared_pages", NULL, c->pages - c->dirty);
    rep_num(r, "shared_pages_moved", NULL, c->pages - c->dirty_moved);
    rep_close(r);
    if (r->as_json)
        return;
    line = rep_line(r, "relocation");
    term_count(line, c->rela_bytes + c->relr_bytes + c->map_bytes);
    buf_printf(line, " bytes: ");
    term_count(line, c->rela_bytes);
    buf_printf(line, " RELA, ");
    term_count(line, c->relr_bytes);
    buf_printf(line, " RELR, ");
    term_count(line, c->map_bytes);
    buf_printf(line, " of slot maps");
    rep_end_line(r);
    line = rep_line(r, "pages");
    term_count(line, c->pages);
    buf_printf(line, " of %d bytes; private at start: ", HEAP_PAGE);
    term_count(line, c->dirty);
    if (c->dirty_moved != c->dirty) {
        buf_printf(line, ", and ");
        term_count(line, c->dirty_moved);
        buf_printf(line, " if its address is taken");
    }
    rep_end_line(r);
}

static void put_heap(struct inspect *i, const struct image_heap *h, const struct elf_heap_cost *c)
{
    struct heap_view v = {i->r, &h->heap, h, i->parts};
    bool summary = i->r->as_json || !(i->parts & ~(unsigned)PART_MEMBERS);

    rep_open(i->r, NULL, '{');
    if (summary) {
        heap_put_place(i->r, h);
        heap_put_facts(&v);
        put_cost(i->r, c);
    }
    if (summary || i->parts & PART_SEGMENTS)
        heap_put_segments(&v);
    if (i->parts & PART_IMPORTS)
        heap_put_imports(&v);
    if (i->parts & PART_ROOTS)
        heap_put_roots(&v);
    rep_close(i->r);
}

static bool put_heaps(struct inspect *i, const struct heap_image *m)
{
    struct elf_heap_cost *costs = arena_alloc(i->a, m->heap_count, sizeof *costs);

    if (!costs)
        return diag_nomem(i->d);
    if (!elf_heap_costs(i->d, i->a, &i->m, m, costs))
        return false;
    rep_num(i->r, "heap_table_size", NULL, m->bytes.size);
    rep_open(i->r, "heaps", '[');
    for (uint32_t n = 0; n < m->heap_count; n++)
        put_heap(i, &m->heaps[n], &costs[n]);
    rep_close(i->r);
    return m->heap_count != 1 || !heap_cache_is(&m->heaps[0]) || inspect_cache(i, m);
}

bool inspect_heaps(struct inspect *i)
{
    struct elf_heap_notes notes;
    struct diag problem = {0};
    struct heap_image m;

    if (i->m.load_count == 0)
        return true;
    elf_heap_notes(&i->m, &notes);
    if (notes.tables == 0) {
        if (notes.requests > 0)
            rep_str(i->r, "no_heap", i->parts ? NULL : "heap",
                    "asked for and not there: no linker plugin has put it here");
        return true;
    }
    if (elf_heaps_read(&problem, i->a, &i->m, &notes, &m))
        return put_heaps(i, &m);
    if (problem.status == E_NOMEM)
        return diag_nomem(i->d);
    /* The file itself is sound: say what is known and what is not. */
    diag_warn(i->d, "its table of heaps: %s", problem.text);
    rep_str(i->r, "no_heap", i->parts ? NULL : "heap", problem.text);
    return true;
}
