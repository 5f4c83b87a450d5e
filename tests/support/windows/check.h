/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.h - of Check, what the unit tests of the loader use, for Windows, where
 * there is no fork(): each test is run in a process of its own, too. */

#ifndef SUPPORT_WINDOWS_CHECK_H
#define SUPPORT_WINDOWS_CHECK_H

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

typedef struct suite Suite;
typedef struct tcase TCase;
typedef struct srunner SRunner;
enum { CK_ENV, CK_NORMAL };

Suite *suite_create(const char *name);
TCase *tcase_create(const char *name);
void suite_add_tcase(Suite *s, TCase *t);
void tcase_add_checked_fixture(TCase *t, void (*setup)(void), void (*teardown)(void));
void tcase_set_timeout(TCase *t, double seconds);
void check_add(TCase *t, const char *name, void (*run)(int), int from, int to);
#define tcase_add_test(T, RUN) check_add(T, #RUN, RUN, 0, 1)
#define tcase_add_loop_test(T, RUN, FROM, TO) check_add(T, #RUN, RUN, FROM, (int)(TO))

SRunner *srunner_create(Suite *s);
void srunner_run_all(SRunner *r, int mode);
int srunner_ntests_failed(SRunner *r);
void srunner_free(SRunner *r);

#define START_TEST(NAME) static void NAME(int _i __attribute__((unused)))
#define END_TEST

/* Ends the test. */
void check_failed(const char *file, int line, const char *fmt, ...)
    __attribute__((format(gnu_printf, 3, 4), noreturn));

#define ck_abort_msg(...) check_failed(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert_msg(EXPR, ...) ((EXPR) ? (void)0 : ck_abort_msg(__VA_ARGS__))
#define ck_assert(EXPR) ck_assert_msg(EXPR, "%s", #EXPR)

#define CHECK_VALUES(TYPE, PRI, A, OP, B)                                                          \
    do {                                                                                           \
        TYPE check_a = (TYPE)(A), check_b = (TYPE)(B);                                             \
        ck_assert_msg(check_a OP check_b, "%s is %" PRI ", not " #OP " %" PRI " (%s)", #A, check_a, \
                      check_b, #B);                                                                \
    } while (0)
#define ck_assert_int_eq(A, B) CHECK_VALUES(intmax_t, PRIdMAX, A, ==, B)
#define ck_assert_int_ne(A, B) CHECK_VALUES(intmax_t, PRIdMAX, A, !=, B)
#define ck_assert_int_ge(A, B) CHECK_VALUES(intmax_t, PRIdMAX, A, >=, B)
#define ck_assert_int_gt(A, B) CHECK_VALUES(intmax_t, PRIdMAX, A, >, B)
#define ck_assert_uint_eq(A, B) CHECK_VALUES(uintmax_t, PRIuMAX, A, ==, B)
#define ck_assert_uint_ge(A, B) CHECK_VALUES(uintmax_t, PRIuMAX, A, >=, B)
#define ck_assert_uint_gt(A, B) CHECK_VALUES(uintmax_t, PRIuMAX, A, >, B)
#define ck_assert_uint_lt(A, B) CHECK_VALUES(uintmax_t, PRIuMAX, A, <, B)
#define ck_assert_ptr_eq(A, B) CHECK_VALUES(uintptr_t, PRIxPTR, A, ==, B)
#define ck_assert_ptr_ne(A, B) CHECK_VALUES(uintptr_t, PRIxPTR, A, !=, B)
#define ck_assert_ptr_null(A) CHECK_VALUES(uintptr_t, PRIxPTR, A, ==, NULL)
#define ck_assert_ptr_nonnull(A) CHECK_VALUES(uintptr_t, PRIxPTR, A, !=, NULL)
#define ck_assert_str_eq(A, B)                                                                     \
    do {                                                                                           \
        const char *check_a = (A), *check_b = (B);                                                 \
        ck_assert_msg(check_a && check_b && strcmp(check_a, check_b) == 0, "%s is \"%s\", not \"%s\"", \
                      #A, check_a ? check_a : "(null)", check_b ? check_b : "(null)");             \
    } while (0)
#define ck_assert_mem_eq(A, B, SIZE)                                                               \
    ck_assert_msg(memcmp(A, B, SIZE) == 0, "%s and %s differ", #A, #B)

#endif
