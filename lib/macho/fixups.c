/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fixups.c - decode what the loader fixes. */

#include "macho/fixups.h"

#include "macho/leb.h"

#include <inttypes.h>

struct walker {
    struct diag *d;
    struct arena *a;
    const struct macho_file *f;
    uint64_t base; /* the address of the header */
    uint64_t left; /* fixups that the file has room for */
    bool (*one)(void *arg, const struct macho_fixup *x);
    void *arg;
};

static bool tell(struct walker *w, const struct macho_fixup *x)
{
    if (w->left-- == 0)
        return diag_fail(w->d, E_FORMAT, "more pointers are fixed than the file has bytes");
    return w->one(w->arg, x);
}

static uint64_t header_address(const struct macho_file *f)
{
    for (uint32_t i = 0; i < f->segment_count; i++)
        if (f->segments[i].fileoff == 0 && f->segments[i].filesize)
            return f->segments[i].vmaddr;
    return 0;
}

/* ---- chains ---- */

static bool read_segment(struct diag *d, struct span blob, uint64_t at, struct cursor *c,
                         struct macho_chain_segment *s)
{
    if (at > blob.size)
        return diag_fail(d, E_FORMAT,
                         "its starts at 0x%" PRIx64 " are not inside the fixups (0x%" PRIx64
                         " bytes)",
                         at, blob.size);
    c->in = blob;
    c->pos = at;
    s->present = true;
    s->size = cur_u32(c);
    s->page_size = cur_u16(c);
    s->format = cur_u16(c);
    s->offset = cur_u64(c);
    cur_u32(c); /* max_valid_pointer */
    s->page_count = cur_u16(c);
    if (c->bad || !span_sub(blob, c->pos, 2ull * s->page_count, &s->starts))
        return diag_fail(d, E_FORMAT, "its list of pages does not end inside the fixups");
    if (s->page_count && s->page_size != 0x1000 && s->page_size != 0x4000)
        return diag_fail(d, E_FORMAT, "page_size is 0x%x, not 0x1000 or 0x4000", s->page_size);
    return true;
}

bool macho_chains_read(struct diag *d, struct arena *a, const struct macho_file *f,
                       struct macho_chains *out)
{
    struct span blob = f->chained_fixups.data;
    struct cursor c = macho_cursor(f, blob);
    uint32_t sizes[] = {0, 4, 8, 16};
    bool ok = true;

    *out = (struct macho_chains){.version = cur_u32(&c)};
    out->starts_offset = cur_u32(&c);
    out->imports_offset = cur_u32(&c);
    out->symbols_offset = cur_u32(&c);
    out->import_count = cur_u32(&c);
    out->import_format = cur_u32(&c);
    out->symbols_format = cur_u32(&c);
    if (c.bad)
        return diag_fail(d, E_FORMAT,
                         "chained fixups: the header does not fit in 0x%" PRIx64 " bytes",
                         blob.size);
    if (out->version != 0 || out->symbols_format != 0)
        return diag_fail(d, E_UNSUPPORTED,
                         "chained fixups: version %" PRIu32 ", symbols_format %" PRIu32
                         "; 0 is known of both",
                         out->version, out->symbols_format);
    if (out->import_count && (out->import_format < 1 || out->import_format > 3))
        return diag_fail(d, E_FORMAT, "chained fixups: imports_format %" PRIu32 " is not known",
                         out->import_format);
    if (out->import_count &&
        !span_sub(blob, out->imports_offset,
                  (uint64_t)out->import_count * sizes[out->import_format], &out->imports))
        return diag_fail(d, E_FORMAT,
                         "chained fixups: %" PRIu32 " imports at 0x%" PRIx32
                         " are not inside them (0x%" PRIx64 " bytes)",
                         out->import_count, out->imports_offset, blob.size);
    if (out->symbols_offset > blob.size)
        return diag_fail(d, E_FORMAT,
                         "chained fixups: names at 0x%" PRIx32 " are not inside them (0x%" PRIx64
                         " bytes)",
                         out->symbols_offset, blob.size);
    span_sub(blob, out->symbols_offset, blob.size - out->symbols_offset, &out->symbols);
    if (out->starts_offset > blob.size)
        return diag_fail(d, E_FORMAT,
                         "chained fixups: starts at 0x%" PRIx32 " are not inside them (0x%" PRIx64
                         " bytes)",
                         out->starts_offset, blob.size);
    c.pos = out->starts_offset;
    out->segment_count = cur_u32(&c);
    if (!cur_count(&c, out->segment_count, 4))
        return diag_fail(d, E_FORMAT, "chained fixups: seg_count %" PRIu32 " does not fit",
                         out->segment_count);
    if (!(out->segments = arena_alloc(a, out->segment_count, sizeof *out->segments)))
        return diag_nomem(d);
    for (uint32_t i = 0; ok && i < out->segment_count; i++) {
        struct where here = {d->where, "chained fixups of segment", i};
        struct cursor inner = macho_cursor(f, blob);
        uint32_t at = cur_u32(&c);

        d->where = &here;
        ok = at == 0 ||
             read_segment(d, blob, (uint64_t)out->starts_offset + at, &inner, &out->segments[i]);
        d->where = here.up;
    }
    return ok;
}

bool macho_chains_import(struct diag *d, const struct macho_file *f, const struct macho_chains *c,
                         uint32_t i, struct macho_import *out)
{
    struct cursor cur = macho_cursor(f, c->imports);
    uint64_t v = 0, name = 0;

    *out = (struct macho_import){.name = ""};
    if (c->import_format == DYLD_CHAINED_IMPORT_ADDEND64) {
        cur.pos = 16ull * i;
        v = cur_u64(&cur);
        out->ordinal = (int16_t)(v & 0xffff);
        out->weak = v >> 16 & 1;
        name = v >> 32;
        out->addend = (int64_t)cur_u64(&cur);
    } else {
        cur.pos = (c->import_format == DYLD_CHAINED_IMPORT_ADDEND ? 8ull : 4ull) * i;
        v = cur_u32(&cur);
        /* Libraries up to 240; from there on, numbers below 0. */
        out->ordinal = (v & 0xff) > 0xf0 ? (int8_t)(v & 0xff) : (int)(v & 0xff);
        out->weak = v >> 8 & 1;
        name = v >> 9;
        if (c->import_format == DYLD_CHAINED_IMPORT_ADDEND)
            out->addend = (int32_t)cur_u32(&cur);
    }
    out->name = span_str(c->symbols, name);
    return out->name || diag_fail(d, E_FORMAT,
                                  "chained fixups: import %" PRIu32 ": the name at 0x%" PRIx64
                                  " does not end inside them",
                                  i, name);
}

/* One pointer as its format has it. */
struct pointer {
    bool bind;
    uint64_t target, ordinal;
    int64_t addend;
    uint32_t next; /* bytes */
};

static struct pointer decode(uint16_t format, uint64_t v, uint64_t base)
{
    struct pointer p = {0};

    switch (format) {
    case DYLD_CHAINED_PTR_64:
    case DYLD_CHAINED_PTR_64_OFFSET:
        p.bind = v >> 63;
        p.next = (uint32_t)(v >> 51 & 0xfff) * 4;
        p.ordinal = v & 0xffffff;
        p.addend = v >> 24 & 0xff;
        p.target = (v & 0xfffffffff) + (format == DYLD_CHAINED_PTR_64_OFFSET ? base : 0);
        break;
    case DYLD_CHAINED_PTR_32:
        p.bind = v >> 31 & 1;
        p.next = (uint32_t)(v >> 26 & 0x1f) * 4;
        p.ordinal = v & 0xfffff;
        p.addend = v >> 20 & 0x3f;
        p.target = v & 0x3ffffff;
        break;
    default: /* arm64e: signed pointers among others */
        p.bind = v >> 62 & 1;
        p.next = (uint32_t)(v >> 51 & 0x7ff) * 8;
        p.ordinal = format == DYLD_CHAINED_PTR_ARM64E_USERLAND24 ? v & 0xffffff : v & 0xffff;
        p.target = v >> 63 ? v & 0xffffffff : v & UINT64_C(0x7ffffffffff);
        if (format != DYLD_CHAINED_PTR_ARM64E || v >> 63)
            p.target += base;
        break;
    }
    return p;
}

static bool known_format(uint16_t format)
{
    return format == DYLD_CHAINED_PTR_64 || format == DYLD_CHAINED_PTR_64_OFFSET ||
           format == DYLD_CHAINED_PTR_32 || format == DYLD_CHAINED_PTR_ARM64E ||
           format == DYLD_CHAINED_PTR_ARM64E_USERLAND ||
           format == DYLD_CHAINED_PTR_ARM64E_USERLAND24;
}

static bool walk_page(struct walker *w, const struct macho_chains *c, uint32_t segment,
                      uint64_t page_at, uint32_t start)
{
    const struct macho_chain_segment *cs = &c->segments[segment];
    const struct macho_segment *s = &w->f->segments[segment];
    uint8_t size = cs->format == DYLD_CHAINED_PTR_32 ? 4 : 8;

    for (uint64_t offset = start;;) {
        uint64_t at = page_at + offset;
        struct macho_fixup x = {
            .source = FIXUP_CHAIN, .segment = segment, .addr = s->vmaddr + at, .size = size};
        struct pointer p = {0};

        if (offset + size > cs->page_size || at + size > s->data.size)
            return diag_fail(w->d, E_FORMAT,
                             "segment %s: the chain of page %" PRIu64
                             " leaves its page at offset 0x%" PRIx64,
                             s->name, page_at / cs->page_size, offset);
        p = decode(cs->format, load_uint(s->data.at + at, size, w->f->big), w->base);
        x.bind = p.bind;
        if (p.bind) {
            struct macho_import import;

            if (p.ordinal >= c->import_count)
                return diag_fail(w->d, E_FORMAT,
                                 "segment %s: the pointer at 0x%" PRIx64 " is import %" PRIu64
                                 " of %" PRIu32,
                                 s->name, x.addr, p.ordinal, c->import_count);
            if (!macho_chains_import(w->d, w->f, c, (uint32_t)p.ordinal, &import))
                return false;
            x.symbol = import.name;
            x.ordinal = import.ordinal;
            x.weak = import.weak;
            x.addend = import.addend + p.addend;
        } else {
            x.target = p.target;
        }
        if (!tell(w, &x))
            return false;
        if (!p.next)
            return true;
        offset += p.next;
    }
}

static bool walk_chains(struct walker *w)
{
    struct macho_chains c;

    if (!macho_chains_read(w->d, w->a, w->f, &c))
        return false;
    for (uint32_t i = 0; i < c.segment_count && i < w->f->segment_count; i++) {
        const struct macho_chain_segment *cs = &c.segments[i];

        if (!cs->present)
            continue;
        if (!known_format(cs->format))
            return diag_fail(w->d, E_UNSUPPORTED, "segment %s: pointer_format %u is not known",
                             w->f->segments[i].name, cs->format);
        for (uint32_t p = 0; p < cs->page_count; p++) {
            uint32_t start = (uint32_t)load_uint(cs->starts.at + 2ull * p, 2, w->f->big);

            if (start == DYLD_CHAINED_PTR_START_NONE)
                continue;
            if (start & DYLD_CHAINED_PTR_START_MULTI)
                return diag_fail(w->d, E_UNSUPPORTED,
                                 "segment %s: page %" PRIu32 " has several chains",
                                 w->f->segments[i].name, p);
            if (!walk_page(w, &c, i, (uint64_t)p * cs->page_size, start))
                return false;
        }
    }
    return true;
}

/* ---- opcodes ---- */

struct machine {
    struct cursor c;
    uint32_t segment;
    uint64_t offset;
    struct macho_fixup x;
};

static bool bad_opcode(struct walker *w, const struct machine *m, const char *what)
{
    static const char *const lists[] = {"", "rebase", "bind", "weak bind", "lazy bind"};

    return diag_fail(w->d, E_FORMAT, "%s opcodes: at 0x%" PRIx64 ": %s", lists[m->x.source],
                     m->c.pos, what);
}

/* COUNT pointers from where M stands, SKIP bytes between them. */
static bool fix(struct walker *w, struct machine *m, uint64_t count, uint64_t skip)
{
    uint8_t size = w->f->wide ? 8 : 4;

    for (; count; count--) {
        const struct macho_segment *s = NULL;

        if (m->segment >= w->f->segment_count)
            return bad_opcode(w, m, "no such segment");
        s = &w->f->segments[m->segment];
        if (m->offset > s->data.size || s->data.size - m->offset < size)
            return bad_opcode(w, m, "a pointer outside of its segment");
        m->x.segment = m->segment;
        m->x.addr = s->vmaddr + m->offset;
        m->x.size = size;
        if (!m->x.bind)
            m->x.target = load_uint(s->data.at + m->offset, size, w->f->big);
        else if (!m->x.symbol)
            return bad_opcode(w, m, "a pointer that is bound to no symbol");
        if (!tell(w, &m->x))
            return false;
        m->offset += size + skip;
    }
    return true;
}

static bool rebase_step(struct walker *w, struct machine *m, uint8_t op, uint8_t imm)
{
    uint64_t count = 0, skip = 0;
    uint8_t size = w->f->wide ? 8 : 4;

    switch (op) {
    case REBASE_OPCODE_SET_TYPE_IMM:
        return imm == REBASE_TYPE_POINTER || bad_opcode(w, m, "a type that is no pointer");
    case REBASE_OPCODE_SET_SEGMENT_AND_OFFSET_ULEB:
        m->segment = imm;
        m->offset = cur_uleb(&m->c);
        return true;
    case REBASE_OPCODE_ADD_ADDR_ULEB:
        m->offset += cur_uleb(&m->c);
        return true;
    case REBASE_OPCODE_ADD_ADDR_IMM_SCALED:
        m->offset += (uint64_t)imm * size;
        return true;
    case REBASE_OPCODE_DO_REBASE_IMM_TIMES:
        return fix(w, m, imm, 0);
    case REBASE_OPCODE_DO_REBASE_ULEB_TIMES:
        return fix(w, m, cur_uleb(&m->c), 0);
    case REBASE_OPCODE_DO_REBASE_ADD_ADDR_ULEB:
        return fix(w, m, 1, cur_uleb(&m->c));
    case REBASE_OPCODE_DO_REBASE_ULEB_TIMES_SKIPPING_ULEB:
        count = cur_uleb(&m->c);
        skip = cur_uleb(&m->c);
        return fix(w, m, count, skip);
    default:
        return bad_opcode(w, m, "an opcode that is not known");
    }
}

static bool bind_step(struct walker *w, struct machine *m, uint8_t op, uint8_t imm)
{
    uint64_t count = 0, skip = 0;
    uint8_t size = w->f->wide ? 8 : 4;

    switch (op) {
    case BIND_OPCODE_SET_DYLIB_ORDINAL_IMM:
        m->x.ordinal = imm;
        return true;
    case BIND_OPCODE_SET_DYLIB_ORDINAL_ULEB:
        m->x.ordinal = (int)(cur_uleb(&m->c) & 0x7fffffff);
        return true;
    case BIND_OPCODE_SET_DYLIB_SPECIAL_IMM:
        m->x.ordinal = imm ? (int8_t)(imm | OPCODE_MASK) : 0;
        return true;
    case BIND_OPCODE_SET_SYMBOL_TRAILING_FLAGS_IMM:
        m->x.weak = imm & BIND_SYMBOL_FLAGS_WEAK_IMPORT;
        m->x.symbol = span_str(m->c.in, m->c.pos);
        if (!m->x.symbol)
            return bad_opcode(w, m, "a name that does not end");
        m->c.pos += strlen(m->x.symbol) + 1;
        return true;
    case BIND_OPCODE_SET_TYPE_IMM:
        return imm == BIND_TYPE_POINTER || bad_opcode(w, m, "a type that is no pointer");
    case BIND_OPCODE_SET_ADDEND_SLEB:
        m->x.addend = cur_sleb(&m->c);
        return true;
    case BIND_OPCODE_SET_SEGMENT_AND_OFFSET_ULEB:
        m->segment = imm;
        m->offset = cur_uleb(&m->c);
        return true;
    case BIND_OPCODE_ADD_ADDR_ULEB:
        m->offset += cur_uleb(&m->c);
        return true;
    case BIND_OPCODE_DO_BIND:
        return fix(w, m, 1, 0);
    case BIND_OPCODE_DO_BIND_ADD_ADDR_ULEB:
        return fix(w, m, 1, cur_uleb(&m->c));
    case BIND_OPCODE_DO_BIND_ADD_ADDR_IMM_SCALED:
        return fix(w, m, 1, (uint64_t)imm * size);
    case BIND_OPCODE_DO_BIND_ULEB_TIMES_SKIPPING_ULEB:
        count = cur_uleb(&m->c);
        skip = cur_uleb(&m->c);
        return fix(w, m, count, skip);
    default:
        return bad_opcode(w, m, "an opcode that is not known");
    }
}

static bool run(struct walker *w, const struct macho_blob *blob, enum macho_fixup_source source)
{
    struct machine m = {.c = macho_cursor(w->f, blob->data),
                        .segment = UINT32_MAX,
                        .x = {.source = source, .bind = source != FIXUP_REBASE}};

    if (source == FIXUP_WEAK_BIND)
        m.x.ordinal = BIND_SPECIAL_DYLIB_WEAK_LOOKUP;
    while (m.c.pos < m.c.in.size) {
        uint8_t byte = cur_u8(&m.c);

        if (byte == 0) {
            /* In the lazy list each symbol's opcodes end by themselves. */
            if (source != FIXUP_LAZY_BIND)
                return true;
            continue;
        }
        if (!(source == FIXUP_REBASE ? rebase_step(w, &m, byte & OPCODE_MASK, byte & IMMEDIATE_MASK)
                                     : bind_step(w, &m, byte & OPCODE_MASK, byte & IMMEDIATE_MASK)))
            return false;
        if (m.c.bad)
            return bad_opcode(w, &m, "a number that does not end");
    }
    return true;
}

bool macho_each_fixup(struct diag *d, struct arena *a, const struct macho_file *f,
                      bool (*one)(void *arg, const struct macho_fixup *x), void *arg)
{
    struct walker w = {.d = d,
                       .a = a,
                       .f = f,
                       .base = header_address(f),
                       .left = f->in.size,
                       .one = one,
                       .arg = arg};

    if (f->chained_fixups.present && !walk_chains(&w))
        return false;
    return !f->has_dyld_info ||
           (run(&w, &f->rebase, FIXUP_REBASE) && run(&w, &f->bind, FIXUP_BIND) &&
            run(&w, &f->weak_bind, FIXUP_WEAK_BIND) && run(&w, &f->lazy_bind, FIXUP_LAZY_BIND));
}
