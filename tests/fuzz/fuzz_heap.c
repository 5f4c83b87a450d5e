/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_heap.c - the reader of heap containers, on anything.
 *
 * The first byte says what the rest is.  Bit 0: big-endian.  Bit 1: compressed.
 * Bit 2 clear: edits of a sound container, each of an offset (2 bytes) and a
 * value (4 bytes), after which its checksums are made right, so that what lies
 * behind them is reached.  Bit 2 set: the container itself, as it is. */

#include <stdlib.h>

#include "heap/container.h"
#include "tests/support/heap_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum_string(const char *s)
{
    uint64_t sum = 0;

    while (*s)
        sum += (uint8_t)*s++;
    return sum;
}

static bool count_slot(void *arg, uint64_t offset)
{
    uint64_t *count = arg;

    ++*count;
    return offset != UINT64_MAX;
}

static uint64_t touch_segment(const struct heap *h, uint32_t i)
{
    const struct heap_segment *s = &h->segments[i];
    uint64_t count = 0, sum = sum_string(s->name), bad, word;
    uint8_t *copy = malloc(s->size);
    struct heap_objects it;
    struct heap_object o;
    struct diag d = {0};

    slots_each(&s->slots, 0, s->size, count_slot, &count);
    if (count != s->slots.count || slots_below(&s->slots, s->size) != count)
        abort();
    heap_objects_begin(h, i, &it);
    while (heap_objects_next(&it, &o))
        if (o.offset > s->size || o.size > s->size - o.offset || o.type >= h->type_count)
            abort();
    if (copy && s->kind != SIMG_SEGMENT_ZERO && heap_unpack(&d, h, i, copy)) {
        bool sound = heap_check_words(&d, h, i, (struct span){copy, s->size});

        if (slots_add(&s->slots, 0, s->size, 0, 0, 0x10000, h->big, copy, &bad, &word) != sound)
            abort();
        for (uint64_t k = 0; k < s->size; k++)
            sum += copy[k];
    }
    free(copy);
    return sum;
}

static uint64_t touch(const struct heap *h)
{
    uint64_t sum = sum_string(h->runtime) + sum_string(h->version) + sum_string(h->build_id) +
                   sum_string(h->flags);
    struct diag d = {0};

    sum += heap_check_parts(&d, h);
    for (uint32_t i = 0; i < h->segment_count; i++)
        sum += touch_segment(h, i);
    for (uint32_t i = 0; i < h->import_count; i++)
        sum += sum_string(h->imports[i].name);
    for (uint64_t i = 0; i < h->import_slot_count; i++)
        if (heap_import_slot_at(h, i).import >= h->import_count)
            abort();
    for (uint32_t i = 0; i < h->root_count; i++)
        sum += sum_string(h->roots[i].name);
    for (uint32_t i = 0; i < h->type_count; i++)
        sum += sum_string(h->types[i]);
    for (uint32_t i = 0; i < h->meta_count; i++)
        sum += sum_string(h->metas[i].key) + sum_string(h->metas[i].value);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile uint64_t sink;
    struct cursor c = {.in = {data, size}};
    uint8_t how = cur_u8(&c);
    struct heap_file f = {0};
    struct span in = {0};
    struct arena a = {0};
    struct diag d = {0};
    struct heap h;

    if (how & 4) {
        span_sub(c.in, c.pos, size - c.pos, &in);
    } else {
        heap_file_make(&f, how & 1, how & 2);
        while (cur_count(&c, 1, 6)) {
            uint16_t at = cur_u16(&c);

            store_uint(f.out.at + at % (f.out.size - 3), 4, false, cur_u32(&c));
        }
        heap_file_seal(&f);
        in = buf_span(&f.out);
    }
    if (heap_read(&d, &a, "x.heap", in, &h) != (d.status == OK))
        abort();
    if (d.status == OK)
        sink = touch(&h);
    (void)sink;
    arena_free(&a);
    heap_file_free(&f);
    return 0;
}
