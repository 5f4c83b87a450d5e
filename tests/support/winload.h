/* SPDX-License-Identifier: GPL-3.0-or-later */
/* winload.h - what heapwalk.c uses of POSIX, on Windows. */

#ifndef SUPPORT_WINLOAD_H
#define SUPPORT_WINLOAD_H

#include <stdint.h>
#include <stdio.h>
#include <windows.h>

#define RTLD_NOW 0
#define RTLD_DEFAULT NULL
enum { PROT_NONE, MAP_PRIVATE, MAP_ANONYMOUS, MAP_FIXED_NOREPLACE };
#define MAP_FAILED NULL

static inline void *dlopen(const char *path, int mode)
{
    (void)mode;
    return path ? (void *)LoadLibraryA(path) : (void *)GetModuleHandleA(NULL);
}

/* What a heap imports here is the C library's. */
static inline void *dlsym(void *handle, const char *name)
{
    HMODULE m = handle ? (HMODULE)handle : GetModuleHandleA("msvcrt.dll");

    return (void *)(uintptr_t)GetProcAddress(m, name);
}

static inline void dlclose(void *handle) { FreeLibrary(handle); }

static inline const char *dlerror(void)
{
    static char text[32];

    sprintf(text, "error %lu", GetLastError());
    return text;
}

static inline void *mmap(void *at, size_t size, int prot, int flags, int fd, long offset)
{
    (void)prot, (void)flags, (void)fd, (void)offset;
    return VirtualAlloc(at, size, MEM_RESERVE, PAGE_NOACCESS);
}

/* The rights at AT, as /proc/self/maps has them. */
static inline const char *rights_at(const void *at)
{
    MEMORY_BASIC_INFORMATION info;

    if (!VirtualQuery(at, &info, sizeof info))
        return "none";
    switch (info.Protect & 0xff) {
    case PAGE_READONLY:
        return "r--p";
    case PAGE_READWRITE:
    case PAGE_WRITECOPY:
        return "rw-p";
    case PAGE_EXECUTE_READ:
        return "r-xp";
    default:
        return "others";
    }
}

#endif
