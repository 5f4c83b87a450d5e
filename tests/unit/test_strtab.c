/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_strtab.c - string tables under construction. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/strtab.h"

START_TEST(starts_with_the_empty_string)
{
    struct strtab t = {0};

    ck_assert_uint_eq(strtab_add(&t, ""), 0);
    ck_assert_uint_eq(strtab_add(&t, "a"), 1);
    ck_assert_uint_eq(t.out.at[0], 0);
    strtab_free(&t);

    t = (struct strtab){0};
    ck_assert_uint_eq(strtab_add(&t, "a"), 1);
    ck_assert_uint_eq(strtab_add(&t, ""), 0);
    strtab_free(&t);
}
END_TEST

START_TEST(equal_strings_share)
{
    struct strtab t = {0};
    uint32_t abc = strtab_add(&t, "abc"), ab = strtab_addn(&t, "abc", 2);

    ck_assert_uint_ne(abc, ab);
    ck_assert_uint_eq(strtab_add(&t, "abc"), abc);
    ck_assert_uint_eq(strtab_addn(&t, "abcd", 3), abc);
    ck_assert_uint_eq(strtab_add(&t, "ab"), ab);
    ck_assert_uint_eq(t.out.size, 1 + 4 + 3);
    strtab_free(&t);
}
END_TEST

/* More strings than the first hash table has room for, some of them twice. */
START_TEST(many)
{
    enum { COUNT = 20000 };
    struct strtab t = {0};
    static uint32_t at[COUNT];
    char name[32];
    uint64_t size = 0;

    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "symbol_%x", i * 7919);
        at[i] = strtab_add(&t, name);
    }
    size = t.out.size;
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "symbol_%x", i * 7919);
        ck_assert_uint_eq(strtab_add(&t, name), at[i]);
        ck_assert_str_eq((const char *)t.out.at + at[i], name);
    }
    ck_assert_uint_eq(t.out.size, size);
    ck_assert(!t.out.bad);
    strtab_free(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("strtab");
    TCase *c = tcase_create("strtab");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(c, starts_with_the_empty_string);
    tcase_add_test(c, equal_strings_share);
    tcase_add_test(c, many);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
