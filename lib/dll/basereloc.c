/* SPDX-License-Identifier: GPL-3.0-or-later */
/* basereloc.c - .reloc: which words move with the image (PE specification, 6.6).
 * Section by section, in the order of their addresses, so that of the words of
 * a large heap no list is kept. */

#include "dll/dll.h"

#include <stdlib.h>

struct lister {
    struct link *l;
    uint32_t *at; /* RVAs of one section */
    uint64_t count, cap;
    bool sorted;
    uint32_t page; /* of the block that is being written; 1: none */
    uint64_t block; /* its offset */
};

static bool add(struct lister *x, uint64_t rva)
{
    if (x->count == x->cap) {
        uint64_t cap = x->cap ? 2 * x->cap : 4096;
        uint32_t *at = realloc(x->at, cap * sizeof *at);

        if (!at)
            return diag_nomem(x->l->d);
        x->at = at;
        x->cap = cap;
    }
    x->sorted = x->sorted && (x->count == 0 || x->at[x->count - 1] < rva);
    x->at[x->count++] = (uint32_t)rva;
    return true;
}

static int by_value(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Blocks are multiples of 4 bytes, or old kernels do not relocate. */
static void end_block(struct lister *x)
{
    struct buf *b = &x->l->dll->relocs;

    if (x->page == 1 || b->bad)
        return;
    if (b->size % 4)
        buf_uint(b, IMAGE_REL_BASED_ABSOLUTE, 2);
    if (!b->bad)
        store_uint(b->at + x->block + 4, 4, false, b->size - x->block);
}

static void put_all(struct lister *x)
{
    struct buf *b = &x->l->dll->relocs;

    if (!x->sorted)
        qsort(x->at, x->count, sizeof *x->at, by_value);
    for (uint64_t i = 0; i < x->count; i++) {
        uint32_t page = x->at[i] & ~UINT32_C(0xfff);

        if (page != x->page) {
            end_block(x);
            x->page = page;
            x->block = b->size;
            buf_uint(b, page, 4);
            buf_uint(b, 0, 4);
        }
        buf_uint(b, IMAGE_REL_BASED_DIR64 << 12 | (x->at[i] & 0xfff), 2);
    }
    x->count = 0;
    x->sorted = true;
}

struct slot_lister {
    struct lister *x;
    uint64_t rva;
};

static bool add_slot(void *arg, uint64_t offset)
{
    const struct slot_lister *s = arg;

    return add(s->x, s->rva + offset);
}

static bool list_words(struct lister *x, const struct lsec *s, uint64_t rva)
{
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    for (uint64_t first = 0; s->relative && first < s->sec->reloc_count; first += got) {
        if (!s->obj->o.format->relocs(x->l->d, &s->obj->o, s->index, first, batch, RELOC_BATCH,
                                      &got))
            return false;
        for (unsigned i = 0; i < got; i++)
            if (dll_moves(&batch[i], dll_target_of(x->l, s, &batch[i])) &&
                !add(x, rva + batch[i].offset))
                return false;
    }
    return true;
}

static bool list_section(struct lister *x, const struct lsec *s)
{
    const struct dll *y = x->l->dll;
    uint64_t rva = dll_lsec_rva(x->l, s);
    struct slot_lister slots = {x, rva};

    if (s == y->pointer_table)
        for (uint64_t i = 0; i < y->pointer_count; i++)
            if (!lsym_is_constant(y->pointers[i]) && !add(x, rva + 8 * i))
                return false;
    if (s == y->tls_dir)
        for (uint64_t i = 0; i < 3; i++)
            if (!add(x, rva + 8 * i))
                return false;
    if (s->obj == x->l->objs[0])
        return true;
    if (!list_words(x, s, rva))
        return false;
    return !s->sec->slots || x->l->heap_relocs == HEAP_RELOCS_NONE ||
           slots_each(s->sec->slots, 0, s->size, add_slot, &slots);
}

bool dll_make_relocs(struct link *l)
{
    struct lister x = {.l = l, .sorted = true, .page = 1};
    bool ok = true;

    l->dll->relocs = (struct buf){0}; /* an earlier one, for other addresses, is the arena's */
    for (uint64_t i = 0; ok && i < l->out_count && l->outs[i]->secs[0] != l->dll->reloc; i++)
        for (uint64_t n = 0; ok && n < l->outs[i]->count; n++) {
            ok = list_section(&x, l->outs[i]->secs[n]);
            put_all(&x);
        }
    end_block(&x);
    free(x.at);
    if (ok && l->dll->relocs.bad)
        ok = diag_nomem(l->d);
    l->dll->reloc->data = l->dll->relocs.at;
    return link_own(l, l->dll->relocs.at) && ok;
}
