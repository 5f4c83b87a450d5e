/* SPDX-License-Identifier: MIT */
/* image_table.c - check an image's table, once and completely, so that
 * everybody else may follow what it says. */

#include "runtime/image.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define MOST_ADDRESS (UINT64_C(1) << 47)
#define HEAP_FLAGS (SIMG_HEAP_NEEDS_IMAGE | SIMG_HEAP_HAS_SLOTS | SIMG_HEAP_KEEPS_CRC)
#define SEGMENT_FLAGS (SIMG_SEG_LOADED_WRITABLE | SIMG_SEG_ZERO | SIMG_SEG_IMPORTS | SIMG_SEG_STUBS)

static enum simg_status bad(struct simg_error *e, uint64_t offset, const char *what, uint64_t index)
{
    return error_set(e, SIMG_ERR_FORMAT, offset, "table: %s %llu", what, (unsigned long long)index);
}

/* COUNT rows of ENTRY bytes at OFFSET of the table. */
static const void *rows(const struct table *t, uint64_t offset, uint64_t count, uint64_t entry)
{
    uint64_t size = t->head->size;

    if (offset % 8 || offset > size || count > (size - offset) / entry)
        return NULL;
    return t->at + offset;
}

static bool is_string(const struct table *t, uint32_t offset)
{
    return offset < t->head->strings_size;
}

/* A heap's rows begin where those of the heap before it end, at *NEXT: none
   belongs to two heaps, or the work would be more than the table's size. */
static bool is_run(uint64_t first, uint64_t count, uint64_t all, uint64_t *next)
{
    if (first != *next || count > all - first)
        return false;
    *next += count;
    return true;
}

/* Where the next heap's rows begin. */
struct rows_used {
    uint64_t segments, roots, imports, import_slots, metas;
};

static const struct simg_table_segment *segment_at(const struct table *t,
                                                   const struct simg_table_heap *h, uint64_t addr,
                                                   uint64_t size)
{
    uint32_t lo = h->first_segment, hi = lo + h->segment_count;

    while (lo < hi) { /* the last one that starts at or before ADDR */
        uint32_t mid = lo + (hi - lo) / 2;

        if (t->segments[mid].addr <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == h->first_segment)
        return NULL;
    addr -= t->segments[lo - 1].addr;
    return addr <= t->segments[lo - 1].size && size <= t->segments[lo - 1].size - addr
               ? &t->segments[lo - 1]
               : NULL;
}

static bool good_segment(const struct table *t, const struct simg_table_heap *h,
                         const struct simg_table_segment *s, uint64_t from)
{
    uint64_t page = UINT64_C(1) << SIMG_SEGMENT_ALIGN_LOG2;
    bool has_map = s->bitmap || s->odd;

    return s->size > 0 && s->addr >= from && s->addr % page == 0 && s->addr <= h->span &&
           s->size <= h->span - s->addr && s->prot <= 7 && (s->prot & SIMG_PROT_R) &&
           (s->prot & 3) != 3 && is_string(t, s->name) &&
           s->bitmap_size == (s->bitmap ? (s->size + 63) / 64 : 0) && (s->odd || !s->odd_count) &&
           s->odd_count <= s->size && s->slot_count <= s->size &&
           !(has_map && (s->flags & SIMG_SEG_ZERO)) && s->kind >= SIMG_SEGMENT_READ_ONLY &&
           s->kind <= SIMG_SEGMENT_CODE &&
           !(s->flags & SIMG_SEG_ZERO) == (s->kind != SIMG_SEGMENT_ZERO);
}

/* FLAGS may come to mean something that must be known. */
static enum simg_status check_flags(uint32_t flags, uint32_t known, const char *of,
                                    struct simg_error *e)
{
    return flags & ~known
               ? error_set(e, SIMG_ERR_UNSUPPORTED, 0, "%s: flags 0x%x; this library knows 0x%x",
                           of, (unsigned)flags, (unsigned)known)
               : SIMG_OK;
}

static enum simg_status check_segments(const struct table *t, const struct simg_table_heap *h,
                                       struct simg_error *e)
{
    uint64_t from = 0;

    for (uint32_t i = h->first_segment; i < h->first_segment + h->segment_count; i++) {
        const struct simg_table_segment *s = &t->segments[i];

        if (!good_segment(t, h, s, from))
            return bad(e, t->head->segments + i * sizeof *s, "segment", i);
        if (check_flags(s->flags, SEGMENT_FLAGS, "segment", e) != SIMG_OK)
            return SIMG_ERR_UNSUPPORTED;
        from = s->addr + s->size;
    }
    return SIMG_OK;
}

static enum simg_status check_symbols(const struct table *t, const struct simg_table_heap *h,
                                      struct simg_error *e)
{
    for (uint32_t i = h->first_root; i < h->first_root + h->root_count; i++)
        if (!is_string(t, t->roots[i].name) ||
            !segment_at(t, h, t->roots[i].addr, t->roots[i].size))
            return bad(e, t->head->roots, "root", i);
    for (uint32_t i = h->first_import; i < h->first_import + h->import_count; i++) {
        uint64_t place = t->imports[i].place;
        const struct simg_table_segment *s =
            place == SIMG_NO_PLACE ? NULL : segment_at(t, h, place, 8);

        if (!is_string(t, t->imports[i].name) ||
            (place != SIMG_NO_PLACE && (!s || !(s->flags & SIMG_SEG_IMPORTS) || place % 8)))
            return bad(e, t->head->imports, "import", i);
    }
    for (uint64_t i = 0; i < h->import_slot_count; i++) {
        const struct simg_table_import_slot *s = &t->import_slots[h->first_import_slot + i];
        const struct simg_table_segment *in = segment_at(t, h, s->place, 8);

        if (s->import >= h->import_count || !in || (in->flags & SIMG_SEG_ZERO) ||
            (i && s->place < s[-1].place + 8))
            return bad(e, t->head->import_slots, "import slot", h->first_import_slot + i);
    }
    for (uint32_t i = h->first_meta; i < h->first_meta + h->meta_count; i++)
        if (!is_string(t, t->metas[i].key) || !is_string(t, t->metas[i].value))
            return bad(e, t->head->metas, "metadata", i);
    return SIMG_OK;
}

static enum simg_status check_heap(const struct table *t, uint32_t i, struct rows_used *used,
                                   struct simg_error *e)
{
    const struct simg_table_heap *h = &t->heaps[i];
    enum simg_status status = SIMG_OK;

    if (!is_run(h->first_segment, h->segment_count, t->head->segment_count, &used->segments) ||
        !is_run(h->first_root, h->root_count, t->head->root_count, &used->roots) ||
        !is_run(h->first_import, h->import_count, t->head->import_count, &used->imports) ||
        !is_run(h->first_meta, h->meta_count, t->head->meta_count, &used->metas) ||
        !is_run(h->first_import_slot, h->import_slot_count, t->head->import_slot_count,
                &used->import_slots) ||
        h->segment_count == 0 || h->span == 0 || h->span >= MOST_ADDRESS ||
        h->base >= MOST_ADDRESS || h->base % (UINT64_C(1) << SIMG_SEGMENT_ALIGN_LOG2) ||
        h->mode < SIMG_MODE_NATIVE || h->mode > SIMG_MODE_NONE || h->address_bits < 48 ||
        h->address_bits > 64 || !is_string(t, h->runtime) || !is_string(t, h->version) ||
        !is_string(t, h->build_id) || !is_string(t, h->options))
        return bad(e, t->head->heaps + i * sizeof *h, "heap", i);
    status = check_flags(h->flags, HEAP_FLAGS, "heap", e);
    status = status ? status : check_segments(t, h, e);
    return status ? status : check_symbols(t, h, e);
}

enum simg_status table_check(const uint8_t *at, uint64_t size, struct table *out,
                             struct simg_error *e)
{
    const struct simg_table *h = (const struct simg_table *)(const void *)at;
    struct rows_used used = {0};
    enum simg_status status = SIMG_OK;

    *out = (struct table){.at = at, .head = h};
    if (size < sizeof *h || memcmp(h->magic, SIMG_TABLE_MAGIC, 8) != 0)
        return error_set(e, SIMG_ERR_FORMAT, 0, "table: it does not start like one");
    if (h->version != SIMG_TABLE_VERSION)
        return error_set(e, SIMG_ERR_UNSUPPORTED, 0, "table: version %u; this library knows %u",
                         (unsigned)h->version, (unsigned)SIMG_TABLE_VERSION);
    if (h->header_size < sizeof *h || h->header_size > size || h->size != size)
        return error_set(e, SIMG_ERR_FORMAT, 0, "table: %llu bytes, where the note says %llu",
                         (unsigned long long)h->size, (unsigned long long)size);
    out->heaps = rows(out, h->heaps, h->heap_count, sizeof *out->heaps);
    out->segments = rows(out, h->segments, h->segment_count, sizeof *out->segments);
    out->roots = rows(out, h->roots, h->root_count, sizeof *out->roots);
    out->imports = rows(out, h->imports, h->import_count, sizeof *out->imports);
    out->import_slots = rows(out, h->import_slots, h->import_slot_count, sizeof *out->import_slots);
    out->metas = rows(out, h->metas, h->meta_count, sizeof *out->metas);
    out->strings = rows(out, h->strings, h->strings_size, 1);
    if (!out->heaps || !out->segments || !out->roots || !out->imports || !out->import_slots ||
        !out->metas || !out->strings || h->heap_count == 0 || h->strings_size == 0 ||
        out->strings[h->strings_size - 1] != 0)
        return error_set(e, SIMG_ERR_FORMAT, 0, "table: a part of it lies outside");
    status = check_flags(h->flags, 0, "table", e);
    for (uint32_t i = 0; status == SIMG_OK && i < h->heap_count; i++)
        status = check_heap(out, i, &used, e);
    return status;
}

/* The hash is of the table with its own field as 0: so of a copy. */
enum simg_status table_checksum(const struct table *t, struct simg_error *e)
{
    uint64_t sum = 0;
    uint8_t *copy = NULL;

    if (t->head->checksum == 0) /* another linker finished it */
        return SIMG_OK;
    if (!(copy = malloc(t->head->size)))
        return error_memory(e);
    memcpy(copy, t->at, t->head->size);
    memset(copy + offsetof(struct simg_table, checksum), 0, 8);
    sum = XXH3_64bits(copy, t->head->size);
    free(copy);
    return sum == t->head->checksum
               ? SIMG_OK
               : error_set(e, SIMG_ERR_CHECKSUM, 0, "table: its checksum is wrong");
}

/* ---- made for us? ---- */

uint32_t table_own_machine(void)
{
#if defined __x86_64__
    return 62; /* EM_X86_64 */
#elif defined __aarch64__
    return 183; /* EM_AARCH64 */
#else
    return 0;
#endif
}

static enum simg_status match_text(const struct table *t, const char *what, uint32_t have,
                                   const char *want, struct simg_error *e)
{
    if (!want || strcmp(t->strings + have, want) == 0)
        return SIMG_OK;
    return error_set(e, SIMG_ERR_MISMATCH, 0, "made by %s '%.48s', not '%.48s'", what,
                     t->strings + have, want);
}

enum simg_status table_match(const struct table *t, const struct simg_options *o,
                             struct simg_error *e)
{
    enum simg_status status = SIMG_OK;

    if (t->head->machine != table_own_machine())
        return error_set(e, SIMG_ERR_MISMATCH, 0, "made for another CPU (ELF machine %u, not %u)",
                         (unsigned)t->head->machine, (unsigned)table_own_machine());
    for (uint32_t i = 0; status == SIMG_OK && i < t->head->heap_count; i++) {
        const struct simg_table_heap *h = &t->heaps[i];

        status = match_text(t, "runtime", h->runtime, o->runtime, e);
        status = status ? status : match_text(t, "version", h->version, o->version, e);
        status = status ? status : match_text(t, "build", h->build_id, o->build_id, e);
        status = status ? status : match_text(t, "flags", h->options, o->build_flags, e);
    }
    if (status == SIMG_OK && o->content_id && memcmp(t->heaps[0].id, o->content_id, 16) != 0)
        status = error_set(e, SIMG_ERR_MISMATCH, 0, "its contents are not those asked for");
    return status;
}
