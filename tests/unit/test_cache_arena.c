/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_cache_arena.c - the engine cache's arena against a model of it, and its
 * options. */

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <stdbool.h>

#include "tests/support/toy_engine.h"
#include "sysimage/format.h"
#include "sysimage/image.h"

/* ---- the arena ---- */

static size_t some_size(void)
{
    switch (chance() % 8) {
    case 0:
        return chance() % 200000;
    case 1:
        return chance() % 5000;
    default:
        return 1 + chance() % 300;
    }
}

static bool is_filled(const uint8_t *p, size_t size, uint8_t with)
{
    for (size_t i = 0; i < size; i++)
        if (p[i] != with)
            return false;
    return true;
}

/* Each block keeps its bytes whatever happens around it, and new ones are zero. */
START_TEST(arena_keeps_bytes)
{
    enum { BLOCKS = 400, STEPS = 60000 };
    static struct {
        uint8_t *p, with;
        size_t size;
    } b[BLOCKS];
    struct simg_cache *c = NULL;
    struct simg_arena *a = NULL;
    uint64_t live = 0;

    simg_cache_options_init(&opts);
    engine = (struct simg_engine){.size = sizeof engine, .name = "toy", .reserve = 256 * MIB};
    c = open_it();
    a = simg_cache_arena(c);
    memset(b, 0, sizeof b);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = chance() % BLOCKS;
        size_t size = some_size();
        uint8_t *p = NULL;

        if (b[i].p)
            ck_assert(is_filled(b[i].p, b[i].size, b[i].with));
        if (!b[i].p) {
            p = simg_arena_alloc(a, size);
            ck_assert_ptr_nonnull(p);
            ck_assert(is_filled(p, simg_arena_size(a, p), 0));
            live++;
        } else if (chance() % 2) {
            p = simg_arena_realloc(a, b[i].p, size);
            ck_assert_ptr_nonnull(p);
            ck_assert(is_filled(p, size < b[i].size ? size : b[i].size, b[i].with));
            if (size > b[i].size)
                ck_assert(is_filled(p + b[i].size, size - b[i].size, 0));
        } else {
            simg_arena_free(a, b[i].p);
            b[i].p = NULL;
            live--;
        }
        if (p) {
            ck_assert_uint_eq((uintptr_t)p % 16, 0);
            ck_assert_uint_ge(simg_arena_size(a, p), size);
            b[i].p = p;
            b[i].size = size;
            b[i].with = (uint8_t)(1 + chance() % 255);
            memset(p, b[i].with, size);
        }
        if (step % 1000 == 0)
            ck_assert_uint_eq(status_of(c).live_blocks, live);
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        simg_arena_free(a, b[i].p);
    ck_assert_uint_eq(status_of(c).live_blocks, 0);
    ck_assert_uint_eq(status_of(c).live_bytes, 0);
    /* Nothing is left, and all that was used is zero again. */
    {
        const struct simg_arena_head *h = (const void *)a;

        ck_assert_uint_eq(h->top, h->first);
        ck_assert(is_filled((const uint8_t *)a + h->top, h->committed - h->top, 0));
    }
    simg_cache_abandon(c);
}
END_TEST

START_TEST(arena_is_full)
{
    struct simg_cache *c = NULL;
    struct simg_arena *a = NULL;
    uint8_t *p = NULL, *last = NULL;
    unsigned count = 0;

    simg_cache_options_init(&opts);
    engine = (struct simg_engine){.size = sizeof engine, .name = "toy", .reserve = 8 * MIB};
    c = open_it();
    a = simg_cache_arena(c);
    ck_assert_ptr_null(simg_arena_alloc(a, 8 * MIB));
    ck_assert_ptr_null(simg_arena_alloc(a, SIZE_MAX));
    ck_assert_ptr_null(simg_arena_alloc(a, SIZE_MAX - 4));
    while ((p = simg_arena_alloc(a, 100000))) {
        memset(p, 7, 100000);
        last = p;
        count++;
    }
    ck_assert_uint_gt(count, 80);
    ck_assert_ptr_null(simg_arena_realloc(a, last, MIB));
    ck_assert(is_filled(last, 100000, 7));
    ck_assert_ptr_null(simg_arena_realloc(a, last, SIZE_MAX));
    ck_assert(is_filled(last, 100000, 7));
    simg_arena_free(a, last);
    ck_assert_ptr_nonnull(simg_arena_alloc(a, 100000));
    ck_assert_ptr_null(simg_arena_code(a, 1)); /* there is no part for it */
    simg_arena_free(a, NULL);
    ck_assert_ptr_null(simg_arena_realloc(a, NULL, 0));
    simg_cache_abandon(c);
}
END_TEST

START_TEST(arena_code)
{
    struct simg_cache *c = NULL;
    struct simg_arena *a = NULL;
    uint8_t *p[10], *q = NULL;

    simg_cache_options_init(&opts);
    engine = (struct simg_engine){
        .size = sizeof engine, .name = "toy", .reserve = 16 * MIB, .code = 4 * MIB};
    c = open_it();
    a = simg_cache_arena(c);
    for (unsigned i = 0; i < COUNT(p); i++) {
        p[i] = simg_arena_code(a, 100000);
        ck_assert_ptr_nonnull(p[i]);
        ck_assert_uint_eq((uintptr_t)p[i] % 65536, 0);
        ck_assert(is_filled(p[i], 131072, 0));
        memset(p[i], 0xc3, 100000);
        ck_assert_int_eq(simg_arena_protect(a, p[i], 131072, SIMG_PROT_R | SIMG_PROT_X), 0);
    }
    ck_assert_uint_eq(status_of(c).code_bytes, 10 * 131072);
    ck_assert_ptr_null(simg_arena_code(a, 4 * MIB));
    ck_assert_ptr_null(simg_arena_code(a, SIZE_MAX));
    /* two that touch are one gap, which is zero and can be written to */
    simg_arena_free_code(a, p[3], 100000);
    simg_arena_free_code(a, p[5], 100000);
    simg_arena_free_code(a, p[4], 100000);
    q = simg_arena_code(a, 3 * 131072);
    ck_assert_ptr_eq(q, p[3]);
    ck_assert(is_filled(q, 3 * 131072, 0));
    q[0] = 1;
    simg_arena_free_code(a, q, 3 * 131072);
    for (unsigned i = 0; i < COUNT(p); i++)
        if (i < 3 || i > 5)
            simg_arena_free_code(a, p[i], 100000);
    ck_assert_uint_eq(status_of(c).code_bytes, 0);
    simg_cache_abandon(c);
}
END_TEST

/* ---- options ---- */

START_TEST(options_are_taken)
{
    static const struct {
        const char *argument;
        size_t at;
        uint64_t value, mask;
        unsigned size;
    } cases[] = {
#define ROW(ARGUMENT, MEMBER, VALUE, MASK)                                                         \
    {ARGUMENT, offsetof(struct simg_cache_options, MEMBER), VALUE, MASK,                           \
     sizeof(((struct simg_cache_options *)0)->MEMBER)}
        ROW("--engine.CacheCompile=none", compile, SIMG_COMPILE_NONE, UINT32_MAX),
        ROW("--engine.CacheCompile=compiled", compile, SIMG_COMPILE_COMPILED, UINT32_MAX),
        ROW("--engine.CacheCompile=hot", compile, SIMG_COMPILE_HOT, UINT32_MAX),
        ROW("--engine.CacheCompile=aot", compile, SIMG_COMPILE_AOT, UINT32_MAX),
        ROW("--engine.CacheCompile=executed", compile, SIMG_COMPILE_EXECUTED, UINT32_MAX),
        ROW("--engine.UpdatePolicy=newsource", update, SIMG_UPDATE_NEW_SOURCE, UINT32_MAX),
        ROW("--engine.UpdatePolicy=never", update, SIMG_UPDATE_NEVER, UINT32_MAX),
        ROW("--engine.CacheUpdate=newcode", update, SIMG_UPDATE_NEW_CODE, UINT32_MAX),
        ROW("--engine.CacheUpdate=newroot", update, SIMG_UPDATE_NEW_ROOT, UINT32_MAX),
        ROW("--engine.UpdatePolicy=always", update, SIMG_UPDATE_ALWAYS, UINT32_MAX),
        ROW("--engine.CachePreinitializeContext=false", flags, 0, SIMG_CACHE_PREINITIALIZE),
        ROW("--engine.CachePreinitializeContext", flags, 1, SIMG_CACHE_PREINITIALIZE),
        ROW("--engine.TraceCache=true", flags, 2, SIMG_CACHE_TRACE),
        ROW("--engine.TraceCompilation", flags, 4, SIMG_CACHE_TRACE_COMPILATION),
        ROW("-XX:+TraceAuxiliaryImageClassHistogram", flags, 8, SIMG_CACHE_HISTOGRAM),
        ROW("-XX:-TraceAuxiliaryImageClassHistogram", flags, 0, SIMG_CACHE_HISTOGRAM),
        ROW("-XX:+TraceAuxiliaryImageReferenceTree", flags, 16, SIMG_CACHE_REFERENCE_TREE),
        ROW("--engine.DebugCacheStore=true", flags, 32, SIMG_CACHE_DEBUG_STORE),
        ROW("--engine.DebugCacheLoad=true", flags, 64, SIMG_CACHE_DEBUG_LOAD),
        ROW("--engine.DebugCacheTrace", flags, 128, SIMG_CACHE_DEBUG_TRACE),
        ROW("--engine.DebugCacheCompile=executed", debug_compile, SIMG_COMPILE_EXECUTED,
            UINT32_MAX),
        ROW("--engine.CacheStoreMaxImageSize=12K", max_image, 12288, UINT64_MAX),
        ROW("--engine.CacheStoreMaxImageSize=-1", max_image, UINT64_MAX, UINT64_MAX),
        ROW("--engine.CacheMaxDirectorySize=3G", max_directory, 3ull << 30, UINT64_MAX),
        ROW("--engine.CacheLockTimeout=70", lock_timeout, 70, UINT32_MAX),
        ROW("--engine.CacheMode=readonly", mode, SIMG_CACHE_READ_ONLY, UINT32_MAX),
        ROW("--engine.CacheVerify=full", verify, SIMG_VERIFY_FULL, UINT32_MAX),
        ROW("--engine.CacheAudit=warn", audit, SIMG_AUDIT_WARN, UINT32_MAX),
    };
    static const char *const wrong[] = {"--engine.CacheCompile=all",
                                        "--engine.CacheCompile",
                                        "--engine.TraceCache=yes",
                                        "--engine.Cache=",
                                        "--engine.CacheStoreMaxImageSize=1T",
                                        "--engine.CacheStoreMaxImageSize=",
                                        "--engine.CacheStoreMaxImageSize=-2",
                                        "--engine.CacheLockTimeout=5000000000",
                                        "--engine.CacheLockTimeout=1K",
                                        "--engine.CacheLockTimeout=-1",
                                        "--engine.CacheStoreMaxImageSize=99999999999999G",
                                        "--engine.CacheMaxDirectorySize=99999999999999999999"};
    static const char *const other[] = {"--engine.Caches=x", "--engine.", "--engine", "-v",
                                        "--engine.cache=x",  "file.js"};
    struct simg_error e;

    simg_cache_options_init(&opts);
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t value = 0;

        option(cases[i].argument);
        memcpy(&value, (const uint8_t *)&opts + cases[i].at, cases[i].size);
        ck_assert_msg((value & cases[i].mask) == cases[i].value, "%s", cases[i].argument);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) { /* and nothing is changed */
        struct simg_cache_options before = opts;

        ck_assert_msg(simg_cache_option(&opts, wrong[i], &e) == SIMG_ERR_ARGUMENT, "%s", wrong[i]);
        ck_assert_msg(memcmp(&before, &opts, sizeof opts) == 0, "%s", wrong[i]);
        ck_assert_ptr_nonnull(strstr(e.text, "is not"));
    }
    for (size_t i = 0; i < COUNT(other); i++)
        ck_assert_msg(simg_cache_option(&opts, other[i], &e) == SIMG_ERR_NOT_FOUND, "%s", other[i]);
    option("--engine.Cache=a");
    ck_assert_str_eq(opts.load, "a");
    ck_assert_str_eq(opts.store, "a");
    option("--engine.CacheStore=b");
    ck_assert_str_eq(opts.load, "a");
    ck_assert_str_eq(opts.store, "b");
    setenv("TOY_OPTIONS", "  --engine.CacheLoad=c \t--engine.CacheCompile=aot ", 1);
    ck_assert_int_eq(simg_cache_option_env(&opts, "TOY_OPTIONS", &e), SIMG_OK);
    ck_assert_str_eq(opts.load, "c");
    ck_assert_uint_eq(opts.compile, SIMG_COMPILE_AOT);
    ck_assert_int_eq(simg_cache_option_env(&opts, "NO_SUCH_OPTIONS", &e), SIMG_OK);
    setenv("TOY_OPTIONS", "--engine.CacheCompile=ahead", 1);
    ck_assert_int_eq(simg_cache_option_env(&opts, "TOY_OPTIONS", &e), SIMG_ERR_ARGUMENT);
    simg_cache_options_free(&opts);
    ck_assert_ptr_null(opts.load);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cache arena");
    TCase *arena = tcase_create("arena");
    SRunner *runner = srunner_create(s);
    int failed;

    tcase_add_test(arena, arena_keeps_bytes);
    tcase_add_test(arena, arena_is_full);
    tcase_add_test(arena, arena_code);
    tcase_add_test(arena, options_are_taken);
    tcase_set_timeout(arena, 120);
    suite_add_tcase(s, arena);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
