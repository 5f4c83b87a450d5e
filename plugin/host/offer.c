/* SPDX-License-Identifier: GPL-3.0-or-later */
/* offer.c - the inputs on a linker's command line, offered to the plugin. */

#include "plugin/host/host.h"

#include "base/bytes.h"
#include "base/file.h"
#include "heap/container.h"
#include "obj/archive.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool offer_bytes(struct host *h, const char *name, const struct file *file,
                        struct span bytes, int *claimed)
{
    struct plugin_input input = {.name = name,
                                 .fd = file->fd,
                                 .offset = (off_t)(bytes.at - file->data.at),
                                 .size = (off_t)bytes.size,
                                 .handle = h};

    h->view = bytes.at;
    *claimed = 0;
    return h->claim(&input, claimed) == LDPS_OK;
}

/* Heaps in an archive are taken whole, as they have no other use; other
   members are the linker's to choose. */
static bool offer_members(struct host *h, const char *path, const struct file *file, bool *some)
{
    struct where here = {NULL, path, NO_INDEX};
    struct archive ar = {0};
    bool ok = false;
    int claimed = 0;

    h->diag.where = &here;
    ok = archive_read(&h->diag, &h->arena, file->data, &ar);
    h->diag.where = NULL;
    for (uint32_t i = 0; ok && !ar.thin && i < ar.member_count; i++)
        if (heap_is(ar.members[i].data)) {
            ok = offer_bytes(h, arena_printf(&h->arena, "%s(%s)", path, ar.members[i].name), file,
                             ar.members[i].data, &claimed);
            *some = true;
        }
    return ok;
}

/* The file of word I; what cannot be opened is the linker's to complain about. */
static bool offer(struct host *h, uint64_t i, const char *path)
{
    struct file *file = arena_alloc(&h->arena, 1, sizeof *file);
    struct diag quiet = {0};
    bool some = false; /* members are ours */
    int claimed = 0;

    if (!file)
        return diag_nomem(&h->diag);
    if (!file_open(&quiet, path, file))
        return true;
    if (archive_is(file->data) ? !offer_members(h, path, file, &some)
                               : !offer_bytes(h, path, file, file->data, &claimed))
        return false;
    if (!claimed && !some) {
        file_close(file); /* a link may have thousands */
        return true;
    }
    h->words[i].gone = claimed;
    h->place = h->place ? h->place : i;
    return true;
}

/* What -lNAME means: NULL if it is not in a -L directory. */
static const char *library(struct host *h, const char *name)
{
    for (uint64_t d = 0; d < h->dir_count; d++)
        for (unsigned archive = 0; archive < 2; archive++) {
            const char *path =
                *name == ':' ? arena_printf(&h->arena, "%s/%s", h->dirs[d], name + 1)
                             : arena_printf(&h->arena, "%s/lib%s.%s", h->dirs[d], name,
                                            archive ? "a" : "so");

            if (path && access(path, R_OK) == 0)
                return path;
        }
    return NULL;
}

/* Options whose value is the next word, and may look like an input. */
static bool has_value(const char *text)
{
    static const char *const options[] = {"-o",  "-m",  "-soname", "-h",     "-rpath", "-z",
                                          "-e",  "-u",  "-T",      "-L",     "-Map",   "-y",
                                          "-plugin", "-dynamic-linker", "-init", "-fini", "-I",
                                          "-rpath-link", "-version-script", "-dynamic-list",
                                          "-exclude-libs", "-wrap", "-defsym", "-plugin-opt"};

    text += text[0] == '-' && text[1] == '-';
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!strcmp(text, options[i]))
            return true;
    return false;
}

bool host_offer_inputs(struct host *h)
{
    for (uint64_t i = 1; i < h->count; i++) {
        const char *text = h->words[i].text, *path = NULL;

        if (h->words[i].gone)
            continue;
        if (text[0] != '-')
            path = text;
        else if (!strcmp(text, "-l") && i + 1 < h->count)
            path = library(h, h->words[i + 1].text);
        else if (text[1] == 'l')
            path = library(h, text + 2);
        if (path && !offer(h, i, path))
            return false;
        if (text[0] == '-' && (has_value(text) || !strcmp(text, "-l"))) {
            h->words[i + 1 < h->count ? i + 1 : i].gone |= h->words[i].gone;
            i++;
        }
    }
    return true;
}
