/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_prelink.c - rewrite Julia's heap so that less is left to do at start.
 *
 * Julia relocates two lists of words.  What a word of the second refers to is mostly an object or a
 * constant, whose place in the heap is known: such a word gets its value here, as a slot, and
 * leaves the list.  What remains there are names, calling conventions and the like, which only
 * Julia knows the address of.
 *
 * The first list, of type tags, stays whole.  Julia's collector goes over it again after each
 * full collection, to reset the marks of the image's objects: an object that is not in it would
 * stay marked for ever, and what it refers to would not be found any more.
 *
 * Since 1.9 an entry is the distance from the one before: when some leave, the others are written
 * anew.  All that is behind moves up; Julia finds each part behind the one before. */

#include "heap/julia_prelink.h"

#include "heap/object.h"

#include <inttypes.h>
#include <sysimage/format.h>
#include <xxhash.h>

enum { WORD = 8 };
/* What is copied at start ends with one: in a part of one, each small page is a page fault. */
enum { HUGE_PAGE = 2 << 20 };

/* The heap in the making. */
struct rewriter {
    struct diag *d;
    const struct julia_heap *heap;
    struct span from;
    uint8_t *bytes; /* of the new heap, */
    uint64_t size;  /* which has so many so far */
    uint8_t *seen;  /* a bit for each of its words that a list has named, */
    uint8_t *slots; /* and for each that is a slot */
    uint64_t slot_count;
};

static void set_bit(uint8_t *bits, uint64_t pos)
{
    bits[pos / WORD / 8] |= (uint8_t)(1u << pos / WORD % 8);
}

/* Entry I of list KIND; false if its word was named before: it would be relocated once more, from
   what it was relocated to. */
static bool see_word(struct rewriter *r, enum julia_part_kind kind, uint64_t i, uint64_t pos)
{
    if (r->seen[pos / WORD / 8] >> pos / WORD % 8 & 1)
        return diag_fail(r->d, E_FORMAT,
                         "jl_system_image_data: %s: entry %" PRIu64 ": the word at 0x%" PRIx64
                         " is relocated twice",
                         julia_part_name(kind), i, pos);
    set_bit(r->seen, pos);
    return true;
}

static struct julia_list list_of(const struct rewriter *r, enum julia_part_kind kind)
{
    const struct julia_part *part = &r->heap->part[kind];
    struct cursor c = {.wide = true};

    span_sub(r->from, part->offset, part->size, &c.in);
    return julia_list_begin(r->heap, c);
}

static bool see_tags(struct rewriter *r)
{
    struct julia_list list = list_of(r, JULIA_TAGS);
    uint64_t pos = 0;

    for (uint64_t i = 0; julia_list_next(&list, &pos); i++)
        if (!see_word(r, JULIA_TAGS, i, pos))
            return false;
    return true;
}

/* The distance from the heap's first byte of what the word at POS refers to; false if that is
   not in the heap. */
static bool find_target(const struct rewriter *r, uint64_t pos, uint64_t *out)
{
    uint64_t ref = load_uint(r->bytes + pos, WORD, false);
    uint64_t which = ref & ((UINT64_C(1) << r->heap->tag_bit) - 1);

    switch (r->heap->layout->refs[ref >> r->heap->tag_bit]) {
    case JULIA_REF_OBJECT:
        *out = which;
        return true;
    case JULIA_REF_CONSTANT:
        *out = r->heap->part[JULIA_CONSTANTS].offset + WORD * which;
        return true;
    default:
        return false;
    }
}

/* ---- the new heap, from its start to its end ---- */

static void put_bytes(struct rewriter *r, uint64_t from, uint64_t size)
{
    memcpy(r->bytes + r->size, r->from.at + from, size);
    r->size += size;
}

static void put_uint(struct rewriter *r, unsigned n, uint64_t v)
{
    store_uint(r->bytes + r->size, n, false, v);
    r->size += n;
}

static void put_position(struct rewriter *r, uint64_t pos, uint64_t *last)
{
    uint64_t v = pos - *last;

    *last = pos;
    if (!r->heap->layout->packed) {
        put_uint(r, 4, pos);
        return;
    }
    for (; v > 0x7f; v >>= 7)
        put_uint(r, 1, (v & 0x7f) | 0x80);
    put_uint(r, 1, v);
}

/* The list of pointers without those that become slots.  It is no longer than it was: the distance
   over what left needs no more bytes than the distances that it is the sum of. */
static bool put_pointers(struct rewriter *r, uint64_t *left)
{
    struct julia_list list = list_of(r, JULIA_POINTERS);
    uint64_t pos = 0, last = 0, target = 0;

    for (uint64_t i = 0; julia_list_next(&list, &pos); i++) {
        if (!see_word(r, JULIA_POINTERS, i, pos))
            return false;
        if (find_target(r, pos, &target)) {
            set_bit(r->slots, pos);
            store_uint(r->bytes + pos, WORD, false, target);
            r->slot_count++;
        } else {
            put_position(r, pos, &last);
            ++*left;
        }
    }
    put_uint(r, r->heap->layout->packed ? 1 : 4, 0);
    return true;
}

static void align(struct rewriter *r) { r->size = align_up(r->size, r->heap->layout->part_align); }

/* The length of a part, and what is between it and the part; returns the length's place. */
static uint64_t put_length(struct rewriter *r, uint64_t length)
{
    const unsigned n = r->heap->layout->length ? r->heap->layout->length : WORD;
    uint64_t at = r->size;

    put_uint(r, n, length);
    align(r);
    return at;
}

static void put_part(struct rewriter *r, enum julia_part_kind kind)
{
    put_length(r, r->heap->part[kind].size);
    put_bytes(r, r->heap->part[kind].offset, r->heap->part[kind].size);
}

static bool put_heap(struct rewriter *r, uint64_t *left)
{
    const struct julia_part *part = r->heap->part;
    const struct julia_part *behind = &part[JULIA_POINTERS];
    uint64_t names = part[JULIA_NAMES].offset + part[JULIA_NAMES].size;
    uint64_t length = 0, start = 0, rest = behind->offset + behind->size;

    put_bytes(r, 0, names);
    length = put_length(r, 0);
    start = r->size;
    put_bytes(r, part[JULIA_TAGS].offset, part[JULIA_TAGS].size);
    if (!put_pointers(r, left))
        return false;
    put_bytes(r, rest, part[JULIA_MEMORIES].size);
    if (r->heap->layout->packed)
        put_bytes(r, part[JULIA_REINIT].offset, part[JULIA_REINIT].size);
    store_uint(r->bytes + length, r->heap->layout->length ? r->heap->layout->length : WORD, false,
               r->size - start);
    put_part(r, JULIA_GLOBALS);
    put_part(r, JULIA_FUNCTIONS);
    align(r);
    put_bytes(r, part[JULIA_ROOTS].offset, r->heap->size - part[JULIA_ROOTS].offset);
    return true;
}

bool julia_prelink(struct diag *d, struct arena *a, const struct julia_image *image,
                   struct span bytes, struct julia_prelink *out)
{
    const struct julia_part *objects = &image->heap.part[JULIA_OBJECTS];
    /* Later ones are told it by a symbol of their own. */
    bool keeps = image->version >= JULIA_1_9 && image->version <= JULIA_1_13;
    uint64_t sums = keeps ? julia_crc_count(bytes.size) : 0;
    uint64_t most = bytes.size + WORD + 4 * sums + (keeps ? sizeof(struct simg_crc) : 0);
    struct rewriter r = {.d = d, .heap = &image->heap, .from = bytes};

    *out = (struct julia_prelink){.keeps_crc = keeps};
    if (image->heap.part[JULIA_CRC].size)
        return diag_fail(d, E_FORMAT, "jl_system_image_data: it is prelinked already");
    r.bytes = arena_alloc(a, 1, most);
    r.seen = arena_alloc(a, 1, bytes.size / WORD / 8 + 1);
    r.slots = arena_alloc(a, 1, most / WORD / 8 + 1);
    if (!r.bytes || !r.seen || !r.slots)
        return diag_nomem(d);
    if (!see_tags(&r) || !put_heap(&r, &out->left))
        return false;
    if (keeps)
        r.size = align_up(r.size, WORD) + 4 * sums + sizeof(struct simg_crc);
    out->bytes = (struct span){r.bytes, r.size};
    out->slots = (struct slot_map){
        .bitmap = r.slots,
        .bitmap_size = (r.size + WORD * 8 - 1) / (WORD * 8),
        .count = r.slot_count,
        .limit = r.size,
        .address_bits = 64,
    };
    out->written = objects->offset + objects->size;
    if (keeps)
        julia_keep_crc(r.bytes, r.size, sums, &out->slots, bytes);
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
        .keeps_crc = heap->keeps_crc,
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
