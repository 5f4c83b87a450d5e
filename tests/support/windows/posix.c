/* SPDX-License-Identifier: GPL-3.0-or-later */
/* posix.c - stand-ins (posix.h), and what tests ask about their own memory. */

#include "posix.h"

#include "tests/support/memory.h"

#include <direct.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#define PSAPI_VERSION 2
#include <psapi.h>

char *mkdtemp(char *template)
{
    char *end = template + strlen(template) - 6;

    for (unsigned i = 0; i < 1000; i++) {
        unsigned n = (unsigned)GetCurrentProcessId() * 1000 + i;

        for (unsigned k = 0; k < 6; k++, n /= 36)
            end[k] = "0123456789abcdefghijklmnopqrstuvwxyz"[n % 36];
        if (_mkdir(template) == 0)
            return template;
    }
    return NULL;
}

int setenv(const char *name, const char *value, int replace)
{
    return replace || !getenv(name) ? _putenv_s(name, value) : 0;
}

int unsetenv(const char *name) { return _putenv_s(name, ""); }

void *memmem(const void *in, size_t size, const void *what, size_t length)
{
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp((const char *)in + i, what, length) == 0)
            return (char *)(uintptr_t)in + i;
    return NULL;
}

ssize_t pread(int fd, void *to, size_t size, off_t at)
{
    OVERLAPPED place = {.Offset = (DWORD)at};
    DWORD done = 0;

    return ReadFile((HANDLE)_get_osfhandle(fd), to, (DWORD)size, &done, &place) ? (ssize_t)done : -1;
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t at)
{
    OVERLAPPED place = {.Offset = (DWORD)at};
    DWORD done = 0;

    return WriteFile((HANDLE)_get_osfhandle(fd), from, (DWORD)size, &done, &place) ? (ssize_t)done : -1;
}

int memfd_create(const char *name, unsigned flags)
{
    char folder[MAX_PATH], path[MAX_PATH + 64];
    HANDLE h;

    (void)flags;
    GetTempPathA(sizeof folder, folder);
    snprintf(path, sizeof path, "%smemfd-%.16s-%lu", folder, name, GetCurrentProcessId());
    h = CreateFileA(path, GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | DELETE,
                    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, CREATE_ALWAYS,
                    FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL);
    return h == INVALID_HANDLE_VALUE ? -1 : _open_osfhandle((intptr_t)h, _O_RDWR | _O_BINARY);
}

void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
    (void)prot, (void)flags, (void)fd, (void)offset;
    return VirtualAlloc(at, size, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);
}

int munmap(void *at, size_t size)
{
    (void)size;
    return VirtualFree(at, 0, MEM_RELEASE) ? 0 : -1;
}

void *dlsym(void *handle, const char *name)
{
    HMODULE all[256];
    DWORD size = 0;
    void *found = NULL;

    (void)handle;
    EnumProcessModules(GetCurrentProcess(), all, sizeof all, &size);
    for (DWORD i = 0; !found && i < size / sizeof *all && i < 256; i++)
        if (all[i] != GetModuleHandleA("ntdll.dll")) /* it has half a C library of its own */
            found = (void *)(uintptr_t)GetProcAddress(all[i], name);
    return found;
}

int flock(int fd, int how)
{
    OVERLAPPED all = {0};

    (void)how;
    return LockFileEx((HANDLE)_get_osfhandle(fd), LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, &all) ? 0 : -1;
}

/* ---- memory.h ---- */

void memory_rights(const void *addr, char out[5])
{
    MEMORY_BASIC_INFORMATION info;

    strcpy(out, "none");
    if (!VirtualQuery(addr, &info, sizeof info) || info.State != MEM_COMMIT)
        return;
    strcpy(out, "---p");
    switch (info.Protect) {
    case PAGE_READONLY:
        memcpy(out, "r--", 3);
        break;
    case PAGE_READWRITE:
    case PAGE_WRITECOPY:
        memcpy(out, "rw-", 3);
        break;
    case PAGE_EXECUTE_READ:
        memcpy(out, "r-x", 3);
        break;
    case PAGE_EXECUTE_READWRITE:
    case PAGE_EXECUTE_WRITECOPY:
        memcpy(out, "rwx", 3);
        break;
    }
}

unsigned memory_mappings(const char *name, uintptr_t from, size_t size)
{
    MEMORY_BASIC_INFORMATION info;
    char path[MAX_PATH], part[32];
    uintptr_t at = 0;
    unsigned n = 0;

    snprintf(part, sizeof part, "memfd-%.16s", name);
    for (; VirtualQuery((void *)at, &info, sizeof info); at = (uintptr_t)info.BaseAddress + info.RegionSize)
        if (info.State != MEM_FREE)
            n += (uintptr_t)info.BaseAddress - from < size ||
                 (info.Type == MEM_MAPPED && info.BaseAddress == info.AllocationBase &&
                  GetMappedFileNameA(GetCurrentProcess(), info.BaseAddress, path, sizeof path) &&
                  strstr(path, part));
    return n;
}
