/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_verify_heap.c - every rule about heaps, on an image that is sound but
 * for a field or two. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "elf/verify.h"
#include "sysimage/format.h"
#include "tests/support/heap_image.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* What to write where; SIZE 0 ends the list. */
struct patch {
    uint32_t off;
    uint8_t size;
    uint64_t value;
};

enum { P_FLAGS = 4, P_VADDR = 16, P_FILESZ = 32, P_MEMSZ = 40, NOTE_TYPE = HIMG_NOTE + 8 };

/* clang-format off */
static const struct {
    const char *rule;
    struct patch patch[4];
    const char *text; /* the only finding of a rule about heaps, its checksums made right again;
                         NULL: none */
    bool sums;        /* they are not */
} cases[] = {
    {"heap-note", {{NOTE_TYPE, 4, SIMG_NOTE_REQUEST}},
     "a heap was asked for and is not there: the linker plugin that puts it here never ran", false},
    {"heap-note", {{NOTE_TYPE, 4, 9}}, NULL, false},
    /* A second note where the first one is, but for PT_NOTE's address: the stack's header is free. */
    {"heap-note",
     {{HIMG_PH(HSEG_STACK, 0), 4, 4}, {HIMG_PH(HSEG_STACK, 8), 8, HIMG_NOTE},
      {HIMG_PH(HSEG_STACK, P_FILESZ), 8, 48}},
     "2 notes lead to a table of heaps: one is looked at", false},
    {"heap-table", {{HIMG_TABLE, 1, 'x'}}, "the table's magic is not there", false},
    {"heap-table", {{HIMG_TABLE + 32, 4, 183}},
     "the table is for e_machine 183, the file for 62", false},
    {"heap-table", {{HIMG_DESC + 8, 8, 0x700000}},
     "the note leads to 0x500 bytes at 0x7a0000700318, which the file does not have", false},
    {"heap-table", {{HIMG_SEGMENT(HROW_RW) + 40, 8, 7}},
     "heap 0: segment 0: a bitmap of 7 bytes, not 8", false},
    {"heap-place", {{HIMG_HEAP + 8, 8, HIMG_BASE + 0x200000}},
     "heap 0: it is relocated for 0x7a0000200000 and lies at 0x7a0000000000", false},
    {"heap-place", {{HIMG_PH(HSEG_RW, P_MEMSZ), 8, 0x1f8}, {HIMG_PH(HSEG_RW, P_FILESZ), 8, 0x1f8}},
     "heap 0: segment 0: 0x200 bytes at 0x7a0000010000 are not inside a PT_LOAD", false},
    {"heap-place", {{HIMG_PH(HSEG_RW, P_FILESZ), 8, 0x1f8}},
     "heap 0: segment 0: 0x200 bytes at 0x7a0000010000 are not all in the file (PT_LOAD 1)", false},
    {"heap-place", {{HIMG_PH(HSEG_ZERO, P_FILESZ), 8, 8}},
     "heap 0: segment 2: it is zero-fill, and the file has bytes for 0x7a0000030000 (PT_LOAD 3)",
     false},
    {"heap-place", {{HIMG_SEGMENT(HROW_ZERO), 8, HIMG_ZERO - 0x1000}},
     "heap 0: segment 2: 0x3000 bytes at 0x7a000002f000 are not inside a PT_LOAD", false},
    {"heap-rights", {{HIMG_PH(HSEG_CODE, P_FLAGS), 4, 7}},
     "heap 0: segment 3: PT_LOAD 4 maps it rwx, the table has r-x", false},
    {"heap-rights", {{HIMG_PH(HSEG_RO, P_FLAGS), 4, 4}},
     "heap 0: segment 1: PT_LOAD 2 maps it r--, the table has rw-", false},
    {"heap-rights", {{HIMG_SEGMENT(HROW_RO) + 20, 4, 0}},
     "heap 0: segment 1: PT_LOAD 2 maps it rw-, the table has r--", false},
    {"heap-rights", {{HIMG_SEGMENT(HROW_RW) + 20, 4, 1}},
     "heap 0: segment 0: it stays writable, and is said to be so only while relocated", false},
    {"heap-rights", {{HIMG_SEGMENT(HROW_CODE) + 16, 4, 7}, {HIMG_PH(HSEG_CODE, P_FLAGS), 4, 7}},
     "heap 0: segment 3: its rights are rwx, of its kind (4) are r-x", false},
    {"heap-slots", {{HIMG_RW + 0x10, 8, HIMG_BASE + HIMG_SPAN + 1}},
     "heap 0: segment 0: the slot at 0x10 holds 0x7a0000060011, no address in the heap (0x60010 "
     "bytes at 0x7a0000000000)", false},
    {"heap-slots", {{HIMG_RW + 0x21, 8, HIMG_BASE - 1}},
     "heap 0: segment 0: the slot at 0x21 holds 0x79ffffffffff, no address in the heap (0x60010 "
     "bytes at 0x7a0000000000)", false},
    /* What leads to the rest of the image, where that is said to be. */
    {"heap-slots", {{HIMG_RW + 0x10, 8, HIMG_BASE + HIMG_DYNAMIC}},
     "heap 0: segment 0: the slot at 0x10 holds 0x7a0000070000, no address in the heap (0x60010 "
     "bytes at 0x7a0000000000)", false},
    {"heap-slots", {{HIMG_RW + 0x10, 8, HIMG_BASE + HIMG_DYNAMIC}, {HIMG_HEAP + 28, 4, 3}}, NULL,
     false},
    {"heap-slots", {{HIMG_RW + 0x10, 8, HIMG_BASE + HIMG_SIZE}, {HIMG_HEAP + 28, 4, 3}},
     "heap 0: segment 0: the slot at 0x10 holds 0x7a0000070100, no address in the heap (0x60010 "
     "bytes at 0x7a0000000000) or the image", false},
    {"heap-relocs", {{HIMG_REL(HREL_RW), 8, HIMG_BASE + HIMG_RW + 0x44}},
     "heap 0: no relocation fills the import slot at 0x7a000001003c with environ", false},
    {"heap-relocs", {{HIMG_REL(HREL_RW) + 12, 4, HSYM_MALLOC}},
     "heap 0: the import slot at 0x7a000001003c gets malloc, not environ", false},
    {"heap-relocs", {{HIMG_REL(HREL_RW) + 16, 8, 17}},
     "heap 0: the import slot at 0x7a000001003c gets environ+17, not +16", false},
    {"heap-relocs", {{HIMG_REL(HREL_RW) + 8, 4, 5}},
     "heap 0: the import slot at 0x7a000001003c is filled by type 5, not with an address", false},
    {"heap-relocs", {{HIMG_REL(HREL_GOT), 8, HIMG_BASE + HIMG_RW + 0x1c},
                     {HIMG_IMPORTS + 8, 8, SIMG_NO_PLACE}},
     "RELA 2: 0x7a000001001c is a slot that is final already", false},
    {"heap-relocs", {{HIMG_REL(HREL_GOT), 8, HIMG_BASE + HIMG_RW + 0x50},
                     {HIMG_REL(HREL_GOT) + 8, 8, 8}, {HIMG_IMPORTS + 8, 8, SIMG_NO_PLACE}},
     "RELA 2: 0x7a0000010050 is in a prelinked heap, and the loader adds the image's address to it",
     false},
    {"heap-relocs", {{HIMG_REL(HREL_GOT), 8, HIMG_BASE + HIMG_ZERO},
                     {HIMG_IMPORTS + 8, 8, SIMG_NO_PLACE}},
     "RELA 2: 0x7a0000030000 is in a zero-fill segment", false},
    /* As a native heap: its slots are then the loader's, and there are none for them. */
    {"heap-relocs", {{HIMG_HEAP + 24, 4, SIMG_MODE_NATIVE}},
     "heap 0: segment 0: 5 slots, and the loader relocates 0 words", false},
    {"heap-imports", {{HIMG_REL(HREL_GOT) + 12, 4, HSYM_ENVIRON}},
     "heap 0: the word of the import at 0x7a0000050000 gets environ, not malloc", false},
    {"heap-imports", {{HIMG_REL(HREL_GOT), 8, HIMG_BASE + HIMG_DYNAMIC + 0xf0}},
     "heap 0: no relocation fills the word of the import at 0x7a0000050000 with malloc", false},
    {"heap-roots", {{HIMG_SYM(HSYM_START) + 16, 8, 0x3f}},
     "root 0: start, kind 1, 0x40 bytes at 0x7a0000040000: symbol 3 has type 2, 0x3f bytes at "
     "0x7a0000040000", false},
    {"heap-roots", {{HIMG_SYM(HSYM_TABLE) + 8, 8, HIMG_BASE + HIMG_RW}},
     "root 1: table, kind 0, 0x20 bytes at 0x7a0000010010: symbol 4 has type 1, 0x20 bytes at "
     "0x7a0000010000", false},
    {"heap-roots", {{HIMG_DYNSTR + 16, 1, 'S'}}, "root 0: start is no dynamic symbol", false},
    {"heap-checksum", {{HIMG_STRINGS + 1, 1, 'O'}},
     "the table's checksum is 0x", true},
    {"heap-checksum", {{HIMG_CODE, 1, 0xcc}}, "heap 0: segment 3: checksum 0x", true},
    {"heap-checksum", {{HIMG_SEGMENT(HROW_ZERO) + 72, 8, 1}, {HIMG_TABLE + 24, 8, 0}},
     "heap 0: segment 2: a checksum of zero-fill memory, which has no bytes", true},
};
/* clang-format on */

/* The findings of one run, each as "RULE: TEXT\n". */
struct told {
    char text[16384];
    size_t used;
};

static void found(void *arg, const char *rule, const char *text)
{
    struct told *f = arg;

    f->used +=
        (size_t)snprintf(f->text + f->used, sizeof f->text - f->used, "%s: %s\n", rule, text);
    ck_assert_uint_lt(f->used, sizeof f->text);
}

static bool is_heap_rule(void *arg, const char *rule)
{
    (void)arg;
    return !strncmp(rule, "heap-", 5);
}

static uint64_t run(const uint8_t *image, size_t size, bool heaps_only, struct told *f,
                    struct diag *d)
{
    struct verify_options o = {heaps_only ? is_heap_rule : NULL, found, f};
    struct arena a = {0};
    uint64_t count = 0;
    uint8_t *copy = malloc(size ? size : 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, image, size);
    *f = (struct told){0};
    *d = (struct diag){0};
    ck_assert(elf_verify(d, &a, (struct span){copy, size}, &o, &count) == (d->status == OK));
    arena_free(&a);
    free(copy);
    return count;
}

START_TEST(a_sound_image_has_no_findings)
{
    static uint8_t image[HIMG_SIZE];
    struct told f;
    struct diag d;

    make_heap_image(image);
    ck_assert_msg(run(image, sizeof image, false, &f, &d) == 0, "%s", f.text);
    ck_assert_str_eq(d.text, "");
}
END_TEST

START_TEST(a_broken_field_is_found)
{
    static uint8_t image[HIMG_SIZE];
    struct told f;
    struct diag d;
    char want[512] = "";
    uint64_t count;

    make_heap_image(image);
    for (const struct patch *p = cases[_i].patch; p->size > 0; p++)
        store_uint(image + p->off, p->size, false, p->value);
    if (!cases[_i].sums)
        seal_heap_image(image);
    count = run(image, sizeof image, true, &f, &d);
    ck_assert_str_eq(d.text, "");
    if (cases[_i].text)
        snprintf(want, sizeof want, "%s: %s", cases[_i].rule, cases[_i].text);
    ck_assert_msg(!strncmp(f.text, want, strlen(want)), "case %d: no '%s' in:\n%s", _i, want,
                  f.text);
    ck_assert_msg(cases[_i].text ? count >= 1 : count == 0, "case %d:\n%s", _i, f.text);
}
END_TEST

START_TEST(every_rule_has_a_case)
{
    const char *says = NULL, *name = verify_rule(0, &says);

    for (unsigned i = 0; name; name = verify_rule(++i, &says)) {
        size_t c = 0;

        while (c < COUNT(cases) && strcmp(cases[c].rule, name) != 0)
            c++;
        ck_assert_msg(c < COUNT(cases) || !is_heap_rule(NULL, name), "rule %s has no case", name);
    }
}
END_TEST

/* A heap that the loader relocates may have tags above its addresses: the rule
   about RELATIVE looks at the addresses. */
START_TEST(tags_are_no_addresses)
{
    static uint8_t image[HIMG_SIZE];
    struct told f;
    struct diag d;

    make_heap_image(image);
    store_uint(image + HIMG_HEAP + 24, 4, false, SIMG_MODE_NATIVE);
    store_uint(image + HIMG_REL(HREL_GOT), 8, false, HIMG_BASE + HIMG_RW + 0x10);
    store_uint(image + HIMG_REL(HREL_GOT) + 8, 8, false, 8);
    store_uint(image + HIMG_REL(HREL_GOT) + 16, 8, false, UINT64_C(5) << 48 | (HIMG_BASE + 8));
    run(image, sizeof image, false, &f, &d);
    ck_assert_msg(!strstr(f.text, "relative: "), "%s", f.text);
    /* Outside of heaps it is one. */
    store_uint(image + HIMG_REL(HREL_GOT), 8, false, HIMG_BASE + HIMG_DYNAMIC + 0xf0);
    run(image, sizeof image, false, &f, &d);
    ck_assert_msg(strstr(f.text, "relative: ") != NULL, "%s", f.text);
}
END_TEST

/* Any byte of headers, table and maps changed: no crash. */
START_TEST(any_changed_byte_is_survived)
{
    static const uint8_t values[] = {0, 1, 0x80, 0xff};
    static uint8_t image[HIMG_SIZE];
    struct told f;
    struct diag d;

    make_heap_image(image);
    for (size_t n = 0; n < HIMG_BITMAP_2 + 8; n++) {
        uint8_t old = image[n];

        for (size_t v = 0; v < COUNT(values); v++) {
            image[n] = values[v];
            run(image, sizeof image, true, &f, &d);
        }
        image[n] = old;
        if (n == HIMG_REL(HREL_COUNT)) /* nothing is between there and the table */
            n = HIMG_TABLE - 1;
    }
}
END_TEST

START_TEST(memory_may_run_out)
{
    static uint8_t image[HIMG_SIZE];
    bool ok = false;

    make_heap_image(image);
    for (uint64_t n = 1; !ok; n++) {
        struct told f = {0};
        struct verify_options o = {NULL, found, &f};
        struct arena a = {.fail_after = n};
        struct diag d = {0};
        uint64_t count = 0;

        ok = elf_verify(&d, &a, (struct span){image, sizeof image}, &o, &count);
        ck_assert_int_eq(d.status, ok ? OK : E_NOMEM);
        arena_free(&a);
        ck_assert_uint_lt(n, 1000);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("verify heap");
    TCase *t = tcase_create("rules");
    SRunner *runner = srunner_create(s);
    int failed;

    tcase_add_test(t, a_sound_image_has_no_findings);
    tcase_add_loop_test(t, a_broken_field_is_found, 0, COUNT(cases));
    tcase_add_test(t, every_rule_has_a_case);
    tcase_add_test(t, tags_are_no_addresses);
    tcase_add_test(t, any_changed_byte_is_survived);
    tcase_add_test(t, memory_may_run_out);
    tcase_set_timeout(t, 300);
    suite_add_tcase(s, t);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
