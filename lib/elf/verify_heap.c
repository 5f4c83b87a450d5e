/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_heap.c - rules about the heaps of an image: that its segments are
 * where and what the table says, and that the words at slots are addresses. */

#include "elf/verify_heaps.h"

#define HUGE_PAGE UINT64_C(0x200000)

struct verify_heaps *verify_get_heaps(struct verify *v)
{
    struct verify_heaps *h = v->heaps;

    if (h)
        return h;
    if (!(h = v->heaps = verify_alloc(v, 1, sizeof *h)))
        return NULL;
    h->zeros_left = v->f.in.size;
    elf_heap_notes(&v->m, &h->notes);
    if (h->notes.tables > 0)
        elf_heaps_read(&h->problem, v->a, &v->m, &h->notes, &h->image);
    if (h->problem.status == E_NOMEM ||
        !elf_heap_places(&(struct diag){0}, v->a, &h->image, &h->places))
        v->nomem = true;
    return h;
}

void verify_each_heap(struct verify *v, void (*check)(struct verify *v, const struct image_heap *h))
{
    struct where here = {v->d->where, "heap", 0};
    const struct verify_heaps *h = verify_get_heaps(v);

    v->d->where = &here;
    for (uint32_t i = 0; h && i < h->image.heap_count && verify_go_on(v); i++) {
        here.index = i;
        check(v, &h->image.heaps[i]);
    }
    v->d->where = here.up;
}

static void each_segment(struct verify *v, const struct image_heap *h,
                         void (*check)(struct verify *v, const struct image_heap *h, uint32_t i))
{
    struct where here = {v->d->where, "segment", 0};

    v->d->where = &here;
    for (uint32_t i = 0; i < h->heap.segment_count && verify_go_on(v); i++) {
        here.index = i;
        check(v, h, i);
    }
    v->d->where = here.up;
}

/* ---- the note and the table ---- */

void verify_heap_note(struct verify *v)
{
    const struct verify_heaps *h = verify_get_heaps(v);

    if (!h)
        return;
    if (h->notes.tables > 1)
        diag_fail(v->d, E_FORMAT, "%" PRIu64 " notes lead to a table of heaps: one is looked at",
                  h->notes.tables);
    if (h->notes.requests > 0 && h->notes.tables == 0)
        diag_fail(v->d, E_FORMAT,
                  "a heap was asked for and is not there: the linker plugin that puts it here "
                  "never ran");
}

void verify_heap_table(struct verify *v)
{
    const struct verify_heaps *h = verify_get_heaps(v);

    if (!h || h->notes.tables == 0)
        return;
    if (h->problem.status != OK)
        diag_fail(v->d, E_FORMAT, "%s", h->problem.text);
    else if (h->image.machine != v->f.machine)
        diag_fail(v->d, E_FORMAT, "the table is for e_machine %" PRIu32 ", the file for %u",
                  h->image.machine, v->f.machine);
}

/* ---- places and rights ---- */

/* The file has all SIZE bytes for ADDR, and they are zeros. */
static bool has_zeros(struct verify *v, uint64_t addr, uint64_t size)
{
    struct span s;

    if (!elf_image_bytes(&v->m, addr, size, &s) || size > v->heaps->zeros_left)
        return false;
    v->heaps->zeros_left -= size;
    return span_is_zero(s);
}

static void check_segment_place(struct verify *v, const struct image_heap *h, uint32_t i)
{
    const struct heap_segment *s = &h->heap.segments[i];
    uint64_t addr = h->at + s->addr;
    const struct elf_load *l = elf_image_load(&v->m, addr, s->size);
    struct span bytes;

    if (!l)
        diag_fail(v->d, E_FORMAT, "0x%" PRIx64 " bytes at 0x%" PRIx64 " are not inside a PT_LOAD",
                  s->size, addr);
    else if (s->kind == SIMG_SEGMENT_ZERO && addr < l->file_end &&
             !has_zeros(v, addr, s->size))
        diag_fail(v->d, E_FORMAT,
                  "it is zero-fill, and the file has bytes for 0x%" PRIx64 " (PT_LOAD %" PRIu32 ")",
                  addr, l->segment);
    else if (s->kind != SIMG_SEGMENT_ZERO && !elf_image_bytes(&v->m, addr, s->size, &bytes))
        diag_fail(v->d, E_FORMAT,
                  "0x%" PRIx64 " bytes at 0x%" PRIx64 " are not all in the file (PT_LOAD %" PRIu32
                  ")",
                  s->size, addr, l->segment);
}

static void check_place(struct verify *v, const struct image_heap *h)
{
    if (h->at % HUGE_PAGE)
        diag_fail(v->d, E_FORMAT, "it is at 0x%" PRIx64 ", not a multiple of 2 MiB", h->at);
    if (h->mode != SIMG_MODE_NONE && h->base != h->at && !image_heap_is_mobile(h))
        diag_fail(v->d, E_FORMAT, "it is relocated for 0x%" PRIx64 " and lies at 0x%" PRIx64,
                  h->base, h->at);
    if (h->mode == SIMG_MODE_PRELINKED && !(h->flags & SIMG_HEAP_HAS_SLOTS) &&
        h->heap.slot_count > 0)
        diag_fail(v->d, E_FORMAT,
                  "it is prelinked and has no slot maps: with its address taken nobody can "
                  "relocate it");
    each_segment(v, h, check_segment_place);
}

void verify_heap_place(struct verify *v)
{
    const struct verify_heaps *h = verify_get_heaps(v);

    verify_each_heap(v, check_place);
    for (uint64_t i = 1; h && i < h->places.count && verify_go_on(v); i++) {
        const struct elf_heap_place *p = &h->places.all[i];

        if (p->addr - p[-1].addr < p[-1].size)
            diag_fail(v->d, E_FORMAT,
                      "segment %" PRIu32 " of heap %" PRIu32 " and segment %" PRIu32
                      " of heap %" PRIu32 " overlap at 0x%" PRIx64,
                      p[-1].segment, p[-1].heap, p->segment, p->heap, p->addr);
    }
}

static const char *rights_text(uint32_t rights, char text[4])
{
    text[0] = rights & SIMG_PROT_R ? 'r' : '-';
    text[1] = rights & SIMG_PROT_W ? 'w' : '-';
    text[2] = rights & SIMG_PROT_X ? 'x' : '-';
    text[3] = 0;
    return text;
}

static void check_segment_rights(struct verify *v, const struct image_heap *h, uint32_t i)
{
    static const uint32_t of_kind[] = {
        [SIMG_SEGMENT_READ_ONLY] = SIMG_PROT_R,
        [SIMG_SEGMENT_READ_WRITE] = SIMG_PROT_R | SIMG_PROT_W,
        [SIMG_SEGMENT_ZERO] = SIMG_PROT_R | SIMG_PROT_W,
        [SIMG_SEGMENT_CODE] = SIMG_PROT_R | SIMG_PROT_X,
    };
    const struct heap_segment *s = &h->heap.segments[i];
    const struct image_segment *g = &h->segments[i];
    const struct elf_load *l = elf_image_load(&v->m, h->at + s->addr, s->size);
    uint32_t mapped = g->flags & SIMG_SEG_LOADED_WRITABLE ? SIMG_PROT_R | SIMG_PROT_W : g->prot;
    uint32_t is = 0;
    char has[4], wants[4];

    if (g->prot != of_kind[s->kind])
        diag_fail(v->d, E_FORMAT, "its rights are %s, of its kind (%u) are %s",
                  rights_text(g->prot, has), s->kind, rights_text(of_kind[s->kind], wants));
    if (g->prot & SIMG_PROT_W && g->flags & SIMG_SEG_LOADED_WRITABLE)
        diag_fail(v->d, E_FORMAT, "it stays writable, and is said to be so only while relocated");
    if (!l)
        return; /* heap-place tells */
    is = (l->flags & PF_R ? SIMG_PROT_R : 0u) | (l->flags & PF_W ? SIMG_PROT_W : 0u) |
         (l->flags & PF_X ? SIMG_PROT_X : 0u);
    if (is != mapped)
        diag_fail(v->d, E_FORMAT, "PT_LOAD %" PRIu32 " maps it %s, the table has %s", l->segment,
                  rights_text(is, has), rights_text(mapped, wants));
}

static void check_rights(struct verify *v, const struct image_heap *h)
{
    each_segment(v, h, check_segment_rights);
}

void verify_heap_rights(struct verify *v) { verify_each_heap(v, check_rights); }

/* ---- words ---- */

struct word_check {
    struct verify *v;
    const struct image_heap *h;
    struct span data;
    uint64_t mask, low, high; /* the image, where slots may lead there */
};

static bool check_word(void *arg, uint64_t offset)
{
    const struct word_check *c = arg;
    uint64_t word = load_uint(c->data.at + offset, 8, c->h->heap.big), to = word & c->mask;

    if (to - c->h->base <= c->h->heap.span || (to >= c->low && to < c->high))
        return true;
    diag_fail(c->v->d, E_FORMAT,
              "the slot at 0x%" PRIx64 " holds 0x%" PRIx64 ", no address in the heap (0x%" PRIx64
              " bytes at 0x%" PRIx64 ")%s",
              offset, word, c->h->heap.span, c->h->base, c->high ? " or the image" : "");
    return verify_go_on(c->v);
}

static void check_segment_words(struct verify *v, const struct image_heap *h, uint32_t i)
{
    const struct heap_segment *s = &h->heap.segments[i];
    struct word_check c = {.v = v, .h = h, .mask = UINT64_MAX >> (64 - h->heap.address_bits)};

    /* Where the file has no bytes, heap-place tells. */
    if (!s->slots.count || !elf_image_bytes(&v->m, h->at + s->addr, s->size, &c.data))
        return;
    if (h->flags & SIMG_HEAP_NEEDS_IMAGE && v->m.load_count > 0) {
        c.low = v->m.loads[0].addr;
        c.high = v->m.loads[v->m.load_count - 1].mem_end;
    }
    slots_each(&s->slots, 0, s->size, check_word, &c);
}

static void check_words(struct verify *v, const struct image_heap *h)
{
    each_segment(v, h, check_segment_words);
}

void verify_heap_slots(struct verify *v) { verify_each_heap(v, check_words); }

uint64_t verify_heap_mask(struct verify *v, uint64_t addr)
{
    const struct verify_heaps *h = verify_get_heaps(v);
    const struct elf_heap_place *at = h ? elf_heap_at(&h->places, addr) : NULL;

    return at ? UINT64_MAX >> (64 - h->image.heaps[at->heap].heap.address_bits) : UINT64_MAX;
}

/* ---- checksums ---- */

static void check_segment_sum(struct verify *v, const struct image_heap *h, uint32_t i)
{
    const struct heap_segment *s = &h->heap.segments[i];
    uint64_t said = h->segments[i].checksum, found = 0;
    struct span data;

    if (said == 0)
        return;
    if (s->kind == SIMG_SEGMENT_ZERO) {
        diag_fail(v->d, E_FORMAT, "a checksum of zero-fill memory, which has no bytes");
        return;
    }
    if (!elf_image_bytes(&v->m, h->at + s->addr, s->size, &data))
        return;
    found = heap_checksum(data);
    if (found != said)
        diag_fail(v->d, E_FORMAT, "checksum 0x%016" PRIx64 ", its bytes have 0x%016" PRIx64, said,
                  found);
}

static void check_sums(struct verify *v, const struct image_heap *h)
{
    each_segment(v, h, check_segment_sum);
}

void verify_heap_checksums(struct verify *v)
{
    const struct verify_heaps *h = verify_get_heaps(v);
    uint64_t found = 0;

    if (!h || !h->image.bytes.at)
        return;
    found = heap_image_checksum(&h->image);
    if (h->image.checksum && found != h->image.checksum)
        diag_fail(v->d, E_FORMAT,
                  "the table's checksum is 0x%016" PRIx64 ", its bytes have 0x%016" PRIx64,
                  h->image.checksum, found);
    verify_each_heap(v, check_sums);
}
