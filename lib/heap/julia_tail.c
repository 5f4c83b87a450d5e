/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_tail.c - the end of a Julia heap, which has no length: what its sources call special roots.
 *
 * Roots, whose number only the Julia that wrote them knows, the last of them the root task's
 * locals; three counters; until 1.8 two lists, since 1.9 four about other images, which only the
 * images of packages fill, a count, and until 1.11 one list.  Read from the end, since only there
 * is it clear what is what. */

#include "heap/julia_parts.h"

#include <sysimage/format.h>

/* What has to be done to an object in the lists at the end. */
enum { REINIT_TABLE = 1, REINIT_MODULE = 2, REINIT_CCALLABLE = 3 };

/* The list of KIND that ends before word *AT of the tail S: pairs of an object
   and a number from LOW to HIGH, then a 0.  *AT becomes its start. */
static bool read_list_before(struct julia_reader *r, struct span s, uint64_t *at,
                             enum julia_part_kind kind, uint32_t low, uint32_t high)
{
    struct julia_part *part = &r->heap->part[kind];
    uint64_t tail = r->c.in.size - s.size, end = *at;

    if (s.size % 4 != 0 || end == 0 || julia_load(r, s, end - 1) != 0)
        return julia_bad(r, kind, 0, "the list does not end with a 0, at", tail + 4 * end - 4);
    for (*at = end - 1; *at >= 2; *at -= 2) {
        uint64_t number = julia_load(r, s, *at - 1);

        if (number < low || number > high || !julia_is_object(r, julia_load(r, s, *at - 2)))
            break;
    }
    *part = (struct julia_part){tail + 4 * *at, 4 * (end - *at), (end - *at) / 2};
    return true;
}

/* The roots are all of the tail S up to END. */
static bool read_roots(struct julia_reader *r, struct span s, uint64_t end)
{
    struct julia_part *part = &r->heap->part[JULIA_ROOTS];
    uint64_t ignored[JULIA_REFS] = {0};

    *part = (struct julia_part){r->c.pos, end, end / r->length};
    for (uint64_t i = 0; i < part->count; i++) {
        uint64_t ref = julia_load(r, s, i);

        if (ref != 0 && !julia_count_ref(r, JULIA_ROOTS, i, ref, ignored))
            return false;
    }
    return true;
}

/* Until 1.8: no counter is as small as the second number of a pair. */
static bool read_old_tail(struct julia_reader *r, struct span s)
{
    struct julia_part *part = r->heap->part;
    uint64_t at = s.size / 4;

    if (!read_list_before(r, s, &at, JULIA_CCALLABLE, REINIT_CCALLABLE, REINIT_CCALLABLE) ||
        !read_list_before(r, s, &at, JULIA_REINIT, REINIT_TABLE, REINIT_MODULE))
        return false;
    if (at < 4)
        return julia_bad(r, JULIA_ROOTS, 0,
                         "no room for the root task and three counters; words left", at);
    at -= 3;
    part[JULIA_COUNTERS] = (struct julia_part){r->c.pos + 4 * at, 12, 3};
    part[JULIA_LINKS].offset = r->c.pos + 4 * at + 12;
    r->heap->generated_names = (uint32_t)julia_load(r, s, at);
    r->heap->world = julia_load(r, s, at + 1);
    r->heap->inference_world = julia_load(r, s, at + 2);
    return read_roots(r, s, 4 * at);
}

enum { LINK_LISTS = 4, LINKS_SIZE = 4 * (LINK_LISTS + 1) };

/* Can the four lists, all empty, and the count behind them end at END, with the counters and
   two roots in front? */
static bool links_end_at(const struct julia_reader *r, struct span s, uint64_t end)
{
    const uint64_t front = LINKS_SIZE + 4 + 2 * r->length;
    struct span lists;

    return end >= front + 2 * r->length && (end - front) % r->length == 0 &&
           span_sub(s, end - LINKS_SIZE, 4 * LINK_LISTS, &lists) && span_is_zero(lists);
}

/* The size of the list of functions callable from C that S ends with. */
static bool find_ccallable(const struct julia_reader *r, struct span s, uint64_t *out)
{
    uint64_t words = s.size / r->length;

    for (uint64_t n = 0; n < words; n++) {
        uint64_t size = r->length * (n + 1);

        if (s.size >= size && julia_load(r, (struct span){s.at + s.size - size, size}, 0) == n &&
            links_end_at(r, s, s.size - size)) {
            *out = size;
            return true;
        }
    }
    return false;
}

static bool read_new_tail(struct julia_reader *r, struct span s)
{
    struct julia_part *part = r->heap->part;
    uint64_t callable = 0, end = s.size, counters = 4 + 2 * r->length;
    bool found = r->version <= JULIA_1_10 && find_ccallable(r, s, &callable);
    struct cursor c = {.in = s, .big = r->in->big, .wide = r->in->wide};

    /* Until 1.10, where there are no lists of pointers into arrays, the one of functions is
       always there; of 1.11 and 1.12 that is all that tells. */
    if (!found &&
        ((r->version <= JULIA_1_10 && !part[JULIA_MEMORIES].size) || !links_end_at(r, s, end)))
        return julia_bad(r, JULIA_LINKS, 0,
                         "no four empty lists are where they ought to be; the tail's size is",
                         s.size);
    end -= callable;
    part[JULIA_CCALLABLE] =
        (struct julia_part){r->c.pos + end, callable, callable ? callable / r->length - 1 : 0};
    end -= LINKS_SIZE;
    part[JULIA_LINKS] = (struct julia_part){r->c.pos + end, LINKS_SIZE, 0};
    end -= counters;
    part[JULIA_COUNTERS] = (struct julia_part){r->c.pos + end, counters, 3};
    cur_take(&c, end);
    r->heap->generated_names = cur_u32(&c);
    r->heap->world = cur_word(&c);
    r->heap->inference_world = cur_word(&c);
    return read_roots(r, s, end);
}

/* What our own linker puts behind the tail S, which is then shorter. */
static bool take_crc(struct julia_reader *r, struct span *s)
{
    struct julia_part *part = &r->heap->part[JULIA_CRC];
    struct cursor c = {.in = *s, .big = r->in->big};
    uint64_t count = 0, size = 0;

    part->offset = r->c.in.size;
    if (!r->layout->packed || s->size < sizeof(struct simg_crc))
        return true;
    cur_take(&c, s->size - sizeof(struct simg_crc));
    count = cur_u32(&c);
    if (cur_u32(&c) != SIMG_CRC_MAGIC)
        return true;
    size = sizeof(struct simg_crc) + 4 * count;
    if (size > s->size)
        return julia_bad(r, JULIA_CRC, 0, "no room for so many sums", count);
    s->size -= size;
    *part = (struct julia_part){r->c.in.size - size, size, count};
    return true;
}

bool julia_read_tail(struct julia_reader *r)
{
    struct span s;

    span_sub(r->c.in, r->c.pos, r->c.in.size - r->c.pos, &s);
    return take_crc(r, &s) && (r->layout->packed ? read_new_tail(r, s) : read_old_tail(r, s));
}
