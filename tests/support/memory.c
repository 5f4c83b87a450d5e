/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory.c - the memory of a process (memory.h), from /proc. */

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_maps(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");

    if (!maps)
        abort();
    return maps;
}

void memory_rights(const void *addr, char out[5])
{
    FILE *maps = open_maps();
    unsigned long from = 0, to = 0;
    char line[512], now[8];

    strcpy(out, "none");
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &from, &to, now) == 3 && (unsigned long)addr >= from &&
            (unsigned long)addr < to)
            memcpy(out, now, 5);
    fclose(maps);
}

unsigned memory_mappings(const char *name, uintptr_t from, size_t size)
{
    FILE *maps = open_maps();
    unsigned long at = 0;
    char line[512], part[64];
    unsigned n = 0;

    snprintf(part, sizeof part, "memfd:%s", name);
    while (fgets(line, sizeof line, maps))
        n += strstr(line, part) || (sscanf(line, "%lx", &at) == 1 && at - from < size);
    fclose(maps);
    return n;
}
