/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_image.c - make a small image of Julia 1.5. */

#include "tests/support/julia_image.h"

#include <stdlib.h>

struct fake_piece *add(struct fake *f, const char *name)
{
    if (f->count == sizeof f->piece / sizeof f->piece[0])
        abort();
    f->piece[f->count].name = name;
    return &f->piece[f->count++];
}

struct fake_piece *find(struct fake *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->piece[i].name, name) == 0)
            return &f->piece[i];
    return NULL;
}

void put(struct fake *f, struct fake_piece *p, unsigned n, uint64_t v)
{
    p->bytes = realloc(p->bytes, p->count + n);
    if (!p->bytes)
        abort();
    store_uint(p->bytes + p->count, n, f->big, v);
    p->count += n;
    p->size = p->count;
}

static void put32(struct fake *f, struct fake_piece *p, uint64_t v) { put(f, p, 4, v); }
void put_word(struct fake *f, struct fake_piece *p, uint64_t v) { put(f, p, f->pointer_size, v); }

static void put_zeros_to(struct fake *f, struct fake_piece *p, size_t end)
{
    while (p->count < end)
        put(f, p, 1, 0);
}

/* A length and a string. */
static void put_string(struct fake *f, struct fake_piece *p, const char *s)
{
    put32(f, p, strlen(s));
    for (; *s; s++)
        put(f, p, 1, (uint8_t)*s);
}

static uint64_t ref(const struct fake *f, enum julia_ref kind, uint64_t which)
{
    return ((uint64_t)kind << f->tag_bit) + which;
}

/* Two objects, at 16 and at 32, their type tags in front of them; in the
   first one reference, in the second one of each other kind. */
static void make_heap(struct fake *f, struct fake_piece *p)
{
    const unsigned w = f->pointer_size;

    put32(f, p, 32 + 5 * w - 4); /* objects */
    put_zeros_to(f, p, 16 - w);
    put_word(f, p, ref(f, JULIA_REF_OBJECT, 32));
    put_word(f, p, ref(f, JULIA_REF_CONSTANT, 1));
    put_zeros_to(f, p, 32 - w);
    put_word(f, p, ref(f, JULIA_REF_BINDING, 0));
    put_word(f, p, ref(f, JULIA_REF_NAME, 1));
    put_word(f, p, ref(f, JULIA_REF_TAG, 2305));
    put_word(f, p, ref(f, JULIA_REF_FUNCTION, 2));
    put_word(f, p, ref(f, JULIA_REF_BUILTIN, 9));
    put_word(f, p, ref(f, JULIA_REF_OBJECT, 16));

    put32(f, p, 24); /* constants */
    put_zeros_to(f, p, (p->count + 15) / 16 * 16 + 24);

    put32(f, p, 15); /* names */
    put_string(f, p, "main");
    put(f, p, 1, 0);
    put_string(f, p, "x");
    put(f, p, 1, 0);

    put32(f, p, 4 * 10); /* relocations: tags, then pointers */
    put32(f, p, 16 - w);
    put32(f, p, 32 - w);
    put32(f, p, 0);
    put32(f, p, 16);
    for (unsigned i = 0; i < 5; i++)
        put32(f, p, 32 + i * w);
    put32(f, p, 0);

    put32(f, p, 8); /* globals */
    put32(f, p, ref(f, JULIA_REF_OBJECT, 32));
    put32(f, p, 0);

    put32(f, p, 3 * w); /* functions: specialized, generic, unused */
    for (unsigned i = 0; i < 3; i++) {
        static const uint32_t where[] = {16, ~UINT32_C(32), 0};

        put32(f, p, where[i]);
        put_zeros_to(f, p, p->count + w - 4);
    }

    f->tail = p->count;
    put32(f, p, ref(f, JULIA_REF_OBJECT, 16)); /* roots */
    put32(f, p, 0);
    put32(f, p, ref(f, JULIA_REF_NAME, 0));
    put32(f, p, ref(f, JULIA_REF_OBJECT, 32)); /* the root task's locals */
    put32(f, p, 7);                            /* counters */
    put32(f, p, 27813);
    put32(f, p, 3943);
    put32(f, p, 32); /* to reinitialize */
    put32(f, p, 2);
    put32(f, p, 16);
    put32(f, p, 1);
    put32(f, p, 0);
    put32(f, p, 16); /* callable from C */
    put32(f, p, 3);
    put32(f, p, 0);
}

static void make_code(struct fake *f)
{
    struct fake_piece *p = add(f, "jl_sysimg_fvars_offsets");

    put32(f, p, 3);
    put_zeros_to(f, p, 16);
    p = add(f, "jl_sysimg_gvars_offsets");
    put32(f, p, 2);
    put_zeros_to(f, p, 12);

    p = add(f, "jl_dispatch_target_ids");
    put32(f, p, 2);
    put32(f, p, 0);
    put32(f, p, 3);
    put32(f, p, 1 << 13 | 1 << 23); /* enabled */
    put32(f, p, 0);
    put32(f, p, 0);
    put32(f, p, 1 << 28); /* disabled */
    put32(f, p, 1 << 2);
    put32(f, p, 1 << 5);
    put_string(f, p, "generic");
    put_string(f, p, "");
    put32(f, p, JULIA_CLONE_LOOP | JULIA_UNKNOWN_NAME);
    put32(f, p, 0);
    put_string(f, p, "zen9");
    put_string(f, p, "+sse9");

    p = add(f, "jl_dispatch_fvars_idxs");
    put32(f, p, 0x80000001); /* a full copy with one slot */
    put32(f, p, 2);
    put32(f, p, 2); /* two clones on top of target 0 */
    put32(f, p, 0);
    put32(f, p, 1);
    put32(f, p, 0x80000002);
    p = add(f, "jl_dispatch_fvars_offsets");
    put_zeros_to(f, p, 8);
    p = add(f, "jl_dispatch_reloc_slots");
    put32(f, p, 1);
    put32(f, p, 2);
    put32(f, p, 0x40);
}

void make_fake(struct fake *f, bool big, bool wide, unsigned tag_bit)
{
    struct fake_piece *data;

    *f = (struct fake){.big = big, .wide = wide, .tag_bit = tag_bit, .pointer_size = wide ? 8 : 4};
    make_code(f);
    data = add(f, "jl_system_image_data");
    make_heap(f, data);
    put_word(f, add(f, "jl_system_image_size"), data->count);
    put_word(f, add(f, "jl_globalUnique"), 7);
    add(f, "jl_sysimg_fvars_base")->size = 120; /* the rest has nothing in it to read */
    add(f, "jl_sysimg_gvars_base")->size = f->pointer_size;
    add(f, "jl_RTLD_DEFAULT_handle_pointer")->size = f->pointer_size;
    add(f, "jl_get_ptls_states_slot")->size = f->pointer_size;
    add(f, "jl_tls_offset")->size = f->pointer_size;
}

void make_later_fake(struct fake *f, int minor, const uint8_t *heap, size_t size)
{
    struct fake_piece *data;

    *f = (struct fake){.wide = true, .pointer_size = 8};
    data = add(f, "jl_system_image_data");
    data->bytes = malloc(size);
    if (!data->bytes)
        abort();
    memcpy(data->bytes, heap, size);
    data->count = data->size = size;
    put_word(f, add(f, "jl_system_image_size"), size);
    add(f, minor == 9 ? "jl_tls_offset_image" : "jl_image_pointers");
    if (minor >= 13)
        add(f, "jl_image_unpack");
    if (minor >= 14)
        add(f, "jl_system_image_checksum");
}

void free_fake(struct fake *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->piece[i].bytes);
}

bool fake_lookup(void *arg, const char *name, struct julia_found *out)
{
    struct fake_piece *p = find(arg, name);

    if (p)
        *out = (struct julia_found){{p->bytes, p->count}, p->size};
    return p;
}
