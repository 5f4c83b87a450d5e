/* SPDX-License-Identifier: MIT */
/* startup_darwin.h - start-up code and macOS, where system calls are libSystem's. */

#ifndef RUNTIME_STARTUP_DARWIN_H
#define RUNTIME_STARTUP_DARWIN_H

#include "sysimage/format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Segments of images begin at pages of 16 KiB for every CPU (lib/dylib/layout.c). */
enum { PAGE = 16384, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };

extern int mprotect(void *at, size_t size, int prot);

static bool system_protect(uint8_t *at, uint64_t size, uint32_t prot)
{
    int rights = (prot & SIMG_PROT_R ? PROT_READ : 0) | (prot & SIMG_PROT_W ? PROT_WRITE : 0) |
                 (prot & SIMG_PROT_X ? PROT_EXEC : 0);

    return mprotect(at, (size + PAGE - 1) & ~(uint64_t)(PAGE - 1), rights) == 0;
}

/* There are no huge pages to ask for. */
static void system_read_large(uint8_t *at, uint64_t size) { (void)at, (void)size; }

static bool system_replace(uint8_t *at, uint64_t size, void (*fill)(const void *, uint8_t *),
                           const void *arg)
{
    return (void)at, (void)size, (void)fill, (void)arg, false;
}

/* Linkers define it: where the section begins. */
#define TABLE_NAME __asm("section$start$__TEXT$__sysimage")
/* objtool link puts this object first. */
#define STARTUP_SECTION "__DATA,__mod_init_func,mod_init_funcs"

#endif
