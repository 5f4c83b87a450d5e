/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read.c - a COFF object, an import or a DLL as a neutral object.  Foreign
 * numbers end here: what leaves is checked and has the model's words. */

#include "base/pages.h"
#include "coff/reader.h"

#include <inttypes.h>
#include <stdlib.h>

enum { NAME_TIMES = 16, MAX_ALIGN_LOG2 = 13, MAX_COMMON_ALIGN = 32 };

static bool is_coff(struct span in)
{
    return coff_is_object(in) || coff_is_import(in) || coff_is_image(in);
}

/* ---- sections ---- */

static bool begins(const char *name, const char *with) { return !strncmp(name, with, strlen(with)); }

static uint32_t section_flags(const struct coff_section *s)
{
    uint32_t flags = s->flags & IMAGE_SCN_CNT_UNINITIALIZED_DATA ? SEC_ZERO : 0;

    /* Imports are made anew from what these say. */
    if (s->flags & (IMAGE_SCN_LNK_REMOVE | IMAGE_SCN_LNK_INFO) || begins(s->name, ".idata$") ||
        !strcmp(s->name, ".drectve"))
        return flags | SEC_EXCLUDE;
    if (begins(s->name, ".debug"))
        return flags | SEC_DEBUG;
    flags |= SEC_ALLOC;
    if (s->flags & IMAGE_SCN_MEM_WRITE)
        flags |= SEC_WRITE;
    if (s->flags & (IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_CNT_CODE))
        flags |= SEC_EXEC;
    if (!strcmp(s->name, ".tls") || begins(s->name, ".tls$"))
        flags |= SEC_TLS;
    return flags;
}

/* *COMDAT: whether any of them is one. */
static bool make_sections(struct diag *d, struct arena *a, const struct coff_file *f,
                          struct object *o, bool *comdat)
{
    struct coff_section s;

    *comdat = false;
    o->section_count = f->section_count + 1;
    if (!(o->sections = arena_alloc(a, o->section_count, sizeof *o->sections)))
        return diag_nomem(d);
    pages_make(o->sections, o->section_count * sizeof *o->sections);
    o->sections[0].name = "";
    for (uint32_t i = 0; i < f->section_count; i++) {
        struct section *out = &o->sections[i + 1]; /* all zero */

        if (!coff_read_section(d, a, f, i, &s))
            return false;
        if (s.align_log2 > MAX_ALIGN_LOG2)
            return diag_fail(d, E_FORMAT, "section %" PRIu32 " (%s): alignment 0x%x is not known",
                             i + 1, s.name, (s.flags & IMAGE_SCN_ALIGN_MASK) >> 20);
        out->name = s.name;
        out->flags = section_flags(&s);
        out->align_log2 = s.align_log2;
        out->addr = s.rva;
        out->size = s.raw_size;
        out->data = s.data;
        out->relocs = s.relocs;
        out->reloc_count = s.reloc_count;
        out->reloc_size = COFF_RELOC_SIZE;
        out->implicit = true;
        out->type = s.flags;
        if (!s.data.at && s.raw_size && !(s.flags & IMAGE_SCN_CNT_UNINITIALIZED_DATA))
            out->flags |= SEC_ZERO;
        if (!strcmp(s.name, ".drectve") && !o->directives.at)
            o->directives = s.data;
        *comdat = *comdat || s.flags & IMAGE_SCN_LNK_COMDAT;
    }
    return true;
}

/* ---- symbols ---- */

enum row { ROW_NONE, ROW_SECTION, ROW_LOCAL, ROW_GLOBAL };

/* The symbol that stands for its section: its auxiliary row describes it. */
static bool is_definition(const struct coff_symbol *s)
{
    return s->class == IMAGE_SYM_CLASS_STATIC && s->section > 0 && s->value == 0 && s->aux > 0 &&
           s->type == 0;
}

static enum row row_of(const struct coff_symbol *s)
{
    switch (s->class) {
    case IMAGE_SYM_CLASS_EXTERNAL:
    case IMAGE_SYM_CLASS_WEAK_EXTERNAL:
        return ROW_GLOBAL;
    case IMAGE_SYM_CLASS_STATIC:
        return is_definition(s) ? ROW_SECTION : ROW_LOCAL;
    case IMAGE_SYM_CLASS_LABEL:
        return ROW_LOCAL;
    case IMAGE_SYM_CLASS_SECTION: /* undefined: a piece of the import tables, made anew */
        return s->section > 0 ? ROW_SECTION : ROW_LOCAL;
    default:
        return ROW_NONE;
    }
}

static bool bad_symbol(struct diag *d, uint32_t i, const char *name, const char *what,
                       uint64_t found, uint64_t allowed)
{
    return diag_fail(d, E_FORMAT,
                     "symbol %" PRIu32 " (%s): %s 0x%" PRIx64 ", up to 0x%" PRIx64 " is allowed", i,
                     name, what, found, allowed);
}

/* The model's symbols are those of sections, then locals, then globals: where each
   kind begins. */
static bool count_symbols(struct diag *d, const struct coff_file *f, struct object *o)
{
    uint32_t locals = 0, globals = 0;
    struct coff_symbol s;

    for (uint32_t i = 0; i < f->symbol_count; i += 1u + s.aux) {
        enum row row = ROW_NONE;

        coff_symbol_row(f, i, &s);
        row = row_of(&s);
        if (s.aux > f->symbol_count - i - 1)
            return coff_symbol(d, f, i, &s) &&
                   bad_symbol(d, i, s.name, "auxiliary rows", s.aux, f->symbol_count - i - 1);
        locals += row == ROW_LOCAL;
        globals += row == ROW_GLOBAL;
    }
    o->first_global = o->section_count + locals;
    o->symbol_count = o->first_global + globals;
    o->symbol_rows = f->symbol_count;
    return true;
}

/* PE specification, 5.5.3.  The row that stands in may come later: until all have
   been read, FALLBACK is its row + 1. */
static void read_weak(const struct coff_file *f, uint32_t i, const struct coff_symbol *s,
                      struct symbol *out)
{
    const uint8_t *aux = s->aux ? coff_aux(f, i, 0) : NULL;
    uint32_t row = aux ? (uint32_t)load_uint(aux, 4, false) : 0;

    out->binding = BIND_WEAK;
    if (aux)
        out->fallback = row < UINT32_MAX ? row + 1 : row;
}

/* Rows become the model's numbers. */
static bool settle_weak(struct diag *d, struct object *o)
{
    for (uint32_t i = o->first_global; i < o->symbol_count; i++) {
        struct symbol *s = &o->symbols[i];
        uint32_t row = s->fallback - 1;

        if (!s->fallback)
            continue;
        if (row >= o->symbol_rows || !o->symbol_map[row])
            return diag_fail(d, E_FORMAT,
                             "weak symbol %s: row %" PRIu32 " of %" PRIu32
                             ", which would stand in for it, is no symbol",
                             s->name, row, o->symbol_rows);
        s->fallback = o->symbol_map[row];
    }
    return true;
}

static uint64_t common_align(uint64_t size)
{
    uint64_t align = 1;

    while (align < size && align < MAX_COMMON_ALIGN)
        align *= 2;
    return align;
}

/* OUT is all zero. */
static bool read_symbol(struct diag *d, const struct coff_file *f, struct object *o, uint32_t i,
                        const struct coff_symbol *s, enum row row, struct symbol *out)
{
    out->name = s->name;
    out->binding = row == ROW_GLOBAL ? BIND_GLOBAL : BIND_LOCAL;
    out->kind = s->type == IMAGE_SYM_DTYPE_FUNCTION ? KIND_FUNC : KIND_NONE;
    if (s->section > 0) {
        if ((uint32_t)s->section >= o->section_count)
            return bad_symbol(d, i, s->name, "section", (uint32_t)s->section, o->section_count - 1);
        out->section = (uint32_t)s->section;
        out->value = s->value;
        if (out->value > o->sections[out->section].size)
            return bad_symbol(d, i, s->name, "offset in its section", out->value,
                              o->sections[out->section].size);
        if (out->kind == KIND_NONE)
            out->kind = o->sections[out->section].flags & SEC_EXEC ? KIND_FUNC : KIND_OBJECT;
        if (s->class == IMAGE_SYM_CLASS_WEAK_EXTERNAL)
            out->binding = BIND_WEAK;
        return true;
    }
    if (s->section == IMAGE_SYM_ABSOLUTE || s->section == IMAGE_SYM_DEBUG) {
        out->section = SECTION_ABS;
        out->value = s->value;
        return true;
    }
    if (s->section != IMAGE_SYM_UNDEFINED)
        return bad_symbol(d, i, s->name, "section", (uint32_t)s->section, o->section_count - 1);
    if (s->class == IMAGE_SYM_CLASS_WEAK_EXTERNAL) {
        read_weak(f, i, s, out);
        return true;
    }
    if (out->binding == BIND_LOCAL) { /* of no section: nothing can be said of it */
        out->section = SECTION_ABS;
        return true;
    }
    if (s->value == 0)
        return true;
    out->section = SECTION_COMMON;
    out->size = s->value;
    out->value = common_align(s->value);
    out->kind = KIND_OBJECT;
    return true;
}

/* What an object says of one of its sections. */
struct comdat {
    uint32_t associate; /* the section it goes with */
    uint32_t leader;    /* the symbol that names it; 0: none so far */
    uint8_t selection;
    bool external;
};

/* PE specification, 5.5.6: the first symbol of such a section describes it, the
   second one names it.  S is row I and symbol NUMBER. */
static void read_comdat(const struct coff_file *f, uint32_t i, const struct coff_symbol *s,
                        enum row row, uint32_t number, struct comdat *c)
{
    if (is_definition(s) && !c->selection) {
        const uint8_t *aux = coff_aux(f, i, 0);

        c->selection = aux[14];
        c->associate = (uint32_t)load_uint(aux + 12, 2, false) |
                       (f->bigobj ? (uint32_t)load_uint(aux + 16, 2, false) << 16 : 0);
    } else if (c->selection && !c->leader && row >= ROW_LOCAL) {
        c->leader = number;
        c->external = row == ROW_GLOBAL;
    }
}

/* All of the symbol table, in one go; of sections that are COMDATs, ALL gets what
   it says of them. */
static bool read_symbols(struct diag *d, struct arena *a, const struct coff_file *f,
                         struct object *o, uint32_t *map, struct comdat *all)
{
    uint32_t next[ROW_GLOBAL + 1] = {[ROW_LOCAL] = o->section_count, [ROW_GLOBAL] = o->first_global};
    uint64_t name_bytes = 0;
    struct coff_symbol s;

    for (uint32_t i = 0; i < f->symbol_count; i += 1u + s.aux) {
        enum row row = ROW_NONE;

        if (!coff_symbol(d, f, i, &s))
            return false;
        row = row_of(&s);
        if (row == ROW_SECTION) {
            if ((uint32_t)s.section >= o->section_count)
                return bad_symbol(d, i, s.name, "section", (uint32_t)s.section, o->section_count - 1);
            map[i] = (uint32_t)s.section;
        } else if (row != ROW_NONE) {
            map[i] = next[row]++;
            /* The short names lie in rows of 18 bytes, often without a NUL. */
            if (!*s.name) {
                const char *field = (const char *)f->symbols.at + (uint64_t)i * f->symbol_size;

                if (*field && !(s.name = arena_strndup(a, field, strnlen(field, 8))))
                    return diag_nomem(d);
            }
            name_bytes += strlen(s.name);
            if (name_bytes / NAME_TIMES > f->in.size)
                return diag_fail(d, E_FORMAT,
                                 "the names so far have more than %d times the file's bytes",
                                 NAME_TIMES);
            if (!read_symbol(d, f, o, i, &s, row, &o->symbols[map[i]]))
                return false;
        }
        if (s.section > 0 && (uint32_t)s.section < o->section_count &&
            o->sections[s.section].type & IMAGE_SCN_LNK_COMDAT)
            read_comdat(f, i, &s, row, map[i], &all[s.section]);
    }
    return settle_weak(d, o);
}

static bool make_symbols(struct diag *d, struct arena *a, const struct coff_file *f,
                         struct object *o, struct comdat *all)
{
    uint32_t *map = NULL;

    if (!count_symbols(d, f, o))
        return false;
    map = arena_alloc(a, f->symbol_count, sizeof *map);
    o->symbols = arena_alloc(a, o->symbol_count, sizeof *o->symbols);
    if (!map || !o->symbols)
        return diag_nomem(d);
    pages_make(o->symbols, o->symbol_count * sizeof *o->symbols);
    o->symbol_map = map;
    o->symbols[0].name = "";
    for (uint32_t i = 1; i < o->section_count; i++)
        o->symbols[i] = (struct symbol){.name = "", .section = i, .kind = KIND_SECTION};
    return read_symbols(d, a, f, o, map, all);
}

/* ---- COMDATs ---- */

/* What C's section I is known by: a symbol, or where there is none, its own name. */
static const char *leader(const struct object *o, const struct comdat *all, uint32_t i)
{
    return all[i].leader ? o->symbols[all[i].leader].name : o->sections[i].name;
}

/* I starts a group, and is not in another's. */
static bool leads(const struct comdat *all, uint32_t i)
{
    return all[i].selection && all[i].selection != IMAGE_COMDAT_SELECT_ASSOCIATIVE;
}

/* "$f" of ".pdata$f", ".unlikely.f" of ".pdata.unlikely.f". */
static const char *suffix(const char *name)
{
    const char *at = *name ? strpbrk(name + 1, "$.") : NULL;

    return at && at[1] ? at : NULL;
}

/* A name and the section that it is for, to be sorted. */
struct keyed {
    const char *key;
    uint32_t section;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : (x->section > y->section) - (x->section < y->section);
}

/* GNU as names only .text$f by a symbol; .pdata$f and .xdata$f are of the same
   function by their names. */
static void name_by_suffix(const struct object *o, struct comdat *all, struct keyed *keyed)
{
    uint32_t count = 0;

    for (uint32_t i = 1; i < o->section_count; i++)
        if (all[i].leader && all[i].external && suffix(o->sections[i].name))
            keyed[count++] = (struct keyed){suffix(o->sections[i].name), i};
    if (count)
        qsort(keyed, count, sizeof *keyed, by_key);
    for (uint32_t i = 1; i < o->section_count; i++) {
        const char *own = suffix(o->sections[i].name);
        uint32_t low = 0, high = count;

        if (!leads(all, i) || all[i].leader)
            continue;
        while (own && low < high) {
            uint32_t mid = low + (high - low) / 2;

            if (strcmp(keyed[mid].key, own) < 0)
                low = mid + 1;
            else
                high = mid;
        }
        all[i].external = own != NULL;
        if (own && low < count && !strcmp(keyed[low].key, own))
            all[i].leader = all[keyed[low].section].leader;
    }
}

static void add_group(struct object *o, const struct comdat *all, uint32_t i, bool same)
{
    const struct comdat *c = &all[i];

    if (!same)
        o->groups[o->group_count++] =
            (struct group){.name = leader(o, all, i),
                           .comdat = c->external && c->selection != IMAGE_COMDAT_SELECT_NODUPLICATES,
                           .largest = c->selection == IMAGE_COMDAT_SELECT_LARGEST};
    o->sections[i].group = o->group_count - 1;
}

/* Where each section has a symbol of its own, no two are in one group. */
static void group_each(struct object *o, const struct comdat *all)
{
    for (uint32_t i = 1; i < o->section_count; i++)
        if (leads(all, i))
            add_group(o, all, i, false);
}

/* Sections with the same leader are one group. */
static void group_by_leader(struct object *o, const struct comdat *all, struct keyed *keyed)
{
    uint32_t count = 0;

    for (uint32_t i = 1; i < o->section_count; i++)
        if (leads(all, i))
            keyed[count++] = (struct keyed){leader(o, all, i), i};
    if (count)
        qsort(keyed, count, sizeof *keyed, by_key);
    for (uint32_t n = 0; n < count; n++) {
        const struct comdat *c = &all[keyed[n].section];
        const struct group *last = &o->groups[o->group_count - 1];

        add_group(o, all, keyed[n].section,
                  n > 0 && c->external && c->selection != IMAGE_COMDAT_SELECT_NODUPLICATES &&
                      last->comdat && !strcmp(last->name, keyed[n].key));
    }
}

/* The section that SECTION goes with in the end; 0: the chain leads nowhere. */
static uint32_t follow(const struct object *o, const struct comdat *all, uint32_t section)
{
    for (uint32_t steps = 0; all[section].selection == IMAGE_COMDAT_SELECT_ASSOCIATIVE; steps++) {
        section = all[section].associate;
        if (section == 0 || section >= o->section_count || steps > 16)
            return 0;
    }
    return section;
}

/* ALL: what was read of sections that are COMDATs; NULL: there are none. */
static bool make_groups(struct diag *d, struct arena *a, struct object *o, struct comdat *all)
{
    struct keyed *keyed = NULL;
    bool nameless = false;

    o->group_count = 1;
    if (!(o->groups = arena_alloc(a, all ? o->section_count + 1 : 1, sizeof *o->groups)))
        return diag_nomem(d);
    if (!all)
        return true;
    for (uint32_t i = 1; i < o->section_count; i++) {
        if (all[i].selection > IMAGE_COMDAT_SELECT_NEWEST)
            return diag_fail(d, E_FORMAT, "section %" PRIu32 " (%s): COMDAT selection %u", i,
                             o->sections[i].name, all[i].selection);
        nameless = nameless || (leads(all, i) && !all[i].leader);
    }
    if (nameless) {
        if (!(keyed = arena_alloc(a, o->section_count, sizeof *keyed)))
            return diag_nomem(d);
        name_by_suffix(o, all, keyed);
        group_by_leader(o, all, keyed);
    } else {
        group_each(o, all);
    }
    for (uint32_t i = 1; i < o->section_count; i++) {
        uint32_t to = follow(o, all, i);

        if (to == 0)
            return diag_fail(d, E_FORMAT,
                             "section %" PRIu32 " (%s): goes with section %" PRIu32
                             ", which leads nowhere",
                             i, o->sections[i].name, all[i].associate);
        if (to != i)
            o->sections[i].group = o->sections[to].group;
    }
    return true;
}

/* ---- all of it ---- */

static bool read_object(struct diag *d, struct arena *a, const struct coff_file *f,
                        struct object *o)
{
    struct comdat *all = NULL;
    bool comdat = false;

    if (!make_sections(d, a, f, o, &comdat))
        return false;
    if (comdat && !(all = arena_alloc(a, o->section_count, sizeof *all)))
        return diag_nomem(d);
    return make_symbols(d, a, f, o, all) && make_groups(d, a, o, all) && coff_read_gnu_import(d, a, o);
}

static bool read(struct diag *d, struct arena *a, const char *name, struct span in,
                 struct object *out)
{
    const struct coff_machine *machine = NULL;
    struct coff_file f;

    *out = (struct object){.name = name, .format = &format_coff, .wide = true, .file = in};
    if (coff_is_import(in))
        return coff_read_import(d, a, in, out);
    if (!coff_open_headers(d, in, &f))
        return false;
    machine = coff_machine_find(f.machine);
    out->machine = f.machine;
    out->rows = machine ? machine->rows : NULL;
    if (f.image) {
        out->kind = f.characteristics & IMAGE_FILE_DLL ? OBJ_SHARED : OBJ_EXECUTABLE;
        return out->kind == OBJ_EXECUTABLE ||
               (coff_read_sections(d, a, &f) && coff_read_dll(d, a, &f, out));
    }
    out->kind = OBJ_RELOCATABLE;
    if (!machine && f.machine != IMAGE_FILE_MACHINE_UNKNOWN)
        return diag_fail(d, E_UNSUPPORTED, "is for %s; x86-64 and aarch64 can be linked",
                         coff_machine_name(f.machine) ? coff_machine_name(f.machine)
                                                      : "an unknown CPU");
    return read_object(d, a, &f, out);
}

const struct format format_coff = {
    .name = "COFF",
    .is = is_coff,
    .read = read,
    .relocs = coff_relocs,
};
