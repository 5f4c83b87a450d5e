/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_table.c - what the image says of its heaps (docs/image-format.md): the
 * note, the table, the slot maps, the stubs, and the checksums. */

#include "base/par.h"
#include "coff/machine.h"
#include "elf/elf.h"
#include "heap/table.h"
#include "link/link.h"
#include "macho/machine.h"

#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

/* ---- the table ---- */

/* The table is made twice: for its size, and once for good. */
struct maker {
    const struct link *l;
    struct table_maker table;
    uint64_t addr; /* of the table; 0 before it has one */
    bool placed;   /* it has */
    bool written;  /* the blocks' hashes are known */
};

static int64_t distance(const struct maker *m, uint64_t addr)
{
    return m->placed ? (int64_t)(addr - m->addr) : 0;
}

/* Of the bytes that the file holds; known when they are written. */
static uint64_t checksum(const struct lsec *s, bool written)
{
    uint64_t blocks = (s->size + SIMG_CHECK_BLOCK - 1) / SIMG_CHECK_BLOCK;

    return written ? XXH3_64bits(s->heap->blocks, blocks * sizeof *s->heap->blocks) : 0;
}

static void add_part(struct maker *m, const struct lobj *o, uint32_t n)
{
    const struct lsec *s = &o->secs[n], *bits = s->heap->bits, *odd = s->heap->odd;
    bool zero = s->sec->flags & SEC_ZERO;
    struct table_part part = {
        .loaded_writable = s->late_rights,
        .bits = bits ? distance(m, lsec_addr_or_0(bits)) : 0,
        .bits_size = bits ? bits->size : 0,
        .odd = odd ? distance(m, lsec_addr_or_0(odd)) : 0,
        .odd_count = odd ? s->heap->slots.odd_count : 0,
        .slot_count = s->heap->slots.count,
        .checksum = zero ? 0 : checksum(s, m->written),
    };

    if (s->live && s->size)
        table_add_part(&m->table, &o->o, n, &part);
}

/* Import I is defined in this image, so the heap cannot do without it. */
static bool is_inside(const struct lobj *o, uint32_t i)
{
    const struct lsym *s = lobj_sym(o, heap_import_symbol(o->o.heap, i));

    return lsym_defined(s) && !lsym_is_constant(s);
}

/* The slots that hold an import's own address, as far as the loader fills
   them. */
static void add_import_slots(struct maker *m, const struct lobj *o)
{
    const struct heap *h = o->o.heap;

    for (uint64_t i = 0; i < h->import_slot_count; i++) {
        struct heap_import_slot slot = heap_import_slot_at(h, i);

        if (!heap_slot_is_stub(&o->o, &slot) &&
            m->l->target->binds(lobj_sym(o, heap_import_symbol(h, slot.import))))
            table_add_import_slot(&m->table, &slot);
    }
}

static uint32_t heap_flags(const struct maker *m, const struct lobj *o)
{
    uint32_t flags = m->l->heap_relocs == HEAP_RELOCS_PRELINKED ? SIMG_HEAP_HAS_SLOTS : 0;

    if (o->o.heap->keeps_crc)
        flags |= SIMG_HEAP_KEEPS_CRC;
    for (uint32_t i = 0; i < o->o.heap->import_count; i++)
        if (is_inside(o, i))
            flags |= SIMG_HEAP_NEEDS_IMAGE;
    return flags;
}

static void add_heap(struct maker *m, const struct lobj *o)
{
    static const uint32_t modes[] = {[HEAP_RELOCS_NATIVE] = SIMG_MODE_NATIVE,
                                     [HEAP_RELOCS_PRELINKED] = SIMG_MODE_PRELINKED,
                                     [HEAP_RELOCS_NONE] = SIMG_MODE_NONE};
    uint32_t mode = modes[m->l->heap_relocs];
    uint64_t slots = 0;

    for (uint32_t n = 1; n < o->o.section_count; n++) {
        add_part(m, o, n);
        slots += o->secs[n].live ? (mode == SIMG_MODE_NONE && o->secs[n].sec->slots
                                        ? o->secs[n].sec->slots->count
                                        : o->secs[n].heap->slots.count)
                                 : 0;
    }
    add_import_slots(m, o);
    table_add_heap(&m->table, &(struct table_heap){
                                  .o = &o->o,
                                  .at = distance(m, o->heap_base),
                                  .base = o->heap_value,
                                  .mode = mode,
                                  .flags = heap_flags(m, o),
                                  .slot_count = slots,
                              });
}

static bool make_table(struct link *l, bool written, struct buf *out)
{
    struct maker m = {.l = l, .written = written};
    const struct lsec *s = l->made[MADE_HEAP_TABLE];

    m.placed = s && s->out;
    m.addr = m.placed ? lsec_addr(s) : 0;
    table_begin(&m.table);
    for (uint64_t i = 0; i < l->heap_count; i++)
        add_heap(&m, l->heaps[i]);
    table_finish(&m.table, l->darwin ? l->darwin->table_machine
                                     : l->coff ? l->coff->table_machine
                                               : l->machine->number,
                 out);
    table_free(&m.table);
    return !out->bad || diag_nomem(l->d);
}

/* ---- sections ---- */

/* A section of constant data, under the name that the image's format has for it. */
static struct lsec *new_constant(struct link *l, const char *darwin, const char *coff,
                                 const char *elf, uint8_t align_log2)
{
    struct section section = {
        .name = l->darwin ? darwin : coff, .flags = SEC_ALLOC, .align_log2 = align_log2};

    return !l->machine ? link_append_section(l, &section)
                       : link_new_section(l, elf, SHT_PROGBITS, SHF_ALLOC, align_log2);
}

static bool add_map(struct link *l, const void *at, uint64_t size, struct lsec **out)
{
    struct lsec *s = NULL;

    if (size == 0)
        return true;
    s = new_constant(l, "__TEXT,__sysimg_slots", ".simgmap", ".sysimage.slots", 3);
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
        if (l->heap_relocs == HEAP_RELOCS_NATIVE || !o->secs[n].live)
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
    if (l->machine) { /* elsewhere, the table is found by its section's name */
        l->made[MADE_HEAP_NOTE] = link_new_section(l, ".note.sysimage", SHT_NOTE, SHF_ALLOC, 2);
        l->made[MADE_HEAP_NOTE]->size = TABLE_NOTE_SIZE;
    }
    if (!make_table(l, false, &table))
        return false;
    s = new_constant(l, SIMG_MACHO_SEGMENT "," SIMG_MACHO_SECTION, SIMG_PE_SECTION,
                     ".sysimage", 4);
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

    if (!(s->data = arena_alloc(&l->arena, 1, TABLE_NOTE_SIZE)))
        return diag_nomem(l->d);
    table_note(s->data, lsec_addr(table) - lsec_addr(s) - TABLE_NOTE_HEAD, table->size);
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
    return l->heap_count == 0 || ((!l->machine || fill_note(l)) && fill_table(l, false));
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
