/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blank.c - archives without the heaps in them.
 *
 * Under --whole-archive the linker reads every member, and does not know what
 * a heap is. It gets a copy of the archive, in memory, in which each heap is an
 * object that has nothing in it; the room behind is never written. */

#include "plugin/host/host.h"

#include "elf/elf.h"
#include "elf/relocatable.h"
#include "plugin/plugin.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST = 4096 };

/* An object without contents, in OUT; its size, 0 after an error. */
static size_t make_object(struct host *h, uint8_t out[MOST])
{
    int fd = memfd_create("object", MFD_CLOEXEC);
    struct rel_object o = {0};
    ssize_t size = 0;

    if (fd < 0)
        return diag_fail(&h->diag, E_SYSTEM, "no memory for an object: %s", strerror(errno));
    rel_begin(&o, &h->diag, &h->arena, plugin.machine->number);
    if (rel_add_section(
            &o,
            &(struct rel_section){.name = ".note.GNU-stack", .type = SHT_PROGBITS, .align = 1}) &&
        rel_write_fd(&o, fd, "object"))
        size = pread(fd, out, MOST, 0);
    rel_free(&o);
    close(fd);
    return size > 0 && size < MOST ? (size_t)size : 0;
}

/* Write the archive of the COUNT members from M on into FD. */
static bool write_blanked(int fd, const struct heap_member *m, uint64_t count,
                          const uint8_t *object, size_t object_size)
{
    struct span all = m->file->data;
    const struct output out = {.fd = fd};
    uint64_t from = 0;
    bool ok = ftruncate(fd, (off_t)all.size) == 0;

    for (uint64_t i = 0; ok && i < count; i++) {
        uint64_t start = (uint64_t)(m[i].bytes.at - all.at);

        ok = m[i].bytes.size >= object_size &&
             output_write(&out, all.at + from, start - from, from) &&
             output_write(&out, object, object_size, start);
        from = start + m[i].bytes.size;
    }
    return ok && output_write(&out, all.at + from, all.size - from, from);
}

bool host_blank_heaps(struct host *h)
{
    uint8_t object[MOST];
    size_t size = 0;

    for (uint64_t i = 0, count = 1; i < h->heap_member_count; i += count) {
        const struct heap_member *m = &h->heap_members[i];
        int fd = -1;

        for (count = 1; i + count < h->heap_member_count && m[count].word == m->word;)
            count++;
        if (!m->whole || m->thin || !plugin.machine)
            continue;
        if ((!size && !(size = make_object(h, object))) || (fd = memfd_create("archive", 0)) < 0 ||
            !write_blanked(fd, m, count, object, size))
            return diag_fail(&h->diag, E_SYSTEM, "%s: no memory for the archive without it: %s",
                             m->name, strerror(errno));
        if (line_takes_value(h->line.words[m->word])) /* "-l NAME" */
            h->gone[m->word + 1] = true;
        if (!(h->line.words[m->word] = arena_printf(&h->arena, "/proc/self/fd/%d", fd)))
            return diag_nomem(&h->diag);
    }
    return true;
}
