/* SPDX-License-Identifier: GPL-3.0-or-later */
/* macho.c - splice a heap into a Mach-O skeleton.
 *
 * <mach-o/loader.h>, <mach-o/reloc.h>, <mach-o/nlist.h>.  All sections are in
 * one nameless segment and have addresses in it: those of the heap come last,
 * and move when they get their size, with the symbols in them.  A relocation
 * against a section has the target's address in that space in the word. */

#include "pack/pack.h"

#include <inttypes.h>

enum {
    HEADER = 32,
    LC_SYMTAB = 2,
    LC_SEGMENT_64 = 0x19,
    SEGMENT = 72, /* the command without its sections */
    SECTION = 80,
    NLIST = 16,
    RECORD = 8,
    N_TYPE = 0x0e,
    N_SECT = 0x0e,
    R_LENGTH_8 = 3u << 25, /* 2^3 bytes */
    R_EXTERN = 1u << 27,
};

struct commands {
    uint64_t segment, symbols; /* where these commands are; 0: none */
    uint64_t section_count;
};

static bool find_commands(struct pack *p, struct commands *c)
{
    uint64_t count = 0, at = HEADER;

    *c = (struct commands){0};
    if (!pack_get(p, 16, 4, &count))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t type = 0, size = 0;

        if (!pack_get(p, at, 4, &type) || !pack_get(p, at + 4, 4, &size) || size < 8)
            return false;
        if (type == LC_SEGMENT_64)
            c->segment = at;
        else if (type == LC_SYMTAB)
            c->symbols = at;
        at += size;
    }
    return c->segment && c->symbols && pack_get(p, c->segment + 64, 4, &c->section_count);
}

static uint64_t section_at(const struct commands *c, uint64_t number)
{
    return c->segment + SEGMENT + (number - 1) * SECTION;
}

/* "SEGMENT,section" against the header's two fields of 16 bytes. */
static bool name_is(const struct pack *p, uint64_t at, const char *name)
{
    const char *comma = strchr(name, ',');
    struct span fields;
    char segment[17] = "", section[17] = "";

    if (!comma || !span_sub(buf_span(&p->skeleton), at, 32, &fields))
        return false;
    memcpy(section, fields.at, 16);
    memcpy(segment, fields.at + 16, 16);
    return !strncmp(segment, name, (size_t)(comma - name)) &&
           strlen(segment) == (size_t)(comma - name) && !strcmp(section, comma + 1);
}

static bool read_specimens(struct pack *p, uint64_t header)
{
    uint32_t segments = p->heap.segment_count, count = segments + p->heap.import_count;
    uint64_t relocs = 0, have = 0;

    if (!pack_get(p, header + 56, 4, &relocs) || !pack_get(p, header + 60, 4, &have) ||
        have < count)
        return pack_bad_skeleton(p, "its relocations");
    /* In whatever order; each says which word it is for. */
    for (uint64_t i = 0; i < have; i++) {
        uint64_t offset = 0, info = 0;

        if (!pack_get(p, relocs + i * RECORD, 4, &offset) ||
            !pack_get(p, relocs + i * RECORD + 4, 4, &info) || offset / 8 >= count)
            return pack_bad_skeleton(p, "its relocations");
        if (offset / 8 >= segments) {
            p->imports[offset / 8 - segments] = (uint32_t)(info & 0xffffff);
        } else {
            /* x86-64 names the section, arm64 a symbol at its start. */
            p->sections[offset / 8].symbol = (uint32_t)(info & 0xffffff);
            p->sections[offset / 8].by_number = !(info & R_EXTERN);
        }
    }
    return true;
}

static bool find(struct pack *p)
{
    struct commands c;

    if (!find_commands(p, &c))
        return pack_bad_skeleton(p, "its commands");
    for (uint64_t n = 1; n <= c.section_count; n++)
        for (uint32_t i = 0; i < p->heap.segment_count; i++) {
            struct pack_section *s = &p->sections[i];

            if (!name_is(p, section_at(&c, n), s->name))
                continue;
            s->header = section_at(&c, n);
            s->number = (uint32_t)n;
            if (s->slots && !read_specimens(p, s->header))
                return false;
        }
    for (uint32_t i = 0; i < p->heap.segment_count; i++)
        if (!p->sections[i].header)
            return pack_bad_skeleton(p, p->sections[i].name);
    return p->heap.address_bits == 64 ||
           diag_fail(p->d, E_UNSUPPORTED,
                     "%s: pointers with tags above bit %u: Mach-O's loader has no such relocation",
                     p->heap.name, p->heap.address_bits);
}

/* New addresses in the order of the sections, and for the symbols in them. */
static bool place(struct pack *p)
{
    struct commands c;
    uint64_t addr = 0, symbols = 0, count = 0;

    if (!find_commands(p, &c) || !pack_get(p, c.symbols + 8, 4, &symbols) ||
        !pack_get(p, c.symbols + 12, 4, &count))
        return pack_bad_skeleton(p, "its commands");
    for (uint64_t n = 1; n <= c.section_count; n++) {
        uint64_t at = section_at(&c, n), size = 0, align = 0, old = 0;
        struct pack_section *s = NULL;

        for (uint32_t i = 0; i < p->heap.segment_count; i++)
            if (p->sections[i].number == n)
                s = &p->sections[i];
        if (!pack_get(p, at + 32, 8, &old) || !pack_get(p, at + 40, 8, &size) ||
            !pack_get(p, at + 52, 4, &align) || align > 32)
            return pack_bad_skeleton(p, "a section");
        addr = align_up(addr, UINT64_C(1) << align);
        for (uint64_t i = 0; i < count; i++) {
            uint64_t entry = symbols + i * NLIST, type = 0, sect = 0, value = 0;

            if (!pack_get(p, entry + 4, 1, &type) || !pack_get(p, entry + 5, 1, &sect) ||
                !pack_get(p, entry + 8, 8, &value))
                return pack_bad_skeleton(p, "a symbol");
            if ((type & N_TYPE) == N_SECT && sect == n)
                pack_put(p, entry + 8, 8, value - old + addr);
        }
        pack_put(p, at + 32, 8, addr);
        if (s) {
            s->addr = addr;
            size = s->size;
        }
        addr += size;
    }
    return pack_put(p, c.segment + 32, 8, addr);
}

static void store(const struct pack *p, const struct pack_section *s, uint64_t offset,
                  uint32_t symbol, bool import, uint64_t addend, uint8_t *out)
{
    (void)s, (void)addend;
    /* Type 0 is UNSIGNED on both CPUs. */
    store_uint(out, 4, false, offset);
    store_uint(out + 4, 4, false,
               symbol | R_LENGTH_8 | (import || !p->sections[0].by_number ? R_EXTERN : 0));
}

static uint64_t word(const struct pack *p, const struct pack_section *target, uint64_t addend)
{
    (void)p;
    return (target->by_number ? target->addr : 0) + addend;
}

static bool finish(struct pack *p)
{
    struct commands c;
    uint64_t from = 0, memory = 0;
    bool ok = find_commands(p, &c) && pack_get(p, c.segment + 40, 8, &from) &&
              pack_get(p, c.segment + 32, 8, &memory);

    for (uint32_t i = 0; i < p->heap.segment_count; i++) {
        const struct pack_section *s = &p->sections[i];

        if (p->heap.segments[i].kind == SIMG_SEGMENT_ZERO)
            continue;
        ok = pack_put(p, s->header + 40, 8, s->size) && pack_put(p, s->header + 48, 4, s->offset) &&
             pack_put(p, s->header + 56, 4, s->slots ? s->reloc_offset : 0) &&
             pack_put(p, s->header + 60, 4, s->slots ? s->reloc_count : 0) && ok;
    }
    /* As many bytes in the file as it may have; nobody reads an object by segments. */
    ok = ok && pack_put(p, c.segment + 48, 8, p->end - from < memory ? p->end - from : memory);
    if (p->end > UINT32_MAX)
        return diag_fail(p->d, E_UNSUPPORTED,
                         "%s: %" PRIu64 " bytes: a Mach-O object has at most 4 GiB", p->opt->output,
                         p->end);
    return ok || pack_bad_skeleton(p, "its headers");
}

const struct pack_splicer pack_macho = {.record = RECORD,
                                        .align = 16,
                                        .in_place = true,
                                        .find = find,
                                        .place = place,
                                        .store = store,
                                        .word = word,
                                        .finish = finish};
