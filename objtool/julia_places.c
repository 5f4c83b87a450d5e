/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_places.c - names of the parts of ELF images, of objects, and of
 * archives of these. */

#include "julia_places.h"

#include "heap/julia.h"
#include "inspect.h"

/* A file may claim any number of sections, and each text is looked up. */
enum { MOST = 4096 };

static bool add(struct diag *d, struct places *p, uint64_t offset, uint64_t size, const char *name)
{
    if (size == 0 || p->count == MOST)
        return true;
    if (!name || !arena_grow(p->a, (void **)&p->all, p->count, &p->cap, sizeof *p->all))
        return diag_nomem(d);
    p->all[p->count++] = (struct place){offset, size, name};
    return true;
}

static bool hide(struct diag *d, struct places *p, const char *name)
{
    if (!arena_grow(p->a, (void **)&p->hidden, p->hidden_count, &p->hidden_cap, sizeof *p->hidden))
        return diag_nomem(d);
    p->hidden[p->hidden_count++] = name;
    return true;
}

/* The sections of the ELF file DATA at offset AT; MEMBER may be NULL. */
static bool add_elf(struct diag *d, struct places *p, struct span data, uint64_t at,
                    const char *member, struct julia_symbols *symbols)
{
    struct diag quiet = {0};
    struct inspect i = {.d = &quiet, .a = p->a};

    if (!inspect_open(&i, data))
        return quiet.status != E_NOMEM || diag_nomem(d);
    for (uint32_t n = 1; n < i.f.section_count && p->count < MOST; n++) {
        const struct elf_shdr *s = &i.f.sections[n];
        const char *name = member ? arena_printf(p->a, "%s(%s)", member, s->name) : s->name;

        if (!add(d, p, at + s->offset, s->data.size, name))
            return false;
        if (s->flags & SHF_COMPRESSED && name && !hide(d, p, name))
            return false;
    }
    return julia_collect(symbols, &i) || diag_nomem(d);
}

static bool add_heap(struct diag *d, struct places *p, struct span in,
                     const struct julia_symbols *symbols)
{
    struct julia_heap heap;
    struct span bytes = {0};
    uint64_t at = 0;

    if (!julia_heap_of(p->a, symbols, &heap, &bytes) || bytes.at < in.at)
        return true;
    at = (uint64_t)(bytes.at - in.at);
    for (unsigned n = 0; n < JULIA_PARTS; n++)
        if (!add(d, p, at + heap.part[n].offset, heap.part[n].size,
                 arena_printf(p->a, "Julia's %s", julia_part_name((enum julia_part_kind)n))))
            return false;
    return true;
}

bool places_read(struct diag *d, struct arena *a, struct span in, struct places *out)
{
    struct julia_symbols symbols = {0};
    struct diag quiet = {0};
    struct archive ar;
    bool ok = true;

    *out = (struct places){.a = a};
    if (elf_is(in)) {
        ok = add_elf(d, out, in, 0, NULL, &symbols);
    } else if (archive_is(in) && archive_read(&quiet, a, in, &ar)) {
        for (uint32_t n = 0; ok && n < ar.member_count; n++) {
            const struct ar_member *m = &ar.members[n];

            if (elf_is(m->data))
                ok = add_elf(d, out, m->data, (uint64_t)(m->data.at - in.at), m->name, &symbols);
        }
    }
    return ok && add_heap(d, out, in, &symbols);
}

const struct place *places_find(const struct places *p, uint64_t offset)
{
    for (uint64_t n = p->count; n > 0; n--)
        if (offset - p->all[n - 1].offset < p->all[n - 1].size)
            return &p->all[n - 1];
    return NULL;
}
