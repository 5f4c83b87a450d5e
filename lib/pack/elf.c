/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elf.c - splice a heap into an ELF skeleton. */

#include "elf/elf.h"
#include "pack/pack.h"

#include <inttypes.h>

struct header {
    uint64_t at; /* in the skeleton */
    uint64_t name, type, offset, size, info;
};

static bool read_header(const struct pack *p, uint64_t shoff, uint64_t i, struct header *h)
{
    h->at = shoff + i * SHDR64_SIZE;
    return pack_get(p, h->at, 4, &h->name) && pack_get(p, h->at + 4, 4, &h->type) &&
           pack_get(p, h->at + 24, 8, &h->offset) && pack_get(p, h->at + 32, 8, &h->size) &&
           pack_get(p, h->at + 44, 4, &h->info);
}

static bool name_is(const struct pack *p, const struct header *names, const struct header *h,
                    const char *name)
{
    struct span all = buf_span(&p->skeleton), table;
    const char *s = NULL;

    return span_sub(all, names->offset, names->size, &table) && (s = span_str(table, h->name)) &&
           !strcmp(s, name);
}

static struct pack_section *section_called(struct pack *p, const struct header *names,
                                           const struct header *h)
{
    for (uint32_t i = 0; i < p->heap.segment_count; i++)
        if (name_is(p, names, h, p->sections[i].name))
            return &p->sections[i];
    return NULL;
}

/* The specimens of S: which symbol each segment and each import has. */
static bool read_specimens(struct pack *p, const struct header *rela)
{
    uint32_t segments = p->heap.segment_count, count = segments + p->heap.import_count;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset = 0, type = 0, symbol = 0;

        if (!pack_get(p, rela->offset + i * RELA64_SIZE, 8, &offset) ||
            !pack_get(p, rela->offset + i * RELA64_SIZE + 8, 4, &type) ||
            !pack_get(p, rela->offset + i * RELA64_SIZE + 12, 4, &symbol) ||
            rela->size / RELA64_SIZE < count || offset != 8 * i)
            return pack_bad_skeleton(p, "its relocations");
        p->type = (uint32_t)type;
        if (i < segments)
            p->sections[i].symbol = (uint32_t)symbol;
        else
            p->imports[i - segments] = (uint32_t)symbol;
    }
    return true;
}

static bool find(struct pack *p)
{
    uint64_t shoff = 0, count = 0, names_index = 0;
    struct header names, h;

    if (!pack_get(p, 40, 8, &shoff) || !pack_get(p, 60, 2, &count) ||
        !pack_get(p, 62, 2, &names_index) || !read_header(p, shoff, names_index, &names))
        return pack_bad_skeleton(p, "its headers");
    pack_put(p, 7, 1, ELFOSABI_GNU); /* SHF_GNU_RETAIN is of that ABI */
    for (uint64_t i = 1; i < count; i++) {
        struct pack_section *s = NULL;
        struct header of;

        if (!read_header(p, shoff, i, &h))
            return pack_bad_skeleton(p, "its headers");
        if (h.type != SHT_RELA && (s = section_called(p, &names, &h))) {
            s->header = h.at;
        } else if (h.type == SHT_RELA && read_header(p, shoff, h.info, &of) &&
                   (s = section_called(p, &names, &of))) {
            s->relocs = h.at;
            if (!read_specimens(p, &h))
                return false;
        }
    }
    for (uint32_t i = 0; i < p->heap.segment_count; i++)
        if (!p->sections[i].header || (p->sections[i].slots && !p->sections[i].relocs))
            return pack_bad_skeleton(p, p->sections[i].name);
    return true;
}

static bool place(struct pack *p)
{
    (void)p;
    return true;
}

static void store(const struct pack *p, const struct pack_section *s, uint64_t offset,
                  uint32_t symbol, bool import, uint64_t addend, uint8_t *out)
{
    (void)s, (void)import;
    store_uint(out, 8, false, offset);
    store_uint(out + 8, 8, false, (uint64_t)symbol << 32 | p->type);
    store_uint(out + 16, 8, false, addend);
}

static uint64_t word(const struct pack *p, const struct pack_section *target, uint64_t addend)
{
    (void)p, (void)target, (void)addend;
    return 0; /* RELA has it in the record */
}

static bool finish(struct pack *p)
{
    bool ok = true;

    for (uint32_t i = 0; i < p->heap.segment_count; i++) {
        const struct pack_section *s = &p->sections[i];

        if (p->heap.segments[i].kind != SIMG_SEGMENT_ZERO)
            ok = pack_put(p, s->header + 24, 8, s->offset) &&
                 pack_put(p, s->header + 32, 8, s->size) && ok;
        if (s->slots)
            ok = pack_put(p, s->relocs + 24, 8, s->reloc_offset) &&
                 pack_put(p, s->relocs + 32, 8, s->reloc_count * RELA64_SIZE) && ok;
    }
    return ok || pack_bad_skeleton(p, "its headers");
}

const struct pack_splicer pack_elf = {.record = RELA64_SIZE,
                                      .align = 4096,
                                      .in_place = false,
                                      .find = find,
                                      .place = place,
                                      .store = store,
                                      .word = word,
                                      .finish = finish};
