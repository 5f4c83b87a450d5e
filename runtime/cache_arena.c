/* SPDX-License-Identifier: MIT */
/* cache_arena.c - an engine's memory, at an address of its own.
 *
 * All state is in the arena's first page, and every place in it is a distance,
 * so an image of the arena is whole.  Free memory is zero, links and sizes of
 * free blocks aside: a stale pointer never gets into an image, and new memory
 * need not be cleared.
 *
 * Blocks lie one behind the other, each with its size in front; a free one has
 * it at its end as well and joins its neighbours.  Free blocks of up to 1 KiB
 * have a bin for each size, larger ones four for each power of two. */

#include "runtime/cache.h"

#include <string.h>

enum {
    UNIT = 16,
    HEADER = 8,
    LEAST = 32, /* a free block: header, two links, size */
    SMALL = 1024,
    SMALL_BINS = SMALL / UNIT + 1,
};
#define STEP (UINT64_C(1) << 20) /* memory is taken from the system in steps of this */
#define NONE 0                   /* no block lies at distance 0 */

static struct simg_arena_head *head(const struct simg_arena *a)
{
    return (struct simg_arena_head *)(uintptr_t)a;
}

static uint64_t *word(const struct simg_arena *a, uint64_t at)
{
    return (uint64_t *)((uintptr_t)a + at);
}

/* A block is named by the distance of its header. */
static uint64_t size_of(const struct simg_arena *a, uint64_t b) { return *word(a, b) & SIMG_BLOCK_SIZE; }
static uint64_t *next_link(const struct simg_arena *a, uint64_t b) { return word(a, b + 8); }
static uint64_t *prev_link(const struct simg_arena *a, uint64_t b) { return word(a, b + 16); }

static void set_size(struct simg_arena *a, uint64_t b, uint64_t size)
{
    *word(a, b) = (*word(a, b) & ~SIMG_BLOCK_SIZE) | size;
}

/* ---- bins ---- */

static unsigned bin_of(uint64_t size)
{
    unsigned log2 = 63 - (unsigned)__builtin_clzll(size);

    if (size <= SMALL)
        return (unsigned)(size / UNIT);
    return SMALL_BINS + (log2 - 10) * 4 + (unsigned)(size >> (log2 - 2) & 3);
}

static void put_free(struct simg_arena *a, uint64_t b, uint64_t size)
{
    struct simg_arena_head *h = head(a);
    unsigned bin = bin_of(size);

    *word(a, b) = (*word(a, b) & SIMG_BLOCK_AFTER_FREE) | size;
    *word(a, b + size - 8) = size;
    *next_link(a, b) = h->bins[bin];
    *prev_link(a, b) = NONE;
    if (h->bins[bin] != NONE)
        *prev_link(a, h->bins[bin]) = b;
    h->bins[bin] = b;
    h->bin_bits[bin / 64] |= UINT64_C(1) << bin % 64;
    *word(a, b + size) |= SIMG_BLOCK_AFTER_FREE;
}

/* B leaves its bin, and is all zero but for its header. */
static void take_free(struct simg_arena *a, uint64_t b)
{
    struct simg_arena_head *h = head(a);
    uint64_t size = size_of(a, b), next = *next_link(a, b), prev = *prev_link(a, b);
    unsigned bin = bin_of(size);

    if (prev != NONE)
        *next_link(a, prev) = next;
    else
        h->bins[bin] = next;
    if (next != NONE)
        *prev_link(a, next) = prev;
    if (h->bins[bin] == NONE)
        h->bin_bits[bin / 64] &= ~(UINT64_C(1) << bin % 64);
    *next_link(a, b) = *prev_link(a, b) = *word(a, b + size - 8) = 0;
    *word(a, b + size) &= ~(uint64_t)SIMG_BLOCK_AFTER_FREE;
}

/* The first bin from BIN on that has a block; SIMG_ARENA_BINS if none has. */
static unsigned next_bin(const struct simg_arena_head *h, unsigned bin)
{
    for (unsigned i = bin / 64; i < SIMG_ARENA_BINS / 64; i++) {
        uint64_t bits = h->bin_bits[i];

        if (i == bin / 64)
            bits &= UINT64_MAX << bin % 64;
        if (bits)
            return i * 64 + (unsigned)__builtin_ctzll(bits);
    }
    return SIMG_ARENA_BINS;
}

/* A free block of at least SIZE.  In SIZE's own bin there may be smaller ones. */
static uint64_t find_free(const struct simg_arena *a, uint64_t size)
{
    const struct simg_arena_head *h = head(a);
    unsigned bin = bin_of(size);

    for (uint64_t b = h->bins[bin]; b != NONE; b = *next_link(a, b))
        if (size_of(a, b) >= size)
            return b;
    bin = next_bin(h, bin + 1);
    return bin < SIMG_ARENA_BINS ? h->bins[bin] : NONE;
}

/* ---- blocks ---- */

/* Memory up to distance END. */
static bool commit(struct simg_arena *a, uint64_t end)
{
    struct simg_arena_head *h = head(a);
    uint64_t step = h->committed < 16 * STEP ? STEP : h->committed / 16 & ~(STEP - 1), to = 0;

    if (end <= h->committed)
        return true;
    if (end > h->limit)
        return false;
    to = (end + step - 1) / step * step;
    to = to < h->limit ? to : h->limit;
    if (!map_fresh((uint8_t *)a + h->committed, to - h->committed))
        return false;
    h->committed = to;
    return true;
}

/* SIZE bytes behind all blocks.  The header that will follow them is there as well. */
static uint64_t take_top(struct simg_arena *a, uint64_t size)
{
    struct simg_arena_head *h = head(a);
    uint64_t b = h->top;

    if (size > h->limit - HEADER - h->top || !commit(a, h->top + size + HEADER))
        return NONE;
    h->top += size;
    set_size(a, b, size);
    return b;
}

/* What of B is behind SIZE is free again, if it is worth a block. */
static void split(struct simg_arena *a, uint64_t b, uint64_t size)
{
    uint64_t left = size_of(a, b) - size;

    if (left < LEAST)
        return;
    set_size(a, b, size);
    put_free(a, b + size, left);
}

/* The block's size for SIZE bytes; 0: too many. */
static uint64_t block_size(const struct simg_arena *a, size_t size)
{
    if (size > head(a)->limit)
        return 0;
    size = (size + HEADER + UNIT - 1) & ~(size_t)(UNIT - 1);
    return size < LEAST ? LEAST : size;
}

void *simg_arena_alloc(struct simg_arena *a, size_t size)
{
    struct simg_arena_head *h = head(a);
    uint64_t want = block_size(a, size), b = want ? find_free(a, want) : NONE;

    if (b != NONE) {
        take_free(a, b);
        split(a, b, want);
    } else if (!want || (b = take_top(a, want)) == NONE) {
        return NULL;
    }
    *word(a, b) |= SIMG_BLOCK_LIVE;
    h->live_blocks++;
    h->live_bytes += size_of(a, b);
    return word(a, b + HEADER);
}

static uint64_t block_of(const struct simg_arena *a, const void *p)
{
    return (uint64_t)((uintptr_t)p - (uintptr_t)a) - HEADER;
}

/* B, all zero but for its header, joins what is free around it. */
static void release(struct simg_arena *a, uint64_t b)
{
    struct simg_arena_head *h = head(a);
    uint64_t size = size_of(a, b), next = b + size;

    if (next < h->top && !(*word(a, next) & SIMG_BLOCK_LIVE)) {
        size += size_of(a, next);
        take_free(a, next);
        *word(a, next) = 0;
    }
    if (*word(a, b) & SIMG_BLOCK_AFTER_FREE) {
        uint64_t before = *word(a, b - 8);

        take_free(a, b - before);
        *word(a, b) = 0;
        b -= before;
        size += before;
    }
    if (b + size == h->top) {
        *word(a, b) = 0;
        h->top = b;
        return;
    }
    put_free(a, b, size);
}

void simg_arena_free(struct simg_arena *a, void *p)
{
    struct simg_arena_head *h = head(a);
    uint64_t b = 0, size = 0;

    if (!p)
        return;
    b = block_of(a, p);
    size = size_of(a, b);
    h->live_blocks--;
    h->live_bytes -= size;
    memset(p, 0, size - HEADER);
    *word(a, b) &= SIMG_BLOCK_SIZE | SIMG_BLOCK_AFTER_FREE;
    release(a, b);
}

size_t simg_arena_size(const struct simg_arena *a, const void *p)
{
    return (size_t)(size_of(a, block_of(a, p)) - HEADER);
}

/* B with WANT bytes, where it is. */
static bool resize(struct simg_arena *a, uint64_t b, uint64_t want)
{
    struct simg_arena_head *h = head(a);
    uint64_t size = size_of(a, b), next = b + size;

    if (want > size && next < h->top && !(*word(a, next) & SIMG_BLOCK_LIVE) &&
        size + size_of(a, next) >= want) {
        uint64_t more = size_of(a, next);

        take_free(a, next);
        *word(a, next) = 0;
        set_size(a, b, size + more);
    } else if (want > size && next == h->top && want - size <= h->limit - HEADER - h->top &&
               commit(a, h->top + (want - size) + HEADER)) {
        h->top += want - size;
        set_size(a, b, want);
    } else if (want > size) {
        return false;
    }
    if (size_of(a, b) - want >= LEAST) {
        uint64_t left = size_of(a, b) - want;

        if (want < size)
            memset(word(a, b + want), 0, size - want);
        set_size(a, b, want);
        set_size(a, b + want, left);
        release(a, b + want);
    }
    h->live_bytes += size_of(a, b) - size;
    return true;
}

void *simg_arena_realloc(struct simg_arena *a, void *p, size_t size)
{
    uint64_t want = block_size(a, size), b = 0, had = 0;
    void *to = NULL;

    if (!p)
        return size ? simg_arena_alloc(a, size) : NULL;
    if (!size) {
        simg_arena_free(a, p);
        return NULL;
    }
    b = block_of(a, p);
    had = size_of(a, b);
    if (!want)
        return NULL;
    if (!resize(a, b, want)) {
        if (!(to = simg_arena_alloc(a, size)))
            return NULL;
        memcpy(to, p, had - HEADER);
        *word(a, block_of(a, to)) |= *word(a, b) >> SIMG_BLOCK_TYPE_SHIFT << SIMG_BLOCK_TYPE_SHIFT;
        simg_arena_free(a, p);
        return to;
    }
    memset((uint8_t *)p + size, 0, simg_arena_size(a, p) - size);
    return p;
}

/* ---- code ---- */

static uint64_t code_pages(size_t size)
{
    return ((uint64_t)size + CACHE_PAGE - 1) & ~(uint64_t)(CACHE_PAGE - 1);
}

/* A gap of SIZE, or the end of what is used; NONE: there is no room. */
static uint64_t find_code(struct simg_arena_head *h, uint64_t size)
{
    uint64_t at = h->code_top;

    for (unsigned i = 0; i < SIMG_ARENA_CODE_GAPS; i++)
        if (h->code_gaps[i].size >= size && size > 0) {
            at = h->code_gaps[i].at;
            h->code_gaps[i].at += size;
            h->code_gaps[i].size -= size;
            return at;
        }
    if (size == 0 || size > h->size - h->code_top)
        return NONE;
    h->code_top += size;
    return at;
}

void *simg_arena_code(struct simg_arena *a, size_t size)
{
    uint64_t pages = code_pages(size), at = size <= head(a)->size ? find_code(head(a), pages) : NONE;

    if (at == NONE)
        return NULL;
    /* Fresh memory in place of whatever was there, which an image may have mapped. */
    if (!map_fresh((uint8_t *)a + at, pages)) {
        simg_arena_free_code(a, (uint8_t *)a + at, pages);
        return NULL;
    }
    return (uint8_t *)a + at;
}

int simg_arena_protect(struct simg_arena *a, void *p, size_t size, int prot)
{
    (void)a;
    return map_protect(p, size, (uint32_t)prot) ? 0 : -1;
}

/* Gaps that touch become one; if there are too many, pages are lost to this arena. */
void simg_arena_free_code(struct simg_arena *a, void *p, size_t size)
{
    struct simg_arena_head *h = head(a);
    uint64_t at = (uint64_t)((uintptr_t)p - (uintptr_t)a), pages = code_pages(size);
    int spare = -1;

    map_fresh(p, pages);
    for (int i = 0; i < SIMG_ARENA_CODE_GAPS; i++) {
        if (h->code_gaps[i].size == 0) {
            spare = spare < 0 ? i : spare;
            continue;
        }
        if (h->code_gaps[i].at + h->code_gaps[i].size == at) {
            at = h->code_gaps[i].at;
        } else if (at + pages != h->code_gaps[i].at) {
            continue;
        }
        pages += h->code_gaps[i].size;
        h->code_gaps[i].size = 0;
        i = spare = -1; /* it may touch another now */
    }
    if (at + pages == h->code_top)
        h->code_top = at;
    else if (spare >= 0)
        h->code_gaps[spare].at = at, h->code_gaps[spare].size = pages;
}

/* ---- for the rest of the cache ---- */

void arena_make(struct simg_arena *a, uint64_t size, uint64_t code)
{
    struct simg_arena_head *h = head(a);

    memcpy(h->magic, SIMG_ARENA_MAGIC, 8);
    h->version = SIMG_ARENA_VERSION;
    h->header_size = sizeof *h;
    h->size = size;
    h->limit = size - code;
    h->code_top = h->limit;
    h->first = h->top = (sizeof *h + UNIT - 1) / UNIT * UNIT + UNIT - HEADER;
    h->committed = STEP;
}

bool arena_check(const struct simg_arena_head *h, uint64_t bytes, uint64_t code_bytes)
{
    return memcmp(h->magic, SIMG_ARENA_MAGIC, 8) == 0 && h->version == SIMG_ARENA_VERSION &&
           h->header_size == sizeof *h && h->limit <= h->size && h->limit % CACHE_ALIGN == 0 &&
           h->size % CACHE_ALIGN == 0 && h->first >= sizeof *h && h->first <= h->top &&
           h->first % UNIT == HEADER && h->top % UNIT == HEADER && h->top < bytes &&
           bytes <= h->limit && h->code_top >= h->limit && h->code_top <= h->size &&
           h->code_top - h->limit == code_bytes;
}

void arena_walk(const struct simg_arena *a, void (*each)(void *arg, uint64_t block, uint64_t header),
                void *arg)
{
    uint64_t b = head(a)->first, top = head(a)->top;

    while (b < top && top - b >= LEAST) {
        uint64_t size = size_of(a, b);

        if (size < LEAST || size > top - b)
            return;
        if (*word(a, b) & SIMG_BLOCK_LIVE)
            each(arg, b, *word(a, b));
        b += size;
    }
}

bool arena_has(const struct simg_arena *a, const void *p)
{
    return (uintptr_t)p - (uintptr_t)a < head(a)->size;
}
