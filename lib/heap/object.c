/* SPDX-License-Identifier: GPL-3.0-or-later */
/* object.c - a heap container as an object (object.h). */

#include "heap/object.h"

#include "arch/arch.h"

#include <inttypes.h>

/* Every import is a whole address; what it is the address of, its symbol says. */
enum { HEAP_ADDRESS = 1 };
static const struct reloc_type types[] = {
    {"HEAP_ADDRESS", WHAT_SYMBOL, FROM_ZERO, &data64, 0, 0},
};
static const struct reloc_range rows[] = {{HEAP_ADDRESS, 1, types}, {0}};

/* What the reader keeps beside the heap. */
struct heap_object_view {
    struct heap heap;     /* first: object.heap points here */
    uint32_t *stub_index; /* for each import */
    uint32_t *stubs;      /* the imports with one */
    uint32_t stub_count;
};

static const struct heap_object_view *view_of(const struct object *o)
{
    return (const struct heap_object_view *)o->heap;
}

uint32_t heap_stub_index(const struct object *o, uint32_t import)
{
    return view_of(o)->stub_index[import];
}

bool heap_slot_is_stub(const struct object *o, const struct heap_import_slot *slot)
{
    return heap_has_stub(&o->heap->imports[slot->import]) && slot->addend == 0 &&
           !o->direct_functions;
}

uint64_t heap_span(const struct object *o)
{
    const struct section *last = &o->sections[heap_stub_section(o->heap)];

    /* Native images have no stubs. */
    return last->size && !(last->flags & SEC_EXCLUDE) ? last->addr + last->size : o->heap->span;
}

static bool make_sections(struct diag *d, struct arena *a, struct object *o)
{
    static const struct {
        const char *name;
        uint32_t flags;
    } kinds[] = {
        [SIMG_SEGMENT_READ_ONLY] = {".heap.ro", 0},
        [SIMG_SEGMENT_READ_WRITE] = {".heap", SEC_WRITE},
        [SIMG_SEGMENT_ZERO] = {".heap.zero", SEC_WRITE | SEC_ZERO},
        [SIMG_SEGMENT_CODE] = {".heap.code", SEC_EXEC},
    };
    const struct heap *h = o->heap;

    o->section_count = h->segment_count + 3;
    if (!(o->sections = arena_alloc(a, o->section_count, sizeof *o->sections)))
        return diag_nomem(d);
    o->sections[0].name = "";
    for (uint32_t i = 0; i < h->segment_count; i++) {
        const struct heap_segment *g = &h->segments[i];
        struct section *s = &o->sections[heap_section(i)];

        *s = (struct section){
            .name = kinds[g->kind].name,
            .flags = SEC_ALLOC | SEC_RETAIN | kinds[g->kind].flags,
            .align_log2 = g->align_log2,
            .addr = g->addr,
            .size = g->size,
            .data = g->data,
            .slots = g->slots.count ? &g->slots : NULL,
            .reloc_size = SIMG_IMPORT_SLOT_SIZE,
        };
        if (g->kind != SIMG_SEGMENT_ZERO && !s->data.at) {
            uint8_t *plain = arena_alloc(a, 1, g->size);

            if (!plain)
                return diag_nomem(d);
            if (!heap_unpack(d, h, i, plain))
                return false;
            s->data = (struct span){plain, g->size};
        }
    }
    return true;
}

/* Import slots are sorted by place, as segments are: each segment's are a run. */
static void give_imports(struct object *o)
{
    const struct heap *h = o->heap;
    uint64_t first = 0;

    for (uint32_t i = 0; i < h->segment_count; i++) {
        struct section *s = &o->sections[heap_section(i)];
        uint64_t end = first;

        while (end < h->import_slot_count && heap_import_slot_at(h, end).place < s->addr + s->size)
            end++;
        s->relocs.at = h->import_slots.at ? h->import_slots.at + first * s->reloc_size : NULL;
        s->relocs.size = (end - first) * s->reloc_size;
        s->reloc_count = end - first;
        first = end;
    }
}

static bool make_stubs(struct diag *d, struct arena *a, struct heap_object_view *v,
                       struct object *o)
{
    const struct heap *h = &v->heap;
    struct section *table = &o->sections[heap_table_section(h)];
    struct section *stubs = &o->sections[heap_stub_section(h)];
    uint64_t page = UINT64_C(1) << SIMG_SEGMENT_ALIGN_LOG2;

    if (!(v->stub_index = arena_alloc(a, h->import_count + 1ull, sizeof *v->stub_index)) ||
        !(v->stubs = arena_alloc(a, h->import_count + 1ull, sizeof *v->stubs)))
        return diag_nomem(d);
    for (uint32_t i = 0; i < h->import_count; i++)
        if (heap_has_stub(&h->imports[i])) {
            v->stub_index[i] = v->stub_count;
            v->stubs[v->stub_count++] = i;
        }
    *table = (struct section){
        .name = ".heap.got",
        .flags = SEC_ALLOC | SEC_RETAIN,
        .align_log2 = SIMG_SEGMENT_ALIGN_LOG2,
        .addr = align_up(h->span, page),
        .size = 8ull * v->stub_count,
        .reloc_count = v->stub_count,
    };
    *stubs = (struct section){
        .name = ".heap.plt",
        .flags = SEC_ALLOC | SEC_RETAIN | SEC_EXEC,
        .align_log2 = SIMG_SEGMENT_ALIGN_LOG2,
        .addr = align_up(table->addr + table->size, page),
        .size = (uint64_t)SIMG_STUB_SIZE * v->stub_count,
    };
    if (v->stub_count == 0)
        return true;
    table->data = (struct span){arena_alloc(a, v->stub_count, 8), table->size};
    stubs->data = (struct span){arena_alloc(a, v->stub_count, SIMG_STUB_SIZE), stubs->size};
    return (table->data.at && stubs->data.at) || diag_nomem(d);
}

static bool make_symbols(struct diag *d, struct arena *a, struct object *o)
{
    const struct heap *h = o->heap;

    o->symbol_count = heap_import_symbol(h, h->import_count);
    o->first_global = heap_root_symbol(h, 0);
    if (!(o->symbols = arena_alloc(a, o->symbol_count, sizeof *o->symbols)))
        return diag_nomem(d);
    o->symbols[0].name = "";
    for (uint32_t i = 1; i < o->section_count; i++)
        o->symbols[heap_section_symbol(i)] =
            (struct symbol){.name = "", .section = i, .kind = KIND_SECTION};
    for (uint32_t i = 0; i < h->root_count; i++) {
        const struct heap_root *r = &h->roots[i];

        o->symbols[heap_root_symbol(h, i)] = (struct symbol){
            .name = r->name,
            .value = r->addr - h->segments[r->segment].addr,
            .size = r->size,
            .section = heap_section(r->segment),
            .binding = BIND_GLOBAL,
            .kind = r->kind == SIMG_ROOT_FUNCTION ? KIND_FUNC : KIND_OBJECT,
        };
    }
    for (uint32_t i = 0; i < h->import_count; i++)
        o->symbols[heap_import_symbol(h, i)] = (struct symbol){
            .name = h->imports[i].name,
            .binding = h->imports[i].weak ? BIND_WEAK : BIND_GLOBAL,
            .kind = h->imports[i].kind == SIMG_IMPORT_FUNCTION ? KIND_FUNC : KIND_NONE,
        };
    return true;
}

bool heap_make_object(struct diag *d, struct arena *a, const char *name, const struct heap *h,
                      struct object *out)
{
    struct heap_object_view *v = arena_alloc(a, 1, sizeof *v);

    *out = (struct object){.name = name,
                           .format = &format_heap,
                           .kind = OBJ_RELOCATABLE,
                           .wide = true,
                           .rows = rows,
                           .file = h->file};
    if (!v)
        return diag_nomem(d);
    v->heap = *h;
    out->heap = &v->heap;
    out->big = v->heap.big;
    if (!make_sections(d, a, out) || !make_stubs(d, a, v, out) || !make_symbols(d, a, out))
        return false;
    give_imports(out);
    return true;
}

static bool read(struct diag *d, struct arena *a, const char *name, struct span in,
                 struct object *out)
{
    struct heap h;

    *out = (struct object){.name = name, .format = &format_heap};
    return heap_read(d, a, name, in, &h) && heap_make_object(d, a, name, &h, out);
}

/* An import's slot holds the symbol's address, or its stub's. */
static struct reloc import_slot(const struct object *o, uint32_t section, uint64_t index)
{
    const struct heap *h = o->heap;
    const struct section *s = &o->sections[section];
    uint64_t first = (uint64_t)(s->relocs.at - h->import_slots.at) / SIMG_IMPORT_SLOT_SIZE;
    struct heap_import_slot slot = heap_import_slot_at(h, first + index);
    struct reloc r = {.offset = slot.place - s->addr,
                      .addend = slot.addend,
                      .symbol = heap_import_symbol(h, slot.import),
                      .number = HEAP_ADDRESS,
                      .type = &types[0]};

    if (heap_slot_is_stub(o, &slot)) {
        r.symbol = heap_section_symbol(heap_stub_section(h));
        r.addend = (int64_t)heap_stub_index(o, slot.import) * SIMG_STUB_SIZE;
    }
    return r;
}

static bool relocs(struct diag *d, const struct object *o, uint32_t section, uint64_t first,
                   struct reloc *out, unsigned max, unsigned *got)
{
    const struct section *s = &o->sections[section];
    uint64_t left = s->reloc_count - first;
    unsigned n = left < max ? (unsigned)left : max;

    (void)d; /* heap_read() has checked them */
    for (unsigned i = 0; i < n; i++) {
        if (section != heap_table_section(o->heap)) {
            out[i] = import_slot(o, section, first + i);
            continue;
        }
        out[i] = (struct reloc){.offset = 8 * (first + i),
                                .symbol = heap_import_symbol(o->heap, view_of(o)->stubs[first + i]),
                                .number = HEAP_ADDRESS,
                                .type = &types[0]};
    }
    *got = n;
    return true;
}

const struct format format_heap = {
    .name = "heap",
    .is = heap_is,
    .read = read,
    .relocs = relocs,
};
