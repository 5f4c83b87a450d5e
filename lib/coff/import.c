/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import.c - what other images give: members of import libraries, in the short
 * form and in GNU's, and DLLs themselves.  Each becomes a library whose symbols
 * are X and __imp_X, the pointer to it. */

#include "coff/reader.h"

#include <inttypes.h>

/* Add X as NAME and __imp_NAME. */
static bool add_import(struct diag *d, struct arena *a, struct object *o, const char *name,
                       struct import import, uint8_t kind)
{
    uint32_t i = o->import_count++;
    char *pointer = arena_printf(a, "__imp_%s", name);

    if (!pointer)
        return diag_nomem(d);
    ((struct import *)(uintptr_t)o->imports)[i] = import;
    o->symbols[o->symbol_count++] = (struct symbol){.name = pointer,
                                                    .value = i,
                                                    .section = SECTION_ABS,
                                                    .binding = BIND_GLOBAL,
                                                    .kind = KIND_OBJECT,
                                                    .other = 1};
    o->symbols[o->symbol_count++] = (struct symbol){
        .name = name, .value = i, .section = SECTION_ABS, .binding = BIND_GLOBAL, .kind = kind};
    return true;
}

static bool begin(struct diag *d, struct arena *a, uint64_t count, struct object *o)
{
    o->kind = OBJ_SHARED;
    o->section_count = 1;
    o->sections = arena_alloc(a, 1, sizeof *o->sections);
    o->symbols = arena_alloc(a, 2 * count + 1, sizeof *o->symbols);
    o->imports = arena_alloc(a, count, sizeof *o->imports);
    if (!o->sections || !o->symbols || !o->imports)
        return diag_nomem(d);
    o->sections[0].name = o->symbols[0].name = "";
    o->symbol_count = o->first_global = 1;
    o->import_count = 0;
    return true;
}

/* ---- the short form: PE specification, 8 ---- */

bool coff_read_import(struct diag *d, struct arena *a, struct span in, struct object *out)
{
    struct cursor c = {.in = in, .pos = 6};
    uint16_t machine = cur_u16(&c), ordinal = 0, flags = 0;
    const char *names[3] = {NULL, NULL, NULL};
    struct span data, rest;
    uint64_t at = 0;
    struct import import = {0};

    cur_u32(&c);
    if (!span_sub(in, IMPORT_HEADER_SIZE, cur_u32(&c), &data))
        return diag_fail(d, E_FORMAT, "import: its names are not inside the file");
    ordinal = cur_u16(&c);
    flags = cur_u16(&c);
    for (int i = 0; i < 3; i++) {
        if (!span_sub(data, at, data.size - at, &rest) || !(names[i] = span_str(rest, 0)))
            break;
        at += strlen(names[i]) + 1;
    }
    if (!names[1] || !*names[0] || !*names[1])
        return diag_fail(d, E_FORMAT, "import: it has not two names");
    import.ordinal = ordinal;
    import.data = (flags & 3) != IMPORT_CODE;
    switch (flags >> 2 & 7) {
    case IMPORT_ORDINAL:
        break;
    case IMPORT_NAME:
        import.name = names[0];
        break;
    case IMPORT_NAME_NOPREFIX:
    case IMPORT_NAME_UNDECORATE:
        import.name = names[0] + (strchr("?@_", *names[0]) != NULL);
        if ((flags >> 2 & 7) == IMPORT_NAME_UNDECORATE &&
            !(import.name = arena_strndup(a, import.name, strcspn(import.name, "@"))))
            return diag_nomem(d);
        break;
    case IMPORT_NAME_EXPORTAS:
        import.name = names[2];
        if (import.name)
            break;
        /* fall through */
    default:
        return diag_fail(d, E_FORMAT, "import `%s': name type %d is not known", names[0],
                         flags >> 2 & 7);
    }
    if ((flags & 3) > IMPORT_CONST)
        return diag_fail(d, E_FORMAT, "import `%s': type %d is not known", names[0], flags & 3);
    out->machine = machine;
    out->soname = names[1];
    return begin(d, a, 1, out) &&
           add_import(d, a, out, names[0], import, import.data ? KIND_OBJECT : KIND_FUNC);
}

/* ---- GNU's: objects with pieces of the import tables ---- */

static uint32_t find_section(const struct object *o, const char *name)
{
    for (uint32_t i = 1; i < o->section_count; i++)
        if (!strcmp(o->sections[i].name, name) && o->sections[i].size)
            return i;
    return 0;
}

/* The symbol that the first relocation of SECTION names. */
static bool first_symbol(struct diag *d, const struct object *o, uint32_t section,
                         const struct symbol **out)
{
    struct reloc r;
    unsigned got = 0;

    *out = NULL;
    if (!o->sections[section].reloc_count)
        return true;
    if (!coff_relocs(d, o, section, 0, &r, 1, &got))
        return false;
    *out = &o->symbols[r.symbol];
    return true;
}

bool coff_read_gnu_import(struct diag *d, struct arena *a, struct object *o)
{
    uint32_t address = find_section(o, ".idata$5"), names = find_section(o, ".idata$6");
    uint32_t head = find_section(o, ".idata$7"), lookup = find_section(o, ".idata$4");
    const struct symbol *leads = NULL, *pointer = NULL;
    struct import import = {0};
    const char *name = NULL;
    bool code = find_section(o, ".text") != 0;
    struct object was = *o;

    if (!address || !head || !o->sections[head].reloc_count)
        return true;
    for (uint32_t i = o->first_global; i < o->symbol_count && !pointer; i++)
        if (o->symbols[i].section == address && !strncmp(o->symbols[i].name, "__imp_", 6))
            pointer = &o->symbols[i];
    if (!pointer)
        return true;
    if (!first_symbol(d, o, head, &leads))
        return false;
    name = pointer->name + 6;
    if (names) {
        const struct section *s = &o->sections[names];

        if (s->data.size < 3 || !(import.name = span_str(s->data, 2)))
            return diag_fail(d, E_FORMAT, "%s: holds no name", s->name);
        import.ordinal = (uint16_t)load_uint(s->data.at, 2, false);
    } else {
        const struct section *s = &o->sections[lookup ? lookup : address];
        uint64_t number = s->data.size >= 8 ? load_uint(s->data.at, 8, false) : 0;

        if (!(number & IMAGE_ORDINAL_FLAG64))
            return diag_fail(d, E_FORMAT, "import `%s': has neither a name nor a number", name);
        import.ordinal = (uint16_t)number;
    }
    import.data = !code;
    *o = (struct object){.name = was.name, .format = was.format, .wide = true, .file = was.file,
                         .machine = was.machine, .rows = was.rows, .import_head = leads->name};
    return begin(d, a, 1, o) && add_import(d, a, o, name, import, code ? KIND_FUNC : KIND_OBJECT);
}

/* ---- a DLL: PE specification, 6.3 ---- */

bool coff_read_dll(struct diag *d, struct arena *a, const struct coff_file *f, struct object *out)
{
    struct span dir, names, ordinals, functions;
    uint64_t name_count = 0, function_count = 0;

    if (!coff_directory(d, f, DIRECTORY_EXPORT, &dir))
        return false;
    if (dir.size == 0)
        return begin(d, a, 0, out);
    if (dir.size < EXPORT_DIRECTORY_SIZE)
        return diag_fail(d, E_FORMAT, "exports: 0x%" PRIx64 " bytes, at least %d are needed",
                         dir.size, EXPORT_DIRECTORY_SIZE);
    function_count = load_uint(dir.at + 20, 4, false);
    name_count = load_uint(dir.at + 24, 4, false);
    out->soname = coff_string_at(f, load_uint(dir.at + 12, 4, false));
    if ((function_count && !coff_at(f, load_uint(dir.at + 28, 4, false), 4 * function_count, &functions)) ||
        (name_count && (!coff_at(f, load_uint(dir.at + 32, 4, false), 4 * name_count, &names) ||
                        !coff_at(f, load_uint(dir.at + 36, 4, false), 2 * name_count, &ordinals))))
        return diag_fail(d, E_FORMAT,
                         "exports: tables of %" PRIu64 " functions and %" PRIu64
                         " names are not inside a section",
                         function_count, name_count);
    if (!begin(d, a, name_count, out))
        return false;
    for (uint64_t i = 0; i < name_count; i++) {
        const char *name = coff_string_at(f, load_uint(names.at + 4 * i, 4, false));
        uint64_t index = load_uint(ordinals.at + 2 * i, 2, false), rva = 0;
        const struct coff_section *s = NULL;
        bool code = true;

        if (!name || index >= function_count)
            return diag_fail(d, E_FORMAT, "exports: name %" PRIu64 ": %s", i,
                             name ? "its function is not in the table" : "is not inside a section");
        rva = load_uint(functions.at + 4 * index, 4, false);
        /* A forwarder may be anything; functions are the rule. */
        s = rva - f->optional.directories[DIRECTORY_EXPORT].rva < dir.size
                ? NULL
                : coff_section_at(f, rva);
        code = !s || s->flags & IMAGE_SCN_MEM_EXECUTE;
        if (!add_import(d, a, out, name,
                        (struct import){.name = name, .ordinal = (uint16_t)i, .data = !code},
                        code ? KIND_FUNC : KIND_OBJECT))
            return false;
    }
    return true;
}
