/* SPDX-License-Identifier: MIT */
/* image_map.c - map heaps from the image's file, without the rest of it:
 * at their own address if it is free, else relocated. */

#include "runtime/image.h"

#include "runtime/loaded.h"
#include "runtime/move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Pages of a file are code on Apple's arm64 only if the system's loader checked
   their signature. */
#if defined __APPLE__ && defined __aarch64__
enum { CODE_CAN_BE_MAPPED = false };
#else
enum { CODE_CAN_BE_MAPPED = true };
#endif

static bool has_code(const struct table *t, const struct simg_table_heap *h)
{
    for (uint32_t i = 0; i < h->segment_count; i++)
        if (t->segments[h->first_segment + i].prot & SIMG_PROT_X)
            return true;
    return false;
}

bool image_can_map(const struct table *t)
{
    for (uint32_t i = 0; i < t->head->heap_count; i++) {
        const struct simg_table_heap *h = &t->heaps[i];

        if ((h->flags & SIMG_HEAP_NEEDS_IMAGE) || h->mode == SIMG_MODE_NATIVE ||
            (h->mode == SIMG_MODE_PRELINKED && !(h->flags & SIMG_HEAP_HAS_SLOTS)) ||
            (!CODE_CAN_BE_MAPPED && has_code(t, h)))
            return false;
    }
    return true;
}

/* A heap on its way into memory. */
struct mapper {
    const struct table *t;
    const struct simg_table_heap *h;
    const struct file *f;
    const struct simg_options *o;
    struct simg_error *e;
    uint8_t *at;
    uint64_t delta; /* what is to be added to each slot */
    enum move_way way;
};

/* Does any import go into S? */
static bool takes_imports(const struct mapper *m, const struct simg_table_segment *s)
{
    const struct simg_table_import_slot *slots = m->t->import_slots + m->h->first_import_slot;
    uint64_t lo = 0, hi = m->h->import_slot_count;

    if (s->flags & SIMG_SEG_IMPORTS)
        return true;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;

        if (slots[mid].place < s->addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < m->h->import_slot_count && slots[lo].place - s->addr < s->size;
}

/* Copy S into fresh memory and relocate it on the way. */
static enum simg_status move_in(const struct mapper *m, const struct simg_table_segment *s,
                                uint64_t offset)
{
    struct map_view bytes = {0};
    struct slot_maps maps;
    enum simg_status status = slot_maps_begin(m->f, s, &maps, m->e);

    if (status != SIMG_OK)
        return status;
    if (!map_fresh(m->at + s->addr, s->size) || !map_view(m->f->fd, offset, s->size, &bytes))
        status = error_system(m->e, errno, "cannot map a segment");
    else
        move_segment(m->way, m->at + s->addr, bytes.at, s->size, maps.bits.at,
                     (const uint64_t *)(const void *)maps.odd.at, s->odd_count, m->delta);
    map_unview(&bytes);
    slot_maps_end(&maps);
    return status;
}

/* S in memory, writable as long as imports are to come. */
static enum simg_status map_segment(const struct mapper *m, const struct simg_table_segment *s)
{
    uint8_t *at = m->at + s->addr;
    uint64_t offset = 0;
    bool write = (s->prot & SIMG_PROT_W) || takes_imports(m, s);

    if (s->flags & SIMG_SEG_ZERO)
        return map_fresh(at, s->size) ? SIMG_OK : error_system(m->e, errno, "cannot map a segment");
    if (!file_place(m->f, m->f->table + (uint64_t)m->h->at + s->addr, s->size, &offset))
        return error_set(m->e, SIMG_ERR_FORMAT, s->addr,
                         "the segment at heap address 0x%llx is not in the file",
                         (unsigned long long)s->addr);
    if (m->delta && (s->bitmap || s->odd_count))
        return move_in(m, s, offset);
    return map_file(at, s->size, m->f->fd, offset, write)
               ? SIMG_OK
               : error_system(m->e, errno, "cannot map a segment");
}

/* ---- imports ---- */

static void *own_symbol(void *arg, const char *name)
{
    (void)arg;
    return loaded_symbol(name);
}

static void put(uint8_t *at, uint64_t value) { memcpy(at, &value, sizeof value); }

/* The addresses of all imports, in ADDRS. */
static enum simg_status resolve(const struct mapper *m, uint64_t *addrs)
{
    simg_resolve *find = m->o->resolve ? m->o->resolve : own_symbol;

    for (uint32_t i = 0; i < m->h->import_count; i++) {
        const struct simg_table_import *import = &m->t->imports[m->h->first_import + i];
        const char *name = m->t->strings + import->name;

        if (import->kind == SIMG_IMPORT_MODULE)
            return error_set(m->e, SIMG_ERR_UNSUPPORTED, 0,
                             "an engine's image: simg_cache_open() loads it");
        addrs[i] = (uint64_t)(uintptr_t)find(m->o->resolve_arg, name);
        if (!addrs[i] && !import->weak)
            return error_set(m->e, SIMG_ERR_SYMBOL, 0, "nobody defines '%.128s'", name);
    }
    return SIMG_OK;
}

static enum simg_status put_imports(const struct mapper *m)
{
    const struct simg_table_import_slot *slots = m->t->import_slots + m->h->first_import_slot;
    uint64_t *addrs = calloc(m->h->import_count + 1ull, sizeof *addrs);
    enum simg_status status = addrs ? resolve(m, addrs) : error_memory(m->e);

    for (uint32_t i = 0; status == SIMG_OK && i < m->h->import_count; i++) {
        uint64_t place = m->t->imports[m->h->first_import + i].place;

        if (place != SIMG_NO_PLACE)
            put(m->at + place, addrs[i]);
    }
    for (uint64_t i = 0; status == SIMG_OK && i < m->h->import_slot_count; i++) {
        uint64_t addr = addrs[slots[i].import];

        put(m->at + slots[i].place, addr ? addr + (uint64_t)slots[i].addend : 0);
    }
    free(addrs);
    return status;
}

/* Never writable and executable at once: what is written is given its own
   rights afterwards. */
static enum simg_status give_rights(const struct mapper *m)
{
    for (uint32_t i = 0; i < m->h->segment_count; i++) {
        const struct simg_table_segment *s = &m->t->segments[m->h->first_segment + i];

        if (!(s->prot & SIMG_PROT_W) && !map_protect(m->at + s->addr, s->size, s->prot))
            return error_system(m->e, errno, "cannot protect a segment");
    }
    return SIMG_OK;
}

static enum simg_status map_heap(struct mapper *m, struct placed_heap *out)
{
    bool prelinked = m->h->mode == SIMG_MODE_PRELINKED;
    uint64_t base = prelinked ? m->h->base : 0;
    enum simg_status status = SIMG_OK;

    if (!map_reserve(base, m->h->span, base && (m->o->flags & SIMG_OPEN_IN_PLACE), &m->at))
        return errno == EEXIST
                   ? error_set(m->e, SIMG_ERR_ADDRESS, base, "the heap's address 0x%llx is taken",
                               (unsigned long long)base)
                   : error_system(m->e, errno, "cannot reserve 0x%llx bytes",
                                  (unsigned long long)m->h->span);
    out->at = m->at;
    m->delta = prelinked ? (uint64_t)(uintptr_t)m->at - base : 0;
    out->relocated = m->delta != 0;
    for (uint32_t i = 0; status == SIMG_OK && i < m->h->segment_count; i++)
        status = map_segment(m, &m->t->segments[m->h->first_segment + i]);
    if (status == SIMG_OK && !(m->o->flags & IMAGE_KEEP_IMPORTS))
        status = put_imports(m);
    return status ? status : give_rights(m);
}

enum simg_status image_map(struct simg *image, const struct file *f, const struct simg_options *o,
                           struct simg_error *e)
{
    enum simg_status status = SIMG_OK;

    image->mapped = true;
    for (uint32_t i = 0; status == SIMG_OK && i < image->table.head->heap_count; i++) {
        struct mapper m = {.t = &image->table,
                           .h = &image->table.heaps[i],
                           .f = f,
                           .o = o,
                           .e = e,
                           .way = move_best_way()};

        status = map_heap(&m, &image->heaps[i]);
    }
    if (status != SIMG_OK)
        image_unmap(image);
    return status;
}

void image_unmap(struct simg *image)
{
    for (uint32_t i = 0; image->mapped && i < image->table.head->heap_count; i++) {
        map_release(image->heaps[i].at, image->table.heaps[i].span);
        image->heaps[i].at = NULL;
    }
    image->mapped = false;
}
