/* SPDX-License-Identifier: MIT */
/* startup.c - the code in every image with a heap that runs when the image is
 * loaded, before any other initialiser (docs/image-format.md).
 *
 * If the heap lies where it was linked for, which on ELF is the rule, nothing
 * is relocated.  If not, the difference is added to each pointer: on Linux
 * each segment is copied to huge pages, with the addition on the way, and
 * these are put in its place at once; elsewhere it is done in place.  No
 * other thread ever finds a hole there, and nobody has an address into the
 * heap that becomes wrong.  Then memory that only the loader or we had to
 * write loses the right to be written.
 *
 * Compiled freestanding for each CPU and system when objtool is built; it must
 * need nothing but __simg_table, which the linker defines, and what the
 * system's header here names. */

#include "crc.h"
#include "move.h"
#include "sysimage/format.h"

#if defined __APPLE__
#include "startup_darwin.h"
#else
#include "startup_linux.h"
#endif

extern const struct simg_table __simg_table TABLE_NAME __attribute__((visibility("hidden")));

struct segment {
    uint8_t *at;
    uint64_t size;
    const uint8_t *bits; /* NULL: no map */
    const uint64_t *odd;
    uint64_t odd_count;
    uint64_t delta;
};

static void relocate(const void *segment, uint8_t *to)
{
    const struct segment *s = segment;

    move_segment(move_best_way(), to, s->at, s->size, s->bits, s->odd, s->odd_count, s->delta);
}

static void relocate_segment(const struct segment *s)
{
    if (system_replace(s->at, s->size, relocate, s))
        return;
    /* A heap with wrong pointers must not run. */
    if (!system_protect(s->at, s->size, SIMG_PROT_R | SIMG_PROT_W))
        __builtin_trap();
    relocate(s, s->at);
}

static void start_heap(const uint8_t *table, const struct simg_table_heap *h,
                       const struct simg_table_segment *segments)
{
    uint64_t base = (uint64_t)(table + h->at);
    uint64_t delta = h->mode == SIMG_MODE_PRELINKED ? base - h->base : 0;

    for (uint32_t i = 0; i < h->segment_count; i++) {
        const struct simg_table_segment *of = &segments[i];
        struct segment s = {
            .at = (uint8_t *)(base + of->addr),
            .size = of->size,
            .bits = of->bitmap ? table + of->bitmap : 0,
            .odd = (const uint64_t *)(const void *)(of->odd ? table + of->odd : 0),
            .odd_count = of->odd_count,
            .delta = delta,
        };
        bool moves = delta && of->slot_count;
        uint64_t written = i == 0 ? (uint64_t)h->written * SIMG_WRITTEN_UNIT : 0;

        if (!(of->flags & SIMG_SEG_ZERO)) /* zeros would only take more memory */
            system_read_large(s.at, of->size);
        /* Of what the runtime is about to write to, huge pages cost less than a copy of each
           small one when it is written to.  All slots are there, so the rest may stay. */
        if (written && written < s.size)
            s.size = written;
        if (moves)
            relocate_segment(&s);
        else if (written)
            system_replace(s.at, s.size, relocate, &s);
        if (i == 0 && s.bits && h->flags & SIMG_HEAP_KEEPS_CRC)
            crc_keep(s.at, of->size, s.bits);
        if ((of->flags & SIMG_SEG_LOADED_WRITABLE) || (moves && !(of->prot & SIMG_PROT_W)))
            system_protect(s.at, of->size, of->prot);
    }
}

__attribute__((visibility("hidden"))) void __simg_start(void);

void __simg_start(void)
{
    const struct simg_table *t = &__simg_table;
    const uint8_t *table = (const uint8_t *)t;
    const struct simg_table_heap *heaps = (const void *)(table + t->heaps);
    const struct simg_table_segment *segments = (const void *)(table + t->segments);

    for (uint32_t i = 0; i < t->heap_count; i++)
        start_heap(table, &heaps[i], segments + heaps[i].first_segment);
}

__attribute__((section(STARTUP_SECTION), used)) static void (*const start)(void) = __simg_start;
