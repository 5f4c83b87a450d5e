/* SPDX-License-Identifier: GPL-3.0-or-later */
/* claim.c - which of the linker's inputs are ours. */

#include "plugin/plugin.h"

#include "elf/elf.h"
#include "heap/object.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEAD = 64 };

/* The CPU of the link, from its first object. */
static void learn_machine(struct plugin *p, const uint8_t *head)
{
    uint16_t number = (uint16_t)load_uint(head + 18, 2, head[5] == ELFDATA2MSB);

    if (p->machine || memcmp(head, "\177ELF", 4) != 0)
        return;
    p->machine = elf_machine_find(number);
    if (!p->machine && !p->other_machine)
        p->other_machine = number;
}

/* Linkers keep these names longer than the plugin its memory. */
static char *keep(const char *name) { return strdup(name); }

static bool tell_symbols(struct plugin *p, void *handle, const struct heap *h)
{
    uint64_t count = (uint64_t)h->root_count + h->import_count;
    struct plugin_symbol *all = arena_alloc(&p->arena, count, sizeof *all);

    if (!all)
        return diag_nomem(&p->diag);
    if (count > INT32_MAX)
        return diag_fail(&p->diag, E_UNSUPPORTED, "%s: too many symbols", h->name);
    for (uint32_t i = 0; i < h->root_count; i++)
        all[i] = (struct plugin_symbol){
            .name = keep(h->roots[i].name), .def = LDPK_DEF, .size = h->roots[i].size};
    for (uint32_t i = 0; i < h->import_count; i++)
        all[h->root_count + i] = (struct plugin_symbol){
            .name = keep(h->imports[i].name),
            .def = h->imports[i].weak ? LDPK_WEAKUNDEF : LDPK_UNDEF};
    for (uint64_t i = 0; i < count; i++)
        if (!all[i].name)
            return diag_nomem(&p->diag);
    return p->add_symbols(handle, (int)count, all) == LDPS_OK ||
           diag_fail(&p->diag, E_SYSTEM, "%s: the linker does not take its symbols", h->name);
}

static bool read_bytes(struct plugin *p, const struct plugin_input *file, struct span *out)
{
    uint8_t *at = arena_alloc(&p->arena, (uint64_t)file->size, 1);

    *out = (struct span){at, (uint64_t)file->size};
    return at && pread(file->fd, at, out->size, file->offset) == (ssize_t)out->size;
}

/* The bytes of FILE, for as long as the link runs. */
static bool view(struct plugin *p, const struct plugin_input *file, struct span *out)
{
    const void *at = NULL;

    if (p->get_view && p->get_view(file->handle, &at) == LDPS_OK && at) {
        *out = (struct span){at, (uint64_t)file->size};
        return true;
    }
    /* nm and ar have no views. */
    return read_bytes(p, file, out) ||
           diag_fail(&p->diag, E_SYSTEM, "%s: cannot be read", file->name);
}

static bool claim(struct plugin *p, const struct plugin_input *file)
{
    const char *name = arena_strdup(&p->arena, file->name);
    struct heap *h = arena_alloc(&p->arena, 1, sizeof *h);
    struct span bytes = {0};

    if (!name || !h ||
        !arena_grow(&p->arena, (void **)&p->claimed, p->claimed_count, &p->claimed_cap,
                    sizeof *p->claimed))
        return diag_nomem(&p->diag);
    if (!view(p, file, &bytes) || !heap_read(&p->diag, &p->arena, name, bytes, h))
        return false;
    p->claimed[p->claimed_count++] = (struct plugin_heap){name, bytes};
    return plugin_note_roots(p, h) && tell_symbols(p, file->handle, h);
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

/* An object that says that this link is to have a heap.  It is claimed, so
   that it is in the image only where no plugin ran; and to linkers that offer
   nothing but what looks like intermediate code it can look like that. */
static bool is_marker(struct plugin *p, const struct plugin_input *file, const uint8_t *head)
{
    enum { MOST = 4096 };
    struct diag quiet = {0};
    struct object o;
    struct span bytes;
    bool found = false;

    if (memcmp(head, "\177ELF\2\1", 6) != 0 || load_uint(head + 16, 2, false) != ET_REL ||
        file->size > MOST || !read_bytes(p, file, &bytes) ||
        !format_elf.read(&quiet, &p->arena, file->name, bytes, &o))
        return false;
    for (uint32_t i = 1; i < o.section_count; i++)
        found = found || is_request(&o.sections[i]);
    return found;
}

bool plugin_offer(struct plugin *p, const struct plugin_input *file, int *claimed)
{
    uint8_t head[HEAD] = {0};
    ssize_t got = pread(file->fd, head, sizeof head, file->offset);

    if (got < (ssize_t)sizeof head || file->size < (off_t)sizeof head)
        return true;
    learn_machine(p, head);
    if (is_marker(p, file, head)) {
        p->marker = arena_strdup(&p->arena, file->name);
        *claimed = 1;
        return p->add_symbols(file->handle, 0, NULL) == LDPS_OK;
    }
    if (!heap_is((struct span){head, sizeof head}))
        return true;
    if (!claim(p, file))
        return false;
    *claimed = 1;
    return true;
}
