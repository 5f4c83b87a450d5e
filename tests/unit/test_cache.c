/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_cache.c - the engine cache: the arena against a model of it, options,
 * images stored and loaded, every reason to refuse one, and damage.
 *
 * The engine here is a list: nodes that point at each other, at a function of
 * the program and at one of the C library. */

#include <check.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "sysimage/cache.h"
#include "sysimage/format.h"
#include "sysimage/image.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define MIB ((size_t)1 << 20)

/* ---- a directory of the test's own ---- */

static char dir[200], path[256];

static void setup(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof dir, "%s/cache-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/toy.so", dir);
}

static unsigned files(void)
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

struct node {
    struct node *next;
    int (*own)(int);
    size_t (*libc)(const char *);
    unsigned number;
    char text[20];
};

static int triple(int n) { return 3 * n; }

static struct simg_engine engine = {.size = sizeof engine, .name = "toy", .version = "1"};

static struct simg_cache_options opts;

static struct simg_cache *open_it(void)
{
    struct simg_cache *c = NULL;
    struct simg_error e;

    ck_assert_msg(simg_cache_open(&engine, &opts, &c, &e) == SIMG_OK, "%s", e.text);
    return c;
}

static void add_nodes(struct simg_cache *c, unsigned count)
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
static unsigned walk(const struct simg_cache *c)
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

static struct simg_cache_status status_of(const struct simg_cache *c)
{
    struct simg_cache_status s;

    simg_cache_get_status(c, &s);
    return s;
}

static void close_it(struct simg_cache *c)
{
    struct simg_error e;

    ck_assert_msg(simg_cache_close(c, &e) == SIMG_OK, "%s", e.text);
}

static void option(const char *argument)
{
    struct simg_error e;

    ck_assert_msg(simg_cache_option(&opts, argument, &e) == SIMG_OK, "%s", e.text);
}

static void use_path(const char *name)
{
    char argument[300];

    snprintf(argument, sizeof argument, "--engine.%s=%s", name, path);
    option(argument);
}

/* The default of these tests: load and store at PATH. */
static void setup_engine(void)
{
    setup();
    engine = (struct simg_engine){.size = sizeof engine, .name = "toy", .version = "1"};
    simg_cache_options_init(&opts);
    use_path("Cache");
}

static void teardown_engine(void)
{
    simg_cache_options_free(&opts);
    teardown();
}

static void make_image(unsigned nodes)
{
    struct simg_cache *c = open_it();

    add_nodes(c, nodes);
    ck_assert_int_eq(simg_cache_store(c, NULL), SIMG_OK);
    ck_assert_msg(status_of(c).store == SIMG_VERDICT_OK, "%s", status_of(c).store_text);
    close_it(c);
}

/* Opening gives this verdict, and a fresh engine. */
static void expect_refused(enum simg_verdict verdict, const char *text)
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

/* ---- the arena ---- */

static uint32_t chance(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

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
        ROW("--engine.DebugCacheCompile=executed", debug_compile, SIMG_COMPILE_EXECUTED, UINT32_MAX),
        ROW("--engine.CacheStoreMaxImageSize=12K", max_image, 12288, UINT64_MAX),
        ROW("--engine.CacheStoreMaxImageSize=-1", max_image, UINT64_MAX, UINT64_MAX),
        ROW("--engine.CacheMaxDirectorySize=3G", max_directory, 3ull << 30, UINT64_MAX),
        ROW("--engine.CacheLockTimeout=70", lock_timeout, 70, UINT32_MAX),
        ROW("--engine.CacheMode=readonly", mode, SIMG_CACHE_READ_ONLY, UINT32_MAX),
        ROW("--engine.CacheVerify=full", verify, SIMG_VERIFY_FULL, UINT32_MAX),
        ROW("--engine.CacheAudit=warn", audit, SIMG_AUDIT_WARN, UINT32_MAX),
    };
    static const char *const wrong[] = {
        "--engine.CacheCompile=all", "--engine.CacheCompile", "--engine.TraceCache=yes",
        "--engine.Cache=", "--engine.CacheStoreMaxImageSize=1T", "--engine.CacheStoreMaxImageSize=",
        "--engine.CacheStoreMaxImageSize=-2", "--engine.CacheLockTimeout=5000000000",
        "--engine.CacheStoreMaxImageSize=99999999999999G"};
    static const char *const other[] = {"--engine.Caches=x", "--engine.", "--engine", "-v",
                                        "--engine.cache=x", "file.js"};
    struct simg_error e;

    simg_cache_options_init(&opts);
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t value = 0;

        option(cases[i].argument);
        memcpy(&value, (const uint8_t *)&opts + cases[i].at, cases[i].size);
        ck_assert_msg((value & cases[i].mask) == cases[i].value, "%s", cases[i].argument);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        ck_assert_msg(simg_cache_option(&opts, wrong[i], &e) == SIMG_ERR_ARGUMENT, "%s", wrong[i]);
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

/* ---- refusals of an image ---- */

START_TEST(refuses_absent)
{
    expect_refused(SIMG_VERDICT_ABSENT, "No such file");
}
END_TEST

START_TEST(refuses_others)
{
    void *libc = dlsym(RTLD_DEFAULT, "strlen"); /* not a stub in this program */

    make_image(100);
    engine.version = "2";
    expect_refused(SIMG_VERDICT_FOREIGN, "another engine or version");
    engine.version = "1";
    engine.name = "tax";
    expect_refused(SIMG_VERDICT_FOREIGN, "another engine or version");
    engine.name = "toy";
    engine.anchor = libc;
    expect_refused(SIMG_VERDICT_FOREIGN, "made by build");
    engine.anchor = NULL;
    engine.build_flags = "-O3";
    expect_refused(SIMG_VERDICT_FLAGS, "other settings");
    engine.build_flags = NULL;
    engine.inputs = "sha:1";
    expect_refused(SIMG_VERDICT_STALE, "other inputs");
    make_image(7);
    {
        struct simg_cache *c = open_it();

        ck_assert_uint_eq(walk(c), 7);
        simg_cache_abandon(c);
    }
    ck_assert_uint_eq(files(), 1);
}
END_TEST

#if !defined _WIN32 /* there, what a user writes to is a folder's business, and nothing forks */
START_TEST(refuses_what_others_may_write)
{
    mode_t before = umask(0);
    struct stat st;

    make_image(100); /* what is stored is its owner's, and private, whatever the user's habits are */
    umask(before);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(chmod(path, 0664), 0);
    expect_refused(SIMG_VERDICT_NOT_OURS, "others than its owner");
    ck_assert_int_eq(chmod(path, 0646), 0);
    expect_refused(SIMG_VERDICT_NOT_OURS, "others than its owner");
    ck_assert_int_eq(chmod(path, 0644), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(path, 12345, 0), 0);
        expect_refused(SIMG_VERDICT_NOT_OURS, "another user");
        ck_assert_int_eq(chown(path, 0, 0), 0);
    }
    {
        struct simg_cache *c = open_it();

        ck_assert_uint_eq(walk(c), 100);
        simg_cache_abandon(c);
    }
}
END_TEST
START_TEST(stores_not_in_a_child)
{
    struct simg_cache *c = open_it();
    pid_t child = fork();
    int how = 0;

    if (child == 0) {
        simg_cache_store(c, NULL);
        _exit(status_of(c).store == SIMG_VERDICT_FORKED ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert_int_eq(how, 0);
    simg_cache_abandon(c);
}
END_TEST
#endif

START_TEST(refuses_a_taken_address)
{
    struct simg_cache *c = NULL;
    void *at = NULL;

    make_image(100);
    c = open_it();
    at = simg_cache_arena(c);
    expect_refused(SIMG_VERDICT_ADDRESS, "is taken"); /* by the same one */
    simg_cache_abandon(c);
    ck_assert_ptr_eq(mmap((char *)at + MIB, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     (char *)at + MIB);
    expect_refused(SIMG_VERDICT_ADDRESS, "is taken");
    munmap((char *)at + MIB, 4096);
    c = open_it();
    ck_assert_uint_eq(walk(c), 100);
    simg_cache_abandon(c);
    /* An engine that wants the address alone: an error */
    engine.address = (uint64_t)(uintptr_t)at;
    simg_cache_options_free(&opts);
    c = open_it();
    {
        struct simg_cache *d = NULL;
        struct simg_error e;

        ck_assert_int_eq(simg_cache_open(&engine, &opts, &d, &e), SIMG_ERR_ADDRESS);
        ck_assert_ptr_null(d);
    }
    simg_cache_abandon(c);
}
END_TEST

static int says_no(void *arg, struct simg_cache *c) { return (void)arg, (void)c, 1; }

START_TEST(refuses_with_the_engine)
{
    struct simg_cache *c = NULL;

    make_image(100);
    engine.after_load = says_no;
    expect_refused(SIMG_VERDICT_ENGINE, "does not take it");
    engine.after_load = NULL;
    engine.before_store = says_no;
    c = open_it();
    ck_assert_int_eq(simg_cache_store(c, NULL), SIMG_OK);
    ck_assert_uint_eq(status_of(c).store, SIMG_VERDICT_ENGINE);
    ck_assert_int_eq(simg_cache_store(c, NULL), SIMG_OK);
    ck_assert_uint_eq(status_of(c).store, SIMG_VERDICT_BACK_OFF);
    simg_cache_abandon(c);
    ck_assert_uint_eq(files(), 2); /* and a note of the failure */
}
END_TEST

START_TEST(mode_on_gives_errors)
{
    struct simg_cache *c = NULL;
    struct simg_error e;

    option("--engine.CacheMode=on");
    make_image(100);
    engine.version = "2";
    ck_assert_int_eq(simg_cache_open(&engine, &opts, &c, &e), SIMG_ERR_MISMATCH);
    ck_assert_ptr_null(c);
    engine.version = "1";
    engine.before_store = says_no;
    c = open_it();
    ck_assert_int_eq(simg_cache_close(c, &e), SIMG_ERR_STATE);
    option("--engine.CacheMode=off");
    engine.before_store = NULL;
    c = open_it();
    ck_assert_int_eq(simg_cache_loaded(c), 0);
    close_it(c);
    option("--engine.CacheMode=readonly");
    c = open_it();
    ck_assert_uint_eq(walk(c), 100);
    ck_assert_int_eq(simg_cache_store(c, &e), SIMG_OK);
    ck_assert_uint_eq(status_of(c).store, SIMG_VERDICT_READ_ONLY);
    simg_cache_abandon(c);
}
END_TEST

/* ---- refusals to store ---- */

START_TEST(stores_not)
{
    struct simg_cache *c = open_it();
    int fd = -1;
    char lock[300];

    add_nodes(c, 10);
    option("--engine.CacheStoreMaxImageSize=1K");
    simg_cache_abandon(c);
    c = open_it();
    add_nodes(c, 10);
    simg_cache_store(c, NULL);
    ck_assert_uint_eq(status_of(c).store, SIMG_VERDICT_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(status_of(c).store_text, "1,024"));
    simg_cache_abandon(c);
    ck_assert_uint_eq(files(), 0);
    option("--engine.CacheStoreMaxImageSize=-1");
    option("--engine.CacheLockTimeout=20");
    /* somebody has the lock */
    snprintf(lock, sizeof lock, "%s.lock", path);
    fd = open(lock, O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    c = open_it();
    add_nodes(c, 10);
    simg_cache_store(c, NULL);
    ck_assert_uint_eq(status_of(c).store, SIMG_VERDICT_BUSY);
    close(fd); /* he died */
    simg_cache_store(c, NULL);
    ck_assert_uint_eq(status_of(c).store, SIMG_VERDICT_OK);
    ck_assert_uint_eq(files(), 1);
    simg_cache_abandon(c);
}
END_TEST

START_TEST(secrets_stay_out)
{
    struct simg_cache *c = NULL;
    char *copy = NULL;

    setenv("MY_API_TOKEN", "hunter2hunter2", 1);
    setenv("MY_FRIEND", "hunter3hunter3", 1);
    c = open_it();
    add_nodes(c, 10);
    copy = simg_arena_alloc(simg_cache_arena(c), 100);
    strcpy(copy, "the word is hunter3hunter3");
    simg_cache_store(c, NULL);
    ck_assert_uint_eq(status_of(c).store, SIMG_VERDICT_OK);
    strcpy(copy, "the word is hunter2hunter2");
    simg_cache_store(c, NULL);
    ck_assert_uint_eq(status_of(c).store, SIMG_VERDICT_SECRET);
    ck_assert_ptr_nonnull(strstr(status_of(c).store_text, "MY_API_TOKEN"));
    ck_assert_ptr_null(strstr(status_of(c).store_text, "hunter"));
    simg_arena_free(simg_cache_arena(c), copy); /* what is freed is gone */
    simg_cache_store(c, NULL);
    ck_assert_uint_eq(status_of(c).store, SIMG_VERDICT_OK);
    simg_cache_abandon(c);
    unsetenv("MY_API_TOKEN");
}
END_TEST

/* Failures are not tried again at once, and a clock that was set back does not matter. */
START_TEST(waits_after_failures)
{
    static const struct {
        int64_t ago;
        unsigned count;
        bool waits;
    } cases[] = {{1, 1, true},    {20, 1, false},   {20, 2, true},     {-50, 1, false},
                 {-50, 9, false}, {3600, 9, true}, {3900, 9, false}, {86500, 30, false},
                 {86000, 30, true}};
    char name[300];

    snprintf(name, sizeof name, "%s.failed", path);
    for (size_t i = 0; i < COUNT(cases); i++) {
        FILE *f = fopen(name, "w");
        struct simg_cache *c = NULL;

        fprintf(f, "%u %lld\n", cases[i].count, (long long)(time(NULL) - cases[i].ago));
        fclose(f);
        unlink(path);
        c = open_it();
        add_nodes(c, 5);
        simg_cache_store(c, NULL);
        ck_assert_msg((status_of(c).store == SIMG_VERDICT_BACK_OFF) == cases[i].waits, "%zu: %s", i,
                      status_of(c).store_text);
        ck_assert_int_eq(access(name, F_OK) == 0, cases[i].waits);
        simg_cache_abandon(c);
    }
    /* what is in the file may be anything */
    {
        FILE *f = fopen(name, "w");
        struct simg_cache *c = open_it();

        fprintf(f, "%0*d", 5000, 1);
        fclose(f);
        simg_cache_store(c, NULL);
        ck_assert_uint_eq(status_of(c).store, SIMG_VERDICT_OK);
        simg_cache_abandon(c);
    }
}
END_TEST

/* What others need is not written over, unless it is named for that alone. */
START_TEST(leaves_foreign_images_alone)
{
    struct simg_cache *c = NULL;
    struct stat before, after;

    make_image(100);
    ck_assert_int_eq(stat(path, &before), 0);
    engine.version = "2";
    c = open_it();
    add_nodes(c, 3);
    simg_cache_store(c, NULL);
    ck_assert_uint_eq(status_of(c).store, SIMG_VERDICT_FOREIGN);
    simg_cache_abandon(c);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    simg_cache_options_free(&opts);
    use_path("CacheStore");
    make_image(3);
    use_path("CacheLoad");
    c = open_it();
    ck_assert_uint_eq(walk(c), 3);
    simg_cache_abandon(c);
    /* and a file that is no image at all */
    {
        FILE *f = fopen(path, "w");

        fputs("Dear diary, this is what a text looks like, which nobody wants to lose.\n", f);
        fclose(f);
    }
    expect_refused(SIMG_VERDICT_FOREIGN, "not a sysimage");
    ck_assert_uint_eq(files(), 1);
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
        {"none", 0, 8, 0},
        {"compiled", 0, 0, 8},
        {"hot", 4, 0, 12},      /* those that were started */
        {"aot", 6 + 1, 0, 14},  /* started or aot */
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
        f = (struct simg_function){.name = "cannot", .flags = SIMG_FUNCTION_AOT, .source = UINT32_MAX};
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
                ck_assert_uint_eq(f.flags & SIMG_FUNCTION_STARTED, f.line >= 8 ? f.flags & SIMG_FUNCTION_STARTED : 0);
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
        {"always", {1, 1, 1, 1, 1}},    {"newsource", {0, 1, 0, 0, 1}},
        {"newroot", {0, 0, 1, 0, 0}},   {"newcode", {0, 0, 1, 1, 0}},
        {"never", {0, 0, 0, 0, 0}},
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
                simg_cache_function(c, &(struct simg_function){
                                           .name = "f", .source = 0, .flags = SIMG_FUNCTION_COMPILED});
            if (event == LESS)
                simg_cache_drop_source(c, 1);
            ck_assert_int_eq(simg_cache_store(c, NULL), SIMG_OK);
            stored = status_of(c).store == SIMG_VERDICT_OK;
            ck_assert_msg(stored == cases[i].stores[event], "%s, event %d: %s", cases[i].policy, event,
                          status_of(c).store_text);
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

/* ---- damage ---- */

static uint8_t *whole;
static size_t whole_size;

static void read_whole(void)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    ck_assert_int_eq(fstat(fd, &st), 0);
    whole_size = (size_t)st.st_size;
    whole = malloc(whole_size);
    ck_assert_int_eq(pread(fd, whole, whole_size, 0), (ssize_t)whole_size);
    close(fd);
}

static void write_whole(size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_eq(pwrite(fd, whole, size, 0), (ssize_t)size);
    close(fd);
}

static void write_byte(size_t at, uint8_t byte)
{
    int fd = open(path, O_WRONLY);

    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}

/* It is refused as damaged or foreign, or it is right. */
static bool opens_right(void)
{
    struct simg_cache *c = open_it();
    struct simg_cache_status s = status_of(c);
    bool loaded = simg_cache_loaded(c);

    if (loaded)
        ck_assert_uint_eq(walk(c), 300);
    else
        ck_assert_msg(s.load == SIMG_VERDICT_DAMAGED || s.load == SIMG_VERDICT_FOREIGN, "%s",
                      simg_verdict_text((enum simg_verdict)s.load));
    simg_cache_abandon(c);
    return loaded;
}

START_TEST(every_length)
{
    make_image(300);
    option("--engine.CacheVerify=full");
    option("--engine.CacheMode=readonly"); /* it stays where it is */
    read_whole();
    ck_assert(opens_right());
    for (size_t size = whole_size; size-- > 0; size -= size > 6000 && size % 1009 ? size % 1009 : 0) {
        ck_assert_int_eq(truncate(path, (off_t)size), 0);
        /* Section headers at the end are nobody's business. */
        ck_assert_msg(!opens_right() || whole_size - size < 2000, "%zu of %zu bytes", size, whole_size);
    }
    write_whole(whole_size);
    ck_assert(opens_right());
    free(whole);
}
END_TEST

/* Every byte of what says something, and some of the rest. */
START_TEST(every_byte)
{
    unsigned right = 0, tried = 0;

    make_image(300);
    option("--engine.CacheVerify=full");
    option("--engine.CacheMode=readonly");
    read_whole();
    for (size_t at = 0; at < whole_size; at += at < 4000 || at + 3000 > whole_size ? 1 : 37) {
        write_byte(at, whole[at] ^ (uint8_t)(1u << chance() % 8));
        right += opens_right();
        tried++;
        write_byte(at, whole[at]);
    }
    ck_assert_uint_gt(tried, 5000);
    ck_assert_uint_lt(right, tried);
    free(whole);
}
END_TEST

/* The damaged one is kept to be looked at, once. */
START_TEST(damaged_is_set_aside)
{
    char bad[300];
    struct simg_cache *c = NULL;

    snprintf(bad, sizeof bad, "%s.bad", path);
    make_image(300);
    read_whole();
    write_whole(whole_size / 2);
    c = open_it();
    ck_assert_uint_eq(status_of(c).load, SIMG_VERDICT_DAMAGED);
    ck_assert_int_eq(access(bad, F_OK), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
    add_nodes(c, 8);
    close_it(c);
    ck_assert_uint_eq(files(), 2);
    c = open_it();
    ck_assert_uint_eq(walk(c), 8);
    simg_cache_abandon(c);
    option("--engine.CacheMode=readonly");
    write_whole(whole_size / 3);
    expect_refused(SIMG_VERDICT_DAMAGED, "");
    ck_assert_int_eq(access(path, F_OK), 0);
    free(whole);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cache");
    TCase *arena = tcase_create("arena"), *cache = tcase_create("cache");
    SRunner *runner = srunner_create(s);
    int failed;

    tcase_add_test(arena, arena_keeps_bytes);
    tcase_add_test(arena, arena_is_full);
    tcase_add_test(arena, arena_code);
    tcase_add_test(arena, options_are_taken);
    tcase_set_timeout(arena, 120);
    suite_add_tcase(s, arena);
    tcase_add_checked_fixture(cache, setup_engine, teardown_engine);
    tcase_add_test(cache, stored_and_loaded);
    tcase_add_test(cache, points_to_its_own_module);
    tcase_add_test(cache, it_is_a_library);
    tcase_add_test(cache, several_at_once);
    tcase_add_test(cache, in_memory);
    tcase_add_test(cache, in_a_directory);
    tcase_add_test(cache, refuses_absent);
    tcase_add_test(cache, refuses_others);
#if !defined _WIN32
    tcase_add_test(cache, refuses_what_others_may_write);
    tcase_add_test(cache, stores_not_in_a_child);
#endif
    tcase_add_test(cache, refuses_a_taken_address);
    tcase_add_test(cache, refuses_with_the_engine);
    tcase_add_test(cache, mode_on_gives_errors);
    tcase_add_test(cache, stores_not);
    tcase_add_test(cache, secrets_stay_out);
    tcase_add_test(cache, waits_after_failures);
    tcase_add_test(cache, leaves_foreign_images_alone);
    tcase_add_test(cache, compile_policies);
    tcase_add_test(cache, update_policies);
    tcase_add_test(cache, moved_elsewhere);
    tcase_add_test(cache, wrong_engines);
    tcase_add_test(cache, every_length);
    tcase_add_test(cache, every_byte);
    tcase_add_test(cache, damaged_is_set_aside);
    tcase_set_timeout(cache, 300);
    suite_add_tcase(s, cache);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
