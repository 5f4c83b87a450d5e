/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_macho.c - Mach-O objects, libraries, programs and universal files:
 * the summary. */

#include "inspect_heap.h"
#include "inspect_macho.h"

#include "macho/heaps.h"
#include "macho/signature.h"
#include "macho/trie.h"

#include <inttypes.h>
#include <stdio.h>

const char *macho_name_or(const char *name, uint64_t number, char text[24])
{
    if (name)
        return name;
    snprintf(text, 24, "0x%" PRIx64, number);
    return text;
}

/* ---- what it is ---- */

static void put_head(struct macho_inspect *i)
{
    const struct macho_file *f = &i->f;
    const char *cpu = macho_cpu_name(f->cputype, f->cpusubtype);
    const char *type = macho_filetype_name(f->filetype);
    char text[160], numbers[2][24];

    snprintf(text, sizeof text, "Mach-O %s-bit %s-endian %s, %s", f->wide ? "64" : "32",
             f->big ? "big" : "little", macho_name_or(cpu, f->cputype, numbers[0]),
             macho_name_or(type, f->filetype, numbers[1]));
    rep_heading(i->r, i->name, text);
    rep_str(i->r, "format", NULL, "mach-o");
    rep_num(i->r, "class", NULL, f->wide ? 64 : 32);
    rep_str(i->r, "byte_order", NULL, f->big ? "big" : "little");
    rep_str(i->r, "machine", NULL, macho_name_or(cpu, f->cputype, numbers[0]));
    rep_num(i->r, "cpu_type", NULL, f->cputype);
    rep_num(i->r, "cpu_subtype", NULL, f->cpusubtype);
    rep_str(i->r, "type", NULL, macho_name_or(type, f->filetype, numbers[1]));
    rep_hex(i->r, "flags", "flags", f->flags);
    rep_num(i->r, "size", "size", f->in.size);
}

static void put_system(struct macho_inspect *i)
{
    const struct macho_file *f = &i->f;
    const char *platform = macho_platform_name(f->platform);
    char number[24];
    struct buf *line = NULL;

    if (!f->platform)
        return;
    platform = macho_name_or(platform, f->platform, number);
    rep_str(i->r, "platform", NULL, platform);
    rep_str(i->r, "minimum_system", NULL, macho_version(i->a, f->minos));
    rep_str(i->r, "sdk", NULL, macho_version(i->a, f->sdk));
    if (i->r->as_json)
        return;
    line = rep_line(i->r, "for");
    buf_printf(line, "%s %s, SDK %s", platform, macho_version(i->a, f->minos),
               macho_version(i->a, f->sdk));
    rep_end_line(i->r);
}

static const char *library_kind(uint32_t cmd)
{
    switch (cmd) {
    case LC_LOAD_WEAK_DYLIB:
        return "weak";
    case LC_REEXPORT_DYLIB:
        return "passed on";
    case LC_LOAD_UPWARD_DYLIB:
        return "upward";
    case LC_LAZY_LOAD_DYLIB:
        return "lazy";
    default:
        return NULL;
    }
}

static void put_libraries(struct macho_inspect *i)
{
    const struct macho_file *f = &i->f;

    if (f->install_name) {
        rep_str(i->r, "install_name", "install name", f->install_name);
        rep_str(i->r, "current_version", NULL, macho_version(i->a, f->current_version));
        rep_str(i->r, "compatibility_version", NULL, macho_version(i->a, f->compatibility_version));
    }
    rep_open(i->r, "needed", '[');
    for (uint32_t n = 0; n < f->library_count; n++) {
        const char *kind = library_kind(f->libraries[n].cmd);
        struct buf *line = NULL;

        if (i->r->as_json) {
            json_str(&i->r->json, NULL, f->libraries[n].name);
            continue;
        }
        line = rep_line(i->r, n ? "" : "needed");
        term_str(line, f->libraries[n].name);
        if (kind)
            buf_printf(line, " (%s)", kind);
        rep_end_line(i->r);
    }
    rep_close(i->r);
    rep_open(i->r, "rpaths", '[');
    for (uint32_t n = 0; n < f->rpath_count; n++)
        rep_str(i->r, NULL, n ? "" : "rpath", f->rpaths[n]);
    rep_close(i->r);
}

static void put_uuid(struct macho_inspect *i)
{
    char text[40];
    const uint8_t *u = i->f.uuid;

    if (!u)
        return;
    snprintf(text, sizeof text,
             "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", u[0], u[1],
             u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
             u[15]);
    rep_str(i->r, "uuid", "UUID", text);
}

static void put_memory(struct macho_inspect *i)
{
    const struct macho_file *f = &i->f;
    struct buf *line = NULL;

    rep_num(i->r, "load_command_count", "load commands", f->command_count);
    rep_num(i->r, "segment_count", NULL, f->segment_count);
    rep_num(i->r, "section_count", NULL, f->section_count);
    if (i->r->as_json || f->filetype == MH_OBJECT)
        return;
    line = rep_line(i->r, "loaded");
    for (uint32_t n = 0; n < f->segment_count && n < 8; n++) {
        const struct macho_segment *s = &f->segments[n];

        buf_printf(line, "%s%s%s%s ", n ? ", " : "", s->initprot & VM_PROT_READ ? "r" : "-",
                   s->initprot & VM_PROT_WRITE ? "w" : "-",
                   s->initprot & VM_PROT_EXECUTE ? "x" : "-");
        term_str(line, s->name);
        buf_printf(line, " ");
        term_count(line, s->vmsize);
    }
    if (f->segment_count > 8)
        buf_printf(line, ", and %" PRIu32 " more", f->segment_count - 8);
    rep_end_line(i->r);
}

/* ---- symbols ---- */

static void put_symbols(struct macho_inspect *i)
{
    uint64_t local = 0, defined = 0, undefined = 0, weak = 0, stabs = 0;

    for (uint32_t n = 0; n < i->f.nsyms; n++) {
        struct macho_sym s = macho_symbol(&i->f, n);

        if (s.type & N_STAB)
            stabs++;
        else if ((s.type & N_TYPE) == N_UNDF && s.value == 0)
            undefined++;
        else if (s.type & N_EXT)
            defined++;
        else
            local++;
        weak += !(s.type & N_STAB) && s.type & N_EXT && s.desc & N_WEAK_DEF &&
                (s.type & N_TYPE) == N_SECT;
    }
    rep_num(i->r, "symbol_count", "symbols", i->f.nsyms);
    rep_num(i->r, "global_symbols", "  defined", defined);
    rep_num(i->r, "weak_symbols", weak ? "  of them weak" : NULL, weak);
    rep_num(i->r, "undefined_symbols", "  undefined", undefined);
    rep_num(i->r, "local_symbols", "  local", local);
    rep_num(i->r, "debug_symbols", stabs ? "  for debuggers" : NULL, stabs);
}

static bool count_export(void *arg, const struct trie_symbol *s)
{
    (void)s;
    ++*(uint64_t *)arg;
    return true;
}

struct span macho_exports(const struct macho_file *f)
{
    return f->exports_trie.present ? f->exports_trie.data : f->export_opcodes.data;
}

static bool put_exports(struct macho_inspect *i)
{
    uint64_t count = 0;
    struct arena scratch = {0};
    bool ok = true;

    if (!i->f.exports_trie.present && !i->f.has_dyld_info)
        return true;
    ok = trie_read(i->d, &scratch, macho_exports(&i->f), count_export, &count);
    arena_free(&scratch);
    if (ok)
        rep_num(i->r, "export_count", "exports", count);
    return ok;
}

/* ---- fixups ---- */

struct fixup_counts {
    uint64_t rebases, binds, weak, lazy;
};

static bool count_fixup(void *arg, const struct macho_fixup *x)
{
    struct fixup_counts *c = arg;

    if (x->source == FIXUP_WEAK_BIND)
        c->weak++;
    else if (x->source == FIXUP_LAZY_BIND)
        c->lazy++;
    else if (x->bind)
        c->binds++;
    else
        c->rebases++;
    return true;
}

static bool put_fixups(struct macho_inspect *i)
{
    struct fixup_counts c = {0};
    const struct macho_file *f = &i->f;
    struct buf *line = NULL;
    const char *form = f->chained_fixups.present ? "chained" : "opcodes";
    uint64_t bytes = f->chained_fixups.data.size + f->rebase.data.size + f->bind.data.size +
                     f->weak_bind.data.size + f->lazy_bind.data.size;

    if (!f->chained_fixups.present && !f->has_dyld_info)
        return true;
    if (!macho_each_fixup(i->d, i->a, f, count_fixup, &c))
        return false;
    rep_open(i->r, "fixups", '{');
    rep_str(i->r, "form", NULL, form);
    rep_num(i->r, "bytes", NULL, bytes);
    rep_num(i->r, "rebases", NULL, c.rebases);
    rep_num(i->r, "binds", NULL, c.binds);
    rep_num(i->r, "weak_binds", NULL, c.weak);
    rep_num(i->r, "lazy_binds", NULL, c.lazy);
    rep_close(i->r);
    if (i->r->as_json)
        return true;
    line = rep_line(i->r, "at start");
    term_count(line, c.rebases);
    buf_printf(line, " pointers moved, ");
    term_count(line, c.binds);
    buf_printf(line, " bound (%s, ", form);
    term_count(line, bytes);
    buf_printf(line, " bytes)");
    if (c.weak)
        buf_printf(line, ", %" PRIu64 " weak", c.weak);
    if (c.lazy)
        buf_printf(line, ", %" PRIu64 " lazy", c.lazy);
    rep_end_line(i->r);
    return true;
}

/* ---- signature ---- */

static const char *signature_state(struct macho_inspect *i, const struct code_directory *cd,
                                   uint64_t *bad)
{
    if (cd->code_limit != i->f.signature.offset)
        return "does not cover the file";
    if (!signature_check(cd, i->f.in, bad))
        return "of a hash that is not known";
    return *bad == UINT64_MAX ? "good" : "a page differs";
}

static void put_signature(struct macho_inspect *i)
{
    struct signature_blobs blobs;
    struct diag problem = {0};
    const struct code_directory *cd = &blobs.directories[0];
    const char *state = NULL, *kind = NULL;
    uint64_t bad = UINT64_MAX;
    struct buf *line = NULL;

    if (!i->f.signature.present) {
        if (i->f.filetype != MH_OBJECT)
            rep_str(i->r, "signature", "signature", "none");
        return;
    }
    if (!signature_read(&problem, i->f.signature.data, &blobs)) {
        rep_str(i->r, "signature", "signature", problem.text);
        return;
    }
    state = signature_state(i, cd, &bad);
    kind = blobs.cms.size                 ? "by an authority"
           : cd->flags & CS_LINKER_SIGNED ? "ad hoc, by a linker"
                                          : "ad hoc";
    rep_open(i->r, "signature", '{');
    rep_str(i->r, "kind", NULL, kind);
    rep_str(i->r, "identifier", NULL, cd->ident);
    rep_str(i->r, "team", NULL, cd->team);
    rep_hex(i->r, "flags", NULL, cd->flags);
    rep_num(i->r, "pages", NULL, cd->code_slots);
    rep_str(i->r, "hashes", NULL, state);
    rep_close(i->r);
    if (i->r->as_json)
        return;
    line = rep_line(i->r, "signature");
    buf_printf(line, "%s, ", kind);
    term_str(line, cd->ident);
    buf_printf(line, ": %s", state);
    if (bad != UINT64_MAX)
        buf_printf(line, " (page %" PRIu64 ")", bad);
    rep_end_line(i->r);
}

/* ---- heaps ---- */

static void put_foreign(struct macho_inspect *i)
{
    struct macho_foreign_heap heaps[FOREIGN_HEAPS];
    unsigned count = macho_foreign_heaps(&i->f, heaps);

    if (!count)
        return;
    rep_open(i->r, "runtime_heaps", '[');
    for (unsigned n = 0; n < count; n++) {
        struct buf *line = NULL;

        rep_open(i->r, NULL, '{');
        rep_str(i->r, "runtime", NULL, heaps[n].runtime);
        rep_str(i->r, "where", NULL, heaps[n].where);
        rep_hex(i->r, "addr", NULL, heaps[n].addr);
        rep_num(i->r, "size", NULL, heaps[n].size);
        rep_close(i->r);
        if (i->r->as_json)
            continue;
        line = rep_line(i->r, "heap");
        buf_printf(line, "%s: %s at 0x%" PRIx64, heaps[n].runtime, heaps[n].where, heaps[n].addr);
        if (heaps[n].size) {
            buf_printf(line, ", ");
            term_count(line, heaps[n].size);
            buf_printf(line, " bytes");
        }
        rep_end_line(i->r);
    }
    rep_close(i->r);
}

static void put_heap(struct macho_inspect *i, const struct image_heap *h)
{
    struct heap_view v = {i->r, &h->heap, h, i->parts};
    bool summary = i->r->as_json || !(i->parts & ~(unsigned)PART_MEMBERS);

    rep_open(i->r, NULL, '{');
    if (summary) {
        heap_put_place(i->r, h);
        heap_put_facts(&v);
    }
    if (summary || i->parts & PART_SEGMENTS)
        heap_put_segments(&v);
    if (i->parts & PART_IMPORTS)
        heap_put_imports(&v);
    if (i->parts & PART_ROOTS)
        heap_put_roots(&v);
    rep_close(i->r);
}

static bool put_heaps(struct macho_inspect *i)
{
    const struct macho_section *s = macho_heap_table(&i->f);
    struct diag problem = {0};
    struct heap_image m;

    if (!s)
        return true;
    if (!macho_heaps_read(&problem, i->a, &i->f, s, &m)) {
        if (problem.status == E_NOMEM)
            return diag_nomem(i->d);
        diag_warn(i->d, "its table of heaps: %s", problem.text);
        rep_str(i->r, "no_heap", i->parts ? NULL : "heap", problem.text);
        return true;
    }
    rep_num(i->r, "heap_table_size", NULL, m.bytes.size);
    rep_open(i->r, "heaps", '[');
    for (uint32_t n = 0; n < m.heap_count; n++)
        put_heap(i, &m.heaps[n]);
    rep_close(i->r);
    return true;
}

/* ---- all ---- */

static bool put_summary(struct macho_inspect *i)
{
    put_system(i);
    put_libraries(i);
    put_uuid(i);
    put_memory(i);
    put_symbols(i);
    if (!put_exports(i) || !put_fixups(i))
        return false;
    put_signature(i);
    put_foreign(i);
    return true;
}

static bool inspect_thin(struct macho_inspect *i, struct span in)
{
    if (!macho_open(i->d, i->a, in, &i->f))
        return false;
    put_head(i);
    if ((i->r->as_json || !(i->parts & ~(unsigned)PART_MEMBERS)) && !put_summary(i))
        return false;
    return put_heaps(i) && macho_lists(i);
}

static bool inspect_fat(struct macho_inspect *i, struct span in)
{
    struct macho_slice *slices = NULL;
    uint32_t count = 0;
    char text[64];
    bool ok = true;

    if (!macho_read_fat(i->d, i->a, in, &slices, &count))
        return false;
    snprintf(text, sizeof text, "universal file, %" PRIu32 " slices", count);
    rep_heading(i->r, i->name, text);
    rep_str(i->r, "format", NULL, "universal");
    rep_num(i->r, "size", "size", in.size);
    rep_open(i->r, "slices", '[');
    for (uint32_t n = 0; ok && n < count; n++) {
        struct where here = {i->d->where, "slice", n};
        const char *cpu = macho_cpu_name(slices[n].cputype, slices[n].cpusubtype);

        if (!i->r->as_json)
            buf_printf(&i->r->text, "\n");
        rep_open(i->r, NULL, '{');
        rep_hex(i->r, "offset", NULL, slices[n].offset);
        i->d->where = &here;
        /* A static library may be universal as well. */
        if (macho_is(slices[n].data))
            ok = inspect_thin(i, slices[n].data);
        else
            ok = inspect_archive(i->d, i->r, i->a, i->parts, cpu ? cpu : "slice", slices[n].data);
        i->d->where = here.up;
        rep_close(i->r);
    }
    rep_close(i->r);
    return ok;
}

bool inspect_macho(struct diag *d, struct report *r, struct arena *a, unsigned parts,
                   const char *name, struct span in)
{
    struct macho_inspect i = {.d = d, .r = r, .a = a, .parts = parts, .name = name};

    return macho_is_fat(in) ? inspect_fat(&i, in) : inspect_thin(&i, in);
}
