/* SPDX-License-Identifier: GPL-3.0-or-later */
/* container_parts.c - the parts of a heap container that are tables. */

#include "container_parts.h"

#include <inttypes.h>
#include <stdlib.h>

/* One row of a table, with the frame that names it in messages. */
struct table {
    struct heap_reader *r;
    struct cursor c;
    struct where here;
    uint32_t count;
};

/* Begin the table of TYPE, whose rows are called ROW: a cursor over its bytes,
   and *ROWS, room for as many structs of SIZE bytes.  A part that is not
   there has no rows. */
static bool table_begin(struct heap_reader *r, enum simg_part type, const char *row, uint64_t size,
                        void **rows, struct table *t)
{
    const struct heap_part *p = heap_find_part(r->h, type, 0);

    *t = (struct table){.r = r, .here = {r->d->where, row, 0}};
    t->c.big = r->h->big;
    if (!heap_plain(r->d, r->a, p, &t->c.in))
        return false;
    *rows = arena_alloc(r->a, p ? p->count : 0, size);
    if (!*rows)
        return diag_nomem(r->d);
    t->count = p ? (uint32_t)p->count : 0; /* check_part() has compared it with the size */
    r->d->where = &t->here;
    return true;
}

static bool table_end(struct table *t, bool ok)
{
    t->r->d->where = t->here.up;
    return ok;
}

/* The string at OFFSET, which follows another one: strings share no bytes, so
   comparing all of them takes no longer than reading them. */
static bool string_at(struct heap_reader *r, uint32_t offset, const char *what, const char **out)
{
    if (offset >= r->strings.size)
        return diag_fail(r->d, E_FORMAT,
                         "%s at %" PRIu32 " of the strings, which have %" PRIu64 " bytes", what,
                         offset, r->strings.size);
    if (offset > 0 && r->strings.at[offset - 1] != 0)
        return diag_fail(r->d, E_FORMAT, "%s at %" PRIu32 " of the strings, where none begins",
                         what, offset);
    *out = (const char *)r->strings.at + offset;
    return true;
}

static bool name_at(struct heap_reader *r, uint32_t offset, const char **out)
{
    if (!string_at(r, offset, "its name is", out))
        return false;
    return **out ? true : diag_fail(r->d, E_FORMAT, "it has no name");
}

struct named {
    const char *name;
    uint32_t index;
};

static int by_name(const void *x, const void *y)
{
    const struct named *a = x, *b = y;
    int order = a->name == b->name ? 0 : strcmp(a->name, b->name);

    return order ? order : a->index < b->index ? -1 : 1;
}

/* Check that COUNT names, NAME_OF(ROWS, I), are all different. */
static bool unique(struct heap_reader *r, const char *row, const void *rows, uint32_t count,
                   const char *(*name_of)(const void *rows, uint32_t i))
{
    struct arena scratch = {0};
    struct named *all = arena_alloc(&scratch, count, sizeof *all);
    bool ok = all || diag_nomem(r->d);

    for (uint32_t i = 0; ok && i < count; i++)
        all[i] = (struct named){name_of(rows, i), i};
    if (ok)
        qsort(all, count, sizeof *all, by_name);
    for (uint32_t i = 1; ok && i < count; i++)
        if (strcmp(all[i - 1].name, all[i].name) == 0)
            ok = diag_fail(r->d, E_FORMAT,
                           "%s %" PRIu32 ": \"%s\" is the name of %s %" PRIu32 ", too", row,
                           all[i].index, all[i].name, row, all[i - 1].index);
    arena_free(&scratch);
    return ok;
}

static const char *import_name(const void *rows, uint32_t i)
{
    return ((const struct heap_import *)rows)[i].name;
}

static const char *root_name(const void *rows, uint32_t i)
{
    return ((const struct heap_root *)rows)[i].name;
}

static const char *meta_key(const void *rows, uint32_t i)
{
    return ((const struct heap_meta *)rows)[i].key;
}

static bool reserved_is_0(struct heap_reader *r, uint64_t reserved)
{
    return !reserved || diag_fail(r->d, E_FORMAT, "a reserved field is not 0");
}

bool heap_read_strings(struct heap_reader *r)
{
    struct span s;

    if (!heap_plain(r->d, r->a, heap_find_part(r->h, SIMG_PART_STRINGS, 0), &s))
        return false;
    if (s.size == 0 || s.at[0] != 0 || s.at[s.size - 1] != 0)
        return diag_fail(r->d, E_FORMAT, "strings: they do not begin and end with a NUL");
    r->strings = s;
    return true;
}

/* ---- segments ---- */

static bool read_segment(struct heap_reader *r, struct cursor *c, uint32_t i)
{
    struct heap_segment *s = &r->h->segments[i];
    const struct heap_part *data = heap_find_part(r->h, SIMG_PART_DATA, i);
    uint64_t end = i ? s[-1].addr + s[-1].size : 0, reserved;
    uint32_t name;

    s->addr = cur_u64(c);
    s->size = cur_u64(c);
    s->kind = cur_u8(c);
    s->align_log2 = cur_u8(c);
    reserved = cur_u16(c);
    name = cur_u32(c);
    for (int k = 0; k < 3; k++)
        reserved |= cur_u64(c);
    s->data_part = HEAP_NO_PART;
    s->slots.limit = r->h->span;
    s->slots.address_bits = r->h->address_bits;

    if (!reserved_is_0(r, reserved) || !string_at(r, name, "its name is", &s->name))
        return false;
    if (s->kind < SIMG_SEGMENT_READ_ONLY || s->kind > SIMG_SEGMENT_CODE)
        return diag_fail(r->d, E_FORMAT, "kind %u, not 1 to 4", s->kind);
    if (s->align_log2 < SIMG_SEGMENT_ALIGN_LOG2 || s->align_log2 > 30)
        return diag_fail(r->d, E_FORMAT, "alignment 2^%u, not 2^16 to 2^30", s->align_log2);
    if (s->addr & ((UINT64_C(1) << s->align_log2) - 1))
        return diag_fail(r->d, E_FORMAT, "address 0x%" PRIx64 " is not a multiple of 2^%u", s->addr,
                         s->align_log2);
    if (s->size == 0 || s->addr > r->h->span || s->size > r->h->span - s->addr)
        return diag_fail(r->d, E_FORMAT,
                         "0x%" PRIx64 " bytes at 0x%" PRIx64
                         " are none, or not inside the heap's span of 0x%" PRIx64,
                         s->size, s->addr, r->h->span);
    if (s->addr < end)
        return diag_fail(r->d, E_FORMAT,
                         "address 0x%" PRIx64 " is before 0x%" PRIx64
                         ", where the segment before it ends",
                         s->addr, end);
    if (!data != (s->kind == SIMG_SEGMENT_ZERO))
        return diag_fail(r->d, E_FORMAT,
                         data ? "zero-fill, but it has a part of data" : "it has no part of data");
    if (!data)
        return true;
    if (data->size != s->size)
        return diag_fail(r->d, E_FORMAT, "0x%" PRIx64 " bytes, but its data has 0x%" PRIx64,
                         s->size, data->size);
    s->data_part = (uint32_t)(data - r->h->parts);
    if (!(data->flags & SIMG_PART_ZSTD))
        s->data = data->bytes;
    return true;
}

bool heap_read_segments(struct heap_reader *r)
{
    struct heap *h = r->h;
    struct table t;
    void *rows;
    bool ok = true;

    if (!table_begin(r, SIMG_PART_SEGMENTS, "segment", sizeof *h->segments, &rows, &t))
        return false;
    h->segments = rows;
    h->segment_count = t.count;
    for (uint32_t i = 0; ok && i < t.count; i++) {
        t.here.index = i;
        ok = read_segment(r, &t.c, i);
    }
    if (!table_end(&t, ok))
        return false;
    if (t.count == 0)
        return diag_fail(r->d, E_FORMAT, "it has no segment");
    const struct heap_segment *last = &h->segments[t.count - 1];
    if (h->span != last->addr + last->size)
        return diag_fail(r->d, E_FORMAT,
                         "a span of 0x%" PRIx64 ", but its last segment ends at 0x%" PRIx64,
                         h->span, last->addr + last->size);
    return true;
}

const struct heap_segment *heap_segment_at(const struct heap *h, uint64_t addr)
{
    uint32_t lo = 0, hi = h->segment_count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const struct heap_segment *s = &h->segments[mid];

        if (addr >= s->addr && addr - s->addr < s->size)
            return s;
        if (addr < s->addr)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

/* ---- what refers to them ---- */

bool heap_read_imports(struct heap_reader *r)
{
    struct heap *h = r->h;
    struct table t;
    void *rows;
    bool ok = true;

    if (!table_begin(r, SIMG_PART_IMPORTS, "import", sizeof *h->imports, &rows, &t))
        return false;
    h->imports = rows;
    h->import_count = t.count;
    for (uint32_t i = 0; ok && i < t.count; i++) {
        struct heap_import *m = &h->imports[i];
        uint32_t name = cur_u32(&t.c);
        uint8_t kind = cur_u8(&t.c), weak = cur_u8(&t.c);
        uint64_t reserved = cur_u16(&t.c);

        t.here.index = i;
        reserved |= cur_u64(&t.c);
        m->kind = kind;
        m->weak = weak;
        ok = reserved_is_0(r, reserved) && name_at(r, name, &m->name);
        if (ok && kind > SIMG_IMPORT_FUNCTION)
            ok = diag_fail(r->d, E_FORMAT, "kind %u, not 0 or 1", kind);
        if (ok && weak > 1)
            ok = diag_fail(r->d, E_FORMAT, "weak is %u, not 0 or 1", weak);
    }
    return table_end(&t, ok) && unique(r, "import", h->imports, h->import_count, import_name);
}

static bool read_root(struct heap_reader *r, struct cursor *c, struct heap_root *root)
{
    uint32_t name = cur_u32(c);
    uint64_t reserved;
    const struct heap_segment *s;

    root->kind = cur_u8(c);
    reserved = cur_uint(c, 3);
    root->addr = cur_u64(c);
    root->size = cur_u64(c);
    reserved |= cur_u64(c);
    if (!reserved_is_0(r, reserved) || !name_at(r, name, &root->name))
        return false;
    if (root->kind > SIMG_ROOT_FUNCTION)
        return diag_fail(r->d, E_FORMAT, "kind %u, not 0 or 1", root->kind);
    s = heap_segment_at(r->h, root->addr);
    if (!s)
        return diag_fail(r->d, E_FORMAT, "\"%s\" at 0x%" PRIx64 " is in no segment", root->name,
                         root->addr);
    root->segment = (uint32_t)(s - r->h->segments);
    if (root->size > s->size - (root->addr - s->addr))
        return diag_fail(r->d, E_FORMAT,
                         "\"%s\", 0x%" PRIx64 " bytes at 0x%" PRIx64
                         ", sticks out of segment %" PRIu32,
                         root->name, root->size, root->addr, root->segment);
    return true;
}

bool heap_read_roots(struct heap_reader *r)
{
    struct heap *h = r->h;
    struct table t;
    void *rows;
    bool ok = true;

    if (!table_begin(r, SIMG_PART_ROOTS, "root", sizeof *h->roots, &rows, &t))
        return false;
    h->roots = rows;
    h->root_count = t.count;
    for (uint32_t i = 0; ok && i < t.count; i++) {
        t.here.index = i;
        ok = read_root(r, &t.c, &h->roots[i]);
    }
    return table_end(&t, ok) && unique(r, "root", h->roots, h->root_count, root_name);
}

bool heap_read_types(struct heap_reader *r)
{
    struct heap *h = r->h;
    struct table t;
    void *rows;
    bool ok = true;

    if (!table_begin(r, SIMG_PART_TYPES, "type", sizeof *h->types, &rows, &t))
        return false;
    h->types = rows;
    h->type_count = t.count;
    for (uint32_t i = 0; ok && i < t.count; i++) {
        uint32_t name = cur_u32(&t.c);
        uint64_t reserved = cur_u32(&t.c);

        t.here.index = i;
        reserved |= cur_u64(&t.c);
        ok = reserved_is_0(r, reserved) && string_at(r, name, "its name is", &h->types[i]);
    }
    return table_end(&t, ok);
}

/* ---- whose it is ---- */

bool heap_read_identity(struct heap_reader *r)
{
    struct heap *h = r->h;
    const char **const to[] = {&h->runtime, &h->version, &h->build_id, &h->flags};
    const struct heap_part *p = heap_find_part(h, SIMG_PART_IDENTITY, 0);
    struct cursor c = {.big = h->big};
    struct where here = {r->d->where, "identity", NO_INDEX};
    bool ok = true;

    for (int i = 0; i < 4; i++)
        *to[i] = "";
    if (!p)
        return true;
    if (!heap_plain(r->d, r->a, p, &c.in))
        return false;
    r->d->where = &here;
    if (p->count != 1)
        ok = diag_fail(r->d, E_FORMAT, "a count of %" PRIu64 ", not 1", p->count);
    for (int i = 0; ok && i < 4; i++)
        ok = string_at(r, cur_u32(&c), "a string is", to[i]);
    r->d->where = here.up;
    return ok;
}

bool heap_read_metas(struct heap_reader *r)
{
    struct heap *h = r->h;
    struct table t;
    void *rows;
    bool ok = true;

    if (!table_begin(r, SIMG_PART_META, "metadata", sizeof *h->metas, &rows, &t))
        return false;
    h->metas = rows;
    h->meta_count = t.count;
    for (uint32_t i = 0; ok && i < t.count; i++) {
        t.here.index = i;
        ok = string_at(r, cur_u32(&t.c), "its key is", &h->metas[i].key) &&
             string_at(r, cur_u32(&t.c), "its value is", &h->metas[i].value);
    }
    return table_end(&t, ok) && unique(r, "metadata", h->metas, h->meta_count, meta_key);
}
