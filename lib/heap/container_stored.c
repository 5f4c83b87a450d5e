/* SPDX-License-Identifier: GPL-3.0-or-later */
/* container_stored.c - the bytes of parts as they are stored: checksums and
 * zstd frames. */

#include "container_parts.h"

#include "base/par.h"

#include <inttypes.h>
#define XXH_STATIC_LINKING_ONLY /* for the state's size */
#include <xxhash.h>
#include <zstd.h>

/* ---- checksums ---- */

static uint64_t block_count(uint64_t size)
{
    return size / SIMG_CHECK_BLOCK + (size % SIMG_CHECK_BLOCK != 0);
}

static uint64_t block_hash(struct span stored, uint64_t block)
{
    uint64_t at = block * SIMG_CHECK_BLOCK, left = stored.size - at;

    return XXH3_64bits(stored.at + at, left < SIMG_CHECK_BLOCK ? left : SIMG_CHECK_BLOCK);
}

uint64_t heap_checksum(struct span stored)
{
    enum { BATCH = 128 };
    XXH3_state_t state;
    uint8_t hashes[8 * BATCH];
    size_t used = 0;

    XXH3_64bits_reset(&state);
    for (uint64_t i = 0; i < block_count(stored.size); i++) {
        store_uint(hashes + used, 8, false, block_hash(stored, i));
        used += 8;
        if (used == sizeof hashes || i + 1 == block_count(stored.size)) {
            XXH3_64bits_update(&state, hashes, used);
            used = 0;
        }
    }
    return XXH3_64bits_digest(&state);
}

static bool says_checksum(struct diag *d, const struct heap_part *p, uint64_t found)
{
    struct where here = {d->where, heap_part_name(p->type),
                         heap_part_of_segment(p->type) ? p->index : NO_INDEX};

    if (found == p->checksum)
        return true;
    if (!here.what) {
        here.what = "part of type";
        here.index = p->type;
    }
    d->where = &here;
    diag_fail(d, E_FORMAT, "checksum 0x%016" PRIx64 ", its bytes have 0x%016" PRIx64, p->checksum,
              found);
    d->where = here.up;
    return false;
}

struct check_job {
    const struct heap *h;
    const uint64_t *first; /* number of each part's first block */
    uint8_t *hashes;
};

static void check_block(void *arg, unsigned worker, uint64_t i)
{
    const struct check_job *job = arg;
    uint32_t lo = 0, hi = job->h->part_count; /* FIRST[LO] <= I < FIRST[HI] */

    (void)worker;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (job->first[mid] <= i)
            lo = mid;
        else
            hi = mid;
    }
    store_uint(job->hashes + 8 * i, 8, false,
               block_hash(job->h->parts[lo].bytes, i - job->first[lo]));
}

bool heap_check_parts(struct diag *d, const struct heap *h)
{
    struct arena scratch = {0};
    struct where here = {d->where, h->name, NO_INDEX};
    uint64_t *first = arena_alloc(&scratch, (uint64_t)h->part_count + 1, sizeof *first);
    uint64_t blocks = 0;
    struct check_job job = {h, first, NULL};
    bool ok;

    for (uint32_t i = 0; first && i < h->part_count; i++) {
        first[i] = blocks;
        blocks += block_count(h->parts[i].stored);
    }
    job.hashes = first ? arena_alloc(&scratch, blocks, 8) : NULL;
    d->where = &here;
    ok = job.hashes || diag_nomem(d);
    if (ok) {
        first[h->part_count] = blocks;
        par_for(blocks, check_block, &job);
    }
    for (uint32_t i = 0; ok && i < h->part_count; i++)
        ok = says_checksum(d, &h->parts[i],
                           XXH3_64bits(job.hashes + 8 * first[i], 8 * (first[i + 1] - first[i])));
    d->where = here.up;
    arena_free(&scratch);
    return ok;
}

/* ---- frames ---- */

struct frame {
    uint64_t at, stored; /* in the part's bytes */
    uint64_t to, size;   /* in what is unpacked */
};

/* The frame at F.at, which is not past the end; false if there is no whole
   one of a size that is allowed. */
static bool frame_at(struct diag *d, struct span in, struct frame *f)
{
    const uint8_t *p = in.at + f->at;
    size_t stored = ZSTD_findFrameCompressedSize(p, in.size - f->at);
    unsigned long long size = ZSTD_getFrameContentSize(p, in.size - f->at);

    if (ZSTD_isError(stored))
        return diag_fail(d, E_FORMAT, "no whole zstd frame at 0x%" PRIx64 " of its stored bytes",
                         f->at);
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ||
        size > SIMG_CHECK_BLOCK)
        return diag_fail(d, E_FORMAT,
                         "the zstd frame at 0x%" PRIx64
                         " of its stored bytes does not say its size, or has more than %d bytes",
                         f->at, SIMG_CHECK_BLOCK);
    f->stored = stored;
    f->size = size;
    return true;
}

/* Call it with OUT NULL to count. */
static bool list_frames(struct diag *d, const struct heap_part *p, struct frame *out,
                        uint64_t *count)
{
    struct frame f = {0};

    for (*count = 0; f.at < p->stored; ++*count) {
        if (!frame_at(d, p->bytes, &f))
            return false;
        if (out)
            out[*count] = f;
        f.at += f.stored;
        f.to += f.size;
    }
    if (f.to != p->size)
        return diag_fail(d, E_FORMAT, "its zstd frames hold %" PRIu64 " bytes, not %" PRIu64, f.to,
                         p->size);
    return true;
}

bool heap_check_frames(struct diag *d, const struct heap_part *p)
{
    uint64_t count;

    return !(p->flags & SIMG_PART_ZSTD) || list_frames(d, p, NULL, &count);
}

struct unpack_job {
    const struct heap_part *part;
    struct frame *frames;
    uint8_t *to;
};

static void unpack_frame(void *arg, unsigned worker, uint64_t i)
{
    const struct unpack_job *job = arg;
    struct frame *f = &job->frames[i];
    size_t n = ZSTD_decompress(job->to + f->to, f->size, job->part->bytes.at + f->at, f->stored);

    (void)worker;
    if (ZSTD_isError(n) || n != f->size)
        f->stored = 0; /* a mark: no frame has 0 bytes */
}

static bool unpack(struct diag *d, const struct heap_part *p, uint8_t *to)
{
    struct arena scratch = {0};
    struct unpack_job job = {p, NULL, to};
    uint64_t count = 0;
    bool ok = list_frames(d, p, NULL, &count);

    if (ok) {
        job.frames = arena_alloc(&scratch, count, sizeof *job.frames);
        ok = job.frames ? list_frames(d, p, job.frames, &count) : diag_nomem(d);
    }
    if (ok)
        par_for(count, unpack_frame, &job);
    for (uint64_t i = 0; ok && i < count; i++)
        if (!job.frames[i].stored)
            ok = diag_fail(d, E_FORMAT,
                           "the zstd frame at 0x%" PRIx64 " of its stored bytes is damaged",
                           job.frames[i].at);
    arena_free(&scratch);
    return ok;
}

bool heap_plain(struct diag *d, struct arena *a, const struct heap_part *p, struct span *out)
{
    uint8_t *to;

    *out = (struct span){0};
    if (!p)
        return true;
    if (!says_checksum(d, p, heap_checksum(p->bytes)))
        return false;
    *out = p->bytes;
    if (!(p->flags & SIMG_PART_ZSTD))
        return true;
    *out = (struct span){0};
    to = arena_alloc(a, p->size, 1);
    if (!to)
        return diag_nomem(d);
    if (!unpack(d, p, to))
        return false;
    *out = (struct span){to, p->size};
    return true;
}

bool heap_unpack(struct diag *d, const struct heap *h, uint32_t i, uint8_t *to)
{
    const struct heap_segment *s = &h->segments[i];
    struct where file = {d->where, h->name, NO_INDEX}, here = {&file, "data of segment", i};
    bool ok = true;

    if (s->data_part == HEAP_NO_PART)
        return true;
    d->where = &here;
    if (h->parts[s->data_part].flags & SIMG_PART_ZSTD)
        ok = unpack(d, &h->parts[s->data_part], to);
    else
        memcpy(to, s->data.at, s->data.size);
    d->where = file.up;
    return ok;
}
