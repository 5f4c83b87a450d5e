/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.c - the table of PE's rules and what runs them. */

#include "coff/verify.h"

#include "coff/verify_rules.h"

static const struct rule {
    const char *name;
    coff_check *check;
    const char *says;
} rules[] = {
    {"pe-headers", coff_verify_headers,
     "headers are whole: PE32+ for x86-64 or ARM64, 16 directories, reserved fields 0"},
    {"pe-flags", coff_verify_flags,
     "an image says that it is one, keeps its relocations if it may be moved, and on ARM64 it may; "
     "no unknown flags"},
    {"pe-align", coff_verify_align,
     "alignments are powers of two: sections by 4 KiB or more, in the file by 512 to 64 KiB; the "
     "base is a multiple of 64 KiB"},
    {"pe-size", coff_verify_size,
     "SizeOfImage is where the last section ends, under 2 GiB; SizeOfHeaders covers the headers"},
    {"pe-sections", coff_verify_sections,
     "1 to 96 sections follow each other in memory without gaps, from the headers on; none is empty"},
    {"pe-raw", coff_verify_raw,
     "what sections have in the file is aligned there, behind the headers, without overlap"},
    {"pe-rights", coff_verify_rights, "nothing is writable and executable, or shared; all can be read"},
    {"pe-entry", coff_verify_entry, "the entry point is in code; 0 in a DLL without one"},
    {"pe-directories", coff_verify_directories,
     "directories lie in one section each; those that are reserved are 0"},
    {"pe-exports", coff_verify_exports,
     "exported names are sorted and different, lead into the image or to another one"},
    {"pe-imports", coff_verify_imports,
     "imports have names, and the loader may write to their slots: in the import address table or a "
     "writable section"},
    {"pe-relocs", coff_verify_relocs,
     "base relocations: blocks of multiples of 4 bytes, ascending; words in the image that lead into "
     "it"},
    {"pe-exceptions", coff_verify_exceptions,
     "the exception table ascends without overlap, from code to unwind information"},
    {"pe-tls", coff_verify_tls,
     "the directory of thread-local storage has addresses in the image, which move with it"},
    {"pe-load-config", coff_verify_load_config, "the load configuration has a size that fits"},
    {"pe-resources", coff_verify_resources,
     "the tree of resources has three levels, in order, and leads to bytes of the file"},
    {"pe-checksum", coff_verify_checksum, "CheckSum is 0 or right"},
    {"pe-names", coff_verify_names, "sections have names"},
    {"pe-heap", coff_verify_heaps,
     "the table of heaps keeps docs/image-format.md, and its checksum and segments are right"},
};

enum { RULES = sizeof rules / sizeof rules[0] };

const char *coff_verify_rule(unsigned i, const char **says)
{
    *says = i < RULES ? rules[i].says : NULL;
    return i < RULES ? rules[i].name : NULL;
}

bool coff_is_code(const struct coff_file *f, uint64_t rva)
{
    const struct coff_section *s = coff_section_at(f, rva);

    return s && s->flags & IMAGE_SCN_MEM_EXECUTE;
}

bool coff_is_inside(const struct coff_file *f, uint64_t addr)
{
    return addr >= f->optional.image_base &&
           addr - f->optional.image_base < f->optional.image_size;
}

bool coff_verify(struct diag *d, struct arena *a, struct span in, const struct verify_options *o,
                 uint64_t *findings)
{
    struct findings all;
    struct coff_verify v = {.d = &all.diag, .a = a, .found = &all};
    struct diag first = {.where = d->where};
    bool readable = false;

    findings_begin(&all, o);
    *findings = 0;
    if (!coff_is_image(in))
        return diag_fail(d, E_UNSUPPORTED, "only linked images have these rules");
    readable = coff_open(&first, a, in, &v.f);
    if (!readable) {
        if (first.status != E_FORMAT)
            return diag_fail(d, first.status, "%s", first.text);
        /* Headers that cannot be read at all are a finding like any other. */
        all.rule = rules[0].name;
        coff_found(&v, "%s", first.text);
    } else if (!v.f.optional.wide) {
        return diag_fail(d, E_UNSUPPORTED, "only 64-bit images have these rules");
    }
    for (unsigned i = 0; readable && i < RULES && !v.nomem; i++) {
        if (!findings_rule(&all, rules[i].name))
            continue;
        rules[i].check(&v);
        findings_rest(&all);
    }
    *findings = all.total;
    return !v.nomem || diag_nomem(d);
}
