/* SPDX-License-Identifier: GPL-3.0-or-later */
/* emit.c - each heap as an object that relocates itself, in memory. */

#include "plugin/plugin.h"

#include "heap/container.h"
#include "pack/prelinked.h"

#include <string.h>
#include <sys/utsname.h>

/* A link of nothing but heaps is for this machine. */
static const struct elf_machine *own_machine(void)
{
    static const struct {
        const char *name;
        const struct elf_machine *machine;
    } names[] = {{"x86_64", &elf_x86_64}, {"aarch64", &elf_aarch64}};
    struct utsname u;

    for (size_t i = 0; uname(&u) == 0 && i < sizeof names / sizeof *names; i++)
        if (!strcmp(u.machine, names[i].name))
            return names[i].machine;
    return NULL;
}

static const struct elf_machine *machine_of(struct plugin *p)
{
    const struct elf_machine *machine =
        p->machine ? p->machine : p->other_machine ? NULL : own_machine();

    if (!machine)
        diag_fail(&p->diag, E_UNSUPPORTED,
                  "the link is for e_machine %u; heaps are for x86-64 and aarch64",
                  p->other_machine);
    return machine;
}

static bool emit(struct plugin *p, const struct plugin_heap *heap)
{
    const struct elf_machine *machine = machine_of(p);
    int fd = -1;

    return machine && (fd = plugin_memory(p, heap->name)) >= 0 &&
           prelinked_write(&p->diag, &p->arena, machine, heap->name, heap->bytes, heap->name, fd) &&
           plugin_add_input(p, fd, heap->name);
}

/* One that was named by an option and is no input of the linker's. */
static bool emit_file(struct plugin *p, const char *path)
{
    struct file *file = arena_alloc(&p->arena, 1, sizeof *file);
    struct heap *h = arena_alloc(&p->arena, 1, sizeof *h);

    if (!file || !h)
        return diag_nomem(&p->diag);
    if (!file_open(&p->diag, path, file))
        return false;
    if (!heap_is(file->data))
        return diag_fail(&p->diag, E_UNKNOWN, "%s: is not a heap container", path);
    return heap_read(&p->diag, &p->arena, path, file->data, h) && plugin_note_roots(p, h) &&
           emit(p, &(struct plugin_heap){path, file->data});
}

bool plugin_emit(struct plugin *p)
{
    if (p->marker && p->claimed_count + p->heap_count == 0)
        return diag_fail(&p->diag, E_LINK, "%s: asks for a heap, and the link has none", p->marker);
    for (uint64_t i = 0; i < p->claimed_count; i++)
        if (!emit(p, &p->claimed[i]))
            return false;
    for (uint64_t i = 0; i < p->heap_count; i++)
        if (!emit_file(p, p->heaps[i]))
            return false;
    for (uint64_t i = 0; i < p->retain_count; i++)
        if (!plugin_retain(p, p->retain[i]))
            return false;
    return true;
}
