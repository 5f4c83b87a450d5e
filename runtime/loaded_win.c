/* SPDX-License-Identifier: MIT */
/* loaded_win.c - modules of Windows (loaded.h). */

#if defined _WIN32

#include "runtime/loaded.h"
#include "sysimage/format.h"

#include <errno.h>
#include <io.h>
#include <stdio.h>
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

/* The process's program and libraries, in the order they came: malloc'ed. */
static HMODULE *all_modules(DWORD *count)
{
    HMODULE *all = NULL, *more = NULL;
    DWORD size = 0, needed = 256 * sizeof *all;

    *count = 0;
    while (needed > size) {
        size = needed;
        if (!(more = realloc(all, size)) ||
            !EnumProcessModules(GetCurrentProcess(), all = more, size, &needed)) {
            free(all);
            return NULL;
        }
    }
    *count = needed / (DWORD)sizeof *all;
    return all;
}

/* ntdll is always the second, and has half a C library of its own: it counts last. */
void *loaded_symbol(const char *name)
{
    const HMODULE system = GetModuleHandleA("ntdll.dll");
    DWORD count = 0;
    HMODULE *all = all_modules(&count);
    void *found = NULL;

    for (DWORD i = 0; !found && i < count; i++)
        found = all[i] == system ? NULL : (void *)(uintptr_t)GetProcAddress(all[i], name);
    if (!found && system)
        found = (void *)(uintptr_t)GetProcAddress(system, name);
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

/* ---- all of them ---- */

static void set_name(char to[64], HMODULE module)
{
    char path[MAX_PATH];
    const char *slash = NULL;

    if (!GetModuleFileNameA(module, path, sizeof path))
        path[0] = 0;
    path[sizeof path - 1] = 0;
    slash = strrchr(path, '\\');
    snprintf(to, 64, "%s", slash ? slash + 1 : path);
}

/* A module is known by what is of its own in its headers: when it was linked, its size, its sum. */
static void set_build(char out[LOADED_BUILD], const IMAGE_NT_HEADERS64 *h)
{
    const uint32_t parts[4] = {h->FileHeader.TimeDateStamp, h->OptionalHeader.CheckSum,
                               h->OptionalHeader.SizeOfImage, h->OptionalHeader.SizeOfCode};

    loaded_hex(out, (const uint8_t *)parts, sizeof parts);
}

void loaded_each(bool (*each)(void *arg, const struct loaded_module *m), void *arg)
{
    DWORD count = 0;
    HMODULE *all = all_modules(&count);
    bool go_on = true;

    for (DWORD i = 0; go_on && i < count; i++) {
        struct loaded l = {.headers = all[i]};
        struct loaded_module m = {.bias = (uintptr_t)all[i], .from = (uintptr_t)all[i]};

        m.program = i == 0;
        m.to = m.from + headers_of(&l)->OptionalHeader.SizeOfImage;
        set_name(m.name, all[i]);
        if (m.program)
            strcpy(m.name, "[program]");
        set_build(m.build, headers_of(&l));
        go_on = each(arg, &m);
    }
    free(all);
}

#endif
