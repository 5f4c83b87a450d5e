/* SPDX-License-Identifier: GPL-3.0-or-later */
/* container.c - read a heap container: the header and the table of its parts.
 *
 * docs/heap-format.md has the rules.  What the parts hold is checked in
 * container_parts.c and container_slots.c. */

#include "container_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

static const struct part_type {
    const char *name;
    uint64_t entry;  /* size of one; 0: of no fixed size */
    bool of_segment; /* one for each segment */
    bool counted;
    bool needed;
} types[] = {
    [SIMG_PART_SEGMENTS] = {"segments", SIMG_SEGMENT_SIZE, false, true, true},
    [SIMG_PART_DATA] = {"data of segment", 0, true, false, false},
    [SIMG_PART_SLOTS] = {"slots of segment", 0, true, true, false},
    [SIMG_PART_IMPORTS] = {"imports", SIMG_IMPORT_SIZE, false, true, false},
    [SIMG_PART_IMPORT_SLOTS] = {"import slots", SIMG_IMPORT_SLOT_SIZE, false, true, false},
    [SIMG_PART_ROOTS] = {"roots", SIMG_ROOT_SIZE, false, true, false},
    [SIMG_PART_TYPES] = {"types", SIMG_TYPE_SIZE, false, true, false},
    [SIMG_PART_OBJECTS] = {"objects of segment", 0, true, true, false},
    [SIMG_PART_IDENTITY] = {"identity", SIMG_IDENTITY_SIZE, false, true, false},
    [SIMG_PART_META] = {"metadata", SIMG_META_SIZE, false, true, false},
    [SIMG_PART_STRINGS] = {"strings", 0, false, false, true},
};

#define TYPE_COUNT (sizeof types / sizeof types[0])

static const struct part_type *type_of(uint32_t type)
{
    return type < TYPE_COUNT && types[type].name ? &types[type] : NULL;
}

const char *heap_part_name(uint32_t type) { return type_of(type) ? type_of(type)->name : NULL; }

bool heap_part_of_segment(uint32_t type) { return type_of(type) && type_of(type)->of_segment; }

const struct heap_part *heap_find_part(const struct heap *h, uint32_t type, uint32_t index)
{
    uint32_t lo = 0, hi = h->part_count;

    while (lo < hi) { /* the table was sorted by type and index */
        uint32_t mid = lo + (hi - lo) / 2;
        const struct heap_part *p = &h->parts[mid];

        if (p->type == type && p->index == index)
            return p;
        if (p->type < type || (p->type == type && p->index < index))
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

bool heap_is(struct span in) { return in.size >= 8 && memcmp(in.at, SIMG_HEAP_MAGIC, 8) == 0; }

/* The header; *TABLE becomes the bytes of the part table. */
static bool read_header(struct heap_reader *r, struct span *table)
{
    struct heap *h = r->h;
    struct diag *d = r->d;
    struct cursor c = {.in = h->file};
    uint64_t reserved = 0, file_size, table_at, sum, table_sum;
    uint8_t order, pointer_size, major;
    uint16_t header_size, part_size;
    uint32_t flags;

    if (!heap_is(h->file))
        return diag_fail(d, E_UNKNOWN, "not a heap container: the magic is not there");
    if (h->file.size < SIMG_HEADER_SIZE)
        return diag_fail(d, E_FORMAT, "the file has %" PRIu64 " bytes, its header alone %d",
                         h->file.size, SIMG_HEADER_SIZE);
    cur_take(&c, 8);
    order = cur_u8(&c);
    if (order != SIMG_LITTLE && order != SIMG_BIG)
        return diag_fail(d, E_FORMAT, "byte order %u, not 1 (little-endian) or 2 (big-endian)",
                         order);
    h->big = c.big = order == SIMG_BIG;
    pointer_size = cur_u8(&c);
    major = cur_u8(&c);
    h->minor = cur_u8(&c);
    header_size = cur_u16(&c);
    part_size = cur_u16(&c);
    if (major != SIMG_HEAP_MAJOR)
        return diag_fail(d, E_UNSUPPORTED, "version %u.%u of the format, only %u.x is known", major,
                         h->minor, SIMG_HEAP_MAJOR);
    sum = load_uint(h->file.at + 120, 8, h->big);
    if (sum != XXH3_64bits(h->file.at, 120))
        return diag_fail(d, E_FORMAT,
                         "checksum of the header 0x%016" PRIx64 ", its bytes have 0x%016" PRIx64,
                         sum, XXH3_64bits(h->file.at, 120));
    if (pointer_size != 8)
        return diag_fail(d, E_UNSUPPORTED, "pointers of %u bytes, not 8", pointer_size);
    if (header_size != SIMG_HEADER_SIZE || part_size != SIMG_PART_SIZE)
        return diag_fail(d, E_FORMAT, "header of %u and part entries of %u bytes, not %u and %u",
                         header_size, part_size, SIMG_HEADER_SIZE, SIMG_PART_SIZE);
    if (cur_u64(&c) != h->file.size)
        return diag_fail(d, E_FORMAT, "the file has %" PRIu64 " bytes, its header says %" PRIu64,
                         h->file.size, load_uint(h->file.at + 16, 8, h->big));
    table_at = cur_u64(&c);
    h->part_count = cur_u32(&c);
    flags = cur_u32(&c);
    h->span = cur_u64(&c);
    h->address_bits = cur_u8(&c);
    file_size = h->file.size;
    for (int i = 0; i < 7; i++)
        reserved |= cur_u8(&c);
    memcpy(h->id, cur_take(&c, sizeof h->id), sizeof h->id);
    for (int i = 0; i < 5; i++)
        reserved |= cur_u64(&c);
    table_sum = cur_u64(&c);
    if (flags || reserved)
        return diag_fail(d, E_FORMAT, "a flag or reserved byte of the header is not 0");
    if (h->address_bits < 48 || h->address_bits > 64)
        return diag_fail(d, E_FORMAT, "addresses of %u bits, not 48 to 64", h->address_bits);
    if (h->address_bits < 64 && h->span >> h->address_bits)
        return diag_fail(d, E_FORMAT, "a span of 0x%" PRIx64 " bytes does not fit %u address bits",
                         h->span, h->address_bits);
    if (table_at % 8 || table_at > file_size ||
        h->part_count > (file_size - table_at) / SIMG_PART_SIZE)
        return diag_fail(d, E_FORMAT,
                         "the part table (%" PRIu32 " entries at 0x%" PRIx64
                         ") is not 8-aligned or not inside the file (0x%" PRIx64 " bytes)",
                         h->part_count, table_at, file_size);
    span_sub(h->file, table_at, (uint64_t)h->part_count * SIMG_PART_SIZE, table);
    if (table_sum != XXH3_64bits(table->at, table->size))
        return diag_fail(d, E_FORMAT,
                         "checksum of the part table 0x%016" PRIx64
                         ", its bytes have 0x%016" PRIx64,
                         table_sum, XXH3_64bits(table->at, table->size));
    XXH128_canonical_t id;
    XXH128_canonicalFromHash(&id, XXH3_128bits(table->at, table->size));
    if (memcmp(&id, h->id, sizeof h->id) != 0)
        return diag_fail(d, E_FORMAT, "the content id is not that of the part table");
    return true;
}

static bool check_part(struct heap_reader *r, const struct heap_part *p, uint64_t reserved)
{
    struct diag *d = r->d;
    const struct part_type *t = type_of(p->type);
    bool zstd = p->flags & SIMG_PART_ZSTD;
    uint64_t align = p->type == SIMG_PART_DATA && !zstd ? SIMG_DATA_ALIGN : 8;

    if (reserved)
        return diag_fail(d, E_FORMAT, "a reserved field is not 0");
    if (p->flags & ~(uint32_t)(SIMG_PART_MUST | SIMG_PART_ZSTD))
        return diag_fail(d, E_UNSUPPORTED,
                         "flags 0x%" PRIx32 ", only 1 (MUST) and 2 (ZSTD) are known", p->flags);
    if (!t && p->flags & SIMG_PART_MUST)
        return diag_fail(d, E_UNSUPPORTED, "type %" PRIu32 " is not known, and must be", p->type);
    if (p->offset % align)
        return diag_fail(d, E_FORMAT, "offset 0x%" PRIx64 " is not a multiple of %" PRIu64,
                         p->offset, align);
    if (p->offset > r->h->file.size || p->stored > r->h->file.size - p->offset)
        return diag_fail(d, E_FORMAT,
                         "0x%" PRIx64 " bytes at 0x%" PRIx64 " are not inside the file (0x%" PRIx64
                         " bytes)",
                         p->stored, p->offset, r->h->file.size);
    if (!zstd && p->size != p->stored)
        return diag_fail(d, E_FORMAT,
                         "size %" PRIu64 ", stored size %" PRIu64 ": they differ without ZSTD",
                         p->size, p->stored);
    if (t && t->entry && (p->size % t->entry || p->size / t->entry != p->count))
        return diag_fail(d, E_FORMAT,
                         "%" PRIu64 " %s of %" PRIu64 " bytes are not %" PRIu64 " bytes", p->count,
                         t->name, t->entry, p->size);
    if (t && t->entry && p->count > UINT32_MAX && p->type != SIMG_PART_IMPORT_SLOTS)
        return diag_fail(d, E_UNSUPPORTED, "%" PRIu64 " %s are more than fit 32 bits", p->count,
                         t->name);
    if (t && !t->counted && p->count)
        return diag_fail(d, E_FORMAT, "a count of %" PRIu64 ", not 0", p->count);
    if (t && !t->of_segment && p->index)
        return diag_fail(d, E_FORMAT, "index %" PRIu32 ", not 0", p->index);
    return heap_check_frames(d, p);
}

static int by_type(const void *x, const void *y)
{
    const struct heap_part *a = x, *b = y;

    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

struct extent {
    uint64_t offset, size;
    char name[64];
};

static int by_offset(const void *x, const void *y)
{
    const struct extent *a = x, *b = y;

    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static struct extent extent_of_part(const struct heap_part *p)
{
    struct extent e = {p->offset, p->stored, ""};
    const char *name = heap_part_name(p->type);

    if (!name)
        snprintf(e.name, sizeof e.name, "a part of type %" PRIu32, p->type);
    else if (heap_part_of_segment(p->type))
        snprintf(e.name, sizeof e.name, "%s %" PRIu32, name, p->index);
    else
        snprintf(e.name, sizeof e.name, "%s", name);
    return e;
}

static bool check_overlaps(struct heap_reader *r, struct span table)
{
    const struct heap *h = r->h;
    struct arena scratch = {0};
    struct extent *all = arena_alloc(&scratch, (uint64_t)h->part_count + 2, sizeof *all);
    uint64_t n = 0;
    bool ok = all || diag_nomem(r->d);

    if (ok) {
        all[n++] = (struct extent){0, SIMG_HEADER_SIZE, "the header"};
        if (table.size)
            all[n++] =
                (struct extent){(uint64_t)(table.at - h->file.at), table.size, "the part table"};
        for (uint32_t i = 0; i < h->part_count; i++)
            if (h->parts[i].stored)
                all[n++] = extent_of_part(&h->parts[i]);
        qsort(all, n, sizeof *all, by_offset);
    }
    for (uint64_t i = 1; ok && i < n; i++)
        if (all[i].offset - all[i - 1].offset < all[i - 1].size)
            ok = diag_fail(r->d, E_FORMAT, "%s and %s overlap at 0x%" PRIx64, all[i - 1].name,
                           all[i].name, all[i].offset);
    arena_free(&scratch);
    return ok;
}

static bool read_table(struct heap_reader *r, struct span table)
{
    struct heap *h = r->h;
    struct cursor c = {.in = table, .big = h->big};
    struct where here = {r->d->where, "part", 0};
    bool ok = true;

    h->parts = arena_alloc(r->a, h->part_count, sizeof *h->parts);
    if (!h->parts)
        return diag_nomem(r->d);
    r->d->where = &here;
    for (uint32_t i = 0; ok && i < h->part_count; i++) {
        struct heap_part *p = &h->parts[i];
        uint64_t reserved;

        here.index = i;
        p->type = cur_u32(&c);
        p->index = cur_u32(&c);
        p->flags = cur_u32(&c);
        reserved = cur_u32(&c);
        p->offset = cur_u64(&c);
        p->stored = cur_u64(&c);
        p->size = cur_u64(&c);
        p->count = cur_u64(&c);
        p->checksum = cur_u64(&c);
        reserved |= cur_u64(&c);
        span_sub(h->file, p->offset, p->stored, &p->bytes);
        ok = check_part(r, p, reserved);
    }
    r->d->where = here.up;
    if (!ok || !check_overlaps(r, table))
        return false;

    qsort(h->parts, h->part_count, sizeof *h->parts, by_type);
    for (uint32_t i = 1; i < h->part_count; i++) {
        const struct heap_part *p = &h->parts[i];

        if (by_type(p - 1, p) == 0)
            return diag_fail(r->d, E_FORMAT,
                             "two parts of type %" PRIu32 " (%s) and index %" PRIu32, p->type,
                             type_of(p->type) ? type_of(p->type)->name : "not known", p->index);
    }
    for (uint32_t i = 0; i < TYPE_COUNT; i++)
        if (types[i].needed && !heap_find_part(h, i, 0))
            return diag_fail(r->d, E_FORMAT, "no part of type %" PRIu32 " (%s)", i, types[i].name);
    return true;
}

/* Every part of a segment is one of a segment that is there. */
static bool check_indices(struct heap_reader *r)
{
    const struct heap *h = r->h;

    for (uint32_t i = 0; i < h->part_count; i++) {
        const struct heap_part *p = &h->parts[i];

        if (heap_part_of_segment(p->type) && p->index >= h->segment_count)
            return diag_fail(r->d, E_FORMAT, "%s %" PRIu32 ": there are %" PRIu32 " segments",
                             heap_part_name(p->type), p->index, h->segment_count);
    }
    return true;
}

static bool read_of_segments(struct heap_reader *r)
{
    for (uint32_t i = 0; i < r->h->segment_count; i++)
        if (!heap_read_slots(r, i) || !heap_read_objects(r, i))
            return false;
    return true;
}

bool heap_read(struct diag *d, struct arena *a, const char *name, struct span in, struct heap *out)
{
    struct heap_reader r = {d, a, out, {0}};
    struct where here = {d->where, name, NO_INDEX};
    struct span table = {0};
    bool ok;

    *out = (struct heap){.name = name, .file = in};
    d->where = &here;
    ok = read_header(&r, &table) && read_table(&r, table) && heap_read_strings(&r) &&
         heap_read_segments(&r) && check_indices(&r) && heap_read_types(&r) &&
         read_of_segments(&r) && heap_read_imports(&r) && heap_read_import_slots(&r) &&
         heap_read_roots(&r) && heap_read_identity(&r) && heap_read_metas(&r);
    d->where = here.up;
    if (!ok) /* nothing half-checked is handed out */
        *out = (struct heap){.name = name, .file = in};
    return ok;
}
