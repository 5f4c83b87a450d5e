/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_heap.c - the reader of heap containers, on anything.
 *
 * The first byte says what the rest is.  Bit 0: big-endian.  Bit 1: compressed.
 * Bit 2 clear: edits of a sound container, each of an offset (2 bytes) and a
 * value (4 bytes), after which its checksums are made right, so that what lies
 * behind them is reached.  Bit 2 set: the container itself, as it is.
 *
 * What is sound is also made an object that relocates itself, which must then
 * be read without a complaint. */

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heap/container.h"
#include "obj/object.h"
#include "pack/prelinked.h"
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

enum { MOST_SPAN = 1 << 20 }; /* bytes that are worth writing */

static void check_object(struct arena *a, struct span bytes)
{
    struct diag d = {0};
    struct object o;
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    if (!format_elf.read(&d, a, "x.o", bytes, &o))
        abort();
    for (uint32_t i = 1; i < o.section_count; i++)
        for (uint64_t first = 0; first < o.sections[i].reloc_count; first += got)
            if (!format_elf.relocs(&d, &o, i, first, batch, RELOC_BATCH, &got))
                abort();
}

static void make_object(struct arena *a, struct span in)
{
    static int fd = -1;
    struct diag d = {0};
    off_t size = 0;
    void *at = NULL;

    if (fd < 0)
        fd = memfd_create("x.o", 0);
    if (fd < 0 || ftruncate(fd, 0) != 0)
        abort();
    if (!prelinked_write(&d, a, &elf_x86_64, &(struct prelinked_input){"x.heap", in}, 1, "x.o", fd)) {
        if (d.status == OK)
            abort();
        return;
    }
    size = lseek(fd, 0, SEEK_END);
    at = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        abort();
    check_object(a, (struct span){at, (uint64_t)size});
    munmap(at, (size_t)size);
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
    if (d.status == OK && h.span < MOST_SPAN)
        make_object(&a, in);
    (void)sink;
    arena_free(&a);
    heap_file_free(&f);
    return 0;
}
