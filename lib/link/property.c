/* SPDX-License-Identifier: GPL-3.0-or-later */
/* property.c - .note.gnu.property (gABI extension "Program Property") of the
 * image out of those of its objects, and the build-id note. */

#include "elf/elf.h"
#include "link/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* How the bits of a property combine, by the range of its type. */
enum combine { COMBINE_NONE, COMBINE_AND, COMBINE_OR, COMBINE_OR_AND };

static enum combine combine_of(uint32_t type, uint16_t machine)
{
    static const struct {
        uint32_t first, last;
        enum combine how;
        uint16_t machine; /* 0: any */
    } ranges[] = {
        {0xb0000000, 0xb0007fff, COMBINE_AND, 0},
        {0xb0008000, 0xb000ffff, COMBINE_OR, 0},
        {0xc0000000, 0xc0000000, COMBINE_AND, EM_AARCH64},
        {0xc0000002, 0xc0007fff, COMBINE_AND, EM_X86_64},
        {0xc0008000, 0xc000ffff, COMBINE_OR, EM_X86_64},
        {0xc0010000, 0xc0017fff, COMBINE_OR_AND, EM_X86_64},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (type >= ranges[i].first && type <= ranges[i].last &&
            (!ranges[i].machine || ranges[i].machine == machine))
            return ranges[i].how;
    return COMBINE_NONE;
}

struct property {
    uint32_t type, bits;
    uint32_t seen; /* objects that have it */
    enum combine how;
};

struct properties {
    struct property at[64];
    unsigned count;
};

static void add_property(struct properties *p, uint16_t machine, uint32_t type, uint32_t bits)
{
    enum combine how = combine_of(type, machine);
    struct property *at = NULL;

    for (unsigned i = 0; i < p->count; i++)
        if (p->at[i].type == type)
            at = &p->at[i];
    if (how == COMBINE_NONE || (!at && p->count == sizeof p->at / sizeof *p->at))
        return;
    if (!at) {
        at = &p->at[p->count++];
        *at = (struct property){.type = type, .bits = bits, .how = how};
    } else if (how == COMBINE_AND) {
        at->bits &= bits;
    } else {
        at->bits |= bits;
    }
    at->seen++;
}

/* Notes of type 5 named GNU; each holds (type, size, bits) triples, padded to
   8 bytes.  What is damaged is not believed. */
static void read_properties(struct properties *p, uint16_t machine, struct span note)
{
    struct cursor c = {.in = note};

    while (cur_count(&c, 1, 16)) {
        uint32_t name = cur_u32(&c), size = cur_u32(&c), type = cur_u32(&c);
        const uint8_t *owner = cur_take(&c, align_up(name, 4));
        uint64_t end = 0;

        if (!owner || !cur_count(&c, size, 1))
            return;
        end = c.pos + size;
        while (type == NT_GNU_PROPERTY_TYPE_0 && name == 4 && !memcmp(owner, "GNU", 4) &&
               c.pos + 8 <= end) {
            uint32_t kind = cur_u32(&c), bytes = cur_u32(&c);

            if (bytes > end - c.pos)
                return;
            if (bytes == 4)
                add_property(p, machine, kind, (uint32_t)load_uint(c.in.at + c.pos, 4, false));
            cur_take(&c, align_up(bytes, 8) < end - c.pos ? align_up(bytes, 8) : end - c.pos);
        }
        c.pos = end;
        cur_take(&c, align_up(c.pos, 8) - c.pos);
    }
}

static int by_type(const void *a, const void *b)
{
    const struct property *x = a, *y = b;

    return x->type < y->type ? -1 : x->type > y->type;
}

/* Bits that the user claims for the whole image. */
static uint32_t forced_bits(const struct link *l)
{
    if (l->machine->number == EM_AARCH64)
        return l->opt->force_bti ? 1 : 0;
    return (l->opt->force_ibt ? 1u : 0u) | (l->opt->force_shstk ? 2u : 0u);
}

bool link_make_property(struct link *l)
{
    struct properties all = {0};
    uint32_t forced = forced_bits(l);
    struct buf b = {0};
    struct lsec *s = NULL;
    uint32_t objects = 0;
    unsigned kept = 0;

    for (uint64_t i = 1; i < l->obj_count; i++) {
        struct properties one = {0};

        if (l->objs[i]->o.heap) /* its code is not told by any note */
            continue;
        objects++;
        read_properties(&one, l->machine->number, l->objs[i]->o.property);
        for (unsigned n = 0; n < one.count; n++)
            add_property(&all, l->machine->number, one.at[n].type, one.at[n].bits);
    }
    for (unsigned i = 0; i < all.count; i++) {
        struct property *p = &all.at[i];

        /* What one object does not promise, the image cannot. */
        if (p->how != COMBINE_OR && p->seen < objects)
            p->bits = p->how = 0;
        if (p->type == l->machine->feature_and) {
            p->bits |= forced;
            forced = 0;
            l->feature_and = p->bits;
        }
        /* "Nothing is used" is a statement too. */
        if (p->bits || p->how == COMBINE_OR_AND)
            all.at[kept++] = *p;
    }
    if (forced && kept < sizeof all.at / sizeof *all.at) {
        all.at[kept++] = (struct property){.type = l->machine->feature_and, .bits = forced};
        l->feature_and = forced;
    }
    if (!kept)
        return true;
    qsort(all.at, kept, sizeof *all.at, by_type);
    buf_uint(&b, 4, 4);
    buf_uint(&b, 16 * kept, 4);
    buf_uint(&b, NT_GNU_PROPERTY_TYPE_0, 4);
    buf_bytes(&b, "GNU", 4);
    for (unsigned i = 0; i < kept; i++) {
        buf_uint(&b, all.at[i].type, 4);
        buf_uint(&b, 4, 4);
        buf_uint(&b, all.at[i].bits, 4);
        buf_uint(&b, 0, 4);
    }
    s = link_new_section(l, ".note.gnu.property", SHT_NOTE, SHF_ALLOC, 3);
    s->data = b.at;
    s->size = b.size;
    l->made[MADE_PROPERTY] = s;
    return link_own(l, b.at) && (!b.bad || diag_nomem(l->d));
}

bool link_make_build_id(struct link *l)
{
    uint64_t size = l->opt->build_id == BUILD_ID_HEX    ? l->opt->build_id_size
                    : l->opt->build_id == BUILD_ID_UUID ? 16
                    : l->opt->build_id_size             ? l->opt->build_id_size
                                                        : BUILD_ID_SIZE;
    struct lsec *s = NULL;

    if (l->opt->build_id == BUILD_ID_NONE)
        return true;
    s = link_new_section(l, ".note.gnu.build-id", SHT_NOTE, SHF_ALLOC, 2);
    s->size = 16 + align_up(size, 4);
    if (!(s->data = arena_alloc(&l->arena, 1, s->size)))
        return diag_nomem(l->d);
    store_uint(s->data, 4, false, 4);
    store_uint(s->data + 4, 4, false, size);
    store_uint(s->data + 8, 4, false, NT_GNU_BUILD_ID);
    memcpy(s->data + 12, "GNU", 4);
    if (l->opt->build_id == BUILD_ID_HEX)
        memcpy(s->data + 16, l->opt->build_id_bytes, size);
    else if (l->opt->build_id == BUILD_ID_UUID) {
        if (getrandom(s->data + 16, 16, 0) != 16)
            return diag_fail(l->d, E_SYSTEM, "no random bytes for --build-id=uuid");
        s->data[22] = (uint8_t)((s->data[22] & 0x0f) | 0x40); /* RFC 4122, version 4 */
        s->data[24] = (uint8_t)((s->data[24] & 0x3f) | 0x80);
    }
    l->made[MADE_BUILD_ID] = s;
    return true;
}
