/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_julia_prelink.c - the rewriter of Julia's heap, on heaps made here.  What each word must
 * be is worked out by hand from how they are made (tests/support/julia_image.c); real heaps are in
 * tests/e2e/julia-prelink.sh. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "heap/julia_prelink.h"
#include "heap/object.h"
#include "tests/support/julia_image.h"

/* A heap of 64-bit words, little-endian, read and rewritten. */
struct fixture {
    struct fake fake;
    struct arena arena;
    struct diag diag;
    struct julia_image image;
    struct julia_prelink heap;
};

static struct fake_piece *data_of(struct fixture *f)
{
    return find(&f->fake, "jl_system_image_data");
}

static void begin(struct fixture *f, unsigned tag_bit)
{
    *f = (struct fixture){0};
    make_fake(&f->fake, false, true, tag_bit);
}

static bool read_image(struct fixture *f)
{
    struct julia_input in = {fake_lookup, &f->fake, false, true, NULL};

    return julia_read(&f->diag, &f->arena, &in, &f->image);
}

static bool rewrite(struct fixture *f)
{
    struct span bytes = {data_of(f)->bytes, data_of(f)->count};

    return read_image(f) && julia_prelink(&f->diag, &f->arena, &f->image, bytes, &f->heap);
}

static void end(struct fixture *f)
{
    arena_free(&f->arena);
    free_fake(&f->fake);
}

static uint64_t word(const struct fixture *f, uint64_t at)
{
    return load_uint(f->heap.bytes.at + at, 8, false);
}

static uint64_t entry(const struct fixture *f, uint64_t at)
{
    return load_uint(f->heap.bytes.at + at, 4, false);
}

/* The words of the made heap: 16 refers to the constants' second word (they begin at 80), 64 to
   the object at 16; between them the four that only Julia can relocate.  The lists begin at 127:
   two tags and their end, six pointers and theirs. */
START_TEST(pointers_become_slots)
{
    static const unsigned tag_bits[] = {28, 29};
    const unsigned tag_bit = tag_bits[_i];
    struct fixture f;
    uint64_t lists = 127, old_size = 0;

    begin(&f, tag_bit);
    old_size = data_of(&f)->count;
    ck_assert_msg(rewrite(&f), "%s", f.diag.text);
    ck_assert_uint_eq(word(&f, 16), 80 + 8);
    ck_assert_uint_eq(word(&f, 64), 16);
    ck_assert_uint_eq(word(&f, 8), 32); /* a tag stays a reference */
    ck_assert_uint_eq(word(&f, 24), (uint64_t)JULIA_REF_BINDING << tag_bit);
    ck_assert_uint_eq(word(&f, 32), ((uint64_t)JULIA_REF_NAME << tag_bit) + 1);
    ck_assert_uint_eq(word(&f, 40), ((uint64_t)JULIA_REF_TAG << tag_bit) + 2305);
    ck_assert_uint_eq(word(&f, 48), ((uint64_t)JULIA_REF_FUNCTION << tag_bit) + 2);
    ck_assert_uint_eq(word(&f, 56), ((uint64_t)JULIA_REF_BUILTIN << tag_bit) + 9);

    ck_assert_uint_eq(f.heap.slots.count, 2);
    ck_assert_uint_eq(f.heap.slots.bitmap[0], 1 << 2);
    ck_assert_uint_eq(f.heap.slots.bitmap[1], 1 << 0);
    for (uint64_t i = 2; i < f.heap.slots.bitmap_size; i++)
        ck_assert_uint_eq(f.heap.slots.bitmap[i], 0);
    ck_assert_uint_eq(f.heap.slots.bitmap_size, (old_size - 8 + 63) / 64);
    ck_assert_uint_eq(f.heap.written, 72);

    /* Two entries less of 4 bytes; the rest of the heap moved up as it was. */
    ck_assert_uint_eq(f.heap.left, 4);
    ck_assert_uint_eq(entry(&f, lists - 4), 4 * 8);
    static const uint32_t left[] = {8, 24, 0, 32, 40, 48, 56, 0};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        ck_assert_uint_eq(entry(&f, lists + 4 * i), left[i]);
    ck_assert_uint_eq(f.heap.bytes.size, old_size - 8);
    ck_assert_mem_eq(f.heap.bytes.at + lists + 32, data_of(&f)->bytes + lists + 40,
                     old_size - lists - 40);
    end(&f);
}
END_TEST

/* Julia's own rules still hold: the reader finds every byte accounted for. */
START_TEST(can_be_read_again)
{
    struct fixture f;
    struct fake_piece *p = NULL;

    begin(&f, 29);
    ck_assert(rewrite(&f));
    p = data_of(&f);
    memcpy(p->bytes, f.heap.bytes.at, f.heap.bytes.size);
    p->count = p->size = f.heap.bytes.size;
    store_uint(find(&f.fake, "jl_system_image_size")->bytes, 8, false, p->count);
    ck_assert_msg(read_image(&f), "%s", f.diag.text);
    ck_assert(f.image.has_heap);
    ck_assert_uint_eq(f.image.heap.part[JULIA_TAGS].count, 2);
    ck_assert_uint_eq(f.image.heap.part[JULIA_POINTERS].count, 4);
    ck_assert_uint_eq(f.image.heap.pointers[JULIA_REF_OBJECT], 0);
    ck_assert_uint_eq(f.image.heap.world, 27813);
    /* Nothing is left that could be done again. */
    ck_assert(rewrite(&f));
    ck_assert_uint_eq(f.heap.slots.count, 0);
    ck_assert_uint_eq(f.heap.bytes.size, p->count);
    ck_assert_mem_eq(f.heap.bytes.at, p->bytes, p->count);
    end(&f);
}
END_TEST

/* A word that two entries name would be relocated as what it was relocated to. */
START_TEST(no_word_twice)
{
    static const struct {
        unsigned at;
        uint32_t value;
        const char *text;
    } cases[] = {
        {127 + 4, 8, "type tags to relocate: entry 1: the word at 0x8"},
        {127 + 12, 8, "pointers to relocate: entry 0: the word at 0x8"},
        {127 + 28, 16, "pointers to relocate: entry 4: the word at 0x10"},
        {127 + 20, 32, "pointers to relocate: entry 2: the word at 0x20"},
    };
    struct fixture f;
    char text[128];

    begin(&f, 29);
    store_uint(data_of(&f)->bytes + cases[_i].at, 4, false, cases[_i].value);
    snprintf(text, sizeof text, "jl_system_image_data: %s is relocated twice", cases[_i].text);
    ck_assert(!rewrite(&f));
    ck_assert_int_eq(f.diag.status, E_FORMAT);
    ck_assert_str_eq(f.diag.text, text);
    end(&f);
}
END_TEST

START_TEST(an_object_of_it)
{
    struct fixture f;
    struct object o;

    begin(&f, 29);
    ck_assert(rewrite(&f));
    ck_assert(julia_heap_object(&f.diag, &f.arena, "it", &f.image, &f.heap, &o));
    ck_assert_str_eq(o.name, "it");
    ck_assert_str_eq(o.heap->runtime, "julia");
    ck_assert_str_eq(o.heap->version, "1.5");
    ck_assert_uint_eq(o.heap->written, 2 << 20); /* a whole huge page */
    ck_assert_uint_eq(o.sections[heap_section(0)].size, f.heap.bytes.size);
    ck_assert_uint_eq(o.sections[heap_section(0)].slots->count, 2);
    ck_assert(o.sections[heap_section(0)].flags & SEC_WRITE);
    const struct symbol *s = &o.symbols[heap_root_symbol(o.heap, 0)];
    ck_assert_str_eq(s->name, "jl_system_image_data");
    ck_assert(s->value == 0 && s->size == f.heap.bytes.size && s->kind == KIND_OBJECT);
    end(&f);
}
END_TEST

START_TEST(memory_runs_out)
{
    struct fixture f;
    struct object o;
    uint64_t n = 1;
    bool ok = false;

    for (; !ok && n < 100; n++) {
        struct arena a = {.fail_after = n};
        struct diag d = {0};

        begin(&f, 29);
        ck_assert(read_image(&f));
        ok = julia_prelink(&d, &a, &f.image, (struct span){data_of(&f)->bytes, data_of(&f)->count},
                           &f.heap) &&
             julia_heap_object(&d, &a, "it", &f.image, &f.heap, &o);
        ck_assert(ok || d.status == E_NOMEM);
        arena_free(&a);
        end(&f);
    }
    ck_assert(ok);
    ck_assert_uint_gt(n, 3);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("julia_prelink");
    TCase *c = tcase_create("julia_prelink");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, pointers_become_slots, 0, 2);
    tcase_add_test(c, can_be_read_again);
    tcase_add_loop_test(c, no_word_twice, 0, 4);
    tcase_add_test(c, an_object_of_it);
    tcase_add_test(c, memory_runs_out);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
