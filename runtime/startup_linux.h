/* SPDX-License-Identifier: MIT */
/* startup_linux.h - start-up code and the kernel of Linux, without a libc. */

#ifndef RUNTIME_STARTUP_LINUX_H
#define RUNTIME_STARTUP_LINUX_H

#include "sysimage/format.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PAGE = 4096, /* the kernel rounds up to its own */
    PROT_NONE = 0,
    PROT_READ = 1,
    PROT_WRITE = 2,
    PROT_EXEC = 4,
    MAP_PRIVATE = 2,
    MAP_ANONYMOUS = 0x20,
    MAP_NORESERVE = 0x4000,
    MREMAP_MAYMOVE = 1,
    MREMAP_FIXED = 2,
    MADV_HUGEPAGE = 14,
};
#define HUGE_PAGE UINT64_C(0x200000)

/* ---- system calls (Linux; numbers and registers of each CPU) ---- */

#if defined __x86_64__
enum { SYS_MMAP = 9, SYS_MPROTECT = 10, SYS_MUNMAP = 11, SYS_MREMAP = 25, SYS_MADVISE = 28 };

static uint64_t call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    register uint64_t r9 __asm__("r9") = 0;
    uint64_t result = 0;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined __aarch64__
enum { SYS_MMAP = 222, SYS_MPROTECT = 226, SYS_MUNMAP = 215, SYS_MREMAP = 216, SYS_MADVISE = 233 };

static uint64_t call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    register long x8 __asm__("x8") = number;
    register uint64_t x0 __asm__("x0") = a;
    register uint64_t x1 __asm__("x1") = b;
    register uint64_t x2 __asm__("x2") = c;
    register uint64_t x3 __asm__("x3") = d;
    register uint64_t x4 __asm__("x4") = e;
    register uint64_t x5 __asm__("x5") = 0;

    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
#endif

static bool failed(uint64_t result) { return result > (uint64_t)-4096; }

static uint64_t whole_pages(uint64_t size) { return (size + PAGE - 1) & ~(uint64_t)(PAGE - 1); }

/* ---- memory ---- */

static bool system_protect(uint8_t *at, uint64_t size, uint32_t prot)
{
    uint64_t rights = (prot & SIMG_PROT_R ? PROT_READ : 0u) |
                      (prot & SIMG_PROT_W ? PROT_WRITE : 0u) |
                      (prot & SIMG_PROT_X ? PROT_EXEC : 0u);

    return !failed(call(SYS_MPROTECT, (uint64_t)at, whole_pages(size), rights, 0, 0));
}

/* What is not in the page cache yet is then read 2 MiB at a time and mapped so,
   whatever the system's read-ahead is. */
static void system_read_large(uint8_t *at, uint64_t size)
{
    if (size >= HUGE_PAGE)
        call(SYS_MADVISE, (uint64_t)at, whole_pages(size), MADV_HUGEPAGE, 0, 0);
}

/* Fill fresh huge pages by FILL and put them in the place of the SIZE bytes at
   AT, all at once; false, with nothing done, if that is not worth it or the
   system does not give them. */
static bool system_replace(uint8_t *at, uint64_t size, void (*fill)(const void *, uint8_t *),
                           const void *arg)
{
    uint64_t whole = whole_pages(size), room = whole + HUGE_PAGE;
    uint64_t got = 0, fresh = 0, end = 0;

    if (size < HUGE_PAGE)
        return false;
    got = call(SYS_MMAP, 0, room, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (uint64_t)-1);
    if (failed(got))
        return false;
    /* As far into a huge page as the segment is, so that moving them splits none. */
    fresh = got + (((uint64_t)at - got) & (HUGE_PAGE - 1));
    end = got + room;
    call(SYS_MADVISE, fresh, whole, MADV_HUGEPAGE, 0, 0);
    fill(arg, (uint8_t *)fresh);
    if (fresh > got)
        call(SYS_MUNMAP, got, fresh - got, 0, 0, 0);
    if (end > fresh + whole)
        call(SYS_MUNMAP, fresh + whole, end - fresh - whole, 0, 0, 0);
    if (!failed(call(SYS_MREMAP, fresh, whole, whole, MREMAP_MAYMOVE | MREMAP_FIXED, (uint64_t)at)))
        return true;
    call(SYS_MUNMAP, fresh, whole, 0, 0, 0);
    return false;
}

#define TABLE_NAME
/* Priority 0: initialisers of programs begin at 101, those of compilers above 0. */
#define STARTUP_SECTION ".init_array.00000"

#endif
