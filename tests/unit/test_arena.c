/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_arena.c - memory that lives as long as one run. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static bool all_are(const uint8_t *p, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != value)
            return false;
    return true;
}

/* Sizes around what fits a block, and around what gets one of its own. */
static const uint64_t sizes[] = {0,     1,     7,     8,     15,    16,    17,     4095,
                                 16383, 16384, 16385, 65535, 65536, 65537, 1 << 20};

START_TEST(gives_zeroed_memory_that_does_not_overlap)
{
    struct arena a = {0};
    enum { ROUNDS = 20 };
    uint8_t *p[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        p[i] = arena_alloc(&a, 1, sizes[_i]);
        ck_assert_ptr_nonnull(p[i]);
        ck_assert_uint_eq((uintptr_t)p[i] % _Alignof(max_align_t), 0);
        ck_assert(all_are(p[i], sizes[_i], 0));
        memset(p[i], i + 1, sizes[_i]);
    }
    for (int i = 0; i < ROUNDS; i++)
        ck_assert(all_are(p[i], sizes[_i], (uint8_t)(i + 1)));
    arena_free(&a);
    ck_assert_ptr_null(a.blocks);
}
END_TEST

START_TEST(refuses_what_wraps)
{
    struct arena a = {0};

    ck_assert_ptr_null(arena_alloc(&a, UINT64_MAX, 2));
    ck_assert_ptr_null(arena_alloc(&a, 2, UINT64_MAX));
    ck_assert_ptr_null(arena_alloc(&a, UINT64_C(1) << 32, UINT64_C(1) << 32));
    ck_assert_ptr_null(arena_alloc(&a, 1, UINT64_MAX - 100));
    ck_assert_ptr_nonnull(arena_alloc(&a, UINT64_MAX, 0));
    ck_assert_ptr_nonnull(arena_alloc(&a, 1, 1));
    arena_free(&a);
}
END_TEST

START_TEST(copies_strings)
{
    struct arena a = {0};

    ck_assert_str_eq(arena_strndup(&a, "abcdef", 3), "abc");
    ck_assert_str_eq(arena_strndup(&a, "", 0), "");
    ck_assert_str_eq(arena_strdup(&a, "abc"), "abc");
    ck_assert_str_eq(arena_printf(&a, "%s-%d", "x", 17), "x-17");
    arena_free(&a);
}
END_TEST

START_TEST(grows_arrays)
{
    struct arena a = {0};
    void *array = NULL;
    uint64_t cap = 0;

    for (uint64_t i = 0; i < 10000; i++) {
        ck_assert(arena_grow(&a, &array, i, &cap, sizeof(uint64_t)));
        ck_assert_uint_gt(cap, i);
        ((uint64_t *)array)[i] = i * 3;
    }
    for (uint64_t i = 0; i < 10000; i++)
        ck_assert_uint_eq(((uint64_t *)array)[i], i * 3);
    arena_free(&a);
}
END_TEST

START_TEST(takes_over_blocks_of_another)
{
    struct arena a = {0}, b = {0};
    char *in_a = arena_strdup(&a, "of a"), *in_b = arena_strdup(&b, "of b");
    char *large = arena_alloc(&b, 1, 1 << 20);

    large[(1 << 20) - 1] = 'x';
    arena_join(&a, &b);
    ck_assert_ptr_null(b.blocks);
    arena_free(&b);
    ck_assert_str_eq(in_a, "of a");
    ck_assert_str_eq(in_b, "of b");
    ck_assert_int_eq(large[(1 << 20) - 1], 'x');
    ck_assert_ptr_nonnull(arena_alloc(&a, 1, 100));
    arena_join(&a, &b);
    arena_free(&a);
}
END_TEST

START_TEST(fails_when_told_to)
{
    struct arena a = {.fail_after = 2};

    ck_assert_ptr_nonnull(arena_alloc(&a, 1, 8));
    ck_assert_ptr_nonnull(arena_strdup(&a, "x"));
    ck_assert_ptr_null(arena_alloc(&a, 1, 8));
    ck_assert_ptr_null(arena_strdup(&a, "x"));
    ck_assert_ptr_null(arena_printf(&a, "x"));
    arena_free(&a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("arena");
    TCase *c = tcase_create("arena");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, gives_zeroed_memory_that_does_not_overlap, 0,
                        sizeof sizes / sizeof sizes[0]);
    tcase_add_test(c, refuses_what_wraps);
    tcase_add_test(c, copies_strings);
    tcase_add_test(c, grows_arrays);
    tcase_add_test(c, takes_over_blocks_of_another);
    tcase_add_test(c, fails_when_told_to);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
