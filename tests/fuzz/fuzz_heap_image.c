/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_heap_image.c - the reader of an image's table of heaps, on anything.
 *
 * The first byte: bit 0, big-endian.  Bit 1 clear: the rest edits a sound
 * image, each edit an offset (2 bytes, from the note on) and a value (4
 * bytes).  Set: the rest is the note's descriptor (24 bytes) and, behind it,
 * whatever else lies in memory. */

#include <stdlib.h>

#include "heap/image.h"
#include "tests/support/heap_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool bytes_at(void *arg, uint64_t addr, uint64_t size, struct span *out)
{
    return span_sub(*(struct span *)arg, addr - HIMG_BASE, size, out);
}

static bool count_slot(void *arg, uint64_t offset)
{
    *(uint64_t *)arg += offset != UINT64_MAX;
    return true;
}

/* Look at every byte that was accepted. */
static uint64_t touch(const struct image_heap *h)
{
    const struct heap *p = &h->heap;
    uint64_t sum = strlen(p->runtime) + strlen(p->version) + strlen(p->build_id) + strlen(p->flags);

    for (uint32_t i = 0; i < p->segment_count; i++) {
        const struct heap_segment *s = &p->segments[i];
        uint64_t count = 0;

        sum += strlen(s->name) + s->kind + h->segments[i].prot;
        slots_each(&s->slots, 0, s->size, count_slot, &count);
        if (count != s->slots.count || s->addr > p->span || s->size > p->span - s->addr)
            abort();
    }
    for (uint32_t i = 0; i < p->import_count; i++)
        sum += strlen(p->imports[i].name) + h->places[i];
    for (uint64_t i = 0; i < p->import_slot_count; i++)
        if (heap_import_slot_at(p, i).import >= p->import_count)
            abort();
    for (uint32_t i = 0; i < p->root_count; i++) {
        if (p->roots[i].segment >= p->segment_count)
            abort();
        sum += strlen(p->roots[i].name);
    }
    for (uint32_t i = 0; i < p->meta_count; i++)
        sum += strlen(p->metas[i].key) + strlen(p->metas[i].value);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile uint64_t sink;
    struct cursor c = {.in = {data, size}};
    uint8_t how = cur_u8(&c), *image = malloc(HIMG_SIZE);
    struct span file = {0};
    struct heap_image_input in = {.bytes = bytes_at, .arg = &file, .big = how & 1};
    struct arena a = {0};
    struct diag d = {0};
    struct heap_image m;

    if (!image)
        abort();
    if (how & 2) {
        span_sub(c.in, c.pos, size - c.pos, &file);
        in.note = HIMG_BASE;
    } else {
        make_heap_image(image);
        while (cur_count(&c, 1, 6)) {
            uint32_t at = HIMG_NOTE + cur_u16(&c) % (HIMG_RW - HIMG_NOTE);

            store_uint(image + at, 4, false, cur_u32(&c));
        }
        file = (struct span){image, HIMG_SIZE};
        in.note = HIMG_BASE + HIMG_DESC;
    }
    in.file_size = file.size;
    span_sub(file, in.note - HIMG_BASE, 24, &in.desc);
    if (heap_image_read(&d, &a, &in, &m) != (d.status == OK))
        abort();
    for (uint32_t i = 0; i < m.heap_count; i++)
        sink += touch(&m.heaps[i]);
    if (d.status == OK)
        sink += heap_image_checksum(&m);
    (void)sink;
    arena_free(&a);
    free(image);
    return 0;
}
