/* SPDX-License-Identifier: GPL-3.0-or-later */
/* window.c - the file, in windows of 2 MiB.
 *
 * Each window is gathered in a buffer, relocated there and written at once,
 * by whichever thread is free: the image is never whole in memory, large
 * unchanged parts are read past the input's mapping, and the file system
 * gets writes of a size and place that let it keep huge pages, which makes
 * the image faster to map. */

#include "base/par.h"
#include "link/complaints.h"
#include "link/window.h"
#include "sysimage/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

enum {
    MARGIN = 16,            /* more than any field, and what a relaxation looks at */
    PIECE = 128 << 10,      /* what the processor keeps at hand */
    READ_DIRECT = 64 << 10, /* from this size on, read() beats page faults */
};

/* ---- copying a section ---- */

/* The plain bytes of S. */
static bool copy_plain(const struct link *l, const struct lsec *s, uint64_t from, uint64_t size,
                       uint8_t *to)
{
    const uint8_t *at = s->data ? s->data : s->sec->data.at;
    const struct file *f = s->obj->file;

    if (size == 0)
        return true;
    if (s->fill) {
        s->fill(l, s, from, size, to);
        return true;
    }
    if (s->sec->flags & SEC_ZERO && !s->data) {
        memset(to, 0, size);
        return true;
    }
    if (!s->data && size >= READ_DIRECT && f && at >= f->data.at &&
        at + s->sec->data.size <= f->data.at + f->data.size)
        return file_read(f, (uint64_t)(at - f->data.at) + from, to, size);
    memcpy(to, at + from, size);
    return true;
}

/* Relocate the slots of a heap. */
static bool add_base(const struct link *l, struct diag *d, const struct lsec *s,
                     const struct window *w)
{
    struct where here = {d->where, s->obj->o.name, NO_INDEX};
    uint64_t base = 0, bad = 0, word = 0;

    if (!s->obj->o.heap || !link_heap_adds(l, s, &base) ||
        slots_add(s->sec->slots, w->from, w->size, w->before, w->after, base, false, w->bytes, &bad,
                  &word))
        return true;
    d->where = &here;
    diag_fail(d, E_FORMAT,
              "segment %u: slot at 0x%" PRIx64 ": 0x%" PRIx64
              " is no heap address: the heap ends at 0x%" PRIx64,
              s->index - 1, bad, word, s->sec->slots->limit);
    d->where = here.up;
    return false;
}

static bool mark_slots(struct link *l, struct diag *d, struct lsec *s, const struct window *w)
{
    uint64_t base = 0;

    return !l->target->mark_slots || !s->sec->slots || !link_heap_adds(l, s, &base) ||
           l->target->mark_slots(l, d, s, w);
}

/* The same for the large part of a heap, piece by piece, so that what was read
   is still near when it is relocated.  No slot lies in two pieces. */
static bool copy_heap(const struct link *l, struct diag *d, const struct lsec *s,
                      const struct window *w)
{
    for (uint64_t at = 0; at < w->size;) {
        uint64_t n = PIECE - (w->from + at) % PIECE;
        struct window piece = {.bytes = w->bytes + w->before + at, .from = w->from + at};

        piece.size = n < w->size - at ? n : w->size - at;
        if (!copy_plain(l, s, piece.from, piece.size, piece.bytes) || !add_base(l, d, s, &piece))
            return false;
        at += piece.size;
    }
    return true;
}

/* Copy [FROM, FROM + SIZE) of S to OUT and relocate it there.  OUT has MARGIN
   bytes of room on both sides, which are spoiled.  MARKS as in struct window. */
static bool copy_relocated(struct link *l, struct diag *d, struct lsec *s, uint64_t from,
                           uint64_t size, uint8_t *out, uint8_t *marks, uint64_t marks_offset)
{
    struct window w = {.from = from, .size = size, .marks = marks, .marks_offset = marks_offset};

    w.before = from < MARGIN ? from : MARGIN;
    w.after = s->size - from - size < MARGIN ? s->size - from - size : MARGIN;
    w.bytes = out - w.before;
    if (s->sec->slots && s->sec->slots->odd_count == 0)
        return copy_heap(l, d, s, &w) && mark_slots(l, d, s, &w) &&
               (!s->sec->reloc_count || l->target->relocate(l, d, s, &w));
    return copy_plain(l, s, from - w.before, w.before + size + w.after, w.bytes) &&
           add_base(l, d, s, &w) && mark_slots(l, d, s, &w) &&
           (!s->sec->reloc_count || s->into || l->target->relocate(l, d, s, &w));
}

bool link_copy(struct link *l, struct diag *d, struct lsec *s, uint64_t from, uint64_t size,
               uint8_t *out)
{
    uint8_t *room = NULL;
    bool ok = false;

    if (s->sec->compression && !s->data && !lsec_contents(l, s))
        return false;
    if (from == 0 && size == s->size) {
        struct window w = {.bytes = out, .size = size};

        return copy_plain(l, s, 0, size, out) && add_base(l, d, s, &w) &&
               (!s->sec->reloc_count || l->target->relocate(l, d, s, &w));
    }
    if (!(room = malloc(size + 2 * MARGIN)))
        return diag_nomem(d);
    ok = copy_relocated(l, d, s, from, size, room + MARGIN, NULL, 0);
    memcpy(out, room + MARGIN, size);
    free(room);
    return ok;
}

/* ---- windows ---- */

/* The margins of a section's part lie over its neighbours' bytes: those are
   saved around the work. */
static bool place_section(struct writer *w, struct diag *d, struct lsec *s, uint64_t from,
                          uint64_t size, uint8_t *out, uint8_t *marks, uint64_t start)
{
    uint64_t before = from < MARGIN ? from : MARGIN;
    uint64_t after = s->size - from - size < MARGIN ? s->size - from - size : MARGIN;
    uint8_t saved[2][MARGIN];
    bool ok = false;

    memcpy(saved[0], out - before, before);
    memcpy(saved[1], out + size, after);
    ok = copy_relocated(w->l, d, s, from, size, out, marks, start);
    memcpy(out - before, saved[0], before);
    memcpy(out + size, saved[1], after);
    return ok;
}

/* What is in [FROM, TO) of the window at START, between the extents PREV and
   NEXT (which may be NULL): zeros; between pieces of code, instructions that
   do nothing, since .init and .fini run from one piece into the next. */
static void fill_gap(const struct link *l, const struct extent *prev, const struct extent *next,
                     uint8_t *buffer, uint64_t start, uint64_t from, uint64_t to)
{
    uint8_t nop[4];

    if (from >= to)
        return;
    if (!prev || !next || !prev->sec || !next->sec || prev->sec->out != next->sec->out ||
        !(prev->sec->sec->flags & next->sec->sec->flags & SEC_EXEC)) {
        memset(buffer + (from - start), 0, to - from);
        return;
    }
    store_uint(nop, 4, false, l->arch->nop);
    for (uint64_t at = from; at < to; at++)
        buffer[at - start] = nop[at % 4];
}

/* The hash of a window that one heap fills, from those of its blocks. */
static uint64_t heap_hash(const struct writer *w, uint64_t start, uint64_t extent)
{
    const struct extent *x = &w->extents[extent];

    return XXH3_64bits(x->sec->heap->blocks + (start - x->offset) / SIMG_CHECK_BLOCK,
                       w->window / SIMG_CHECK_BLOCK * sizeof(uint64_t));
}

static void write_window(void *arg, unsigned worker, uint64_t i)
{
    struct writer *w = arg;
    struct diag *d = complaints_diag(w->complaints, worker, i);
    uint64_t start = i * w->window;
    uint64_t end = start + w->window < w->size ? start + w->window : w->size;
    uint8_t *buffer = w->buffers[worker] + MARGIN;
    uint8_t *marks = w->marks[worker];
    uint64_t lo = 0, hi = w->count, hashed = 0;

    if (atomic_load(&w->failed) || link_is_early(w->l, i))
        return;
    if (marks)
        memset(marks, 0, w->window / MARKED / 8);
    /* The first extent that ends behind the window's start. */
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;

        if (w->extents[mid].offset + w->extents[mid].size <= start)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (uint64_t e = lo, at = start; at < end; e++) {
        const struct extent *x = e < w->count && w->extents[e].offset < end ? &w->extents[e] : NULL;
        const struct extent *next = e < w->count ? &w->extents[e] : NULL;
        uint64_t from = !x ? end : x->offset < start ? start : x->offset;
        uint64_t to = !x ? end : x->offset + x->size < end ? x->offset + x->size : end;
        bool ok = true;

        fill_gap(w->l, e ? &w->extents[e - 1] : NULL, next, buffer, start, at, from);
        if (x && x->bytes)
            memcpy(buffer + (from - start), x->bytes + (from - x->offset), to - from);
        else if (x)
            ok = place_section(w, d, x->sec, from - x->offset, to - from, buffer + (from - start),
                               marks, start);
        if (!ok && d->errors == 0)
            atomic_store(&w->failed, true);
        if (x && x->sec && x->sec->heap)
            hashed += link_hash_heap(x->sec, from - x->offset, to - from, buffer + (from - start));
        at = to;
    }
    if (w->l->target->finish_window &&
        !w->l->target->finish_window(w->l, d, start, end - start, buffer, marks) && d->errors == 0)
        atomic_store(&w->failed, true);
    if (w->hashes)
        w->hashes[i] = hashed == w->window && w->extents[lo].offset + w->extents[lo].size >= end
                           ? heap_hash(w, start, lo)
                           : XXH3_64bits(buffer, end - start);
    errno = 0;
    if (!output_write(&w->l->output, buffer, end - start, start)) {
        atomic_store(&w->os_error, errno ? errno : EIO);
        atomic_store(&w->failed, true);
    }
    if (atomic_fetch_add(&w->done, 1) && worker == 0)
        link_progress(w->l, "writing", w->done, w->windows);
}

/* ---- all of them ---- */

bool writer_begin(struct writer *w, uint64_t others)
{
    uint64_t count = others;

    for (uint64_t i = 0; i < w->l->out_count; i++)
        count += w->l->outs[i]->count;
    w->extents = arena_alloc(&w->l->arena, count, sizeof *w->extents);
    w->cap = count;
    return w->extents || diag_nomem(w->l->d);
}

bool writer_add(struct writer *w, uint64_t offset, uint64_t size, struct lsec *sec,
                const uint8_t *bytes)
{
    if (size == 0)
        return true;
    if (!arena_grow(&w->l->arena, (void **)&w->extents, w->count, &w->cap, sizeof *w->extents))
        return diag_nomem(w->l->d);
    w->extents[w->count++] = (struct extent){offset, size, sec, bytes};
    return true;
}

static int by_offset(const void *a, const void *b)
{
    const struct extent *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool make_buffers(struct writer *w)
{
    struct link *l = w->l;
    unsigned workers = par_workers();

    w->buffers = arena_alloc(&l->arena, workers, sizeof *w->buffers);
    w->marks = arena_alloc(&l->arena, workers, sizeof *w->marks);
    if (!w->buffers || !w->marks)
        return diag_nomem(l->d);
    for (unsigned i = 0; i < workers; i++) {
        if (!(w->buffers[i] = malloc(w->window + 2 * MARGIN)) || !link_own(l, w->buffers[i]))
            return diag_nomem(l->d);
        if (l->target->marks &&
            (!(w->marks[i] = malloc(w->window / MARKED / 8)) || !link_own(l, w->marks[i])))
            return diag_nomem(l->d);
    }
    return true;
}

/* Sections come as the image has them, and only what is made late may be elsewhere. */
static void sort_extents(struct writer *w)
{
    for (uint64_t i = 1; i < w->count; i++)
        if (w->extents[i - 1].offset > w->extents[i].offset) {
            qsort(w->extents, w->count, sizeof *w->extents, by_offset);
            return;
        }
}

bool writer_run(struct writer *w)
{
    struct complaints complaints;

    w->windows = (w->size + w->window - 1) / w->window;
    sort_extents(w);
    if (!make_buffers(w) || !complaints_begin(w->l->d, &complaints))
        return false;
    w->complaints = &complaints;
    par_for(w->windows, write_window, w);
    return complaints_end(w->l->d, &complaints);
}
