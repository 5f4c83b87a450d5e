/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_lists.c - the parts of an ELF file that are lists: segments,
 * sections, symbols, relocations, exports, imports. */

#include "inspect.h"

#include <inttypes.h>
#include <stdio.h>

/* A number without a name is shown as it is. */
static const char *name_or(const char *name, uint64_t number, char text[24])
{
    if (name)
        return name;
    snprintf(text, 24, "0x%" PRIx64, number);
    return text;
}

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

static void list_segments(struct inspect *i)
{
    static const struct column columns[] = {
        {"index", "#", 3, true},
        {"type", "type", 14, false},
        {"flags", "flags", 5, false},
        {"offset", "offset", 12, true},
        {"addr", "address", 18, true},
        {"file_size", "in file", 12, true},
        {"memory_size", "in memory", 12, true},
        {"align", "align", 8, true},
    };

    rep_table(i->r, "segments", "segments", columns, COUNT(columns));
    for (uint32_t n = 0; n < i->f.segment_count; n++) {
        const struct elf_phdr *p = &i->f.segments[n];
        char text[24], flags[4];

        snprintf(flags, sizeof flags, "%s%s%s", p->flags & PF_R ? "r" : "-",
                 p->flags & PF_W ? "w" : "-", p->flags & PF_X ? "x" : "-");
        rep_row(i->r);
        rep_cell_num(i->r, n);
        rep_cell(i->r, name_or(elf_segment_type_name(p->type), p->type, text));
        rep_cell(i->r, flags);
        rep_cell_hex(i->r, p->offset);
        rep_cell_hex(i->r, p->vaddr);
        rep_cell_hex(i->r, p->filesz);
        rep_cell_hex(i->r, p->memsz);
        rep_cell_hex(i->r, p->align);
    }
    rep_table_end(i->r);
}

/* The letters of readelf's key, less common ones as a number behind. */
static void section_flags(uint64_t flags, char text[40])
{
    static const struct {
        uint64_t flag;
        char letter;
    } letters[] = {{SHF_WRITE, 'W'},      {SHF_ALLOC, 'A'},      {SHF_EXECINSTR, 'X'},
                   {SHF_MERGE, 'M'},      {SHF_STRINGS, 'S'},    {SHF_INFO_LINK, 'I'},
                   {SHF_LINK_ORDER, 'L'}, {SHF_GROUP, 'G'},      {SHF_TLS, 'T'},
                   {SHF_COMPRESSED, 'C'}, {SHF_GNU_RETAIN, 'R'}, {SHF_X86_64_LARGE, 'l'},
                   {SHF_EXCLUDE, 'E'}};
    size_t n = 0;

    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if (flags & letters[i].flag) {
            text[n++] = letters[i].letter;
            flags &= ~letters[i].flag;
        }
    text[n] = 0;
    if (flags)
        snprintf(text + n, 40 - n, "+0x%" PRIx64, flags);
}

static void list_sections(struct inspect *i)
{
    static const struct column columns[] = {
        {"index", "#", 3, true},          {"type", "type", 14, false},
        {"flags", "flags", 6, false},     {"addr", "address", 18, true},
        {"offset", "offset", 12, true},   {"size", "size", 12, true},
        {"entry_size", "entry", 5, true}, {"link", "link", 4, true},
        {"info", "info", 6, true},        {"align", "align", 8, true},
        {"name", "name", 0, false},
    };

    rep_table(i->r, "sections", "sections", columns, COUNT(columns));
    for (uint32_t n = 0; n < i->f.section_count; n++) {
        const struct elf_shdr *s = &i->f.sections[n];
        char text[24], flags[40];

        section_flags(s->flags, flags);
        rep_row(i->r);
        rep_cell_num(i->r, n);
        rep_cell(i->r, name_or(elf_section_type_name(s->type), s->type, text));
        rep_cell(i->r, flags);
        rep_cell_hex(i->r, s->addr);
        rep_cell_hex(i->r, s->offset);
        rep_cell_hex(i->r, s->size);
        rep_cell_num(i->r, s->entsize);
        rep_cell_num(i->r, s->link);
        rep_cell_num(i->r, s->info);
        rep_cell_hex(i->r, s->align);
        rep_cell(i->r, s->name);
    }
    rep_table_end(i->r);
}

uint64_t symtab_count(const struct inspect *i, uint32_t section)
{
    return section ? i->f.sections[section].data.size / elf_sym_size(i->f.wide) : 0;
}

struct elf_sym symtab_get(const struct inspect *i, uint32_t section, uint64_t n)
{
    struct cursor c = elf_cursor(&i->f, i->f.sections[section].data);

    cur_take(&c, n * elf_sym_size(i->f.wide));
    return elf_next_sym(&c);
}

const char *symtab_name(struct inspect *i, uint32_t section, const struct elf_sym *s)
{
    const struct elf_shdr *table = &i->f.sections[section];
    struct span names = {0};
    const char *name = NULL;
    uint64_t cost = 0;

    if (table->link < i->f.section_count)
        names = i->f.sections[table->link].data;
    name = i->name_budget > 0 ? span_str(names, s->name) : NULL;
    cost = name ? strlen(name) + 1 : s->name < names.size ? names.size - s->name : 0;
    i->name_budget -= cost < i->name_budget ? cost : i->name_budget;
    return name ? name : "";
}

static const char *kind_name(unsigned kind, char text[24])
{
    static const char *const names[] = {"notype", "object", "func", "section",
                                        "file",   "common", "tls"};

    if (kind == STT_GNU_IFUNC)
        return "ifunc";
    return name_or(kind < COUNT(names) ? names[kind] : NULL, kind, text);
}

static const char *binding_name(unsigned binding, char text[24])
{
    static const char *const names[] = {"local", "global", "weak"};

    if (binding == STB_GNU_UNIQUE)
        return "unique";
    return name_or(binding < COUNT(names) ? names[binding] : NULL, binding, text);
}

static const char *visibility_name(unsigned other)
{
    static const char *const names[] = {"default", "internal", "hidden", "protected"};

    return names[other & 3];
}

/* SHT_SYMTAB_SHNDX of the table in SECTION, for files of many sections. */
static struct span extended_indices(const struct inspect *i, uint32_t section)
{
    for (uint32_t n = 1; n < i->f.section_count; n++)
        if (i->f.sections[n].type == SHT_SYMTAB_SHNDX && i->f.sections[n].link == section)
            return i->f.sections[n].data;
    return (struct span){0};
}

static const char *place_name(const struct inspect *i, const struct elf_sym *s, uint64_t n,
                              struct span extended, char text[24])
{
    uint64_t index = s->shndx;

    if (index == SHN_XINDEX && n < extended.size / 4)
        index = load_uint(extended.at + n * 4, 4, i->f.big);
    else if (index >= SHN_LORESERVE)
        return index == SHN_ABS      ? "ABS"
               : index == SHN_COMMON ? "COMMON"
                                     : name_or(NULL, index, text);
    if (index == SHN_UNDEF)
        return "UNDEF";
    if (index < i->f.section_count && i->f.sections[index].name[0])
        return i->f.sections[index].name;
    return name_or(NULL, index, text);
}

static void list_symbols(struct inspect *i, uint32_t section, const char *key, const char *title)
{
    static const struct column columns[] = {
        {"index", "#", 6, true},           {"value", "value", 18, true},
        {"size", "size", 8, true},         {"kind", "kind", 7, false},
        {"binding", "binding", 7, false},  {"visibility", "visibility", 10, false},
        {"section", "section", 16, false}, {"name", "name", 0, false},
    };
    struct span extended = extended_indices(i, section);

    rep_table(i->r, key, title, columns, COUNT(columns));
    for (uint64_t n = 0; n < symtab_count(i, section); n++) {
        struct elf_sym s = symtab_get(i, section, n);
        char kind[24], binding[24], place[24];

        rep_row(i->r);
        rep_cell_num(i->r, n);
        rep_cell_hex(i->r, s.value);
        rep_cell_num(i->r, s.size);
        rep_cell(i->r, kind_name(s.info & 15, kind));
        rep_cell(i->r, binding_name(s.info >> 4, binding));
        rep_cell(i->r, visibility_name(s.other));
        rep_cell(i->r, place_name(i, &s, n, extended, place));
        rep_cell(i->r, symtab_name(i, section, &s));
    }
    rep_table_end(i->r);
}

static const struct column reloc_columns[] = {
    {"section", "in", 16, false},   {"offset", "offset", 18, true}, {"type", "type", 28, false},
    {"addend", "addend", 12, true}, {"symbol", "symbol", 0, false},
};

/* One row.  ADDEND counts only if HAS. */
static void put_reloc(struct inspect *i, const char *in, uint64_t offset, uint32_t type,
                      const int64_t *addend, const char *symbol)
{
    char text[24];

    rep_row(i->r);
    rep_cell(i->r, in);
    rep_cell_hex(i->r, offset);
    rep_cell(i->r, reloc_type_name(i->f.machine, type, text));
    if (addend)
        rep_cell_int(i->r, *addend);
    else
        rep_cell(i->r, NULL);
    rep_cell(i->r, symbol);
}

/* What relocation symbol N of the table in SECTION is called: its section's
   name if it is a section symbol. */
static const char *target_name(struct inspect *i, uint32_t section, uint32_t n)
{
    struct elf_sym s;

    if (n == 0 || n >= symtab_count(i, section))
        return NULL;
    s = symtab_get(i, section, n);
    if ((s.info & 15) == STT_SECTION && s.shndx < i->f.section_count)
        return i->f.sections[s.shndx].name;
    return symtab_name(i, section, &s);
}

static void list_section_relocs(struct inspect *i, const struct elf_shdr *table)
{
    struct cursor c = elf_cursor(&i->f, table->data);
    bool rela = table->type == SHT_RELA;
    uint64_t count = table->data.size / elf_rel_size(i->f.wide, rela);
    const char *in = table->info < i->f.section_count ? i->f.sections[table->info].name : "?";
    uint32_t symbols = table->link < i->f.section_count ? table->link : 0;

    if (symbols && i->f.sections[symbols].type != SHT_SYMTAB &&
        i->f.sections[symbols].type != SHT_DYNSYM)
        symbols = 0;
    for (uint64_t n = 0; n < count; n++) {
        struct elf_rel r = elf_next_rel(&c, rela);

        elf_fix_rel(&i->f, &r);
        put_reloc(i, in, r.offset, r.type, rela ? &r.addend : NULL,
                  target_name(i, symbols, r.symbol));
    }
}

static bool list_dynamic_reloc(void *arg, const struct elf_dynamic_reloc *d)
{
    struct inspect *i = arg;
    struct elf_sym s = {0};
    const char *name = NULL;
    char text[24];

    if (d->symbol != 0 && d->symbol < i->m.symbol_count) {
        s = elf_image_symbol(&i->m, d->symbol);
        name = elf_image_string(&i->m, s.name);
    }
    rep_row(i->r);
    rep_cell(i->r, elf_reloc_source_name(d->source));
    rep_cell_hex(i->r, d->addr);
    rep_cell(i->r, d->source == ELF_FROM_RELR ? "RELATIVE"
                                              : reloc_type_name(i->f.machine, d->type, text));
    if (d->in_place)
        rep_cell(i->r, NULL);
    else
        rep_cell_int(i->r, d->addend);
    rep_cell(i->r, name);
    return true;
}

static void list_relocs(struct inspect *i)
{
    uint64_t left = i->f.in.size;

    rep_table(i->r, "relocations", "relocations", reloc_columns, COUNT(reloc_columns));
    for (uint32_t n = 1; n < i->f.section_count; n++) {
        const struct elf_shdr *s = &i->f.sections[n];

        if ((s->type != SHT_RELA && s->type != SHT_REL) || s->data.size > left ||
            (s->flags & SHF_ALLOC && i->m.dynamic_segment < i->f.segment_count))
            continue;
        left -= s->data.size;
        list_section_relocs(i, s);
    }
    elf_image_relocs(&i->m, list_dynamic_reloc, i);
    rep_table_end(i->r);
}

/* What the loader finds here for others, or looks for elsewhere. */
static void list_dynamic(struct inspect *i, bool exports)
{
    static const struct column columns[] = {
        {"addr", "address", 18, true},
        {"size", "size", 10, true},
        {"kind", "kind", 7, false},
        {"binding", "binding", 7, false},
        {"visibility", "visibility", 10, false},
        {"file", "from", 20, false},
        {"version", "version", 20, false},
        {"name", "name", 0, false},
    };

    rep_table(i->r, exports ? "exports" : "imports", exports ? "exports" : "imports", columns,
              COUNT(columns));
    for (uint64_t n = 1; n < i->m.symbol_count; n++) {
        struct elf_sym s = elf_image_symbol(&i->m, n);
        const struct elf_version *version = NULL;
        const char *name = NULL;
        char kind[24], binding[24];
        bool hidden = false;

        if (s.info >> 4 == STB_LOCAL || (s.shndx != SHN_UNDEF) != exports)
            continue;
        version = elf_symbol_version(&i->f, &i->versions, n, &hidden);
        name = elf_image_string(&i->m, s.name);
        rep_row(i->r);
        rep_cell_hex(i->r, s.value);
        rep_cell_num(i->r, s.size);
        rep_cell(i->r, kind_name(s.info & 15, kind));
        rep_cell(i->r, binding_name(s.info >> 4, binding));
        rep_cell(i->r, visibility_name(s.other));
        rep_cell(i->r, version ? version->file : NULL);
        rep_cell(i->r, version ? version->name : NULL);
        rep_cell(i->r, name ? name : "");
    }
    rep_table_end(i->r);
}

void inspect_lists(struct inspect *i)
{
    if (i->parts & PART_SEGMENTS)
        list_segments(i);
    if (i->parts & PART_SECTIONS)
        list_sections(i);
    if (i->parts & PART_SYMBOLS && i->symtab)
        list_symbols(i, i->symtab, "symbols", "symbols");
    if (i->parts & PART_SYMBOLS && i->dynsym)
        list_symbols(i, i->dynsym, "dynamic_symbols", "dynamic symbols");
    if (i->parts & PART_EXPORTS)
        list_dynamic(i, true);
    if (i->parts & PART_IMPORTS)
        list_dynamic(i, false);
    if (i->parts & PART_RELOCS)
        list_relocs(i);
}
