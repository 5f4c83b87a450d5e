/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_input.c - files that say where pointers and imports are. */

#include "heap.h"

#include <inttypes.h>
#include <stdlib.h>

/* Lines of a text, without blanks around and comments. */
struct lines {
    struct span in;
    uint64_t pos, number;
};

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

/* The next line that says something. */
static bool next_line(struct lines *l, struct span *out)
{
    while (l->pos < l->in.size) {
        const uint8_t *p = l->in.at + l->pos, *comment;
        const uint8_t *end = memchr(p, '\n', l->in.size - l->pos);
        uint64_t n = end ? (uint64_t)(end - p) : l->in.size - l->pos;

        l->pos += n + 1;
        l->number++;
        comment = memchr(p, '#', n);
        n = comment ? (uint64_t)(comment - p) : n;
        for (; n > 0 && is_blank(*p); n--)
            p++;
        while (n > 0 && is_blank(p[n - 1]))
            n--;
        if (n > 0) {
            *out = (struct span){p, n};
            return true;
        }
    }
    return false;
}

static int by_value(const void *x, const void *y)
{
    const uint64_t *a = x, *b = y;

    return *a < *b ? -1 : *a > *b;
}

bool heap_parse_slots(struct diag *d, struct arena *a, struct span in, struct heap_places *out)
{
    struct lines l = {.in = in};
    struct where here = {d->where, "line", 0};
    struct span line;
    bool sorted = true;

    while (next_line(&l, &line)) {
        void *offsets = out->offsets;
        uint64_t offset;

        if (!heap_number((const char *)line.at, line.size, &offset)) {
            here.index = l.number;
            d->where = &here;
            diag_fail(d, E_FORMAT, "'%.*s' is not a number, decimal or with 0x",
                      (int)(line.size < 60 ? line.size : 60), (const char *)line.at);
            d->where = here.up;
            return false;
        }
        if (!arena_grow(a, &offsets, out->count, &out->cap, sizeof offset))
            return diag_nomem(d);
        out->offsets = offsets;
        sorted = sorted && (out->count == 0 || out->offsets[out->count - 1] <= offset);
        out->offsets[out->count++] = offset;
    }
    if (!sorted)
        qsort(out->offsets, out->count, sizeof *out->offsets, by_value);
    return true;
}

bool heap_parse_bitmap(struct diag *d, struct span in, uint64_t size, struct heap_places *out)
{
    uint64_t words = size / 8, bytes = words / 8 + (words % 8 != 0);

    if (in.size != bytes)
        return diag_fail(d, E_FORMAT,
                         "%" PRIu64 " bytes, but the %" PRIu64
                         " words of the blob have a bitmap of %" PRIu64,
                         in.size, words, bytes);
    if (words % 8 && in.at[bytes - 1] >> words % 8)
        return diag_fail(d, E_FORMAT, "a bit past the last of the blob's %" PRIu64 " words is set",
                         words);
    out->bitmap = in.at;
    return true;
}

bool heap_parse_imports(struct heap_command *c, struct span in)
{
    struct lines l = {.in = in};
    struct where here = {c->d->where, "line", 0};
    struct span line;
    bool ok = true;

    c->d->where = &here;
    while (ok && next_line(&l, &line)) {
        char *text = arena_strndup(c->a, (const char *)line.at, line.size);

        here.index = l.number;
        ok = text ? heap_add_import(c, "import", text) : diag_nomem(c->d);
    }
    c->d->where = here.up;
    return ok;
}
