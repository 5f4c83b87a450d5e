/* SPDX-License-Identifier: MIT */
/* measure.c - what bench/engine-cache.py asks: how long it took, and how much of the arena this
 * process has for itself. */

#include "runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t measure_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* KiB that were written to, of the GiB that is the arena's. */
static uint64_t dirty(const struct session *s)
{
    uintptr_t from = (uintptr_t)simg_cache_arena(s->cache);
    uint64_t start = 0, size = 0, sum = 0;
    char line[512];
    FILE *f = fopen("/proc/self/smaps", "r");

    while (f && fgets(line, sizeof line, f)) {
        if (strchr("0123456789abcdef", line[0]) && sscanf(line, "%" SCNx64 "-", &start) == 1)
            continue;
        if (start - from < UINT64_C(1) << 30 && sscanf(line, "Private_Dirty: %" SCNu64, &size) == 1)
            sum += size;
    }
    if (f)
        fclose(f);
    return sum;
}

void measure_tell(const struct session *s, uint64_t start, uint64_t opened)
{
    uint64_t run = measure_now() - opened; /* before smaps is read, which takes its time */

    fprintf(stderr, "%s: open %" PRIu64 " us, run %" PRIu64 " us, dirty %" PRIu64 " KiB\n",
            s->language->name, opened - start, run, dirty(s));
}
