/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_phases.c - preloaded into Julia 1.5 (x86-64): how long dlopen of the sysimage takes, in which
 * the image's own start-up code runs, and jl_restore_system_image.
 *
 * JULIA_PHASES_IMAGE is the sysimage's path.  Two numbers, in nanoseconds, go to the file
 * JULIA_PHASES_OUT.  libjulia calls itself without its PLT, so the function gets a jump at its
 * start, which goes away when it is taken. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { JUMP = 12, PAGE = 4096 };

static uint8_t *restore;
static uint8_t saved[JUMP];
static int64_t opened;

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void put_code(const uint8_t *code)
{
    uint8_t *page = restore - (uintptr_t)restore % PAGE;

    mprotect(page, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    memcpy(restore, code, JUMP);
    mprotect(page, 2 * PAGE, PROT_READ | PROT_EXEC);
}

static void timed(const char *path)
{
    const char *out = getenv("JULIA_PHASES_OUT");
    char text[64];
    int64_t start;
    int fd, n;

    put_code(saved);
    start = now();
    ((void (*)(const char *))(uintptr_t)restore)(path);
    n = snprintf(text, sizeof text, "%jd %jd\n", (intmax_t)opened, (intmax_t)(now() - start));
    fd = open(out ? out : "/dev/stderr", O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd < 0 || write(fd, text, (size_t)n) != n)
        abort();
    close(fd);
}

void *dlopen(const char *path, int flags)
{
    static void *(*next)(const char *, int);
    const char *image = getenv("JULIA_PHASES_IMAGE");
    uint8_t jump[JUMP] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0}; /* to what is in rax */
    uint64_t to = (uint64_t)(uintptr_t)timed;
    int64_t start;
    void *handle;

    if (!next)
        next = (void *(*)(const char *, int))(uintptr_t)dlsym(RTLD_NEXT, "dlopen");
    if (!path || !image || strcmp(path, image))
        return next(path, flags);
    restore = dlsym(RTLD_DEFAULT, "jl_restore_system_image");
    if (!restore)
        abort();
    memcpy(saved, restore, JUMP);
    memcpy(jump + 2, &to, sizeof to);
    put_code(jump);
    start = now();
    handle = next(path, flags);
    opened = now() - start;
    return handle;
}
