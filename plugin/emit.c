/* SPDX-License-Identifier: GPL-3.0-or-later */
/* emit.c - the link's heaps as an object that relocates itself, in memory; and
 * one that refers to what is to be exported. */

#include "plugin/plugin.h"

#include "elf/file.h"
#include "elf/relocatable.h"
#include "heap/container.h"
#include "obj/archive.h"
#include "pack/prelinked.h"
#include "plugin/line.h"

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

bool plugin_check_machine(struct plugin *p)
{
    return p->machine || !p->other_machine ||
           diag_fail(&p->diag, E_UNSUPPORTED,
                     "the plugin makes ELF objects for x86-64 and aarch64, and this link is for "
                     "something else: %s (`objtool pack' makes objects for more linkers)",
                     p->other_machine);
}

static const struct elf_machine *machine_of(struct plugin *p)
{
    const struct elf_machine *machine = p->machine ? p->machine : own_machine();

    if (!plugin_check_machine(p))
        return NULL;
    if (!machine)
        diag_fail(&p->diag, E_UNSUPPORTED,
                  "heaps are for x86-64 and aarch64, not for this machine");
    return machine;
}

static bool emit_heaps(struct plugin *p)
{
    const struct elf_machine *machine = machine_of(p);
    const char *name = p->heap_count == 1 ? p->heaps[0].name : "the link's heaps";
    struct prelinked_input *inputs = arena_alloc(&p->arena, p->heap_count, sizeof *inputs);
    int fd = -1;

    if (!inputs)
        return diag_nomem(&p->diag);
    for (uint64_t i = 0; i < p->heap_count; i++)
        inputs[i] = (struct prelinked_input){p->heaps[i].name, p->heaps[i].bytes};
    return machine && (fd = plugin_memory(p, name)) >= 0 &&
           prelinked_write(&p->diag, &p->arena, machine, inputs, (uint32_t)p->heap_count, name,
                           fd) &&
           plugin_add_input(p, fd, name);
}

/* Begin an object without contents. */
static bool begin(struct plugin *p, struct rel_object *o, const char *name, int *fd)
{
    const struct elf_machine *machine = machine_of(p);

    if (!machine || (*fd = plugin_memory(p, name)) < 0)
        return false;
    rel_begin(o, &p->diag, &p->arena, machine->number);
    return rel_add_section(o, &(struct rel_section){.name = ".note.GNU-stack",
                                                    .type = SHT_PROGBITS,
                                                    .align = 1}) != 0;
}

bool plugin_emit_references(struct plugin *p)
{
    struct rel_object o = {0};
    bool ok = false;
    int fd = -1;

    /* Without an object before, its CPU is not known; but then there will be another. */
    if (!p->takes_early || !p->machine || p->referred == p->told)
        return true;
    ok = begin(p, &o, "imports", &fd);
    for (; ok && p->referred < p->told; p->referred++) {
        const struct heap *h = p->heaps[p->referred].heap;

        for (uint32_t i = 0; i < h->import_count; i++)
            rel_add_global(&o, h->imports[i].name,
                           (uint8_t)((h->imports[i].weak ? STB_WEAK : STB_GLOBAL) << 4), 0, 0, 0);
    }
    ok = ok && rel_write_fd(&o, fd, "imports") && plugin_add_input(p, fd, "what heaps import");
    rel_free(&o);
    return ok;
}

/* References that relocate nothing, from a section that stays: archives are
   searched for the names, and --gc-sections keeps them. */
static bool emit_exports(struct plugin *p)
{
    static const uint8_t word[8];
    struct rel_object o = {0};
    uint32_t section = 0;
    int fd = -1;
    bool ok =
        begin(p, &o, "exports", &fd) &&
        (section = rel_add_section(&o, &(struct rel_section){.name = ".sysimage.export",
                                                             .type = SHT_PROGBITS,
                                                             .flags = SHF_ALLOC | SHF_GNU_RETAIN,
                                                             .align = 8,
                                                             .size = sizeof word,
                                                             .bytes = word}));

    for (uint64_t i = 0; ok && i < p->exports.count; i++)
        rel_add_reloc(&o, section, 0,
                      rel_add_global(&o, p->exports.at[i], STB_GLOBAL << 4, 0, 0, 0),
                      0 /* R_X86_64_NONE, R_AARCH64_NONE */, 0);
    ok = ok && rel_write_fd(&o, fd, "exports") && plugin_add_input(p, fd, "what is exported");
    rel_free(&o);
    return ok;
}

/* What TEXT makes of AS_NEEDED, whose last bit is the state, and the others
   those that were pushed. */
static uint64_t as_needed(uint64_t state, const char *text)
{
    if (line_is(text, "as-needed"))
        return state | 1;
    if (line_is(text, "no-as-needed"))
        return state & ~UINT64_C(1);
    if (line_is(text, "push-state"))
        return state << 1 | (state & 1);
    return line_is(text, "pop-state") ? state >> 1 : state;
}

/* The linker is to take PATH as well. */
static bool add_path(struct plugin *p, const char *path)
{
    char *copy = plugin_keep(path);

    if (!copy)
        return diag_nomem(&p->diag);
    return p->add_input_file(copy) == LDPS_OK ||
           diag_fail(&p->diag, E_SYSTEM, "%s: the linker does not take it once more", path);
}

/* --whole-archive is still on at the end of the line: whatever is added there
   is taken whole. */
static bool ends_whole(const struct line *line)
{
    bool whole = false;

    for (int i = 1; i < line->count; i++)
        whole = (whole || line_is(line->words[i], "whole-archive")) &&
                !line_is(line->words[i], "no-whole-archive");
    return whole;
}

/* It may define what our objects need, and adds nothing but that: an archive;
   a script that names some, if it cannot name libraries that nobody needs. */
static bool is_searched(struct plugin *p, const struct file *file, bool library, bool as_needed)
{
    if (archive_is(file->data))
        return !plugin_is_retained(p, file);
    return library && !as_needed && !elf_is(file->data) && !heap_is(file->data);
}

/* The archives of the command line once more. */
static bool emit_archives(struct plugin *p)
{
    struct line line;
    uint64_t state = 0;
    bool ok = line_read(&p->diag, &p->arena, &line), whole = ok && ends_whole(&line);

    for (int i = 1; ok && !whole && i < line.count; i++) {
        const char *text = line.words[i];
        const char *path = text[0] != '-' ? text : line_library(&line, &p->arena, i);
        struct diag quiet = {0};
        struct file file;

        state = as_needed(state, text);
        if (path && file_open(&quiet, path, &file)) {
            ok = !is_searched(p, &file, text[0] == '-', state & 1) || add_path(p, path);
            file_close(&file);
        }
        i += line_takes_value(text);
    }
    return ok;
}

bool plugin_emit(struct plugin *p)
{
    if (!plugin_retained_heaps(p))
        return false;
    if (p->marker && p->heap_count == 0)
        return diag_fail(&p->diag, E_LINK, "%s: asks for a heap, and the link has none", p->marker);
    if (p->heap_count + p->member_count + p->exports.count == 0)
        return true;
    return (!p->heap_count || emit_heaps(p)) && plugin_emit_retained(p) &&
           (!p->exports.count || emit_exports(p)) && (!p->forgets || emit_archives(p));
}
