/* SPDX-License-Identifier: MIT */
/* heap_slots.c - where the pointers of a segment are, and what becomes of them.
 *
 * Slots at multiples of 8 are bits.  The others, and those of imports, are
 * "loose": lists, which are walked in order as the bytes come. */

#include "runtime/heap_writer.h"

#include <inttypes.h>
#include <stdlib.h>

static bool has_bit(const struct heapw_segment *s, uint64_t word)
{
    return s->bitmap && word < s->size / 8 && s->bitmap[word / 8] >> word % 8 & 1;
}

static uint64_t bitmap_size(const struct heapw_segment *s)
{
    return s->size / 64 + (s->size % 64 != 0);
}

static bool need_bitmap(struct simg_heap_writer *w, struct heapw_segment *s)
{
    if (!s->bitmap)
        s->bitmap = calloc(1, (size_t)bitmap_size(s));
    return s->bitmap || heapw_memory(w);
}

/* ---- taking them ---- */

/* The segment that may have slots at INDEX, or NULL and w->error. */
static struct heapw_segment *for_slots(struct simg_heap_writer *w, uint32_t index)
{
    struct heapw_segment *s = heapw_segment(w, index);

    if (s && s->kind == SIMG_SEGMENT_ZERO) {
        heapw_argument(w, 0, "segment %" PRIu32 " is zero-fill and has no slots", index);
        return NULL;
    }
    return s;
}

static bool twice(struct simg_heap_writer *w, uint32_t index, uint64_t offset)
{
    return heapw_argument(w, offset, "segment %" PRIu32 ": the slot at 0x%" PRIx64 " comes twice",
                          index, offset);
}

/* A new slot at OFFSET is inside, at or behind END, and before its bytes. */
static bool check_slot(struct simg_heap_writer *w, const struct heapw_segment *s, uint32_t index,
                       uint64_t offset, uint64_t end)
{
    if (s->size < HEAPW_SLOT || offset > s->size - HEAPW_SLOT)
        return heapw_argument(w, offset,
                              "segment %" PRIu32 ": the slot at 0x%" PRIx64
                              " is not inside its 0x%" PRIx64 " bytes",
                              index, offset, s->size);
    if (offset < end)
        return heapw_argument(w, offset,
                              "segment %" PRIu32 ": the slot at 0x%" PRIx64
                              " comes after that at 0x%" PRIx64 " and is not at least 8 above it",
                              index, offset, end - HEAPW_SLOT);
    if (offset < s->filled) {
        error_set(&w->error, SIMG_ERR_STATE, offset,
                  "segment %" PRIu32 ": the slot at 0x%" PRIx64 " comes after its bytes", index,
                  offset);
        return false;
    }
    return true;
}

static bool add_slot(struct simg_heap_writer *w, struct heapw_segment *s, uint32_t index,
                     uint64_t offset)
{
    uint8_t *p;

    if (!check_slot(w, s, index, offset, s->listed_end))
        return false;
    s->listed_end = offset + HEAPW_SLOT;
    if (offset % 8) {
        p = grow_reserve(&s->odd, sizeof offset);
        if (!p)
            return heapw_memory(w);
        memcpy(p, &offset, sizeof offset);
        return true;
    }
    if (has_bit(s, offset / 8))
        return twice(w, index, offset);
    s->bitmap[offset / 64] |= (uint8_t)(1 << offset / 8 % 8);
    s->aligned++;
    return true;
}

enum simg_status simg_heap_slots(struct simg_heap_writer *w, uint32_t index,
                                 const uint64_t *offsets, size_t count, struct simg_error *error)
{
    struct heapw_segment *s = w->error.status ? NULL : for_slots(w, index);

    if (s && count > 0 && need_bitmap(w, s))
        for (size_t i = 0; i < count && add_slot(w, s, index, offsets[i]); i++)
            ;
    return heapw_return(w, error);
}

/* Up to 8 slots, BITS, from the word FIRST on. */
static bool add_bits(struct simg_heap_writer *w, struct heapw_segment *s, uint32_t index,
                     uint64_t first, unsigned bits)
{
    unsigned wide = bits << first % 8;
    uint8_t *p;

    if (first > s->size / 8)
        first = s->size / 8; /* past the end, too, and adding to it does not wrap around */
    for (unsigned i = 0; i < 8; i++)
        if (bits >> i & 1) {
            if (!check_slot(w, s, index, 8 * (first + i), 0))
                return false;
            if (has_bit(s, first + i))
                return twice(w, index, 8 * (first + i));
            s->aligned++;
        }
    p = s->bitmap + first / 8;
    p[0] |= (uint8_t)wide;
    if (wide > 0xff)
        p[1] |= (uint8_t)(wide >> 8);
    return true;
}

enum simg_status simg_heap_slot_bitmap(struct simg_heap_writer *w, uint32_t index, uint64_t first,
                                       const uint8_t *bitmap, uint64_t count,
                                       struct simg_error *error)
{
    struct heapw_segment *s = w->error.status ? NULL : for_slots(w, index);

    if (s && count > 0 && need_bitmap(w, s))
        for (uint64_t i = 0; i < count; i += 8) {
            unsigned bits = bitmap[i / 8];

            if (count - i < 8)
                bits &= (1u << (count - i)) - 1;
            if (bits &&
                !add_bits(w, s, index, i > UINT64_MAX - first ? UINT64_MAX : first + i, bits))
                break;
        }
    return heapw_return(w, error);
}

enum simg_status simg_heap_import_slots(struct simg_heap_writer *w, uint32_t index,
                                        const struct simg_heap_import_slot *slots, size_t count,
                                        struct simg_error *error)
{
    struct heapw_segment *s = w->error.status ? NULL : for_slots(w, index);
    uint8_t *p;

    for (size_t i = 0; s && i < count; i++) {
        if (!check_slot(w, s, index, slots[i].offset, s->import_end))
            break;
        if (slots[i].import >= w->import_count) {
            heapw_argument(w, slots[i].offset,
                           "segment %" PRIu32 ": the slot at 0x%" PRIx64 " is of import %" PRIu32
                           ", but there are %" PRIu32,
                           index, slots[i].offset, slots[i].import, w->import_count);
            break;
        }
        s->import_end = slots[i].offset + HEAPW_SLOT;
        p = grow_reserve(&s->imports, sizeof slots[i]);
        if (!p) {
            heapw_memory(w);
            break;
        }
        memcpy(p, &slots[i], sizeof slots[i]);
    }
    return heapw_return(w, error);
}

/* ---- what they hold ---- */

static int by_place(const void *x, const void *y)
{
    const struct heapw_live *a = x, *b = y;

    return (uintptr_t)a->at < (uintptr_t)b->at ? -1 : (uintptr_t)a->at > (uintptr_t)b->at;
}

void heapw_sort_live(struct simg_heap_writer *w)
{
    if (w->live.size)
        qsort(w->live.at, w->live.size / sizeof(struct heapw_live), sizeof(struct heapw_live),
              by_place);
}

/* The heap address of what stands at P in this process; false if it is in no
   segment. */
static bool find_live(const struct simg_heap_writer *w, uint64_t p, uint64_t *addr)
{
    const struct heapw_live *all = (const struct heapw_live *)w->live.at;
    size_t lo = 0, hi = w->live.size / sizeof *all;

    while (lo < hi) { /* LO: how many begin at or before P */
        size_t mid = lo + (hi - lo) / 2;

        if ((uintptr_t)all[mid].at <= p)
            lo = mid + 1;
        else
            hi = mid;
    }
    /* The end itself is allowed: a pointer past the last object. */
    if (lo == 0 || p - (uintptr_t)all[lo - 1].at > all[lo - 1].size)
        return false;
    *addr = all[lo - 1].addr + (p - (uintptr_t)all[lo - 1].at);
    return true;
}

static uint64_t load_word(const uint8_t *p, bool swap)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return swap ? __builtin_bswap64(v) : v;
}

static void store_word(uint8_t *p, bool swap, uint64_t v)
{
    v = swap ? __builtin_bswap64(v) : v;
    memcpy(p, &v, sizeof v);
}

/* Make a heap address of the word at P, which is the slot at OFFSET.  *KEEP:
   it stays a slot. */
static inline bool do_word(struct simg_heap_writer *w, const struct heapw_segment *s,
                           uint64_t offset, uint8_t *p, bool *keep)
{
    uint64_t word = load_word(p, w->swap), addr = word & w->mask;
    uint32_t count;

    *keep = word != 0 || !w->null_is_no_slot;
    if (!*keep)
        return true;
    if (w->live.size == 0 && addr <= w->span)
        return true;
    if (w->live.size && find_live(w, addr, &addr)) {
        store_word(p, w->swap, (word & ~w->mask) | addr);
        return true;
    }
    error_set(&w->error, SIMG_ERR_POINTER, offset,
              "segment %td: the slot at 0x%" PRIx64 " holds 0x%" PRIx64 ", %s",
              s - heapw_segments(w, &count), offset, word,
              w->live.size ? "which is in no segment's memory" : "which is no heap address");
    return false;
}

static bool do_odd(struct simg_heap_writer *w, struct heapw_segment *s, uint64_t offset,
                   uint8_t *word)
{
    uint8_t number[10], *p;
    unsigned n;
    bool keep;

    if (!do_word(w, s, offset, word, &keep))
        return false;
    if (!keep)
        return true;
    n = put_leb128(number, offset - s->odd_last);
    p = grow_reserve(&s->odd_out, n);
    if (!p)
        return heapw_memory(w);
    memcpy(p, number, n);
    s->odd_last = offset;
    s->odd_count++;
    return true;
}

static uint64_t next_odd(const struct heapw_segment *s)
{
    uint64_t offset = UINT64_MAX;

    if (s->odd_next < s->odd.size)
        memcpy(&offset, s->odd.at + s->odd_next, sizeof offset);
    return offset;
}

static uint64_t next_import(const struct heapw_segment *s)
{
    struct simg_heap_import_slot slot = {.offset = UINT64_MAX};

    if (s->import_next < s->imports.size)
        memcpy(&slot, s->imports.at + s->import_next, sizeof slot);
    return slot.offset;
}

/* The odd slots and those of imports that begin before END. */
static bool do_loose(struct simg_heap_writer *w, struct heapw_segment *s, uint8_t *p, uint64_t end)
{
    for (;;) {
        uint64_t odd = next_odd(s), import = next_import(s), at = odd < import ? odd : import;
        uint32_t count;

        if (at >= end)
            break;
        if (at < s->loose_end || odd == import || has_bit(s, at / 8) ||
            (at % 8 && has_bit(s, at / 8 + 1)))
            return heapw_argument(w, at, "segment %td: the slot at 0x%" PRIx64 " overlaps another",
                                  s - heapw_segments(w, &count), at);
        s->loose_end = at + HEAPW_SLOT;
        if (at == odd) {
            s->odd_next += sizeof at;
            if (!do_odd(w, s, at, p + (at - s->done)))
                return false;
        } else {
            s->import_next += sizeof(struct simg_heap_import_slot);
            memset(p + (at - s->done), 0, HEAPW_SLOT); /* the same bytes every time */
        }
    }
    if (s->odd_next == s->odd.size)
        s->odd_next = s->odd.size = 0;
    return true;
}

/* The slots at words FIRST to LAST, FIRST being a multiple of 8. */
static bool do_aligned(struct simg_heap_writer *w, struct heapw_segment *s, uint8_t *p,
                       uint64_t first, uint64_t last)
{
    for (uint64_t word = first; word < last; word += 8) {
        for (unsigned bits = s->bitmap[word / 8]; bits; bits &= bits - 1) {
            uint64_t at = word + (unsigned)__builtin_ctz(bits);
            bool keep;

            if (!do_word(w, s, 8 * at, p + 8 * (at - first), &keep))
                return false;
            if (!keep) {
                s->bitmap[word / 8] &= (uint8_t) ~(1u << at % 8);
                s->aligned--;
            }
        }
    }
    return true;
}

bool heapw_do_slots(struct simg_heap_writer *w, struct heapw_segment *s, uint8_t *p, size_t n)
{
    uint64_t end = s->done + n;
    uint32_t count;

    /* A loose slot of the last block may reach into this one's first word. */
    if (s->loose_end > s->done && has_bit(s, s->done / 8))
        return heapw_argument(w, s->done, "segment %td: the slot at 0x%" PRIx64 " overlaps another",
                              s - heapw_segments(w, &count), s->done);
    return do_loose(w, s, p, end) && (!s->bitmap || do_aligned(w, s, p, s->done / 8, end / 8));
}

/* ---- the parts ---- */

/* The size of the gaps between the bits of S, if it is less than LIMIT. */
static uint64_t gaps_size(const struct heapw_segment *s, uint64_t limit)
{
    uint64_t size = 0, last = UINT64_MAX; /* -1 */
    uint8_t number[10];

    if (s->aligned >= limit)
        return limit;
    for (uint64_t i = 0; i < bitmap_size(s) && size < limit; i++)
        for (unsigned bits = s->bitmap[i]; bits; bits &= bits - 1) {
            uint64_t word = 8 * i + (unsigned)__builtin_ctz(bits);

            size += put_leb128(number, word - last);
            last = word;
        }
    return size < limit ? size : limit;
}

static bool put_gaps(struct simg_heap_writer *w, const struct heapw_segment *s)
{
    uint8_t out[4096 + 80];
    size_t n = 0;
    uint64_t last = UINT64_MAX;

    for (uint64_t i = 0; i < bitmap_size(s); i++) {
        for (unsigned bits = s->bitmap[i]; bits; bits &= bits - 1) {
            uint64_t word = 8 * i + (unsigned)__builtin_ctz(bits);

            n += put_leb128(out + n, word - last);
            last = word;
        }
        if (n >= 4096) {
            if (!heapw_part_put(w, out, n))
                return false;
            n = 0;
        }
    }
    return heapw_part_put(w, out, n);
}

bool heapw_write_slots(struct simg_heap_writer *w, uint32_t index)
{
    struct heapw_segment *s = heapw_segment(w, index);
    uint64_t count = s->aligned + s->odd_count, size;
    uint8_t head[24];
    bool gaps;

    if (count == 0)
        return true;
    size = gaps_size(s, bitmap_size(s));
    gaps = size < bitmap_size(s);
    put_uint(head, 8, w->big, s->aligned);
    put_uint(head + 8, 8, w->big, size);
    put_uint(head + 16, 8, w->big, gaps ? SIMG_SLOTS_GAPS : SIMG_SLOTS_BITMAP);
    return heapw_part_begin(w, SIMG_PART_SLOTS, index, count, true) &&
           heapw_part_put(w, head, sizeof head) &&
           (gaps ? put_gaps(w, s) : heapw_part_put(w, s->bitmap, (size_t)size)) &&
           heapw_part_put(w, s->odd_out.at, s->odd_out.size) && heapw_part_end(w);
}

bool heapw_write_import_slots(struct simg_heap_writer *w)
{
    uint32_t count;
    const struct heapw_segment *all = heapw_segments(w, &count);
    uint8_t out[SIMG_IMPORT_SLOT_SIZE];
    struct simg_heap_import_slot slot;
    uint64_t total = 0;

    for (uint32_t i = 0; i < count; i++)
        total += all[i].imports.size / sizeof slot;
    if (total == 0)
        return true;
    if (!heapw_part_begin(w, SIMG_PART_IMPORT_SLOTS, 0, total, false))
        return false;
    for (uint32_t i = 0; i < count; i++)
        for (size_t at = 0; at < all[i].imports.size; at += sizeof slot) {
            memcpy(&slot, all[i].imports.at + at, sizeof slot);
            put_uint(out, 8, w->big, all[i].addr + slot.offset);
            put_uint(out + 8, 4, w->big, slot.import);
            put_uint(out + 12, 4, w->big, 0);
            put_uint(out + 16, 8, w->big, (uint64_t)slot.addend);
            if (!heapw_part_put(w, out, sizeof out))
                return false;
        }
    return heapw_part_end(w);
}
