/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_slots.c - adding at slots, against adding at one slot after another. */

#include <check.h>
#include <stdlib.h>

#include "obj/slots.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

enum { SIZE = 1003, WORDS = SIZE / 8, BITMAP = (SIZE + 63) / 64, BASE = 0x7f120000 };

/* A section of chance, with slots at about one word in three and every 40 or
   so bytes an odd one where there is room. */
struct sample {
    struct slot_map map;
    uint8_t bitmap[BITMAP], bytes[SIZE];
    uint64_t odd[SIZE], all[SIZE], count;
};

static uint64_t chance(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static bool is_slot(const struct sample *s, uint64_t word)
{
    return s->bitmap[word / 8] >> word % 8 & 1;
}

static int by_value(const void *x, const void *y)
{
    const uint64_t *a = x, *b = y;

    return *a < *b ? -1 : *a > *b;
}

static void make(struct sample *s, uint64_t seed, bool big, uint8_t address_bits)
{
    uint64_t state = seed * 2 + 1, n = 0;

    *s = (struct sample){0};
    for (uint64_t i = 0; i < SIZE; i++)
        s->bytes[i] = (uint8_t)chance(&state);
    for (uint64_t w = 0; w < WORDS; w++)
        if (chance(&state) % 3 == 0 || (seed % 4 == 0 && w > 64)) {
            s->bitmap[w / 8] |= (uint8_t)(1 << w % 8);
            s->all[s->count++] = 8 * w;
        }
    for (uint64_t at = 1; at + 8 <= SIZE; at += 8 + chance(&state) % 40) {
        uint64_t end = at / 8 + 1 < WORDS ? at / 8 + 1 : at / 8;

        if (at % 8 == 0 || is_slot(s, at / 8) || is_slot(s, end))
            continue;
        s->odd[n++] = at;
        s->all[s->count++] = at;
    }
    qsort(s->all, s->count, sizeof s->all[0], by_value);
    s->map = (struct slot_map){s->bitmap, BITMAP, s->odd, n, s->count, 0x123456, address_bits};
    for (uint64_t i = 0; i < s->count; i++) {
        uint64_t tag = address_bits < 64 ? chance(&state) << address_bits : 0;

        store_uint(s->bytes + s->all[i], 8, big, chance(&state) % 0x123457 | tag);
    }
}

/* What slots_add() must do, one slot and one byte after another. */
static bool add_plainly(const struct sample *s, uint64_t from, uint64_t size, bool big,
                        uint8_t *bytes, uint64_t *bad)
{
    uint64_t mask =
        s->map.address_bits < 64 ? (UINT64_C(1) << s->map.address_bits) - 1 : UINT64_MAX;

    for (uint64_t i = 0; i < s->count; i++) {
        uint64_t at = s->all[i], word = load_uint(s->bytes + at, 8, big);
        uint8_t new[8];

        if (at + 8 <= from || at >= from + size)
            continue;
        if ((word & mask) > s->map.limit) {
            *bad = at;
            return false;
        }
        store_uint(new, 8, big, (word & ~mask) | ((word + BASE) & mask));
        for (uint64_t k = 0; k < 8; k++)
            if (at + k >= from && at + k < from + size)
                bytes[at + k] = new[k];
    }
    return true;
}

static const struct {
    bool big;
    uint8_t bits;
} kinds[] = {{false, 48}, {true, 48}, {false, 57}, {true, 64}, {false, 64}};

/* All of it, and windows of it with all margins there can be. */
START_TEST(adds)
{
    bool big = kinds[_i].big;
    uint64_t state = 99, bad, word;

    for (uint64_t seed = 1; seed < 2000; seed++) {
        struct sample s;
        uint8_t want[SIZE], got[SIZE];
        uint64_t from = chance(&state) % SIZE, size = chance(&state) % (SIZE - from + 1);
        uint64_t before = 7 + chance(&state) % 20, after = 7 + chance(&state) % 20;

        if (seed % 3 == 0)
            size %= 20;
        if (seed % 5 == 0) {
            from = 0;
            size = SIZE;
        }
        before = before > from ? from : before;
        after = after > SIZE - from - size ? SIZE - from - size : after;
        make(&s, seed, big, kinds[_i].bits);
        memcpy(want, s.bytes, SIZE);
        memcpy(got, s.bytes, SIZE);
        ck_assert(add_plainly(&s, from, size, big, want, &bad));

        uint64_t n = before + size + after;
        uint8_t *part = malloc(n ? n : 1); /* of this size: a sanitizer sees all */
        ck_assert_ptr_nonnull(part);
        memcpy(part, s.bytes + from - before, n);
        ck_assert(slots_add(&s.map, from, size, before, after, BASE, big, part, &bad, &word));
        memcpy(got + from - before, part, n);
        free(part);
        ck_assert_mem_eq(got, want, SIZE);
    }
}
END_TEST

/* The first of up to three bad words is named, and what is before it is done. */
START_TEST(refuses)
{
    bool big = kinds[_i].big;
    uint64_t state = 7;

    for (uint64_t seed = 1; seed < 500; seed++) {
        struct sample s;
        uint8_t want[SIZE];
        uint64_t bad = 0, word = 0, want_bad = 0;

        make(&s, seed, big, kinds[_i].bits);
        for (int k = 0; k < 3; k++)
            store_uint(s.bytes + s.all[chance(&state) % s.count], 8, big, 0x123457);
        memcpy(want, s.bytes, SIZE);
        ck_assert(!add_plainly(&s, 0, SIZE, big, want, &want_bad));
        ck_assert(!slots_add(&s.map, 0, SIZE, 0, 0, BASE, big, s.bytes, &bad, &word));
        ck_assert_uint_eq(bad, want_bad);
        ck_assert_uint_eq(word, 0x123457);
        ck_assert_mem_eq(s.bytes, want, SIZE);
    }
}
END_TEST

struct walk {
    const uint64_t *next;
    uint64_t left;
};

static bool is_next(void *arg, uint64_t offset)
{
    struct walk *w = arg;

    ck_assert_uint_gt(w->left, 0);
    ck_assert_uint_eq(*w->next, offset);
    w->next++;
    return --w->left > 0;
}

START_TEST(walks_and_counts)
{
    struct sample s;

    make(&s, 11, false, 48);
    for (uint64_t from = 0; from <= SIZE; from++) {
        uint64_t first = 0;

        while (first < s.count && s.all[first] < from)
            first++;
        ck_assert_uint_eq(slots_below(&s.map, from), first);
        for (uint64_t to = from; to <= SIZE; to += 13) {
            uint64_t end = slots_below(&s.map, to);
            struct walk w = {s.all + first, end - first + 1};

            ck_assert(slots_each(&s.map, from, to, is_next, &w));
            ck_assert_uint_eq(w.left, 1);
        }
    }
    struct walk w = {s.all, 3};
    ck_assert(!slots_each(&s.map, 0, SIZE, is_next, &w));

    struct slot_map none = {0};
    ck_assert_uint_eq(slots_below(&none, 1000), 0);
    ck_assert(slots_each(&none, 0, 1000, is_next, &w));
    uint8_t bytes[16] = {0};
    uint64_t bad, word;
    ck_assert(slots_add(&none, 0, 16, 0, 0, BASE, false, bytes, &bad, &word));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("slots");
    TCase *t = tcase_create("slots");
    SRunner *run = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, adds, 0, COUNT(kinds));
    tcase_add_loop_test(t, refuses, 0, COUNT(kinds));
    tcase_add_test(t, walks_and_counts);
    suite_add_tcase(s, t);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed != 0;
}
