/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heapwalk.c - is every slot of an image's heap what heapgen's list says?
 *
 * heapwalk LIST WAY [IMAGE] [OPTION...]
 *   WAY  dlopen   IMAGE by its path
 *        linked   this program is linked with the image
 *        image    IMAGE through libsysimage (where built with it)
 *        dylib    IMAGE, a Mach-O library, through dylibload.c and dylibfix.c (WITH_DYLIB)
 *        program  this program has the heap and heapown.c in it (where built so: IN_PROGRAM)
 *   --apart        the segments lie apart, as another linker put them
 *   --own          the roots have no names: by the image's own_root()
 *   --writable     read-only segments may be writable (Windows, where imports are in them)
 *   --none         slots hold heap addresses (--heap-relocs=none)
 *   --take=ADDR    have ADDR mapped before the image is
 *   --relocated    the image must not lie at its own address; --at=ADDR: it must lie there
 *   --pid=N        the process that this is (for Wine, whose files a server opens)
 *   --dirty=N      at most N KiB of the heap may be private before it is looked at
 *   --times=N      load, walk and close so often; memory must not grow
 *
 * Prints what it counted; the exit code is 1 for anything wrong. */

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include "winload.h"
#else
#include <dlfcn.h>
#include <sys/mman.h>
#endif
#ifdef WITH_LIBSYSIMAGE
#include <sysimage/image.h>
#endif
#ifdef WITH_DYLIB
void *dylib_open(const char *path);
void *dylib_find(void *image, const char *name);
#endif

enum { MOST_ROOTS = 16 };

static struct root {
    char name[32], rights[8];
    uint64_t addr, size;
    char *at;
} roots[MOST_ROOTS];
static unsigned root_count;
static uint64_t bad, slots, calls, datas, sums;
static bool none, apart, writable;
static char smaps[64] = "/proc/self/smaps";
static uint64_t base;

static void wrong(const char *what, const char *name, uint64_t offset, uint64_t got, uint64_t want)
{
    if (bad++ < 10)
        printf("%s: %s+%" PRIu64 ": %#" PRIx64 ", not %#" PRIx64 "\n", what, name, offset, got,
               want);
}

static const struct root *find(const char *name)
{
    for (unsigned i = 0; i < root_count; i++)
        if (!strcmp(roots[i].name, name))
            return &roots[i];
    printf("the list names %s before its root\n", name);
    exit(1);
}

static uint64_t word_at(const struct root *r, uint64_t offset)
{
    uint64_t v = 0;

    memcpy(&v, r->at + offset, 8);
    return v;
}

/* ---- the lines of the list ---- */

static void *(*look_up)(void *arg, const char *name);
static void *look_up_arg;

static void *by_dlsym(void *handle, const char *name) { return dlsym(handle, name); }

/* Names that others do not see, through one that they do. */
static void *by_own_root(void *handle, const char *name)
{
    static const char *const names[] = {"gen_ro", "gen_rw", "gen_zero", "gen_code"};
    void *(*own_root)(int, int) = NULL;

    *(void **)&own_root = dlsym(handle, "own_root");
    for (int i = 0; own_root && i < 4; i++)
        if (!strcmp(name, names[i]))
            return own_root(i, 0);
    return dlsym(handle, name);
}

static void read_root(const char *line)
{
    struct root *r = &roots[root_count];
    uint64_t here = 0;

    if (root_count == MOST_ROOTS || sscanf(line, "root %31s %" SCNx64 " %" SCNu64 " %7s", r->name,
                                           &r->addr, &r->size, r->rights) != 4)
        exit(1);
    r->at = look_up(look_up_arg, r->name);
    if (!r->at) {
        printf("no root %s\n", r->name);
        exit(1);
    }
    here = (uint64_t)r->at - r->addr;
    if (root_count++ == 0)
        base = here;
    else if (here != base && !apart)
        wrong("root", r->name, 0, here, base);
}

/* What heap address VALUE is in memory. */
static uint64_t placed(uint64_t value)
{
    const uint64_t low = value & 0xffffffffffff;
    const struct root *in = &roots[0];

    for (unsigned i = 0; i < root_count; i++)
        if (roots[i].addr <= low)
            in = &roots[i];
    return none ? value : value - in->addr + (uint64_t)in->at;
}

static void check_slot(const char *name, uint64_t offset, uint64_t value)
{
    uint64_t got = word_at(find(name), offset), want = placed(value);

    slots++;
    if (got != want)
        wrong("slot", name, offset, got, want);
}

static void check_sum(const char *name, uint64_t sum, uint64_t count)
{
    const struct root *r = find(name);
    uint64_t got = 0;

    for (uint64_t at = 0; at + 8 <= r->size; at += 8)
        got += word_at(r, at);
    sums++;
    if (root_count == 1 && got != sum + (none ? 0 : count * base))
        wrong("sum", name, 0, got, sum + (none ? 0 : count * base));
}

static void check_import(const char *kind, const char *name, uint64_t offset, const char *symbol,
                         uint64_t addend)
{
    uint64_t got = word_at(find(name), offset);
    char *there = look_up(look_up_arg, symbol);

    if (!there && look_up_arg != (void *)roots)
        there = dlsym(RTLD_DEFAULT, symbol);
    if (!strcmp(kind, "data") || !strcmp(kind, "weak")) {
        datas++;
        if (got != (there ? (uint64_t)there + addend : 0))
            wrong(kind, name, offset, got, (uint64_t)there + addend);
        return;
    }
#ifndef _WIN32
    /* A stub of a heap that adds nothing is found from its own base. */
    got += none && got < UINT64_C(1) << 32 ? base : 0;
#endif
    calls++;
    for (int c = 40; c < 100; c++) {
        int want = !strcmp(symbol, "own_hidden") ? c * 5 + 2 : ((int (*)(int))(void *)there)(c);

        if (((int (*)(int))got)(c) != want)
            wrong("function", symbol, offset, got, (uint64_t)there);
    }
}

static void walk(const char *path)
{
    FILE *list = fopen(path, "r");
    char line[256], word[16], name[32], symbol[64];
    uint64_t a = 0, b = 0;

    root_count = 0;
    if (!list) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof line, list)) {
        if (!strncmp(line, "root ", 5))
            read_root(line);
        else if (sscanf(line, "slot %31s %" SCNu64 " %" SCNx64, name, &a, &b) == 3)
            check_slot(name, a, b);
        else if (sscanf(line, "sum %31s %" SCNx64 " %" SCNu64, name, &a, &b) == 3)
            check_sum(name, a, b);
        else if (sscanf(line, "%15s %31s %" SCNu64 " %63s %" SCNu64, word, name, &a, symbol, &b) ==
                 5)
            check_import(word, name, a, symbol, b);
    }
    fclose(list);
}

/* ---- the process's memory ---- */

/* Rights of the mapping at each root (an emulator tells them in maps, not in smaps). */
#ifdef _WIN32
static void check_rights(void)
{
    for (unsigned i = 0; i < root_count; i++)
        if (strcmp(rights_at(roots[i].at), roots[i].rights) != 0) {
            /* What the loader filled stays writable there. */
            if (writable && !strcmp(roots[i].rights, "r--p"))
                continue;
            printf("%s is mapped %s, not %s\n", roots[i].name, rights_at(roots[i].at),
                   roots[i].rights);
            bad++;
        }
}
#else
static void check_rights(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], rights[8] = "";
    uint64_t from = 0, to = 0;

    while (maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, rights) != 3)
            continue;
        for (unsigned i = 0; i < root_count; i++) {
            uint64_t at = (uint64_t)roots[i].at;

            if (at >= from && at < to && strcmp(rights, roots[i].rights) != 0) {
                printf("%s is mapped %s, not %s\n", roots[i].name, rights, roots[i].rights);
                bad++;
            }
        }
        if (strchr(rights, 'w') && strchr(rights, 'x')) {
            printf("memory that can be written and run: %s", line);
            bad++;
        }
    }
    if (maps)
        fclose(maps);
}
#endif

/* Memory of the heap that is this process's own, in KiB.  (Private_Dirty counts clean mappings of
   a file that was just written, too.) */
static uint64_t private_memory(void)
{
    FILE *maps = fopen(smaps, "r");
    char line[512], rights[8] = "";
    uint64_t from = 0, to = 0, n = 0, dirty = 0;
    bool ours = false;

    while (maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, rights) == 3) {
            ours = false;
            for (unsigned i = 0; i < root_count; i++)
                ours = ours ||
                       ((uint64_t)roots[i].at < to && (uint64_t)roots[i].at + roots[i].size > from);
        } else if (ours && sscanf(line, "Anonymous: %" SCNu64, &n) == 1) {
            dirty += n;
        }
    }
    if (maps)
        fclose(maps);
    return dirty;
}

/* The process's address space, in pages: a mapping that stays shows at once. */
static uint64_t mapped(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    uint64_t all = 0;

    if (f && fscanf(f, "%" SCNu64, &all) != 1)
        all = 0;
    if (f)
        fclose(f);
    return all;
}

/* ---- ways ---- */

#ifdef IN_PROGRAM
extern char gen_ro[], gen_rw[], gen_zero[], gen_code[], own_data[], own_array[];
extern char **environ;
int own_function(int c);
int own_hidden(int c);

/* A program that is linked statically cannot look anything up. */
static void *by_table(void *arg, const char *name)
{
    static const struct {
        const char *name;
        void *at;
    } all[] = {{"gen_ro", gen_ro},
               {"gen_rw", gen_rw},
               {"gen_zero", gen_zero},
               {"gen_code", gen_code},
               {"own_data", own_data},
               {"own_array", own_array},
               {"own_function", (void *)own_function},
               {"own_hidden", (void *)own_hidden},
               {"abs", (void *)abs},
               {"toupper", (void *)toupper},
               {"isdigit", (void *)isdigit},
               {"tolower", (void *)tolower},
               {"environ", &environ},
               {"stdout", &stdout}};

    (void)arg;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(name, all[i].name))
            return all[i].at;
    return NULL;
}
#endif

#ifdef WITH_LIBSYSIMAGE
static void *by_root(void *image, const char *name)
{
    struct simg_root r;

    return simg_find_root(image, name, &r) == SIMG_OK ? r.addr : NULL;
}
#endif

#ifdef WITH_DYLIB
static void *by_dylib(void *image, const char *name)
{
    void *at = dylib_find(image, name);

    return at ? at : dlsym(RTLD_DEFAULT, name);
}
#endif

static void *open_image(const char *way, const char *path)
{
    void *h = NULL;

    look_up = by_dlsym;
    if (!strcmp(way, "linked")) {
        h = dlopen(NULL, RTLD_NOW);
#ifdef IN_PROGRAM
    } else if (!strcmp(way, "program")) {
        look_up = by_table;
        h = roots;
#endif
    } else if (!strcmp(way, "dlopen")) {
        h = dlopen(path, RTLD_NOW);
        if (!h)
            printf("%s\n", dlerror());
#ifdef WITH_DYLIB
    } else if (!strcmp(way, "dylib")) {
        look_up = by_dylib;
        h = dylib_open(path);
#endif
#ifdef WITH_LIBSYSIMAGE
    } else if (!strcmp(way, "image")) {
        struct simg_options o = {.size = sizeof o, .verify = SIMG_VERIFY_FULL};
        struct simg_error e;
        struct simg *image = NULL;

        look_up = by_root;
        if (simg_open(path, &o, &image, &e) != SIMG_OK)
            printf("%s\n", e.text);
        h = image;
#endif
    } else {
        printf("no such way: %s\n", way);
    }
    if (!h)
        exit(1);
    look_up_arg = h;
    return h;
}

static void close_image(const char *way, void *h)
{
#ifdef WITH_LIBSYSIMAGE
    if (!strcmp(way, "image")) {
        simg_close(h);
        return;
    }
#endif
    if (strcmp(way, "program") != 0)
        dlclose(h);
}

/* Code and data of the image agree with the others on where its roots are. */
static void check_own(void)
{
    void *(*own_root)(int, int) = NULL;

    if (look_up == by_dlsym)
        *(void **)&own_root = look_up(look_up_arg, "own_root");
    for (unsigned i = 0; own_root && i < root_count && !strncmp(roots[i].name, "gen_", 4); i++)
        if (own_root((int)i, 0) != roots[i].at || own_root((int)i, 1) != roots[i].at)
            wrong("code of the image", roots[i].name, 0, (uint64_t)own_root((int)i, 0),
                  (uint64_t)roots[i].at);
}

int main(int argc, char **argv)
{
    const char *image = argc > 3 && argv[3][0] != '-' ? argv[3] : NULL;
    uint64_t take = 0, at = 0, times = 1, most = UINT64_MAX, first = 0, dirty = 0;
    bool relocated = false, own = false;

    if (argc < 3)
        return 2;
    for (int i = 3; i < argc; i++) {
        none = none || !strcmp(argv[i], "--none");
        apart = apart || !strcmp(argv[i], "--apart");
        writable = writable || !strcmp(argv[i], "--writable");
        own = own || !strcmp(argv[i], "--own");
        relocated = relocated || !strcmp(argv[i], "--relocated");
        if (!strncmp(argv[i], "--pid=", 6))
            snprintf(smaps, sizeof smaps, "/proc/%.16s/smaps", argv[i] + 6);
        if (!strncmp(argv[i], "--take=", 7))
            take = strtoull(argv[i] + 7, NULL, 0);
        if (!strncmp(argv[i], "--at=", 5))
            at = strtoull(argv[i] + 5, NULL, 0);
        if (!strncmp(argv[i], "--times=", 8))
            times = strtoull(argv[i] + 8, NULL, 0);
        if (!strncmp(argv[i], "--dirty=", 8))
            most = strtoull(argv[i] + 8, NULL, 0);
    }
    if (take && mmap((void *)take, 4096, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED) {
        perror("--take");
        return 1;
    }
    for (uint64_t n = 0; n < times && !bad; n++) {
        void *h = open_image(argv[2], image);

        look_up = own ? by_own_root : look_up;
        walk(argv[1]);
        if (!apart)
            check_rights();
        dirty = private_memory();
        check_own();
        if (at && (uint64_t)roots[0].at != at)
            wrong("place", roots[0].name, 0, (uint64_t)roots[0].at, at);
        if (relocated && take && (uint64_t)roots[0].at - take < UINT64_C(1) << 32)
            wrong("place", roots[0].name, 0, (uint64_t)roots[0].at, 0);
        close_image(argv[2], h);
        if (n == 9)
            first = mapped();
    }
    if (times > 10 && mapped() > first + 16) {
        printf("memory grew from %" PRIu64 " to %" PRIu64 " pages\n", first, mapped());
        bad++;
    }
    if (dirty > most) {
        printf("%" PRIu64 " KiB of the heap are private, not %" PRIu64 "\n", dirty, most);
        bad++;
    }
    printf("%" PRIu64 " slots, %" PRIu64 " functions, %" PRIu64 " data, %" PRIu64 " sums, %" PRIu64
           " KiB private: %" PRIu64 " wrong\n",
           slots, calls, datas, sums, dirty, bad);
    return bad != 0;
}
