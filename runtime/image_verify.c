/* SPDX-License-Identifier: MIT */
/* image_verify.c - every byte and every pointer of an image's heaps, in the
 * file, before any of them is used. */

#include "runtime/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static enum simg_status view(const struct file *f, uint64_t addr, uint64_t size, const char *what,
                             struct map_view *out, struct simg_error *e)
{
    uint64_t offset = 0;

    if (!file_place(f, addr, size, &offset))
        return error_set(e, SIMG_ERR_FORMAT, addr, "%s: not in the file", what);
    return map_view(f->fd, offset, size, out) ? SIMG_OK
                                              : error_system(e, errno, "cannot map %s", what);
}

enum simg_status slot_maps_begin(const struct file *f, const struct simg_table_segment *s,
                                 struct slot_maps *out, struct simg_error *e)
{
    enum simg_status status = SIMG_OK;
    const uint64_t *odd = NULL;

    *out = (struct slot_maps){0};
    if (s->bitmap)
        status =
            view(f, f->table + (uint64_t)s->bitmap, s->bitmap_size, "a slot map", &out->bits, e);
    if (status == SIMG_OK && s->odd_count)
        status =
            view(f, f->table + (uint64_t)s->odd, 8 * s->odd_count, "a slot list", &out->odd, e);
    if (status == SIMG_OK && (uintptr_t)out->odd.at % 8)
        status = error_set(e, SIMG_ERR_FORMAT, 0, "a slot list is not aligned");
    odd = (const uint64_t *)(const void *)out->odd.at;
    for (uint64_t i = 0; status == SIMG_OK && i < s->odd_count; i++)
        if (s->size < 8 || odd[i] > s->size - 8 || (i && odd[i] <= odd[i - 1]))
            status = error_set(e, SIMG_ERR_FORMAT, s->addr, "slot list: entry %llu",
                               (unsigned long long)i);
    /* No bit stands for a word that is not whole in the segment. */
    for (uint64_t i = s->size / 8; status == SIMG_OK && i < 8 * s->bitmap_size; i++)
        if (out->bits.at[i / 8] >> i % 8 & 1)
            status = error_set(e, SIMG_ERR_FORMAT, s->addr, "slot map: a slot past the end");
    if (status != SIMG_OK)
        slot_maps_end(out);
    return status;
}

void slot_maps_end(struct slot_maps *m)
{
    map_unview(&m->bits);
    map_unview(&m->odd);
}

/* The hash of the hashes of all blocks (docs/heap-format.md). */
static enum simg_status check_sum(const struct simg_table_segment *s, const uint8_t *at,
                                  struct simg_error *e)
{
    uint64_t count = s->size / SIMG_CHECK_BLOCK + (s->size % SIMG_CHECK_BLOCK != 0), sum = 0;
    uint64_t *hashes = malloc(count * sizeof *hashes);

    if (!hashes)
        return error_memory(e);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t left = s->size - i * SIMG_CHECK_BLOCK;

        hashes[i] = XXH3_64bits(at + i * SIMG_CHECK_BLOCK,
                                left < SIMG_CHECK_BLOCK ? left : SIMG_CHECK_BLOCK);
    }
    sum = XXH3_64bits(hashes, count * sizeof *hashes);
    free(hashes);
    return sum == s->checksum
               ? SIMG_OK
               : error_set(e, SIMG_ERR_CHECKSUM, s->addr,
                           "the segment at heap address 0x%llx: its checksum is wrong",
                           (unsigned long long)s->addr);
}

/* What a word at a slot may be. */
struct range {
    uint64_t base, mask, limit;
};

static bool good_word(const struct range *r, const uint8_t *p)
{
    uint64_t word = 0;

    memcpy(&word, p, sizeof word);
    return ((word - r->base) & r->mask) <= r->limit;
}

static enum simg_status bad_word(const struct simg_table_segment *s, uint64_t at,
                                 struct simg_error *e)
{
    return error_set(e, SIMG_ERR_FORMAT, s->addr + at,
                     "the slot at heap address 0x%llx points outside of the heap",
                     (unsigned long long)(s->addr + at));
}

static bool has_bit(const struct map_view *bits, uint64_t size, uint64_t word)
{
    return word / 8 < size && bits->at[word / 8] >> word % 8 & 1;
}

/* The maps have as many slots as was said, and none overlaps another: a slot
   that was lost is not found otherwise. */
static enum simg_status check_maps(const struct simg_table_segment *s, const struct slot_maps *m,
                                   struct simg_error *e)
{
    const uint64_t *odd = (const uint64_t *)(const void *)m->odd.at;
    uint64_t count = s->odd_count, i = 0, word = 0;

    for (; i + 8 <= s->bitmap_size; i += 8) {
        memcpy(&word, m->bits.at + i, 8);
        count += (unsigned)__builtin_popcountll(word);
    }
    for (; i < s->bitmap_size; i++)
        count += (unsigned)__builtin_popcount(m->bits.at[i]);
    if (count != s->slot_count)
        return error_set(e, SIMG_ERR_FORMAT, s->addr, "slot map: %llu slots, not %llu",
                         (unsigned long long)count, (unsigned long long)s->slot_count);
    for (i = 0; i < s->odd_count; i++)
        if (odd[i] % 8 == 0 || (i && odd[i] < odd[i - 1] + 8) ||
            has_bit(&m->bits, s->bitmap_size, odd[i] / 8) ||
            has_bit(&m->bits, s->bitmap_size, odd[i] / 8 + 1))
            return error_set(e, SIMG_ERR_FORMAT, s->addr, "slot list: entry %llu overlaps",
                             (unsigned long long)i);
    return SIMG_OK;
}

static enum simg_status check_words(const struct simg_table_heap *h,
                                    const struct simg_table_segment *s, const struct file *f,
                                    const uint8_t *bytes, struct simg_error *e)
{
    const struct range r = {
        h->base, h->address_bits < 64 ? (UINT64_C(1) << h->address_bits) - 1 : UINT64_MAX, h->span};
    struct slot_maps maps;
    const uint64_t *odd = NULL;
    enum simg_status status = slot_maps_begin(f, s, &maps, e);

    if (status == SIMG_OK && (h->flags & SIMG_HEAP_HAS_SLOTS))
        status = check_maps(s, &maps, e);
    for (uint64_t i = 0; status == SIMG_OK && i < s->bitmap_size; i++)
        for (unsigned bits = maps.bits.at[i]; bits && status == SIMG_OK; bits &= bits - 1) {
            uint64_t at = 64 * i + 8 * (unsigned)__builtin_ctz(bits);

            if (!good_word(&r, bytes + at))
                status = bad_word(s, at, e);
        }
    odd = (const uint64_t *)(const void *)maps.odd.at;
    for (uint64_t i = 0; status == SIMG_OK && i < s->odd_count; i++)
        if (!good_word(&r, bytes + odd[i]))
            status = bad_word(s, odd[i], e);
    slot_maps_end(&maps);
    return status;
}

static enum simg_status verify_segment(const struct simg_table_heap *h,
                                       const struct simg_table_segment *s, const struct file *f,
                                       struct simg_error *e)
{
    struct map_view bytes;
    enum simg_status status = SIMG_OK;

    if (s->flags & SIMG_SEG_ZERO)
        return SIMG_OK;
    status = view(f, f->table + (uint64_t)h->at + s->addr, s->size, "a segment", &bytes, e);
    if (status != SIMG_OK)
        return status;
    if (s->checksum)
        status = check_sum(s, bytes.at, e);
    /* Slots of an image that needs others of its parts may lead there. */
    if (status == SIMG_OK && !(h->flags & SIMG_HEAP_NEEDS_IMAGE))
        status = check_words(h, s, f, bytes.at, e);
    map_unview(&bytes);
    return status;
}

enum simg_status image_verify(const struct table *t, const struct file *f, struct simg_error *e)
{
    enum simg_status status = SIMG_OK;

    for (uint32_t i = 0; status == SIMG_OK && i < t->head->heap_count; i++) {
        const struct simg_table_heap *h = &t->heaps[i];

        for (uint32_t n = 0; status == SIMG_OK && n < h->segment_count; n++)
            status = verify_segment(h, &t->segments[h->first_segment + n], f, e);
    }
    return status;
}
