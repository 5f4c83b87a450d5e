/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_cache_read.c - the reader of an engine's register and arena: one of
 * everything, each rule broken, cut at every length, each byte changed; and the
 * audit of texts. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "elf/cache.h"
#include "elf/verify.h"
#include "heap/audit.h"
#include "heap/cache.h"
#include "heap/graph.h"
#include "tests/support/cache_image.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* SIZE bytes of FROM, in a block of their own. */
static struct span copy_of(const uint8_t *from, uint64_t size)
{
    uint8_t *copy = malloc(size + 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, from, size);
    return (struct span){copy, size};
}

static void free_copy(struct span s) { free((void *)(uintptr_t)s.at); }

/* ---- the register ---- */

START_TEST(a_register_is_read)
{
    uint8_t bytes[CREG_SIZE];
    struct heap_cache_register r;
    struct arena a = {0};
    struct diag d = {0};

    make_cache_register(bytes, _i);
    ck_assert_msg(heap_cache_read_register(&d, &a, (struct span){bytes, CREG_SIZE}, _i, &r), "%s",
                  d.text);
    ck_assert_uint_eq(r.checksum, heap_cache_checksum(&r));
    ck_assert_uint_eq(r.flags, 3);
    ck_assert_uint_eq(r.compile, 3);
    ck_assert_str_eq(r.inputs, "v1");
    ck_assert_str_eq(r.cpu, "x86-64:1.2.3.4.5.6");
    ck_assert_uint_eq(r.source_count, 2);
    ck_assert_str_eq(r.sources[0].name, "main.js");
    ck_assert_uint_eq(r.sources[0].hash, UINT64_C(0x1122334455667788));
    ck_assert_uint_eq(r.sources[1].size, UINT64_C(1) << 40);
    ck_assert_uint_eq(r.function_count, 3);
    ck_assert_str_eq(r.functions[0].name, "fib");
    ck_assert_uint_eq(r.functions[0].line, 3);
    ck_assert_uint_eq(r.functions[0].flags, 5);
    ck_assert_uint_eq(r.functions[0].calls, 1000000);
    ck_assert_uint_eq(r.functions[0].code, 0x200000);
    ck_assert_uint_eq(r.functions[0].code_size, 96);
    ck_assert_uint_eq(r.functions[1].source, 1);
    ck_assert_uint_eq(r.functions[1].object, CBLOCK_D + 8);
    ck_assert_uint_eq(r.functions[1].code, SIMG_NO_PLACE);
    ck_assert_uint_eq(r.functions[2].source, HEAP_CACHE_NO_SOURCE);
    ck_assert_uint_eq(r.module_count, 2);
    ck_assert_str_eq(r.modules[0].name, "[program]");
    ck_assert_str_eq(r.modules[1].build, "cd34");
    ck_assert_uint_eq(r.modules[1].address, UINT64_C(0x7f0000000000));
    ck_assert_uint_eq(r.modules[1].slots, 9);
    ck_assert_uint_eq(r.type_count, 2);
    ck_assert_str_eq(r.types[1], "table");
    arena_free(&a);
}
END_TEST

struct broken {
    uint32_t off;
    uint8_t size;
    uint64_t value;
    const char *text; /* NULL: it is fine */
};

static const struct broken registers[] = {
    {0, 1, 's', "the register's magic is not there"},
    {8, 4, 2, "the register has version 2, only 1 is known"},
    {12, 4, 120, "the register's header has 120 bytes, not 112"},
    {16, 8, 400, "the register says it has 400 bytes, its segment has 456"},
    {32, 4, 0xffffffff, NULL}, /* flags are for those who know them */
    {36, 4, 9, NULL},
    {40, 4, 2, "its inputs are at 2 of the strings, where none begins (95 bytes)"},
    {44, 4, 95, "its CPU is at 95 of the strings, where none begins (95 bytes)"},
    {48, 4, 0xffffffff,
     "4294967295 sources at 0x70 of the register are not 8-aligned or not inside it (0x1c8 bytes)"},
    {52, 4, 8,
     "8 functions at 0xa0 of the register are not 8-aligned or not inside it (0x1c8 bytes)"},
    {56, 4, 0, "no module: the engine's own is always there"},
    {56, 4, 7,
     "7 modules at 0x130 of the register are not 8-aligned or not inside it (0x1c8 bytes)"},
    {60, 4, 27,
     "27 types at 0x160 of the register are not 4-aligned or not inside it (0x1c8 bytes)"},
    {64, 8, 0x74,
     "2 sources at 0x74 of the register are not 8-aligned or not inside it (0x1c8 bytes)"},
    {64, 8, 0x68,
     "2 sources at 0x68 of the register are not 8-aligned or not inside it (0x1c8 bytes)"},
    {64, 8, UINT64_MAX - 7,
     "2 sources at 0xfffffffffffffff8 of the register are not 8-aligned or not inside it "
     "(0x1c8 bytes)"},
    {88, 8, 0x1c4,
     "2 types at 0x1c4 of the register are not 4-aligned or not inside it (0x1c8 bytes)"},
    {96, 8, 0x16c,
     "the strings (95 bytes at 0x16c) are not 4-aligned, not inside the register, or do not begin "
     "and end with a NUL"},
    {104, 8, 0,
     "the strings (0 bytes at 0x168) are not 4-aligned, not inside the register, or do not begin "
     "and end with a NUL"},
    {104, 8, 94,
     "the strings (94 bytes at 0x168) are not 4-aligned, not inside the register, or do not begin "
     "and end with a NUL"},
    {CREG_SOURCES + 16, 4, 24,
     "source 0: its name is at 24 of the strings, where none begins (95 bytes)"},
    {CREG_SOURCES + 24 + 20, 4, 1, "source 1: flags 0x1, none is known"},
    {CREG_FUNCTIONS + 4, 4, 2, "function 0: of source 2, but there are 2"},
    {CREG_FUNCTIONS + 96, 4, 5000,
     "function 2: its name is at 5000 of the strings, where none begins (95 bytes)"},
    {CREG_FUNCTIONS + 24, 8, 1, NULL}, /* an object anywhere */
    {CREG_MODULES + 20, 4, 3,
     "module 0: its build is at 3 of the strings, where none begins (95 bytes)"},
    {CREG_MODULES + 40, 4, 0xffffffff,
     "module 1: its name is at 4294967295 of the strings, where none begins (95 bytes)"},
    {CREG_TYPES + 4, 4, 90,
     "type 1: its name is at 90 of the strings, where none begins (95 bytes)"},
};

START_TEST(a_broken_register_is_told)
{
    const struct broken *b = &registers[_i];
    uint8_t bytes[CREG_SIZE];
    struct heap_cache_register r;
    struct arena a = {0};
    struct diag d = {0};
    struct span s;
    bool ok;

    make_cache_register(bytes, false);
    store_uint(bytes + b->off, b->size, false, b->value);
    s = copy_of(bytes, CREG_SIZE);
    ok = heap_cache_read_register(&d, &a, s, false, &r);
    ck_assert_str_eq(d.text, b->text ? b->text : "");
    ck_assert(ok == !b->text);
    ck_assert(!ok || heap_cache_checksum(&r) != r.checksum);
    ck_assert(ok || r.source_count == 0);
    free_copy(s);
    arena_free(&a);
}
END_TEST

START_TEST(a_cut_register_is_an_error)
{
    uint8_t bytes[CREG_SIZE];

    make_cache_register(bytes, false);
    for (uint64_t n = 0; n < CREG_SIZE; n++) {
        struct heap_cache_register r;
        struct span s = copy_of(bytes, n);
        struct arena a = {0};
        struct diag d = {0};

        ck_assert_msg(!heap_cache_read_register(&d, &a, s, false, &r), "cut at %u", (unsigned)n);
        ck_assert_int_eq(d.status, E_FORMAT);
        free_copy(s);
        arena_free(&a);
    }
}
END_TEST

/* Each byte changed in each bit: it is refused, or the checksum tells. */
START_TEST(a_changed_register_is_told)
{
    uint8_t bytes[CREG_SIZE];

    make_cache_register(bytes, false);
    for (unsigned n = 0; n < 8 * CREG_SIZE; n++) {
        struct heap_cache_register r;
        struct arena a = {0};
        struct diag d = {0};

        bytes[n / 8] ^= (uint8_t)(1 << n % 8);
        if (heap_cache_read_register(&d, &a, (struct span){bytes, CREG_SIZE}, false, &r))
            ck_assert_msg(heap_cache_checksum(&r) != r.checksum, "bit %u", n);
        bytes[n / 8] ^= (uint8_t)(1 << n % 8);
        arena_free(&a);
    }
}
END_TEST

/* ---- the arena ---- */

START_TEST(an_arena_is_read)
{
    static const struct heap_object want[] = {
        {CBLOCK_A + 8, 40, 1}, {CBLOCK_C + 8, 24, 0}, {CBLOCK_D + 8, 120, 2}};
    uint8_t bytes[CARENA_BYTES];
    struct heap_segment segment = {0};
    struct heap h = {.segments = &segment, .segment_count = 1};
    struct heap_cache_arena out;
    struct heap_objects it;
    struct heap_object o;
    struct arena a = {0};
    struct diag d = {0};

    make_cache_arena(bytes, _i);
    ck_assert_msg(
        heap_cache_read_arena(&d, &a, (struct span){bytes, CARENA_BYTES}, _i, CARENA_CODE, 2, &out),
        "%s", d.text);
    ck_assert_uint_eq(out.size, 0x400000);
    ck_assert_uint_eq(out.limit, 0x200000);
    ck_assert_uint_eq(out.live_count, 3);
    ck_assert_uint_eq(out.live_bytes, 208);
    ck_assert_uint_eq(out.free_count, 1);
    ck_assert_uint_eq(out.free_bytes, 64);
    segment.objects = out.objects;
    segment.object_count = out.live_count;
    heap_objects_begin(&h, 0, &it);
    for (size_t i = 0; i < COUNT(want); i++) {
        ck_assert(heap_objects_next(&it, &o));
        ck_assert_uint_eq(o.offset, want[i].offset);
        ck_assert_uint_eq(o.size, want[i].size);
        ck_assert_uint_eq(o.type, want[i].type);
    }
    ck_assert(!heap_objects_next(&it, &o));
    arena_free(&a);
}
END_TEST

static const struct broken arenas[] = {
    {0, 1, 's', "the arena's magic is not there"},
    {8, 4, 2, "the arena has version 2, only 1 is known"},
    {12, 4, 4096, "the arena's header has 4096 bytes, not 2152"},
    {CARENA_SIZE_FIELD, 8, 0x400010,
     "an arena of 0x400010 bytes with blocks below 0x200000: not multiples of 2 MiB, or too small "
     "for its 0xa00 bytes"},
    {CARENA_LIMIT, 8, 0,
     "an arena of 0x400000 bytes with blocks below 0x0: not multiples of 2 MiB, or too small for "
     "its 0xa00 bytes"},
    {CARENA_FIRST, 8, 2160,
     "blocks from 0x870 to 0x988: not 8 behind multiples of 16, or not inside (0xa00 bytes)"},
    {CARENA_FIRST, 8, 2136,
     "blocks from 0x858 to 0x988: not 8 behind multiples of 16, or not inside (0xa00 bytes)"},
    {CARENA_TOP, 8, CARENA_BYTES + 8,
     "blocks from 0x878 to 0xa08: not 8 behind multiples of 16, or not inside (0xa00 bytes)"},
    {CARENA_TOP, 8, CBLOCK_D + 16, "block at 2312: 16 bytes are no block"},
    {CARENA_TOP, 8, CBLOCK_D + 64, "block at 2312: 0x80 bytes, not 32 to 0x40, where blocks end"},
    {CARENA_CODE_TOP, 8, 0x200000,
     "code from 0x200000 to 0x200000, the image has 0x10000 bytes of it"},
    {CARENA_LIVE, 8, 4, "the arena says 4 blocks of 208 bytes are in use, 3 of 208 are"},
    {CARENA_LIVE + 8, 8, 200, "the arena says 3 blocks of 200 bytes are in use, 3 of 208 are"},
    {CARENA_BITS, 8, 0, "bin 4 of free blocks begins at 0x8a8 and is said to be empty"},
    {CARENA_BINS, 8, 0x10, "bin 0 of free blocks begins at 0x10 and is said to be empty"},
    {CARENA_BINS + 32, 8, CARENA_END,
     "bin 4 of free blocks begins at 0x988 and is said to be used"},
    {CARENA_GAPS + 8, 8, 1, "a gap in the code, 0x1 bytes at 0x0, is not inside it"},
    {CBLOCK_A, 8, 16 | 1, "block at 2168: 0x10 bytes, not 32 to 0x110, where blocks end"},
    {CBLOCK_A, 8, 0x1000 | 1, "block at 2168: 0x1000 bytes, not 32 to 0x110, where blocks end"},
    {CBLOCK_A, 8, 48 | 8 | 1, "block at 2168: flags 0x9, only 1 and 2 are known"},
    {CBLOCK_A, 8, 48 | 2 | 1,
     "block at 2168: the block before it is in use, and it says the opposite"},
    {CBLOCK_A, 8, UINT64_C(3) << 48 | 48 | 1, "block at 2168: type 3, the register has 2"},
    {CBLOCK_B + 8, 8, 8, "block at 2216: it is free, and its links lead to no block"},
    {CBLOCK_B + 40, 8, 1, "block at 2216: it is free and not zero"},
    {CBLOCK_B + 56, 8, 48, "block at 2216: it is free, has 0x40 bytes, and at its end says 0x30"},
    {CBLOCK_C, 8, 32 | 1, "block at 2280: the block before it is free, and it says the opposite"},
    {CBLOCK_C, 8, 32 | 2,
     "block at 2280: the block before it is free, and so is this: they would be one"},
};

START_TEST(a_broken_arena_is_told)
{
    const struct broken *b = &arenas[_i];
    uint8_t bytes[CARENA_BYTES];
    struct heap_cache_arena out;
    struct arena a = {0};
    struct diag d = {0};
    struct span s;

    make_cache_arena(bytes, false);
    store_uint(bytes + b->off, b->size, false, b->value);
    s = copy_of(bytes, CARENA_BYTES);
    ck_assert(!heap_cache_read_arena(&d, &a, s, false, CARENA_CODE, 2, &out));
    ck_assert_str_eq(d.text, b->text);
    free_copy(s);
    arena_free(&a);
}
END_TEST

/* Behind its last block there is nothing but a header that is to come. */
START_TEST(a_cut_arena_is_an_error)
{
    uint8_t bytes[CARENA_BYTES];

    make_cache_arena(bytes, false);
    for (uint64_t n = 0; n < CARENA_BYTES; n++) {
        struct heap_cache_arena out;
        struct span s = copy_of(bytes, n);
        struct arena a = {0};
        struct diag d = {0};
        bool ok = heap_cache_read_arena(&d, &a, s, false, CARENA_CODE, 2, &out);

        ck_assert_msg(ok == (n >= CARENA_END + 8), "cut at %u: %s", (unsigned)n, d.text);
        free_copy(s);
        arena_free(&a);
    }
}
END_TEST

/* Whatever changes, an arena that is taken is one: its blocks come to what lies between its
   ends. */
START_TEST(a_changed_arena_is_one_or_none)
{
    uint8_t bytes[CARENA_BYTES];
    unsigned refused = 0;

    make_cache_arena(bytes, false);
    for (unsigned n = 0; n < 8 * CARENA_BYTES; n++) {
        struct heap_cache_arena out;
        struct arena a = {0};
        struct diag d = {0};

        bytes[n / 8] ^= (uint8_t)(1 << n % 8);
        if (heap_cache_read_arena(&d, &a, (struct span){bytes, CARENA_BYTES}, false, CARENA_CODE, 2,
                                  &out)) {
            ck_assert_uint_eq(out.live_bytes + out.free_bytes, CARENA_END - CBLOCK_A);
            ck_assert_uint_eq(out.live_count, 3);
        } else {
            refused++;
        }
        bytes[n / 8] ^= (uint8_t)(1 << n % 8);
        arena_free(&a);
    }
    ck_assert_uint_gt(refused, 8 * 1500); /* nearly all of the header */
}
END_TEST

START_TEST(memory_may_run_out)
{
    uint8_t reg[CREG_SIZE], blocks[CARENA_BYTES];
    bool ok = false;

    make_cache_register(reg, false);
    make_cache_arena(blocks, false);
    for (uint64_t n = 1; !ok; n++) {
        struct arena a = {.fail_after = n};
        struct heap_cache_register r;
        struct heap_cache_arena out;
        struct diag d = {0};

        ok = heap_cache_read_register(&d, &a, (struct span){reg, CREG_SIZE}, false, &r) &&
             heap_cache_read_arena(&d, &a, (struct span){blocks, CARENA_BYTES}, false, CARENA_CODE,
                                   2, &out);
        ck_assert_int_eq(d.status, ok ? OK : E_NOMEM);
        arena_free(&a);
        ck_assert_uint_lt(n, 20);
    }
}
END_TEST

/* ---- the two together ---- */

/* A root in A; A leads to D, D to C; where A leads into a free block, it leads nowhere. */
START_TEST(its_objects_are_a_heap)
{
    uint8_t reg[CREG_SIZE], blocks[CARENA_BYTES], bitmap[CARENA_BYTES / 64] = {0};
    struct heap_root root = {"start", 0, CBLOCK_A + 8, 0, 0};
    struct heap_segment segments[] = {
        {.size = CARENA_BYTES,
         .kind = SIMG_SEGMENT_READ_WRITE,
         .name = "arena",
         .slots = {.bitmap = bitmap, .bitmap_size = sizeof bitmap, .count = 3, .address_bits = 64}},
        {.addr = 0x400000, .size = CREG_SIZE, .kind = SIMG_SEGMENT_READ_ONLY, .name = "cache"}};
    struct image_heap image = {.heap = {.segments = segments,
                                        .segment_count = 2,
                                        .roots = &root,
                                        .root_count = 1,
                                        .address_bits = 64},
                               .base = CARENA_BASE,
                               .mode = SIMG_MODE_PRELINKED};
    static const uint64_t slots[] = {CBLOCK_A + 8, CBLOCK_A + 16, CBLOCK_D + 24};
    struct heap_cache_register r;
    struct heap_cache_arena out;
    struct heap_cache_parts parts;
    struct heap_type_use *uses = NULL;
    struct heap_tree tree;
    struct heap h;
    struct arena a = {0};
    struct diag d = {0};
    uint32_t count = 0;

    make_cache_register(reg, false);
    make_cache_arena(blocks, false);
    for (size_t i = 0; i < COUNT(slots); i++)
        bitmap[slots[i] / 64] |= (uint8_t)(1 << slots[i] / 8 % 8);
    ck_assert(heap_cache_is(&image));
    ck_assert(heap_cache_find(&d, &image, &parts));
    ck_assert_ptr_eq(parts.rows, &segments[1]);
    ck_assert_ptr_null(parts.code);
    ck_assert(heap_cache_read_register(&d, &a, (struct span){reg, CREG_SIZE}, false, &r));
    ck_assert(heap_cache_read_arena(&d, &a, (struct span){blocks, CARENA_BYTES}, false, CARENA_CODE,
                                    2, &out));
    ck_assert(
        heap_cache_objects(&d, &a, &image, &r, &out, (struct span){blocks, CARENA_BYTES}, &h));
    ck_assert(heap_histogram(&d, &a, &h, &uses, &count));
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(h.types[uses[0].type], "table");
    ck_assert_uint_eq(uses[0].bytes, 128);
    ck_assert_str_eq(h.types[uses[1].type], "string");
    ck_assert_uint_eq(uses[1].bytes, 48);
    ck_assert_str_eq(h.types[uses[2].type], "(untyped)");
    ck_assert_uint_eq(uses[2].bytes, 32);
    ck_assert(heap_tree(&d, &a, &h, HEAP_ALL_ROOTS, 8, &tree));
    ck_assert_uint_eq(tree.count, 3);
    ck_assert_uint_eq(tree.bytes, 208);
    ck_assert_uint_eq(tree.node_count, 3);
    ck_assert_str_eq(h.types[tree.nodes[0].type], "string");
    ck_assert_str_eq(h.types[tree.nodes[1].type], "table");
    ck_assert_str_eq(h.types[tree.nodes[2].type], "(untyped)");
    ck_assert_uint_eq(tree.nodes[2].depth, 2);

    segments[1].name = "rows"; /* another heap */
    ck_assert(!heap_cache_is(&image));
    image.mode = SIMG_MODE_NATIVE;
    ck_assert(!heap_cache_find(&d, &image, &parts));
    ck_assert_str_eq(d.text, "an engine's heap is prelinked, and this is native");
    arena_free(&a);
}
END_TEST

/* ---- in a file ---- */

static bool reads_file(struct span s, struct diag *d, struct arena *a, struct elf_cache *c,
                       struct heap_cache_arena *blocks)
{
    struct heap h;

    return elf_cache_read(d, a, s, c) && elf_cache_arena(d, a, c, blocks, &h);
}

START_TEST(a_file_is_read)
{
    static uint8_t bytes[CIMG_SIZE];
    struct span s = {bytes, CIMG_SIZE};
    struct heap_cache_arena blocks;
    char build[ELF_BUILD];
    struct arena a = {0};
    struct diag d = {0};
    struct elf_cache c;

    make_cache_image(bytes);
    ck_assert_msg(reads_file(s, &d, &a, &c, &blocks), "%s", d.text);
    ck_assert_str_eq(c.heaps.heaps[0].heap.runtime, "show");
    ck_assert_uint_eq(c.heaps.heaps[0].heap.root_count, 1);
    ck_assert_uint_eq(c.parts.rows->addr, 0x400000);
    ck_assert_str_eq(c.reg.functions[1].name, "loop");
    ck_assert_uint_eq(blocks.live_count, 3);
    /* no note of a build, no code: XXH3's number for nothing hashed is that of the seed */
    ck_assert(elf_build(&a, s, build));
    ck_assert_str_eq(build, "0000000000000000");
    arena_free(&a);

    /* other files */
    bytes[CIMG_TABLE + 128 + 128 + 80 + 28]++; /* the name of the last segment */
    ck_assert(!elf_cache_read(&d, &a, s, &c));
    memset(bytes + CIMG_NOTE, 0, 48);
    d = (struct diag){0};
    ck_assert(!elf_cache_read(&d, &a, s, &c));
    ck_assert_int_eq(d.status, E_UNKNOWN);
    bytes[0] = 'E';
    d = (struct diag){0};
    ck_assert(!elf_cache_read(&d, &a, s, &c) && d.status == E_UNKNOWN);
    ck_assert(!elf_build(&a, s, build));
    arena_free(&a);
}
END_TEST

/* ---- the rules ---- */

static bool is_cache_rule(void *arg, const char *rule)
{
    (void)arg;
    return !strncmp(rule, "cache-", 6);
}

/* The rules that found something, each with a blank behind it. */
static void add_rule(void *arg, const char *rule, const char *text)
{
    (void)text;
    strcat(arg, rule);
    strcat(arg, " ");
}

static const struct {
    uint32_t at; /* the byte that is changed; 0: none */
    const char *found;
} rule_cases[] = {
    {0, ""},
    {CIMG_REGISTER + 8, "cache-register "},                   /* the version */
    {CIMG_REGISTER + CREG_MODULES + 8, "cache-register "},    /* words that point into a module */
    {CIMG_REGISTER + CREG_STRINGS + 1, "cache-register "},    /* a string: the checksum */
    {CIMG_ARENA + CARENA_LIVE, "cache-arena "},               /* how many blocks are in use */
    {CIMG_ARENA + CBLOCK_B + 32, "cache-arena "},             /* free memory is zero */
    {CIMG_ARENA + CBLOCK_C, "cache-arena "},                  /* a block's size */
};

START_TEST(each_rule_finds_its_own)
{
    static uint8_t bytes[CIMG_SIZE];
    char rules[512] = "";
    struct verify_options o = {is_cache_rule, add_rule, rules};
    struct arena a = {0};
    struct diag d = {0};
    uint64_t count = 0;

    make_cache_image(bytes);
    if (rule_cases[_i].at)
        bytes[rule_cases[_i].at] ^= 0x40;
    ck_assert_msg(elf_verify(&d, &a, (struct span){bytes, CIMG_SIZE}, &o, &count), "%s", d.text);
    ck_assert_str_eq(rules, rule_cases[_i].found);
    arena_free(&a);
}
END_TEST

START_TEST(a_cut_file_is_an_error)
{
    static uint8_t bytes[CIMG_SIZE];

    make_cache_image(bytes);
    for (uint64_t n = 0; n < CIMG_SIZE; n++) {
        struct span s = copy_of(bytes, n);
        struct heap_cache_arena blocks;
        struct arena a = {0};
        struct diag d = {0};
        struct elf_cache c;

        ck_assert_msg(!reads_file(s, &d, &a, &c, &blocks), "cut at %u", (unsigned)n);
        ck_assert_int_ne(d.status, OK);
        free_copy(s);
        arena_free(&a);
    }
}
END_TEST

/* Whichever bit it is (one of 23 is tried): an error with its status, or a file with all its
   parts. */
START_TEST(a_changed_file_is_one_or_none)
{
    static uint8_t bytes[CIMG_SIZE];

    make_cache_image(bytes);
    for (unsigned n = 0; n < 8 * CIMG_SIZE; n += 23) {
        struct heap_cache_arena blocks;
        struct arena a = {0};
        struct diag d = {0};
        struct elf_cache c;

        bytes[n / 8] ^= (uint8_t)(1 << n % 8);
        if (reads_file((struct span){bytes, CIMG_SIZE}, &d, &a, &c, &blocks))
            ck_assert_uint_eq(blocks.live_bytes, 208);
        else
            ck_assert_int_ne(d.status, OK);
        bytes[n / 8] ^= (uint8_t)(1 << n % 8);
        arena_free(&a);
    }
}
END_TEST

/* ---- the audit ---- */

struct finds {
    char text[1024];
};

static bool add_find(void *arg, const struct audit_find *f)
{
    struct finds *all = arg;
    size_t n = strlen(all->text);

    snprintf(all->text + n, sizeof all->text - n, "%s %u %.*s%s\n", audit_kind_name(f->kind),
             (unsigned)f->at, (int)f->text.size, (const char *)f->text.at, f->hidden ? "*" : "");
    return true;
}

static const struct {
    const char *text, *finds;
} audits[] = {
    {"nothing of the kind, a/b, x=1, A=1, /usr", ""},
    {"HOME=/home/ann", "environment 0 HOME=/home/ann\n"},
    {"var p = \"/home/ann/app/x.js\";", "user 9 /home/ann/app/x.js\n"},
    {"at /usr/lib/node/index.js:12", "path 3 /usr/lib/node/index.js\n"},
    {"C:\\Users\\ann\\x", "user 0 C:\\Users\\ann\\x\n"},
    {"AWS_SECRET_KEY=abcdefgh rest", "secret 0 AWS_SECRET_KEY=*\n"},
    {"x AWS_SECRET_KEY=abc", ""},
    {"token=parse(text)", ""},
    {"-----BEGIN RSA PRIVATE KEY-----", "secret 0 -----BEGIN RSA PRIVATE KEY-----\n"},
    {"-----BEGIN CERTIFICATE-----", ""},
    {"https://ann:pass@host/", "secret 5 ://ann:*\n"},
    {"https://host:80/a@b", ""},
    {"LC_ALL=C PATH=/usr/bin:/bin", "environment 0 LC_ALL=C\nenvironment 9 PATH=/usr/bin:/bin\n"},
    {"xPATH=/opt/x", "path 6 /opt/x\n"},
};

START_TEST(texts_are_found)
{
    struct finds all = {""};
    struct span s = copy_of((const uint8_t *)audits[_i].text, strlen(audits[_i].text));

    heap_audit(s, add_find, &all);
    ck_assert_str_eq(all.text, audits[_i].finds);
    free_copy(s);
}
END_TEST

/* The words of the manual: both who look have them (sysimage/secret_words.h). */
static const char *const speaking[] = {"MY_SECRET",  "TOKEN_2",       "PGPASSWORD",
                                       "XPASSWD",    "API_KEY",       "MYAPIKEYS",
                                       "ACCESS_KEY", "A_PRIVATE_KEY", "CREDENTIALS"};

START_TEST(words_speak_of_secrets)
{
    char text[64], want[64];
    struct finds all = {""};
    struct span s = {0};

    snprintf(text, sizeof text, "%s=abcdefgh", speaking[_i]);
    snprintf(want, sizeof want, "secret 0 %s=*\n", speaking[_i]);
    s = copy_of((const uint8_t *)text, strlen(text));
    heap_audit(s, add_find, &all);
    ck_assert_str_eq(all.text, want);
    free_copy(s);
}
END_TEST

/* Runs end where something else is; a text may be cut off anywhere. */
START_TEST(texts_end)
{
    static const uint8_t bytes[] = "\x01\xffHOME=/home/ann\0/etc/passwd\nAPI_TOKEN=123456";

    for (uint64_t n = 0; n < sizeof bytes; n++) {
        struct span s = copy_of(bytes, n);
        struct finds all = {""};

        heap_audit(s, add_find, &all);
        if (n == sizeof bytes - 1)
            ck_assert_str_eq(all.text, "environment 2 HOME=/home/ann\npath 17 /etc/passwd\n"
                                       "secret 29 API_TOKEN=*\n");
        free_copy(s);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cache read");
    TCase *t = tcase_create("cache");
    SRunner *runner = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, a_register_is_read, 0, 2);
    tcase_add_loop_test(t, a_broken_register_is_told, 0, COUNT(registers));
    tcase_add_test(t, a_cut_register_is_an_error);
    tcase_add_test(t, a_changed_register_is_told);
    tcase_add_loop_test(t, an_arena_is_read, 0, 2);
    tcase_add_loop_test(t, a_broken_arena_is_told, 0, COUNT(arenas));
    tcase_add_test(t, a_cut_arena_is_an_error);
    tcase_add_test(t, a_changed_arena_is_one_or_none);
    tcase_add_test(t, memory_may_run_out);
    tcase_add_test(t, its_objects_are_a_heap);
    tcase_add_test(t, a_file_is_read);
    tcase_add_loop_test(t, each_rule_finds_its_own, 0, COUNT(rule_cases));
    tcase_add_test(t, a_cut_file_is_an_error);
    tcase_add_test(t, a_changed_file_is_one_or_none);
    tcase_add_loop_test(t, texts_are_found, 0, COUNT(audits));
    tcase_add_loop_test(t, words_speak_of_secrets, 0, COUNT(speaking));
    tcase_add_test(t, texts_end);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
