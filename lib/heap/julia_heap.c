/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_heap.c - decode the heap of Julia 1.5 to 1.8.
 *
 * Six parts, each behind a 4-byte length: objects, constants (16-aligned),
 * names, relocations, globals, functions; then to the end, without a length,
 * what Julia's src/staticdata.c calls special roots.  All but the words that
 * get relocated is made of 4-byte values.
 *
 * A reference is 4 bytes: what kind of thing it refers to in the top bits,
 * and below them which one.  Positions of objects count from the start of
 * the heap, its first length word included. */

#include "heap/julia_parts.h"

#include <inttypes.h>

/* An object's place, behind its type tag, is a multiple of this. */
#define OBJECT_ALIGN 16

/* The small integers and others that every Julia has: 1024 of Int64, as many
   of Int32, 256 of UInt8, the root task and (since 1.6) nothing. */
#define TAG_COUNT (2 * 1024 + 256 + 2)

/* What has to be done to an object in the lists at the end. */
enum { REINIT_TABLE = 1, REINIT_MODULE = 2, REINIT_CCALLABLE = 3 };

struct label {
    const char *name, *key;
};

static const struct label parts[JULIA_PARTS] = {
    [JULIA_OBJECTS] = {"objects", "objects"},
    [JULIA_CONSTANTS] = {"constants", "constants"},
    [JULIA_NAMES] = {"names", "names"},
    [JULIA_TAGS] = {"type tags to relocate", "tags"},
    [JULIA_POINTERS] = {"pointers to relocate", "pointers"},
    [JULIA_GLOBALS] = {"globals", "globals"},
    [JULIA_FUNCTIONS] = {"functions", "functions"},
    [JULIA_ROOTS] = {"roots", "roots"},
    [JULIA_COUNTERS] = {"counters", "counters"},
    [JULIA_REINIT] = {"objects to reinitialize", "reinit"},
    [JULIA_CCALLABLE] = {"functions callable from C", "ccallable"},
};

static const struct label refs[JULIA_REFS] = {
    [JULIA_REF_OBJECT] = {"objects", "object"},
    [JULIA_REF_CONSTANT] = {"constants", "constant"},
    [JULIA_REF_TAG] = {"built-in objects", "builtin_object"},
    [JULIA_REF_NAME] = {"names", "name"},
    [JULIA_REF_BINDING] = {"bindings", "binding"},
    [JULIA_REF_FUNCTION] = {"calling conventions", "calling_convention"},
    [JULIA_REF_BUILTIN] = {"built-in functions", "builtin_function"},
};

const char *julia_part_name(enum julia_part_kind kind) { return parts[kind].name; }
const char *julia_part_key(enum julia_part_kind kind) { return parts[kind].key; }
const char *julia_ref_name(enum julia_ref ref) { return refs[ref].name; }
const char *julia_ref_key(enum julia_ref ref) { return refs[ref].key; }

struct reader {
    struct diag *d;
    const struct julia_input *in;
    struct julia_heap *heap;
    struct cursor c; /* over the whole heap */
    unsigned pointer_size;
};

static struct span part_span(const struct reader *r, enum julia_part_kind kind)
{
    struct span s;

    span_sub(r->c.in, r->heap->part[kind].offset, r->heap->part[kind].size, &s);
    return s;
}

static uint32_t load32(const struct reader *r, struct span s, uint64_t off)
{
    return (uint32_t)load_uint(s.at + off, 4, r->in->big);
}

static bool bad(struct reader *r, enum julia_part_kind kind, uint64_t entry, const char *what,
                uint64_t value)
{
    return diag_fail(r->d, E_FORMAT, "jl_system_image_data: %s: entry %" PRIu64 ": %s: 0x%" PRIx64,
                     parts[kind].name, entry, what, value);
}

/* Take a length word and the part behind it, which starts at a multiple of ALIGN. */
static bool read_part(struct reader *r, enum julia_part_kind kind, const char *name, uint64_t align)
{
    struct julia_part *part = &r->heap->part[kind];
    uint64_t left;

    part->size = cur_u32(&r->c);
    if (r->c.bad)
        return diag_fail(r->d, E_FORMAT,
                         "jl_system_image_data: %s: no room for their size: 0x%" PRIx64
                         " bytes at 0x%" PRIx64,
                         name, r->c.in.size - r->c.pos, r->c.pos);
    r->heap->length_words += 4;
    part->offset = align_up(r->c.pos, align);
    r->heap->padding += part->offset - r->c.pos;
    cur_take(&r->c, part->offset - r->c.pos);
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

static bool read_names(struct reader *r)
{
    struct julia_part *part = &r->heap->part[JULIA_NAMES];
    struct span name;
    uint64_t pos = 0;

    r->heap->names = part_span(r, JULIA_NAMES);
    r->heap->big = r->in->big;
    for (; julia_next_name(r->heap, &pos, &name); part->count++)
        if (r->heap->names.at[pos - 1] != 0)
            return bad(r, JULIA_NAMES, part->count, "no NUL behind a name of this size", name.size);
    if (pos != r->heap->names.size)
        return bad(r, JULIA_NAMES, part->count, "ends past the end of its part; it starts at", pos);
    return true;
}

/* Split the relocations in their two lists, each of which a 0 ends. */
static bool split_relocations(struct reader *r)
{
    struct julia_part *part = r->heap->part;
    struct julia_part whole = part[JULIA_TAGS];
    struct span s = part_span(r, JULIA_TAGS);
    uint64_t pos = 0;

    for (enum julia_part_kind kind = JULIA_TAGS; kind <= JULIA_POINTERS; kind++) {
        uint64_t start = pos;

        while (pos + 4 <= s.size && load32(r, s, pos) != 0)
            pos += 4;
        if (pos + 4 > s.size)
            return bad(r, kind, (pos - start) / 4, "the list's end is missing; its part's size is",
                       s.size);
        pos += 4;
        part[kind] = (struct julia_part){whole.offset + start, pos - start, (pos - start) / 4 - 1};
    }
    if (pos != s.size)
        return bad(r, JULIA_POINTERS, part[JULIA_POINTERS].count,
                   "the list ends here, but its part goes on; bytes left", s.size - pos);
    return true;
}

/* Does REF refer to something that can be?  Counts it by its kind. */
static bool count_ref(struct reader *r, enum julia_part_kind kind, uint64_t entry, uint64_t ref,
                      uint64_t counts[JULIA_REFS])
{
    const struct julia_part *part = r->heap->part;
    uint64_t what = ref >> r->heap->tag_bit;
    uint64_t which = ref & ((UINT64_C(1) << r->heap->tag_bit) - 1);
    uint64_t limit = UINT64_MAX; /* Julia's own tables: they grow from release to release */

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
            return bad(r, kind, entry, "refers to a name that is not there", ref);
        break;
    case JULIA_REF_BINDING:
        limit = 0;
        break;
    case JULIA_REF_FUNCTION:
    case JULIA_REF_BUILTIN:
        break;
    default:
        return bad(r, kind, entry, "not a reference", ref);
    }
    if (which > limit)
        return bad(r, kind, entry, "refers to what is not there", ref);
    counts[what]++;
    return true;
}

/* Until 1.5.2 a reference's kind began at bit 28.  The type tags tell: they
   refer to objects or, with nothing in the lower bits, to bindings. */
static unsigned find_tag_bit(const struct reader *r)
{
    struct span list = part_span(r, JULIA_TAGS), heap = r->c.in, word;

    for (uint64_t i = 0; i < r->heap->part[JULIA_TAGS].count; i++) {
        if (!span_sub(heap, load32(r, list, 4 * i), r->pointer_size, &word))
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

/* The words that a relocation list names, and what they refer to. */
static bool read_relocations(struct reader *r, enum julia_part_kind kind,
                             uint64_t counts[JULIA_REFS])
{
    const struct julia_part *objects = &r->heap->part[JULIA_OBJECTS];
    struct span list = part_span(r, kind), s = part_span(r, JULIA_OBJECTS), word;

    for (uint64_t i = 0; i < r->heap->part[kind].count; i++) {
        uint64_t pos = load32(r, list, 4 * i), ref;

        if (pos < objects->offset || pos % r->pointer_size != 0 ||
            !span_sub(s, pos - objects->offset, r->pointer_size, &word))
            return bad(r, kind, i, "no word among the objects", pos);
        ref = load_uint(word.at, r->pointer_size, r->in->big);
        if (!count_ref(r, kind, i, ref, counts))
            return false;
    }
    return true;
}

static bool read_globals(struct reader *r, const struct julia_image *image)
{
    struct julia_part *part = &r->heap->part[JULIA_GLOBALS];
    struct span s = part_span(r, JULIA_GLOBALS);

    if (s.size % 4 != 0)
        return bad(r, JULIA_GLOBALS, s.size / 4, "half an entry; the part's size is", s.size);
    part->count = s.size / 4;
    if (image->has_code && part->count > image->globals)
        return bad(r, JULIA_GLOBALS, image->globals, "the code has no such variable; entries",
                   part->count);
    for (uint64_t i = 0; i < part->count; i++) {
        uint32_t ref = load32(r, s, 4 * i);

        if (ref == 0)
            r->heap->globals_unused++;
        else if (!count_ref(r, JULIA_GLOBALS, i, ref, r->heap->globals))
            return false;
    }
    return true;
}

/* Is POS where an object can be? */
static bool is_object(const struct reader *r, uint64_t pos)
{
    const struct julia_part *objects = &r->heap->part[JULIA_OBJECTS];

    return pos != 0 && pos % OBJECT_ALIGN == 0 && pos < objects->offset + objects->size;
}

/* An entry is as large as a pointer, which Julia puts there later; in the
   file its first 4 bytes are the position of the code instance, inverted for
   the entry point with boxed arguments. */
static bool read_functions(struct reader *r, const struct julia_image *image)
{
    struct julia_part *part = &r->heap->part[JULIA_FUNCTIONS];
    struct span s = part_span(r, JULIA_FUNCTIONS);

    if (s.size % r->pointer_size != 0)
        return bad(r, JULIA_FUNCTIONS, s.size / r->pointer_size,
                   "half an entry; the part's size is", s.size);
    part->count = s.size / r->pointer_size;
    if (image->has_code && part->count > image->functions)
        return bad(r, JULIA_FUNCTIONS, image->functions, "the code has no such function; entries",
                   part->count);
    for (uint64_t i = 0; i < part->count; i++) {
        uint32_t pos = load32(r, s, r->pointer_size * i);
        bool generic = pos >> 31;

        if (pos == 0)
            r->heap->functions_unused++;
        else if (!is_object(r, generic ? ~pos : pos))
            return bad(r, JULIA_FUNCTIONS, i, "no object can be there", pos);
        else if (generic)
            r->heap->functions_generic++;
        else
            r->heap->functions_specialized++;
    }
    return true;
}

/* The list of KIND that ends before word *AT of the tail S: pairs of an object
   and a number from LOW to HIGH, then a 0.  *AT becomes its start. */
static bool read_list_before(struct reader *r, struct span s, uint64_t *at,
                             enum julia_part_kind kind, uint32_t low, uint32_t high)
{
    struct julia_part *part = &r->heap->part[kind];
    uint64_t tail = r->c.in.size - s.size, end = *at;

    if (s.size % 4 != 0 || end == 0 || load32(r, s, 4 * (end - 1)) != 0)
        return bad(r, kind, 0, "the list does not end with a 0, at", tail + 4 * end - 4);
    for (*at = end - 1; *at >= 2; *at -= 2) {
        uint32_t number = load32(r, s, 4 * (*at - 1));

        if (number < low || number > high || !is_object(r, load32(r, s, 4 * (*at - 2))))
            break;
    }
    *part = (struct julia_part){tail + 4 * *at, 4 * (end - *at), (end - *at) / 2};
    return true;
}

/* The rest: roots, whose number only the Julia that wrote them knows, the
   last of them the root task's locals; three counters; two lists.  Read from
   the end, since only there is it clear what is what: no counter is as small
   as the second number of a pair. */
static bool read_tail(struct reader *r)
{
    struct julia_part *part = r->heap->part;
    uint64_t start = r->c.pos, at, ignored[JULIA_REFS] = {0};
    struct span s;

    span_sub(r->c.in, start, r->c.in.size - start, &s);
    at = s.size / 4;
    if (!read_list_before(r, s, &at, JULIA_CCALLABLE, REINIT_CCALLABLE, REINIT_CCALLABLE) ||
        !read_list_before(r, s, &at, JULIA_REINIT, REINIT_TABLE, REINIT_MODULE))
        return false;
    if (at < 4)
        return bad(r, JULIA_ROOTS, 0, "no room for the root task and three counters; words left",
                   at);
    at -= 3;
    part[JULIA_ROOTS] = (struct julia_part){start, 4 * at, at};
    part[JULIA_COUNTERS] = (struct julia_part){start + 4 * at, 12, 3};
    r->heap->generated_names = load32(r, s, 4 * at);
    r->heap->world = load32(r, s, 4 * at + 4);
    r->heap->inference_world = load32(r, s, 4 * at + 8);
    for (uint64_t i = 0; i < at; i++) {
        uint32_t ref = load32(r, s, 4 * i);

        if (ref != 0 && !count_ref(r, JULIA_ROOTS, i, ref, ignored))
            return false;
    }
    return true;
}

bool julia_read_heap(struct diag *d, const struct julia_input *in, struct span bytes,
                     struct julia_image *out)
{
    struct reader r = {
        .d = d,
        .in = in,
        .heap = &out->heap,
        .c = {.in = bytes, .big = in->big, .wide = in->wide},
        .pointer_size = in->wide ? 8 : 4,
    };

    out->heap = (struct julia_heap){.size = bytes.size};
    if (!read_part(&r, JULIA_OBJECTS, "objects", 1) ||
        !read_part(&r, JULIA_CONSTANTS, "constants", 16) ||
        !read_part(&r, JULIA_NAMES, "names", 1) ||
        !read_part(&r, JULIA_TAGS, "relocations", 1) || /* and JULIA_POINTERS: split below */
        !read_part(&r, JULIA_GLOBALS, "globals", 1) ||
        !read_part(&r, JULIA_FUNCTIONS, "functions", 1) || !read_names(&r) ||
        !split_relocations(&r))
        return false;
    out->heap.tag_bit = find_tag_bit(&r);
    if (!read_relocations(&r, JULIA_TAGS, out->heap.tags) ||
        !read_relocations(&r, JULIA_POINTERS, out->heap.pointers) || !read_globals(&r, out) ||
        !read_functions(&r, out) || !read_tail(&r))
        return false;
    out->has_heap = true;
    return true;
}
