/* SPDX-License-Identifier: GPL-3.0-or-later */
/* par.c - a counter and some threads. */

#include "par.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { MAX_WORKERS = 64 };

static unsigned limit;

struct job {
    atomic_uint_fast64_t next;
    atomic_uint workers;
    uint64_t count;
    void (*do_item)(void *, unsigned, uint64_t);
    void *arg;
};

unsigned par_workers(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    if (limit && (unsigned)n > limit)
        n = (int)limit;
    return n < 1 ? 1 : n > MAX_WORKERS ? MAX_WORKERS : (unsigned)n;
}

void par_limit(unsigned n) { limit = n; }

static void *work(void *p)
{
    struct job *job = p;
    unsigned worker = atomic_fetch_add(&job->workers, 1);

    for (;;) {
        uint64_t i = atomic_fetch_add(&job->next, 1);

        if (i >= job->count)
            return NULL;
        job->do_item(job->arg, worker, i);
    }
}

void par_for(uint64_t count, void (*do_item)(void *arg, unsigned worker, uint64_t i), void *arg)
{
    struct job job = {.count = count, .do_item = do_item, .arg = arg};
    pthread_t thread[MAX_WORKERS];
    uint64_t want = par_workers();
    unsigned made = 0;

    if (want > count)
        want = count;
    while (made + 1 < want && pthread_create(&thread[made], NULL, work, &job) == 0)
        made++;
    work(&job);
    for (unsigned i = 0; i < made; i++)
        pthread_join(thread[i], NULL);
}
