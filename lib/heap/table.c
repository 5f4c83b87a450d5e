/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.c - the rows of an image's table of heaps. */

#include "heap/table.h"

void table_begin(struct table_maker *m)
{
    *m = (struct table_maker){0};
    strtab_add(&m->strings, "");
}

void table_add_part(struct table_maker *m, const struct object *o, uint32_t section,
                    const struct table_part *part)
{
    const struct heap *h = o->heap;
    const struct heap_segment *g =
        section <= h->segment_count ? &h->segments[section - 1] : NULL;
    const struct section *s = &o->sections[section];
    struct buf *b = &m->segments;

    buf_uint(b, s->addr, 8);
    buf_uint(b, s->size, 8);
    buf_uint(b,
             SIMG_PROT_R | (s->flags & SEC_WRITE ? SIMG_PROT_W : 0u) |
                 (s->flags & SEC_EXEC ? SIMG_PROT_X : 0u),
             4);
    buf_uint(b,
             (part->loaded_writable ? SIMG_SEG_LOADED_WRITABLE : 0u) |
                 (s->flags & SEC_ZERO ? SIMG_SEG_ZERO : 0u) |
                 (section == heap_table_section(h) ? SIMG_SEG_IMPORTS : 0u) |
                 (section == heap_stub_section(h) ? SIMG_SEG_STUBS : 0u),
             4);
    buf_uint(b,
             g                                 ? g->kind
             : section == heap_stub_section(h) ? SIMG_SEGMENT_CODE
                                               : SIMG_SEGMENT_READ_ONLY,
             4);
    buf_uint(b, strtab_add(&m->strings, g ? g->name : ""), 4);
    buf_uint(b, (uint64_t)part->bits, 8);
    buf_uint(b, part->bits_size, 8);
    buf_uint(b, (uint64_t)part->odd, 8);
    buf_uint(b, part->odd_count, 8);
    buf_uint(b, part->slot_count, 8);
    buf_uint(b, part->checksum, 8);
    m->head.segment_count++;
}

void table_add_import_slot(struct table_maker *m, const struct heap_import_slot *slot)
{
    buf_uint(&m->import_slots, slot->place, 8);
    buf_uint(&m->import_slots, slot->import, 4);
    buf_uint(&m->import_slots, 0, 4);
    buf_uint(&m->import_slots, (uint64_t)slot->addend, 8);
    m->head.import_slot_count++;
}

static void add_root(struct table_maker *m, const struct heap_root *r)
{
    buf_uint(&m->roots, strtab_add(&m->strings, r->name), 4);
    buf_uint(&m->roots, r->kind, 4);
    buf_uint(&m->roots, r->addr, 8);
    buf_uint(&m->roots, r->size, 8);
    m->head.root_count++;
}

static void add_import(struct table_maker *m, const struct object *o, uint32_t n)
{
    const struct heap_import *i = &o->heap->imports[n];
    bool stub = heap_has_stub(i) && !o->direct_functions;
    const struct section *table = &o->sections[heap_table_section(o->heap)];

    buf_uint(&m->imports, strtab_add(&m->strings, i->name), 4);
    buf_uint(&m->imports, i->kind, 2);
    buf_uint(&m->imports, i->weak, 2);
    buf_uint(&m->imports, stub ? table->addr + 8ull * heap_stub_index(o, n) : SIMG_NO_PLACE, 8);
    m->head.import_count++;
}

static void add_meta(struct table_maker *m, const struct heap_meta *meta)
{
    buf_uint(&m->metas, strtab_add(&m->strings, meta->key), 4);
    buf_uint(&m->metas, strtab_add(&m->strings, meta->value), 4);
    m->head.meta_count++;
}

void table_add_heap(struct table_maker *m, const struct table_heap *heap)
{
    const struct heap *h = heap->o->heap;
    uint32_t roots = m->head.root_count, imports = m->head.import_count;
    uint32_t metas = m->head.meta_count;
    struct buf *b = &m->heaps;

    for (uint32_t i = 0; i < h->root_count; i++)
        add_root(m, &h->roots[i]);
    for (uint32_t i = 0; i < h->import_count; i++)
        add_import(m, heap->o, i);
    for (uint32_t i = 0; i < h->meta_count; i++)
        add_meta(m, &h->metas[i]);
    buf_uint(b, (uint64_t)heap->at, 8);
    buf_uint(b, heap->base, 8);
    buf_uint(b, heap_span(heap->o), 8);
    buf_uint(b, heap->mode, 4);
    buf_uint(b, heap->flags, 4);
    buf_uint(b, h->address_bits, 4);
    buf_uint(b, m->segments_told, 4);
    buf_uint(b, m->head.segment_count - m->segments_told, 4);
    buf_uint(b, roots, 4);
    buf_uint(b, h->root_count, 4);
    buf_uint(b, imports, 4);
    buf_uint(b, h->import_count, 4);
    buf_uint(b, metas, 4);
    buf_uint(b, h->meta_count, 4);
    buf_uint(b, align_up(h->written, SIMG_WRITTEN_UNIT) / SIMG_WRITTEN_UNIT, 4);
    buf_uint(b, m->import_slots_told, 8);
    buf_uint(b, m->head.import_slot_count - m->import_slots_told, 8);
    buf_uint(b, heap->slot_count, 8);
    buf_bytes(b, h->id, sizeof h->id);
    buf_uint(b, strtab_add(&m->strings, h->runtime), 4);
    buf_uint(b, strtab_add(&m->strings, h->version), 4);
    buf_uint(b, strtab_add(&m->strings, h->build_id), 4);
    buf_uint(b, strtab_add(&m->strings, h->flags), 4);
    m->segments_told = m->head.segment_count;
    m->import_slots_told = m->head.import_slot_count;
    m->head.heap_count++;
}

/* The parts one after another behind the header; strings last. */
void table_finish(struct table_maker *m, uint32_t machine, struct buf *out)
{
    struct simg_table *t = &m->head;
    const struct {
        struct buf *from;
        uint64_t *at;
    } parts[] = {
        {&m->heaps, &t->heaps},        {&m->segments, &t->segments},         {&m->roots, &t->roots},
        {&m->imports, &t->imports},    {&m->import_slots, &t->import_slots}, {&m->metas, &t->metas},
        {&m->strings.out, &t->strings}};
    enum { PARTS = sizeof parts / sizeof *parts };
    uint64_t at = sizeof *t;

    for (size_t i = 0; i < PARTS; i++) {
        *parts[i].at = at;
        at = align_up(at + parts[i].from->size, 8);
    }
    buf_bytes(out, SIMG_TABLE_MAGIC, 8);
    buf_uint(out, SIMG_TABLE_VERSION, 4);
    buf_uint(out, sizeof *t, 4);
    buf_uint(out, at, 8);
    buf_uint(out, 0, 8); /* the checksum */
    buf_uint(out, machine, 4);
    buf_uint(out, 0, 4);
    buf_uint(out, t->heap_count, 4);
    buf_uint(out, t->segment_count, 4);
    buf_uint(out, t->root_count, 4);
    buf_uint(out, t->import_count, 4);
    buf_uint(out, t->meta_count, 4);
    buf_uint(out, m->strings.out.size, 4);
    buf_uint(out, t->import_slot_count, 8);
    for (size_t i = 0; i < PARTS; i++)
        buf_uint(out, *parts[i].at, 8);
    for (size_t i = 0; i < PARTS; i++) {
        buf_bytes(out, parts[i].from->at, parts[i].from->size);
        buf_align(out, 8);
        out->bad = out->bad || parts[i].from->bad;
    }
}

void table_free(struct table_maker *m)
{
    buf_free(&m->heaps);
    buf_free(&m->segments);
    buf_free(&m->roots);
    buf_free(&m->imports);
    buf_free(&m->import_slots);
    buf_free(&m->metas);
    strtab_free(&m->strings);
}

void table_note(uint8_t note[TABLE_NOTE_SIZE], uint64_t place, uint64_t table_size)
{
    memset(note, 0, TABLE_NOTE_SIZE);
    store_uint(note, 4, false, sizeof SIMG_NOTE_NAME);
    store_uint(note + 4, 4, false, sizeof(struct simg_note));
    store_uint(note + 8, 4, false, SIMG_NOTE_TABLE);
    memcpy(note + 12, SIMG_NOTE_NAME, sizeof SIMG_NOTE_NAME);
    store_uint(note + TABLE_NOTE_HEAD, 4, false, SIMG_TABLE_VERSION);
    store_uint(note + TABLE_NOTE_PLACE, 8, false, place);
    store_uint(note + TABLE_NOTE_PLACE + 8, 8, false, table_size);
}
