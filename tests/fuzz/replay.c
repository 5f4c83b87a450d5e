/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replay.c - run a fuzz target without libFuzzer, as a plain test.
 *
 *   replay_X            over tests/fuzz/corpus/X, each input also cut at every length and
 *                       with bytes changed, and over bytes of chance (the same each time)
 *   replay_X FILE...    over these files as they are: what a fuzzer found
 *
 * The corpus is text: NAME.hex has pairs of hex digits; "#" starts a comment; NAME.txt is
 * taken as it is.  A target crashes, or all is well; there is nothing else to check. */

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_CUT = 4096, EDITS = 2000, RANDOM_INPUTS = 5000, RANDOM_SIZE = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t runs;

/* Run on a copy in a block of exactly SIZE bytes, so that a sanitizer sees any read past it. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    runs++;
}

/* xorshift64: the same numbers on every machine. */
static uint64_t chance(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint8_t *slurp(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t cap = 0, n = 0;

    *size = 0;
    if (!f) {
        perror(path);
        exit(1);
    }
    do {
        cap = cap * 2 + 4096;
        bytes = realloc(bytes, cap);
        if (!bytes)
            abort();
        n = fread(bytes + *size, 1, cap - *size, f);
        *size += n;
    } while (n > 0);
    fclose(f);
    return bytes;
}

/* Turn hex digits into bytes in place; returns their number. */
static size_t from_hex(const char *path, uint8_t *text, size_t size)
{
    size_t digits = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned value = 0;

        if (text[i] == '#') {
            while (i < size && text[i] != '\n')
                i++;
            continue;
        }
        if (isspace(text[i]))
            continue;
        if (!isxdigit(text[i])) {
            fprintf(stderr, "%s: byte %zu is no hex digit\n", path, i);
            exit(1);
        }
        value = isdigit(text[i]) ? text[i] - (unsigned)'0'
                                 : (unsigned)tolower(text[i]) - (unsigned)'a' + 10;
        if (digits % 2)
            text[digits / 2] = (uint8_t)(text[digits / 2] | value);
        else
            text[digits / 2] = (uint8_t)(value << 4);
        digits++;
    }
    if (digits % 2) {
        fprintf(stderr, "%s: half a byte at the end\n", path);
        exit(1);
    }
    return digits / 2;
}

static void run_variants(uint8_t *bytes, size_t size)
{
    run(bytes, size);
    for (size_t n = 0; n < size && n < LONGEST_CUT; n++)
        run(bytes, n);
    for (int i = 0; size > 0 && i < EDITS; i++) {
        size_t at = chance() % size;
        uint8_t was = bytes[at];

        bytes[at] = (uint8_t)chance();
        run(bytes, size);
        if (chance() % 4) /* one in four stays, so that changes add up */
            bytes[at] = was;
    }
}

static void run_corpus(const char *dir_path)
{
    DIR *dir = opendir(dir_path);
    const struct dirent *e = NULL;

    while (dir && (e = readdir(dir))) {
        const char *dot = strrchr(e->d_name, '.');
        uint8_t *bytes = NULL;
        char *path = NULL;
        size_t size = 0;
        bool hex = dot && strcmp(dot, ".hex") == 0;

        if (!hex && (!dot || strcmp(dot, ".txt") != 0))
            continue;
        if (asprintf(&path, "%s/%s", dir_path, e->d_name) < 0)
            abort();
        bytes = slurp(path, &size);
        run_variants(bytes, hex ? from_hex(path, bytes, size) : size);
        free(bytes);
        free(path);
    }
    if (dir)
        closedir(dir);
}

int main(int argc, char **argv)
{
    const char *name = strstr(argv[0], "replay_");
    const char *top = getenv("top_srcdir");
    uint8_t bytes[RANDOM_SIZE];
    char *dir = NULL;

    for (int i = 1; i < argc; i++) {
        size_t size = 0;
        uint8_t *file = slurp(argv[i], &size);

        run(file, size);
        free(file);
    }
    if (argc > 1)
        return 0;

    while (name && strstr(name + 1, "replay_"))
        name = strstr(name + 1, "replay_");
    if (!name) {
        fprintf(stderr, "replay: my name should be replay_ and the target's\n");
        return 2;
    }
    if (asprintf(&dir, "%s/tests/fuzz/corpus/%s", top ? top : ".", name + 7) < 0)
        abort();
    run_corpus(dir);
    free(dir);
    for (int i = 0; i < RANDOM_INPUTS; i++) {
        size_t size = chance() % (sizeof bytes + 1);

        for (size_t k = 0; k < size; k++)
            bytes[k] = (uint8_t)chance();
        run(bytes, size);
    }
    printf("%s: %llu inputs\n", name + 7, (unsigned long long)runs);
    return 0;
}
