/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_relocs.c - the slots of native heaps as the system's loader wants
 * them: RELATIVE entries, made while they are written, or RELR.
 *
 * A gigabyte of heap may have 40 million of them, so there is never a list. */

#include "elf/elf.h"
#include "link/link.h"

/* ---- .rela.dyn ---- */

enum { CHUNK = 1024 /* bytes of bitmap that one count is kept for */ };

/* The entries of one section: its 8-aligned slots, then the odd ones. */
struct heap_relas {
    const struct lsec *of;
    uint64_t *below; /* slots in the chunks of the bitmap before each */
    uint64_t aligned, odd;
};

static uint64_t bits_in(const uint8_t *p, uint64_t size)
{
    uint64_t count = 0, word = 0;

    for (; size >= 8; p += 8, size -= 8) {
        memcpy(&word, p, 8);
        count += (unsigned)__builtin_popcountll(word);
    }
    for (; size; p++, size--)
        count += (unsigned)__builtin_popcount(*p);
    return count;
}

static uint64_t chunk_size(const struct slot_map *m, uint64_t chunk)
{
    uint64_t left = m->bitmap_size - chunk * CHUNK;

    return left < CHUNK ? left : CHUNK;
}

/* The offset of aligned slot N. */
static uint64_t find_slot(const struct heap_relas *r, uint64_t n)
{
    const struct slot_map *m = &r->of->heap->slots;
    uint64_t lo = 0, hi = (m->bitmap_size + CHUNK - 1) / CHUNK;
    uint64_t at = 0;

    while (hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;

        if (r->below[mid] <= n)
            lo = mid;
        else
            hi = mid;
    }
    n -= r->below[lo];
    for (at = lo * CHUNK; n >= (unsigned)__builtin_popcount(m->bitmap[at]); at++)
        n -= (unsigned)__builtin_popcount(m->bitmap[at]);
    for (unsigned bit = 0;; bit++)
        if (m->bitmap[at] >> bit & 1 && n-- == 0)
            return at * 64 + 8 * bit;
}

/* The next aligned slot behind OFFSET, which is one. */
static uint64_t next_slot(const struct slot_map *m, uint64_t offset)
{
    uint64_t bit = offset / 8 + 1, at = bit / 8;
    unsigned byte = at < m->bitmap_size ? m->bitmap[at] & (0xffu << bit % 8) : 0;

    while (!byte && ++at < m->bitmap_size)
        byte = m->bitmap[at];
    return byte ? at * 64 + 8 * (unsigned)__builtin_ctz(byte) : 0;
}

static void store_entry(const struct link *l, const struct heap_relas *r, uint64_t offset,
                        uint8_t *out)
{
    uint64_t word = load_uint(r->of->sec->data.at + offset, 8, false);

    store_uint(out, 8, false, lsec_addr(r->of) + offset);
    store_uint(out + 8, 8, false, l->machine->relative);
    store_uint(out + 16, 8, false, word + r->of->obj->heap_value);
}

static void fill_relas(const struct link *l, const struct lsec *s, uint64_t from, uint64_t size,
                       uint8_t *out)
{
    const struct heap_relas *r = s->fill_arg;
    const struct slot_map *m = &r->of->heap->slots;
    uint64_t n = from / RELA64_SIZE, skip = from % RELA64_SIZE, slot = 0;
    uint8_t entry[RELA64_SIZE];

    for (bool first = true; size; n++, first = false) {
        uint64_t part = RELA64_SIZE - skip < size ? RELA64_SIZE - skip : size;

        slot = n >= r->aligned ? m->odd[n - r->aligned]
               : first         ? find_slot(r, n)
                               : next_slot(m, slot);
        store_entry(l, r, slot, entry);
        memcpy(out, entry + skip, part);
        out += part;
        size -= part;
        skip = 0;
    }
}

static bool add_relas(struct link *l, struct out *o, const struct lsec *of)
{
    const struct slot_map *m = &of->heap->slots;
    uint64_t chunks = (m->bitmap_size + CHUNK - 1) / CHUNK, sum = 0;
    struct heap_relas *r = arena_alloc(&l->arena, 1, sizeof *r);
    struct lsec *s = NULL;

    if (!r || !(r->below = arena_alloc(&l->arena, chunks + 1, sizeof *r->below)))
        return diag_nomem(l->d);
    r->of = of;
    for (uint64_t i = 0; m->bitmap && i < chunks; i++) {
        r->below[i] = sum;
        sum += bits_in(m->bitmap + i * CHUNK, chunk_size(m, i));
    }
    r->aligned = l->opt->relocs == RELOCS_RELR ? 0 : sum;
    r->odd = m->odd_count;
    if (r->aligned + r->odd == 0)
        return true;
    s = link_new_section(l, ".rela.dyn", SHT_RELA, SHF_ALLOC, 3);
    s->size = (r->aligned + r->odd) * RELA64_SIZE;
    s->fill = fill_relas;
    s->fill_arg = r;
    return out_add(l, o, s);
}

/* Call DO_ONE for each section of a native heap that has slots. */
static bool each_native(const struct link *l, bool (*do_one)(void *arg, const struct lsec *s),
                        void *arg)
{
    for (uint64_t i = 0; i < l->heap_count; i++)
        for (uint32_t n = 1; n < l->heaps[i]->o.section_count; n++) {
            const struct lsec *s = &l->heaps[i]->secs[n];

            if (s->live && s->sec->slots && !do_one(arg, s))
                return false;
        }
    return true;
}

struct adder {
    struct link *l;
    struct out *o;
};

static bool add_one(void *arg, const struct lsec *s)
{
    const struct adder *a = arg;

    return add_relas(a->l, a->o, s);
}

bool link_add_heap_relas(struct link *l, struct out *o)
{
    struct adder a = {l, o};

    return l->heap_relocs != HEAP_RELOCS_NATIVE || each_native(l, add_one, &a);
}

/* ---- .relr.dyn ---- */

/* The 63 bits of M from bit AT on. */
static uint64_t bits_at(const struct slot_map *m, uint64_t at)
{
    uint64_t byte = at / 8, low = 0;
    unsigned shift = at % 8;

    if (byte >= m->bitmap_size)
        return 0;
    if (m->bitmap_size - byte >= 9)
        low = load_uint(m->bitmap + byte, 8, false) >> shift |
              (shift ? (uint64_t)m->bitmap[byte + 8] << (64 - shift) : 0);
    else
        for (unsigned i = 0; i < 8 && byte + i < m->bitmap_size; i++)
            low |= (uint64_t)m->bitmap[byte + i] << 8 * i >> shift;
    return low & INT64_MAX;
}

/* The first bit of M that is set, at AT or behind; UINT64_MAX if there is none. */
static uint64_t next_bit(const struct slot_map *m, uint64_t at)
{
    while (at / 8 < m->bitmap_size) {
        uint64_t bits = bits_at(m, at);

        if (bits)
            return at + (unsigned)__builtin_ctzll(bits);
        at += 63;
    }
    return UINT64_MAX;
}

struct encoder {
    uint8_t *out; /* NULL: only count */
    uint64_t words;
};

static void put_word(struct encoder *e, uint64_t word)
{
    if (e->out)
        store_uint(e->out + 8 * e->words, 8, false, word);
    e->words++;
}

/* As in dynrel.c, from a bitmap instead of a list: how many words it takes
   does not depend on the address. */
static bool encode_one(void *arg, const struct lsec *s)
{
    struct encoder *e = arg;
    const struct slot_map *m = &s->heap->slots;

    for (uint64_t at = 0; m->bitmap && (at = next_bit(m, at)) != UINT64_MAX;) {
        uint64_t bits = 0;

        put_word(e, (e->out ? lsec_addr(s) : 0) + 8 * at++);
        for (; (bits = bits_at(m, at)) != 0; at += 63)
            put_word(e, bits << 1 | 1);
    }
    return true;
}

uint64_t link_encode_heap_relr(const struct link *l, uint8_t *out)
{
    struct encoder e = {.out = out};

    if (l->heap_relocs == HEAP_RELOCS_NATIVE && l->opt->relocs == RELOCS_RELR)
        each_native(l, encode_one, &e);
    return e.words;
}
