/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache.h - an image of the engine cache: an ELF file with one heap, which is
 * an engine's arena, and its register (docs/cache-format.md). */

#ifndef ELF_CACHE_H
#define ELF_CACHE_H

#include "elf/heaps.h"
#include "heap/cache.h"

struct elf_cache {
    struct elf_file f;
    struct elf_image m;
    struct heap_image heaps;
    struct heap_cache_parts parts;
    struct span blocks; /* bytes of the arena, its code aside */
    struct heap_cache_register reg;
};

/* Read all of IN but its arena.  False with a word in D: E_UNKNOWN if IN is something else,
   E_FORMAT if it began as an image of the cache and is damaged.  OUT must stay where it is. */
bool elf_cache_read(struct diag *d, struct arena *a, struct span in, struct elf_cache *out);

/* The heap that M has, if it is an engine's: its parts, register and the bytes of its blocks. */
bool elf_cache_parts(struct diag *d, struct arena *a, const struct elf_image *m,
                     const struct image_heap *h, struct elf_cache *out);

/* The arena, and the heap with its objects. */
bool elf_cache_arena(struct diag *d, struct arena *a, const struct elf_cache *c,
                     struct heap_cache_arena *arena, struct heap *objects);

/* The build of the program or library IN, as a register has it: its build-id in hexadecimal, or a
   hash of its code.  Text for BUILD is cut to 32 bytes.  False if IN is no linked ELF file. */
enum { ELF_BUILD = 65 };
bool elf_build(struct arena *a, struct span in, char build[ELF_BUILD]);

#endif
