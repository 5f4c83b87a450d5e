/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write.c - an ELF image: what is where in the file, and the build-id. */

#include "elf/elf.h"
#include "link/window.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

/* ---- the list of extents ---- */

static bool list_extents(struct writer *w)
{
    struct link *l = w->l;
    struct span front, back;

    if (!link_make_headers(l, &front, &back) || !writer_begin(w, 2) ||
        !writer_add(w, 0, front.size, NULL, front.at))
        return false;
    for (uint64_t i = 0; i < l->out_count; i++) {
        const struct out *o = l->outs[i];

        if (o->type == SHT_NOBITS || o->empty)
            continue;
        if (o->packed.at) {
            if (!writer_add(w, o->offset, o->packed.size, NULL, o->packed.at))
                return false;
            continue;
        }
        for (uint64_t n = 0; n < o->count; n++) {
            struct lsec *s = o->secs[n];

            if (s->sec->compression && !lsec_contents(l, s))
                return false;
            if (!writer_add(w, o->offset + s->offset, s->size, s, NULL))
                return false;
        }
    }
    if (!writer_add(w, l->shoff, back.size, NULL, back.at))
        return false;
    return true;
}

/* ---- the build-id ---- */

/* A hash of the windows' hashes, put into the note when all is written.  It
   covers every byte but its own. */
static bool write_build_id(struct writer *w)
{
    struct lsec *s = w->l->made[MADE_BUILD_ID];
    uint64_t size = 0;

    if (!w->hashes)
        return true;
    /* As many bytes as the style has: md5's 16, sha1's 20, sha256's 32. */
    size = load_uint(s->data + 4, 4, false);
    for (uint64_t at = 0; at < size; at += 4)
        store_uint(s->data + 16 + at, 4, true,
                   XXH3_64bits_withSeed(w->hashes, w->windows * sizeof *w->hashes, at) &
                       0xffffffff);
    return output_write(&w->l->output, s->data + 16, size, s->out->offset + s->offset + 16);
}

bool link_write(struct link *l)
{
    struct writer w = {.l = l, .window = link_window(l), .size = l->file_size};
    uint64_t windows = (l->file_size + w.window - 1) / w.window;
    int early_error = 0;
    bool ok = false;

    if (!list_extents(&w))
        return false;
    if (l->opt->build_id == BUILD_ID_HASH &&
        !(w.hashes = arena_alloc(&l->arena, windows, sizeof *w.hashes)))
        return diag_nomem(l->d);
    if (!(l->early ? output_room(l->d, &l->output, l->file_size)
                   : output_begin(l->d, l->opt->output, l->file_size, &l->output)))
        return false;
    ok = writer_run(&w) || l->opt->noinhibit;
    if (!link_end_early(l, w.hashes, &early_error)) {
        w.failed = true;
        w.os_error = early_error;
    }
    if (ok && !w.failed && !link_finish_heaps(l))
        return false;
    if (ok && (w.failed || !write_build_id(&w)))
        ok = diag_fail(l->d, E_SYSTEM, "%s: cannot write: %s", l->opt->output,
                       strerror(w.os_error ? w.os_error : EIO));
    return ok && output_commit(l->d, &l->output, 0777);
}
