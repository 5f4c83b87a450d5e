/* SPDX-License-Identifier: GPL-3.0-or-later */
/* line.c - the linker's command line.
 *
 * The plugin interface tells of a file only when the linker wants it.  What is
 * named on the command line and not wanted, only the command line tells. */

#include "plugin/line.h"

#include "base/buf.h"
#include "base/response.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool read_all(struct diag *d, struct buf *out)
{
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    uint8_t piece[4096];
    ssize_t got = 0;

    while (fd >= 0 && ((got = read(fd, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR)))
        if (got > 0)
            buf_bytes(out, piece, (uint64_t)got);
    if (fd < 0 || got < 0)
        diag_fail(d, E_SYSTEM, "/proc/self/cmdline: cannot be read: %s", strerror(errno));
    else if (out->bad)
        diag_nomem(d);
    if (fd >= 0)
        close(fd);
    return fd >= 0 && got == 0 && !out->bad;
}

bool line_read(struct diag *d, struct arena *a, struct line *out)
{
    struct buf text = {0};
    bool ok = read_all(d, &text);
    char *copy = ok ? arena_strndup(a, (const char *)text.at, text.size) : NULL;
    uint64_t count = 0;

    *out = (struct line){0};
    for (uint64_t i = 0; ok && i < text.size; i++)
        count += !text.at[i];
    if (copy)
        memcpy(copy, text.at, text.size);
    if (ok && (!copy || !(out->words = arena_alloc(a, count + 1, sizeof *out->words))))
        ok = diag_nomem(d);
    for (uint64_t i = 0; ok && i < text.size; i += strlen(copy + i) + 1)
        out->words[out->count++] = copy + i;
    buf_free(&text);
    return ok && response_expand(d, a, &out->count, &out->words);
}

/* Those that GNU ld, gold, lld and mold know and whose value may look like an
   input. */
bool line_takes_value(const char *text)
{
    /* clang-format off */
    static const char *const options[] = {
        "-A", "-F", "-G", "-I", "-L", "-Map", "-P", "-R", "-T", "-Tbss", "-Tdata", "-Ttext",
        "-Ttext-segment", "-Y", "-assert", "-auxiliary", "-b", "-c", "-defsym", "-dynamic-linker",
        "-dynamic-list", "-e", "-entry", "-exclude-libs", "-export-dynamic-symbol",
        "-export-dynamic-symbol-list", "-f", "-filter", "-fini", "-format", "-h", "-image-base",
        "-init", "-just-symbols", "-l", "-library", "-library-path", "-m", "-o", "-oformat",
        "-output", "-plugin", "-plugin-opt", "-real-ld", "-retain-symbols-file", "-rpath",
        "-rpath-link", "-script", "-section-ordering-file", "-section-start", "-soname", "-sysroot",
        "-u", "-undefined", "-version-script", "-wrap", "-y", "-z"};
    /* clang-format on */

    text += text[0] == '-' && text[1] == '-';
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!strcmp(text, options[i]))
            return true;
    return false;
}

bool line_is(const char *text, const char *name)
{
    return text[0] == '-' && !strcmp(text + 1 + (text[1] == '-'), name);
}

const char *line_value(const struct line *line, int i, const char *name, int *used)
{
    const char *text = line->words[i];
    size_t len = strlen(name);

    *used = 1;
    if (*text++ != '-')
        return NULL;
    text += *text == '-';
    if (strncmp(text, name, len) != 0)
        return NULL;
    if (text[len] == '=')
        return text + len + 1;
    *used = 2;
    return !text[len] && i + 1 < line->count ? line->words[i + 1] : NULL;
}

const char *line_next_path(const struct line *line, int *i)
{
    for (int n = *i + 1; n < line->count; n++) {
        if (line->words[n][0] != '-') {
            *i = n;
            return line->words[n];
        }
        n += line_takes_value(line->words[n]);
    }
    return NULL;
}

/* ---- libraries ---- */

/* Is only lib*.a looked for at word END? */
static bool is_static(const struct line *line, int end)
{
    static const char *const on[] = {"-Bstatic", "-static", "-dn", "-non_shared"};
    static const char *const off[] = {"-Bdynamic", "-dy", "-call_shared"};
    bool state = false;

    for (int i = 1; i < end; i++) {
        const char *text = line->words[i];

        text += text[0] == '-' && text[1] == '-';
        for (size_t n = 0; n < sizeof on / sizeof *on; n++)
            state = state || !strcmp(text, on[n]);
        for (size_t n = 0; n < sizeof off / sizeof *off; n++)
            state = state && strcmp(text, off[n]) != 0;
    }
    return state;
}

/* The directory that word I adds to the search; NULL if it adds none. */
static const char *directory(const struct line *line, int i)
{
    const char *text = line->words[i];
    int used = 0;

    if (!strcmp(text, "-L"))
        return i + 1 < line->count ? line->words[i + 1] : NULL;
    return !strncmp(text, "-L", 2) ? text + 2 : line_value(line, i, "library-path", &used);
}

static const char *in_directory(struct arena *a, const char *dir, const char *name,
                                const char *suffix)
{
    const char *path = *name == ':' ? arena_printf(a, "%s/%s", dir, name + 1)
                                    : arena_printf(a, "%s/lib%s%s", dir, name, suffix);

    return path && access(path, R_OK) == 0 ? path : NULL;
}

const char *line_library(const struct line *line, struct arena *a, int i)
{
    const char *name = line->words[i];
    bool only_static = false;
    int used = 0;

    if (!strcmp(name, "-l"))
        name = i + 1 < line->count ? line->words[i + 1] : NULL;
    else if (!strncmp(name, "-l", 2))
        name += 2;
    else
        name = line_value(line, i, "library", &used);
    if (!name)
        return NULL;
    only_static = is_static(line, i);
    for (int n = 1; n < line->count; n++) {
        const char *dir = directory(line, n), *path = NULL;

        if (dir && ((!only_static && (path = in_directory(a, dir, name, ".so"))) ||
                    (path = in_directory(a, dir, name, ".a"))))
            return path;
        n += line_takes_value(line->words[n]);
    }
    return NULL;
}
