/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_linkedit.c - rules about what is in __LINKEDIT. */

#include "macho/fixups.h"
#include "macho/leb.h"
#include "macho/signature.h"
#include "macho/trie.h"
#include "macho/verify_rules.h"

/* ---- signature ---- */

static void check_directory(struct macho_verify *v, const struct code_directory *cd)
{
    const struct macho_file *f = &v->f;
    const struct macho_segment *text = macho_find_segment(f, "__TEXT");
    uint64_t page = UINT64_C(1) << (cd->page_log2 & 31), bad = 0;
    uint64_t pages = (cd->code_limit + page - 1) / page;

    if (cd->code_limit != f->signature.offset)
        macho_found(v, "signature: codeLimit is 0x%" PRIx64 ", but it starts at 0x%" PRIx32,
                    cd->code_limit, f->signature.offset);
    if (cd->page_log2 != 12 && cd->page_log2 != 14)
        macho_found(v, "signature: pages of 2^%u bytes; kernels have 2^12 or 2^14", cd->page_log2);
    else if (cd->code_slots != pages)
        macho_found(v, "signature: %" PRIu32 " hashes for %" PRIu64 " pages", cd->code_slots,
                    pages);
    if (cd->version >= 0x20400 && text &&
        (cd->exec_base != text->fileoff || cd->exec_limit > text->filesize || cd->exec_limit == 0))
        macho_found(v,
                    "signature: the executable segment is said to be 0x%" PRIx64
                    " bytes at 0x%" PRIx64 ", and __TEXT has 0x%" PRIx64 " at 0x%" PRIx64,
                    cd->exec_limit, cd->exec_base, text->filesize, text->fileoff);
    if (!*cd->ident)
        macho_found(v, "signature: the identifier is empty");
    if (!signature_check(cd, f->in, &bad))
        macho_found(v, "signature: hashes of type %u and %u bytes are not known", cd->hash_type,
                    cd->hash_size);
    else if (bad != UINT64_MAX)
        macho_found(v, "signature: the hash of page %" PRIu64 " is not that of its bytes", bad);
}

void macho_verify_signature(struct macho_verify *v)
{
    const struct macho_file *f = &v->f;
    struct signature_blobs blobs;
    struct diag problem = {0};

    if (!f->signature.present) {
        if (f->cputype == CPU_TYPE_ARM64)
            macho_found(v, "no signature: arm64 kernels kill what has none");
        return;
    }
    if (f->signature.offset % 16)
        macho_found(v, "signature at 0x%" PRIx32 ", which is no multiple of 16",
                    f->signature.offset);
    if (f->signature.offset + f->signature.data.size != f->in.size)
        macho_found(v, "signature ends at 0x%" PRIx64 ", the file at 0x%" PRIx64,
                    f->signature.offset + f->signature.data.size, f->in.size);
    if (!signature_read(&problem, f->signature.data, &blobs)) {
        macho_found(v, "%s", problem.text);
        return;
    }
    for (uint32_t i = 0; i < blobs.directory_count && macho_go_on(v); i++)
        check_directory(v, &blobs.directories[i]);
}

/* ---- fixups ---- */

static bool check_fixup(void *arg, const struct macho_fixup *x)
{
    struct macho_verify *v = arg;
    const struct macho_file *f = &v->f;
    const struct macho_segment *s = &f->segments[x->segment];
    uint64_t target = x->target & ~(UINT64_C(0xff) << 56); /* without the tag */

    if (!(s->initprot & VM_PROT_WRITE) && !(s->maxprot & VM_PROT_WRITE))
        macho_found(v, "the pointer at 0x%" PRIx64 " is in %s, which is not writable", x->addr,
                    s->name);
    /* The end of a segment has an address as well, and so has nothing. */
    if (!x->bind && target != 0 && !macho_is_mapped(f, target) && !macho_is_mapped(f, target - 1))
        macho_found(
            v, "the pointer at 0x%" PRIx64 " leads to 0x%" PRIx64 ", which is not in the image",
            x->addr, x->target);
    if (x->bind && (x->ordinal < BIND_SPECIAL_DYLIB_WEAK_LOOKUP ||
                    (x->ordinal > 0 && (uint32_t)x->ordinal > f->library_count)))
        macho_found(v, "the pointer at 0x%" PRIx64 " is bound to library %d of %" PRIu32, x->addr,
                    x->ordinal, f->library_count);
    if (x->bind && !*x->symbol)
        macho_found(v, "the pointer at 0x%" PRIx64 " is bound to a symbol without a name", x->addr);
    return macho_go_on(v);
}

static void check_chain_segment(struct macho_verify *v, const struct macho_chains *c, uint32_t i)
{
    const struct macho_chain_segment *cs = &c->segments[i];
    const struct macho_segment *s = &v->f.segments[i];
    uint64_t pages = cs->page_size ? (s->vmsize + cs->page_size - 1) / cs->page_size : 0;
    uint64_t in_file = cs->page_size ? (s->filesize + cs->page_size - 1) / cs->page_size : 0;

    if (cs->offset != s->vmaddr - macho_base(&v->f))
        macho_found(v,
                    "chained fixups: segment %s is said to be at 0x%" PRIx64
                    " from the header, and is at 0x%" PRIx64,
                    s->name, cs->offset, s->vmaddr - macho_base(&v->f));
    if (cs->page_count > pages)
        macho_found(v, "chained fixups: segment %s has %u pages, and %" PRIu64 " fit in it",
                    s->name, cs->page_count, pages);
    if (in_file > UINT16_MAX)
        macho_found(v,
                    "chained fixups: segment %s has %" PRIu64
                    " pages, and page_count has 16 bits: %u is what is left of it, and pointers "
                    "behind it are not fixed",
                    s->name, in_file, cs->page_count);
    for (uint32_t n = 0; n < c->segment_count; n++)
        if (c->segments[n].present && c->segments[n].format != cs->format) {
            macho_found(v, "chained fixups: segments have pointers of formats %u and %u",
                        cs->format, c->segments[n].format);
            break;
        }
}

static void check_chains(struct macho_verify *v)
{
    struct macho_chains c;
    struct diag problem = {0};

    if (!macho_chains_read(&problem, v->a, &v->f, &c)) {
        macho_found(v, "%s", problem.text);
        return;
    }
    if (c.segment_count != v->f.segment_count) {
        macho_found(v,
                    "chained fixups: seg_count is %" PRIu32 ", and there are %" PRIu32 " segments",
                    c.segment_count, v->f.segment_count);
        return;
    }
    if (c.import_count && c.imports_offset < c.starts_offset)
        macho_found(v, "chained fixups: imports in front of the starts");
    if (c.import_count && c.symbols_offset < c.imports_offset)
        macho_found(v, "chained fixups: names in front of the imports");
    for (uint32_t i = 0; i < c.segment_count && macho_go_on(v); i++)
        if (c.segments[i].present)
            check_chain_segment(v, &c, i);
    for (uint32_t i = 0; i < c.import_count && macho_go_on(v); i++) {
        struct macho_import import;

        if (!macho_chains_import(&problem, &v->f, &c, i, &import)) {
            macho_found(v, "%s", problem.text);
            return;
        }
        if (import.ordinal < BIND_SPECIAL_DYLIB_WEAK_LOOKUP ||
            (import.ordinal > 0 && (uint32_t)import.ordinal > v->f.library_count))
            macho_found(v, "chained fixups: import %" PRIu32 " (%s) is of library %d of %" PRIu32,
                        i, import.name, import.ordinal, v->f.library_count);
    }
}

void macho_verify_fixups(struct macho_verify *v)
{
    struct diag problem = {0};

    if (v->f.chained_fixups.present)
        check_chains(v);
    macho_each_fixup(&problem, v->a, &v->f, check_fixup, v);
    if (problem.status == E_NOMEM)
        v->nomem = true;
    else if (problem.status != OK)
        macho_found(v, "%s", problem.text);
}

/* ---- exports ---- */

static bool check_export(void *arg, const struct trie_symbol *s)
{
    struct macho_verify *v = arg;
    const struct macho_segment *linkedit = macho_find_segment(&v->f, "__LINKEDIT");
    uint64_t addr = s->addr + macho_base(&v->f);
    bool absolute = (s->flags & EXPORT_SYMBOL_FLAGS_KIND_MASK) == EXPORT_SYMBOL_FLAGS_KIND_ABSOLUTE;

    if (s->flags & EXPORT_SYMBOL_FLAGS_REEXPORT) {
        if (s->ordinal == 0 || s->ordinal > v->f.library_count)
            macho_found(v, "export %s is passed on from library %" PRIu64 " of %" PRIu32, s->name,
                        s->ordinal, v->f.library_count);
    } else if (!absolute &&
               (!macho_is_mapped(&v->f, addr) ||
                (linkedit && addr - linkedit->vmaddr < linkedit->vmsize && linkedit->vmsize))) {
        macho_found(v, "export %s is at 0x%" PRIx64 ", which is not in the image", s->name,
                    s->addr);
    }
    if (!*s->name)
        macho_found(v, "an export without a name");
    return macho_go_on(v);
}

void macho_verify_exports(struct macho_verify *v)
{
    struct span trie =
        v->f.exports_trie.present ? v->f.exports_trie.data : v->f.export_opcodes.data;
    struct arena scratch = {0};
    struct diag problem = {0};

    trie_read(&problem, &scratch, trie, check_export, v);
    if (problem.status == E_NOMEM)
        v->nomem = true;
    else if (problem.status != OK)
        macho_found(v, "%s", problem.text);
    arena_free(&scratch);
}

/* ---- symbols ---- */

static void check_symbol(struct macho_verify *v, uint32_t i, const struct macho_sym *s)
{
    const struct macho_file *f = &v->f;
    const char *name = macho_symbol_name(f, s);

    if (s->strx && !span_str(f->strings, s->strx))
        macho_found(v, "symbol %" PRIu32 ": its name at 0x%" PRIx32 " does not end in the strings",
                    i, s->strx);
    if ((s->type & N_TYPE) == N_SECT) {
        const struct macho_section *in = NULL;

        if (s->sect == 0 || (s->sect > f->section_count && f->section_count < 255)) {
            macho_found(v, "symbol %" PRIu32 " (%s) is in section %u of %" PRIu32, i, name, s->sect,
                        f->section_count);
            return;
        }
        in = &f->sections[s->sect - 1];
        /* __mh_execute_header and its kin stand at the header. */
        if ((s->value < in->addr || s->value > in->addr + in->size) && s->value != macho_base(f))
            macho_found(v, "symbol %" PRIu32 " (%s) at 0x%" PRIx64 " is not in section %s", i, name,
                        s->value, in->full);
    }
    if ((s->type & N_TYPE) == N_UNDF && s->value == 0 && f->flags & MH_TWOLEVEL) {
        uint32_t ordinal = s->desc >> 8;

        if (ordinal > f->library_count && ordinal != DYNAMIC_LOOKUP_ORDINAL &&
            ordinal != EXECUTABLE_ORDINAL && ordinal != MAX_LIBRARY_ORDINAL)
            macho_found(v, "symbol %" PRIu32 " (%s) is of library %" PRIu32 " of %" PRIu32, i, name,
                        ordinal, f->library_count);
    }
}

/* 0: local, 1: defined for others, 2: not defined. */
static unsigned group_of(const struct macho_sym *s)
{
    if (s->type & N_STAB || !(s->type & N_EXT))
        return 0;
    return (s->type & N_TYPE) == N_UNDF || (s->type & N_TYPE) == N_PBUD ? 2 : 1;
}

void macho_verify_symtab(struct macho_verify *v)
{
    const struct macho_file *f = &v->f;
    const struct {
        const char *name;
        uint32_t first, count;
    } groups[] = {{"local", f->ilocalsym, f->nlocalsym},
                  {"defined", f->iextdefsym, f->nextdefsym},
                  {"undefined", f->iundefsym, f->nundefsym}};

    for (unsigned g = 0; f->has_dysymtab && g < 3; g++)
        if (groups[g].count &&
            (groups[g].first > f->nsyms || groups[g].count > f->nsyms - groups[g].first))
            macho_found(v, "%" PRIu32 " %s symbols from %" PRIu32 " on, of %" PRIu32,
                        groups[g].count, groups[g].name, groups[g].first, f->nsyms);
    if (f->has_dysymtab && (uint64_t)f->nlocalsym + f->nextdefsym + f->nundefsym != f->nsyms)
        macho_found(v, "LC_DYSYMTAB has %" PRIu64 " symbols, LC_SYMTAB %" PRIu32,
                    (uint64_t)f->nlocalsym + f->nextdefsym + f->nundefsym, f->nsyms);
    for (uint32_t i = 0; i < f->nsyms && macho_go_on(v); i++) {
        struct macho_sym s = macho_symbol(f, i);
        unsigned g = group_of(&s);

        if (f->has_dysymtab && i - groups[g].first >= groups[g].count)
            macho_found(v, "symbol %" PRIu32 " (%s) is %s, but not among those of LC_DYSYMTAB", i,
                        macho_symbol_name(f, &s), groups[g].name);
        if (!(s.type & N_STAB))
            check_symbol(v, i, &s);
    }
}

void macho_verify_indirect(struct macho_verify *v)
{
    const struct macho_file *f = &v->f;
    uint64_t have = f->indirect.data.size / 4;

    for (uint32_t i = 0; i < f->section_count && macho_go_on(v); i++) {
        const struct macho_section *s = &f->sections[i];
        uint32_t type = s->flags & SECTION_TYPE;
        uint64_t size = type == S_SYMBOL_STUBS ? s->reserved2 : f->wide ? 8 : 4;

        if (type != S_SYMBOL_STUBS && type != S_NON_LAZY_SYMBOL_POINTERS &&
            type != S_LAZY_SYMBOL_POINTERS)
            continue;
        if (size == 0 || s->size % size)
            macho_found(v, "section %s: 0x%" PRIx64 " bytes of entries of %" PRIu64, s->full,
                        s->size, size);
        else if (s->reserved1 > have || s->size / size > have - s->reserved1)
            macho_found(v,
                        "section %s: %" PRIu64 " indirect symbols from %" PRIu32 " on, of %" PRIu64,
                        s->full, s->size / size, s->reserved1, have);
    }
    for (uint64_t i = 0; i < have && macho_go_on(v); i++) {
        uint32_t index = (uint32_t)load_uint(f->indirect.data.at + 4 * i, 4, f->big);

        if (!(index & (INDIRECT_SYMBOL_LOCAL | INDIRECT_SYMBOL_ABS)) && index >= f->nsyms)
            macho_found(v, "indirect symbol %" PRIu64 " is number %" PRIu32 " of %" PRIu32, i,
                        index, f->nsyms);
    }
}

/* ---- starts, data ---- */

void macho_verify_starts(struct macho_verify *v)
{
    struct cursor c = macho_cursor(&v->f, v->f.function_starts.data);
    uint64_t addr = macho_base(&v->f);

    while (c.pos < c.in.size && macho_go_on(v)) {
        uint64_t at = c.pos, delta = cur_uleb(&c);

        if (c.bad) {
            macho_found(v, "function starts: the number at 0x%" PRIx64 " does not end", at);
            return;
        }
        if (delta == 0)
            break;
        addr += delta;
        if (!macho_is_code(&v->f, addr)) {
            macho_found(v, "function starts: 0x%" PRIx64 " is not in code", addr);
            return;
        }
    }
    if (c.in.size && !span_is_zero((struct span){c.in.at + c.pos, c.in.size - c.pos}))
        macho_found(v, "function starts: something behind their end");
}

void macho_verify_data(struct macho_verify *v)
{
    struct cursor c = macho_cursor(&v->f, v->f.data_in_code.data);
    const struct macho_segment *text = macho_find_segment(&v->f, "__TEXT");
    uint64_t last = 0;

    if (c.in.size % DATA_IN_CODE_ENTRY_SIZE)
        macho_found(v, "data in code: 0x%" PRIx64 " bytes are no whole entries", c.in.size);
    while (c.in.size - c.pos >= DATA_IN_CODE_ENTRY_SIZE && macho_go_on(v)) {
        uint64_t offset = cur_u32(&c), length = cur_u16(&c);

        cur_u16(&c);
        if (offset < last)
            macho_found(v, "data in code: 0x%" PRIx64 " is not behind the one before", offset);
        if (!text || offset > text->filesize || length > text->filesize - offset)
            macho_found(v, "data in code: 0x%" PRIx64 " bytes at 0x%" PRIx64 " are not in __TEXT",
                        length, offset);
        last = offset + length;
    }
}
