/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_load.c - load one heap once, use it, and say what that cost.
 *
 * heap_load WAY FILE SIZE SUM SLOTS [TAKEN]
 *   WAY  dlopen  the system's loader; with TAKEN, that address is mapped before
 *        image   libsysimage
 *        none    libsysimage, a base-relative heap: the reader adds the base
 *        read    only read(2) the bytes of FILE, a plain copy of the heap, into huge pages
 *        pair    two processes load (dlopen) and walk it; both say what of it is theirs
 *        idle    load it (dlopen), touch nothing: what is private then
 *   SIZE, SUM, SLOTS   heapgen --one's: what all words must add up to, so a wrong pointer fails
 * heap_load drop FILE      forget FILE's pages (write them first)
 * heap_load rewrite FILE   write FILE again in pieces of 2 MiB, and to the disk
 *
 * Prints ms until the root was read, until 1000 objects were followed from it, until all was
 * read; page faults at these times; KiB of the heap that are private to the process (anonymous),
 * and proportionally its own (Pss). */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysimage/image.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 2 << 20, FOLLOW = 1000 };

struct heap {
    const uint64_t *at;
    uint64_t size, base; /* BASE: what a pointer is counted from */
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static long faults(void)
{
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    return r.ru_minflt + r.ru_majflt;
}

/* ---- ways ---- */

static struct heap by_dlopen(const char *path)
{
    void *h = dlopen(path, RTLD_NOW);
    uint64_t *at = h ? dlsym(h, "gen_rw") : NULL;

    if (!at) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return (struct heap){at, 0, (uint64_t)at};
}

static struct heap by_image(const char *path, bool none)
{
    struct simg_options o = {.size = sizeof o, .flags = SIMG_OPEN_MAP};
    struct simg_error e;
    struct simg *image = NULL;
    struct simg_root r;

    if (simg_open(path, &o, &image, &e) != SIMG_OK ||
        simg_find_root(image, "gen_rw", &r) != SIMG_OK) {
        fprintf(stderr, "%s\n", e.text);
        exit(1);
    }
    return (struct heap){r.addr, r.size, none ? 0 : (uint64_t)r.addr};
}

static struct heap by_read(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    uint8_t *room = NULL, *at = NULL;

    if (fd < 0 || fstat(fd, &st) != 0)
        die(path);
    room = mmap(NULL, (size_t)st.st_size + PIECE, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        die("mmap");
    at = room + (-(uintptr_t)room & (PIECE - 1));
    madvise(at, (size_t)st.st_size, MADV_HUGEPAGE);
    for (off_t done = 0; done < st.st_size;) {
        ssize_t n = read(fd, at + done, (size_t)(st.st_size - done));

        if (n <= 0)
            die("read");
        done += n;
    }
    close(fd);
    return (struct heap){(const uint64_t *)(const void *)at, (uint64_t)st.st_size, 0};
}

/* ---- use ---- */

/* A thousand pointers, each the first at or behind where the one before led. */
static uint64_t follow(const struct heap *h)
{
    uint64_t i = 0, words = h->size / 8, seen = 0;

    for (int n = 0; n < FOLLOW; n++) {
        while (h->at[i] - h->base >= h->size)
            i = i + 1 < words ? i + 1 : 0;
        i = (h->at[i] - h->base) / 8;
        seen += i;
    }
    return seen;
}

static uint64_t sum(const struct heap *h)
{
    uint64_t all = 0;

    for (uint64_t i = 0; i < h->size / 8; i++)
        all += h->at[i];
    return all;
}

static void own_memory(const struct heap *h, uint64_t *anonymous, uint64_t *pss)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    uint64_t from = 0, to = 0, n = 0, start = (uint64_t)h->at;
    bool ours = false;

    *anonymous = *pss = 0;
    while (maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64, &from, &to) == 2)
            ours = start < to && start + h->size > from;
        else if (ours && sscanf(line, "Anonymous: %" SCNu64, &n) == 1)
            *anonymous += n;
        else if (ours && sscanf(line, "Pss: %" SCNu64, &n) == 1)
            *pss += n;
    }
    if (maps)
        fclose(maps);
}

static void check(const struct heap *h, uint64_t want, uint64_t slots, bool relocated)
{
    want += relocated ? slots * h->base : 0;
    if (sum(h) != want) {
        fprintf(stderr, "the words do not add up: a pointer is wrong\n");
        exit(1);
    }
}

/* ---- two processes ---- */

static void pair(const char *path, uint64_t size, uint64_t want, uint64_t slots)
{
    int ready[2], go[2][2];
    char c = 0;
    uint64_t anonymous = 0, pss = 0;

    if (pipe(ready) != 0 || pipe(go[0]) != 0 || pipe(go[1]) != 0)
        die("pipe");
    for (int i = 0; i < 2; i++)
        if (fork() == 0) {
            struct heap h = by_dlopen(path);

            h.size = size;
            check(&h, want, slots, true);
            if (write(ready[1], &c, 1) != 1 || read(go[i][0], &c, 1) != 1)
                die("pipe");
            own_memory(&h, &anonymous, &pss);
            printf("%" PRIu64 " %" PRIu64 "\n", anonymous, pss);
            fflush(stdout);
            if (write(ready[1], &c, 1) != 1 || read(go[i][0], &c, 1) != 1)
                die("pipe");
            _exit(0);
        }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2; i++)
            if (read(ready[0], &c, 1) != 1)
                die("pipe");
        if (write(go[0][1], &c, 1) != 1 || write(go[1][1], &c, 1) != 1)
            die("pipe");
    }
    while (wait(NULL) > 0)
        ;
}

/* ---- files ---- */

static int change(const char *what, const char *path)
{
    static char piece[PIECE];
    char *temp = NULL;
    int from = open(path, O_RDWR), to = -1;
    ssize_t n = 0;

    if (from < 0)
        die(path);
    if (!strcmp(what, "drop"))
        return fsync(from) != 0 || posix_fadvise(from, 0, 0, POSIX_FADV_DONTNEED) != 0;
    if (asprintf(&temp, "%s.new", path) < 0 ||
        (to = open(temp, O_CREAT | O_TRUNC | O_WRONLY, 0755)) < 0)
        die(path);
    while ((n = read(from, piece, PIECE)) > 0)
        if (write(to, piece, (size_t)n) != n)
            die(temp);
    if (fsync(to) != 0 || rename(temp, path) != 0)
        die(temp);
    free(temp);
    return 0;
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    double start = 0, ready = 0, chased = 0, all = 0;
    long before = 0, f_ready = 0, f_chased = 0, f_all = 0;
    uint64_t want = 0, slots = 0, size = 0, anonymous = 0, pss = 0, seen = 0;
    struct heap h = {0};
    char *end = NULL;

    if (argc == 3)
        return change(way, argv[2]);
    if (argc < 6)
        return 2;
    size = strtoull(argv[3], &end, 0);
    want = strtoull(argv[4], NULL, 0);
    slots = strtoull(argv[5], NULL, 0);
    if (!strcmp(way, "pair")) {
        pair(argv[2], size, want, slots);
        return 0;
    }
    if (argc > 6 && mmap((void *)strtoull(argv[6], NULL, 0), 4096, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
        die("mmap");
    before = faults();
    start = now();
    h = !strcmp(way, "image")  ? by_image(argv[2], false)
        : !strcmp(way, "none") ? by_image(argv[2], true)
        : !strcmp(way, "read") ? by_read(argv[2])
                               : by_dlopen(argv[2]);
    h.size = size;
    seen = *(const volatile uint64_t *)h.at;
    ready = now() - start;
    f_ready = faults() - before;
    if (!strcmp(way, "idle")) {
        own_memory(&h, &anonymous, &pss);
        printf("%.4f 0 0 %ld 0 0 %" PRIu64 " %" PRIu64 "\n", ready, f_ready, anonymous, pss);
        return 0;
    }
    seen += follow(&h);
    chased = now() - start;
    f_chased = faults() - before;
    own_memory(&h, &anonymous, &pss);
    /* What smaps cost is not the heap's. */
    start += now() - start - chased;
    check(&h, want, slots, strcmp(way, "none") != 0 && strcmp(way, "read") != 0);
    all = now() - start;
    f_all = faults() - before;
    printf("%.4f %.4f %.4f %ld %ld %ld %" PRIu64 " %" PRIu64 "\n", ready, chased, all, f_ready,
           f_chased, f_all, anonymous, pss);
    return seen == 1;
}
