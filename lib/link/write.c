/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write.c - the file, in windows of 2 MiB.
 *
 * Each window is gathered in a buffer, relocated there and written at once,
 * by whichever thread is free: the image is never whole in memory, large
 * unchanged parts are read past the input's mapping, and the file system
 * gets writes of a size and place that let it keep huge pages, which makes
 * the image faster to map. */

#include "base/par.h"
#include "elf/elf.h"
#include "link/complaints.h"
#include "link/link.h"
#include "sysimage/format.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

enum {
    MARGIN = 16,            /* more than any field, and what a relaxation looks at */
    PIECE = 128 << 10,      /* what the processor keeps at hand */
    READ_DIRECT = 64 << 10, /* from this size on, read() beats page faults */
};

/* A run of the file: a section, or bytes ready-made. */
struct extent {
    uint64_t offset, size;
    struct lsec *sec;
    const uint8_t *bytes;
};

struct writer {
    struct link *l;
    struct extent *extents;
    uint64_t count, cap;
    uint64_t window, windows; /* their size, and how many there are */
    uint8_t **buffers; /* one window and its margins for each worker */
    uint64_t *hashes;  /* of each window, for the build-id */
    struct complaints complaints;
    atomic_bool failed;
    atomic_int os_error;
    atomic_uint_fast64_t done; /* windows written */
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

/* Copy [FROM, FROM + SIZE) of S to OUT and relocate it there.  AROUND says
   that OUT has MARGIN bytes of room on both sides, which are spoiled. */
static bool copy_relocated(struct link *l, struct diag *d, struct lsec *s, uint64_t from,
                           uint64_t size, uint8_t *out)
{
    struct window w = {.from = from, .size = size};

    w.before = from < MARGIN ? from : MARGIN;
    w.after = s->size - from - size < MARGIN ? s->size - from - size : MARGIN;
    w.bytes = out - w.before;
    if (s->sec->slots && s->sec->slots->odd_count == 0)
        return copy_heap(l, d, s, &w) && (!s->sec->reloc_count || link_relocate(l, d, s, &w));
    return copy_plain(l, s, from - w.before, w.before + size + w.after, w.bytes) &&
           add_base(l, d, s, &w) && (!s->sec->reloc_count || s->into || link_relocate(l, d, s, &w));
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
               (!s->sec->reloc_count || link_relocate(l, d, s, &w));
    }
    if (!(room = malloc(size + 2 * MARGIN)))
        return diag_nomem(d);
    ok = copy_relocated(l, d, s, from, size, room + MARGIN);
    memcpy(out, room + MARGIN, size);
    free(room);
    return ok;
}

/* ---- windows ---- */

/* The margins of a section's part lie over its neighbours' bytes: those are
   saved around the work. */
static bool place_section(struct writer *w, struct diag *d, struct lsec *s, uint64_t from,
                          uint64_t size, uint8_t *out)
{
    uint64_t before = from < MARGIN ? from : MARGIN;
    uint64_t after = s->size - from - size < MARGIN ? s->size - from - size : MARGIN;
    uint8_t saved[2][MARGIN];
    bool ok = false;

    memcpy(saved[0], out - before, before);
    memcpy(saved[1], out + size, after);
    ok = copy_relocated(w->l, d, s, from, size, out);
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
        !(prev->sec->out->flags & SHF_EXECINSTR)) {
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
    struct diag *d = complaints_diag(&w->complaints, worker, i);
    uint64_t start = i * w->window;
    uint64_t end = start + w->window < w->l->file_size ? start + w->window : w->l->file_size;
    uint8_t *buffer = w->buffers[worker] + MARGIN;
    uint64_t lo = 0, hi = w->count, hashed = 0;

    if (atomic_load(&w->failed) || link_is_early(w->l, i))
        return;
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
            ok = place_section(w, d, x->sec, from - x->offset, to - from, buffer + (from - start));
        if (!ok && d->errors == 0)
            atomic_store(&w->failed, true);
        if (x && x->sec && x->sec->heap)
            hashed += link_hash_heap(x->sec, from - x->offset, to - from, buffer + (from - start));
        at = to;
    }
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

/* ---- the list of extents ---- */

static bool add_extent(struct writer *w, uint64_t offset, uint64_t size, struct lsec *sec,
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

static bool list_extents(struct writer *w)
{
    struct link *l = w->l;
    struct span front, back;

    if (!link_make_headers(l, &front, &back) || !add_extent(w, 0, front.size, NULL, front.at))
        return false;
    for (uint64_t i = 0; i < l->out_count; i++) {
        const struct out *o = l->outs[i];

        if (o->type == SHT_NOBITS || o->empty)
            continue;
        if (o->packed.at) {
            if (!add_extent(w, o->offset, o->packed.size, NULL, o->packed.at))
                return false;
            continue;
        }
        for (uint64_t n = 0; n < o->count; n++) {
            struct lsec *s = o->secs[n];

            if (s->sec->compression && !lsec_contents(l, s))
                return false;
            if (!add_extent(w, o->offset + s->offset, s->size, s, NULL))
                return false;
        }
    }
    if (!add_extent(w, l->shoff, back.size, NULL, back.at))
        return false;
    qsort(w->extents, w->count, sizeof *w->extents, by_offset);
    return true;
}

/* ---- the build-id ---- */

/* A hash of the windows' hashes, put into the note when all is written.  It
   covers every byte but its own. */
static bool write_build_id(struct writer *w)
{
    struct lsec *s = w->l->made[MADE_BUILD_ID];
    uint64_t size = 0;

    if (!w->hashes)
        return true;
    /* As many bytes as the style has: md5's 16, sha1's 20, sha256's 32. */
    size = load_uint(s->data + 4, 4, false);
    for (uint64_t at = 0; at < size; at += 4)
        store_uint(s->data + 16 + at, 4, true,
                   XXH3_64bits_withSeed(w->hashes, w->windows * sizeof *w->hashes, at) & 0xffffffff);
    return output_write(&w->l->output, s->data + 16, size, s->out->offset + s->offset + 16);
}

static bool make_buffers(struct writer *w)
{
    struct link *l = w->l;
    unsigned workers = par_workers();

    if (l->opt->build_id == BUILD_ID_HASH &&
        !(w->hashes = arena_alloc(&l->arena, w->windows, sizeof *w->hashes)))
        return diag_nomem(l->d);
    if (!(w->buffers = arena_alloc(&l->arena, workers, sizeof *w->buffers)))
        return diag_nomem(l->d);
    for (unsigned i = 0; i < workers; i++)
        if (!(w->buffers[i] = malloc(w->window + 2 * MARGIN)) || !link_own(l, w->buffers[i]))
            return diag_nomem(l->d);
    return true;
}

bool link_write(struct link *l)
{
    struct writer w = {.l = l, .window = link_window(l)};
    int early_error = 0;
    bool ok = false;

    w.windows = (l->file_size + w.window - 1) / w.window;
    if (!list_extents(&w) || !make_buffers(&w))
        return false;
    if (!(l->early ? output_room(l->d, &l->output, l->file_size)
                   : output_begin(l->d, l->opt->output, l->file_size, &l->output)) ||
        !complaints_begin(l->d, &w.complaints))
        return false;
    par_for(w.windows, write_window, &w);
    ok = complaints_end(l->d, &w.complaints) || l->opt->noinhibit;
    if (!link_end_early(l, w.hashes, &early_error)) {
        w.failed = true;
        w.os_error = early_error;
    }
    if (ok && !w.failed && !link_finish_heaps(l))
        return false;
    if (ok && (w.failed || !write_build_id(&w)))
        ok = diag_fail(l->d, E_SYSTEM, "%s: cannot write: %s", l->opt->output,
                       strerror(w.os_error ? w.os_error : EIO));
    return ok && output_commit(l->d, &l->output, 0777);
}
