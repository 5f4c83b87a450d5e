/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_julia.c - the reader of Julia sysimages, on anything; and what it took, rewritten.
 *
 * The first byte says what the rest is.  Bits 0 and 1: big-endian, 64 bits.
 * Bit 2: tags begin at bit 28, not 29.  Bit 3 clear: edits of a sound image,
 * each of a piece, an offset (2 bytes) and a value (4 bytes); or, if the
 * piece's top bit is set, cut it at the offset; with bit 5 too, of the heap of a later version,
 * which the next byte tells, and its seed the one behind.  Bit 3 set: an image of
 * nothing but what is given, each piece of a symbol's number, a length (2
 * bytes) and its bytes. */

#include <stdlib.h>

#include "heap/julia_prelink.h"
#include "tests/support/julia_image.h"
#include "tests/support/julia_layouts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const symbols[] = {
    "jl_system_image_data",      "jl_system_image_size",    "jl_sysimg_fvars_offsets",
    "jl_sysimg_gvars_offsets",   "jl_dispatch_target_ids",  "jl_dispatch_fvars_idxs",
    "jl_dispatch_fvars_offsets", "jl_dispatch_reloc_slots", "jl_globalUnique",
    "jl_get_ptls_states_slot",   "jl_pgcstack_func_slot",   "jl_tls_offset_image",
    "jl_image_pointers",         "jl_image_unpack",         "jl_system_image_checksum",
};

static void edit(struct fake *f, struct cursor *c)
{
    while (cur_count(c, 1, 7)) {
        uint8_t which = cur_u8(c);
        uint16_t off = cur_u16(c);
        uint32_t value = cur_u32(c);
        struct fake_piece *p = &f->piece[(which & 0x7f) % f->count];

        if (which & 0x80) {
            p->count = off < p->count ? off : p->count;
            p->bytes = realloc(p->bytes, p->count ? p->count : 1);
            p->size = value & 1 ? p->size : p->count;
        } else if (p->count >= 4) {
            store_uint(p->bytes + off % (p->count - 3), 4, f->big, value);
        }
    }
}

static void assemble(struct fake *f, struct cursor *c)
{
    while (f->count < sizeof f->piece / sizeof f->piece[0] && cur_count(c, 1, 3)) {
        struct fake_piece *p = add(f, symbols[cur_u8(c) % (sizeof symbols / sizeof symbols[0])]);
        uint16_t size = cur_u16(c);

        if (!cur_count(c, size, 1))
            size = (uint16_t)(c->in.size - c->pos);
        for (uint16_t i = 0; i < size; i++)
            put(f, p, 1, cur_u8(c));
        if (size == 0 || p->bytes[0] & 1)
            p->size = size % 2; /* unknown, or wrong */
    }
}

static void make_later(struct fake *f, struct cursor *c)
{
    int minor = 9 + cur_u8(c) % 6;
    size_t size = 0;
    uint8_t *heap = layout_make(minor, cur_u8(c), 60, &size);

    make_later_fake(f, minor, heap, size);
    free(heap);
}

/* Look at every byte that was accepted. */
static uint64_t touch(const struct julia_image *image)
{
    uint64_t sum = 0, pos = 0;
    struct span name;

    for (uint64_t i = 0; i < image->symbol_count; i++)
        sum += strlen(image->symbols[i].name);
    for (uint64_t i = 0; i < image->target_count; i++) {
        const struct julia_target *t = &image->targets[i];

        sum += strlen(t->name) + strlen(t->features);
        for (uint64_t k = 0; k < t->enabled_count; k++)
            sum += strlen(t->enabled[k]);
        for (uint64_t k = 0; k < t->disabled_count; k++)
            sum += strlen(t->disabled[k]);
        if (t->base >= image->target_count)
            abort();
    }
    if (!image->has_heap)
        return sum;
    while (julia_next_name(&image->heap, &pos, &name))
        for (uint64_t i = 0; i < name.size; i++)
            sum += name.at[i];
    if (pos != image->heap.names.size)
        abort();

    pos = image->heap.length_words + image->heap.padding;
    for (int i = 0; i < JULIA_PARTS; i++)
        pos += image->heap.part[i].size;
    if (pos != image->heap.size)
        abort();
    return sum;
}

/* What was rewritten is read again: the same but for the pointers that became slots, each of which
   leads to a byte of the heap. */
static void rewrite(struct fake *f, struct arena *a, const struct julia_input *in,
                    const struct julia_image *image)
{
    struct fake_piece *data = find(f, "jl_system_image_data"),
                      *size = find(f, "jl_system_image_size");
    struct span bytes = {data->bytes, image->heap_size};
    struct julia_prelink heap;
    struct julia_image again;
    struct diag d = {0};

    if (!julia_prelink(&d, a, image, bytes, &heap)) {
        if (d.status != E_FORMAT)
            abort();
        return;
    }
    for (uint64_t at = 0; at < heap.slots.bitmap_size * 64; at += 8)
        if (heap.slots.bitmap[at / 64] >> at / 8 % 8 & 1 &&
            (at + 8 > heap.written || load_uint(heap.bytes.at + at, 8, false) > heap.bytes.size))
            abort();
    if (heap.bytes.size > data->count && !(data->bytes = realloc(data->bytes, heap.bytes.size)))
        abort();
    memcpy(data->bytes, heap.bytes.at, heap.bytes.size);
    data->count = heap.bytes.size;
    data->size = data->size ? heap.bytes.size : 0;
    store_uint(size->bytes, 8, false, heap.bytes.size);
    if (!julia_read(&d, a, in, &again) || !again.has_heap ||
        again.heap.part[JULIA_POINTERS].count != heap.left ||
        again.heap.part[JULIA_POINTERS].count + heap.slots.count !=
            image->heap.part[JULIA_POINTERS].count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile uint64_t sink;
    struct cursor c = {.in = {data, size}};
    uint8_t how = cur_u8(&c);
    struct fake f = {.big = how & 1, .wide = how & 2, .pointer_size = how & 2 ? 8 : 4};
    struct arena a = {0};
    struct diag d = {0};
    struct julia_input in = {fake_lookup, &f, how & 1, how & 2, how & 16 ? "aarch64" : "x86-64"};
    struct julia_image image;

    if (how & 8) {
        assemble(&f, &c);
    } else if (how & 32) {
        make_later(&f, &c);
        in.big = false;
        in.wide = true;
        edit(&f, &c);
    } else {
        make_fake(&f, how & 1, how & 2, how & 4 ? 28 : 29);
        edit(&f, &c);
    }
    if (julia_read(&d, &a, &in, &image) != (d.status == OK))
        abort();
    sink = touch(&image);
    (void)sink;
    if (d.status == OK && image.has_heap && f.wide && !f.big)
        rewrite(&f, &a, &in, &image);
    arena_free(&a);
    free_fake(&f);
    return 0;
}
