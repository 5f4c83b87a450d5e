/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_heap_graph.c - objects by type, the tree of types, and pages, of heaps
 * made here by hand. */

#include <check.h>
#include <stdio.h>

#include "heap/graph.h"
#include "heap/pages.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

enum { OBJECTS = 8, OBJECT = 16 };

/* One segment at 0x10000 with objects of 16 bytes, each of a letter's type and
   with two slots.  An object's slots lead where LINKS says: to a letter's
   place, '.' is word 0, which is in no object, '+' behind a letter an address
   in its middle. */
struct fake {
    struct heap h;
    struct heap_segment segment;
    struct heap_root roots[2];
    uint8_t data[OBJECTS * OBJECT], bitmap[OBJECTS * OBJECT / 64], stream[3 * OBJECTS];
    const char *types[26];
};

static void make(struct fake *f, const char *types, const char *const links[][2])
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    size_t count = strlen(types);

    *f = (struct fake){.roots = {{"first", 0, 0x10000, 1, 0}, {"third", 0, 0x10020, OBJECT, 0}}};
    for (size_t i = 0; i < count; i++) {
        f->stream[3 * i + 1] = OBJECT;
        f->stream[3 * i + 2] = (uint8_t)(types[i] - 'a');
        for (size_t k = 0; k < 2; k++) {
            const char *to = links[i][k];
            uint64_t addr = *to == '.' ? 0 : 0x10000 + OBJECT * (uint64_t)(*to - '0');

            store_uint(f->data + OBJECT * i + 8 * k, 8, false, addr + (to[1] == '+' ? 9 : 0));
        }
    }
    memset(f->bitmap, 0xff, sizeof f->bitmap);
    for (size_t i = 0; i < COUNT(names); i++)
        f->types[i] = names[i];
    f->segment = (struct heap_segment){
        .addr = 0x10000,
        .size = OBJECT * count,
        .kind = SIMG_SEGMENT_READ_WRITE,
        .data = {f->data, OBJECT * count},
        .slots = {.bitmap = f->bitmap,
                  .bitmap_size = OBJECT * count / 64 + (OBJECT * count % 64 != 0),
                  .count = 2 * count},
        .objects = {f->stream, 3 * count},
        .object_count = count,
    };
    f->h = (struct heap){.address_bits = 48,
                         .span = 0x10000 + OBJECT * count,
                         .segments = &f->segment,
                         .segment_count = 1,
                         .roots = f->roots,
                         .root_count = 2,
                         .types = f->types,
                         .type_count = COUNT(names)};
}

START_TEST(counts_by_type)
{
    static const char *const links[][2] = {{".", "."}, {".", "."}, {".", "."}, {".", "."}};
    struct arena a = {0};
    struct diag d = {0};
    struct heap_type_use *all;
    struct fake f;
    uint32_t count;

    make(&f, "bcbd", links);
    ck_assert(heap_histogram(&d, &a, &f.h, &all, &count));
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(all[0].type, 1);
    ck_assert_uint_eq(all[0].count, 2);
    ck_assert_uint_eq(all[0].bytes, 2 * OBJECT);
    ck_assert_uint_eq(all[1].type, 2);
    ck_assert_uint_eq(all[2].type, 3);
    arena_free(&a);
}
END_TEST

static void check_nodes(const struct heap_tree *t, const char *want)
{
    char text[256] = "";
    size_t n = 0;

    for (uint32_t i = 0; i < t->node_count; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%u%c%u/%u ", t->nodes[i].depth,
                              'a' + (char)t->nodes[i].type, (unsigned)t->nodes[i].count,
                              (unsigned)(t->nodes[i].all_bytes / OBJECT));
    ck_assert_str_eq(text, want);
}

/* Each node as LEVEL TYPE OBJECTS/ALL BELOW. */
static const struct {
    const char *types;
    const char *const links[OBJECTS][2];
    uint32_t root, depth;
    const char *nodes;
    unsigned reached, deeper;
} trees[] = {
    /* a chain of three, one that nobody holds */
    {"abcd", {{"1", "."}, {"2", "."}, {".", "."}, {".", "."}}, 0, 9, "0a1/3 1b1/2 2c1/1 ", 3, 0},
    /* the other root, alone */
    {"abcd", {{"1", "."}, {"2", "."}, {".", "."}, {".", "."}}, 1, 9, "0c1/1 ", 1, 0},
    /* both: what two hold is where the way is shortest */
    {"abcd",
     {{"1", "."}, {"2", "."}, {"3", "."}, {".", "."}},
     HEAP_ALL_ROOTS,
     9,
     "0a1/2 1b1/1 0c1/2 1d1/1 ",
     4,
     0},
    /* a cycle; an address in the middle of an object is one of it */
    {"ab", {{"1+", "0"}, {"0", "1"}}, 0, 9, "0a1/2 1b1/1 ", 2, 0},
    /* equals are one node, the larger comes first */
    {"abcc",
     {{"1", "2"}, {".", "."}, {"3", "."}, {".", "."}},
     0,
     9,
     "0a1/4 1c1/2 2c1/1 1b1/1 ",
     4,
     0},
    {"abcc", {{"2", "3"}, {".", "."}, {".", "."}, {".", "."}}, 0, 9, "0a1/3 1c2/2 ", 3, 0},
    /* too deep: counted with what holds them */
    {"abcd", {{"1", "."}, {"2", "."}, {"3", "."}, {".", "."}}, 0, 2, "0a1/4 1b1/3 ", 4, 2},
};

START_TEST(what_holds_what)
{
    struct arena a = {0};
    struct diag d = {0};
    struct heap_tree t;
    struct fake f;

    make(&f, trees[_i].types, trees[_i].links);
    ck_assert(heap_tree(&d, &a, &f.h, trees[_i].root, trees[_i].depth, &t));
    check_nodes(&t, trees[_i].nodes);
    ck_assert_uint_eq(t.count, trees[_i].reached);
    ck_assert_uint_eq(t.bytes, trees[_i].reached * OBJECT);
    ck_assert_uint_eq(t.deeper_count, trees[_i].deeper);
    ck_assert_uint_eq(t.object_count, strlen(trees[_i].types));
    for (uint32_t i = 0; i < t.node_count; i++)
        ck_assert(t.nodes[i].depth == 0 ||
                  t.nodes[t.nodes[i].parent].depth + 1 == t.nodes[i].depth);
    arena_free(&a);
}
END_TEST

START_TEST(memory_may_run_out)
{
    static const char *const links[][2] = {{"1", "1"}, {".", "."}};
    bool ok = false;

    for (uint64_t n = 1; !ok; n++) {
        struct arena a = {.fail_after = n};
        struct diag d = {0};
        struct heap_tree t;
        struct fake f;

        make(&f, "ab", links);
        ok = heap_tree(&d, &a, &f.h, HEAP_ALL_ROOTS, 4, &t);
        ck_assert_int_eq(d.status, ok ? OK : E_NOMEM);
        arena_free(&a);
        ck_assert_uint_lt(n, 100);
    }
}
END_TEST

START_TEST(marks_pages)
{
    static uint8_t bitmap[5 * HEAP_PAGE / 64];
    static const uint64_t odd[] = {HEAP_PAGE - 4, 4 * HEAP_PAGE + 1};
    struct heap_segment segments[] = {
        {.addr = 0x10000, .size = 4 * HEAP_PAGE + 10, .kind = SIMG_SEGMENT_READ_WRITE},
        {.addr = 0x20000, .size = 8 * HEAP_PAGE, .kind = SIMG_SEGMENT_ZERO},
        {.addr = 0x30000, .size = 9 * HEAP_PAGE, .kind = SIMG_SEGMENT_READ_ONLY},
    };
    struct heap h = {.segments = segments, .segment_count = COUNT(segments)};
    struct arena a = {0};
    struct diag d = {0};
    struct heap_pages p;

    bitmap[0] = 6; /* words 1 and 2 */
    segments[0].slots = (struct slot_map){.bitmap = bitmap,
                                          .bitmap_size = sizeof bitmap,
                                          .odd = odd,
                                          .odd_count = COUNT(odd),
                                          .count = 4};
    ck_assert(heap_pages_begin(&d, &a, &h, &p));
    ck_assert_uint_eq(heap_pages_all(&h), 5 + 9);
    ck_assert_uint_eq(heap_pages_marked(&p), 0);
    heap_pages_mark_slots(&p); /* pages 0, 1 (the first odd slot is on both) and 4 */
    ck_assert_uint_eq(heap_pages_marked(&p), 3);
    heap_pages_mark(&p, 0x10000, 8);
    heap_pages_mark(&p, 0x20000, 8);
    heap_pages_mark(&p, 0x28000, 8); /* nowhere */
    ck_assert_uint_eq(heap_pages_marked(&p), 3);
    heap_pages_mark(&p, 0x30000 + 8 * HEAP_PAGE - 1, UINT64_MAX);
    ck_assert_uint_eq(heap_pages_marked(&p), 5);
    heap_pages_mark_segment(&p, 1);
    heap_pages_mark_segment(&p, 2);
    ck_assert_uint_eq(heap_pages_marked(&p), 12);
    arena_free(&a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("heap graph");
    TCase *t = tcase_create("graph");
    SRunner *run = srunner_create(s);
    int failed;

    tcase_add_test(t, counts_by_type);
    tcase_add_loop_test(t, what_holds_what, 0, COUNT(trees));
    tcase_add_test(t, memory_may_run_out);
    tcase_add_test(t, marks_pages);
    suite_add_tcase(s, t);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed != 0;
}
