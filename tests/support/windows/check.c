/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.c - runs tests (check.h).
 *
 * PROGRAM            all of them, each by starting itself anew
 * PROGRAM N I J      test N with I up to but not J, in this process: exit code 0 is a pass
 * PROGRAM NAME       those of this name */

#include "check.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

enum { MOST_TESTS = 100, MOST_TCASES = 10 };

struct tcase {
    const char *name;
    void (*setup)(void), (*teardown)(void);
    double timeout;
};

static struct {
    const char *name;
    const TCase *tcase;
    void (*run)(int);
    int from, to;
} tests[MOST_TESTS];

static unsigned test_count, tcase_count;
static TCase tcases[MOST_TCASES];

struct suite {
    const char *name;
};
struct srunner {
    const Suite *suite;
    int run, failed;
};

Suite *suite_create(const char *name)
{
    static Suite one;

    _fmode = _O_BINARY; /* files hold what is written to them */
    one.name = name;
    return &one;
}

TCase *tcase_create(const char *name)
{
    TCase *t = &tcases[tcase_count++];

    if (tcase_count > MOST_TCASES)
        abort();
    *t = (TCase){.name = name, .timeout = 60};
    return t;
}

void suite_add_tcase(Suite *s, TCase *t) { (void)s, (void)t; }
void tcase_set_timeout(TCase *t, double seconds) { t->timeout = seconds; }

void tcase_add_checked_fixture(TCase *t, void (*setup)(void), void (*teardown)(void))
{
    t->setup = setup;
    t->teardown = teardown;
}

void check_add(TCase *t, const char *name, void (*run)(int), int from, int to)
{
    if (test_count == MOST_TESTS)
        abort();
    tests[test_count].name = name;
    tests[test_count].tcase = t;
    tests[test_count].run = run;
    tests[test_count].from = from;
    tests[test_count++].to = to;
}

void check_failed(const char *file, int line, const char *fmt, ...)
{
    va_list args;

    printf("%s:%d: ", file, line);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
    _exit(1);
}

static void run_here(unsigned n, int from, int to)
{
    for (int i = from; i < to; i++) {
        if (tests[n].tcase->setup)
            tests[n].tcase->setup();
        tests[n].run(i);
        if (tests[n].tcase->teardown)
            tests[n].tcase->teardown();
    }
    fflush(stdout);
    _exit(0);
}

/* Its exit code; -1: it took too long. */
static int run_apart(unsigned n, int from, int to)
{
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION process;
    char program[MAX_PATH], line[MAX_PATH + 60];
    DWORD code = 0, limit = (DWORD)(tests[n].tcase->timeout * 1000) * (DWORD)(to - from);

    GetModuleFileNameA(NULL, program, sizeof program);
    snprintf(line, sizeof line, "\"%s\" %u %d %d", program, n, from, to);
    fflush(stdout);
    if (!CreateProcessA(program, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process)) {
        printf("%s does not start: error %lu\n", line, GetLastError());
        return 1;
    }
    if (WaitForSingleObject(process.hProcess, limit) != WAIT_OBJECT_0) {
        TerminateProcess(process.hProcess, 1);
        WaitForSingleObject(process.hProcess, INFINITE);
        printf("more than %lu ms\n", limit);
        code = (DWORD)-1;
    } else {
        GetExitCodeProcess(process.hProcess, &code);
    }
    CloseHandle(process.hProcess);
    CloseHandle(process.hThread);
    return (int)code;
}

SRunner *srunner_create(Suite *s)
{
    static SRunner one;

    one.suite = s;
    return &one;
}

static void run_each(SRunner *r, unsigned n)
{
    for (int i = tests[n].from; i < tests[n].to; i++) {
        int code = run_apart(n, i, i + 1);

        if (code == 0)
            continue;
        r->failed++;
        printf("%s: %s, %d of %s: failed (0x%x)\n", r->suite->name, tests[n].name, i,
               tests[n].tcase->name, (unsigned)code);
    }
}

void srunner_run_all(SRunner *r, int mode)
{
    const char *only = __argc == 2 ? __argv[1] : NULL;

    (void)mode;
    if (__argc == 4)
        run_here((unsigned)atoi(__argv[1]), atoi(__argv[2]), atoi(__argv[3]));
    for (unsigned n = 0; n < test_count; n++) {
        if (only && strcmp(only, tests[n].name) != 0)
            continue;
        r->run += tests[n].to - tests[n].from;
        /* A process takes longer than most tests: a loop has one, or if it fails one for each turn. */
        if (run_apart(n, tests[n].from, tests[n].to) != 0)
            run_each(r, n);
    }
    printf("%s: %d%%: Checks: %d, Failures: %d\n", r->suite->name,
           r->run ? 100 * (r->run - r->failed) / r->run : 0, r->run, r->failed);
}

int srunner_ntests_failed(SRunner *r) { return r->failed; }
void srunner_free(SRunner *r) { (void)r; }
