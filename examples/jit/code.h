/* SPDX-License-Identifier: MIT */
/* code.h - the machine code of a library that maps memory for it by itself.
 *
 * A library with a JIT calls mmap() for its code, and has no other way to be
 * told where that is to be.  A program that is linked with code.c has an mmap()
 * of its own, which gives it pages of an engine's arena instead, while an
 * engine is entered.  The code is then in the engine's image.
 *
 * Machine code refers to functions and data of libraries, which are somewhere
 * else in the next process.  code_collect() finds these words before an image
 * is stored, and code_mend() writes them again where something has moved.  Both
 * are for x86-64, where such a word is the operand of a MOV (REX.W B8+r). */
#ifndef CODE_H
#define CODE_H

#include <stdbool.h>
#include <sysimage/cache.h>

struct code {
    struct simg_arena *arena;
    char *from, *to;   /* the arena's room for code */
    char *fresh, *end; /* what this process got of it, or more; FRESH is END: nothing */
    struct code *next; /* of those that are open */
};

void code_open(struct code *c, struct simg_arena *arena);
/* Before the arena goes. */
void code_close(struct code *c);

/* Memory that anyone in this thread maps from now on, to write code to it, is C's; NULL: the system's.
   Returns what it was before.  (What libc maps for itself does not come by here.) */
struct code *code_enter(struct code *c);

/* COUNT FUNCTIONS of the program, as code in the arena, to OUT: pointers to it are the same in each
   process.  The first thing to be asked for: they take the room's first pages. */
bool code_stubs(struct code *c, void *const functions[], size_t count, void *out[]);

/* Before a store: the words of the code that are outside of the arena.  How many, or -1. */
long code_collect(struct code *c, struct simg_cache *cache);
/* After a load.  How many words had to be changed, or -1. */
long code_mend(struct code *c, struct simg_cache *cache);

#endif
