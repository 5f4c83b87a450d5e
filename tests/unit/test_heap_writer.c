/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_heap_writer.c - libsysimage's writer of heap containers: one file byte
 * by byte, files of chance through the reader, and every error. */

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/file.h"
#include "heap/container.h"
#include "sysimage/heap.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* A directory of the test's own, and the file in it. */
static char dir[256], path[300];

static void make_dir(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof dir, "%s/heap-writer-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a.heap", dir);
}

static unsigned files_in_dir(void)
{
    DIR *d = opendir(dir);
    unsigned n = 0;

    ck_assert_ptr_nonnull(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void remove_dir(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(dir), 0); /* nothing else was left in it */
}

/* ---- byte by byte ---- */

static uint64_t hash(const uint8_t *p, size_t n) { return XXH3_64bits(p, n); }

/* The checksum of a part of one block. */
static uint64_t part_hash(const uint8_t *p, size_t n)
{
    uint8_t block[8];

    store_uint(block, 8, false, hash(p, n));
    return hash(block, 8);
}

struct entry {
    uint32_t type;
    uint64_t offset, size, count;
};

START_TEST(is_as_documented)
{
    static const uint8_t data[16] = {8, 0, 0, 0, 0, 0, 0xcd, 0xab, 'x'};
    static const uint8_t slots[25] = {1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
                                      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    static const uint8_t segments[48] = {0, 0, 0, 0, 0, 0, 0,  0, 16, 0, 0,
                                         0, 0, 0, 0, 0, 2, 16, 0, 0,  1};
    static const uint8_t roots[32] = {3, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 4};
    static const uint8_t head[56] = {
        0x89, 'H', 'E', 'A', 'P', '\r', '\n', 0x1a, 1,    8, 1, 0, 128, 0, 64, 0, 0xc8,
        0x11, 0,   0,   0,   0,   0,    0,    0x88, 0x10, 0, 0, 0, 0,   0, 0,  5, 0,
        0,    0,   0,   0,   0,   0,    16,   0,    0,    0, 0, 0, 0,   0, 48};
    static const struct entry entries[] = {
        {2, 4096, 16, 0}, {3, 4112, 25, 1}, {1, 4144, 48, 1}, {6, 4192, 32, 1}, {11, 4224, 5, 0},
    };
    struct simg_heap_options o = {.size = sizeof o, .order = SIMG_LITTLE, .address_bits = 48};
    struct simg_heap_segment s = {SIMG_SEGMENT_READ_WRITE, "h", 0, 16, 0, NULL};
    uint8_t want[4552] = {0}, *table = want + 4232;
    struct simg_heap_writer *w;
    struct simg_error e;
    struct diag d = {0};
    struct file f;
    uint64_t offset = 0;
    XXH128_canonical_t id;

    memcpy(want, head, sizeof head);
    memcpy(want + 4096, data, sizeof data);
    memcpy(want + 4112, slots, sizeof slots);
    memcpy(want + 4144, segments, sizeof segments);
    memcpy(want + 4192, roots, sizeof roots);
    memcpy(want + 4224, "\0h\0r", 5);
    for (size_t i = 0; i < COUNT(entries); i++) {
        uint8_t *p = table + 64 * i;

        store_uint(p, 4, false, entries[i].type);
        store_uint(p + 16, 8, false, entries[i].offset);
        store_uint(p + 24, 8, false, entries[i].size);
        store_uint(p + 32, 8, false, entries[i].size);
        store_uint(p + 40, 8, false, entries[i].count);
        store_uint(p + 48, 8, false, part_hash(want + entries[i].offset, entries[i].size));
    }
    XXH128_canonicalFromHash(&id, XXH3_128bits(table, 320));
    memcpy(want + 56, &id, 16);
    store_uint(want + 112, 8, false, hash(table, 320));
    store_uint(want + 120, 8, false, hash(want, 120));

    make_dir();
    ck_assert_int_eq(simg_heap_create(path, &o, &w, &e), SIMG_OK);
    ck_assert_int_eq(simg_heap_segment(w, &s, NULL, &e), SIMG_OK);
    ck_assert_int_eq(simg_heap_root(w, "r", SIMG_ROOT_DATA, 0, 8, 4, &e), SIMG_OK);
    ck_assert_int_eq(simg_heap_slots(w, 0, &offset, 1, &e), SIMG_OK);
    ck_assert_int_eq(simg_heap_append(w, 0, data, sizeof data, &e), SIMG_OK);
    ck_assert_int_eq(simg_heap_finish(w, &e), SIMG_OK);

    ck_assert(file_open(&d, path, &f));
    ck_assert_uint_eq(f.data.size, sizeof want);
    for (size_t i = 0; i < sizeof want; i++)
        if (f.data.at[i] != want[i])
            ck_abort_msg("byte %zu is %02x, not %02x", i, f.data.at[i], want[i]);
    file_close(&f);
    remove_dir();
}
END_TEST

/* ---- there and back ---- */

enum { SEGMENTS = 4, MIB = 1 << 20 };

static const struct {
    int kind;
    uint64_t size, align;
} layout[SEGMENTS] = {
    {SIMG_SEGMENT_READ_WRITE, 2 * MIB + 77, 0},
    {SIMG_SEGMENT_READ_ONLY, 100004, 1 << 20},
    {SIMG_SEGMENT_ZERO, 12345678, 0},
    {SIMG_SEGMENT_CODE, 7, 0}, /* too small for a slot */
};

enum what { ALIGNED, ODD, IMPORT, IMPORT_ODD };

struct slot {
    uint64_t offset;
    enum what what;
    uint32_t import;
    int64_t addend;
};

/* A heap, as it is in memory and as it must be in the file. */
struct sample {
    bool big, live, nulls;
    unsigned bits;
    uint64_t addr[SEGMENTS], span;
    uint8_t *memory[SEGMENTS], *want[SEGMENTS];
    struct slot *slots[SEGMENTS];
    size_t slot_count[SEGMENTS];
    uint64_t *map[SEGMENTS]; /* offsets of what must come out as slots */
    size_t map_count[SEGMENTS];
};

static uint64_t state;

static uint64_t chance(uint64_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % n;
}

static void make_word(struct sample *m, unsigned i, uint64_t offset)
{
    unsigned to = (unsigned)chance(SEGMENTS);
    uint64_t at = chance(layout[to].size + 1), mask = UINT64_MAX >> (64 - m->bits);
    uint64_t tag = chance(UINT64_MAX) & ~mask;
    uint64_t word = tag | (m->addr[to] + at), was = word;

    if (m->live)
        was = tag | ((uint64_t)(uintptr_t)m->memory[to] + at);
    if (m->nulls && chance(5) == 0)
        word = was = 0;
    else
        m->map[i][m->map_count[i]++] = offset;
    store_uint(m->want[i] + offset, 8, m->big, word);
    store_uint(m->memory[i] + offset, 8, m->big, was);
}

static void make_sample(struct sample *m, uint64_t sparse)
{
    for (unsigned i = 0; i < SEGMENTS; i++) {
        uint64_t n = layout[i].size, align = layout[i].align ? layout[i].align : 65536;

        m->addr[i] = align_up(m->span, align);
        m->span = m->addr[i] + n;
        m->memory[i] = malloc(n);
        m->want[i] = malloc(n);
        m->slots[i] = calloc(n / 8 + 1, sizeof(struct slot));
        m->map[i] = calloc(n / 8 + 1, sizeof(uint64_t));
        ck_assert(m->memory[i] && m->want[i] && m->slots[i] && m->map[i]);
        for (uint64_t k = 0; k < n; k++)
            m->memory[i][k] = m->want[i][k] = (uint8_t)chance(256);
    }
    for (unsigned i = 0; i < 2; i++)
        for (uint64_t at = chance(20); at + 8 <= layout[i].size; at += 8 + chance(sparse)) {
            struct slot *s = &m->slots[i][m->slot_count[i]++];

            if (at % 8 && chance(3))
                at = at + 15 < layout[i].size ? (at + 7) / 8 * 8 : at;
            *s = (struct slot){at, at % 8 ? ODD : ALIGNED, 0, 0};
            if (chance(50) == 0) {
                *s = (struct slot){at, at % 8 ? IMPORT_ODD : IMPORT, (uint32_t)chance(2),
                                   (int64_t)chance(UINT64_MAX)};
                memset(m->want[i] + at, 0, 8);
            } else {
                make_word(m, i, at);
            }
        }
}

static void free_sample(struct sample *m)
{
    for (unsigned i = 0; i < SEGMENTS; i++) {
        free(m->memory[i]);
        free(m->want[i]);
        free(m->slots[i]);
        free(m->map[i]);
    }
}

/* Check notes each assertion, which takes longer than most calls here. */
#define OKAY(call)                                                                                 \
    do {                                                                                           \
        if ((call) != SIMG_OK)                                                                     \
            ck_abort_msg("%s", e.text);                                                            \
    } while (0)

/* The slots of segment I in [FROM, TO): those of imports, and others. */
static void give_slots(struct simg_heap_writer *w, const struct sample *m, unsigned i,
                       uint64_t from, uint64_t to, bool aligned)
{
    struct simg_error e;

    for (size_t k = 0; k < m->slot_count[i]; k++) {
        const struct slot *s = &m->slots[i][k];
        struct simg_heap_import_slot import = {s->offset, s->import, s->addend};

        if (s->offset < from || s->offset >= to)
            continue;
        if (s->what >= IMPORT)
            OKAY(simg_heap_import_slots(w, i, &import, 1, &e));
        else if (aligned || s->what == ODD)
            OKAY(simg_heap_slots(w, i, &s->offset, 1, &e));
    }
}

/* All aligned slots of segment I, as two bitmaps that meet inside a byte. */
static void give_bitmap(struct simg_heap_writer *w, const struct sample *m, unsigned i)
{
    uint64_t words = layout[i].size / 8, cut = words > 1003 ? 1003 : words / 2;
    uint8_t *low = calloc(words / 8 + 1, 1), *high = calloc(words / 8 + 1, 1);
    struct simg_error e;

    ck_assert(low && high);
    for (size_t k = 0; k < m->slot_count[i]; k++) {
        uint64_t word = m->slots[i][k].offset / 8;

        if (m->slots[i][k].what != ALIGNED)
            continue;
        if (word < cut)
            low[word / 8] |= (uint8_t)(1 << word % 8);
        else
            high[(word - cut) / 8] |= (uint8_t)(1 << (word - cut) % 8);
    }
    OKAY(simg_heap_slot_bitmap(w, i, cut, high, words - cut, &e));
    OKAY(simg_heap_slot_bitmap(w, i, 0, low, cut, &e));
    free(low);
    free(high);
}

/* In pieces of chance, each behind its slots; or all slots, then all bytes. */
static void write_segment(struct simg_heap_writer *w, const struct sample *m, unsigned i, int how)
{
    uint64_t size = layout[i].size, at = 0;
    struct simg_error e;

    if (how == 1)
        give_bitmap(w, m, i);
    if (how > 0)
        give_slots(w, m, i, 0, size, how == 2);
    while (at < size) {
        uint64_t n = chance(4) ? chance(900000) : chance(20);

        n = n > size - at ? size - at : n;
        if (how == 0)
            give_slots(w, m, i, at, at + n, true);
        OKAY(simg_heap_append(w, i, m->memory[i] + at, n, &e));
        at += n;
    }
}

static void write_sample(const struct sample *m, int compression, int how)
{
    static const char *const imports[] = {"malloc", "environ"};
    struct simg_heap_options o = {.size = sizeof o,
                                  .order = m->big ? SIMG_BIG : SIMG_LITTLE,
                                  .address_bits = m->bits,
                                  .compression = compression,
                                  .null_is_no_slot = m->nulls};
    struct simg_heap_object objects[] = {{0, 16, 1}, {16, 100, 0}, {1000000, 8, 1}};
    struct simg_heap_writer *w;
    struct simg_error e;
    uint32_t number;

    OKAY(simg_heap_create(path, &o, &w, &e));
    for (unsigned i = 0; i < SEGMENTS; i++) {
        struct simg_heap_segment s = {layout[i].kind,
                                      i == 1 ? "constants" : NULL,
                                      i % 2 ? SIMG_HEAP_NEXT : m->addr[i],
                                      layout[i].size,
                                      layout[i].align,
                                      m->live ? m->memory[i] : NULL};

        OKAY(simg_heap_segment(w, &s, &number, &e));
        ck_assert_uint_eq(number, i);
        ck_assert_uint_eq(simg_heap_address(w, i), m->addr[i]);
    }
    ck_assert_uint_eq(simg_heap_address(w, SEGMENTS), UINT64_MAX);
    for (unsigned i = 0; i < 2; i++) {
        OKAY(simg_heap_import(w, imports[i], (int)i, i == 1, &number, &e));
        ck_assert_uint_eq(number, i);
    }
    OKAY(simg_heap_type(w, "pair", &number, &e));
    OKAY(simg_heap_type(w, "string", &number, &e));
    ck_assert_uint_eq(number, 1);
    OKAY(simg_heap_objects(w, 0, objects, 2, &e));
    OKAY(simg_heap_objects(w, 0, objects + 2, 1, &e));
    for (unsigned i = 0; i < SEGMENTS; i++)
        if (layout[i].kind != SIMG_SEGMENT_ZERO)
            write_segment(w, m, i, how);
    for (unsigned i = 0; i < 1000; i++) {
        char name[32];

        snprintf(name, sizeof name, "root_%u", i);
        OKAY(simg_heap_root(w, name, i % 2, i % SEGMENTS, i % 7, 1, &e));
        OKAY(simg_heap_meta(w, name, i % 3 ? name : NULL, &e)); /* a root's name may be a key */
    }
    OKAY(simg_heap_identity(w, "lua", "5.4", NULL, "-O2", &e));
    OKAY(simg_heap_finish(w, &e));
}

static bool next_offset(void *arg, uint64_t offset)
{
    const uint64_t **next = arg;

    return *(*next)++ == offset;
}

static void compare_segment(const struct heap *h, const struct sample *m, unsigned i)
{
    const struct heap_segment *s = &h->segments[i];
    const uint64_t *next = m->map[i];
    struct diag d = {0};
    uint8_t *got = malloc(s->size);

    ck_assert_ptr_nonnull(got);
    ck_assert_uint_eq(s->addr, m->addr[i]);
    ck_assert_uint_eq(s->size, layout[i].size);
    ck_assert_uint_eq(s->kind, (unsigned)layout[i].kind);
    ck_assert_str_eq(s->name, i == 1 ? "constants" : "");
    ck_assert_uint_eq(s->slots.count, m->map_count[i]);
    ck_assert(slots_each(&s->slots, 0, s->size, next_offset, &next));
    ck_assert_int_eq(next - m->map[i], (ptrdiff_t)m->map_count[i]);
    if (s->kind != SIMG_SEGMENT_ZERO) {
        ck_assert_msg(heap_unpack(&d, h, i, got), "%s", d.text);
        for (uint64_t k = 0; k < s->size; k++)
            if (got[k] != m->want[i][k])
                ck_abort_msg("segment %u: byte 0x%lx is %02x, not %02x", i, (unsigned long)k,
                             got[k], m->want[i][k]);
        ck_assert_msg(heap_check_words(&d, h, i, (struct span){got, s->size}), "%s", d.text);
    }
    free(got);
}

static void compare(const struct heap *h, const struct sample *m)
{
    uint64_t n = 0;
    char name[32];

    ck_assert_uint_eq(h->big, m->big);
    ck_assert_uint_eq(h->span, m->span);
    ck_assert_uint_eq(h->address_bits, m->bits);
    ck_assert_uint_eq(h->segment_count, SEGMENTS);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        compare_segment(h, m, i);
        for (size_t k = 0; k < m->slot_count[i]; k++) {
            const struct slot *want = &m->slots[i][k];

            if (want->what < IMPORT)
                continue;
            ck_assert_uint_lt(n, h->import_slot_count);
            struct heap_import_slot got = heap_import_slot_at(h, n++);
            ck_assert_uint_eq(got.place, m->addr[i] + want->offset);
            ck_assert_uint_eq(got.import, want->import);
            ck_assert_int_eq(got.addend, want->addend);
        }
    }
    ck_assert_uint_eq(n, h->import_slot_count);
    ck_assert_uint_eq(h->import_count, 2);
    ck_assert_str_eq(h->imports[0].name, "malloc");
    ck_assert(h->imports[1].weak && h->imports[1].kind == SIMG_IMPORT_FUNCTION);
    ck_assert_uint_eq(h->root_count, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "root_%u", i);
        ck_assert_str_eq(h->roots[i].name, name);
        ck_assert_uint_eq(h->roots[i].kind, i % 2);
        ck_assert_uint_eq(h->roots[i].addr, m->addr[i % SEGMENTS] + i % 7);
        ck_assert_str_eq(h->metas[i].key, name);
        ck_assert_str_eq(h->metas[i].value, i % 3 ? name : "");
    }
    ck_assert_uint_eq(h->segments[0].object_count, 3);
    ck_assert_str_eq(h->types[1], "string");
    ck_assert_str_eq(h->runtime, "lua");
    ck_assert_str_eq(h->build_id, "");
    ck_assert_str_eq(h->flags, "-O2");
}

static const struct {
    bool big, live, nulls;
    unsigned bits;
    int compression, how;
    uint64_t sparse; /* largest gap between slots: bitmap or gaps */
} kinds[] = {
    {false, false, false, 64, 0, 0, 40},  {false, true, false, 48, 0, 0, 40},
    {true, false, false, 48, 0, 1, 40},   {true, false, true, 57, 3, 2, 9000},
    {false, false, false, 48, 1, 1, 900}, {false, true, true, 64, 1, 2, 9},
    {true, true, true, 48, 0, 0, 5000},   {false, false, true, 64, 0, 1, 1},
};

START_TEST(comes_back)
{
    struct sample m = {.big = kinds[_i].big,
                       .live = kinds[_i].live,
                       .nulls = kinds[_i].nulls,
                       .bits = kinds[_i].bits};
    struct arena a = {0};
    struct diag d = {0};
    struct heap h;
    struct file f;

    state = 4711 + (uint64_t)_i;
    make_dir();
    make_sample(&m, kinds[_i].sparse);
#ifndef HAVE_ZSTD
    write_sample(&m, 0, kinds[_i].how);
#else
    write_sample(&m, kinds[_i].compression, kinds[_i].how);
#endif
    ck_assert_uint_eq(files_in_dir(), 1);
    ck_assert_msg(file_open(&d, path, &f), "%s", d.text);
    ck_assert_msg(heap_read(&d, &a, path, f.data, &h), "%s", d.text);
    ck_assert_msg(heap_check_parts(&d, &h), "%s", d.text);
    compare(&h, &m);
    arena_free(&a);
    file_close(&f);
    free_sample(&m);
    remove_dir();
}
END_TEST

/* ---- errors ---- */

static struct simg_heap_writer *writer;
static uint8_t bytes[0x200];

static void slots(const uint64_t *offsets, size_t count)
{
    simg_heap_slots(writer, 0, offsets, count, NULL);
}

static void add_segment(int kind, uint64_t addr, uint64_t size, uint64_t align, const void *live)
{
    struct simg_heap_segment s = {kind, "x", addr, size, align, live};

    simg_heap_segment(writer, &s, NULL, NULL);
}

static void wrong_kind(void) { add_segment(5, SIMG_HEAP_NEXT, 1, 0, NULL); }
static void wrong_align(void) { add_segment(1, SIMG_HEAP_NEXT, 1, 4096, NULL); }
static void wrong_addr(void) { add_segment(1, 0x30001, 1, 0, NULL); }
static void early_addr(void) { add_segment(1, 0x10000, 1, 0, NULL); }
static void no_size(void) { add_segment(1, SIMG_HEAP_NEXT, 0, 0, NULL); }
static void large(void) { add_segment(1, SIMG_HEAP_NEXT, UINT64_C(1) << 48, 0, NULL); }
static void live_twice(void)
{
    add_segment(1, SIMG_HEAP_NEXT, 0x100, 0, bytes);
    add_segment(1, SIMG_HEAP_NEXT, 0x100, 0, bytes + 0xff);
}
static void late_segment(void)
{
    simg_heap_append(writer, 0, bytes, 1, NULL);
    add_segment(1, SIMG_HEAP_NEXT, 1, 0, NULL);
}
static void no_segment(void) { simg_heap_append(writer, 2, bytes, 1, NULL); }
static void zero_segment(void) { simg_heap_append(writer, 1, bytes, 1, NULL); }
static void too_many(void)
{
    simg_heap_append(writer, 0, bytes, 0x80, NULL);
    simg_heap_append(writer, 0, bytes, 0x81, NULL);
}
static void in_between(void)
{
    add_segment(1, SIMG_HEAP_NEXT, 0x10, 0, NULL);
    simg_heap_append(writer, 0, bytes, 1, NULL);
    simg_heap_append(writer, 2, bytes, 1, NULL);
}
static void slot_order(void) { slots((uint64_t[]){0x20, 0x18}, 2); }
static void slot_near(void)
{
    slots((uint64_t[]){0x20}, 1);
    slots((uint64_t[]){0x27}, 1);
}
static void slot_outside(void) { slots((uint64_t[]){0xf9}, 1); }
static void slot_of_zero(void) { simg_heap_slots(writer, 1, (uint64_t[]){0}, 1, NULL); }
static void slot_late(void)
{
    simg_heap_append(writer, 0, bytes, 0x21, NULL);
    slots((uint64_t[]){0x20}, 1);
}
static void slot_twice(void)
{
    simg_heap_slot_bitmap(writer, 0, 3, (const uint8_t *)"\x02", 8, NULL);
    slots((uint64_t[]){0x20}, 1);
}
static void bit_twice(void)
{
    simg_heap_slot_bitmap(writer, 0, 3, (const uint8_t *)"\x02", 8, NULL);
    simg_heap_slot_bitmap(writer, 0, 4, (const uint8_t *)"\x01", 8, NULL);
}
static void bit_outside(void)
{
    simg_heap_slot_bitmap(writer, 0, 31, (const uint8_t *)"\x02", 2, NULL);
}
static void bit_far_outside(void)
{
    simg_heap_slot_bitmap(writer, 0, UINT64_MAX - 3, (const uint8_t *)"\x80\x80", 16, NULL);
}
static void bit_past_count(void)
{
    /* Allowed: the second bit is not counted. */
    simg_heap_slot_bitmap(writer, 0, 31, (const uint8_t *)"\x02", 1, NULL);
    simg_heap_append(writer, 0, bytes, 0x100, NULL);
}
static void overlap(void)
{
    simg_heap_slot_bitmap(writer, 0, 4, (const uint8_t *)"\x01", 8, NULL);
    slots((uint64_t[]){0x1c}, 1);
    simg_heap_append(writer, 0, bytes, 0x100, NULL);
}
static void import_overlap(void)
{
    struct simg_heap_import_slot s = {0x22, 0, 0};

    simg_heap_import(writer, "free", 0, 0, NULL, NULL);
    simg_heap_import_slots(writer, 0, &s, 1, NULL);
    slots((uint64_t[]){0x1b}, 1);
    simg_heap_append(writer, 0, bytes, 0x100, NULL);
}
static void import_order(void)
{
    struct simg_heap_import_slot s[] = {{0x20, 0, 0}, {0x20, 0, 0}};

    simg_heap_import(writer, "free", 0, 0, NULL, NULL);
    simg_heap_import_slots(writer, 0, s, 2, NULL);
}
static void import_missing(void)
{
    simg_heap_import_slots(writer, 0, &(struct simg_heap_import_slot){0x20, 0, 0}, 1, NULL);
}
static void import_twice(void)
{
    simg_heap_import(writer, "free", 0, 0, NULL, NULL);
    simg_heap_import(writer, "free", 1, 1, NULL, NULL);
}
static void import_unnamed(void) { simg_heap_import(writer, "", 0, 0, NULL, NULL); }
static void import_kind(void) { simg_heap_import(writer, "free", 2, 0, NULL, NULL); }
static void bad_word(void)
{
    static uint8_t data[0x100];

    store_uint(data + 0x18, 8, false, UINT64_C(0xff00000000011001));
    slots((uint64_t[]){0x10, 0x18}, 2);
    simg_heap_append(writer, 0, data, 0x100, NULL);
}
static void bad_pointer(void)
{
    static uint8_t data[0x100];

    add_segment(1, SIMG_HEAP_NEXT, 0x100, 0, bytes);
    store_uint(data, 8, false, 0x1234);
    slots((uint64_t[]){0}, 1);
    simg_heap_append(writer, 0, data, 0x100, NULL);
}
static void root_outside(void) { simg_heap_root(writer, "r", 0, 0, 0x100, 0, NULL); }
static void root_large(void) { simg_heap_root(writer, "r", 0, 0, 0xff, 2, NULL); }
static void root_kind(void) { simg_heap_root(writer, "r", 2, 0, 0, 0, NULL); }
static void root_twice(void)
{
    simg_heap_root(writer, "r", 0, 0, 0, 0, NULL);
    simg_heap_root(writer, "r", 0, 0, 8, 0, NULL);
}
static void object_type(void)
{
    simg_heap_objects(writer, 0, &(struct simg_heap_object){0, 8, 0}, 1, NULL);
}
static void object_order(void)
{
    struct simg_heap_object o[] = {{8, 8, 0}, {15, 8, 0}};
    uint32_t type;

    simg_heap_type(writer, "t", &type, NULL);
    simg_heap_objects(writer, 0, o, 2, NULL);
}
static void key_twice(void)
{
    simg_heap_meta(writer, "k", "v", NULL);
    simg_heap_meta(writer, "k", "v", NULL);
}
static void identity_twice(void)
{
    simg_heap_identity(writer, "a", NULL, NULL, NULL, NULL);
    simg_heap_identity(writer, "a", NULL, NULL, NULL, NULL);
}
static void incomplete(void) { simg_heap_append(writer, 0, bytes, 0xff, NULL); }

/* Segment 0: 0x100 bytes at 0; segment 1: zero-fill, 0x1000 bytes at 0x10000.
   The text must be that of simg_heap_finish(), too. */
static const struct {
    void (*act)(void);
    enum simg_status status;
    uint64_t offset;
    const char *text;
} errors[] = {
    {wrong_kind, SIMG_ERR_ARGUMENT, 0, "segment 2: kind 5, not 1 to 4"},
    {wrong_align, SIMG_ERR_ARGUMENT, 0,
     "segment 2: alignment 0x1000, not a power of two from 64 KiB to 1 GiB"},
    {wrong_addr, SIMG_ERR_ARGUMENT, 0, "segment 2: address 0x30001 is not a multiple of 0x10000"},
    {early_addr, SIMG_ERR_ARGUMENT, 0,
     "segment 2: address 0x10000 is before 0x11000, where the last one ends"},
    {no_size, SIMG_ERR_ARGUMENT, 0,
     "segment 2: 0x0 bytes at 0x20000 are none, or do not fit 48 address bits"},
    {large, SIMG_ERR_ARGUMENT, 0,
     "segment 2: 0x1000000000000 bytes at 0x20000 are none, or do not fit 48 address bits"},
    {live_twice, SIMG_ERR_ARGUMENT, 0, "live memory at "},
    {late_segment, SIMG_ERR_STATE, 0, "segment 2 comes after the bytes of another"},
    {no_segment, SIMG_ERR_ARGUMENT, 0, "segment 2, but there are 2"},
    {zero_segment, SIMG_ERR_ARGUMENT, 0, "segment 1 is zero-fill and takes no bytes"},
    {too_many, SIMG_ERR_ARGUMENT, 0x80, "segment 0: 129 bytes at 0x80, but its size is 0x100"},
    {in_between, SIMG_ERR_STATE, 0, "bytes of segment 2, but segment 0 is not complete"},
    {slot_order, SIMG_ERR_ARGUMENT, 0x18,
     "segment 0: the slot at 0x18 comes after that at 0x20 and is not at least 8 above it"},
    {slot_near, SIMG_ERR_ARGUMENT, 0x27,
     "segment 0: the slot at 0x27 comes after that at 0x20 and is not at least 8 above it"},
    {slot_outside, SIMG_ERR_ARGUMENT, 0xf9,
     "segment 0: the slot at 0xf9 is not inside its 0x100 bytes"},
    {slot_of_zero, SIMG_ERR_ARGUMENT, 0, "segment 1 is zero-fill and has no slots"},
    {slot_late, SIMG_ERR_STATE, 0x20, "segment 0: the slot at 0x20 comes after its bytes"},
    {slot_twice, SIMG_ERR_ARGUMENT, 0x20, "segment 0: the slot at 0x20 comes twice"},
    {bit_twice, SIMG_ERR_ARGUMENT, 0x20, "segment 0: the slot at 0x20 comes twice"},
    {bit_outside, SIMG_ERR_ARGUMENT, 0x100,
     "segment 0: the slot at 0x100 is not inside its 0x100 bytes"},
    {bit_far_outside, SIMG_ERR_ARGUMENT, 0x138,
     "segment 0: the slot at 0x138 is not inside its 0x100 bytes"},
    {bit_past_count, SIMG_OK, 0, ""},
    {overlap, SIMG_ERR_ARGUMENT, 0x1c, "segment 0: the slot at 0x1c overlaps another"},
    {import_overlap, SIMG_ERR_ARGUMENT, 0x22, "segment 0: the slot at 0x22 overlaps another"},
    {import_order, SIMG_ERR_ARGUMENT, 0x20,
     "segment 0: the slot at 0x20 comes after that at 0x20 and is not at least 8 above it"},
    {import_missing, SIMG_ERR_ARGUMENT, 0x20,
     "segment 0: the slot at 0x20 is of import 0, but there are 0"},
    {import_twice, SIMG_ERR_ARGUMENT, 0, "import \"free\" comes twice"},
    {import_unnamed, SIMG_ERR_ARGUMENT, 0, "import without a name"},
    {import_kind, SIMG_ERR_ARGUMENT, 0, "import \"free\": kind 2, not 0 or 1"},
    {bad_word, SIMG_ERR_POINTER, 0x18,
     "segment 0: the slot at 0x18 holds 0xff00000000011001, which is no heap address"},
    {bad_pointer, SIMG_ERR_POINTER, 0,
     "segment 0: the slot at 0x0 holds 0x1234, which is in no segment's memory"},
    {root_outside, SIMG_ERR_ARGUMENT, 0x100,
     "root \"r\": 0x0 bytes at 0x100 are not inside segment 0"},
    {root_large, SIMG_ERR_ARGUMENT, 0xff, "root \"r\": 0x2 bytes at 0xff are not inside segment 0"},
    {root_kind, SIMG_ERR_ARGUMENT, 0, "root \"r\": kind 2, not 0 or 1"},
    {root_twice, SIMG_ERR_ARGUMENT, 0, "root \"r\" comes twice"},
    {object_type, SIMG_ERR_ARGUMENT, 0, "segment 0: object at 0x0 of type 0, but there are 0"},
    {object_order, SIMG_ERR_ARGUMENT, 15,
     "segment 0: object of 0x8 bytes at 0xf, not behind 0x10 or not inside the segment"},
    {key_twice, SIMG_ERR_ARGUMENT, 0, "metadata \"k\" comes twice"},
    {identity_twice, SIMG_ERR_STATE, 0, "the identity comes twice"},
    {incomplete, SIMG_ERR_STATE, 0xff, "segment 0: 255 bytes of 256 have come"},
};

START_TEST(says_what_is_wrong)
{
    struct simg_heap_options o = {.size = sizeof o, .order = SIMG_LITTLE, .address_bits = 48};
    struct simg_error e;

    make_dir();
    ck_assert_int_eq(simg_heap_create(path, &o, &writer, &e), SIMG_OK);
    add_segment(SIMG_SEGMENT_READ_WRITE, 0, 0x100, 0, NULL);
    add_segment(SIMG_SEGMENT_ZERO, SIMG_HEAP_NEXT, 0x1000, 0, NULL);
    errors[_i].act();
    ck_assert_int_eq(simg_heap_finish(writer, &e), errors[_i].status);
    ck_assert_int_eq(e.status, errors[_i].status);
    ck_assert_msg(strncmp(e.text, errors[_i].text, strlen(errors[_i].text)) == 0, "%s", e.text);
    if (errors[_i].act != live_twice)
        ck_assert_str_eq(e.text, errors[_i].text);
    ck_assert_uint_eq(e.offset, errors[_i].offset);
    ck_assert_uint_eq(files_in_dir(), errors[_i].status == SIMG_OK);
    remove_dir();
}
END_TEST

START_TEST(refuses_options)
{
    static const struct {
        struct simg_heap_options o;
        const char *text;
    } rows[] = {
        {{.size = 8}, "options of 8 bytes, not 24"},
        {{.order = 3}, "byte order 3, not SIMG_LITTLE or SIMG_BIG"},
        {{.address_bits = 47}, "addresses of 47 bits, not 48 to 64"},
        {{.address_bits = 65}, "addresses of 65 bits, not 48 to 64"},
        {{.compression = 20}, "compression 20, not 0 to 19"},
        {{.compression = -1}, "compression -1, not 0 to 19"},
    };
    struct simg_heap_writer *w;
    struct simg_error e;

    make_dir();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct simg_heap_options o = rows[i].o;

        o.size = o.size ? o.size : sizeof o;
        ck_assert_int_eq(simg_heap_create(path, &o, &w, &e), SIMG_ERR_ARGUMENT);
        ck_assert_str_eq(e.text, rows[i].text);
        ck_assert_ptr_null(w);
    }
    ck_assert_int_eq(simg_heap_create("/nowhere/at/all", NULL, &w, &e), SIMG_ERR_SYSTEM);
    ck_assert_int_ne(e.os_error, 0);
    ck_assert_int_eq(simg_heap_create(path, NULL, &w, NULL), SIMG_OK);
    ck_assert_int_eq(simg_heap_finish(w, &e), SIMG_ERR_STATE);
    ck_assert_str_eq(e.text, "there is no segment");
    remove_dir();
}
END_TEST

/* The file that had the name stays until the new one is complete. */
START_TEST(is_all_or_nothing)
{
    struct simg_heap_writer *w;
    struct simg_error e;
    struct stat st;

    make_dir();
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("old", f);
    fclose(f);
    OKAY(simg_heap_create(path, NULL, &w, &e));
    ck_assert_uint_eq(files_in_dir(), 2);
    simg_heap_abandon(w);
    simg_heap_abandon(NULL);
    ck_assert_uint_eq(files_in_dir(), 1);

    OKAY(simg_heap_create(path, NULL, &writer, &e));
    add_segment(SIMG_SEGMENT_READ_WRITE, 0, 0x100, 0, NULL);
    OKAY(simg_heap_append(writer, 0, bytes, 0x100, &e));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, 3);
    OKAY(simg_heap_finish(writer, &e));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_gt(st.st_size, 4096);
    ck_assert_uint_eq(files_in_dir(), 1);
    remove_dir();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("heap writer");
    TCase *t = tcase_create("writer");
    SRunner *run = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_test(t, is_as_documented);
    tcase_add_loop_test(t, comes_back, 0, COUNT(kinds));
    tcase_add_loop_test(t, says_what_is_wrong, 0, COUNT(errors));
    tcase_add_test(t, refuses_options);
    tcase_add_test(t, is_all_or_nothing);
    suite_add_tcase(s, t);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed != 0;
}
