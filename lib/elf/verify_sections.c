/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_sections.c - rules about section headers and .symtab: loaders read
 * neither, but debuggers, strip and patchelf rely on them. */

#include "elf/verify_rules.h"

#include <stdlib.h>

static bool is_tbss(const struct elf_shdr *s)
{
    return s->type == SHT_NOBITS && s->flags & SHF_TLS;
}

/* Has memory of its own in the image. */
static bool has_memory(const struct elf_shdr *s)
{
    return s->type != SHT_NULL && s->flags & SHF_ALLOC && s->size > 0 && !is_tbss(s);
}

void verify_section_place(struct verify *v)
{
    const struct elf_file *f = &v->f;

    for (uint32_t i = 1; i < f->section_count && verify_go_on(v); i++) {
        const struct elf_shdr *s = &f->sections[i];
        const struct elf_load *l = elf_image_load(&v->m, s->addr, s->size);
        const struct elf_phdr *p = l ? &f->segments[l->segment] : NULL;

        if (!has_memory(s))
            continue;
        if (!p)
            diag_fail(v->d, E_FORMAT,
                      "section %" PRIu32 " (%.200s): 0x%" PRIx64 " bytes at 0x%" PRIx64
                      " are not inside a PT_LOAD",
                      i, s->name, s->size, s->addr);
        else if (s->type != SHT_NOBITS &&
                 s->size > l->file_end - (s->addr < l->file_end ? s->addr : l->file_end))
            diag_fail(v->d, E_FORMAT,
                      "section %" PRIu32 " (%.200s): has contents where segment %" PRIu32
                      " is zero-filled",
                      i, s->name, l->segment);
        else if (s->type != SHT_NOBITS && s->offset - p->offset != s->addr - p->vaddr)
            diag_fail(v->d, E_FORMAT,
                      "section %" PRIu32 " (%.200s): offset 0x%" PRIx64 ", segment %" PRIu32
                      " puts address 0x%" PRIx64 " at offset 0x%" PRIx64,
                      i, s->name, s->offset, l->segment, s->addr, p->offset + (s->addr - p->vaddr));
        else if ((s->flags & SHF_WRITE && !(l->flags & PF_W)) ||
                 (s->flags & SHF_EXECINSTR && !(l->flags & PF_X)))
            diag_fail(v->d, E_FORMAT,
                      "section %" PRIu32 " (%.200s): is %s, segment %" PRIu32 " is not", i, s->name,
                      s->flags & SHF_EXECINSTR ? "code" : "writable", l->segment);
        else if (s->align > 1 && s->addr & (s->align - 1))
            diag_fail(v->d, E_FORMAT,
                      "section %" PRIu32 " (%.200s): 0x%" PRIx64
                      " is not a multiple of its alignment 0x%" PRIx64,
                      i, s->name, s->addr, s->align);
    }
}

/* A stretch of memory or of the file. */
struct stretch {
    uint64_t start, size;
    uint32_t section;
};

static int by_start(const void *left, const void *right)
{
    const struct stretch *l = left, *r = right;

    if (l->start != r->start)
        return l->start < r->start ? -1 : 1;
    return l->section < r->section ? -1 : l->section > r->section;
}

static void check_stretches(struct verify *v, struct stretch *all, uint32_t count, const char *what)
{
    const struct stretch *far = all;

    if (count > 0)
        qsort(all, count, sizeof *all, by_start);
    for (uint32_t i = 1; i < count && verify_go_on(v); i++) {
        if (all[i].start - far->start < far->size)
            diag_fail(v->d, E_FORMAT,
                      "section %" PRIu32 " (%.200s) begins at %s 0x%" PRIx64
                      ", inside section %" PRIu32 " (%.200s)",
                      all[i].section, v->f.sections[all[i].section].name, what, all[i].start,
                      far->section, v->f.sections[far->section].name);
        if (all[i].start + all[i].size > far->start + far->size)
            far = &all[i];
    }
}

void verify_section_overlap(struct verify *v)
{
    const struct elf_file *f = &v->f;
    struct stretch *all = verify_alloc(v, f->section_count, sizeof *all);
    uint32_t n = 0;

    for (uint32_t i = 1; all && i < f->section_count; i++)
        if (has_memory(&f->sections[i]))
            all[n++] = (struct stretch){f->sections[i].addr, f->sections[i].size, i};
    if (all)
        check_stretches(v, all, n, "address");
    n = 0;
    for (uint32_t i = 1; all && i < f->section_count; i++)
        if (f->sections[i].data.size > 0)
            all[n++] = (struct stretch){f->sections[i].offset, f->sections[i].size, i};
    if (all)
        check_stretches(v, all, n, "offset");
}

/* What sh_link, sh_info and sh_entsize of a type must be. */
enum link { LINK_ANY, LINK_STRINGS, LINK_SYMBOLS };
enum info { INFO_ANY, INFO_LOCALS, INFO_SECTION };
static const struct link_rule {
    uint32_t type;
    enum link link;
    enum info info;
    uint8_t wide_entry, narrow_entry; /* 0: not looked at */
} link_rules[] = {
    {SHT_SYMTAB, LINK_STRINGS, INFO_LOCALS, 24, 16},
    {SHT_DYNSYM, LINK_STRINGS, INFO_LOCALS, 24, 16},
    {SHT_DYNAMIC, LINK_STRINGS, INFO_ANY, 16, 8},
    {SHT_RELA, LINK_SYMBOLS, INFO_SECTION, 24, 12},
    {SHT_REL, LINK_SYMBOLS, INFO_SECTION, 16, 8},
    {SHT_HASH, LINK_SYMBOLS, INFO_ANY, 0, 0},
    {SHT_GNU_HASH, LINK_SYMBOLS, INFO_ANY, 0, 0},
    {SHT_GNU_VERSYM, LINK_SYMBOLS, INFO_ANY, 2, 2},
    {SHT_GNU_VERDEF, LINK_STRINGS, INFO_ANY, 0, 0},
    {SHT_GNU_VERNEED, LINK_STRINGS, INFO_ANY, 0, 0},
    {SHT_SYMTAB_SHNDX, LINK_SYMBOLS, INFO_ANY, 4, 4},
};

static bool link_fits(const struct elf_file *f, const struct elf_shdr *s, enum link link)
{
    uint32_t type = s->link < f->section_count ? f->sections[s->link].type : SHT_NULL;

    switch (link) {
    case LINK_STRINGS:
        return type == SHT_STRTAB;
    case LINK_SYMBOLS:
        /* A static executable's relocations have no symbols. */
        return type == SHT_SYMTAB || type == SHT_DYNSYM ||
               (s->link == 0 && (s->type == SHT_RELA || s->type == SHT_REL));
    case LINK_ANY:
        break;
    }
    return true;
}

static bool info_fits(const struct elf_file *f, const struct elf_shdr *s, enum info info)
{
    switch (info) {
    case INFO_LOCALS:
        return s->info <= s->size / elf_sym_size(f->wide);
    case INFO_SECTION:
        return s->info < f->section_count;
    case INFO_ANY:
        break;
    }
    return true;
}

void verify_section_link(struct verify *v)
{
    const struct elf_file *f = &v->f;

    for (uint32_t i = 1; i < f->section_count && verify_go_on(v); i++) {
        const struct elf_shdr *s = &f->sections[i];
        const struct link_rule *r = link_rules;
        const struct link_rule *end = r + sizeof link_rules / sizeof link_rules[0];
        uint64_t entry = 0;

        while (r < end && r->type != s->type)
            r++;
        if (r == end)
            continue;
        entry = f->wide ? r->wide_entry : r->narrow_entry;
        if (!link_fits(f, s, r->link))
            diag_fail(v->d, E_FORMAT,
                      "section %" PRIu32 " (%.200s): sh_link %" PRIu32 " is not a %s table", i,
                      s->name, s->link, r->link == LINK_STRINGS ? "string" : "symbol");
        if (!info_fits(f, s, r->info))
            diag_fail(v->d, E_FORMAT,
                      "section %" PRIu32 " (%.200s): sh_info %" PRIu32 " is more than "
                      "there are %s",
                      i, s->name, s->info, r->info == INFO_LOCALS ? "symbols" : "sections");
        if (entry && s->entsize != entry)
            diag_fail(v->d, E_FORMAT,
                      "section %" PRIu32 " (%.200s): sh_entsize is %" PRIu64 ", not %" PRIu64, i,
                      s->name, s->entsize, entry);
        else if (entry && s->size % entry)
            diag_fail(v->d, E_FORMAT,
                      "section %" PRIu32 " (%.200s): 0x%" PRIx64
                      " bytes, not a multiple of %" PRIu64,
                      i, s->name, s->size, entry);
    }
}

static void check_table(struct verify *v, const struct elf_shdr *table, struct span names)
{
    struct cursor c = elf_cursor(&v->f, table->data);
    uint64_t count = table->data.size / elf_sym_size(v->f.wide);

    for (uint64_t i = 0; i < count && verify_go_on(v); i++) {
        struct elf_sym s = elf_next_sym(&c);
        bool local = s.info >> 4 == STB_LOCAL;

        if (local != (i < table->info))
            diag_fail(v->d, E_FORMAT,
                      "symbol %" PRIu64 " is %s, and sh_info says that the first "
                      "global one is %" PRIu32,
                      i, local ? "local" : "not local", table->info);
        if (s.name >= names.size && s.name > 0)
            diag_fail(v->d, E_FORMAT,
                      "symbol %" PRIu64 ": name 0x%" PRIx32
                      " is not in the string table (0x%" PRIx64 " bytes)",
                      i, s.name, names.size);
        if (s.shndx < SHN_LORESERVE && s.shndx >= v->f.section_count)
            diag_fail(v->d, E_FORMAT, "symbol %" PRIu64 ": section %u, there are %" PRIu32, i,
                      s.shndx, v->f.section_count);
    }
}

void verify_symtab(struct verify *v)
{
    const struct elf_file *f = &v->f;
    uint64_t left = f->in.size;

    for (uint32_t i = 1; i < f->section_count && verify_go_on(v); i++) {
        const struct elf_shdr *s = &f->sections[i];
        struct where here = {v->d->where, s->type == SHT_DYNSYM ? ".dynsym" : ".symtab", NO_INDEX};
        struct span names = {0};

        if ((s->type != SHT_SYMTAB && s->type != SHT_DYNSYM) || s->data.size > left)
            continue;
        left -= s->data.size;
        if (s->link < f->section_count)
            names = f->sections[s->link].data;
        v->d->where = &here;
        if (names.size > 0 && names.at[names.size - 1] != 0)
            diag_fail(v->d, E_FORMAT, "its string table does not end with NUL");
        check_table(v, s, names);
        v->d->where = here.up;
    }
}
