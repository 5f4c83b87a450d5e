/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.c - header and load commands, in ld64's order. */

#include "dylib/dylib.h"
#include "macho/file.h"

enum { DEFAULT_PAD = 1024, LONGEST_PATH = 1024 };

static void put_name(struct buf *b, const char *name)
{
    char field[16] = {0};
    size_t len = strlen(name);

    memcpy(field, name, len < 16 ? len : 16);
    buf_bytes(b, field, 16);
}

/* One section of SEG; a heap's out has a part in each of its segments. */
static void put_section(struct buf *b, const struct dylib_segment *seg, const struct out *o,
                        uint32_t stub_size)
{
    const char *comma = strchr(o->name, ',');
    uint64_t from = o->heap ? seg->heap_from : 0, size = o->size - from;
    bool zero = macho_is_zerofill(o->type), stubs = (o->type & SECTION_TYPE) == S_SYMBOL_STUBS;

    if (o->heap && size > seg->vmsize)
        size = seg->vmsize;
    put_name(b, comma + 1);
    put_name(b, seg->name);
    buf_uint(b, o->addr + from, 8);
    buf_uint(b, size, 8);
    buf_uint(b, zero ? 0 : o->offset + from, 4);
    buf_uint(b, o->align_log2, 4);
    buf_uint(b, 0, 4); /* reloff */
    buf_uint(b, 0, 4); /* nreloc */
    buf_uint(b, o->type, 4);
    buf_uint(b, o->info_value, 4);
    buf_uint(b, stubs ? stub_size : 0, 4);
    buf_uint(b, 0, 4);
}

static void put_segment(const struct link *l, struct buf *b, const struct dylib_segment *seg)
{
    buf_uint(b, LC_SEGMENT_64, 4);
    buf_uint(b, SEGMENT_COMMAND_64_SIZE + SECTION_64_SIZE * seg->out_count, 4);
    put_name(b, seg->name);
    buf_uint(b, seg->addr, 8);
    buf_uint(b, seg->vmsize, 8);
    buf_uint(b, seg->offset, 8);
    buf_uint(b, seg->filesize, 8);
    buf_uint(b, seg->initprot, 4); /* maxprot: nothing may become more than it is */
    buf_uint(b, seg->initprot, 4);
    buf_uint(b, seg->out_count, 4);
    buf_uint(b, seg->flags, 4);
    for (uint64_t i = 0; i < seg->out_count; i++)
        put_section(b, seg, l->outs[seg->first_out + i], l->darwin->stub_size);
}

/* A command that ends in a string, FIXED bytes from its start. */
static void put_string_command(struct buf *b, uint32_t cmd, const char *s, const uint32_t *fields,
                               unsigned count)
{
    uint64_t fixed = 12 + 4ull * count, size = align_up(fixed + strlen(s) + 1, 8);

    buf_uint(b, cmd, 4);
    buf_uint(b, size, 4);
    buf_uint(b, fixed, 4);
    for (unsigned i = 0; i < count; i++)
        buf_uint(b, fields[i], 4);
    buf_str(b, s);
    buf_reserve(b, size - fixed - strlen(s) - 1);
}

static void put_library(struct buf *b, uint32_t cmd, const char *name, uint32_t timestamp,
                        uint32_t current, uint32_t compatibility)
{
    const uint32_t fields[] = {timestamp, current, compatibility};

    put_string_command(b, cmd, name, fields, 3);
}

static void put_blob(struct buf *b, uint32_t cmd, uint64_t offset, uint64_t size)
{
    buf_uint(b, cmd, 4);
    buf_uint(b, LINKEDIT_DATA_COMMAND_SIZE, 4);
    buf_uint(b, offset, 4);
    buf_uint(b, size, 4);
}

static void put_part(struct buf *b, const struct linkedit_part *p)
{
    buf_uint(b, p->buf.size ? p->offset : 0, 4);
    buf_uint(b, p->buf.size, 4);
}

static void put_fixups(const struct dylib *y, struct buf *b)
{
    const struct linkedit_part none = {.offset = 0};

    if (y->chained) {
        put_blob(b, LC_DYLD_CHAINED_FIXUPS, y->fixups.offset, y->fixups.buf.size);
        put_blob(b, LC_DYLD_EXPORTS_TRIE, y->trie.offset, y->trie.buf.size);
        return;
    }
    buf_uint(b, LC_DYLD_INFO_ONLY, 4);
    buf_uint(b, 48, 4);
    put_part(b, &y->rebase);
    put_part(b, &y->bind);
    put_part(b, &y->weak_bind);
    put_part(b, &none); /* lazy */
    put_part(b, &y->trie);
}

static void put_symtab(const struct dylib *y, struct buf *b)
{
    uint32_t total = y->local_count + y->export_count + y->undefined_count;

    buf_uint(b, LC_SYMTAB, 4);
    buf_uint(b, 24, 4);
    buf_uint(b, y->symbols.offset, 4);
    buf_uint(b, total, 4);
    buf_uint(b, y->strings.offset, 4);
    buf_uint(b, y->strings.buf.size, 4);
    buf_uint(b, LC_DYSYMTAB, 4);
    buf_uint(b, 80, 4);
    buf_uint(b, 0, 4);
    buf_uint(b, y->local_count, 4);
    buf_uint(b, y->local_count, 4);
    buf_uint(b, y->export_count, 4);
    buf_uint(b, y->local_count + y->export_count, 4);
    buf_uint(b, y->undefined_count, 4);
    buf_reserve(b, 24); /* toc, modtab, extrefsym */
    buf_uint(b, y->indirect.buf.size ? y->indirect.offset : 0, 4);
    buf_uint(b, y->indirect.buf.size / 4, 4);
    buf_reserve(b, 16); /* extrel, locrel */
}

static void put_version(const struct dylib *y, struct buf *b)
{
    /* What came before LC_BUILD_VERSION, for systems that know no other. */
    if (y->platform == PLATFORM_MACOS && y->minos < (10u << 16 | 14u << 8)) {
        buf_uint(b, LC_VERSION_MIN_MACOSX, 4);
        buf_uint(b, 16, 4);
        buf_uint(b, y->minos, 4);
        buf_uint(b, y->sdk, 4);
        return;
    }
    buf_uint(b, LC_BUILD_VERSION, 4);
    buf_uint(b, 24, 4);
    buf_uint(b, y->platform, 4);
    buf_uint(b, y->minos, 4);
    buf_uint(b, y->sdk, 4);
    buf_uint(b, 0, 4); /* tools */
}

static uint32_t load_command(const struct lobj *lib)
{
    const struct link_input *in = lib->in;

    /* Where all references are weak, the image loads without it. */
    bool weak = (in && in->weak) || (lib->referred && !lib->strong_ref);

    return in && in->reexport ? LC_REEXPORT_DYLIB
           : weak             ? LC_LOAD_WEAK_DYLIB
           : in && in->upward ? LC_LOAD_UPWARD_DYLIB
                              : LC_LOAD_DYLIB;
}

static void put_libraries(const struct link *l, struct buf *b)
{
    for (uint64_t i = 0; i < l->lib_count; i++) {
        const struct lobj *lib = l->libs[i];

        put_library(b, load_command(lib), lib->o.soname, 2, lib->o.current_version,
                    lib->o.compatibility_version);
    }
}

static uint32_t flags_of(const struct link *l)
{
    const struct dylib *y = l->dylib;
    uint32_t flags = MH_NOUNDEFS | MH_DYLDLINK;
    bool reexports = false;

    for (uint64_t i = 0; i < l->lib_count; i++)
        reexports = reexports || (l->libs[i]->in && l->libs[i]->in->reexport);
    flags |= l->opt->darwin.flat_namespace ? 0 : MH_TWOLEVEL;
    flags |= reexports ? 0 : MH_NO_REEXPORTED_DYLIBS;
    flags |= y->has_weak_defs ? MH_WEAK_DEFINES : 0;
    flags |= y->binds_weak ? MH_BINDS_TO_WEAK : 0;
    flags |= y->has_tlv ? MH_HAS_TLV_DESCRIPTORS : 0;
    flags |= l->opt->darwin.app_extension ? MH_APP_EXTENSION_SAFE : 0;
    return flags;
}

static bool build(struct link *l)
{
    struct dylib *y = l->dylib;
    struct buf *b = &y->header;
    uint32_t count = 0;

    b->size = 0;
    buf_uint(b, MH_MAGIC_64, 4);
    buf_uint(b, l->darwin->cputype, 4);
    buf_uint(b, l->darwin->cpusubtype, 4);
    buf_uint(b, MH_DYLIB, 4);
    buf_reserve(b, 8); /* ncmds, sizeofcmds */
    buf_uint(b, flags_of(l), 4);
    buf_uint(b, 0, 4);
    for (uint32_t i = 0; i < y->segment_count; i++)
        put_segment(l, b, &y->segments[i]);
    put_library(b, LC_ID_DYLIB, y->install_name, 1, y->current_version, y->compatibility_version);
    put_fixups(y, b);
    put_symtab(y, b);
    y->uuid_at = 0;
    if (!l->opt->darwin.no_uuid) {
        buf_uint(b, LC_UUID, 4);
        buf_uint(b, 24, 4);
        y->uuid_at = b->size;
        buf_reserve(b, 16);
    }
    put_version(y, b);
    put_libraries(l, b);
    for (size_t i = 0; i < l->opt->rpath.count; i++)
        put_string_command(b, LC_RPATH, l->opt->rpath.at[i], NULL, 0);
    if (l->opt->darwin.umbrella)
        put_string_command(b, LC_SUB_FRAMEWORK, l->opt->darwin.umbrella, NULL, 0);
    if (!l->opt->darwin.no_function_starts)
        put_blob(b, LC_FUNCTION_STARTS, y->starts.offset, y->starts.buf.size);
    if (!l->opt->darwin.no_data_in_code)
        put_blob(b, LC_DATA_IN_CODE, y->data_in_code.offset, y->data_in_code.buf.size);
    if (y->sign)
        put_blob(b, LC_CODE_SIGNATURE, y->signature_offset, y->signature_size);
    if (b->bad)
        return diag_nomem(l->d);
    for (uint64_t at = MACH_HEADER_64_SIZE; at < b->size; at += load_uint(b->at + at + 4, 4, false))
        count++;
    store_uint(b->at + 16, 4, false, count);
    store_uint(b->at + 20, 4, false, b->size - MACH_HEADER_64_SIZE);
    return true;
}

uint64_t dylib_header_size(struct link *l)
{
    const struct darwin_options *o = &l->opt->darwin;
    uint64_t pad = o->headerpad ? o->headerpad : DEFAULT_PAD;
    uint64_t names = (l->lib_count + 1) * LONGEST_PATH;

    if (o->headerpad_max && names > pad)
        pad = names;
    return build(l) ? align_up(l->dylib->header.size + pad, 8) : 0;
}

bool dylib_make_header(struct link *l)
{
    uint64_t size = l->dylib->header.size;

    return build(l) && (l->dylib->header.size == size ||
                        diag_fail(l->d, E_RANGE, "internal error: the header changed its size"));
}
