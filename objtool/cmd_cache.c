/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_cache.c - objtool cache: the images that engines keep. */

#include "cache.h"
#include "command.h"
#include "tell.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
    "usage: objtool cache COMMAND [OPTION...] DIR|FILE...\n"
    "Look after the images that engines keep: those of a directory, or one by its name.\n"
    "\n"
    "  status   how many there are, of how many bytes, and what stands beside them\n"
    "  ls       a line for each\n"
    "  verify   hold each against all rules of its format\n"
    "  gc       remove those not used for the longest time, and what is left of old ones\n"
    "  explain  why an image would be refused here and now\n"
    "\n"
    "  --max-size=SIZE    images together, in bytes or with K, M or G (status, gc)\n"
    "  --older-than=TIME  not used since, in seconds or with m, h or d (gc)\n"
    "  -n, --dry-run      remove nothing (gc)\n"
    "  --program=FILE     the engine's program, or the library that the engine is in (explain)\n"
    "  --json             JSON\n"
    "  -h, --help         this text\n"
    "\n"
    "Exit code: 0 ok, 1 an image is bad or refused, or could not be removed, 2 usage, 3 I/O.\n";

enum { FOR_STATUS = 1, FOR_LS = 2, FOR_VERIFY = 4, FOR_GC = 8, FOR_EXPLAIN = 16 };

static const struct subcommand {
    const char *name;
    unsigned bit;
    int (*run)(struct cache_command *c, const struct cache_place *place);
} subcommands[] = {{"status", FOR_STATUS, cache_status},
                   {"ls", FOR_LS, cache_ls},
                   {"verify", FOR_VERIFY, cache_verify},
                   {"gc", FOR_GC, cache_gc},
                   {"explain", FOR_EXPLAIN, cache_explain}};
enum { SUBCOMMANDS = sizeof subcommands / sizeof subcommands[0] };

struct unit {
    char letter;
    uint64_t factor;
};
static const struct unit sizes[] = {{'K', 1 << 10}, {'M', 1 << 20}, {'G', 1 << 30}, {0, 1}};
static const struct unit times[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {0, 1}};

/* A number with one of UNITS, or none, behind it. */
static bool parse(const char *s, const struct unit *units, uint64_t *out)
{
    char *end = NULL;

    if (*s < '0' || *s > '9')
        return false;
    *out = strtoull(s, &end, 10);
    while (units->letter && units->letter != *end)
        units++;
    if (*out > (uint64_t)INT64_MAX / units->factor)
        return false;
    *out *= units->factor;
    return units->letter ? !end[1] : !*end;
}

static int run_path(const struct subcommand *s, struct cache_command *c, const char *path)
{
    struct report one = {.as_json = c->r->as_json, .colours = c->r->colours}, *all = c->r;
    struct diag d = {.sink = tell_sink};
    struct arena a = {0};
    struct cache_place place;
    int code = 0;

    c->r = &one;
    c->d = &d;
    c->a = &a;
    rep_open(&one, NULL, '{');
    rep_str(&one, "path", NULL, path);
    if (cache_list(&d, &a, path, &place))
        code = s->run(c, &place);
    rep_close(&one);
    if (d.status == OK && one.as_json && !json_done(&one.json))
        diag_nomem(&d);
    if (d.status == OK && all->as_json) {
        json_splice(&all->json, NULL, &one.json);
    } else if (d.status == OK) {
        buf_bytes(&all->text, one.text.at, one.text.size);
        all->text.bad = all->text.bad || one.text.bad;
    } else {
        code = diag_exit_code(d.status);
        rep_open(all, NULL, '{');
        rep_str(all, "path", NULL, path);
        rep_str(all, "error", NULL, d.text);
        rep_num(all, "exit_code", NULL, (uint64_t)code);
        rep_close(all);
    }
    rep_free(&one);
    arena_free(&a);
    c->r = all;
    return code;
}

static int run_all(const struct subcommand *s, struct cache_command *c, char **paths, int count)
{
    struct report *r = c->r;
    int code = 0;

    rep_open(r, NULL, '{');
    rep_str(r, "schema", NULL, "sysimage-tools/cache");
    rep_num(r, "version", NULL, 1);
    rep_str(r, "command", NULL, s->name);
    rep_open(r, "places", '[');
    for (int i = 0; i < count; i++) {
        int now = run_path(s, c, paths[i]);

        code = now > code ? now : code;
        if (!r->as_json)
            code = tell_print(&r->text, code);
    }
    rep_close(r);
    rep_close(r);
    if (r->as_json) {
        buf_printf(&r->json.out, "\n");
        r->json.out.bad = !json_done(&r->json);
        code = tell_print(&r->json.out, code);
    }
    return code;
}

static int wrong_option(const struct subcommand *s, const char *option)
{
    fprintf(stderr, "objtool cache: %s is not for %s\n", option, s->name);
    return tell_usage("cache");
}

int cmd_cache(int argc, char **argv)
{
    enum { MAX_SIZE = 256, OLDER_THAN, PROGRAM, JSON };
    static const struct option options[] = {{"max-size", required_argument, NULL, MAX_SIZE},
                                            {"older-than", required_argument, NULL, OLDER_THAN},
                                            {"dry-run", no_argument, NULL, 'n'},
                                            {"program", required_argument, NULL, PROGRAM},
                                            {"json", no_argument, NULL, JSON},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct report r = {.colours = term_colours(STDOUT_FILENO)};
    struct cache_command c = {.r = &r, .max_size = UINT64_MAX, .older_than = -1};
    const struct subcommand *s = NULL;
    uint64_t seconds = 0;
    int option = 0, code = 0;

    for (int i = 0; argc > 1 && i < SUBCOMMANDS; i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            s = &subcommands[i];
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        buf_bytes(&r.text, usage, sizeof usage - 1);
        return tell_print(&r.text, 0);
    }
    if (!s) {
        fprintf(stderr,
                argc > 1 ? "objtool cache: '%s' is not one of its commands\n"
                         : "objtool cache: no command given\n",
                argc > 1 ? argv[1] : "");
        return tell_usage("cache");
    }
    argv[1] = argv[0]; /* for getopt's messages */
    argc--;
    argv++;
    optind = 0; /* the options of objtool itself were read before */
    while ((option = getopt_long(argc, argv, "nh", options, NULL)) != -1) {
        if (option == 'h') {
            buf_bytes(&r.text, usage, sizeof usage - 1);
            return tell_print(&r.text, 0);
        }
        if (option == '?')
            return tell_usage("cache");
        if (option == MAX_SIZE && !(s->bit & (FOR_STATUS | FOR_GC)))
            return wrong_option(s, "--max-size");
        if (option == OLDER_THAN && s->bit != FOR_GC)
            return wrong_option(s, "--older-than");
        if (option == 'n' && s->bit != FOR_GC)
            return wrong_option(s, "--dry-run");
        if (option == PROGRAM && s->bit != FOR_EXPLAIN)
            return wrong_option(s, "--program");
        if ((option == MAX_SIZE && !parse(optarg, sizes, &c.max_size)) ||
            (option == OLDER_THAN && !parse(optarg, times, &seconds))) {
            fprintf(stderr, "objtool cache: '%s' is not a %s\n", optarg,
                    option == MAX_SIZE ? "size" : "time");
            return tell_usage("cache");
        }
        if (option == OLDER_THAN)
            c.older_than = (int64_t)seconds;
        c.dry_run = c.dry_run || option == 'n';
        c.program = option == PROGRAM ? optarg : c.program;
        r.as_json = r.as_json || option == JSON;
    }
    if (optind == argc) {
        fprintf(stderr, "objtool cache %s: no directory or file given\n", s->name);
        return tell_usage("cache");
    }
    code = run_all(s, &c, argv + optind, argc - optind);
    rep_free(&r);
    return code;
}
