/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cacheshow.c - an engine whose image has something of everything that "objtool
 * inspect" shows (tests/e2e/cache-tool.sh):
 *
 *   cacheshow SOURCE... OPTION...
 *
 * Each SOURCE is a file; function N of it is line N, has N + 1 calls and, if N is even,
 * 16 * (N + 1) bytes of code.  Lines are blocks of type "line", held by a block of type "file". */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysimage/cache.h>
#include <sysimage/format.h>

static struct simg_engine engine = {.size = sizeof engine,
                                    .name = "show",
                                    .version = "2.5",
                                    .build_flags = "-O2 plain",
                                    .inputs = "some inputs",
                                    .flags = SIMG_ENGINE_HAS_CODE,
                                    .reserve = 64 << 20,
                                    .code = 2 << 20};

struct file {
    struct file *next;
    char *lines[64];
};

static void die(const char *what)
{
    fprintf(stderr, "cacheshow: %s\n", what);
    exit(3);
}

static void add_line(struct simg_cache *c, struct file *f, uint32_t source, uint32_t n,
                     const char *text, uint8_t *code)
{
    char name[32];
    struct simg_function fn = {.name = name, .source = source, .line = n, .calls = n + 1};

    f->lines[n] = simg_arena_alloc(simg_cache_arena(c), strlen(text) + 1);
    if (!f->lines[n])
        die("the arena is full");
    strcpy(f->lines[n], text);
    simg_cache_type(c, f->lines[n], "line");
    snprintf(name, sizeof name, "line%u", n);
    fn.object = f->lines[n];
    fn.flags = SIMG_FUNCTION_EXECUTED;
    if (n % 2 == 0) {
        fn.flags |= SIMG_FUNCTION_COMPILED;
        fn.code = code + 1024 * n;
        fn.code_size = 16 * (n + 1);
        memset(fn.code, 0xcc, fn.code_size);
    }
    simg_cache_function(c, &fn);
}

static void add_file(struct simg_cache *c, const char *path)
{
    struct file *f = simg_arena_alloc(simg_cache_arena(c), sizeof *f);
    FILE *in = fopen(path, "r");
    static char text[65536];
    size_t size = in ? fread(text, 1, sizeof text - 1, in) : 0;
    uint8_t *code = simg_arena_code(simg_cache_arena(c), 65536);
    uint32_t source = 0, n = 0;

    if (!f || !in || !code)
        die(path);
    fclose(in);
    source = simg_cache_source(c, path, text, size, NULL);
    simg_cache_type(c, f, "file");
    f->next = simg_cache_root(c, "files");
    text[size] = 0;
    for (char *line = strtok(text, "\n"); line && n < 64; line = strtok(NULL, "\n"))
        add_line(c, f, source, n++, line, code);
    simg_arena_protect(simg_cache_arena(c), code, 65536, SIMG_PROT_R | SIMG_PROT_X);
    simg_cache_set_root(c, "files", f);
}

int main(int argc, char **argv)
{
    struct simg_cache_options options;
    struct simg_cache *c = NULL;
    struct simg_error e;
    int files = 1;

    simg_cache_options_init(&options);
    while (files < argc && argv[files][0] != '-')
        files++;
    for (int i = files; i < argc; i++)
        if (simg_cache_option(&options, argv[i], &e) != SIMG_OK)
            die(e.text);
    if (simg_cache_open(&engine, &options, &c, &e) != SIMG_OK)
        die(e.text);
    for (int i = 1; i < files; i++)
        add_file(c, argv[i]);
    if (simg_cache_close(c, &e) != SIMG_OK)
        die(e.text);
    simg_cache_options_free(&options);
    return 0;
}
