/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_heap_opts.c - objtool heap: its command line, the texts that it reads,
 * and what the pointer finder makes of single words. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "objtool/heap.h"
#include "sysimage/format.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

enum { MAX_ARGS = 40 };

struct run {
    struct arena a;
    struct diag d;
    struct heap_command c;
    char *argv[MAX_ARGS];
    int argc;
};

/* Read LINE, split at blanks. */
static bool read_line(struct run *r, const char *line)
{
    char *rest = NULL, *text;

    *r = (struct run){0};
    text = arena_strdup(&r->a, line);
    r->argv[r->argc++] = arena_strdup(&r->a, "objtool heap");
    for (char *p = strtok_r(text, " ", &rest); p; p = strtok_r(NULL, " ", &rest))
        r->argv[r->argc++] = p;
    r->c = (struct heap_command){.d = &r->d, .a = &r->a};
    return heap_read_command(&r->c, r->argc, r->argv);
}

START_TEST(reads_all_options)
{
    struct run r;
    struct heap_command *c = &r.c;

    ck_assert_msg(
        read_line(&r, "--raw=b --slots s --bitmap=m --base=0x7f0000 --order=big --address-bits 57 "
                      "--null-is-no-slot --segment=0x10000,20,code,a,b --segment 0,1,ro "
                      "--root=a=b=0x10,32,function --root=c=5 --import=f=8,function,weak,-0x10 "
                      "--import=d=16,data,+3 --imports=i --runtime=lua --version-string=5 "
                      "--build-id=x --flags=-g --meta=k=v=w --compress=7 -o out"),
        "%s", r.d.text);
    ck_assert_str_eq(c->raw, "b");
    ck_assert_str_eq(c->slots, "s");
    ck_assert_str_eq(c->bitmap, "m");
    ck_assert_uint_eq(c->base, 0x7f0000);
    ck_assert(c->big && c->null_is_no_slot && !c->scan && !c->unproven && !c->unaligned);
    ck_assert_uint_eq(c->address_bits, 57);
    ck_assert_uint_eq(c->segment_count, 2);
    ck_assert_uint_eq(c->segments[0].offset, 0x10000);
    ck_assert_uint_eq(c->segments[0].size, 20);
    ck_assert_int_eq(c->segments[0].kind, SIMG_SEGMENT_CODE);
    ck_assert_str_eq(c->segments[0].name, "a,b");
    ck_assert_int_eq(c->segments[1].kind, SIMG_SEGMENT_READ_ONLY);
    ck_assert_str_eq(c->segments[1].name, "");
    ck_assert_uint_eq(c->root_count, 2);
    ck_assert_str_eq(c->roots[0].name, "a=b");
    ck_assert_uint_eq(c->roots[0].offset, 16);
    ck_assert_uint_eq(c->roots[0].size, 32);
    ck_assert_int_eq(c->roots[0].kind, SIMG_ROOT_FUNCTION);
    ck_assert_uint_eq(c->roots[1].size, 0);
    ck_assert_int_eq(c->roots[1].kind, SIMG_ROOT_DATA);
    ck_assert_uint_eq(c->import_count, 2);
    ck_assert(c->imports[0].weak && !c->imports[1].weak);
    ck_assert_int_eq(c->imports[0].addend, -16);
    ck_assert_int_eq(c->imports[0].kind, SIMG_IMPORT_FUNCTION);
    ck_assert_int_eq(c->imports[1].addend, 3);
    ck_assert_uint_eq(c->imports[1].offset, 16);
    ck_assert_str_eq(c->imports_file, "i");
    ck_assert_str_eq(c->runtime, "lua");
    ck_assert_str_eq(c->version, "5");
    ck_assert_str_eq(c->build_id, "x");
    ck_assert_str_eq(c->flags, "-g");
    ck_assert_str_eq(c->metas[0].key, "k");
    ck_assert_str_eq(c->metas[0].value, "v=w");
    ck_assert_int_eq(c->compression, 7);
    ck_assert_str_eq(c->output, "out");
    arena_free(&r.a);

    ck_assert(read_line(&r, "a@1@0x20 --unproven --scan b@64 --compress"));
    ck_assert(c->scan && c->unproven);
    ck_assert_uint_eq(c->dumps, 2);
    ck_assert_str_eq(c->dump[0].path, "a@1");
    ck_assert_uint_eq(c->dump[0].base, 0x20);
    ck_assert_uint_eq(c->dump[1].base, 64);
    ck_assert_int_eq(c->compression, 3);
    arena_free(&r.a);
    ck_assert(read_line(&r, "--help --nonsense"));
    ck_assert(c->help);
    arena_free(&r.a);
}
END_TEST

static const char *const wrong[][2] = {
    {"", "neither --raw nor --scan is given"},
    {"--raw=a", "no output is given (-o)"},
    {"--raw=a -o", "option '-o' needs a value (OUT.heap)"},
    {"--raw=a --scan a@1 -o b", "--raw and --scan: one of them"},
    {"--scan -o b", "--scan: no DUMP@BASE is given"},
    {"--scan a@1 --slots=x", "--scan finds the slots: no --slots, --bitmap or --base"},
    {"--scan a@1 b@2 c@3", "'c@3': a third dump"},
    {"--scan a", "--scan: 'a' is not DUMP@BASE"},
    {"--scan @12", "--scan: '@12' is not DUMP@BASE"},
    {"--scan a@0", "a: a base of 0 makes every small number a pointer"},
    {"--scan a@16 b@0x10", "two dumps at the same base prove nothing"},
    {"--scan a@16 --unproven", "--unproven is for two dumps: nothing is proven by one"},
    {"--scan a@16 b@8 --unaligned", "--unaligned is for a scan of one dump"},
    {"--raw=a b@7 -o c", "b@...: dumps are for --scan, a blob is --raw=BLOB"},
    {"--raw=a --address-bits=x -o c", "--address-bits=x: 'x' is not a number"},
    {"--raw=a --address-bits=65 -o c", "--address-bits=65: 65, not 48 to 64"},
    {"--raw=a --compress=20 -o c", "--compress=20: 20, not 1 to 19"},
    {"--raw=a --base=-1 -o c", "--base=-1: '-1' is not a number"},
    {"--raw=a --base=0x10000000000000000 -o c",
     "--base=0x10000000000000000: '0x10000000000000000' is not a number"},
    {"--raw=a --order=middle -o c", "--order: 'middle' is not little or big"},
    {"--raw=a --segment=1,2 -o c",
     "--segment: '1,2' is not OFF,SIZE,KIND[,NAME] with KIND ro, rw, zero or code"},
    {"--raw=a --segment=0,2,r -o c",
     "--segment: '0,2,r' is not OFF,SIZE,KIND[,NAME] with KIND ro, rw, zero or code"},
    {"--raw=a --segment=8,2,ro -o c", "--segment: offset 0x8 is not a multiple of 64 KiB"},
    {"--raw=a --root=x -o c", "--root: 'x' is not NAME=OFF[,SIZE][,function]"},
    {"--raw=a --root==1 -o c", "--root: '=1' is not NAME=OFF[,SIZE][,function]"},
    {"--raw=a --root=x=1,function,2 -o c",
     "--root: 'x=1,function,2' is not NAME=OFF[,SIZE][,function]"},
    {"--raw=a --import=x=1,+ -o c",
     "--import: 'x=1,+' is not NAME=OFF[,data|function][,weak][,+N|,-N]"},
    {"--raw=a --import=x=1,+0x8000000000000000 -o c",
     "--import: 'x=1,+0x8000000000000000' is not NAME=OFF[,data|function][,weak][,+N|,-N]"},
    {"--raw=a --meta=x -o c", "--meta: 'x' is not KEY=VALUE"},
    {"--raw=a --help=x", "option '--help=x' takes no value"},
};

START_TEST(says_what_is_wrong)
{
    struct run r;

    ck_assert(!read_line(&r, wrong[_i][0]));
    ck_assert_str_eq(r.d.text, wrong[_i][1]);
    ck_assert_int_eq(r.d.status, E_USAGE);
    arena_free(&r.a);
}
END_TEST

START_TEST(reads_numbers)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"0", true, 0},
        {"007", true, 7},
        {"18446744073709551615", true, UINT64_MAX},
        {"0xffffffffffffffff", true, UINT64_MAX},
        {"0XaB", true, 0xab},
        {"18446744073709551616", false, 0},
        {"0x", false, 0},
        {"", false, 0},
        {"a", false, 0},
        {"1 ", false, 0},
        {"-1", false, 0},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t value;

        ck_assert_msg(heap_number(rows[i].text, strlen(rows[i].text), &value) == rows[i].ok, "%s",
                      rows[i].text);
        if (rows[i].ok)
            ck_assert_uint_eq(value, rows[i].value);
    }
}
END_TEST

static struct span text(const char *s) { return (struct span){(const uint8_t *)s, strlen(s)}; }

START_TEST(reads_lists)
{
    static const uint64_t want[] = {1, 8, 8, 0x20};
    struct arena a = {0};
    struct diag d = {0};
    struct heap_places p = {0};
    struct heap_command c = {.d = &d, .a = &a};

    ck_assert(heap_parse_slots(&d, &a, text("# all\r\n  8\t\n\n0x20 # x\n1\n8"), &p));
    ck_assert_uint_eq(p.count, COUNT(want));
    ck_assert_mem_eq(p.offsets, want, sizeof want);
    ck_assert(!heap_parse_slots(&d, &a, text("8\n9 10\n"), &p));
    ck_assert_str_eq(d.text, "line 2: '9 10' is not a number, decimal or with 0x");

    d = (struct diag){0};
    ck_assert(heap_parse_imports(&c, text("a=8 # one\n\nb=16,weak\n")));
    ck_assert_uint_eq(c.import_count, 2);
    ck_assert_str_eq(c.imports[1].name, "b");
    ck_assert(!heap_parse_imports(&c, text("a=8\nb\n")));
    ck_assert_str_eq(d.text, "line 2: import: 'b' is not NAME=OFF[,data|function][,weak][,+N|,-N]");

    d = (struct diag){0};
    ck_assert(heap_parse_bitmap(&d, text("\xff\x07"), 95, &p));
    ck_assert(!heap_parse_bitmap(&d, text("\xff\x08"), 95, &p));
    ck_assert_str_eq(d.text, "a bit past the last of the blob's 11 words is set");
    arena_free(&a);
}
END_TEST

/* One word of two dumps of 0x100 bytes, and the counter that it belongs to. */
#define A UINT64_C(0x2f1d00000000)
#define B UINT64_C(0x3b6e00000000)
#define HIGH (UINT64_C(0xfffc) << 48)
#define AT(field) offsetof(struct heap_scan, field)
static const struct {
    unsigned bits;
    uint64_t a, b;
    size_t count; /* which counter becomes 1 */
    bool taken;
} words[] = {
    {64, A, B, AT(proven), true},
    {64, A + 0x100, B + 0x100, AT(proven), true}, /* the end */
    {64, A + 0x101, B + 0x101, AT(noise), false},
    {64, A - 1, B - 1, AT(noise), false},
    {64, A + 8, B + 16, AT(differ), false},
    {64, A + 8, 5, AT(only_a), false},
    {64, 5, B + 8, AT(only_b), false},
    {64, A + 8, A + 8, AT(unmoved), false},
    {64, B + 8, B + 8, AT(unmoved), false},
    {64, A + 8 + HIGH, B + 8 + HIGH, AT(high_tags), false},
    {48, A + 8 + HIGH, B + 8 + HIGH, AT(proven), true},
    {48, A + 8 + HIGH, B + 8, AT(differ), false},
    {64, 5, 6, AT(noise), false},
};

START_TEST(tells_words_apart)
{
    static uint8_t a[0x100], b[0x100];
    struct arena arena = {0};
    struct diag d = {0};

    for (size_t i = 0; i < COUNT(words); i++)
        for (int big = 0; big < 2; big++) {
            struct heap_places p = {0};
            struct heap_scan s = {.a = {a, 0x100}, .b = {b, 0x100}, .base_a = A, .base_b = B};
            uint64_t sum = 0, count;

            s.big = big;
            s.address_bits = words[i].bits;
            store_uint(a + 0x18, 8, big, words[i].a);
            store_uint(b + 0x18, 8, big, words[i].b);
            ck_assert(heap_scan(&d, &arena, &s, &p));
            memcpy(&count, (char *)&s + words[i].count, sizeof count);
            sum = s.proven + s.high_tags + s.only_a + s.only_b + s.differ + s.unmoved + s.noise;
            ck_assert_msg(count == 1 && sum == 1, "row %zu", i);
            ck_assert_uint_eq(s.words, 0x20);
            ck_assert_uint_eq(s.odd_proven, 0);
            ck_assert_int_eq(p.bitmap[0], words[i].taken << 3);
        }
    arena_free(&arena);
}
END_TEST

/* ---- help and man page ---- */

static bool in_page(void *arg, const char *name)
{
    const char *page = arg;
    char quoted[200];
    size_t n = 0;

    for (const char *p = name; *p; p++) {
        if (*p == '-')
            quoted[n++] = '\\';
        quoted[n++] = *p;
    }
    quoted[n] = 0;
    ck_assert_msg(strstr(page, quoted) != NULL, "the man page lacks %s", name);
    return true;
}

START_TEST(the_man_page_has_every_option)
{
    const char *top = getenv("top_srcdir");
    struct arena a = {0};
    struct diag d = {0};
    struct file f;
    char *page;

    ck_assert(file_open(&d, arena_printf(&a, "%s/man/objtool-heap.1", top ? top : "."), &f));
    page = arena_strndup(&a, (const char *)f.data.at, f.data.size);
    for (size_t i = 0; i < heap_row_count; i++)
        opt_names(&heap_rows[i], in_page, page);
    file_close(&f);
    arena_free(&a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("heap options");
    TCase *t = tcase_create("objtool heap");
    SRunner *run = srunner_create(s);
    int failed;

    tcase_add_test(t, reads_all_options);
    tcase_add_loop_test(t, says_what_is_wrong, 0, COUNT(wrong));
    tcase_add_test(t, reads_numbers);
    tcase_add_test(t, reads_lists);
    tcase_add_test(t, tells_words_apart);
    tcase_add_test(t, the_man_page_has_every_option);
    suite_add_tcase(s, t);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed != 0;
}
