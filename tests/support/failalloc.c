/* SPDX-License-Identifier: GPL-3.0-or-later */
/* failalloc.c - memory that runs out in one part of a process, by LD_PRELOAD.
 *
 * FAIL_IN=WORD    only calls from a file whose name has WORD in it count
 * FAIL_AT=N       the N-th of them fails, and all after it
 * FAIL_TOLD=FILE  is made when one fails */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static long count;

static int fails(void *caller)
{
    const char *in = getenv("FAIL_IN"), *at = getenv("FAIL_AT"), *told = getenv("FAIL_TOLD");
    Dl_info from;
    int fd = -1;

    if (!in || !at || !dladdr(caller, &from) || !from.dli_fname || !strstr(from.dli_fname, in) ||
        __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) < atol(at))
        return 0;
    if (told && (fd = open(told, O_CREAT | O_WRONLY, 0600)) >= 0)
        close(fd);
    return 1;
}

void *malloc(size_t n) { return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(n); }

void *calloc(size_t n, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}

char *strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = fails(__builtin_return_address(0)) ? NULL : __libc_malloc(n);

    return copy ? memcpy(copy, s, n) : NULL;
}
