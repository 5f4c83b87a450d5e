/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_dynamic.c - rules about the dynamic section. */

#include "elf/verify_rules.h"

#include <stdlib.h>

static const char *tag_name(uint64_t tag)
{
    const char *name = elf_dynamic_tag_name(tag);

    return name ? name : "?";
}

static uint64_t word(const struct verify *v) { return v->f.wide ? 8 : 4; }

static const struct elf_shdr *section_named(const struct elf_file *f, const char *name)
{
    for (uint32_t i = 1; i < f->section_count; i++)
        if (!strcmp(f->sections[i].name, name))
            return &f->sections[i];
    return NULL;
}

void verify_dynamic_place(struct verify *v)
{
    const struct elf_file *f = &v->f;
    bool has = v->m.dynamic_segment < f->segment_count;
    const struct elf_phdr *p = has ? &f->segments[v->m.dynamic_segment] : NULL;
    const struct elf_shdr *s = NULL;

    if (!p) {
        if (f->type == ET_DYN)
            diag_fail(v->d, E_FORMAT, "a shared library without PT_DYNAMIC");
        return;
    }
    for (uint32_t i = 1; i < f->section_count && !s; i++)
        if (f->sections[i].type == SHT_DYNAMIC)
            s = &f->sections[i];
    if (s && (s->addr != p->vaddr || s->offset != p->offset || s->size != p->filesz))
        diag_fail(v->d, E_FORMAT,
                  "segment %" PRIu32 ": PT_DYNAMIC, 0x%" PRIx64 " bytes at 0x%" PRIx64
                  ", is not section %.200s, 0x%" PRIx64 " bytes at 0x%" PRIx64,
                  v->m.dynamic_segment, p->filesz, p->vaddr, s->name, s->size, s->addr);
    if (!elf_image_load(&v->m, p->vaddr, p->memsz ? p->memsz : 1))
        diag_fail(v->d, E_FORMAT,
                  "segment %" PRIu32 ": PT_DYNAMIC, 0x%" PRIx64 " bytes at 0x%" PRIx64
                  ", is not inside a PT_LOAD",
                  v->m.dynamic_segment, p->memsz, p->vaddr);
}

/* What must come together: an address, its size, the size of an entry. */
static const struct together {
    uint64_t tag, size_tag, entry_tag;
    uint8_t wide_entry, narrow_entry;
} togethers[] = {
    {DT_STRTAB, DT_STRSZ, 0, 1, 1},
    {DT_SYMTAB, 0, DT_SYMENT, 24, 16},
    {DT_RELA, DT_RELASZ, DT_RELAENT, 24, 12},
    {DT_REL, DT_RELSZ, DT_RELENT, 16, 8},
    {DT_RELR, DT_RELRSZ, DT_RELRENT, 8, 4},
    {DT_JMPREL, DT_PLTRELSZ, 0, 1, 1},
    {DT_INIT_ARRAY, DT_INIT_ARRAYSZ, 0, 8, 4},
    {DT_FINI_ARRAY, DT_FINI_ARRAYSZ, 0, 8, 4},
    {DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ, 0, 8, 4},
};

enum { TOGETHERS = sizeof togethers / sizeof togethers[0] };

static void check_together(struct verify *v, const struct together *t)
{
    uint64_t addr = 0, size = 0, entry = 0;
    uint64_t want = v->f.wide ? t->wide_entry : t->narrow_entry;

    if (!elf_image_tag(&v->m, t->tag, &addr)) {
        if (t->size_tag && elf_image_tag(&v->m, t->size_tag, &size) && size > 0)
            diag_fail(v->d, E_FORMAT, "DT_%s without DT_%s", tag_name(t->size_tag),
                      tag_name(t->tag));
        return;
    }
    if (t->size_tag && !elf_image_tag(&v->m, t->size_tag, &size))
        diag_fail(v->d, E_FORMAT, "DT_%s without DT_%s", tag_name(t->tag), tag_name(t->size_tag));
    if (size % want != 0)
        diag_fail(v->d, E_FORMAT, "DT_%s is 0x%" PRIx64 ", not a multiple of %" PRIu64,
                  tag_name(t->size_tag), size, want);
    if (!t->entry_tag)
        return;
    if (!elf_image_tag(&v->m, t->entry_tag, &entry))
        diag_fail(v->d, E_FORMAT, "DT_%s without DT_%s", tag_name(t->tag), tag_name(t->entry_tag));
    else if (entry != want)
        diag_fail(v->d, E_FORMAT, "DT_%s is %" PRIu64 ", not %" PRIu64, tag_name(t->entry_tag),
                  entry, want);
}

/* The standard tags are below 64, and all but two are said once. */
static void check_once(struct verify *v)
{
    uint64_t seen = 0, told = 0;

    for (uint32_t i = 0; i < v->m.entry_count; i++) {
        uint64_t tag = v->m.entries[i].tag, bit = tag < 64 ? UINT64_C(1) << tag : 0;

        if (tag == DT_NEEDED)
            continue;
        if (seen & bit && !(told & bit)) {
            diag_fail(v->d, E_FORMAT, "DT_%s more than once", tag_name(tag));
            told |= bit;
        }
        seen |= bit;
    }
}

void verify_dynamic_table(struct verify *v)
{
    uint64_t value = 0;

    if (v->m.dynamic_segment == v->f.segment_count)
        return;
    if (!v->m.ended)
        diag_fail(v->d, E_FORMAT, "no DT_NULL after %" PRIu32 " entries", v->m.entry_count);
    check_once(v);
    for (size_t i = 0; i < TOGETHERS; i++)
        check_together(v, &togethers[i]);
    if (v->f.type == ET_DYN && !elf_image_tag(&v->m, DT_STRTAB, &value))
        diag_fail(v->d, E_FORMAT, "no DT_STRTAB");
    if (v->f.type == ET_DYN && !elf_image_tag(&v->m, DT_SYMTAB, &value))
        diag_fail(v->d, E_FORMAT, "no DT_SYMTAB");
}

/* Addresses, what says their size, and what their segment must allow. */
static const struct range_rule {
    uint64_t tag, size_tag;
    uint64_t size; /* where there is no size_tag */
    uint32_t flags;
} range_rules[] = {
    {DT_STRTAB, DT_STRSZ, 0, PF_R},
    {DT_RELA, DT_RELASZ, 0, PF_R},
    {DT_REL, DT_RELSZ, 0, PF_R},
    {DT_RELR, DT_RELRSZ, 0, PF_R},
    {DT_JMPREL, DT_PLTRELSZ, 0, PF_R},
    {DT_INIT_ARRAY, DT_INIT_ARRAYSZ, 0, PF_R},
    {DT_FINI_ARRAY, DT_FINI_ARRAYSZ, 0, PF_R},
    {DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ, 0, PF_R},
    {DT_SYMTAB, 0, 16, PF_R},
    {DT_HASH, 0, 8, PF_R},
    {DT_GNU_HASH, 0, 16, PF_R},
    {DT_VERSYM, 0, 2, PF_R},
    {DT_VERDEF, 0, 20, PF_R},
    {DT_VERNEED, 0, 16, PF_R},
    {DT_PLTGOT, 0, 0, 0},
    {DT_INIT, 0, 1, PF_X},
    {DT_FINI, 0, 1, PF_X},
    {DT_TLSDESC_PLT, 0, 1, PF_X},
    {DT_TLSDESC_GOT, 0, 4, PF_W},
};

void verify_dynamic_range(struct verify *v)
{
    for (size_t i = 0; i < sizeof range_rules / sizeof range_rules[0]; i++) {
        const struct range_rule *r = &range_rules[i];
        uint64_t addr = 0, size = r->size;
        const struct elf_load *l = NULL;

        if (!elf_image_tag(&v->m, r->tag, &addr))
            continue;
        if (r->size_tag && (!elf_image_tag(&v->m, r->size_tag, &size) || size == 0))
            continue;
        l = elf_image_load(&v->m, addr, size);
        if (!l)
            diag_fail(v->d, E_FORMAT,
                      "DT_%s: 0x%" PRIx64 " bytes at 0x%" PRIx64 " are not inside a PT_LOAD",
                      tag_name(r->tag), size, addr);
        else if ((l->flags & r->flags) != r->flags)
            diag_fail(v->d, E_FORMAT,
                      "DT_%s: 0x%" PRIx64 " is in segment %" PRIu32 ", which is not %s",
                      tag_name(r->tag), addr, l->segment,
                      r->flags == PF_X   ? "executable"
                      : r->flags == PF_W ? "writable"
                                         : "readable");
        else if (r->size_tag && size > l->file_end - (addr < l->file_end ? addr : l->file_end))
            diag_fail(v->d, E_FORMAT,
                      "DT_%s: 0x%" PRIx64 " bytes at 0x%" PRIx64 " are not all in the file",
                      tag_name(r->tag), size, addr);
    }
}

void verify_strings(struct verify *v)
{
    struct span s = v->m.strings;

    if (s.size > 0 && s.at[0] != 0)
        diag_fail(v->d, E_FORMAT, "DT_STRTAB does not begin with NUL");
    if (s.size > 0 && s.at[s.size - 1] != 0)
        diag_fail(v->d, E_FORMAT, "DT_STRTAB does not end with NUL");
    for (uint32_t i = 0; i < v->m.entry_count && verify_go_on(v); i++) {
        const struct elf_dyn *e = &v->m.entries[i];
        bool named = e->tag == DT_NEEDED || e->tag == DT_SONAME || e->tag == DT_RPATH ||
                     e->tag == DT_RUNPATH || e->tag == DT_AUXILIARY || e->tag == DT_FILTER;
        const char *name = named ? elf_image_string(&v->m, e->value) : NULL;

        if (named && !name)
            diag_fail(v->d, E_FORMAT,
                      "DT_%s: string 0x%" PRIx64 " is not inside DT_STRTAB (0x%" PRIx64 " bytes)",
                      tag_name(e->tag), e->value, s.size);
        else if (named && !*name && e->tag != DT_RPATH && e->tag != DT_RUNPATH)
            diag_fail(v->d, E_FORMAT, "DT_%s is empty", tag_name(e->tag));
    }
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

void verify_needed(struct verify *v)
{
    const char **names = verify_alloc(v, v->m.entry_count, sizeof *names);
    uint32_t count = 0;

    for (uint32_t i = 0; names && i < v->m.entry_count; i++)
        if (v->m.entries[i].tag == DT_NEEDED &&
            (names[count] = elf_image_string(&v->m, v->m.entries[i].value)))
            count++;
    if (count > 0)
        qsort(names, count, sizeof *names, by_name);
    for (uint32_t i = 1; i < count && verify_go_on(v); i++)
        if (!strcmp(names[i - 1], names[i]))
            diag_fail(v->d, E_FORMAT, "DT_NEEDED %.200s more than once", names[i]);
}

void verify_textrel(struct verify *v)
{
    uint64_t value = 0;

    if (elf_image_tag(&v->m, DT_TEXTREL, &value))
        diag_fail(v->d, E_FORMAT, "DT_TEXTREL: read-only segments are written to at start");
    if (elf_image_tag(&v->m, DT_FLAGS, &value) && value & DF_TEXTREL)
        diag_fail(v->d, E_FORMAT,
                  "DT_FLAGS has DF_TEXTREL: read-only segments are written to "
                  "at start");
}

struct plt_check {
    struct verify *v;
    const struct elf_machine *machine;
    const struct elf_shdr *got[2];
};

static bool check_slot(void *arg, const struct elf_dynamic_reloc *r)
{
    struct plt_check *p = arg;
    bool inside = false;

    if (r->source != ELF_FROM_PLT || r->type != p->machine->jump_slot)
        return true;
    for (unsigned i = 0; i < 2; i++)
        inside = inside || (p->got[i] && r->addr - p->got[i]->addr < p->got[i]->size);
    if (!inside)
        diag_fail(p->v->d, E_FORMAT,
                  "JMPREL %" PRIu64 ": the slot at 0x%" PRIx64 " is not inside .got.plt or .got",
                  r->index, r->addr);
    return verify_go_on(p->v);
}

void verify_plt(struct verify *v)
{
    struct plt_check p = {v,
                          elf_machine_find(v->f.machine),
                          {section_named(&v->f, ".got.plt"), section_named(&v->f, ".got")}};
    uint64_t table = 0, size = 0, kind = 0;
    bool has_size = elf_image_tag(&v->m, DT_PLTRELSZ, &size);

    if (!elf_image_tag(&v->m, DT_JMPREL, &table))
        return;
    if (!elf_image_tag(&v->m, DT_PLTREL, &kind))
        diag_fail(v->d, E_FORMAT, "DT_JMPREL without DT_PLTREL");
    else if (kind != DT_RELA && kind != DT_REL)
        diag_fail(v->d, E_FORMAT, "DT_PLTREL is %" PRIu64 ", not %d (REL) or %d (RELA)", kind,
                  DT_REL, DT_RELA);
    else if (has_size && size % elf_rel_size(v->f.wide, kind == DT_RELA) != 0)
        diag_fail(v->d, E_FORMAT, "DT_PLTRELSZ is 0x%" PRIx64 ", not a multiple of %" PRIu64, size,
                  elf_rel_size(v->f.wide, kind == DT_RELA));
    if (p.machine && (p.got[0] || p.got[1]))
        elf_image_relocs(&v->m, check_slot, &p);
}

/* The arrays of functions that run at start and end.  An entry is sound if a
   relocation puts the address of code there, or a symbol's. */
struct array {
    const char *name;
    uint64_t addr, count;
    uint8_t *relocated;
};

struct array_check {
    struct verify *v;
    const struct elf_machine *machine;
    struct array arrays[3];
};

static bool is_code(const struct verify *v, uint64_t addr)
{
    const struct elf_load *l = elf_image_load(&v->m, addr, 1);

    return l && l->flags & PF_X;
}

static bool check_array_reloc(void *arg, const struct elf_dynamic_reloc *r)
{
    struct array_check *c = arg;
    struct verify *v = c->v;

    for (unsigned i = 0; i < 3; i++) {
        struct array *a = &c->arrays[i];
        uint64_t entry = (r->addr - a->addr) / word(v), target = (uint64_t)r->addend;
        struct span place;

        if (r->addr < a->addr || entry >= a->count)
            continue;
        if (a->relocated)
            a->relocated[entry] = 1;
        if (r->in_place && elf_image_bytes(&v->m, r->addr, word(v), &place))
            target = load_uint(place.at, (unsigned)word(v), v->f.big);
        if ((r->source == ELF_FROM_RELR || (c->machine && r->type == c->machine->relative)) &&
            !is_code(v, target))
            diag_fail(v->d, E_FORMAT, "%s entry %" PRIu64 ": 0x%" PRIx64 " is not code", a->name,
                      entry, target);
    }
    return verify_go_on(v);
}

static void check_unrelocated(struct verify *v, const struct array *a)
{
    struct span bytes;
    struct cursor c;

    if (!a->relocated || !elf_image_bytes(&v->m, a->addr, a->count * word(v), &bytes))
        return;
    c = elf_cursor(&v->f, bytes);
    for (uint64_t i = 0; i < a->count && verify_go_on(v); i++) {
        uint64_t target = cur_word(&c);

        if (a->relocated[i])
            continue;
        if (v->f.type == ET_DYN)
            diag_fail(v->d, E_FORMAT, "%s entry %" PRIu64 " is not relocated", a->name, i);
        else if (target != 0 && target != verify_last_addr(v) && !is_code(v, target))
            diag_fail(v->d, E_FORMAT, "%s entry %" PRIu64 ": 0x%" PRIx64 " is not code", a->name, i,
                      target);
    }
}

void verify_init_array(struct verify *v)
{
    static const struct {
        const char *name;
        uint64_t tag, size_tag;
    } tags[3] = {{"DT_INIT_ARRAY", DT_INIT_ARRAY, DT_INIT_ARRAYSZ},
                 {"DT_FINI_ARRAY", DT_FINI_ARRAY, DT_FINI_ARRAYSZ},
                 {"DT_PREINIT_ARRAY", DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ}};
    struct array_check c = {.v = v, .machine = elf_machine_find(v->f.machine)};

    for (unsigned i = 0; i < 3; i++) {
        struct array *a = &c.arrays[i];

        a->name = tags[i].name;
        elf_image_tag(&v->m, tags[i].tag, &a->addr);
        a->count = elf_image_table(&v->m, tags[i].tag, tags[i].size_tag).size / word(v);
        a->relocated = verify_alloc(v, a->count, 1);
    }
    elf_image_relocs(&v->m, check_array_reloc, &c);
    for (unsigned i = 0; i < 3; i++)
        check_unrelocated(v, &c.arrays[i]);
}
