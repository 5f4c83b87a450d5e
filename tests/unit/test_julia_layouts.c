/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_julia_layouts.c - heaps of Julia 1.9 and later: read, and rewritten.  What Julia then makes
 * of a heap must be what it makes of it when nothing was rewritten; tests/support/julia_layouts.c
 * is the Julia.  No real Julia of these versions was run. */

#include <check.h>
#include <stdlib.h>

#include "heap/julia_prelink.h"
#include "runtime/crc.h"
#include "tests/support/julia_image.h"
#include "tests/support/julia_layouts.h"

#include <sysimage/format.h>

enum { FIRST = 9, END = 15, SMALL = 300, LARGE = 400000, HUGE_PAGE = 2 << 20 };

struct fixture {
    int minor;
    uint8_t *bytes;
    size_t size;
    struct fake fake;
    struct arena arena;
    struct diag diag;
    struct julia_image image;
    struct julia_prelink heap;
};

static void begin(struct fixture *f, int minor, uint32_t seed, size_t words)
{
    *f = (struct fixture){.minor = minor};
    f->bytes = layout_make(minor, seed, words, &f->size);
    make_later_fake(&f->fake, minor, f->bytes, f->size);
}

static void end(struct fixture *f)
{
    arena_free(&f->arena);
    free_fake(&f->fake);
    free(f->bytes);
}

static bool read_it(struct fixture *f)
{
    struct julia_input in = {fake_lookup, &f->fake, false, true, NULL};

    f->diag = (struct diag){0};
    return julia_read(&f->diag, &f->arena, &in, &f->image);
}

static bool rewrite(struct fixture *f)
{
    const struct fake_piece *data = find(&f->fake, "jl_system_image_data");

    return read_it(f) && f->image.has_heap &&
           julia_prelink(&f->diag, &f->arena, &f->image, (struct span){data->bytes, data->count},
                         &f->heap);
}

START_TEST(reads_every_byte)
{
    struct fixture f;
    struct layout_view view;
    uint64_t sum = 0;

    begin(&f, _i, 1, SMALL);
    ck_assert_msg(read_it(&f), "%s", f.diag.text);
    ck_assert(f.image.has_heap);
    ck_assert(layout_restore(_i, f.bytes, f.size, 0, &view));
    const struct julia_heap *h = &f.image.heap;
    sum = h->length_words + h->padding;
    for (int i = 0; i < JULIA_PARTS; i++)
        sum += h->part[i].size;
    ck_assert_uint_eq(sum, f.size);
    ck_assert_uint_eq(h->part[JULIA_TAGS].count, view.tag_count);
    ck_assert_uint_eq(h->part[JULIA_POINTERS].count, view.pointer_count);
    ck_assert_uint_eq(h->part[JULIA_POINTERS].offset, view.pointers);
    ck_assert_uint_eq(h->part[JULIA_NAMES].count, 50);
    ck_assert_uint_eq(h->part[JULIA_ROOTS].count, 9 + (uint64_t)_i);
    ck_assert_uint_eq(h->part[JULIA_ROOTS].offset, view.tail.at);
    ck_assert_uint_eq(h->part[JULIA_CCALLABLE].count, _i <= 11 ? 3 : 0);
    ck_assert_uint_eq(h->functions_generic, 4);
    ck_assert_uint_eq(h->generated_names, 12345);
    ck_assert_uint_eq(h->world, 30000);
    ck_assert_uint_eq(h->inference_world, 29000);
    ck_assert((h->pointers[JULIA_REF_BINDING] > 0) == (_i == 9));
    ck_assert(h->pointers[JULIA_REF_BUILTIN] > 0 && h->pointers[JULIA_REF_FUNCTION] > 0);
    end(&f);
}
END_TEST

static void same_part(const uint8_t *a, struct layout_part x, const uint8_t *b,
                      struct layout_part y, const char *what)
{
    ck_assert_msg(x.size <= y.size && !memcmp(a + x.at, b + y.at, x.size), "%s differ", what);
}

/* The heap rewritten, at an address SHIFT behind a multiple of 2 MiB; then Julia. */
static void restores_the_same(int minor, uint32_t seed, size_t words, size_t shift)
{
    struct fixture f;
    struct layout_view plain, linked;
    uint8_t *room = NULL, *at = NULL;
    uint64_t base = 0, slots = 0;
    uint32_t crc = 0;

    begin(&f, minor, seed, words);
    ck_assert_msg(rewrite(&f), "%s", f.diag.text);
    crc = layout_crc(f.bytes, f.size);
    room =
        aligned_alloc(HUGE_PAGE, (f.heap.bytes.size + shift + HUGE_PAGE) / HUGE_PAGE * HUGE_PAGE);
    at = room + shift;
    base = (uint64_t)at;
    memcpy(at, f.heap.bytes.at, f.heap.bytes.size);
    for (uint64_t i = 0; i < f.heap.bytes.size; i += 8)
        if (f.heap.slots.bitmap[i / 64] >> i / 8 % 8 & 1) {
            store_uint(at + i, 8, false, load_uint(at + i, 8, false) + base);
            slots++;
        }
    ck_assert_uint_eq(slots, f.heap.slots.count);
    ck_assert(f.heap.keeps_crc == (minor < 14));
    if (minor < 14) {
        crc_keep(at, f.heap.bytes.size, f.heap.slots.bitmap);
        ck_assert_uint_eq(layout_crc(at, f.heap.bytes.size), crc);
    }
    ck_assert(layout_restore(minor, f.bytes, f.size, base, &plain));
    ck_assert(layout_restore(minor, at, f.heap.bytes.size, base, &linked));
    ck_assert_uint_eq(linked.tag_count, plain.tag_count);
    ck_assert_uint_eq(linked.pointer_count, f.heap.left);
    ck_assert_uint_eq(linked.pointer_count + slots, plain.pointer_count);
    ck_assert_uint_lt(linked.pointer_count, plain.pointer_count / 2);
    ck_assert(linked.objects.size == plain.objects.size && linked.names.at == plain.names.at);
    ck_assert_mem_eq(at, f.bytes, plain.relocations.at - 8 - 7); /* up to the length */
    same_part(f.bytes, (struct layout_part){plain.tags, plain.pointers - plain.tags}, at,
              (struct layout_part){linked.tags, linked.pointers - linked.tags}, "tags");
    same_part(f.bytes,
              (struct layout_part){plain.memories,
                                   plain.relocations.at + plain.relocations.size - plain.memories},
              at,
              (struct layout_part){linked.memories, linked.relocations.at +
                                                        linked.relocations.size - linked.memories},
              "the lists behind");
    same_part(f.bytes, plain.globals, at, linked.globals, "globals");
    same_part(f.bytes, plain.functions, at, linked.functions, "functions");
    same_part(f.bytes, plain.tail, at, linked.tail, "tails");
    free(room);
    end(&f);
}

START_TEST(small_heaps)
{
    for (uint32_t seed = 0; seed < 40; seed++)
        restores_the_same(_i, seed, SMALL + seed, 0);
}
END_TEST

/* Of more than one piece of 2 MiB; at an address that no such piece starts at, too. */
START_TEST(large_heaps)
{
    restores_the_same(_i, 7, LARGE, 0);
    restores_the_same(_i, 7, LARGE, 4096);
}
END_TEST

/* What was rewritten is read again, and not rewritten twice. */
START_TEST(can_be_read_again)
{
    struct fixture f;
    struct fake_piece *data = NULL;
    uint64_t left = 0, sum = 0;

    begin(&f, _i, 3, SMALL);
    ck_assert(rewrite(&f));
    left = f.heap.left;
    data = find(&f.fake, "jl_system_image_data");
    data->bytes = realloc(data->bytes, f.heap.bytes.size);
    memcpy(data->bytes, f.heap.bytes.at, f.heap.bytes.size);
    data->count = data->size = f.heap.bytes.size;
    store_uint(find(&f.fake, "jl_system_image_size")->bytes, 8, false, data->count);
    ck_assert_msg(read_it(&f), "%s", f.diag.text);
    ck_assert_uint_eq(f.image.heap.part[JULIA_POINTERS].count, left);
    ck_assert_uint_eq(f.image.heap.part[JULIA_CRC].count, _i < 14 ? 2 : 0);
    sum = f.image.heap.length_words + f.image.heap.padding;
    for (int i = 0; i < JULIA_PARTS; i++)
        sum += f.image.heap.part[i].size;
    ck_assert_uint_eq(sum, data->count);
    ck_assert(rewrite(&f) == (_i >= 14));
    if (_i < 14)
        ck_assert_str_eq(f.diag.text, "jl_system_image_data: it is prelinked already");
    end(&f);
}
END_TEST

/* Cut at every length, which the symbols agree on: refused, with the place. */
START_TEST(cut_at_every_length)
{
    struct fixture f;
    struct fake_piece *data = NULL;

    begin(&f, _i, 5, 40);
    data = find(&f.fake, "jl_system_image_data");
    for (size_t n = f.size; n-- > 0;) {
        data->bytes = realloc(data->bytes, n ? n : 1);
        data->count = data->size = n;
        store_uint(find(&f.fake, "jl_system_image_size")->bytes, 8, false, n);
        /* Without its last list, one of 1.11 is one of 1.12. */
        if (_i == 11 && n == f.size - 32)
            continue;
        ck_assert_msg(!rewrite(&f), "%zu bytes were taken", n);
        ck_assert_int_eq(f.diag.status, E_FORMAT);
        ck_assert(strncmp(f.diag.text, "jl_system_image_data: ", 22) == 0);
    }
    end(&f);
}
END_TEST

/* Numbers that lie, one at a time. */
START_TEST(sizes_and_lists_that_lie)
{
    struct fixture f;
    struct layout_view view;
    uint8_t *data = NULL, *copy = NULL;

    begin(&f, _i, 5, SMALL);
    copy = malloc(f.size);
    memcpy(copy, f.bytes, f.size);
    ck_assert(layout_restore(_i, copy, f.size, 0, &view));
    free(copy);
    data = find(&f.fake, "jl_system_image_data")->bytes;
    const struct {
        size_t at;
        uint64_t value;
        unsigned size;
        const char *text;
    } cases[] = {
        {0, UINT64_MAX, 8, "objects: 0xffffffffffffffff bytes at 0x8 are not inside the heap"},
        {0, f.size, 8, "objects: 0x"},
        {0, 0x100, 8, ""},
        {view.tags, 0x7f, 1, "type tags to relocate: entry 0: no word among the objects: 0x7f"},
        {view.pointers, 1, 1, "pointers to relocate: entry 0: no word among the objects: 0x1"},
        {view.pointers, 0, 1, ""},
        {view.fixups, UINT64_MAX, 8, ""}, /* before 1.11 where lists could be that are not there */
        {view.fixups, 0, 8, ""},
        {view.globals.at + 8, UINT64_MAX, 8,
         "globals: entry 1: not a reference: 0xffffffffffffffff"},
        {view.globals.at + 8, UINT64_C(3) << 61 | 50, 8,
         "globals: entry 1: refers to a name that is not there"},
        {view.functions.at + 8, 3, 8, "functions: entry 1: no object can be there: 0x3"},
        {view.tail.at, UINT64_C(1) << 61 | 0xffffff, 8,
         "roots: entry 0: refers to what is not there"},
        {f.size - (_i <= 11 ? 44 : 12), 1, 4, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        store_uint(data + cases[i].at, cases[i].size, false, cases[i].value);
        ck_assert_msg(!rewrite(&f), "case %zu was taken", i);
        ck_assert_int_eq(f.diag.status, E_FORMAT);
        ck_assert(strncmp(f.diag.text, "jl_system_image_data: ", 22) == 0);
        ck_assert_msg(!strncmp(f.diag.text + 22, cases[i].text, strlen(cases[i].text)),
                      "case %zu: %s", i, f.diag.text);
        memcpy(data, f.bytes, f.size);
    }
    ck_assert_msg(rewrite(&f), "%s", f.diag.text);
    end(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("julia_layouts");
    TCase *c = tcase_create("julia_layouts");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, reads_every_byte, FIRST, END);
    tcase_add_loop_test(c, small_heaps, FIRST, END);
    tcase_add_loop_test(c, large_heaps, FIRST, END);
    tcase_add_loop_test(c, can_be_read_again, FIRST, END);
    tcase_add_loop_test(c, cut_at_every_length, FIRST, END);
    tcase_add_loop_test(c, sizes_and_lists_that_lie, FIRST, END);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
