/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_totals.c - what a file consists of: bytes, symbols, relocations. */

#include "elf/machine.h"
#include "inspect.h"

#include <inttypes.h>
#include <stdio.h>

static bool starts(const char *s, const char *with) { return !strncmp(s, with, strlen(with)); }

static void add_section(struct totals *t, const struct elf_shdr *s)
{
    t->sections++;
    t->lto_sections += starts(s->name, ".gnu.lto_") || starts(s->name, ".llvm.lto");
    t->groups += s->type == SHT_GROUP;
    if (!(s->flags & SHF_ALLOC))
        *(starts(s->name, ".debug") || starts(s->name, ".zdebug") ? &t->debug : &t->other) +=
            s->data.size;
    else if (s->type == SHT_NOBITS)
        t->zero += s->size;
    else
        *(s->flags & SHF_EXECINSTR ? &t->code
          : s->flags & SHF_WRITE   ? &t->data
                                   : &t->rodata) += s->size;
}

static void add_symbol(struct totals *t, const struct elf_sym *s)
{
    unsigned kind = s->info & 15, binding = s->info >> 4;

    t->symbols++;
    t->local += binding == STB_LOCAL;
    t->weak += binding == STB_WEAK;
    if (s->shndx == SHN_UNDEF)
        t->undefined++;
    else if (s->shndx == SHN_COMMON || kind == STT_COMMON)
        t->common++;
    else if (kind == STT_FUNC || kind == STT_GNU_IFUNC)
        t->functions++;
    else if (kind == STT_OBJECT)
        t->objects++;
    else if (kind == STT_TLS)
        t->tls++;
}

void reloc_count(struct reloc_counts *c, uint32_t type)
{
    c->total++;
    if (type < RELOC_TYPES)
        c->by_type[type]++;
    else
        c->other++;
}

static void add_relocs(struct totals *t, const struct inspect *i, const struct elf_shdr *s)
{
    struct cursor c = elf_cursor(&i->f, s->data);
    bool rela = s->type == SHT_RELA;
    uint64_t count = s->data.size / elf_rel_size(i->f.wide, rela);

    for (uint64_t n = 0; n < count; n++) {
        struct elf_rel r = elf_next_rel(&c, rela);

        elf_fix_rel(&i->f, &r);
        reloc_count(&t->relocs, r.type);
    }
}

void totals_add(struct totals *t, const struct inspect *i)
{
    uint32_t table = i->symtab ? i->symtab : i->dynsym;
    uint64_t left = i->f.in.size; /* sections may lie on top of each other */

    t->machine =
        t->machine == NO_MACHINE || t->machine == i->f.machine ? i->f.machine : MANY_MACHINES;
    for (uint32_t n = 1; n < i->f.section_count; n++) {
        const struct elf_shdr *s = &i->f.sections[n];

        add_section(t, s);
        /* A linked file's dynamic relocations are told apart from these. */
        if ((s->type != SHT_RELA && s->type != SHT_REL) || s->flags & SHF_ALLOC ||
            s->data.size > left)
            continue;
        left -= s->data.size;
        add_relocs(t, i, s);
    }
    for (uint64_t n = 1; n < symtab_count(i, table); n++) {
        struct elf_sym s = symtab_get(i, table, n);

        add_symbol(t, &s);
    }
}

const char *reloc_type_name(uint32_t machine, uint32_t type, char text[24])
{
    const struct elf_machine *m =
        machine <= UINT16_MAX ? elf_machine_find((uint16_t)machine) : NULL;
    const struct reloc_type *row = m ? reloc_row(m->rows, type) : NULL;

    if (row)
        return row->name;
    if (m) {
        const struct {
            uint32_t number;
            const char *name;
        } dynamic[] = {{0, "NONE"},
                       {m->relative, "RELATIVE"},
                       {m->glob_dat, "GLOB_DAT"},
                       {m->jump_slot, "JUMP_SLOT"},
                       {m->irelative, "IRELATIVE"},
                       {m->dtpmod, "DTPMOD"},
                       {m->dtpoff, "DTPOFF"},
                       {m->tpoff, "TPOFF"},
                       {m->tlsdesc, "TLSDESC"}};

        for (size_t i = 0; i < sizeof dynamic / sizeof dynamic[0]; i++)
            if (dynamic[i].number == type)
                return dynamic[i].name;
    }
    snprintf(text, 24, "type %" PRIu32, type);
    return text;
}

/* The most frequent type that is not yet in DONE, or RELOC_TYPES. */
static uint32_t most_frequent(const struct reloc_counts *c, const bool *done)
{
    uint32_t best = RELOC_TYPES;

    for (uint32_t i = 0; i < RELOC_TYPES; i++)
        if (c->by_type[i] && !done[i] && (best == RELOC_TYPES || c->by_type[i] > c->by_type[best]))
            best = i;
    return best;
}

void totals_relocs(struct report *r, const char *key, const char *label, uint32_t machine,
                   const struct reloc_counts *c)
{
    bool done[RELOC_TYPES] = {0};
    struct buf *line = NULL;

    rep_open(r, key, '[');
    if (!r->as_json && c->total > 0) {
        line = rep_line(r, label);
        term_count(line, c->total);
    }
    for (uint32_t t; (t = most_frequent(c, done)) < RELOC_TYPES; done[t] = true) {
        char text[24];
        const char *name = reloc_type_name(machine, t, text);

        if (line) {
            rep_end_line(r);
            line = rep_line(r, "");
            term_count(line, c->by_type[t]);
            buf_printf(line, " %s", name);
            continue;
        }
        rep_open(r, NULL, '{');
        rep_str(r, "type", NULL, name);
        rep_num(r, "number", NULL, t);
        rep_num(r, "count", NULL, c->by_type[t]);
        rep_close(r);
    }
    if (c->other > 0 && line) {
        rep_end_line(r);
        line = rep_line(r, "");
        term_count(line, c->other);
        buf_printf(line, " of other types");
    } else if (c->other > 0) {
        rep_open(r, NULL, '{');
        rep_str(r, "type", NULL, "other");
        rep_num(r, "count", NULL, c->other);
        rep_close(r);
    }
    if (line)
        rep_end_line(r);
    rep_close(r);
}

struct part {
    const char *key, *what;
    uint64_t v;
};

/* An object of numbers; in text a line of those that are not 0. */
static void report_parts(struct report *r, const char *key, const char *label,
                         const struct part *parts, size_t count)
{
    struct buf *line = r->as_json ? NULL : rep_line(r, label);
    bool begun = false;

    rep_open(r, key, '{');
    for (size_t i = 0; i < count; i++) {
        rep_num(r, parts[i].key, NULL, parts[i].v);
        if (!line || parts[i].v == 0)
            continue;
        buf_printf(line, "%s", begun ? ", " : "");
        term_count(line, parts[i].v);
        buf_printf(line, " %s", parts[i].what);
        begun = true;
    }
    rep_close(r);
    if (line) {
        buf_printf(line, "%s", begun ? "" : "none");
        rep_end_line(r);
    }
}

void totals_report(struct report *r, const struct totals *t)
{
    const struct part bytes[] = {
        {"code", "code", t->code},    {"rodata", "read-only data", t->rodata},
        {"data", "data", t->data},    {"zero", "zero-filled", t->zero},
        {"debug", "debug", t->debug}, {"other", "other", t->other}};
    const struct part symbols[] = {
        {"count", "in all", t->symbols},    {"functions", "functions", t->functions},
        {"objects", "objects", t->objects}, {"tls", "thread-local", t->tls},
        {"common", "common", t->common},    {"undefined", "undefined", t->undefined},
        {"weak", "weak", t->weak},          {"local", "local", t->local}};

    rep_num(r, "section_count", "sections", t->sections);
    report_parts(r, "bytes", "bytes", bytes, sizeof bytes / sizeof bytes[0]);
    report_parts(r, "symbol_counts", "symbols", symbols, sizeof symbols / sizeof symbols[0]);
    rep_num(r, "groups", t->groups ? "groups" : NULL, t->groups);
    rep_num(r, "lto_sections", t->lto_sections ? "LTO sections" : NULL, t->lto_sections);
    totals_relocs(r, "relocation_counts", "relocations", t->machine, &t->relocs);
}
