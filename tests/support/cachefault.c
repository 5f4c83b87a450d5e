/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cachefault.c - an engine that is stored and loaded while things go wrong
 * (tests/e2e/cache-faults.sh): a list whose nodes know their number and the
 * sum of all before them, so that half an image is not taken for a whole one.
 *
 *   cachefault store N OPTION...        N more nodes, stored
 *   cachefault check OPTION...          load, and walk the list
 *   cachefault write SECONDS OPTION...  store again and again
 *   cachefault read SECONDS OPTION...   load again and again
 *   cachefault damage COUNT SEED OPTION...  change COUNT bytes, one at a time, and load each time
 *
 * It prints "NODES nodes, load VERDICT, store VERDICT". */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysimage/cache.h>
#include <time.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "1"
#endif

struct node {
    struct node *next;
    int (*print)(const char *, ...);
    unsigned long number, sum;
    char filler[200];
};

static struct simg_engine engine = {
    .size = sizeof engine, .name = "fault", .version = "1", .build_flags = "plain"};
static struct simg_cache_options options;
static const char *volatile build = "build " VERSION; /* makes another program of it */

static void die(const char *what)
{
    fprintf(stderr, "cachefault: %s\n", what);
    exit(3);
}

static struct simg_cache *open_it(void)
{
    struct simg_cache *c = NULL;
    struct simg_error e;

    if (simg_cache_open(&engine, &options, &c, &e) != SIMG_OK)
        die(e.text);
    return c;
}

static unsigned long walk(const struct simg_cache *c)
{
    const struct node *first = simg_cache_root(c, "list");
    unsigned long count = 0, left = first ? first->sum : 0;

    for (const struct node *n = first; n; n = n->next, count++) {
        if (n->sum != left || n->print != printf || n->filler[199] != (char)n->number ||
            n->number != (n->next ? n->next->number + 1 : 0))
            die("the list is broken");
        left -= n->number;
    }
    if (left)
        die("the list has no end");
    return count;
}

static void add(struct simg_cache *c, unsigned long count)
{
    struct node *list = simg_cache_root(c, "list");

    while (count--) {
        struct node *n = simg_arena_alloc(simg_cache_arena(c), sizeof *n);

        if (!n)
            die("the arena is full");
        n->next = list;
        n->print = printf;
        n->number = list ? list->number + 1 : 0;
        n->sum = n->number + (list ? list->sum : 0);
        memset(n->filler, (char)n->number, sizeof n->filler);
        list = n;
    }
    simg_cache_set_root(c, "list", list);
}

static void tell(const struct simg_cache *c)
{
    struct simg_cache_status s;

    simg_cache_get_status(c, &s);
    printf("%lu nodes, load %s, store %s\n", walk(c), simg_verdict_text((enum simg_verdict)s.load),
           simg_verdict_text((enum simg_verdict)s.store));
    if (s.store_text[0])
        printf("%s\n", s.store_text);
}

/* Whatever the file is: ours, and whole, or none. */
static int once(int write, unsigned long counts[32])
{
    struct simg_cache *c = open_it();
    struct simg_cache_status s;

    walk(c);
    if (write) {
        struct node *list = simg_cache_root(c, "list");

        add(c, list && list->number > 3000 ? 0 : 100);
        simg_cache_store(c, NULL);
    }
    simg_cache_get_status(c, &s);
    counts[write ? s.store : s.load]++;
    simg_cache_abandon(c);
    return 0;
}

static void again_and_again(int write, int seconds)
{
    unsigned long counts[32] = {0};
    time_t end = time(NULL) + seconds;

    while (time(NULL) < end)
        once(write, counts);
    for (int i = 0; i < 32; i++)
        if (counts[i])
            printf("%s %lu\n", simg_verdict_text((enum simg_verdict)i), counts[i]);
}

static void damage(unsigned long count, unsigned seed)
{
    int fd = open(options.load, O_RDWR);
    unsigned long counts[32] = {0}, whole = 0;
    struct simg_cache *c = open_it();
    struct stat st;

    whole = walk(c);
    simg_cache_abandon(c);
    if (fd < 0 || fstat(fd, &st) != 0)
        die("no image");
    srand(seed);
    while (count--) {
        off_t at = ((off_t)rand() << 16 ^ rand()) % st.st_size;
        unsigned char old = 0, new = 0;

        if (pread(fd, &old, 1, at) != 1)
            die("cannot read");
        new = old ^ (unsigned char)(1u << rand() % 8);
        if (pwrite(fd, &new, 1, at) != 1)
            die("cannot write");
        c = open_it();
        if (simg_cache_loaded(c) && walk(c) != whole)
            die("another list");
        {
            struct simg_cache_status s;

            simg_cache_get_status(c, &s);
            counts[s.load]++;
        }
        simg_cache_abandon(c);
        if (pwrite(fd, &old, 1, at) != 1)
            die("cannot write");
    }
    for (int i = 0; i < 32; i++)
        if (counts[i])
            printf("%s %lu\n", simg_verdict_text((enum simg_verdict)i), counts[i]);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int first = strcmp(what, "check") == 0 ? 2 : strcmp(what, "damage") == 0 ? 4 : 3;
    unsigned long number = argc > 2 && first > 2 ? strtoul(argv[2], NULL, 10) : 0;
    struct simg_cache *c = NULL;
    struct simg_error e;

    simg_cache_options_init(&options);
    for (int i = first; i < argc; i++)
        if (simg_cache_option(&options, argv[i], &e) != SIMG_OK)
            die(e.text);
    if (!build || argc < first)
        die("usage: see the source");
    if (strcmp(what, "write") == 0 || strcmp(what, "read") == 0) {
        again_and_again(*what == 'w', (int)number);
    } else if (strcmp(what, "damage") == 0) {
        damage(number, (unsigned)strtoul(argv[3], NULL, 10));
    } else {
        c = open_it();
        if (strcmp(what, "store") == 0) {
            add(c, number);
            simg_cache_store(c, NULL);
        }
        tell(c);
        simg_cache_abandon(c);
    }
    simg_cache_options_free(&options);
    return 0;
}
