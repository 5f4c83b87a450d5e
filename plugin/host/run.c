/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run.c - find the linker, and run it. */

#include "plugin/host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- which ---- */

static bool is_self(const char *path)
{
    struct stat a, b;

    return stat(path, &a) == 0 && stat("/proc/self/exe", &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* NAME on the PATH, but not this program; NULL if there is none. */
static const char *find(struct host *h, const char *name)
{
    const char *path = getenv("PATH");

    while (path && *path) {
        size_t len = strcspn(path, ":");
        const char *file = arena_printf(&h->arena, "%.*s/%s", (int)len, path, name);

        if (file && access(file, X_OK) == 0 && !is_self(file))
            return file;
        path += len + (path[len] == ':');
    }
    return NULL;
}

/* Under a linker's name the next of that name; else lld, for which this is. */
static const char *default_name(const struct host *h)
{
    const char *self = h->line.words[0], *slash = strrchr(self, '/');

    self = slash ? slash + 1 : self;
    return !strcmp(self, "ld.sysimage") ? "ld.lld" : self;
}

static const char *linker(struct host *h)
{
    const char *name = h->real ? h->real : getenv("SYSIMAGE_REAL_LD");
    const char *path = NULL;

    if (!name || !*name)
        name = default_name(h);
    path = strchr(name, '/') ? name : find(h, name);
    if (!path)
        diag_fail(&h->diag, E_SYSTEM, "%s: no such linker on the PATH; --real-ld names another",
                  name);
    else if (is_self(path))
        return diag_fail(&h->diag, E_USAGE, "%s: is ld.sysimage itself", path), NULL;
    return path;
}

/* ---- with what ---- */

/* Where the plugin's objects go: in place of what it claimed; else before the
   first library, so that these are searched for what the objects need. */
static int place_of(const struct host *h)
{
    if (h->place)
        return h->place;
    for (int i = 1; i < h->line.count; i++)
        if (!h->gone[i] && !strncmp(h->line.words[i], "-l", 2))
            return i;
    return h->line.count;
}

static bool write_word(FILE *out, const char *word)
{
    bool ok = fputc('"', out) >= 0;

    for (; ok && *word; word++)
        ok = (!strchr("\"\\", *word) || fputc('\\', out) >= 0) && fputc(*word, out) >= 0;
    return ok && fputs("\"\n", out) >= 0;
}

/* ARGV's words as a file, as they came in one: they may be too many otherwise. */
static bool in_file(struct host *h, char **argv)
{
    int fd = memfd_create("arguments", 0);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool ok = out != NULL;

    for (uint64_t i = 1; ok && argv[i]; i++)
        ok = write_word(out, argv[i]);
    if (!ok || fflush(out) != 0)
        return diag_fail(&h->diag, E_SYSTEM, "the linker's arguments: %s", strerror(errno));
    argv[1] = arena_printf(&h->arena, "@/proc/self/fd/%d", fd);
    argv[2] = NULL;
    return argv[1] || diag_nomem(&h->diag);
}

/* What the linker ended with, as a shell has it. */
static int wait_for(struct host *h, pid_t child)
{
    int status = 0;
    pid_t got = 0;

    do
        got = waitpid(child, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return diag_fail(&h->diag, E_SYSTEM, "the linker: %s", strerror(errno)), 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int host_run(struct host *h)
{
    pid_t child = 0;
    const char *path = linker(h), *base = path ? host_base_option(h, path) : NULL;
    char **argv =
        arena_alloc(&h->arena, (uint64_t)h->line.count + h->added_count + 4, sizeof *argv);
    uint64_t n = 0;
    int place = place_of(h);

    if (!path)
        return 1;
    if (!argv)
        return diag_nomem(&h->diag), 1;
    argv[n++] = (char *)(uintptr_t)path;
    if (base)
        argv[n++] = (char *)(uintptr_t)base;
    for (int i = 1; i <= h->line.count; i++) {
        for (uint64_t k = 0; i == place && k < h->added_count; k++)
            argv[n++] = (char *)(uintptr_t)h->added[k];
        if (i < h->line.count && !h->gone[i])
            argv[n++] = h->line.words[i];
    }
    if (h->response && n > 2 && !in_file(h, argv))
        return 1;
    /* Without a heap there is nothing to look at afterwards. */
    child = h->added_count ? fork() : 0;
    if (child > 0)
        return wait_for(h, child);
    if (child == 0)
        execv(path, argv);
    diag_fail(&h->diag, E_SYSTEM, "%s: cannot be started: %s", path, strerror(errno));
    if (h->added_count && child == 0)
        _exit(1);
    return 1;
}
