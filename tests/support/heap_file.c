/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_file.c - a container with one of everything.
 *
 *   segment 0  read-write  0x00000  0x200 bytes   a bitmap of slots, odd slots, objects
 *   segment 1  read-only   0x10000  0x100 bytes   gaps between slots
 *   segment 2  zero-fill   0x20000  0x3000 bytes
 *   segment 3  code        0x40000  0x84 bytes    no slots */

#include "heap_file.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>
#include <zstd.h>

#include "sysimage/format.h"

enum { SPAN = 0x40084 };

static const char strings[] = "\0objects\0constants\0code\0malloc\0environ\0start\0table\0"
                              "pair\0string\0lua\0005.4\0abc123\0-O2\0made-by\0test";

static uint32_t str(const char *s)
{
    for (uint32_t at = 1; at < sizeof strings; at += (uint32_t)strlen(strings + at) + 1)
        if (strcmp(strings + at, s) == 0)
            return at;
    return 0;
}

static struct buf *new_part(struct heap_file *f, uint32_t type, uint32_t index, uint64_t count)
{
    struct heap_file_part *p = &f->part[f->count++];

    *p = (struct heap_file_part){.type = type, .index = index, .count = count};
    p->bytes.big = f->big;
    return &p->bytes;
}

static void segment(struct buf *b, uint64_t addr, uint64_t size, uint64_t kind, uint64_t align,
                    const char *name)
{
    buf_uint(b, addr, 8);
    buf_uint(b, size, 8);
    buf_uint(b, kind, 1);
    buf_uint(b, align, 1);
    buf_uint(b, 0, 2);
    buf_uint(b, str(name), 4);
    buf_reserve(b, 24);
}

static void import(struct buf *b, const char *name, uint64_t kind, uint64_t weak)
{
    buf_uint(b, str(name), 4);
    buf_uint(b, kind, 1);
    buf_uint(b, weak, 1);
    buf_reserve(b, 10);
}

static void import_slot(struct buf *b, uint64_t place, uint64_t which, int64_t addend)
{
    buf_uint(b, place, 8);
    buf_uint(b, which, 4);
    buf_uint(b, 0, 4);
    buf_uint(b, (uint64_t)addend, 8);
}

static void root(struct buf *b, const char *name, uint64_t kind, uint64_t addr, uint64_t size)
{
    buf_uint(b, str(name), 4);
    buf_uint(b, kind, 1);
    buf_uint(b, 0, 3);
    buf_uint(b, addr, 8);
    buf_uint(b, size, 8);
    buf_uint(b, 0, 8);
}

static void put_word(struct buf *b, uint64_t at, uint64_t v)
{
    store_uint(b->at + at, 8, b->big, v);
}

static void put_data(struct heap_file *f)
{
    struct buf *b = new_part(f, SIMG_PART_DATA, 0, 0);

    memset(buf_reserve(b, 0x200), 0xc3, 0x200);
    put_word(b, 0x10, 0x10040);
    put_word(b, 0x18, UINT64_C(0xffff000000010001)); /* tags above and below */
    put_word(b, 0x1f8, SPAN);
    put_word(b, 0x21, 0x20000);
    put_word(b, 0x103, 0);
    b = new_part(f, SIMG_PART_DATA, 1, 0);
    buf_reserve(b, 0x100);
    put_word(b, 0xf8, 0x3000);
    b = new_part(f, SIMG_PART_DATA, 3, 0);
    memset(buf_reserve(b, 0x84), 0x90, 0x84);
}

static void put_slots(struct heap_file *f)
{
    struct buf *b = new_part(f, SIMG_PART_SLOTS, 0, 5);

    buf_uint(b, 3, 8);
    buf_uint(b, 8, 8);
    buf_uint(b, SIMG_SLOTS_BITMAP, 8);
    buf_bytes(b, "\x0c\0\0\0\0\0\0\x80", 8); /* words 2, 3 and 63 */
    buf_bytes(b, "\x21\xe2\x01", 3);         /* 0x21, 0x103 */
    b = new_part(f, SIMG_PART_SLOTS, 1, 3);
    buf_uint(b, 3, 8);
    buf_uint(b, 3, 8);
    buf_uint(b, SIMG_SLOTS_GAPS, 8);
    buf_bytes(b, "\x01\x01\x1e", 3); /* words 0, 1 and 31 */
}

static void put_tables(struct heap_file *f)
{
    struct buf *b = new_part(f, SIMG_PART_SEGMENTS, 0, 4);

    segment(b, 0, 0x200, SIMG_SEGMENT_READ_WRITE, 16, "objects");
    segment(b, 0x10000, 0x100, SIMG_SEGMENT_READ_ONLY, 16, "constants");
    segment(b, 0x20000, 0x3000, SIMG_SEGMENT_ZERO, 16, "");
    segment(b, 0x40000, 0x84, SIMG_SEGMENT_CODE, 18, "code");
    b = new_part(f, SIMG_PART_IMPORTS, 0, 2);
    import(b, "malloc", SIMG_IMPORT_FUNCTION, 0);
    import(b, "environ", SIMG_IMPORT_DATA, 1);
    b = new_part(f, SIMG_PART_IMPORT_SLOTS, 0, 3);
    import_slot(b, 0x30, 0, 0);
    import_slot(b, 0x3c, 1, 16);
    import_slot(b, 0x10010, 1, -8);
    b = new_part(f, SIMG_PART_ROOTS, 0, 2);
    root(b, "start", SIMG_ROOT_FUNCTION, 0x40000, 0x84);
    root(b, "table", SIMG_ROOT_DATA, 0x10, 0x20);
    b = new_part(f, SIMG_PART_TYPES, 0, 2);
    buf_uint(b, str("pair"), 4);
    buf_reserve(b, 12);
    buf_uint(b, str("string"), 4);
    buf_reserve(b, 12);
    b = new_part(f, SIMG_PART_OBJECTS, 0, 3);
    buf_bytes(b, "\x00\x10\x00\x00\xa0\x01\x01\x08\x08\x00", 10);
    b = new_part(f, SIMG_PART_IDENTITY, 0, 1);
    buf_uint(b, str("lua"), 4);
    buf_uint(b, str("5.4"), 4);
    buf_uint(b, str("abc123"), 4);
    buf_uint(b, str("-O2"), 4);
    b = new_part(f, SIMG_PART_META, 0, 1);
    buf_uint(b, str("made-by"), 4);
    buf_uint(b, str("test"), 4);
    b = new_part(f, SIMG_PART_STRINGS, 0, 0);
    buf_bytes(b, strings, sizeof strings);
    b = new_part(f, 99, 7, 3); /* from a later version */
    buf_bytes(b, "later", 5);
}

static void compress(struct heap_file_part *p)
{
    struct buf from = p->bytes;
    size_t half = from.size / 2, n;

    p->flags = SIMG_PART_ZSTD;
    p->bytes = (struct buf){.big = from.big};
    for (size_t i = 0; i < 2; i++) { /* two frames */
        size_t part = i ? from.size - half : half;
        size_t bound = ZSTD_compressBound(part), at = p->bytes.size;
        uint8_t *to = buf_reserve(&p->bytes, bound);

        n = ZSTD_compress(to, bound, from.at + i * half, part, 1);
        assert(!ZSTD_isError(n));
        p->bytes.size = at + n;
    }
    buf_free(&from);
}

static void put_entries(struct heap_file *f)
{
    buf_align(&f->out, 8);
    f->table = f->out.size;
    for (unsigned i = 0; i < f->count; i++) {
        const struct heap_file_part *p = &f->part[i];

        buf_uint(&f->out, p->type, 4);
        buf_uint(&f->out, p->index, 4);
        buf_uint(&f->out, p->flags, 4);
        buf_uint(&f->out, 0, 4);
        buf_uint(&f->out, p->offset, 8);
        buf_uint(&f->out, p->bytes.size, 8);
        buf_uint(&f->out, p->size, 8);
        buf_uint(&f->out, p->count, 8);
        buf_reserve(&f->out, 16);
    }
}

static void put_header(struct heap_file *f)
{
    uint8_t *h = f->out.at;

    memcpy(h, "\x89HEAP\r\n\x1a", 8);
    h[8] = f->big ? 2 : 1;
    h[9] = 8;
    h[10] = 1;
    store_uint(h + 12, 2, f->big, 128);
    store_uint(h + 14, 2, f->big, 64);
    store_uint(h + 16, 8, f->big, f->out.size);
    store_uint(h + 24, 8, f->big, f->table);
    store_uint(h + 32, 4, f->big, f->count);
    store_uint(h + 40, 8, f->big, SPAN);
    h[48] = 48;
}

void heap_file_make(struct heap_file *f, bool big, bool zstd)
{
    *f = (struct heap_file){.big = big, .out.big = big};
    buf_reserve(&f->out, 128);
    put_tables(f);
    put_slots(f);
    put_data(f);
    for (unsigned i = 0; i < f->count; i++) {
        struct heap_file_part *p = &f->part[i];

        p->size = p->bytes.size;
        if (zstd && (p->type == SIMG_PART_DATA || p->type == SIMG_PART_SLOTS))
            compress(p);
        buf_align(&f->out, p->type == SIMG_PART_DATA && !zstd ? 4096 : 8);
        p->offset = f->out.size;
        buf_bytes(&f->out, p->bytes.at, p->bytes.size);
    }
    put_entries(f);
    put_header(f);
    assert(!f->out.bad);
    heap_file_seal(f);
}

void heap_file_free(struct heap_file *f)
{
    for (unsigned i = 0; i < f->count; i++)
        buf_free(&f->part[i].bytes);
    buf_free(&f->out);
}

static unsigned number(const struct heap_file *f, uint32_t type, uint32_t index)
{
    unsigned i = 0;

    while (i < f->count && (f->part[i].type != type || f->part[i].index != index))
        i++;
    assert(i < f->count);
    return i;
}

uint64_t heap_file_entry(const struct heap_file *f, uint32_t type, uint32_t index)
{
    return f->table + 64 * number(f, type, index);
}

uint64_t heap_file_bytes(const struct heap_file *f, uint32_t type, uint32_t index)
{
    return f->part[number(f, type, index)].offset;
}

/* For parts of at most one block of 1 MiB. */
static uint64_t checksum(struct span s)
{
    uint8_t hash[8];

    store_uint(hash, 8, false, XXH3_64bits(s.at, s.size));
    return XXH3_64bits(hash, s.size ? 8 : 0);
}

void heap_file_seal(struct heap_file *f)
{
    uint8_t *at = f->out.at;
    struct span file = buf_span(&f->out), table, part;
    XXH128_canonical_t id;

    if (file.size < 128)
        return;
    uint64_t where = load_uint(at + 24, 8, f->big), count = load_uint(at + 32, 4, f->big);
    if (span_sub(file, where, 64 * count, &table)) {
        for (uint64_t i = where; i < where + table.size; i += 64)
            if (span_sub(file, load_uint(at + i + 16, 8, f->big), load_uint(at + i + 24, 8, f->big),
                         &part))
                store_uint(at + i + 48, 8, f->big, checksum(part));
        XXH128_canonicalFromHash(&id, XXH3_128bits(table.at, table.size));
        memcpy(at + 56, &id, 16);
        store_uint(at + 112, 8, f->big, XXH3_64bits(table.at, table.size));
    }
    store_uint(at + 120, 8, f->big, XXH3_64bits(at, 120));
}
