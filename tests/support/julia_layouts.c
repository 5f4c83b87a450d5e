/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_layouts.c - heaps of Julia 1.9 and later, of 64-bit words, little-endian. */

#include "tests/support/julia_layouts.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES = 50, GLOBALS = 20, FUNCTIONS = 12, ROOTS = 9, CALLABLE = 3 };

/* What a reference's top three bits say. */
enum { DATA, CONST, TAG, NAME };

/* ---- making ---- */

struct bytes {
    uint8_t *at;
    size_t size, cap;
};

static void put(struct bytes *b, uint64_t v, unsigned n)
{
    if (b->size + n > b->cap) {
        b->cap = 2 * b->cap + 4096;
        b->at = realloc(b->at, b->cap);
        if (!b->at)
            abort();
    }
    for (unsigned i = 0; i < n; i++)
        b->at[b->size++] = (uint8_t)(v >> 8 * i);
}

static void put_align(struct bytes *b, size_t align)
{
    while (b->size % align)
        put(b, 0, 1);
}

static void put_all(struct bytes *b, const struct bytes *from)
{
    for (size_t i = 0; i < from->size; i++)
        put(b, from->at[i], 1);
}

static uint64_t get(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

static void set(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

struct maker {
    int minor;
    uint32_t random;
    struct bytes objects, tags, pointers, owners, references, fixups;
    uint64_t last_tag, last_pointer, last_owner, last_reference;
    uint64_t end; /* of the objects, roughly: references stay below */
    uint32_t constants;
};

static uint32_t any(struct maker *m, uint32_t below)
{
    m->random = m->random * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(m->random >> 4) * below >> 28);
}

/* Julia writes the distance from the entry before, which wraps where it goes back. */
static void list_add(struct bytes *list, uint64_t *last, uint64_t pos)
{
    uint64_t distance = pos - *last;

    *last = pos;
    do {
        uint64_t low = distance & 0x7f;

        distance >>= 7;
        put(list, low | (distance ? 0x80 : 0), 1);
    } while (distance);
}

static void put_pointer(struct maker *m, uint64_t ref)
{
    list_add(&m->pointers, &m->last_pointer, m->objects.size);
    put(&m->objects, ref, 8);
}

static uint64_t any_ref(struct maker *m)
{
    const uint64_t function = m->minor == 9 ? 5 : 4;

    switch (any(m, 16)) {
    case 0:
        return (uint64_t)TAG << 61 | any(m, 2306);
    case 1:
    case 2:
        return (uint64_t)NAME << 61 | any(m, NAMES);
    case 3:
        return function << 61 | any(m, 6);
    case 4:
        return function << 61 | UINT64_C(1) << 60 | any(m, 40);
    case 5:
        return m->minor == 9 ? UINT64_C(4) << 61 : (uint64_t)CONST << 61;
    case 6:
    case 7:
        return (uint64_t)CONST << 61 | any(m, m->constants / 8);
    default:
        return (uint64_t)DATA << 61 | (16 + 16 * any(m, (uint32_t)(m->end / 16)));
    }
}

static void begin_object(struct maker *m, uint64_t type)
{
    while (m->objects.size % 16 != 8)
        put(&m->objects, 0, 1);
    list_add(&m->tags, &m->last_tag, m->objects.size);
    put(&m->objects, type, 8);
}

/* Since 1.11: a memory of a length and a pointer to its elements; then a reference into it,
   of an offset that becomes a pointer, and the memory. */
static void put_memory(struct maker *m, bool owner)
{
    uint64_t memory = 0;

    begin_object(m, 32);
    memory = m->objects.size;
    put(&m->objects, 7, 8);
    put_pointer(m, any(m, 2) ? (uint64_t)CONST << 61 | any(m, 90) : memory);
    begin_object(m, 48);
    if (owner)
        list_add(&m->owners, &m->last_owner, m->objects.size);
    else
        list_add(&m->references, &m->last_reference, m->objects.size);
    put(&m->objects, 8 * any(m, 5), 8);
    put_pointer(m, memory);
}

static void put_object(struct maker *m)
{
    uint32_t words = 1 + any(m, 9);
    uint64_t at = 0;

    if (m->minor >= 11 && any(m, 8) == 0) {
        put_memory(m, any(m, 2));
        return;
    }
    begin_object(m, any(m, 5) ? 16 + 16 * any(m, (uint32_t)(m->end / 16))
                              : any_ref(m) & ~UINT64_C(15));
    at = m->objects.size;
    if (any(m, 20) == 0)
        put(&m->fixups, at, 8);
    if (any(m, 10) == 0) { /* as modules are: a later word is listed first */
        put(&m->objects, 0, 8);
        put_pointer(m, any_ref(m));
        set(m->objects.at + at, any_ref(m));
        list_add(&m->pointers, &m->last_pointer, at);
    }
    for (uint32_t i = 0; i < words; i++) {
        if (any(m, 3))
            put_pointer(m, any_ref(m));
        else
            put(&m->objects, (uint64_t)any(m, UINT32_MAX >> 4) << 32 | any(m, 1 << 20), 8);
    }
}

static void put_part(struct bytes *out, const struct bytes *part, size_t align)
{
    put(out, part->size, 8);
    put_align(out, align);
    put_all(out, part);
    free(part->at);
}

uint8_t *layout_make(int minor, uint32_t seed, size_t words, size_t *size)
{
    struct maker m = {
        .minor = minor, .random = seed, .end = 8 * words, .constants = words < 1000 ? 750 : 70001};
    struct bytes out = {0}, part = {0};

    put(&m.objects, 0, 8);
    while (m.objects.size < 8 * words + 64)
        put_object(&m);
    put(&m.objects, 0, 4 - (unsigned)(m.objects.size % 4));
    set(m.objects.at, m.objects.size - 8);
    put_all(&out, &m.objects);
    free(m.objects.at);

    for (uint32_t i = 0; i < m.constants; i++)
        put(&part, any(&m, 256), 1);
    put(&part, 0, 4 - (unsigned)(part.size % 4));
    put_part(&out, &part, 64);

    part = (struct bytes){0};
    for (unsigned i = 0; i < NAMES; i++) {
        put(&part, 1 + i % 7, 4);
        for (unsigned k = 0; k < 1 + i % 7; k++)
            put(&part, 'a' + any(&m, 26), 1);
        put(&part, 0, 1);
    }
    put_part(&out, &part, 8);

    part = (struct bytes){0};
    put(&m.tags, 0, 1);
    put(&m.pointers, 0, 1);
    put_all(&part, &m.tags);
    put_all(&part, &m.pointers);
    if (minor >= 11) {
        put(&m.owners, 0, 1);
        put(&m.references, 0, 1);
        put_all(&part, &m.owners);
        put_all(&part, &m.references);
    }
    put(&part, m.fixups.size / 8, 8);
    put_all(&part, &m.fixups);
    put_part(&out, &part, 8);
    free(m.tags.at);
    free(m.pointers.at);
    free(m.owners.at);
    free(m.references.at);
    free(m.fixups.at);

    part = (struct bytes){0};
    for (int i = 0; i < GLOBALS; i++)
        put(&part, i % 5 ? any_ref(&m) : 0, 8);
    put_part(&out, &part, 8);
    part = (struct bytes){0};
    for (uint64_t i = 0; i < FUNCTIONS; i++)
        put(&part, i % 3 == 0 ? 0 : i % 3 == 1 ? 16 * i : ~(16 * i), 8);
    put_part(&out, &part, 8);

    put_align(&out, 8);
    for (int i = 0; i < ROOTS + minor; i++)
        put(&out, i % 4 ? 16 + 16 * any(&m, (uint32_t)(m.end / 16)) : any_ref(&m), 8);
    put(&out, 12345, 4); /* names made up; worlds; four lists of links; external functions */
    put(&out, 30000, 8);
    put(&out, 29000, 8);
    put(&out, 0, 8);
    put(&out, 0, 8);
    put(&out, GLOBALS, 4);
    if (minor <= 11) {
        put(&out, CALLABLE, 8);
        for (unsigned i = 0; i < CALLABLE; i++)
            put(&out, 16 + 32 * i, 8);
    }
    *size = out.size;
    out.at = realloc(out.at, out.size);
    return out.at;
}

/* ---- restoring ---- */

struct restorer {
    int minor;
    uint8_t *bytes;
    size_t size;
    uint64_t base;
    struct layout_view *view;
    size_t pos; /* in the relocations */
    uint64_t names;
    bool bad;
};

static size_t take_part(struct restorer *r, size_t at, size_t align, struct layout_part *part)
{
    uint64_t size = 0;

    *part = (struct layout_part){0};
    if (r->bad || at + 8 > r->size) {
        r->bad = true;
        return 0;
    }
    size = get(r->bytes + at);
    at = (at + 8 + align - 1) / align * align;
    if (at > r->size || size > r->size - at) {
        r->bad = true;
        return 0;
    }
    *part = (struct layout_part){at, (size_t)size};
    return at + (size_t)size;
}

static uint64_t next_entry(struct restorer *r)
{
    uint64_t distance = 0;
    unsigned n = 0;
    uint8_t c = 0x80;

    while (c & 0x80) {
        if (n > 9 || r->pos >= r->view->relocations.at + r->view->relocations.size) {
            r->bad = true;
            return 0;
        }
        c = r->bytes[r->pos++];
        distance |= (uint64_t)(c & 0x7f) << 7 * n++;
    }
    return distance;
}

/* The address of what REF refers to; what Julia has elsewhere gets made-up ones. */
static uint64_t resolve(struct restorer *r, uint64_t ref)
{
    uint64_t kind = ref >> 61, which = ref & ((UINT64_C(1) << 61) - 1);

    if (r->minor == 9 && kind == 4)
        return 0x41; /* the tag of buffers */
    if (r->minor == 9 && kind > 4)
        kind--;
    switch (kind) {
    case DATA:
        r->bad |= which > r->view->objects.at + r->view->objects.size;
        return r->base + which;
    case CONST:
        r->bad |= 8 * which > r->view->constants.size;
        return r->base + r->view->constants.at + 8 * which;
    case TAG:
        r->bad |= which > 2305;
        return 0x7000000000 + 16 * which;
    case NAME:
        r->bad |= which >= r->names;
        return 0x5000000000 + 64 * which;
    case 4:
        return 0x6000000000 + 8 * (which & 0xffff) + (which >> 60 << 24);
    default:
        r->bad = true;
        return 0;
    }
}

static size_t restore_list(struct restorer *r, uint64_t bits)
{
    uint64_t pos = 0, distance;
    size_t count = 0;

    while ((distance = next_entry(r)) != 0 && !r->bad) {
        pos += distance;
        if (pos < 8 || pos + 8 > r->view->objects.at + r->view->objects.size) {
            r->bad = true;
            break;
        }
        set(r->bytes + pos, resolve(r, get(r->bytes + pos)) | bits);
        count++;
    }
    return count;
}

static void restore_memories(struct restorer *r)
{
    uint64_t pos = 0, distance, memory;

    while ((distance = next_entry(r)) != 0 && !r->bad) {
        pos += distance;
        if (pos + 16 > r->size) {
            r->bad = true;
            break;
        }
        memory = get(r->bytes + pos + 8) - r->base;
        if (memory + 16 > r->size) {
            r->bad = true;
            break;
        }
        set(r->bytes + pos, get(r->bytes + pos) + get(r->bytes + memory + 8));
    }
}

bool layout_restore(int minor, uint8_t *bytes, size_t size, uint64_t base, struct layout_view *view)
{
    struct restorer r = {.minor = minor, .bytes = bytes, .size = size, .base = base, .view = view};
    size_t at = 0;

    memset(view, 0, sizeof *view);
    at = take_part(&r, at, 1, &view->objects);
    at = take_part(&r, at, 64, &view->constants);
    at = take_part(&r, at, 8, &view->names);
    at = take_part(&r, at, 8, &view->relocations);
    at = take_part(&r, at, 8, &view->globals);
    at = take_part(&r, at, 8, &view->functions);
    at = (at + 7) / 8 * 8;
    view->tail = (struct layout_part){at, size - at};
    for (size_t n = 0; !r.bad && n < view->names.size; r.names++)
        n += 5 + (size_t)(uint32_t)get(bytes + view->names.at + n);

    r.pos = view->tags = view->relocations.at;
    view->tag_count = restore_list(&r, 3);
    view->pointers = r.pos;
    view->pointer_count = restore_list(&r, 0);
    view->memories = r.pos;
    if (minor >= 11) {
        restore_memories(&r);
        restore_memories(&r);
    }
    view->fixups = r.pos;
    if (!r.bad &&
        8 + 8 * get(bytes + r.pos) != view->relocations.at + view->relocations.size - r.pos)
        r.bad = true;
    return !r.bad;
}

uint32_t layout_crc(const uint8_t *bytes, size_t size)
{
    uint32_t r = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        r ^= bytes[i];
        for (int n = 0; n < 8; n++)
            r = r & 1 ? r >> 1 ^ 0x82f63b78 : r >> 1;
    }
    return ~r;
}
