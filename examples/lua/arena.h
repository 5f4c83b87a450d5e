/* SPDX-License-Identifier: MIT */
/* arena.h - all memory of an engine in one place with an address of its own.
 *
 * The allocator's state is in the arena's first page, so an image of the arena is whole.  Freed
 * memory is zeroed: no stale word is to look like a pointer. */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_BASE ((char *)0x2f1d00000000) /* a multiple of 4 GiB that nobody uses */
enum { ARENA_ROOM = 1 << 30, ARENA_CLASSES = 128 };

static struct arena {
    char *next, *end;          /* what was never used */
    void *free[ARENA_CLASSES]; /* by size, each block holds the next one's address */
    uint64_t live;             /* blocks in use */
    void *engine;              /* for the user */
} *const arena = (void *)ARENA_BASE;

/* Map the arena's memory from FROM bytes on; false if its address is taken. */
static int arena_map(uint64_t from)
{
    return mmap(ARENA_BASE + from, ARENA_ROOM - from, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
                0) == ARENA_BASE + from;
}

/* Multiples of 16 up to 1024, then powers of two; class 0 is for nothing. */
static size_t arena_class(size_t n)
{
    return n <= 1024 ? (n + 15) / 16 : 55 + (size_t)(64 - __builtin_clzl(n - 1));
}
static size_t arena_size(size_t c) { return c <= 64 ? c * 16 : (size_t)1 << (c - 55); }

/* malloc, realloc and free in one, as Lua likes it. */
static void *arena_realloc(void *old, size_t had, size_t want)
{
    size_t from = old ? arena_class(had) : 0, to = arena_class(want);
    void *p = NULL;

    if (old && from == to)
        return old;
    if (to && (p = arena->free[to])) {
        arena->free[to] = *(void **)p;
        *(void **)p = NULL;
    } else if (to && (size_t)(arena->end - arena->next) >= arena_size(to)) {
        p = arena->next;
        arena->next += arena_size(to);
    }
    arena->live += p != NULL;
    if (p && old)
        memcpy(p, old, had < want ? had : want);
    if (old && (p || !want)) {
        arena->live--;
        memset(old, 0, arena_size(from));
        *(void **)old = arena->free[from];
        arena->free[from] = old;
    }
    return p;
}
