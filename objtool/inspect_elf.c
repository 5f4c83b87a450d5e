/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_elf.c - one ELF file: the summary, and then the lists asked for. */

#include "elf/machine.h"
#include "inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool inspect_open(struct inspect *i, struct span in)
{
    struct diag quiet = {0};

    if (!elf_open(i->d, i->a, in, &i->f) || !elf_image_read(i->d, i->a, &i->f, &i->m))
        return false;
    i->name_budget = i->m.name_budget;
    for (uint32_t n = 1; n < i->f.section_count; n++) {
        if (i->f.sections[n].type == SHT_SYMTAB && !i->symtab)
            i->symtab = n;
        if (i->f.sections[n].type == SHT_DYNSYM && !i->dynsym)
            i->dynsym = n;
    }
    /* What is wrong with versions is for "verify" to say. */
    if (!elf_read_versions(&quiet, i->a, &i->m, &i->versions) && quiet.status == E_NOMEM)
        return diag_nomem(i->d);
    return true;
}

static bool has_segment(const struct inspect *i, uint32_t type)
{
    for (uint32_t n = 0; n < i->f.segment_count; n++)
        if (i->f.segments[n].type == type)
            return true;
    return false;
}

enum file_type { TYPE_OTHER, TYPE_RELOCATABLE, TYPE_EXECUTABLE, TYPE_PIE, TYPE_SHARED, TYPE_CORE };

/* For programs, and for people. */
static const struct {
    const char *key, *text;
} type_names[] = {
    [TYPE_OTHER] = {"other", "file of unknown type"},
    [TYPE_RELOCATABLE] = {"relocatable", "relocatable object"},
    [TYPE_EXECUTABLE] = {"executable", "executable"},
    [TYPE_PIE] = {"pie", "position-independent executable"},
    [TYPE_SHARED] = {"shared", "shared library"},
    [TYPE_CORE] = {"core", "core file"},
};

static enum file_type file_type(const struct inspect *i)
{
    uint64_t flags = 0;

    elf_image_tag(&i->m, DT_FLAGS_1, &flags);
    switch (i->f.type) {
    case ET_REL:
        return TYPE_RELOCATABLE;
    case ET_EXEC:
        return TYPE_EXECUTABLE;
    case ET_DYN:
        return flags & DF_1_PIE ? TYPE_PIE : TYPE_SHARED;
    case ET_CORE:
        return TYPE_CORE;
    default:
        return TYPE_OTHER;
    }
}

static void put_head(struct inspect *i)
{
    const char *machine = elf_machine_name(i->f.machine);
    char text[160], number[24];

    snprintf(number, sizeof number, "machine %u", i->f.machine);
    snprintf(text, sizeof text, "ELF %s-bit %s-endian %s, %s", i->f.wide ? "64" : "32",
             i->f.big ? "big" : "little", machine ? machine : number,
             type_names[file_type(i)].text);
    rep_heading(i->r, i->name, text);
    rep_str(i->r, "format", NULL, "elf");
    rep_num(i->r, "class", NULL, i->f.wide ? 64 : 32);
    rep_str(i->r, "byte_order", NULL, i->f.big ? "big" : "little");
    rep_str(i->r, "machine", NULL, machine ? machine : number);
    rep_num(i->r, "machine_number", NULL, i->f.machine);
    rep_str(i->r, "type", NULL, type_names[file_type(i)].key);
    rep_num(i->r, "os_abi", i->f.osabi && i->f.osabi != ELFOSABI_GNU ? "OS ABI" : NULL, i->f.osabi);
    rep_hex(i->r, "flags", i->f.flags ? "flags" : NULL, i->f.flags);
    rep_num(i->r, "size", "size", i->f.in.size);
    rep_hex(i->r, "entry", i->f.entry ? "entry" : NULL, i->f.entry);
}

/* The strings that the dynamic section has under TAG: a list in the JSON, one
   line of text. */
static void put_strings(struct inspect *i, uint64_t tag, const char *key, const char *label)
{
    struct buf *line = NULL;

    rep_open(i->r, key, '[');
    for (uint32_t n = 0; n < i->m.entry_count; n++) {
        const char *s = NULL;

        if (i->m.entries[n].tag != tag)
            continue;
        s = elf_image_string(&i->m, i->m.entries[n].value);
        if (i->r->as_json) {
            json_str(&i->r->json, NULL, s ? s : "");
            continue;
        }
        if (!line)
            line = rep_line(i->r, label);
        else
            buf_printf(line, ", ");
        term_str(line, s ? s : "?");
    }
    rep_close(i->r);
    if (line)
        rep_end_line(i->r);
}

static void put_string(struct inspect *i, uint64_t tag, const char *key, const char *label)
{
    uint64_t value = 0;

    if (elf_image_tag(&i->m, tag, &value))
        rep_str(i->r, key, label, elf_image_string(&i->m, value));
}

static void put_interpreter(struct inspect *i)
{
    for (uint32_t n = 0; n < i->f.segment_count; n++)
        if (i->f.segments[n].type == PT_INTERP) {
            rep_str(i->r, "interpreter", "interpreter", span_str(i->f.segments[n].data, 0));
            return;
        }
}

/* How the image is protected once it is loaded. */
static void put_protection(struct inspect *i)
{
    bool stack = false, now = false, textrel = false, wx = false;
    const char *relro = "no";
    uint64_t value = 0;

    for (uint32_t n = 0; n < i->f.segment_count; n++) {
        const struct elf_phdr *p = &i->f.segments[n];

        stack = stack || (p->type == PT_GNU_STACK && !(p->flags & PF_X));
        wx = wx || (p->type == PT_LOAD && p->flags & PF_W && p->flags & PF_X);
    }
    now = elf_image_tag(&i->m, DT_BIND_NOW, &value) ||
          (elf_image_tag(&i->m, DT_FLAGS, &value) && value & DF_BIND_NOW) ||
          (elf_image_tag(&i->m, DT_FLAGS_1, &value) && value & DF_1_NOW);
    textrel = elf_image_tag(&i->m, DT_TEXTREL, &value) ||
              (elf_image_tag(&i->m, DT_FLAGS, &value) && value & DF_TEXTREL);
    if (has_segment(i, PT_GNU_RELRO))
        relro = now ? "full" : "partial";
    if (!has_segment(i, PT_LOAD))
        return;
    rep_open(i->r, "protection", '{');
    rep_str(i->r, "relro", NULL, relro);
    rep_flag(i->r, "bind_now", now);
    rep_flag(i->r, "executable_stack", !stack);
    rep_flag(i->r, "text_relocations", textrel);
    rep_flag(i->r, "writable_code", wx);
    rep_close(i->r);
    if (i->r->as_json)
        return;
    buf_printf(rep_line(i->r, "protection"), "%s RELRO, %s binding, %s stack%s%s", relro,
               now ? "immediate" : "lazy", stack ? "non-executable" : "EXECUTABLE",
               textrel ? ", TEXT RELOCATIONS" : "", wx ? ", WRITABLE CODE" : "");
    rep_end_line(i->r);
}

static void put_memory(struct inspect *i)
{
    struct buf *line = NULL;

    rep_num(i->r, "segment_count", NULL, i->f.segment_count);
    if (i->r->as_json || i->m.load_count == 0)
        return;
    line = rep_line(i->r, "loaded");
    for (uint32_t n = 0; n < i->m.load_count && n < 8; n++) {
        const struct elf_load *l = &i->m.loads[n];

        buf_printf(line, "%s%s%s%s ", n ? ", " : "", l->flags & PF_R ? "r" : "-",
                   l->flags & PF_W ? "w" : "-", l->flags & PF_X ? "x" : "-");
        term_count(line, l->mem_end - l->addr);
    }
    if (i->m.load_count > 8)
        buf_printf(line, ", and %" PRIu32 " more", i->m.load_count - 8);
    rep_end_line(i->r);
}

static int by_file(const void *left, const void *right)
{
    const struct elf_version *l = left, *r = right;
    int order = l->file && r->file ? strcmp(l->file, r->file) : !!l->file - !!r->file;

    return order ? order : strcmp(l->name, r->name);
}

/* Versions that are defined (NEEDED: needed), a line per file in text. */
static void put_versions(struct inspect *i, const struct elf_version *all, uint32_t count,
                         bool needed)
{
    enum { SHOWN = 8 };
    struct buf *line = NULL;
    uint32_t in_line = 0;

    rep_open(i->r, needed ? "needed_versions" : "defined_versions", '[');
    for (uint32_t n = 0; n < count; n++) {
        const struct elf_version *v = &all[n];
        bool fresh = !line || (v->file && strcmp(v->file, all[n - 1].file) != 0);

        if (i->r->as_json) {
            rep_open(i->r, NULL, '{');
            rep_str(i->r, "file", NULL, v->file);
            rep_str(i->r, "version", NULL, v->name);
            rep_flag(i->r, "weak", v->flags & VER_FLG_WEAK);
            rep_close(i->r);
            continue;
        }
        if (fresh) {
            if (line)
                rep_end_line(i->r);
            line = rep_line(i->r, line ? "" : needed ? "needs" : "versions");
            in_line = 0;
            if (v->file) {
                term_str(line, v->file);
                buf_printf(line, ": ");
            }
        }
        if (in_line < SHOWN) {
            buf_printf(line, "%s", fresh ? "" : ", ");
            term_str(line, v->name);
        } else if (in_line == SHOWN) {
            buf_printf(line, ", ...");
        }
        in_line++;
    }
    rep_close(i->r);
    if (line)
        rep_end_line(i->r);
}

static bool put_all_versions(struct inspect *i)
{
    struct elf_version *all = arena_alloc(i->a, i->versions.count, sizeof *all);
    uint32_t n = 0, defined = 0;

    if (!all)
        return diag_nomem(i->d);
    for (uint32_t v = 0; v < i->versions.count; v++)
        if (i->versions.by_index[v].name)
            all[n++] = i->versions.by_index[v];
    /* Those without a file, which are defined here, come first. */
    if (n > 0)
        qsort(all, n, sizeof *all, by_file);
    while (defined < n && !all[defined].file)
        defined++;
    put_versions(i, all, defined, false);
    put_versions(i, all + defined, n - defined, true);
    return true;
}

static void put_dynamic_symbols(struct inspect *i)
{
    uint64_t exports = 0, imports = 0, functions = 0;

    if (i->m.symbol_count == 0)
        return;
    for (uint64_t n = 1; n < i->m.symbol_count; n++) {
        struct elf_sym s = elf_image_symbol(&i->m, n);
        unsigned kind = s.info & 15;

        if (s.info >> 4 == STB_LOCAL)
            continue;
        imports += s.shndx == SHN_UNDEF;
        exports += s.shndx != SHN_UNDEF;
        functions += s.shndx != SHN_UNDEF && (kind == STT_FUNC || kind == STT_GNU_IFUNC);
    }
    rep_num(i->r, "export_count", NULL, exports);
    rep_num(i->r, "import_count", NULL, imports);
    if (i->r->as_json)
        return;
    term_count(rep_line(i->r, "exports"), exports);
    buf_printf(&i->r->text, " (");
    term_count(&i->r->text, functions);
    buf_printf(&i->r->text, " functions)");
    rep_end_line(i->r);
    rep_num(i->r, NULL, "imports", imports);
}

struct dynamic_counts {
    struct reloc_counts tables;
    uint64_t relr;
};

static bool count_dynamic(void *arg, const struct elf_dynamic_reloc *d)
{
    struct dynamic_counts *c = arg;

    if (d->source == ELF_FROM_RELR)
        c->relr++;
    else
        reloc_count(&c->tables, d->type);
    return true;
}

static bool put_dynamic_relocs(struct inspect *i)
{
    struct dynamic_counts *c = arena_alloc(i->a, 1, sizeof *c);
    uint64_t addr = 0;

    if (!c)
        return diag_nomem(i->d);
    if (i->m.entry_count == 0)
        return true;
    elf_image_relocs(&i->m, count_dynamic, c);
    totals_relocs(i->r, "dynamic_relocation_counts", "at start", i->f.machine, &c->tables);
    if (elf_image_tag(&i->m, DT_RELR, &addr))
        rep_num(i->r, "relr_count", "packed at start", c->relr);
    return true;
}

static bool put_summary(struct inspect *i)
{
    struct totals *t = arena_alloc(i->a, 1, sizeof *t);

    if (!t)
        return diag_nomem(i->d);
    t->machine = NO_MACHINE;
    totals_add(t, i);
    put_interpreter(i);
    put_string(i, DT_SONAME, "soname", "soname");
    put_strings(i, DT_NEEDED, "needed", "needed");
    put_string(i, DT_RPATH, "rpath", "rpath");
    put_string(i, DT_RUNPATH, "runpath", "runpath");
    inspect_notes(i);
    put_protection(i);
    put_memory(i);
    totals_report(i->r, t);
    put_dynamic_symbols(i);
    return put_all_versions(i) && put_dynamic_relocs(i);
}

/* A Julia sysimage may be one file, too: then this is where it is told. */
static bool put_julia(struct inspect *i)
{
    struct julia_symbols symbols = {0};

    return julia_collect(&symbols, i) && inspect_julia(i->d, i->r, i->a, &symbols);
}

bool inspect_elf(struct inspect *i)
{
    put_head(i);
    /* Lists alone are for other programs' eyes as much as for people's; the
       JSON has the summary always. */
    if ((i->r->as_json || !(i->parts & ~(unsigned)PART_MEMBERS)) &&
        (!put_summary(i) || !put_julia(i)))
        return false;
    if (!inspect_heaps(i))
        return false;
    inspect_lists(i);
    if (i->name_budget == 0 || i->m.name_budget == 0)
        return diag_fail(i->d, E_NOMEM,
                         "names overlap so much that to read them all would take "
                         "more than 32 times the file's size");
    return true;
}
