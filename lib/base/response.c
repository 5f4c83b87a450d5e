/* SPDX-License-Identifier: GPL-3.0-or-later */
/* response.c - arguments from files: "@FILE". */

#include "response.h"

#include "file.h"

#include <string.h>
#include <unistd.h>

#if HAVE_LIBIBERTY_DEMANGLE_H
#include <libiberty/libiberty.h>
#else
#include <libiberty.h>
#endif

/* What no sane build needs; without it, files that name others twice each
   would grow without end. */
enum { MAX_DEPTH = 64, MAX_FILES = 2000, MAX_ARGUMENTS = 1 << 22 };

/* A file whose arguments are being read, and who asked for it. */
struct source {
    const struct source *up;
    const char *path;
    unsigned depth;
};

struct reader {
    struct diag *d;
    struct arena *a;
    void *argv;
    uint64_t argc, cap;
    unsigned files;
};

static bool add_argument(struct reader *r, char *arg)
{
    if (r->argc >= MAX_ARGUMENTS)
        return diag_fail(r->d, E_NOMEM, "more than %d arguments", MAX_ARGUMENTS);
    if (!arena_grow(r->a, &r->argv, r->argc, &r->cap, sizeof arg))
        return diag_nomem(r->d);
    ((char **)r->argv)[r->argc++] = arg;
    return true;
}

/* Add the arguments of S, whose text is TEXT. */
static bool add_text(struct reader *r, const struct source *s, const char *text);

static bool add_file(struct reader *r, const struct source *up, const char *path)
{
    struct source s = {up, path, up ? up->depth + 1 : 1};
    struct file file = {0};
    char *text = NULL;
    bool ok = true;

    for (; up; up = up->up)
        if (strcmp(up->path, path) == 0)
            return diag_fail(r->d, E_USAGE, "@%s: the file asks for itself", path);
    if (s.depth > MAX_DEPTH || r->files++ == MAX_FILES)
        return diag_fail(r->d, E_USAGE, "@%s: too many response files", path);
    if (!file_open(r->d, path, &file))
        return false;
    if (file.data.size && memchr(file.data.at, 0, file.data.size))
        ok = diag_fail(r->d, E_USAGE, "@%s: not a text", path);
    else if (!(text = arena_strndup(r->a, file.data.size ? (const char *)file.data.at : "",
                                    file.data.size)))
        ok = diag_nomem(r->d);
    file_close(&file);
    return ok && add_text(r, &s, text);
}

/* "@FILE", but for Mach-O's "@rpath/NAME" and its kin, unless there is such a
   file. */
static bool is_response(const char *arg)
{
    static const char *const places[] = {"@rpath/", "@loader_path/", "@executable_path/"};

    if (arg[0] != '@' || !arg[1])
        return false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (!strncmp(arg, places[i], strlen(places[i])))
            return access(arg + 1, R_OK) == 0;
    return true;
}

static bool add_text(struct reader *r, const struct source *s, const char *text)
{
    char **words = buildargv(text);
    bool ok = true;

    for (char **w = words; ok && w && *w; w++) {
        char *word = arena_strdup(r->a, *w);

        if (!word)
            ok = diag_nomem(r->d);
        else
            ok = is_response(word) ? add_file(r, s, word + 1) : add_argument(r, word);
    }
    freeargv(words);
    return ok;
}

bool response_expand(struct diag *d, struct arena *a, int *argc, char ***argv)
{
    struct reader r = {.d = d, .a = a};

    for (int i = 0; i < *argc; i++) {
        char *arg = (*argv)[i];

        if (i > 0 && is_response(arg) ? !add_file(&r, NULL, arg + 1) : !add_argument(&r, arg))
            return false;
    }
    *argc = (int)r.argc;
    *argv = r.argv;
    return true;
}
