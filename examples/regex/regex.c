/* SPDX-License-Identifier: MIT */
/* regex.c - which of many rules match where, with the rules compiled once.
 *
 *   regex [OPTION...] RULES FILE...
 *
 * RULES has a rule on each line: NAME, tab, letters of FLAGS (i m s x u, or - for none), tab,
 * PATTERN up to the line's end.  Each line of each FILE is matched with all of them, and
 * FILE:LINE:FROM-TO:NAME is printed for each match.  Options:
 *
 *   --engine.X=...   of the cache, as in sysimage-cache(7); those in $REGEX_OPTIONS come before
 *   --escaped        lines have \n, \r, \t, \0, \xHH and \\ for these bytes
 *   --hot=N          a rule that was matched N times is to be compiled to machine code (default 2;
 *                    0: none is)
 *   --per-line=N     of those, at most N after each line (default 8)
 *   --all            all rules are compiled to machine code at once
 *   --aot=BYTES      a rule of at most so many bytes of bytecode may be compiled without (default
 *                    2048)
 *   --stats          at the end, two lines of counts to standard error
 *
 * A rule is not tried on a line that lacks a byte which each match has. */
#define _GNU_SOURCE
#include "patterns.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static struct patterns patterns;
static struct simg_cache_options options;
static unsigned hot = 2, per_line = 8, aot = 2048;
static bool escaped, stats, compile_all;
static pcre2_match_data *data;
static pcre2_match_context *context;
static struct pattern **queue; /* as long as there are rules: each is tried once, as a rule */
static size_t queue_from, queue_to;
static unsigned long matches, tried;
static long long ready, ready_cpu; /* microseconds that it took to have all rules */

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "regex: %s: %s\n", what, why);
    exit(2);
}

/* ---- rules ---- */

/* NAME tab FLAGS tab PATTERN, of which the first tab was found. */
static void add_rule(char *line, size_t length, uint32_t number)
{
    static const struct {
        char letter;
        uint32_t flag;
    } letters[] = {{'i', PCRE2_CASELESS}, {'m', PCRE2_MULTILINE}, {'s', PCRE2_DOTALL},
                   {'x', PCRE2_EXTENDED}, {'u', PCRE2_UTF | PCRE2_UCP}, {'-', 0}};
    char *name_end = memchr(line, '\t', length);
    char *flags_end =
        name_end ? memchr(name_end + 1, '\t', length - (size_t)(name_end + 1 - line)) : NULL;
    uint32_t flags = 0;
    int error = 0;
    size_t offset = 0;
    char text[160], why[128];

    snprintf(text, sizeof text, "rule in line %u", number);
    if (!flags_end)
        fail(text, "it has no two tabs");
    *name_end = 0;
    for (char *c = name_end + 1; c < flags_end; c++)
        for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
            if (letters[i].letter == *c)
                flags |= letters[i].flag;
    if (!patterns_add(&patterns, line, number, flags_end + 1,
                      length - (size_t)(flags_end + 1 - line), flags, &error, &offset)) {
        pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof why);
        fail(line, why);
    }
}

static void read_rules(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    uint32_t number = 1;

    if (!f || getdelim(&text, &size, EOF, f) < 0)
        fail(path, "cannot be read");
    size = (size_t)ftell(f);
    fclose(f);
    patterns_source(&patterns, path, text, size);
    for (char *line = text, *end; line < text + size; line = end + 1, number++) {
        if (!(end = memchr(line, '\n', size - (size_t)(line - text))))
            end = text + size;
        if (end > line && *line != '#')
            add_rule(line, (size_t)(end - line), number);
    }
    free(text);
}

/* The rules' file is not read if it is the one that the image's rules are from. */
static void open_rules(const char *path)
{
    static char inputs[512];
    struct stat st;
    struct simg_error e;

    if (stat(path, &st) != 0)
        fail(path, "cannot be read");
    snprintf(inputs, sizeof inputs, "%.300s %lld bytes %lld.%09ld", path, (long long)st.st_size,
             (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    if (patterns_open(&patterns, &options, inputs, &e) != SIMG_OK)
        fail("cache", e.text);
    patterns.aot = aot;
    if (!simg_cache_loaded(patterns.cache))
        read_rules(path);
    if (!(queue = calloc(patterns_count(&patterns) + 1, sizeof *queue)))
        fail(path, "no memory");
    for (uint64_t i = 0; compile_all && i < patterns_count(&patterns); i++)
        patterns_compile(&patterns, patterns_get(&patterns, i));
    for (uint64_t i = 0; patterns_queued(&patterns) && i < patterns_count(&patterns); i++)
        if (patterns_get(&patterns, i)->queued)
            queue[queue_to++] = patterns_get(&patterns, i);
}

/* ---- lines ---- */

static bool may_match(const struct pattern *x, const bool seen[256], size_t length)
{
    return length >= x->least && (x->first < 0 || seen[x->first]) && (x->last < 0 || seen[x->last]);
}

static void match_line(const char *file, unsigned long number, const char *line, size_t length)
{
    bool seen[256] = {false};
    uint64_t count = patterns_count(&patterns);

    for (size_t i = 0; i < length; i++)
        seen[tolower((unsigned char)line[i])] = seen[toupper((unsigned char)line[i])] =
            seen[(unsigned char)line[i]] = true;
    for (uint64_t i = 0; i < count; i++) {
        struct pattern *x = patterns_get(&patterns, i);
        int status = 0;

        if (!may_match(x, seen, length))
            continue;
        tried++;
        status = patterns_match(&patterns, x, line, length, 0, 0, data, context);
        if (hot && x->calls >= hot && !x->machine && !x->queued && !x->refused &&
            queue_to < count) {
            x->queued = true;
            queue[queue_to++] = x;
        }
        if (status < 0)
            continue;
        matches++;
        printf("%s:%lu:%zu-%zu:%s\n", file, number, pcre2_get_ovector_pointer(data)[0],
               pcre2_get_ovector_pointer(data)[1], x->name);
    }
    for (unsigned i = 0; i < per_line && queue_from < queue_to; i++)
        patterns_compile(&patterns, queue[queue_from++]);
}

static size_t unescape(char *line, size_t length)
{
    static const char from[] = "nrt0\\", to[] = "\n\r\t\0\\";
    size_t out = 0;

    for (size_t i = 0; i < length; i++) {
        const char *c = i + 1 < length && line[i] == '\\' ? strchr(from, line[i + 1]) : NULL;

        if (c && *c) {
            line[out++] = to[c - from];
            i++;
        } else if (i + 3 < length && line[i] == '\\' && line[i + 1] == 'x') {
            char hex[3] = {line[i + 2], line[i + 3], 0};

            line[out++] = (char)strtoul(hex, NULL, 16);
            i += 3;
        } else {
            line[out++] = line[i];
        }
    }
    return out;
}

static void match_file(const char *path)
{
    FILE *f = strcmp(path, "-") ? fopen(path, "r") : stdin;
    char *line = NULL;
    size_t room = 0;
    ssize_t length = 0;

    if (!f)
        fail(path, "cannot be read");
    for (unsigned long number = 1; (length = getline(&line, &room, f)) >= 0; number++) {
        size_t n = (size_t)length - (length > 0 && line[length - 1] == '\n');

        match_line(path, number, line, escaped ? unescape(line, n) : n);
    }
    free(line);
    if (f != stdin)
        fclose(f);
}

/* ---- the program ---- */

static bool number_option(const char *argument, const char *name, unsigned *out)
{
    size_t length = strlen(name);

    if (strncmp(argument, name, length) != 0)
        return false;
    *out = (unsigned)strtoul(argument + length, NULL, 10);
    return true;
}

static int take_options(int argc, char **argv)
{
    struct simg_error e;
    int i = 1;

    simg_cache_options_init(&options);
    if (simg_cache_option_env(&options, "REGEX_OPTIONS", &e) != SIMG_OK)
        fail("REGEX_OPTIONS", e.text);
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        enum simg_status status = simg_cache_option(&options, argv[i], &e);

        if (status == SIMG_OK || number_option(argv[i], "--hot=", &hot) ||
            number_option(argv[i], "--per-line=", &per_line) ||
            number_option(argv[i], "--aot=", &aot))
            continue;
        if (strcmp(argv[i], "--escaped") == 0)
            escaped = true;
        else if (strcmp(argv[i], "--all") == 0)
            compile_all = true;
        else if (strcmp(argv[i], "--stats") == 0)
            stats = true;
        else
            fail(argv[i], status == SIMG_ERR_NOT_FOUND ? "no such option" : e.text);
    }
    if (argc - i < 1)
        fail("usage", "regex [OPTION...] RULES FILE...");
    return i;
}

static long long microseconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void print_counts(void)
{
    unsigned long machine = 0, executed = 0, queued = 0, refused = 0;
    unsigned long long machine_bytes = 0;

    for (uint64_t i = 0; i < patterns_count(&patterns); i++) {
        const struct pattern *x = patterns_get(&patterns, i);

        machine += x->machine != NULL;
        machine_bytes += x->machine_size;
        executed += x->calls > 0;
        queued += x->queued;
        refused += x->refused;
    }
    fprintf(stderr,
            "%llu rules, %lu with machine code of %llu bytes, %u compiled, %lu queued, "
            "%lu refused, %lu executed, %lu tried, %lu matches\n",
            (unsigned long long)patterns_count(&patterns), machine, machine_bytes,
            patterns.compiled, queued, refused, executed, tried, matches);
}

int main(int argc, char **argv)
{
    long long start = microseconds(CLOCK_MONOTONIC);
    long long cpu = microseconds(CLOCK_PROCESS_CPUTIME_ID);
    int first = take_options(argc, argv);
    struct simg_cache_status s;
    struct simg_error e;
    enum simg_status status = SIMG_OK;

    open_rules(argv[first]);
    ready = microseconds(CLOCK_MONOTONIC) - start;
    ready_cpu = microseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    data = pcre2_match_data_create(64, NULL);
    context = pcre2_match_context_create(NULL);
    if (!data || !context)
        fail("PCRE2", "no memory");
    pcre2_jit_stack_assign(context, NULL, pcre2_jit_stack_create(32768, 1 << 20, NULL));
    pcre2_set_match_limit(context, 200000);
    for (int i = first + 1; i < argc; i++)
        match_file(argv[i]);
    if (stats)
        print_counts();
    status = patterns_close(&patterns, &s, &e);
    if (stats)
        fprintf(stderr,
                "load %s in %llu us, %u and %ld words patched; store %s, %llu bytes; "
                "ready in %lld us, %lld of CPU\n",
                simg_verdict_text((enum simg_verdict)s.load), (unsigned long long)s.load_us,
                (unsigned)s.patched, patterns.moved, simg_verdict_text((enum simg_verdict)s.store),
                (unsigned long long)s.store_bytes, ready, ready_cpu);
    if (status != SIMG_OK)
        fail("cache", e.text);
    simg_cache_options_free(&options);
    return matches ? 0 : 1;
}
