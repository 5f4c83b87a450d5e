/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pcre2probe.c - probes for the patterns of examples/regex, written as pcre2test's input and
 * answered as pcre2test does (tests/e2e/engine-regex.sh).
 *
 *   pcre2probe [--interpret] [--again] [--free] [--engine.X=...] FILE
 *
 * FILE has /PATTERN/MODIFIERS, then lines that it is matched with, which begin with blanks, then an
 * empty line.  All patterns get machine code, unless --interpret.  --again: each is compiled once
 * more, to new code, and has to do the same.  --free: all patterns are freed at the end, and the
 * blocks that are left counted. */
#define _GNU_SOURCE
#include "patterns.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct patterns patterns;
static struct simg_cache_options options;
static bool interpret, again, free_all, utf, global, mark, quiet;
static uint64_t number; /* of the pattern */
static pcre2_match_data *data;
static pcre2_match_context *context;
static unsigned long callouts;

static void fail(const char *what)
{
    fprintf(stderr, "pcre2probe: pattern %llu: %s\n", (unsigned long long)number, what);
    exit(2);
}

static int count_callout(pcre2_callout_block *b, void *arg)
{
    (void)arg;
    callouts = callouts * 31 + b->callout_number + b->current_position;
    return 0;
}

/* ---- as pcre2test prints it ---- */

static void print_text(const char *from, size_t length)
{
    const unsigned char *p = (const unsigned char *)from, *end = p + length;

    while (p < end) {
        unsigned c = *p++;

        if (utf && c >= 0xc0) {
            c &= c >= 0xf0 ? 0x07 : c >= 0xe0 ? 0x0f : 0x1f;
            for (; p < end && (*p & 0xc0) == 0x80; p++)
                c = c << 6 | (*p & 0x3f);
        }
        if (c >= 32 && c < 127)
            putchar((int)c);
        else
            printf(utf && c >= 256 ? "\\x{%x}" : utf && c >= 128 ? "\\x{%02x}" : "\\x%02x", c);
    }
    putchar('\n');
}

static void print_match(const char *subject, int count)
{
    const size_t *at = pcre2_get_ovector_pointer(data);

    for (int i = 0; i < count; i++) {
        printf("%2d: ", i);
        if (at[2 * i] == PCRE2_UNSET)
            printf("<unset>\n");
        else
            print_text(subject + at[2 * i], at[2 * i + 1] - at[2 * i]);
    }
}

static void print_mark(bool no_match)
{
    PCRE2_SPTR text = mark ? pcre2_get_mark(data) : NULL;

    if (no_match)
        printf(text ? "No match, mark = %s\n" : "No match\n", (const char *)text);
    else if (text)
        printf("MK: %s\n", (const char *)text);
}

/* All matches, or the first; the options after an empty one are those of pcre2test. */
static void match(struct pattern *x, const char *subject, size_t length, uint32_t flags)
{
    size_t start = 0;
    uint32_t more = 0;

    for (bool first = true;; first = false) {
        int count =
            patterns_match(&patterns, x, subject, length, start, flags | more, data, context);
        const size_t *at = pcre2_get_ovector_pointer(data);

        if (count == PCRE2_ERROR_NOMATCH && more) {
            do
                start++;
            while (utf && start < length && (subject[start] & 0xc0) == 0x80);
            more = 0;
            if (start > length)
                return;
            continue;
        }
        if (quiet || (count == PCRE2_ERROR_NOMATCH && !first))
            ;
        else if (count == PCRE2_ERROR_NOMATCH) {
            print_mark(true);
        } else if (count == PCRE2_ERROR_PARTIAL) {
            printf("Partial match: ");
            print_text(subject + at[0], at[1] - at[0]);
        } else if (count < 0) {
            char text[128];

            pcre2_get_error_message(count, (PCRE2_UCHAR *)text, sizeof text);
            printf("Failed: error %d: %s\n", count, text);
        } else {
            print_match(subject, count);
            print_mark(false);
        }
        if (count < 0 || !global)
            return;
        more = at[0] == at[1] ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
        start = at[1];
        if (more && start == length)
            return;
    }
}

/* ---- the file ---- */

static uint32_t modifiers(char *text)
{
    static const struct {
        const char *name;
        uint32_t flags;
    } all[] = {{"utf", PCRE2_UTF}, {"ucp", PCRE2_UCP}, {"anchored", PCRE2_ANCHORED},
               {"dupnames", PCRE2_DUPNAMES}, {"auto_callout", PCRE2_AUTO_CALLOUT},
               {"dollar_endonly", PCRE2_DOLLAR_ENDONLY}, {"ungreedy", PCRE2_UNGREEDY}};
    uint32_t flags = 0;

    utf = global = mark = false;
    for (char *m = strtok(text, ","); m; m = strtok(NULL, ",")) {
        size_t i = 0;

        while (i < sizeof all / sizeof *all && strcmp(all[i].name, m) != 0)
            i++;
        if (i < sizeof all / sizeof *all)
            flags |= all[i].flags;
        else if (strcmp(m, "mark") == 0)
            mark = true;
        else
            for (; *m; m++)
                switch (*m) {
                case 'i': flags |= PCRE2_CASELESS; break;
                case 'm': flags |= PCRE2_MULTILINE; break;
                case 's': flags |= PCRE2_DOTALL; break;
                case 'x': flags |= PCRE2_EXTENDED; break;
                case 'g': global = true; break;
                default: fail("an unknown modifier");
                }
    }
    utf = (flags & PCRE2_UTF) != 0;
    return flags;
}

static size_t put_character(char *out, unsigned long c)
{
    if (!utf || c < 0x80)
        return out[0] = (char)c, 1;
    if (c < 0x800)
        return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000)
        return out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)),
               out[2] = (char)(0x80 | (c & 63)), 3;
    return out[0] = (char)(0xf0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63)),
           out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63)), 4;
}

/* LINE without its blanks; \= begins options. */
static void subject(struct pattern *x, const char *line)
{
    char out[4096];
    size_t n = 0;
    uint32_t flags = 0;

    for (const char *p = line; *p && n < sizeof out - 8; p++) {
        char *end = NULL;

        if (*p != '\\') {
            out[n++] = *p;
            continue;
        }
        switch (*++p) {
        case 'n': out[n++] = '\n'; break;
        case 'r': out[n++] = '\r'; break;
        case 't': out[n++] = '\t'; break;
        case 'x':
            n += put_character(out + n, strtoul(p + 2, &end, 16)); /* \x{...} */
            p = end;
            break;
        case '=':
            flags = strcmp(p + 1, "ps") == 0   ? PCRE2_PARTIAL_SOFT
                    : strcmp(p + 1, "ph") == 0 ? PCRE2_PARTIAL_HARD
                                               : 0;
            p += strlen(p) - 1;
            break;
        default: out[n++] = *p;
        }
    }
    match(x, out, n, flags);
}

static struct pattern *pattern_of(char *line)
{
    char *end = strrchr(line, '/');
    uint32_t flags = modifiers(end + 1);
    int error = 0;
    size_t offset = 0;
    struct pattern *x = NULL;

    if (!again && number < patterns_count(&patterns))
        return patterns_get(&patterns, number++);
    number++;
    x = patterns_add(&patterns, line, (uint32_t)number, line + 1, (size_t)(end - line - 1), flags,
                     &error, &offset);
    if (!x)
        fail("it is no pattern");
    if (!interpret && !patterns_compile(&patterns, x))
        fail("it has no machine code");
    return x;
}

static void run(const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL, *copy = NULL;
    size_t room = 0;
    struct pattern *x = NULL;

    if (!f)
        fail("no file");
    number = 0;
    while (getline(&line, &room, f) >= 0) {
        char *text = line + strspn(line, " ");

        if (!quiet)
            fputs(line, stdout);
        line[strcspn(line, "\n")] = 0;
        if (*line == '/') {
            free(copy);
            x = pattern_of(copy = strdup(line));
        } else if (*text && text > line) {
            subject(x, text);
        }
    }
    free(copy);
    free(line);
    fclose(f);
}

int main(int argc, char **argv)
{
    const char *file = NULL;
    struct simg_cache_status s;
    struct simg_error e;

    simg_cache_options_init(&options);
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--interpret") == 0)
            interpret = true;
        else if (strcmp(argv[i], "--again") == 0)
            again = true;
        else if (strcmp(argv[i], "--free") == 0)
            free_all = true;
        else if (simg_cache_option(&options, argv[i], &e) != SIMG_OK)
            file = argv[i];
    if (!file || patterns_open(&patterns, &options, "", &e) != SIMG_OK)
        fail(file ? e.text : "usage: see the source");
    data = pcre2_match_data_create(64, NULL);
    context = pcre2_match_context_create(NULL);
    pcre2_set_callout(context, count_callout, NULL);
    pcre2_set_match_limit(context, 1000000);
    run(file);
    fprintf(stderr, "%llu patterns, %u compiled, callouts %lx\n",
            (unsigned long long)patterns_count(&patterns), patterns.compiled, callouts);
    if (free_all)
        patterns_clear(&patterns);
    patterns_close(&patterns, &s, &e);
    fprintf(stderr, "load %s, store %s, %ld words patched, %llu blocks left\n",
            simg_verdict_text((enum simg_verdict)s.load),
            simg_verdict_text((enum simg_verdict)s.store),
            patterns.moved, (unsigned long long)s.live_blocks);
    return 0;
}
