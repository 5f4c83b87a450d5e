/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arena.c - bump allocation in blocks that double, zeroed by the system. */

#include "arena.h"
#include "pages.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    uint64_t size;
    max_align_t data[];
};

enum { BLOCK = 256 * 1024, ALIGN = _Alignof(max_align_t) };

void *arena_alloc(struct arena *a, uint64_t count, uint64_t size)
{
    uint64_t bytes = count * size;
    struct arena_block *b = NULL;
    void *p = NULL;

    if ((size && count > UINT64_MAX / 2 / size) || (a->fail_after && ++a->count > a->fail_after))
        return NULL;
    bytes = bytes ? (bytes + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    if (bytes <= (uint64_t)(a->end - a->next)) {
        p = a->next;
        a->next += bytes;
        return p;
    }
    /* Anything large gets a block of its own, so that the rest of the
       current block stays in use. */
    b = calloc(1, sizeof *b + (bytes > BLOCK / 4 ? bytes : BLOCK));
    if (!b)
        return NULL;
    b->next = a->blocks;
    b->size = bytes > BLOCK / 4 ? bytes : BLOCK;
    a->blocks = b;
    p = b->data;
    if (bytes <= BLOCK / 4) {
        pages_make(b, sizeof *b + BLOCK);
        a->next = (uint8_t *)b->data + bytes;
        a->end = (uint8_t *)b->data + BLOCK;
    }
    return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    char *p = arena_alloc(a, len + 1, 1);

    if (p)
        memcpy(p, s, len);
    return p;
}

char *arena_strdup(struct arena *a, const char *s) { return arena_strndup(a, s, strlen(s)); }

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    char *p = NULL;
    int len = 0;

    va_start(ap, fmt);
    len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0 || !(p = arena_alloc(a, (uint64_t)len + 1, 1)))
        return NULL;
    va_start(ap, fmt);
    vsnprintf(p, (size_t)len + 1, fmt, ap);
    va_end(ap);
    return p;
}

bool arena_grow(struct arena *a, void **array, uint64_t count, uint64_t *cap, uint64_t size)
{
    uint64_t want = *cap ? *cap * 2 : 8;
    void *p = NULL;

    if (count < *cap)
        return true;
    if (!(p = arena_alloc(a, want, size)))
        return false;
    if (count)
        memcpy(p, *array, (size_t)(count * size));
    *array = p;
    *cap = want;
    return true;
}

void arena_join(struct arena *into, struct arena *from)
{
    struct arena_block **tail = &into->blocks;

    while (*tail)
        tail = &(*tail)->next;
    *tail = from->blocks;
    *from = (struct arena){0};
}

void arena_free(struct arena *a)
{
    for (struct arena_block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    *a = (struct arena){0};
}
