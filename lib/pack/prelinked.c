/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prelinked.c - heaps as an ELF object that relocates itself.
 *
 * A whole heap is one section, since its slots hold heap addresses and a
 * linker would move sections apart.  Beside them are the table, the slot maps
 * and the start-up code that an image of objtool link has too
 * (docs/image-format.md).  Where the heap will lie, no object can know: its
 * base is 0, so the start-up code adds its address when the image is loaded,
 * unless something finishes the image after the link.
 *
 * LLVM is not needed: this format is one that we write anyway. */

#include "pack/prelinked.h"

#include "elf/elf.h"
#include "elf/machine.h"
#include "elf/relocatable.h"
#include "heap/startup.h"
#include "heap/table.h"

#include <stddef.h>

/* A slot map, at its place in .sysimage.slots. */
struct map_piece {
    const void *at;
    uint64_t offset, size;
};

struct prelinked;

struct packed_heap {
    struct prelinked *m;
    struct object o;
    struct slot_map *slots; /* of each section of O */
    struct map_piece *maps; /* two for each section: bits, odd */
    uint32_t section;       /* in the object that is made */
};

struct prelinked {
    struct diag *d;
    struct arena *arena;
    const struct elf_machine *machine;
    struct packed_heap *heaps;
    uint32_t heap_count;
    struct object start;
    uint64_t maps_size;
    struct rel_object out;
    uint32_t maps_section, table_section;
    struct buf table;
};

static const struct heap *heap_of(const struct packed_heap *p) { return p->o.heap; }

/* ---- the heap's bytes ---- */

static uint64_t stub_addr(const struct packed_heap *p, uint32_t import)
{
    return p->o.sections[heap_stub_section(heap_of(p))].addr +
           (uint64_t)heap_stub_index(&p->o, import) * SIMG_STUB_SIZE;
}

/* Import slots that meet [FROM, TO): a stub's address, or nothing yet. */
static void fill_imports(const struct packed_heap *p, uint64_t from, uint64_t to, uint8_t *out)
{
    const struct heap *h = heap_of(p);
    uint64_t first = heap_first_import_slot(h, from > 7 ? from - 7 : 0);

    for (uint64_t i = first; i < h->import_slot_count; i++) {
        struct heap_import_slot slot = heap_import_slot_at(h, i);
        uint64_t word = heap_slot_is_stub(&p->o, &slot) ? stub_addr(p, slot.import) : 0;

        if (slot.place >= to)
            return;
        for (unsigned n = 0; n < 8; n++)
            if (slot.place + n >= from && slot.place + n < to)
                out[slot.place + n - from] = (uint8_t)(word >> 8 * n);
    }
}

static bool fill_heap(void *arg, uint64_t from, uint64_t size, uint8_t *out)
{
    const struct packed_heap *p = arg;

    for (uint32_t n = 1; n < p->o.section_count; n++) {
        const struct section *s = &p->o.sections[n];
        uint64_t start = s->addr > from ? s->addr : from;
        uint64_t end = s->addr + s->size < from + size ? s->addr + s->size : from + size;

        if (start < end && !(s->flags & SEC_ZERO))
            memcpy(out + (start - from), s->data.at + (start - s->addr), end - start);
    }
    fill_imports(p, from, from + size, out);
    return true;
}

static void fill_piece(const struct map_piece *p, uint64_t from, uint64_t size, uint8_t *out)
{
    uint64_t start = p->offset > from ? p->offset : from;
    uint64_t end = p->offset + p->size < from + size ? p->offset + p->size : from + size;

    if (start < end)
        memcpy(out + (start - from), (const uint8_t *)p->at + (start - p->offset), end - start);
}

static bool fill_maps(void *arg, uint64_t from, uint64_t size, uint8_t *out)
{
    const struct prelinked *m = arg;

    for (uint32_t k = 0; k < m->heap_count; k++)
        for (uint32_t i = 0; i < 2 * m->heaps[k].o.section_count; i++)
            fill_piece(&m->heaps[k].maps[i], from, size, out);
    return true;
}

/* ---- slots ---- */

/* The words of section N that follow the heap: its slots, and what holds the
   address of a stub. */
static bool collect_slots(struct packed_heap *p, uint32_t n)
{
    const struct heap *h = heap_of(p);
    const struct section *s = &p->o.sections[n];
    uint64_t first = heap_first_import_slot(h, s->addr);
    uint64_t end = heap_first_import_slot(h, s->addr + s->size), count = 0;
    uint64_t *at = arena_alloc(p->m->arena, end - first, sizeof *at);

    if (!at)
        return diag_nomem(p->m->d);
    for (uint64_t i = first; i < end; i++) {
        struct heap_import_slot slot = heap_import_slot_at(h, i);

        if (heap_slot_is_stub(&p->o, &slot))
            at[count++] = slot.place - s->addr;
    }
    return slots_join(p->m->arena, s->slots, s->size, at, count, &p->slots[n]) ||
           diag_nomem(p->m->d);
}

static bool place_maps(struct packed_heap *p, uint32_t n)
{
    struct prelinked *m = p->m;
    const struct slot_map *slots = &p->slots[n];
    uint8_t *odd = arena_alloc(m->arena, slots->odd_count, 8);

    if (!odd)
        return diag_nomem(m->d);
    for (uint64_t i = 0; i < slots->odd_count; i++)
        store_uint(odd + 8 * i, 8, false, slots->odd[i]);
    p->maps[2 * n] = (struct map_piece){slots->bitmap, m->maps_size, slots->bitmap_size};
    m->maps_size = align_up(m->maps_size + slots->bitmap_size, 8);
    p->maps[2 * n + 1] = (struct map_piece){odd, m->maps_size, 8 * slots->odd_count};
    m->maps_size += 8 * slots->odd_count;
    return true;
}

static bool make_maps(struct packed_heap *p)
{
    struct prelinked *m = p->m;

    if (!(p->slots = arena_alloc(m->arena, p->o.section_count, sizeof *p->slots)) ||
        !(p->maps = arena_alloc(m->arena, 2ull * p->o.section_count, sizeof *p->maps)))
        return diag_nomem(m->d);
    for (uint32_t i = 0; i < heap_of(p)->segment_count; i++)
        if (!heap_check_words(m->d, heap_of(p), i, p->o.sections[heap_section(i)].data))
            return false;
    for (uint32_t n = 1; n < p->o.section_count; n++)
        if (!collect_slots(p, n) || !place_maps(p, n))
            return false;
    return true;
}

/* ---- the table ---- */

static void add_part(const struct packed_heap *p, struct table_maker *t, uint32_t n)
{
    const struct section *s = &p->o.sections[n];
    struct table_part part = {
        .loaded_writable = !(s->flags & SEC_WRITE),
        .bits_size = p->maps[2 * n].size,
        .odd_count = p->slots[n].odd_count,
        .slot_count = p->slots[n].count,
    };

    if (s->size)
        table_add_part(t, &p->o, n, &part);
}

static void add_rows(const struct packed_heap *p, struct table_maker *t)
{
    const struct heap *h = heap_of(p);
    uint64_t slots = 0;

    for (uint32_t n = 1; n < p->o.section_count; n++) {
        add_part(p, t, n);
        slots += p->slots[n].count;
    }
    for (uint64_t i = 0; i < h->import_slot_count; i++) {
        struct heap_import_slot slot = heap_import_slot_at(h, i);

        if (!heap_slot_is_stub(&p->o, &slot))
            table_add_import_slot(t, &slot);
    }
    table_add_heap(t, &(struct table_heap){.o = &p->o,
                                           .mode = SIMG_MODE_PRELINKED,
                                           .flags = SIMG_HEAP_HAS_SLOTS,
                                           .slot_count = slots});
}

static bool make_table(struct prelinked *m, struct table_maker *t)
{
    table_begin(t);
    for (uint32_t k = 0; k < m->heap_count; k++)
        add_rows(&m->heaps[k], t);
    table_finish(t, m->machine->number, &m->table);
    return !m->table.bad || diag_nomem(m->d);
}

/* A word of the table that is the distance from its start to OFFSET of TARGET. */
static void point(struct prelinked *m, uint64_t place, uint32_t target, uint64_t offset)
{
    rel_add_reloc(&m->out, m->table_section, place, target, m->machine->pc64,
                  (int64_t)(place + offset));
}

/* The rows of P's segments, of which the first is at ROW; where the next are. */
static uint64_t point_segments(const struct packed_heap *p, uint64_t row)
{
    struct prelinked *m = p->m;

    for (uint32_t n = 1; n < p->o.section_count; n++) {
        const struct map_piece *bits = &p->maps[2 * n], *odd = &p->maps[2 * n + 1];

        if (!p->o.sections[n].size)
            continue;
        if (bits->size)
            point(m, row + offsetof(struct simg_table_segment, bitmap), m->maps_section,
                  bits->offset);
        if (odd->size)
            point(m, row + offsetof(struct simg_table_segment, odd), m->maps_section, odd->offset);
        row += sizeof(struct simg_table_segment);
    }
    return row;
}

static void point_table(struct prelinked *m, const struct table_maker *t)
{
    uint64_t row = t->head.segments;

    for (uint32_t k = 0; k < m->heap_count; k++) {
        point(m,
              t->head.heaps + k * sizeof(struct simg_table_heap) +
                  offsetof(struct simg_table_heap, at),
              m->heaps[k].section, 0);
        row = point_segments(&m->heaps[k], row);
    }
}

/* ---- sections and symbols ---- */

enum { HUGE_PAGE = 2 << 20 };
#define KEPT (SHF_ALLOC | SHF_GNU_RETAIN)

static bool add_heaps(struct prelinked *m)
{
    uint64_t unit = UINT64_C(1) << SIMG_SEGMENT_ALIGN_LOG2;

    for (uint32_t k = 0; k < m->heap_count; k++) {
        struct packed_heap *p = &m->heaps[k];

        /* Whole pages: what the linker puts behind must not get our rights. */
        p->section =
            rel_add_section(&m->out, &(struct rel_section){.name = ".heap",
                                                           .type = SHT_PROGBITS,
                                                           .flags = KEPT | SHF_WRITE,
                                                           .align = HUGE_PAGE,
                                                           .size = align_up(heap_span(&p->o), unit),
                                                           .fill = fill_heap,
                                                           .arg = p});
        if (!p->section)
            return false;
    }
    m->maps_section = rel_add_section(&m->out, &(struct rel_section){.name = ".sysimage.slots",
                                                                     .type = SHT_PROGBITS,
                                                                     .flags = KEPT,
                                                                     .align = 8,
                                                                     .size = m->maps_size,
                                                                     .fill = fill_maps,
                                                                     .arg = m});
    return m->maps_section != 0;
}

static bool add_table(struct prelinked *m)
{
    uint8_t *note = arena_alloc(m->arena, 1, TABLE_NOTE_SIZE);
    struct table_maker t;
    uint32_t section = 0;
    bool ok = make_table(m, &t);

    if (!note)
        ok = diag_nomem(m->d);
    if (ok) {
        m->table_section = rel_add_section(&m->out, &(struct rel_section){.name = ".sysimage",
                                                                          .type = SHT_PROGBITS,
                                                                          .flags = KEPT,
                                                                          .align = 16,
                                                                          .size = m->table.size,
                                                                          .bytes = m->table.at});
        table_note(note, 0, m->table.size);
        section = rel_add_section(&m->out, &(struct rel_section){.name = ".note.sysimage",
                                                                 .type = SHT_NOTE,
                                                                 .flags = KEPT,
                                                                 .align = 4,
                                                                 .size = TABLE_NOTE_SIZE,
                                                                 .bytes = note});
    }
    if (m->table_section && section) {
        point_table(m, &t);
        rel_add_reloc(&m->out, section, TABLE_NOTE_PLACE, m->table_section, m->machine->pc64,
                      TABLE_NOTE_PLACE - TABLE_NOTE_HEAD);
    }
    table_free(&t);
    return section != 0;
}

static bool is_copied(const struct section *s)
{
    return (s->flags & SEC_ALLOC) && s->size &&
           (s->role == ROLE_PLAIN || s->role == ROLE_INIT_ARRAY);
}

/* The relocations of section N of the start-up code, which is INDEX here. */
static bool copy_relocs(struct prelinked *m, uint32_t n, uint32_t index, const uint32_t *indices)
{
    const struct object *o = &m->start;
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    for (uint64_t first = 0; first < o->sections[n].reloc_count; first += got) {
        if (!o->format->relocs(m->d, o, n, first, batch, RELOC_BATCH, &got))
            return false;
        for (unsigned i = 0; i < got; i++) {
            const struct symbol *s = &o->symbols[batch[i].symbol];
            uint32_t to = s->section && s->section < o->section_count ? indices[s->section] : 0;

            /* All that it does not define is __simg_table. */
            rel_add_reloc(&m->out, index, batch[i].offset, to ? to : m->table_section,
                          batch[i].number, batch[i].addend + (to ? (int64_t)s->value : 0));
        }
    }
    return true;
}

static bool add_start(struct prelinked *m)
{
    struct span bytes = startup_object(m->machine->number, STARTUP_LINUX);
    struct object *o = &m->start;
    uint32_t *indices = NULL;

    if (!bytes.at)
        return diag_fail(m->d, E_UNSUPPORTED,
                         "this objtool was built without the code that starts an image on %s; "
                         "--heap-relocs=native does without it",
                         m->machine->arch->name);
    if (!format_elf.read(m->d, m->arena, "<start-up code>", bytes, o))
        return false;
    if (!(indices = arena_alloc(m->arena, o->section_count, sizeof *indices)))
        return diag_nomem(m->d);
    for (uint32_t n = 1; n < o->section_count; n++) {
        const struct section *s = &o->sections[n];
        struct rel_section copy = {
            .name = s->name,
            .type = s->type,
            .flags = SHF_ALLOC | (s->flags & SEC_WRITE ? SHF_WRITE : 0u) |
                     (s->flags & SEC_EXEC ? SHF_EXECINSTR : 0u) |
                     (s->role == ROLE_INIT_ARRAY ? SHF_GNU_RETAIN : 0u),
            .align = UINT64_C(1) << s->align_log2,
            .size = s->size,
            .bytes = s->data.at,
        };

        if (is_copied(s) && !(indices[n] = rel_add_section(&m->out, &copy)))
            return false;
    }
    for (uint32_t n = 1; n < o->section_count; n++)
        if (indices[n] && !copy_relocs(m, n, indices[n], indices))
            return false;
    return rel_add_section(&m->out, &(struct rel_section){.name = ".note.GNU-stack",
                                                          .type = SHT_PROGBITS,
                                                          .align = 1}) != 0;
}

/* Roots, imports, and the relocations that name these: slots with an address
   of their own, and the table of functions. */
static bool add_symbols(const struct packed_heap *p)
{
    struct prelinked *m = p->m;
    const struct heap *h = heap_of(p);
    uint64_t table = p->o.sections[heap_table_section(h)].addr;
    uint32_t *symbols = arena_alloc(m->arena, h->import_count, sizeof *symbols);

    if (!symbols)
        return diag_nomem(m->d);
    for (uint32_t i = 0; i < h->root_count; i++) {
        const struct heap_root *r = &h->roots[i];
        uint8_t type = r->kind == SIMG_ROOT_FUNCTION ? STT_FUNC : STT_OBJECT;

        rel_add_global(&m->out, r->name, (uint8_t)(STB_GLOBAL << 4 | type), p->section, r->addr,
                       r->size);
    }
    for (uint32_t i = 0; i < h->import_count; i++) {
        const struct heap_import *import = &h->imports[i];

        symbols[i] = rel_add_global(
            &m->out, import->name, (uint8_t)((import->weak ? STB_WEAK : STB_GLOBAL) << 4), 0, 0, 0);
        if (heap_has_stub(import))
            rel_add_reloc(&m->out, p->section, table + 8ull * heap_stub_index(&p->o, i), symbols[i],
                          m->machine->abs, 0);
    }
    for (uint64_t i = 0; i < h->import_slot_count; i++) {
        struct heap_import_slot slot = heap_import_slot_at(h, i);

        if (!heap_slot_is_stub(&p->o, &slot))
            rel_add_reloc(&m->out, p->section, slot.place, symbols[slot.import], m->machine->abs,
                          slot.addend);
    }
    return true;
}

static void make_stubs(const struct packed_heap *p)
{
    const struct section *table = &p->o.sections[heap_table_section(heap_of(p))];
    const struct section *stubs = &p->o.sections[heap_stub_section(heap_of(p))];
    /* Distances within the heap: it starts at a page, so any base will do. */
    uint8_t *code = (uint8_t *)(uintptr_t)stubs->data.at;

    for (uint64_t i = 0; i < stubs->size / SIMG_STUB_SIZE; i++)
        p->m->machine->arch->slot_jump(code + i * SIMG_STUB_SIZE,
                                       &(struct stub_at){.addr = stubs->addr + i * SIMG_STUB_SIZE,
                                                         .slot = table->addr + 8 * i});
}

static bool read_heap(struct packed_heap *p, const struct prelinked_input *in)
{
    if (!format_heap.read(p->m->d, p->m->arena, in->name, in->bytes, &p->o))
        return false;
    if (p->o.big)
        return diag_fail(p->m->d, E_UNSUPPORTED, "%s: is big-endian; all targets are not",
                         in->name);
    make_stubs(p);
    return make_maps(p);
}

static bool add_all_symbols(struct prelinked *m)
{
    for (uint32_t k = 0; k < m->heap_count; k++)
        if (!add_symbols(&m->heaps[k]))
            return false;
    return true;
}

bool prelinked_write(struct diag *d, struct arena *a, const struct elf_machine *machine,
                     const struct prelinked_input *inputs, uint32_t count, const char *output,
                     int fd)
{
    struct prelinked m = {.d = d, .arena = a, .machine = machine, .heap_count = count};
    bool ok = false;

    if (!(m.heaps = arena_alloc(a, count, sizeof *m.heaps)))
        return diag_nomem(d);
    for (uint32_t k = 0; k < count; k++) {
        m.heaps[k].m = &m;
        if (!read_heap(&m.heaps[k], &inputs[k]))
            return false;
    }
    rel_begin(&m.out, d, a, machine->number);
    ok = add_heaps(&m) && add_table(&m) && add_start(&m) && add_all_symbols(&m) &&
         (fd < 0 ? rel_write(&m.out, output) : rel_write_fd(&m.out, fd, output));
    rel_free(&m.out);
    buf_free(&m.table);
    return ok;
}
