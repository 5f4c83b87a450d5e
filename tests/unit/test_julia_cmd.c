/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_julia_cmd.c - objtool julia without a Julia: its command line, how
 * statements are mended and chosen, the script's text, and what the audit
 * takes for a path. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "objtool/julia.h"
#include "objtool/julia_leaks.h"
#include "objtool/julia_script.h"
#include "objtool/julia_statements.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

enum { MAX_ARGS = 20 };

/* ---- statements ---- */

static const struct {
    const char *line, *mended;
} mends[] = {
    {"precompile(Tuple{A, Char(0x79000000)})",
     "precompile(Tuple{A, reinterpret(Char, 0x79000000)})"},
    {"P{Char(0x64000000)}, P{Char(0x75000000)}",
     "P{reinterpret(Char, 0x64000000)}, P{reinterpret(Char, 0x75000000)}"},
    /* Eight digits make a UInt32. */
    {"Char(0x9a0000)", "reinterpret(Char, 0x009a0000)"},
    {"Char(0xC3A90000)", "reinterpret(Char, 0xc3a90000)"},
    /* Code points, which Julia reads. */
    {"Char(0x79)", NULL},
    {"Char(0x0010ffff)", NULL},
    {"Char(0x00110000)", "reinterpret(Char, 0x00110000)"},
    /* Not it. */
    {"Char(0x7900000000)", NULL},
    {"Char(0x79000000", NULL},
    {"Char(0x79000000, 1)", NULL},
    {"Char(0x)", NULL},
    {"MyChar(0x79000000)", NULL},
    {"Char(79000000)", NULL},
    {"Symbol(\"Char(0x79000000)\")", NULL},
    {"Symbol(\"\\\"Char(0x79000000)\"), Char(0x79000000)",
     "Symbol(\"\\\"Char(0x79000000)\"), reinterpret(Char, 0x79000000)"},
    {"Symbol(\"Char(0x79000000)", NULL},
    {"", NULL},
};

START_TEST(mends_what_julia_cannot_read)
{
    const char *line = mends[_i].line;
    const char *want = mends[_i].mended ? mends[_i].mended : line;
    struct buf out = {0};
    bool changed = statement_mend(&out, line, strlen(line));

    buf_bytes(&out, "", 1);
    ck_assert_str_eq((const char *)out.at, want);
    ck_assert(changed == (mends[_i].mended != NULL));
    buf_free(&out);
}
END_TEST

static const struct {
    const char *line;
    bool generated;
} names[] = {
    {"precompile(Tuple{typeof(A.f), getfield(A, Symbol(\"##4#5\"))})", true},
    {"precompile(Tuple{A.var\"#37#38\", Any})", true},
    {"precompile(Tuple{typeof(A.f), Val{Symbol(\"a#b\")}})", false},
    {"precompile(Tuple{Base.Generator{A, var\"x\"}})", false},
    {"precompile(Tuple{Symbol(\"\\\"#\")})", false},
    {"precompile(Tuple{typeof(A.:#)})", false},
    {"var\"#", true},
    {"\"#\"", false},
    {"", false},
};

START_TEST(knows_made_up_names)
{
    ck_assert(statement_is_generated(names[_i].line, strlen(names[_i].line)) ==
              names[_i].generated);
}
END_TEST

static void keep_warning(void *arg, enum diag_kind kind, const char *text)
{
    if (kind == DIAG_WARNING)
        buf_printf(arg, "%s\n", text);
}

static const char trace[] = "precompile(Tuple{typeof(A.f), Int64})\n"
                            "precompile(Tuple{A.D{Char(0x79000000)}})\n"
                            "precompile(Tuple{typeof(A.f), Int64}) # recompile\n"
                            "  precompile(Tuple{typeof(A.f), Int64})\r\n"
                            "#=   12.3 ms =# precompile(Tuple{A.D{Char(0x79000000)}})\n"
                            "\n"
                            "# a comment\n"
                            "#= not ended\n"
                            "precompile(Tuple{A.var\"#1#2\"})\n"
                            "using Evil; run(`rm`)\n"
                            "precompile(Tuple{typeof(A.f), I\n"
                            "precompile(Tuple{typeof(A.g)})";

START_TEST(keeps_each_statement_once)
{
    struct buf warnings = {0};
    struct diag d = {.sink = keep_warning, .arg = &warnings};
    struct statements s = {.drop_generated = _i == 1};
    static const char all[] = "precompile(Tuple{typeof(A.f), Int64})\n"
                              "precompile(Tuple{A.D{reinterpret(Char, 0x79000000)}})\n"
                              "precompile(Tuple{A.var\"#1#2\"})\n"
                              "precompile(Tuple{typeof(A.g)})\n";
    static const char some[] = "precompile(Tuple{typeof(A.f), Int64})\n"
                               "precompile(Tuple{A.D{reinterpret(Char, 0x79000000)}})\n"
                               "precompile(Tuple{typeof(A.g)})\n";

    ck_assert(statements_add(&d, &s, "t.jl",
                             (struct span){(const uint8_t *)trace, sizeof trace - 1}));
    buf_bytes(&s.text, "", 1);
    ck_assert_str_eq((const char *)s.text.at, _i == 1 ? some : all);
    ck_assert_uint_eq(s.kept, _i == 1 ? 3 : 4);
    ck_assert_uint_eq(s.generated, _i == 1);
    ck_assert_uint_eq(s.mended, 1);
    ck_assert_uint_eq(s.doubles, 3);
    ck_assert_uint_eq(s.strange, 2);
    buf_bytes(&warnings, "", 1);
    ck_assert_str_eq((const char *)warnings.at,
                     "t.jl: line 10: no precompile statement, left out: using Evil; run(`rm`)\n"
                     "t.jl: line 11: no precompile statement, left out: "
                     "precompile(Tuple{typeof(A.f), I\n");
    statements_free(&s);
    buf_free(&warnings);
}
END_TEST

/* More than the table starts with, each twice. */
START_TEST(keeps_many_statements)
{
    enum { MANY = 3000 };
    struct diag d = {0};
    struct statements s = {0};
    struct buf text = {0};

    for (int i = 0; i < 2 * MANY; i++)
        buf_printf(&text, "precompile(Tuple{typeof(A.f%d)})\n", i % MANY);
    ck_assert(statements_add(&d, &s, "t", buf_span(&text)));
    ck_assert_uint_eq(s.kept, MANY);
    ck_assert_uint_eq(s.doubles, MANY);
    ck_assert_uint_eq(s.text.size, text.size / 2);
    ck_assert_mem_eq(s.text.at, text.at, s.text.size);
    statements_free(&s);
    buf_free(&text);
}
END_TEST

/* Cut anywhere, nothing is read that is not there (a sanitizer looks on), and
   nothing is kept that was not whole. */
START_TEST(takes_a_cut_trace)
{
    for (size_t n = 0; n < sizeof trace; n++) {
        char *copy = malloc(n ? n : 1);
        struct diag d = {0};
        struct statements s = {0};

        memcpy(copy, trace, n);
        ck_assert(statements_add(&d, &s, "t", (struct span){(const uint8_t *)copy, n}));
        for (uint64_t i = 0; i < s.text.size; i++)
            if (i == 0 || s.text.at[i - 1] == '\n')
                ck_assert_mem_eq(s.text.at + i, "precompile(Tuple{", 17);
        statements_free(&s);
        free(copy);
    }
}
END_TEST

/* ---- the script ---- */

static bool contains(const struct buf *text, const char *part)
{
    return memmem(text->at, text->size, part, strlen(part)) != NULL;
}

START_TEST(quotes_paths)
{
    struct buf out = {0};

    julia_quote(&out, "/a \"b\"/$(run)/\\c\nd\x7f/\xc3\xa9");
    buf_bytes(&out, "", 1);
    ck_assert_str_eq((const char *)out.at,
                     "\"/a \\\"b\\\"/\\$(run)/\\\\c\\x0ad\\x7f/\xc3\xa9\"");
    buf_free(&out);
}
END_TEST

START_TEST(writes_the_script)
{
    static const char *const packages[] = {"CSV", "Dates"};
    struct julia_script s = {packages, 2, "/tmp/$s.jl", false};
    struct buf out = {0};

    julia_script_write(&out, &s);
    /* In this order: nothing can be said or found before. */
    ck_assert(contains(&out, "\nBase.reinit_stdio()\n@eval Sys BINDIR = "));
    ck_assert(contains(&out, "@eval Sys STDLIB = "));
    ck_assert(contains(&out, "\nBase.init_depot_path()\nBase.init_load_path()\n"));
    ck_assert(contains(&out, "@eval Module() begin\n    import CSV\n    import Dates\nend\n"));
    ck_assert(contains(&out, "for (id, loaded) in Base.loaded_modules\n"));
    ck_assert(contains(&out, "eachline(\"/tmp/\\$s.jl\")"));
    ck_assert(contains(&out, "try\n"));
    ck_assert(contains(&out, "catch err\n"));
    ck_assert(contains(&out, "\nempty!(LOAD_PATH)\nempty!(DEPOT_PATH)\n"));
    buf_free(&out);

    s.import = true;
    s.statements = NULL;
    out = (struct buf){0};
    julia_script_write(&out, &s);
    ck_assert(contains(&out, "\nimport CSV\nimport Dates\n\n"));
    ck_assert(!contains(&out, "Module()"));
    ck_assert(!contains(&out, "eachline"));
    buf_free(&out);
}
END_TEST

/* ---- the command line ---- */

struct run {
    struct arena a;
    struct diag d;
    struct julia_command c;
};

static bool read_line(struct run *r, const char *line)
{
    char *argv[MAX_ARGS] = {(char *)"objtool julia"}, *rest = NULL, *text;
    int argc = 1;

    *r = (struct run){0};
    text = arena_strdup(&r->a, line);
    for (char *p = strtok_r(text, " ", &rest); p; p = strtok_r(NULL, " ", &rest))
        argv[argc++] = p;
    r->c = (struct julia_command){.d = &r->d, .a = &r->a};
    return julia_read_command(&r->c, argc, argv);
}

START_TEST(reads_options)
{
    struct run r;
    struct julia_command *c = &r.c;

    ck_assert_msg(read_line(&r, "create --project=p A B_2 --precompile-execution=x --precompile-"
                                "execution y --precompile-statements=z --cpu-target=generic "
                                "--incremental=no --link-option=--strip-debug --no-generated-names "
                                "--import -o out --julia=j -q"),
                  "%s", r.d.text);
    ck_assert_int_eq(c->step, JULIA_CREATE);
    ck_assert_str_eq(c->project, "p");
    ck_assert_uint_eq(c->packages.count, 2);
    ck_assert_str_eq(c->packages.at[1], "B_2");
    ck_assert_uint_eq(c->executions.count, 2);
    ck_assert_str_eq(c->executions.at[1], "y");
    ck_assert_uint_eq(c->statements.count, 1);
    ck_assert_str_eq(c->cpu_target, "generic");
    ck_assert_str_eq(c->link_options.at[0], "--strip-debug");
    ck_assert(c->fresh && c->drop_generated && c->import && c->quiet && !c->no_check);
    ck_assert_str_eq(c->output, "out");
    ck_assert_str_eq(c->julia, "j");
    arena_free(&r.a);
}
END_TEST

static const struct {
    const char *line, *error;
} wrong[] = {
    {"", "no step given"},
    {"make", "'make' is no step of julia"},
    {"create A", "julia create: -o FILE is needed"},
    {"create -o x", "nothing to put into the image: no package, no program"},
    {"create A;run(`x`) -o x", "'A;run(`x`)' is no name of a package"},
    {"create 3A -o x", "'3A' is no name of a package"},
    {"create --incremental=maybe A -o x", "--incremental: 'maybe' is not yes or no"},
    {"create --incremental=no --base-image=b A -o x",
     "--incremental=no and --base-image: one of them"},
    {"create --json --no-check A -o x", "--json and --no-check: the result is the check's"},
    {"create --redact A -o x", "option '--redact' is not for julia create"},
    {"create --frob A -o x", "unknown option '--frob'"},
    {"create --project= A -o x", "option '--project=': no value"},
    {"record -o x", "julia record: --precompile-execution=FILE is needed"},
    {"script --precompile-statements=a --precompile-statements=b -o x",
     "julia script: one file of statements; julia record makes one of several"},
    {"object -o x", "julia object: no file given"},
    {"object a b -o x", "'b': julia object takes one file"},
    {"link a", "julia link: -o FILE is needed"},
    {"link --target=arm64-apple-macos13 a -o x",
     "--target needs -L, the directory of that system's libjulia"},
    {"check", "julia check: no file given"},
    {"audit", "julia audit: no file given"},
};

START_TEST(refuses_wrong_lines)
{
    struct run r;

    ck_assert(!read_line(&r, wrong[_i].line));
    ck_assert_int_eq(r.d.status, E_USAGE);
    ck_assert_str_eq(r.d.text, wrong[_i].error);
    arena_free(&r.a);
}
END_TEST

/* Each option is in the help of its steps and in the man page. */
START_TEST(help_and_page_name_every_option)
{
    const char *top = getenv("top_srcdir");
    struct buf all = {0}, page = {0};
    char path[4096], name[64];
    FILE *f = NULL;
    int c = 0;

    for (int step = JULIA_CREATE; step <= JULIA_AUDIT; step <<= 1)
        julia_help(&all, (enum julia_step)step);
    snprintf(path, sizeof path, "%s/man/objtool-julia.1", top ? top : ".");
    f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s", path);
    while ((c = fgetc(f)) != EOF)
        if (c != '\\') /* "\-" is a hyphen */
            buf_uint(&page, (uint64_t)c, 1);
    fclose(f);
    for (size_t i = 0; i < julia_row_count; i++) {
        const char *last = julia_rows[i].names ? strrchr(julia_rows[i].names, '|') : NULL;

        if (!julia_rows[i].names)
            continue;
        snprintf(name, sizeof name, "--%s", last ? last + 1 : julia_rows[i].names);
        ck_assert_msg(contains(&all, name), "help: %s", name);
        ck_assert_msg(contains(&page, name), "man page: %s", name);
    }
    buf_free(&all);
    buf_free(&page);
}
END_TEST

/* ---- the audit ---- */

/* "kind text" of each that is found, in order, '|' between. */
static const struct {
    const char *bytes;
    size_t size;
    const char *found;
} texts[] = {
#define BYTES(s) s, sizeof s - 1
#define SUPERUSER "/root"
    {BYTES("\0/home/kc/src/x.jl\0"), "user kc|home /home/kc/src/x.jl"},
    {BYTES("/Users/kc/x"), "user kc|home /Users/kc/x"},
    {BYTES(SUPERUSER "/.julia/a.jl:12"), "home " SUPERUSER "/.julia/a.jl"},
    {BYTES("-/home/kc/x"), "user kc|home /home/kc/x"},
    {BYTES("in \"/build/julia-1/a.jl\" and"), "path /build/julia-1/a.jl"},
    {BYTES("PATH=/home/a/bin:/usr/bin"),
     "variable PATH=/home/a/bin:/usr/bin|user a|home /home/a/bin"},
    {BYTES("\0JULIA_DEPOT_PATH=x\0A=1\0CI=\0CI= 1\0x PATH=1"), "variable JULIA_DEPOT_PATH=x"},
    {BYTES("NPM_TOKEN=abc"), "variable NPM_TOKEN=abc"},
    {BYTES("/tmp/jl_x/y.jl."), "temporary /tmp/jl_x/y.jl"},
    {BYTES("C:\\Users\\kc\\x.jl"), "home C:\\Users\\kc\\x.jl"},
    {BYTES(" D:/a/b/c.jl"), "path D:/a/b/c.jl"},
    {BYTES("abc:\\x"), ""},
    {BYTES("/usr/share/x /etc/passwd"), ""},
    {BYTES("a/b/c/d"), ""},
    {BYTES("x = a //b/c/d"), ""},
    {BYTES("/ab"), ""},
    {BYTES("/ab/cd"), ""},
    {BYTES("/a+/b+/c"), ""},
    {BYTES("/ab/c\xc3\xa9/d"), ""},
    {BYTES("/home/"), ""},
    {BYTES("//home//x"), ""},
    {BYTES("https://example.com/home"), ""},
    {BYTES("/home/kc/a\0/home/kc/a"), "user kc*2|home /home/kc/a*2"},
    {BYTES(""), ""},
};

static void show(const struct leaks *l, struct buf *out)
{
    for (uint64_t i = 0; i < l->count; i++) {
        buf_printf(out, "%s%s %.*s", i ? "|" : "", leak_key(l->all[i].kind),
                   (int)l->all[i].text.size, (const char *)l->all[i].text.at);
        if (l->all[i].count > 1)
            buf_printf(out, "*%d", (int)l->all[i].count);
    }
    buf_bytes(out, "", 1);
}

START_TEST(finds_paths_and_settings)
{
    struct arena a = {0};
    struct diag d = {0};
    struct leaks l = {.d = &d, .a = &a};
    struct buf got = {0};
    /* A copy of its own size, so that a sanitizer sees what is read beyond. */
    uint8_t *copy = malloc(texts[_i].size ? texts[_i].size : 1);

    memcpy(copy, texts[_i].bytes, texts[_i].size);
    ck_assert(leaks_scan(&l, (struct span){copy, texts[_i].size}, 0));
    show(&l, &got);
    ck_assert_str_eq((const char *)got.at, texts[_i].found);
    for (uint64_t i = 0; i < l.count; i++)
        for (uint64_t n = 0; n < l.all[i].count && n < LEAK_PLACES; n++)
            ck_assert_mem_eq(copy + l.all[i].place[n], l.all[i].text.at, l.all[i].text.size);
    for (size_t n = 0; n < texts[_i].size; n++) {
        uint8_t *cut = malloc(n ? n : 1);

        memcpy(cut, texts[_i].bytes, n);
        ck_assert(leaks_scan(&l, (struct span){cut, n}, 0));
        free(cut);
        l.count = l.table_size = 0;
    }
    buf_free(&got);
    free(copy);
    arena_free(&a);
}
END_TEST

START_TEST(leaves_out_and_looks_for)
{
    static const char old[] = "/home/a/x", new[] = "/home/a/x\0/home/b/y\0secret secrets";
    struct arena a = {0};
    struct diag d = {0};
    struct leaks except = {.d = &d, .a = &a}, l = {.d = &d, .a = &a, .except = &except};
    struct span in = {(const uint8_t *)new, sizeof new - 1};
    struct buf got = {0};

    ck_assert(leaks_scan(&except, (struct span){(const uint8_t *)old, sizeof old - 1}, 0));
    ck_assert(leaks_scan(&l, in, 0));
    ck_assert(leaks_look_for(&l, in, 0, LEAK_WANTED, "secret", false, NULL));
    ck_assert(leaks_look_for(&l, in, 0, LEAK_VALUE, "secret", true, "S"));
    show(&l, &got);
    ck_assert_str_eq((const char *)got.at, "user b|home /home/b/y|wanted secret*2|value secret");
    buf_free(&got);
    arena_free(&a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("julia");
    TCase *t = tcase_create("statements");
    SRunner *r = NULL;
    int failed = 0;

    tcase_add_loop_test(t, mends_what_julia_cannot_read, 0, COUNT(mends));
    tcase_add_loop_test(t, knows_made_up_names, 0, COUNT(names));
    tcase_add_loop_test(t, keeps_each_statement_once, 0, 2);
    tcase_add_test(t, keeps_many_statements);
    tcase_add_test(t, takes_a_cut_trace);
    suite_add_tcase(s, t);
    t = tcase_create("script");
    tcase_add_test(t, quotes_paths);
    tcase_add_test(t, writes_the_script);
    suite_add_tcase(s, t);
    t = tcase_create("command line");
    tcase_add_test(t, reads_options);
    tcase_add_loop_test(t, refuses_wrong_lines, 0, COUNT(wrong));
    tcase_add_test(t, help_and_page_name_every_option);
    suite_add_tcase(s, t);
    t = tcase_create("audit");
    tcase_add_loop_test(t, finds_paths_and_settings, 0, COUNT(texts));
    tcase_add_test(t, leaves_out_and_looks_for);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
