/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_link_cut.c - whole links of damaged files: cut at every length, every
 * byte changed, as they are and in an archive.  A link may fail, with a
 * reason, and must not do anything else. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/elf.h"
#include "link/link.h"
#include "tests/support/elf_object.h"

enum { ARCHIVE_HEADER = 8 + 60, LARGEST = (int)OBJ_SIZE + ARCHIVE_HEADER };

static int memory = -1; /* the input, a file in memory */
static char path[32];

static void count(void *arg, enum diag_kind kind, const char *text)
{
    ck_assert(*text);
    *(uint64_t *)arg += kind == DIAG_ERROR;
}

/* Link BYTES with all options that change much. */
static bool link_bytes(const uint8_t *bytes, uint64_t size, bool options, char *text,
                       size_t text_size)
{
    uint64_t told = 0;
    struct link_input input = {.name = path, .retain = true};
    struct link_options o = {
        .program = "test",
        .output = "/dev/null",
        .sysroot = "",
        .inputs = &input,
        .input_count = 1,
        .relro = true,
        .eh_frame_hdr = true,
        .hash_style = HASH_GNU,
        .threads = 1,
        .gc_sections = options,
        .now = options,
        .relocs = options ? RELOCS_RELR : RELOCS_RELA,
        .compress = options ? COMPRESS_ZLIB : COMPRESS_NONE,
        .build_id = options ? BUILD_ID_HASH : BUILD_ID_NONE,
    };
    struct diag d = {.sink = count, .arg = &told};
    bool ok = false;

    if (memory < 0) {
        memory = memfd_create("input", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    }
    ck_assert(memory >= 0 && ftruncate(memory, 0) == 0 &&
              pwrite(memory, bytes, size, 0) == (ssize_t)size);
    ok = link_run(&d, &o);
    ck_assert_msg(ok ? d.errors == 0 : d.status != OK && d.text[0], "%s, status %d: %s",
                  ok ? "success" : "failure", d.status, d.text);
    ck_assert_uint_eq(told, d.errors);
    ck_assert_ptr_null(d.where);
    if (text)
        snprintf(text, text_size, "%s", d.text);
    return ok;
}

/* The object with its debug section out of the way: its contents are no zlib. */
static uint64_t make_linkable(uint8_t *bytes)
{
    uint64_t size = make_elf_object(bytes, true, false);

    store_uint(bytes + OBJ_SECTIONS * 0x100 + OBJ_DEBUG * 64 + 8, 8, false, 0);
    return size;
}

/* The same as the only member of an archive. */
static uint64_t make_archive(uint8_t *bytes)
{
    uint8_t object[OBJ_SIZE];
    uint64_t size = make_linkable(object);

    memcpy(bytes, "!<arch>\n", 8);
    snprintf((char *)bytes + 8, 61, "%-16s%-12s%-6s%-6s%-8s%-10llu`\n", "m.o/", "0", "0", "0",
             "644", (unsigned long long)size);
    memcpy(bytes + ARCHIVE_HEADER, object, size);
    return ARCHIVE_HEADER + size;
}

static uint64_t make_input(uint8_t *bytes, int which)
{
    return which ? make_archive(bytes) : make_linkable(bytes);
}

START_TEST(links_whole)
{
    uint8_t bytes[LARGEST];
    uint64_t size = make_input(bytes, _i & 1);
    char text[sizeof ((struct diag *)0)->text];

    ck_assert_msg(link_bytes(bytes, size, _i & 2, text, sizeof text), "%s", text);
}
END_TEST

START_TEST(survives_cuts)
{
    uint8_t bytes[LARGEST];
    uint64_t size = make_input(bytes, _i & 1);

    /* Without the section headers at the end nothing is left to link. */
    for (uint64_t n = 1; n < size; n++)
        ck_assert_msg(!link_bytes(bytes, n, _i & 2, NULL, 0), "cut at %llu",
                      (unsigned long long)n);
}
END_TEST

/* Fields that ask for room that no file has; the linker must say no, or zeros
   would be written for hours. */
static bool asks_for_room(uint64_t at)
{
    uint64_t headers = OBJ_SECTIONS * 0x100, in = (at - headers) % 64;

    return at >= headers && (in >= 48 && in < 56);
}

START_TEST(survives_flips)
{
    static const uint8_t flips[] = {0x01, 0xff};
    uint8_t bytes[LARGEST];
    uint64_t size = make_linkable(bytes);

    for (uint64_t at = 0; at < size; at++)
        for (size_t f = 0; f < sizeof flips && !asks_for_room(at); f++) {
            bytes[at] ^= flips[f];
            link_bytes(bytes, size, _i & 1, NULL, 0);
            bytes[at] ^= flips[f];
        }
}
END_TEST

/* ---- what is refused, with its reason ---- */

/* Sizes and alignments that no computer has room for. */
static const struct {
    uint32_t type;
    uint64_t size, align;
} beyond[] = {
    {SHT_PROGBITS, 0x10, UINT64_C(1) << 63},
    {SHT_PROGBITS, 0x10, UINT64_C(1) << 48},
    {SHT_NOBITS, UINT64_MAX, 16},
    {SHT_NOBITS, UINT64_MAX - 15, 1},
    {SHT_NOBITS, UINT64_C(1) << 48, 1},
};

START_TEST(refuses_what_is_beyond_bounds)
{
    uint8_t bytes[LARGEST];
    uint64_t size = make_linkable(bytes);
    uint8_t *headers = bytes + OBJ_SECTIONS * 0x100, *header = headers + OBJ_TEXT * 64;
    char text[sizeof ((struct diag *)0)->text];

    store_uint(headers + OBJ_RELA * 64 + 32, 8, false, 0); /* what has no bytes has no fields */
    store_uint(header + 4, 4, false, beyond[_i].type);
    store_uint(header + 32, 8, false, beyond[_i].size);
    store_uint(header + 48, 8, false, beyond[_i].align);
    ck_assert(!link_bytes(bytes, size, false, text, sizeof text));
    ck_assert_str_eq(text, "section .text: the image gets larger than 0x1000000000000 bytes");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link_cut");
    TCase *tests = tcase_create("damage");
    SRunner *runner = srunner_create(suite);
    int failed = 0;

    tcase_add_loop_test(tests, links_whole, 0, 4);
    tcase_add_loop_test(tests, survives_cuts, 0, 4);
    tcase_add_loop_test(tests, survives_flips, 0, 2);
    tcase_add_loop_test(tests, refuses_what_is_beyond_bounds, 0, sizeof beyond / sizeof *beyond);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
