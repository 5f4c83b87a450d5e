/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_lists.c - the lists of words that Julia relocates.
 *
 * Until 1.8 there are two of 4-byte positions, each of which a 0 ends.  Since 1.9 each position is
 * the distance from the one before, in LEB128, modulo the size of a pointer where it is
 * backward.  Behind the two are since 1.11 two more, of pointers into the contents of arrays;
 * then, behind a count, the positions of objects to bring up to date. */

#include "heap/julia_parts.h"

struct julia_list julia_list_begin(const struct julia_heap *heap, struct cursor c)
{
    return (struct julia_list){.c = c, .packed = heap->layout->packed};
}

static uint64_t next_distance(struct cursor *c)
{
    const unsigned bits = c->wide ? 64 : 32;
    uint64_t v = 0;
    uint8_t byte = 0x80;

    for (unsigned shift = 0; byte & 0x80; shift += 7) {
        byte = cur_u8(c);
        if (c->bad || shift >= bits ||
            (uint64_t)(byte & 0x7f) >> (bits - shift < 7 ? bits - shift : 7)) {
            c->bad = true;
            return 0;
        }
        v |= (uint64_t)(byte & 0x7f) << shift;
    }
    return v;
}

bool julia_list_next(struct julia_list *list, uint64_t *pos)
{
    uint64_t v = list->packed ? next_distance(&list->c) : cur_u32(&list->c);

    *pos = 0;
    if (list->c.bad || v == 0)
        return false;
    list->pos = list->packed ? list->pos + v : v;
    if (!list->c.wide)
        list->pos = (uint32_t)list->pos;
    *pos = list->pos;
    return true;
}

/* Go to the end of the list at C. */
static bool skip_list(struct julia_reader *r, struct cursor *c, enum julia_part_kind kind,
                      uint64_t *count)
{
    struct julia_list list = julia_list_begin(r->heap, *c);
    uint64_t pos = 0, n = 0;

    while (julia_list_next(&list, &pos))
        n++;
    if (list.c.bad)
        return julia_bad(r, kind, n, "the list's end is missing; its part's size is", c->in.size);
    c->pos = list.c.pos;
    *count += n;
    return true;
}

/* Is what is left of C a count and that many positions? */
static bool is_counted(struct cursor c, uint64_t *count)
{
    const unsigned word = c.wide ? 8 : 4;

    *count = cur_word(&c);
    return !c.bad && cur_count(&c, *count, word) && c.pos + *count * word == c.in.size;
}

/* What is behind the two lists since 1.9. */
static bool split_rest(struct julia_reader *r, struct cursor *c, uint64_t start)
{
    struct julia_part *part = r->heap->part;
    uint64_t from = c->pos, count = 0, pos = 0;
    bool counted = r->version <= JULIA_1_10 && is_counted(*c, &count);

    if (!counted && r->version >= JULIA_1_10) {
        struct julia_part *m = &part[JULIA_MEMORIES];

        for (unsigned i = 0; i < 2; i++)
            if (!skip_list(r, c, JULIA_MEMORIES, &m->count))
                return false;
        m->offset = start + from;
        m->size = c->pos - from;
        from = c->pos;
        counted = is_counted(*c, &count);
    }
    if (!counted)
        return julia_bad(r, JULIA_REINIT, 0,
                         "the list does not fill the rest of its part; bytes left",
                         c->in.size - from);
    part[JULIA_REINIT] = (struct julia_part){start + from, c->in.size - from, count};
    cur_word(c);
    for (uint64_t i = 0; i < count; i++)
        if (!julia_is_object(r, pos = cur_word(c)))
            return julia_bad(r, JULIA_REINIT, i, "no object can be there", pos);
    return true;
}

bool julia_split_relocations(struct julia_reader *r)
{
    struct julia_part *part = r->heap->part;
    struct julia_part whole = part[JULIA_TAGS];
    struct cursor c = {
        .in = julia_part_span(r, JULIA_TAGS), .big = r->in->big, .wide = r->in->wide};

    for (enum julia_part_kind kind = JULIA_TAGS; kind <= JULIA_POINTERS; kind++) {
        uint64_t start = c.pos, count = 0;

        if (!skip_list(r, &c, kind, &count))
            return false;
        part[kind] = (struct julia_part){whole.offset + start, c.pos - start, count};
    }
    part[JULIA_MEMORIES].offset = whole.offset + c.pos;
    if (r->layout->packed)
        return split_rest(r, &c, whole.offset);
    if (c.pos != c.in.size)
        return julia_bad(r, JULIA_POINTERS, part[JULIA_POINTERS].count,
                         "the list ends here, but its part goes on; bytes left", c.in.size - c.pos);
    return true;
}

bool julia_read_relocations(struct julia_reader *r, enum julia_part_kind kind,
                            uint64_t counts[JULIA_REFS])
{
    const struct julia_part *objects = &r->heap->part[JULIA_OBJECTS];
    struct span s = julia_part_span(r, JULIA_OBJECTS), word;
    struct julia_list list = julia_list_begin(
        r->heap,
        (struct cursor){.in = julia_part_span(r, kind), .big = r->in->big, .wide = r->in->wide});
    uint64_t pos = 0;

    for (uint64_t i = 0; julia_list_next(&list, &pos); i++) {
        if (pos < objects->offset || pos % r->pointer_size != 0 ||
            !span_sub(s, pos - objects->offset, r->pointer_size, &word))
            return julia_bad(r, kind, i, "no word among the objects", pos);
        if (!julia_count_ref(r, kind, i, load_uint(word.at, r->pointer_size, r->in->big), counts))
            return false;
    }
    return true;
}
