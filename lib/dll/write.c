/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write.c - the file, and what is known only once it is written: a time stamp
 * that is a hash of it, and the CheckSum. */

#include "dll/dll.h"
#include "link/window.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

enum { TIMESTAMP_AT = 0x80 + 4 + 4, CHECKSUM_AT = 0x80 + 4 + FILE_HEADER_SIZE + 64 };

/* The CheckSum adds 16-bit words and folds the carries: the order does not matter. */
uint64_t dll_sum(const uint8_t *bytes, uint64_t size)
{
    uint64_t sum = 0, i = 0;

    for (; i + 2 <= size; i += 2)
        sum += load_uint(bytes + i, 2, false);
    return i < size ? sum + bytes[i] : sum;
}

bool dll_finish_window(struct link *l, struct diag *d, uint64_t start, uint64_t size,
                       uint8_t *bytes, const uint8_t *marks)
{
    (void)d, (void)start, (void)marks;
    atomic_fetch_add(&l->dll->sum, dll_sum(bytes, size));
    return true;
}

static bool list_extents(struct writer *w)
{
    struct link *l = w->l;
    const struct dll *y = l->dll;

    if (!writer_begin(w, 3) || !writer_add(w, 0, y->header.size, NULL, y->header.at))
        return false;
    for (uint64_t i = 0; i < l->out_count; i++) {
        const struct out *o = l->outs[i];

        if (o->type & IMAGE_SCN_CNT_UNINITIALIZED_DATA)
            continue;
        for (uint64_t n = 0; n < o->count; n++)
            if (!writer_add(w, o->offset + o->secs[n]->offset, o->secs[n]->size, o->secs[n], NULL))
                return false;
    }
    return writer_add(w, y->symbols_at, y->symbols.size, NULL, y->symbols.at) &&
           writer_add(w, y->symbols_at + y->symbols.size, y->strings.size, NULL, y->strings.at);
}

static bool put(struct link *l, uint64_t at, uint32_t value)
{
    uint8_t word[4];

    store_uint(word, 4, false, value);
    l->dll->sum += dll_sum(word, 4); /* 0 was there */
    return output_write(&l->output, word, 4, at) ||
           diag_fail(l->d, E_SYSTEM, "%s: cannot write: %s", l->opt->output,
                     strerror(errno ? errno : EIO));
}

/* The table of heaps is written again, with checksums of what the file holds. */
static bool finish_heaps(struct link *l)
{
    const struct lsec *table = l->made[MADE_HEAP_TABLE];
    uint64_t before = table ? dll_sum(table->data, table->size) : 0;

    if (!table)
        return true;
    if (!link_finish_heaps(l))
        return false;
    l->dll->sum += dll_sum(table->data, table->size) - before;
    return true;
}

static bool put_checksum(struct link *l)
{
    uint64_t sum = l->dll->sum;

    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return put(l, CHECKSUM_AT, (uint32_t)(sum + l->file_size));
}

bool dll_write(struct link *l)
{
    struct writer w = {.l = l};
    uint64_t windows = 0;
    bool ok = false;

    if (!dll_make_header(l))
        return false;
    w.window = link_window(l);
    w.size = l->file_size;
    windows = (w.size + w.window - 1) / w.window;
    if (!(w.hashes = arena_alloc(&l->arena, windows, sizeof *w.hashes)))
        return diag_nomem(l->d);
    if (!list_extents(&w) || !output_begin(l->d, l->opt->output, l->file_size, &l->output))
        return false;
    ok = writer_run(&w) || l->opt->noinhibit;
    if (ok && w.failed)
        return diag_fail(l->d, E_SYSTEM, "%s: cannot write: %s", l->opt->output,
                         strerror(w.os_error ? w.os_error : EIO));
    return ok && finish_heaps(l) &&
           put(l, TIMESTAMP_AT, (uint32_t)XXH3_64bits(w.hashes, windows * sizeof *w.hashes)) &&
           put_checksum(l) && output_commit(l->d, &l->output, 0777) && dll_write_implib(l) &&
           dll_write_def(l);
}
