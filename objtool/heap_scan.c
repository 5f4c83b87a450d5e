/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_scan.c - find the pointers in memory dumps of a heap.
 *
 * Two dumps of the same heap, built in the same way at different bases, prove
 * a pointer: it points inside and has moved by just as much as the heap.  Two
 * kinds are missed: pointers where the layout itself depends on addresses
 * (hash tables by address), which point inside in both, but elsewhere; and
 * whatever else is not the same from run to run.  One dump proves nothing: any
 * number that looks like an address in it is a candidate. */

#include "heap.h"

struct finder {
    struct diag *d;
    struct arena *arena;
    struct heap_scan *s;
    struct heap_places *out;
    uint8_t *bitmap;
    uint64_t mask, delta; /* how far the heap moved from A to B */
};

static uint64_t mask_of(unsigned bits) { return UINT64_MAX >> (64 - bits); }

/* P points into the SIZE bytes at BASE, or right behind them. */
static bool inside(uint64_t p, uint64_t base, uint64_t size) { return p - base <= size; }

/* X, in A, has become Y in B as a pointer does, when addresses have MASK. */
static bool moved(const struct finder *f, uint64_t x, uint64_t y, uint64_t mask)
{
    return inside(x & mask, f->s->base_a, f->s->a.size) && ((x + f->delta) & mask) == (y & mask) &&
           (x & ~mask) == (y & ~mask);
}

static bool has_tag(const struct finder *f, uint64_t word) { return word & ~f->mask || word % 8; }

static void take(struct finder *f, uint64_t offset)
{
    f->bitmap[offset / 64] |= (uint8_t)(1 << offset / 8 % 8);
}

static void compare_word(struct finder *f, uint64_t offset)
{
    struct heap_scan *s = f->s;
    uint64_t x = load_uint(s->a.at + offset, 8, s->big), y = load_uint(s->b.at + offset, 8, s->big);
    bool in_a, in_b;

    if (moved(f, x, y, f->mask)) {
        s->proven++;
        s->proven_tagged += has_tag(f, x);
        take(f, offset);
        return;
    }
    in_a = inside(x & f->mask, s->base_a, s->a.size);
    in_b = inside(y & f->mask, s->base_b, s->b.size);
    if (x == y) {
        s->unmoved += in_a || in_b;
        return;
    }
    if (s->address_bits > 48 && moved(f, x, y, mask_of(48)))
        s->high_tags++;
    else if (in_a && in_b)
        s->differ++;
    else if (in_a)
        s->only_a++;
    else if (in_b)
        s->only_b++;
    else
        s->noise++;
    if (in_a && s->unproven)
        take(f, offset);
}

static void look_at_word(struct finder *f, uint64_t offset)
{
    struct heap_scan *s = f->s;
    uint64_t x = load_uint(s->a.at + offset, 8, s->big);

    /* Not at the end itself: nothing here speaks for it. */
    if ((x & f->mask) - s->base_a >= s->a.size)
        return;
    if (has_tag(f, x))
        s->candidates_tagged++;
    else
        s->candidates++;
    take(f, offset);
}

static bool is_taken(const struct finder *f, uint64_t word)
{
    return word < f->s->words && f->bitmap[word / 8] >> word % 8 & 1;
}

static bool take_odd(struct finder *f, uint64_t offset)
{
    void *offsets = f->out->offsets;

    if (!arena_grow(f->arena, &offsets, f->out->count, &f->out->cap, sizeof offset))
        return diag_nomem(f->d);
    f->out->offsets = offsets;
    f->out->offsets[f->out->count++] = offset;
    return true;
}

/* The places that are not multiples of 8 and not in a word that is taken. */
static bool scan_odd(struct finder *f)
{
    struct heap_scan *s = f->s;
    bool two = s->b.at;
    uint64_t end = 0; /* of the last one that was taken */

    for (uint64_t at = 1; at + 8 <= s->a.size; at++) {
        uint64_t x = load_uint(s->a.at + at, 8, s->big);

        if (!inside(x & f->mask, s->base_a, s->a.size) || at % 8 == 0 || at < end ||
            is_taken(f, at / 8) || is_taken(f, at / 8 + 1))
            continue;
        if (two && !moved(f, x, load_uint(s->b.at + at, 8, s->big), f->mask))
            continue;
        end = at + 8;
        s->odd_proven += two;
        s->odd_candidates += !two;
        if ((two || s->unaligned) && !take_odd(f, at))
            return false;
    }
    return true;
}

bool heap_scan(struct diag *d, struct arena *arena, struct heap_scan *s, struct heap_places *out)
{
    struct finder f = {d, arena, s, out, NULL, mask_of(s->address_bits), s->base_b - s->base_a};

    s->words = s->a.size / 8;
    f.bitmap = arena_alloc(arena, s->words / 8 + 1, 1);
    if (!f.bitmap)
        return diag_nomem(d);
    for (uint64_t at = 0; at + 8 <= s->a.size; at += 8) {
        if (s->b.at)
            compare_word(&f, at);
        else
            look_at_word(&f, at);
    }
    out->bitmap = f.bitmap;
    return scan_odd(&f);
}
