/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_archive.c - archives of every dialect, made here byte by byte; then
 * cut at every length, with every byte changed, and broken one by one. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "obj/archive.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* A header with the name field NAME, and SIZE bytes claimed. */
static void put_header(struct buf *b, const char *name, uint64_t size)
{
    buf_printf(b, "%-16s%-12s%-6s%-6s%-8s%-10llu`\n", name, "0", "0", "0", "644",
               (unsigned long long)size);
}

static void put_member(struct buf *b, const char *name, const void *data, uint64_t size)
{
    put_header(b, name, size);
    buf_bytes(b, data, size);
    if (size % 2)
        buf_bytes(b, "\n", 1);
}

/* The name in front of the contents, padded to 4 bytes. */
static void put_bsd_member(struct buf *b, const char *name, const void *data, uint64_t size)
{
    char field[17];
    uint64_t len = align_up(strlen(name), 4);
    char padded[64] = "";

    snprintf(field, sizeof field, "#1/%u", (unsigned)len);
    memcpy(padded, name, strlen(name));
    put_header(b, field, len + size);
    buf_bytes(b, padded, len);
    buf_bytes(b, data, size);
    if (size % 2)
        buf_bytes(b, "\n", 1);
}

/* An index with the entries {"one" -> OFFSETS[0], "two" -> OFFSETS[1]}. */
static struct span gnu_index(struct buf *b, unsigned word, const uint64_t *offsets)
{
    b->big = true;
    buf_uint(b, 2, word);
    buf_uint(b, offsets[0], word);
    buf_uint(b, offsets[1], word);
    buf_str(b, "one");
    buf_str(b, "two");
    return buf_span(b);
}

static struct span bsd_index(struct buf *b, unsigned word, bool big, const uint64_t *offsets)
{
    b->big = big;
    buf_uint(b, 4 * word, word);
    buf_uint(b, 0, word);
    buf_uint(b, offsets[0], word);
    buf_uint(b, 4, word);
    buf_uint(b, offsets[1], word);
    buf_uint(b, 8, word);
    buf_str(b, "one");
    buf_str(b, "two");
    return buf_span(b);
}

enum dialect { GNU, GNU64, BSD, BSD_SORTED_BIG, BSD64, DIALECTS };

static const char long_names[] = "a_name_of_more_than_16.o/\n";

/* A sound archive with an index and two members: "a.o" (3 bytes) and one
   with a long name (4). */
static void make(struct buf *b, enum dialect dialect, const uint64_t *offsets, uint64_t *at)
{
    struct buf index = {0};
    struct span i = {0};

    buf_printf(b, "!<arch>\n");
    switch (dialect) {
    case GNU:
    case GNU64:
        i = gnu_index(&index, dialect == GNU ? 4 : 8, offsets);
        put_member(b, dialect == GNU ? "/" : "/SYM64/", i.at, i.size);
        put_member(b, "//", long_names, strlen(long_names));
        at[0] = b->size;
        put_member(b, "a.o/", "abc", 3);
        at[1] = b->size;
        put_member(b, "/0", "defg", 4);
        break;
    case BSD:
    case BSD_SORTED_BIG:
        i = bsd_index(&index, 4, dialect == BSD_SORTED_BIG, offsets);
        if (dialect == BSD)
            put_member(b, "__.SYMDEF", i.at, i.size);
        else
            put_bsd_member(b, "__.SYMDEF SORTED", i.at, i.size);
        at[0] = b->size;
        put_member(b, "a.o", "abc", 3);
        at[1] = b->size;
        put_bsd_member(b, "a_name_of_more_than_16.o", "defg", 4);
        break;
    case BSD64:
        i = bsd_index(&index, 8, false, offsets);
        put_bsd_member(b, "__.SYMDEF_64", i.at, i.size);
        at[0] = b->size;
        put_bsd_member(b, "a.o", "abc", 3);
        at[1] = b->size;
        put_bsd_member(b, "a_name_of_more_than_16.o", "defg", 4);
        break;
    case DIALECTS:
        break;
    }
    buf_free(&index);
}

/* The same with an index that is right. */
static void make_sound(struct buf *b, enum dialect dialect, uint64_t *at)
{
    struct buf first = {0};
    uint64_t none[2] = {0};

    make(&first, dialect, none, at);
    buf_free(&first);
    make(b, dialect, at, at);
}

/* Read a copy of the SIZE bytes at P in a block of that very size, look at
   all that was accepted, and free the copy. */
static bool reads(const uint8_t *p, uint64_t size, struct diag *d)
{
    struct arena a = {0};
    struct archive ar;
    uint8_t *copy = malloc(size ? size : 1);
    uint64_t sum = 0;
    bool ok;

    ck_assert_ptr_nonnull(copy);
    if (size)
        memcpy(copy, p, size);
    *d = (struct diag){0};
    ok = archive_read(d, &a, (struct span){copy, size}, &ar);
    ck_assert(ok == (d->status == OK));
    ck_assert(ok || d->text[0]);
    for (uint32_t i = 0; i < ar.member_count; i++) {
        sum += strlen(ar.members[i].name);
        for (uint64_t k = 0; k < ar.members[i].data.size; k++)
            sum += ar.members[i].data.at[k];
    }
    for (uint64_t i = 0; i < ar.symbol_count; i++) {
        sum += strlen(ar.symbols[i].name);
        ck_assert_uint_lt(ar.symbols[i].member, ar.member_count);
    }
    ck_assert_uint_lt(sum, UINT64_MAX);
    arena_free(&a);
    free(copy);
    return ok;
}

START_TEST(reads_every_dialect)
{
    struct buf b = {0};
    struct diag d = {0};
    struct arena a = {0};
    struct archive ar;
    uint64_t at[2];

    make_sound(&b, (enum dialect)_i, at);
    ck_assert_msg(archive_read(&d, &a, buf_span(&b), &ar), "%s", d.text);
    ck_assert(!ar.thin && ar.has_index);
    ck_assert_uint_eq(ar.member_count, 2);
    ck_assert_str_eq(ar.members[0].name, "a.o");
    ck_assert_uint_eq(ar.members[0].offset, at[0]);
    ck_assert_uint_eq(ar.members[0].size, 3);
    ck_assert_mem_eq(ar.members[0].data.at, "abc", 3);
    ck_assert_str_eq(ar.members[1].name, "a_name_of_more_than_16.o");
    ck_assert_uint_eq(ar.members[1].offset, at[1]);
    ck_assert_uint_eq(ar.members[1].data.size, 4);
    ck_assert_mem_eq(ar.members[1].data.at, "defg", 4);
    ck_assert_uint_eq(ar.symbol_count, 2);
    ck_assert_str_eq(ar.symbols[0].name, "one");
    ck_assert_uint_eq(ar.symbols[0].member, 0);
    ck_assert_str_eq(ar.symbols[1].name, "two");
    ck_assert_uint_eq(ar.symbols[1].member, 1);
    arena_free(&a);
    buf_free(&b);
}
END_TEST

START_TEST(cut_at_every_length)
{
    struct buf b = {0};
    struct diag d;
    uint64_t at[2], n = 0;

    make_sound(&b, (enum dialect)_i, at);
    for (uint64_t size = 0; size < b.size; size++) {
        /* A member that ends the archive needs no padding, and an archive
           may end behind any member; but then the index is wrong. */
        if (reads(b.at, size, &d))
            n++;
        else
            ck_assert_int_eq(d.status, size < 8 ? E_UNKNOWN : E_FORMAT);
    }
    ck_assert_uint_le(n, 1);
    ck_assert(reads(b.at, b.size, &d));
    buf_free(&b);
}
END_TEST

START_TEST(any_byte_changed)
{
    static const uint8_t values[] = {0, 1, ' ', '/', '0', '9', '\n', '`', '#', ':', 0x7f, 0xff};
    struct buf b = {0};
    struct diag d;
    uint64_t at[2];

    make_sound(&b, (enum dialect)_i, at);
    for (uint64_t i = 0; i < b.size; i++) {
        uint8_t was = b.at[i];

        for (size_t k = 0; k < COUNT(values); k++) {
            b.at[i] = values[k];
            reads(b.at, b.size, &d);
        }
        b.at[i] = was;
    }
    buf_free(&b);
}
END_TEST

START_TEST(memory_runs_out)
{
    struct buf b = {0};
    uint64_t at[2], n = 0;
    bool ok = false;

    make_sound(&b, (enum dialect)_i, at);
    while (!ok) {
        struct arena a = {.fail_after = ++n};
        struct diag d = {0};
        struct archive ar;

        ok = archive_read(&d, &a, buf_span(&b), &ar);
        ck_assert_int_eq(d.status, ok ? OK : E_NOMEM);
        arena_free(&a);
        ck_assert_uint_lt(n, 100);
    }
    ck_assert_uint_gt(n, 3);
    buf_free(&b);
}
END_TEST

START_TEST(thin_archives)
{
    struct buf b = {0};
    struct diag d = {0};
    struct arena a = {0};
    struct archive ar;
    const char names[] = "dir/a.o/\nin ner.a/\n";

    buf_printf(&b, "!<thin>\n");
    put_member(&b, "//", names, strlen(names));
    put_header(&b, "/0", 1000);
    put_header(&b, "/9:1328", 2000000000);
    put_header(&b, "b.o/", 7);
    ck_assert_msg(archive_read(&d, &a, buf_span(&b), &ar), "%s", d.text);
    ck_assert(ar.thin && !ar.has_index);
    ck_assert_uint_eq(ar.member_count, 3);
    ck_assert_str_eq(ar.members[0].name, "dir/a.o");
    ck_assert_uint_eq(ar.members[0].size, 1000);
    ck_assert_uint_eq(ar.members[0].data.size, 0);
    ck_assert_uint_eq(ar.members[0].nested, 0);
    ck_assert_str_eq(ar.members[1].name, "in ner.a");
    ck_assert_uint_eq(ar.members[1].nested, 1328);
    ck_assert_str_eq(ar.members[2].name, "b.o");
    arena_free(&a);
    buf_free(&b);
}
END_TEST

START_TEST(small_and_odd_ones)
{
    struct buf b = {0};
    struct diag d = {0};
    struct arena a = {0};
    struct archive ar;

    buf_printf(&b, "!<arch>\n");
    ck_assert(archive_read(&d, &a, buf_span(&b), &ar));
    ck_assert_uint_eq(ar.member_count, 0);
    ck_assert(!ar.has_index);

    /* The same name twice, blanks in a name, no contents, no padding at the
       end, an index of COFF (a second "/") and one of a kind unknown. */
    put_member(&b, "/", "\0\0\0\0", 4);
    put_member(&b, "/", "x", 1);
    put_member(&b, "/<ECSYMBOLS>/", "xyz", 3);
    put_member(&b, "a.o/", "1", 1);
    put_member(&b, "a b.o/", "", 0);
    put_header(&b, "a.o/", 3);
    buf_bytes(&b, "234", 3);
    ck_assert_msg(archive_read(&d, &a, buf_span(&b), &ar), "%s", d.text);
    ck_assert_uint_eq(ar.member_count, 3);
    ck_assert(ar.has_index);
    ck_assert_uint_eq(ar.symbol_count, 0);
    ck_assert_str_eq(ar.members[0].name, "a.o");
    ck_assert_str_eq(ar.members[1].name, "a b.o");
    ck_assert_str_eq(ar.members[2].name, "a.o");
    ck_assert_mem_eq(ar.members[2].data.at, "234", 3);
    arena_free(&a);
    buf_free(&b);
}
END_TEST

START_TEST(members_of_nested_archives)
{
    struct buf b = {0};
    struct diag d = {0};
    struct span data;
    uint64_t at[2];

    make_sound(&b, (enum dialect)_i, at);
    ck_assert(archive_member_at(&d, buf_span(&b), at[0], &data));
    ck_assert_uint_eq(data.size, 3);
    ck_assert_mem_eq(data.at, "abc", 3);
    ck_assert(archive_member_at(&d, buf_span(&b), at[1], &data));
    ck_assert_uint_eq(data.size, 4);
    ck_assert_mem_eq(data.at, "defg", 4);
    for (uint64_t i = 0; i < b.size + 100; i++) {
        struct diag quiet = {0};

        if (!archive_member_at(&quiet, buf_span(&b), i, &data))
            ck_assert_int_eq(quiet.status, E_FORMAT);
    }
    ck_assert(!archive_member_at(&d, buf_span(&b), UINT64_MAX, &data));
    buf_free(&b);
}
END_TEST

/* One header, and what stands behind it. */
static const struct {
    const char *name, *size; /* fields of the only header */
    const char *data;
    bool thin;
    const char *error;
} wrong[] = {
    {"a.o/", "5", "1234", false,
     "header at 0x8: contents (0x5 bytes) end past the end of the file"},
    {"a.o/", "9999999999", "", false, "contents (0x2540be3ff bytes) end past"},
    {"a.o/", "", "", false, "header at 0x8: the size is not a decimal number"},
    {"a.o/", "-1", "", false, "the size is not a decimal number"},
    {"a.o/", "4 4", "1234", false, "the size is not a decimal number"},
    {"a.o/", "0x4", "1234", false, "the size is not a decimal number"},
    {"/0", "4", "1234", false, "header at 0x8: a long name, but there was no name table"},
    {"/x", "4", "1234", false, "header at 0x8: unknown special name"},
    {"/0:4", "4", "1234", false, "header at 0x8: more than a number in the name"},
    {"/0:", "4", "", true, "header at 0x8: no offset after the ':'"},
    {"/0:4x", "4", "", true, "header at 0x8: more than a number in the name"},
    {"/99999999999999", "4", "1234", false, "a long name, but there was no name table"},
    {"#1/5", "4", "1234", false, "header at 0x8: a name of 5 bytes in a member of 4"},
    {"#1/", "4", "1234", false, "header at 0x8: bad BSD name"},
    {"#1/4", "4", "", true, "header at 0x8: bad BSD name"},
    {"/", "3", "123 ", false, "symbol index: 0 entries do not fit its 0x3 bytes"},
    {"/", "4", "\1\1\1\1", false, "symbol index: 16843009 entries do not fit its 0x4 bytes"},
    {"__.SYMDEF", "4", "1234", false, "symbol index: its tables do not fit its 0x4 bytes"},
    {"//", "4", "abcd!<arch>\n", false, "header at 0x48: ends past the end of the file"},
    {"/SYM64/", "4", "1234", false, "symbol index: 0 entries do not fit its 0x4 bytes"},
};

START_TEST(says_what_is_wrong)
{
    struct buf b = {0};
    struct diag d;

    buf_printf(&b, wrong[_i].thin ? "!<thin>\n" : "!<arch>\n");
    buf_printf(&b, "%-16s%-12s%-6s%-6s%-8s%-10s`\n%s", wrong[_i].name, "0", "0", "0", "644",
               wrong[_i].size, wrong[_i].data);
    ck_assert(!reads(b.at, b.size, &d));
    ck_assert_int_eq(d.status, E_FORMAT);
    ck_assert_msg(strstr(d.text, wrong[_i].error), "\"%s\"", d.text);
    buf_free(&b);
}
END_TEST

START_TEST(no_archive)
{
    struct diag d;

    ck_assert(!reads((const uint8_t *)"!<arch>", 7, &d));
    ck_assert_int_eq(d.status, E_UNKNOWN);
    ck_assert(!reads((const uint8_t *)"!<arcx>\n", 8, &d));
    ck_assert_int_eq(d.status, E_UNKNOWN);
    ck_assert(!archive_is((struct span){0}));
}
END_TEST

/* An index whose entries name places where no member starts. */
START_TEST(index_of_another_archive)
{
    struct buf b = {0};
    struct diag d;
    uint64_t at[2], none[2] = {8, 9};

    make(&b, (enum dialect)_i, none, at);
    ck_assert(!reads(b.at, b.size, &d));
    ck_assert_msg(strstr(d.text, "symbol index: entry 0 names offset 0x8, where no member starts"),
                  "\"%s\"", d.text);
    buf_free(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("archive");
    TCase *c = tcase_create("archive");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, reads_every_dialect, 0, DIALECTS);
    tcase_add_loop_test(c, cut_at_every_length, 0, DIALECTS);
    tcase_add_loop_test(c, any_byte_changed, 0, DIALECTS);
    tcase_add_loop_test(c, memory_runs_out, 0, DIALECTS);
    tcase_add_loop_test(c, index_of_another_archive, 0, DIALECTS);
    tcase_add_loop_test(c, says_what_is_wrong, 0, COUNT(wrong));
    tcase_add_loop_test(c, members_of_nested_archives, 0, DIALECTS);
    tcase_add_test(c, thin_archives);
    tcase_add_test(c, small_and_odd_ones);
    tcase_add_test(c, no_archive);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
