/* SPDX-License-Identifier: GPL-3.0-or-later */
/* asm.c - the skeleton of an object as assembly text, for each format. */

#include "pack/pack.h"

#include <inttypes.h>

/* Sections by format and kind of segment, plain and with relocations.  ELF: R
   keeps a section that nobody refers to (SHF_GNU_RETAIN). */
static const struct {
    const char *plain, *flags, *relocated, *relocated_flags;
} kinds[3][5] = {
    [PACK_ELF] =
        {
            [SIMG_SEGMENT_READ_ONLY] = {".heap.ro", "\"aR\",%progbits", ".heap.rel.ro",
                                        "\"awR\",%progbits"},
            [SIMG_SEGMENT_READ_WRITE] = {".heap", "\"awR\",%progbits", ".heap",
                                         "\"awR\",%progbits"},
            [SIMG_SEGMENT_ZERO] = {".heap.zero", "\"awR\",%nobits", NULL, NULL},
            [SIMG_SEGMENT_CODE] = {".heap.code", "\"axR\",%progbits", NULL, NULL},
        },
    [PACK_MACHO] =
        {
            [SIMG_SEGMENT_READ_ONLY] = {"__TEXT,__heap_ro", "regular,no_dead_strip",
                                        "__DATA_CONST,__heap_ro", "regular,no_dead_strip"},
            [SIMG_SEGMENT_READ_WRITE] = {"__DATA,__heap", "regular,no_dead_strip", "__DATA,__heap",
                                         "regular,no_dead_strip"},
            [SIMG_SEGMENT_ZERO] = {"__DATA,__heap_zero", "zerofill,no_dead_strip", NULL, NULL},
            [SIMG_SEGMENT_CODE] = {"__TEXT,__heap_code", "regular,pure_instructions+no_dead_strip",
                                   NULL, NULL},
        },
    [PACK_COFF] =
        {
            [SIMG_SEGMENT_READ_ONLY] = {".heap.ro", "\"dr\"", ".heap.ro", "\"dr\""},
            [SIMG_SEGMENT_READ_WRITE] = {".heap", "\"dw\"", ".heap", "\"dw\""},
            [SIMG_SEGMENT_ZERO] = {".heap.zer", "\"bw\"", NULL, NULL},
            [SIMG_SEGMENT_CODE] = {".heap.cod", "\"xr\"", NULL, NULL},
        },
};

/* Names come from the container, which nobody vouches for, and go into text
   that an assembler obeys: those that could end their quotes, or that it would
   read as something else, are refused. */
static bool check_name(struct pack *p, const char *what, uint32_t index, const char *name)
{
    struct where file = {p->d->where, p->heap.name, NO_INDEX};
    struct where here = {&file, what, index};
    bool coff = p->opt->target.format == PACK_COFF;

    for (const char *c = name; *c; c++)
        if (*c == '"' || *c == '\\' || (*c >= 0 && *c <= ' ') || *c == 0x7f ||
            (coff && *c == ',')) {
            p->d->where = &here;
            diag_fail(p->d, E_UNSUPPORTED,
                      "its name has the byte 0x%02x, which no object made "
                      "by LLVM's assembler can have",
                      (unsigned char)*c);
            p->d->where = file.up;
            return false;
        }
    return true;
}

static bool check_names(struct pack *p)
{
    for (uint32_t i = 0; i < p->heap.root_count; i++)
        if (!check_name(p, "root", i, p->heap.roots[i].name))
            return false;
    for (uint32_t i = 0; i < p->heap.import_count; i++)
        if (!check_name(p, "import", i, p->heap.imports[i].name))
            return false;
    return true;
}

/* NAME between quotes, as every LLVM assembler takes it. */
static void put_name(struct buf *out, const struct pack *p, const char *name)
{
    buf_printf(out, "\"%s%s\"", p->opt->target.format == PACK_MACHO ? "_" : "", name);
}

static bool needs_relocs(const struct pack *p, uint32_t segment)
{
    const struct heap_segment *g = &p->heap.segments[segment];
    uint64_t i = heap_first_import_slot(&p->heap, g->addr);

    return (g->slots.count && p->opt->mode == PACK_NATIVE) ||
           (i < p->heap.import_slot_count &&
            heap_import_slot_at(&p->heap, i).place - g->addr < g->size);
}

/* Names are unique, so that sections are found by them again: a heap may have
   several segments of a kind. */
static bool name_section(struct pack *p, uint32_t i)
{
    const struct heap_segment *g = &p->heap.segments[i];
    struct pack_section *s = &p->sections[i];
    bool again = false;

    s->segment = i;
    s->size = g->size;
    s->slots = needs_relocs(p, i);
    s->name = s->slots ? kinds[p->opt->target.format][g->kind].relocated
                       : kinds[p->opt->target.format][g->kind].plain;
    if (!s->name)
        return diag_fail(p->d, E_UNSUPPORTED,
                         "%s: segment %" PRIu32
                         ": code with pointers in it would make code that is "
                         "relocated when it is loaded; objtool link can place it",
                         p->heap.name, i);
    for (uint32_t n = 0; n < i; n++)
        again = again || !strcmp(p->sections[n].name, s->name);
    if (again && !(s->name = arena_printf(&p->arena, "%s%s%" PRIu32, s->name,
                                          p->opt->target.format == PACK_ELF ? "." : "", i)))
        return diag_nomem(p->d);
    return true;
}

static void put_section(struct pack *p, uint32_t i, struct buf *out)
{
    const struct heap_segment *g = &p->heap.segments[i];
    const struct pack_section *s = &p->sections[i];
    bool macho = p->opt->target.format == PACK_MACHO;

    if (macho && g->kind == SIMG_SEGMENT_ZERO) {
        buf_printf(out, "\t.zerofill %s,Lheap%" PRIu32 ",%" PRIu64 ",%u\n", s->name, i, g->size,
                   g->align_log2 > 14 ? 14 : g->align_log2);
        return;
    }
    buf_printf(out, "\t.section %s,%s\n", s->name,
               s->slots ? kinds[p->opt->target.format][g->kind].relocated_flags
                        : kinds[p->opt->target.format][g->kind].flags);
    /* Mach-O's segments and COFF's sections allow no more. */
    buf_printf(out, "\t.p2align %u\n%s%" PRIu32 ":\n",
               p->opt->target.format == PACK_ELF ? g->align_log2
               : macho                           ? (g->align_log2 > 14 ? 14 : g->align_log2)
                                                 : (g->align_log2 > 13 ? 13 : g->align_log2),
               macho ? "Lheap" : ".Lheap", i);
    if (g->kind == SIMG_SEGMENT_ZERO) {
        buf_printf(out, "\t.zero %" PRIu64 "\n", g->size);
        return;
    }
    if (!s->slots) {
        buf_printf(out, "\t.quad 0\n");
        return;
    }
    /* The specimens: each segment, then each import. */
    for (uint32_t n = 0; n < p->heap.segment_count; n++)
        buf_printf(out, "\t.quad %s%" PRIu32 "\n", macho ? "Lheap" : ".Lheap", n);
    for (uint32_t n = 0; n < p->heap.import_count; n++) {
        buf_printf(out, "\t.quad ");
        put_name(out, p, p->heap.imports[n].name);
        buf_printf(out, "\n");
    }
}

static void put_root(const struct pack *p, const struct heap_root *r, struct buf *out)
{
    const struct heap_segment *g = &p->heap.segments[r->segment];
    bool function = r->kind == SIMG_ROOT_FUNCTION;

    buf_printf(out, "\t.globl ");
    put_name(out, p, r->name);
    if (p->opt->target.format == PACK_ELF) {
        buf_printf(out, "\n\t.type ");
        put_name(out, p, r->name);
        buf_printf(out, ",%s\n\t.size ", function ? "%function" : "%object");
        put_name(out, p, r->name);
        buf_printf(out, ",%" PRIu64, r->size);
    } else if (p->opt->target.format == PACK_COFF) {
        /* Its linkers export what an object asks them to. */
        buf_printf(out, "\n\t.section .drectve,\"yn\"\n\t.ascii \" -export:%s%s\"", r->name,
                   function ? "" : ",data");
    }
    buf_printf(out, "\n\t.set ");
    put_name(out, p, r->name);
    buf_printf(out, ",%s%" PRIu32 "+%" PRIu64 "\n",
               p->opt->target.format == PACK_MACHO ? "Lheap" : ".Lheap", r->segment,
               r->addr - g->addr);
}

bool pack_text(struct pack *p, struct buf *out)
{
    static const char *const weak[] = {
        [PACK_ELF] = ".weak", [PACK_MACHO] = ".weak_reference", [PACK_COFF] = ".weak"};

    if (!(p->sections = arena_alloc(&p->arena, p->heap.segment_count, sizeof *p->sections)) ||
        !(p->imports = arena_alloc(&p->arena, p->heap.import_count + 1ull, sizeof *p->imports)))
        return diag_nomem(p->d);
    if (!check_names(p))
        return false;
    for (uint32_t i = 0; i < p->heap.segment_count; i++)
        if (!name_section(p, i))
            return false;
    for (uint32_t i = 0; i < p->heap.import_count; i++)
        if (p->heap.imports[i].weak) {
            buf_printf(out, "\t%s ", weak[p->opt->target.format]);
            put_name(out, p, p->heap.imports[i].name);
            buf_printf(out, "\n");
        }
    /* Mach-O gives addresses in order, and zeros come last. */
    for (unsigned zero = 0; zero < 2; zero++)
        for (uint32_t i = 0; i < p->heap.segment_count; i++)
            if ((p->heap.segments[i].kind == SIMG_SEGMENT_ZERO) == zero)
                put_section(p, i, out);
    for (uint32_t i = 0; i < p->heap.root_count; i++)
        put_root(p, &p->heap.roots[i], out);
    if (p->opt->target.format == PACK_ELF)
        buf_printf(out, "\t.section .note.GNU-stack,\"\",%%progbits\n");
    buf_bytes(out, "", 1);
    return !out->bad || diag_nomem(p->d);
}
