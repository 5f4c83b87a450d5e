/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write.c - the file: segments in windows, then __LINKEDIT, then what is known
 * only when all of that is written: identity and signature. */

#include "base/par.h"
#include "dylib/dylib.h"
#include "link/window.h"
#include "macho/signature.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* Where the parts of __LINKEDIT are in the file.  Each starts where the one
   before ends, in the order that Apple's tools insist on. */
static void place_parts(struct link *l)
{
    struct dylib *y = l->dylib;
    struct linkedit_part *const parts[] = {
        &y->fixups, &y->rebase,       &y->bind,    &y->weak_bind, &y->trie,
        &y->starts, &y->data_in_code, &y->symbols, &y->indirect,  &y->strings,
    };
    uint64_t at = y->linkedit->offset;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        parts[i]->offset = at;
        at += parts[i]->buf.size;
    }
    y->signature_offset = at;
    if (y->sign) {
        y->signature_offset = align_up(at, SIGNATURE_ALIGN);
        y->signature_size = signature_size(y->signature_offset, signature_ident(y->install_name));
        at = y->signature_offset + y->signature_size;
    }
    y->linkedit->filesize = at - y->linkedit->offset;
    y->linkedit->vmsize = align_up(y->linkedit->filesize, l->darwin->page_size);
    l->file_size = at;
}

static bool list_extents(struct writer *w)
{
    struct link *l = w->l;
    const struct dylib *y = l->dylib;

    if (!writer_begin(w, 1) || !writer_add(w, 0, y->header.size, NULL, y->header.at))
        return false;
    for (uint64_t i = 0; i < l->out_count; i++) {
        const struct out *o = l->outs[i];

        if (macho_is_zerofill(o->type))
            continue;
        for (uint64_t n = 0; n < o->count; n++)
            if (!writer_add(w, o->offset + o->secs[n]->offset, o->secs[n]->size, o->secs[n], NULL))
                return false;
    }
    return true;
}

void dylib_hash_pages(struct link *l, uint64_t start, uint64_t size, const uint8_t *bytes)
{
    uint8_t *hashes = l->dylib->hashes;

    for (uint64_t at = 0; hashes && at < size; at += SIGNATURE_PAGE)
        signature_hash(bytes + at, size - at < SIGNATURE_PAGE ? size - at : SIGNATURE_PAGE,
                       hashes + (start + at) / SIGNATURE_PAGE * SIGNATURE_HASH);
}

/* ---- __LINKEDIT ---- */

struct tail {
    struct link *l;
    const uint8_t *bytes;
    uint64_t size;
};

enum { TAIL_PIECE = 1 << 20 };

static void hash_piece(void *arg, unsigned worker, uint64_t i)
{
    const struct tail *t = arg;
    uint64_t from = i * TAIL_PIECE;
    uint64_t size = t->size - from < TAIL_PIECE ? t->size - from : TAIL_PIECE;

    (void)worker;
    dylib_hash_pages(t->l, t->l->dylib->linkedit->offset + from, size, t->bytes + from);
}

static bool cannot_write(struct link *l)
{
    return diag_fail(l->d, E_SYSTEM, "%s: cannot write: %s", l->opt->output,
                     strerror(errno ? errno : EIO));
}

static bool write_linkedit(struct link *l)
{
    struct dylib *y = l->dylib;
    const struct linkedit_part *const parts[] = {
        &y->fixups, &y->rebase,       &y->bind,    &y->weak_bind, &y->trie,
        &y->starts, &y->data_in_code, &y->symbols, &y->indirect,  &y->strings,
    };
    struct buf all = {0};
    struct tail t = {.l = l};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        buf_bytes(&all, parts[i]->buf.at, parts[i]->buf.size);
    if (!all.bad && all.size < y->signature_offset - y->linkedit->offset)
        buf_reserve(&all, y->signature_offset - y->linkedit->offset - all.size);
    if (!link_own(l, all.at) || all.bad)
        return all.bad ? diag_nomem(l->d) : false;
    t.bytes = all.at;
    t.size = all.size;
    par_for((all.size + TAIL_PIECE - 1) / TAIL_PIECE, hash_piece, &t);
    return output_write(&l->output, all.at, all.size, y->linkedit->offset) || cannot_write(l);
}

/* ---- identity and signature ---- */

/* Hash once more the pages that have [OFFSET, OFFSET + SIZE), which was
   written again.  What goes to a device cannot be read, and nobody will. */
static bool rehash(struct link *l, uint64_t offset, uint64_t size)
{
    uint64_t from = offset & ~(uint64_t)(SIGNATURE_PAGE - 1);
    uint64_t end = align_up(offset + size, SIGNATURE_PAGE);
    uint8_t *pages = NULL;
    bool ok = false;

    if (!l->output.temp || !l->dylib->hashes)
        return true;
    if (!(pages = malloc(end - from)))
        return diag_nomem(l->d);
    ok = output_read(&l->output, pages, end - from, from);
    if (ok)
        dylib_hash_pages(l, from, end - from, pages);
    free(pages);
    return ok || diag_fail(l->d, E_SYSTEM, "%s: cannot read what was written", l->opt->output);
}

/* The table of heaps has checksums of what the file holds. */
static bool finish_heaps(struct link *l)
{
    const struct lsec *table = l->made[MADE_HEAP_TABLE];

    return !table ||
           (link_finish_heaps(l) && rehash(l, table->out->offset + table->offset, table->size));
}

/* A function of all bytes but its own, as a UUID of version 8. */
static bool write_uuid(struct link *l)
{
    struct dylib *y = l->dylib;
    uint8_t digest[SIGNATURE_HASH], *uuid = y->header.at + y->uuid_at;

    if (!y->uuid_at)
        return true;
    signature_hash(y->hashes, signature_pages(y->signature_offset) * SIGNATURE_HASH, digest);
    memcpy(uuid, digest, 16);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    if (!output_write(&l->output, uuid, 16, y->uuid_at))
        return cannot_write(l);
    return !y->sign || rehash(l, 0, y->header.size);
}

static bool write_signature(struct link *l)
{
    struct dylib *y = l->dylib;
    struct buf b = {0};
    bool ok = true;

    if (!y->sign)
        return true;
    signature_put(&b, &(struct signature){.code_limit = y->signature_offset,
                                          .ident = signature_ident(y->install_name),
                                          .text_offset = y->segments[0].offset,
                                          .text_size = y->segments[0].filesize,
                                          .flags = CS_ADHOC | CS_LINKER_SIGNED,
                                          .hashes = y->hashes});
    if (b.bad)
        ok = diag_nomem(l->d);
    else if (!output_write(&l->output, b.at, b.size, y->signature_offset))
        ok = cannot_write(l);
    buf_free(&b);
    return ok;
}

bool dylib_write(struct link *l)
{
    struct dylib *y = l->dylib;
    struct writer w = {.l = l};
    bool ok = false;

    place_parts(l);
    if (!dylib_make_header(l))
        return false;
    if (l->file_size > UINT32_MAX)
        return diag_fail(l->d, E_LINK,
                         "the image would have 0x%" PRIx64
                         " bytes; Mach-O files end at 4 GiB, since offsets have 32 bits",
                         l->file_size);
    if ((y->sign || y->uuid_at) &&
        !(y->hashes = arena_alloc(&l->arena, signature_pages(y->signature_offset), SIGNATURE_HASH)))
        return diag_nomem(l->d);
    w.window = link_window(l);
    w.size = y->linkedit->offset;
    if (!list_extents(&w) || !output_begin(l->d, l->opt->output, l->file_size, &l->output))
        return false;
    ok = writer_run(&w) || l->opt->noinhibit;
    if (ok && w.failed) {
        errno = w.os_error;
        return cannot_write(l);
    }
    return ok && dylib_fill_fixups(l) && write_linkedit(l) && finish_heaps(l) && write_uuid(l) &&
           write_signature(l) && output_commit(l->d, &l->output, 0777);
}
