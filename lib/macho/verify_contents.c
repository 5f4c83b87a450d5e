/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_contents.c - rules about sections that the system reads. */

#include "macho/heaps.h"
#include "macho/verify_rules.h"

#include <xxhash.h>

/* ---- unwinding ---- */

struct unwind {
    struct macho_verify *v;
    const struct macho_section *s;
    uint32_t common, personalities;
    uint64_t last; /* function, from the header */
    uint64_t end;  /* of the functions of the page at hand */
};

static bool bad_unwind(struct unwind *u, const char *what, uint64_t where)
{
    macho_found(u->v, "__unwind_info: at 0x%" PRIx64 ": %s", where, what);
    return false;
}

static bool check_function(struct unwind *u, uint64_t at, uint64_t function, uint32_t encoding)
{
    if (function < u->last)
        return bad_unwind(u, "functions do not ascend", at);
    u->last = function;
    if (function > u->end)
        return bad_unwind(u, "a function behind those of its page", at);
    if (!macho_is_code(&u->v->f, function + macho_base(&u->v->f)))
        return bad_unwind(u, "a function that is not in code", at);
    if ((encoding & UNWIND_PERSONALITY_MASK) >> 28 > u->personalities)
        return bad_unwind(u, "a personality that is not there", at);
    return true;
}

static bool check_regular(struct unwind *u, uint64_t page)
{
    struct cursor c = macho_cursor(&u->v->f, u->s->data);
    uint32_t first = 0, count = 0;

    c.pos = page + 4;
    first = cur_u16(&c);
    count = cur_u16(&c);
    c.pos = page + first;
    if (c.bad || c.pos > c.in.size || !cur_count(&c, count, 8))
        return bad_unwind(u, "a page that does not end inside", page);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = c.pos, function = cur_u32(&c);

        if (!check_function(u, at, function, cur_u32(&c)))
            return false;
    }
    return true;
}

static bool check_compressed(struct unwind *u, uint64_t page, uint64_t base)
{
    struct cursor c = macho_cursor(&u->v->f, u->s->data), e = c, common = c;
    uint32_t first = 0, count = 0, encodings = 0, encoding_count = 0;

    c.pos = page + 4;
    first = cur_u16(&c);
    count = cur_u16(&c);
    encodings = cur_u16(&c);
    encoding_count = cur_u16(&c);
    c.pos = page + first;
    e.pos = page + encodings;
    if (c.bad || c.pos > c.in.size || !cur_count(&c, count, 4) || e.pos > e.in.size ||
        !cur_count(&e, encoding_count, 4))
        return bad_unwind(u, "a page that does not end inside", page);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = c.pos;
        uint32_t entry = cur_u32(&c), index = entry >> 24, encoding = 0;

        if (index >= u->common + encoding_count)
            return bad_unwind(u, "an encoding that is not there", at);
        if (index < u->common) {
            common.pos = 28 + 4ull * index;
            encoding = cur_u32(&common);
        } else {
            e.pos = page + encodings + 4ull * (index - u->common);
            encoding = cur_u32(&e);
        }
        if (!check_function(u, at, base + (entry & 0xffffff), encoding))
            return false;
    }
    return true;
}

static void check_unwind(struct macho_verify *v, const struct macho_section *s)
{
    struct unwind u = {.v = v, .s = s};
    struct cursor c = macho_cursor(&v->f, s->data);
    uint32_t version = cur_u32(&c), common_at = cur_u32(&c), personality_at = 0, index_at = 0,
             index_count = 0;

    u.common = cur_u32(&c);
    personality_at = cur_u32(&c);
    u.personalities = cur_u32(&c);
    index_at = cur_u32(&c);
    index_count = cur_u32(&c);
    if (c.bad || version != UNWIND_SECTION_VERSION) {
        bad_unwind(&u, "a version that is not known", 0);
        return;
    }
    if (common_at != 28 || u.common > 127 || common_at + 4ull * u.common > c.in.size) {
        bad_unwind(&u, "common encodings out of place", 4);
        return;
    }
    if (u.personalities > 3 || personality_at + 4ull * u.personalities > c.in.size)
        bad_unwind(&u, "more personalities than two bits name, or out of place", 12);
    c.pos = index_at;
    if (index_at > c.in.size || !cur_count(&c, index_count, 12) || index_count < 1) {
        bad_unwind(&u, "an index that does not end inside", 20);
        return;
    }
    for (uint32_t i = 0; i + 1 < index_count && macho_go_on(v); i++) {
        struct cursor p = c;
        uint64_t base = 0, page = 0;

        c.pos = index_at + 12ull * i;
        base = cur_u32(&c);
        page = cur_u32(&c);
        c.pos = index_at + 12ull * (i + 1);
        u.end = cur_u32(&c);
        if (u.end < base) {
            bad_unwind(&u, "an index that does not ascend", index_at + 12ull * i);
            return;
        }
        p.pos = page;
        if (page > p.in.size || !cur_count(&p, 1, 8)) {
            bad_unwind(&u, "a page out of place", index_at + 12ull * i);
            return;
        }
        switch (cur_u32(&p)) {
        case UNWIND_SECOND_LEVEL_REGULAR:
            if (!check_regular(&u, page))
                return;
            break;
        case UNWIND_SECOND_LEVEL_COMPRESSED:
            if (!check_compressed(&u, page, base))
                return;
            break;
        default:
            bad_unwind(&u, "a page of a kind that is not known", page);
            return;
        }
    }
}

void macho_verify_unwind(struct macho_verify *v)
{
    const struct macho_section *s = macho_find_section(&v->f, "__TEXT", "__unwind_info");

    if (s && s->size)
        check_unwind(v, s);
}

/* ---- thread-local variables ---- */

void macho_verify_tlv(struct macho_verify *v)
{
    const struct macho_file *f = &v->f;
    uint64_t start = 0, end = 0;
    bool any = false;

    for (uint32_t i = 0; i < f->section_count; i++) {
        const struct macho_section *s = &f->sections[i];
        uint32_t type = s->flags & SECTION_TYPE;

        if (type != S_THREAD_LOCAL_REGULAR && type != S_THREAD_LOCAL_ZEROFILL)
            continue;
        start = end ? start : s->addr;
        end = s->addr + s->size;
    }
    for (uint32_t i = 0; i < f->section_count && macho_go_on(v); i++) {
        const struct macho_section *s = &f->sections[i];

        if ((s->flags & SECTION_TYPE) != S_THREAD_LOCAL_VARIABLES)
            continue;
        any = any || s->size;
        if (s->size % 24)
            macho_found(v, "section %s: 0x%" PRIx64 " bytes are no whole descriptors", s->full,
                        s->size);
        for (uint64_t at = 0; s->data.at && at + 24 <= s->size && macho_go_on(v); at += 24)
            if (load_uint(s->data.at + at + 16, 8, f->big) >= end - start)
                macho_found(v,
                            "section %s: the descriptor at 0x%" PRIx64 " is for offset 0x%" PRIx64
                            " of a template of 0x%" PRIx64 " bytes",
                            s->full, s->addr + at, load_uint(s->data.at + at + 16, 8, f->big),
                            end - start);
    }
    if (any && !(f->flags & MH_HAS_TLV_DESCRIPTORS))
        macho_found(v, "thread-local variables, but no MH_HAS_TLV_DESCRIPTORS");
}

/* ---- initialisers ---- */

void macho_verify_inits(struct macho_verify *v)
{
    const struct macho_file *f = &v->f;

    for (uint32_t i = 0; i < f->section_count && macho_go_on(v); i++) {
        const struct macho_section *s = &f->sections[i];
        uint32_t type = s->flags & SECTION_TYPE;

        if (type == S_MOD_INIT_FUNC_POINTERS && s->size % (f->wide ? 8 : 4))
            macho_found(v, "section %s: 0x%" PRIx64 " bytes are no whole pointers", s->full,
                        s->size);
        if (type != S_INIT_FUNC_OFFSETS)
            continue;
        if (s->size % 4)
            macho_found(v, "section %s: 0x%" PRIx64 " bytes are no whole offsets", s->full,
                        s->size);
        for (uint64_t at = 0; s->data.at && at + 4 <= s->size && macho_go_on(v); at += 4) {
            uint64_t offset = load_uint(s->data.at + at, 4, f->big);

            if (!macho_is_code(f, macho_base(f) + offset))
                macho_found(v, "section %s: 0x%" PRIx64 " is not in code", s->full, offset);
        }
    }
}

/* ---- heaps ---- */

static void check_heap(struct macho_verify *v, const struct image_heap *h)
{
    for (uint32_t i = 0; i < h->heap.segment_count && macho_go_on(v); i++) {
        const struct heap_segment *s = &h->heap.segments[i];
        struct span there = macho_at(&v->f, h->at + s->addr);

        if (s->size && !macho_is_mapped(&v->f, h->at + s->addr))
            macho_found(v, "heap: segment %" PRIu32 " at 0x%" PRIx64 " is not in the image", i,
                        h->at + s->addr);
        /* A large segment is several of the image's, one behind the other. */
        if (h->segments[i].checksum && there.at) {
            uint64_t left = v->f.in.size - (uint64_t)(there.at - v->f.in.at);

            there.size = s->size < left ? s->size : left;
            if (heap_bytes_checksum(there) != h->segments[i].checksum)
                macho_found(v, "heap: segment %" PRIu32 ": the checksum is not that of its bytes",
                            i);
        }
    }
}

void macho_verify_heaps(struct macho_verify *v)
{
    const struct macho_section *s = macho_heap_table(&v->f);
    struct diag problem = {0};
    struct heap_image m;

    if (!s)
        return;
    if (!macho_heaps_read(&problem, v->a, &v->f, s, &m)) {
        if (problem.status == E_NOMEM)
            v->nomem = true;
        else
            macho_found(v, "%s", problem.text);
        return;
    }
    if (m.checksum && m.checksum != heap_image_checksum(&m))
        macho_found(v, "heap: the checksum of the table is not that of its bytes");
    for (uint32_t i = 0; i < m.heap_count && macho_go_on(v); i++)
        check_heap(v, &m.heaps[i]);
}
