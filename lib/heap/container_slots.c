/* SPDX-License-Identifier: GPL-3.0-or-later */
/* container_slots.c - where a heap's pointers and objects are.
 *
 * The map of a segment's slots becomes a bitmap, which is the file's own
 * bytes if it is stored as one, and a list of the slots that are not
 * 8-aligned. */

#include "container_parts.h"

#include <inttypes.h>

enum { SLOTS_HEAD = 24 };

/* The next number of C.  In C.bad: it ends past the end, has more than 64
   bits, or is longer than it has to be. */
static uint64_t leb128(struct cursor *c)
{
    uint64_t v = 0;
    unsigned shift = 0;
    uint8_t byte;

    do {
        byte = cur_u8(c);
        if (shift == 63 && byte > 1) /* a tenth byte has room for one bit */
            c->bad = true;
        v |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (!c->bad && byte & 0x80);
    if (byte == 0 && shift > 7)
        c->bad = true;
    return c->bad ? 0 : v;
}

static bool bad_number(struct diag *d, const struct cursor *c, const char *stream)
{
    return diag_fail(d, E_FORMAT,
                     "a number in the %s that ends at or before byte %" PRIu64
                     " is cut, overlong or has more than 64 bits",
                     stream, c->pos);
}

/* ---- slots ---- */

/* The bitmap of words below WORDS, as the file has it. */
static bool take_bitmap(struct diag *d, struct span in, uint64_t words, uint64_t aligned,
                        struct slot_map *out)
{
    uint64_t set = 0, i = 0;

    if (in.size != out->bitmap_size)
        return diag_fail(d, E_FORMAT, "a bitmap of %" PRIu64 " bytes, not %" PRIu64, in.size,
                         out->bitmap_size);
    if (words % 64 || in.size * 8 > words)
        for (uint64_t bit = words; bit < in.size * 8; bit++)
            if (in.at[bit / 8] >> bit % 8 & 1)
                return diag_fail(d, E_FORMAT,
                                 "the bitmap's bit %" PRIu64 " is set, but there are %" PRIu64
                                 " words",
                                 bit, words);
    for (; i + 8 <= in.size; i += 8)
        set += (uint64_t)__builtin_popcountll(load_uint(in.at + i, 8, false));
    for (; i < in.size; i++)
        set += (uint64_t)__builtin_popcount(in.at[i]);
    if (set != aligned)
        return diag_fail(d, E_FORMAT, "%" PRIu64 " bits are set for %" PRIu64 " aligned slots", set,
                         aligned);
    out->bitmap = in.at;
    return true;
}

/* A bitmap of words below WORDS from the gaps between slots. */
static bool expand_gaps(struct diag *d, struct arena *a, struct span in, uint64_t words,
                        uint64_t aligned, struct slot_map *out)
{
    struct cursor c = {.in = in};
    uint64_t word = UINT64_MAX; /* -1 */
    uint8_t *bitmap = arena_alloc(a, out->bitmap_size, 1);

    if (!bitmap)
        return diag_nomem(d);
    for (uint64_t i = 0; i < aligned; i++) {
        /* Nearly all are one byte. */
        uint64_t gap = c.pos < in.size && in.at[c.pos] < 0x80 ? in.at[c.pos++] : leb128(&c);

        if (c.bad)
            return bad_number(d, &c, "gaps");
        if (gap == 0)
            return diag_fail(d, E_FORMAT, "the gap before aligned slot %" PRIu64 " is 0", i);
        if (gap > words - (word + 1))
            return diag_fail(d, E_FORMAT,
                             "aligned slot %" PRIu64 " is past the last of %" PRIu64 " words", i,
                             words);
        word += gap;
        bitmap[word / 8] |= (uint8_t)(1 << word % 8);
    }
    if (c.pos != in.size)
        return diag_fail(d, E_FORMAT,
                         "%" PRIu64 " bytes of gaps for %" PRIu64
                         " aligned slots, which take %" PRIu64,
                         in.size, aligned, c.pos);
    out->bitmap = bitmap;
    return true;
}

static bool word_is_slot(const struct slot_map *m, uint64_t word)
{
    return m->bitmap && word / 8 < m->bitmap_size && m->bitmap[word / 8] >> word % 8 & 1;
}

static bool read_odd(struct diag *d, struct arena *a, struct cursor *c, uint64_t size,
                     uint64_t count, struct slot_map *out)
{
    uint64_t *odd, at = 0;

    if (!cur_count(c, count, 1))
        return diag_fail(d, E_FORMAT, "%" PRIu64 " odd slots in %" PRIu64 " bytes", count,
                         c->in.size - c->pos);
    odd = arena_alloc(a, count, sizeof *odd);
    if (!odd)
        return diag_nomem(d);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t gap = leb128(c);

        if (c->bad)
            return bad_number(d, c, "odd slots");
        if (i && gap < 8)
            return diag_fail(d, E_FORMAT,
                             "the odd slots at 0x%" PRIx64 " and %" PRIu64 " bytes on overlap", at,
                             gap);
        if (size < 8 || at > size - 8 || gap > size - 8 - at)
            return diag_fail(d, E_FORMAT,
                             "odd slot %" PRIu64 ", 0x%" PRIx64 " past 0x%" PRIx64
                             ", is not inside the segment's 0x%" PRIx64 " bytes",
                             i, gap, at, size);
        at += gap;
        if (at % 8 == 0)
            return diag_fail(d, E_FORMAT, "the odd slot at 0x%" PRIx64 " is 8-aligned", at);
        if (word_is_slot(out, at / 8) || word_is_slot(out, at / 8 + 1))
            return diag_fail(d, E_FORMAT, "the odd slot at 0x%" PRIx64 " overlaps an aligned one",
                             at);
        odd[i] = at;
    }
    if (c->pos != c->in.size)
        return diag_fail(d, E_FORMAT, "%" PRIu64 " bytes follow the last odd slot",
                         c->in.size - c->pos);
    out->odd = odd;
    out->odd_count = count;
    return true;
}

static bool read_map(struct heap_reader *r, struct span in, uint64_t count, struct heap_segment *s)
{
    struct diag *d = r->d;
    struct cursor c = {.in = in, .big = r->h->big};
    uint64_t aligned, aligned_size, encoding;
    struct span stream;
    bool ok;

    if (s->kind == SIMG_SEGMENT_ZERO)
        return diag_fail(d, E_FORMAT, "a zero-fill segment holds no pointers");
    aligned = cur_u64(&c);
    aligned_size = cur_u64(&c);
    encoding = cur_u64(&c);
    if (c.bad)
        return diag_fail(d, E_FORMAT, "%" PRIu64 " bytes, its head alone has %d", c.in.size,
                         SLOTS_HEAD);
    if (aligned > count || aligned > s->size / 8)
        return diag_fail(d, E_FORMAT,
                         "%" PRIu64 " aligned slots of %" PRIu64 " in %" PRIu64 " words", aligned,
                         count, s->size / 8);
    if (!span_sub(c.in, SLOTS_HEAD, aligned_size, &stream))
        return diag_fail(d, E_FORMAT, "an aligned stream of %" PRIu64 " bytes in %" PRIu64,
                         aligned_size, c.in.size - SLOTS_HEAD);
    cur_take(&c, aligned_size);
    s->slots.bitmap_size = s->size / 64 + (s->size % 64 != 0);
    switch (encoding) {
    case SIMG_SLOTS_BITMAP:
        ok = take_bitmap(d, stream, s->size / 8, aligned, &s->slots);
        break;
    case SIMG_SLOTS_GAPS:
        ok = expand_gaps(d, r->a, stream, s->size / 8, aligned, &s->slots);
        break;
    default:
        ok = diag_fail(d, E_UNSUPPORTED, "encoding %" PRIu64 ", not 0 or 1", encoding);
    }
    s->slots.count = count;
    return ok && read_odd(d, r->a, &c, s->size, count - aligned, &s->slots);
}

bool heap_read_slots(struct heap_reader *r, uint32_t segment)
{
    const struct heap_part *p = heap_find_part(r->h, SIMG_PART_SLOTS, segment);
    struct where here = {r->d->where, "slots of segment", segment};
    struct span in;
    bool ok;

    if (!p)
        return true;
    if (!heap_plain(r->d, r->a, p, &in))
        return false;
    r->d->where = &here;
    ok = read_map(r, in, p->count, &r->h->segments[segment]);
    r->d->where = here.up;
    r->h->slot_count += p->count;
    return ok;
}

/* ---- import slots ---- */

struct heap_import_slot heap_import_slot_at(const struct heap *h, uint64_t i)
{
    const uint8_t *p = h->import_slots.at + i * SIMG_IMPORT_SLOT_SIZE;

    return (struct heap_import_slot){
        .place = load_uint(p, 8, h->big),
        .import = (uint32_t)load_uint(p + 8, 4, h->big),
        .addend = (int64_t)load_uint(p + 16, 8, h->big),
    };
}

uint64_t heap_first_import_slot(const struct heap *h, uint64_t addr)
{
    uint64_t lo = 0, hi = h->import_slot_count;

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;

        if (heap_import_slot_at(h, mid).place < addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool check_import_slot(struct heap_reader *r, uint64_t i, uint64_t *end)
{
    const struct heap *h = r->h;
    struct heap_import_slot s = heap_import_slot_at(h, i);
    const struct heap_segment *seg = heap_segment_at(h, s.place);

    if (load_uint(h->import_slots.at + i * SIMG_IMPORT_SLOT_SIZE + 12, 4, h->big))
        return diag_fail(r->d, E_FORMAT, "a reserved field is not 0");
    if (s.import >= h->import_count)
        return diag_fail(r->d, E_FORMAT, "import %" PRIu32 ", but there are %" PRIu32, s.import,
                         h->import_count);
    if (!seg || seg->size - (s.place - seg->addr) < 8)
        return diag_fail(r->d, E_FORMAT, "8 bytes at 0x%" PRIx64 " are not inside a segment",
                         s.place);
    if (seg->kind == SIMG_SEGMENT_ZERO)
        return diag_fail(r->d, E_FORMAT, "at 0x%" PRIx64 ", in a zero-fill segment", s.place);
    if (s.place < *end)
        return diag_fail(r->d, E_FORMAT,
                         "at 0x%" PRIx64 ", not behind the one before it, which "
                         "ends at 0x%" PRIx64,
                         s.place, *end);
    if (slots_meet(&seg->slots, s.place - seg->addr))
        return diag_fail(r->d, E_FORMAT, "at 0x%" PRIx64 ", it overlaps a slot of segment %" PRIu32,
                         s.place, (uint32_t)(seg - h->segments));
    *end = s.place + 8;
    h->imports[s.import].slot_count++;
    return true;
}

bool heap_read_import_slots(struct heap_reader *r)
{
    struct heap *h = r->h;
    const struct heap_part *p = heap_find_part(h, SIMG_PART_IMPORT_SLOTS, 0);
    struct where here = {r->d->where, "import slot", 0};
    uint64_t end = 0;
    bool ok = true;

    if (!heap_plain(r->d, r->a, p, &h->import_slots))
        return false;
    h->import_slot_count = p ? p->count : 0;
    r->d->where = &here;
    for (uint64_t i = 0; ok && i < h->import_slot_count; i++) {
        here.index = i;
        ok = check_import_slot(r, i, &end);
    }
    r->d->where = here.up;
    return ok;
}

/* ---- words ---- */

struct word_check {
    struct diag *d;
    const struct slot_map *map;
    struct span data;
    bool big;
    uint64_t mask;
};

static bool check_word(void *arg, uint64_t offset)
{
    const struct word_check *w = arg;
    uint64_t word = load_uint(w->data.at + offset, 8, w->big);

    if ((word & w->mask) <= w->map->limit)
        return true;
    return diag_fail(w->d, E_FORMAT,
                     "the slot at 0x%" PRIx64 " holds 0x%" PRIx64
                     ", no address in the heap's span of 0x%" PRIx64,
                     offset, word, w->map->limit);
}

bool heap_check_words(struct diag *d, const struct heap *h, uint32_t i, struct span data)
{
    const struct slot_map *m = &h->segments[i].slots;
    struct where file = {d->where, h->name, NO_INDEX}, here = {&file, "segment", i};
    struct word_check w = {d, m, data, h->big, UINT64_MAX >> (64 - m->address_bits)};
    bool ok;

    if (!m->count)
        return true;
    d->where = &here;
    ok = slots_each(m, 0, data.size, check_word, &w);
    d->where = file.up;
    return ok;
}

/* ---- objects ---- */

void heap_objects_begin(const struct heap *h, uint32_t segment, struct heap_objects *it)
{
    const struct heap_segment *s = &h->segments[segment];

    *it = (struct heap_objects){.c = {.in = s->objects}, .left = s->object_count};
}

bool heap_objects_next(struct heap_objects *it, struct heap_object *out)
{
    *out = (struct heap_object){0};
    if (it->left == 0)
        return false;
    it->left--;
    out->offset = it->offset + leb128(&it->c);
    out->size = leb128(&it->c);
    out->type = (uint32_t)leb128(&it->c);
    it->offset = out->offset + out->size;
    return true;
}

static bool check_objects(struct heap_reader *r, const struct heap_segment *s, uint64_t count)
{
    struct cursor c = {.in = s->objects};
    uint64_t end = 0;

    if (!cur_count(&c, count, 3))
        return diag_fail(r->d, E_FORMAT, "%" PRIu64 " objects in %" PRIu64 " bytes", count,
                         c.in.size);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t gap = leb128(&c), size = leb128(&c), type = leb128(&c);

        if (c.bad)
            return bad_number(r->d, &c, "objects");
        if (gap > s->size - end || size > s->size - end - gap)
            return diag_fail(r->d, E_FORMAT,
                             "object %" PRIu64 ", 0x%" PRIx64 " bytes 0x%" PRIx64 " past 0x%" PRIx64
                             ", is not inside the segment's 0x%" PRIx64 " bytes",
                             i, size, gap, end, s->size);
        if (type >= r->h->type_count)
            return diag_fail(r->d, E_FORMAT,
                             "object %" PRIu64 ": type %" PRIu64 ", but there are %" PRIu32, i,
                             type, r->h->type_count);
        end += gap + size;
    }
    if (c.pos != c.in.size)
        return diag_fail(r->d, E_FORMAT, "%" PRIu64 " bytes follow the last object",
                         c.in.size - c.pos);
    return true;
}

bool heap_read_objects(struct heap_reader *r, uint32_t segment)
{
    struct heap_segment *s = &r->h->segments[segment];
    const struct heap_part *p = heap_find_part(r->h, SIMG_PART_OBJECTS, segment);
    struct where here = {r->d->where, "objects of segment", segment};
    bool ok;

    if (!p)
        return true;
    if (!heap_plain(r->d, r->a, p, &s->objects))
        return false;
    r->d->where = &here;
    ok = check_objects(r, s, p->count);
    r->d->where = here.up;
    s->object_count = p->count;
    return ok;
}
