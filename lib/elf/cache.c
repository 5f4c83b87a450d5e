/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache.c - find an engine's register and arena in an ELF file, and builds of
 * the modules that it is for. */

#include "elf/cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

static bool bytes_of(struct diag *d, const struct elf_image *m, const struct image_heap *h,
                     const struct heap_segment *s, struct span *out)
{
    return elf_image_bytes(m, h->at + s->addr, s->size, out) ||
           diag_fail(d, E_FORMAT,
                     "0x%" PRIx64 " bytes at 0x%" PRIx64 " of the heap are not in the file",
                     s->size, s->addr);
}

bool elf_cache_parts(struct diag *d, struct arena *a, const struct elf_image *m,
                     const struct image_heap *h, struct elf_cache *out)
{
    struct span rows;

    return heap_cache_find(d, h, &out->parts) && bytes_of(d, m, h, out->parts.rows, &rows) &&
           bytes_of(d, m, h, out->parts.blocks, &out->blocks) &&
           heap_cache_read_register(d, a, rows, m->file->big, &out->reg);
}

static bool read_all(struct diag *d, struct arena *a, struct span in, struct elf_cache *out)
{
    struct elf_heap_notes notes;

    if (!elf_is(in))
        return diag_fail(d, E_UNKNOWN, "not an image of the engine cache: no ELF file");
    if (!elf_open(d, a, in, &out->f) || !elf_image_read(d, a, &out->f, &out->m))
        return false;
    elf_heap_notes(&out->m, &notes);
    if (notes.tables == 0)
        return diag_fail(d, E_UNKNOWN, "not an image of the engine cache: it has no heap");
    if (!elf_heaps_read(d, a, &out->m, &notes, &out->heaps))
        return false;
    if (out->heaps.heap_count != 1 || !heap_cache_is(&out->heaps.heaps[0]))
        return diag_fail(d, E_UNKNOWN,
                         "not an image of the engine cache: its heap is none of an engine");
    return elf_cache_parts(d, a, &out->m, &out->heaps.heaps[0], out);
}

bool elf_cache_read(struct diag *d, struct arena *a, struct span in, struct elf_cache *out)
{
    *out = (struct elf_cache){0};
    return read_all(d, a, in, out);
}

bool elf_cache_arena(struct diag *d, struct arena *a, const struct elf_cache *c,
                     struct heap_cache_arena *arena, struct heap *objects)
{
    const struct image_heap *h = &c->heaps.heaps[0];

    return heap_cache_read_arena(d, a, c->blocks, c->m.file->big,
                                 c->parts.code ? c->parts.code->size : 0, c->reg.type_count,
                                 arena) &&
           heap_cache_objects(d, a, h, &c->reg, arena, c->blocks, objects);
}

/* ---- builds ---- */

static void put_hex(char build[ELF_BUILD], const uint8_t *at, uint64_t size)
{
    size = size < (ELF_BUILD - 1) / 2 ? size : (ELF_BUILD - 1) / 2;
    for (uint64_t i = 0; i < size; i++)
        snprintf(build + 2 * i, 3, "%02x", at[i]);
}

static bool find_build(const struct elf_file *f, const struct elf_phdr *p, char build[ELF_BUILD])
{
    struct cursor c = elf_cursor(f, p->data);
    struct elf_note n;

    while (elf_next_note(&c, p->align == 8 ? 8 : 4, &n))
        if (n.type == NT_GNU_BUILD_ID && n.owner.size == 3 && memcmp(n.owner.at, "GNU", 3) == 0 &&
            n.desc.size > 0) {
            put_hex(build, n.desc.at, n.desc.size);
            return true;
        }
    return false;
}

bool elf_build(struct arena *a, struct span in, char build[ELF_BUILD])
{
    struct diag quiet = {0};
    struct elf_file f;
    uint64_t hash = 0;

    memset(build, 0, ELF_BUILD);
    if (!elf_is(in) || !elf_open(&quiet, a, in, &f))
        return false;
    for (uint32_t i = 0; i < f.segment_count; i++)
        if (f.segments[i].type == PT_NOTE && find_build(&f, &f.segments[i], build))
            return true;
    for (uint32_t i = 0; i < f.segment_count; i++) {
        const struct elf_phdr *p = &f.segments[i];

        if (p->type == PT_LOAD && (p->flags & PF_X) && (p->flags & PF_R))
            hash = XXH3_64bits_withSeed(p->data.at, p->data.size, hash);
    }
    put_hex(build, (const uint8_t *)&hash, sizeof hash);
    return true;
}
