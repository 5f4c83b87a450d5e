/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache_arena.c - read an engine's arena: its header, and its blocks, which
 * lie one behind the other. */

#include "heap/cache.h"

#include <inttypes.h>

enum {
    UNIT = 16,
    LEAST = 32,              /* bytes of a block */
    PART = 0x200000,         /* the arena's parts end at multiples of this */
    MOST_OBJECT = 7 + 7 + 3, /* bytes in a stream of objects: two numbers below 2^48, a type */
};

struct walk {
    struct diag *d;
    struct span in;
    bool big;
    uint32_t types;
    struct heap_cache_arena *out;
    uint64_t head_count, head_bytes; /* of live blocks, as the header says */
    uint8_t *objects;                /* NULL while they are counted */
    uint64_t used, end;              /* bytes in OBJECTS; where the last object ended */
};

/* The word at AT, which is inside. */
static uint64_t word(const struct walk *w, uint64_t at)
{
    return load_uint(w->in.at + at, 8, w->big);
}

/* ---- the header ---- */

/* A place of a block that is free, or 0. */
static bool is_link(const struct walk *w, uint64_t at)
{
    return at == 0 || (at >= w->out->first && at < w->out->top && at % UNIT == 8);
}

static bool check_bins(const struct walk *w, struct cursor *c)
{
    uint64_t bits[SIMG_ARENA_BINS / 64];

    for (unsigned i = 0; i < SIMG_ARENA_BINS / 64; i++)
        bits[i] = cur_u64(c);
    for (unsigned i = 0; i < SIMG_ARENA_BINS; i++) {
        uint64_t at = cur_u64(c);
        bool used = bits[i / 64] >> i % 64 & 1;

        if (!is_link(w, at) || used != (at != 0))
            return diag_fail(w->d, E_FORMAT,
                             "bin %u of free blocks begins at 0x%" PRIx64 " and is said to be %s",
                             i, at, used ? "used" : "empty");
    }
    return true;
}

static bool check_gaps(const struct walk *w, struct cursor *c)
{
    for (unsigned i = 0; i < SIMG_ARENA_CODE_GAPS; i++) {
        uint64_t at = cur_u64(c), size = cur_u64(c);

        if (size && (at < w->out->limit || at > w->out->code_top || size > w->out->code_top - at))
            return diag_fail(w->d, E_FORMAT,
                             "a gap in the code, 0x%" PRIx64 " bytes at 0x%" PRIx64
                             ", is not inside it",
                             size, at);
    }
    return true;
}

static bool read_head(struct walk *w, uint64_t code_size)
{
    struct heap_cache_arena *out = w->out;
    struct cursor c = {.in = w->in, .big = w->big};
    const uint8_t *magic = cur_take(&c, 8);
    uint32_t version = cur_u32(&c), header_size = cur_u32(&c);

    out->size = cur_u64(&c);
    out->limit = cur_u64(&c);
    out->first = cur_u64(&c);
    out->top = cur_u64(&c);
    out->code_top = cur_u64(&c);
    w->head_count = cur_u64(&c);
    w->head_bytes = cur_u64(&c);
    cur_u64(&c); /* committed: the process that loads it has its own */
    if (!cur_count(&c, 1, sizeof(struct simg_arena_head) - c.pos))
        return diag_fail(w->d, E_FORMAT, "the arena has %" PRIu64 " bytes, its header alone %zu",
                         w->in.size, sizeof(struct simg_arena_head));
    if (memcmp(magic, SIMG_ARENA_MAGIC, 8) != 0)
        return diag_fail(w->d, E_FORMAT, "the arena's magic is not there");
    if (version != SIMG_ARENA_VERSION)
        return diag_fail(w->d, E_UNSUPPORTED, "the arena has version %" PRIu32 ", only %u is known",
                         version, SIMG_ARENA_VERSION);
    if (header_size != sizeof(struct simg_arena_head))
        return diag_fail(w->d, E_FORMAT, "the arena's header has %" PRIu32 " bytes, not %zu",
                         header_size, sizeof(struct simg_arena_head));
    if (out->size % PART || out->limit % PART || out->limit > out->size || w->in.size > out->limit)
        return diag_fail(w->d, E_FORMAT,
                         "an arena of 0x%" PRIx64 " bytes with blocks below 0x%" PRIx64
                         ": not multiples of 2 MiB, or too small for its 0x%" PRIx64 " bytes",
                         out->size, out->limit, w->in.size);
    if (out->first % UNIT != 8 || out->top % UNIT != 8 ||
        out->first < sizeof(struct simg_arena_head) || out->first > out->top ||
        out->top > w->in.size - 8)
        return diag_fail(w->d, E_FORMAT,
                         "blocks from 0x%" PRIx64 " to 0x%" PRIx64
                         ": not 8 behind multiples of 16, or not inside (0x%" PRIx64 " bytes)",
                         out->first, out->top, w->in.size);
    if (out->code_top < out->limit || out->code_top > out->size ||
        out->code_top - out->limit != code_size)
        return diag_fail(w->d, E_FORMAT,
                         "code from 0x%" PRIx64 " to 0x%" PRIx64 ", the image has 0x%" PRIx64
                         " bytes of it",
                         out->limit, out->code_top, code_size);
    return check_bins(w, &c) && check_gaps(w, &c);
}

/* ---- blocks ---- */

static void put_leb128(struct walk *w, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        w->objects[w->used++] = (uint8_t)(v | 0x80);
    w->objects[w->used++] = (uint8_t)v;
}

static void put_object(struct walk *w, uint64_t block, uint64_t size, uint64_t type)
{
    uint64_t offset = block + HEAP_CACHE_HEADER;

    put_leb128(w, offset - w->end);
    put_leb128(w, size - HEAP_CACHE_HEADER);
    put_leb128(w, type);
    w->end = block + size;
}

/* Links, zeros, and its size again. */
static bool check_free(const struct walk *w, uint64_t block, uint64_t size)
{
    uint64_t again = word(w, block + size - 8);
    struct span rest;

    if (!is_link(w, word(w, block + 8)) || !is_link(w, word(w, block + 16)))
        return diag_fail(w->d, E_FORMAT, "it is free, and its links lead to no block");
    if (again != size)
        return diag_fail(w->d, E_FORMAT,
                         "it is free, has 0x%" PRIx64 " bytes, and at its end says 0x%" PRIx64,
                         size, again);
    span_sub(w->in, block + 24, size - 32, &rest);
    return span_is_zero(rest) || diag_fail(w->d, E_FORMAT, "it is free and not zero");
}

/* The block at AT; *SIZE of it, *FREE if it is that. */
static bool read_block(struct walk *w, uint64_t at, bool after_free, uint64_t *size, bool *free)
{
    uint64_t header = word(w, at), type = header >> SIMG_BLOCK_TYPE_SHIFT;

    *size = header & SIMG_BLOCK_SIZE;
    *free = !(header & SIMG_BLOCK_LIVE);
    if (*size < LEAST || *size > w->out->top - at)
        return diag_fail(w->d, E_FORMAT,
                         "0x%" PRIx64 " bytes, not %d to 0x%" PRIx64 ", where blocks end", *size,
                         LEAST, w->out->top - at);
    if (header & 0xc)
        return diag_fail(w->d, E_FORMAT, "flags 0x%" PRIx64 ", only 1 and 2 are known",
                         header & 0xf);
    if (after_free != !!(header & SIMG_BLOCK_AFTER_FREE) || (after_free && *free))
        return diag_fail(
            w->d, E_FORMAT, "the block before it is %s, and %s", after_free ? "free" : "in use",
            *free && after_free ? "so is this: they would be one" : "it says the opposite");
    if (*free)
        return check_free(w, at, *size);
    if (type > w->types)
        return diag_fail(w->d, E_FORMAT, "type %" PRIu64 ", the register has %" PRIu32, type,
                         w->types);
    return true;
}

/* All blocks: once to check and count them, then with room for the stream. */
static bool each_block(struct walk *w)
{
    struct where here = {w->d->where, "block at", 0};
    struct heap_cache_arena *out = w->out;
    bool ok = true, free = false;
    uint64_t size = 0;

    w->d->where = &here;
    for (uint64_t at = out->first; ok && at < out->top; at += size) {
        here.index = at;
        if (out->top - at < LEAST) {
            ok = diag_fail(w->d, E_FORMAT, "%" PRIu64 " bytes are no block", out->top - at);
            break;
        }
        ok = read_block(w, at, free, &size, &free);
        if (!ok)
            break;
        if (w->objects) {
            if (!free)
                put_object(w, at, size, word(w, at) >> SIMG_BLOCK_TYPE_SHIFT);
            continue;
        }
        *(free ? &out->free_count : &out->live_count) += 1;
        *(free ? &out->free_bytes : &out->live_bytes) += size;
    }
    w->d->where = here.up;
    if (ok && free)
        return diag_fail(w->d, E_FORMAT, "the last block is free: the end would be before it");
    return ok;
}

bool heap_cache_read_arena(struct diag *d, struct arena *a, struct span in, bool big,
                           uint64_t code_size, uint32_t types, struct heap_cache_arena *out)
{
    struct walk w = {.d = d, .in = in, .big = big, .types = types, .out = out};

    *out = (struct heap_cache_arena){0};
    if (!read_head(&w, code_size) || !each_block(&w)) {
        *out = (struct heap_cache_arena){0};
        return false;
    }
    if (w.head_count != out->live_count || w.head_bytes != out->live_bytes) {
        diag_fail(d, E_FORMAT,
                  "the arena says %" PRIu64 " blocks of %" PRIu64 " bytes are in use, %" PRIu64
                  " of %" PRIu64 " are",
                  w.head_count, w.head_bytes, out->live_count, out->live_bytes);
        *out = (struct heap_cache_arena){0};
        return false;
    }
    /* Blocks have 32 bytes at least: this is no more than about half of them. */
    if (!(w.objects = arena_alloc(a, out->live_count, MOST_OBJECT)))
        return diag_nomem(d);
    if (!each_block(&w))
        return false;
    out->objects = (struct span){w.objects, w.used};
    return true;
}

/* ---- as a heap ---- */

bool heap_cache_objects(struct diag *d, struct arena *a, const struct image_heap *h,
                        const struct heap_cache_register *r, const struct heap_cache_arena *blocks,
                        struct span data, struct heap *out)
{
    const struct heap_segment *from = h->heap.segments;
    struct heap_segment *to = arena_alloc(a, h->heap.segment_count, sizeof *to);
    const char **types = arena_alloc(a, r->type_count + UINT64_C(1), sizeof *types);

    if (!to || !types)
        return diag_nomem(d);
    memcpy(to, from, h->heap.segment_count * sizeof *to);
    to[0].data = data;
    to[0].objects = blocks->objects;
    to[0].object_count = blocks->live_count;
    types[0] = "(untyped)";
    for (uint32_t i = 0; i < r->type_count; i++)
        types[i + 1] = r->types[i];
    *out = h->heap;
    out->segments = to;
    out->types = types;
    out->type_count = r->type_count + 1;
    out->base = h->base;
    out->object_head = HEAP_CACHE_HEADER;
    return true;
}
