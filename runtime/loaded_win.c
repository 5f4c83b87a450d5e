/* SPDX-License-Identifier: MIT */
/* loaded_win.c - modules of Windows (loaded.h). */

#if defined _WIN32

#include "runtime/loaded.h"
#include "sysimage/format.h"

#include <errno.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#define PSAPI_VERSION 2 /* kernel32 has them */
#include <psapi.h>

static const IMAGE_NT_HEADERS64 *headers_of(const struct loaded *m)
{
    const IMAGE_DOS_HEADER *dos = m->headers;

    return (const void *)((const uint8_t *)dos + dos->e_lfanew);
}

static const IMAGE_SECTION_HEADER *sections_of(const struct loaded *m)
{
    return IMAGE_FIRST_SECTION(headers_of(m));
}

bool loaded_has(const struct loaded *m, uintptr_t address, uint64_t size)
{
    for (unsigned i = 0; i < m->count; i++) {
        const IMAGE_SECTION_HEADER *s = &sections_of(m)[i];
        uintptr_t from = m->bias + s->VirtualAddress;

        if (address >= from && address - from < s->Misc.VirtualSize &&
            size <= s->Misc.VirtualSize - (address - from))
            return true;
    }
    return false;
}

/* The table says itself how long it is; its section may reach farther. */
static void find_table(struct loaded *m)
{
    for (unsigned i = 0; i < m->count; i++) {
        const IMAGE_SECTION_HEADER *s = &sections_of(m)[i];
        const struct simg_table *t = (const void *)(m->bias + s->VirtualAddress);

        if (strncmp((const char *)s->Name, SIMG_PE_SECTION, 8) != 0 ||
            s->Misc.VirtualSize < sizeof *t)
            continue;
        m->table = (const uint8_t *)t;
        m->table_size = t->size < s->Misc.VirtualSize ? t->size : s->Misc.VirtualSize;
    }
}

enum simg_status loaded_find(const void *address, struct loaded *out, struct simg_error *e)
{
    HMODULE module = NULL;

    *out = (struct loaded){0};
    if (!GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                                GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                            address, &module))
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "no loaded library has that address");
    out->headers = module;
    out->bias = (uintptr_t)module;
    out->count = headers_of(out)->FileHeader.NumberOfSections;
    find_table(out);
    return out->table ? SIMG_OK
                      : error_set(e, SIMG_ERR_NOT_IMAGE, 0,
                                  "not a sysimage: it has no section %s", SIMG_PE_SECTION);
}

void loaded_close(void *handle) { FreeLibrary(handle); }

/* The modules of a process are its program and libraries, in the order they came.
   ntdll is always the second, and has half a C library of its own: it counts last. */
void *loaded_symbol(const char *name)
{
    const HMODULE system = GetModuleHandleA("ntdll.dll");
    HMODULE few[256], *all = few;
    DWORD size = sizeof few, needed = 0;
    void *found = NULL;

    if (!EnumProcessModules(GetCurrentProcess(), all, size, &needed))
        return NULL;
    if (needed > size) {
        if (!(all = malloc(needed)))
            return NULL;
        size = needed;
        if (!EnumProcessModules(GetCurrentProcess(), all, size, &needed))
            needed = 0;
    }
    for (DWORD i = 0; !found && i < (needed < size ? needed : size) / sizeof *all; i++)
        found = all[i] == system ? NULL : (void *)(uintptr_t)GetProcAddress(all[i], name);
    if (!found && system)
        found = (void *)(uintptr_t)GetProcAddress(system, name);
    if (all != few)
        free(all);
    return found;
}

enum simg_status loaded_open(const char *name, void **handle, const void **inside,
                             struct simg_error *e)
{
    *handle = LoadLibraryA(name);
    *inside = *handle;
    return *handle ? SIMG_OK
                   : error_set(e, SIMG_ERR_SYSTEM, 0, "%.128s: cannot be loaded (error %lu)", name,
                               GetLastError());
}

bool loaded_name(int fd, char name[LOADED_NAME])
{
    HANDLE h = (HANDLE)_get_osfhandle(fd);
    DWORD size = GetFinalPathNameByHandleA(h, name, LOADED_NAME, FILE_NAME_NORMALIZED);

    errno = ENOENT;
    return size > 0 && size < LOADED_NAME;
}

#endif
