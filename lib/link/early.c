/* SPDX-License-Identifier: GPL-3.0-or-later */
/* early.c - write what is known early.
 *
 * Once the image is laid out, the inside of a large section without
 * relocations is final, while symbol tables and the like are still to be
 * made.  A serialized heap is mostly that.  A thread of its own writes these
 * windows, until write.c comes and writes the others beside it. */

#include "base/par.h"
#include "elf/elf.h"
#include "link/link.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <xxhash.h>

enum { WORTH_IT = 8 /* windows */ };

/* One whole window of one section. */
struct early_window {
    uint64_t index;
    const struct lsec *sec;
    uint64_t from; /* offset in SEC */
};

struct early {
    const struct output *out;
    struct early_window *windows;
    uint64_t count, cap;
    uint64_t *hashes; /* by place in WINDOWS; NULL if none are wanted */
    uint8_t *buffer;
    pthread_t thread;
    bool running, failed;
    int os_error;
    atomic_bool stop;
    atomic_uint_fast64_t done;
};

static bool is_plain(const struct lsec *s)
{
    return s->live && !s->into && !s->data && !s->sec->compression && !s->sec->reloc_count &&
           !(s->sec->flags & SEC_ZERO) && !s->fill && !s->obj->o.heap && s->obj->file && s->sec->data.at &&
           s->size == s->sec->data.size;
}

/* The windows that lie inside S whole. */
static bool list_windows(struct link *l, struct early *e, const struct lsec *s)
{
    uint64_t start = s->out->offset + s->offset;
    uint64_t first = (start + LINK_WINDOW - 1) / LINK_WINDOW;
    uint64_t end = (start + s->size) / LINK_WINDOW;

    for (uint64_t i = first; i < end; i++) {
        if (!arena_grow(&l->arena, (void **)&e->windows, e->count, &e->cap, sizeof *e->windows))
            return diag_nomem(l->d);
        e->windows[e->count++] = (struct early_window){i, s, i * LINK_WINDOW - start};
    }
    return true;
}

static void *write_windows(void *arg)
{
    struct early *e = arg;

    for (uint64_t i = 0; i < e->count && !e->failed && !atomic_load(&e->stop); i++) {
        const struct early_window *w = &e->windows[i];
        const struct file *f = w->sec->obj->file;
        uint64_t at = (uint64_t)(w->sec->sec->data.at - f->data.at) + w->from;

        errno = 0;
        e->failed = !file_read(f, at, e->buffer, LINK_WINDOW) ||
                    !output_write(e->out, e->buffer, LINK_WINDOW, w->index * LINK_WINDOW);
        e->os_error = e->failed ? errno : 0;
        if (e->hashes)
            e->hashes[i] = XXH3_64bits(e->buffer, LINK_WINDOW);
        atomic_fetch_add(&e->done, 1);
    }
    return NULL;
}

static int by_index(const void *a, const void *b)
{
    const struct early_window *x = a, *y = b;

    return x->index < y->index ? -1 : x->index > y->index;
}

bool link_start_early(struct link *l)
{
    struct early *e = NULL;

    if (par_workers() == 1 || l->file_size < SMALL_FILE)
        return true;
    if (!(e = arena_alloc(&l->arena, 1, sizeof *e)))
        return diag_nomem(l->d);
    for (uint64_t i = 0; i < l->out_count; i++)
        for (uint64_t n = 0; (l->outs[i]->flags & SHF_ALLOC) && n < l->outs[i]->count; n++)
            if (is_plain(l->outs[i]->secs[n]) && !list_windows(l, e, l->outs[i]->secs[n]))
                return false;
    if (e->count < WORTH_IT)
        return true;
    qsort(e->windows, e->count, sizeof *e->windows, by_index);
    if (l->opt->build_id == BUILD_ID_HASH &&
        !(e->hashes = arena_alloc(&l->arena, e->count, sizeof *e->hashes)))
        return diag_nomem(l->d);
    if (!(e->buffer = malloc(LINK_WINDOW)) || !link_own(l, e->buffer))
        return diag_nomem(l->d);
    if (!output_begin(l->d, l->opt->output, l->file_size, &l->output))
        return false;
    e->out = &l->output;
    e->running = pthread_create(&e->thread, NULL, write_windows, e) == 0;
    if (e->running) /* else write.c writes these windows like all others */
        l->early = e;
    return true;
}

bool link_is_early(const struct link *l, uint64_t window)
{
    const struct early_window key = {.index = window};

    return l->early && bsearch(&key, l->early->windows, l->early->count, sizeof key, by_index);
}

void link_stop_early(struct link *l)
{
    struct early *e = l->early;

    if (e && e->running) {
        atomic_store(&e->stop, true);
        pthread_join(e->thread, NULL);
        e->running = false;
    }
}

bool link_end_early(struct link *l, uint64_t *hashes, int *os_error)
{
    struct early *e = l->early;
    struct timespec until;

    if (!e)
        return true;
    do {
        link_progress(l, "writing", e->done, e->count);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 100000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    } while (pthread_timedjoin_np(e->thread, NULL, &until) == ETIMEDOUT);
    e->running = false;
    for (uint64_t i = 0; hashes && i < e->count; i++)
        hashes[e->windows[i].index] = e->hashes[i];
    *os_error = e->os_error;
    return !e->failed;
}
