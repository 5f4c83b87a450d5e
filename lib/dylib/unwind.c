/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unwind.c - __unwind_info, made of the objects' __compact_unwind entries
 * (<mach-o/compact_unwind_encoding.h>).
 *
 * Two levels: pages of up to 4 KiB with one word or two for each function,
 * and an index of the pages.  The personality functions of the whole image are
 * named by two bits of an encoding: three at most. */

#include "dylib/dylib.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    ENTRY = COMPACT_UNWIND_ENTRY_SIZE,
    HEADER = 28,
    INDEX_ENTRY = 12,
    PAGE_BYTES = 4096,
    COMPRESSED_HEADER = 12,
    REGULAR_HEADER = 8,
    MAX_PERSONALITIES = 3,
    MAX_COMMON = 127,   /* encodings that all pages share */
    MAX_ENCODINGS = 255 /* that a compressed page can name, with those */
};
#define MAX_COMPRESSED_OFFSET ((UINT64_C(1) << 24) - 1)

/* ---- reading ---- */

static bool bad_entry(struct diag *d, const struct lsec *s, uint64_t at, const char *what)
{
    return diag_fail(d, E_FORMAT, "%s: %s: entry %" PRIu64 ": %s", s->obj->o.name, s->sec->name,
                     at / ENTRY, what);
}

/* The place that R means in its own object, whatever other objects define. */
static struct lsec *own_place(const struct lobj *o, const struct reloc *r, uint64_t *offset)
{
    const struct symbol *sym = &o->o.symbols[r->symbol];

    if (r->symbol == 0 || sym->section == SECTION_UNDEF || sym->section >= o->o.section_count)
        return NULL;
    *offset = sym->value + (uint64_t)r->addend;
    return *offset <= o->secs[sym->section].size ? &o->secs[sym->section] : NULL;
}

static bool take_reloc(struct link *l, struct lsec *s, const struct reloc *r,
                       struct unwind_entry *entries)
{
    struct unwind_entry *e = &entries[r->offset / ENTRY];

    if (!reloc_is_word(r->type) || r->minus || r->offset / ENTRY >= s->size / ENTRY)
        return bad_entry(l->d, s, r->offset, "a relocation that is no pointer");
    switch (r->offset % ENTRY) {
    case 0:
        e->sec = own_place(s->obj, r, &e->offset);
        return e->sec || bad_entry(l->d, s, r->offset, "its function is in no section");
    case 16:
        e->personality = lobj_sym(s->obj, r->symbol);
        if (r->addend || r->symbol == 0)
            return bad_entry(l->d, s, r->offset, "its personality is no symbol");
        return true;
    case 24:
        e->lsda = own_place(s->obj, r, &e->lsda_offset);
        return e->lsda || bad_entry(l->d, s, r->offset, "its exception table is in no section");
    default:
        return bad_entry(l->d, s, r->offset, "a relocation at a place of no pointer");
    }
}

static bool read_section(struct link *l, struct lsec *s)
{
    struct dylib *y = l->dylib;
    uint64_t count = s->size / ENTRY;
    struct unwind_entry *entries = arena_alloc(&l->arena, count, sizeof *entries);
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    if (!entries)
        return diag_nomem(l->d);
    if (s->size % ENTRY || !s->sec->data.at)
        return bad_entry(l->d, s, s->size, "is not whole");
    for (uint64_t first = 0; first < s->sec->reloc_count; first += got) {
        if (!s->obj->o.format->relocs(l->d, &s->obj->o, s->index, first, batch, RELOC_BATCH, &got))
            return false;
        for (unsigned i = 0; i < got; i++)
            if (batch[i].type->field && !take_reloc(l, s, &batch[i], entries))
                return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct unwind_entry *e = &entries[i];
        const uint8_t *p = s->sec->data.at + i * ENTRY;

        e->length = load_uint(p + 8, 4, false);
        e->encoding = (uint32_t)load_uint(p + 12, 4, false);
        if (!e->sec)
            return bad_entry(l->d, s, i * ENTRY, "it has no function");
        if (!e->sec->live)
            continue;
        if (!arena_grow(&l->arena, (void **)&y->entries, y->entry_count, &y->entry_cap,
                        sizeof *y->entries))
            return diag_nomem(l->d);
        y->entries[y->entry_count++] = *e;
    }
    return true;
}

/* By the order of sections and then by offset: the order of addresses, once
   there are any, as far as one section goes. */
static int by_place(const void *a, const void *b)
{
    const struct unwind_entry *x = a, *y = b;

    if (x->sec->obj != y->sec->obj)
        return x->sec->obj->order > y->sec->obj->order ? 1 : -1;
    if (x->sec != y->sec)
        return x->sec->index > y->sec->index ? 1 : -1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

bool dylib_read_unwind(struct link *l)
{
    struct dylib *y = l->dylib;

    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++)
            if (l->objs[i]->o.sections[n].role == ROLE_UNWIND &&
                !read_section(l, &l->objs[i]->secs[n]))
                return false;
    if (y->entry_count)
        qsort(y->entries, y->entry_count, sizeof *y->entries, by_place);
    if (!dylib_read_eh_frame(l) || !dylib_choose_fdes(l) || !dylib_add_dwarf_entries(l))
        return false;
    for (uint64_t i = 0; i < y->entry_count; i++) {
        struct unwind_entry *e = &y->entries[i];

        if (e->personality && !e->fde)
            atomic_fetch_or(&e->personality->needs,
                            NEED_GOT | (dylib_binds(e->personality) ? NEED_DYNSYM : 0));
    }
    if (y->entry_count) {
        y->unwind = link_append_section(l, &(struct section){.name = "__TEXT,__unwind_info",
                                                             .flags = SEC_ALLOC,
                                                             .align_log2 = 2,
                                                             .type = S_REGULAR});
        y->unwind->size = 1; /* known once code has addresses */
    }
    return true;
}

/* ---- the table ---- */

/* What is written of a function. */
struct row {
    uint64_t addr, end;
    uint64_t lsda; /* 0: none */
    uint32_t encoding;
};

struct table {
    struct link *l;
    struct row *rows;
    uint64_t count;
    const struct lsym *personalities[MAX_PERSONALITIES];
    unsigned personality_count;
    uint32_t common[MAX_COMMON];
    unsigned common_count;
    struct buf *out;
};

static int by_address(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return (x->addr > y->addr) - (x->addr < y->addr);
}

static bool personality_index(struct table *t, const struct unwind_entry *e, uint32_t *out)
{
    unsigned i = 0;

    for (; i < t->personality_count; i++)
        if (t->personalities[i] == e->personality)
            break;
    if (i == MAX_PERSONALITIES)
        return diag_fail(t->l->d, E_LINK,
                         "more than %d personality functions (%s, %s, %s, %s): compact unwind "
                         "information has room for no more",
                         MAX_PERSONALITIES, t->personalities[0]->name, t->personalities[1]->name,
                         t->personalities[2]->name, e->personality->name);
    if (i == t->personality_count)
        t->personalities[t->personality_count++] = e->personality;
    *out = (i + 1) << 28;
    return true;
}

static bool make_row(struct table *t, const struct unwind_entry *e, struct row *r)
{
    uint32_t personality = 0;

    *r = (struct row){.addr = lsec_addr(e->sec) + e->offset, .encoding = e->encoding};
    r->end = r->addr + e->length;
    if (e->fde) { /* all else is in the record */
        uint64_t offset = dylib_fde_offset(t->l, e->fde);

        if (offset > UNWIND_DWARF_SECTION_OFFSET)
            return diag_fail(t->l->d, E_LINK,
                             "__eh_frame is larger than 16 MiB, which is as far as compact unwind "
                             "information reaches");
        r->encoding = t->l->darwin->unwind_dwarf | (uint32_t)offset;
        return true;
    }
    r->encoding &= ~UNWIND_PERSONALITY_MASK;
    if (e->personality) {
        if (!personality_index(t, e, &personality))
            return false;
        r->encoding |= personality;
    }
    if (e->lsda) {
        r->encoding |= UNWIND_HAS_LSDA;
        r->lsda = lsec_addr(e->lsda) + e->lsda_offset;
    }
    return true;
}

static bool is_dwarf(const struct table *t, uint32_t encoding)
{
    return (encoding & UNWIND_MODE_MASK) == t->l->darwin->unwind_dwarf;
}

/* Neighbours that are unwound in the same way are one. */
static void fold(struct table *t)
{
    uint64_t kept = 0;

    for (uint64_t i = 0; i < t->count; i++) {
        const struct row *r = &t->rows[i];
        struct row *last = kept ? &t->rows[kept - 1] : NULL;

        if (last && last->encoding == r->encoding && last->addr != r->addr && !last->lsda &&
            !r->lsda && !is_dwarf(t, r->encoding)) {
            last->end = r->end;
            continue;
        }
        if (last && last->addr == r->addr) /* two copies of one record */
            continue;
        t->rows[kept++] = *r;
    }
    t->count = kept;
}

static bool make_rows(struct table *t)
{
    const struct dylib *y = t->l->dylib;

    if (!(t->rows = arena_alloc(&t->l->arena, y->entry_count, sizeof *t->rows)))
        return diag_nomem(t->l->d);
    for (uint64_t i = 0; i < y->entry_count; i++)
        if (!make_row(t, &y->entries[i], &t->rows[t->count++]))
            return false;
    qsort(t->rows, t->count, sizeof *t->rows, by_address);
    fold(t);
    return true;
}

struct tally {
    uint32_t encoding, count;
};

static int by_encoding(const void *a, const void *b)
{
    const struct tally *x = a, *y = b;

    return (x->encoding > y->encoding) - (x->encoding < y->encoding);
}

static int by_count(const void *a, const void *b)
{
    const struct tally *x = a, *y = b;

    return x->count != y->count ? (x->count < y->count ? 1 : -1) : by_encoding(a, b);
}

/* The encodings that are used most are known to all pages. */
static bool choose_common(struct table *t)
{
    struct tally *all = arena_alloc(&t->l->arena, t->count, sizeof *all);
    uint64_t count = 0, kept = 0;

    if (!all)
        return diag_nomem(t->l->d);
    for (uint64_t i = 0; i < t->count; i++)
        if (!is_dwarf(t, t->rows[i].encoding))
            all[count++] = (struct tally){t->rows[i].encoding, 1};
    qsort(all, count, sizeof *all, by_encoding);
    for (uint64_t i = 0; i < count; i++) {
        if (kept && all[kept - 1].encoding == all[i].encoding)
            all[kept - 1].count++;
        else
            all[kept++] = all[i];
    }
    qsort(all, kept, sizeof *all, by_count);
    for (uint64_t i = 0; i < kept && i < MAX_COMMON && all[i].count > 1; i++)
        t->common[t->common_count++] = all[i].encoding;
    return true;
}

static unsigned find_encoding(const uint32_t *list, unsigned count, uint32_t encoding)
{
    unsigned i = 0;

    while (i < count && list[i] != encoding)
        i++;
    return i;
}

/* How many rows from FIRST on fit in a compressed page; LOCAL gets the
   encodings that only it knows. */
static uint64_t fit_compressed(const struct table *t, uint64_t first, uint32_t *local,
                               unsigned *local_count)
{
    uint64_t n = 0;

    *local_count = 0;
    for (; first + n < t->count; n++) {
        const struct row *r = &t->rows[first + n];
        bool known = find_encoding(t->common, t->common_count, r->encoding) < t->common_count ||
                     find_encoding(local, *local_count, r->encoding) < *local_count;
        uint64_t bytes = COMPRESSED_HEADER + 4 * (n + 1) + 4ull * (*local_count + !known);

        if (bytes > PAGE_BYTES || r->addr - t->rows[first].addr > MAX_COMPRESSED_OFFSET ||
            (!known && t->common_count + *local_count >= MAX_ENCODINGS))
            break;
        if (!known)
            local[(*local_count)++] = r->encoding;
    }
    return n;
}

static void put_compressed(const struct table *t, uint64_t first, uint64_t n, const uint32_t *local,
                           unsigned local_count)
{
    struct buf *b = t->out;

    buf_uint(b, UNWIND_SECOND_LEVEL_COMPRESSED, 4);
    buf_uint(b, COMPRESSED_HEADER, 2);
    buf_uint(b, n, 2);
    buf_uint(b, COMPRESSED_HEADER + 4 * n, 2);
    buf_uint(b, local_count, 2);
    for (uint64_t i = 0; i < n; i++) {
        const struct row *r = &t->rows[first + i];
        unsigned index = find_encoding(t->common, t->common_count, r->encoding);

        if (index == t->common_count)
            index += find_encoding(local, local_count, r->encoding);
        buf_uint(b, (r->addr - t->rows[first].addr) | (uint64_t)index << 24, 4);
    }
    for (unsigned i = 0; i < local_count; i++)
        buf_uint(b, local[i], 4);
}

static uint64_t fit_regular(const struct table *t, uint64_t first)
{
    uint64_t most = (PAGE_BYTES - REGULAR_HEADER) / 8;

    return t->count - first < most ? t->count - first : most;
}

static void put_regular(const struct table *t, uint64_t first, uint64_t n, uint64_t base)
{
    struct buf *b = t->out;

    buf_uint(b, UNWIND_SECOND_LEVEL_REGULAR, 4);
    buf_uint(b, REGULAR_HEADER, 2);
    buf_uint(b, n, 2);
    for (uint64_t i = 0; i < n; i++) {
        buf_uint(b, t->rows[first + i].addr - base, 4);
        buf_uint(b, t->rows[first + i].encoding, 4);
    }
}

/* A page: whichever form takes more rows. */
struct page {
    uint64_t first, count;
    bool compressed;
    uint64_t offset;
};

static bool make_pages(const struct table *t, struct page **out, uint64_t *count)
{
    uint64_t cap = 0;
    uint32_t local[MAX_ENCODINGS];
    unsigned locals = 0;

    *out = NULL;
    *count = 0;
    for (uint64_t at = 0; at < t->count;) {
        uint64_t compressed = fit_compressed(t, at, local, &locals), regular = fit_regular(t, at);
        struct page p = {.first = at, .compressed = compressed >= regular};

        p.count = p.compressed ? compressed : regular;
        if (!arena_grow(&t->l->arena, (void **)out, *count, &cap, sizeof **out))
            return diag_nomem(t->l->d);
        (*out)[(*count)++] = p;
        at += p.count;
    }
    return true;
}

static void put_lsdas(const struct table *t, const struct page *p, uint64_t base)
{
    for (uint64_t i = 0; i < p->count; i++) {
        const struct row *r = &t->rows[p->first + i];

        if (r->lsda) {
            buf_uint(t->out, r->addr - base, 4);
            buf_uint(t->out, r->lsda - base, 4);
        }
    }
}

static bool make_table(struct link *l, struct buf *out)
{
    struct table t = {.l = l, .out = out};
    const struct dylib *y = l->dylib;
    uint64_t base = l->opt->image_base, pages = 0, index = 0, at = 0;
    struct page *page = NULL;
    uint32_t local[MAX_ENCODINGS];
    unsigned locals = 0;

    if (!make_rows(&t) || !choose_common(&t) || !make_pages(&t, &page, &pages))
        return false;
    buf_uint(out, UNWIND_SECTION_VERSION, 4);
    buf_uint(out, HEADER, 4);
    buf_uint(out, t.common_count, 4);
    buf_uint(out, HEADER + 4ull * t.common_count, 4);
    buf_uint(out, t.personality_count, 4);
    index = HEADER + 4ull * t.common_count + 4ull * t.personality_count;
    buf_uint(out, index, 4);
    buf_uint(out, pages + 1, 4);
    for (unsigned i = 0; i < t.common_count; i++)
        buf_uint(out, t.common[i], 4);
    for (unsigned i = 0; i < t.personality_count; i++)
        buf_uint(out,
                 y->got && y->got->out
                     ? lsec_addr(y->got) + 8ull * l->slots[t.personalities[i]->slots].got - base
                     : 0,
                 4);
    buf_reserve(out, INDEX_ENTRY * (pages + 1));
    for (uint64_t i = 0; i < pages && !out->bad; i++) {
        at = index + INDEX_ENTRY * i;
        store_uint(out->at + at, 4, false, t.rows[page[i].first].addr - base);
        store_uint(out->at + at + 8, 4, false, out->size);
        put_lsdas(&t, &page[i], base);
    }
    if (out->bad)
        return diag_nomem(l->d);
    at = index + INDEX_ENTRY * pages; /* the sentinel */
    store_uint(out->at + at, 4, false, t.rows[t.count - 1].end - base);
    store_uint(out->at + at + 8, 4, false, out->size);
    for (uint64_t i = 0; i < pages && !out->bad; i++) {
        store_uint(out->at + index + INDEX_ENTRY * i + 4, 4, false, out->size);
        if (page[i].compressed) {
            fit_compressed(&t, page[i].first, local, &locals);
            put_compressed(&t, page[i].first, page[i].count, local, locals);
        } else {
            put_regular(&t, page[i].first, page[i].count, base);
        }
    }
    return !out->bad || diag_nomem(l->d);
}

bool dylib_size_unwind(struct link *l)
{
    struct buf table = {0};
    bool ok = make_table(l, &table);

    l->dylib->unwind->size = table.size;
    buf_free(&table);
    return ok;
}

bool dylib_fill_unwind(struct link *l)
{
    struct lsec *s = l->dylib->unwind;
    struct buf table = {0};

    if (!s)
        return true;
    if (!make_table(l, &table) || !link_own(l, table.at))
        return false;
    s->data = table.at;
    return table.size == s->size ||
           diag_fail(l->d, E_RANGE, "internal error: __unwind_info changed its size");
}
