/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_script.c - linker scripts, version scripts, dynamic lists.  What a
 * version script says of a name was compared with ld.bfd 2.40. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "link/script.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static struct span text(const char *s) { return (struct span){(const uint8_t *)s, strlen(s)}; }

/* ---- linker scripts ---- */

/* Inputs as text: "name", "-lname"; "?" as needed, "(N)" its group. */
static const struct {
    const char *in, *inputs;
} scripts[] = {
    {"INPUT(a.o)", "a.o "},
    {"INPUT ( a.o b.o,c.o , d.o )", "a.o b.o c.o d.o "},
    {"INPUT(-lfoo -l:bar.a \"-lno\" \"x y.so\")", "-lfoo -l:bar.a -lno x y.so "},
    {"/* GNU ld script */ OUTPUT_FORMAT(elf64-x86-64)\n"
     "GROUP ( /lib/libc.so.6 /usr/lib/libc_nonshared.a AS_NEEDED ( /lib64/ld.so.2 ) )",
     "/lib/libc.so.6(1) /usr/lib/libc_nonshared.a(1) /lib64/ld.so.2?(1) "},
    {"GROUP(a) GROUP(b -lc) INPUT(d)", "a(1) b(2) -lc(2) d "},
    {"AS_NEEDED(-lx)", "-lx? "},
    {"INPUT(libncursesw.so.6 -ltinfo);;", "libncursesw.so.6 -ltinfo "},
    {"OUTPUT_ARCH(i386:x86-64) TARGET(elf64-x86-64) SEARCH_DIR(\"=/x\")", ""},
    {"INPUT()", ""},
    {"INPUT(/a/*c*//b)", "/a /b "},
    {"", ""},
};

START_TEST(linker_scripts)
{
    struct diag d = {0};
    struct arena a = {0};
    struct linker_script s;
    struct buf got = {0};

    ck_assert_msg(script_read(&d, &a, text(scripts[_i].in), &s), "%s", d.text);
    for (uint64_t i = 0; i < s.input_count; i++) {
        buf_printf(&got, "%s%s%s", s.inputs[i].library ? "-l" : "", s.inputs[i].name,
                   s.inputs[i].as_needed ? "?" : "");
        if (s.inputs[i].group)
            buf_printf(&got, "(%u)", s.inputs[i].group);
        buf_printf(&got, " ");
    }
    buf_bytes(&got, "", 1);
    ck_assert_str_eq((char *)got.at, scripts[_i].inputs);
    buf_free(&got);
    arena_free(&a);
}
END_TEST

START_TEST(other_commands)
{
    struct diag d = {0};
    struct arena a = {0};
    struct linker_script s;

    ck_assert(script_read(&d, &a,
                          text("OUTPUT_FORMAT(\"elf64-x86-64\", b, c) SEARCH_DIR(/a) "
                               "SEARCH_DIR(\"=/b c\")"),
                          &s));
    ck_assert_str_eq(s.output_format, "elf64-x86-64");
    ck_assert_uint_eq(s.search_count, 2);
    ck_assert_str_eq(s.search[0], "/a");
    ck_assert_str_eq(s.search[1], "=/b c");
    arena_free(&a);
}
END_TEST

static const struct {
    const char *in;
    enum status status;
    const char *error;
} bad_scripts[] = {
    {"INPUT(a\nb", E_FORMAT, "line 2: expected the name of a file or `)', not the end"},
    {"INPUT a", E_FORMAT, "line 1: expected `(', not `a'"},
    {"\n\nSECTIONS { }", E_UNSUPPORTED, "line 3: only scripts that list libraries"},
    {"PHDRS {}", E_UNSUPPORTED, "line 1: only scripts that list libraries"},
    {"VERSION { }", E_UNSUPPORTED, "line 1: only scripts that list libraries"},
    {"hello world", E_FORMAT, "line 1: expected a linker script command"},
    {"INPUT(\"a)", E_FORMAT, "line 1: a quoted name does not end"},
    {"INPUT(\"a\n\")", E_FORMAT, "line 1: a quoted name does not end"},
    {"INPUT(a)\n/* x", E_FORMAT, "line 2: a comment does not end"},
    {"INPUT(-l)", E_FORMAT, "expected the name of a file"},
    {"INPUT(\"\")", E_FORMAT, "expected the name of a file"},
    {"INPUT({)", E_FORMAT, "expected the name of a file or `)', not `{'"},
    {"GROUP(AS_NEEDED a)", E_FORMAT, "expected `(', not `a'"},
    {"SEARCH_DIR()", E_FORMAT, "expected a name, not `)'"},
    {"SEARCH_DIR(a b)", E_FORMAT, "expected `)', not `b'"},
    {"INPUT(A(A(A(A(A(A(A(", E_FORMAT, "expected the name of a file or `)', not `('"},
    {"INPUT(AS_NEEDED(AS_NEEDED(AS_NEEDED(AS_NEEDED(AS_NEEDED(AS_NEEDED(AS_NEEDED(AS_NEEDED("
     "AS_NEEDED(AS_NEEDED(AS_NEEDED(AS_NEEDED(AS_NEEDED(AS_NEEDED(AS_NEEDED(AS_NEEDED(",
     E_FORMAT, "lists are nested too deeply"},
};

START_TEST(says_what_is_wrong_in_a_script)
{
    struct diag d = {0};
    struct arena a = {0};
    struct linker_script s;

    ck_assert(!script_read(&d, &a, text(bad_scripts[_i].in), &s));
    ck_assert_int_eq(d.status, bad_scripts[_i].status);
    ck_assert_msg(strstr(d.text, bad_scripts[_i].error), "\"%s\"", d.text);
    ck_assert_uint_eq(s.input_count, 0);
    ck_assert_ptr_null(d.where);
    arena_free(&a);
}
END_TEST

START_TEST(what_may_be_a_script)
{
    ck_assert(script_is(text("INPUT(a)\r\n\f\t")));
    ck_assert(script_is(text("/* \xc3\xa9 */")));
    ck_assert(!script_is((struct span){0}));
    ck_assert(!script_is((struct span){(const uint8_t *)"a\0b", 3}));
    ck_assert(!script_is(text("\177ELF")));
    ck_assert(!script_is(text("\033[1m")));
}
END_TEST

/* ---- version scripts ---- */

/* What each name gets: its version's index, with "-" if it is local, or "."
   for none.  The names: foo1 foo2 bar plain std::foo() */
static const char *const names[] = {"foo1", "foo2", "bar", "plain", "_ZN3std3fooEv"};

static const struct {
    const char *in, *got;
} versions[] = {
    {"V1 { foo1; };", "2 . . . . "},
    {"{ foo1; };", "1 . . . . "},
    {"{ global: foo1; local: *; };", "1 1- 1- 1- 1- "},
    {"{ local: f*; };", "1- 1- . . . "},
    {"{ global: *; local: *; };", "1 1 1 1 1 "},
    {"V1 { *; }; V2 { *; };", "3 3 3 3 3 "},
    {"V1 { global: *; }; V2 { local: foo*; };", "3- 3- 2 2 2 "},
    {"V1 { global: f*; }; V2 { local: foo*; };", "2 2 . . . "},
    {"V1 { global: f*; }; V2 { local: foo1; };", "3- 2 . . . "},
    {"V1 { foo1; }; V2 { foo1; };", "2 . . . . "},
    {"V1 { global: foo1; local: foo1; };", "2 . . . . "},
    {"V1 { local: foo1; global: foo1; };", "2 . . . . "},
    {"V1 { local: foo*; }; V2 { *; };", "2- 2- 3 3 3 "},
    {"V1 { foo*; }; V2 { foo1; }; V3 { f*; };", "3 4 . . . "},
    {"V1 { \"foo*\"; };", ". . . . . "},
    {"V1 { foo\\1; };", "2 . . . . "},
    {"V1 { foo[2-9]; fo?1; };", "2 2 . . . "},
    {"V1 { global: extern \"C++\" { plain; f*; }; local: *; };", "2 2 2- 2 2- "},
    {"V1 { extern \"C++\" { std::*; \"bar\" }; };", ". . 2 . 2 "},
    {"V1 { extern \"C++\" { \"std::foo()\"; }; };", ". . . . 2 "},
    {"V1 { extern \"C\" { foo1; bar }; };", "2 . 2 . . "},
    {"V1 { }; V2 { foo1; } V1; V3 { bar; } V1 V2;", "3 . 4 . . "},
    {"V-1 { global; local; foo1; }; # the end\n\"V 2\" { bar; /* x */ };", "2 . 3 . . "},
};

static void describe(const struct version_script *s, struct buf *out)
{
    for (size_t i = 0; i < COUNT(names); i++) {
        uint16_t index = 0;
        bool local = false;

        if (version_match(s, names[i], &index, &local))
            buf_printf(out, "%u%s ", index, local ? "-" : "");
        else
            buf_printf(out, ". ");
    }
    buf_bytes(out, "", 1);
}

START_TEST(version_scripts)
{
    struct diag d = {0};
    struct arena a = {0};
    struct version_script s;
    struct buf got = {0};

    ck_assert_msg(version_read(&d, &a, text(versions[_i].in), false, &s), "%s", d.text);
    describe(&s, &got);
    ck_assert_msg(!strcmp((char *)got.at, versions[_i].got), "%s: %s, not %s", versions[_i].in,
                  got.at, versions[_i].got);
    buf_free(&got);
    arena_free(&a);
}
END_TEST

START_TEST(keeps_what_was_written)
{
    struct diag d = {0};
    struct arena a = {0};
    struct version_script s;
    const struct version_node *n = NULL;

    ck_assert(version_read(
        &d, &a, text("A { x; };\nB {\n y*; local: *; \"*\"; extern \"C++\" { z; };\n} A;"), false,
        &s));
    ck_assert_uint_eq(s.node_count, 2);
    ck_assert(s.has_cxx);
    n = &s.nodes[1];
    ck_assert_str_eq(n->name, "B");
    ck_assert_uint_eq(n->index, 3);
    ck_assert_uint_eq(n->parent_count, 1);
    ck_assert_uint_eq(n->parents[0], 2);
    ck_assert_uint_eq(n->pattern_count, 4);
    ck_assert_uint_eq(n->patterns[0].line, 3);
    ck_assert(!n->patterns[0].exact && !n->patterns[0].local && !n->patterns[0].all);
    ck_assert(!n->patterns[1].exact && n->patterns[1].local && n->patterns[1].all);
    ck_assert(n->patterns[2].exact && !n->patterns[2].all);
    ck_assert(n->patterns[3].exact && n->patterns[3].cxx && n->patterns[3].local);
    arena_free(&a);
}
END_TEST

static const struct {
    const char *in;
    bool list;
    const char *error;
} bad_versions[] = {
    {"", false, "expected a version, not the end"},
    {"{ foo }", false, "line 1: expected `;', not `}'"},
    {"{ foo; }", false, "line 1: expected `;', not the end"},
    {"V1 {\n foo;\n", false, "line 3: expected a symbol's name, not the end"},
    {"V1 { foo; }; { bar; };", false, "an anonymous version stands alone, not `{'"},
    {"{ bar; }; V1 { foo; };", false, "an anonymous version stands alone, not `V1'"},
    {"V1 { foo; }; V1 { bar; };", false, "expected a new version, not `V1'"},
    {"V1 { foo; } V2;", false, "expected a version that was defined before, not `V2'"},
    {"V1 { foo; } V1;", false, "expected a version that was defined before, not `V1'"},
    {"V1 { extern \"Java\" { a; }; };", false, "the languages known are \"C\" and \"C++\""},
    {"V1 { extern C { a; }; };", false, "expected a quoted language, not `C'"},
    {"V1 { extern \"C\" { a b }; };", false, "expected `;', not `b'"},
    {"V1 { ;; };", false, "expected a symbol's name, not `;'"},
    {"\"\" { a; };", false, "a version needs a name"},
    {"V1 foo", false, "expected `{', not `foo'"},
    {"; V1 { };", false, "expected the name of a version or `{', not `;'"},
    {"V1 { \"a };", false, "a quoted name does not end"},
    {"V1 { foo; };", true, "expected `{', not `V1'"},
    {"{ global: foo; };", true, "expected `;', not `:'"},
};

START_TEST(says_what_is_wrong_in_versions)
{
    struct diag d = {0};
    struct arena a = {0};
    struct version_script s;

    ck_assert(!version_read(&d, &a, text(bad_versions[_i].in), bad_versions[_i].list, &s));
    ck_assert(d.status == E_FORMAT || d.status == E_UNSUPPORTED);
    ck_assert_msg(strstr(d.text, bad_versions[_i].error), "\"%s\"", d.text);
    ck_assert_ptr_null(d.where);
    arena_free(&a);
}
END_TEST

START_TEST(dynamic_lists)
{
    struct diag d = {0};
    struct arena a = {0};
    struct version_script s;
    struct buf got = {0};

    ck_assert(
        version_read(&d, &a, text("{ foo1; extern \"C++\" { std::* }; }; { bar; };"), true, &s));
    ck_assert_uint_eq(s.node_count, 1);
    describe(&s, &got);
    ck_assert_str_eq((char *)got.at, "1 . 1 . 1 ");
    buf_free(&got);
    arena_free(&a);
}
END_TEST

START_TEST(patterns_one_by_one)
{
    struct diag d = {0};
    struct arena a = {0};
    struct version_script *s = NULL;
    struct buf got = {0};
    char name[32];
    uint16_t index = 0;
    bool local = true;

    ck_assert(version_add_pattern(&d, &a, "f*2", &s));
    ck_assert(version_add_pattern(&d, &a, "bar", &s));
    describe(s, &got);
    ck_assert_str_eq((char *)got.at, ". 1 1 . . ");
    /* More names than the first table has room for. */
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "name_%d", i);
        ck_assert(version_add_pattern(&d, &a, name, &s));
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "name_%d", i);
        ck_assert(version_match(s, name, &index, &local));
        ck_assert(index == VERSION_GLOBAL && !local);
    }
    ck_assert(!version_match(s, "name_5000", &index, &local));
    buf_free(&got);
    arena_free(&a);
}
END_TEST

/* ---- both ---- */

static const char whole_script[] = "OUTPUT_FORMAT(elf64-x86-64) /* c */ GROUP(a \"b c\" AS_NEEDED("
                                   "-lm)) SEARCH_DIR(/x) INPUT(d,e)";
static const char whole_version[] = "V1 { # c\n global: a; b*; \"c d\"; extern \"C++\" { x::y; "
                                    "\"z()\" }; local: *; };\nV2 { e; /* f */ } V1;\n";

/* Every cut is read or refused, and with a sanitizer never read beyond. */
START_TEST(cut_at_every_length)
{
    const char *whole = _i ? whole_version : whole_script;

    for (size_t n = 0; n <= strlen(whole); n++) {
        struct diag d = {0};
        struct arena a = {0};
        struct linker_script s;
        struct version_script v;
        uint8_t *copy = malloc(n + 1);
        bool ok = false;

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, whole, n + 1);
        copy = realloc(copy, n ? n : 1);
        ck_assert_ptr_nonnull(copy);
        ok = _i ? version_read(&d, &a, (struct span){copy, n}, false, &v)
                : script_read(&d, &a, (struct span){copy, n}, &s);
        ck_assert(ok == (d.status == OK));
        ck_assert(ok || d.text[0]);
        arena_free(&a);
        free(copy);
    }
}
END_TEST

START_TEST(memory_runs_out)
{
    uint64_t n = 0;
    bool ok = false;

    while (!ok) {
        struct arena a = {.fail_after = ++n};
        struct diag d = {0};
        struct linker_script s;
        struct version_script v;

        ok = _i ? version_read(&d, &a, text(whole_version), false, &v)
                : script_read(&d, &a, text(whole_script), &s);
        ck_assert_int_eq(d.status, ok ? OK : E_NOMEM);
        arena_free(&a);
        ck_assert_uint_lt(n, 100);
    }
    ck_assert_uint_gt(n, 5);
}
END_TEST

START_TEST(demangles)
{
    char *s = demangle_cxx("_ZN3std3fooEv");

    ck_assert_str_eq(s, "std::foo()");
    free(s);
    ck_assert_ptr_null(demangle_cxx("main"));
    ck_assert_ptr_null(demangle_cxx("_Z"));
    ck_assert_ptr_null(demangle_cxx(""));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("script");
    TCase *c = tcase_create("script");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, linker_scripts, 0, COUNT(scripts));
    tcase_add_test(c, other_commands);
    tcase_add_loop_test(c, says_what_is_wrong_in_a_script, 0, COUNT(bad_scripts));
    tcase_add_test(c, what_may_be_a_script);
    tcase_add_loop_test(c, version_scripts, 0, COUNT(versions));
    tcase_add_test(c, keeps_what_was_written);
    tcase_add_loop_test(c, says_what_is_wrong_in_versions, 0, COUNT(bad_versions));
    tcase_add_test(c, dynamic_lists);
    tcase_add_test(c, patterns_one_by_one);
    tcase_add_loop_test(c, cut_at_every_length, 0, 2);
    tcase_add_loop_test(c, memory_runs_out, 0, 2);
    tcase_add_test(c, demangles);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
