/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_cache.c - images of an engine stored and loaded, when it is stored again,
 * what is compiled for that, and what is moved. */

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/toy_engine.h"
#include "sysimage/image.h"

/* ---- there and back ---- */

START_TEST(stored_and_loaded)
{
    struct simg_cache *c = open_it();
    struct simg_cache_status s;
    struct simg_function f = {.name = "f", .line = 7, .calls = 12, .flags = SIMG_FUNCTION_EXECUTED};
    const char *name = NULL;
    uint64_t size = 0;
    struct stat st;
    void *at = simg_cache_arena(c);
    int is_new = 0;

    ck_assert_int_eq(simg_cache_loaded(c), 0);
    ck_assert_uint_eq(status_of(c).load, SIMG_VERDICT_ABSENT);
    add_nodes(c, 5000);
    ck_assert_uint_eq(simg_cache_source(c, "a.toy", "abc", 3, &is_new), 0);
    ck_assert_int_eq(is_new, 1);
    ck_assert_uint_eq(simg_cache_source(c, "a.toy", "abd", 3, &is_new), 1);
    ck_assert_uint_eq(simg_cache_source(c, "a.toy", "abc", 3, &is_new), 0);
    ck_assert_int_eq(is_new, 0);
    f.source = 1;
    f.object = simg_cache_root(c, "list");
    ck_assert_uint_eq(simg_cache_function(c, &f), 0);
    f.source = UINT32_MAX;
    ck_assert_uint_eq(simg_cache_function(c, &f), 1);
    simg_cache_drop_source(c, 0);
    ck_assert_int_eq(simg_cache_store(c, NULL), SIMG_OK);
    s = status_of(c);
    ck_assert_uint_eq(s.store, SIMG_VERDICT_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(s.store_bytes, (uint64_t)st.st_size);
    ck_assert_uint_eq(s.slots, 4999); /* the last node's NEXT is none */
    ck_assert_uint_eq(s.outside, 10000);
    close_it(c);
    ck_assert_uint_eq(files(), 1);

    c = open_it();
    s = status_of(c);
    ck_assert_msg(s.load == SIMG_VERDICT_OK, "%s", s.load_text);
    ck_assert_int_eq(simg_cache_loaded(c), 1);
    ck_assert_ptr_eq(simg_cache_arena(c), at);
    ck_assert_uint_eq(s.patched, 0);
    ck_assert_uint_eq(s.sources, 1);
    ck_assert_uint_eq(s.functions, 2);
    ck_assert_uint_eq(s.live_blocks, 5000);
    ck_assert_uint_eq(walk(c), 5000);
    ck_assert_int_eq(simg_cache_get_source(c, 0, &name, &size), 1);
    ck_assert_str_eq(name, "a.toy");
    ck_assert_uint_eq(size, 3);
    ck_assert_int_eq(simg_cache_get_source(c, 1, &name, &size), 0);
    ck_assert_int_eq(simg_cache_get_function(c, 0, &f), 1);
    ck_assert_str_eq(f.name, "f");
    ck_assert_uint_eq(f.line, 7);
    ck_assert_uint_eq(f.calls, 12);
    ck_assert_uint_eq(f.source, 0); /* what was 1: the other one was dropped */
    ck_assert_ptr_eq(f.object, simg_cache_root(c, "list"));
    ck_assert_ptr_null(f.code);
    ck_assert_int_eq(simg_cache_get_function(c, 1, &f), 1);
    ck_assert_uint_eq(f.source, UINT32_MAX);
    ck_assert_int_eq(simg_cache_get_function(c, 2, &f), 0);
    ck_assert_uint_eq(simg_cache_source(c, "a.toy", "abd", 3, &is_new), 0);
    ck_assert_int_eq(is_new, 0);
    /* It goes on, and is stored again. */
    add_nodes(c, 5000);
    ck_assert_uint_eq(walk(c), 10000);
    for (int i = 0; i < 100; i++)
        simg_arena_free(simg_cache_arena(c), simg_arena_alloc(simg_cache_arena(c), 100000));
    close_it(c);
    c = open_it();
    ck_assert_uint_eq(walk(c), 10000);
    simg_cache_abandon(c);
}
END_TEST

/* Words of a node that point into the program: on Windows, what the linker knows of a function of
   another library is a jump in the program. */
#ifndef OWN_WORDS
#define OWN_WORDS 1
#endif

/* An engine that points to its own module alone: libc's addresses are numbers to it. */
START_TEST(points_to_its_own_module)
{
    struct simg_cache *c = NULL;
    char *load = opts.load;

    for (int i = 0; i < 2; i++) {
        engine.flags = SIMG_ENGINE_OWN_MODULE;
        engine.anchor = i ? (const void *)(uintptr_t)triple : NULL;
        opts.load = NULL;
        c = open_it();
        add_nodes(c, 100);
        ck_assert_int_eq(simg_cache_store(c, NULL), SIMG_OK);
        ck_assert_uint_eq(status_of(c).outside, 100 * OWN_WORDS);
        simg_cache_abandon(c);
        opts.load = load;
        c = open_it();
        ck_assert_uint_eq(walk(c), 100); /* nothing has moved here */
        simg_cache_abandon(c);
    }
    engine.anchor = (const void *)(uintptr_t)strlen; /* another module's engine */
    opts.load = NULL;
    c = open_it();
    add_nodes(c, 100);
    ck_assert_int_eq(simg_cache_store(c, NULL), SIMG_OK);
    ck_assert_uint_eq(status_of(c).outside, 100 * OWN_WORDS);
    simg_cache_abandon(c);
    opts.load = load;
    engine.flags = 0;
    engine.anchor = NULL;
}
END_TEST

/* The system's loader and libsysimage's other door take it for what it is. */
START_TEST(it_is_a_library)
{
    struct simg_cache *c = NULL;
    struct simg *image = NULL;
    struct simg_error e;

    make_image(100);
    ck_assert_int_eq(simg_open(path, NULL, &image, &e), SIMG_ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(e.text, "simg_cache_open"));
#if !defined _WIN32 /* whose loader does not take ELF */
    struct simg_heap h;
    struct simg_root r;

    ck_assert_int_eq(simg_open(path,
                               &(struct simg_options){.size = sizeof(struct simg_options),
                                                      .flags = SIMG_OPEN_DLOPEN,
                                                      .verify = SIMG_VERIFY_FULL},
                               &image, &e),
                     SIMG_OK);
    ck_assert_int_eq(simg_get_heap(image, 0, &h), SIMG_OK);
    ck_assert_str_eq(h.runtime, "toy");
    ck_assert_str_eq(h.version, "1");
    ck_assert_uint_eq(h.slots, 99);
    ck_assert_int_eq(simg_find_root(image, "list", &r), SIMG_OK);
    ck_assert_str_eq(((const struct node *)r.addr)->text, "node 99");
    simg_close(image);
#endif
    c = open_it();
    ck_assert_uint_eq(walk(c), 100);
    simg_cache_abandon(c);
}
END_TEST

enum { MANY = 10 };

START_TEST(several_at_once)
{
    static const unsigned order[MANY] = {3, 0, 9, 1, 8, 2, 7, 4, 6, 5};
    struct simg_cache *c[MANY];

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(path, sizeof path, "%s/%u.so", dir, i);
        use_path("Cache");
        make_image(100 * (i + 1));
    }
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(path, sizeof path, "%s/%u.so", dir, i);
        use_path("CacheLoad");
        c[i] = open_it();
        ck_assert_msg(simg_cache_loaded(c[i]), "%u: %s", i, status_of(c[i]).load_text);
    }
    for (unsigned n = 0; n < MANY; n++) {
        for (unsigned i = n; i < MANY; i++) {
            add_nodes(c[order[i]], 1);
            ck_assert_uint_eq(walk(c[order[i]]), 100 * (order[i] + 1) + n + 1);
        }
        simg_cache_abandon(c[order[n]]);
    }
}
END_TEST

START_TEST(in_memory)
{
    struct simg_cache *c = NULL;

    simg_cache_options_free(&opts);
    option("--engine.DebugCacheLoad");
    expect_refused(SIMG_VERDICT_ABSENT, "no engine was stored");
    option("--engine.DebugCacheLoad=false");
    option("--engine.DebugCacheStore");
    c = open_it();
    add_nodes(c, 77);
    close_it(c);
    option("--engine.DebugCacheStore=false");
    option("--engine.DebugCacheLoad");
    for (int i = 0; i < 3; i++) {
        c = open_it();
        ck_assert_uint_eq(walk(c), 77);
        add_nodes(c, 5);
        close_it(c);
    }
    ck_assert_uint_eq(files(), 0);
}
END_TEST

/* A directory: a file for each engine, version and settings. */
START_TEST(in_a_directory)
{
    struct simg_cache *c = NULL;

    snprintf(path, sizeof path, "%s/", dir);
    use_path("Cache");
    make_image(10);
    engine.build_flags = "-O2";
    make_image(20);
    engine.version = "2";
    make_image(30);
    ck_assert_uint_eq(files(), 3);
    engine.version = "1";
    c = open_it();
    ck_assert_uint_eq(walk(c), 20);
    simg_cache_abandon(c);
    engine.build_flags = NULL;
    c = open_it();
    ck_assert_uint_eq(walk(c), 10);
    /* Room for one alone: the others go, the new one stays. */
    simg_cache_abandon(c);
    option("--engine.CacheMaxDirectorySize=300K");
    make_image(11);
    ck_assert_uint_eq(files(), 1);
    c = open_it();
    ck_assert_uint_eq(walk(c), 21);
    simg_cache_abandon(c);
}
END_TEST

/* ---- policies ---- */

static unsigned compiled, dropped;

static int compile_it(void *arg, struct simg_cache *c, struct simg_function *f)
{
    (void)arg, (void)c;
    compiled++;
    if (strcmp(f->name, "cannot") == 0)
        return 1;
    f->code_size = 16;
    return 0;
}

static int drop_it(void *arg, struct simg_cache *c, struct simg_function *f)
{
    (void)arg, (void)c;
    dropped += (f->flags & SIMG_FUNCTION_COMPILED) != 0;
    return 0;
}

/* Eight functions, one for each set of flags, and one that cannot be compiled. */
START_TEST(compile_policies)
{
    static const struct {
        const char *policy;
        unsigned compiled, dropped, with_code;
    } cases[] = {
        /* of the 8 sets of {executed, started, aot}, each once without code and once with it */
        {"none", 0, 8, 0},          {"compiled", 0, 0, 8},
        {"hot", 4, 0, 12},     /* those that were started */
        {"aot", 6 + 1, 0, 14}, /* started or aot */
        {"executed", 7 + 1, 0, 15},
    };
    char argument[64];

    engine.compile = compile_it;
    engine.drop = drop_it;
    for (size_t i = 0; i < COUNT(cases); i++) {
        static const uint32_t bits[] = {SIMG_FUNCTION_EXECUTED, SIMG_FUNCTION_STARTED,
                                        SIMG_FUNCTION_AOT};
        struct simg_cache *c = NULL;
        struct simg_function f;
        unsigned with_code = 0;

        unlink(path);
        snprintf(argument, sizeof argument, "--engine.CacheCompile=%s", cases[i].policy);
        option(argument);
        c = open_it();
        add_nodes(c, 1);
        for (unsigned n = 0; n < 16; n++) {
            f = (struct simg_function){.name = "f", .line = n, .source = UINT32_MAX};
            f.flags = n & 8 ? SIMG_FUNCTION_COMPILED : 0;
            for (unsigned k = 0; k < 3; k++)
                f.flags |= n >> k & 1 ? bits[k] : 0;
            ck_assert_uint_eq(simg_cache_function(c, &f), n);
        }
        f = (struct simg_function){
            .name = "cannot", .flags = SIMG_FUNCTION_AOT, .source = UINT32_MAX};
        simg_cache_function(c, &f);
        compiled = dropped = 0;
        ck_assert_int_eq(simg_cache_store(c, NULL), SIMG_OK);
        ck_assert_msg(compiled == cases[i].compiled, "%s: %u", cases[i].policy, compiled);
        ck_assert_msg(dropped == cases[i].dropped, "%s: %u", cases[i].policy, dropped);
        simg_cache_abandon(c);
        c = open_it();
        for (unsigned n = 0; n < 17; n++) {
            ck_assert_int_eq(simg_cache_get_function(c, n, &f), 1);
            with_code += (f.flags & SIMG_FUNCTION_COMPILED) != 0;
            if (f.flags & SIMG_FUNCTION_COMPILED)
                ck_assert_uint_eq(f.flags & SIMG_FUNCTION_STARTED,
                                  f.line >= 8 ? f.flags & SIMG_FUNCTION_STARTED : 0);
        }
        ck_assert_msg(with_code == cases[i].with_code, "%s: %u", cases[i].policy, with_code);
        simg_cache_abandon(c);
    }
}
END_TEST

/* What happens to an engine after it is loaded, and who stores it then. */
enum { NOTHING, SOURCE, ROOT, CODE, LESS, EVENTS };

START_TEST(update_policies)
{
    static const struct {
        const char *policy;
        bool stores[EVENTS];
    } cases[] = {
        {"always", {1, 1, 1, 1, 1}},  {"newsource", {0, 1, 0, 0, 1}}, {"newroot", {0, 0, 1, 0, 0}},
        {"newcode", {0, 0, 1, 1, 0}}, {"never", {0, 0, 0, 0, 0}},
    };
    char argument[64];

    for (size_t i = 0; i < COUNT(cases); i++)
        for (int event = 0; event < EVENTS; event++) {
            struct simg_function f = {.name = "f", .source = 0};
            struct simg_cache *c = NULL;
            bool stored = false;

            unlink(path);
            option("--engine.UpdatePolicy=always");
            c = open_it();
            add_nodes(c, 1);
            simg_cache_source(c, "a", "a", 1, NULL);
            simg_cache_source(c, "b", "b", 1, NULL);
            simg_cache_function(c, &f);
            close_it(c);
            snprintf(argument, sizeof argument, "--engine.UpdatePolicy=%s", cases[i].policy);
            option(argument);
            c = open_it();
            simg_cache_source(c, "a", "a", 1, NULL); /* it is there */
            if (event == SOURCE)
                simg_cache_source(c, "a", "A", 1, NULL);
            if (event == ROOT)
                simg_cache_function(c, &(struct simg_function){.name = "g", .source = 0});
            if (event == CODE)
                simg_cache_function(c, &(struct simg_function){.name = "f",
                                                               .source = 0,
                                                               .flags = SIMG_FUNCTION_COMPILED});
            if (event == LESS)
                simg_cache_drop_source(c, 1);
            ck_assert_int_eq(simg_cache_store(c, NULL), SIMG_OK);
            stored = status_of(c).store == SIMG_VERDICT_OK;
            ck_assert_msg(stored == cases[i].stores[event], "%s, event %d: %s", cases[i].policy,
                          event, status_of(c).store_text);
            ck_assert(stored || status_of(c).store == SIMG_VERDICT_UNCHANGED);
            simg_cache_abandon(c);
        }
    /* Without an image, any policy but one stores. */
    unlink(path);
    option("--engine.UpdatePolicy=newsource");
    make_image(1);
}
END_TEST

/* ---- pointers that the engine tells ---- */

static int tell_slots(void *arg, struct simg_cache *c)
{
    (void)arg;
    for (struct node *n = simg_cache_root(c, "list"); n; n = n->next) {
        simg_cache_slot(c, &n->next);
        simg_cache_slot(c, &n->own);
        simg_cache_slot(c, &n->libc);
    }
    return 0;
}

/* Then it may be loaded elsewhere. */
START_TEST(moved_elsewhere)
{
    struct simg_cache *c = NULL;
    struct simg_arena *at = NULL;
    char *number = NULL;

    engine.flags = SIMG_ENGINE_MOVABLE;
    engine.scan = tell_slots;
    c = open_it();
    at = simg_cache_arena(c);
    add_nodes(c, 3000);
    number = simg_arena_alloc(at, 16); /* looks like a pointer, and is none */
    memcpy(number, &at, sizeof at);
    ck_assert_int_eq(simg_cache_set_root(c, "number", number), SIMG_OK);
    ck_assert_int_eq(simg_cache_store(c, NULL), SIMG_OK);
    ck_assert_uint_eq(status_of(c).slots, 2999);
    ck_assert_uint_eq(status_of(c).outside, 6000);
    /* the first one stays where it is */
    {
        struct simg_cache *d = open_it();
        uintptr_t kept = 0;

        ck_assert_msg(simg_cache_loaded(d), "%s", status_of(d).load_text);
        ck_assert_ptr_ne(simg_cache_arena(d), at);
        ck_assert_uint_eq(walk(d), 3000);
        memcpy(&kept, simg_cache_root(d, "number"), sizeof kept);
        ck_assert_uint_eq(kept, (uintptr_t)at);
        add_nodes(d, 10);
        ck_assert_uint_eq(walk(d), 3010);
        ck_assert_uint_eq(walk(c), 3000);
        close_it(d); /* stores: for where it is now */
    }
    simg_cache_abandon(c);
    c = open_it();
    ck_assert_uint_eq(walk(c), 3010);
    simg_cache_abandon(c);
}
END_TEST

START_TEST(wrong_engines)
{
    static const struct simg_engine good = {.size = sizeof good, .name = "toy"};
    struct simg_engine bad[] = {good, good, good, good, good, good, good, good};
    struct simg_cache *c = NULL;
    struct simg_error e;
    struct simg_cache_options o = opts;

    bad[0].size = 0;
    bad[1].name = NULL;
    bad[2].name = "a/b";
    bad[3].reserve = 12345;
    bad[4].reserve = 4 * MIB, bad[4].code = 4 * MIB;
    bad[5].address = 4096;
    bad[6].flags = SIMG_ENGINE_MOVABLE;
    bad[7].reserve = UINT64_C(1) << 41;
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_msg(simg_cache_open(&bad[i], &opts, &c, &e) == SIMG_ERR_ARGUMENT, "%zu", i);
    o.compile = 9;
    ck_assert_int_eq(simg_cache_open(&good, &o, &c, &e), SIMG_ERR_ARGUMENT);
    o = opts;
    o.size = 3;
    ck_assert_int_eq(simg_cache_open(&good, &o, &c, &e), SIMG_ERR_ARGUMENT);
    c = open_it();
    ck_assert_int_eq(simg_cache_set_root(c, "r", &o), SIMG_ERR_ARGUMENT);
    ck_assert_int_eq(simg_cache_set_root(c, "", simg_cache_arena(c)), SIMG_ERR_ARGUMENT);
    ck_assert_int_eq(simg_cache_set_root(c, "r", NULL), SIMG_OK);
    simg_cache_abandon(c);
    simg_cache_abandon(NULL);
    ck_assert_int_eq(simg_cache_close(NULL, NULL), SIMG_OK);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cache");
    TCase *cache = tcase_create("cache");
    SRunner *runner = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(cache, setup_engine, teardown_engine);
    tcase_add_test(cache, stored_and_loaded);
    tcase_add_test(cache, points_to_its_own_module);
    tcase_add_test(cache, it_is_a_library);
    tcase_add_test(cache, several_at_once);
    tcase_add_test(cache, in_memory);
    tcase_add_test(cache, in_a_directory);
    tcase_add_test(cache, compile_policies);
    tcase_add_test(cache, update_policies);
    tcase_add_test(cache, moved_elsewhere);
    tcase_add_test(cache, wrong_engines);
    tcase_set_timeout(cache, 300);
    suite_add_tcase(s, cache);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
