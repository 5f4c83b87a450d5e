/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julialayout.c - images with heaps of Julia 1.9 and later, without a Julia.
 *
 *   julialayout make MINOR SEED FILE        write a heap
 *   julialayout damage AT VALUE FILE        change eight bytes of it
 *   julialayout check MINOR FILE IMAGE.SO   load the image and do what Julia does with the heap in
 *                                           it: it must be what becomes of the one in FILE there */

#include "tests/support/julia_layouts.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what)
{
    fprintf(stderr, "julialayout: %s\n", what);
    return 1;
}

static uint8_t *load(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *p = NULL;

    if (!f || fseek(f, 0, SEEK_END))
        exit(fail(path));
    *size = (size_t)ftell(f);
    rewind(f);
    p = malloc(*size);
    if (!p || fread(p, 1, *size, f) != *size)
        exit(fail(path));
    fclose(f);
    return p;
}

static int store(const char *path, const uint8_t *p, size_t size)
{
    FILE *f = fopen(path, "wb");

    return !f || fwrite(p, 1, size, f) != size || fclose(f) ? fail(path) : 0;
}

static int differs(const uint8_t *a, struct layout_part x, const uint8_t *b, struct layout_part y)
{
    return x.size > y.size || memcmp(a + x.at, b + y.at, x.size) != 0;
}

static int check(int minor, const char *file, const char *path)
{
    size_t size = 0;
    uint8_t *plain = load(file, &size), *heap = NULL;
    const uint64_t *there = NULL;
    struct layout_view was, is;
    void *image = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!image)
        return fail(dlerror());
    heap = dlsym(image, "jl_system_image_data");
    there = dlsym(image, "jl_system_image_size");
    if (!heap || !there)
        return fail("no heap, or no size");
    if (minor < 14 && layout_crc(heap, *there) != layout_crc(plain, size))
        return fail("the CRC is another one");
    if (!layout_restore(minor, heap, *there, (uint64_t)heap, &is))
        return fail("it cannot be restored");
    if (!layout_restore(minor, plain, size, (uint64_t)heap, &was))
        return fail("the heap in the file cannot be restored");
    if (is.tag_count != was.tag_count || differs(plain, was.objects, heap, is.objects) ||
        differs(plain, was.constants, heap, is.constants) ||
        differs(plain, was.names, heap, is.names) ||
        differs(plain, was.globals, heap, is.globals) ||
        differs(plain, was.functions, heap, is.functions) ||
        differs(plain, was.tail, heap, is.tail))
        return fail("it is not what it was");
    printf("%zu tags, %zu pointers, now %zu\n", was.tag_count, was.pointer_count, is.pointer_count);
    return 0;
}

int main(int argc, char **argv)
{
    size_t size = 0;
    uint8_t *p = NULL;

    if (argc != 5)
        return fail("usage: make MINOR SEED FILE, damage AT VALUE FILE or check MINOR FILE IMAGE");
    if (!strcmp(argv[1], "check"))
        return check(atoi(argv[2]), argv[3], argv[4]);
    if (!strcmp(argv[1], "make")) {
        p = layout_make(atoi(argv[2]), (uint32_t)atoi(argv[3]), 400000, &size);
    } else {
        uint64_t value = strtoull(argv[3], NULL, 0);
        size_t at = strtoul(argv[2], NULL, 0);

        p = load(argv[4], &size);
        if (at + sizeof value > size)
            return fail("not in the file");
        memcpy(p + at, &value, sizeof value);
    }
    return store(argv[4], p, size);
}
