/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_cache_refuse.c - every reason to refuse an image of an engine or to store
 * none, and damage. */

#include <check.h>
#include <dlfcn.h>
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

#include "tests/support/toy_engine.h"

/* Of the places to damage, each so many-th: where opening a file takes long. */
#ifndef EVERY
#define EVERY 1
#endif

/* ---- refusals of an image ---- */

START_TEST(refuses_absent) { expect_refused(SIMG_VERDICT_ABSENT, "No such file"); }
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

    make_image(
        100); /* what is stored is its owner's, and private, whatever the user's habits are */
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
    ck_assert_ptr_eq(
        mmap((char *)at + MIB, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
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

static void *program_data;

/* What a program did, and an image is not to have. */
static int throw_away(void *arg, struct simg_cache *c)
{
    (void)arg;
    simg_arena_free(simg_cache_arena(c), program_data);
    program_data = NULL;
    return 0;
}

static enum simg_verdict store_with_most(uint64_t bytes)
{
    struct simg_cache *c = NULL;
    enum simg_verdict verdict = SIMG_VERDICT_NONE;

    opts.max_image = bytes;
    c = open_it();
    program_data = simg_arena_alloc(simg_cache_arena(c), MIB);
    memset(program_data, 1, MIB);
    simg_cache_store(c, NULL);
    verdict = (enum simg_verdict)status_of(c).store;
    simg_cache_abandon(c);
    return verdict;
}

/* Not a byte less is allowed than the file has. */
START_TEST(a_limit_is_the_files)
{
    struct stat st;

    make_image(5000);
    engine.before_store = throw_away;
    ck_assert_uint_eq(store_with_most(UINT64_MAX), SIMG_VERDICT_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_lt((uint64_t)st.st_size, MIB);
    ck_assert_uint_eq(store_with_most((uint64_t)st.st_size), SIMG_VERDICT_OK);
    ck_assert_uint_eq(store_with_most((uint64_t)st.st_size - 1), SIMG_VERDICT_TOO_LARGE);
    ck_assert_uint_eq(store_with_most(0), SIMG_VERDICT_TOO_LARGE);
}
END_TEST

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

/* The words of the manual, as test_cache_read.c has them for the tool that looks afterwards. */
START_TEST(words_speak_of_secrets)
{
    static const char *const speaking[] = {"MY_SECRET",  "token_2",       "PGPASSWORD",
                                           "XPASSWD",    "API_KEY",       "MYAPIKEYS",
                                           "Access_Key", "A_PRIVATE_KEY", "CREDENTIALS"};
    struct simg_cache *c = open_it();
    char *copy = simg_arena_alloc(simg_cache_arena(c), 100);

    add_nodes(c, 10);
    strcpy(copy, "the word is hunter2hunter2");
    for (size_t i = 0; i < sizeof speaking / sizeof *speaking; i++) {
        setenv(speaking[i], "hunter2hunter2", 1);
        simg_cache_store(c, NULL);
        ck_assert_msg(status_of(c).store == SIMG_VERDICT_SECRET, "%s", speaking[i]);
        unsetenv(speaking[i]);
        simg_cache_store(c, NULL);
        ck_assert_msg(status_of(c).store == SIMG_VERDICT_OK, "%s", speaking[i]);
    }
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
    } cases[] = {{1, 1, true},     {20, 1, false},     {20, 2, true},
                 {-50, 1, false},  {-50, 9, false},    {3600, 9, true},
                 {3900, 9, false}, {86500, 30, false}, {86000, 30, true}};
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

/* A program or a library that was named by mistake stays where it is: this one, for example. */
START_TEST(leaves_programs_alone)
{
    static uint8_t bytes[1 << 16];
    FILE *f = fopen("/proc/self/exe", "rb");
    size_t size = 0;
    struct stat before, after;
    struct simg_cache *c = NULL;

    if (!f)
        return;
    size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    f = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
    fclose(f);
    ck_assert_int_eq(stat(path, &before), 0);
    c = open_it();
    ck_assert_uint_eq(status_of(c).load, SIMG_VERDICT_FOREIGN);
    add_nodes(c, 3);
    close_it(c);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert_uint_eq(files(), 1);
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
    for (size_t size = whole_size; size > 0;) {
        size_t step = size > 6000 ? 499 * EVERY : EVERY;

        size -= step < size ? step : size;
        ck_assert_int_eq(truncate(path, (off_t)size), 0);
        /* Section headers at the end are nobody's business. */
        ck_assert_msg(!opens_right() || whole_size - size < 2000, "%zu of %zu bytes", size,
                      whole_size);
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
    for (size_t at = 0; at < whole_size;
         at += (size_t)EVERY * (at < 4000 || at + 3000 > whole_size ? 1 : 37)) {
        write_byte(at, whole[at] ^ (uint8_t)(1u << chance() % 8));
        right += opens_right();
        tried++;
        write_byte(at, whole[at]);
    }
    ck_assert_uint_gt(tried, 5000 / EVERY);
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
    Suite *s = suite_create("cache refusals");
    TCase *refusals = tcase_create("refusals");
    SRunner *runner = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(refusals, setup_engine, teardown_engine);
    tcase_add_test(refusals, refuses_absent);
    tcase_add_test(refusals, refuses_others);
#if !defined _WIN32
    tcase_add_test(refusals, refuses_what_others_may_write);
    tcase_add_test(refusals, stores_not_in_a_child);
#endif
    tcase_add_test(refusals, refuses_a_taken_address);
    tcase_add_test(refusals, refuses_with_the_engine);
    tcase_add_test(refusals, mode_on_gives_errors);
    tcase_add_test(refusals, a_limit_is_the_files);
    tcase_add_test(refusals, stores_not);
    tcase_add_test(refusals, secrets_stay_out);
    tcase_add_test(refusals, words_speak_of_secrets);
    tcase_add_test(refusals, waits_after_failures);
    tcase_add_test(refusals, leaves_foreign_images_alone);
    tcase_add_test(refusals, leaves_programs_alone);
    tcase_add_test(refusals, every_length);
    tcase_add_test(refusals, every_byte);
    tcase_add_test(refusals, damaged_is_set_aside);
    tcase_set_timeout(refusals, 300);
    suite_add_tcase(s, refusals);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
