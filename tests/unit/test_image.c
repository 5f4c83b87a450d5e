/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_image.c - libsysimage's loader, on an image that has one of everything
 * and was made by hand from docs/image-format.md. */

#include <check.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "sysimage/format.h"
#include "sysimage/image.h"
#include "tests/support/heap_image.h"
#include "tests/support/memory.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Where opening takes long (Wine), some of the bytes have to do. */
#ifndef EVERY
#define EVERY 1
#endif

#define MALLOC UINT64_C(0x1234500)
#define ENVIRON UINT64_C(0x6789a00)

static uint8_t image[HIMG_SIZE];
static int fd;
static struct simg_error e;

static void (*make_headers)(uint8_t out[HIMG_SIZE]) = make_heap_image;

static void make(void)
{
    make_headers(image);
#if defined __aarch64__
    store_uint(image + HIMG_TABLE + 32, 4, false, 183);
#endif
    seal_heap_image(image);
}

static void put_file(void)
{
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    ck_assert_int_eq(pwrite(fd, image, sizeof image, 0), sizeof image);
}

static void setup(void)
{
    fd = memfd_create("image", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    make();
    put_file();
}

static void setup_macho(void)
{
    make_headers = make_heap_image_macho;
    setup();
}

static void setup_pe(void)
{
    make_headers = make_heap_image_pe;
    setup();
}

static void teardown(void) { close(fd); }

static bool no_environ;

static void *resolver(void *arg, const char *name)
{
    (void)arg;
    if (!strcmp(name, "malloc"))
        return (void *)MALLOC;
    return no_environ || strcmp(name, "environ") != 0 ? NULL : (void *)ENVIRON;
}

static enum simg_status open_it(uint32_t verify, uint32_t flags, struct simg **out)
{
    struct simg_options o = {
        .size = sizeof o, .verify = verify, .flags = flags, .resolve = resolver};

    return simg_open_fd(fd, &o, out, &e);
}

static uint64_t word(const struct simg *i, uint64_t at)
{
    struct simg_heap h;
    uint64_t v = 0;

    ck_assert_int_eq(simg_get_heap(i, 0, &h), SIMG_OK);
    memcpy(&v, (uint8_t *)h.addr + at, 8);
    return v;
}

/* Each word of the heap of I, which lies at BASE. */
static void check_heap(const struct simg *i, uint64_t base)
{
    const uint64_t same = 0xc3c3c3c3c3c3c3c3u;

    ck_assert_uint_eq(word(i, HIMG_RW), same);
    ck_assert_uint_eq(word(i, HIMG_RW + 8), same);
    ck_assert_uint_eq(word(i, HIMG_RW + 0x10), base + HIMG_RO + 0x40);
    ck_assert_uint_eq(word(i, HIMG_RW + 0x18), UINT64_C(0xffff) << 48 | (base + HIMG_RO + 1));
    ck_assert_uint_eq(word(i, HIMG_RW + 0x21), base + HIMG_ZERO);
    ck_assert_uint_eq(word(i, HIMG_RW + 0x30), base + HIMG_PLT);
    ck_assert_uint_eq(word(i, HIMG_RW + 0x3c), no_environ ? 0 : ENVIRON + 16);
    ck_assert_uint_eq(word(i, HIMG_RW + 0x1f0), same);
    ck_assert_uint_eq(word(i, HIMG_RW + 0x1f8), base + HIMG_SPAN);
    ck_assert_uint_eq(word(i, HIMG_RO), base + HIMG_RW);
    ck_assert_uint_eq(word(i, HIMG_RO + 8), 0);
    ck_assert_uint_eq(word(i, HIMG_RO + 0x10), no_environ ? 0 : ENVIRON - 8);
    ck_assert_uint_eq(word(i, HIMG_ZERO + 0x2ff8), 0);
    ck_assert_uint_eq(word(i, HIMG_CODE + 0x38), 0x9090909090909090u);
    ck_assert_uint_eq(word(i, HIMG_GOT), MALLOC);
}

/* Mappings of the file, and those at the heap's own address. */
static unsigned mappings(void) { return memory_mappings("image", HIMG_BASE, HIMG_SPAN); }

static void check_rights(const struct simg *i)
{
    static const char *const want[] = {"rw-p", "r--p", "rw-p", "r-xp", "r--p", "r-xp"};
    struct simg_segment s;
    char have[5];

    for (uint32_t n = 0; n < COUNT(want); n++) {
        ck_assert_int_eq(simg_get_segment(i, 0, n, &s), SIMG_OK);
        memory_rights(s.addr, have);
        ck_assert_str_eq(have, want[n]);
    }
    ck_assert_int_eq(simg_get_segment(i, 0, COUNT(want), &s), SIMG_ERR_NOT_FOUND);
}

/* ---- */

START_TEST(its_own_address)
{
    struct simg *i = NULL;
    struct simg_heap h;

    ck_assert_msg(open_it(SIMG_VERIFY_FULL, SIMG_OPEN_IN_PLACE, &i) == SIMG_OK, "%s", e.text);
    ck_assert_uint_eq(simg_heap_count(i), 1);
    ck_assert_int_eq(simg_get_heap(i, 0, &h), SIMG_OK);
    ck_assert_ptr_eq(h.addr, (void *)HIMG_BASE);
    ck_assert_uint_eq(h.size, HIMG_SPAN);
    ck_assert_uint_eq(h.mode, SIMG_MODE_PRELINKED);
    ck_assert(!h.relocated && !h.dlopened);
    ck_assert_uint_eq(h.slots, 6);
    ck_assert_uint_eq(h.segments, 6);
    ck_assert_str_eq(h.version, "5.4");
    ck_assert_str_eq(h.build_flags, "-O2");
    ck_assert_uint_eq(h.content_id[15], 0xaf);
    check_heap(i, HIMG_BASE);
    check_rights(i);
    simg_close(i);
}
END_TEST

START_TEST(looking)
{
    struct simg *i = NULL;
    struct simg_root r;
    struct simg_import m;
    struct simg_heap h;

    ck_assert_int_eq(open_it(SIMG_VERIFY_HEADER, 0, &i), SIMG_OK);
    ck_assert_int_eq(simg_find_root(i, "table", &r), SIMG_OK);
    ck_assert_ptr_eq(r.addr, (void *)(HIMG_BASE + HIMG_RW + 0x10));
    ck_assert_uint_eq(r.size, 0x20);
    ck_assert_ptr_eq(simg_root_addr(i, "start"), (void *)(HIMG_BASE + HIMG_CODE));
    ck_assert_ptr_null(simg_root_addr(i, "tabl"));
    ck_assert_int_eq(simg_get_root(i, 0, 2, &r), SIMG_ERR_NOT_FOUND);
    ck_assert_ptr_null(r.name);
    ck_assert_int_eq(simg_get_root(i, 1, 0, &r), SIMG_ERR_NOT_FOUND);
    ck_assert_int_eq(simg_get_import(i, 0, 1, &m), SIMG_OK);
    ck_assert_str_eq(m.name, "environ");
    ck_assert(m.weak && m.kind == SIMG_IMPORT_DATA);
    ck_assert_str_eq(simg_meta(i, "made-by"), "test");
    ck_assert_ptr_null(simg_meta(i, "test"));
    ck_assert_int_eq(simg_get_heap(i, 1, &h), SIMG_ERR_NOT_FOUND);
    simg_close(i);
}
END_TEST

START_TEST(elsewhere)
{
    struct simg *a = NULL, *b = NULL;
    struct simg_heap h;

    ck_assert_int_eq(open_it(SIMG_VERIFY_HEADER, 0, &a), SIMG_OK);
    ck_assert_int_eq(open_it(SIMG_VERIFY_FULL, 0, &b), SIMG_OK);
    ck_assert_int_eq(simg_get_heap(b, 0, &h), SIMG_OK);
    ck_assert(h.relocated && h.addr != (void *)HIMG_BASE);
    ck_assert_uint_eq((uintptr_t)h.addr % 0x200000, 0);
    check_heap(b, (uintptr_t)h.addr);
    check_rights(b);
    ck_assert_int_eq(open_it(SIMG_VERIFY_NONE, SIMG_OPEN_IN_PLACE, (struct simg *[]){NULL}),
                     SIMG_ERR_ADDRESS);
    simg_close(a);
    simg_close(b);
}
END_TEST

START_TEST(imports)
{
    const struct simg_options own = {.size = sizeof own, .flags = SIMG_OPEN_MAP};
    uintptr_t environ_addr = (uintptr_t)dlsym(RTLD_DEFAULT, "environ"); /* not everywhere */
    struct simg *i = NULL;

    no_environ = true; /* it is weak */
    ck_assert_int_eq(open_it(SIMG_VERIFY_HEADER, 0, &i), SIMG_OK);
    check_heap(i, HIMG_BASE);
    simg_close(i);
    no_environ = false;
    ck_assert_int_eq(simg_open_fd(fd, &own, &i, &e), SIMG_OK);
    ck_assert_uint_eq(word(i, HIMG_GOT), (uintptr_t)dlsym(RTLD_DEFAULT, "malloc"));
    ck_assert_uint_eq(word(i, HIMG_RW + 0x3c), environ_addr ? environ_addr + 16 : 0);
    simg_close(i);
    memcpy(memmem(image + HIMG_STRINGS, 0x80, "malloc", 6), "nobody", 6);
    seal_heap_image(image);
    put_file();
    ck_assert_int_eq(open_it(SIMG_VERIFY_HEADER, 0, &i), SIMG_ERR_SYMBOL);
    ck_assert_str_eq(e.text, "nobody defines 'nobody'");
    ck_assert_ptr_null(i);
}
END_TEST

START_TEST(options)
{
    struct {
        struct simg_options o;
        uint64_t later;
    } newer = {.o = {.size = sizeof newer, .resolve = resolver}};
    static const uint32_t wrong[] = {SIMG_OPEN_MAP | SIMG_OPEN_DLOPEN,
                                     SIMG_OPEN_IN_PLACE | SIMG_OPEN_DLOPEN, 8};
    static const uint8_t other[16];
    struct simg_options o = {.resolve = resolver};
    struct simg *i = NULL;

    ck_assert_int_eq(simg_open_fd(fd, &o, &i, &e), SIMG_ERR_ARGUMENT);
    ck_assert_int_eq(simg_open_fd(fd, &newer.o, &i, &e), SIMG_OK);
    simg_close(i);
    newer.later = 1;
    ck_assert_int_eq(simg_open_fd(fd, &newer.o, &i, &e), SIMG_ERR_UNSUPPORTED);
    o = (struct simg_options){.size = offsetof(struct simg_options, resolve)}; /* an older one */
    o.runtime = "lua";
    ck_assert_int_eq(simg_open_fd(fd, &o, &i, &e), SIMG_OK);
    simg_close(i);
    o.size = sizeof o;
    o.version = "5.3";
    ck_assert_int_eq(simg_open_fd(fd, &o, &i, &e), SIMG_ERR_MISMATCH);
    ck_assert_str_eq(e.text, "made by version '5.4', not '5.3'");
    o = (struct simg_options){.size = sizeof o, .content_id = other};
    ck_assert_int_eq(simg_open_fd(fd, &o, &i, &e), SIMG_ERR_MISMATCH);
    for (size_t n = 0; n < COUNT(wrong); n++) {
        o = (struct simg_options){.size = sizeof o, .flags = wrong[n]};
        ck_assert_int_eq(simg_open_fd(fd, &o, &i, &e), SIMG_ERR_ARGUMENT);
    }
    o = (struct simg_options){.size = sizeof o, .verify = 3};
    ck_assert_int_eq(simg_open_fd(fd, &o, &i, &e), SIMG_ERR_ARGUMENT);
    ck_assert_int_eq(simg_open_fd(-1, NULL, &i, &e), SIMG_ERR_SYSTEM);
    ck_assert_int_eq(simg_open_fd(-1, NULL, &i, NULL), SIMG_ERR_SYSTEM);
    ck_assert_ptr_null(i);
}
END_TEST

/* What to write where, sealed again; what is said of it. */
static const struct {
    uint32_t off;
    uint8_t size;
    uint64_t value;
    enum simg_status status;
} cases[] = {
    {0, 1, 0, SIMG_ERR_NOT_IMAGE},
    {4, 1, 1, SIMG_ERR_NOT_IMAGE},
    {16, 2, 1, SIMG_ERR_NOT_IMAGE},
    {32, 8, UINT64_MAX, SIMG_ERR_FORMAT},
    {32, 8, HIMG_SIZE, SIMG_ERR_FORMAT},
    {56, 2, 0, SIMG_ERR_NOT_IMAGE},
    {56, 2, 0xffff, SIMG_ERR_FORMAT},
    {HIMG_PH(HSEG_RW, 32), 8, HIMG_SIZE, SIMG_ERR_FORMAT},
    {HIMG_PH(HSEG_RW, 16), 8, UINT64_MAX, SIMG_ERR_FORMAT},
    {HIMG_PH(HSEG_RW, 16), 8, 0, SIMG_ERR_FORMAT},
    {HIMG_PH(HSEG_NOTE, 8), 8, HIMG_SIZE, SIMG_ERR_FORMAT},
    {HIMG_PH(HSEG_NOTE, 32), 8, 47, SIMG_ERR_NOT_IMAGE},
    {HIMG_NOTE, 4, UINT32_MAX, SIMG_ERR_NOT_IMAGE},
    {HIMG_NOTE + 4, 4, 23, SIMG_ERR_NOT_IMAGE},
    {HIMG_DESC, 4, 2, SIMG_ERR_UNSUPPORTED},
    {HIMG_DESC + 4, 4, 1, SIMG_ERR_UNSUPPORTED},
    {HIMG_DESC + 8, 8, UINT64_MAX, SIMG_ERR_FORMAT},
    {HIMG_DESC + 8, 8, HIMG_TABLE - HIMG_DESC + 8, SIMG_ERR_FORMAT},
    {HIMG_DESC + 16, 8, 100, SIMG_ERR_FORMAT},
    {HIMG_DESC + 16, 8, UINT64_MAX, SIMG_ERR_FORMAT},
    {HIMG_TABLE, 1, 's', SIMG_ERR_FORMAT},
    {HIMG_TABLE + 8, 4, 2, SIMG_ERR_UNSUPPORTED},
    {HIMG_TABLE + 12, 4, 64, SIMG_ERR_FORMAT},
    {HIMG_TABLE + 16, 8, HIMG_TABLE_SIZE + 8, SIMG_ERR_FORMAT},
    {HIMG_TABLE + 32, 4, 3, SIMG_ERR_MISMATCH},
    {HIMG_TABLE + 36, 4, 1, SIMG_ERR_UNSUPPORTED},
    {HIMG_TABLE + 40, 4, 0, SIMG_ERR_FORMAT},
    {HIMG_TABLE + 40, 4, UINT32_MAX, SIMG_ERR_FORMAT},
    {HIMG_TABLE + 64, 8, UINT64_MAX, SIMG_ERR_FORMAT},
    {HIMG_TABLE + 80, 8, 0x101, SIMG_ERR_FORMAT},
    {HIMG_TABLE + 120, 8, HIMG_TABLE_SIZE, SIMG_ERR_FORMAT},
    {HIMG_TABLE + 60, 4, 0, SIMG_ERR_FORMAT},
    {HIMG_HEAP, 8, UINT64_MAX, SIMG_ERR_FORMAT},
    {HIMG_HEAP + 8, 8, UINT64_C(1) << 47, SIMG_ERR_FORMAT},
    {HIMG_HEAP + 8, 8, HIMG_BASE + 8, SIMG_ERR_FORMAT},
    {HIMG_HEAP + 16, 8, UINT64_C(1) << 47, SIMG_ERR_FORMAT},
    {HIMG_HEAP + 16, 8, HIMG_PLT, SIMG_ERR_FORMAT},
    {HIMG_HEAP + 24, 4, 0, SIMG_ERR_FORMAT},
    {HIMG_HEAP + 24, 4, SIMG_MODE_NATIVE, SIMG_ERR_UNSUPPORTED},
    {HIMG_HEAP + 24, 4, 4, SIMG_ERR_FORMAT},
    {HIMG_HEAP + 28, 4, 0, SIMG_ERR_UNSUPPORTED},
    {HIMG_HEAP + 28, 4, 3, SIMG_ERR_UNSUPPORTED},
    {HIMG_HEAP + 28, 4, 10, SIMG_ERR_UNSUPPORTED},
    {HIMG_HEAP + 32, 4, 47, SIMG_ERR_FORMAT},
    {HIMG_HEAP + 36, 4, 1, SIMG_ERR_FORMAT},
    {HIMG_HEAP + 40, 4, 7, SIMG_ERR_FORMAT},
    {HIMG_HEAP + 40, 4, 0, SIMG_ERR_FORMAT},
    {HIMG_HEAP + 112, 4, UINT32_MAX, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(1), 8, 0x10000, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(0), 8, 0x10008, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(0) + 8, 8, 0, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(0) + 8, 8, UINT64_MAX, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(0) + 16, 4, 7, SIMG_ERR_FORMAT}, /* writable and executable */
    {HIMG_SEGMENT(0) + 16, 4, 2, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(0) + 20, 4, 16, SIMG_ERR_UNSUPPORTED},
    {HIMG_SEGMENT(0) + 20, 4, SIMG_SEG_ZERO, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(0) + 24, 4, 5, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(0) + 28, 4, UINT32_MAX, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(0) + 32, 8, UINT64_MAX, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(0) + 40, 8, 9, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(0) + 48, 8, 4, SIMG_ERR_FORMAT}, /* leads into the table, not aligned */
    {HIMG_SEGMENT(0) + 56, 8, UINT64_MAX, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(0) + 56, 8, 0x200, SIMG_ERR_FORMAT},
    {HIMG_SEGMENT(HROW_ZERO) + 32, 8, 8, SIMG_ERR_FORMAT},
    {HIMG_ROOTS, 4, UINT32_MAX, SIMG_ERR_FORMAT},
    {HIMG_ROOTS + 8, 8, 0x1000, SIMG_ERR_FORMAT},
    {HIMG_ROOTS + 16, 8, 0x41, SIMG_ERR_FORMAT},
    {HIMG_IMPORTS, 4, UINT32_MAX, SIMG_ERR_FORMAT},
    {HIMG_IMPORTS + 8, 8, HIMG_RW, SIMG_ERR_FORMAT},
    {HIMG_IMPORTS + 8, 8, HIMG_GOT + 4, SIMG_ERR_FORMAT},
    {HIMG_IMPORT_SLOTS, 8, HIMG_RW + 0x1f9, SIMG_ERR_FORMAT},
    {HIMG_IMPORT_SLOTS, 8, HIMG_ZERO, SIMG_ERR_FORMAT},
    {HIMG_IMPORT_SLOTS + 8, 4, 2, SIMG_ERR_FORMAT},
    {HIMG_IMPORT_SLOTS + 24, 8, HIMG_RW + 0x40, SIMG_ERR_FORMAT},
    {HIMG_METAS + 4, 4, UINT32_MAX, SIMG_ERR_FORMAT},
    {HIMG_ODD, 8, 0x1f9, SIMG_ERR_FORMAT},
    {HIMG_ODD, 8, 0x20, SIMG_ERR_FORMAT},
    {HIMG_ODD, 8, 0x11, SIMG_ERR_FORMAT},
    {HIMG_MAPS, 1, 0x44, SIMG_ERR_FORMAT},               /* a slot less than was said */
    {HIMG_MAPS, 8, 0x80000000000001cc, SIMG_ERR_FORMAT}, /* a slot that is no pointer */
    {HIMG_RW + 0x10, 8, HIMG_BASE + HIMG_SPAN + 1, SIMG_ERR_FORMAT},
    {HIMG_RW + 0x10, 8, HIMG_BASE - 1, SIMG_ERR_FORMAT},
    {HIMG_RW + 0x21, 8, 0, SIMG_ERR_FORMAT},
    {HIMG_RW + 0x18, 8, HIMG_BASE + HIMG_RO, SIMG_OK}, /* another tag */
};

START_TEST(a_broken_field_is_refused)
{
    struct simg *i = NULL;

    store_uint(image + cases[_i].off, cases[_i].size, false, cases[_i].value);
    seal_heap_image(image);
    put_file();
    ck_assert_msg(open_it(SIMG_VERIFY_FULL, 0, &i) == cases[_i].status, "%d: %s", _i, e.text);
    ck_assert_int_eq(e.status, cases[_i].status);
    ck_assert_int_eq(!i, cases[_i].status != SIMG_OK);
    ck_assert_int_eq(!e.text[0], cases[_i].status == SIMG_OK);
    simg_close(i);
    ck_assert_uint_eq(mappings(), 0);
}
END_TEST

START_TEST(checksums)
{
    struct simg *i = NULL;

    image[HIMG_RW]++;
    put_file();
    ck_assert_int_eq(open_it(SIMG_VERIFY_FULL, 0, &i), SIMG_ERR_CHECKSUM);
    ck_assert_uint_eq(e.offset, HIMG_RW);
    ck_assert_int_eq(open_it(SIMG_VERIFY_HEADER, 0, &i), SIMG_OK);
    simg_close(i);
    image[HIMG_STRINGS + 5]++;
    put_file();
    ck_assert_int_eq(open_it(SIMG_VERIFY_HEADER, 0, &i), SIMG_ERR_CHECKSUM);
    ck_assert_int_eq(open_it(SIMG_VERIFY_NONE, 0, &i), SIMG_OK);
    simg_close(i);
}
END_TEST

/* ---- every bit, every length ---- */

/* Where the image is not only zeros, or not there at all. */
static const struct {
    uint32_t from, to;
} parts[] = {
    {0, HIMG_NOTE + 48},
    /* nobody but the system's loader reads what is behind */
    {HIMG_TABLE, HIMG_TABLE + HIMG_TABLE_SIZE},
    {HIMG_MAPS, HIMG_BITMAP_2 + 4},
    {HIMG_RW, HIMG_RW + 0x210},
    {HIMG_RO, HIMG_RO + 0x110},
    {HIMG_CODE, HIMG_CODE + 0x50},
    {HIMG_GOT, HIMG_GOT + 0x10},
    {HIMG_PLT, HIMG_SPAN + 0x10},
    {HIMG_SIZE - 16, HIMG_SIZE},
};

static volatile uint64_t sink;

/* Read all of a heap, of which nothing is known but that it was opened. */
static void touch(const struct simg *i)
{
    struct simg_segment s;
    struct simg_heap h;
    struct simg_root r;

    for (uint32_t n = 0; n < simg_heap_count(i); n++) {
        ck_assert_int_eq(simg_get_heap(i, n, &h), SIMG_OK);
        for (uint32_t k = 0; simg_get_segment(i, n, k, &s) == SIMG_OK; k++) {
            sink += *(uint8_t *)s.addr + ((uint8_t *)s.addr)[s.size - 1] + strlen(s.name);
            if (s.prot & SIMG_PROT_W)
                *(volatile uint8_t *)s.addr = 1;
        }
        for (uint32_t k = 0; simg_get_root(i, n, k, &r) == SIMG_OK; k++)
            sink += strlen(r.name);
        sink += strlen(h.runtime) + strlen(h.build_id);
    }
}

/* The image once more while it is open: so away from its address. */
static void check_moved(void)
{
    struct simg *i = NULL;
    struct simg_heap h;

    ck_assert_int_eq(open_it(SIMG_VERIFY_HEADER, 0, &i), SIMG_OK);
    ck_assert_int_eq(simg_get_heap(i, 0, &h), SIMG_OK);
    ck_assert(h.relocated);
    check_heap(i, (uintptr_t)h.addr);
    simg_close(i);
}

/* A changed bit is found, or changes nothing that counts. */
START_TEST(every_bit)
{
    uint32_t opened = 0;
    struct simg *i = NULL;

    for (uint32_t at = parts[_i].from; at < parts[_i].to; at += EVERY) {
        for (unsigned bit = 0; bit < 8; bit++) {
            uint8_t changed = (uint8_t)(image[at] ^ 1u << bit);

            ck_assert_int_eq(pwrite(fd, &changed, 1, at), 1);
            if (open_it(SIMG_VERIFY_FULL, 0, &i) != SIMG_OK)
                continue;
            check_heap(i, HIMG_BASE);
            check_rights(i);
            check_moved();
            touch(i);
            simg_close(i);
            opened++;
        }
        ck_assert_int_eq(pwrite(fd, &image[at], 1, at), 1);
    }
    printf("from 0x%x: %u of %u opened\n", parts[_i].from, opened,
           8 * (parts[_i].to - parts[_i].from));
}
END_TEST

/* The same with checksums that are right, so that everything behind them is
   reached, at its own address and away from it: whatever is opened can be
   used without a crash. */
START_TEST(every_bit_sealed)
{
    struct simg *there = NULL, *i = NULL;

    for (uint32_t at = parts[_i].from; at < parts[_i].to; at += EVERY)
        for (unsigned bit = 0; bit < 8; bit++) {
            make();
            image[at] ^= (uint8_t)(1u << bit);
            seal_heap_image(image);
            ck_assert_int_eq(pwrite(fd, image, 0x2000, 0), 0x2000);
            ck_assert_int_eq(pwrite(fd, image + at, 1, at), 1);
            if (open_it(SIMG_VERIFY_HEADER, 0, &there) == SIMG_OK)
                touch(there);
            if (open_it(SIMG_VERIFY_NONE, 0, &i) == SIMG_OK)
                touch(i);
            simg_close(there);
            simg_close(i);
            image[at] ^= (uint8_t)(1u << bit);
            ck_assert_int_eq(pwrite(fd, image + at, 1, at), 1);
        }
}
END_TEST

START_TEST(every_length)
{
    struct simg *i = NULL;

    put_file();
    for (uint32_t k = COUNT(parts); k-- > 0;)
        for (uint32_t size = parts[k].to; size > parts[k].from;) {
            size -= size - parts[k].from < EVERY ? size - parts[k].from : EVERY;
            ck_assert_int_eq(ftruncate(fd, size), 0);
            if (open_it(SIMG_VERIFY_FULL, 0, &i) != SIMG_OK)
                continue;
            ck_abort_msg("opened with %u bytes", size);
        }
}
END_TEST

/* ---- many ---- */

static void *open_and_close(void *arg)
{
    const struct simg_options o = {
        .size = sizeof o, .verify = SIMG_VERIFY_FULL, .resolve = resolver};
    struct simg *i = NULL;

    for (unsigned n = 0; n < 500; n++) {
        struct simg_heap h;

        if (simg_open_fd(fd, &o, &i, NULL) != SIMG_OK || simg_get_heap(i, 0, &h) != SIMG_OK ||
            word(i, HIMG_RW + 0x10) != (uintptr_t)h.addr + HIMG_RO + 0x40)
            return arg;
        simg_close(i);
    }
    return NULL;
}

START_TEST(many)
{
    static struct simg *all[100];
    pthread_t threads[4];
    void *failed = NULL;

    for (unsigned n = 0; n < COUNT(all); n++)
        ck_assert_int_eq(open_it(SIMG_VERIFY_HEADER, 0, &all[n]), SIMG_OK);
    ck_assert_uint_gt(mappings(), COUNT(all));
    for (unsigned n = 0; n < COUNT(all); n++) {
        struct simg_heap h;

        ck_assert_int_eq(simg_get_heap(all[n], 0, &h), SIMG_OK);
        check_heap(all[n], (uintptr_t)h.addr);
    }
    for (unsigned n = 0; n < COUNT(all); n++)
        simg_close(all[n]);
    ck_assert_uint_eq(mappings(), 0);
    for (unsigned n = 0; n < COUNT(threads); n++)
        ck_assert_int_eq(pthread_create(&threads[n], NULL, open_and_close, all), 0);
    for (unsigned n = 0; n < COUNT(threads); n++) {
        ck_assert_int_eq(pthread_join(threads[n], &failed), 0);
        ck_assert_ptr_null(failed);
    }
    ck_assert_uint_eq(mappings(), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("image");
    TCase *t = tcase_create("image");
    static void (*const setups[])(void) = {setup_macho, setup_pe};
    SRunner *runner = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, its_own_address);
    tcase_add_test(t, looking);
    tcase_add_test(t, elsewhere);
    tcase_add_test(t, imports);
    tcase_add_test(t, options);
    tcase_add_loop_test(t, a_broken_field_is_refused, 0, COUNT(cases));
    tcase_add_test(t, checksums);
    tcase_add_loop_test(t, every_bit, 0, COUNT(parts));
    tcase_add_loop_test(t, every_bit_sealed, 0, COUNT(parts));
    tcase_add_test(t, every_length);
    tcase_add_test(t, many);
    tcase_set_timeout(t, 300);
    suite_add_tcase(s, t);
    for (size_t i = 0; i < COUNT(setups); i++) {
        TCase *m = tcase_create("other formats");

        tcase_add_checked_fixture(m, setups[i], teardown);
        tcase_add_test(m, its_own_address);
        tcase_add_test(m, looking);
        tcase_add_test(m, elsewhere);
        tcase_add_test(m, imports);
        tcase_add_test(m, checksums);
        tcase_add_loop_test(m, every_bit, 0, 1);
        tcase_add_loop_test(m, every_bit_sealed, 0, 1);
        tcase_add_test(m, every_length);
        tcase_set_timeout(m, 300);
        suite_add_tcase(s, m);
    }
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
