/* SPDX-License-Identifier: MIT */
/* heap_write.c - write a heap container: begin, segments and their bytes, end. */

#include "runtime/heap_writer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALIGN = 1 << SIMG_SEGMENT_ALIGN_LOG2, MAX_ALIGN_LOG2 = 30 };

uint8_t *grow_reserve(struct grow *g, size_t n)
{
    if (n > g->cap - g->size) {
        size_t cap = g->cap + g->cap / 2 + n + 64;
        uint8_t *at = cap > g->cap ? realloc(g->at, cap) : NULL;

        if (!at)
            return NULL;
        g->at = at;
        g->cap = cap;
    }
    g->size += n;
    return g->at + g->size - n;
}

enum simg_status heapw_return(const struct simg_heap_writer *w, struct simg_error *error)
{
    if (w->error.status == SIMG_OK)
        error_clear(error); /* cheaply: there may be millions of calls */
    else if (error)
        *error = w->error;
    return w->error.status;
}

bool heapw_argument(struct simg_heap_writer *w, uint64_t offset, const char *fmt, ...)
{
    va_list ap;

    w->error = (struct simg_error){.status = SIMG_ERR_ARGUMENT, .offset = offset};
    va_start(ap, fmt);
    vsnprintf(w->error.text, sizeof w->error.text, fmt, ap);
    va_end(ap);
    return false;
}

bool heapw_memory(struct simg_heap_writer *w)
{
    error_memory(&w->error);
    return false;
}

struct heapw_segment *heapw_segment(struct simg_heap_writer *w, uint32_t index)
{
    uint32_t count;
    struct heapw_segment *all = heapw_segments(w, &count);

    if (index < count)
        return &all[index];
    heapw_argument(w, 0, "segment %" PRIu32 ", but there are %" PRIu32, index, count);
    return NULL;
}

/* ---- begin and end ---- */

static bool machine_is_big(void)
{
    const uint16_t one = 1;
    uint8_t first;

    memcpy(&first, &one, 1);
    return first == 0;
}

static bool take_options(struct simg_heap_writer *w, const struct simg_heap_options *o)
{
    if (o->size < sizeof *o)
        return heapw_argument(w, 0, "options of %zu bytes, not %zu", o->size, sizeof *o);
    if (o->order != 0 && o->order != SIMG_LITTLE && o->order != SIMG_BIG)
        return heapw_argument(w, 0, "byte order %d, not SIMG_LITTLE or SIMG_BIG", o->order);
    if (o->address_bits != 0 && (o->address_bits < 48 || o->address_bits > 64))
        return heapw_argument(w, 0, "addresses of %u bits, not 48 to 64", o->address_bits);
    if (o->compression < 0 || o->compression > 19)
        return heapw_argument(w, 0, "compression %d, not 0 to 19", o->compression);
    w->big = o->order ? o->order == SIMG_BIG : machine_is_big();
    w->swap = w->big != machine_is_big();
    w->address_bits = o->address_bits ? o->address_bits : 64;
    w->mask = UINT64_MAX >> (64 - w->address_bits);
    w->null_is_no_slot = o->null_is_no_slot;
    return true;
}

enum simg_status simg_heap_create(const char *path, const struct simg_heap_options *options,
                                  struct simg_heap_writer **out, struct simg_error *error)
{
    static const struct simg_heap_options none = {.size = sizeof none};
    struct simg_heap_writer *w = calloc(1, sizeof *w);
    const struct simg_heap_options *o = options ? options : &none;
    uint32_t empty;
    enum simg_status status;

    *out = NULL;
    error_clear(error);
    if (!w)
        return error_memory(error);
    w->filling = UINT32_MAX;
    w->block = malloc(HEAPW_BLOCK + HEAPW_SLOT);
    if (!w->block)
        heapw_memory(w);
    else if (take_options(w, o) && heapw_string(w, "", &empty) &&
             heapw_file_create(w, path, o->compression))
        *out = w;
    status = heapw_return(w, error);
    if (status != SIMG_OK)
        simg_heap_abandon(w);
    return status;
}

void simg_heap_abandon(struct simg_heap_writer *w)
{
    struct heapw_segment *all;
    uint32_t count;

    if (!w)
        return;
    all = heapw_segments(w, &count);
    for (uint32_t i = 0; i < count; i++) {
        free(all[i].bitmap);
        free(all[i].odd.at);
        free(all[i].odd_out.at);
        free(all[i].imports.at);
        free(all[i].objects.at);
    }
    heapw_file_free(w);
    free(w->segments.at);
    free(w->live.at);
    free(w->block);
    free(w->strings.at);
    free(w->hash);
    free(w->uses);
    free(w->imports.at);
    free(w->roots.at);
    free(w->types.at);
    free(w->metas.at);
    free(w);
}

static bool check_complete(struct simg_heap_writer *w)
{
    uint32_t count;
    const struct heapw_segment *all = heapw_segments(w, &count);

    if (count == 0)
        error_set(&w->error, SIMG_ERR_STATE, 0, "there is no segment");
    for (uint32_t i = 0; i < count && !w->error.status; i++)
        if (all[i].kind != SIMG_SEGMENT_ZERO && all[i].filled < all[i].size)
            error_set(&w->error, SIMG_ERR_STATE, all[i].filled,
                      "segment %" PRIu32 ": %" PRIu64 " bytes of %" PRIu64 " have come", i,
                      all[i].filled, all[i].size);
    return !w->error.status;
}

static bool write_parts(struct simg_heap_writer *w)
{
    uint32_t count;

    heapw_segments(w, &count);
    for (uint32_t i = 0; i < count; i++)
        if (!heapw_write_slots(w, i))
            return false;
    return heapw_write_import_slots(w) && heapw_write_tables(w);
}

enum simg_status simg_heap_finish(struct simg_heap_writer *w, struct simg_error *error)
{
    enum simg_status status;

    if (!w->error.status && check_complete(w) && write_parts(w))
        heapw_file_finish(w);
    status = heapw_return(w, error);
    simg_heap_abandon(w);
    return status;
}

/* ---- segments ---- */

static bool log2_of(uint64_t align, uint8_t *log2)
{
    for (*log2 = SIMG_SEGMENT_ALIGN_LOG2; *log2 <= MAX_ALIGN_LOG2; ++*log2)
        if (align == UINT64_C(1) << *log2)
            return true;
    return false;
}

static bool add_live(struct simg_heap_writer *w, const struct heapw_segment *s)
{
    struct heapw_live range = {s->live, s->size, s->addr}, other;
    uint8_t *p;

    if (!s->live)
        return true;
    if ((uintptr_t)s->live > UINTPTR_MAX - s->size)
        return heapw_argument(w, 0, "live memory wraps around");
    for (size_t i = 0; i < w->live.size; i += sizeof other) {
        memcpy(&other, w->live.at + i, sizeof other);
        if ((uintptr_t)s->live < (uintptr_t)other.at + other.size &&
            (uintptr_t)other.at < (uintptr_t)s->live + s->size)
            return heapw_argument(w, 0, "live memory at %p overlaps that at %p",
                                  (const void *)s->live, (const void *)other.at);
    }
    p = grow_reserve(&w->live, sizeof range);
    if (!p)
        return heapw_memory(w);
    memcpy(p, &range, sizeof range);
    return true;
}

static bool add_segment(struct simg_heap_writer *w, const struct simg_heap_segment *in,
                        uint32_t *index)
{
    uint64_t align = in->align ? in->align : ALIGN;
    struct heapw_segment s = {.addr = in->addr, .size = in->size, .live = in->live};
    uint8_t *p;

    heapw_segments(w, index);
    if (w->closed) {
        error_set(&w->error, SIMG_ERR_STATE, 0,
                  "segment %" PRIu32 " comes after the bytes of another", *index);
        return false;
    }
    if (in->kind < SIMG_SEGMENT_READ_ONLY || in->kind > SIMG_SEGMENT_CODE)
        return heapw_argument(w, 0, "segment %" PRIu32 ": kind %d, not 1 to 4", *index, in->kind);
    s.kind = (uint8_t)in->kind;
    if (!log2_of(align, &s.align_log2))
        return heapw_argument(w, 0,
                              "segment %" PRIu32 ": alignment 0x%" PRIx64
                              ", not a power of two from 64 KiB to 1 GiB",
                              *index, align);
    if (s.addr == SIMG_HEAP_NEXT)
        s.addr =
            w->span > UINT64_MAX - (align - 1) ? UINT64_MAX : (w->span + align - 1) & ~(align - 1);
    if (s.addr & (align - 1))
        return heapw_argument(
            w, 0, "segment %" PRIu32 ": address 0x%" PRIx64 " is not a multiple of 0x%" PRIx64,
            *index, s.addr, align);
    if (s.addr < w->span)
        return heapw_argument(w, 0,
                              "segment %" PRIu32 ": address 0x%" PRIx64 " is before 0x%" PRIx64
                              ", where the last one ends",
                              *index, s.addr, w->span);
    if (s.size == 0 || s.size > w->mask - s.addr || s.addr > w->mask)
        return heapw_argument(w, 0,
                              "segment %" PRIu32 ": 0x%" PRIx64 " bytes at 0x%" PRIx64
                              " are none, or do not fit %u address bits",
                              *index, s.size, s.addr, w->address_bits);
    if (!add_live(w, &s) || !heapw_string(w, in->name, &s.name))
        return false;
    p = grow_reserve(&w->segments, sizeof s);
    if (!p)
        return heapw_memory(w);
    memcpy(p, &s, sizeof s);
    w->span = s.addr + s.size;
    return true;
}

enum simg_status simg_heap_segment(struct simg_heap_writer *w,
                                   const struct simg_heap_segment *segment, uint32_t *index,
                                   struct simg_error *error)
{
    uint32_t number;

    if (!w->error.status && add_segment(w, segment, &number) && index)
        *index = number;
    return heapw_return(w, error);
}

uint64_t simg_heap_address(const struct simg_heap_writer *w, uint32_t index)
{
    uint32_t count;
    const struct heapw_segment *all = heapw_segments(w, &count);

    return index < count ? all[index].addr : UINT64_MAX;
}

/* ---- bytes ---- */

static bool begin_data(struct simg_heap_writer *w, uint32_t index)
{
    if (w->filling == index)
        return true;
    if (w->filling != UINT32_MAX) {
        error_set(&w->error, SIMG_ERR_STATE, 0,
                  "bytes of segment %" PRIu32 ", but segment %" PRIu32 " is not complete", index,
                  w->filling);
        return false;
    }
    if (!w->closed)
        heapw_sort_live(w);
    w->closed = true;
    w->filling = index;
    return heapw_part_begin(w, SIMG_PART_DATA, index, 0, true);
}

/* Write the first bytes of what has come, one block or what there is. */
static bool flush(struct simg_heap_writer *w, struct heapw_segment *s)
{
    size_t n = w->block_size < HEAPW_BLOCK ? w->block_size : HEAPW_BLOCK;

    if (!heapw_do_slots(w, s, w->block, n) || !heapw_part_put(w, w->block, n))
        return false;
    w->block_size -= n;
    memmove(w->block, w->block + n, w->block_size);
    s->done += n;
    return true;
}

static bool append(struct simg_heap_writer *w, uint32_t index, const uint8_t *p, size_t size)
{
    struct heapw_segment *s = heapw_segment(w, index);

    if (!s)
        return false;
    if (s->kind == SIMG_SEGMENT_ZERO)
        return heapw_argument(w, 0, "segment %" PRIu32 " is zero-fill and takes no bytes", index);
    if (size > s->size - s->filled)
        return heapw_argument(w, s->filled,
                              "segment %" PRIu32 ": %zu bytes at 0x%" PRIx64
                              ", but its size is 0x%" PRIx64,
                              index, size, s->filled, s->size);
    if (size == 0)
        return true;
    if (!begin_data(w, index))
        return false;
    while (size > 0) {
        size_t room = HEAPW_BLOCK + HEAPW_SLOT - w->block_size, n = size < room ? size : room;

        memcpy(w->block + w->block_size, p, n);
        w->block_size += n;
        s->filled += n;
        p += n;
        size -= n;
        if (n == room && !flush(w, s))
            return false;
    }
    if (s->filled < s->size)
        return true;
    while (w->block_size > 0)
        if (!flush(w, s))
            return false;
    w->filling = UINT32_MAX;
    return heapw_part_end(w);
}

enum simg_status simg_heap_append(struct simg_heap_writer *w, uint32_t index, const void *bytes,
                                  size_t size, struct simg_error *error)
{
    if (!w->error.status)
        append(w, index, bytes, size);
    return heapw_return(w, error);
}
