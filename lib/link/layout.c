/* SPDX-License-Identifier: GPL-3.0-or-later */
/* layout.c - addresses and file offsets for everything, and the segments. */

#include "elf/elf.h"
#include "link/link.h"

#include <inttypes.h>

/* ---- segments ---- */

static uint32_t segment_flags(const struct out *o)
{
    return PF_R | (o->flags & SHF_WRITE ? PF_W : 0u) | (o->flags & SHF_EXECINSTR ? PF_X : 0u);
}

static bool is_relro(const struct link *l, const struct out *o)
{
    return l->opt->relro && (o->flags & SHF_WRITE) && o->rank < RANK_GOTPLT &&
           o->rank != RANK_TBSS; /* has no memory of its own */
}

/* O needs a PT_LOAD of its own after PREV: other rights, or bytes behind
   zeros that the file does not hold. */
static bool starts_segment(const struct out *prev, const struct out *o)
{
    return !prev || segment_flags(prev) != segment_flags(o) || o->heap ||
           (prev->type == SHT_NOBITS && prev->rank != RANK_TBSS && o->type != SHT_NOBITS);
}

enum { HUGE_PAGE = 2 << 20 };

/* What the PT_LOAD of a heap's segment is aligned to, in memory and file: a
   large one so that it can be mapped by huge pages. */
static uint64_t heap_align(const struct out *o, uint64_t page)
{
    return o->size >= HUGE_PAGE && page < HUGE_PAGE ? HUGE_PAGE : page;
}

static struct segment *add_segment(struct link *l, uint32_t type, uint32_t flags, uint64_t align)
{
    if (l->segment_count == l->segment_cap) {
        uint64_t cap = l->segment_cap;

        if (!arena_grow(&l->arena, (void **)&l->segments, l->segment_count, &cap,
                        sizeof *l->segments)) {
            diag_nomem(l->d);
            return NULL;
        }
        l->segment_cap = (uint32_t)cap;
    }
    l->segments[l->segment_count] = (struct segment){.type = type, .flags = flags, .align = align};
    return &l->segments[l->segment_count++];
}

/* Let G hold O too. */
static void cover(struct segment *g, const struct out *o)
{
    uint64_t end = o->addr + o->size;

    if (g->memsz == 0 && g->filesz == 0) {
        g->offset = o->offset;
        g->addr = o->addr;
    }
    if (end > g->addr + g->memsz)
        g->memsz = end - g->addr;
    if (o->type != SHT_NOBITS && end - g->addr > g->filesz)
        g->filesz = end - g->addr;
}

static bool load_segments(struct link *l, uint64_t page)
{
    const struct out *prev = NULL;
    struct segment *g = NULL;

    for (uint64_t i = 0; i < l->out_count; i++) {
        const struct out *o = l->outs[i];

        if (o->empty || !(o->flags & SHF_ALLOC))
            continue;
        if (starts_segment(prev, o)) {
            if (!(g = add_segment(l, PT_LOAD, segment_flags(o),
                                  o->heap ? heap_align(o, page) : page)))
                return false;
            if (!prev) { /* the first holds the headers as well */
                g->addr = l->image_base;
                g->memsz = g->filesz = o->addr - g->addr;
            }
        }
        if (o->rank != RANK_TBSS)
            cover(g, o);
        prev = o;
    }
    return true;
}

/* A segment of TYPE over the sections that IS says, if there is any. */
static bool span_segment(struct link *l, uint32_t type, uint32_t flags, uint64_t align,
                         bool (*is)(const struct link *, const struct out *))
{
    struct segment *g = NULL;

    for (uint64_t i = 0; i < l->out_count; i++) {
        const struct out *o = l->outs[i];

        if (o->empty || !(o->flags & SHF_ALLOC) || !is(l, o))
            continue;
        if (!g && !(g = add_segment(l, type, flags, align)))
            return false;
        cover(g, o);
        if (UINT64_C(1) << o->align_log2 > g->align)
            g->align = UINT64_C(1) << o->align_log2;
    }
    return true;
}

static bool is_tls(const struct link *l, const struct out *o)
{
    (void)l;
    return o->flags & SHF_TLS;
}

static bool is_made(const struct link *l, const struct out *o, enum made m)
{
    return l->made[m] && l->made[m]->out == o;
}

static bool is_dynamic(const struct link *l, const struct out *o)
{
    return is_made(l, o, MADE_DYNAMIC);
}

static bool is_eh_hdr(const struct link *l, const struct out *o)
{
    return is_made(l, o, MADE_EH_FRAME_HDR);
}

static bool is_property(const struct link *l, const struct out *o)
{
    return is_made(l, o, MADE_PROPERTY);
}

/* Readers step through a PT_NOTE by its alignment, so notes of another
   alignment get another segment. */
static bool note_segments(struct link *l)
{
    const struct out *prev = NULL;
    struct segment *g = NULL;

    for (uint64_t i = 0; i < l->out_count; i++) {
        const struct out *o = l->outs[i];

        if (o->empty || o->type != SHT_NOTE || !(o->flags & SHF_ALLOC)) {
            prev = o->empty ? prev : NULL;
            continue;
        }
        if ((!prev || prev->align_log2 != o->align_log2) &&
            !(g = add_segment(l, PT_NOTE, segment_flags(o), UINT64_C(1) << o->align_log2)))
            return false;
        cover(g, o);
        prev = o;
    }
    return true;
}

static bool wants_exec_stack(const struct link *l)
{
    if (l->opt->execstack || l->opt->noexecstack)
        return l->opt->execstack;
    for (uint64_t i = 1; i < l->obj_count; i++)
        if (l->objs[i]->o.exec_stack)
            return true;
    return false;
}

static bool make_segments(struct link *l, uint64_t page)
{
    struct segment *relro = NULL;

    l->segment_count = 0;
    if (!load_segments(l, page) || !span_segment(l, PT_DYNAMIC, PF_R | PF_W, 8, is_dynamic) ||
        !note_segments(l) || !span_segment(l, PT_GNU_PROPERTY, PF_R, 8, is_property) ||
        !span_segment(l, PT_TLS, PF_R, 1, is_tls) ||
        !span_segment(l, PT_GNU_EH_FRAME, PF_R, 4, is_eh_hdr) ||
        !add_segment(l, PT_GNU_STACK, PF_R | PF_W | (wants_exec_stack(l) ? PF_X : 0u), 16))
        return false;
    if (!span_segment(l, PT_GNU_RELRO, PF_R, 1, is_relro))
        return false;
    relro = &l->segments[l->segment_count - 1];
    if (relro->type == PT_GNU_RELRO) {
        /* The next section begins on a page of its own: protect up to there,
           which may be past the end of the last PT_LOAD but not of its page. */
        relro->memsz = l->relro_end - relro->addr;
        for (uint32_t i = 0; i < l->segment_count; i++) {
            struct segment *g = &l->segments[i];

            if (g->type == PT_LOAD && g->addr <= relro->addr && relro->addr < g->addr + g->memsz &&
                l->relro_end > g->addr + g->memsz)
                g->memsz = l->relro_end - g->addr;
        }
    }
    return true;
}

/* ---- addresses ---- */

struct position {
    uint64_t addr, offset;
};

/* Move to a new segment: in memory to another page; in the file to another
   page as well, or with the two sharing the page of the file. */
static void next_segment(struct link *l, struct position *at, uint64_t page, bool separate)
{
    (void)l;
    if (separate)
        at->offset = align_up(at->offset, page);
    at->addr = align_up(at->addr, page) + at->offset % page;
}

/* Sizes and alignments come from the inputs: say so when they are beyond all bounds. */
static bool too_large(const struct link *l, const struct out *o)
{
    return diag_fail(l->d, E_LINK, "section %s: the image gets larger than 0x%" PRIx64 " bytes",
                     o->name, LINK_MAX_SIZE);
}

static bool check_sizes(const struct link *l)
{
    for (uint64_t i = 0; i < l->out_count; i++)
        if (l->outs[i]->size >= LINK_MAX_SIZE ||
            UINT64_C(1) << l->outs[i]->align_log2 >= LINK_MAX_SIZE)
            return too_large(l, l->outs[i]);
    return true;
}

/* A heap's segments keep the distances of the heap's own address space, whose
   address 0 comes to a huge page. */
static void place_heap(const struct link *l, struct position *at, const struct out *prev,
                       struct out *o, uint64_t page)
{
    uint64_t align = heap_align(o, page);

    if (!prev || prev->heap != o->heap) {
        uint64_t most = HUGE_PAGE;

        for (uint32_t i = 1; i < o->heap->o.section_count; i++)
            if (UINT64_C(1) << o->heap->o.sections[i].align_log2 > most)
                most = UINT64_C(1) << o->heap->o.sections[i].align_log2;
        o->heap->heap_base = align_up(at->addr, most);
    }
    o->heap->heap_value = l->heap_relocs == HEAP_RELOCS_NONE ? 0 : o->heap->heap_base;
    o->addr = o->heap->heap_base + o->secs[0]->sec->addr;
    at->addr = o->addr + o->size;
    o->offset = align_up(at->offset, align) + o->addr % align;
    if (o->type != SHT_NOBITS)
        at->offset = o->offset + o->size;
    else if (o->offset > at->offset) /* zeros are nowhere in the file, so not behind it */
        o->offset -= align;
}

static bool place_in_memory(struct link *l, uint64_t page, uint64_t common, bool separate)
{
    const struct out *prev = NULL;
    struct position at = {l->image_base, 0};
    bool in_relro = false;

    at.offset = EHDR64_SIZE + (uint64_t)l->segment_count * PHDR64_SIZE;
    at.addr += at.offset;
    l->tls_align = 1;
    l->tls_size = 0;
    for (uint64_t i = 0; i < l->out_count; i++) {
        struct out *o = l->outs[i];
        uint64_t align = UINT64_C(1) << o->align_log2;
        uint64_t padding = 0;

        if (!(o->flags & SHF_ALLOC))
            continue;
        if (o->empty) {
            o->addr = at.addr;
            o->offset = at.offset;
            continue;
        }
        if (o->heap) {
            place_heap(l, &at, prev, o, page);
            if (at.addr - l->image_base > LINK_MAX_SIZE || at.offset > LINK_MAX_SIZE)
                return too_large(l, o);
            prev = o;
            in_relro = false;
            continue;
        }
        if (prev && starts_segment(prev, o)) {
            if (prev->type == SHT_NOBITS)
                at.offset = align_up(at.offset, page);
            next_segment(l, &at, page, separate || prev->type == SHT_NOBITS);
            in_relro = false;
        } else if (in_relro && !is_relro(l, o) && o->rank != RANK_TBSS) {
            /* The last page of RELRO holds nothing else. */
            padding = align_up(at.addr, common) - at.addr;
            at.addr += padding;
            if (prev->type != SHT_NOBITS || o->type != SHT_NOBITS)
                at.offset += padding;
            in_relro = false;
        }
        padding = align_up(at.addr, align) - at.addr;
        o->addr = at.addr + padding;
        if (o->rank == RANK_TBSS) {
            /* Takes no room: each thread has its own. */
            o->offset = at.offset + padding;
            prev = o;
            continue;
        }
        at.addr += padding + o->size;
        if (o->type != SHT_NOBITS) {
            at.offset += padding;
            o->offset = at.offset;
            at.offset += o->size;
        } else {
            o->offset = at.offset;
        }
        if (is_relro(l, o)) {
            in_relro = true;
            l->relro_end = align_up(at.addr, common);
        }
        if (at.addr - l->image_base > LINK_MAX_SIZE || at.offset > LINK_MAX_SIZE)
            return too_large(l, o);
        prev = o;
    }
    l->file_size = at.offset;
    return true;
}

static void measure_tls(struct link *l)
{
    bool any = false;

    for (uint64_t i = 0; i < l->out_count; i++) {
        const struct out *o = l->outs[i];

        if (o->empty || !(o->flags & SHF_ALLOC) || !(o->flags & SHF_TLS))
            continue;
        if (!any)
            l->tls_addr = o->addr;
        any = true;
        l->tls_size = o->addr + o->size - l->tls_addr;
    }
}

/* Sections of one TLS block start where the block's alignment says, so that
   the offsets in the file are those in memory. */
static void align_tls(struct link *l)
{
    struct out *first = NULL;
    uint8_t most = 0;

    for (uint64_t i = 0; i < l->out_count; i++) {
        struct out *o = l->outs[i];

        if (o->empty || !(o->flags & SHF_ALLOC) || !(o->flags & SHF_TLS))
            continue;
        first = first ? first : o;
        most = o->align_log2 > most ? o->align_log2 : most;
    }
    if (first)
        first->align_log2 = most;
}

/* --heap-base: the whole image moves, so that the first heap comes there. */
static bool move_to_heap_base(struct link *l)
{
    uint64_t distance = 0;

    if (!l->opt->heap_base || !l->heap_count || l->heaps[0]->heap_base == l->opt->heap_base)
        return false;
    distance = l->opt->heap_base - l->heaps[0]->heap_base;
    l->image_base += distance;
    return true;
}

bool link_layout(struct link *l)
{
    uint64_t page = l->opt->max_page_size ? l->opt->max_page_size : l->arch->max_page_size;
    uint64_t common = l->opt->common_page_size ? l->opt->common_page_size : l->arch->page_size;
    bool separate = l->opt->separate_code_set ? l->opt->separate_code : l->arch->separate_code;
    bool again = true;

    if (!check_sizes(l))
        return false;
    if (common > page)
        common = page;
    align_tls(l);
    /* Sections that ask for more than a page get it from their segment. */
    for (uint64_t i = 0; i < l->out_count; i++)
        if ((l->outs[i]->flags & SHF_ALLOC) && !l->outs[i]->heap &&
            UINT64_C(1) << l->outs[i]->align_log2 > page)
            page = UINT64_C(1) << l->outs[i]->align_log2;
    while (again) {
        /* The number of segments does not depend on addresses. */
        if (!make_segments(l, page))
            return false;
        if (!place_in_memory(l, page, common, separate) || !make_segments(l, page))
            return false;
        if (!link_size_relr(l, &again))
            return false;
    }
    if (move_to_heap_base(l))
        return link_layout(l);
    measure_tls(l);
    if (l->made[MADE_GOTPLT] && l->machine->got_is_gotplt)
        l->got_base = lsec_addr(l->made[MADE_GOTPLT]);
    else if (l->made[MADE_GOT])
        l->got_base = lsec_addr(l->made[MADE_GOT]);
    return true;
}

bool link_layout_file(struct link *l)
{
    uint64_t at = l->file_size;
    uint32_t headers = 1;

    for (uint64_t i = 0; i < l->out_count; i++) {
        struct out *o = l->outs[i];

        headers += !o->empty;
        if (o->flags & SHF_ALLOC)
            continue;
        at = align_up(at, UINT64_C(1) << o->align_log2);
        o->offset = at;
        if (o->type != SHT_NOBITS)
            at += o->packed.at ? o->packed.size : o->size;
        if (at > LINK_MAX_SIZE)
            return too_large(l, o);
    }
    l->shoff = align_up(at, 8);
    l->file_size = l->shoff + (uint64_t)headers * SHDR64_SIZE;
    l->header_count = headers;
    return true;
}
