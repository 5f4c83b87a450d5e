/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sections.c - which input section goes where. */

#include "dylib/dylib.h"
#include "elf/elf.h"
#include "heap/object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Sections that ld64 gives another name: what only the loader writes to is in
   __DATA_CONST, and old kinds of section have gone. */
static const struct {
    const char *from, *to;
} renames[] = {
    {"__DATA,__const", "__DATA_CONST,__const"},
    {"__DATA,__cfstring", "__DATA_CONST,__cfstring"},
    {"__DATA,__mod_init_func", "__DATA_CONST,__mod_init_func"},
    {"__DATA,__mod_term_func", "__DATA_CONST,__mod_term_func"},
    {"__DATA,__objc_classlist", "__DATA_CONST,__objc_classlist"},
    {"__DATA,__objc_catlist", "__DATA_CONST,__objc_catlist"},
    {"__DATA,__objc_protolist", "__DATA_CONST,__objc_protolist"},
    {"__DATA,__objc_imageinfo", "__DATA_CONST,__objc_imageinfo"},
    {"__TEXT,__StaticInit", "__TEXT,__text"},
    {"__TEXT,__textcoal_nt", "__TEXT,__text"},
    {"__TEXT,__const_coal", "__TEXT,__const"},
    {"__DATA,__datacoal_nt", "__DATA,__data"},
};

static const char *output_name(const char *name)
{
    for (size_t i = 0; i < sizeof renames / sizeof *renames; i++)
        if (!strcmp(renames[i].from, name))
            return renames[i].to;
    return name;
}

/* The order of sections in their segment. */
enum place {
    PLACE_TEXT,
    PLACE_CODE,
    PLACE_STUBS,
    PLACE_INITS,
    PLACE_GOT,
    PLACE_PLAIN,
    PLACE_UNWIND,
    PLACE_EH_FRAME,
    PLACE_TLV,
    PLACE_TDATA,
    PLACE_TBSS,
    PLACE_ZERO,
};

static enum place place_of(const struct out *o)
{
    static const struct {
        uint32_t type;
        enum place place;
    } types[] = {
        {S_SYMBOL_STUBS, PLACE_STUBS},
        {S_INIT_FUNC_OFFSETS, PLACE_INITS},
        {S_NON_LAZY_SYMBOL_POINTERS, PLACE_GOT},
        {S_THREAD_LOCAL_VARIABLES, PLACE_TLV},
        {S_THREAD_LOCAL_REGULAR, PLACE_TDATA},
        {S_THREAD_LOCAL_ZEROFILL, PLACE_TBSS},
        {S_ZEROFILL, PLACE_ZERO},
        {S_GB_ZEROFILL, PLACE_ZERO},
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type == (o->type & SECTION_TYPE))
            return types[i].place;
    if (!strcmp(o->name, "__TEXT,__text"))
        return PLACE_TEXT;
    if (!strcmp(o->name, "__TEXT,__unwind_info"))
        return PLACE_UNWIND;
    if (!strcmp(o->name, "__TEXT,__eh_frame"))
        return PLACE_EH_FRAME;
    return o->type & S_ATTR_PURE_INSTRUCTIONS ? PLACE_CODE : PLACE_PLAIN;
}

/* ---- grouping ---- */

/* An out with its place among all. */
struct placed {
    struct out *out;
    unsigned segment, place, order;
};

struct maker {
    struct link *l;
    struct placed *all;
    uint64_t count, cap;
    const char **segments; /* names, in the order of the file */
    uint64_t segment_count, segment_cap;
    uint32_t heaps; /* segments of heaps so far */
};

static bool same_segment(const char *segment, const char *full)
{
    size_t len = strcspn(full, ",");

    return !strncmp(segment, full, len) && segment[len] == 0;
}

static bool segment_index(struct maker *m, const char *full, unsigned *out)
{
    for (*out = 0; *out < m->segment_count; ++*out)
        if (same_segment(m->segments[*out], full))
            return true;
    if (!arena_grow(&m->l->arena, (void **)&m->segments, m->segment_count, &m->segment_cap,
                    sizeof *m->segments) ||
        !(m->segments[m->segment_count] = arena_strndup(&m->l->arena, full, strcspn(full, ","))))
        return diag_nomem(m->l->d);
    m->segment_count++;
    return true;
}

static struct out *new_out(struct maker *m, const char *name, uint32_t type)
{
    struct link *l = m->l;
    struct out *o = arena_alloc(&l->arena, 1, sizeof *o);
    struct placed *p = NULL;

    if (!o || !arena_grow(&l->arena, (void **)&m->all, m->count, &m->cap, sizeof *m->all)) {
        diag_nomem(l->d);
        return NULL;
    }
    *o = (struct out){.name = name, .type = type, .flags = SHF_ALLOC};
    p = &m->all[m->count];
    *p = (struct placed){.out = o, .order = (unsigned)m->count};
    m->count++;
    return segment_index(m, name, &p->segment) ? o : NULL;
}

static struct out *find_out(struct maker *m, const struct section *sec)
{
    const char *name = output_name(sec->name);
    uint32_t type = sec->type & ~(S_ATTR_EXT_RELOC | S_ATTR_LOC_RELOC | S_ATTR_NO_DEAD_STRIP);

    if ((type & SECTION_TYPE) == S_COALESCED)
        type &= ~SECTION_TYPE;
    for (uint64_t i = 0; i < m->count; i++) {
        struct out *o = m->all[i].out;

        if (o->heap || (o->name != name && strcmp(o->name, name) != 0))
            continue;
        /* Two kinds under one name: plain data is both. */
        if ((o->type & SECTION_TYPE) != (type & SECTION_TYPE))
            o->type &= ~SECTION_TYPE;
        o->type |= type & ~SECTION_TYPE;
        return o;
    }
    return new_out(m, name, type);
}

/* Kinds that have no meaning without what else only old linkers made. */
static bool check_kind(struct link *l, const struct lsec *s)
{
    switch (s->sec->type & SECTION_TYPE) {
    case S_NON_LAZY_SYMBOL_POINTERS:
    case S_LAZY_SYMBOL_POINTERS:
    case S_SYMBOL_STUBS:
    case S_LAZY_DYLIB_SYMBOL_POINTERS:
        if (s->obj != l->objs[0] && s->size)
            return diag_fail(l->d, E_UNSUPPORTED,
                             "%s: %s: stubs and pointers that an assembler made are not supported",
                             s->obj->o.name, s->sec->name);
        break;
    default:
        break;
    }
    return true;
}

/* Each segment of a heap is an out, and a segment of its own. */
static bool add_heap(struct maker *m, struct lobj *heap)
{
    for (uint32_t n = 1; n < heap->o.section_count; n++) {
        struct lsec *s = &heap->secs[n];
        bool zero = s->sec->flags & SEC_ZERO;
        char name[40];
        struct out *o = NULL;
        char *kept = NULL;

        if (!s->live || s->size == 0)
            continue;
        snprintf(name, sizeof name, "__HEAP%" PRIu32 ",__heap", m->heaps++);
        if (!(kept = arena_strdup(&m->l->arena, name)))
            return diag_nomem(m->l->d);
        o = new_out(m, kept,
                    zero                       ? S_ZEROFILL
                    : s->sec->flags & SEC_EXEC ? S_ATTR_PURE_INSTRUCTIONS
                                               : S_REGULAR);
        if (!o || !out_add(m->l, o, s))
            return false;
        o->heap = heap;
    }
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    return x->segment != y->segment ? (x->segment > y->segment ? 1 : -1)
           : x->place != y->place   ? (x->place > y->place ? 1 : -1)
                                    : (x->order > y->order) - (x->order < y->order);
}

static bool give_outs(struct maker *m)
{
    struct link *l = m->l;

    for (uint64_t i = 0; i < m->count; i++)
        m->all[i].place = place_of(m->all[i].out);
    qsort(m->all, m->count, sizeof *m->all, by_place);
    if (!(l->outs = arena_alloc(&l->arena, m->count, sizeof *l->outs)))
        return diag_nomem(l->d);
    for (uint64_t i = 0; i < m->count; i++)
        l->outs[l->out_count++] = m->all[i].out;
    return true;
}

/* ---- segments ---- */

static uint32_t rights_of(const char *name, const struct out *first)
{
    if (!strcmp(name, "__TEXT"))
        return VM_PROT_READ | VM_PROT_EXECUTE;
    if (first->heap && first->type & S_ATTR_PURE_INSTRUCTIONS)
        return VM_PROT_READ | VM_PROT_EXECUTE;
    return VM_PROT_READ | VM_PROT_WRITE;
}

static struct dylib_segment *new_segment(struct link *l, const char *name, uint64_t *cap)
{
    struct dylib *y = l->dylib;
    struct dylib_segment *seg = NULL;

    if (y->segment_count == 250) {
        diag_fail(l->d, E_LINK, "more than 250 segments; loaders allow 255");
        return NULL;
    }
    if (!arena_grow(&l->arena, (void **)&y->segments, y->segment_count, cap, sizeof *y->segments)) {
        diag_nomem(l->d);
        return NULL;
    }
    seg = &y->segments[y->segment_count++];
    memset(seg, 0, sizeof *seg);
    memcpy(seg->name, name, strlen(name) < 16 ? strlen(name) : 16);
    return seg;
}

/* As many segments as a heap's out needs: chains count pages in 16 bits. */
static bool add_heap_segments(struct link *l, uint64_t index, uint32_t *number, uint64_t *cap)
{
    const struct out *o = l->outs[index];
    const struct lsec *s = o->secs[0];
    uint64_t most = (uint64_t)l->darwin->fixup_page * 0xe000;

    for (uint64_t from = 0; from < s->size; from += most) {
        struct dylib_segment *seg = NULL;
        char name[17];

        snprintf(name, sizeof name, "__HEAP%" PRIu32, (*number)++);
        if (!(seg = new_segment(l, name, cap)))
            return false;
        seg->initprot = rights_of(name, o);
        /* Start-up code that relocates a heap comes after the loader took the rights. */
        seg->flags = seg->initprot & VM_PROT_WRITE && !(s->sec->flags & SEC_WRITE) &&
                             !(l->heap_relocs == HEAP_RELOCS_PRELINKED && s->heap->slots.count)
                         ? SG_READ_ONLY
                         : 0;
        seg->first_out = index;
        seg->out_count = 1;
        seg->heap_from = from;
    }
    return true;
}

static bool make_segments(struct link *l)
{
    struct dylib *y = l->dylib;
    uint64_t cap = 0;
    uint32_t heaps = 0, section = 1;
    struct dylib_segment *seg = new_segment(l, "__TEXT", &cap);

    if (!seg)
        return false;
    seg->initprot = VM_PROT_READ | VM_PROT_EXECUTE;
    for (uint64_t i = 0; i < l->out_count; i++) {
        const struct out *o = l->outs[i];
        char name[17] = "";

        if (o->heap) {
            if (!add_heap_segments(l, i, &heaps, &cap))
                return false;
            continue;
        }
        seg = &y->segments[y->segment_count - 1];
        if (!same_segment(seg->name, o->name)) {
            memcpy(name, o->name, strcspn(o->name, ","));
            if (!(seg = new_segment(l, name, &cap)))
                return false;
            seg->initprot = rights_of(name, o);
            seg->flags = !strcmp(name, "__DATA_CONST") ? SG_READ_ONLY : 0;
        }
        if (seg->out_count++ == 0)
            seg->first_out = i;
    }
    if (!(seg = new_segment(l, "__LINKEDIT", &cap)))
        return false;
    seg->initprot = VM_PROT_READ;
    y->linkedit = seg;
    for (uint32_t i = 0; i < y->segment_count; i++) {
        y->segments[i].first_section = section;
        section += (uint32_t)y->segments[i].out_count;
    }
    y->section_count = section - 1;
    return y->section_count <= 255 ||
           diag_fail(l->d, E_LINK, "%" PRIu32 " sections; symbols can be in one of 255 only",
                     y->section_count);
}

/* ---- all ---- */

static bool add_sectcreate(struct link *l, const struct sectcreate *c)
{
    struct file *f = arena_alloc(&l->arena, 1, sizeof *f);
    char *name = arena_printf(&l->arena, "%s,%s", c->segment, c->section);
    struct section section = {.flags = SEC_ALLOC | SEC_WRITE, .type = S_REGULAR};

    if (!f || !name ||
        !arena_grow(&l->arena, (void **)&l->files, l->file_count, &l->file_cap, sizeof *l->files))
        return diag_nomem(l->d);
    if (!file_open(l->d, c->path, f))
        return false;
    l->files[l->file_count++] = f;
    section.name = name;
    section.data = f->data;
    section.size = f->data.size;
    link_append_section(l, &section);
    return true;
}

static bool has_segment_of_others(const char *name)
{
    return !strncmp(name, "__LINKEDIT,", 11) || !strncmp(name, "__PAGEZERO,", 11);
}

bool dylib_make_outs(struct link *l)
{
    static const char *const first[] = {"__TEXT,", "__DATA_CONST,", "__DATA,"};
    struct maker m = {.l = l};
    unsigned index = 0;

    for (size_t i = 0; i < l->opt->darwin.section_count; i++)
        if (!add_sectcreate(l, &l->opt->darwin.sections[i]))
            return false;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (!segment_index(&m, first[i], &index))
            return false;
    /* The linker's own come first, where their kind has no order. */
    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            struct lsec *s = &l->objs[i]->secs[n];
            struct out *o = NULL;

            if (!s->live || !(s->sec->flags & SEC_ALLOC) || l->objs[i]->o.heap ||
                (s->sec->role == ROLE_EH_FRAME && s != l->dylib->eh_frame))
                continue;
            if (has_segment_of_others(s->sec->name))
                return diag_fail(l->d, E_LINK, "%s: %s: is a segment that only linkers fill",
                                 l->objs[i]->o.name, s->sec->name);
            if (!check_kind(l, s) || !(o = find_out(&m, s->sec)) || !out_add(l, o, s))
                return false;
        }
    for (uint64_t i = 0; i < l->heap_count; i++)
        if (!add_heap(&m, l->heaps[i]))
            return false;
    if (!give_outs(&m))
        return false;
    return make_segments(l);
}
