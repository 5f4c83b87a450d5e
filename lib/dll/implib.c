/* SPDX-License-Identifier: GPL-3.0-or-later */
/* implib.c - what others need to link with the image: an import library in the
 * short form, which every linker reads, and a .def file. */

#include "dll/dll.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A file beside the image that appears whole or not at all. */
static bool save(struct link *l, const char *path, const struct buf *b)
{
    struct output out = {.fd = -1};
    bool ok = !b->bad || diag_nomem(l->d);

    ok = ok && output_begin(l->d, path, b->size, &out);
    if (ok && !output_write(&out, b->at, b->size, 0))
        ok = diag_fail(l->d, E_SYSTEM, "%s: cannot write: %s", path, strerror(errno ? errno : EIO));
    ok = ok && output_commit(l->d, &out, 0666);
    output_abandon(&out);
    return ok;
}

/* ---- members ---- */

struct member {
    struct buf bytes;
    const char *symbols[2]; /* in the index; NULL: none */
};

struct library {
    struct link *l;
    struct member *members;
    uint64_t count, cap;
    const char *stem; /* of the DLL's name, as part of symbols */
};

static struct member *new_member(struct library *lib)
{
    if (!arena_grow(&lib->l->arena, (void **)&lib->members, lib->count, &lib->cap,
                    sizeof *lib->members)) {
        diag_nomem(lib->l->d);
        return NULL;
    }
    lib->members[lib->count] = (struct member){0};
    return &lib->members[lib->count++];
}

/* PE specification, 8 */
static bool add_short(struct library *lib, const struct dll_export *e)
{
    struct link *l = lib->l;
    const char *name = e->name ? e->name : e->sym->name, *dll = l->dll->name;
    struct member *m = new_member(lib);
    unsigned type = e->data ? IMPORT_DATA : IMPORT_CODE;
    unsigned how = e->name ? IMPORT_NAME : IMPORT_ORDINAL;

    if (!m)
        return false;
    buf_uint(&m->bytes, 0, 2);
    buf_uint(&m->bytes, 0xffff, 2);
    buf_uint(&m->bytes, 0, 2);
    buf_uint(&m->bytes, l->coff->number, 2);
    buf_uint(&m->bytes, 0, 4);
    buf_uint(&m->bytes, strlen(name) + strlen(dll) + 2, 4);
    buf_uint(&m->bytes, e->name ? e->ordinal - l->dll->ordinal_base : e->ordinal, 2);
    buf_uint(&m->bytes, type | how << 2, 2);
    buf_bytes(&m->bytes, name, strlen(name) + 1);
    buf_bytes(&m->bytes, dll, strlen(dll) + 1);
    m->symbols[0] = arena_printf(&l->arena, "__imp_%s", name);
    m->symbols[1] = e->data ? NULL : name;
    return m->symbols[0] || diag_nomem(l->d);
}

/* ---- the objects that Microsoft's and GNU's linkers want beside them ---- */

struct part {
    const char *name;
    uint32_t size, flags;
    const char *bytes; /* NULL: zeros */
    uint32_t relocs;
};

struct row {
    const char *name;
    int section;
    uint8_t class;
};

/* An object of these sections and symbols; RELOCS: of the first section, triples
   of offset and symbol. */
static bool add_object(struct library *lib, const struct part *parts, unsigned part_count,
                       const struct row *rows, unsigned row_count, const uint32_t (*relocs)[2],
                       unsigned reloc_count, const char *symbol)
{
    const uint32_t addr32nb = lib->l->coff->number == IMAGE_FILE_MACHINE_AMD64
                                  ? (uint32_t)IMAGE_REL_AMD64_ADDR32NB
                                  : (uint32_t)IMAGE_REL_ARM64_ADDR32NB;
    struct member *m = new_member(lib);
    uint64_t at = FILE_HEADER_SIZE + part_count * (uint64_t)SECTION_HEADER_SIZE, strings = 4;
    struct buf *b = m ? &m->bytes : NULL, names = {0};

    if (!m)
        return false;
    buf_uint(b, lib->l->coff->number, 2);
    buf_uint(b, part_count, 2);
    buf_uint(b, 0, 4);
    buf_uint(b, 0, 4); /* where the symbols are: below */
    buf_uint(b, row_count, 4);
    buf_uint(b, 0, 4);
    for (unsigned i = 0; i < part_count; i++) {
        char name[8] = "";

        memcpy(name, parts[i].name, strlen(parts[i].name));
        buf_bytes(b, name, 8);
        buf_uint(b, 0, 8);
        buf_uint(b, parts[i].size, 4);
        buf_uint(b, at, 4);
        at += parts[i].size;
        buf_uint(b, parts[i].relocs ? at : 0, 4);
        at += parts[i].relocs * (uint64_t)COFF_RELOC_SIZE;
        buf_uint(b, 0, 4);
        buf_uint(b, parts[i].relocs, 2);
        buf_uint(b, 0, 2);
        buf_uint(b, parts[i].flags, 4);
    }
    for (unsigned i = 0; i < part_count; i++) {
        for (uint32_t n = 0; n < parts[i].size; n++)
            buf_uint(b, parts[i].bytes ? (uint8_t)parts[i].bytes[n] : 0, 1);
        for (unsigned n = 0; parts[i].relocs && n < reloc_count; n++) {
            buf_uint(b, relocs[n][0], 4);
            buf_uint(b, relocs[n][1], 4);
            buf_uint(b, addr32nb, 2);
        }
    }
    if (!b->bad)
        store_uint(b->at + 8, 4, false, b->size);
    for (unsigned i = 0; i < row_count; i++) {
        buf_uint(b, 0, 4);
        buf_uint(b, strings, 4);
        buf_uint(b, 0, 4);
        buf_uint(b, (uint16_t)rows[i].section, 2);
        buf_uint(b, 0, 2);
        buf_uint(b, rows[i].class, 1);
        buf_uint(b, 0, 1);
        buf_bytes(&names, rows[i].name, strlen(rows[i].name) + 1);
        strings += strlen(rows[i].name) + 1;
    }
    buf_uint(b, strings, 4);
    buf_bytes(b, names.at, names.size);
    b->bad = b->bad || names.bad;
    buf_free(&names);
    m->symbols[0] = symbol;
    return true;
}

/* The descriptor, the end of all descriptors, and the ends of the two tables. */
static bool add_descriptors(struct library *lib)
{
    enum { DATA = IMAGE_SCN_CNT_INITIALIZED_DATA | 0x00300000 };
    const uint32_t data = DATA | IMAGE_SCN_MEM_READ | IMAGE_SCN_MEM_WRITE;
    struct arena *a = &lib->l->arena;
    const char *dll = lib->l->dll->name;
    const char *descriptor = arena_printf(a, "__IMPORT_DESCRIPTOR_%s", lib->stem);
    const char *thunk = arena_printf(a, "\177%s_NULL_THUNK_DATA", lib->stem);
    const struct part head[] = {{".idata$2", IMPORT_DESCRIPTOR_SIZE, data, NULL, 3},
                                {".idata$6", (uint32_t)strlen(dll) + 1, data, dll, 0}};
    const struct row head_rows[] = {
        {descriptor, 1, IMAGE_SYM_CLASS_EXTERNAL},  {".idata$2", 1, IMAGE_SYM_CLASS_SECTION},
        {".idata$6", 2, IMAGE_SYM_CLASS_STATIC},    {".idata$4", 0, IMAGE_SYM_CLASS_SECTION},
        {".idata$5", 0, IMAGE_SYM_CLASS_SECTION},   {"__NULL_IMPORT_DESCRIPTOR", 0, IMAGE_SYM_CLASS_EXTERNAL},
        {thunk, 0, IMAGE_SYM_CLASS_EXTERNAL}};
    static const uint32_t head_relocs[][2] = {{12, 2}, {0, 3}, {16, 4}};
    const struct part end[] = {{".idata$3", IMPORT_DESCRIPTOR_SIZE, data, NULL, 0}};
    const struct row end_rows[] = {{"__NULL_IMPORT_DESCRIPTOR", 1, IMAGE_SYM_CLASS_EXTERNAL}};
    const struct part tables[] = {{".idata$5", 8, data, NULL, 0}, {".idata$4", 8, data, NULL, 0}};
    const struct row table_rows[] = {{thunk, 1, IMAGE_SYM_CLASS_EXTERNAL}};

    if (!descriptor || !thunk)
        return diag_nomem(lib->l->d);
    return add_object(lib, head, 2, head_rows, 7, head_relocs, 3, descriptor) &&
           add_object(lib, end, 1, end_rows, 1, NULL, 0, "__NULL_IMPORT_DESCRIPTOR") &&
           add_object(lib, tables, 2, table_rows, 1, NULL, 0, thunk);
}

/* ---- the archive ---- */

static void put_member_header(struct buf *b, const char *name, uint64_t size)
{
    char text[96];

    snprintf(text, sizeof text, "%-16s%-12u%-6u%-6u%-8o%-10" PRIu64 "`\n", name, 0, 0, 0, 0644u,
             size);
    buf_bytes(b, text, 60);
}

static void pad(struct buf *b)
{
    if (b->size % 2)
        buf_bytes(b, "\n", 1);
}

struct entry {
    const char *name;
    uint64_t member;
};

static int by_name(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* The index that all linkers know, and the sorted one that Microsoft's wants. */
static bool put_indices(const struct library *lib, struct buf *b, const char *long_name,
                        uint64_t long_size)
{
    uint64_t count = 0, bytes = 0, first = 0, second = 0, at = 0;
    uint64_t *offsets = arena_alloc(&lib->l->arena, lib->count, sizeof *offsets);
    struct entry *entries = arena_alloc(&lib->l->arena, 2 * lib->count, sizeof *entries);

    if (!offsets || !entries)
        return diag_nomem(lib->l->d);
    for (uint64_t i = 0; i < lib->count; i++)
        for (int n = 0; n < 2; n++)
            if (lib->members[i].symbols[n]) {
                entries[count++] = (struct entry){lib->members[i].symbols[n], i};
                bytes += strlen(lib->members[i].symbols[n]) + 1;
            }
    first = 4 + 4 * count + bytes;
    second = 4 + 4 * lib->count + 4 + 2 * count + bytes;
    at = 8 + 60 + align_up(first, 2) + 60 + align_up(second, 2) + 60 + align_up(long_size, 2);
    for (uint64_t i = 0; i < lib->count; i++) {
        offsets[i] = at;
        at += 60 + align_up(lib->members[i].bytes.size, 2);
    }
    put_member_header(b, "/", first);
    for (int k = 3; k >= 0; k--)
        buf_uint(b, count >> 8 * k & 0xff, 1);
    for (uint64_t i = 0; i < count; i++)
        for (int k = 3; k >= 0; k--)
            buf_uint(b, offsets[entries[i].member] >> 8 * k & 0xff, 1);
    for (uint64_t i = 0; i < count; i++)
        buf_bytes(b, entries[i].name, strlen(entries[i].name) + 1);
    pad(b);
    qsort(entries, count, sizeof *entries, by_name);
    put_member_header(b, "/", second);
    buf_uint(b, lib->count, 4);
    for (uint64_t i = 0; i < lib->count; i++)
        buf_uint(b, offsets[i], 4);
    buf_uint(b, count, 4);
    for (uint64_t i = 0; i < count; i++)
        buf_uint(b, entries[i].member + 1, 2);
    for (uint64_t i = 0; i < count; i++)
        buf_bytes(b, entries[i].name, strlen(entries[i].name) + 1);
    pad(b);
    put_member_header(b, "//", long_size);
    buf_bytes(b, long_name, long_size);
    pad(b);
    return true;
}

static bool put_archive(const struct library *lib, struct buf *b)
{
    const char *dll = lib->l->dll->name;
    bool is_long = strlen(dll) > 15;
    char *field = is_long ? arena_strdup(&lib->l->arena, "/0")
                          : arena_printf(&lib->l->arena, "%s/", dll);

    buf_bytes(b, "!<arch>\n", 8);
    if (!field || !put_indices(lib, b, is_long ? dll : "", is_long ? strlen(dll) + 1 : 0))
        return field ? false : diag_nomem(lib->l->d);
    for (uint64_t i = 0; i < lib->count; i++) {
        put_member_header(b, field, lib->members[i].bytes.size);
        buf_bytes(b, lib->members[i].bytes.at, lib->members[i].bytes.size);
        pad(b);
        b->bad = b->bad || lib->members[i].bytes.bad;
    }
    return true;
}

bool dll_write_implib(struct link *l)
{
    struct library lib = {.l = l};
    const char *dot = strrchr(l->dll->name, '.');
    struct buf b = {0};
    bool ok = true;

    if (!l->opt->coff.implib)
        return true;
    lib.stem = arena_strndup(&l->arena, l->dll->name,
                             dot ? (size_t)(dot - l->dll->name) : strlen(l->dll->name));
    ok = (lib.stem || diag_nomem(l->d)) && add_descriptors(&lib);
    for (uint64_t i = 0; ok && i < l->dll->export_count; i++)
        ok = l->dll->exports[i].private || add_short(&lib, &l->dll->exports[i]);
    if (ok && lib.count > 65535)
        ok = diag_fail(l->d, E_LINK, "--out-implib: %" PRIu64 " members; an index can name 65535",
                       lib.count);
    ok = ok && put_archive(&lib, &b) && save(l, l->opt->coff.implib, &b);
    for (uint64_t i = 0; i < lib.count; i++)
        buf_free(&lib.members[i].bytes);
    buf_free(&b);
    return ok;
}

bool dll_write_def(struct link *l)
{
    struct buf b = {0};
    bool ok = true;

    if (!l->opt->coff.def)
        return true;
    buf_printf(&b, "LIBRARY \"%s\"\nEXPORTS\n", l->dll->name);
    for (uint64_t i = 0; i < l->dll->export_count; i++) {
        const struct dll_export *e = &l->dll->exports[i];

        buf_printf(&b, "    \"%s\"", e->name ? e->name : e->sym->name);
        if (e->forward)
            buf_printf(&b, " = %s", e->forward);
        else if (e->name && strcmp(e->name, e->sym->name) != 0)
            buf_printf(&b, " = \"%s\"", e->sym->name);
        buf_printf(&b, " @%" PRIu32 "%s%s%s\n", e->ordinal, e->name ? "" : " NONAME",
                   e->data ? " DATA" : "", e->private ? " PRIVATE" : "");
    }
    ok = save(l, l->opt->coff.def, &b);
    buf_free(&b);
    return ok;
}
