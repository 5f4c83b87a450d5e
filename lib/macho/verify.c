/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.c - the table of Mach-O's rules and what runs them. */

#include "macho/verify.h"

#include "macho/verify_rules.h"

static const struct rule {
    const char *name;
    macho_check *check;
    const char *says;
} rules[] = {
    {"macho-commands", macho_verify_commands,
     "load commands have sizes that are multiples of 8, and none is unknown that dyld must know"},
    {"macho-once", macho_verify_once,
     "what may be there once is; chained fixups and opcodes exclude each other"},
    {"macho-order", macho_verify_order,
     "segments ascend in memory and file without overlap, __TEXT with the header first, "
     "__LINKEDIT last"},
    {"macho-size", macho_verify_size, "filesize is at most vmsize, and that of code its vmsize; at most 255 segments"},
    {"macho-align", macho_verify_align,
     "segments start at pages: 16 KiB on arm64, 4 KiB on x86-64"},
    {"macho-rights", macho_verify_rights,
     "__TEXT is r-x, __LINKEDIT r--, __DATA and __DATA_CONST rw-; __DATA_CONST has SG_READ_ONLY; "
     "nothing is writable and executable"},
    {"macho-names", macho_verify_names, "segments have different names"},
    {"macho-section", macho_verify_sections,
     "sections lie in their segment, at the same place of the file, aligned, without overlap, "
     "behind the load commands"},
    {"macho-linkedit", macho_verify_linkedit,
     "the parts of __LINKEDIT stand in Apple's order without gaps, aligned, up to the end of the "
     "file"},
    {"macho-library", macho_verify_libraries,
     "an image needs libraries, each once, by a name; a library has an install name"},
    {"macho-identity", macho_verify_identity,
     "LC_UUID and one LC_BUILD_VERSION are there, and make sense"},
    {"macho-signature", macho_verify_signature,
     "the signature is the end of the file, covers all before it, and each hash is right"},
    {"macho-fixups", macho_verify_fixups,
     "what the loader fixes lies in writable segments, leads into the image or to a library that "
     "is needed; starts agree with the segments"},
    {"macho-exports", macho_verify_exports,
     "exported names form a tree, and their addresses are in the image"},
    {"macho-symtab", macho_verify_symtab,
     "symbols stand in the groups that LC_DYSYMTAB says, have names, and lie in their sections"},
    {"macho-indirect", macho_verify_indirect,
     "stubs and symbol pointers have their indirect symbols"},
    {"macho-starts", macho_verify_starts, "function starts ascend inside of code"},
    {"macho-data-in-code", macho_verify_data, "places of data in code ascend inside of __TEXT"},
    {"macho-unwind", macho_verify_unwind,
     "__unwind_info is sound: pages inside it, functions ascending inside of code"},
    {"macho-tlv", macho_verify_tlv,
     "thread-local descriptors are whole, announced in the header, inside their template"},
    {"macho-init", macho_verify_inits, "initialisers lead to code"},
    {"macho-heap", macho_verify_heaps,
     "the table of heaps keeps docs/image-format.md, and its checksum and segments are right"},
};

enum { RULES = sizeof rules / sizeof rules[0] };

const char *macho_verify_rule(unsigned i, const char **says)
{
    *says = i < RULES ? rules[i].says : NULL;
    return i < RULES ? rules[i].name : NULL;
}

bool macho_is_mapped(const struct macho_file *f, uint64_t addr)
{
    for (uint32_t i = 0; i < f->segment_count; i++)
        if (addr - f->segments[i].vmaddr < f->segments[i].vmsize)
            return true;
    return false;
}

bool macho_is_code(const struct macho_file *f, uint64_t addr)
{
    for (uint32_t i = 0; i < f->segment_count; i++)
        if (addr - f->segments[i].vmaddr < f->segments[i].vmsize)
            return f->segments[i].initprot & VM_PROT_EXECUTE;
    return false;
}

uint64_t macho_base(const struct macho_file *f)
{
    const struct macho_segment *s = macho_find_segment(f, "__TEXT");

    return s ? s->vmaddr : 0;
}

/* Headers that cannot be read at all are a finding like any other. */
static bool open_image(struct diag *d, struct macho_verify *v, struct span in, bool *readable)
{
    struct diag first = {.where = d->where};

    *readable = macho_open(&first, v->a, in, &v->f);
    if (!*readable) {
        if (first.status != E_FORMAT)
            return diag_fail(d, first.status, "%s", first.text);
        v->found->rule = rules[0].name;
        macho_found(v, "%s", first.text);
        return true;
    }
    if (v->f.filetype != MH_EXECUTE && v->f.filetype != MH_DYLIB && v->f.filetype != MH_BUNDLE) {
        const char *kind = macho_filetype_name(v->f.filetype);

        return diag_fail(d, E_UNSUPPORTED,
                         "only programs, libraries and bundles have these rules, and this is %s",
                         kind ? kind : "something else");
    }
    return v->f.wide || diag_fail(d, E_UNSUPPORTED, "only 64-bit images have these rules");
}

static bool verify_thin(struct diag *d, struct macho_verify *v, struct span in)
{
    bool readable = false;

    if (!open_image(d, v, in, &readable))
        return false;
    for (unsigned i = 0; readable && i < RULES && !v->nomem; i++) {
        if (!findings_rule(v->found, rules[i].name))
            continue;
        rules[i].check(v);
        findings_rest(v->found);
    }
    return !v->nomem || diag_nomem(d);
}

bool macho_verify(struct diag *d, struct arena *a, struct span in, const struct verify_options *o,
                  uint64_t *findings)
{
    struct findings all;
    struct macho_verify v = {.d = &all.diag, .a = a, .found = &all};
    struct macho_slice *slices = NULL;
    uint32_t count = 0;
    bool ok = true;

    findings_begin(&all, o);
    if (!macho_is_fat(in)) {
        ok = verify_thin(d, &v, in);
    } else if (macho_read_fat(d, a, in, &slices, &count)) {
        for (uint32_t i = 0; ok && i < count; i++) {
            struct where here = {NULL, "slice", i};

            all.diag.where = &here;
            ok = verify_thin(d, &v, slices[i].data);
            all.diag.where = NULL;
        }
    } else {
        ok = false;
    }
    *findings = all.total;
    return ok;
}
