/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_coff_lists.c - the parts of a COFF object or PE image that are lists:
 * sections and directories, symbols, relocations, exports, imports. */

#include "inspect_coff.h"

#include "coff/heaps.h"
#include "coff/machine.h"
#include "obj/object.h"

#include <stdio.h>

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

static void list_sections(struct coff_inspect *i)
{
    static const struct column columns[] = {
        {"index", "#", 5, true},         {"addr", "address", 12, true},
        {"memory_size", "in memory", 12, true}, {"offset", "offset", 12, true},
        {"file_size", "in file", 12, true}, {"relocs", "relocs", 9, true},
        {"rights", "rights", 6, false},  {"flags", "flags", 12, true},
        {"name", "name", 0, false},
    };

    rep_table(i->r, "sections", "sections", columns, COUNT(columns));
    for (uint32_t n = 0; n < i->f.section_count; n++) {
        const struct coff_section *s = &i->f.sections[n];
        char rights[4];

        snprintf(rights, sizeof rights, "%s%s%s", s->flags & IMAGE_SCN_MEM_READ ? "r" : "-",
                 s->flags & IMAGE_SCN_MEM_WRITE ? "w" : "-",
                 s->flags & IMAGE_SCN_MEM_EXECUTE ? "x" : "-");
        rep_row(i->r);
        rep_cell_num(i->r, n + 1);
        rep_cell_hex(i->r, s->rva);
        rep_cell_num(i->r, i->f.image ? s->vsize : s->raw_size);
        rep_cell_hex(i->r, s->raw);
        rep_cell_num(i->r, s->raw_size);
        rep_cell_num(i->r, s->reloc_count);
        rep_cell(i->r, rights);
        rep_cell_hex(i->r, s->flags);
        rep_cell(i->r, s->name);
    }
    rep_table_end(i->r);
}

static void list_directories(struct coff_inspect *i)
{
    static const struct column columns[] = {
        {"index", "#", 3, true},
        {"addr", "address", 12, true},
        {"size", "size", 12, true},
        {"name", "directory", 0, false},
    };

    if (!i->f.image)
        return;
    rep_table(i->r, "directories", "directories", columns, COUNT(columns));
    for (int n = 0; n < DIRECTORY_COUNT; n++) {
        const struct coff_directory *e = &i->f.optional.directories[n];

        if (!e->rva && !e->size)
            continue;
        rep_row(i->r);
        rep_cell_num(i->r, (uint64_t)n);
        rep_cell_hex(i->r, e->rva);
        rep_cell_num(i->r, e->size);
        rep_cell(i->r, coff_directory_name((enum data_directory)n));
    }
    rep_table_end(i->r);
}

static const char *class_name(uint8_t class, char text[24])
{
    static const struct {
        uint8_t class;
        const char *name;
    } names[] = {{IMAGE_SYM_CLASS_EXTERNAL, "external"}, {IMAGE_SYM_CLASS_STATIC, "static"},
                 {IMAGE_SYM_CLASS_LABEL, "label"},       {IMAGE_SYM_CLASS_FUNCTION, "function"},
                 {IMAGE_SYM_CLASS_FILE, "file"},         {IMAGE_SYM_CLASS_SECTION, "section"},
                 {IMAGE_SYM_CLASS_WEAK_EXTERNAL, "weak"}};

    for (unsigned n = 0; n < COUNT(names); n++)
        if (names[n].class == class)
            return names[n].name;
    snprintf(text, 24, "%u", class);
    return text;
}

static bool list_symbols(struct coff_inspect *i)
{
    static const struct column columns[] = {
        {"row", "row", 8, true},     {"value", "value", 12, true}, {"section", "section", 8, true},
        {"type", "type", 6, true},   {"class", "class", 9, false}, {"aux", "aux", 4, true},
        {"name", "name", 0, false},
    };
    struct coff_symbol s;

    rep_table(i->r, "symbols", "symbols", columns, COUNT(columns));
    for (uint32_t n = 0; n < i->f.symbol_count; n += 1u + s.aux) {
        const char *field = (const char *)i->f.symbols.at + (uint64_t)n * i->f.symbol_size;
        char text[24], name[9] = "";

        if (!coff_symbol(i->d, &i->f, n, &s))
            return false;
        if (!*s.name) /* the short form, often without a NUL */
            memcpy(name, field, strnlen(field, 8));
        rep_row(i->r);
        rep_cell_num(i->r, n);
        rep_cell_hex(i->r, s.value);
        rep_cell_int(i->r, s.section);
        rep_cell_hex(i->r, s.type);
        rep_cell(i->r, class_name(s.class, text));
        rep_cell_num(i->r, s.aux);
        rep_cell(i->r, *s.name ? s.name : name);
    }
    rep_table_end(i->r);
    return true;
}

static const char *reloc_name(const struct coff_inspect *i, uint32_t type, char text[24])
{
    const struct coff_machine *m = coff_machine_find(i->f.machine);
    const struct reloc_type *row = m ? reloc_row(m->rows, type) : NULL;

    if (row)
        return row->name;
    snprintf(text, 24, "type %u", type);
    return text;
}

static void list_object_relocs(struct coff_inspect *i)
{
    static const struct column columns[] = {
        {"section", "section", 8, true},
        {"offset", "offset", 12, true},
        {"symbol", "symbol", 9, true},
        {"type", "type", 0, false},
    };

    rep_table(i->r, "relocations", "relocations", columns, COUNT(columns));
    for (uint32_t n = 0; n < i->f.section_count; n++)
        for (uint64_t k = 0; k < i->f.sections[n].reloc_count; k++) {
            const uint8_t *p = i->f.sections[n].relocs.at + k * COFF_RELOC_SIZE;
            char text[24];

            rep_row(i->r);
            rep_cell_num(i->r, n + 1);
            rep_cell_hex(i->r, load_uint(p, 4, false));
            rep_cell_num(i->r, load_uint(p + 4, 4, false));
            rep_cell(i->r, reloc_name(i, (uint32_t)load_uint(p + 8, 2, false), text));
        }
    rep_table_end(i->r);
}

static bool row_of_moved(void *arg, uint32_t rva, unsigned type)
{
    struct coff_inspect *i = arg;
    char text[24];

    snprintf(text, sizeof text, "type %u", type);
    rep_row(i->r);
    rep_cell_hex(i->r, rva);
    rep_cell(i->r, type == IMAGE_REL_BASED_DIR64      ? "DIR64"
                   : type == IMAGE_REL_BASED_ABSOLUTE ? "ABSOLUTE"
                   : type == IMAGE_REL_BASED_HIGHLOW  ? "HIGHLOW"
                                                      : text);
    return !i->r->over;
}

static bool list_relocs(struct coff_inspect *i)
{
    static const struct column columns[] = {
        {"addr", "address", 12, true},
        {"type", "type", 0, false},
    };
    bool ok = true;

    if (!i->f.image) {
        list_object_relocs(i);
        return true;
    }
    rep_table(i->r, "base_relocations", "base relocations", columns, COUNT(columns));
    ok = coff_each_base_reloc(i->d, &i->f, row_of_moved, i) || i->r->over;
    rep_table_end(i->r);
    return ok;
}

static bool row_of_export(void *arg, const char *name, uint32_t ordinal, uint32_t rva,
                          const char *forward)
{
    struct coff_inspect *i = arg;

    rep_row(i->r);
    rep_cell_num(i->r, ordinal);
    rep_cell_hex(i->r, rva);
    rep_cell(i->r, name ? name : "");
    rep_cell(i->r, forward);
    return true;
}

static bool row_of_import(void *arg, const char *dll, const char *name, uint32_t ordinal,
                          uint32_t rva)
{
    struct coff_inspect *i = arg;

    rep_row(i->r);
    rep_cell_hex(i->r, rva);
    rep_cell_num(i->r, ordinal);
    rep_cell(i->r, dll);
    rep_cell(i->r, name ? name : "");
    return true;
}

bool coff_lists(struct coff_inspect *i)
{
    static const struct column exports[] = {
        {"ordinal", "number", 7, true},
        {"addr", "address", 12, true},
        {"name", "name", 40, false},
        {"forward", "passed on to", 0, false},
    };
    static const struct column imports[] = {
        {"addr", "slot", 12, true},
        {"ordinal", "hint", 7, true},
        {"library", "library", 24, false},
        {"name", "name", 0, false},
    };
    bool ok = true;

    if (i->parts & PART_SEGMENTS)
        list_directories(i);
    if (i->parts & PART_SECTIONS)
        list_sections(i);
    if (i->parts & PART_SYMBOLS)
        ok = list_symbols(i);
    if (ok && i->parts & PART_RELOCS)
        ok = list_relocs(i);
    if (ok && i->parts & PART_EXPORTS && i->f.image) {
        rep_table(i->r, "exports", "exports", exports, COUNT(exports));
        ok = coff_each_export(i->d, &i->f, row_of_export, i);
        rep_table_end(i->r);
    }
    if (ok && i->parts & PART_IMPORTS && i->f.image) {
        rep_table(i->r, "imports", "imports", imports, COUNT(imports));
        ok = coff_each_import(i->d, &i->f, row_of_import, i);
        rep_table_end(i->r);
    }
    return ok;
}
