/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arena.h - memory that lives as long as one run.
 *
 * Nothing in an arena is freed singly.  An arena belongs to one thread at a
 * time; parallel phases give each worker its own. */

#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena_block;

struct arena {
    struct arena_block *blocks;
    uint8_t *next, *end;
    /* For tests: the number of allocations that succeed before all fail.
       0 means no limit. */
    uint64_t fail_after;
    uint64_t count;
};

/* COUNT zeroed objects of SIZE bytes each, aligned for any type; NULL when
   memory ran out or COUNT * SIZE wraps.  A count of 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, uint64_t count, uint64_t size);

/* A copy of the LEN bytes at S with a NUL behind them, or NULL. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);

/* A formatted string, or NULL. */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Make room for one more element in an array of COUNT elements of SIZE bytes
   in *ARRAY with room for *CAP; the array may move.  False without memory. */
bool arena_grow(struct arena *a, void **array, uint64_t count, uint64_t *cap, uint64_t size);

/* Give every block of FROM to INTO; FROM is empty afterwards. */
void arena_join(struct arena *into, struct arena *from);

/* Free all of it. */
void arena_free(struct arena *a);

#endif
