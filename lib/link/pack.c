/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pack.c - --compress-debug-sections: debug sections whole, relocated, then
 * compressed (gABI, "Section Compression"). */

#include "base/par.h"
#include "elf/elf.h"
#include "link/complaints.h"
#include "link/link.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

struct packer {
    struct link *l;
    struct out **outs;
    uint64_t count;
    struct complaints complaints;
};

static size_t bound(enum link_compress how, uint64_t size)
{
    return how == COMPRESS_ZSTD ? ZSTD_compressBound(size) : compressBound(size);
}

/* 0 on failure. */
static size_t compress_bytes(enum link_compress how, const uint8_t *in, uint64_t size,
                             uint8_t *out, size_t room)
{
    if (how == COMPRESS_ZSTD) {
        size_t n = ZSTD_compress(out, room, in, size, 3);

        return ZSTD_isError(n) ? 0 : n;
    }
    uLongf n = room;

    return compress2(out, &n, in, size, 1) == Z_OK ? n : 0;
}

static bool gather(struct link *l, struct diag *d, const struct out *o, uint8_t *bytes)
{
    for (uint64_t i = 0; i < o->count; i++)
        if (!link_copy(l, d, o->secs[i], 0, o->secs[i]->size, bytes + o->secs[i]->offset))
            return false;
    return true;
}

static void pack_one(void *arg, unsigned worker, uint64_t i)
{
    struct packer *p = arg;
    struct out *o = p->outs[i];
    struct diag *d = complaints_diag(&p->complaints, worker, i);
    enum link_compress how = p->l->opt->compress;
    uint8_t *plain = calloc(1, o->size);
    size_t room = CHDR64_SIZE + bound(how, o->size), n = 0;
    uint8_t *packed = malloc(room);

    if (!plain || !packed) {
        diag_nomem(d);
    } else if (gather(p->l, d, o, plain)) {
        n = compress_bytes(how, plain, o->size, packed + CHDR64_SIZE, room - CHDR64_SIZE);
        if (!n)
            diag_fail(d, E_UNSUPPORTED, "%s: cannot compress", o->name);
    }
    free(plain);
    /* What does not shrink stays as it is. */
    if (!n || n + CHDR64_SIZE >= o->size) {
        free(packed);
        return;
    }
    store_uint(packed, 4, false, how == COMPRESS_ZSTD ? ELFCOMPRESS_ZSTD : ELFCOMPRESS_ZLIB);
    store_uint(packed + 4, 4, false, 0);
    store_uint(packed + 8, 8, false, o->size);
    store_uint(packed + 16, 8, false, UINT64_C(1) << o->align_log2);
    o->packed = (struct span){packed, n + CHDR64_SIZE};
}

bool link_pack_debug(struct link *l)
{
    struct packer p = {.l = l};
    bool ok = true;

    if (l->opt->compress == COMPRESS_NONE)
        return true;
    if (!(p.outs = arena_alloc(&l->arena, l->out_count, sizeof(struct out *))))
        return diag_nomem(l->d);
    for (uint64_t i = 0; i < l->out_count; i++)
        if (l->outs[i]->rank == RANK_DEBUG && l->outs[i]->size && l->outs[i]->type != SHT_NOBITS)
            p.outs[p.count++] = l->outs[i];
    /* Unpacked here, where one thread runs: what is unpacked belongs to the link. */
    for (uint64_t i = 0; i < p.count; i++)
        for (uint64_t n = 0; n < p.outs[i]->count; n++)
            if (p.outs[i]->secs[n]->sec->compression && !lsec_contents(l, p.outs[i]->secs[n]))
                return false;
    if (!complaints_begin(l->d, &p.complaints))
        return false;
    par_for(p.count, pack_one, &p);
    ok = complaints_end(l->d, &p.complaints);
    for (uint64_t i = 0; i < p.count; i++) {
        struct out *o = p.outs[i];

        if (!o->packed.at)
            continue;
        ok = link_own(l, (void *)(uintptr_t)o->packed.at) && ok;
        o->align_log2 = 3; /* that of the header; the contents' own is in it */
    }
    return ok;
}
