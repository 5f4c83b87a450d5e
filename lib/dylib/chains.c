/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chains.c - chained fixups (<mach-o/fixup-chains.h>).
 *
 * Pointers that the loader fixes are chained within their page: each holds the
 * distance to the next.  What is kept beside them is one start for each page,
 * and the list of imports.  Pages are 16-bit numbers of 16-bit offsets, so a
 * segment has fewer than 65535 of them (layout.c, sections.c). */

#include "dylib/dylib.h"
#include "link/window.h"

#include <inttypes.h>

enum {
    HEADER = 28,              /* struct dyld_chained_fixups_header */
    STARTS = 22,              /* struct dyld_chained_starts_in_segment, without page_start */
    NEXT_SHIFT = 51,          /* of the distance, in units of 4 bytes */
    NAMES_OF_SHORT = 1 << 23, /* bytes of names that formats 1 and 2 can address */
};

/* ---- in the pages ---- */

/* Tie together what MARKS has from FROM up to TO, offsets in BYTES; the first,
   or TO.  COUNT goes up by their number. */
static uint64_t chain_page(uint8_t *bytes, const uint8_t *marks, uint64_t from, uint64_t to,
                           uint64_t *count)
{
    uint64_t first = to, last = to;

    for (uint64_t group = from / MARKED / 8; group * MARKED * 8 < to; group++) {
        uint8_t bits = marks[group];

        while (bits) {
            uint64_t at = (group * 8 + (uint64_t)__builtin_ctz(bits)) * MARKED;

            bits &= (uint8_t)(bits - 1);
            ++*count;
            if (first == to)
                first = at;
            else
                store_uint(bytes + last, 8, false,
                           load_uint(bytes + last, 8, false) | (at - last) / MARKED << NEXT_SHIFT);
            last = at;
        }
    }
    return first;
}

/* What lies in the window of SEG. */
static void chain_segment(struct link *l, struct dylib_segment *seg, uint64_t start, uint64_t size,
                          uint8_t *bytes, const uint8_t *marks)
{
    uint64_t page = l->darwin->fixup_page, count = 0;
    uint64_t from = seg->offset > start ? seg->offset : start;
    uint64_t end = seg->offset + seg->filesize;

    end = end < start + size ? end : start + size;
    for (uint64_t at = from; at < end; at += page) {
        uint64_t to = at + page < end ? at + page : end;
        uint64_t first = chain_page(bytes, marks, at - start, to - start, &count);

        if (first < to - start)
            seg->page_starts[(at - seg->offset) / page] = (uint16_t)(first - (at - start));
    }
    atomic_fetch_add(&seg->chained, count);
}

bool dylib_finish_window(struct link *l, struct diag *d, uint64_t start, uint64_t size,
                         uint8_t *bytes, const uint8_t *marks)
{
    struct dylib *y = l->dylib;

    (void)d;
    for (uint32_t i = 0; i < y->segment_count; i++) {
        struct dylib_segment *seg = &y->segments[i];

        if (seg->page_starts && seg->offset < start + size && start < seg->offset + seg->filesize)
            chain_segment(l, seg, start, size, bytes, marks);
    }
    dylib_hash_pages(l, start, size, bytes);
    return true;
}

/* ---- beside them ---- */

static bool is_weak_import(const struct lsym *s) { return !lsym_defined(s) && !s->strong_ref; }

static uint64_t names_size(const struct dylib *y)
{
    uint64_t size = 1;

    for (uint64_t i = 0; i < y->import_count; i++)
        size += strlen(y->imports[i].sym->name) + 1;
    return size;
}

/* The smallest form that has room for all. */
static int choose_format(const struct link *l)
{
    const struct dylib *y = l->dylib;
    int format = y->import_count > y->wide_first ? DYLD_CHAINED_IMPORT_ADDEND : DYLD_CHAINED_IMPORT;

    if (names_size(y) >= NAMES_OF_SHORT || l->lib_count > 240)
        return DYLD_CHAINED_IMPORT_ADDEND64;
    for (uint64_t i = y->wide_first; i < y->import_count; i++)
        if (y->imports[i].addend != (int32_t)y->imports[i].addend)
            return DYLD_CHAINED_IMPORT_ADDEND64;
    return format;
}

static void put_import(const struct link *l, struct buf *b, const struct dylib_import *import,
                       uint64_t name)
{
    const struct dylib *y = l->dylib;
    uint64_t weak = is_weak_import(import->sym);
    uint64_t ordinal = (uint64_t)(int64_t)dylib_ordinal(l, import->sym);

    if (y->import_format == DYLD_CHAINED_IMPORT_ADDEND64) {
        buf_uint(b, (ordinal & 0xffff) | weak << 16 | name << 32, 8);
        buf_uint(b, (uint64_t)import->addend, 8);
        return;
    }
    buf_uint(b, (ordinal & 0xff) | weak << 8 | name << 9, 4);
    if (y->import_format == DYLD_CHAINED_IMPORT_ADDEND)
        buf_uint(b, (uint64_t)import->addend, 4);
}

/* struct dyld_chained_starts_in_image, without what writing the pages tells. */
static void put_starts(const struct link *l, struct buf *b)
{
    const struct dylib *y = l->dylib;
    uint64_t at = b->size, table = at + 4;

    buf_uint(b, y->segment_count, 4);
    buf_reserve(b, 4ull * y->segment_count);
    for (uint32_t i = 0; i < y->segment_count; i++) {
        const struct dylib_segment *seg = &y->segments[i];
        uint64_t size = STARTS + 2 * seg->page_count;

        if (!seg->page_starts)
            continue;
        buf_align(b, 8);
        if (b->bad)
            return;
        store_uint(b->at + table + 4ull * i, 4, false, b->size - at);
        buf_uint(b, align_up(size, 4), 4);
        buf_uint(b, l->darwin->fixup_page, 2);
        buf_uint(b, y->chain_offsets ? DYLD_CHAINED_PTR_64_OFFSET : DYLD_CHAINED_PTR_64, 2);
        buf_uint(b, seg->addr - l->opt->image_base, 8);
        buf_uint(b, 0, 4); /* max_valid_pointer: of 32-bit images */
        buf_uint(b, seg->page_count, 2);
        for (uint64_t p = 0; p < seg->page_count; p++)
            buf_uint(b, seg->page_starts[p], 2);
    }
    buf_align(b, 8);
}

static bool make_fixups(struct link *l, struct buf *b)
{
    struct dylib *y = l->dylib;
    uint64_t name = 1, imports = 0;

    buf_reserve(b, 32); /* the header, and up to the next 8 */
    put_starts(l, b);
    imports = b->size;
    y->import_format = choose_format(l);
    for (uint64_t i = 0; i < y->import_count; i++) {
        put_import(l, b, &y->imports[i], name);
        name += strlen(y->imports[i].sym->name) + 1;
    }
    if (b->bad)
        return diag_nomem(l->d);
    store_uint(b->at + 4, 4, false, 32);
    store_uint(b->at + 8, 4, false, imports);
    store_uint(b->at + 12, 4, false, b->size);
    store_uint(b->at + 16, 4, false, y->import_count);
    store_uint(b->at + 20, 4, false, (uint64_t)y->import_format);
    buf_uint(b, 0, 1);
    for (uint64_t i = 0; i < y->import_count; i++)
        buf_str(b, y->imports[i].sym->name);
    buf_align(b, 8);
    return !b->bad || diag_nomem(l->d);
}

bool dylib_size_fixups(struct link *l)
{
    return !l->dylib->chained || make_fixups(l, &l->dylib->fixups.buf);
}

bool dylib_fill_fixups(struct link *l)
{
    struct dylib *y = l->dylib;
    uint64_t size = y->fixups.buf.size, wanted = 0, have = 0;
    struct buf again = {0};

    if (!y->chained)
        return true;
    /* A heap's segments share what its first counted. */
    for (uint32_t i = 0; i < y->segment_count; i++) {
        wanted += y->segments[i].rebases + y->segments[i].binds;
        have += y->segments[i].chained;
    }
    if (wanted != have)
        return diag_fail(l->d, E_RANGE,
                         "internal error: %" PRIu64 " pointers are chained, of %" PRIu64, have,
                         wanted);
    if (!make_fixups(l, &again))
        return false;
    buf_free(&y->fixups.buf);
    y->fixups.buf = again;
    return again.size == size ||
           diag_fail(l->d, E_RANGE, "internal error: the fixups changed their size");
}
