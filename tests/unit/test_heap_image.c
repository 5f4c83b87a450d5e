/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_heap_image.c - the reader of an image's table: one with everything in
 * it, each rule broken, and a file cut at every length. */

#include <check.h>
#include <stdlib.h>

#include "heap/image.h"
#include "tests/support/heap_image.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static bool bytes_at(void *arg, uint64_t addr, uint64_t size, struct span *out)
{
    return span_sub(*(struct span *)arg, addr - HIMG_BASE, size, out);
}

/* Read the first SIZE bytes of IMAGE, in a block of their own. */
static bool reads(const uint8_t *image, uint64_t size, struct diag *d, struct arena *a,
                  struct heap_image *out, uint8_t **copy)
{
    struct span file = { *copy = malloc(size + 1), size};
    struct heap_image_input in = {
        .bytes = bytes_at, .arg = &file, .file_size = HIMG_SIZE, .note = HIMG_BASE + HIMG_DESC};

    ck_assert_ptr_nonnull(*copy);
    memcpy(*copy, image, size);
    span_sub(file, HIMG_DESC, 24, &in.desc);
    *d = (struct diag){0};
    return heap_image_read(d, a, &in, out);
}

static bool collect(void *arg, uint64_t offset)
{
    uint64_t **next = arg;

    *(*next)++ = offset;
    return true;
}

static void check_segments(const struct image_heap *h)
{
    static const struct {
        uint64_t addr, size;
        uint32_t prot, flags, kind;
        const char *name;
    } want[] = {
        {HIMG_RW, 0x200, 6, 0, SIMG_SEGMENT_READ_WRITE, "objects"},
        {HIMG_RO, 0x100, 4, SIMG_SEG_LOADED_WRITABLE, SIMG_SEGMENT_READ_ONLY, "constants"},
        {HIMG_ZERO, 0x3000, 6, SIMG_SEG_ZERO, SIMG_SEGMENT_ZERO, ""},
        {HIMG_CODE, 0x40, 5, 0, SIMG_SEGMENT_CODE, "code"},
        {HIMG_GOT, 8, 4, SIMG_SEG_LOADED_WRITABLE | SIMG_SEG_IMPORTS, SIMG_SEGMENT_READ_ONLY, ""},
        {HIMG_PLT, 16, 5, SIMG_SEG_STUBS, SIMG_SEGMENT_CODE, ""},
    };
    static const uint64_t slots[] = {0x10, 0x18, 0x21, 0x30, 0x1f8};
    uint64_t found[8], *next = found;

    ck_assert_uint_eq(h->heap.segment_count, COUNT(want));
    for (size_t i = 0; i < COUNT(want); i++) {
        ck_assert_uint_eq(h->heap.segments[i].addr, want[i].addr);
        ck_assert_uint_eq(h->heap.segments[i].size, want[i].size);
        ck_assert_uint_eq(h->heap.segments[i].kind, want[i].kind);
        ck_assert_str_eq(h->heap.segments[i].name, want[i].name);
        ck_assert_uint_eq(h->segments[i].prot, want[i].prot);
        ck_assert_uint_eq(h->segments[i].flags, want[i].flags);
    }
    ck_assert(slots_each(&h->heap.segments[0].slots, 0, 0x200, collect, &next));
    ck_assert_int_eq(next - found, COUNT(slots));
    ck_assert_mem_eq(found, slots, sizeof slots);
    ck_assert_uint_eq(h->heap.segments[1].slots.count, 1);
    ck_assert_uint_eq(h->segments[0].slot_count, 5);
}

START_TEST(reads_all_of_it)
{
    static uint8_t image[HIMG_SIZE];
    struct arena a = {0};
    struct heap_image m;
    struct heap_import_slot s;
    struct diag d;
    uint8_t *copy;

    make_heap_image(image);
    ck_assert_msg(reads(image, sizeof image, &d, &a, &m, &copy), "%s", d.text);
    ck_assert_uint_eq(m.table, HIMG_BASE + HIMG_TABLE);
    ck_assert_uint_eq(m.machine, 62);
    ck_assert_uint_eq(m.checksum, heap_image_checksum(&m));
    ck_assert_uint_eq(m.map_bytes, 8 + 8 + 4);
    ck_assert_uint_eq(m.heap_count, 1);
    const struct image_heap *h = m.heaps;
    ck_assert_uint_eq(h->at, HIMG_BASE);
    ck_assert_uint_eq(h->base, HIMG_BASE);
    ck_assert_uint_eq(h->mode, SIMG_MODE_PRELINKED);
    ck_assert_uint_eq(h->flags, SIMG_HEAP_HAS_SLOTS);
    ck_assert_uint_eq(h->heap.span, HIMG_SPAN);
    ck_assert_uint_eq(h->heap.slot_count, 6);
    ck_assert_str_eq(h->heap.runtime, "lua");
    ck_assert_str_eq(h->heap.flags, "-O2");
    ck_assert_uint_eq(h->heap.id[15], 0xaf);
    check_segments(h);
    ck_assert_uint_eq(h->heap.root_count, 2);
    ck_assert_str_eq(h->heap.roots[1].name, "table");
    ck_assert_uint_eq(h->heap.roots[1].addr, HIMG_RW + 0x10);
    ck_assert_uint_eq(h->heap.roots[0].segment, HROW_CODE);
    ck_assert_uint_eq(h->heap.import_count, 2);
    ck_assert_str_eq(h->heap.imports[0].name, "malloc");
    ck_assert_uint_eq(h->places[0], HIMG_GOT);
    ck_assert_uint_eq(h->places[1], SIMG_NO_PLACE);
    ck_assert(h->heap.imports[1].weak);
    ck_assert_uint_eq(h->heap.imports[1].slot_count, 2);
    s = heap_import_slot_at(&h->heap, 1);
    ck_assert_uint_eq(s.place, HIMG_RO + 0x10);
    ck_assert_uint_eq(s.import, 1);
    ck_assert_int_eq(s.addend, -8);
    ck_assert_uint_eq(h->heap.meta_count, 1);
    ck_assert_str_eq(h->heap.metas[0].value, "test");
    arena_free(&a);
    free(copy);
}
END_TEST

/* What to write where, and what is said of it. */
static const struct {
    uint32_t off;
    uint8_t size;
    uint64_t value;
    const char *text;
} cases[] = {
    {HIMG_DESC, 4, 2, "the note has version 2, only 1 is known"},
    {HIMG_DESC + 4, 4, 4, "the note has flags 0x4, none is known"},
    {HIMG_DESC + 8, 8, HIMG_SIZE,
     "the note leads to 0x500 bytes at 0x7a0000070418, which the file does not have"},
    {HIMG_DESC + 16, 8, UINT64_MAX,
     "the note leads to 0xffffffffffffffff bytes at 0x7a0000001000, which the file does not have"},
    {HIMG_DESC + 16, 8, 100, "the table has 100 bytes, its header alone 128"},
    {HIMG_DESC + 16, 8, 0x4f8, "the table says it has 1280 bytes, the note 1272"},
    {HIMG_TABLE, 1, 's', "the table's magic is not there"},
    {HIMG_TABLE + 8, 4, 2, "the table has version 2, only 1 is known"},
    {HIMG_TABLE + 12, 4, 64, "the table's header has 64 bytes, not 128 to 1280"},
    {HIMG_TABLE + 36, 4, 1, "the table has flags 0x1, none is known"},
    {HIMG_TABLE + 40, 4, 10,
     "10 heaps at 0x80 of the table are not 8-aligned or not inside it (0x500 bytes)"},
    {HIMG_TABLE + 40, 4, 2,
     "heap 1: a string is at 2064 of the strings, where none begins "
     "(83 bytes)"},
    {HIMG_TABLE + 64, 8, UINT64_MAX,
     "18446744073709551615 import slots at 0x330 of the table are not 8-aligned or not inside it "
     "(0x500 bytes)"},
    {HIMG_TABLE + 80, 8, 0x101,
     "6 segments at 0x101 of the table are not 8-aligned or not inside it (0x500 bytes)"},
    {HIMG_TABLE + 80, 8, 8,
     "6 segments at 0x8 of the table are not 8-aligned or not inside it (0x500 bytes)"},
    {HIMG_TABLE + 120, 8, 0x500,
     "the strings (83 bytes at 0x500) are not inside the table, or do not begin and end with a "
     "NUL"},
    {HIMG_STRINGS, 1, 'x',
     "the strings (83 bytes at 0x368) are not inside the table, or do not begin and end with a "
     "NUL"},
    {HIMG_HEAP + 24, 4, 4, "heap 0: mode 4, only 1 to 3 are known"},
    {HIMG_HEAP + 24, 4, 3, "heap 0: base 0x7a0000000000, with mode none it is 0"},
    {HIMG_HEAP + 28, 4, 8, "heap 0: flags 0x8, only 1, 2 and 4 are known"},
    {HIMG_HEAP + 28, 4, 0,
     "heap 0: segment 0: it has a slot map, and the heap says that it has none"},
    {HIMG_HEAP + 32, 4, 47, "heap 0: addresses of 47 bits, not 48 to 64"},
    {HIMG_HEAP + 32, 4, 304, "heap 0: addresses of 0 bits, not 48 to 64"},
    {HIMG_HEAP + 36, 4, 1, "heap 0: it has 6 segments from number 1, the next is 0 of 6"},
    {HIMG_HEAP + 40, 4, 7, "heap 0: it has 7 segments from number 0, the next is 0 of 6"},
    {HIMG_HEAP + 16, 8, UINT64_C(1) << 48,
     "heap 0: a span of 0x1000000000000 bytes does not fit 48 address bits"},
    {HIMG_HEAP + 16, 8, HIMG_PLT,
     "heap 0: segment 5: 0x10 bytes at 0x60000 are none, or not inside the heap's span of 0x60000"},
    {HIMG_HEAP + 68, 4, 1,
     "heap 0: segment 1 has slots behind the 0x10000 bytes that are written at start"},
    {HIMG_HEAP + 88, 8, 7, "heap 0: 7 slots, its segments have 6"},
    {HIMG_HEAP + 112, 4, 2,
     "heap 0: a string is at 2 of the strings, where none begins (83 bytes)"},
    {HIMG_SEGMENT(1), 8, 0x100,
     "heap 0: segment 1: address 0x100 is before 0x10200, where the segment before it ends"},
    {HIMG_SEGMENT(0) + 8, 8, 0,
     "heap 0: segment 0: 0x0 bytes at 0x10000 are none, or not inside the heap's span of 0x60010"},
    {HIMG_SEGMENT(0) + 16, 4, 8, "heap 0: segment 0: rights 0x8, not 0 to 7"},
    {HIMG_SEGMENT(0) + 20, 4, 16, "heap 0: segment 0: flags 0x10, only 1, 2, 4 and 8 are known"},
    {HIMG_SEGMENT(0) + 20, 4, 2, "heap 0: segment 0: kind 2 and flags 0x2 differ on zero-fill"},
    {HIMG_SEGMENT(0) + 24, 4, 0x102, "heap 0: segment 0: kind 255, not 1 to 4"},
    {HIMG_SEGMENT(0) + 32, 8, 0, "heap 0: segment 0: a slot map has a size and no place"},
    {HIMG_SEGMENT(0) + 32, 8, HIMG_SIZE,
     "heap 0: segment 0: its bitmap, 0x8 bytes at 0x7a0000071100, is not in the file"},
    {HIMG_SEGMENT(0) + 40, 8, 9, "heap 0: segment 0: a bitmap of 9 bytes, not 8"},
    {HIMG_SEGMENT(1) + 8, 8, 0xf8, NULL}, /* one word less: the bitmap's bits still fit */
    {HIMG_MAPS, 1, 0, "heap 0: segment 0: 5 slots, its maps have 2"},
    {HIMG_SEGMENT(0) + 56, 8, UINT64_C(1) << 61,
     "heap 0: segment 0: 2305843009213693952 odd slots are too many"},
    {HIMG_SEGMENT(0) + 56, 8, 0x10000,
     "heap 0: segment 0: its list of odd slots, 0x80000 bytes at 0x7a0000001808, is not in the "
     "file"},
    {HIMG_ODD, 8, 0x20,
     "heap 0: segment 0: odd slot 0 at 0x20 is 8-aligned, overlaps another one or is not inside "
     "the segment (0x200 bytes)"},
    {HIMG_ODD, 8, 0x1f,
     "heap 0: segment 0: odd slot 0 at 0x1f is 8-aligned, overlaps another one or is not inside "
     "the segment (0x200 bytes)"},
    {HIMG_ODD, 8, UINT64_MAX,
     "heap 0: segment 0: odd slot 0 at 0xffffffffffffffff is 8-aligned, overlaps another one or "
     "is not inside the segment (0x200 bytes)"},
    {HIMG_SEGMENT(HROW_ZERO) + 32, 8, 1, "heap 0: segment 2: it is zero-fill, and has a slot map"},
    {HIMG_SEGMENT(0) + 64, 8, 4, "heap 0: segment 0: 4 slots, its maps have 5"},
    {HIMG_ROOTS, 4, 0, "heap 0: root 0: it has no name"},
    {HIMG_ROOTS + 4, 4, 2, "heap 0: root 0: kind 2, not 0 or 1"},
    {HIMG_ROOTS + 8, 8, 0x1000, "heap 0: root 0: 0x40 bytes at 0x1000 are not inside a segment"},
    {HIMG_ROOTS + 16, 8, 0x41, "heap 0: root 0: 0x41 bytes at 0x40000 are not inside a segment"},
    {HIMG_IMPORTS, 4, 0, "heap 0: import 0: it has no name"},
    {HIMG_IMPORTS + 4, 2, 2, NULL}, /* a module */
    {HIMG_IMPORTS + 4, 2, 3, "heap 0: import 0: kind 3 and weak 0, not 0 to 2 and 0 or 1"},
    {HIMG_IMPORTS + 6, 2, 2, "heap 0: import 0: kind 1 and weak 2, not 0 to 2 and 0 or 1"},
    {HIMG_IMPORTS + 8, 8, HIMG_RW,
     "heap 0: import 0: its word at 0x10000 is not one of the table of imports"},
    {HIMG_IMPORTS + 8, 8, HIMG_GOT + 4,
     "heap 0: import 0: its word at 0x50004 is not one of the table of imports"},
    {HIMG_IMPORT_SLOTS + 8, 4, 2, "heap 0: import slot 0: import 2, but there are 2"},
    {HIMG_IMPORT_SLOTS, 8, HIMG_ZERO,
     "heap 0: import slot 0: 8 bytes at 0x30000 are not inside a segment that is not zero-fill"},
    {HIMG_IMPORT_SLOTS, 8, HIMG_RW + 0x1f9,
     "heap 0: import slot 0: 8 bytes at 0x101f9 are not inside a segment that is not zero-fill"},
    {HIMG_IMPORT_SLOTS + 24, 8, HIMG_RW + 0x40,
     "heap 0: import slot 1: at 0x10040, not behind the one before it, which ends at 0x10044"},
    {HIMG_METAS + 4, 4, 3,
     "heap 0: metadata 0: its value is at 3 of the strings, where none begins (83 bytes)"},
};

START_TEST(a_broken_field_is_told)
{
    static uint8_t image[HIMG_SIZE];
    struct arena a = {0};
    struct heap_image m;
    struct diag d;
    uint8_t *copy;
    bool ok;

    make_heap_image(image);
    store_uint(image + cases[_i].off, cases[_i].size, false, cases[_i].value);
    ok = reads(image, sizeof image, &d, &a, &m, &copy);
    ck_assert_str_eq(d.text, cases[_i].text ? cases[_i].text : "");
    ck_assert(ok == !cases[_i].text);
    ck_assert_uint_eq(ok ? 1 : 0, m.heap_count);
    arena_free(&a);
    free(copy);
}
END_TEST

/* A file that ends early, at any place before the table and its maps do. */
START_TEST(a_cut_file_is_an_error)
{
    static uint8_t image[HIMG_SIZE];
    struct arena a = {0};
    struct heap_image m;
    struct diag d;
    uint8_t *copy;

    make_heap_image(image);
    for (uint64_t n = 0; n < HIMG_BITMAP_2 + 4; n++) {
        ck_assert_msg(!reads(image, n, &d, &a, &m, &copy), "cut at %u", (unsigned)n);
        ck_assert_int_ne(d.status, OK);
        ck_assert_uint_eq(m.heap_count, 0);
        arena_free(&a);
        free(copy);
    }
    ck_assert(reads(image, HIMG_BITMAP_2 + 4, &d, &a, &m, &copy));
    arena_free(&a);
    free(copy);
}
END_TEST

/* Without memory it is an error, whichever allocation it is. */
START_TEST(memory_may_run_out)
{
    static uint8_t image[HIMG_SIZE];
    bool ok = false;

    make_heap_image(image);
    for (uint64_t n = 1; !ok; n++) {
        struct arena a = {.fail_after = n};
        struct heap_image m;
        struct diag d;
        uint8_t *copy;

        ok = reads(image, sizeof image, &d, &a, &m, &copy);
        ck_assert_int_eq(d.status, ok ? OK : E_NOMEM);
        arena_free(&a);
        free(copy);
        ck_assert_uint_lt(n, 100);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("heap image");
    TCase *t = tcase_create("image");
    SRunner *runner = srunner_create(s);
    int failed;

    tcase_add_test(t, reads_all_of_it);
    tcase_add_loop_test(t, a_broken_field_is_told, 0, COUNT(cases));
    tcase_add_test(t, a_cut_file_is_an_error);
    tcase_add_test(t, memory_may_run_out);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
