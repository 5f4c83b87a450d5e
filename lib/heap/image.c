/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image.c - read the table of an image's heaps: the note, the header, and the
 * heaps with what belongs to each. */

#include "heap/image_parts.h"

#include <inttypes.h>
#include <stddef.h>
#define XXH_STATIC_LINKING_ONLY /* for the state's size */
#include <xxhash.h>

static bool read_note(struct image_reader *r)
{
    const struct heap_image_input *in = r->in;
    struct cursor c = {.in = in->desc, .big = in->big};
    uint32_t version = cur_u32(&c), flags = cur_u32(&c);
    uint64_t distance = cur_u64(&c), size = cur_u64(&c);

    if (c.bad)
        return diag_fail(r->d, E_FORMAT, "the note's descriptor has %" PRIu64 " bytes, not %zu",
                         in->desc.size, sizeof(struct simg_note));
    if (version != SIMG_TABLE_VERSION)
        return diag_fail(r->d, E_UNSUPPORTED, "the note has version %" PRIu32 ", only %u is known",
                         version, SIMG_TABLE_VERSION);
    if (flags)
        return diag_fail(r->d, E_UNSUPPORTED, "the note has flags 0x%" PRIx32 ", none is known",
                         flags);
    r->out->table = in->note + distance;
    if (!in->bytes(in->arg, r->out->table, size, &r->out->bytes))
        return diag_fail(r->d, E_FORMAT,
                         "the note leads to 0x%" PRIx64 " bytes at 0x%" PRIx64
                         ", which the file does not have",
                         size, r->out->table);
    return true;
}

/* COUNT rows of SIZE bytes at OFFSET of the table; the offset of none is not
   looked at. */
static bool rows_at(struct image_reader *r, const char *what, uint64_t offset, uint64_t count,
                    uint64_t size, struct cursor *out)
{
    struct span table = r->out->bytes;

    *out = (struct cursor){.big = r->in->big};
    if (count == 0)
        return true;
    if (offset % 8 || offset < sizeof(struct simg_table) || offset > table.size ||
        count > (table.size - offset) / size)
        return diag_fail(r->d, E_FORMAT,
                         "%" PRIu64 " %s at 0x%" PRIx64
                         " of the table are not 8-aligned or not inside it (0x%" PRIx64 " bytes)",
                         count, what, offset, table.size);
    span_sub(table, offset, count * size, &out->in);
    return true;
}

/* The header; cursors over the rows go into R. */
static bool read_head(struct image_reader *r)
{
    struct span table = r->out->bytes;
    struct cursor c = {.in = table, .big = r->in->big};
    const uint8_t *magic = cur_take(&c, 8);
    uint32_t version = cur_u32(&c), header_size = cur_u32(&c);
    uint64_t size = cur_u64(&c), heaps, segments, roots, imports, import_slots, metas, strings;
    uint32_t flags, strings_size;

    r->out->checksum = cur_u64(&c);
    r->out->machine = cur_u32(&c);
    flags = cur_u32(&c);
    r->out->heap_count = cur_u32(&c);
    r->segments.count = cur_u32(&c);
    r->roots.count = cur_u32(&c);
    r->imports.count = cur_u32(&c);
    r->metas.count = cur_u32(&c);
    strings_size = cur_u32(&c);
    r->import_slots.count = cur_u64(&c);
    heaps = cur_u64(&c);
    segments = cur_u64(&c);
    roots = cur_u64(&c);
    imports = cur_u64(&c);
    import_slots = cur_u64(&c);
    metas = cur_u64(&c);
    strings = cur_u64(&c);

    if (c.bad)
        return diag_fail(r->d, E_FORMAT, "the table has %" PRIu64 " bytes, its header alone %zu",
                         table.size, sizeof(struct simg_table));
    if (memcmp(magic, SIMG_TABLE_MAGIC, 8) != 0)
        return diag_fail(r->d, E_FORMAT, "the table's magic is not there");
    if (version != SIMG_TABLE_VERSION)
        return diag_fail(r->d, E_UNSUPPORTED, "the table has version %" PRIu32 ", only %u is known",
                         version, SIMG_TABLE_VERSION);
    if (header_size < sizeof(struct simg_table) || header_size > table.size)
        return diag_fail(r->d, E_FORMAT,
                         "the table's header has %" PRIu32 " bytes, not %zu to %" PRIu64,
                         header_size, sizeof(struct simg_table), table.size);
    if (size != table.size)
        return diag_fail(r->d, E_FORMAT,
                         "the table says it has %" PRIu64 " bytes, the note %" PRIu64, size,
                         table.size);
    if (flags)
        return diag_fail(r->d, E_UNSUPPORTED, "the table has flags 0x%" PRIx32 ", none is known",
                         flags);
    if (!rows_at(r, "heaps", heaps, r->out->heap_count, sizeof(struct simg_table_heap),
                 &r->heaps) ||
        !rows_at(r, "segments", segments, r->segments.count, sizeof(struct simg_table_segment),
                 &r->segments.c) ||
        !rows_at(r, "roots", roots, r->roots.count, sizeof(struct simg_table_root), &r->roots.c) ||
        !rows_at(r, "imports", imports, r->imports.count, sizeof(struct simg_table_import),
                 &r->imports.c) ||
        !rows_at(r, "import slots", import_slots, r->import_slots.count,
                 sizeof(struct simg_table_import_slot), &r->import_slots.c) ||
        !rows_at(r, "metadata", metas, r->metas.count, sizeof(struct simg_table_meta), &r->metas.c))
        return false;
    if (!span_sub(table, strings, strings_size, &r->strings) || strings_size == 0 ||
        r->strings.at[0] != 0 || r->strings.at[strings_size - 1] != 0)
        return diag_fail(r->d, E_FORMAT,
                         "the strings (%" PRIu32 " bytes at 0x%" PRIx64
                         ") are not inside the table, or do not begin and end with a NUL",
                         strings_size, strings);
    return true;
}

bool image_string(struct image_reader *r, uint32_t offset, const char *what, const char **out)
{
    /* As in a container: strings share no bytes. */
    if (offset >= r->strings.size || (offset > 0 && r->strings.at[offset - 1] != 0))
        return diag_fail(r->d, E_FORMAT,
                         "%s at %" PRIu32 " of the strings, where none begins (%" PRIu64 " bytes)",
                         what, offset, r->strings.size);
    *out = (const char *)r->strings.at + offset;
    return true;
}

/* The rows of heaps follow each other: of ROWS, this heap has the next COUNT,
   which begin with FIRST. */
static bool check_run(struct image_reader *r, struct image_rows *rows, const char *what,
                      uint64_t first, uint64_t count)
{
    if (first != rows->next || count > rows->count - rows->next)
        return diag_fail(r->d, E_FORMAT,
                         "it has %" PRIu64 " %s from number %" PRIu64 ", the next is %" PRIu64
                         " of %" PRIu64,
                         count, what, first, rows->next, rows->count);
    rows->next += count;
    return true;
}

static bool check_mode(struct image_reader *r, const struct image_heap *h)
{
    uint32_t known = SIMG_HEAP_NEEDS_IMAGE | SIMG_HEAP_HAS_SLOTS | SIMG_HEAP_KEEPS_CRC;

    if (h->mode < SIMG_MODE_NATIVE || h->mode > SIMG_MODE_NONE)
        return diag_fail(r->d, E_UNSUPPORTED, "mode %" PRIu32 ", only 1 to 3 are known", h->mode);
    if (h->flags & ~known)
        return diag_fail(r->d, E_UNSUPPORTED, "flags 0x%" PRIx32 ", only 1, 2 and 4 are known",
                         h->flags);
    if (h->mode == SIMG_MODE_NONE && h->base)
        return diag_fail(r->d, E_FORMAT, "base 0x%" PRIx64 ", with mode none it is 0", h->base);
    if (h->heap.address_bits < 48 || h->heap.address_bits > 64)
        return diag_fail(r->d, E_FORMAT, "addresses of %u bits, not 48 to 64",
                         h->heap.address_bits);
    return true;
}

/* The start-up code looks for slots in the part that is written only. */
static bool check_written(struct image_reader *r, const struct image_heap *h)
{
    for (uint32_t i = 0; h->heap.written && i < h->heap.segment_count; i++) {
        const struct slot_map *m = &h->heap.segments[i].slots;

        if (m->count != (i == 0 ? slots_below(m, h->heap.written) : 0))
            return diag_fail(r->d, E_FORMAT,
                             "segment %" PRIu32 " has slots behind the 0x%" PRIx64
                             " bytes that are written at start",
                             i, h->heap.written);
    }
    return true;
}

static bool read_heap(struct image_reader *r, struct image_heap *h)
{
    struct cursor *c = &r->heaps;
    struct heap *p = &h->heap;
    const char **const strings[] = {&p->runtime, &p->version, &p->build_id, &p->flags};
    uint32_t first_segment, first_root, first_import, first_meta, bits;
    uint64_t first_import_slot;
    const uint8_t *id;

    p->big = r->in->big;
    h->at = r->out->table + cur_u64(c);
    h->base = cur_u64(c);
    p->span = cur_u64(c);
    h->mode = cur_u32(c);
    h->flags = cur_u32(c);
    bits = cur_u32(c);
    p->address_bits = bits > 64 ? 0 : (uint8_t)bits;
    first_segment = cur_u32(c);
    p->segment_count = cur_u32(c);
    first_root = cur_u32(c);
    p->root_count = cur_u32(c);
    first_import = cur_u32(c);
    p->import_count = cur_u32(c);
    first_meta = cur_u32(c);
    p->meta_count = cur_u32(c);
    p->written = (uint64_t)cur_u32(c) * SIMG_WRITTEN_UNIT;
    first_import_slot = cur_u64(c);
    p->import_slot_count = cur_u64(c);
    p->slot_count = cur_u64(c);
    id = cur_take(c, sizeof p->id);
    memcpy(p->id, id, sizeof p->id); /* rows_at() has seen that it is there */
    for (unsigned i = 0; i < 4; i++)
        if (!image_string(r, cur_u32(c), "a string is", strings[i]))
            return false;
    return check_mode(r, h) &&
           check_run(r, &r->segments, "segments", first_segment, p->segment_count) &&
           check_run(r, &r->roots, "roots", first_root, p->root_count) &&
           check_run(r, &r->imports, "imports", first_import, p->import_count) &&
           check_run(r, &r->metas, "metadata", first_meta, p->meta_count) &&
           check_run(r, &r->import_slots, "import slots", first_import_slot,
                     p->import_slot_count) &&
           image_read_segments(r, h) && image_read_imports(r, h) && image_read_import_slots(r, h) &&
           image_read_roots(r, h) && image_read_metas(r, h) && check_written(r, h);
}

static bool read_all(struct image_reader *r)
{
    struct where here = {r->d->where, "heap", 0};
    bool ok = true;

    if (!(r->out->heaps = arena_alloc(r->a, r->out->heap_count, sizeof *r->out->heaps)))
        return diag_nomem(r->d);
    r->d->where = &here;
    for (uint32_t i = 0; ok && i < r->out->heap_count; i++) {
        here.index = i;
        ok = read_heap(r, &r->out->heaps[i]);
    }
    r->d->where = here.up;
    return ok;
}

bool heap_image_read(struct diag *d, struct arena *a, const struct heap_image_input *in,
                     struct heap_image *out)
{
    struct image_reader r = {.d = d, .a = a, .in = in, .out = out};

    *out = (struct heap_image){0};
    if (read_note(&r) && read_head(&r) && read_all(&r))
        return true;
    *out = (struct heap_image){0}; /* nothing half-checked is handed out */
    return false;
}

uint64_t heap_image_checksum(const struct heap_image *m)
{
    const uint64_t at = offsetof(struct simg_table, checksum), none = 0;
    XXH3_state_t state;

    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, m->bytes.at, at);
    XXH3_64bits_update(&state, &none, sizeof none);
    XXH3_64bits_update(&state, m->bytes.at + at + 8, m->bytes.size - at - 8);
    return XXH3_64bits_digest(&state);
}

const char *heap_mode_name(uint32_t mode)
{
    static const char *const names[] = {NULL, "native", "prelinked", "none"};

    return mode < sizeof names / sizeof names[0] && names[mode] ? names[mode] : "unknown";
}

uint64_t heap_bytes_checksum(struct span bytes)
{
    uint64_t blocks[64];
    XXH3_state_t *all = XXH3_createState();
    uint64_t n = 0, hash = 0;

    if (!all)
        return 0;
    XXH3_64bits_reset(all);
    for (uint64_t at = 0; at < bytes.size; at += SIMG_CHECK_BLOCK) {
        uint64_t size = bytes.size - at < SIMG_CHECK_BLOCK ? bytes.size - at : SIMG_CHECK_BLOCK;

        blocks[n++] = XXH3_64bits(bytes.at + at, size);
        if (n == 64 || at + size == bytes.size) {
            XXH3_64bits_update(all, blocks, n * sizeof *blocks);
            n = 0;
        }
    }
    hash = XXH3_64bits_digest(all);
    XXH3_freeState(all);
    return hash;
}
