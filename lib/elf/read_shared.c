/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read_shared.c - what only shared libraries have: the dynamic symbols with
 * their versions, DT_SONAME and DT_NEEDED. */

#include "elf/reader.h"

#include <inttypes.h>

static const struct elf_shdr *find_section(const struct reader *r, uint32_t type)
{
    for (uint32_t i = 1; i < r->f.section_count; i++)
        if (r->f.sections[i].type == type)
            return &r->f.sections[i];
    return NULL;
}

/* The string table that S names, empty if it names none. */
static struct span linked_strings(const struct reader *r, const struct elf_shdr *s)
{
    if (s->link < r->f.section_count && r->f.sections[s->link].type == SHT_STRTAB)
        return r->f.sections[s->link].data;
    return (struct span){0};
}

/* Remember that version INDEX is called NAME. */
static bool add_version(struct reader *r, uint32_t index, const char *name)
{
    struct object *o = r->o;

    if (index >= o->version_count) {
        uint32_t want = index + 1 > o->version_count * 2 ? index + 1 : o->version_count * 2;
        const char **bigger = arena_alloc(r->a, want, sizeof *bigger);

        if (!bigger)
            return diag_nomem(r->d);
        if (o->version_count)
            memcpy(bigger, o->versions, o->version_count * sizeof *bigger);
        o->versions = bigger;
        o->version_count = want;
    }
    o->versions[index] = name;
    return true;
}

/* SHT_GNU_VERDEF: a chain of definitions, each with its names. */
static bool read_verdef(struct reader *r)
{
    const struct elf_shdr *s = find_section(r, SHT_GNU_VERDEF);
    uint64_t at = 0;

    for (uint32_t n = 0; s && n < s->info; n++) {
        struct cursor c = elf_cursor(&r->f, s->data);
        uint16_t index = 0, count = 0;
        uint32_t aux = 0, next = 0;
        const char *name = NULL;

        cur_take(&c, at + 4);
        index = cur_u16(&c);
        count = cur_u16(&c);
        cur_u32(&c);
        aux = cur_u32(&c);
        next = cur_u32(&c);
        c.pos = 0;
        cur_take(&c, at + aux);
        name = span_str(linked_strings(r, s), cur_u32(&c));
        if (c.bad || !name || count == 0)
            return diag_fail(r->d, E_FORMAT, "version definition %" PRIu32 " is damaged", n);
        if (!add_version(r, index & 0x7fff, (index & 0x7fff) > VER_NDX_GLOBAL ? name : NULL))
            return false;
        if (next == 0)
            break;
        at += next;
    }
    return true;
}

/* SHT_GNU_VERNEED, for the versions of the library's own undefined symbols. */
static bool read_verneed(struct reader *r)
{
    const struct elf_shdr *s = find_section(r, SHT_GNU_VERNEED);
    uint64_t at = 0;
    /* Chains may share entries in a hostile file; a sound one has no more
       entries than fit. */
    uint64_t left = s ? s->size / 16 : 0;

    for (uint32_t n = 0; s && n < s->info; n++) {
        struct cursor c = elf_cursor(&r->f, s->data);
        uint16_t count = 0;
        uint32_t next = 0;
        uint64_t aux = 0;

        cur_take(&c, at + 2);
        count = cur_u16(&c);
        cur_u32(&c);
        aux = at + cur_u32(&c);
        next = cur_u32(&c);
        for (uint16_t i = 0; !c.bad && i < count && left > 0; i++, left--) {
            uint32_t name = 0, step = 0;
            uint16_t index = 0;

            c.pos = 0;
            cur_take(&c, aux + 6);
            index = cur_u16(&c);
            name = cur_u32(&c);
            step = cur_u32(&c);
            if (!c.bad && !add_version(r, index & 0x7fff, span_str(linked_strings(r, s), name)))
                return false;
            aux += step;
        }
        if (c.bad)
            return diag_fail(r->d, E_FORMAT, "version need %" PRIu32 " is damaged", n);
        if (next == 0)
            break;
        at += next;
    }
    return true;
}

/* SHT_GNU_VERSYM: one number for each dynamic symbol. */
static bool read_versym(struct reader *r)
{
    const struct elf_shdr *s = find_section(r, SHT_GNU_VERSYM);
    struct cursor c;

    if (!s)
        return true;
    c = elf_cursor(&r->f, s->data);
    if (!cur_count(&c, r->o->symbol_count, 2))
        return diag_fail(r->d, E_FORMAT,
                         "0x%" PRIx64 " bytes of versions for %" PRIu32 " dynamic symbols", s->size,
                         r->o->symbol_count);
    for (uint32_t i = 0; i < r->o->symbol_count; i++) {
        uint16_t v = cur_u16(&c);

        r->o->symbols[i].version = v & 0x7fff;
        r->o->symbols[i].hidden_version = v & VERSYM_HIDDEN;
    }
    return true;
}

/* DT_SONAME and DT_NEEDED. */
static bool read_dynamic(struct reader *r)
{
    const struct elf_shdr *s = find_section(r, SHT_DYNAMIC);
    struct span strings = {0};
    struct cursor c;
    uint64_t cap = 0;

    if (!s)
        return true;
    strings = linked_strings(r, s);
    c = elf_cursor(&r->f, s->data);
    for (;;) {
        uint64_t tag = cur_word(&c), value = cur_word(&c);
        const char *name = NULL;

        if (c.bad || tag == DT_NULL)
            return true;
        if (tag == DT_FLAGS_1 && (value & DF_1_PIE))
            r->o->kind = OBJ_EXECUTABLE;
        if (tag != DT_SONAME && tag != DT_NEEDED)
            continue;
        name = span_str(strings, value);
        if (!name)
            return diag_fail(r->d, E_FORMAT,
                             "%s at 0x%" PRIx64 " does not end inside the dynamic string table",
                             tag == DT_SONAME ? "DT_SONAME" : "DT_NEEDED", value);
        if (!elf_count_name(r, name))
            return false;
        if (tag == DT_SONAME) {
            r->o->soname = name;
        } else {
            if (!arena_grow(r->a, (void **)&r->o->needed, r->o->needed_count, &cap,
                            sizeof *r->o->needed))
                return diag_nomem(r->d);
            r->o->needed[r->o->needed_count++] = name;
        }
    }
}

bool elf_read_shared(struct reader *r)
{
    uint32_t dynsym = 0;

    for (uint32_t i = 1; i < r->f.section_count; i++)
        if (r->f.sections[i].type == SHT_DYNSYM)
            dynsym = i;
    return elf_read_symbols(r, dynsym) && read_dynamic(r) && read_verdef(r) && read_verneed(r) &&
           read_versym(r);
}
