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

bool host_offer_heap(struct host *h, const struct heap_member *m)
{
    int claimed = 0;

    h->place = h->place && h->place < m->word ? h->place : m->word;
    return offer_bytes(h, m->name, m->file, m->bytes, &claimed);
}

/* A member of the thin archive at PATH. */
static struct file *open_thin(struct host *h, const char *path, const struct ar_member *m)
{
    struct file *file = arena_alloc(&h->arena, 1, sizeof *file);
    const char *name = archive_member_path(&h->arena, path, m);
    struct diag quiet = {0};

    return file && name && file_open(&quiet, name, file) ? file : NULL;
}

/* Heaps in an archive are remembered; other members are the linker's to choose. */
static bool find_heaps(struct host *h, int word, bool whole, const char *path,
                       const struct file *file)
{
    struct where here = {NULL, path, NO_INDEX};
    struct archive ar = {0};
    bool ok = false;

    h->diag.where = &here;
    ok = archive_read(&h->diag, &h->arena, file->data, &ar);
    h->diag.where = NULL;
    for (uint32_t i = 0; ok && i < ar.member_count; i++) {
        struct file *thin = ar.thin ? open_thin(h, path, &ar.members[i]) : NULL;
        struct span bytes = thin ? thin->data : ar.members[i].data;
        const char *name = arena_printf(&h->arena, "%s(%s)", path, ar.members[i].name);

        if (!heap_is(bytes)) {
            if (thin)
                file_close(thin);
            continue;
        }
        if (!name || !arena_grow(&h->arena, (void **)&h->heap_members, h->heap_member_count,
                                 &h->heap_member_cap, sizeof *h->heap_members))
            return diag_nomem(&h->diag);
        h->heap_members[h->heap_member_count++] = (struct heap_member){
            .word = word,
            .whole = whole,
            .thin = thin != NULL,
            .name = name,
            .file = thin ? thin : file,
            .bytes = bytes,
        };
    }
    return ok;
}

/* The file of word I; what cannot be opened is the linker's to complain about. */
static bool offer(struct host *h, int i, bool whole, const char *path)
{
    struct file *file = arena_alloc(&h->arena, 1, sizeof *file);
    struct diag quiet = {0};
    uint64_t before = h->heap_member_count;
    int claimed = 0;

    if (!file)
        return diag_nomem(&h->diag);
    if (!file_open(&quiet, path, file))
        return true;
    if (!offer_bytes(h, path, file, file->data, &claimed))
        return false;
    if (!claimed && archive_is(file->data) && !find_heaps(h, i, whole, path, file))
        return false;
    if (!claimed && h->heap_member_count == before) {
        file_close(file); /* a link may have thousands */
        return true;
    }
    h->gone[i] = claimed;
    if (claimed && !h->place)
        h->place = i;
    return true;
}

bool host_offer_inputs(struct host *h)
{
    const struct line *line = &h->line;
    bool whole = false;

    for (int i = 1; i < line->count; i++) {
        const char *text = line->words[i], *path = NULL;

        if (h->gone[i])
            continue;
        whole = (whole || line_is(text, "whole-archive")) && !line_is(text, "no-whole-archive");
        path = text[0] != '-' ? text : line_library(line, &h->arena, i);
        if (path && !offer(h, i, whole, path))
            return false;
        if (line_takes_value(text) && i + 1 < line->count) {
            h->gone[i + 1] = h->gone[i];
            i++;
        }
    }
    return host_resolve_heaps(h) && host_blank_heaps(h);
}
