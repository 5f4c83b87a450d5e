/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_heap.c - read the heap inside a Julia sysimage.
 *
 * Six parts, each behind its length: objects, constants, names, relocations, globals, functions;
 * then to the end, without a length, what Julia's src/staticdata.c calls special roots.  Until 1.8
 * all but the words that get relocated is made of 4-byte values; since 1.9 references and lengths
 * are as large as a pointer.
 *
 * A reference is what kind of thing it refers to in the top bits, and below them which one.
 * Positions of objects count from the start of the heap, its first length included. */

#include "heap/julia_parts.h"

#include <inttypes.h>

/* An object's place, behind its type tag, is a multiple of this. */
#define OBJECT_ALIGN 16

/* The small integers and others that every Julia has: 1024 of Int64, as many
   of Int32, 256 of UInt8, the root task and (since 1.6) nothing. */
#define TAG_COUNT (2 * 1024 + 256 + 2)

/* clang-format off */
static const struct julia_layout layout_1_5 = {
    .length = 4, .part_align = 1, .constants_align = 16,
    .refs = {JULIA_REF_OBJECT, JULIA_REF_CONSTANT, JULIA_REF_TAG, JULIA_REF_NAME,
             JULIA_REF_BINDING, JULIA_REF_FUNCTION, JULIA_REF_BUILTIN, JULIA_REFS},
};
/* Constants are aligned as cache lines are: on Apple's arm64 at 128. */
static const struct julia_layout layout_1_9 = {
    .part_align = 8, .constants_align = 64, .packed = true,
    .refs = {JULIA_REF_OBJECT, JULIA_REF_CONSTANT, JULIA_REF_TAG, JULIA_REF_NAME,
             JULIA_REF_BINDING, JULIA_REF_FUNCTION, JULIA_REF_SYSIMAGE, JULIA_REF_EXTERNAL},
};
static const struct julia_layout layout_1_10 = {
    .part_align = 8, .constants_align = 64, .packed = true,
    .refs = {JULIA_REF_OBJECT, JULIA_REF_CONSTANT, JULIA_REF_TAG, JULIA_REF_NAME,
             JULIA_REF_FUNCTION, JULIA_REF_SYSIMAGE, JULIA_REF_EXTERNAL, JULIA_REFS},
};
/* clang-format on */

static const struct julia_layout *layout_of(enum julia_version version)
{
    return version < JULIA_1_9 ? &layout_1_5 : version == JULIA_1_9 ? &layout_1_9 : &layout_1_10;
}

struct label {
    const char *name, *key;
};

static const struct label parts[JULIA_PARTS] = {
    [JULIA_OBJECTS] = {"objects", "objects"},
    [JULIA_CONSTANTS] = {"constants", "constants"},
    [JULIA_NAMES] = {"names", "names"},
    [JULIA_TAGS] = {"type tags to relocate", "tags"},
    [JULIA_POINTERS] = {"pointers to relocate", "pointers"},
    [JULIA_MEMORIES] = {"pointers into arrays", "memories"},
    [JULIA_GLOBALS] = {"globals", "globals"},
    [JULIA_FUNCTIONS] = {"functions", "functions"},
    [JULIA_ROOTS] = {"roots", "roots"},
    [JULIA_COUNTERS] = {"counters", "counters"},
    [JULIA_LINKS] = {"links to other images", "links"},
    [JULIA_REINIT] = {"objects to reinitialize", "reinit"},
    [JULIA_CCALLABLE] = {"functions callable from C", "ccallable"},
    [JULIA_CRC] = {"sums that keep the CRC", "crc"},
};

static const struct label refs[JULIA_REFS] = {
    [JULIA_REF_OBJECT] = {"objects", "object"},
    [JULIA_REF_CONSTANT] = {"constants", "constant"},
    [JULIA_REF_TAG] = {"built-in objects", "builtin_object"},
    [JULIA_REF_NAME] = {"names", "name"},
    [JULIA_REF_BINDING] = {"bindings", "binding"},
    [JULIA_REF_FUNCTION] = {"calling conventions", "calling_convention"},
    [JULIA_REF_BUILTIN] = {"built-in functions", "builtin_function"},
    [JULIA_REF_SYSIMAGE] = {"objects of another sysimage", "other_sysimage"},
    [JULIA_REF_EXTERNAL] = {"objects of other images", "other_image"},
};

const char *julia_part_name(enum julia_part_kind kind) { return parts[kind].name; }
const char *julia_part_key(enum julia_part_kind kind) { return parts[kind].key; }
const char *julia_ref_name(enum julia_ref ref) { return refs[ref].name; }
const char *julia_ref_key(enum julia_ref ref) { return refs[ref].key; }

struct span julia_part_span(const struct julia_reader *r, enum julia_part_kind kind)
{
    struct span s;

    span_sub(r->c.in, r->heap->part[kind].offset, r->heap->part[kind].size, &s);
    return s;
}

uint64_t julia_load(const struct julia_reader *r, struct span s, uint64_t i)
{
    return load_uint(s.at + r->length * i, r->length, r->in->big);
}

bool julia_bad(struct julia_reader *r, enum julia_part_kind kind, uint64_t entry, const char *what,
               uint64_t value)
{
    return diag_fail(r->d, E_FORMAT, "jl_system_image_data: %s: entry %" PRIu64 ": %s: 0x%" PRIx64,
                     parts[kind].name, entry, what, value);
}

static void skip_padding(struct julia_reader *r, uint64_t align)
{
    uint64_t n = align_up(r->c.pos, align) - r->c.pos;

    r->heap->padding += n;
    cur_take(&r->c, n);
}

/* Take a length and the part behind it, which starts at a multiple of ALIGN. */
static bool read_part(struct julia_reader *r, enum julia_part_kind kind, const char *name,
                      uint64_t align)
{
    struct julia_part *part = &r->heap->part[kind];
    uint64_t left;

    part->size = cur_uint(&r->c, r->length);
    if (r->c.bad)
        return diag_fail(r->d, E_FORMAT,
                         "jl_system_image_data: %s: no room for their size: 0x%" PRIx64
                         " bytes at 0x%" PRIx64,
                         name, r->c.in.size - r->c.pos, r->c.pos);
    r->heap->length_words += r->length;
    part->offset = align_up(r->c.pos, align);
    skip_padding(r, align);
    left = r->c.in.size - r->c.pos;
    cur_take(&r->c, part->size);
    if (!r->c.bad)
        return true;
    return diag_fail(r->d, E_FORMAT,
                     "jl_system_image_data: %s: 0x%" PRIx64 " bytes at 0x%" PRIx64
                     " are not inside the heap, where 0x%" PRIx64 " bytes are left",
                     name, part->size, part->offset, left);
}

bool julia_next_name(const struct julia_heap *heap, uint64_t *pos, struct span *out)
{
    struct cursor c = {.in = heap->names, .pos = *pos, .big = heap->big};
    uint64_t n;

    if (*pos >= heap->names.size) {
        *out = (struct span){0};
        return false;
    }
    n = cur_u32(&c);
    *out = (struct span){.at = cur_take(&c, n), .size = n};
    cur_u8(&c);
    if (c.bad) {
        *out = (struct span){0};
        return false;
    }
    *pos = c.pos;
    return true;
}

static bool read_names(struct julia_reader *r)
{
    struct julia_part *part = &r->heap->part[JULIA_NAMES];
    struct span name;
    uint64_t pos = 0;

    r->heap->names = julia_part_span(r, JULIA_NAMES);
    r->heap->big = r->in->big;
    for (; julia_next_name(r->heap, &pos, &name); part->count++)
        if (r->heap->names.at[pos - 1] != 0)
            return julia_bad(r, JULIA_NAMES, part->count, "no NUL behind a name of this size",
                             name.size);
    if (pos != r->heap->names.size)
        return julia_bad(r, JULIA_NAMES, part->count, "ends past the end of its part; it starts at",
                         pos);
    return true;
}

bool julia_count_ref(struct julia_reader *r, enum julia_part_kind kind, uint64_t entry,
                     uint64_t ref, uint64_t counts[JULIA_REFS])
{
    const struct julia_part *part = r->heap->part;
    const uint64_t builtin = UINT64_C(1) << (r->heap->tag_bit - 1);
    uint64_t number = ref >> r->heap->tag_bit;
    uint64_t which = ref & ((UINT64_C(1) << r->heap->tag_bit) - 1);
    uint64_t limit = UINT64_MAX; /* Julia's own tables: they grow from release to release */
    enum julia_ref what = number < 8 ? r->layout->refs[number] : JULIA_REFS;

    switch (what) {
    case JULIA_REF_OBJECT:
        limit = part[JULIA_OBJECTS].offset + part[JULIA_OBJECTS].size;
        break;
    case JULIA_REF_CONSTANT:
        limit = part[JULIA_CONSTANTS].size / r->pointer_size;
        break;
    case JULIA_REF_TAG:
        limit = TAG_COUNT - 1;
        break;
    case JULIA_REF_NAME:
        if (which >= part[JULIA_NAMES].count)
            return julia_bad(r, kind, entry, "refers to a name that is not there", ref);
        break;
    case JULIA_REF_BINDING:
        limit = 0;
        break;
    case JULIA_REF_FUNCTION:
        if (r->layout->packed && which & builtin)
            what = JULIA_REF_BUILTIN;
        break;
    case JULIA_REF_BUILTIN:
        break;
    case JULIA_REF_SYSIMAGE: /* only the images of packages link to others */
    case JULIA_REF_EXTERNAL:
    default:
        return julia_bad(r, kind, entry, "not a reference", ref);
    }
    if (which > limit)
        return julia_bad(r, kind, entry, "refers to what is not there", ref);
    counts[what]++;
    return true;
}

/* Until 1.5.2 a reference's kind began at bit 28.  The type tags tell: they
   refer to objects or, with nothing in the lower bits, to bindings. */
static unsigned find_tag_bit(const struct julia_reader *r)
{
    struct span list = julia_part_span(r, JULIA_TAGS), heap = r->c.in, word;

    if (r->layout->packed)
        return 8 * r->pointer_size - 3;
    for (uint64_t i = 0; i < r->heap->part[JULIA_TAGS].count; i++) {
        if (!span_sub(heap, julia_load(r, list, i), r->pointer_size, &word))
            break;
        switch (load_uint(word.at, r->pointer_size, r->in->big)) {
        case (uint64_t)JULIA_REF_BINDING << 28:
            return 28;
        case (uint64_t)JULIA_REF_BINDING << 29:
            return 29;
        }
    }
    return 29;
}

static bool read_globals(struct julia_reader *r, const struct julia_image *image)
{
    struct julia_part *part = &r->heap->part[JULIA_GLOBALS];
    struct span s = julia_part_span(r, JULIA_GLOBALS);

    if (s.size % r->length != 0)
        return julia_bad(r, JULIA_GLOBALS, s.size / r->length, "half an entry; the part's size is",
                         s.size);
    part->count = s.size / r->length;
    if (image->has_code && part->count > image->globals)
        return julia_bad(r, JULIA_GLOBALS, image->globals, "the code has no such variable; entries",
                         part->count);
    for (uint64_t i = 0; i < part->count; i++) {
        uint64_t ref = julia_load(r, s, i);

        if (ref == 0)
            r->heap->globals_unused++;
        else if (!julia_count_ref(r, JULIA_GLOBALS, i, ref, r->heap->globals))
            return false;
    }
    return true;
}

bool julia_is_object(const struct julia_reader *r, uint64_t pos)
{
    const struct julia_part *objects = &r->heap->part[JULIA_OBJECTS];
    const uint64_t align = r->layout->packed ? r->pointer_size : OBJECT_ALIGN;

    return pos != 0 && pos % align == 0 && pos < objects->offset + objects->size;
}

/* An entry is as large as a pointer, which Julia puts there later; in the
   file its first bytes are the position of the code instance, inverted for
   the entry point with boxed arguments. */
static bool read_functions(struct julia_reader *r, const struct julia_image *image)
{
    struct julia_part *part = &r->heap->part[JULIA_FUNCTIONS];
    struct span s = julia_part_span(r, JULIA_FUNCTIONS);
    const uint64_t all = UINT64_MAX >> (64 - 8 * r->length);

    if (s.size % r->pointer_size != 0)
        return julia_bad(r, JULIA_FUNCTIONS, s.size / r->pointer_size,
                         "half an entry; the part's size is", s.size);
    part->count = s.size / r->pointer_size;
    if (image->has_code && part->count > image->functions)
        return julia_bad(r, JULIA_FUNCTIONS, image->functions,
                         "the code has no such function; entries", part->count);
    for (uint64_t i = 0; i < part->count; i++) {
        uint64_t pos = load_uint(s.at + r->pointer_size * i, r->length, r->in->big);
        bool generic = pos >> (8 * r->length - 1);

        if (pos == 0)
            r->heap->functions_unused++;
        else if (!julia_is_object(r, generic ? pos ^ all : pos))
            return julia_bad(r, JULIA_FUNCTIONS, i, "no object can be there", pos);
        else if (generic)
            r->heap->functions_generic++;
        else
            r->heap->functions_specialized++;
    }
    return true;
}

bool julia_read_heap(struct diag *d, const struct julia_input *in, struct span bytes,
                     struct julia_image *out)
{
    const struct julia_layout *layout = layout_of(out->version);
    struct julia_reader r = {
        .d = d,
        .in = in,
        .version = out->version,
        .heap = &out->heap,
        .layout = layout,
        .c = {.in = bytes, .big = in->big, .wide = in->wide},
        .pointer_size = in->wide ? 8 : 4,
    };

    r.length = layout->length ? layout->length : r.pointer_size;
    out->heap = (struct julia_heap){.size = bytes.size, .layout = layout};
    if (!read_part(&r, JULIA_OBJECTS, "objects", 1) ||
        !read_part(&r, JULIA_CONSTANTS, "constants", layout->constants_align) ||
        !read_part(&r, JULIA_NAMES, "names", layout->part_align) ||
        /* and the lists behind JULIA_TAGS: split below */
        !read_part(&r, JULIA_TAGS, "relocations", layout->part_align) ||
        !read_part(&r, JULIA_GLOBALS, "globals", layout->part_align) ||
        !read_part(&r, JULIA_FUNCTIONS, "functions", layout->part_align) || !read_names(&r) ||
        !julia_split_relocations(&r))
        return false;
    skip_padding(&r, layout->part_align);
    out->heap.tag_bit = find_tag_bit(&r);
    if (!julia_read_relocations(&r, JULIA_TAGS, out->heap.tags) ||
        !julia_read_relocations(&r, JULIA_POINTERS, out->heap.pointers) || !read_globals(&r, out) ||
        !read_functions(&r, out) || !julia_read_tail(&r))
        return false;
    out->has_heap = true;
    return true;
}
