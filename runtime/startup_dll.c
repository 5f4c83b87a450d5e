/* SPDX-License-Identifier: MIT */
/* startup_dll.c - the entry point of PE images that have constructors but no C
 * runtime, which would bring its own: runs those, and DllMain if there is one.
 *
 * Compiled freestanding for each CPU when objtool is built. */

#include <stdint.h>

enum { DLL_PROCESS_DETACH, DLL_PROCESS_ATTACH };

typedef void function(void);

/* GNU's lists, by the linker: -1, functions, 0.  Constructors run from the end. */
extern function *const __CTOR_LIST__[], *const __DTOR_LIST__[];
/* Microsoft's: what stands between these, in the order of the sections' names. */
__attribute__((section(".CRT$XCA"), used)) static function *const first[] = {0};
__attribute__((section(".CRT$XCZ"), used)) static function *const last[] = {0};

__attribute__((weak)) int DllMain(void *instance, uint32_t reason, void *reserved);
int __simg_dll_start(void *instance, uint32_t reason, void *reserved);

static void construct(void)
{
    uintptr_t count = 1;

    while (__CTOR_LIST__[count])
        count++;
    while (--count)
        __CTOR_LIST__[count]();
    /* Not an array as far as the compiler knows. */
    for (uintptr_t at = (uintptr_t)&first[1]; at < (uintptr_t)last; at += sizeof(function *))
        if (*(function *const *)at)
            (*(function *const *)at)();
}

static void destruct(void)
{
    for (uintptr_t i = 1; __DTOR_LIST__[i]; i++)
        __DTOR_LIST__[i]();
}

int __simg_dll_start(void *instance, uint32_t reason, void *reserved)
{
    int ok = 1;

    if (reason == DLL_PROCESS_ATTACH)
        construct();
    if (DllMain)
        ok = DllMain(instance, reason, reserved);
    if (reason == DLL_PROCESS_DETACH || (reason == DLL_PROCESS_ATTACH && !ok))
        destruct();
    return ok;
}
