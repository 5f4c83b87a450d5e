/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_coff.c - COFF objects, members of import libraries, PE libraries and
 * programs: the summary. */

#include "inspect_coff.h"
#include "inspect_heap.h"

#include "coff/heaps.h"
#include "coff/machine.h"
#include "obj/object.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

/* ---- what it is ---- */

static const char *kind_of(const struct coff_file *f)
{
    if (!f->image)
        return f->bigobj ? "object (bigobj)" : "object";
    return f->characteristics & IMAGE_FILE_DLL ? "dynamic library" : "program";
}

static void put_head(struct coff_inspect *i)
{
    const struct coff_file *f = &i->f;
    const char *cpu = coff_machine_name(f->machine);
    char text[120], number[24];

    snprintf(number, sizeof number, "machine 0x%x", f->machine);
    snprintf(text, sizeof text, "%s%s %s, %s", f->image ? "PE" : "COFF",
             !f->image ? "" : f->optional.wide ? "32+" : "32", cpu ? cpu : number, kind_of(f));
    rep_heading(i->r, i->name, text);
    rep_str(i->r, "format", NULL, f->image ? "pe" : "coff");
    rep_num(i->r, "class", NULL, f->image && !f->optional.wide ? 32 : 64);
    rep_str(i->r, "byte_order", NULL, "little");
    rep_str(i->r, "machine", NULL, cpu ? cpu : number);
    rep_num(i->r, "machine_number", NULL, f->machine);
    rep_str(i->r, "type", NULL, kind_of(f));
    rep_hex(i->r, "flags", NULL, f->characteristics);
    rep_hex(i->r, "timestamp", NULL, f->timestamp);
    rep_num(i->r, "size", "size", f->in.size);
    rep_num(i->r, "section_count", "sections", f->section_count);
}

static void put_optional(struct coff_inspect *i)
{
    const struct coff_optional *o = &i->f.optional;
    static const struct {
        uint16_t flag;
        const char *name;
    } flags[] = {{IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE, "may be moved"},
                 {IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA, "far"},
                 {IMAGE_DLLCHARACTERISTICS_NX_COMPAT, "no code in data"},
                 {IMAGE_DLLCHARACTERISTICS_GUARD_CF, "guarded calls"},
                 {IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY, "signed only"}};
    struct buf *line = NULL;
    const char *comma = "";

    rep_hex(i->r, "image_base", "base", o->image_base);
    rep_num(i->r, "image_size", "in memory", o->image_size);
    rep_num(i->r, "section_alignment", NULL, o->section_align);
    rep_num(i->r, "file_alignment", NULL, o->file_align);
    rep_hex(i->r, "entry", o->entry ? "entry point" : NULL, o->entry);
    rep_num(i->r, "subsystem", NULL, o->subsystem);
    rep_hex(i->r, "checksum", NULL, o->checksum);
    rep_hex(i->r, "dll_flags", NULL, o->characteristics);
    if (i->r->as_json)
        return;
    /* Windows reads all of an image whose pages are not the file's own. */
    line = rep_line(i->r, "pages");
    buf_printf(line, o->file_align < 4096 ? "read into private memory (FileAlignment %" PRIu32 ")"
                                          : "mapped from the file (FileAlignment %" PRIu32 ")",
               o->file_align);
    rep_end_line(i->r);
    line = rep_line(i->r, "loaded");
    for (size_t n = 0; n < sizeof flags / sizeof *flags; n++)
        if (o->characteristics & flags[n].flag) {
            buf_printf(line, "%s%s", comma, flags[n].name);
            comma = ", ";
        }
    if (!*comma)
        buf_printf(line, "at its base, if that is free");
    rep_end_line(i->r);
}

/* ---- tables, counted ---- */

struct counts {
    uint64_t names, forwards, numbers, imports, dlls, moved;
    const char *last;
    struct coff_inspect *i;
};

static bool count_export(void *arg, const char *name, uint32_t ordinal, uint32_t rva,
                         const char *forward)
{
    struct counts *c = arg;

    (void)ordinal, (void)rva;
    c->names += name != NULL;
    c->numbers += name == NULL;
    c->forwards += forward != NULL;
    return true;
}

static bool count_import(void *arg, const char *dll, const char *name, uint32_t ordinal,
                         uint32_t rva)
{
    struct counts *c = arg;

    (void)name, (void)ordinal, (void)rva;
    c->imports++;
    /* A pointer among data has a descriptor of its own. */
    if (c->last && !strcasecmp(dll, c->last))
        return true;
    c->last = dll;
    if (c->i->r->as_json) {
        json_str(&c->i->r->json, NULL, dll);
        return true;
    }
    term_str(rep_line(c->i->r, c->dlls++ ? "" : "needed"), dll);
    rep_end_line(c->i->r);
    return true;
}

static bool count_moved(void *arg, uint32_t rva, unsigned type)
{
    struct counts *c = arg;

    (void)rva;
    c->moved += type != IMAGE_REL_BASED_ABSOLUTE;
    return true;
}

static bool put_tables(struct coff_inspect *i)
{
    const struct coff_directory *dirs = i->f.optional.directories;
    struct counts c = {.i = i};
    struct buf *line = NULL;
    struct span dir;

    if (!coff_directory(i->d, &i->f, DIRECTORY_EXPORT, &dir))
        return false;
    if (dir.size >= EXPORT_DIRECTORY_SIZE) {
        const char *name = coff_string_at(&i->f, load_uint(dir.at + 12, 4, false));

        if (name)
            rep_str(i->r, "library_name", "library name", name);
    }
    rep_open(i->r, "needed", '[');
    if (!coff_each_import(i->d, &i->f, count_import, &c))
        return false;
    rep_close(i->r);
    if (!coff_each_export(i->d, &i->f, count_export, &c) ||
        !coff_each_base_reloc(i->d, &i->f, count_moved, &c))
        return false;
    rep_num(i->r, "import_count", "imports", c.imports);
    rep_num(i->r, "export_count", NULL, c.names + c.numbers);
    rep_num(i->r, "forwarder_count", NULL, c.forwards);
    rep_num(i->r, "base_reloc_count", NULL, c.moved);
    rep_num(i->r, "base_reloc_bytes", NULL, dirs[DIRECTORY_BASERELOC].size);
    rep_flag(i->r, "has_tls", dirs[DIRECTORY_TLS].rva);
    rep_num(i->r, "unwind_entries", NULL,
            dirs[DIRECTORY_EXCEPTION].size / (i->f.machine == IMAGE_FILE_MACHINE_ARM64 ? 8 : 12));
    if (i->r->as_json)
        return true;
    line = rep_line(i->r, "exports");
    term_count(line, c.names + c.numbers);
    if (c.forwards)
        buf_printf(line, ", %" PRIu64 " passed on", c.forwards);
    rep_end_line(i->r);
    line = rep_line(i->r, "if moved");
    term_count(line, c.moved);
    buf_printf(line, " words are written (");
    term_count(line, dirs[DIRECTORY_BASERELOC].size);
    buf_printf(line, " bytes of base relocations)");
    rep_end_line(i->r);
    return true;
}

static bool put_object(struct coff_inspect *i)
{
    uint64_t relocs = 0, comdats = 0;

    for (uint32_t n = 0; n < i->f.section_count; n++) {
        relocs += i->f.sections[n].reloc_count;
        comdats += (i->f.sections[n].flags & IMAGE_SCN_LNK_COMDAT) != 0;
    }
    rep_num(i->r, "symbol_rows", "symbol rows", i->f.symbol_count);
    rep_num(i->r, "reloc_count", "relocations", relocs);
    rep_num(i->r, "comdat_count", "COMDATs", comdats);
    return true;
}

/* ---- heaps ---- */

static void put_foreign(struct coff_inspect *i)
{
    struct coff_foreign_heap heaps[COFF_FOREIGN_HEAPS];
    unsigned count = coff_foreign_heaps(&i->f, heaps);

    rep_open(i->r, "foreign_heaps", '[');
    for (unsigned n = 0; n < count; n++) {
        rep_open(i->r, NULL, '{');
        rep_str(i->r, "runtime", NULL, heaps[n].runtime);
        rep_str(i->r, "where", NULL, heaps[n].where);
        rep_hex(i->r, "rva", NULL, heaps[n].rva);
        rep_num(i->r, "size", NULL, heaps[n].size);
        rep_close(i->r);
        if (!i->r->as_json) {
            struct buf *line = rep_line(i->r, "heap");

            buf_printf(line, "of a %s: ", heaps[n].runtime);
            term_str(line, heaps[n].where);
            buf_printf(line, " at 0x%" PRIx64, heaps[n].rva);
            if (heaps[n].size) {
                buf_printf(line, ", ");
                term_count(line, heaps[n].size);
                buf_printf(line, " bytes");
            }
            rep_end_line(i->r);
        }
    }
    rep_close(i->r);
}

static void put_heap(struct coff_inspect *i, const struct image_heap *h, bool summary)
{
    struct heap_view v = {i->r, &h->heap, h, i->parts};

    rep_open(i->r, NULL, '{');
    if (summary) {
        struct buf *line = NULL;

        heap_put_place(i->r, h);
        heap_put_facts(&v);
        if (!i->r->as_json) { /* what the loader's own way costs: two bytes a word */
            line = rep_line(i->r, "as a table");
            term_count(line, 2 * h->heap.slot_count);
            buf_printf(line, " bytes of base relocations for its slots, ");
            term_count(line, h->heap.slot_count);
            buf_printf(line, " words to write if moved");
            rep_end_line(i->r);
        }
    }
    if (summary || i->parts & PART_SEGMENTS)
        heap_put_segments(&v);
    rep_close(i->r);
}

static bool put_heaps(struct coff_inspect *i, bool summary)
{
    const struct coff_section *s = coff_heap_table(&i->f);
    struct diag problem = {0};
    struct heap_image m;

    if (!s)
        return true;
    if (!coff_heaps_read(&problem, i->a, &i->f, s, &m)) {
        if (problem.status == E_NOMEM)
            return diag_nomem(i->d);
        diag_warn(i->d, "its table of heaps: %s", problem.text);
        return true;
    }
    rep_open(i->r, "heaps", '[');
    for (uint32_t n = 0; n < m.heap_count; n++)
        put_heap(i, &m.heaps[n], summary);
    rep_close(i->r);
    return true;
}

/* ---- all ---- */

static bool inspect_import(struct diag *d, struct report *r, struct arena *a, const char *name,
                           struct span in)
{
    struct object o = {0};
    const struct import *import = NULL;
    char text[80];

    if (!format_coff.read(d, a, name, in, &o))
        return false;
    import = &o.imports[0];
    snprintf(text, sizeof text, "COFF %s, import",
             coff_machine_name((uint16_t)o.machine) ? coff_machine_name((uint16_t)o.machine)
                                                    : "of an unknown CPU");
    rep_heading(r, name, text);
    rep_str(r, "format", NULL, "coff-import");
    rep_str(r, "library", "of", o.soname);
    rep_str(r, "symbol", "symbol", o.symbols[2].name);
    if (import->name)
        rep_str(r, "import_name", "name", import->name);
    rep_num(r, import->name ? "hint" : "ordinal", import->name ? NULL : "number", import->ordinal);
    rep_str(r, "kind", "kind", import->data ? "data" : "code");
    return true;
}

bool inspect_coff(struct diag *d, struct report *r, struct arena *a, unsigned parts,
                  const char *name, struct span in)
{
    struct coff_inspect i = {.d = d, .r = r, .a = a, .parts = parts, .name = name};
    bool summary = r->as_json || !(parts & ~(unsigned)PART_MEMBERS);

    if (coff_is_import(in))
        return inspect_import(d, r, a, name, in);
    if (!coff_open(d, a, in, &i.f))
        return false;
    put_head(&i);
    if (summary && i.f.image)
        put_optional(&i);
    if (summary && !(i.f.image ? put_tables(&i) : put_object(&i)))
        return false;
    if (summary && i.f.image)
        put_foreign(&i);
    return (!i.f.image || put_heaps(&i, summary)) && coff_lists(&i);
}
