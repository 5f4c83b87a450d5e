/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image_rows.c - what the table says of one heap: segments with their slot
 * maps, roots, imports and their slots, metadata. */

#include "heap/container_parts.h"
#include "heap/image_parts.h"

#include <inttypes.h>

/* One after another, with the frame that names them in messages. */
static bool each_row(struct image_reader *r, struct image_heap *h, const char *row, uint64_t count,
                     bool (*read)(struct image_reader *r, struct image_heap *h, uint64_t i))
{
    struct where here = {r->d->where, row, 0};
    bool ok = true;

    r->d->where = &here;
    for (uint64_t i = 0; ok && i < count; i++) {
        here.index = i;
        ok = read(r, h, i);
    }
    r->d->where = here.up;
    return ok;
}

/* ---- slot maps ---- */

static uint64_t bits_set(struct span s)
{
    uint64_t set = 0, i = 0;

    for (; i + 8 <= s.size; i += 8)
        set += (uint64_t)__builtin_popcountll(load_uint(s.at + i, 8, false));
    for (; i < s.size; i++)
        set += (uint64_t)__builtin_popcount(s.at[i]);
    return set;
}

/* SIZE bytes of a map, DISTANCE from the table. */
static bool map_bytes(struct image_reader *r, const char *what, uint64_t distance, uint64_t size,
                      struct span *out)
{
    uint64_t addr = r->out->table + distance;

    if (!r->in->bytes(r->in->arg, addr, size, out))
        return diag_fail(r->d, E_FORMAT,
                         "its %s, 0x%" PRIx64 " bytes at 0x%" PRIx64 ", is not in the file", what,
                         size, addr);
    if (size > r->in->file_size - r->out->map_bytes)
        return diag_fail(r->d, E_FORMAT, "the slot maps together are larger than the file");
    r->out->map_bytes += size;
    return true;
}

static bool read_bitmap(struct image_reader *r, struct heap_segment *s, uint64_t distance,
                        uint64_t size)
{
    uint64_t want = s->size / 64 + (s->size % 64 != 0);
    struct span in;

    if (size != want)
        return diag_fail(r->d, E_FORMAT, "a bitmap of %" PRIu64 " bytes, not %" PRIu64, size, want);
    if (!map_bytes(r, "bitmap", distance, size, &in))
        return false;
    for (uint64_t bit = s->size / 8; bit < 8 * in.size; bit++)
        if (in.at[bit / 8] >> bit % 8 & 1)
            return diag_fail(r->d, E_FORMAT,
                             "the bitmap's bit %" PRIu64 " is set, but there are %" PRIu64 " words",
                             bit, s->size / 8);
    s->slots.bitmap = in.at;
    s->slots.bitmap_size = in.size;
    s->slots.count = bits_set(in);
    return true;
}

static bool is_slot(const struct slot_map *m, uint64_t word)
{
    return word / 8 < m->bitmap_size && m->bitmap[word / 8] >> word % 8 & 1;
}

static bool read_odd(struct image_reader *r, struct heap_segment *s, uint64_t distance,
                     uint64_t count)
{
    struct cursor c = {.big = r->in->big};
    uint64_t *odd, least = 0;

    if (count > UINT64_MAX / 8 || !map_bytes(r, "list of odd slots", distance, 8 * count, &c.in))
        return count <= UINT64_MAX / 8
                   ? false
                   : diag_fail(r->d, E_FORMAT, "%" PRIu64 " odd slots are too many", count);
    if (!(odd = arena_alloc(r->a, count, sizeof *odd)))
        return diag_nomem(r->d);
    for (uint64_t i = 0; i < count; i++) {
        odd[i] = cur_u64(&c);
        if (odd[i] % 8 == 0 || odd[i] < least || s->size < 8 || odd[i] > s->size - 8 ||
            is_slot(&s->slots, odd[i] / 8) || is_slot(&s->slots, odd[i] / 8 + 1))
            return diag_fail(r->d, E_FORMAT,
                             "odd slot %" PRIu64 " at 0x%" PRIx64
                             " is 8-aligned, overlaps another one or is not inside the segment "
                             "(0x%" PRIx64 " bytes)",
                             i, odd[i], s->size);
        least = odd[i] + 8;
    }
    s->slots.odd = odd;
    s->slots.odd_count = count;
    s->slots.count += count;
    return true;
}

static bool read_maps(struct image_reader *r, const struct image_heap *h, struct heap_segment *s,
                      const struct image_segment *g, const uint64_t *map)
{
    bool none = map[0] == 0 && map[2] == 0;

    s->slots.limit = h->heap.span;
    s->slots.address_bits = h->heap.address_bits;
    if ((map[0] == 0 && map[1]) || (map[2] == 0 && map[3]))
        return diag_fail(r->d, E_FORMAT, "a slot map has a size and no place");
    if (!none && (g->flags & SIMG_SEG_ZERO))
        return diag_fail(r->d, E_FORMAT, "it is zero-fill, and has a slot map");
    if (!none && !(h->flags & SIMG_HEAP_HAS_SLOTS))
        return diag_fail(r->d, E_FORMAT, "it has a slot map, and the heap says that it has none");
    if ((map[0] && !read_bitmap(r, s, map[0], map[1])) ||
        (map[2] && !read_odd(r, s, map[2], map[3])))
        return false;
    if ((!none || h->flags & SIMG_HEAP_HAS_SLOTS) && s->slots.count != g->slot_count)
        return diag_fail(r->d, E_FORMAT, "%" PRIu64 " slots, its maps have %" PRIu64, g->slot_count,
                         s->slots.count);
    return true;
}

/* ---- segments ---- */

static bool check_segment(struct image_reader *r, const struct heap *p,
                          const struct heap_segment *s, const struct image_segment *g, uint64_t end)
{
    uint32_t known = SIMG_SEG_LOADED_WRITABLE | SIMG_SEG_ZERO | SIMG_SEG_IMPORTS | SIMG_SEG_STUBS;

    if (s->kind < SIMG_SEGMENT_READ_ONLY || s->kind > SIMG_SEGMENT_CODE)
        return diag_fail(r->d, E_FORMAT, "kind %u, not 1 to 4", s->kind);
    if (g->flags & ~known)
        return diag_fail(r->d, E_UNSUPPORTED, "flags 0x%" PRIx32 ", only 1, 2, 4 and 8 are known",
                         g->flags);
    if (!(g->flags & SIMG_SEG_ZERO) != (s->kind != SIMG_SEGMENT_ZERO))
        return diag_fail(r->d, E_FORMAT, "kind %u and flags 0x%" PRIx32 " differ on zero-fill",
                         s->kind, g->flags);
    if (g->prot & ~(uint32_t)(SIMG_PROT_R | SIMG_PROT_W | SIMG_PROT_X))
        return diag_fail(r->d, E_FORMAT, "rights 0x%" PRIx32 ", not 0 to 7", g->prot);
    if (s->size == 0 || s->addr > p->span || s->size > p->span - s->addr)
        return diag_fail(r->d, E_FORMAT,
                         "0x%" PRIx64 " bytes at 0x%" PRIx64
                         " are none, or not inside the heap's span of 0x%" PRIx64,
                         s->size, s->addr, p->span);
    if (s->addr < end)
        return diag_fail(r->d, E_FORMAT,
                         "address 0x%" PRIx64 " is before 0x%" PRIx64
                         ", where the segment before it ends",
                         s->addr, end);
    if (!(g->flags & SIMG_SEG_ZERO) && s->size > r->in->file_size - r->stored)
        return diag_fail(r->d, E_FORMAT, "the segments together are larger than the file");
    return true;
}

static bool read_segment(struct image_reader *r, struct image_heap *h, uint64_t i)
{
    struct cursor *c = &r->segments.c;
    struct heap_segment *s = &h->heap.segments[i];
    struct image_segment *g = &h->segments[i];
    uint32_t kind, name;
    uint64_t map[4];

    s->addr = cur_u64(c);
    s->size = cur_u64(c);
    g->prot = cur_u32(c);
    g->flags = cur_u32(c);
    kind = cur_u32(c);
    s->kind = kind > UINT8_MAX ? UINT8_MAX : (uint8_t)kind;
    name = cur_u32(c);
    for (unsigned n = 0; n < 4; n++)
        map[n] = cur_u64(c);
    g->slot_count = cur_u64(c);
    g->checksum = cur_u64(c);
    s->data_part = HEAP_NO_PART;
    if (!image_string(r, name, "its name is", &s->name) ||
        !check_segment(r, &h->heap, s, g, i ? s[-1].addr + s[-1].size : 0))
        return false;
    r->stored += g->flags & SIMG_SEG_ZERO ? 0 : s->size;
    return read_maps(r, h, s, g, map);
}

bool image_read_segments(struct image_reader *r, struct image_heap *h)
{
    struct heap *p = &h->heap;
    uint64_t slots = 0;

    p->segments = arena_alloc(r->a, p->segment_count, sizeof *p->segments);
    h->segments = arena_alloc(r->a, p->segment_count, sizeof *h->segments);
    if (!p->segments || !h->segments)
        return diag_nomem(r->d);
    if (p->address_bits < 64 && p->span >> p->address_bits)
        return diag_fail(r->d, E_FORMAT,
                         "a span of 0x%" PRIx64 " bytes does not fit %u address bits", p->span,
                         p->address_bits);
    if (!each_row(r, h, "segment", p->segment_count, read_segment))
        return false;
    for (uint32_t i = 0; i < p->segment_count; i++)
        slots += h->segments[i].slot_count;
    if (h->flags & SIMG_HEAP_HAS_SLOTS && slots != p->slot_count)
        return diag_fail(r->d, E_FORMAT, "%" PRIu64 " slots, its segments have %" PRIu64,
                         p->slot_count, slots);
    return true;
}

/* ---- what refers to them ---- */

static bool read_import(struct image_reader *r, struct image_heap *h, uint64_t i)
{
    struct cursor *c = &r->imports.c;
    struct heap_import *p = &h->heap.imports[i];
    uint32_t name = cur_u32(c);
    uint16_t kind = cur_u16(c), weak = cur_u16(c);
    uint64_t place = cur_u64(c);
    const struct heap_segment *s = heap_segment_at(&h->heap, place);

    if (!image_string(r, name, "its name is", &p->name))
        return false;
    if (!*p->name)
        return diag_fail(r->d, E_FORMAT, "it has no name");
    if (kind > SIMG_IMPORT_MODULE || weak > 1)
        return diag_fail(r->d, E_FORMAT, "kind %u and weak %u, not 0 to 2 and 0 or 1", kind, weak);
    p->kind = (uint8_t)kind;
    p->weak = weak;
    h->places[i] = place;
    if (place == SIMG_NO_PLACE)
        return true;
    if (!s || place % 8 || s->size - (place - s->addr) < 8 ||
        !(h->segments[s - h->heap.segments].flags & SIMG_SEG_IMPORTS))
        return diag_fail(r->d, E_FORMAT,
                         "its word at 0x%" PRIx64 " is not one of the table of imports", place);
    return true;
}

bool image_read_imports(struct image_reader *r, struct image_heap *h)
{
    struct heap *p = &h->heap;

    p->imports = arena_alloc(r->a, p->import_count, sizeof *p->imports);
    h->places = arena_alloc(r->a, p->import_count, sizeof *h->places);
    if (!p->imports || !h->places)
        return diag_nomem(r->d);
    return each_row(r, h, "import", p->import_count, read_import);
}

static bool read_import_slot(struct image_reader *r, struct image_heap *h, uint64_t i)
{
    struct heap *p = &h->heap;
    struct heap_import_slot slot = heap_import_slot_at(p, i);
    const struct heap_segment *s = heap_segment_at(p, slot.place);
    uint64_t least = i ? heap_import_slot_at(p, i - 1).place + 8 : 0;

    if (slot.import >= p->import_count)
        return diag_fail(r->d, E_FORMAT, "import %" PRIu32 ", but there are %" PRIu32, slot.import,
                         p->import_count);
    if (!s || s->size - (slot.place - s->addr) < 8 || s->kind == SIMG_SEGMENT_ZERO)
        return diag_fail(r->d, E_FORMAT,
                         "8 bytes at 0x%" PRIx64 " are not inside a segment that is not zero-fill",
                         slot.place);
    if (slot.place < least)
        return diag_fail(r->d, E_FORMAT,
                         "at 0x%" PRIx64 ", not behind the one before it, which ends at 0x%" PRIx64,
                         slot.place, least);
    p->imports[slot.import].slot_count++;
    return true;
}

bool image_read_import_slots(struct image_reader *r, struct image_heap *h)
{
    const uint64_t size = sizeof(struct simg_table_import_slot) * h->heap.import_slot_count;
    const uint8_t *at = cur_take(&r->import_slots.c, size);

    /* Rows are laid out as in a container. */
    h->heap.import_slots = (struct span){at, at ? size : 0};
    return each_row(r, h, "import slot", h->heap.import_slot_count, read_import_slot);
}

static bool read_root(struct image_reader *r, struct image_heap *h, uint64_t i)
{
    struct cursor *c = &r->roots.c;
    struct heap_root *p = &h->heap.roots[i];
    uint32_t name = cur_u32(c), kind = cur_u32(c);
    const struct heap_segment *s;

    p->addr = cur_u64(c);
    p->size = cur_u64(c);
    if (!image_string(r, name, "its name is", &p->name))
        return false;
    if (!*p->name)
        return diag_fail(r->d, E_FORMAT, "it has no name");
    if (kind > SIMG_ROOT_FUNCTION)
        return diag_fail(r->d, E_FORMAT, "kind %" PRIu32 ", not 0 or 1", kind);
    p->kind = (uint8_t)kind;
    s = heap_segment_at(&h->heap, p->addr);
    if (!s || p->size > s->size - (p->addr - s->addr))
        return diag_fail(r->d, E_FORMAT,
                         "0x%" PRIx64 " bytes at 0x%" PRIx64 " are not inside a segment", p->size,
                         p->addr);
    p->segment = (uint32_t)(s - h->heap.segments);
    return true;
}

bool image_read_roots(struct image_reader *r, struct image_heap *h)
{
    if (!(h->heap.roots = arena_alloc(r->a, h->heap.root_count, sizeof *h->heap.roots)))
        return diag_nomem(r->d);
    return each_row(r, h, "root", h->heap.root_count, read_root);
}

static bool read_meta(struct image_reader *r, struct image_heap *h, uint64_t i)
{
    struct heap_meta *p = &h->heap.metas[i];
    uint32_t key = cur_u32(&r->metas.c), value = cur_u32(&r->metas.c);

    return image_string(r, key, "its key is", &p->key) &&
           image_string(r, value, "its value is", &p->value);
}

bool image_read_metas(struct image_reader *r, struct image_heap *h)
{
    if (!(h->heap.metas = arena_alloc(r->a, h->heap.meta_count, sizeof *h->heap.metas)))
        return diag_nomem(r->d);
    return each_row(r, h, "metadata", h->heap.meta_count, read_meta);
}
