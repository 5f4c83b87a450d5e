/* SPDX-License-Identifier: GPL-3.0-or-later */
/* eh_frame.c - the DWARF records of functions that compact entries cannot
 * describe (LSB, "Exception Frames"; DWARF 5, 6.4).
 *
 * Objects have no relocations for them, or some: a pointer without one holds a
 * distance inside of the object.  So records are taken apart, and put together
 * with the distances of the image. */

#include "dylib/dylib.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    DW_EH_PE_absptr = 0x00,
    DW_EH_PE_udata4 = 0x03,
    DW_EH_PE_udata8 = 0x04,
    DW_EH_PE_sdata4 = 0x0b,
    DW_EH_PE_sdata8 = 0x0c,
    DW_EH_PE_pcrel = 0x10,
    DW_EH_PE_indirect = 0x80,
    DW_EH_PE_omit = 0xff,
};

struct dylib_cie {
    struct lsec *sec;        /* the section that it comes from */
    uint64_t offset, size;   /* there, with the length word */
    uint8_t pointer, lsda;   /* DW_EH_PE_* of an FDE's function and exception table */
    bool augmented;          /* FDEs have a length of augmentation */
    uint32_t personality_at; /* offset of that pointer; 0: none */
    uint8_t personality_size;
    struct lsym *personality;
    bool used;
    uint64_t to; /* offset in the output */
};

struct dylib_fde {
    uint32_t cie, home;    /* its own, and the equal one that is in the output */
    uint64_t offset, size; /* in the CIE's section */
    struct lsec *function;
    uint64_t function_offset, length;
    uint8_t pointer_size, lsda_size;
    uint32_t lsda_at; /* offset of that pointer; 0: none */
    struct lsec *lsda;
    uint64_t lsda_offset;
    bool used;
    uint64_t to;
};

/* One section being read. */
struct reader {
    struct link *l;
    struct lsec *s;
    struct cursor c;
    struct reloc *relocs; /* by offset */
    uint64_t reloc_count, reloc_cap;
    uint64_t record; /* where the one at hand starts */
};

static bool bad(const struct reader *r, const char *what)
{
    return diag_fail(r->l->d, E_FORMAT, "%s: %s: record at 0x%" PRIx64 ": %s", r->s->obj->o.name,
                     r->s->sec->name, r->record, what);
}

struct lsec *dylib_section_at(const struct lobj *o, uint64_t addr, uint64_t *offset)
{
    struct lsec *end = NULL;

    for (uint32_t i = 1; i < o->o.section_count; i++) {
        const struct section *s = &o->o.sections[i];

        *offset = addr - s->addr;
        if (s->flags & SEC_ALLOC && *offset < s->size)
            return &o->secs[i];
        if (s->flags & SEC_ALLOC && *offset == s->size)
            end = &o->secs[i];
    }
    if (end)
        *offset = end->size;
    return end;
}

/* ---- pointers ---- */

static uint8_t pointer_size(uint8_t encoding)
{
    switch (encoding & 0x0f) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
        return 8;
    case DW_EH_PE_udata4:
    case DW_EH_PE_sdata4:
        return 4;
    default:
        return 0;
    }
}

static const struct reloc *reloc_at(const struct reader *r, uint64_t offset)
{
    for (uint64_t i = 0; i < r->reloc_count; i++)
        if (r->relocs[i].offset == offset)
            return &r->relocs[i];
    return NULL;
}

/* The pointer at the cursor, of the form ENCODING: where it leads in the same
   object; *TO is NULL if it is 0. */
static bool read_pointer(struct reader *r, uint8_t encoding, struct lsec **to, uint64_t *offset)
{
    uint8_t size = pointer_size(encoding);
    uint64_t at = r->c.pos, value = 0;
    const struct reloc *reloc = reloc_at(r, at);

    *to = NULL;
    if (!size || (encoding & 0x70) > DW_EH_PE_pcrel)
        return bad(r, "a pointer of a form that is not known");
    value = cur_uint(&r->c, size);
    if (size == 4)
        value = (uint64_t)(int64_t)(int32_t)value;
    if (r->c.bad)
        return bad(r, "ends inside a pointer");
    if (reloc && reloc->symbol) {
        const struct symbol *sym = &r->s->obj->o.symbols[reloc->symbol];
        uint64_t minus = 0;

        if (sym->section == SECTION_UNDEF || sym->section >= r->s->obj->o.section_count)
            return bad(r, "a pointer to another object");
        if (reloc->minus) { /* counts from a symbol beside the pointer */
            const struct symbol *from = &r->s->obj->o.symbols[reloc->minus];

            if (from->section != r->s->index)
                return bad(r, "a distance from another section");
            minus = at - from->value;
        }
        *to = &r->s->obj->secs[sym->section];
        *offset = sym->value + (uint64_t)reloc->addend + minus;
        return *offset <= (*to)->size || bad(r, "a pointer that leads out of its section");
    }
    if (value == 0)
        return true;
    if (encoding & DW_EH_PE_pcrel)
        value += r->s->sec->addr + at;
    *to = dylib_section_at(r->s->obj, value, offset);
    return *to || bad(r, "a pointer to no section");
}

/* ---- records ---- */

static bool read_augmentation(struct reader *r, struct dylib_cie *cie, const char *text)
{
    uint64_t end = 0;

    if (*text == 0)
        return true;
    if (*text != 'z')
        return bad(r, "an augmentation that is not known");
    cie->augmented = true;
    end = cur_uleb(&r->c);
    end += r->c.pos;
    for (const char *p = text + 1; *p; p++) {
        uint8_t form = 0;
        const struct reloc *reloc = NULL;

        switch (*p) {
        case 'P':
            form = cur_u8(&r->c);
            cie->personality_at = (uint32_t)(r->c.pos - cie->offset);
            cie->personality_size = pointer_size(form);
            reloc = reloc_at(r, r->c.pos);
            if (!reloc || !cie->personality_size || !(form & DW_EH_PE_pcrel) ||
                !(form & DW_EH_PE_indirect))
                return bad(r, "a personality of a form that is not known");
            cie->personality = lobj_sym(r->s->obj, reloc->symbol);
            cur_take(&r->c, cie->personality_size);
            break;
        case 'L':
            cie->lsda = cur_u8(&r->c);
            break;
        case 'R':
            cie->pointer = cur_u8(&r->c);
            break;
        case 'S':
        case 'B':
            break;
        default:
            return bad(r, "an augmentation that is not known");
        }
    }
    return (!r->c.bad && r->c.pos <= end) || bad(r, "its augmentation does not fit");
}

static bool read_cie(struct reader *r, uint64_t end)
{
    struct dylib *y = r->l->dylib;
    struct dylib_cie cie = {
        .sec = r->s, .offset = r->record, .size = end - r->record, .lsda = DW_EH_PE_omit};
    const char *text = NULL;
    uint8_t version = cur_u8(&r->c);

    if (version != 1 && version != 3)
        return bad(r, "a version that is not known");
    text = span_str(r->c.in, r->c.pos);
    if (!text)
        return bad(r, "its augmentation does not end");
    r->c.pos += strlen(text) + 1;
    cur_uleb(&r->c); /* code alignment */
    cur_sleb(&r->c); /* data alignment */
    if (version == 1)
        cur_u8(&r->c);
    else
        cur_uleb(&r->c);
    if (!read_augmentation(r, &cie, text))
        return false;
    if (!arena_grow(&r->l->arena, (void **)&y->cies, y->cie_count, &y->cie_cap, sizeof *y->cies))
        return diag_nomem(r->l->d);
    y->cies[y->cie_count++] = cie;
    return true;
}

static bool find_cie(const struct reader *r, uint64_t offset, uint32_t *out)
{
    const struct dylib *y = r->l->dylib;

    for (uint64_t i = y->cie_count; i-- > 0 && y->cies[i].sec == r->s;)
        if (y->cies[i].offset == offset) {
            *out = (uint32_t)i;
            return true;
        }
    return false;
}

static bool read_fde(struct reader *r, uint64_t end, uint64_t cie_at)
{
    struct dylib *y = r->l->dylib;
    struct dylib_fde fde = {.offset = r->record, .size = end - r->record};
    const struct dylib_cie *cie = NULL;

    if (!find_cie(r, cie_at, &fde.cie))
        return bad(r, "its CIE is not there");
    cie = &y->cies[fde.cie];
    fde.pointer_size = pointer_size(cie->pointer);
    if (!read_pointer(r, cie->pointer, &fde.function, &fde.function_offset))
        return false;
    fde.length = cur_uint(&r->c, fde.pointer_size);
    if (cie->augmented) {
        uint64_t size = cur_uleb(&r->c), at = r->c.pos;

        if (cie->lsda != DW_EH_PE_omit && size) {
            fde.lsda_at = (uint32_t)(at - r->record);
            fde.lsda_size = pointer_size(cie->lsda);
            if (!read_pointer(r, cie->lsda, &fde.lsda, &fde.lsda_offset))
                return false;
            if (!fde.lsda)
                fde.lsda_at = 0;
        }
    }
    if (r->c.bad || r->c.pos > end)
        return bad(r, "its parts do not fit");
    if (!fde.function)
        return bad(r, "it is for no function");
    if (!fde.function->live)
        return true;
    if (!arena_grow(&r->l->arena, (void **)&y->fdes, y->fde_count, &y->fde_cap, sizeof *y->fdes))
        return diag_nomem(r->l->d);
    y->fdes[y->fde_count++] = fde;
    return true;
}

static bool read_record(struct reader *r, uint64_t *next)
{
    uint64_t size = 0, id_at = 0, end = 0;
    uint32_t id = 0;

    r->record = r->c.pos;
    size = cur_u32(&r->c);
    if (size == 0) { /* the end of what one compiler made */
        *next = r->c.pos;
        return !r->c.bad || bad(r, "does not end");
    }
    if (size == UINT32_MAX)
        return bad(r, "has the 64-bit form, which is not supported");
    id_at = r->c.pos;
    end = id_at + size;
    if (r->c.bad || end > r->s->size)
        return bad(r, "does not end inside the section");
    id = cur_u32(&r->c);
    *next = end;
    if (id == 0)
        return read_cie(r, end);
    return id <= id_at ? read_fde(r, end, id_at - id) : bad(r, "its CIE is not there");
}

static bool read_relocs(struct reader *r)
{
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    for (uint64_t first = 0; first < r->s->sec->reloc_count; first += got) {
        if (!r->s->obj->o.format->relocs(r->l->d, &r->s->obj->o, r->s->index, first, batch,
                                         RELOC_BATCH, &got))
            return false;
        for (unsigned i = 0; i < got; i++) {
            if (!batch[i].type->field)
                continue;
            if (!arena_grow(&r->l->arena, (void **)&r->relocs, r->reloc_count, &r->reloc_cap,
                            sizeof *r->relocs))
                return diag_nomem(r->l->d);
            r->relocs[r->reloc_count++] = batch[i];
        }
    }
    return true;
}

static bool read_section(struct link *l, struct lsec *s)
{
    struct reader r = {.l = l, .s = s, .c = {.in = s->sec->data}};

    if (!read_relocs(&r))
        return false;
    for (uint64_t next = 0; next < s->size;) {
        r.c.pos = next;
        if (!read_record(&r, &next))
            return false;
    }
    return true;
}

bool dylib_read_eh_frame(struct link *l)
{
    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            struct lsec *s = &l->objs[i]->secs[n];

            if (s->sec->role == ROLE_EH_FRAME && s->sec->data.at && !read_section(l, s))
                return false;
        }
    return true;
}

/* ---- which are needed ---- */

static int compare(const struct lsec *a, uint64_t a_offset, const struct lsec *b, uint64_t b_offset)
{
    if (a->obj != b->obj)
        return a->obj->order > b->obj->order ? 1 : -1;
    if (a != b)
        return a->index > b->index ? 1 : -1;
    return (a_offset > b_offset) - (a_offset < b_offset);
}

/* The compact entry of FDE's function; entries are sorted by place. */
static struct unwind_entry *entry_for(const struct dylib *y, const struct dylib_fde *fde,
                                      uint64_t sorted)
{
    uint64_t lo = 0, hi = sorted;

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        struct unwind_entry *e = &y->entries[mid];
        int order = compare(e->sec, e->offset, fde->function, fde->function_offset);

        if (order == 0)
            return e;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

bool dylib_choose_fdes(struct link *l)
{
    struct dylib *y = l->dylib;

    for (uint64_t i = 0; i < y->fde_count; i++) {
        struct dylib_fde *fde = &y->fdes[i];
        struct unwind_entry *e = entry_for(y, fde, y->entry_count);

        if (e && (e->encoding & UNWIND_MODE_MASK) != l->darwin->unwind_dwarf)
            continue;
        fde->used = true;
        y->cies[fde->cie].used = true;
        if (e)
            e->fde = (uint32_t)i + 1;
    }
    /* An entry that says "see the record" without one says nothing. */
    for (uint64_t i = 0; i < y->entry_count; i++)
        if ((y->entries[i].encoding & UNWIND_MODE_MASK) == l->darwin->unwind_dwarf &&
            !y->entries[i].fde)
            y->entries[i].encoding = 0;
    return true;
}

static uint64_t lay_out(struct dylib *y)
{
    uint64_t at = 0;

    for (uint64_t i = 0; i < y->cie_count; i++)
        if (y->cies[i].used) {
            y->cies[i].to = at;
            at += y->cies[i].size;
        }
    for (uint64_t i = 0; i < y->fde_count; i++)
        if (y->fdes[i].used) {
            y->fdes[i].to = at;
            at += y->fdes[i].size;
        }
    return at;
}

/* Equal CIEs are one. */
static void join_cies(struct dylib *y)
{
    uint32_t *same = NULL;

    if (!y->cie_count || !(same = calloc(y->cie_count, sizeof *same)))
        return; /* only larger without */
    for (uint64_t i = 0; i < y->cie_count; i++) {
        const struct dylib_cie *c = &y->cies[i];

        same[i] = (uint32_t)i;
        if (!c->used)
            continue;
        /* There are few kinds: compilers make the same ones. */
        for (uint64_t k = 0; k < i && k < 64; k++) {
            const struct dylib_cie *o = &y->cies[k];

            if (o->used && same[k] == k && o->size == c->size && o->personality == c->personality &&
                o->personality_at == c->personality_at &&
                !memcmp(o->sec->sec->data.at + o->offset, c->sec->sec->data.at + c->offset,
                        c->personality_at ? c->personality_at : c->size) &&
                (!c->personality_at ||
                 !memcmp(o->sec->sec->data.at + o->offset + o->personality_at + o->personality_size,
                         c->sec->sec->data.at + c->offset + c->personality_at + c->personality_size,
                         c->size - c->personality_at - c->personality_size))) {
                same[i] = (uint32_t)k;
                break;
            }
        }
    }
    for (uint64_t i = 0; i < y->cie_count; i++)
        y->cies[i].used = y->cies[i].used && same[i] == i;
    for (uint64_t i = 0; i < y->fde_count; i++)
        y->fdes[i].home = same[y->fdes[i].cie];
    free(same);
}

bool dylib_add_dwarf_entries(struct link *l)
{
    struct dylib *y = l->dylib;
    uint64_t sorted = y->entry_count, size = 0;

    for (uint64_t i = 0; i < y->fde_count; i++)
        y->fdes[i].home = y->fdes[i].cie;
    join_cies(y);
    for (uint64_t i = 0; i < y->fde_count; i++) {
        const struct dylib_fde *fde = &y->fdes[i];

        if (!fde->used || entry_for(y, fde, sorted))
            continue;
        if (!arena_grow(&l->arena, (void **)&y->entries, y->entry_count, &y->entry_cap,
                        sizeof *y->entries))
            return diag_nomem(l->d);
        y->entries[y->entry_count++] = (struct unwind_entry){.sec = fde->function,
                                                             .offset = fde->function_offset,
                                                             .length = fde->length,
                                                             .encoding = l->darwin->unwind_dwarf,
                                                             .fde = (uint32_t)i + 1};
    }
    for (uint64_t i = 0; i < y->cie_count; i++)
        if (y->cies[i].used && y->cies[i].personality)
            atomic_fetch_or(&y->cies[i].personality->needs,
                            NEED_GOT | (dylib_binds(y->cies[i].personality) ? NEED_DYNSYM : 0));
    if ((size = lay_out(y)) == 0)
        return true;
    y->eh_frame = link_append_section(l, &(struct section){.name = "__TEXT,__eh_frame",
                                                           .flags = SEC_ALLOC,
                                                           .align_log2 = 3,
                                                           .size = size,
                                                           .type = S_REGULAR});
    return (y->eh_frame->data = arena_alloc(&l->arena, size, 1)) || diag_nomem(l->d);
}

uint64_t dylib_fde_offset(const struct link *l, uint32_t fde) { return l->dylib->fdes[fde - 1].to; }

/* ---- with the image's distances ---- */

static void copy(uint8_t *out, const struct dylib_cie *cie, uint64_t offset, uint64_t size)
{
    memcpy(out, cie->sec->sec->data.at + offset, size);
}

/* A pointer of SIZE bytes at OFFSET of the output to ADDR. */
static bool put_pointer(struct link *l, uint64_t offset, uint8_t size, uint8_t encoding,
                        uint64_t addr)
{
    struct lsec *s = l->dylib->eh_frame;
    int64_t value = (int64_t)(encoding & DW_EH_PE_pcrel ? addr - (lsec_addr(s) + offset) : addr);

    if (!(encoding & DW_EH_PE_pcrel))
        return diag_fail(l->d, E_UNSUPPORTED,
                         "__eh_frame: a record with an absolute address, which cannot be known "
                         "before the image is loaded");
    if (size == 4 && value != (int32_t)value)
        return diag_fail(l->d, E_RANGE, "__eh_frame: 0x%" PRIx64 " is too far for 4 bytes", addr);
    store_uint(s->data + offset, size, false, (uint64_t)value);
    return true;
}

bool dylib_fill_eh_frame(struct link *l)
{
    struct dylib *y = l->dylib;
    bool ok = true;

    for (uint64_t i = 0; i < y->cie_count; i++) {
        const struct dylib_cie *c = &y->cies[i];

        if (!c->used)
            continue;
        copy(y->eh_frame->data + c->to, c, c->offset, c->size);
        if (c->personality)
            ok = put_pointer(l, c->to + c->personality_at, c->personality_size, DW_EH_PE_pcrel,
                             lsec_addr(y->got) + 8ull * l->slots[c->personality->slots].got) &&
                 ok;
    }
    for (uint64_t i = 0; i < y->fde_count; i++) {
        const struct dylib_fde *f = &y->fdes[i];
        const struct dylib_cie *c = &y->cies[f->cie];

        if (!f->used)
            continue;
        copy(y->eh_frame->data + f->to, c, f->offset, f->size);
        store_uint(y->eh_frame->data + f->to + 4, 4, false, f->to + 4 - y->cies[f->home].to);
        ok = put_pointer(l, f->to + 8, f->pointer_size, c->pointer,
                         lsec_addr(f->function) + f->function_offset) &&
             ok;
        if (f->lsda_at)
            ok = put_pointer(l, f->to + f->lsda_at, f->lsda_size, c->lsda,
                             lsec_addr(f->lsda) + f->lsda_offset) &&
                 ok;
    }
    return ok;
}
