/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.c - header and load commands (<mach-o/loader.h>). */

#include "macho/file.h"

#include <inttypes.h>

enum { MAX_ALIGN_LOG2 = 30 };

bool macho_is(struct span in)
{
    uint32_t magic = in.size >= 4 ? (uint32_t)load_uint(in.at, 4, false) : 0;

    return magic == MH_MAGIC || magic == MH_MAGIC_64 || magic == __builtin_bswap32(MH_MAGIC) ||
           magic == __builtin_bswap32(MH_MAGIC_64);
}

/* One file being read. */
struct opener {
    struct diag *d;
    struct arena *a;
    struct macho_file *f;
    struct cursor c; /* of the command at hand, behind cmd and cmdsize */
    uint32_t index;
    uint64_t segment_cap, section_cap, library_cap, rpath_cap;
};

static bool outside(struct opener *o, const char *what, uint64_t offset, uint64_t size)
{
    return diag_fail(o->d, E_FORMAT,
                     "%s (0x%" PRIx64 " bytes at 0x%" PRIx64 ") are not inside the file (0x%" PRIx64
                     " bytes)",
                     what, size, offset, o->f->in.size);
}

static bool too_short(struct opener *o)
{
    return diag_fail(o->d, E_FORMAT, "cmdsize %" PRIu64 " is too small for it", o->c.in.size);
}

/* A string of the command, at the offset that comes next in it. */
static bool read_string(struct opener *o, const char **out)
{
    uint32_t offset = cur_u32(&o->c);

    if (o->c.bad)
        return too_short(o);
    *out = span_str(o->c.in, offset);
    return *out || diag_fail(o->d, E_FORMAT,
                             "the name at 0x%" PRIx32 " does not end inside the command (0x%" PRIx64
                             " bytes)",
                             offset, o->c.in.size);
}

static void read_name(struct cursor *c, char out[17])
{
    const uint8_t *p = cur_take(c, 16);

    memset(out, 0, 17);
    if (p)
        memcpy(out, p, 16);
}

static bool read_blob(struct opener *o, struct macho_blob *b, const char *what)
{
    uint32_t size = 0;

    b->offset = cur_u32(&o->c);
    size = cur_u32(&o->c);
    if (o->c.bad)
        return too_short(o);
    b->present = true;
    return span_sub(o->f->in, size ? b->offset : 0, size, &b->data) ||
           outside(o, what, b->offset, size);
}

static bool read_section(struct opener *o, const struct macho_segment *seg, struct macho_section *s)
{
    struct macho_file *f = o->f;
    bool elsewhere = f->filetype == MH_DYLIB_STUB || (f->filetype == MH_DSYM && !seg->filesize);

    read_name(&o->c, s->name);
    read_name(&o->c, s->segment);
    s->addr = cur_word(&o->c);
    s->size = cur_word(&o->c);
    s->offset = cur_u32(&o->c);
    s->align_log2 = cur_u32(&o->c);
    s->reloff = cur_u32(&o->c);
    s->nreloc = cur_u32(&o->c);
    s->flags = cur_u32(&o->c);
    s->reserved1 = cur_u32(&o->c);
    s->reserved2 = cur_u32(&o->c);
    if (f->wide)
        cur_u32(&o->c);
    if (!(s->full = arena_printf(o->a, "%s,%s", s->segment, s->name)))
        return diag_nomem(o->d);
    if (s->align_log2 > MAX_ALIGN_LOG2)
        return diag_fail(o->d, E_FORMAT, "%s: alignment 2^%" PRIu32 ", 2^%d is allowed", s->full,
                         s->align_log2, MAX_ALIGN_LOG2);
    if (s->addr + s->size < s->addr)
        return diag_fail(o->d, E_FORMAT,
                         "%s: 0x%" PRIx64 " bytes at address 0x%" PRIx64 " do not end", s->full,
                         s->size, s->addr);
    if (!macho_is_zerofill(s->flags) && !elsewhere && s->size &&
        !span_sub(f->in, s->offset, s->size, &s->data))
        return outside(o, s->full, s->offset, s->size);
    if (f->filetype == MH_OBJECT && s->nreloc &&
        !span_sub(f->in, s->reloff, (uint64_t)s->nreloc * RELOCATION_INFO_SIZE, &s->relocs))
        return outside(o, "relocations", s->reloff, (uint64_t)s->nreloc * RELOCATION_INFO_SIZE);
    return true;
}

static bool read_segment(struct opener *o)
{
    struct macho_file *f = o->f;
    struct macho_segment s = {.command = o->index, .first_section = f->section_count};
    uint32_t count = 0;
    bool ok = true;

    if (f->wide != (f->commands[o->index].cmd == LC_SEGMENT_64))
        return diag_fail(o->d, E_FORMAT, "a segment of %s-bit form in a %s-bit file",
                         f->wide ? "32" : "64", f->wide ? "64" : "32");
    read_name(&o->c, s.name);
    s.vmaddr = cur_word(&o->c);
    s.vmsize = cur_word(&o->c);
    s.fileoff = cur_word(&o->c);
    s.filesize = cur_word(&o->c);
    s.maxprot = cur_u32(&o->c);
    s.initprot = cur_u32(&o->c);
    count = cur_u32(&o->c);
    s.flags = cur_u32(&o->c);
    if (o->c.bad)
        return too_short(o);
    if (!cur_count(&o->c, count, f->wide ? 80 : 68))
        return diag_fail(o->d, E_FORMAT, "%s: %" PRIu32 " sections do not fit in the command",
                         s.name, count);
    if (s.vmaddr + s.vmsize < s.vmaddr)
        return diag_fail(o->d, E_FORMAT,
                         "%s: 0x%" PRIx64 " bytes at address 0x%" PRIx64 " do not end", s.name,
                         s.vmsize, s.vmaddr);
    if (f->filetype != MH_DYLIB_STUB && !span_sub(f->in, s.fileoff, s.filesize, &s.data) &&
        s.filesize)
        return outside(o, s.name, s.fileoff, s.filesize);
    s.section_count = count;
    for (uint32_t i = 0; ok && i < count; i++) {
        struct where here = {o->d->where, "section", f->section_count + 1ull};

        if (!arena_grow(o->a, (void **)&f->sections, f->section_count, &o->section_cap,
                        sizeof *f->sections))
            return diag_nomem(o->d);
        f->sections[f->section_count] = (struct macho_section){0};
        o->d->where = &here;
        ok = read_section(o, &s, &f->sections[f->section_count++]);
        o->d->where = here.up;
    }
    if (!ok)
        return false;
    if (!arena_grow(o->a, (void **)&f->segments, f->segment_count, &o->segment_cap,
                    sizeof *f->segments))
        return diag_nomem(o->d);
    f->segments[f->segment_count++] = s;
    return true;
}

static bool read_symtab(struct opener *o)
{
    struct macho_file *f = o->f;
    uint32_t strsize = 0;
    uint64_t size = 0;

    if (f->has_symtab)
        return diag_fail(o->d, E_FORMAT, "the second one");
    f->has_symtab = true;
    f->symoff = cur_u32(&o->c);
    f->nsyms = cur_u32(&o->c);
    f->stroff = cur_u32(&o->c);
    strsize = cur_u32(&o->c);
    if (o->c.bad)
        return too_short(o);
    size = f->nsyms * macho_sym_size(f->wide);
    if (size && !span_sub(f->in, f->symoff, size, &f->symbols))
        return outside(o, "symbols", f->symoff, size);
    if (strsize && !span_sub(f->in, f->stroff, strsize, &f->strings))
        return outside(o, "strings", f->stroff, strsize);
    return true;
}

static bool read_dysymtab(struct opener *o)
{
    struct macho_file *f = o->f;
    uint32_t count = 0;

    if (f->has_dysymtab)
        return diag_fail(o->d, E_FORMAT, "the second one");
    f->has_dysymtab = true;
    f->ilocalsym = cur_u32(&o->c);
    f->nlocalsym = cur_u32(&o->c);
    f->iextdefsym = cur_u32(&o->c);
    f->nextdefsym = cur_u32(&o->c);
    f->iundefsym = cur_u32(&o->c);
    f->nundefsym = cur_u32(&o->c);
    for (unsigned i = 0; i < 6; i++) /* toc, modtab, extrefsyms */
        cur_u32(&o->c);
    f->indirect.offset = cur_u32(&o->c);
    count = cur_u32(&o->c);
    for (unsigned i = 0; i < 4; i++) /* extrel, locrel */
        cur_u32(&o->c);
    if (o->c.bad)
        return too_short(o);
    f->indirect.present = count > 0;
    return count == 0 || span_sub(f->in, f->indirect.offset, 4ull * count, &f->indirect.data) ||
           outside(o, "indirect symbols", f->indirect.offset, 4ull * count);
}

static bool read_dyld_info(struct opener *o)
{
    struct macho_file *f = o->f;

    if (f->has_dyld_info)
        return diag_fail(o->d, E_FORMAT, "the second one");
    f->has_dyld_info = true;
    return read_blob(o, &f->rebase, "rebase opcodes") && read_blob(o, &f->bind, "bind opcodes") &&
           read_blob(o, &f->weak_bind, "weak bind opcodes") &&
           read_blob(o, &f->lazy_bind, "lazy bind opcodes") &&
           read_blob(o, &f->export_opcodes, "exports");
}

static bool read_library(struct opener *o, uint32_t cmd)
{
    struct macho_file *f = o->f;
    struct macho_library lib = {.cmd = cmd};

    if (!read_string(o, &lib.name))
        return false;
    lib.timestamp = cur_u32(&o->c);
    lib.current = cur_u32(&o->c);
    lib.compatibility = cur_u32(&o->c);
    if (o->c.bad)
        return too_short(o);
    if (cmd == LC_ID_DYLIB) {
        f->install_name = lib.name;
        f->current_version = lib.current;
        f->compatibility_version = lib.compatibility;
        return true;
    }
    if (!arena_grow(o->a, (void **)&f->libraries, f->library_count, &o->library_cap,
                    sizeof *f->libraries))
        return diag_nomem(o->d);
    f->libraries[f->library_count++] = lib;
    return true;
}

static bool read_rpath(struct opener *o)
{
    struct macho_file *f = o->f;
    const char *path = NULL;

    if (!read_string(o, &path))
        return false;
    if (!arena_grow(o->a, (void **)&f->rpaths, f->rpath_count, &o->rpath_cap, sizeof *f->rpaths))
        return diag_nomem(o->d);
    f->rpaths[f->rpath_count++] = path;
    return true;
}

static bool read_version(struct opener *o, uint32_t cmd)
{
    static const struct {
        uint32_t cmd, platform;
    } old[] = {{LC_VERSION_MIN_MACOSX, PLATFORM_MACOS},
               {LC_VERSION_MIN_IPHONEOS, 2},
               {LC_VERSION_MIN_TVOS, 3},
               {LC_VERSION_MIN_WATCHOS, 4}};
    struct macho_file *f = o->f;
    uint32_t platform = 0, minos = 0, sdk = 0;

    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (old[i].cmd == cmd)
            platform = old[i].platform;
    if (!platform)
        platform = cur_u32(&o->c);
    minos = cur_u32(&o->c);
    sdk = cur_u32(&o->c);
    if (o->c.bad)
        return too_short(o);
    if (!f->platform) {
        f->platform = platform;
        f->minos = minos;
        f->sdk = sdk;
    }
    return true;
}

static bool read_command(struct opener *o, const struct macho_command *command)
{
    struct macho_file *f = o->f;

    switch (command->cmd) {
    case LC_SEGMENT:
    case LC_SEGMENT_64:
        return read_segment(o);
    case LC_SYMTAB:
        return read_symtab(o);
    case LC_DYSYMTAB:
        return read_dysymtab(o);
    case LC_LOAD_DYLIB:
    case LC_LOAD_WEAK_DYLIB:
    case LC_REEXPORT_DYLIB:
    case LC_LAZY_LOAD_DYLIB:
    case LC_LOAD_UPWARD_DYLIB:
    case LC_ID_DYLIB:
        return read_library(o, command->cmd);
    case LC_RPATH:
        return read_rpath(o);
    case LC_UUID:
        f->uuid = cur_take(&o->c, 16);
        return f->uuid || too_short(o);
    case LC_DYLD_INFO:
    case LC_DYLD_INFO_ONLY:
        return read_dyld_info(o);
    case LC_DYLD_CHAINED_FIXUPS:
        return read_blob(o, &f->chained_fixups, "chained fixups");
    case LC_DYLD_EXPORTS_TRIE:
        return read_blob(o, &f->exports_trie, "exports");
    case LC_FUNCTION_STARTS:
        return read_blob(o, &f->function_starts, "function starts");
    case LC_DATA_IN_CODE:
        return read_blob(o, &f->data_in_code, "places of data in code");
    case LC_CODE_SIGNATURE:
        return read_blob(o, &f->signature, "bytes of the signature");
    case LC_BUILD_VERSION:
    case LC_VERSION_MIN_MACOSX:
    case LC_VERSION_MIN_IPHONEOS:
    case LC_VERSION_MIN_TVOS:
    case LC_VERSION_MIN_WATCHOS:
        return read_version(o, command->cmd);
    default:
        return true;
    }
}

/* The frames of all commands, before any of them is read. */
static bool list_commands(struct opener *o, uint32_t count)
{
    struct macho_file *f = o->f;
    struct cursor c = macho_cursor(f, f->in);
    struct span commands;

    c.pos = f->wide ? 32 : 28;
    if (!span_sub(f->in, c.pos, f->commands_size, &commands))
        return outside(o, "load commands", c.pos, f->commands_size);
    if (count > f->commands_size / 8)
        return diag_fail(o->d, E_FORMAT,
                         "%" PRIu32 " load commands do not fit in sizeofcmds (0x%" PRIx32 ")",
                         count, f->commands_size);
    if (!(f->commands = arena_alloc(o->a, count, sizeof *f->commands)))
        return diag_nomem(o->d);
    c.in.size = c.pos + f->commands_size;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = c.pos;
        uint32_t cmd = cur_u32(&c), size = cur_u32(&c);

        c.pos = at;
        if (c.bad || size < 8 || !cur_take(&c, size))
            return diag_fail(o->d, E_FORMAT,
                             "load command %" PRIu32 ": cmdsize %" PRIu32 ", but 8 to %" PRIu64
                             " bytes are allowed",
                             i, size, c.in.size - at);
        f->commands[i] = (struct macho_command){cmd, at, {f->in.at + at, size}};
    }
    f->command_count = count;
    return true;
}

static bool read_commands(struct opener *o)
{
    struct macho_file *f = o->f;
    bool ok = true;

    for (uint32_t i = 0; ok && i < f->command_count; i++) {
        const struct macho_command *command = &f->commands[i];
        const char *name = macho_command_name(command->cmd);
        struct where number = {o->d->where, "load command", i};
        struct where here = {&number, name ? name : "unknown", NO_INDEX};

        o->index = i;
        o->c = macho_cursor(f, command->data);
        o->c.pos = 8;
        o->d->where = &here;
        ok = read_command(o, command);
        o->d->where = number.up;
    }
    return ok;
}

bool macho_open(struct diag *d, struct arena *a, struct span in, struct macho_file *out)
{
    struct opener o = {.d = d, .a = a, .f = out};
    struct cursor c = {.in = in};
    uint32_t magic = 0, count = 0;

    *out = (struct macho_file){.in = in};
    if (!macho_is(in))
        return diag_fail(d, E_UNKNOWN, "is not a Mach-O file");
    magic = cur_u32(&c);
    out->big = c.big = magic != MH_MAGIC && magic != MH_MAGIC_64;
    out->wide = (out->big ? __builtin_bswap32(magic) : magic) == MH_MAGIC_64;
    out->cputype = cur_u32(&c);
    out->cpusubtype = cur_u32(&c);
    out->filetype = cur_u32(&c);
    count = cur_u32(&c);
    out->commands_size = cur_u32(&c);
    out->flags = cur_u32(&c);
    if (c.bad || (out->wide && in.size < 32)) {
        *out = (struct macho_file){0};
        return diag_fail(d, E_FORMAT,
                         "the header ends past the end of the file (0x%" PRIx64 " bytes)", in.size);
    }
    if (list_commands(&o, count) && read_commands(&o))
        return true;
    *out = (struct macho_file){0};
    return false;
}

struct macho_sym macho_symbol(const struct macho_file *f, uint32_t i)
{
    struct cursor c = macho_cursor(f, f->symbols);
    struct macho_sym s = {0};

    c.pos = i * macho_sym_size(f->wide);
    s.strx = cur_u32(&c);
    s.type = cur_u8(&c);
    s.sect = cur_u8(&c);
    s.desc = cur_u16(&c);
    s.value = cur_word(&c);
    return s;
}

const char *macho_symbol_name(const struct macho_file *f, const struct macho_sym *s)
{
    const char *name = s->strx ? span_str(f->strings, s->strx) : NULL;

    return name ? name : "";
}

const struct macho_segment *macho_find_segment(const struct macho_file *f, const char *name)
{
    for (uint32_t i = 0; i < f->segment_count; i++)
        if (!strcmp(f->segments[i].name, name))
            return &f->segments[i];
    return NULL;
}

const struct macho_section *macho_find_section(const struct macho_file *f, const char *segment,
                                               const char *name)
{
    for (uint32_t i = 0; i < f->section_count; i++)
        if (!strcmp(f->sections[i].segment, segment) && !strcmp(f->sections[i].name, name))
            return &f->sections[i];
    return NULL;
}

struct span macho_at(const struct macho_file *f, uint64_t addr)
{
    for (uint32_t i = 0; i < f->segment_count; i++) {
        const struct macho_segment *s = &f->segments[i];

        if (addr - s->vmaddr < s->data.size && addr - s->vmaddr < s->vmsize) {
            uint64_t skip = addr - s->vmaddr;
            uint64_t size = s->data.size < s->vmsize ? s->data.size : s->vmsize;

            return (struct span){s->data.at + skip, size - skip};
        }
    }
    return (struct span){0};
}
