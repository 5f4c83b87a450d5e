/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dylibfix.c - the pointers of an image in the test loader: chained fixups
 * (<mach-o/fixup-chains.h>), and rebase and bind opcodes (<mach-o/loader.h>). */

#include "dylibload.h"

static uint8_t *memory(const struct image *m, uint64_t addr, uint64_t size)
{
    for (unsigned i = 0; i < m->segment_count; i++) {
        const struct segment *s = &m->segments[i];

        if (addr >= s->vmaddr && addr - s->vmaddr < s->vmsize) {
            if (size > s->vmsize - (addr - s->vmaddr))
                errx(70, "%s: 0x%" PRIx64 " leaves its segment", m->path, addr);
            if (!(s->initprot & 2))
                errx(70, "%s: a pointer at 0x%" PRIx64 " in a segment without right to write",
                     m->path, addr);
            return m->base + addr;
        }
    }
    errx(70, "%s: a pointer at 0x%" PRIx64 ", which is nowhere", m->path, addr);
}

struct import {
    const char *name;
    int ordinal;
    bool weak;
    int64_t addend;
};

static struct import read_import(const struct image *m, const uint8_t *blob, uint32_t i)
{
    uint32_t imports = u32(blob + 8), symbols = u32(blob + 12), format = u32(blob + 20);
    struct import r = {0};
    uint32_t name = 0;

    if (i >= u32(blob + 16))
        errx(70, "%s: import %u of %u", m->path, i, u32(blob + 16));
    if (format == 3) {
        uint64_t v = u64(blob + imports + 16ull * i);

        r.ordinal = (int16_t)(v & 0xffff);
        r.weak = v >> 16 & 1;
        name = (uint32_t)(v >> 32);
        r.addend = (int64_t)u64(blob + imports + 16ull * i + 8);
    } else {
        uint32_t v = u32(blob + imports + (format == 2 ? 8ull : 4ull) * i);

        r.ordinal = (int8_t)(v & 0xff);
        r.weak = v >> 8 & 1;
        name = v >> 9;
        if (format == 2)
            r.addend = (int32_t)u32(blob + imports + 8ull * i + 4);
    }
    if (symbols + (uint64_t)name >= m->fixups_size)
        errx(70, "%s: the name of import %u is not in the fixups", m->path, i);
    r.name = (const char *)blob + symbols + name;
    return r;
}

static void fix_page(struct image *m, const uint8_t *blob, uint64_t addr, unsigned start,
                     unsigned page, unsigned format)
{
    uint64_t offset = start;

    for (;;) {
        uint8_t *p = memory(m, addr + offset, 8);
        uint64_t v = u64(p), next = v >> 51 & 0xfff, value;

        if (offset + 8 > page)
            errx(70, "%s: the pointer at 0x%" PRIx64 " leaves its page", m->path, addr + offset);
        if (v >> 63) {
            struct import import = read_import(m, blob, v & 0xffffff);
            void *s = resolve(import.name, m, import.ordinal, import.weak);

            value = s ? (uint64_t)s + (v >> 24 & 0xff) + (uint64_t)import.addend : 0;
            m->binds++;
        } else {
            uint64_t target = v & ((UINT64_C(1) << 36) - 1);

            (void)format; /* images are based at 0: both count from there */
            value = (uint64_t)(m->base + target) | (v >> 36 & 0xff) << 56;
            m->rebases++;
        }
        memcpy(p, &value, 8);
        if (!next)
            return;
        offset += next * 4;
    }
}

void fix_chains(struct image *m)
{
    const uint8_t *blob = at(m, m->fixups, m->fixups_size), *starts = blob + u32(blob + 4);

    if (u32(starts) != m->segment_count)
        errx(70, "%s: seg_count %u of %u", m->path, u32(starts), m->segment_count);
    for (unsigned i = 0; i < m->segment_count; i++) {
        uint32_t where = u32(starts + 4 + 4 * i);
        const uint8_t *s = starts + where;
        unsigned page, format, count;

        if (!where)
            continue;
        page = s[4] | (unsigned)s[5] << 8;
        format = s[6] | (unsigned)s[7] << 8;
        count = s[20] | (unsigned)s[21] << 8;
        if (u64(s + 8) != m->segments[i].vmaddr)
            errx(70, "%s: segment %u: segment_offset", m->path, i);
        if ((page != 0x1000 && page != 0x4000) || (format != 2 && format != 6))
            errx(70, "%s: segment %u: page size 0x%x, format %u", m->path, i, page, format);
        if ((uint64_t)count * page > m->segments[i].vmsize + page)
            errx(70, "%s: segment %u: %u pages", m->path, i, count);
        for (unsigned p = 0; p < count; p++) {
            unsigned start = s[22 + 2 * p] | (unsigned)s[23 + 2 * p] << 8;

            if (start != 0xffff)
                fix_page(m, blob, m->segments[i].vmaddr + (uint64_t)p * page, start, page, format);
        }
    }
}

void run_rebase(struct image *m)
{
    const uint8_t *p = at(m, m->rebase, m->rebase_size), *end = p + m->rebase_size;
    uint64_t addr = 0, count, skip;

    while (p < end) {
        uint8_t op = *p & 0xf0, imm = *p & 0x0f;

        p++;
        count = 0;
        skip = 0;
        switch (op) {
        case 0x00:
            return;
        case 0x10:
            break;
        case 0x20:
            addr = m->segments[imm].vmaddr + uleb(&p, end);
            break;
        case 0x30:
            addr += uleb(&p, end);
            break;
        case 0x40:
            addr += imm * 8ull;
            break;
        case 0x50:
            count = imm;
            break;
        case 0x60:
            count = uleb(&p, end);
            break;
        case 0x70:
            count = 1;
            skip = uleb(&p, end);
            break;
        case 0x80:
            count = uleb(&p, end);
            skip = uleb(&p, end);
            break;
        default:
            errx(70, "%s: rebase opcode 0x%x", m->path, op);
        }
        for (; count; count--) {
            uint8_t *q = memory(m, addr, 8);
            uint64_t v = u64(q) + (uint64_t)m->base;

            memcpy(q, &v, 8);
            m->rebases++;
            addr += 8 + skip;
        }
    }
}

void run_bind(struct image *m, uint32_t offset, uint32_t size, bool weak_list)
{
    const uint8_t *p = at(m, offset, size), *end = p + size;
    uint64_t addr = 0, count, skip;
    int ordinal = weak_list ? -3 : 0;
    const char *name = NULL;
    bool weak = false;
    int64_t addend = 0;

    while (p < end) {
        uint8_t op = *p & 0xf0, imm = *p & 0x0f;

        p++;
        count = 0;
        skip = 0;
        switch (op) {
        case 0x00:
            return;
        case 0x10:
            ordinal = imm;
            break;
        case 0x20:
            ordinal = (int)uleb(&p, end);
            break;
        case 0x30:
            ordinal = imm ? (int8_t)(imm | 0xf0) : 0;
            break;
        case 0x40:
            name = (const char *)p;
            weak = imm & 1;
            p += strlen(name) + 1;
            break;
        case 0x50:
            break;
        case 0x60:
            addend = sleb(&p, end);
            break;
        case 0x70:
            addr = m->segments[imm].vmaddr + uleb(&p, end);
            break;
        case 0x80:
            addr += uleb(&p, end);
            break;
        case 0x90:
            count = 1;
            break;
        case 0xa0:
            count = 1;
            skip = uleb(&p, end);
            break;
        case 0xb0:
            count = 1;
            skip = imm * 8ull;
            break;
        case 0xc0:
            count = uleb(&p, end);
            skip = uleb(&p, end);
            break;
        default:
            errx(70, "%s: bind opcode 0x%x", m->path, op);
        }
        for (; count; count--) {
            uint8_t *q = memory(m, addr, 8);
            uint64_t s = (uint64_t)resolve(name, m, ordinal, weak || weak_list);

            if (s || !weak_list) {
                s += s ? (uint64_t)addend : 0;
                memcpy(q, &s, 8);
            }
            m->binds++;
            addr += 8 + skip;
        }
    }
}
