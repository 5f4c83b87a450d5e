/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_unwind.c - rules about .eh_frame and .eh_frame_hdr, by which
 * exceptions and backtraces cross the image (LSB, "Exception Frames"). */

#include "elf/verify_rules.h"

#include <stdio.h>

/* DW_EH_PE_*: the low four bits say how a pointer is stored, the next three
   what it counts from. */
enum {
    PE_ABSPTR = 0x00,
    PE_ULEB = 0x01,
    PE_UDATA2 = 0x02,
    PE_UDATA4 = 0x03,
    PE_UDATA8 = 0x04,
    PE_SLEB = 0x09,
    PE_SDATA2 = 0x0a,
    PE_SDATA4 = 0x0b,
    PE_SDATA8 = 0x0c,
    PE_PCREL = 0x10,
    PE_DATAREL = 0x30,
    PE_OMIT = 0xff
};

struct pointer {
    uint64_t value;
    bool known; /* false: only a relocation says what it is */
};

struct cie {
    uint64_t offset;
    uint8_t encoding; /* of addresses in its FDEs */
    bool sized;       /* FDEs say how long their augmentation is */
};

struct fde {
    uint64_t addr; /* of the record */
    struct pointer begin;
    uint64_t size; /* of the code */
};

struct frames {
    struct verify *v;
    struct diag *d;
    struct span bytes;
    uint64_t addr;
    struct cie *cies; /* ascending */
    struct fde *fdes; /* ascending */
    uint64_t cie_count, cie_cap, fde_count, fde_cap;
};

static uint64_t read_leb(struct cursor *c, bool is_signed)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte = 0;

    do {
        byte = cur_u8(c);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80 && !c->bad);
    if (is_signed && byte & 0x40 && shift < 64)
        value |= UINT64_MAX << shift;
    return value;
}

/* An encoded pointer at C; the cursor's start is at address BASE, DATA is
   what "datarel" counts from. */
static struct pointer read_pointer(struct cursor *c, uint8_t encoding, uint64_t base, uint64_t data)
{
    uint64_t at = base + c->pos;
    struct pointer p = {.known = true};

    switch (encoding & 0x0f) {
    case PE_ABSPTR:
        p.value = cur_word(c);
        break;
    case PE_ULEB:
        p.value = read_leb(c, false);
        break;
    case PE_UDATA2:
        p.value = cur_u16(c);
        break;
    case PE_UDATA4:
        p.value = cur_u32(c);
        break;
    case PE_UDATA8:
    case PE_SDATA8:
        p.value = cur_u64(c);
        break;
    case PE_SLEB:
        p.value = read_leb(c, true);
        break;
    case PE_SDATA2:
        p.value = (uint64_t)(int16_t)cur_u16(c);
        break;
    case PE_SDATA4:
        p.value = (uint64_t)(int32_t)cur_u32(c);
        break;
    default:
        c->bad = true;
        break;
    }
    if ((encoding & 0x70) == PE_PCREL)
        p.value += at;
    else if ((encoding & 0x70) == PE_DATAREL)
        p.value += data;
    else
        p.known = false;
    if (!c->wide)
        p.value &= UINT32_MAX;
    return p;
}

/* A record's bytes behind its CIE id, as a cursor that begins at the start of
   the section. */
static bool read_cie(struct frames *f, struct cursor *c, uint64_t offset)
{
    struct cie cie = {.offset = offset, .encoding = PE_ABSPTR};
    uint8_t version = cur_u8(c), letter = 0;
    uint64_t text = c->pos, end = 0;

    while (cur_u8(c) != 0)
        ;
    if (version != 1 && version != 3)
        return diag_fail(f->d, E_FORMAT, "CIE of version %u, not 1 or 3", version);
    if (!c->bad && c->in.at[text] == 'e')
        cur_word(c); /* "eh", from before 2000 */
    read_leb(c, false);
    read_leb(c, true);
    if (version == 1)
        cur_u8(c);
    else
        read_leb(c, false);
    if (!c->bad && c->in.at[text] == 'z') {
        cie.sized = true;
        end = read_leb(c, false);
        if (!cur_count(c, end, 1))
            c->bad = true;
        end += c->pos;
        while (!c->bad && (letter = c->in.at[++text]) != 0) {
            if (letter == 'R')
                cie.encoding = cur_u8(c);
            else if (letter == 'L')
                cur_u8(c);
            else if (letter == 'P')
                read_pointer(c, cur_u8(c), 0, 0);
            else if (letter != 'S' && letter != 'B' && letter != 'G')
                break;
        }
        if (c->pos > end)
            c->bad = true;
    }
    if (c->bad)
        return diag_fail(f->d, E_FORMAT, "CIE is cut off or has an unknown encoding");
    if (!arena_grow(f->v->a, (void **)&f->cies, f->cie_count, &f->cie_cap, sizeof cie)) {
        f->v->nomem = true;
        return false;
    }
    f->cies[f->cie_count++] = cie;
    return true;
}

static const struct cie *find_cie(const struct frames *f, uint64_t offset)
{
    uint64_t low = 0, high = f->cie_count;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2;

        if (f->cies[mid].offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low < f->cie_count && f->cies[low].offset == offset ? &f->cies[low] : NULL;
}

static bool read_fde(struct frames *f, struct cursor *c, uint64_t offset, uint64_t cie_offset)
{
    const struct cie *cie = find_cie(f, cie_offset);
    struct fde fde = {.addr = f->addr + offset};
    const struct elf_load *l = NULL;

    if (!cie)
        return diag_fail(f->d, E_FORMAT, "FDE refers to a CIE at 0x%" PRIx64 ", where none is",
                         f->addr + cie_offset);
    fde.begin = read_pointer(c, cie->encoding, f->addr, 0);
    fde.size = read_pointer(c, cie->encoding & 0x0f, 0, 0).value;
    if (cie->sized)
        cur_take(c, read_leb(c, false));
    if (c->bad)
        return diag_fail(f->d, E_FORMAT, "FDE is cut off");
    l = elf_image_load(&f->v->m, fde.begin.value, fde.size);
    if (fde.begin.known && fde.size > 0 && !(l && l->flags & PF_X))
        diag_fail(f->d, E_FORMAT,
                  "FDE for 0x%" PRIx64 " bytes at 0x%" PRIx64 ", which are not code", fde.size,
                  fde.begin.value);
    if (!arena_grow(f->v->a, (void **)&f->fdes, f->fde_count, &f->fde_cap, sizeof fde)) {
        f->v->nomem = true;
        return false;
    }
    f->fdes[f->fde_count++] = fde;
    return true;
}

/* One record at C; *END if it is the terminator. */
static bool read_record(struct frames *f, struct cursor *c, bool *end)
{
    uint64_t offset = c->pos, size = cur_u32(c), id_at = 0;
    struct cursor in = *c;
    uint32_t id = 0;
    bool ok = true;

    if (size == UINT32_MAX)
        size = cur_u64(c);
    *end = size == 0 && !c->bad;
    if (*end)
        return true;
    id_at = c->pos;
    cur_take(c, size);
    if (c->bad)
        return diag_fail(f->d, E_FORMAT, "0x%" PRIx64 " bytes go past the end (0x%" PRIx64 ")",
                         size, f->bytes.size);
    in.pos = id_at;
    in.in.size = c->pos;
    id = cur_u32(&in);
    if (in.bad)
        return diag_fail(f->d, E_FORMAT, "0x%" PRIx64 " bytes are too few for a record", size);
    ok = id == 0 ? read_cie(f, &in, offset) : read_fde(f, &in, offset, id_at - id);
    return ok || !f->v->nomem;
}

/* Read all of .eh_frame; false if it is not to be followed to the end. */
static bool read_frames(struct frames *f)
{
    struct cursor c = elf_cursor(&f->v->f, f->bytes);
    bool ok = true, end = false;

    while (ok && !end && c.pos < c.in.size && verify_go_on(f->v)) {
        char at[48];
        struct where here = {f->d->where, at, NO_INDEX};

        snprintf(at, sizeof at, "record at 0x%" PRIx64, f->addr + c.pos);
        f->d->where = &here;
        ok = read_record(f, &c, &end);
        f->d->where = here.up;
    }
    while (end && c.pos < c.in.size && c.in.at[c.pos] == 0)
        c.pos++; /* more terminators do no harm */
    if (ok && end && f->v->f.section_count > 0 && c.pos < c.in.size)
        return diag_fail(f->d, E_FORMAT, "0x%" PRIx64 " bytes behind the terminator are never read",
                         c.in.size - c.pos);
    return ok;
}

struct header {
    uint64_t addr;
    struct cursor c; /* at the table */
    uint8_t encoding;
    struct pointer frames, count;
};

/* PT_GNU_EH_FRAME; false if there is none, or none that can be read. */
static bool read_header(struct diag *d, const struct verify *v, struct header *h)
{
    uint32_t i = 0;
    uint8_t version = 0, frame_encoding = 0, count_encoding = 0;

    while (i < v->f.segment_count && v->f.segments[i].type != PT_GNU_EH_FRAME)
        i++;
    if (i == v->f.segment_count)
        return false;
    *h = (struct header){.addr = v->f.segments[i].vaddr,
                         .c = elf_cursor(&v->f, v->f.segments[i].data)};
    version = cur_u8(&h->c);
    frame_encoding = cur_u8(&h->c);
    count_encoding = cur_u8(&h->c);
    h->encoding = cur_u8(&h->c);
    if (!h->c.bad && version != 1)
        return diag_fail(d, E_FORMAT, "version %u, not 1", version);
    if (frame_encoding != PE_OMIT)
        h->frames = read_pointer(&h->c, frame_encoding, h->addr, h->addr);
    if (count_encoding == PE_OMIT || h->encoding == PE_OMIT)
        h->encoding = PE_OMIT;
    else
        h->count = read_pointer(&h->c, count_encoding, h->addr, h->addr);
    return !h->c.bad || diag_fail(d, E_FORMAT, "is cut off or has an unknown encoding");
}

/* Where .eh_frame is: the section, or what the header leads to. */
static bool find_frames(struct verify *v, struct diag *d, struct frames *f)
{
    struct diag quiet = {0};
    struct header h;

    *f = (struct frames){.v = v, .d = d};
    for (uint32_t i = 1; i < v->f.section_count; i++) {
        const struct elf_shdr *s = &v->f.sections[i];

        if (s->flags & SHF_ALLOC && s->type != SHT_NOBITS && !strcmp(s->name, ".eh_frame")) {
            f->bytes = s->data;
            f->addr = s->addr;
            return true;
        }
    }
    if (!read_header(&quiet, v, &h) || !h.frames.known)
        return false;
    f->addr = h.frames.value;
    f->bytes = elf_image_rest(&v->m, f->addr);
    return f->bytes.size > 0;
}

void verify_eh_frame(struct verify *v)
{
    struct where here = {v->d->where, ".eh_frame", NO_INDEX};
    struct frames f;

    v->d->where = &here;
    if (find_frames(v, v->d, &f))
        read_frames(&f);
    v->d->where = here.up;
}

static const struct fde *find_fde(const struct frames *f, uint64_t addr)
{
    uint64_t low = 0, high = f->fde_count;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2;

        if (f->fdes[mid].addr < addr)
            low = mid + 1;
        else
            high = mid;
    }
    return low < f->fde_count && f->fdes[low].addr == addr ? &f->fdes[low] : NULL;
}

static void check_entry(struct verify *v, const struct frames *f, uint64_t i, uint64_t code,
                        uint64_t record)
{
    const struct fde *fde = find_fde(f, record);

    if (!fde)
        diag_fail(v->d, E_FORMAT, "entry %" PRIu64 ": no FDE at 0x%" PRIx64, i, record);
    else if (fde->begin.known && (code < fde->begin.value || code - fde->begin.value > fde->size ||
                                  (fde->size > 0 && code - fde->begin.value == fde->size)))
        diag_fail(v->d, E_FORMAT,
                  "entry %" PRIu64 ": 0x%" PRIx64 " is not covered by its FDE, 0x%" PRIx64
                  " bytes at 0x%" PRIx64,
                  i, code, fde->size, fde->begin.value);
}

static void check_header_table(struct verify *v, struct header *h, const struct frames *f)
{
    uint64_t before = 0;

    if (h->count.value != f->fde_count)
        diag_fail(v->d, E_FORMAT, "%" PRIu64 " entries for %" PRIu64 " FDEs", h->count.value,
                  f->fde_count);
    for (uint64_t i = 0; i < h->count.value && verify_go_on(v); i++) {
        struct pointer code = read_pointer(&h->c, h->encoding, h->addr, h->addr);
        struct pointer record = read_pointer(&h->c, h->encoding, h->addr, h->addr);

        if (h->c.bad) {
            diag_fail(v->d, E_FORMAT, "ends at entry %" PRIu64 " of %" PRIu64, i, h->count.value);
            return;
        }
        if (i > 0 && code.value < before)
            diag_fail(v->d, E_FORMAT,
                      "entry %" PRIu64 ": 0x%" PRIx64 " comes after 0x%" PRIx64
                      ": the table is not sorted",
                      i, code.value, before);
        before = code.value;
        if (code.known)
            check_entry(v, f, i, code.value, record.value);
    }
}

void verify_eh_frame_hdr(struct verify *v)
{
    struct where here = {v->d->where, ".eh_frame_hdr", NO_INDEX};
    struct diag quiet = {0}; /* "eh-frame" tells */
    struct header h;
    struct frames f;

    v->d->where = &here;
    if (read_header(v->d, v, &h) && find_frames(v, &quiet, &f)) {
        if (h.frames.known && h.frames.value != f.addr)
            diag_fail(v->d, E_FORMAT, "leads to 0x%" PRIx64 ", .eh_frame is at 0x%" PRIx64,
                      h.frames.value, f.addr);
        if (read_frames(&f) && h.encoding != PE_OMIT)
            check_header_table(v, &h, &f);
    }
    v->d->where = here.up;
}
