/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_macho_lists.c - the parts of a Mach-O file that are lists: load
 * commands and segments, sections, symbols, fixups and relocations, exports,
 * imports. */

#include "inspect_macho.h"

#include "macho/machine.h"
#include "macho/trie.h"
#include "obj/object.h"

#include <inttypes.h>
#include <stdio.h>

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

static void list_commands(struct macho_inspect *i)
{
    static const struct column columns[] = {
        {"index", "#", 3, true},
        {"offset", "offset", 12, true},
        {"size", "size", 8, true},
        {"command", "command", 0, false},
    };

    rep_table(i->r, "load_commands", "load commands", columns, COUNT(columns));
    for (uint32_t n = 0; n < i->f.command_count; n++) {
        const struct macho_command *c = &i->f.commands[n];
        char text[24];

        rep_row(i->r);
        rep_cell_num(i->r, n);
        rep_cell_hex(i->r, c->offset);
        rep_cell_num(i->r, c->data.size);
        rep_cell(i->r, macho_name_or(macho_command_name(c->cmd), c->cmd, text));
    }
    rep_table_end(i->r);
}

static void rights(uint32_t prot, char text[4])
{
    snprintf(text, 4, "%s%s%s", prot & VM_PROT_READ ? "r" : "-", prot & VM_PROT_WRITE ? "w" : "-",
             prot & VM_PROT_EXECUTE ? "x" : "-");
}

static void list_segments(struct macho_inspect *i)
{
    static const struct column columns[] = {
        {"index", "#", 3, true},
        {"rights", "rights", 6, false},
        {"max_rights", "max", 4, false},
        {"offset", "offset", 12, true},
        {"addr", "address", 18, true},
        {"file_size", "in file", 12, true},
        {"memory_size", "in memory", 12, true},
        {"flags", "flags", 6, true},
        {"name", "name", 0, false},
    };

    rep_table(i->r, "segments", "segments", columns, COUNT(columns));
    for (uint32_t n = 0; n < i->f.segment_count; n++) {
        const struct macho_segment *s = &i->f.segments[n];
        char text[4];

        rep_row(i->r);
        rep_cell_num(i->r, n);
        rights(s->initprot, text);
        rep_cell(i->r, text);
        rights(s->maxprot, text);
        rep_cell(i->r, text);
        rep_cell_hex(i->r, s->fileoff);
        rep_cell_hex(i->r, s->vmaddr);
        rep_cell_hex(i->r, s->filesize);
        rep_cell_hex(i->r, s->vmsize);
        rep_cell_hex(i->r, s->flags);
        rep_cell(i->r, s->name);
    }
    rep_table_end(i->r);
}

static void list_sections(struct macho_inspect *i)
{
    static const struct column columns[] = {
        {"index", "#", 3, true},      {"addr", "address", 18, true}, {"offset", "offset", 12, true},
        {"size", "size", 12, true},   {"align", "align", 6, true},   {"relocs", "relocs", 7, true},
        {"flags", "flags", 10, true}, {"type", "type", 24, false},   {"name", "name", 0, false},
    };

    rep_table(i->r, "sections", "sections", columns, COUNT(columns));
    for (uint32_t n = 0; n < i->f.section_count; n++) {
        const struct macho_section *s = &i->f.sections[n];
        char text[24];

        rep_row(i->r);
        rep_cell_num(i->r, n + 1ull);
        rep_cell_hex(i->r, s->addr);
        rep_cell_hex(i->r, s->offset);
        rep_cell_hex(i->r, s->size);
        rep_cell_hex(i->r, UINT64_C(1) << s->align_log2);
        rep_cell_num(i->r, s->nreloc);
        rep_cell_hex(i->r, s->flags & ~SECTION_TYPE);
        rep_cell(i->r,
                 macho_name_or(macho_section_type_name(s->flags), s->flags & SECTION_TYPE, text));
        rep_cell(i->r, s->full);
    }
    rep_table_end(i->r);
}

static const char *place_of(const struct macho_inspect *i, const struct macho_sym *s, char text[24])
{
    switch (s->type & N_TYPE) {
    case N_UNDF:
        return s->value ? "COMMON" : "UNDEF";
    case N_ABS:
        return "ABS";
    case N_INDR:
        return "INDIRECT";
    case N_SECT:
        if (s->sect && s->sect <= i->f.section_count)
            return i->f.sections[s->sect - 1].full;
        break;
    default:
        break;
    }
    return macho_name_or(NULL, s->sect, text);
}

static void list_symbols(struct macho_inspect *i)
{
    static const struct column columns[] = {
        {"index", "#", 6, true},           {"value", "value", 18, true},
        {"binding", "binding", 7, false},  {"desc", "desc", 6, true},
        {"section", "section", 24, false}, {"name", "name", 0, false},
    };

    rep_table(i->r, "symbols", "symbols", columns, COUNT(columns));
    for (uint32_t n = 0; n < i->f.nsyms && !i->r->over; n++) {
        struct macho_sym s = macho_symbol(&i->f, n);
        char text[24];

        rep_row(i->r);
        rep_cell_num(i->r, n);
        rep_cell_hex(i->r, s.value);
        rep_cell(i->r, s.type & N_STAB     ? "debug"
                       : s.type & N_PEXT   ? "hidden"
                       : !(s.type & N_EXT) ? "local"
                       : s.desc & (N_WEAK_DEF | N_WEAK_REF) && (s.type & N_TYPE) != N_ABS
                           ? "weak"
                           : "global");
        rep_cell_hex(i->r, s.desc);
        rep_cell(i->r, place_of(i, &s, text));
        rep_cell(i->r, macho_symbol_name(&i->f, &s));
    }
    rep_table_end(i->r);
}

/* ---- relocations of objects ---- */

static bool list_section_relocs(struct macho_inspect *i, const struct object *o, uint32_t section)
{
    const struct section *s = &o->sections[section];
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    for (uint64_t first = 0; first < s->reloc_count; first += got) {
        if (!o->format->relocs(i->d, o, section, first, batch, RELOC_BATCH, &got))
            return false;
        for (unsigned n = 0; n < got; n++) {
            const struct reloc *r = &batch[n];
            const struct symbol *sym = &o->symbols[r->symbol];

            if (!r->type->field) /* the first half of a pair */
                continue;
            rep_row(i->r);
            rep_cell_num(i->r, section);
            rep_cell_hex(i->r, r->offset);
            rep_cell(i->r, r->type->name);
            rep_cell_int(i->r, r->addend);
            rep_cell(i->r, r->minus ? o->symbols[r->minus].name : NULL);
            rep_cell(i->r, sym->kind == KIND_SECTION ? o->sections[sym->section].name : sym->name);
        }
    }
    return true;
}

static bool list_relocs(struct macho_inspect *i)
{
    static const struct column columns[] = {
        {"section", "section", 7, true}, {"offset", "offset", 12, true},
        {"type", "type", 34, false},     {"addend", "addend", 8, true},
        {"minus", "minus", 16, false},   {"symbol", "symbol", 0, false},
    };
    struct object o = {0};
    bool ok = true;

    if (i->f.filetype != MH_OBJECT || !macho_machine_find(i->f.cputype))
        return true;
    if (!format_macho.read(i->d, i->a, i->name, i->f.in, &o))
        return false;
    rep_table(i->r, "relocations", "relocations", columns, COUNT(columns));
    for (uint32_t n = 1; ok && n < o.section_count; n++)
        ok = list_section_relocs(i, &o, n);
    rep_table_end(i->r);
    return ok;
}

/* ---- fixups of images ---- */

static const char *library_name(const struct macho_inspect *i, int ordinal, char text[24])
{
    static const char *const special[] = {"itself", "the program", "any image",
                                          "the first to define it"};

    if (ordinal > 0 && (uint32_t)ordinal <= i->f.library_count)
        return i->f.libraries[ordinal - 1].name;
    if (ordinal <= 0 && ordinal >= BIND_SPECIAL_DYLIB_WEAK_LOOKUP)
        return special[-ordinal];
    snprintf(text, 24, "%d", ordinal);
    return text;
}

static bool put_fixup(void *arg, const struct macho_fixup *x)
{
    struct macho_inspect *i = arg;
    char text[24];

    rep_row(i->r);
    rep_cell_hex(i->r, x->addr);
    rep_cell(i->r, i->f.segments[x->segment].name);
    rep_cell(i->r, x->source == FIXUP_WEAK_BIND   ? "weak bind"
                   : x->source == FIXUP_LAZY_BIND ? "lazy bind"
                   : x->bind                      ? "bind"
                                                  : "rebase");
    if (x->bind)
        rep_cell(i->r, NULL);
    else
        rep_cell_hex(i->r, x->target);
    rep_cell_int(i->r, x->addend);
    rep_cell(i->r, x->bind ? library_name(i, x->ordinal, text) : NULL);
    rep_cell(i->r, x->symbol);
    return !i->r->over;
}

static bool list_fixups(struct macho_inspect *i)
{
    static const struct column columns[] = {
        {"addr", "address", 18, true},  {"segment", "segment", 12, false},
        {"kind", "kind", 9, false},     {"target", "target", 18, true},
        {"addend", "addend", 6, true},  {"library", "library", 28, false},
        {"symbol", "symbol", 0, false},
    };

    if (!i->f.chained_fixups.present && !i->f.has_dyld_info)
        return true;
    rep_table(i->r, "fixups_list", "fixups", columns, COUNT(columns));
    if (!macho_each_fixup(i->d, i->a, &i->f, put_fixup, i) && i->d->status != OK)
        return false;
    rep_table_end(i->r);
    return true;
}

/* ---- exports and imports ---- */

static bool put_export(void *arg, const struct trie_symbol *s)
{
    struct macho_inspect *i = arg;
    uint64_t kind = s->flags & EXPORT_SYMBOL_FLAGS_KIND_MASK;

    rep_row(i->r);
    rep_cell_hex(i->r, s->addr);
    rep_cell(i->r, s->flags & EXPORT_SYMBOL_FLAGS_REEXPORT          ? "passed on"
                   : kind == EXPORT_SYMBOL_FLAGS_KIND_THREAD_LOCAL  ? "tls"
                   : kind == EXPORT_SYMBOL_FLAGS_KIND_ABSOLUTE      ? "absolute"
                   : s->flags & EXPORT_SYMBOL_FLAGS_WEAK_DEFINITION ? "weak"
                                                                    : "global");
    rep_cell(i->r, s->name);
    return !i->r->over;
}

static bool list_exports(struct macho_inspect *i)
{
    static const struct column columns[] = {
        {"addr", "address", 18, true}, {"kind", "kind", 9, false}, {"name", "name", 0, false}};
    bool ok = true;

    rep_table(i->r, "exports", "exports", columns, COUNT(columns));
    ok = trie_read(i->d, i->a, macho_exports(&i->f), put_export, i) || i->d->status == OK;
    rep_table_end(i->r);
    return ok;
}

static void list_imports(struct macho_inspect *i)
{
    static const struct column columns[] = {
        {"library", "library", 40, false}, {"weak", "weak", 5, false}, {"name", "name", 0, false}};

    rep_table(i->r, "imports", "imports", columns, COUNT(columns));
    for (uint32_t n = 0; n < i->f.nsyms && !i->r->over; n++) {
        struct macho_sym s = macho_symbol(&i->f, n);
        int ordinal = s.desc >> 8;
        char text[24];

        if (s.type & N_STAB || (s.type & N_TYPE) != N_UNDF || s.value)
            continue;
        ordinal = ordinal == (int)DYNAMIC_LOOKUP_ORDINAL ? BIND_SPECIAL_DYLIB_FLAT_LOOKUP
                  : ordinal == (int)EXECUTABLE_ORDINAL   ? BIND_SPECIAL_DYLIB_MAIN_EXECUTABLE
                                                         : ordinal;
        rep_row(i->r);
        rep_cell(i->r, i->f.filetype == MH_OBJECT ? NULL : library_name(i, ordinal, text));
        rep_cell(i->r, s.desc & N_WEAK_REF ? "weak" : NULL);
        rep_cell(i->r, macho_symbol_name(&i->f, &s));
    }
    rep_table_end(i->r);
}

bool macho_lists(struct macho_inspect *i)
{
    if (i->parts & PART_SEGMENTS) {
        list_commands(i);
        list_segments(i);
    }
    if (i->parts & PART_SECTIONS)
        list_sections(i);
    if (i->parts & PART_SYMBOLS)
        list_symbols(i);
    if (i->parts & PART_RELOCS && (!list_relocs(i) || !list_fixups(i)))
        return false;
    if (i->parts & PART_EXPORTS && !list_exports(i))
        return false;
    if (i->parts & PART_IMPORTS)
        list_imports(i);
    return true;
}
