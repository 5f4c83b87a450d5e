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
static bool offer(struct host *h, int i, const char *path)
{
    struct file *file = arena_alloc(&h->arena, 1, sizeof *file);
    struct diag quiet = {0};
    bool some = false; /* members are ours */
    int claimed = 0;

    if (!file)
        return diag_nomem(&h->diag);
    if (!file_open(&quiet, path, file))
        return true;
    if (!offer_bytes(h, path, file, file->data, &claimed))
        return false;
    if (!claimed && archive_is(file->data) && !offer_members(h, path, file, &some))
        return false;
    if (!claimed && !some) {
        file_close(file); /* a link may have thousands */
        return true;
    }
    h->gone[i] = claimed;
    h->place = h->place ? h->place : i;
    return true;
}

bool host_offer_inputs(struct host *h)
{
    const struct line *line = &h->line;

    for (int i = 1; i < line->count; i++) {
        const char *text = line->words[i], *path = NULL;

        if (h->gone[i])
            continue;
        path = text[0] != '-' ? text : line_library(line, &h->arena, i);
        if (path && !offer(h, i, path))
            return false;
        if (line_takes_value(text) && i + 1 < line->count) {
            h->gone[i + 1] = h->gone[i];
            i++;
        }
    }
    return true;
}
