/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base.c - an address of its own for an image with heaps, so that the plugin
 * can relocate them when it is linked.  A plugin cannot ask its linker for
 * that; who writes the command line can. */

#include "plugin/host/host.h"

#include "heap/place.h"
#include "plugin/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The command line says itself where the image is to be, or how. */
static bool is_placed(const struct line *line)
{
    static const char *const options[] = {"image-base", "Ttext-segment", "Ttext", "T", "script"};

    for (int i = 1; i < line->count; i++) {
        const char *text = line->words[i];
        int used = 0;

        for (size_t n = 0; n < sizeof options / sizeof *options; n++)
            if (line_value(line, i, options[n], &used))
                return true;
        if (!strncmp(text, "-T", 2))
            return true;
    }
    return false;
}

/* What PATH prints for --version, at most ROOM bytes of it. */
static bool ask(const char *path, char *answer, size_t room)
{
    int ends[2] = {-1, -1}, status = 0;
    size_t have = 0;
    ssize_t got = 1;
    pid_t child = pipe(ends) == 0 ? fork() : -1;

    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(path, path, "--version", (char *)NULL);
        _exit(127);
    }
    if (ends[1] >= 0)
        close(ends[1]);
    while (child > 0 && got > 0 && have + 1 < room) {
        got = read(ends[0], answer + have, room - 1 - have);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            have += (size_t)got;
    }
    answer[have] = 0;
    if (ends[0] >= 0)
        close(ends[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return child > 0 && have > 0;
}

const char *host_base_option(struct host *h, const char *linker)
{
    static const struct {
        const char *said, *option;
    } rows[] = {
        {"mold", NULL}, /* says that it is compatible with GNU ld; libraries start at 0 */
        {"LLD", "--image-base"},
        {"GNU gold", "-Ttext-segment"},
        {"GNU ld", "-Ttext-segment"},
    };
    char answer[256];
    uint64_t place = 0;

    if (!h->shared || h->relocatable || !plugin.heap_count || is_placed(&h->line) ||
        !ask(linker, answer, sizeof answer))
        return NULL;
    place = heap_place_begin(h->soname);
    for (uint64_t i = 0; i < plugin.heap_count; i++)
        place = heap_place_add(place, plugin.heaps[i].heap);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strstr(answer, rows[i].said))
            return rows[i].option ? arena_printf(&h->arena, "%s=0x%llx", rows[i].option,
                                                 (unsigned long long)heap_place_address(place))
                                  : NULL;
    return NULL;
}
