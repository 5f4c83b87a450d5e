/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_macho.c - Mach-O objects and text stubs read; images linked, checked
 * and signed; all of it damaged: cut at every length, every byte changed. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "link/link.h"
#include "macho/file.h"
#include "macho/fixups.h"
#include "macho/leb.h"
#include "macho/sign.h"
#include "macho/trie.h"
#include "macho/verify.h"
#include "tests/support/macho_object.h"

static bool quiet_rule(void *arg, const char *rule)
{
    (void)arg;
    (void)rule;
    return true;
}

static void count_finding(void *arg, const char *rule, const char *text)
{
    (void)rule;
    ck_assert(*text);
    ++*(uint64_t *)arg;
}

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
    const char *type, *symbol, *minus;
    int64_t addend;
} relocations[] = {
    {MACHO_OBJ_TEXT, 1, "X86_64_RELOC_BRANCH", "_g", "", 0},
    {MACHO_OBJ_TEXT, 8, "X86_64_RELOC_GOT_LOAD", "_x", "", 0},
    {MACHO_OBJ_DATA, 0, "X86_64_RELOC_UNSIGNED", "", "", 0},
    {MACHO_OBJ_DATA, 8, "X86_64_RELOC_UNSIGNED", "_g", "", 8},
    {MACHO_OBJ_DATA, 16, "X86_64_RELOC_UNSIGNED", "_x", "_f", 3},
    {MACHO_OBJ_VARS, 0, "X86_64_RELOC_UNSIGNED", "__tlv_bootstrap", "", 0},
    {MACHO_OBJ_VARS, 16, "X86_64_RELOC_UNSIGNED", "_t$tlv$init", "", 0},
    {MACHO_OBJ_UNWIND, 0, "X86_64_RELOC_UNSIGNED", "", "", 0},
};

START_TEST(reads_an_object)
{
    uint8_t bytes[MACHO_OBJ_SIZE];
    struct span in = {bytes, make_macho_object(bytes)};
    struct arena a = {0};
    struct diag d = {0};
    struct object o = {0};
    size_t next = 0;

    ck_assert_msg(format_macho.read(&d, &a, "o", in, &o), "%s", d.text);
    ck_assert_int_eq(o.kind, OBJ_RELOCATABLE);
    ck_assert_uint_eq(o.section_count, MACHO_OBJ_SECTIONS + 1);
    ck_assert_str_eq(o.sections[MACHO_OBJ_TEXT].name, "__TEXT,__text");
    ck_assert(o.sections[MACHO_OBJ_TEXT].flags & SEC_EXEC);
    ck_assert(o.sections[MACHO_OBJ_TDATA].flags & SEC_TLS);
    ck_assert(o.sections[MACHO_OBJ_BSS].flags & SEC_ZERO);
    ck_assert_int_eq(o.sections[MACHO_OBJ_UNWIND].role, ROLE_UNWIND);
    ck_assert_uint_eq(o.platform, 1);
    ck_assert_uint_eq(o.minos, 13 << 16);
    ck_assert_uint_eq(o.sdk, 14 << 16);
    ck_assert_uint_eq(o.symbol_count, o.section_count + MACHO_OBJ_SYMBOLS);
    ck_assert_uint_eq(o.first_global, o.section_count + 1);
    ck_assert_uint_eq(o.symbols[o.section_count + MACHO_OBJ_X].value, 8);
    ck_assert_uint_eq(o.symbols[o.section_count + MACHO_OBJ_T].kind, KIND_TLS);
    ck_assert_uint_eq(o.symbols[o.section_count + MACHO_OBJ_C].section, SECTION_COMMON);
    ck_assert_uint_eq(o.symbols[o.section_count + MACHO_OBJ_C].value, 8);
    ck_assert_uint_eq(o.symbols[o.section_count + MACHO_OBJ_C].size, 24);
    for (uint32_t s = 1; s < o.section_count; s++)
        for (uint64_t i = 0; i < o.sections[s].reloc_count; i++) {
            struct reloc r;
            unsigned got = 0;

            ck_assert_msg(format_macho.relocs(&d, &o, s, i, &r, 1, &got), "%s", d.text);
            if (!r.type->field)
                continue;
            ck_assert_uint_eq(s, relocations[next].section);
            ck_assert_uint_eq(r.offset, relocations[next].offset);
            ck_assert_str_eq(r.type->name, relocations[next].type);
            ck_assert_str_eq(o.symbols[r.symbol].name, relocations[next].symbol);
            ck_assert_str_eq(o.symbols[r.minus].name, relocations[next].minus);
            ck_assert_int_eq(r.addend, relocations[next].addend);
            next++;
        }
    ck_assert_uint_eq(next, sizeof relocations / sizeof *relocations);
    arena_free(&a);
}
END_TEST

/* Read what BYTES are as an object, to the last relocation. */
static bool read_all(const uint8_t *bytes, uint64_t size)
{
    uint8_t *copy = exact(bytes, size);
    struct span in = {copy, size};
    struct arena a = {0};
    struct diag d = {0};
    struct object o = {.machine = CPU_TYPE_X86_64};
    const struct format *format = format_find(in);
    bool ok = format && format->read(&d, &a, "o", in, &o);
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    for (uint32_t s = 1; ok && s < o.section_count; s++)
        for (uint64_t i = 0; ok && i < o.sections[s].reloc_count; i += got)
            ok = o.format->relocs(&d, &o, s, i, batch, RELOC_BATCH, &got);
    ck_assert_msg(ok ? d.status == OK : !format || (d.status != OK && d.text[0]), "%s", d.text);
    ck_assert_ptr_null(d.where);
    arena_free(&a);
    free(copy);
    return ok;
}

START_TEST(survives_cut_objects)
{
    uint8_t bytes[MACHO_OBJ_SIZE];
    uint64_t size = make_macho_object(bytes);

    ck_assert(read_all(bytes, size));
    for (uint64_t n = 0; n + 1 < size; n++)
        ck_assert_msg(!read_all(bytes, n), "cut at %llu", (unsigned long long)n);
}
END_TEST

START_TEST(survives_changed_objects)
{
    static const uint8_t masks[] = {0xff, 0x80, 0x01, 0x10};
    uint8_t bytes[MACHO_OBJ_SIZE];
    uint64_t size = make_macho_object(bytes);

    for (uint64_t n = 0; n < size; n++) {
        bytes[n] ^= masks[_i];
        read_all(bytes, size);
        bytes[n] ^= masks[_i];
    }
}
END_TEST

/* ---- images ---- */

static int memory = -1; /* the input, a file in memory */

/* Link BYTES; *IMAGE is malloc'ed.  CHAINED: the form of fixups. */
static bool link_bytes(const uint8_t *bytes, uint64_t size, bool chained, uint8_t **image,
                       uint64_t *image_size)
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
        .darwin = {.chained = chained ? CHOICE_YES : CHOICE_NO, .dynamic_lookup = true},
    };
    struct diag d = {0};
    bool ok = false;
    struct file f;

    if (memory < 0)
        memory = memfd_create("input", MFD_CLOEXEC);
    ck_assert(memory >= 0 && ftruncate(memory, 0) == 0 &&
              pwrite(memory, bytes, size, 0) == (ssize_t)size);
    snprintf(in, sizeof in, "/proc/self/fd/%d", memory);
    snprintf(out, sizeof out, "test_macho.%d.dylib", (int)getpid());
    ok = link_run(&d, &o);
    ck_assert_msg(ok ? d.errors == 0 : d.status != OK && d.text[0], "%d: %s", d.status, d.text);
    ck_assert_ptr_null(d.where);
    *image = NULL;
    *image_size = 0;
    if (ok && image) {
        ck_assert(file_open(&d, out, &f));
        *image = exact(f.data.at, f.data.size);
        *image_size = f.data.size;
        file_close(&f);
    }
    unlink(out);
    return ok;
}

/* Hold BYTES against the rules, and sign them; the findings. */
static uint64_t look(const uint8_t *bytes, uint64_t size)
{
    uint8_t *copy = exact(bytes, size);
    struct span in = {copy, size};
    struct arena a = {0};
    struct diag d = {0};
    uint64_t told = 0, findings = 0;
    struct verify_options o = {quiet_rule, count_finding, &told};
    struct buf out = {0};
    bool ok = macho_verify(&d, &a, in, &o, &findings);

    ck_assert(ok == (d.status == OK));
    d = (struct diag){0};
    ck_assert(macho_sign(&d, &a, in, &(struct sign_options){.name = "x"}, &out) ==
              (d.status == OK));
    buf_free(&out);
    arena_free(&a);
    free(copy);
    return ok ? findings : 1;
}

static bool count_fixup(void *arg, const struct macho_fixup *x)
{
    uint64_t *counts = arg;

    counts[x->bind]++;
    return true;
}

START_TEST(links_and_verifies)
{
    uint8_t bytes[MACHO_OBJ_SIZE], *image = NULL;
    uint64_t size = make_macho_object(bytes), image_size = 0, counts[2] = {0, 0};
    struct arena a = {0};
    struct diag d = {0};
    struct macho_file f;

    ck_assert(link_bytes(bytes, size, _i == 0, &image, &image_size));
    ck_assert_uint_eq(look(image, image_size), 0);
    ck_assert(macho_open(&d, &a, (struct span){image, image_size}, &f));
    ck_assert(macho_each_fixup(&d, &a, &f, count_fixup, counts));
    ck_assert_uint_eq(counts[0], 1); /* the pointer to f */
    ck_assert_uint_eq(counts[1], 3); /* g's slot and the pointer to it, __tlv_bootstrap */
    free(image);
    arena_free(&a);
}
END_TEST

START_TEST(survives_damaged_links)
{
    uint8_t bytes[MACHO_OBJ_SIZE], *image = NULL;
    uint64_t size = make_macho_object(bytes), image_size = 0;

    for (uint64_t n = 1; n < size; n++) {
        ck_assert(!link_bytes(bytes, n, true, &image, &image_size) || n + 1 == size);
        free(image);
    }
    for (uint64_t n = 0; n < size; n++) {
        /* Fields that ask for more room than there is are refused, or would be
           zeros written for hours. */
        bytes[n] ^= 0x81;
        link_bytes(bytes, size, n % 2, &image, &image_size);
        free(image);
        bytes[n] ^= 0x81;
    }
}
END_TEST

START_TEST(survives_damaged_images)
{
    uint8_t bytes[MACHO_OBJ_SIZE], *image = NULL;
    uint64_t size = make_macho_object(bytes), image_size = 0;

    ck_assert(link_bytes(bytes, size, _i == 0, &image, &image_size));
    for (uint64_t n = 0; n < image_size; n += n < 2048 ? 1 : 211)
        ck_assert(look(image, n) > 0);
    for (uint64_t n = 0; n < image_size; n++) {
        /* Code and padding are no more than bytes to be hashed. */
        if (n > 2048 && n % 4096 > 128 && n < image_size - 2048)
            continue;
        image[n] ^= 0x81;
        look(image, image_size);
        image[n] ^= 0x81;
    }
    free(image);
}
END_TEST

/* ---- the tree of names ---- */

enum { NAMES = 3000 };

struct expected {
    struct trie_symbol *all;
    uint64_t count, seen;
};

static bool find_name(void *arg, const struct trie_symbol *s)
{
    struct expected *e = arg;

    for (uint64_t i = 0; i < e->count; i++)
        if (!strcmp(e->all[i].name, s->name)) {
            ck_assert_uint_eq(e->all[i].addr, s->addr);
            ck_assert_uint_eq(e->all[i].flags, s->flags);
            e->seen++;
            return true;
        }
    ck_abort_msg("%s is in the tree", s->name);
    return false;
}

static bool nothing(void *arg, const struct trie_symbol *s)
{
    (void)arg;
    return *s->name || true;
}

START_TEST(tries)
{
    struct arena a = {0};
    struct trie_symbol *all = arena_alloc(&a, NAMES, sizeof *all);
    struct expected e = {.all = all, .count = NAMES};
    struct diag d = {0};
    struct buf out = {0};

    for (uint64_t i = 0; i < NAMES; i++)
        all[i] = (struct trie_symbol){
            .name =
                arena_printf(&a, "_%s%llu", i % 3 ? "name" : "other_", (unsigned long long)(i * i)),
            .addr = i * 0x123457,
            .flags = i % 5 ? 0 : EXPORT_SYMBOL_FLAGS_WEAK_DEFINITION,
        };
    ck_assert(trie_build(&a, all, NAMES, &out));
    ck_assert_msg(trie_read(&d, &a, buf_span(&out), find_name, &e), "%s", d.text);
    ck_assert_uint_eq(e.seen, NAMES);
    for (uint64_t n = 1; n < out.size; n += 1 + n / 50) {
        uint8_t *copy = exact(out.at, n);

        d = (struct diag){0};
        ck_assert(!trie_read(&d, &a, (struct span){copy, n}, nothing, NULL));
        ck_assert(d.status == E_FORMAT);
        free(copy);
    }
    for (uint64_t n = 0; n < out.size; n += 1 + n / 50) {
        d = (struct diag){0};
        out.at[n] ^= 0xff;
        trie_read(&d, &a, buf_span(&out), nothing, NULL);
        out.at[n] ^= 0xff;
    }
    buf_free(&out);
    arena_free(&a);
}
END_TEST

START_TEST(numbers)
{
    static const uint64_t values[] = {0, 1, 127, 128, 0x3fff, 0x4000, UINT64_MAX};
    static const int64_t signs[] = {0, -1, 63, 64, -64, -65, INT64_MIN, INT64_MAX};
    static const uint8_t long_ones[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03};
    struct buf b = {0};
    struct cursor c;

    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        put_uleb(&b, values[i]);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        put_sleb(&b, signs[i]);
    c = (struct cursor){.in = buf_span(&b)};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        ck_assert_uint_eq(cur_uleb(&c), values[i]);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        ck_assert_int_eq(cur_sleb(&c), signs[i]);
    ck_assert(!c.bad && c.pos == b.size);
    c = (struct cursor){.in = {long_ones, sizeof long_ones}};
    cur_uleb(&c);
    ck_assert(c.bad);
    buf_free(&b);
}
END_TEST

/* ---- text stubs ---- */

static const char stub[] = "--- !tapi-tbd\n"
                           "tbd-version: 4\n"
                           "targets: [ x86_64-macos ]\n"
                           "install-name: /usr/lib/a.dylib\n"
                           "current-version: 1.2.3\n"
                           "exports:\n"
                           "  - targets: [ x86_64-macos ]\n"
                           "    symbols: [ _a, _b ]\n"
                           "    weak-symbols: [ _w ]\n"
                           "    thread-local-symbols: [ _t ]\n"
                           "    objc-classes: [ K ]\n"
                           "...\n";

START_TEST(reads_a_stub)
{
    static const char *const names[] = {
        "", "_a", "_b", "_w", "_t", "_OBJC_CLASS_$_K", "_OBJC_METACLASS_$_K"};
    struct span in = {(const uint8_t *)stub, sizeof stub - 1};
    struct arena a = {0};
    struct diag d = {0};
    struct object o = {.machine = CPU_TYPE_X86_64};

    ck_assert_msg(format_tbd.read(&d, &a, "o", in, &o), "%s", d.text);
    ck_assert_str_eq(o.soname, "/usr/lib/a.dylib");
    ck_assert_uint_eq(o.current_version, 1 << 16 | 2 << 8 | 3);
    ck_assert_uint_eq(o.symbol_count, sizeof names / sizeof *names);
    for (uint32_t i = 0; i < o.symbol_count; i++)
        ck_assert_str_eq(o.symbols[i].name, names[i]);
    ck_assert_uint_eq(o.symbols[3].binding, BIND_WEAK);
    ck_assert_uint_eq(o.symbols[4].kind, KIND_TLS);
    arena_free(&a);
}
END_TEST

START_TEST(survives_damaged_stubs)
{
    uint8_t bytes[sizeof stub];

    memcpy(bytes, stub, sizeof stub);
    for (uint64_t n = 0; n < sizeof stub; n++)
        read_all(bytes, n);
    for (uint64_t n = 0; n < sizeof stub; n++) {
        bytes[n] ^= 0x11;
        read_all(bytes, sizeof stub - 1);
        bytes[n] ^= 0x11;
    }
}
END_TEST

/* Names that an alias repeats are not taken without end. */
START_TEST(bounds_aliases)
{
    struct buf b = {0};

    buf_printf(&b, "--- !tapi-tbd\ntbd-version: 4\ntargets: [ x86_64-macos ]\ninstall-name: a\n"
                   "exports:\n  - &e { targets: [ x86_64-macos ], symbols: [ _a");
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, ", _a");
    buf_printf(&b, " ] }\n");
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "  - *e\n");
    ck_assert(!read_all(b.at, b.size));
    buf_free(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("macho");
    TCase *c = tcase_create("macho");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 600);
    tcase_add_test(c, reads_an_object);
    tcase_add_test(c, survives_cut_objects);
    tcase_add_loop_test(c, survives_changed_objects, 0, 4);
    tcase_add_loop_test(c, links_and_verifies, 0, 2);
    tcase_add_test(c, survives_damaged_links);
    tcase_add_loop_test(c, survives_damaged_images, 0, 2);
    tcase_add_test(c, tries);
    tcase_add_test(c, numbers);
    tcase_add_test(c, reads_a_stub);
    tcase_add_test(c, survives_damaged_stubs);
    tcase_add_test(c, bounds_aliases);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
