/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_layout.c - rules about load commands, segments and sections, and how
 * __LINKEDIT is divided.  Where a rule begins with a certain SDK, the finding
 * says with which. */

#include "macho/verify_rules.h"

#include <stdlib.h>

enum { MAX_SEGMENTS = 255, MAX_LIBRARIES = 4095 };

/* ---- load commands ---- */

void macho_verify_commands(struct macho_verify *v)
{
    for (uint32_t i = 0; i < v->f.command_count && macho_go_on(v); i++) {
        const struct macho_command *c = &v->f.commands[i];

        if (c->data.size % 8)
            macho_found(v, "load command %" PRIu32 ": cmdsize %" PRIu64 " is no multiple of 8", i,
                        c->data.size);
        if (c->cmd & LC_REQ_DYLD && !macho_command_name(c->cmd))
            macho_found(
                v, "load command %" PRIu32 ": 0x%" PRIx32 " is not known, and dyld must know it", i,
                c->cmd);
    }
    if (!v->f.command_count)
        macho_found(v, "there are no load commands");
    else if (v->f.commands[v->f.command_count - 1].offset +
                 v->f.commands[v->f.command_count - 1].data.size !=
             (v->f.wide ? 32u : 28u) + v->f.commands_size)
        macho_found(v, "sizeofcmds is 0x%" PRIx32 ", but the commands end elsewhere",
                    v->f.commands_size);
}

static uint32_t count_command(const struct macho_file *f, uint32_t cmd)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->command_count; i++)
        n += f->commands[i].cmd == cmd;
    return n;
}

void macho_verify_once(struct macho_verify *v)
{
    static const uint32_t once[] = {LC_UUID,
                                    LC_SYMTAB,
                                    LC_DYSYMTAB,
                                    LC_ID_DYLIB,
                                    LC_MAIN,
                                    LC_FUNCTION_STARTS,
                                    LC_DATA_IN_CODE,
                                    LC_CODE_SIGNATURE,
                                    LC_SOURCE_VERSION,
                                    LC_DYLD_INFO_ONLY,
                                    LC_DYLD_EXPORTS_TRIE,
                                    LC_DYLD_CHAINED_FIXUPS,
                                    LC_SEGMENT_SPLIT_INFO,
                                    LC_LOAD_DYLINKER};
    const struct macho_file *f = &v->f;

    for (size_t i = 0; i < sizeof once / sizeof *once; i++)
        if (count_command(f, once[i]) > 1)
            macho_found(v, "LC_%s is there %" PRIu32 " times", macho_command_name(once[i]),
                        count_command(f, once[i]));
    if (f->chained_fixups.present && f->has_dyld_info)
        macho_found(v, "both LC_DYLD_CHAINED_FIXUPS and LC_DYLD_INFO");
    if (f->exports_trie.present && f->export_opcodes.data.size)
        macho_found(v, "exports in LC_DYLD_EXPORTS_TRIE and in LC_DYLD_INFO");
    if (!f->has_symtab || !f->has_dysymtab)
        macho_found(v, "LC_SYMTAB or LC_DYSYMTAB is missing");
}

/* ---- segments ---- */

void macho_verify_order(struct macho_verify *v)
{
    const struct macho_file *f = &v->f;
    const struct macho_segment *last = NULL, *text = macho_find_segment(f, "__TEXT");
    uint64_t commands = (f->wide ? 32u : 28u) + f->commands_size;

    for (uint32_t i = 0; i < f->segment_count && macho_go_on(v); i++) {
        const struct macho_segment *s = &f->segments[i];

        if (last && s->vmaddr < last->vmaddr + last->vmsize)
            macho_found(v, "segment %s at 0x%" PRIx64 " is not behind %s, which ends at 0x%" PRIx64,
                        s->name, s->vmaddr, last->name, last->vmaddr + last->vmsize);
        if (last && s->filesize && s->fileoff < last->fileoff + last->filesize)
            macho_found(v,
                        "segment %s at 0x%" PRIx64
                        " of the file is not behind %s, which ends at 0x%" PRIx64,
                        s->name, s->fileoff, last->name, last->fileoff + last->filesize);
        last = s;
    }
    if (!text || text->fileoff != 0 || text->filesize < commands)
        macho_found(v, "__TEXT does not begin with the header and hold the load commands");
    if (!last || strcmp(last->name, "__LINKEDIT") != 0)
        macho_found(v, "__LINKEDIT is not the last segment");
}

void macho_verify_size(struct macho_verify *v)
{
    const struct macho_file *f = &v->f;

    for (uint32_t i = 0; i < f->segment_count && macho_go_on(v); i++) {
        const struct macho_segment *s = &f->segments[i];

        if (s->filesize > s->vmsize)
            macho_found(v, "segment %s: filesize 0x%" PRIx64 " is more than vmsize 0x%" PRIx64,
                        s->name, s->filesize, s->vmsize);
        else if (s->initprot & VM_PROT_EXECUTE && s->vmsize - s->filesize >= 0x4000)
            macho_found(v,
                        "segment %s is code, and its vmsize 0x%" PRIx64
                        " is not its filesize 0x%" PRIx64,
                        s->name, s->vmsize, s->filesize);
    }
    if (f->segment_count > MAX_SEGMENTS)
        macho_found(v, "%" PRIu32 " segments, and loaders allow %d", f->segment_count,
                    MAX_SEGMENTS);
}

void macho_verify_align(struct macho_verify *v)
{
    uint64_t page = v->f.cputype == CPU_TYPE_ARM64 ? 0x4000 : 0x1000;

    for (uint32_t i = 0; i < v->f.segment_count && macho_go_on(v); i++) {
        const struct macho_segment *s = &v->f.segments[i];

        if (s->vmaddr % page || (s->filesize && s->fileoff % page))
            macho_found(v,
                        "segment %s at 0x%" PRIx64 ", 0x%" PRIx64
                        " of the file, does not start at a page of 0x%" PRIx64,
                        s->name, s->vmaddr, s->fileoff, page);
    }
}

void macho_verify_rights(struct macho_verify *v)
{
    enum { R = VM_PROT_READ, W = VM_PROT_WRITE, X = VM_PROT_EXECUTE };
    static const struct {
        const char *name, *says;
        uint32_t prot;
    } known[] = {{"__TEXT", "r-x", R | X},
                 {"__LINKEDIT", "r--", R},
                 {"__DATA", "rw- (from SDK 26 on exactly)", R | W},
                 {"__DATA_CONST", "rw- (from SDK 26 on exactly)", R | W}};

    for (uint32_t i = 0; i < v->f.segment_count && macho_go_on(v); i++) {
        const struct macho_segment *s = &v->f.segments[i];

        for (size_t n = 0; n < sizeof known / sizeof *known; n++)
            if (!strcmp(s->name, known[n].name) && s->initprot != known[n].prot)
                macho_found(v, "segment %s: initprot is %" PRIu32 ", not %s", s->name, s->initprot,
                            known[n].says);
        if (!strcmp(s->name, "__DATA_CONST") && !(s->flags & SG_READ_ONLY))
            macho_found(v, "segment __DATA_CONST has no SG_READ_ONLY (an error from SDK 26 on)");
        if (s->initprot & ~s->maxprot || s->initprot & ~7u)
            macho_found(v, "segment %s: initprot %" PRIu32 " is not among maxprot %" PRIu32,
                        s->name, s->initprot, s->maxprot);
        if (s->initprot & W && s->initprot & X)
            macho_found(v, "segment %s is writable and executable", s->name);
    }
}

void macho_verify_names(struct macho_verify *v)
{
    for (uint32_t i = 0; i < v->f.segment_count && i < 1024 && macho_go_on(v); i++)
        for (uint32_t n = 0; n < i; n++)
            if (!strcmp(v->f.segments[i].name, v->f.segments[n].name)) {
                macho_found(v, "two segments are called %s (an error from SDK 26 on)",
                            v->f.segments[i].name);
                break;
            }
}

/* ---- sections ---- */

static void check_section(struct macho_verify *v, const struct macho_segment *seg,
                          const struct macho_section *s)
{
    bool zero = macho_is_zerofill(s->flags);

    if (s->addr < seg->vmaddr || s->size > seg->vmsize ||
        s->addr - seg->vmaddr > seg->vmsize - s->size) {
        macho_found(v,
                    "section %s (0x%" PRIx64 " bytes at 0x%" PRIx64
                    ") is not inside of segment %s (an error from SDK 11 on)",
                    s->full, s->size, s->addr, seg->name);
        return;
    }
    if (strcmp(s->segment, seg->name) != 0)
        macho_found(v, "section %s is in segment %s", s->full, seg->name);
    if (!zero && s->size &&
        (s->offset < seg->fileoff || s->offset - seg->fileoff != s->addr - seg->vmaddr ||
         s->offset - seg->fileoff + s->size > seg->filesize))
        macho_found(v, "section %s at 0x%" PRIx32 " of the file is not where its address says",
                    s->full, s->offset);
    if (s->align_log2 < 16 && s->addr & ((UINT64_C(1) << s->align_log2) - 1))
        macho_found(v, "section %s at 0x%" PRIx64 " is not aligned to 2^%" PRIu32, s->full, s->addr,
                    s->align_log2);
    if (!zero && s->size && seg->fileoff == 0 && seg->filesize &&
        s->offset < (v->f.wide ? 32u : 28u) + v->f.commands_size)
        macho_found(v, "section %s lies over the load commands", s->full);
}

void macho_verify_sections(struct macho_verify *v)
{
    for (uint32_t i = 0; i < v->f.segment_count; i++) {
        const struct macho_segment *seg = &v->f.segments[i];
        uint64_t end = seg->vmaddr;

        for (uint32_t n = 0; n < seg->section_count && macho_go_on(v); n++) {
            const struct macho_section *s = &v->f.sections[seg->first_section + n];

            check_section(v, seg, s);
            if (s->addr < end && s->size)
                macho_found(v, "section %s at 0x%" PRIx64 " lies over the one before it", s->full,
                            s->addr);
            if (s->addr + s->size > end)
                end = s->addr + s->size;
        }
    }
}

/* ---- __LINKEDIT ---- */

struct part {
    const char *name;
    uint64_t offset, size;
    unsigned order, align;
};

/* In the order that Apple's tools ask for (cctools, dyld_order). */
static uint32_t list_parts(const struct macho_file *f, struct part parts[16])
{
    const struct {
        const char *name;
        const struct macho_blob *blob;
        unsigned align;
    } blobs[] = {
        {"rebase opcodes", &f->rebase, 8},       {"bind opcodes", &f->bind, 8},
        {"weak bind opcodes", &f->weak_bind, 8}, {"lazy bind opcodes", &f->lazy_bind, 8},
        {"exports", &f->export_opcodes, 8},      {"chained fixups", &f->chained_fixups, 8},
        {"exports trie", &f->exports_trie, 8},   {"function starts", &f->function_starts, 8},
        {"data in code", &f->data_in_code, 8},
    };
    uint32_t count = 0;
    unsigned order = 0;

    for (size_t i = 0; i < sizeof blobs / sizeof *blobs; i++)
        if (blobs[i].blob->data.size)
            parts[count++] = (struct part){blobs[i].name, blobs[i].blob->offset,
                                           blobs[i].blob->data.size, order++, blobs[i].align};
    if (f->symbols.size)
        parts[count++] = (struct part){"symbols", f->symoff, f->symbols.size, order++, 8};
    if (f->indirect.data.size)
        parts[count++] = (struct part){"indirect symbols", f->indirect.offset,
                                       f->indirect.data.size, order++, 4};
    if (f->strings.size)
        parts[count++] = (struct part){"strings", f->stroff, f->strings.size, order++, 1};
    if (f->signature.data.size)
        parts[count++] =
            (struct part){"signature", f->signature.offset, f->signature.data.size, order++, 16};
    return count;
}

static int by_offset(const void *a, const void *b)
{
    const struct part *x = a, *y = b;

    return x->offset != y->offset ? (x->offset > y->offset ? 1 : -1)
                                  : (x->order > y->order) - (x->order < y->order);
}

/* Somebody else's parts (code sign requirements, linker hints) may lie between
   ours: what they cover is no gap. */
static bool is_covered(const struct macho_file *f, uint64_t from, uint64_t to)
{
    for (uint32_t i = 0; i < f->command_count; i++) {
        const struct macho_command *c = &f->commands[i];
        struct cursor cur = macho_cursor(f, c->data);
        uint64_t offset = 0, size = 0;

        if (c->cmd != LC_SEGMENT_SPLIT_INFO && c->cmd != LC_DYLIB_CODE_SIGN_DRS &&
            c->cmd != LC_LINKER_OPTIMIZATION_HINT && c->cmd != LC_ATOM_INFO &&
            c->cmd != LC_FUNCTION_VARIANTS && c->cmd != LC_FUNCTION_VARIANT_FIXUPS)
            continue;
        cur.pos = 8;
        offset = cur_u32(&cur);
        size = cur_u32(&cur);
        if (!cur.bad && offset == from && offset + size == to)
            return true;
    }
    return false;
}

void macho_verify_linkedit(struct macho_verify *v)
{
    const struct macho_file *f = &v->f;
    const struct macho_segment *linkedit = macho_find_segment(f, "__LINKEDIT");
    struct part parts[16];
    uint32_t count = list_parts(f, parts);
    uint64_t end = linkedit ? linkedit->fileoff : 0,
             file_end = linkedit ? linkedit->fileoff + linkedit->filesize : 0;

    if (!linkedit)
        return; /* macho-order has said so */
    qsort(parts, count, sizeof *parts, by_offset);
    for (uint32_t i = 0; i < count && macho_go_on(v); i++) {
        const struct part *p = &parts[i];
        /* Strings may start at the next 8, the signature at the next 16. */
        uint64_t pad = p->align == 16 ? 15 : p->align == 1 ? 7 : 0;

        if (p->offset < linkedit->fileoff || p->offset + p->size > file_end)
            macho_found(v, "%s (0x%" PRIx64 " bytes at 0x%" PRIx64 ") are not inside of __LINKEDIT",
                        p->name, p->size, p->offset);
        if (p->offset % p->align)
            macho_found(v, "%s at 0x%" PRIx64 " are not aligned to %u", p->name, p->offset,
                        p->align);
        if (i && parts[i - 1].order > p->order)
            macho_found(v, "%s are in front of %s: install_name_tool calls that out of place",
                        parts[i - 1].name, p->name);
        if (p->offset < end)
            macho_found(v, "%s at 0x%" PRIx64 " lie over what ends at 0x%" PRIx64, p->name,
                        p->offset, end);
        else if (p->offset > end + pad && !is_covered(f, end, p->offset))
            macho_found(v, "0x%" PRIx64 " bytes in front of %s belong to nothing", p->offset - end,
                        p->name);
        end = p->offset + p->size;
    }
    if (file_end != f->in.size)
        macho_found(v, "__LINKEDIT ends at 0x%" PRIx64 ", the file at 0x%" PRIx64, file_end,
                    f->in.size);
    if (count && end < file_end)
        macho_found(v, "0x%" PRIx64 " bytes at the end of __LINKEDIT belong to nothing",
                    file_end - end);
}

/* ---- libraries ---- */

void macho_verify_libraries(struct macho_verify *v)
{
    const struct macho_file *f = &v->f;

    if (f->library_count == 0)
        macho_found(v, "no library is needed (an error from SDK 13 on)");
    if (f->library_count > MAX_LIBRARIES)
        macho_found(v, "%" PRIu32 " libraries are needed, and dyld allows %d", f->library_count,
                    MAX_LIBRARIES);
    for (uint32_t i = 0; i < f->library_count && i < MAX_LIBRARIES && macho_go_on(v); i++) {
        if (!*f->libraries[i].name)
            macho_found(v, "library %" PRIu32 " has no name", i + 1);
        for (uint32_t n = 0; n < i; n++)
            if (!strcmp(f->libraries[i].name, f->libraries[n].name)) {
                macho_found(v, "%s is needed twice (an error from SDK 26 on)",
                            f->libraries[i].name);
                break;
            }
    }
    if (f->filetype == MH_DYLIB && (!f->install_name || !*f->install_name))
        macho_found(v, "a library without LC_ID_DYLIB");
    if (f->filetype != MH_DYLIB && f->install_name)
        macho_found(v, "LC_ID_DYLIB in what is no library");
}

static bool is_zero(const uint8_t *p, unsigned n)
{
    while (n && !p[n - 1])
        n--;
    return n == 0;
}

void macho_verify_identity(struct macho_verify *v)
{
    const struct macho_file *f = &v->f;
    uint32_t versions = count_command(f, LC_BUILD_VERSION);

    if (!f->uuid)
        macho_found(v, "LC_UUID is missing (an error from SDK 12 on)");
    else if (is_zero(f->uuid, 16))
        macho_found(v, "the UUID is all zero");
    if (!f->platform)
        macho_found(v, "neither LC_BUILD_VERSION nor LC_VERSION_MIN_* says what it is for");
    if (versions && count_command(f, LC_VERSION_MIN_MACOSX))
        macho_found(v, "both LC_BUILD_VERSION and LC_VERSION_MIN_MACOSX");
    if (versions > 2)
        macho_found(v, "LC_BUILD_VERSION is there %" PRIu32 " times", versions);
    if (f->platform && !macho_platform_name(f->platform))
        macho_found(v, "platform %" PRIu32 " is not known", f->platform);
}
