/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_heap_relocs.c - rules about heaps and the image's symbols: imports
 * have their dynamic relocations, slots that are final have none, roots are
 * exported. */

#include "elf/verify_heaps.h"

#include <stdlib.h>

/* Dynamic relocations in heaps that name a symbol. */
struct named {
    uint64_t addr;
    int64_t addend;
    uint32_t type, symbol;
    bool in_place; /* the addend is */
};

struct collector {
    struct verify *v;
    const struct verify_heaps *h;
    struct named *all; /* by address, once sorted */
    uint64_t count, cap;
    uint64_t *plain; /* for each place: relocations of another kind, RELATIVE mostly */
    bool tell;       /* what is wrong with them */
};

static const struct image_heap *heap_at(const struct verify_heaps *h,
                                        const struct elf_heap_place *p)
{
    return &h->image.heaps[p->heap];
}

/* The word at ADDR takes an import's address: of one that another linker bound
   within the image, the loader adds the image's. */
static bool is_import_word(const struct image_heap *h, const struct elf_heap_place *p,
                           uint64_t addr)
{
    uint64_t place = addr - h->at, i = heap_first_import_slot(&h->heap, place);

    return (h->segments[p->segment].flags & SIMG_SEG_IMPORTS) ||
           (i < h->heap.import_slot_count &&
            heap_import_slot_at(&h->heap, i).place == place);
}

/* A relocation without a symbol at ADDR, which is in P. */
static void check_plain(struct collector *c, const struct elf_dynamic_reloc *r,
                        const struct elf_heap_place *p)
{
    const struct elf_machine *machine = elf_machine_find(c->v->f.machine);
    bool relative = r->source == ELF_FROM_RELR || (machine && r->type == machine->relative);

    c->plain[p - c->h->places.all]++;
    if (c->tell && relative && heap_at(c->h, p)->mode == SIMG_MODE_PRELINKED &&
        !is_import_word(heap_at(c->h, p), p, r->addr))
        diag_fail(c->v->d, E_FORMAT,
                  "%s %" PRIu64 ": 0x%" PRIx64
                  " is in a prelinked heap, and the loader adds the image's address to it",
                  elf_reloc_source_name(r->source), r->index, r->addr);
}

static bool collect(void *arg, const struct elf_dynamic_reloc *r)
{
    struct collector *c = arg;
    const struct elf_heap_place *p = elf_heap_at(&c->h->places, r->addr);
    const struct image_heap *h = p ? heap_at(c->h, p) : NULL;

    if (!p)
        return true;
    if (c->tell && h->heap.segments[p->segment].kind == SIMG_SEGMENT_ZERO)
        diag_fail(c->v->d, E_FORMAT, "%s %" PRIu64 ": 0x%" PRIx64 " is in a zero-fill segment",
                  elf_reloc_source_name(r->source), r->index, r->addr);
    if (c->tell && h->mode == SIMG_MODE_PRELINKED &&
        slots_meet(&h->heap.segments[p->segment].slots, r->addr - p->addr))
        diag_fail(c->v->d, E_FORMAT,
                  "%s %" PRIu64 ": 0x%" PRIx64 " is a slot that is final already",
                  elf_reloc_source_name(r->source), r->index, r->addr);
    if (r->source == ELF_FROM_RELR || r->symbol == 0) {
        check_plain(c, r, p);
        if (h->mode != SIMG_MODE_PRELINKED || !is_import_word(h, p, r->addr))
            return verify_go_on(c->v);
    }
    if (!arena_grow(c->v->a, (void **)&c->all, c->count, &c->cap, sizeof *c->all)) {
        c->v->nomem = true;
        return false;
    }
    c->all[c->count++] = (struct named){r->addr, r->addend, r->type, r->symbol, r->in_place};
    return verify_go_on(c->v);
}

static int by_addr(const void *left, const void *right)
{
    const struct named *l = left, *r = right;

    return l->addr < r->addr ? -1 : l->addr > r->addr;
}

static const struct named *named_at(const struct collector *c, uint64_t addr)
{
    struct named key = {.addr = addr};

    return c->count > 0 ? bsearch(&key, c->all, c->count, sizeof key, by_addr) : NULL;
}

/* All that are in heaps.  False without memory, or without heaps. */
static bool collect_all(struct verify *v, bool tell, struct collector *c)
{
    *c = (struct collector){.v = v, .h = verify_get_heaps(v), .tell = tell};
    if (!c->h || c->h->places.count == 0)
        return false;
    if (!(c->plain = verify_alloc(v, c->h->places.count, sizeof *c->plain)))
        return false;
    elf_image_relocs(&v->m, collect, c);
    if (c->count > 0)
        qsort(c->all, c->count, sizeof *c->all, by_addr);
    return !v->nomem;
}

/* The relocation at ADDR makes the word NAME's address and ADDEND; says so if
   not. */
static void check_named(const struct collector *c, const char *what, uint64_t addr,
                        const char *name, int64_t addend)
{
    const struct elf_machine *machine = elf_machine_find(c->v->f.machine);
    const struct named *r = named_at(c, addr);
    struct elf_sym s;
    const char *found = NULL;

    if (!r) {
        diag_fail(c->v->d, E_FORMAT, "no relocation fills %s at 0x%" PRIx64 " with %.200s", what,
                  addr, name);
        return;
    }
    if (r->symbol == 0)
        return; /* another linker bound it within the image */
    if (r->symbol >= c->v->m.symbol_count)
        return; /* reloc-symbol tells */
    s = elf_image_symbol(&c->v->m, r->symbol);
    found = elf_image_string(&c->v->m, s.name);
    if (!found || strcmp(found, name) != 0)
        diag_fail(c->v->d, E_FORMAT, "%s at 0x%" PRIx64 " gets %.200s, not %.200s", what, addr,
                  found ? found : "?", name);
    else if (machine && r->type != machine->abs && r->type != machine->glob_dat &&
             r->type != machine->jump_slot)
        diag_fail(c->v->d, E_FORMAT,
                  "%s at 0x%" PRIx64 " is filled by type %" PRIu32 ", not with an address", what,
                  addr, r->type);
    else if (!r->in_place && r->addend != addend)
        diag_fail(c->v->d, E_FORMAT, "%s at 0x%" PRIx64 " gets %.200s%+" PRId64 ", not %+" PRId64,
                  what, addr, name, r->addend, addend);
}

static void check_import_slots(const struct collector *c, const struct image_heap *h)
{
    for (uint64_t i = 0; i < h->heap.import_slot_count && verify_go_on(c->v); i++) {
        struct heap_import_slot s = heap_import_slot_at(&h->heap, i);

        if (h->heap.imports[s.import].kind != SIMG_IMPORT_MODULE)
            check_named(c, "the import slot", h->at + s.place, h->heap.imports[s.import].name,
                        s.addend);
    }
}

/* In a native heap the loader relocates every slot. */
static void check_native(const struct collector *c)
{
    for (uint64_t i = 0; i < c->h->places.count && verify_go_on(c->v); i++) {
        const struct elf_heap_place *p = &c->h->places.all[i];
        const struct image_heap *h = heap_at(c->h, p);

        if (h->mode == SIMG_MODE_NATIVE && c->plain[i] < h->segments[p->segment].slot_count)
            diag_fail(c->v->d, E_FORMAT,
                      "heap %" PRIu32 ": segment %" PRIu32 ": %" PRIu64
                      " slots, and the loader relocates %" PRIu64 " words",
                      p->heap, p->segment, h->segments[p->segment].slot_count, c->plain[i]);
    }
}

void verify_heap_relocs(struct verify *v)
{
    struct collector c;
    struct where here = {v->d->where, "heap", 0};

    if (!collect_all(v, true, &c))
        return;
    check_native(&c);
    v->d->where = &here;
    for (uint32_t i = 0; i < c.h->image.heap_count && verify_go_on(v); i++) {
        here.index = i;
        check_import_slots(&c, &c.h->image.heaps[i]);
    }
    v->d->where = here.up;
}

/* ---- the table of imports ---- */

/* The import's word is filled by its symbol, or with an address in the image
   by whoever relocates the heap. */
static void check_import(const struct collector *c, const struct image_heap *h, uint32_t i)
{
    uint64_t place = h->places[i], addr = h->at + place;
    const struct elf_heap_place *p = elf_heap_at(&c->h->places, addr);
    const struct slot_map *m = NULL;

    if (place == SIMG_NO_PLACE || !p)
        return;
    m = &h->heap.segments[p->segment].slots;
    if (!named_at(c, addr) && (slots_meet(m, addr - p->addr) || c->plain[p - c->h->places.all] > 0))
        return;
    check_named(c, "the word of the import", addr, h->heap.imports[i].name, 0);
}

void verify_heap_imports(struct verify *v)
{
    struct collector c;
    struct where here = {v->d->where, "heap", 0};

    if (!collect_all(v, false, &c))
        return;
    v->d->where = &here;
    for (uint32_t i = 0; i < c.h->image.heap_count; i++) {
        here.index = i;
        for (uint32_t n = 0; n < c.h->image.heaps[i].heap.import_count && verify_go_on(v); n++)
            check_import(&c, &c.h->image.heaps[i], n);
    }
    v->d->where = here.up;
}

/* ---- roots ---- */

struct export
{
    const char *name;
    uint64_t symbol;
};

static int by_name(const void *left, const void *right)
{
    const struct export *l = left, *r = right;

    return strcmp(l->name, r->name);
}

static struct export *list_exports(struct verify *v, uint64_t *count)
{
    struct export *all = verify_alloc(v, v->m.symbol_count, sizeof *all);

    *count = 0;
    for (uint64_t i = 1; all && i < v->m.symbol_count; i++) {
        struct elf_sym s = elf_image_symbol(&v->m, i);
        const char *name = NULL;

        if (s.shndx == SHN_UNDEF || s.info >> 4 == STB_LOCAL ||
            !(name = elf_image_string(&v->m, s.name)))
            continue;
        all[(*count)++] = (struct export){name, i};
    }
    if (all && *count > 0)
        qsort(all, *count, sizeof *all, by_name);
    return all;
}

/* Names of roots and scans of them are paid for, too. */
static bool pay(struct verify *v, uint64_t cost)
{
    uint64_t left = v->m.name_budget;

    v->m.name_budget -= cost < left ? cost : left;
    return cost < left;
}

/* A root of another heap has the name and this symbol: the first of equals is
   exported. */
static bool is_anothers(struct verify *v, const char *name, const struct elf_sym *s)
{
    const struct heap_image *m = &v->heaps->image;

    for (uint32_t i = 0; m->heap_count > 1 && i < m->heap_count; i++) {
        const struct image_heap *g = &m->heaps[i];

        if (!pay(v, g->heap.root_count))
            return false;
        for (uint32_t n = 0; n < g->heap.root_count; n++)
            if (g->at + g->heap.roots[n].addr == s->value && pay(v, strlen(name)) &&
                !strcmp(g->heap.roots[n].name, name))
                return true;
    }
    return false;
}

static void check_root(struct verify *v, const struct image_heap *h, const struct heap_root *root,
                       const struct export *e)
{
    uint64_t addr = h->at + root->addr;
    struct elf_sym s;
    unsigned want = root->kind == SIMG_ROOT_FUNCTION ? STT_FUNC : STT_OBJECT;

    if (!e) {
        diag_fail(v->d, E_FORMAT, "%.200s is no dynamic symbol", root->name);
        return;
    }
    s = elf_image_symbol(&v->m, e->symbol);
    if ((s.value == addr && s.size == root->size && (s.info & 15) == want) ||
        is_anothers(v, root->name, &s))
        return;
    diag_fail(v->d, E_FORMAT,
              "%.200s, kind %u, 0x%" PRIx64 " bytes at 0x%" PRIx64 ": symbol %" PRIu64
              " has type %u, 0x%" PRIx64 " bytes at 0x%" PRIx64,
              root->name, root->kind, root->size, addr, e->symbol, s.info & 15, s.size, s.value);
}

void verify_heap_roots(struct verify *v)
{
    const struct verify_heaps *h = verify_get_heaps(v);
    struct where here = {v->d->where, "root", 0};
    struct export *all = NULL;
    uint64_t count = 0;

    if (!h || h->image.heap_count == 0 || !(all = list_exports(v, &count)))
        return;
    v->d->where = &here;
    for (uint32_t i = 0; i < h->image.heap_count; i++)
        for (uint32_t n = 0; n < h->image.heaps[i].heap.root_count && verify_go_on(v); n++) {
            const struct heap_root *root = &h->image.heaps[i].heap.roots[n];
            struct export key = {root->name, 0};

            here.index = n;
            if (!pay(v, strlen(root->name) + 1))
                break;
            check_root(v, &h->image.heaps[i], root,
                       count > 0 ? bsearch(&key, all, count, sizeof key, by_name) : NULL);
        }
    v->d->where = here.up;
}
