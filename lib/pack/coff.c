/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coff.c - splice a heap into a COFF skeleton.
 *
 * PE format specification, 3 (headers), 4 (section table) and 5.2
 * (relocations): records of 10 bytes; more than 65534 of them are counted in
 * the first one. */

#include "pack/pack.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    HEADER = 20,
    SECTION = 40,
    SYMBOL = 18,
    RECORD = 10,
    NRELOC_OVFL = 0x01000000,
    ADDR64_X86_64 = 1,   /* IMAGE_REL_AMD64_ADDR64 */
    ADDR64_AARCH64 = 14, /* IMAGE_REL_ARM64_ADDR64 */
};

/* The section's name: eight bytes, or "/N", an offset into the strings. */
static bool name_is(const struct pack *p, uint64_t at, uint64_t strings, const char *name)
{
    struct span all = buf_span(&p->skeleton), table, field;
    char text[9] = "";
    const char *found = text;

    if (!span_sub(all, at, 8, &field))
        return false;
    memcpy(text, field.at, 8);
    if (text[0] == '/' && span_sub(all, strings, all.size - strings, &table))
        found = span_str(table, strtoull(text + 1, NULL, 10));
    return found && !strcmp(found, name);
}

static bool read_specimens(struct pack *p, uint64_t at, uint64_t have)
{
    uint32_t segments = p->heap.segment_count, count = segments + p->heap.import_count;

    if (have < count)
        return pack_bad_skeleton(p, "its relocations");
    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset = 0, symbol = 0, type = 0;

        if (!pack_get(p, at + i * RECORD, 4, &offset) ||
            !pack_get(p, at + i * RECORD + 4, 4, &symbol) ||
            !pack_get(p, at + i * RECORD + 8, 2, &type) || offset != 8 * i)
            return pack_bad_skeleton(p, "its relocations");
        p->type = (uint32_t)type;
        if (i < segments)
            p->sections[i].symbol = (uint32_t)symbol;
        else
            p->imports[i - segments] = (uint32_t)symbol;
    }
    return p->type == (p->opt->target.cpu == PACK_X86_64 ? ADDR64_X86_64 : ADDR64_AARCH64) ||
           pack_bad_skeleton(p, "its relocation type");
}

static bool find(struct pack *p)
{
    uint64_t count = 0, symbols = 0, symbol_count = 0;

    if (!pack_get(p, 2, 2, &count) || !pack_get(p, 8, 4, &symbols) ||
        !pack_get(p, 12, 4, &symbol_count))
        return pack_bad_skeleton(p, "its header");
    for (uint64_t i = 0; i < count; i++)
        for (uint32_t n = 0; n < p->heap.segment_count; n++) {
            struct pack_section *s = &p->sections[n];
            uint64_t at = HEADER + i * SECTION, relocs = 0, have = 0;

            if (!name_is(p, at, symbols + symbol_count * SYMBOL, s->name))
                continue;
            s->header = at;
            if (s->slots && (!pack_get(p, at + 24, 4, &relocs) || !pack_get(p, at + 32, 2, &have) ||
                             !read_specimens(p, relocs, have)))
                return false;
        }
    for (uint32_t i = 0; i < p->heap.segment_count; i++)
        if (!p->sections[i].header)
            return pack_bad_skeleton(p, p->sections[i].name);
    return true;
}

static bool place(struct pack *p)
{
    /* The count of so many is itself a record, the first. */
    for (uint32_t i = 0; i < p->heap.segment_count; i++)
        if (p->sections[i].reloc_count > 0xfffe)
            p->sections[i].reloc_count++;
    return true;
}

static void store(const struct pack *p, const struct pack_section *s, uint64_t offset,
                  uint32_t symbol, bool import, uint64_t addend, uint8_t *out)
{
    (void)s, (void)import, (void)addend;
    store_uint(out, 4, false, offset);
    store_uint(out + 4, 4, false, symbol);
    store_uint(out + 8, 2, false, p->type);
}

/* Symbols of sections are at their start, so what is added is in the word. */
static uint64_t word(const struct pack *p, const struct pack_section *target, uint64_t addend)
{
    (void)p, (void)target;
    return addend;
}

static bool finish(struct pack *p)
{
    bool ok = true;

    for (uint32_t i = 0; i < p->heap.segment_count; i++) {
        const struct pack_section *s = &p->sections[i];
        uint64_t flags = 0, many = s->reloc_count > 0xffff;

        if (p->heap.segments[i].kind == SIMG_SEGMENT_ZERO)
            continue;
        ok = pack_put(p, s->header + 16, 4, s->size) && pack_put(p, s->header + 20, 4, s->offset) &&
             pack_put(p, s->header + 24, 4, s->slots ? s->reloc_offset : 0) &&
             pack_put(p, s->header + 32, 2, many ? 0xffff : s->reloc_count) &&
             pack_get(p, s->header + 36, 4, &flags) &&
             pack_put(p, s->header + 36, 4, flags | (many ? NRELOC_OVFL : 0)) && ok;
    }
    if (p->end > UINT32_MAX)
        return diag_fail(p->d, E_UNSUPPORTED,
                         "%s: %" PRIu64 " bytes: a COFF object has at most 4 GiB", p->opt->output,
                         p->end);
    return ok || pack_bad_skeleton(p, "its headers");
}

const struct pack_splicer pack_coff = {.record = RECORD,
                                       .align = 16,
                                       .in_place = true,
                                       .find = find,
                                       .place = place,
                                       .store = store,
                                       .word = word,
                                       .finish = finish};
