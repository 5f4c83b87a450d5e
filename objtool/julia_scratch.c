/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_scratch.c - temporaries. */

#include "julia_scratch.h"

#include "base/file.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *scratch_real(struct diag *d, struct arena *a, const char *path)
{
    char *real = realpath(path, NULL), *copy = NULL;

    if (!real) {
        diag_fail(d, E_SYSTEM, "%s: %s", path, strerror(errno));
        return NULL;
    }
    copy = arena_strdup(a, real);
    free(real);
    if (!copy)
        diag_nomem(d);
    return copy;
}

char *scratch_make(struct diag *d, struct arena *a, const char *output)
{
    const char *slash = output ? strrchr(output, '/') : NULL, *temp = getenv("TMPDIR");
    const char *dir = !output ? (temp && *temp ? temp : "/tmp")
                      : slash ? arena_strndup(a, output, (size_t)(slash - output) + 1)
                              : ".";
    const char *real = dir ? scratch_real(d, a, dir) : NULL;
    char *path = real ? arena_printf(a, "%s/.objtool-julia-XXXXXX", real) : NULL;

    if (path && !mkdtemp(path)) {
        diag_fail(d, E_SYSTEM, "%s: cannot make a directory in it: %s", real, strerror(errno));
        return NULL;
    }
    if (!path && d->status == OK)
        diag_nomem(d);
    return path;
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *at)
{
    (void)s, (void)type, (void)at;
    remove(path);
    return 0;
}

void scratch_remove(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

bool scratch_write(struct diag *d, const char *path, const struct buf *text)
{
    struct output out;
    bool ok = false;

    if (text->bad)
        return diag_nomem(d);
    ok = output_begin(d, path, text->size, &out);
    if (ok && !output_write(&out, text->at, text->size, 0))
        ok = diag_fail(d, E_SYSTEM, "%s: cannot write: %s", path, strerror(errno));
    ok = ok && output_commit(d, &out, 0666);
    output_abandon(&out);
    return ok;
}
