/* SPDX-License-Identifier: MIT */
/* main.c - the command line of js, lua-cache, duktape and mruby-cache:
 *
 *   PROGRAM [OPTION...] [-r LIBRARY]... [-e CODE] [FILE [ARGUMENT...]]
 *
 * OPTIONs are --engine.Cache=PATH and the others of sysimage-cache(7); they may stand in the
 * environment, too, in NAME_OPTIONS.  The libraries run first, and are in an image's context.
 * --blocks ends everything at the end instead of storing, and tells how much is left.
 * --measure tells how long it took and what memory was written to. */

#include "runner.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void usage(void)
{
    fprintf(stderr,
            "usage: %s [--engine.OPTION...] [-r LIBRARY]... [-e CODE] [FILE [ARGUMENT...]]\n",
            language.name);
    exit(2);
}

static void from_environment(struct simg_cache_options *o)
{
    char name[64];
    struct simg_error e;

    snprintf(name, sizeof name, "%s_OPTIONS", language.name);
    for (char *p = name; *p; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    if (simg_cache_option_env(o, name, &e) != SIMG_OK)
        fail("%s: %s", name, e.text);
}

int main(int argc, char **argv)
{
    char **libraries = calloc((size_t)argc + 1, sizeof *libraries);
    size_t count = 0;
    const char *code = NULL;
    int blocks = 0, measure = 0, i = 1, failed = 0;
    uint64_t start = measure_now(), opened = 0;
    struct simg_cache_options options;
    struct session s;
    struct simg_error e;

    simg_cache_options_init(&options);
    from_environment(&options);
    for (; i < argc && argv[i][0] == '-'; i++) {
        enum simg_status status = simg_cache_option(&options, argv[i], &e);

        if (status == SIMG_OK)
            continue;
        if (status != SIMG_ERR_NOT_FOUND)
            fail("%s", e.text);
        if (strcmp(argv[i], "-r") == 0 && i + 1 < argc)
            libraries[count++] = argv[++i];
        else if (strcmp(argv[i], "-e") == 0 && i + 1 < argc)
            code = argv[++i];
        else if (strcmp(argv[i], "--blocks") == 0)
            blocks = 1;
        else if (strcmp(argv[i], "--measure") == 0)
            measure = 1;
        else
            usage();
    }
    if (!code && !count && i == argc)
        usage();
    if (session_open(&s, &language, libraries, &options) != 0)
        return 1;
    opened = measure_now();
    language.arguments(&s, argv + i + (i < argc));
    if (code && !s.ended)
        failed = session_text(&s, "-e", code);
    if (i < argc && !failed && !s.ended)
        failed = session_file(&s, argv[i]);
    if (failed && !s.status)
        s.status = 1;
    if (measure)
        measure_tell(&s, start, opened);
    if (blocks)
        printf("%s: %llu blocks are left\n", language.name, (unsigned long long)session_end(&s));
    else
        session_close(&s);
    simg_cache_options_free(&options);
    free(libraries);
    return s.status;
}
