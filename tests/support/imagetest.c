/* SPDX-License-Identifier: MIT */
/* imagetest.c - the loader's promises, one after another, on a real image.
 *
 * imagetest PRELINKED NATIVE NEEDY OTHER COUNT
 *   PRELINKED  an image of heapgen that needs nothing but the process
 *   NATIVE     the same heap, --heap-relocs=native
 *   NEEDY      the same with code of its own that the heap points at
 *   OTHER      any file that is no image
 *   COUNT      how often to open and close
 *
 * Prints "ok: PROMISE" or "not ok: PROMISE" for each. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysimage/format.h>
#include <sysimage/image.h>
#include <unistd.h>

static int failures;

static void promise(bool kept, const char *what)
{
    printf("%s: %s\n", kept ? "ok" : "not ok", what);
    failures += !kept;
}

static struct simg_error e;

static enum simg_status open_with(const char *path, struct simg_options o, struct simg **out)
{
    o.size = sizeof o;
    return simg_open(path, &o, out, &e);
}

static uint64_t word_at(const void *p, uint64_t offset)
{
    uint64_t v = 0;

    memcpy(&v, (const char *)p + offset, 8);
    return v;
}

static unsigned asked;
static char someone[8];

static void *resolver(void *arg, const char *name)
{
    asked++;
    return arg && strcmp(name, arg) == 0 ? NULL : someone;
}

/* ---- */

static void identity(const char *image, const char *other)
{
    struct simg *i = NULL;
    struct simg_heap h;
    uint8_t id[16];

    promise(
        open_with(image,
                  (struct simg_options){
                      .runtime = "heapgen", .build_id = "b1", .version = "1.0", .build_flags = ""},
                  &i) == SIMG_OK,
        "its own runtime and build");
    simg_get_heap(i, 0, &h);
    memcpy(id, h.content_id, 16);
    promise(!strcmp(h.runtime, "heapgen") && !strcmp(h.build_id, "b1") && h.mode == 2,
            "says what it was made by");
    promise(simg_meta(i, "made-by") && !strcmp(simg_meta(i, "made-by"), "heapgen") &&
                !simg_meta(i, "none"),
            "metadata");
    simg_close(i);
    promise(open_with(image, (struct simg_options){.content_id = id}, &i) == SIMG_OK,
            "its own content");
    simg_close(i);
    id[3] ^= 1;
    promise(open_with(image, (struct simg_options){.content_id = id}, &i) == SIMG_ERR_MISMATCH &&
                !i,
            "refused: other content");
    promise(open_with(image, (struct simg_options){.runtime = "lua"}, &i) == SIMG_ERR_MISMATCH &&
                !i && strstr(e.text, "heapgen"),
            "refused: another runtime");
    promise(open_with(image, (struct simg_options){.build_id = "b2"}, &i) == SIMG_ERR_MISMATCH,
            "refused: another build");
    promise(open_with(other, (struct simg_options){0}, &i) == SIMG_ERR_NOT_IMAGE && !i,
            "refused: no image");
    promise(open_with("/nonexistent/x", (struct simg_options){0}, &i) == SIMG_ERR_SYSTEM &&
                e.os_error == ENOENT,
            "refused: no file");
    unlink("pipe");
    promise(mkfifo("pipe", 0600) == 0 &&
                open_with("pipe", (struct simg_options){0}, &i) == SIMG_ERR_SYSTEM,
            "refused: a pipe");
    unlink("pipe");
    promise(open_with(image, (struct simg_options){.flags = 3}, &i) == SIMG_ERR_ARGUMENT,
            "refused: options that contradict each other");
}

static void places(const char *image)
{
    struct simg *a = NULL, *b = NULL, *c = NULL;
    struct simg_heap ha, hb;
    const struct simg_options in_place = {.flags = SIMG_OPEN_IN_PLACE};

    promise(open_with(image, in_place, &a) == SIMG_OK, "in place");
    simg_get_heap(a, 0, &ha);
    promise(!ha.relocated && !ha.dlopened, "not relocated there");
    promise(open_with(image, in_place, &b) == SIMG_ERR_ADDRESS && !b,
            "refused: its place is taken");
    promise(open_with(image, (struct simg_options){0}, &b) == SIMG_OK, "a second time elsewhere");
    simg_get_heap(b, 0, &hb);
    promise(hb.relocated && hb.addr != ha.addr && (uint64_t)hb.addr % 0x200000 == 0,
            "relocated there");
    promise((char *)simg_root_addr(b, "gen_rw") - (char *)hb.addr ==
                (char *)simg_root_addr(a, "gen_rw") - (char *)ha.addr,
            "roots of both");
    promise(!simg_root_addr(a, "gen_nothing"), "no root of that name");
    memset(simg_root_addr(b, "gen_rw"), 0x5a, 64);
    promise(word_at(simg_root_addr(a, "gen_rw"), 0) != 0x5a5a5a5a5a5a5a5aull,
            "what is written to one is not in the other");
    simg_close(a);
    promise(open_with(image, in_place, &c) == SIMG_OK, "its place is free when it is closed");
    simg_close(b);
    simg_close(c);
    simg_close(NULL);
}

static void imports(const char *image)
{
    struct simg *i = NULL;
    struct simg_import import;
    uint32_t count = 0;

    asked = 0;
    promise(open_with(image, (struct simg_options){.resolve = resolver}, &i) == SIMG_OK && asked,
            "imports from a function");
    while (simg_get_import(i, 0, count, &import) == SIMG_OK)
        count++;
    promise(count == asked && simg_get_import(i, 0, count, &import) == SIMG_ERR_NOT_FOUND,
            "asked for each once");
    simg_close(i);
    promise(open_with(image, (struct simg_options){.resolve = resolver, .resolve_arg = "abs"},
                      &i) == SIMG_ERR_SYMBOL &&
                strstr(e.text, "abs"),
            "refused: a strong one is missing");
    promise(
        open_with(image,
                  (struct simg_options){.resolve = resolver, .resolve_arg = "nobody_defines_this"},
                  &i) == SIMG_OK,
        "a weak one may be missing");
    simg_close(i);
}

static void loaded(const char *image, const char *native, const char *needy)
{
    struct simg *a = NULL, *b = NULL;
    struct simg_heap h;
    void *handle = dlopen(native, RTLD_NOW), *root = handle ? dlsym(handle, "gen_ro") : NULL;
    int fd = open(image, O_RDONLY);
    struct simg_segment s;

    promise(simg_open_loaded(root, NULL, &a, &e) == SIMG_OK && simg_root_addr(a, "gen_ro") == root,
            "an image that is loaded");
    promise(simg_get_segment(a, 0, 99, &s) == SIMG_ERR_NOT_FOUND, "no segment 99");
    simg_close(a);
    promise(dlsym(handle, "gen_ro") == root, "it stays loaded");
    promise(simg_open_loaded(&failures, NULL, &a, &e) == SIMG_ERR_NOT_IMAGE,
            "refused: this program");
    dlclose(handle);
    promise(simg_open_fd(fd, NULL, &a, &e) == SIMG_OK, "from a descriptor");
    close(fd);
    promise(simg_root_addr(a, "gen_rw") && word_at(simg_root_addr(a, "gen_rw"), 0) + 1,
            "which may be closed");
    simg_close(a);
    promise(open_with(native, (struct simg_options){0}, &a) == SIMG_OK, "a native one");
    simg_get_heap(a, 0, &h);
    promise(h.dlopened == 1, "by the system's loader");
    simg_close(a);
    promise(open_with(native, (struct simg_options){.flags = SIMG_OPEN_MAP}, &a) ==
                SIMG_ERR_UNSUPPORTED,
            "refused without it");
    promise(open_with(needy, (struct simg_options){.verify = SIMG_VERIFY_FULL}, &b) == SIMG_OK,
            "one that needs the rest of its image");
    simg_get_heap(b, 0, &h);
    promise(h.dlopened == 1 && simg_root_addr(b, "gen_code"), "by the system's loader, too");
    simg_close(b);
    promise(open_with(needy, (struct simg_options){.resolve = resolver}, &b) ==
                SIMG_ERR_UNSUPPORTED,
            "refused with a function for imports");
}

/* Loaders know libraries by their names; two files may have had one name. */
static bool differ(const struct simg *a, const struct simg *b)
{
    struct simg_heap ha, hb;

    return simg_get_heap(a, 0, &ha) == SIMG_OK && simg_get_heap(b, 0, &hb) == SIMG_OK &&
           ha.addr != hb.addr && ha.mode != hb.mode;
}

static void names(const char *native, const char *needy)
{
    struct simg *a = NULL, *b = NULL, *c = NULL;
    int fd = open(native, O_RDONLY), reused = -1;
    enum simg_status first = simg_open_fd(fd, NULL, &a, &e), second = SIMG_OK;

    close(fd);
    reused = open(needy, O_RDONLY);
    second = simg_open_fd(reused, NULL, &b, &e);
    close(reused);
    promise(first == SIMG_OK && second == SIMG_OK && fd == reused && differ(a, b),
            "two files with one descriptor, one after the other");
    simg_close(a);
    simg_close(b);
    unlink("name.so");
    first = link(native, "name.so") == 0 ? simg_open("name.so", NULL, &a, &e) : SIMG_ERR_STATE;
    unlink("name.so");
    second = link(needy, "name.so") == 0 ? simg_open("name.so", NULL, &b, &e) : SIMG_ERR_STATE;
    promise(first == SIMG_OK && second == SIMG_OK && differ(a, b),
            "a file that was replaced while it was open");
    promise(simg_open("name.so", NULL, &c, &e) == SIMG_OK &&
                simg_root_addr(c, "gen_rw") == simg_root_addr(b, "gen_rw"),
            "one that the system's loader has is there once");
    simg_close(a);
    simg_close(b);
    simg_close(c);
    unlink("name.so");
}

static uint64_t mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    uint64_t lines = 0;

    for (int c; maps && (c = getc(maps)) != EOF;)
        lines += c == '\n';
    if (maps)
        fclose(maps);
    return lines;
}

/* Pages of this process that are in memory. */
static long resident(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    long size = 0, pages = 0;

    if (!statm || fscanf(statm, "%ld %ld", &size, &pages) != 2)
        pages = -1;
    if (statm)
        fclose(statm);
    return pages;
}

static const char *shared_image;

static void *open_and_close(void *count)
{
    for (unsigned long n = 0; n < *(unsigned long *)count; n++) {
        struct simg *image = NULL;

        if (simg_open(shared_image, NULL, &image, NULL) != SIMG_OK ||
            !simg_root_addr(image, "gen_rw"))
            return "failed";
        *(volatile char *)simg_root_addr(image, "gen_rw") += 1;
        simg_close(image);
    }
    return NULL;
}

static void many(const char *path, unsigned long count)
{
    static struct simg *images[100];
    unsigned long some = count / 10 + 1;
    pthread_t threads[4];
    void *result = NULL;
    uint64_t before = 0;
    long pages = 0;
    bool ok = true;
    int fd = -1;

    shared_image = path;
    open_and_close(&(unsigned long){100});
    before = mappings();
    pages = resident();
    ok = !open_and_close(&count);
    promise(ok && mappings() == before && resident() - pages < 64, "opened and closed many times");
    fd = open(path, O_RDONLY);
    promise(fd == 3, "no descriptor is left");
    close(fd);
    for (int i = 0; i < 100; i++)
        ok = simg_open(path, NULL, &images[i], &e) == SIMG_OK && ok;
    for (int i = 1; i < 100; i++)
        ok = ok && simg_root_addr(images[i], "gen_rw") != simg_root_addr(images[0], "gen_rw");
    for (int i = 0; i < 100; i++)
        simg_close(images[i]);
    promise(ok && mappings() == before, "a hundred at once");
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, open_and_close, &some);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &result);
        ok = ok && !result;
    }
    promise(ok, "from four threads");
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    identity(argv[1], argv[4]);
    places(argv[1]);
    imports(argv[1]);
    loaded(argv[1], argv[2], argv[3]);
    names(argv[2], argv[3]);
    many(argv[1], strtoul(argv[5], NULL, 0));
    return failures != 0;
}
