/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resources DLL: what the system finds of the resources in one.rc and two.rc. */

#include <stdio.h>
#include <windows.h>

static void show(HMODULE dll, const char *type, const char *name, WORD language)
{
    HRSRC found = FindResourceExA(dll, type, name, language);
    HGLOBAL loaded = found ? LoadResource(dll, found) : NULL;

    if (!loaded)
        printf("none|");
    else
        printf("%.*s|", (int)SizeofResource(dll, found), (const char *)LockResource(loaded));
}

int main(int argc, char **argv)
{
    HMODULE dll = argc > 1 ? LoadLibraryA(argv[1]) : NULL;
    char text[40] = "";

    if (!dll)
        return 1;
    show(dll, (const char *)RT_RCDATA, "HELLO", 1033);
    show(dll, (const char *)RT_RCDATA, MAKEINTRESOURCEA(2), 1033);
    show(dll, (const char *)RT_RCDATA, MAKEINTRESOURCEA(2), 1031);
    show(dll, (const char *)RT_RCDATA, MAKEINTRESOURCEA(3), 1033);
    show(dll, "MYTYPE", "ANOTHER", 1033);
    LoadStringA(dll, 2, text, sizeof text);
    puts(text);
    return 0;
}
