/* SPDX-License-Identifier: GPL-3.0-or-later */
/* eh_frame.c - the unwind records of all objects as one .eh_frame, and the
 * sorted table over it (.eh_frame_hdr, LSB "Exception Frames").
 *
 * CIEs that are the same are kept once; FDEs of code that is not in the image
 * are dropped. */

#include "base/par.h"
#include "elf/elf.h"
#include "link/complaints.h"
#include "link/link.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

static int by_offset(const void *a, const void *b)
{
    const struct reloc *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* All relocations of S by offset, in A; NULL after a failure. */
static struct reloc *read_relocs(struct diag *d, struct arena *a, const struct lsec *s)
{
    struct reloc *all = arena_alloc(a, s->sec->reloc_count, sizeof *all);
    bool sorted = true;
    unsigned got = 0;

    if (!all) {
        diag_nomem(d);
        return NULL;
    }
    for (uint64_t first = 0; first < s->sec->reloc_count; first += got)
        if (!s->obj->o.format->relocs(d, &s->obj->o, s->index, first, all + first, RELOC_BATCH,
                                      &got))
            return NULL;
    for (uint64_t i = 1; i < s->sec->reloc_count; i++)
        sorted = sorted && all[i - 1].offset <= all[i].offset;
    if (!sorted)
        qsort(all, s->sec->reloc_count, sizeof *all, by_offset);
    return all;
}

/* ---- reading ---- */

/* Index of the CIE record at OFFSET, EH_CIE if there is none. */
static uint32_t find_cie(const struct eh_section *eh, uint64_t offset)
{
    uint32_t lo = 0, hi = eh->count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (eh->records[mid].offset < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < eh->count && eh->records[lo].offset == offset && eh->records[lo].cie == EH_CIE
               ? lo
               : EH_CIE;
}

/* How many records fill the SIZE bytes of C, as far as their lengths say. */
static uint64_t count_records(struct cursor c)
{
    uint64_t count = 0;

    for (; !c.bad && c.pos < c.in.size; count++)
        cur_take(&c, cur_u32(&c));
    return count;
}

static bool read_record(struct diag *d, struct cursor *c, struct eh_section *eh)
{
    struct eh_record *r = &eh->records[eh->count];
    uint64_t start = c->pos;
    uint64_t size = cur_u32(c);
    uint32_t id = 0;

    if (size == 0 && !c->bad)
        return true; /* a terminator; the output gets one of its own */
    if (size == UINT32_MAX)
        return diag_fail(d, E_UNSUPPORTED, "record at 0x%" PRIx64 " has a 64-bit length",
                         start);
    if (size < 4 || !cur_count(c, size, 1))
        return diag_fail(d, E_FORMAT,
                         "record at 0x%" PRIx64 " has 0x%" PRIx64 " bytes, 0x%" PRIx64 " are left",
                         start, size, c->in.size - c->pos);
    id = cur_u32(c);
    cur_take(c, size - 4);
    *r = (struct eh_record){
        .offset = (uint32_t)start, .size = (uint32_t)(c->pos - start), .cie = EH_CIE};
    if (id) {
        r->cie = find_cie(eh, start + 4 - id);
        if (r->cie == EH_CIE)
            return diag_fail(d, E_FORMAT,
                             "FDE at 0x%" PRIx64 " names a CIE at -0x%" PRIx32 ", where none is",
                             start, id);
    }
    eh->count++;
    return true;
}

static bool read_eh_section(struct diag *d, struct arena *a, struct lsec *s)
{
    struct where object = {d->where, s->obj->o.name, NO_INDEX};
    struct where here = {&object, "section", s->index};
    struct eh_section *eh = arena_alloc(a, 1, sizeof *eh);
    const uint8_t *data = s->data ? s->data : s->sec->data.at;
    struct cursor c = {.in = {data, s->size}, .big = s->obj->o.big};
    uint32_t at = 0;
    bool ok = true;

    if (!data || !eh || s->size > UINT32_MAX ||
        !(eh->records = arena_alloc(a, count_records(c), sizeof *eh->records)) ||
        !(eh->relocs = read_relocs(d, a, s)))
        return d->errors ? false : diag_nomem(d);
    d->where = &here;
    while (ok && c.pos < c.in.size)
        ok = read_record(d, &c, eh);
    d->where = object.up;
    for (uint32_t i = 0; ok && i < eh->count; i++) {
        struct eh_record *r = &eh->records[i];

        while (at < s->sec->reloc_count && eh->relocs[at].offset < r->offset)
            at++;
        r->reloc = at;
        while (at < s->sec->reloc_count && eh->relocs[at].offset < r->offset + (uint64_t)r->size)
            at++;
        r->reloc_count = at - r->reloc;
    }
    s->eh = eh;
    return ok;
}

static bool has_records(const struct lsec *s)
{
    return s->live && s->sec->role == ROLE_EH_FRAME && s->size;
}

struct eh_reading {
    struct link *l;
    struct complaints complaints;
    struct arena *arenas; /* one for each worker */
};

static void read_object(void *arg, unsigned worker, uint64_t i)
{
    struct eh_reading *r = arg;
    const struct lobj *o = r->l->objs[i];
    struct diag *d = complaints_diag(&r->complaints, worker, i);

    for (uint32_t n = 1; i > 0 && n < o->o.section_count; n++)
        if (has_records(&o->secs[n]) && !read_eh_section(d, &r->arenas[worker], &o->secs[n]))
            return;
}

/* What is packed is unpacked first: that memory goes with the link. */
static bool unpack_records(struct link *l)
{
    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            struct lsec *s = &l->objs[i]->secs[n];

            if (s->sec->compression && has_records(s) && !lsec_contents(l, s))
                return false;
        }
    return true;
}

bool link_read_eh_frame(struct link *l)
{
    unsigned workers = par_workers();
    struct eh_reading r = {.l = l, .arenas = arena_alloc(&l->arena, workers, sizeof *r.arenas)};

    if (!r.arenas)
        return diag_nomem(l->d);
    if (!unpack_records(l) || !complaints_begin(l->d, &r.complaints))
        return false;
    par_for(l->obj_count, read_object, &r);
    for (unsigned i = 0; i < workers; i++)
        arena_join(&l->arena, &r.arenas[i]);
    return complaints_end(l->d, &r.complaints);
}

struct lsec *eh_function(const struct lsec *s, const struct eh_record *r)
{
    const struct symbol *sym = NULL;

    if (r->reloc_count == 0)
        return NULL;
    sym = &s->obj->o.symbols[s->eh->relocs[r->reloc].symbol];
    return sym->section && sym->section < s->obj->o.section_count ? &s->obj->secs[sym->section]
                                                                  : NULL;
}

/* ---- placing ---- */

struct cie {
    const struct lsec *sec;
    const struct eh_record *record;
    uint64_t hash;
    uint64_t to;
};

struct cies {
    struct cie *table; /* open, by hash */
    uint64_t size, used;
};

static bool cies_grow(struct link *l, struct cies *cies)
{
    struct cies bigger = {.size = cies->size ? cies->size * 2 : 64, .used = cies->used};

    if (!(bigger.table = arena_alloc(&l->arena, bigger.size, sizeof *bigger.table)))
        return diag_nomem(l->d);
    for (uint64_t i = 0; i < cies->size; i++)
        if (cies->table[i].sec) {
            uint64_t to = cies->table[i].hash & (bigger.size - 1);

            while (bigger.table[to].sec)
                to = (to + 1) & (bigger.size - 1);
            bigger.table[to] = cies->table[i];
        }
    *cies = bigger;
    return true;
}

/* Equal records with other relocations must not all meet in one place. */
static uint64_t cie_hash(const struct lsec *s, const struct eh_record *r, const uint8_t *bytes)
{
    uint64_t hash = XXH3_64bits(bytes, r->size);

    for (uint32_t i = 0; i < r->reloc_count; i++) {
        const struct reloc *p = &s->eh->relocs[r->reloc + i];
        const struct {
            uint64_t offset, addend;
            const struct lsym *sym;
        } key = {p->offset - r->offset, (uint64_t)p->addend, lobj_sym(s->obj, p->symbol)};

        hash = XXH3_64bits_withSeed(&key, sizeof key, hash);
    }
    return hash;
}

static bool same_relocs(const struct lsec *a, const struct eh_record *x, const struct lsec *b,
                        const struct eh_record *y)
{
    if (x->reloc_count != y->reloc_count)
        return false;
    for (uint32_t i = 0; i < x->reloc_count; i++) {
        const struct reloc *p = &a->eh->relocs[x->reloc + i], *q = &b->eh->relocs[y->reloc + i];

        if (p->offset - x->offset != q->offset - y->offset || p->number != q->number ||
            p->addend != q->addend ||
            lobj_sym(a->obj, p->symbol) != lobj_sym(b->obj, q->symbol))
            return false;
    }
    return true;
}

/* Where the CIE that equals record R of S is, or goes: *END is the output's
   size so far. */
static bool place_cie(struct link *l, struct cies *cies, struct lsec *s, struct eh_record *r,
                      uint64_t *end)
{
    const uint8_t *bytes = lsec_contents(l, s) + r->offset;
    uint64_t hash = 0, i = 0;

    if (r->to != MOVED_GONE)
        return true;
    if (cies->used * 2 >= cies->size && !cies_grow(l, cies))
        return false;
    hash = cie_hash(s, r, bytes);
    for (i = hash & (cies->size - 1); cies->table[i].sec; i = (i + 1) & (cies->size - 1)) {
        const struct cie *c = &cies->table[i];

        if (c->hash == hash && c->record->size == r->size &&
            !memcmp(lsec_contents(l, (struct lsec *)(uintptr_t)c->sec) + c->record->offset, bytes,
                    r->size) &&
            same_relocs(c->sec, c->record, s, r)) {
            r->to = c->to;
            return true;
        }
    }
    r->to = *end;
    cies->table[i] = (struct cie){s, r, hash, *end};
    cies->used++;
    *end += r->size;
    return true;
}

static bool place_records(struct link *l, struct lsec *s, struct cies *cies, uint64_t *end,
                          uint64_t *fdes)
{
    struct lsec *made = l->made[MADE_EH_FRAME];

    for (uint32_t i = 0; i < s->eh->count; i++)
        s->eh->records[i].to = MOVED_GONE;
    for (uint32_t i = 0; i < s->eh->count; i++) {
        struct eh_record *r = &s->eh->records[i];
        const struct lsec *code = NULL;

        if (r->cie == EH_CIE || r->reloc_count == 0)
            continue;
        code = eh_function(s, r);
        if (!code || !code->live)
            continue;
        if (!place_cie(l, cies, s, &s->eh->records[r->cie], end))
            return false;
        r->to = *end;
        *end += r->size;
        ++*fdes;
    }
    if (!(s->moved = arena_alloc(&l->arena, s->eh->count, sizeof *s->moved)))
        return diag_nomem(l->d);
    for (uint32_t i = 0; i < s->eh->count; i++)
        s->moved[i] = (struct moved){s->eh->records[i].offset, s->eh->records[i].to};
    s->moved_count = s->eh->count;
    s->into = made;
    s->live = false;
    return true;
}

bool link_collect_eh_frame(struct link *l)
{
    struct cies cies = {0};
    uint64_t end = 0, fdes = 0;
    bool any = false;

    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            struct lsec *s = &l->objs[i]->secs[n];

            if (!s->eh)
                continue;
            if (!any)
                l->made[MADE_EH_FRAME] =
                    link_new_section(l, ".eh_frame", SHT_PROGBITS, SHF_ALLOC, 3);
            any = true;
            if (!place_records(l, s, &cies, &end, &fdes))
                return false;
        }
    if (!any)
        return true;
    l->made[MADE_EH_FRAME]->size = end + 4; /* and a terminator */
    if (l->opt->eh_frame_hdr) {
        l->made[MADE_EH_FRAME_HDR] =
            link_new_section(l, ".eh_frame_hdr", SHT_PROGBITS, SHF_ALLOC, 2);
        l->made[MADE_EH_FRAME_HDR]->size = 12 + 8 * fdes;
    }
    return true;
}

/* ---- filling ---- */

struct fde_entry {
    uint64_t code, fde;
};

struct filler {
    struct link *l;
    struct lsec *out;
    struct fde_entry *table;
    uint64_t count;
};

/* Nothing in .eh_frame is left to the dynamic linker: it is read-only. */
static bool check_reloc(struct link *l, const struct lsec *s, const struct reloc *r)
{
    const struct lsym *sym = lobj_sym(s->obj, r->symbol);

    if (!r->type || !r->type->field || r->type->what != WHAT_SYMBOL)
        return diag_fail(l->d, E_UNSUPPORTED, ".eh_frame: relocation type %" PRIu32, r->number);
    if (r->symbol == 0 || (lsym_defined(sym) ? r->type->from == FROM_PLACE || lsym_is_constant(sym)
                                             : lsym_is_constant(sym)))
        return true;
    return diag_fail(l->d, E_LINK,
                     ".eh_frame+0x%" PRIx64 ": %s against `%s' cannot be used in a shared library; "
                     "recompile with -fPIC",
                     r->offset, r->type->name,
                     lsym_section(sym) && !*sym->name ? lsym_section(sym)->sec->name : sym->name);
}

static bool fill_record(struct filler *f, struct lsec *s, const struct eh_record *r)
{
    struct link *l = f->l;
    uint8_t *to = f->out->data + r->to;
    uint64_t base = lsec_addr(f->out);
    struct where object = {l->d->where, s->obj->o.name, NO_INDEX};
    bool ok = true;

    memcpy(to, lsec_contents(l, s) + r->offset, r->size);
    store_uint(to, 4, false, r->size - 4u);
    if (r->cie != EH_CIE)
        store_uint(to + 4, 4, false, r->to + 4 - s->eh->records[r->cie].to);
    l->d->where = &object;
    for (uint32_t i = 0; ok && i < r->reloc_count; i++) {
        const struct reloc *rel = &s->eh->relocs[r->reloc + i];
        uint64_t in = rel->offset - r->offset;
        struct reloc_at at = {.a = 0, .p = base + r->to + in};
        uint64_t target = 0;

        if (!(ok = check_reloc(l, s, rel)))
            break;
        if (!link_target(l, s->obj, rel, &target)) /* code of a dropped group */
            continue;
        at.x = target;
        ok = reloc_apply(l->d, rel->type, &at, to + in, false);
        if (i == 0 && r->cie != EH_CIE)
            f->table[f->count++] = (struct fde_entry){target, base + r->to};
    }
    l->d->where = object.up;
    return ok;
}

static int by_code(const void *a, const void *b)
{
    const struct fde_entry *x = a, *y = b;

    return x->code != y->code ? (x->code < y->code ? -1 : 1) : x->fde < y->fde ? -1 : x->fde > y->fde;
}

static bool fill_header(struct filler *f)
{
    struct lsec *hdr = f->l->made[MADE_EH_FRAME_HDR];
    uint64_t at = lsec_addr(hdr);
    uint8_t *p = arena_alloc(&f->l->arena, 1, hdr->size);

    if (!p)
        return diag_nomem(f->l->d);
    hdr->data = p;
    qsort(f->table, f->count, sizeof *f->table, by_code);
    p[0] = 1;
    p[1] = 0x1b; /* pointer to .eh_frame: from here, 4 bytes signed */
    p[2] = 0x03; /* count: 4 bytes */
    p[3] = 0x3b; /* table: from the start of this section, 4 bytes signed */
    store_uint(p + 4, 4, false, lsec_addr(f->out) - (at + 4));
    store_uint(p + 8, 4, false, f->count);
    for (uint64_t i = 0; i < f->count; i++) {
        int64_t code = (int64_t)(f->table[i].code - at), fde = (int64_t)(f->table[i].fde - at);

        if (code != (int32_t)code || fde != (int32_t)fde) {
            /* Too far for 4 bytes: no table, unwinders walk .eh_frame. */
            memset(p + 8, 0, hdr->size - 8);
            p[2] = p[3] = 0xff;
            return true;
        }
        store_uint(p + 12 + 8 * i, 4, false, (uint64_t)code);
        store_uint(p + 16 + 8 * i, 4, false, (uint64_t)fde);
    }
    return true;
}

bool link_fill_eh_frame(struct link *l)
{
    struct filler f = {.l = l, .out = l->made[MADE_EH_FRAME]};

    if (!f.out)
        return true;
    f.out->data = arena_alloc(&l->arena, 1, f.out->size);
    f.table = arena_alloc(&l->arena, f.out->size / 8 + 1, sizeof *f.table);
    if (!f.out->data || !f.table)
        return diag_nomem(l->d);
    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            struct lsec *s = &l->objs[i]->secs[n];

            for (uint32_t r = 0; s->eh && r < s->eh->count; r++)
                if (s->eh->records[r].to != MOVED_GONE &&
                    !fill_record(&f, s, &s->eh->records[r]))
                    return false;
        }
    return !l->made[MADE_EH_FRAME_HDR] || fill_header(&f);
}
