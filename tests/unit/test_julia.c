/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_julia.c - the reader of Julia sysimages, on images made here: one of
 * 1.5 with all that such an image can hold, then everything that can be
 * wrong with it.  Real images are in tests/e2e/julia.sh. */

#include <check.h>
#include <stdlib.h>

#include "heap/julia.h"
#include "tests/support/julia_image.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static bool read_fake(struct fake *f, struct arena *a, struct diag *d, struct julia_image *out)
{
    struct julia_input in = {fake_lookup, f, f->big, f->wide, "x86-64"};

    *d = (struct diag){0};
    return julia_read(d, a, &in, out);
}

/* Read F, and look at all that was accepted. */
static bool reads(struct fake *f, struct diag *d)
{
    struct arena a = {0};
    struct julia_image image;
    bool ok = read_fake(f, &a, d, &image);
    uint64_t pos = 0, names = 0;
    struct span name;

    ck_assert(ok == (d->status == OK));
    for (uint64_t i = 0; i < image.target_count; i++)
        ck_assert_ptr_nonnull(image.targets[i].name);
    while (image.has_heap && julia_next_name(&image.heap, &pos, &name))
        names++;
    ck_assert(!image.has_heap || names == image.heap.part[JULIA_NAMES].count);
    arena_free(&a);
    return ok;
}

static const struct {
    bool big, wide;
    unsigned tag_bit;
} kinds[] = {
    {false, true, 29}, {false, true, 28}, {false, false, 29}, {false, false, 28},
    {true, true, 29},  {true, true, 28},  {true, false, 29},  {true, false, 28},
};

START_TEST(reads_all_of_it)
{
    static const uint64_t counts[JULIA_PARTS] = {0, 0, 2, 2, 6, 0, 2, 3, 4, 3, 0, 2, 1, 0};
    struct fake f;
    struct arena a = {0};
    struct diag d;
    struct julia_image image;
    struct span name;
    uint64_t sum, pos = 0, at = 4;

    make_fake(&f, kinds[_i].big, kinds[_i].wide, kinds[_i].tag_bit);
    ck_assert_msg(read_fake(&f, &a, &d, &image), "%s", d.text);
    ck_assert_int_eq(image.version, JULIA_1_5);
    ck_assert_uint_eq(image.symbol_count, 14);
    ck_assert_uint_eq(image.missing, 0);

    ck_assert(image.has_code);
    ck_assert_ptr_null(image.no_code);
    ck_assert_uint_eq(image.functions, 3);
    ck_assert_uint_eq(image.globals, 2);
    ck_assert_uint_eq(image.target_count, 2);
    const struct julia_target *t = image.targets;
    ck_assert_str_eq(t[0].name, "generic");
    ck_assert_str_eq(t[0].features, "");
    ck_assert_uint_eq(t[0].enabled_count, 2);
    ck_assert_str_eq(t[0].enabled[0], "cx16");
    ck_assert_str_eq(t[0].enabled[1], "popcnt");
    ck_assert_uint_eq(t[0].disabled_count, 3);
    ck_assert_str_eq(t[0].disabled[0], "avx");
    ck_assert_str_eq(t[0].disabled[1], "bit 34");
    ck_assert_str_eq(t[0].disabled[2], "avx2");
    ck_assert(t[0].full && t[0].clones == 3 && t[0].slots == 1);
    ck_assert_str_eq(t[1].name, "zen9");
    ck_assert_str_eq(t[1].features, "+sse9");
    ck_assert_uint_eq(t[1].flags, JULIA_CLONE_LOOP | JULIA_UNKNOWN_NAME);
    ck_assert(!t[1].full && t[1].clones == 2 && t[1].slots == 1 && t[1].base == 0);

    ck_assert(image.has_heap);
    ck_assert_ptr_null(image.no_heap);
    const struct julia_heap *h = &image.heap;
    ck_assert_uint_eq(h->tag_bit, kinds[_i].tag_bit);
    ck_assert_uint_eq(h->size, find(&f, "jl_system_image_data")->count);
    ck_assert_uint_eq(h->size, image.heap_size);
    sum = h->length_words + h->padding;
    for (enum julia_part_kind i = 0; i < JULIA_PARTS; i++) {
        ck_assert_msg(h->part[i].count == counts[i], "%s: %lu", julia_part_name(i),
                      (unsigned long)h->part[i].count);
        ck_assert_uint_ge(h->part[i].offset, at);
        at = h->part[i].offset + h->part[i].size;
        sum += h->part[i].size;
    }
    ck_assert_uint_eq(at, h->size);
    ck_assert_uint_eq(sum, h->size);
    ck_assert_uint_eq(h->part[JULIA_ROOTS].offset, f.tail);
    ck_assert(h->tags[JULIA_REF_OBJECT] == 1 && h->tags[JULIA_REF_BINDING] == 1);
    ck_assert(h->pointers[JULIA_REF_OBJECT] == 1 && h->pointers[JULIA_REF_CONSTANT] == 1 &&
              h->pointers[JULIA_REF_TAG] == 1 && h->pointers[JULIA_REF_NAME] == 1 &&
              h->pointers[JULIA_REF_FUNCTION] == 1 && h->pointers[JULIA_REF_BUILTIN] == 1);
    ck_assert(h->globals[JULIA_REF_OBJECT] == 1 && h->globals_unused == 1);
    ck_assert(h->functions_specialized == 1 && h->functions_generic == 1 &&
              h->functions_unused == 1);
    ck_assert(h->generated_names == 7 && h->world == 27813 && h->inference_world == 3943);
    ck_assert(julia_next_name(h, &pos, &name) && name.size == 4 && !memcmp(name.at, "main", 4));
    ck_assert(julia_next_name(h, &pos, &name) && name.size == 1 && name.at[0] == 'x');
    ck_assert(!julia_next_name(h, &pos, &name));
    arena_free(&a);
    free_fake(&f);
}
END_TEST

/* Every table and the heap, cut short at every length, the symbol's size cut
   with it, as it was, or unknown. */
START_TEST(cut_at_every_length)
{
    static const char *const tables[] = {
        "jl_sysimg_fvars_offsets", "jl_sysimg_gvars_offsets",   "jl_dispatch_target_ids",
        "jl_dispatch_fvars_idxs",  "jl_dispatch_fvars_offsets", "jl_dispatch_reloc_slots",
        "jl_system_image_data",    "jl_system_image_size",
    };
    struct fake f;
    struct diag d;

    make_fake(&f, kinds[_i].big, kinds[_i].wide, kinds[_i].tag_bit);
    for (size_t i = 0; i < COUNT(tables); i++) {
        struct fake_piece *p = find(&f, tables[i]), whole = *p;

        for (p->count = 0; p->count < whole.count; p->count++) {
            p->bytes = malloc(p->count ? p->count : 1);
            memcpy(p->bytes, whole.bytes, p->count);
            for (int size = 0; size < 3; size++) {
                p->size = size == 0 ? p->count : size == 1 ? whole.size : 0;
                /* Without contents, but with a size, it is a file that has none. */
                ck_assert_msg(!reads(&f, &d) || (p->count == 0 && p->size != 0) ||
                                  (p->count == 0 && i == COUNT(tables) - 1),
                              "%s cut to %zu bytes, size %lu, was taken", p->name, p->count,
                              (unsigned long)p->size);
                ck_assert(d.status == OK || d.status == E_FORMAT);
                ck_assert(d.status == OK || strncmp(d.text, "jl_", 3) == 0);
            }
            free(p->bytes);
        }
        *p = whole;
    }
    ck_assert_msg(reads(&f, &d), "%s", d.text);
    free_fake(&f);
}
END_TEST

/* The heap cut at every length, and the image knows of no more. */
START_TEST(shorter_heap)
{
    struct fake f;
    struct diag d;
    struct fake_piece *data, *size;

    make_fake(&f, kinds[_i].big, kinds[_i].wide, kinds[_i].tag_bit);
    data = find(&f, "jl_system_image_data");
    size = find(&f, "jl_system_image_size");
    for (size_t n = data->count; n-- > 0;) {
        data->bytes = realloc(data->bytes, n ? n : 1);
        data->count = n;
        data->size = n;
        store_uint(size->bytes, f.pointer_size, f.big, n);
        ck_assert_msg(!reads(&f, &d), "a heap of %zu bytes was taken", n);
        ck_assert_int_eq(d.status, E_FORMAT);
    }
    free_fake(&f);
}
END_TEST

/* No byte can be changed to anything that does harm. */
START_TEST(any_byte_changed)
{
    static const uint8_t values[] = {0, 1, 0x10, 0x7f, 0x80, 0xff};
    struct fake f;
    struct diag d;

    make_fake(&f, kinds[_i].big, kinds[_i].wide, kinds[_i].tag_bit);
    for (size_t i = 0; i < f.count; i++) {
        for (size_t k = 0; k < f.piece[i].count; k++) {
            uint8_t was = f.piece[i].bytes[k];

            for (size_t v = 0; v < COUNT(values); v++) {
                f.piece[i].bytes[k] = values[v];
                reads(&f, &d);
                ck_assert(d.status == OK || d.status == E_FORMAT);
            }
            f.piece[i].bytes[k] = was;
        }
    }
    free_fake(&f);
}
END_TEST

/* One 4-byte value changed in a little-endian image of 64 bits, and what is said of it. */
static const struct {
    const char *symbol;
    unsigned at; /* for the heap's tail, plus TAIL */
    uint32_t value;
    const char *text;
} wrong[] = {
#define TAIL 0x10000
    {"jl_sysimg_fvars_offsets", 0, 4, "jl_sysimg_fvars_offsets: 4 entries do not fit 0x10 bytes"},
    {"jl_sysimg_fvars_offsets", 0, 2,
     "jl_sysimg_fvars_offsets: entries end at byte 0xc, the symbol at 0x10"},
    {"jl_sysimg_gvars_offsets", 0, UINT32_MAX,
     "jl_sysimg_gvars_offsets: 4294967295 entries do not fit 0xc bytes"},
    {"jl_dispatch_target_ids", 0, 0x10000000,
     "jl_dispatch_target_ids: 268435456 targets; 0x4c bytes hold no more than 4, and 1024 are the "
     "limit"},
    {"jl_dispatch_target_ids", 0, 0,
     "jl_dispatch_target_ids: entries end at byte 0x4, the symbol at 0x4c"},
    {"jl_dispatch_target_ids", 8, 33,
     "jl_dispatch_target_ids: target 0: 33 feature words, with 32 allowed and 0x40 bytes left"},
    {"jl_dispatch_target_ids", 36, 1000,
     "jl_dispatch_target_ids: ends after 0x4c bytes, in the middle of an entry"},
    {"jl_dispatch_fvars_idxs", 4, 3,
     "jl_dispatch_fvars_idxs: target 0: entry 0: function 3 is out of order or not one of the 3"},
    {"jl_dispatch_fvars_idxs", 12, 1,
     "jl_dispatch_fvars_idxs: target 1: target 1 is no full copy before it"},
    {"jl_dispatch_fvars_idxs", 16, 2,
     "jl_dispatch_fvars_idxs: target 1: entry 1: function 2 is out of order or not one of the 3"},
    {"jl_dispatch_fvars_idxs", 8, 0x7fffffff,
     "jl_dispatch_fvars_idxs: target 1: 2147483647 entries do not fit 0x18 bytes"},
    {"jl_dispatch_fvars_idxs", 0, 1,
     "jl_dispatch_fvars_idxs: target 0: target 2 is no full copy before it"},
    {"jl_dispatch_reloc_slots", 0, 2, "jl_dispatch_reloc_slots: 2 entries do not fit 0xc bytes"},
    {"jl_system_image_size", 0, 0x1000,
     "jl_system_image_data: jl_system_image_size is 0x1000, but its section ends after 0x10b bytes"},
    {"jl_system_image_size", 0, 0x100,
     "jl_system_image_data: jl_system_image_size is 0x100, the symbol's size 0x10b"},
    {"jl_system_image_data", 0, 0x200,
     "jl_system_image_data: objects: 0x200 bytes at 0x4 are not inside the heap, where 0x107 bytes "
     "are left"},
    /* the objects */
    {"jl_system_image_data", 8, 0xe0000000,
     "jl_system_image_data: type tags to relocate: entry 0: not a reference: 0xe0000000"},
    {"jl_system_image_data", 8, 0x49,
     "jl_system_image_data: type tags to relocate: entry 0: refers to what is not there: 0x49"},
    {"jl_system_image_data", 12, 1,
     "jl_system_image_data: type tags to relocate: entry 0: not a reference: 0x100000020"},
    {"jl_system_image_data", 16, 0x20000004,
     "jl_system_image_data: pointers to relocate: entry 0: refers to what is not there: "
     "0x20000004"},
    {"jl_system_image_data", 32, 0x60000002,
     "jl_system_image_data: pointers to relocate: entry 1: refers to a name that is not there: "
     "0x60000002"},
    {"jl_system_image_data", 40, 0x40000902,
     "jl_system_image_data: pointers to relocate: entry 2: refers to what is not there: "
     "0x40000902"},
    /* the names' length; a name's */
    {"jl_system_image_data", 104, 0x1000,
     "jl_system_image_data: names: 0x1000 bytes at 0x6c are not inside the heap, where 0x9f bytes "
     "are left"},
    {"jl_system_image_data", 108, 3,
     "jl_system_image_data: names: entry 0: no NUL behind a name of this size: 0x3"},
    {"jl_system_image_data", 108, 12,
     "jl_system_image_data: names: entry 0: ends past the end of its part; it starts at: 0x0"},
    /* the relocation lists */
    {"jl_system_image_data", 127, 9,
     "jl_system_image_data: type tags to relocate: entry 0: no word among the objects: 0x9"},
    {"jl_system_image_data", 127, 72,
     "jl_system_image_data: type tags to relocate: entry 0: no word among the objects: 0x48"},
    {"jl_system_image_data", 127, 0,
     "jl_system_image_data: pointers to relocate: entry 1: the list ends here, but its part goes "
     "on; bytes left: 0x1c"},
    {"jl_system_image_data", 135, 16,
     "jl_system_image_data: pointers to relocate: entry 0: the list's end is missing; its part's "
     "size is: 0x28"},
    /* the functions' length; a function */
    {"jl_system_image_data", 179, 23,
     "jl_system_image_data: functions: entry 2: half an entry; the part's size is: 0x17"},
    {"jl_system_image_data", 183, 17,
     "jl_system_image_data: functions: entry 0: no object can be there: 0x11"},
    {"jl_system_image_data", TAIL + 0, 0xe0000000,
     "jl_system_image_data: roots: entry 0: not a reference: 0xe0000000"},
    {"jl_system_image_data", TAIL + 44, 5,
     "jl_system_image_data: objects to reinitialize: entry 0: the list does not end with a 0, at: "
     "0xfb"},
    {"jl_system_image_data", TAIL + 56, 1,
     "jl_system_image_data: functions callable from C: entry 0: the list does not end with a 0, "
     "at: 0x107"},
};

START_TEST(says_what_is_wrong)
{
    struct fake f;
    struct diag d;
    size_t at;

    make_fake(&f, false, true, 29);
    at = wrong[_i].at < TAIL ? wrong[_i].at : wrong[_i].at - TAIL + f.tail;
    ck_assert_uint_le(at + 4, find(&f, wrong[_i].symbol)->count);
    store_uint(find(&f, wrong[_i].symbol)->bytes + at, 4, false, wrong[_i].value);
    ck_assert(!reads(&f, &d));
    ck_assert_int_eq(d.status, E_FORMAT);
    ck_assert_str_eq(d.text, wrong[_i].text);
    free_fake(&f);
}
END_TEST

/* Which versions the symbols tell apart. */
static const struct {
    enum julia_version version;
    const char *symbols[4];
    uint64_t missing;
} sets[] = {
    {JULIA_NOT, {"jl_system_image_size", "jl_globalUnique"}, 0},
    {JULIA_NOT, {"jl_system_image_data"}, 0},
    {JULIA_1_5, {"jl_system_image_data", "jl_globalUnique", "jl_get_ptls_states_slot"}, 11},
    {JULIA_1_6, {"jl_system_image_data", "jl_get_ptls_states_slot"}, 11},
    {JULIA_1_7, {"jl_system_image_data", "jl_pgcstack_func_slot", "jl_tls_offset"}, 11},
    {JULIA_1_9, {"jl_system_image_data", "jl_pgcstack_func_slot", "jl_tls_offset_image"}, 11},
    {JULIA_1_10, {"jl_system_image_data", "jl_image_pointers"}, 2},
    {JULIA_1_10,
     {"jl_system_image_data", "jl_image_pointers", "get_jl_RTLD_DEFAULT_handle_addr",
      "jl_globalUnique"},
     1},
    {JULIA_1_13, {"jl_system_image_data", "jl_image_pointers", "jl_image_unpack"}, 2},
    {JULIA_1_14,
     {"jl_system_image_data", "jl_image_pointers", "jl_image_unpack", "jl_system_image_checksum"},
     2},
};

START_TEST(tells_versions_apart)
{
    struct fake f = {.wide = true, .pointer_size = 8};
    struct arena a = {0};
    struct diag d;
    struct julia_image image;

    for (size_t i = 0; i < COUNT(sets[0].symbols) && sets[_i].symbols[i]; i++)
        put_word(&f, add(&f, sets[_i].symbols[i]), 8);
    ck_assert_int_eq(julia_recognise(fake_lookup, &f), sets[_i].version);
    if (sets[_i].version == JULIA_NOT) {
        ck_assert(!read_fake(&f, &a, &d, &image));
        ck_assert_int_eq(d.status, E_UNKNOWN);
    } else {
        ck_assert_msg(read_fake(&f, &a, &d, &image), "%s", d.text);
        ck_assert_int_eq(image.version, sets[_i].version);
        ck_assert_uint_eq(image.missing, sets[_i].missing);
        ck_assert(!image.has_code && !image.has_heap);
        ck_assert_ptr_nonnull(image.no_code);
        ck_assert_ptr_nonnull(image.no_heap);
    }
    arena_free(&a);
    free_fake(&f);
}
END_TEST

/* A later heap that is not decoded, and that is said.  The others: test_julia_layouts.c. */
START_TEST(later_heaps)
{
    struct fake f = {.wide = true, .pointer_size = 8};
    struct arena a = {0};
    struct diag d;
    struct julia_image image;

    put_word(&f, add(&f, "jl_system_image_size"), 8);
    put_word(&f, add(&f, "jl_system_image_data"), 0xfd2fb528);
    add(&f, "jl_image_pointers");
    add(&f, "jl_image_unpack");
    ck_assert(read_fake(&f, &a, &d, &image));
    ck_assert_str_eq(image.no_heap, "it is compressed with zstd, which is not decoded yet");
    ck_assert_uint_eq(image.heap_size, 8);
    ck_assert(!image.package);
    memcpy(find(&f, "jl_system_image_data")->bytes, "\373jli\r\n\032\n", 8);
    ck_assert(read_fake(&f, &a, &d, &image));
    ck_assert(image.package);
    ck_assert_str_eq(image.no_heap, "it is a package's, whose links to other images are not decoded yet");
    arena_free(&a);
    free_fake(&f);
}
END_TEST

/* A symbol that sticks out of its section. */
START_TEST(larger_than_its_section)
{
    struct fake f;
    struct diag d;

    make_fake(&f, false, true, 29);
    find(&f, "jl_dispatch_fvars_idxs")->size++;
    ck_assert(!reads(&f, &d));
    ck_assert_str_eq(d.text, "jl_dispatch_fvars_idxs: the symbol has 0x19 bytes, its section only "
                             "0x18");
    free_fake(&f);
}
END_TEST

/* Half an image, as the members of sys.o are: what is there is read. */
START_TEST(reads_what_is_there)
{
    struct fake f;
    struct arena a = {0};
    struct diag d;
    struct julia_image image;

    make_fake(&f, false, true, 29);
    find(&f, "jl_dispatch_target_ids")->name = "jl_another_name";
    ck_assert_msg(read_fake(&f, &a, &d, &image), "%s", d.text);
    ck_assert(!image.has_code && image.has_heap);
    ck_assert_uint_eq(image.missing, 1);
    ck_assert_str_eq(image.no_code, "jl_dispatch_target_ids or its contents are not in this file");
    arena_free(&a);
    free_fake(&f);
}
END_TEST

/* The heap may not speak of more variables or functions than the code has. */
START_TEST(heap_and_code_agree)
{
    struct fake f;
    struct diag d;
    struct fake_piece *p;

    make_fake(&f, false, true, 29);
    p = find(&f, "jl_sysimg_gvars_offsets");
    store_uint(p->bytes, 4, false, 1);
    p->size = 8;
    ck_assert(!reads(&f, &d));
    ck_assert_str_eq(d.text, "jl_system_image_data: globals: entry 1: the code has no such "
                             "variable; entries: 0x2");
    free_fake(&f);
}
END_TEST

START_TEST(memory_runs_out)
{
    struct fake f;
    struct diag d = {0};
    struct julia_image image;
    bool ok = false;
    uint64_t n = 1;

    make_fake(&f, false, true, 29);
    for (; !ok && n < 1000; n++) {
        struct arena a = {.fail_after = n};

        ok = read_fake(&f, &a, &d, &image);
        ck_assert(ok || d.status == E_NOMEM);
        arena_free(&a);
    }
    ck_assert(ok);
    ck_assert_uint_gt(n, 5);
    free_fake(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("julia");
    TCase *c = tcase_create("julia");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, reads_all_of_it, 0, COUNT(kinds));
    tcase_add_loop_test(c, cut_at_every_length, 0, COUNT(kinds));
    tcase_add_loop_test(c, shorter_heap, 0, COUNT(kinds));
    tcase_add_loop_test(c, any_byte_changed, 0, COUNT(kinds));
    tcase_add_loop_test(c, says_what_is_wrong, 0, COUNT(wrong));
    tcase_add_loop_test(c, tells_versions_apart, 0, COUNT(sets));
    tcase_add_test(c, later_heaps);
    tcase_add_test(c, larger_than_its_section);
    tcase_add_test(c, reads_what_is_there);
    tcase_add_test(c, heap_and_code_agree);
    tcase_add_test(c, memory_runs_out);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
