/* SPDX-License-Identifier: GPL-3.0-or-later */
/* complaints.c - one list for each thread, merged at the end. */

#include "link/complaints.h"

#include "base/par.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_TOLD = 19, /* and a line that counts the rest */
    ENOUGH = 1000, /* of one task */
};

struct complaint {
    uint64_t task, seq;
    enum diag_kind kind;
    enum status status;
    char *text;
    const void *group;
    uint64_t more, more_tasks; /* with the first of a group: how many others */
};

struct complaint_worker {
    struct arena arena;
    struct diag diag;
    uint64_t task;
    const void *group, *last; /* LAST: of the last complaint of this task */
    uint64_t different;       /* complaints of this task that did not repeat the last group */
    struct complaint *at;
    uint64_t count, cap;
    uint64_t lost; /* errors that found no memory */
};

static void keep(void *arg, enum diag_kind kind, const char *text)
{
    struct complaint_worker *w = arg;
    char *copy = arena_strdup(&w->arena, text);

    w->different += !w->group || w->group != w->last;
    w->last = w->group;
    if (!copy ||
        !arena_grow(&w->arena, (void **)&w->at, w->count, &w->cap, sizeof *w->at)) {
        w->lost++;
        return;
    }
    w->at[w->count] = (struct complaint){.task = w->task,
                                          .seq = w->count,
                                          .kind = kind,
                                          .status = w->diag.status,
                                          .text = copy,
                                          .group = w->group};
    w->count++;
}

bool complaints_begin(struct diag *d, struct complaints *c)
{
    c->count = par_workers();
    c->workers = calloc(c->count, sizeof *c->workers);
    return c->workers || diag_nomem(d);
}

struct diag *complaints_diag(struct complaints *c, unsigned worker, uint64_t task)
{
    struct complaint_worker *w = &c->workers[worker];

    w->task = task;
    w->group = w->last = NULL;
    w->different = 0;
    w->diag = (struct diag){.sink = keep, .arg = w};
    return &w->diag;
}

void complaints_group(struct complaints *c, unsigned worker, const void *group)
{
    c->workers[worker].group = group;
}

bool complaints_enough(const struct complaints *c, unsigned worker)
{
    const struct complaint_worker *w = &c->workers[worker];

    return (w->group && w->group == w->last) || w->different > ENOUGH;
}

struct arena *complaints_arena(struct complaints *c, unsigned worker)
{
    return &c->workers[worker].arena;
}

static int by_task(const void *a, const void *b)
{
    const struct complaint *x = a, *y = b;

    if (x->task != y->task)
        return x->task < y->task ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Count the others of each group into its first, which is told. */
static uint64_t fold_groups(struct complaint *all, uint64_t count, uint64_t *dropped)
{
    uint64_t kept = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct complaint *first = NULL;

        /* Few groups have many members, so the search is short. */
        for (uint64_t k = 0; all[i].group && k < kept && !first; k++)
            if (all[k].group == all[i].group)
                first = &all[k];
        if (first && first->kind == all[i].kind) {
            first->more++;
            first->more_tasks += all[i].task != first->task && all[i].task != all[i - 1].task;
        } else if (kept < MAX_TOLD || !all[i].group) {
            all[kept++] = all[i];
        } else {
            ++*dropped;
        }
    }
    return kept;
}

static void tell(struct diag *d, const struct complaint *c)
{
    char more[96] = "";

    if (c->more)
        snprintf(more, sizeof more, " (and %llu more like it%s)", (unsigned long long)c->more,
                 c->more_tasks ? ", in other sections too" : "");
    if (c->kind == DIAG_WARNING)
        diag_warn(d, "%s%s", c->text, more);
    else
        diag_fail(d, c->status, "%s%s", c->text, more);
}

bool complaints_end(struct diag *d, struct complaints *c)
{
    uint64_t count = 0, lost = 0, told = 0, errors = 0, dropped = 0;
    struct complaint *all = NULL;

    for (unsigned i = 0; i < c->count; i++) {
        count += c->workers[i].count;
        lost += c->workers[i].lost;
    }
    all = count ? malloc(count * sizeof *all) : NULL;
    if (lost || (count && !all)) {
        diag_nomem(d);
        errors++;
    }
    for (unsigned i = 0, n = 0; all && i < c->count; n += (unsigned)c->workers[i++].count)
        if (c->workers[i].count)
            memcpy(all + n, c->workers[i].at, c->workers[i].count * sizeof *all);
    if (all)
        qsort(all, count, sizeof *all, by_task);
    if (all)
        count = fold_groups(all, count, &dropped);
    for (uint64_t i = 0; all && i < count; i++) {
        if (all[i].kind == DIAG_ERROR)
            errors++;
        if (told++ < MAX_TOLD)
            tell(d, &all[i]);
    }
    told += dropped;
    if (all && told > MAX_TOLD)
        diag_fail(d, E_LINK, "and %llu more", (unsigned long long)(told - MAX_TOLD));
    free(all);
    for (unsigned i = 0; i < c->count; i++)
        arena_free(&c->workers[i].arena);
    free(c->workers);
    *c = (struct complaints){0};
    return errors == 0;
}
