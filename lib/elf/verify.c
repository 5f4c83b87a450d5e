/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.c - the table of rules and what runs them. */

#include "elf/verify.h"

#include "elf/verify_rules.h"

static const struct rule {
    const char *name;
    verify_check *check;
    const char *says;
} rules[] = {
    {"header", verify_header,
     "the headers are inside the file, of the right size, the entry point is code"},
    {"load-order", verify_load_order, "PT_LOADs ascend, do not overlap and share no page"},
    {"load-align", verify_load_align,
     "p_align is a power of two, a page at least; p_offset and p_vaddr agree modulo it"},
    {"load-size", verify_load_size, "p_filesz is at most p_memsz and the end does not wrap"},
    {"wx-segment", verify_wx, "no segment is both writable and executable"},
    {"stack", verify_stack, "PT_GNU_STACK is there and not executable"},
    {"relro", verify_relro, "PT_GNU_RELRO covers whole pages from the start of a writable PT_LOAD"},
    {"segment-place", verify_segment_place,
     "what other segments cover is in a PT_LOAD, at the same place of the file"},
    {"phdr", verify_phdr,
     "PT_PHDR is the program headers and PT_INTERP a string, each once and before PT_LOADs"},
    {"tls", verify_tls, "one PT_TLS at most, its alignment a power of two that its address fits"},
    {"note", verify_notes,
     "notes and properties are well formed; one build-id at most, of 4 to 64 bytes"},
    {"dynamic-place", verify_dynamic_place, "PT_DYNAMIC is in a PT_LOAD and is section .dynamic"},
    {"dynamic-table", verify_dynamic_table,
     "it ends, says each thing once, has what belongs together, right entry sizes"},
    {"dynamic-range", verify_dynamic_range,
     "every address in it has room for its size in a fitting segment"},
    {"strings", verify_strings, "DT_STRTAB begins and ends with NUL and holds the names"},
    {"needed", verify_needed, "no library is needed twice"},
    {"textrel", verify_textrel, "no relocation of read-only segments is announced"},
    {"plt", verify_plt, "DT_JMPREL, DT_PLTRELSZ and DT_PLTREL agree; JUMP_SLOTs are in the GOT"},
    {"init-array", verify_init_array, "every entry of the init and fini arrays leads to code"},
    {"symbol", verify_symbols,
     "dynamic symbols have names, and their section and segment contain them"},
    {"hash", verify_hash, "DT_HASH: every symbol is found, chains end, the count is right"},
    {"gnu-hash", verify_gnu_hash,
     "DT_GNU_HASH: every exported symbol passes bloom, bucket and chain, in order"},
    {"version", verify_versions,
     "version records are sound, and every symbol's version is one of them"},
    {"reloc-place", verify_reloc_place, "places are aligned, in the image and writable"},
    {"reloc-type", verify_reloc_type, "types are such that a loader knows"},
    {"reloc-symbol", verify_reloc_symbol,
     "symbol indices exist, and are there where the type needs one"},
    {"relative", verify_relative, "RELATIVE targets are inside the image"},
    {"relr", verify_relr, "DT_RELR is well formed and glibc is asked for GLIBC_ABI_DT_RELR"},
    {"eh-frame", verify_eh_frame,
     ".eh_frame is a chain of sound CIEs and FDEs for code of the image"},
    {"eh-frame-hdr", verify_eh_frame_hdr,
     "its table is sorted and each entry leads to the FDE for the address"},
    {"section-place", verify_section_place,
     "allocated sections and segments agree on address and offset"},
    {"section-overlap", verify_section_overlap,
     "no two sections share memory or bytes of the file"},
    {"section-link", verify_section_link,
     "sh_link, sh_info and sh_entsize are what sh_type demands"},
    {"symtab", verify_symtab, "local symbols come first, and names and sections exist"},
    {"heap-note", verify_heap_note,
     "a heap that was asked for is there, and one note leads to its table"},
    {"heap-table", verify_heap_table, "the table of heaps keeps docs/image-format.md"},
    {"heap-place", verify_heap_place,
     "a heap lies where it was relocated for, at a multiple of 2 MiB, inside of PT_LOADs"},
    {"heap-rights", verify_heap_rights,
     "PT_LOADs map its segments as the table says, and none stays writable and executable"},
    {"heap-slots", verify_heap_slots, "the word at each slot is an address in the heap"},
    {"heap-relocs", verify_heap_relocs,
     "import slots have their relocation, slots of native heaps, too, prelinked ones none"},
    {"heap-imports", verify_heap_imports,
     "the words of the table of imported functions get their symbols' addresses"},
    {"heap-roots", verify_heap_roots, "roots are dynamic symbols of the same address and size"},
    {"heap-checksum", verify_heap_checksums,
     "checksums of the table and of segments are those of their bytes"},
    {"cache-register", verify_cache_register,
     "an engine's register keeps docs/cache-format.md, with its checksum and the table's modules"},
    {"cache-arena", verify_cache_arena,
     "an engine's blocks lie one behind the other, free ones are zero, and the sums are right"},
};

enum { RULES = sizeof rules / sizeof rules[0] };

const char *verify_rule(unsigned i, const char **says)
{
    *says = i < RULES ? rules[i].says : NULL;
    return i < RULES ? rules[i].name : NULL;
}

void *verify_alloc(struct verify *v, uint64_t count, uint64_t size)
{
    void *p = arena_alloc(v->a, count, size);

    v->nomem = v->nomem || !p;
    return p;
}

/* What "objcopy --only-keep-debug" leaves: the sections are there, their
   contents are not. */
static bool is_debug_file(const struct elf_file *f)
{
    for (uint32_t i = 1; i < f->section_count; i++) {
        const struct elf_shdr *s = &f->sections[i];

        if (s->type == SHT_NOBITS && s->flags & SHF_ALLOC &&
            (!strcmp(s->name, ".text") || !strcmp(s->name, ".dynamic")))
            return true;
    }
    return false;
}

/* Headers that cannot be read at all are a finding like any other, unless
   they are of something else. */
static bool open_image(struct diag *d, struct verify *v, struct findings *found)
{
    struct diag first = {.where = d->where, .sink = NULL};

    found->rule = rules[0].name;
    if (!elf_open(&first, v->a, v->f.in, &v->f)) {
        if (first.status != E_FORMAT)
            return diag_fail(d, first.status, "%s", first.text);
        diag_fail(&found->diag, E_FORMAT, "%s", first.text);
        return true;
    }
    if (v->f.type != ET_EXEC && v->f.type != ET_DYN)
        return diag_fail(d, E_UNSUPPORTED,
                         "only linked images have these rules, and this is %s (e_type %u)",
                         v->f.type == ET_REL    ? "a relocatable object"
                         : v->f.type == ET_CORE ? "a core file"
                                                : "something else",
                         v->f.type);
    if (is_debug_file(&v->f))
        return diag_fail(d, E_UNSUPPORTED,
                         "only linked images have these rules, and this has only their debug "
                         "information");
    return elf_image_read(d, v->a, &v->f, &v->m);
}

bool elf_verify(struct diag *d, struct arena *a, struct span in, const struct verify_options *o,
                uint64_t *findings)
{
    struct findings all;
    struct verify v = {.d = &all.diag, .a = a, .found = &all, .f.in = in};
    bool ok = false;

    findings_begin(&all, o);
    ok = open_image(d, &v, &all);
    for (unsigned i = 0; ok && v.f.ehsize && i < RULES && !v.nomem; i++) {
        if (!findings_rule(&all, rules[i].name))
            continue;
        rules[i].check(&v);
        findings_rest(&all);
    }
    *findings = all.total;
    if (ok && v.f.ehsize && v.m.name_budget == 0)
        return diag_fail(d, E_NOMEM,
                         "names overlap so much that to read them all would take "
                         "more than 32 times the file's size");
    return ok && (!v.nomem || diag_nomem(d));
}
