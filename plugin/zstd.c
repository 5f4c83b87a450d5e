/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zstd.c - zstd's functions, out of its library once one is called.
 *
 * The readers call zstd by its names.  A plugin shall need nothing but libc,
 * and few containers are compressed, so here these names load it. */

#include "plugin/plugin.h"

#include <dlfcn.h>
#include <string.h>
#include <zstd.h>

static void *find(const char *name)
{
    static void *library;

    if (!library)
        library = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        diag_fail(&plugin.diag, E_SYSTEM,
                  "a heap container is compressed, and libzstd.so.1 cannot be loaded");
    return library ? dlsym(library, name) : NULL;
}

/* POSIX lets a pointer to data be one to a function; C does not. */
#define LOAD(function, name)                                                                       \
    void *found = find(name);                                                                      \
    memcpy(&function, &found, sizeof function)

unsigned ZSTD_isError(size_t code)
{
    unsigned (*f)(size_t) = NULL;
    LOAD(f, "ZSTD_isError");

    return f ? f(code) : 1;
}

size_t ZSTD_findFrameCompressedSize(const void *src, size_t size)
{
    size_t (*f)(const void *, size_t) = NULL;
    LOAD(f, "ZSTD_findFrameCompressedSize");

    return f ? f(src, size) : 0;
}

unsigned long long ZSTD_getFrameContentSize(const void *src, size_t size)
{
    unsigned long long (*f)(const void *, size_t) = NULL;
    LOAD(f, "ZSTD_getFrameContentSize");

    return f ? f(src, size) : ZSTD_CONTENTSIZE_ERROR;
}

size_t ZSTD_decompress(void *dst, size_t capacity, const void *src, size_t size)
{
    size_t (*f)(void *, size_t, const void *, size_t) = NULL;
    LOAD(f, "ZSTD_decompress");

    return f ? f(dst, capacity, src, size) : 0;
}
