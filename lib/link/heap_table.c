/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_table.c - what the image says of its heaps (docs/image-format.md): the
 * note, the table, the slot maps, the stubs, and the checksums. */

#include "base/par.h"
#include "elf/elf.h"
#include "heap/object.h"
#include "link/link.h"

#include <stdlib.h>
#include <sysimage/format.h>
#include <unistd.h>
#include <xxhash.h>

/* ---- the table ---- */

/* The table in the making: made once for its size, and once for good. */
struct maker {
    const struct link *l;
    struct simg_table head;
    struct buf heaps, segments, roots, imports, import_slots, metas;
    struct strtab strings;
    uint64_t addr; /* of the table; 0 before it has one */
    bool placed;   /* it has */
    bool written;  /* the blocks' hashes are known */
};

static int64_t distance(const struct maker *m, uint64_t addr)
{
    return m->placed ? (int64_t)(addr - m->addr) : 0;
}

static uint32_t prot_of(const struct section *s)
{
    return SIMG_PROT_R | (s->flags & SEC_WRITE ? SIMG_PROT_W : 0u) |
           (s->flags & SEC_EXEC ? SIMG_PROT_X : 0u);
}

/* Of the bytes that the file holds; known when they are written. */
static uint64_t checksum(const struct lsec *s, bool written)
{
    uint64_t blocks = (s->size + SIMG_CHECK_BLOCK - 1) / SIMG_CHECK_BLOCK;

    return written ? XXH3_64bits(s->heap->blocks, blocks * sizeof *s->heap->blocks) : 0;
}

static void add_segment(struct maker *m, const struct lobj *o, uint32_t n)
{
    const struct heap *h = o->o.heap;
    const struct lsec *s = &o->secs[n];
    const struct heap_segment *g = n <= h->segment_count ? &h->segments[n - 1] : NULL;
    struct buf *b = &m->segments;
    bool zero = s->sec->flags & SEC_ZERO;

    if (!s->live || s->size == 0)
        return;
    buf_uint(b, s->sec->addr, 8);
    buf_uint(b, s->size, 8);
    buf_uint(b, prot_of(s->sec), 4);
    buf_uint(b,
             (s->late_rights ? SIMG_SEG_LOADED_WRITABLE : 0u) | (zero ? SIMG_SEG_ZERO : 0u) |
                 (n == heap_table_section(h) ? SIMG_SEG_IMPORTS : 0u) |
                 (n == heap_stub_section(h) ? SIMG_SEG_STUBS : 0u),
             4);
    buf_uint(b,
             g                           ? g->kind
             : n == heap_stub_section(h) ? SIMG_SEGMENT_CODE
                                         : SIMG_SEGMENT_READ_ONLY,
             4);
    buf_uint(b, strtab_add(&m->strings, g ? g->name : ""), 4);
    buf_uint(b, s->heap->bits ? (uint64_t)distance(m, lsec_addr_or_0(s->heap->bits)) : 0, 8);
    buf_uint(b, s->heap->bits ? s->heap->bits->size : 0, 8);
    buf_uint(b, s->heap->odd ? (uint64_t)distance(m, lsec_addr_or_0(s->heap->odd)) : 0, 8);
    buf_uint(b, s->heap->odd ? s->heap->slots.odd_count : 0, 8);
    buf_uint(b, s->heap->slots.count, 8);
    buf_uint(b, zero ? 0 : checksum(s, m->written), 8);
    m->head.segment_count++;
}

static void add_root(struct maker *m, const struct heap_root *r)
{
    buf_uint(&m->roots, strtab_add(&m->strings, r->name), 4);
    buf_uint(&m->roots, r->kind, 4);
    buf_uint(&m->roots, r->addr, 8);
    buf_uint(&m->roots, r->size, 8);
    m->head.root_count++;
}

static void add_import(struct maker *m, const struct lobj *o, uint32_t n)
{
    const struct heap_import *i = &o->o.heap->imports[n];
    bool stub = heap_has_stub(i) && !o->o.direct_functions;
    const struct section *table = &o->o.sections[heap_table_section(o->o.heap)];

    buf_uint(&m->imports, strtab_add(&m->strings, i->name), 4);
    buf_uint(&m->imports, i->kind, 2);
    buf_uint(&m->imports, i->weak, 2);
    buf_uint(&m->imports, stub ? table->addr + 8ull * heap_stub_index(&o->o, n) : SIMG_NO_PLACE, 8);
    m->head.import_count++;
}

/* Import I is defined in this image, so the heap cannot do without it. */
static bool is_inside(const struct lobj *o, uint32_t i)
{
    const struct lsym *s = lobj_sym(o, heap_import_symbol(o->o.heap, i));

    return lsym_defined(s) && !lsym_is_constant(s);
}

/* The slots that hold an import's own address, as far as the loader fills
   them. */
static uint64_t add_import_slots(struct maker *m, const struct lobj *o)
{
    const struct heap *h = o->o.heap;
    uint64_t count = 0;

    for (uint64_t i = 0; i < h->import_slot_count; i++) {
        struct heap_import_slot slot = heap_import_slot_at(h, i);
        const struct lsym *s = lobj_sym(o, heap_import_symbol(h, slot.import));

        if ((heap_has_stub(&h->imports[slot.import]) && slot.addend == 0 &&
             !o->o.direct_functions) ||
            !lsym_preemptible(s))
            continue;
        buf_uint(&m->import_slots, slot.place, 8);
        buf_uint(&m->import_slots, slot.import, 4);
        buf_uint(&m->import_slots, 0, 4);
        buf_uint(&m->import_slots, (uint64_t)slot.addend, 8);
        count++;
    }
    m->head.import_slot_count += count;
    return count;
}

static uint32_t heap_flags(const struct maker *m, const struct lobj *o)
{
    uint32_t flags = m->l->opt->heap_relocs == HEAP_RELOCS_DEFAULT ||
                             m->l->opt->heap_relocs == HEAP_RELOCS_PRELINKED
                         ? SIMG_HEAP_HAS_SLOTS
                         : 0;

    for (uint32_t i = 0; i < o->o.heap->import_count; i++)
        if (is_inside(o, i))
            flags |= SIMG_HEAP_NEEDS_IMAGE;
    return flags;
}

static void add_heap(struct maker *m, const struct lobj *o)
{
    static const uint32_t modes[] = {[HEAP_RELOCS_DEFAULT] = SIMG_MODE_PRELINKED,
                                     [HEAP_RELOCS_NATIVE] = SIMG_MODE_NATIVE,
                                     [HEAP_RELOCS_PRELINKED] = SIMG_MODE_PRELINKED,
                                     [HEAP_RELOCS_NONE] = SIMG_MODE_NONE};
    const struct heap *h = o->o.heap;
    uint32_t mode = modes[m->l->opt->heap_relocs];
    uint32_t segments = m->head.segment_count, roots = m->head.root_count;
    uint32_t imports = m->head.import_count, metas = m->head.meta_count;
    uint64_t import_slots = m->head.import_slot_count, slots = 0;
    struct buf *b = &m->heaps;

    for (uint32_t n = 1; n < o->o.section_count; n++) {
        add_segment(m, o, n);
        slots += o->secs[n].live ? (mode == SIMG_MODE_NONE && o->secs[n].sec->slots
                                        ? o->secs[n].sec->slots->count
                                        : o->secs[n].heap->slots.count)
                                 : 0;
    }
    for (uint32_t i = 0; i < h->root_count; i++)
        add_root(m, &h->roots[i]);
    for (uint32_t i = 0; i < h->import_count; i++)
        add_import(m, o, i);
    for (uint32_t i = 0; i < h->meta_count; i++, m->head.meta_count++) {
        buf_uint(&m->metas, strtab_add(&m->strings, h->metas[i].key), 4);
        buf_uint(&m->metas, strtab_add(&m->strings, h->metas[i].value), 4);
    }
    buf_uint(b, (uint64_t)distance(m, o->heap_base), 8);
    buf_uint(b, mode == SIMG_MODE_NONE ? 0 : o->heap_base, 8);
    buf_uint(b, heap_span(&o->o), 8);
    buf_uint(b, mode, 4);
    buf_uint(b, heap_flags(m, o), 4);
    buf_uint(b, h->address_bits, 4);
    buf_uint(b, segments, 4);
    buf_uint(b, m->head.segment_count - segments, 4);
    buf_uint(b, roots, 4);
    buf_uint(b, h->root_count, 4);
    buf_uint(b, imports, 4);
    buf_uint(b, h->import_count, 4);
    buf_uint(b, metas, 4);
    buf_uint(b, h->meta_count, 4);
    buf_uint(b, 0, 4);
    buf_uint(b, import_slots, 8);
    buf_uint(b, add_import_slots(m, o), 8);
    buf_uint(b, slots, 8);
    buf_bytes(b, h->id, sizeof h->id);
    buf_uint(b, strtab_add(&m->strings, h->runtime), 4);
    buf_uint(b, strtab_add(&m->strings, h->version), 4);
    buf_uint(b, strtab_add(&m->strings, h->build_id), 4);
    buf_uint(b, strtab_add(&m->strings, h->flags), 4);
    m->head.heap_count++;
}

/* The parts one after another behind the header; strings last. */
static void assemble(struct maker *m, struct buf *out)
{
    struct simg_table *t = &m->head;
    const struct {
        struct buf *from;
        uint64_t *at;
    } parts[] = {
        {&m->heaps, &t->heaps},        {&m->segments, &t->segments},         {&m->roots, &t->roots},
        {&m->imports, &t->imports},    {&m->import_slots, &t->import_slots}, {&m->metas, &t->metas},
        {&m->strings.out, &t->strings}};
    uint64_t at = sizeof *t;
    uint64_t words[7];

    for (size_t i = 0; i < 7; i++) {
        *parts[i].at = at;
        words[i] = at;
        at = align_up(at + parts[i].from->size, 8);
    }
    buf_bytes(out, SIMG_TABLE_MAGIC, 8);
    buf_uint(out, SIMG_TABLE_VERSION, 4);
    buf_uint(out, sizeof *t, 4);
    buf_uint(out, at, 8);
    buf_uint(out, t->checksum, 8);
    buf_uint(out, m->l->machine->number, 4);
    buf_uint(out, 0, 4);
    buf_uint(out, t->heap_count, 4);
    buf_uint(out, t->segment_count, 4);
    buf_uint(out, t->root_count, 4);
    buf_uint(out, t->import_count, 4);
    buf_uint(out, t->meta_count, 4);
    buf_uint(out, m->strings.out.size, 4);
    buf_uint(out, t->import_slot_count, 8);
    for (size_t i = 0; i < 7; i++)
        buf_uint(out, words[i], 8);
    for (size_t i = 0; i < 7; i++) {
        buf_bytes(out, parts[i].from->at, parts[i].from->size);
        buf_align(out, 8);
        out->bad = out->bad || parts[i].from->bad;
    }
}

static bool make_table(struct link *l, bool written, struct buf *out)
{
    struct maker m = {.l = l, .written = written};
    const struct lsec *s = l->made[MADE_HEAP_TABLE];

    m.placed = s && s->out;
    m.addr = m.placed ? lsec_addr(s) : 0;
    strtab_add(&m.strings, "");
    for (uint64_t i = 0; i < l->heap_count; i++)
        add_heap(&m, l->heaps[i]);
    assemble(&m, out);
    buf_free(&m.heaps);
    buf_free(&m.segments);
    buf_free(&m.roots);
    buf_free(&m.imports);
    buf_free(&m.import_slots);
    buf_free(&m.metas);
    strtab_free(&m.strings);
    return !out->bad || diag_nomem(l->d);
}

/* ---- sections ---- */

enum { NOTE_HEAD = 24, NOTE_SIZE = NOTE_HEAD + sizeof(struct simg_note) };

static bool add_map(struct link *l, const void *at, uint64_t size, struct lsec **out)
{
    struct lsec *s = NULL;

    if (size == 0)
        return true;
    s = link_new_section(l, ".sysimage.slots", SHT_PROGBITS, SHF_ALLOC, 3);
    l->objs[0]->o.sections[s->index].data = (struct span){at, size};
    l->objs[0]->o.sections[s->index].size = s->size = size;
    *out = s;
    return true;
}

/* As the image has them: little-endian, whatever the host is. */
static bool add_odd_map(struct link *l, struct heap_part_state *h)
{
    uint8_t *bytes = arena_alloc(&l->arena, h->slots.odd_count, 8);

    if (!bytes)
        return diag_nomem(l->d);
    for (uint64_t i = 0; i < h->slots.odd_count; i++)
        store_uint(bytes + 8 * i, 8, false, h->slots.odd[i]);
    return add_map(l, bytes, 8 * h->slots.odd_count, &h->odd);
}

static bool add_maps(struct link *l, struct lobj *o)
{
    for (uint32_t n = 1; n < o->o.section_count; n++) {
        struct heap_part_state *h = o->secs[n].heap;
        uint64_t blocks = (o->secs[n].size + SIMG_CHECK_BLOCK - 1) / SIMG_CHECK_BLOCK;

        if (!(h->blocks = arena_alloc(&l->arena, blocks, sizeof *h->blocks)))
            return diag_nomem(l->d);
        if (l->opt->heap_relocs == HEAP_RELOCS_NATIVE || !o->secs[n].live)
            continue;
        if (!add_map(l, h->slots.bitmap, h->slots.bitmap_size, &h->bits) || !add_odd_map(l, h))
            return false;
    }
    return true;
}

bool link_make_heap_table(struct link *l)
{
    struct buf table = {0};
    struct lsec *s = NULL;

    if (l->heap_count == 0)
        return true;
    for (uint64_t i = 0; i < l->heap_count; i++)
        if (!add_maps(l, l->heaps[i]))
            return false;
    l->made[MADE_HEAP_NOTE] = link_new_section(l, ".note.sysimage", SHT_NOTE, SHF_ALLOC, 2);
    l->made[MADE_HEAP_NOTE]->size = NOTE_SIZE;
    if (!make_table(l, false, &table))
        return false;
    s = link_new_section(l, ".sysimage", SHT_PROGBITS, SHF_ALLOC, 4);
    s->size = table.size;
    buf_free(&table);
    l->made[MADE_HEAP_TABLE] = s;
    return true;
}

static void make_stubs(const struct link *l, const struct lobj *o)
{
    const struct lsec *table = &o->secs[heap_table_section(o->o.heap)];
    struct lsec *stubs = &o->secs[heap_stub_section(o->o.heap)];

    for (uint64_t i = 0; stubs->live && i < stubs->size / SIMG_STUB_SIZE; i++)
        l->arch->slot_jump(stubs->data + i * SIMG_STUB_SIZE,
                           &(struct stub_at){.addr = lsec_addr(stubs) + i * SIMG_STUB_SIZE,
                                             .slot = lsec_addr(table) + 8 * i});
}

static bool fill_note(struct link *l)
{
    struct lsec *s = l->made[MADE_HEAP_NOTE];
    const struct lsec *table = l->made[MADE_HEAP_TABLE];

    if (!(s->data = arena_alloc(&l->arena, 1, NOTE_SIZE)))
        return diag_nomem(l->d);
    store_uint(s->data, 4, false, sizeof SIMG_NOTE_NAME);
    store_uint(s->data + 4, 4, false, sizeof(struct simg_note));
    store_uint(s->data + 8, 4, false, SIMG_NOTE_TABLE);
    memcpy(s->data + 12, SIMG_NOTE_NAME, sizeof SIMG_NOTE_NAME);
    store_uint(s->data + NOTE_HEAD, 4, false, SIMG_TABLE_VERSION);
    store_uint(s->data + NOTE_HEAD + 8, 8, false, lsec_addr(table) - lsec_addr(s) - NOTE_HEAD);
    store_uint(s->data + NOTE_HEAD + 16, 8, false, table->size);
    return true;
}

static bool fill_table(struct link *l, bool written)
{
    struct lsec *s = l->made[MADE_HEAP_TABLE];
    struct buf table = {0};

    if (!make_table(l, written, &table))
        return false;
    s->data = table.at;
    return link_own(l, table.at) &&
           (table.size == s->size ||
            diag_fail(l->d, E_UNSUPPORTED, "internal error: the heap's table changed its size"));
}

/* Blocks that lie in one window of the file each are hashed as they are
   written. */
static void know_blocks(const struct lobj *o)
{
    for (uint32_t n = 1; n < o->o.section_count; n++) {
        const struct lsec *s = &o->secs[n];

        s->heap->blocks_known = s->live && s->out && !(s->sec->flags & SEC_ZERO) &&
                                (s->out->offset + s->offset) % SIMG_CHECK_BLOCK == 0;
    }
}

bool link_fill_heap_table(struct link *l)
{
    for (uint64_t i = 0; i < l->heap_count; i++) {
        struct lsec *stubs = &l->heaps[i]->secs[heap_stub_section(l->heaps[i]->o.heap)];

        if (!(stubs->data = arena_alloc(&l->arena, 1, stubs->size)))
            return diag_nomem(l->d);
        make_stubs(l, l->heaps[i]);
        know_blocks(l->heaps[i]);
    }
    return l->heap_count == 0 || (fill_note(l) && fill_table(l, false));
}

/* ---- checksums ---- */

uint64_t link_hash_heap(const struct lsec *s, uint64_t from, uint64_t size, const uint8_t *bytes)
{
    uint64_t hashed = 0;

    for (uint64_t at = from; s->heap->blocks_known && at < from + size; at += SIMG_CHECK_BLOCK) {
        uint64_t n = from + size - at < SIMG_CHECK_BLOCK ? from + size - at : SIMG_CHECK_BLOCK;

        s->heap->blocks[at / SIMG_CHECK_BLOCK] = XXH3_64bits(bytes + (at - from), n);
        hashed += n;
    }
    return hashed;
}

/* Segments whose blocks do not lie in one window each: read what was written. */
struct reader {
    const struct link *l;
    struct lsec **secs;
    uint64_t count;
    atomic_bool failed;
};

static void read_section(void *arg, unsigned worker, uint64_t i)
{
    struct reader *r = arg;
    struct lsec *s = r->secs[i];
    uint8_t *block = malloc(SIMG_CHECK_BLOCK);

    (void)worker;
    for (uint64_t at = 0; block && at < s->size; at += SIMG_CHECK_BLOCK) {
        uint64_t n = s->size - at < SIMG_CHECK_BLOCK ? s->size - at : SIMG_CHECK_BLOCK;

        if (!output_read(&r->l->output, block, n, s->out->offset + s->offset + at))
            r->failed = true;
        else
            s->heap->blocks[at / SIMG_CHECK_BLOCK] = XXH3_64bits(block, n);
    }
    if (!block)
        r->failed = true;
    free(block);
}

static bool read_back(struct link *l)
{
    struct reader r = {.l = l};
    uint64_t cap = 0;

    for (uint64_t i = 0; i < l->heap_count; i++)
        for (uint32_t n = 1; n < l->heaps[i]->o.section_count; n++) {
            struct lsec *s = &l->heaps[i]->secs[n];

            if (!s->live || s->size == 0 || s->heap->blocks_known || (s->sec->flags & SEC_ZERO))
                continue;
            if (!arena_grow(&l->arena, (void **)&r.secs, r.count, &cap, sizeof *r.secs))
                return diag_nomem(l->d);
            r.secs[r.count++] = s;
        }
    par_for(r.count, read_section, &r);
    return !r.failed ||
           diag_fail(l->d, E_SYSTEM, "%s: cannot read what was written", l->opt->output);
}

bool link_finish_heaps(struct link *l)
{
    struct lsec *s = l->made[MADE_HEAP_TABLE];

    /* What goes to a device cannot be read, and nobody will. */
    if (!s || !l->output.temp)
        return true;
    if (!read_back(l) || !fill_table(l, true))
        return false;
    store_uint(s->data + offsetof(struct simg_table, checksum), 8, false,
               XXH3_64bits(s->data, s->size));
    return output_write(&l->output, s->data, s->size, s->out->offset + s->offset) ||
           diag_fail(l->d, E_SYSTEM, "%s: cannot write", l->opt->output);
}
