/* SPDX-License-Identifier: GPL-3.0-or-later */
/* toy_engine.c - see toy_engine.h */

#include "tests/support/toy_engine.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a directory of the test's own ---- */

char dir[200], path[256];

static void setup(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof dir, "%s/cache-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/toy.so", dir);
}

unsigned files(void)
{
    DIR *d = opendir(dir);
    unsigned n = 0;

    for (struct dirent *e = readdir(d); e; e = readdir(d))
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void teardown(void)
{
    DIR *d = opendir(dir);
    char name[512];

    chmod(dir, 0700);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        snprintf(name, sizeof name, "%s/%s", dir, e->d_name);
        unlink(name);
    }
    closedir(d);
    rmdir(dir);
}

/* ---- the engine ---- */

int triple(int n) { return 3 * n; }

struct simg_engine engine = {.size = sizeof engine, .name = "toy", .version = "1"};

struct simg_cache_options opts;

struct simg_cache *open_it(void)
{
    struct simg_cache *c = NULL;
    struct simg_error e;

    ck_assert_msg(simg_cache_open(&engine, &opts, &c, &e) == SIMG_OK, "%s", e.text);
    return c;
}

void add_nodes(struct simg_cache *c, unsigned count)
{
    struct node *list = simg_cache_root(c, "list");
    unsigned first = list ? list->number + 1 : 0;

    for (unsigned i = 0; i < count; i++) {
        struct node *n = simg_arena_alloc(simg_cache_arena(c), sizeof *n);

        ck_assert_ptr_nonnull(n);
        *n = (struct node){list, triple, strlen, first + i, ""};
        snprintf(n->text, sizeof n->text, "node %u", n->number);
        list = n;
    }
    ck_assert_int_eq(simg_cache_set_root(c, "list", list), SIMG_OK);
}

/* The list is whole and its functions can be called. */
unsigned walk(const struct simg_cache *c)
{
    unsigned count = 0;
    char text[20];

    for (const struct node *n = simg_cache_root(c, "list"); n; n = n->next) {
        snprintf(text, sizeof text, "node %u", n->number);
        ck_assert_str_eq(n->text, text);
        ck_assert_int_eq(n->own((int)n->number), 3 * (int)n->number);
        ck_assert_uint_eq(n->libc(n->text), strlen(text));
        ck_assert_uint_eq(n->next ? n->next->number + 1 : 0, n->number);
        count++;
    }
    return count;
}

struct simg_cache_status status_of(const struct simg_cache *c)
{
    struct simg_cache_status s;

    simg_cache_get_status(c, &s);
    return s;
}

void close_it(struct simg_cache *c)
{
    struct simg_error e;

    ck_assert_msg(simg_cache_close(c, &e) == SIMG_OK, "%s", e.text);
}

void option(const char *argument)
{
    struct simg_error e;

    ck_assert_msg(simg_cache_option(&opts, argument, &e) == SIMG_OK, "%s", e.text);
}

void use_path(const char *name)
{
    char argument[300];

    snprintf(argument, sizeof argument, "--engine.%s=%s", name, path);
    option(argument);
}

/* The default of these tests: load and store at PATH. */
void setup_engine(void)
{
    setup();
    engine = (struct simg_engine){.size = sizeof engine, .name = "toy", .version = "1"};
    simg_cache_options_init(&opts);
    use_path("Cache");
}

void teardown_engine(void)
{
    simg_cache_options_free(&opts);
    teardown();
}

void make_image(unsigned nodes)
{
    struct simg_cache *c = open_it();

    add_nodes(c, nodes);
    ck_assert_int_eq(simg_cache_store(c, NULL), SIMG_OK);
    ck_assert_msg(status_of(c).store == SIMG_VERDICT_OK, "%s", status_of(c).store_text);
    close_it(c);
}

/* Opening gives this verdict, and a fresh engine. */
void expect_refused(enum simg_verdict verdict, const char *text)
{
    struct simg_cache *c = open_it();
    struct simg_cache_status s = status_of(c);

    ck_assert_msg(s.load == verdict, "%s (%s)", simg_verdict_text((enum simg_verdict)s.load),
                  s.load_text);
    ck_assert_msg(strstr(s.load_text, text), "'%s' has no '%s'", s.load_text, text);
    ck_assert_int_eq(simg_cache_loaded(c), 0);
    ck_assert_ptr_null(simg_cache_root(c, "list"));
    add_nodes(c, 3);
    ck_assert_uint_eq(walk(c), 3);
    simg_cache_abandon(c);
}

/* ---- chance ---- */

uint32_t chance(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}
