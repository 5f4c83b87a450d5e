/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pehost.c - load DLLs and call a function of the last one, for tests.
 *
 *   pehost [--take] DLL... [-- FUNCTION [NUMBER]]
 *
 * Loads each DLL; with --take, the address that the next one prefers is made
 * unfree first, and that it was loaded elsewhere is checked.  FUNCTION gets
 * NUMBER, and its result is printed; its name may be "#ORDINAL". */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

/* ImageBase of the file: e_lfanew, "PE\0\0", 20 bytes of header, 24 of the optional one. */
static uintptr_t preferred(const char *path)
{
    uint32_t at = 0;
    uint64_t base = 0;
    FILE *f = fopen(path, "rb");

    if (!f || fseek(f, 0x3c, SEEK_SET) || fread(&at, 4, 1, f) != 1 ||
        fseek(f, (long)at + 48, SEEK_SET) || fread(&base, 8, 1, f) != 1)
        exit(3);
    fclose(f);
    return (uintptr_t)base;
}

static HMODULE load(const char *path, int take)
{
    uintptr_t base = take ? preferred(path) : 0;
    HMODULE m = NULL;

    if (take && !VirtualAlloc((void *)base, 65536, MEM_RESERVE, PAGE_NOACCESS)) {
        printf("the place of %s is not free\n", path);
        exit(1);
    }
    m = LoadLibraryA(path);
    if (!m) {
        printf("%s: error %lu\n", path, GetLastError());
        exit(1);
    }
    if (take && (uintptr_t)m == base) {
        printf("%s was not moved\n", path);
        exit(1);
    }
    return m;
}

int main(int argc, char **argv)
{
    int i = 1, take = 0;
    HMODULE m = NULL;
    long long (*f)(long long) = NULL;
    const char *name = NULL;

    for (; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (!strcmp(argv[i], "--take"))
            take = 1;
        else
            m = load(argv[i], take);
    if (i + 1 >= argc)
        return m ? 0 : 2;
    name = argv[i + 1];
    f = (long long (*)(long long))(void *)GetProcAddress(
        m, *name == '#' ? (const char *)(uintptr_t)atoi(name + 1) : name);
    if (!f) {
        printf("no %s\n", name);
        return 1;
    }
    printf("%lld\n", f(i + 2 < argc ? atoll(argv[i + 2]) : 0));
    return 0;
}
