/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prelink.c - the output's heaps, relocated for the address that the linker
 * gave them.
 *
 * An object cannot know it, so its slots hold heap addresses and its start-up
 * code adds the heap's.  If the image has an address of its own, where loaders
 * map it as long as it is free, that is known now: what the start-up code
 * would add is added in the file, and then there is nothing left to do. */

#include "plugin/plugin.h"

#include "elf/heaps.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 20, AROUND = 8 };

struct prelinker {
    struct plugin *p;
    const struct file *file;
    int fd;
    uint8_t *room; /* a piece and what is around it */
};

static bool write_at(struct prelinker *l, const uint8_t *at, uint64_t size, uint64_t offset)
{
    return output_write(&(struct output){.fd = l->fd}, at, size, offset) ||
           diag_fail(&l->p->diag, E_SYSTEM, "%s: cannot be written: %s", l->file->path,
                     strerror(errno));
}

/* Add BASE to the slots of a segment, whose bytes in the file are DATA. */
static bool add_base(struct prelinker *l, const struct slot_map *slots, struct span data,
                     uint64_t base)
{
    uint64_t offset = (uint64_t)(data.at - l->file->data.at), bad = 0, word = 0;
    uint8_t old[AROUND]; /* the last bytes of the piece before, as they were */

    for (uint64_t from = 0; from < data.size; from += PIECE) {
        uint64_t size = data.size - from < PIECE ? data.size - from : PIECE;
        uint64_t before = from ? AROUND : 0;
        uint64_t left = data.size - from - size, after = left < AROUND ? left : AROUND;

        /* The mapping may show what was written to the file just now. */
        memcpy(l->room, old, before);
        memcpy(l->room + before, data.at + from, size + after);
        if (size == PIECE)
            memcpy(old, l->room + before + size - AROUND, AROUND);
        if (!slots_add(slots, from, size, before, after, base, false, l->room, &bad, &word))
            return diag_fail(&l->p->diag, E_FORMAT,
                             "%s: the slot at 0x%llx of a heap's segment holds 0x%llx, no heap "
                             "address: something changed it",
                             l->file->path, (unsigned long long)bad, (unsigned long long)word);
        if (!write_at(l, l->room + before, size, offset + from))
            return false;
    }
    return true;
}

static bool prelink_heap(struct prelinker *l, const struct elf_image *m,
                         const struct heap_image *image, uint32_t index)
{
    const struct image_heap *h = &image->heaps[index];
    uint64_t table = (uint64_t)(image->bytes.at - l->file->data.at);
    uint64_t rows = load_uint(image->bytes.at + offsetof(struct simg_table, heaps), 8, false);
    uint8_t base[8];

    for (uint32_t i = 0; i < h->heap.segment_count; i++) {
        const struct heap_segment *s = &h->heap.segments[i];
        struct slot_map slots = s->slots;
        struct span data;

        if (slots.count == 0)
            continue;
        slots.limit = h->heap.span;
        slots.address_bits = h->heap.address_bits;
        if (!elf_image_bytes(m, h->at + s->addr, s->size, &data))
            return diag_fail(&l->p->diag, E_FORMAT, "%s: segment %u of its heap is not all there",
                             l->file->path, i);
        if (!add_base(l, &slots, data, h->at))
            return false;
    }
    /* Last, so that what is not finished still moves. */
    store_uint(base, 8, false, h->at);
    return write_at(l, base, sizeof base,
                    table + rows + index * sizeof(struct simg_table_heap) +
                        offsetof(struct simg_table_heap, base));
}

static bool prelink_all(struct prelinker *l)
{
    struct plugin *p = l->p;
    struct elf_file f;
    struct elf_image m;
    struct elf_heap_notes notes;
    struct heap_image image;

    if (!elf_open(&p->diag, &p->arena, l->file->data, &f) ||
        !elf_image_read(&p->diag, &p->arena, &f, &m))
        return false;
    elf_heap_notes(&m, &notes);
    /* Based at 0 an image lies anywhere; of several tables only one is found. */
    if (notes.tables != 1 || m.load_count == 0 || m.loads[0].addr == 0)
        return true;
    if (!elf_heaps_read(&p->diag, &p->arena, &m, &notes, &image))
        return false;
    for (uint32_t i = 0; i < image.heap_count; i++)
        if (image_heap_is_mobile(&image.heaps[i]) && !prelink_heap(l, &m, &image, i))
            return false;
    return true;
}

bool plugin_prelink(struct plugin *p, const struct file *file)
{
    struct prelinker l = {.p = p, .file = file, .room = malloc(PIECE + 2 * AROUND)};
    bool ok = false;

    l.fd = open(file->path, O_WRONLY | O_CLOEXEC);
    if (!l.room)
        diag_nomem(&p->diag);
    else if (l.fd < 0)
        diag_fail(&p->diag, E_SYSTEM, "%s: cannot be written: %s", file->path, strerror(errno));
    else
        ok = prelink_all(&l);
    if (l.fd >= 0 && close(l.fd) != 0)
        ok = false;
    free(l.room);
    return ok;
}
