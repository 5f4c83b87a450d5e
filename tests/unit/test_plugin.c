/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_plugin.c - the linker plugin in a linker that is made for this: memory
 * that runs out at every allocation, and inputs that end at every byte. */

#include <check.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/elf.h"
#include "plugin/line.h"
#include "plugin/plugin.h"
#include "tests/support/elf_object.h"
#include "tests/support/heap_file.h"

enum plugin_status onload(struct plugin_tv *tv);

/* ---- the linker ---- */

static struct {
    plugin_claim *claim;
    plugin_event *all_read, *cleanup;
    unsigned added, fatal, symbols;
    int fds[16];
    char text[1024];
} linker;

static enum plugin_status register_claim(plugin_claim *hook)
{
    linker.claim = hook;
    return LDPS_OK;
}

static enum plugin_status register_all_read(plugin_event *hook)
{
    linker.all_read = hook;
    return LDPS_OK;
}

static enum plugin_status register_cleanup(plugin_event *hook)
{
    linker.cleanup = hook;
    return LDPS_OK;
}

static enum plugin_status add_symbols(void *handle, int count, const struct plugin_symbol *all)
{
    (void)handle;
    for (int i = 0; i < count; i++) {
        ck_assert_ptr_nonnull(all[i].name);
        free(all[i].name);
    }
    linker.symbols += (unsigned)count;
    return LDPS_OK;
}

static enum plugin_status add_input_file(const char *path)
{
    int fd = -1;

    ck_assert_int_eq(sscanf(path, "/proc/self/fd/%d", &fd), 1);
    ck_assert_uint_lt(linker.added, sizeof linker.fds / sizeof *linker.fds);
    linker.fds[linker.added++] = fd;
    return LDPS_OK;
}

static enum plugin_status message(int level, const char *format, ...)
{
    va_list ap;

    linker.fatal += level == LDPL_FATAL;
    va_start(ap, format);
    vsnprintf(linker.text, sizeof linker.text, format, ap);
    va_end(ap);
    return LDPS_OK;
}

/* A file in memory; its path in PATH. */
static int make_file(const void *bytes, uint64_t size, char path[32])
{
    int fd = memfd_create("input", 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static bool offer(const char *name, int fd, uint64_t size, int *claimed)
{
    struct plugin_input file = {.name = name, .fd = fd, .size = (off_t)size};

    return linker.claim(&file, claimed) == LDPS_OK;
}

/* Link SIZE bytes of a heap, and an archive (NULL: none) that is to be
   retained; the number of allocations that succeed is N (0: all do). */
static bool run(struct span heap, const char *archive, size_t n)
{
    char retain[64], path[32];
    struct plugin_tv tv[] = {
        {LDPT_MESSAGE, {.message = message}},
        {LDPT_REGISTER_CLAIM_FILE_HOOK, {.register_claim = register_claim}},
        {LDPT_REGISTER_ALL_SYMBOLS_READ_HOOK, {.register_event = register_all_read}},
        {LDPT_REGISTER_CLEANUP_HOOK, {.register_event = register_cleanup}},
        {LDPT_LINKER_OUTPUT, {.number = LDPO_DYN}},
        {LDPT_OUTPUT_NAME, {.string = "/nowhere/out.so"}},
        {LDPT_GNU_LD_VERSION, {.number = 240}},
        {LDPT_ADD_SYMBOLS, {.add_symbols = add_symbols}},
        {LDPT_ADD_INPUT_FILE, {.add_input_file = add_input_file}},
        {LDPT_OPTION, {.string = "export=a_name"}},
        {LDPT_OPTION, {.string = retain}},
        {.tag = LDPT_NULL},
    };
    uint8_t object[OBJ_SIZE];
    uint64_t size = make_elf_object(object, true, false);
    int claimed = 0, fds[2] = {make_file(object, size, path), make_file(heap.at, heap.size, path)};
    bool ok = false;

    snprintf(retain, sizeof retain, "retain=%s", archive);
    if (!archive)
        tv[10].tag = LDPT_NULL;
    memset(&linker, 0, sizeof linker);
    plugin = (struct plugin){.output = -1, .arena.fail_after = n};
    ok = onload(tv) == LDPS_OK && offer("a.o", fds[0], size, &claimed);
    ck_assert_int_eq(claimed, 0);
    ok = ok && offer("x.heap", fds[1], heap.size, &claimed) && linker.all_read() == LDPS_OK;
    if (linker.cleanup)
        linker.cleanup();
    else
        arena_free(&plugin.arena);
    for (unsigned i = 0; i < linker.added; i++)
        close(linker.fds[i]);
    close(fds[0]);
    close(fds[1]);
    ck_assert_msg(linker.fatal == !ok, "%zu: %u errors: %s", n, linker.fatal, linker.text);
    return ok;
}

/* ---- inputs ---- */

static uint64_t make_archive(char *out)
{
    uint64_t size = 0;

    snprintf(out, 69, "!<arch>\n%-16s%-12s%-6s%-6s%-8s%-10d`\n", "m.o/", "0", "0", "0", "644",
             OBJ_SIZE);
    size = make_elf_object((uint8_t *)out + 68, true, false);
    ck_assert_uint_eq(size, OBJ_SIZE);
    return 68 + size;
}

START_TEST(a_link)
{
    struct heap_file f;
    char archive[68 + OBJ_SIZE + 1], path[32];
    int fd = make_file(archive, make_archive(archive), path);

    heap_file_make(&f, false, false);
    ck_assert_msg(run(buf_span(&f.out), path, 0), "%s", linker.text);
    ck_assert_uint_eq(linker.added,
                      4); /* what is imported, the heap, the member, what is exported */
    ck_assert_uint_gt(linker.symbols, 0);
    ck_assert(run(buf_span(&f.out), NULL, 0));
    ck_assert_uint_eq(linker.added, 3);
    heap_file_free(&f);
    close(fd);
}
END_TEST

START_TEST(starved)
{
    struct heap_file f;
    char archive[68 + OBJ_SIZE + 1], path[32];
    int fd = make_file(archive, make_archive(archive), path);
    size_t n = 1;

    heap_file_make(&f, false, false);
    for (; !run(buf_span(&f.out), path, n); n++)
        ck_assert_msg(strstr(linker.text, ": out of memory"), "%zu: %s", n, linker.text);
    ck_assert_uint_gt(n, 40);
    heap_file_free(&f);
    close(fd);
}
END_TEST

START_TEST(cut_heaps)
{
    struct heap_file f;

    heap_file_make(&f, false, false);
    for (uint64_t size = 0; size < f.out.size; size++) {
        bool ok = run((struct span){f.out.at, size}, NULL, 0);

        /* What is too short to be one is somebody else's. */
        ck_assert_msg(ok == (size < 64), "%" PRIu64 ": %s", size, linker.text);
        ck_assert_msg(ok || strstr(linker.text, "sysimage-plugin: x.heap: "), "%s", linker.text);
    }
    heap_file_free(&f);
}
END_TEST

START_TEST(cut_archives)
{
    struct heap_file f;
    char archive[68 + OBJ_SIZE + 1], path[32];
    uint64_t whole = make_archive(archive);

    heap_file_make(&f, false, false);
    for (uint64_t size = 9; size < whole; size += size < 80 ? 1 : 7) {
        int fd = make_file(archive, size, path);

        ck_assert_msg(!run(buf_span(&f.out), path, 0), "%" PRIu64, size);
        ck_assert_msg(strstr(linker.text, path), "%s", linker.text);
        close(fd);
    }
    heap_file_free(&f);
}
END_TEST

/* ---- the command line ---- */

START_TEST(inputs_of_a_line)
{
    static char *const all[] = {"ld",
                                "-o",
                                "out.a",
                                "a.o",
                                "-L",
                                "dir.a",
                                "--soname",
                                "x.a",
                                "-lname.a",
                                "-l",
                                "other.a",
                                "b.a",
                                "-z",
                                "now.a",
                                "-plugin-opt",
                                "retain=q.a",
                                "--image-base=1.a",
                                "-Bsymbolic",
                                "c.a",
                                "-o"};
    static const char *const paths[] = {"a.o", "b.a", "c.a"};
    struct line line = {(char **)(uintptr_t)all, sizeof all / sizeof *all};
    const char *path = NULL;
    unsigned count = 0;
    int used = 0, i = 0;

    for (; (path = line_next_path(&line, &i)); count++) {
        ck_assert_uint_lt(count, 3);
        ck_assert_str_eq(path, paths[count]);
        ck_assert_str_eq(path, all[i]);
    }
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(line_value(&line, 6, "soname", &used), "x.a");
    ck_assert_int_eq(used, 2);
    ck_assert_str_eq(line_value(&line, 16, "image-base", &used), "1.a");
    ck_assert_int_eq(used, 1);
    ck_assert_ptr_null(line_value(&line, 16, "image", &used));
    ck_assert_ptr_null(line_value(&line, 3, "a.o", &used));
    ck_assert_ptr_null(line_value(&line, 19, "o", &used)); /* there is no word behind it */
    ck_assert(line_is("-Bsymbolic", "Bsymbolic") && line_is("--Bsymbolic", "Bsymbolic"));
    ck_assert(!line_is("Bsymbolic", "Bsymbolic") && !line_is("-", "Bsymbolic"));
}
END_TEST

static void touch(const char *dir, const char *name)
{
    char path[128];
    FILE *f = NULL;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fclose(f);
}

/* Where -lNAME, the last word behind OPTIONS, is found: the file's name without its directory. */
static const char *found(struct arena *a, const char *dir, const char *option, const char *name)
{
    char *words[] = {"ld", arena_printf(a, "-L%s", dir), (char *)(uintptr_t)option,
                     (char *)(uintptr_t)name};
    const char *path = line_library(&(struct line){words, 4}, a, 3);

    return path ? strrchr(path, '/') + 1 : "";
}

START_TEST(libraries)
{
    static const struct {
        const char *option, *name, *found;
    } rows[] = {
        {"-s", "-lboth", "libboth.so"},
        {"-Bstatic", "-lboth", "libboth.a"},
        {"--static", "-lboth", "libboth.a"},
        {"-Bdynamic", "-lboth", "libboth.so"},
        {"-s", "-lone", "libone.a"},
        {"-s", "-l:libone.a", "libone.a"},
        {"-s", "--library=one", "libone.a"},
        {"-s", "-lnone", ""},
        {"-s", "libone.a", ""},
    };
    static const char *const files[] = {"libboth.so", "libboth.a", "libone.a"};
    char dir[] = "/tmp/test_plugin.XXXXXX", path[128];
    struct arena a = {0};

    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (size_t i = 0; i < 3; i++)
        touch(dir, files[i]);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(!strcmp(found(&a, dir, rows[i].option, rows[i].name), rows[i].found), "%zu",
                      i);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
    arena_free(&a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plugin");
    TCase *all = tcase_create("all");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_set_timeout(all, 120);
    tcase_add_test(all, a_link);
    tcase_add_test(all, starved);
    tcase_add_test(all, cut_heaps);
    tcase_add_test(all, cut_archives);
    tcase_add_test(all, inputs_of_a_line);
    tcase_add_test(all, libraries);
    suite_add_tcase(suite, all);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
