/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache_modules.c - find the programs and libraries of an image on this system.
 * Their files are read; nothing is loaded. */

#include "cache_modules.h"

#include "base/file.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void add(struct arena *a, struct cache_search *s, const char *path, size_t length)
{
    const char *copy = length ? arena_strndup(a, path, length) : NULL;

    if (copy && arena_grow(a, (void **)&s->directories, s->count, &s->cap, sizeof *s->directories))
        s->directories[s->count++] = copy;
}

/* Directories with colons between; $ORIGIN is where the program is. */
static void add_list(struct arena *a, struct cache_search *s, const char *list)
{
    static const char *const origins[] = {"$ORIGIN", "${ORIGIN}"};
    const char *slash = s->program ? strrchr(s->program, '/') : NULL;

    while (list && *list) {
        size_t length = strcspn(list, ":");
        bool done = false;

        for (int i = 0; i < 2 && s->program && !done; i++) {
            size_t n = strlen(origins[i]);
            const char *path = NULL;

            if (length < n || strncmp(list, origins[i], n) != 0)
                continue;
            path = arena_printf(a, "%.*s%.*s", slash ? (int)(slash - s->program) : 1,
                                slash ? s->program : ".", (int)(length - n), list + n);
            done = true;
            if (path)
                add(a, s, path, strlen(path));
        }
        if (!done)
            add(a, s, list, length);
        list += length + (list[length] == ':');
    }
}

static void add_program(struct arena *a, struct cache_search *s)
{
    struct diag quiet = {0};
    struct elf_image m;
    struct elf_file f;
    struct file file;
    uint64_t value = 0;

    if (!file_open(&quiet, s->program, &file))
        return;
    if (elf_is(file.data) && elf_open(&quiet, a, file.data, &f) &&
        elf_image_read(&quiet, a, &f, &m)) {
        if (elf_image_tag(&m, DT_RPATH, &value))
            add_list(a, s, elf_image_string(&m, value));
        if (elf_image_tag(&m, DT_RUNPATH, &value))
            add_list(a, s, elf_image_string(&m, value));
    }
    file_close(&file);
}

/* A line of ld.so.conf: a directory, or more such files. */
static void add_conf(struct arena *a, struct cache_search *s, const char *path, unsigned depth)
{
    FILE *in = depth < 4 ? fopen(path, "re") : NULL;
    char line[1024];

    while (in && fgets(line, sizeof line, in)) {
        char *at = line + strspn(line, " \t");
        size_t length = strcspn(at, " \t\r\n#");
        glob_t g;

        if (length == 7 && strncmp(at, "include", 7) == 0) {
            at += 7 + strspn(at + 7, " \t");
            at[strcspn(at, " \t\r\n#")] = 0;
            if (glob(at, 0, NULL, &g) != 0)
                continue;
            for (size_t i = 0; i < g.gl_pathc; i++)
                add_conf(a, s, g.gl_pathv[i], depth + 1);
            globfree(&g);
        } else if (*at == '/') {
            add(a, s, at, length);
        }
    }
    if (in)
        fclose(in);
}

void cache_search_begin(struct arena *a, const char *program, struct cache_search *out)
{
    static const char *const usual[] = {"/lib64", "/usr/lib64", "/lib", "/usr/lib"};

    *out = (struct cache_search){.program = program};
    add_list(a, out, getenv("LD_LIBRARY_PATH"));
    if (program)
        add_program(a, out);
    add_conf(a, out, "/etc/ld.so.conf", 0);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        add(a, out, usual[i], strlen(usual[i]));
}

/* The build of PATH, if there is such a file. */
static bool look(struct arena *a, const char *path, const struct heap_cache_module *m,
                 struct cache_module_file *out)
{
    struct cache_module_file now = {.path = path};
    struct diag quiet = {0};
    struct file file;
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || !file_open(&quiet, path, &file))
        return false;
    elf_build(a, file.data, now.build);
    file_close(&file);
    now.same = strcmp(now.build, m->build) == 0;
    if (now.same || !out->path)
        *out = now;
    return now.same;
}

bool cache_find_module(struct diag *d, struct arena *a, const struct cache_search *s,
                       const struct heap_cache_module *m, bool own, struct cache_module_file *out)
{
    *out = (struct cache_module_file){0};
    if (own && s->program) {
        look(a, s->program, m, out);
        return true;
    }
    /* "[program]" and the like are in no directory. */
    for (uint64_t i = 0; i < s->count && !strchr(m->name, '/') && *m->name && *m->name != '[';
         i++) {
        const char *path = arena_printf(a, "%s/%s", s->directories[i], m->name);

        if (!path)
            return diag_nomem(d);
        if (look(a, path, m, out))
            break;
    }
    return true;
}
