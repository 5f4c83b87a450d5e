/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_report.c - what the tool prints: escaped names, grouped numbers,
 * tables, and JSON that a JSON reader takes. */

#include <check.h>
#include <jansson.h>
#include <stdlib.h>

#include "objtool/report.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const struct {
    const char *bytes;
    size_t len;
    const char *text; /* on a terminal */
    const char *json; /* the JSON string's value */
} names[] = {
    {"plain_name", 10, "plain_name", "plain_name"},
    {"", 0, "", ""},
    {"a\033[31mb", 7, "a\\x1b[31mb", "a\033[31mb"},
    {"a\nb\r\t", 5, "a\\x0ab\\x0d\\x09", "a\nb\r\t"},
    {"\x7f", 1, "\\x7f", "\x7f"},
    {"back\\x41", 8, "back\\x5cx41", "back\\x5cx41"},
    {"na\xc3\xafve", 6, "na\xc3\xafve", "na\xc3\xafve"},
    {"\xe2\x88\x9a\xf0\x9d\x94\xb8", 7, "\xe2\x88\x9a\xf0\x9d\x94\xb8",
     "\xe2\x88\x9a\xf0\x9d\x94\xb8"},
    {"\xc2\x9b"
     "31m",
     5, "\\xc2\\x9b31m",
     "\xc2\x9b"
     "31m"},                                                /* CSI as one character */
    {"\xe2\x80\xae", 3, "\\xe2\\x80\\xae", "\xe2\x80\xae"}, /* right to left */
    {"\xff\xfe", 2, "\\xff\\xfe", "\\xff\\xfe"},
    {"\xc0\x80", 2, "\\xc0\\x80", "\\xc0\\x80"},                             /* overlong */
    {"\xed\xa0\x80", 3, "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"},               /* a surrogate */
    {"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80"}, /* too large */
    {"x\xe2\x88", 3, "x\\xe2\\x88", "x\\xe2\\x88"},                          /* cut off */
    {"a\0b", 3, "a\\x00b", NULL},
};

/* BUF as a string, which lives until the next call. */
static const char *text_of(struct buf *b)
{
    static char text[4096];

    ck_assert(!b->bad && b->size < sizeof text);
    if (b->size > 0)
        memcpy(text, b->at, b->size);
    text[b->size] = 0;
    buf_free(b);
    return text;
}

START_TEST(names_are_harmless_on_a_terminal)
{
    struct buf out = {0};

    term_name(&out, names[_i].bytes, names[_i].len);
    ck_assert_str_eq(text_of(&out), names[_i].text);
}
END_TEST

START_TEST(names_are_kept_in_json)
{
    struct json j = {0};
    json_t *doc = NULL;

    json_open(&j, NULL, '[');
    json_text(&j, NULL, names[_i].bytes, names[_i].len);
    json_close(&j);
    ck_assert(json_done(&j));
    for (uint64_t i = 0; i < j.out.size; i++)
        ck_assert_uint_lt(j.out.at[i], 0x80);
    doc = json_loadb((const char *)j.out.at, j.out.size, JSON_ALLOW_NUL, NULL);
    ck_assert_ptr_nonnull(doc);
    if (names[_i].json)
        ck_assert_str_eq(json_string_value(json_array_get(doc, 0)), names[_i].json);
    json_decref(doc);
    json_free(&j);
}
END_TEST

START_TEST(digits_come_in_groups)
{
    static const struct {
        uint64_t v;
        const char *text;
    } cases[] = {{0, "0"},
                 {999, "999"},
                 {1000, "1,000"},
                 {1234567, "1,234,567"},
                 {UINT64_MAX, "18,446,744,073,709,551,615"}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out = {0};

        term_count(&out, cases[i].v);
        ck_assert_str_eq(text_of(&out), cases[i].text);
    }
}
END_TEST

START_TEST(numbers_that_lose_digits_are_strings)
{
    struct json j = {0};

    json_open(&j, NULL, '[');
    json_num(&j, NULL, (UINT64_C(1) << 53) - 1);
    json_num(&j, NULL, UINT64_C(1) << 53);
    json_num(&j, NULL, UINT64_MAX);
    json_int(&j, NULL, INT64_MIN);
    json_close(&j);
    ck_assert(json_done(&j));
    ck_assert_str_eq(text_of(&j.out), "[\n9007199254740991,\n\"0x20000000000000\",\n"
                                      "\"0xffffffffffffffff\",\n-9223372036854775808]");
}
END_TEST

START_TEST(an_open_bracket_is_not_done)
{
    struct json j = {0};

    json_open(&j, NULL, '{');
    ck_assert(!json_done(&j));
    json_close(&j);
    ck_assert(json_done(&j));
    json_close(&j);
    ck_assert(!json_done(&j));
    json_free(&j);
    for (int i = 0; i < JSON_DEPTH + 3; i++)
        json_open(&j, NULL, '[');
    for (int i = 0; i < JSON_DEPTH + 3; i++)
        json_close(&j);
    ck_assert(!json_done(&j));
    json_free(&j);
}
END_TEST

static void tell(struct report *r)
{
    static const struct column columns[] = {
        {"n", "#", 3, true}, {"what", "what", 6, false}, {"name", "name", 0, false}};

    rep_open(r, NULL, '{');
    rep_heading(r, "file\n", "a file");
    rep_num(r, "size", "size", 1234);
    rep_str(r, "hidden", NULL, "json only");
    rep_str(r, NULL, "shown", "text only");
    rep_table(r, "rows", "rows", columns, COUNT(columns));
    rep_row(r);
    rep_cell_num(r, 1);
    rep_cell(r, "a");
    rep_cell(r, "x\033");
    rep_row(r);
    rep_cell_hex(r, 4095);
    rep_cell(r, NULL);
    rep_cell(r, NULL);
    rep_table_end(r);
    rep_close(r);
}

START_TEST(one_telling_two_renderings)
{
    struct report text = {0}, json = {.as_json = true}, coloured = {.colours = true};

    tell(&text);
    ck_assert_str_eq(text_of(&text.text), "file\\x0a: a file\n"
                                          "  size           1,234\n"
                                          "  shown          text only\n"
                                          "\nrows\n"
                                          "    #  what    name\n"
                                          "    1  a       x\\x1b\n"
                                          "  0xfff\n");
    tell(&json);
    ck_assert(json_done(&json.json));
    ck_assert_str_eq(text_of(&json.json.out),
                     "{\n\"size\":1234,\n\"hidden\":\"json only\",\n\"rows\":[\n"
                     "{\"n\":1,\"what\":\"a\",\"name\":\"x\\u001B\"},\n"
                     "{\"n\":\"0xfff\"}]}");
    tell(&coloured);
    ck_assert_ptr_nonnull(strstr(text_of(&coloured.text), "\033[1mrows\033[0m"));
    rep_free(&text);
    rep_free(&json);
    rep_free(&coloured);
}
END_TEST

START_TEST(colours_only_where_they_are_wanted) { ck_assert(!term_colours(-1)); /* no terminal */ }
END_TEST

int main(void)
{
    Suite *s = suite_create("report");
    TCase *t = tcase_create("report");
    SRunner *r = srunner_create(s);
    int failed = 0;

    tcase_add_loop_test(t, names_are_harmless_on_a_terminal, 0, COUNT(names));
    tcase_add_loop_test(t, names_are_kept_in_json, 0, COUNT(names));
    tcase_add_test(t, digits_come_in_groups);
    tcase_add_test(t, numbers_that_lose_digits_are_strings);
    tcase_add_test(t, an_open_bracket_is_not_done);
    tcase_add_test(t, one_telling_two_renderings);
    tcase_add_test(t, colours_only_where_they_are_wanted);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
