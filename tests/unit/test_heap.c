/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_heap.c - the reader of heap containers: one with everything in it, and
 * each rule of docs/heap-format.md broken in it. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "heap/container.h"
#include "heap/verify.h"
#include "tests/support/heap_file.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* big-endian, compressed */
static const bool kinds[][2] = {{false, false}, {true, false}, {false, true}, {true, true}};

static bool collect(void *arg, uint64_t offset)
{
    uint64_t **next = arg;

    *(*next)++ = offset;
    return true;
}

static void check_objects(const struct heap *h)
{
    static const struct heap_object all[] = {{0, 16, 0}, {16, 0xa0, 1}, {0xb8, 8, 0}};
    struct heap_objects it;
    struct heap_object o;

    heap_objects_begin(h, 0, &it);
    for (size_t i = 0; i < COUNT(all); i++) {
        ck_assert(heap_objects_next(&it, &o));
        ck_assert_uint_eq(o.offset, all[i].offset);
        ck_assert_uint_eq(o.size, all[i].size);
        ck_assert_uint_eq(o.type, all[i].type);
    }
    ck_assert(!heap_objects_next(&it, &o));
}

static void check_slots(const struct heap *h)
{
    static const uint64_t first[] = {0x10, 0x18, 0x21, 0x103, 0x1f8}, second[] = {0, 8, 0xf8};
    uint64_t found[8], *next = found;

    ck_assert_uint_eq(h->slot_count, 8);
    ck_assert(slots_each(&h->segments[0].slots, 0, 0x200, collect, &next));
    ck_assert_int_eq(next - found, COUNT(first));
    ck_assert_mem_eq(found, first, sizeof first);
    next = found;
    ck_assert(slots_each(&h->segments[1].slots, 0, 0x100, collect, &next));
    ck_assert_int_eq(next - found, COUNT(second));
    ck_assert_mem_eq(found, second, sizeof second);
    ck_assert_uint_eq(h->segments[3].slots.count, 0);
}

static void check_data(const struct heap *h, struct diag *d)
{
    uint8_t bytes[0x200];

    for (uint32_t i = 0; i < h->segment_count; i++) {
        if (h->segments[i].kind == SIMG_SEGMENT_ZERO)
            continue;
        ck_assert_msg(heap_unpack(d, h, i, bytes), "%s", d->text);
        ck_assert_msg(heap_check_words(d, h, i, (struct span){bytes, h->segments[i].size}), "%s",
                      d->text);
    }
    ck_assert_msg(heap_check_parts(d, h), "%s", d->text);
}

START_TEST(reads_all_of_it)
{
    struct heap_file f;
    struct arena a = {0};
    struct diag d = {0};
    struct heap h;
    struct heap_import_slot s;

    heap_file_make(&f, kinds[_i][0], kinds[_i][1]);
    ck_assert(heap_is(buf_span(&f.out)));
    ck_assert_msg(heap_read(&d, &a, "x.heap", buf_span(&f.out), &h), "%s", d.text);
    ck_assert_uint_eq(h.big, kinds[_i][0]);
    ck_assert_uint_eq(h.span, 0x40084);
    ck_assert_uint_eq(h.address_bits, 48);
    ck_assert_uint_eq(h.segment_count, 4);
    ck_assert_uint_eq(h.segments[3].addr, 0x40000);
    ck_assert_uint_eq(h.segments[3].size, 0x84);
    ck_assert_uint_eq(h.segments[3].align_log2, 18);
    ck_assert_uint_eq(h.segments[3].kind, SIMG_SEGMENT_CODE);
    ck_assert_str_eq(h.segments[3].name, "code");
    ck_assert_uint_eq(h.segments[2].data_part, HEAP_NO_PART);
    ck_assert_uint_eq(h.segments[1].data.size, kinds[_i][1] ? 0 : 0x100);
    check_slots(&h);
    check_objects(&h);
    check_data(&h, &d);

    ck_assert_uint_eq(h.import_count, 2);
    ck_assert_str_eq(h.imports[1].name, "environ");
    ck_assert(h.imports[1].weak && !h.imports[0].weak);
    ck_assert_uint_eq(h.imports[0].kind, SIMG_IMPORT_FUNCTION);
    ck_assert_uint_eq(h.imports[1].slot_count, 2);
    ck_assert_uint_eq(h.import_slot_count, 3);
    s = heap_import_slot_at(&h, 2);
    ck_assert_uint_eq(s.place, 0x10010);
    ck_assert_uint_eq(s.import, 1);
    ck_assert_int_eq(s.addend, -8);

    ck_assert_uint_eq(h.root_count, 2);
    ck_assert_str_eq(h.roots[0].name, "start");
    ck_assert_uint_eq(h.roots[0].segment, 3);
    ck_assert_uint_eq(h.roots[0].kind, SIMG_ROOT_FUNCTION);
    ck_assert_uint_eq(h.roots[1].addr, 0x10);
    ck_assert_uint_eq(h.roots[1].size, 0x20);
    ck_assert_uint_eq(h.type_count, 2);
    ck_assert_str_eq(h.types[1], "string");
    ck_assert_str_eq(h.runtime, "lua");
    ck_assert_str_eq(h.version, "5.4");
    ck_assert_str_eq(h.build_id, "abc123");
    ck_assert_str_eq(h.flags, "-O2");
    ck_assert_uint_eq(h.meta_count, 1);
    ck_assert_str_eq(h.metas[0].key, "made-by");
    ck_assert_str_eq(h.metas[0].value, "test");
    arena_free(&a);
    heap_file_free(&f);
}
END_TEST

enum where_to { NOTHING, HEADER, ENTRY, BYTES };

struct edit {
    enum where_to where;
    uint32_t type, index; /* the part's, but for HEADER */
    unsigned offset, size;
    uint64_t value;
};

static void apply(struct heap_file *f, const struct edit *e)
{
    uint64_t at = 0;

    if (e->where == ENTRY)
        at = heap_file_entry(f, e->type, e->index);
    else if (e->where == BYTES)
        at = heap_file_bytes(f, e->type, e->index);
    if (e->where != NOTHING)
        store_uint(f->out.at + at + e->offset, e->size, f->big, e->value);
}

#define SEGMENTS SIMG_PART_SEGMENTS, 0
#define SLOTS0 SIMG_PART_SLOTS, 0
#define SLOTS1 SIMG_PART_SLOTS, 1
#define IMPORTS SIMG_PART_IMPORTS, 0
#define IMPORT_SLOTS SIMG_PART_IMPORT_SLOTS, 0
#define ROOTS SIMG_PART_ROOTS, 0
#define TYPES SIMG_PART_TYPES, 0
#define OBJECTS SIMG_PART_OBJECTS, 0
#define IDENTITY SIMG_PART_IDENTITY, 0
#define META SIMG_PART_META, 0
#define STRINGS SIMG_PART_STRINGS, 0
#define LATER 99, 7

/* Each row breaks one rule; the checksums are right. */
/* clang-format off */
static const struct {
    struct edit edit[2];
    enum status status;
    const char *text;
} edits[] = {
    /* header */
    {{{HEADER, 0, 0, 0, 1, 'x'}}, E_UNKNOWN, "not a heap container: the magic is not there"},
    {{{HEADER, 0, 0, 8, 1, 3}}, E_FORMAT, "byte order 3, not 1 (little-endian) or 2 (big-endian)"},
    {{{HEADER, 0, 0, 9, 1, 4}}, E_UNSUPPORTED, "pointers of 4 bytes, not 8"},
    {{{HEADER, 0, 0, 10, 1, 2}}, E_UNSUPPORTED, "version 2.0 of the format, only 1.x is known"},
    {{{HEADER, 0, 0, 12, 2, 136}}, E_FORMAT, "header of 136 and part entries of 64 bytes, not 128 and 64"},
    {{{HEADER, 0, 0, 14, 2, 56}}, E_FORMAT, "header of 128 and part entries of 56 bytes, not 128 and 64"},
    {{{HEADER, 0, 0, 16, 8, 1000}}, E_FORMAT, "the file has 13384 bytes, its header says 1000"},
    {{{HEADER, 0, 0, 24, 8, 4}}, E_FORMAT, "the part table (15 entries at 0x4) is not 8-aligned or not inside the file (0x3448 bytes)"},
    {{{HEADER, 0, 0, 24, 8, 0x34c8}}, E_FORMAT, "the part table (15 entries at 0x34c8) is not 8-aligned or not inside the file (0x3448 bytes)"},
    {{{HEADER, 0, 0, 32, 4, 16}}, E_FORMAT, "the part table (16 entries at 0x3088) is not 8-aligned or not inside the file (0x3448 bytes)"},
    {{{HEADER, 0, 0, 32, 4, UINT32_MAX}}, E_FORMAT, "the part table (4294967295 entries at 0x3088) is not 8-aligned or not inside the file (0x3448 bytes)"},
    {{{HEADER, 0, 0, 32, 4, 0}}, E_FORMAT, "no part of type 1 (segments)"},
    {{{HEADER, 0, 0, 36, 4, 1}}, E_FORMAT, "a flag or reserved byte of the header is not 0"},
    {{{HEADER, 0, 0, 40, 8, 0x40080}}, E_FORMAT, "segment 3: 0x84 bytes at 0x40000 are none, or not inside the heap's span of 0x40080"},
    {{{HEADER, 0, 0, 40, 8, 0x50000}}, E_FORMAT, "a span of 0x50000, but its last segment ends at 0x40084"},
    {{{HEADER, 0, 0, 40, 8, UINT64_C(1) << 48}}, E_FORMAT, "a span of 0x1000000000000 bytes does not fit 48 address bits"},
    {{{HEADER, 0, 0, 48, 1, 47}}, E_FORMAT, "addresses of 47 bits, not 48 to 64"},
    {{{HEADER, 0, 0, 48, 1, 65}}, E_FORMAT, "addresses of 65 bits, not 48 to 64"},
    {{{HEADER, 0, 0, 55, 1, 1}}, E_FORMAT, "a flag or reserved byte of the header is not 0"},
    {{{HEADER, 0, 0, 111, 1, 1}}, E_FORMAT, "a flag or reserved byte of the header is not 0"},

    /* the part table: 1 is SEGMENTS, the first entry, 99 the tenth */
    {{{ENTRY, SEGMENTS, 12, 4, 1}}, E_FORMAT, "part 0: a reserved field is not 0"},
    {{{ENTRY, SEGMENTS, 56, 8, 1}}, E_FORMAT, "part 0: a reserved field is not 0"},
    {{{ENTRY, SEGMENTS, 8, 4, 4}}, E_UNSUPPORTED, "part 0: flags 0x4, only 1 (MUST) and 2 (ZSTD) are known"},
    {{{ENTRY, LATER, 8, 4, 1}}, E_UNSUPPORTED, "part 9: type 99 is not known, and must be"},
    {{{ENTRY, SEGMENTS, 16, 8, 129}}, E_FORMAT, "part 0: offset 0x81 is not a multiple of 8"},
    {{{ENTRY, SIMG_PART_DATA, 0, 16, 8, 0x1008}}, E_FORMAT, "part 12: offset 0x1008 is not a multiple of 4096"},
    {{{ENTRY, SEGMENTS, 16, 8, 0x34c8}}, E_FORMAT, "part 0: 0xc0 bytes at 0x34c8 are not inside the file (0x3448 bytes)"},
    {{{ENTRY, SEGMENTS, 24, 8, UINT64_MAX}}, E_FORMAT, "part 0: 0xffffffffffffffff bytes at 0x80 are not inside the file (0x3448 bytes)"},
    {{{ENTRY, SEGMENTS, 32, 8, 0xc1}}, E_FORMAT, "part 0: size 193, stored size 192: they differ without ZSTD"},
    {{{ENTRY, SEGMENTS, 40, 8, 5}}, E_FORMAT, "part 0: 5 segments of 48 bytes are not 192 bytes"},
    {{{ENTRY, SEGMENTS, 40, 8, UINT64_MAX / 48 + 5}}, E_FORMAT, "part 0: 384307168202282330 segments of 48 bytes are not 192 bytes"},
    {{{ENTRY, SIMG_PART_DATA, 1, 40, 8, 1}}, E_FORMAT, "part 13: a count of 1, not 0"},
    {{{ENTRY, STRINGS, 40, 8, 1}}, E_FORMAT, "part 8: a count of 1, not 0"},
    {{{ENTRY, ROOTS, 4, 4, 1}}, E_FORMAT, "part 3: index 1, not 0"},
    {{{ENTRY, SLOTS1, 4, 4, 4}}, E_FORMAT, "slots of segment 4: there are 4 segments"},
    {{{ENTRY, SLOTS1, 4, 4, 0}}, E_FORMAT, "two parts of type 3 (slots of segment) and index 0"},
    {{{ENTRY, LATER, 16, 8, 0}}, E_FORMAT, "the header and a part of type 99 overlap at 0x0"},
    {{{ENTRY, LATER, 16, 8, 0x3088}}, E_FORMAT, "the part table and a part of type 99 overlap at 0x3088"},
    {{{ENTRY, SLOTS1, 16, 8, 0x1000}}, E_FORMAT, "slots of segment 1 and data of segment 0 overlap at 0x1000"},
    {{{ENTRY, ROOTS, 0, 4, 77}}, OK, ""}, /* passed over */
    {{{ENTRY, STRINGS, 0, 4, 77}}, E_FORMAT, "no part of type 11 (strings)"},
    {{{ENTRY, SEGMENTS, 8, 4, 2}}, E_FORMAT, "part 0: no whole zstd frame at 0x0 of its stored bytes"},

    /* strings and segments */
    {{{BYTES, STRINGS, 0, 1, 'x'}}, E_FORMAT, "strings: they do not begin and end with a NUL"},
    {{{BYTES, STRINGS, 94, 1, 'x'}}, E_FORMAT, "strings: they do not begin and end with a NUL"},
    {{{BYTES, SEGMENTS, 18, 2, 1}}, E_FORMAT, "segment 0: a reserved field is not 0"},
    {{{BYTES, SEGMENTS, 24, 8, 1}}, E_FORMAT, "segment 0: a reserved field is not 0"},
    {{{BYTES, SEGMENTS, 20, 4, 95}}, E_FORMAT, "segment 0: its name is at 95 of the strings, which have 95 bytes"},
    {{{BYTES, SEGMENTS, 20, 4, 3}}, E_FORMAT, "segment 0: its name is at 3 of the strings, where none begins"},
    {{{BYTES, SEGMENTS, 16, 1, 0}}, E_FORMAT, "segment 0: kind 0, not 1 to 4"},
    {{{BYTES, SEGMENTS, 16, 1, 5}}, E_FORMAT, "segment 0: kind 5, not 1 to 4"},
    {{{BYTES, SEGMENTS, 17, 1, 15}}, E_FORMAT, "segment 0: alignment 2^15, not 2^16 to 2^30"},
    {{{BYTES, SEGMENTS, 17, 1, 31}}, E_FORMAT, "segment 0: alignment 2^31, not 2^16 to 2^30"},
    {{{BYTES, SEGMENTS, 48, 8, 0x11000}}, E_FORMAT, "segment 1: address 0x11000 is not a multiple of 2^16"},
    {{{BYTES, SEGMENTS, 48 + 17, 1, 17}}, E_FORMAT, "segment 1: address 0x10000 is not a multiple of 2^17"},
    {{{BYTES, SEGMENTS, 8, 8, 0}}, E_FORMAT, "segment 0: 0x0 bytes at 0x0 are none, or not inside the heap's span of 0x40084"},
    {{{BYTES, SEGMENTS, 104, 8, UINT64_MAX}}, E_FORMAT, "segment 2: 0xffffffffffffffff bytes at 0x20000 are none, or not inside the heap's span of 0x40084"},
    {{{BYTES, SEGMENTS, 96, 8, UINT64_C(0xffffffffffff0000)}}, E_FORMAT, "segment 2: 0x3000 bytes at 0xffffffffffff0000 are none, or not inside the heap's span of 0x40084"},
    {{{BYTES, SEGMENTS, 48, 8, 0}}, E_FORMAT, "segment 1: address 0x0 is before 0x200, where the segment before it ends"},
    {{{BYTES, SEGMENTS, 104, 8, 0x20001}}, E_FORMAT, "segment 3: address 0x40000 is before 0x40001, where the segment before it ends"},
    {{{BYTES, SEGMENTS, 16, 1, 3}}, E_FORMAT, "segment 0: zero-fill, but it has a part of data"},
    {{{BYTES, SEGMENTS, 112, 1, 1}}, E_FORMAT, "segment 2: it has no part of data"},
    {{{BYTES, SEGMENTS, 8, 8, 0x208}}, E_FORMAT, "segment 0: 0x208 bytes, but its data has 0x200"},
    {{{ENTRY, SIMG_PART_DATA, 3, 4, 4, 9}}, E_FORMAT, "segment 3: it has no part of data"},

    /* slots: a bitmap with words 2, 3 and 63; odd 0x21, 0x103 */
    {{{ENTRY, SLOTS0, 4, 4, 2}}, E_FORMAT, "slots of segment 2: a zero-fill segment holds no pointers"},
    {{{BYTES, SLOTS0, 0, 8, 6}}, E_FORMAT, "slots of segment 0: 6 aligned slots of 5 in 64 words"},
    {{{BYTES, SLOTS0, 0, 8, 65}, {ENTRY, SLOTS0, 40, 8, 65}}, E_FORMAT, "slots of segment 0: 65 aligned slots of 65 in 64 words"},
    {{{BYTES, SLOTS0, 0, 8, 4}}, E_FORMAT, "slots of segment 0: 3 bits are set for 4 aligned slots"},
    {{{BYTES, SLOTS0, 8, 8, 12}}, E_FORMAT, "slots of segment 0: an aligned stream of 12 bytes in 11"},
    {{{BYTES, SLOTS0, 8, 8, UINT64_MAX}}, E_FORMAT, "slots of segment 0: an aligned stream of 18446744073709551615 bytes in 11"},
    {{{BYTES, SLOTS0, 8, 8, 7}}, E_FORMAT, "slots of segment 0: a bitmap of 7 bytes, not 8"},
    {{{BYTES, SLOTS0, 16, 8, 2}}, E_UNSUPPORTED, "slots of segment 0: encoding 2, not 0 or 1"},
    {{{ENTRY, SLOTS0, 40, 8, 9}}, E_FORMAT, "slots of segment 0: 6 odd slots in 3 bytes"},
    {{{ENTRY, SLOTS0, 40, 8, 4}}, E_FORMAT, "slots of segment 0: 2 bytes follow the last odd slot"},
    {{{BYTES, SLOTS0, 33, 1, 0x87}, {BYTES, SLOTS0, 34, 1, 0}}, E_FORMAT, "slots of segment 0: a number in the odd slots that ends at or before byte 35 is cut, overlong or has more than 64 bits"},
    {{{BYTES, SLOTS0, 34, 1, 0x81}}, E_FORMAT, "slots of segment 0: a number in the odd slots that ends at or before byte 35 is cut, overlong or has more than 64 bits"},
    {{{BYTES, SLOTS0, 33, 1, 7}}, E_FORMAT, "slots of segment 0: the odd slots at 0x21 and 7 bytes on overlap"},
    {{{BYTES, SLOTS0, 34, 1, 4}}, E_FORMAT, "slots of segment 0: odd slot 1, 0x262 past 0x21, is not inside the segment's 0x200 bytes"},
    {{{BYTES, SLOTS0, 32, 1, 0x20}}, E_FORMAT, "slots of segment 0: the odd slot at 0x20 is 8-aligned"},
    {{{BYTES, SLOTS0, 32, 1, 0x1f}}, E_FORMAT, "slots of segment 0: the odd slot at 0x1f overlaps an aligned one"},
    {{{BYTES, SLOTS0, 32, 1, 0x09}}, E_FORMAT, "slots of segment 0: the odd slot at 0x9 overlaps an aligned one"},
    /* gaps 1, 1, 30 in 32 words */
    {{{BYTES, SLOTS1, 25, 1, 0}}, E_FORMAT, "slots of segment 1: the gap before aligned slot 1 is 0"},
    {{{BYTES, SLOTS1, 26, 1, 31}}, E_FORMAT, "slots of segment 1: aligned slot 2 is past the last of 32 words"},
    {{{BYTES, SLOTS1, 0, 8, 2}}, E_FORMAT, "slots of segment 1: 3 bytes of gaps for 2 aligned slots, which take 2"},
    {{{BYTES, SLOTS1, 26, 1, 0x9e}}, E_FORMAT, "slots of segment 1: a number in the gaps that ends at or before byte 3 is cut, overlong or has more than 64 bits"},

    /* imports and their slots */
    {{{BYTES, IMPORTS, 0, 4, 0}}, E_FORMAT, "import 0: it has no name"},
    {{{BYTES, IMPORTS, 0, 4, 0x1000}}, E_FORMAT, "import 0: its name is at 4096 of the strings, which have 95 bytes"},
    {{{BYTES, IMPORTS, 16, 4, 24}}, E_FORMAT, "import 1: \"malloc\" is the name of import 0, too"},
    {{{BYTES, IMPORTS, 4, 1, 2}}, E_FORMAT, "import 0: kind 2, not 0 or 1"},
    {{{BYTES, IMPORTS, 5, 1, 2}}, E_FORMAT, "import 0: weak is 2, not 0 or 1"},
    {{{BYTES, IMPORTS, 6, 2, 1}}, E_FORMAT, "import 0: a reserved field is not 0"},
    {{{BYTES, IMPORTS, 8, 8, 1}}, E_FORMAT, "import 0: a reserved field is not 0"},
    {{{BYTES, IMPORT_SLOTS, 8, 4, 2}}, E_FORMAT, "import slot 0: import 2, but there are 2"},
    {{{BYTES, IMPORT_SLOTS, 12, 4, 1}}, E_FORMAT, "import slot 0: a reserved field is not 0"},
    {{{BYTES, IMPORT_SLOTS, 48, 8, 0x100f9}}, E_FORMAT, "import slot 2: 8 bytes at 0x100f9 are not inside a segment"},
    {{{BYTES, IMPORT_SLOTS, 48, 8, 0x18000}}, E_FORMAT, "import slot 2: 8 bytes at 0x18000 are not inside a segment"},
    {{{BYTES, IMPORT_SLOTS, 48, 8, 0x20000}}, E_FORMAT, "import slot 2: at 0x20000, in a zero-fill segment"},
    {{{BYTES, IMPORT_SLOTS, 24, 8, 0x37}}, E_FORMAT, "import slot 1: at 0x37, not behind the one before it, which ends at 0x38"},
    {{{BYTES, IMPORT_SLOTS, 0, 8, 0x18}}, E_FORMAT, "import slot 0: at 0x18, it overlaps a slot of segment 0"},
    {{{BYTES, IMPORT_SLOTS, 0, 8, 0x0c}}, E_FORMAT, "import slot 0: at 0xc, it overlaps a slot of segment 0"},
    {{{BYTES, IMPORT_SLOTS, 0, 8, 0x28}}, E_FORMAT, "import slot 0: at 0x28, it overlaps a slot of segment 0"},
    {{{BYTES, IMPORT_SLOTS, 0, 8, 0x29}}, OK, ""},
    {{{BYTES, IMPORT_SLOTS, 48, 8, 0x10001}}, E_FORMAT, "import slot 2: at 0x10001, it overlaps a slot of segment 1"},

    /* roots, types, objects */
    {{{BYTES, ROOTS, 0, 4, 0}}, E_FORMAT, "root 0: it has no name"},
    {{{BYTES, ROOTS, 32, 4, 39}}, E_FORMAT, "root 1: \"start\" is the name of root 0, too"},
    {{{BYTES, ROOTS, 4, 1, 2}}, E_FORMAT, "root 0: kind 2, not 0 or 1"},
    {{{BYTES, ROOTS, 5, 1, 1}}, E_FORMAT, "root 0: a reserved field is not 0"},
    {{{BYTES, ROOTS, 24, 8, 1}}, E_FORMAT, "root 0: a reserved field is not 0"},
    {{{BYTES, ROOTS, 8, 8, 0x40084}}, E_FORMAT, "root 0: \"start\" at 0x40084 is in no segment"},
    {{{BYTES, ROOTS, 8, 8, 0x200}}, E_FORMAT, "root 0: \"start\" at 0x200 is in no segment"},
    {{{BYTES, ROOTS, 16, 8, 0x85}}, E_FORMAT, "root 0: \"start\", 0x85 bytes at 0x40000, sticks out of segment 3"},
    {{{BYTES, ROOTS, 16, 8, UINT64_MAX}}, E_FORMAT, "root 0: \"start\", 0xffffffffffffffff bytes at 0x40000, sticks out of segment 3"},
    {{{BYTES, TYPES, 4, 4, 1}}, E_FORMAT, "type 0: a reserved field is not 0"},
    {{{BYTES, TYPES, 16, 4, 1000}}, E_FORMAT, "type 1: its name is at 1000 of the strings, which have 95 bytes"},
    {{{ENTRY, OBJECTS, 40, 8, 4}}, E_FORMAT, "objects of segment 0: 4 objects in 10 bytes"},
    {{{ENTRY, OBJECTS, 40, 8, 2}}, E_FORMAT, "objects of segment 0: 3 bytes follow the last object"},
    {{{BYTES, OBJECTS, 6, 1, 2}}, E_FORMAT, "objects of segment 0: object 1: type 2, but there are 2"},
    {{{BYTES, OBJECTS, 5, 1, 4}}, E_FORMAT, "objects of segment 0: object 1, 0x220 bytes 0x0 past 0x10, is not inside the segment's 0x200 bytes"},
    {{{BYTES, OBJECTS, 9, 1, 0x80}}, E_FORMAT, "objects of segment 0: a number in the objects that ends at or before byte 10 is cut, overlong or has more than 64 bits"},

    /* identity, metadata */
    {{{BYTES, IDENTITY, 12, 4, 2}}, E_FORMAT, "identity: a string is at 2 of the strings, where none begins"},
    {{{BYTES, META, 4, 4, 99}}, E_FORMAT, "metadata 0: its value is at 99 of the strings, which have 95 bytes"},
};
/* clang-format on */

START_TEST(says_what_is_wrong)
{
    struct heap_file f;

    heap_file_make(&f, false, false);
    for (size_t i = 0; i < COUNT(edits[_i].edit); i++)
        apply(&f, &edits[_i].edit[i]);
    heap_file_seal(&f);

    struct arena a = {0};
    struct diag d = {0};
    struct heap h;
    bool ok = heap_read(&d, &a, "x.heap", buf_span(&f.out), &h);
    const char *text = strncmp(d.text, "x.heap: ", 8) == 0 ? d.text + 8 : d.text;

    ck_assert_str_eq(text, edits[_i].text);
    ck_assert_int_eq(d.status, edits[_i].status);
    ck_assert_int_eq(ok, edits[_i].status == OK);
    arena_free(&a);
    heap_file_free(&f);
}
END_TEST

/* What no edit of plain bytes shows. */
static const struct {
    struct edit edit;
    const char *text;
} compressed[] = {
    {{ENTRY, SIMG_PART_DATA, 0, 32, 8, 0x201}, "part 12: its zstd frames hold 512 bytes, not 513"},
    {{ENTRY, SIMG_PART_DATA, 0, 24, 8, 1},
     "part 12: no whole zstd frame at 0x0 of its stored bytes"},
};

START_TEST(says_what_is_wrong_compressed)
{
    struct heap_file f;
    struct arena a = {0};
    struct diag d = {0};
    struct heap h;

    heap_file_make(&f, false, true);
    apply(&f, &compressed[_i].edit);
    heap_file_seal(&f);
    ck_assert(!heap_read(&d, &a, "x.heap", buf_span(&f.out), &h));
    ck_assert_str_eq(d.text + strlen("x.heap: "), compressed[_i].text);
    arena_free(&a);
    heap_file_free(&f);
}
END_TEST

/* One wrong byte anywhere that a checksum is of. */
START_TEST(sees_wrong_checksums)
{
    static const struct {
        struct edit edit;
        const char *text;
        bool late; /* seen by heap_check_parts() */
    } rows[] = {
        {{HEADER, 0, 0, 41, 1, 1}, "x.heap: checksum of the header", false},
        {{ENTRY, META, 0, 1, 1}, "x.heap: checksum of the part table", false},
        {{BYTES, STRINGS, 9, 1, 'x'}, "x.heap: strings: checksum", false},
        {{BYTES, SLOTS0, 0, 1, 1}, "x.heap: slots of segment 0: checksum", false},
        {{BYTES, LATER, 0, 1, 1}, "x.heap: part of type 99: checksum", true},
        {{BYTES, SIMG_PART_DATA, 1, 0, 1, 1}, "x.heap: data of segment 1: checksum", true},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct heap_file f;
        struct arena a = {0};
        struct diag d = {0};
        struct heap h;

        heap_file_make(&f, false, false);
        apply(&f, &rows[i].edit);
        ck_assert(heap_read(&d, &a, "x.heap", buf_span(&f.out), &h) == rows[i].late);
        if (rows[i].late)
            ck_assert(!heap_check_parts(&d, &h));
        ck_assert_msg(strncmp(d.text, rows[i].text, strlen(rows[i].text)) == 0, "%s", d.text);
        ck_assert_int_eq(d.status, E_FORMAT);
        arena_free(&a);
        heap_file_free(&f);
    }
}
END_TEST

START_TEST(sees_words_that_are_no_addresses)
{
    struct heap_file f;
    struct arena a = {0};
    struct diag d = {0};
    struct heap h;

    heap_file_make(&f, false, false);
    store_uint(f.out.at + heap_file_bytes(&f, SIMG_PART_DATA, 0) + 0x21, 8, false, 0x40085);
    heap_file_seal(&f);
    ck_assert(heap_read(&d, &a, "x.heap", buf_span(&f.out), &h));
    ck_assert(!heap_check_words(&d, &h, 0, h.segments[0].data));
    ck_assert_str_eq(d.text, "x.heap: segment 0: the slot at 0x21 holds 0x40085, no address in the "
                             "heap's span of 0x40084");
    arena_free(&a);
    heap_file_free(&f);
}
END_TEST

/* Cut at every length, first as it is, then with a header that says so. */
START_TEST(is_cut)
{
    struct heap_file f, g;

    heap_file_make(&f, kinds[_i][0], kinds[_i][1]);
    for (uint64_t size = 0; size < f.out.size; size++) {
        for (int sealed = 0; sealed < 2; sealed++) {
            struct arena a = {0};
            struct diag d = {0};
            struct heap h;

            g = f;
            g.out.at = malloc(size ? size : 1); /* of this size: a sanitizer sees all */
            ck_assert_ptr_nonnull(g.out.at);
            memcpy(g.out.at, f.out.at, size);
            g.out.size = size;
            if (sealed && size >= 128) {
                store_uint(g.out.at + 16, 8, g.big, size);
                heap_file_seal(&g);
            }
            ck_assert(!heap_read(&d, &a, "x.heap", buf_span(&g.out), &h));
            ck_assert_int_ne(d.status, OK);
            free(g.out.at);
            arena_free(&a);
        }
    }
    heap_file_free(&f);
}
END_TEST

/* Each allocation fails in turn. */
START_TEST(has_no_memory)
{
    struct heap_file f;
    bool ok = false;

    heap_file_make(&f, false, true);
    for (uint64_t n = 1; !ok; n++) {
        struct arena a = {.fail_after = n};
        struct diag d = {0};
        struct heap h;

        ok = heap_read(&d, &a, "x.heap", buf_span(&f.out), &h);
        ck_assert(ok || d.status == E_NOMEM);
        arena_free(&a);
    }
    heap_file_free(&f);
}
END_TEST

/* What to break in a sound container, and what "objtool verify" says. */
static const struct {
    struct edit edit;
    bool seal; /* make checksums right again */
    const char *text;
} findings[] = {
    {{NOTHING, 0, 0, 0, 0, 0}, true, ""},
    {{HEADER, 0, 0, 16, 8, 1}, false, "container: checksum of the header 0x"},
    {{BYTES, SIMG_PART_ROOTS, 0, 8, 8, 0x5000}, true, "container: root 0: "},
    {{BYTES, SIMG_PART_DATA, 3, 0, 1, 1}, false, "part-checksum: data of segment 3: checksum 0x"},
    {{BYTES, 99, 7, 0, 1, 1}, false, "part-checksum: part of type 99: checksum 0x"},
    {{BYTES, SIMG_PART_DATA, 0, 0x10, 8, 0x40085}, true,
     "slot-word: segment 0: the slot at 0x10 holds 0x40085, no address in the heap's span of "
     "0x40084"},
    {{BYTES, SIMG_PART_DATA, 1, 0xf8, 8, UINT64_MAX}, true,
     "slot-word: segment 1: the slot at 0xf8 holds 0xffffffffffffffff, no address in the heap's "
     "span of 0x40084"},
};

static void found(void *arg, const char *rule, const char *text)
{
    snprintf(arg, 512, "%s: %s", rule, text);
}

START_TEST(tells_findings)
{
    char text[512] = "";
    struct verify_options o = {.found = found, .arg = text};
    struct heap_file f;
    struct arena a = {0};
    struct diag d = {0};
    uint64_t count = 0;

    heap_file_make(&f, false, false);
    apply(&f, &findings[_i].edit);
    if (findings[_i].seal)
        heap_file_seal(&f);
    ck_assert_msg(heap_verify(&d, &a, buf_span(&f.out), &o, &count), "%s", d.text);
    ck_assert_msg(!strncmp(text, findings[_i].text, strlen(findings[_i].text)), "%s", text);
    ck_assert_uint_eq(count, *findings[_i].text ? 1 : 0);
    arena_free(&a);
    heap_file_free(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("heap");
    TCase *t = tcase_create("container");
    SRunner *run = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, reads_all_of_it, 0, COUNT(kinds));
    tcase_add_loop_test(t, says_what_is_wrong, 0, COUNT(edits));
    tcase_add_loop_test(t, says_what_is_wrong_compressed, 0, COUNT(compressed));
    tcase_add_test(t, sees_wrong_checksums);
    tcase_add_test(t, sees_words_that_are_no_addresses);
    tcase_add_loop_test(t, is_cut, 0, COUNT(kinds));
    tcase_add_test(t, has_no_memory);
    tcase_add_loop_test(t, tells_findings, 0, COUNT(findings));
    suite_add_tcase(s, t);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed != 0;
}
