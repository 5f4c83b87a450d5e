/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_prelink.c - rewrite the heap of Julia 1.5 to 1.8 so that less is left to do at start.
 *
 * Julia relocates two lists of words.  What a word of the second refers to is mostly an object or a
 * constant, whose place in the heap is known: such a word gets its value here, as a slot, and
 * leaves the list.  What remains there are names, calling conventions and the like, which only
 * Julia knows the address of.
 *
 * The first list, of type tags, stays whole.  Julia's collector goes over it again after each
 * full collection, to reset the marks of the image's objects: an object that is not in it would
 * stay marked for ever, and what it refers to would not be found any more. */

#include "heap/julia_prelink.h"

#include "heap/object.h"

#include <inttypes.h>
#include <xxhash.h>

enum { WORD = 8, ENTRY = 4 };
/* What is copied at start ends with one: in a part of one, each small page is a page fault. */
enum { HUGE_PAGE = 2 << 20 };

/* The heap in the making. */
struct rewriter {
    struct diag *d;
    const struct julia_heap *heap;
    uint8_t *bytes; /* of the new heap */
    uint8_t *seen;  /* a bit for each of its words that a list has named, */
    uint8_t *slots; /* and for each that is a slot */
};

static void set_bit(uint8_t *bits, uint64_t pos)
{
    bits[pos / WORD / 8] |= (uint8_t)(1u << pos / WORD % 8);
}

static uint64_t list_entry(const struct rewriter *r, enum julia_part_kind kind, uint64_t i)
{
    return load_uint(r->bytes + r->heap->part[kind].offset + ENTRY * i, ENTRY, false);
}

/* Entry I of list KIND; false if its word was named before: it would be relocated once more, from
   what it was relocated to. */
static bool next_word(struct rewriter *r, enum julia_part_kind kind, uint64_t i, uint64_t *pos)
{
    *pos = list_entry(r, kind, i);
    if (r->seen[*pos / WORD / 8] >> *pos / WORD % 8 & 1)
        return diag_fail(r->d, E_FORMAT,
                         "jl_system_image_data: %s: entry %" PRIu64 ": the word at 0x%" PRIx64
                         " is relocated twice",
                         julia_part_name(kind), i, *pos);
    set_bit(r->seen, *pos);
    return true;
}

static bool see_tags(struct rewriter *r)
{
    uint64_t pos = 0;

    for (uint64_t i = 0; i < r->heap->part[JULIA_TAGS].count; i++)
        if (!next_word(r, JULIA_TAGS, i, &pos))
            return false;
    return true;
}

/* The distance from the heap's first byte of what the word at POS refers to; false if that is
   not in the heap. */
static bool find_target(const struct rewriter *r, uint64_t pos, uint64_t *out)
{
    uint64_t ref = load_uint(r->bytes + pos, WORD, false);
    uint64_t which = ref & ((UINT64_C(1) << r->heap->tag_bit) - 1);

    switch (ref >> r->heap->tag_bit) {
    case JULIA_REF_OBJECT:
        *out = which;
        return true;
    case JULIA_REF_CONSTANT:
        *out = r->heap->part[JULIA_CONSTANTS].offset + WORD * which;
        return true;
    }
    return false;
}

/* Turn pointers into slots.  The list shrinks where it stands; *LEFT of its entries remain. */
static bool make_slots(struct rewriter *r, uint64_t *left)
{
    const struct julia_part *list = &r->heap->part[JULIA_POINTERS];
    uint64_t kept = 0;

    for (uint64_t i = 0; i < list->count; i++) {
        uint64_t pos = 0, target = 0;

        if (!next_word(r, JULIA_POINTERS, i, &pos))
            return false;
        if (find_target(r, pos, &target)) {
            set_bit(r->slots, pos);
            store_uint(r->bytes + pos, WORD, false, target);
        } else {
            store_uint(r->bytes + list->offset + ENTRY * kept++, ENTRY, false, pos);
        }
    }
    *left = kept;
    return true;
}

/* Close the gap behind the shorter list, and make the length in front of both fit. */
static uint64_t close_gap(const struct rewriter *r, uint64_t left)
{
    const struct julia_part *tags = &r->heap->part[JULIA_TAGS];
    const struct julia_part *list = &r->heap->part[JULIA_POINTERS];
    uint64_t end = list->offset + ENTRY * left, next = list->offset + list->size;

    store_uint(r->bytes + end, ENTRY, false, 0);
    end += ENTRY;
    memmove(r->bytes + end, r->bytes + next, r->heap->size - next);
    store_uint(r->bytes + tags->offset - ENTRY, ENTRY, false, end - tags->offset);
    return r->heap->size - (next - end);
}

bool julia_prelink(struct diag *d, struct arena *a, const struct julia_image *image,
                   struct span bytes, struct julia_prelink *out)
{
    const struct julia_part *objects = &image->heap.part[JULIA_OBJECTS];
    struct rewriter r = {.d = d, .heap = &image->heap};
    uint64_t size = 0;

    *out = (struct julia_prelink){0};
    r.bytes = arena_alloc(a, 1, bytes.size);
    r.seen = arena_alloc(a, 1, bytes.size / WORD / 8 + 1);
    r.slots = arena_alloc(a, 1, bytes.size / WORD / 8 + 1);
    if (!r.bytes || !r.seen || !r.slots)
        return diag_nomem(d);
    memcpy(r.bytes, bytes.at, bytes.size);
    if (!see_tags(&r) || !make_slots(&r, &out->left))
        return false;
    size = close_gap(&r, out->left);
    out->bytes = (struct span){r.bytes, size};
    out->slots = (struct slot_map){
        .bitmap = r.slots,
        .bitmap_size = (size + WORD * 8 - 1) / (WORD * 8),
        .count = image->heap.part[JULIA_POINTERS].count - out->left,
        .limit = size,
        .address_bits = 64,
    };
    out->written = objects->offset + objects->size;
    return true;
}

/* Filled as heap_read() fills it. */
static bool make_heap(struct diag *d, struct arena *a, const char *name,
                      const struct julia_image *image, const struct julia_prelink *heap,
                      struct heap *out)
{
    struct heap_segment *segment = arena_alloc(a, 1, sizeof *segment);
    struct heap_root *root = arena_alloc(a, 1, sizeof *root);
    XXH128_canonical_t id;

    if (!segment || !root)
        return diag_nomem(d);
    *segment = (struct heap_segment){
        .size = heap->bytes.size,
        .kind = SIMG_SEGMENT_READ_WRITE,
        .align_log2 = SIMG_SEGMENT_ALIGN_LOG2,
        .name = "",
        .data = heap->bytes,
        .data_part = HEAP_NO_PART,
        .slots = heap->slots,
    };
    *root = (struct heap_root){
        .name = "jl_system_image_data", .kind = SIMG_ROOT_DATA, .size = heap->bytes.size};
    *out = (struct heap){
        .name = name,
        .address_bits = 64,
        .span = align_up(heap->bytes.size, UINT64_C(1) << SIMG_SEGMENT_ALIGN_LOG2),
        .segments = segment,
        .segment_count = 1,
        .roots = root,
        .root_count = 1,
        .runtime = "julia",
        .version = julia_version_name(image->version),
        .build_id = "",
        .flags = "",
        .slot_count = heap->slots.count,
        .written = align_up(heap->written, HUGE_PAGE),
    };
    XXH128_canonicalFromHash(&id, XXH3_128bits(heap->bytes.at, heap->bytes.size));
    memcpy(out->id, id.digest, sizeof out->id);
    return true;
}

bool julia_heap_object(struct diag *d, struct arena *a, const char *name,
                       const struct julia_image *image, const struct julia_prelink *heap,
                       struct object *out)
{
    struct heap h;

    return make_heap(d, a, name, image, heap, &h) && heap_make_object(d, a, name, &h, out);
}
