/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_bytes.c - spans, cursors, and the buffer that grows. */

#include <check.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/bytes.h"

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const struct span all = {bytes, sizeof bytes};

static const struct {
    uint64_t off, len;
    bool ok;
} subs[] = {
    {0, 9, true},  {0, 0, true},           {9, 0, true},           {8, 1, true},
    {9, 1, false}, {10, 0, false},         {0, 10, false},         {1, UINT64_MAX, false},
    {8, 2, false}, {UINT64_MAX, 1, false}, {UINT64_MAX, 0, false}, {UINT64_MAX, UINT64_MAX, false},
};

START_TEST(span_sub_stays_inside)
{
    struct span out = {bytes, 99};

    ck_assert(span_sub(all, subs[_i].off, subs[_i].len, &out) == subs[_i].ok);
    ck_assert_uint_eq(out.size, subs[_i].ok ? subs[_i].len : 0);
    ck_assert(out.at == (out.size ? bytes + subs[_i].off : NULL));
}
END_TEST

START_TEST(values_in_both_orders)
{
    struct cursor c = {.in = all};
    struct cursor b = {.in = all, .big = true};

    ck_assert_uint_eq(cur_u8(&c), 1);
    ck_assert_uint_eq(cur_u16(&c), 0x0302);
    ck_assert_uint_eq(cur_u32(&c), 0x07060504);
    ck_assert_uint_eq(cur_u8(&b), 1);
    ck_assert_uint_eq(cur_u64(&b), UINT64_C(0x0203040506070809));
    ck_assert(!b.bad);
    b.pos = 0;
    ck_assert_uint_eq(cur_word(&b), 0x01020304);
    b.wide = true;
    b.pos = 1;
    ck_assert_uint_eq(cur_word(&b), UINT64_C(0x0203040506070809));
}
END_TEST

/* One read too many, and nothing can be read any more. */
START_TEST(first_failure_stays)
{
    struct cursor c = {.in = all, .pos = 8};

    ck_assert_uint_eq(cur_u16(&c), 0);
    ck_assert(c.bad);
    ck_assert_uint_eq(c.pos, 8);
    ck_assert_uint_eq(cur_u8(&c), 0);
    ck_assert_ptr_null(cur_take(&c, 1));
    ck_assert_ptr_null(cur_take(&c, 0));
    ck_assert(!cur_count(&c, 0, 1));
}
END_TEST

START_TEST(take_of_any_size)
{
    static const uint64_t sizes[] = {10, UINT64_MAX, UINT64_MAX - 8};
    struct cursor c = {.in = all, .pos = 0};

    ck_assert_ptr_null(cur_take(&c, 0));
    ck_assert(!c.bad);
    ck_assert_ptr_eq(cur_take(&c, 9), bytes);
    for (int i = 0; i < 3; i++) {
        c = (struct cursor){.in = all, .pos = 9};
        ck_assert_ptr_null(cur_take(&c, sizes[i]));
        ck_assert(c.bad);
    }
}
END_TEST

static const struct {
    uint64_t pos, count, entry;
    bool ok;
} counts[] = {
    {0, 9, 1, true},           {0, 10, 1, false},         {1, 8, 1, true},  {1, 9, 1, false},
    {0, 2, 4, true},           {0, 3, 4, false},          {9, 0, 24, true}, {9, 1, 24, false},
    {0, UINT64_MAX, 8, false}, {0, 1, UINT64_MAX, false},
};

START_TEST(count_agrees_only_with_what_fits)
{
    struct cursor c = {.in = all, .pos = counts[_i].pos};

    ck_assert(cur_count(&c, counts[_i].count, counts[_i].entry) == counts[_i].ok);
}
END_TEST

START_TEST(strings_end_inside)
{
    struct span s = {(const uint8_t *)"ab\0cd", 5};

    ck_assert_str_eq(span_str(s, 0), "ab");
    ck_assert_str_eq(span_str(s, 2), "");
    ck_assert_ptr_null(span_str(s, 3));
    ck_assert_ptr_null(span_str(s, 5));
    ck_assert_ptr_null(span_str(s, UINT64_MAX));
    ck_assert_ptr_null(span_str((struct span){0}, 0));
}
END_TEST

START_TEST(stored_values_come_back)
{
    uint8_t out[10];

    for (int big = 0; big < 2; big++)
        for (unsigned n = 1; n <= 8; n++) {
            uint64_t v =
                UINT64_C(0x8182838485868788) & (n == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * n) - 1);

            memset(out, 0x55, sizeof out);
            store_uint(out + 1, n, big, v);
            ck_assert_uint_eq(load_uint(out + 1, n, big), v);
            ck_assert_uint_eq(out[0], 0x55);
            ck_assert_uint_eq(out[n + 1], 0x55);
        }
    ck_assert_uint_eq(align_up(0, 8), 0);
    ck_assert_uint_eq(align_up(1, 8), 8);
    ck_assert_uint_eq(align_up(8, 8), 8);
}
END_TEST

START_TEST(buf_grows)
{
    struct buf b = {.big = true};

    buf_uint(&b, 0x0102, 2);
    buf_str(&b, "xy");
    buf_align(&b, 8);
    buf_printf(&b, "%d", 17);
    ck_assert_uint_eq(b.size, 10);
    ck_assert_mem_eq(b.at,
                     "\1\2xy\0\0\0\0"
                     "17",
                     10);
    for (int i = 0; i < 10000; i++)
        buf_uint(&b, 7, 8);
    ck_assert_uint_eq(b.size, 80010);
    ck_assert(!b.bad);
    ck_assert_ptr_null(buf_reserve(&b, UINT64_MAX / 2));
    ck_assert(b.bad);
    buf_str(&b, "nothing happens");
    ck_assert_uint_eq(b.size, 80010);
    buf_free(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bytes");
    TCase *c = tcase_create("bytes");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, span_sub_stays_inside, 0, sizeof subs / sizeof subs[0]);
    tcase_add_test(c, values_in_both_orders);
    tcase_add_test(c, first_failure_stays);
    tcase_add_test(c, take_of_any_size);
    tcase_add_loop_test(c, count_agrees_only_with_what_fits, 0, sizeof counts / sizeof counts[0]);
    tcase_add_test(c, strings_end_inside);
    tcase_add_test(c, stored_values_come_back);
    tcase_add_test(c, buf_grows);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
