/* SPDX-License-Identifier: GPL-3.0-or-later */
/* retain.c - every member of an archive as an input of its own, each of its
 * sections to be kept: what no order on the command line, no --gc-sections
 * and no lack of a symbol in the index then takes away. */

#include "plugin/plugin.h"

#include "elf/file.h"
#include "obj/archive.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The sections of the object in COPY get SHF_GNU_RETAIN. */
static bool mark(struct plugin *p, const char *name, uint8_t *copy, uint64_t size)
{
    struct where here = {NULL, name, NO_INDEX};
    struct elf_file f;
    bool ok = false;

    p->diag.where = &here;
    ok = elf_open(&p->diag, &p->arena, (struct span){copy, size}, &f);
    p->diag.where = NULL;
    for (uint32_t i = 1; ok && i < f.section_count; i++)
        if (f.sections[i].flags & SHF_ALLOC)
            store_uint(copy + f.shoff + i * SHDR64_SIZE + 8, 8, false,
                       f.sections[i].flags | SHF_GNU_RETAIN);
    if (ok && f.osabi == ELFOSABI_SYSV)
        copy[7] = ELFOSABI_GNU; /* the flag is of that ABI */
    return ok;
}

static bool write_all(int fd, const uint8_t *at, uint64_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, at, size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        size -= (uint64_t)done;
    }
    return true;
}

static bool is_object(struct span in)
{
    return in.size >= EHDR64_SIZE && !memcmp(in.at, "\177ELF\2\1", 6) &&
           load_uint(in.at + 16, 2, false) == ET_REL;
}

static bool add_member(struct plugin *p, const char *archive, const struct ar_member *m)
{
    const char *name = arena_printf(&p->arena, "%s(%s)", archive, m->name);
    uint8_t *copy = arena_alloc(&p->arena, m->data.size, 1);
    int fd = -1;

    if (!name || !copy)
        return diag_nomem(&p->diag);
    if (!is_object(m->data))
        return diag_fail(&p->diag, E_UNKNOWN,
                         "%s: is not a 64-bit little-endian object, and cannot be retained", name);
    memcpy(copy, m->data.at, m->data.size);
    if (!mark(p, name, copy, m->data.size) || (fd = plugin_memory(p, name)) < 0)
        return false;
    return (write_all(fd, copy, m->data.size) ||
            diag_fail(&p->diag, E_SYSTEM, "%s: cannot be copied: %s", name, strerror(errno))) &&
           plugin_add_input(p, fd, name);
}

bool plugin_retain(struct plugin *p, const char *path)
{
    struct file *file = arena_alloc(&p->arena, 1, sizeof *file);
    struct where here = {NULL, path, NO_INDEX};
    struct archive ar = {0};
    bool ok = false;

    if (!file)
        return diag_nomem(&p->diag);
    if (!file_open(&p->diag, path, file))
        return false;
    p->diag.where = &here;
    ok = archive_is(file->data)
             ? archive_read(&p->diag, &p->arena, file->data, &ar)
             : diag_fail(&p->diag, E_UNKNOWN, "is not an archive");
    if (ok && ar.thin)
        ok = diag_fail(&p->diag, E_UNSUPPORTED,
                       "is a thin archive, which has no members of its own: name them instead");
    p->diag.where = NULL;
    for (uint32_t i = 0; ok && i < ar.member_count; i++)
        ok = add_member(p, path, &ar.members[i]);
    return ok;
}
