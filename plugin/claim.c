/* SPDX-License-Identifier: GPL-3.0-or-later */
/* claim.c - which of the linker's inputs are ours. */

#include "plugin/plugin.h"

#include "elf/file.h"
#include "heap/object.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HEAD = 64,   /* what tells what a file is */
    MOST = 4096, /* and a marker has no more than this */
};

char *plugin_keep(const char *name) { return strdup(name); }

/* ---- the link's CPU, from its first object ---- */

/* What Windows' objects start with: the number of a CPU, or those of "bigobj". */
static bool is_coff(struct span in)
{
    uint64_t first = load_uint(in.at, 2, false), second = load_uint(in.at + 2, 2, false);

    return first == 0x8664 || first == 0xaa64 || first == 0x14c || (first == 0 && second == 0xffff);
}

void plugin_learn_machine(struct plugin *p, struct span in)
{
    uint16_t number = 0;

    if (p->machine || p->other_machine || in.size < HEAD)
        return;
    if (!elf_is(in)) {
        p->other_machine = is_coff(in) ? "its objects are COFF" : NULL;
        return;
    }
    number = (uint16_t)load_uint(in.at + 18, 2, in.at[5] == ELFDATA2MSB);
    p->machine = elf_machine_find(number);
    if (!p->machine && !(p->other_machine = arena_printf(&p->arena, "its e_machine is %u", number)))
        diag_nomem(&p->diag);
}

/* ---- heaps ---- */

bool plugin_add_heap(struct plugin *p, const char *name, struct span bytes)
{
    struct heap *h = arena_alloc(&p->arena, 1, sizeof *h);

    if (!h || !(name = arena_strdup(&p->arena, name)) ||
        !arena_grow(&p->arena, (void **)&p->heaps, p->heap_count, &p->heap_cap, sizeof *p->heaps))
        return diag_nomem(&p->diag);
    if (!heap_read(&p->diag, &p->arena, name, bytes, h))
        return false;
    p->heaps[p->heap_count++] = (struct plugin_heap){name, bytes, h};
    return true;
}

bool plugin_open_heaps(struct plugin *p)
{
    for (uint64_t i = 0; i < p->heap_files.count; i++) {
        struct file file;

        if (!file_open(&p->diag, p->heap_files.at[i], &file))
            return false;
        close(file.fd); /* its mapping stays */
        if (!heap_is(file.data))
            return diag_fail(&p->diag, E_UNKNOWN, "%s: is not a heap container",
                             p->heap_files.at[i]);
        if (!plugin_add_heap(p, p->heap_files.at[i], file.data))
            return false;
    }
    return true;
}

bool plugin_add_symbol(struct plugin *p, struct plugin_symbols *list,
                       const struct plugin_symbol *symbol)
{
    if (!arena_grow(&p->arena, (void **)&list->at, list->count, &list->cap, sizeof *list->at))
        return diag_nomem(&p->diag);
    list->at[list->count++] = *symbol;
    return true;
}

bool plugin_tell_symbols(struct plugin *p, void *handle, const char *name,
                         const struct plugin_symbols *list)
{
    if (list->count > INT32_MAX)
        return diag_fail(&p->diag, E_UNSUPPORTED, "%s: too many symbols", name);
    for (uint64_t i = 0; i < list->count; i++)
        if (!(list->at[i].name = plugin_keep(list->at[i].name)))
            return diag_nomem(&p->diag);
    return p->add_symbols(handle, (int)list->count, list->at) == LDPS_OK ||
           diag_fail(&p->diag, E_SYSTEM, "%s: the linker does not take its symbols", name);
}

static bool add_heap_symbols(struct plugin *p, const struct heap *h, struct plugin_symbols *list)
{
    bool ok = true;

    for (uint32_t i = 0; ok && i < h->root_count; i++)
        ok = plugin_add_symbol(p, list,
                               &(struct plugin_symbol){.name = (char *)(uintptr_t)h->roots[i].name,
                                                       .def = LDPK_DEF,
                                                       .size = h->roots[i].size});
    for (uint32_t i = 0; ok && i < h->import_count; i++)
        ok = plugin_add_symbol(
            p, list,
            &(struct plugin_symbol){.name = (char *)(uintptr_t)h->imports[i].name,
                                    .def = h->imports[i].weak ? LDPK_WEAKUNDEF : LDPK_UNDEF});
    return ok;
}

/* Of all heaps that it does not know yet: those of options have no file of
   the linker's, and go with the first that has; so does what objects need that
   are retained, as it may never offer these. */
static bool tell_heaps(struct plugin *p, void *handle, const char *name)
{
    struct plugin_symbols list = {0};

    if (!p->needs_told && !plugin_retained_needs(p, &list))
        return false;
    p->needs_told = true;
    for (; p->told < p->heap_count; p->told++)
        if (!add_heap_symbols(p, p->heaps[p->told].heap, &list))
            return false;
    return plugin_tell_symbols(p, handle, name, &list);
}

static bool read_bytes(struct plugin *p, const struct plugin_input *file, struct span *out)
{
    uint8_t *at = arena_alloc(&p->arena, (uint64_t)file->size, 1);

    if (!at)
        return diag_nomem(&p->diag);
    *out = (struct span){at, (uint64_t)file->size};
    return pread(file->fd, at, out->size, file->offset) == (ssize_t)out->size ||
           diag_fail(&p->diag, E_SYSTEM, "%s: cannot be read", file->name);
}

bool plugin_view(struct plugin *p, const struct plugin_input *file, struct span *out)
{
    const void *at = NULL;

    if (p->get_view && p->get_view(file->handle, &at) == LDPS_OK && at) {
        *out = (struct span){at, (uint64_t)file->size};
        return true;
    }
    /* nm and ar have no views. */
    return read_bytes(p, file, out);
}

static bool claim_heap(struct plugin *p, const struct plugin_input *file)
{
    struct span bytes = {0};

    return plugin_check_machine(p) && plugin_view(p, file, &bytes) &&
           plugin_add_heap(p, file->name, bytes) && tell_heaps(p, file->handle, file->name);
}

/* ---- markers ---- */

/* A note that asks for a heap, as docs/image-format.md has it. */
static bool is_request(const struct section *s)
{
    const uint8_t *note = s->data.at;

    return s->role == ROLE_NOTE && s->data.size >= 12 + sizeof SIMG_NOTE_NAME &&
           load_uint(note, 4, false) == sizeof SIMG_NOTE_NAME &&
           load_uint(note + 8, 4, false) == SIMG_NOTE_REQUEST &&
           !memcmp(note + 12, SIMG_NOTE_NAME, sizeof SIMG_NOTE_NAME);
}

/* Most objects have no such note; so this is quick. */
static bool may_request(struct span in)
{
    for (uint64_t at = 0; at + 12 + sizeof SIMG_NOTE_NAME <= in.size; at += 4)
        if (load_uint(in.at + at, 4, false) == sizeof SIMG_NOTE_NAME &&
            !memcmp(in.at + at + 12, SIMG_NOTE_NAME, sizeof SIMG_NOTE_NAME))
            return true;
    return false;
}

/* An object that says that this link is to have a heap.  It is claimed, so
   that it is in the image only where no plugin ran; and to linkers that offer
   nothing but what looks like intermediate code it can look like that. */
static bool is_marker(const struct plugin_input *file, struct span head)
{
    struct diag quiet = {0};
    struct arena arena = {0};
    struct object o;
    bool found = false;

    if (memcmp(head.at, "\177ELF\2\1", 6) != 0 || load_uint(head.at + 16, 2, false) != ET_REL ||
        (uint64_t)file->size != head.size || !may_request(head))
        return false;
    if (format_elf.read(&quiet, &arena, file->name, head, &o))
        for (uint32_t i = 1; i < o.section_count; i++)
            found = found || is_request(&o.sections[i]);
    arena_free(&arena);
    return found;
}

static bool claim_marker(struct plugin *p, const struct plugin_input *file)
{
    p->marker = arena_strdup(&p->arena, file->name);
    return p->marker ? tell_heaps(p, file->handle, file->name) : diag_nomem(&p->diag);
}

/* The first bytes of FILE, at most MOST; ROOM takes them if need be. Views are
   free where the linker has mapped the file anyway; GNU ld maps it for each. */
static struct span head_of(const struct plugin *p, const struct plugin_input *file,
                           uint8_t room[MOST])
{
    uint64_t size = file->size < MOST ? (uint64_t)file->size : MOST;
    const void *at = NULL;
    ssize_t got = 0;

    if (!p->takes_early && p->get_view && p->get_view(file->handle, &at) == LDPS_OK && at)
        return (struct span){at, size};
    got = pread(file->fd, room, size, file->offset);
    return (struct span){room, got > 0 ? (uint64_t)got : 0};
}

bool plugin_offer(struct plugin *p, const struct plugin_input *file, int *claimed)
{
    uint8_t room[MOST];
    struct span head = file->size < HEAD ? (struct span){0} : head_of(p, file, room);
    bool marker = false;

    if (head.size < HEAD)
        return true;
    plugin_learn_machine(p, head);
    if (!plugin_emit_references(p))
        return false;
    if (p->retained_count && !plugin_claim_retained(p, file, head, claimed))
        return false;
    if (*claimed)
        return true;
    marker = is_marker(file, head);
    if (!marker && !heap_is(head))
        return true;
    if (marker ? !claim_marker(p, file) : !claim_heap(p, file))
        return false;
    *claimed = 1;
    return plugin_emit_references(p);
}
