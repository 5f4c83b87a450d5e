/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query.c - load a library that was made from libsqlite3.a, and ask it something. */

#include <dlfcn.h>
#include <stdio.h>

static int print_row(void *arg, int count, char **value, char **name)
{
    (void)arg;
    for (int i = 0; i < count; i++)
        printf("  %s = %s\n", name[i], value[i] ? value[i] : "NULL");
    return 0;
}

int main(int argc, char **argv)
{
    static const char sql[] = "create table primes(n);"
                              "insert into primes values (2),(3),(5),(7),(11),(13);"
                              "select sqlite_version() as version, count(*) as rows,"
                              " sum(n) as sum, round(exp(1), 6) as e from primes;";
    int (*sql_open)(const char *, void **);
    int (*sql_exec)(void *, const char *, int (*)(void *, int, char **, char **), void *, char **);
    void *image, *db = NULL;
    char *error = NULL;

    if (argc != 2) {
        fprintf(stderr, "usage: query LIBRARY\n");
        return 2;
    }
    image = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!image) {
        fprintf(stderr, "query: %s\n", dlerror());
        return 1;
    }
    *(void **)&sql_open = dlsym(image, "sqlite3_open");
    *(void **)&sql_exec = dlsym(image, "sqlite3_exec");
    if (!sql_open || !sql_exec) {
        fprintf(stderr, "query: no sqlite3_open or sqlite3_exec in %s\n", argv[1]);
        return 1;
    }
    if (sql_open(":memory:", &db) || sql_exec(db, sql, print_row, NULL, &error)) {
        fprintf(stderr, "query: %s\n", error ? error : "cannot open a database");
        return 1;
    }
    return 0;
}
