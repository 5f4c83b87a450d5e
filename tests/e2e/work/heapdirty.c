/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heapdirty.c - how many pages of an image's heap are this process's own once
 * it is loaded?
 *
 * heapdirty IMAGE ADDR SIZE [TAKE]
 *   ADDR, SIZE  where the heap is if the image lies at its own address
 *   TAKE        have this address mapped before the image is
 *
 * Prints the number of dirty private pages, and "moved" or "placed". */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static uint64_t dirty_kib(uint64_t low, uint64_t high)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    uint64_t from = 0, to = 0, kib = 0, sum = 0;
    char line[4096];

    if (!f)
        exit(3);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2)
            continue;
        if (sscanf(line, "Private_Dirty: %" SCNu64, &kib) == 1 && from >= low && to <= high)
            sum += kib;
    }
    fclose(f);
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t addr = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
    uint64_t size = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
    struct link_map *map = NULL;
    void *image = NULL, *take = argc > 4 ? (void *)strtoull(argv[4], NULL, 0) : NULL;

    if (size == 0)
        return 2;
    if (take && mmap(take, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                     0) != take)
        return 3;
    image = dlopen(argv[1], RTLD_NOW);
    if (!image || dlinfo(image, RTLD_DI_LINKMAP, &map) != 0) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    addr += map->l_addr;
    printf("%" PRIu64 " %s\n", dirty_kib(addr, addr + ((size + 4095) & ~UINT64_C(4095))) / 4,
           map->l_addr ? "moved" : "placed");
    return 0;
}
