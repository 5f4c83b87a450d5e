/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_cache.c - the reader of an engine's register and arena, on anything.
 *
 * The first byte: bit 0, big-endian; bit 1, an arena, else a register.  Bit 2
 * clear: the rest edits a sound one, each edit an offset (2 bytes) and a value
 * (4 bytes).  Set: the rest is the bytes themselves, which the audit of texts
 * goes through as well. */

#include <stdlib.h>

#include "heap/audit.h"
#include "heap/cache.h"
#include "tests/support/cache_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Look at every byte that was accepted. */
static uint64_t look_at_register(struct span in, bool big)
{
    struct heap_cache_register r;
    struct arena a = {0};
    struct diag d = {0};
    uint64_t sum = 0;

    if (heap_cache_read_register(&d, &a, in, big, &r) != (d.status == OK))
        abort();
    for (uint32_t i = 0; i < r.source_count; i++)
        sum += strlen(r.sources[i].name);
    for (uint32_t i = 0; i < r.function_count; i++) {
        if (r.functions[i].source >= r.source_count &&
            r.functions[i].source != HEAP_CACHE_NO_SOURCE)
            abort();
        sum += strlen(r.functions[i].name);
    }
    for (uint32_t i = 0; i < r.module_count; i++)
        sum += strlen(r.modules[i].name) + strlen(r.modules[i].build);
    for (uint32_t i = 0; i < r.type_count; i++)
        sum += strlen(r.types[i]);
    if (d.status == OK)
        sum += strlen(r.inputs) + strlen(r.cpu) + heap_cache_checksum(&r);
    arena_free(&a);
    return sum;
}

static void look_at_arena(struct span in, bool big)
{
    struct heap_segment segment = {0};
    struct heap h = {.segments = &segment, .segment_count = 1};
    struct heap_cache_arena out;
    struct heap_objects it;
    struct heap_object o;
    struct arena a = {0};
    struct diag d = {0};
    uint64_t count = 0, bytes = 0, end = 0;

    if (heap_cache_read_arena(&d, &a, in, big, CARENA_CODE, 2, &out) != (d.status == OK))
        abort();
    segment.objects = out.objects;
    segment.object_count = out.live_count;
    heap_objects_begin(&h, 0, &it);
    while (heap_objects_next(&it, &o)) {
        if (o.offset < end || o.offset + o.size > in.size || o.type > 2)
            abort();
        end = o.offset + o.size;
        bytes += o.size + HEAP_CACHE_HEADER;
        count++;
    }
    if (count != out.live_count || bytes != out.live_bytes)
        abort();
    arena_free(&a);
}

static bool look_at_text(void *arg, const struct audit_find *f)
{
    const struct span *in = arg;

    if (f->at + f->text.size + f->hidden > in->size)
        abort();
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile uint64_t sink;
    struct cursor c = {.in = {data, size}};
    uint8_t how = cur_u8(&c), *bytes = malloc(CARENA_BYTES + CREG_SIZE);
    bool big = how & 1, arena = how & 2;
    struct span in = {bytes, arena ? CARENA_BYTES : CREG_SIZE};

    if (!bytes)
        abort();
    if (how & 4) {
        span_sub(c.in, c.pos, size - c.pos, &in);
        heap_audit(in, look_at_text, &in);
    } else if (arena) {
        make_cache_arena(bytes, big);
    } else {
        make_cache_register(bytes, big);
    }
    while (!(how & 4) && cur_count(&c, 1, 6)) {
        uint64_t at = cur_u16(&c) % (in.size - 3);

        store_uint(bytes + at, 4, false, cur_u32(&c));
    }
    if (arena)
        look_at_arena(in, big);
    else
        sink += look_at_register(in, big);
    (void)sink;
    free(bytes);
    return 0;
}
