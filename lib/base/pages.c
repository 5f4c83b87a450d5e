/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pages.c - memory whose every page will be written soon. */

#include "pages.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_HUGEPAGE
#define MADV_HUGEPAGE 14
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

enum { HUGE_PAGE = 2 << 20 };

void pages_make(void *p, uint64_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)p + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)p + size) / page * page;

    if (from >= end)
        return;
    /* All of it will be written, so a huge page takes no more memory; and where a host of
       virtual machines has tables of its own, each small page costs something once more. */
    if (end - from >= HUGE_PAGE)
        (void)madvise((void *)from, end - from, MADV_HUGEPAGE);
    (void)madvise((void *)from, end - from, MADV_POPULATE_WRITE);
}
