/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_coff.c - COFF objects, imports and .def files read; DLLs linked and
 * checked; all of it damaged: cut at every length, every byte changed. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "coff/file.h"
#include "coff/heaps.h"
#include "coff/resources.h"
#include "coff/verify.h"
#include "dll/dll.h"
#include "link/link.h"
#include "tests/support/coff_object.h"

/* BYTES in memory of exactly their size, so that a step too far is seen. */
static uint8_t *exact(const uint8_t *bytes, uint64_t size)
{
    uint8_t *p = malloc(size ? size : 1);

    ck_assert_ptr_nonnull(p);
    if (size)
        memcpy(p, bytes, size);
    return p;
}

/* ---- objects ---- */

static const struct {
    uint32_t section;
    uint64_t offset;
    const char *type, *symbol;
    int64_t addend;
} relocations[] = {
    {COFF_OBJ_TEXT, 1, "IMAGE_REL_AMD64_REL32", "g", 0},
    {COFF_OBJ_TEXT, 7, "IMAGE_REL_AMD64_REL32", "x", 0},
    {COFF_OBJ_DATA, 0, "IMAGE_REL_AMD64_ADDR64", "f", 2},
    {COFF_OBJ_PDATA, 0, "IMAGE_REL_AMD64_ADDR32NB", "once", 0},
    {COFF_OBJ_PDATA, 4, "IMAGE_REL_AMD64_ADDR32NB", "once", 4},
    {COFF_OBJ_PDATA, 8, "IMAGE_REL_AMD64_ADDR32NB", "", 0},
    {COFF_OBJ_RSRC, 0x48, "IMAGE_REL_AMD64_ADDR32NB", "", 0x60},
};

static const struct symbol *find(const struct object *o, const char *name)
{
    for (uint32_t i = 1; i < o->symbol_count; i++)
        if (!strcmp(o->symbols[i].name, name))
            return &o->symbols[i];
    ck_abort_msg("no %s", name);
}

START_TEST(reads_an_object)
{
    uint8_t bytes[COFF_OBJ_SIZE];
    struct span in = {bytes, make_coff_object(bytes)};
    struct arena a = {0};
    struct diag d = {0};
    struct object o = {0};
    size_t next = 0;

    ck_assert_msg(format_coff.read(&d, &a, "o", in, &o), "%s", d.text);
    ck_assert_int_eq(o.kind, OBJ_RELOCATABLE);
    ck_assert_uint_eq(o.section_count, COFF_OBJ_SECTIONS + 1);
    ck_assert(o.sections[COFF_OBJ_TEXT].flags & SEC_EXEC);
    ck_assert(o.sections[COFF_OBJ_BSS].flags & SEC_ZERO);
    ck_assert_uint_eq(o.sections[COFF_OBJ_BSS].size, 32);
    ck_assert_uint_eq(o.sections[COFF_OBJ_DATA].align_log2, 3);
    ck_assert_str_eq(o.sections[COFF_OBJ_XDATA].name, ".xdata$once");
    ck_assert(o.sections[COFF_OBJ_DRECTVE].flags & SEC_EXCLUDE);
    ck_assert_uint_eq(o.directives.size, 11);
    /* All three pieces of the COMDAT are one group, by its leader. */
    ck_assert_uint_ne(o.sections[COFF_OBJ_INLINE].group, 0);
    ck_assert_uint_eq(o.sections[COFF_OBJ_PDATA].group, o.sections[COFF_OBJ_INLINE].group);
    ck_assert_uint_eq(o.sections[COFF_OBJ_XDATA].group, o.sections[COFF_OBJ_INLINE].group);
    ck_assert_str_eq(o.groups[o.sections[COFF_OBJ_INLINE].group].name, "once");
    ck_assert(o.groups[o.sections[COFF_OBJ_INLINE].group].comdat);
    ck_assert_uint_eq(o.sections[COFF_OBJ_TEXT].group, 0);
    ck_assert_int_eq(find(&o, "f")->kind, KIND_FUNC);
    ck_assert_uint_eq(find(&o, "x")->section, SECTION_COMMON);
    ck_assert_uint_eq(find(&o, "x")->size, 8);
    ck_assert_int_eq(find(&o, "g")->binding, BIND_WEAK);
    ck_assert_str_eq(o.symbols[find(&o, "g")->fallback].name, "f");
    ck_assert_uint_eq(find(&o, "number")->section, SECTION_ABS);
    ck_assert_uint_eq(find(&o, "number")->value, 77);
    ck_assert_uint_eq(find(&o, "absent")->section, SECTION_UNDEF);
    ck_assert_int_eq(find(&o, "local")->binding, BIND_LOCAL);
    for (uint32_t s = 1; s < o.section_count; s++)
        for (uint64_t i = 0; i < o.sections[s].reloc_count; i++) {
            struct reloc r;
            unsigned got = 0;

            ck_assert_msg(format_coff.relocs(&d, &o, s, i, &r, 1, &got), "%s", d.text);
            ck_assert_uint_eq(s, relocations[next].section);
            ck_assert_uint_eq(r.offset, relocations[next].offset);
            ck_assert_str_eq(r.type->name, relocations[next].type);
            ck_assert_str_eq(o.symbols[r.symbol].name, relocations[next].symbol);
            ck_assert_int_eq(r.addend, relocations[next].addend);
            next++;
        }
    ck_assert_uint_eq(next, sizeof relocations / sizeof *relocations);
    arena_free(&a);
}
END_TEST

static void read_all(const uint8_t *bytes, uint64_t size)
{
    uint8_t *p = exact(bytes, size);
    struct arena a = {0};
    struct diag d = {0};
    struct object o = {0};
    bool ok = format_coff.read(&d, &a, "o", (struct span){p, size}, &o);

    ck_assert(ok == (d.status == OK));
    for (uint32_t s = 1; ok && s < o.section_count; s++)
        for (uint64_t first = 0; first < o.sections[s].reloc_count;) {
            struct reloc batch[RELOC_BATCH];
            struct diag bad = {0};
            unsigned got = 0;

            if (!o.format->relocs(&bad, &o, s, first, batch, RELOC_BATCH, &got)) {
                ck_assert_int_ne(bad.status, OK);
                break;
            }
            first += got;
        }
    arena_free(&a);
    free(p);
}

START_TEST(damaged_objects)
{
    uint8_t bytes[COFF_OBJ_SIZE];
    uint64_t size = make_coff_object(bytes);
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};

    for (uint64_t n = 0; n < size; n++)
        read_all(bytes, n);
    for (uint64_t i = 0; i < size; i++)
        for (size_t v = 0; v < sizeof values; v++) {
            uint8_t was = bytes[i];

            bytes[i] = values[v];
            read_all(bytes, size);
            bytes[i] = was;
        }
}
END_TEST

/* ---- imports ---- */

static uint64_t make_import(uint8_t *out, unsigned flags, const char *names, size_t size)
{
    memset(out, 0, 20);
    out[2] = out[3] = 0xff;
    store_uint(out + 6, 2, false, 0x8664);
    store_uint(out + 12, 4, false, size);
    store_uint(out + 16, 2, false, 5);
    store_uint(out + 18, 2, false, flags);
    memcpy(out + 20, names, size);
    return 20 + size;
}

START_TEST(imports)
{
    static const struct {
        unsigned flags;
        const char *names;
        size_t size;
        const char *symbol, *name; /* NULL: by its number; both NULL: refused */
        bool data;
    } cases[] = {
        {1 << 2, "f\0a.dll", 8, "f", "f", false},
        {1 << 2 | 1, "v\0a.dll", 8, "v", "v", true},
        {0, "f\0a.dll", 8, "f", NULL, false},
        {2 << 2, "_f@8\0a.dll", 11, "_f@8", "f@8", false},
        {3 << 2, "_f@8\0a.dll", 11, "_f@8", "f", false},
        {4 << 2, "f\0a.dll\0g", 10, "f", "g", false},
        {4 << 2, "f\0a.dll", 8, NULL, NULL, false},
        {5 << 2, "f\0a.dll", 8, NULL, NULL, false},
        {1 << 2 | 3, "f\0a.dll", 8, NULL, NULL, false},
        {1 << 2, "f\0a.dll", 7, NULL, NULL, false},
        {1 << 2, "\0a.dll", 7, NULL, NULL, false},
    };
    uint8_t bytes[64];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t size = make_import(bytes, cases[i].flags, cases[i].names, cases[i].size);
        struct arena a = {0};
        struct diag d = {0};
        struct object o = {0};
        bool ok = format_coff.read(&d, &a, "o", (struct span){bytes, size}, &o);

        ck_assert_msg(ok == (cases[i].symbol != NULL), "case %zu: %s", i, d.text);
        if (ok) {
            ck_assert_int_eq(o.kind, OBJ_SHARED);
            ck_assert_str_eq(o.soname, "a.dll");
            ck_assert_str_eq(o.symbols[2].name, cases[i].symbol);
            ck_assert_int_eq(o.symbols[1].other, 1);
            ck_assert_int_eq(o.imports[0].data, cases[i].data);
            ck_assert_uint_eq(o.imports[0].ordinal, 5);
            if (cases[i].name)
                ck_assert_str_eq(o.imports[0].name, cases[i].name);
            else
                ck_assert_ptr_null(o.imports[0].name);
        }
        arena_free(&a);
        for (uint64_t n = 0; n < size; n++)
            read_all(bytes, n);
    }
}
END_TEST

/* ---- .def files ---- */

START_TEST(def_files)
{
    static const char text[] = "; first\nLIBRARY \"a b.dll\" BASE=0x10000\nEXPORTS ; rest\n"
                               "  f\n  g = h @7 NONAME DATA\n _k@8 @2 PRIVATE\n"
                               "  sleep=KERNEL32.Sleep\n  \"quoted = name\" CONSTANT\n  a == b\n"
                               "DESCRIPTION 'nothing'\nSTACKSIZE 1,2\n";
    static const char *const bad[] = {
        "f\n",
        "EXPORTS f @\n",
        "EXPORTS f @0\n",
        "EXPORTS f @65536\n",
        "EXPORTS f @x\n",
        "EXPORTS f NONAME\n",
        "EXPORTS f = \n",
        "EXPORTS f g\n",
        "EXPORTS \"f\n",
        "IMPORTS x\n",
        "LIBRARY a BASE 5\n",
        "LIBRARY a BASE=b\n",
    };
    struct arena a = {0};
    struct diag d = {0};
    struct def_file def;

    ck_assert_msg(def_read(&d, &a, (struct span){(const uint8_t *)text, sizeof text - 1}, &def),
                  "%s", d.text);
    ck_assert_str_eq(def.library, "a b.dll");
    ck_assert(def.has_base && def.base == 0x10000);
    ck_assert_uint_eq(def.count, 6);
    ck_assert_str_eq(def.exports[1].name, "g");
    ck_assert_str_eq(def.exports[1].internal, "h");
    ck_assert(def.exports[1].ordinal == 7 && def.exports[1].noname && def.exports[1].data);
    ck_assert_str_eq(def.exports[2].name, "_k@8");
    ck_assert(def.exports[2].ordinal == 2 && def.exports[2].private);
    ck_assert_str_eq(def.exports[3].forward, "KERNEL32.Sleep");
    ck_assert_str_eq(def.exports[4].name, "quoted = name");
    ck_assert(def.exports[4].data);
    ck_assert_str_eq(def.exports[5].name, "b");
    ck_assert_str_eq(def.exports[5].internal, "a");
    for (size_t n = 0; n < sizeof text - 1; n++) {
        uint8_t *p = exact((const uint8_t *)text, n);
        struct diag quiet = {0};

        ck_assert(def_read(&quiet, &a, (struct span){p, n}, &def) == (quiet.status == OK));
        free(p);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct diag quiet = {0};

        ck_assert_msg(!def_read(&quiet, &a, (struct span){(const uint8_t *)bad[i], strlen(bad[i])},
                                &def),
                      "%s", bad[i]);
        ck_assert_int_ne(quiet.status, OK);
    }
    arena_free(&a);
}
END_TEST

/* ---- images ---- */

static int memory = -1;

static bool link_bytes(const uint8_t *bytes, uint64_t size, uint8_t **image, uint64_t *image_size)
{
    static char in[32], out[64];
    struct link_input input = {.name = in};
    struct link_options o = {
        .program = "test",
        .output = out,
        .sysroot = "",
        .inputs = &input,
        .input_count = 1,
        .threads = 1,
        .warn_unresolved = true,
        .no_warnings = true,
        .coff = {.machine = &coff_amd64},
    };
    struct diag d = {0};
    bool ok = false;
    struct file f;

    if (memory < 0)
        memory = memfd_create("input", MFD_CLOEXEC);
    ck_assert(memory >= 0 && ftruncate(memory, 0) == 0 &&
              pwrite(memory, bytes, size, 0) == (ssize_t)size);
    snprintf(in, sizeof in, "/proc/self/fd/%d", memory);
    snprintf(out, sizeof out, "test_coff.%d.dll", (int)getpid());
    ok = link_run(&d, &o);
    ck_assert_msg(ok ? d.errors == 0 : d.status != OK && d.text[0], "%d: %s", d.status, d.text);
    ck_assert_ptr_null(d.where);
    *image = NULL;
    *image_size = 0;
    if (ok) {
        ck_assert(file_open(&d, out, &f));
        *image = exact(f.data.at, f.data.size);
        *image_size = f.data.size;
        file_close(&f);
    }
    unlink(out);
    return ok;
}

static void count_finding(void *arg, const char *rule, const char *text)
{
    (void)rule;
    ck_assert(*text);
    ++*(uint64_t *)arg;
}

static bool see_export(void *arg, const char *name, uint32_t ordinal, uint32_t rva,
                       const char *forward)
{
    *(uint64_t *)arg += ordinal + rva + (name ? strlen(name) : 0) + (forward ? strlen(forward) : 0);
    return true;
}

static bool see_import(void *arg, const char *dll, const char *name, uint32_t ordinal, uint32_t rva)
{
    *(uint64_t *)arg += ordinal + rva + strlen(dll) + (name ? strlen(name) : 0);
    return true;
}

static bool see_moved(void *arg, uint32_t rva, unsigned type)
{
    *(uint64_t *)arg += rva + type;
    return true;
}

/* What there is to find in the image; every walk over it ends. */
static uint64_t look(const uint8_t *bytes, uint64_t size)
{
    uint8_t *p = exact(bytes, size);
    struct span in = {p, size};
    struct arena a = {0};
    struct diag d = {0}, quiet = {0};
    uint64_t findings = 0, told = 0, sum = 0;
    struct verify_options o = {.found = count_finding, .arg = &told};
    struct coff_file f;

    if (coff_verify(&d, &a, in, &o, &findings))
        ck_assert((findings == 0) == (told == 0)); /* of many, some are told one by one */
    else
        ck_assert_int_ne(d.status, OK);
    if (coff_open(&quiet, &a, in, &f)) {
        struct coff_foreign_heap heaps[COFF_FOREIGN_HEAPS];

        coff_each_export(&quiet, &f, see_export, &sum);
        coff_each_import(&quiet, &f, see_import, &sum);
        coff_each_base_reloc(&quiet, &f, see_moved, &sum);
        coff_foreign_heaps(&f, heaps);
    }
    arena_free(&a);
    free(p);
    read_all(bytes, size); /* as a library to link with */
    return findings;
}

/* The one resource of the object: *ARG is the image. */
static bool see_resource(void *arg, const struct coff_resource *r)
{
    const struct coff_file *f = arg;
    char name[RESOURCE_NAME_TEXT];
    struct span data;

    ck_assert_str_eq(coff_resource_name(r, name), "type 10, name HI, language 1033");
    ck_assert(coff_at(f, r->address, r->size, &data));
    ck_assert_mem_eq(data.at, "data", 4);
    return true;
}

static void check_resources(const uint8_t *image, uint64_t size)
{
    struct arena a = {0};
    struct diag d = {0};
    struct coff_file f;
    struct span tree;

    ck_assert(coff_open(&d, &a, (struct span){image, size}, &f));
    ck_assert(coff_directory(&d, &f, DIRECTORY_RESOURCE, &tree));
    ck_assert_msg(coff_each_resource(&d, tree, see_resource, &f), "%s", d.text);
    /* Cut short it is refused, wherever. */
    for (uint64_t n = 0; n < 0x5e; n++) {
        uint8_t *p = exact(tree.at, n);

        ck_assert(!coff_each_resource(&d, (struct span){p, n}, see_resource, &f));
        free(p);
    }
    arena_free(&a);
}

/* A directory that is its own second entry, over and over: an end, and soon. */
START_TEST(endless_resources)
{
    uint8_t tree[16 + 8 * 1000] = {[14] = 1000 & 0xff, [15] = 1000 >> 8};
    struct diag d = {0};

    for (unsigned i = 0; i < 1000; i++) {
        store_uint(tree + 16 + 8 * i, 4, false, i);
        store_uint(tree + 20 + 8 * i, 4, false, UINT64_C(0x80000000));
    }
    ck_assert(!coff_each_resource(&d, (struct span){tree, sizeof tree}, see_resource, NULL));
    ck_assert_str_eq(d.text, "resources: directories share their entries");
}
END_TEST

START_TEST(links)
{
    uint8_t bytes[COFF_OBJ_SIZE], *image = NULL;
    uint64_t size = make_coff_object(bytes), image_size = 0;

    ck_assert(link_bytes(bytes, size, &image, &image_size));
    ck_assert_uint_eq(look(image, image_size), 0);
    check_resources(image, image_size);
    free(image);
}
END_TEST

START_TEST(links_damaged_objects)
{
    uint8_t bytes[COFF_OBJ_SIZE], *image = NULL;
    uint64_t size = make_coff_object(bytes), image_size = 0;
    static const uint8_t values[] = {0, 1, 0xff};

    for (uint64_t i = 0; i < size; i++)
        for (size_t v = 0; v < sizeof values; v++) {
            uint8_t was = bytes[i];

            bytes[i] = values[v];
            if (link_bytes(bytes, size, &image, &image_size))
                look(image, image_size);
            free(image);
            bytes[i] = was;
        }
}
END_TEST

START_TEST(damaged_images)
{
    uint8_t bytes[COFF_OBJ_SIZE], *image = NULL;
    uint64_t size = make_coff_object(bytes), image_size = 0;
    static const uint8_t values[] = {0, 1, 0x7f, 0xff};

    ck_assert(link_bytes(bytes, size, &image, &image_size));
    for (uint64_t n = 0; n < image_size; n += n < 0x600 ? 1 : 61)
        look(image, n);
    for (uint64_t i = 0; i < image_size; i++) {
        uint8_t was = image[i];

        if (was == 0 && i % 16 && i > 0x400) /* most of it is */
            continue;
        for (size_t v = 0; v < sizeof values; v++) {
            image[i] = values[v];
            look(image, image_size);
        }
        image[i] = was;
    }
    free(image);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("coff");
    TCase *t = tcase_create("coff");
    SRunner *runner = srunner_create(s);
    int failed;

    tcase_add_test(t, reads_an_object);
    tcase_add_test(t, damaged_objects);
    tcase_add_test(t, imports);
    tcase_add_test(t, def_files);
    tcase_add_test(t, endless_resources);
    tcase_add_test(t, links);
    tcase_add_test(t, links_damaged_objects);
    tcase_add_test(t, damaged_images);
    tcase_set_timeout(t, 600);
    suite_add_tcase(s, t);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
