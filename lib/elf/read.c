/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read.c - an ELF relocatable object or shared library as a neutral object.
 * Foreign numbers end here: what leaves is checked and has the model's words. */

#include "elf/machine.h"
#include "elf/reader.h"

#include <inttypes.h>

enum { NAME_TIMES = 16 };

bool elf_count_name(struct reader *r, const char *name)
{
    r->name_bytes += strlen(name);
    return r->name_bytes / NAME_TIMES <= r->f.in.size ||
           diag_fail(r->d, E_FORMAT, "the names so far have more than %d times the file's bytes",
                     NAME_TIMES);
}

static bool starts(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

static bool is_debug_name(const char *name)
{
    return starts(name, ".debug_") || starts(name, ".zdebug_") || starts(name, ".gnu.debuglto_") ||
           starts(name, ".stab") || !strcmp(name, ".gdb_index") || !strcmp(name, ".line");
}

static uint32_t section_flags(const struct elf_file *f, const struct elf_shdr *s)
{
    static const struct {
        uint32_t sh, neutral;
    } map[] = {
        {SHF_ALLOC, SEC_ALLOC},           {SHF_WRITE, SEC_WRITE},
        {SHF_EXECINSTR, SEC_EXEC},        {SHF_TLS, SEC_TLS},
        {SHF_MERGE, SEC_MERGE},           {SHF_STRINGS, SEC_STRINGS},
        {SHF_GNU_RETAIN, SEC_RETAIN},     {SHF_LINK_ORDER, SEC_LINK_ORDER},
        {SHF_COMPRESSED, SEC_COMPRESSED}, {SHF_EXCLUDE, SEC_EXCLUDE},
    };
    uint32_t flags = 0;

    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (s->flags & map[i].sh)
            flags |= map[i].neutral;
    if (s->type == SHT_NOBITS)
        flags |= SEC_ZERO;
    if (f->machine == EM_X86_64 && (s->flags & SHF_X86_64_LARGE))
        flags |= SEC_LARGE;
    if (!(s->flags & SHF_ALLOC) && is_debug_name(s->name))
        flags |= SEC_DEBUG;
    if (s->type == SHT_LLVM_ADDRSIG || s->type == SHT_GNU_ATTRIBUTES ||
        s->type == SHT_AARCH64_ATTRIBUTES || starts(s->name, ".gnu.lto_") ||
        starts(s->name, ".gnu.warning.") || !strcmp(s->name, ".note.GNU-stack") ||
        !strcmp(s->name, ".note.GNU-split-stack") || !strcmp(s->name, ".note.GNU-no-split-stack"))
        flags |= SEC_EXCLUDE;
    return flags;
}

static enum section_role section_role(const struct elf_shdr *s)
{
    static const struct {
        uint32_t type;
        enum section_role role;
    } map[] = {
        {SHT_NULL, ROLE_META},
        {SHT_SYMTAB, ROLE_META},
        {SHT_DYNSYM, ROLE_META},
        {SHT_STRTAB, ROLE_META},
        {SHT_RELA, ROLE_META},
        {SHT_REL, ROLE_META},
        {SHT_RELR, ROLE_META},
        {SHT_GROUP, ROLE_META},
        {SHT_SYMTAB_SHNDX, ROLE_META},
        {SHT_DYNAMIC, ROLE_META},
        {SHT_HASH, ROLE_META},
        {SHT_GNU_HASH, ROLE_META},
        {SHT_GNU_VERDEF, ROLE_META},
        {SHT_GNU_VERNEED, ROLE_META},
        {SHT_GNU_VERSYM, ROLE_META},
        {SHT_NOTE, ROLE_NOTE},
        {SHT_INIT_ARRAY, ROLE_INIT_ARRAY},
        {SHT_FINI_ARRAY, ROLE_FINI_ARRAY},
        {SHT_PREINIT_ARRAY, ROLE_PREINIT_ARRAY},
    };

    if (s->type == SHT_NOTE && !strcmp(s->name, ".note.gnu.property"))
        return ROLE_PROPERTY;
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (s->type == map[i].type)
            return map[i].role;
    if (!strcmp(s->name, ".eh_frame") && (s->flags & SHF_ALLOC) && s->type != SHT_NOBITS)
        return ROLE_EH_FRAME;
    return ROLE_PLAIN;
}

static uint8_t log2_of(uint64_t power) { return power > 1 ? (uint8_t)__builtin_ctzll(power) : 0; }

/* A compressed section starts with a header (gABI, "Section Compression");
   what the model calls its size and alignment are those inside. */
static bool read_compression(struct reader *r, struct section *s)
{
    struct cursor c = elf_cursor(&r->f, s->data);
    uint32_t type = cur_u32(&c);
    uint64_t size = 0, align = 0;

    if (r->f.wide)
        cur_u32(&c);
    size = cur_word(&c);
    align = cur_word(&c);
    if (c.bad || (align & (align - 1)))
        return diag_fail(r->d, E_FORMAT, "the compression header of %s is damaged", s->name);
    /* zlib cannot do better than 1032 to 1; more is a bomb. */
    if (size / 1100 > s->size)
        return diag_fail(r->d, E_FORMAT, "%s: 0x%" PRIx64 " bytes from 0x%" PRIx64
                         " compressed ones", s->name, size, s->size);
    if (type == ELFCOMPRESS_ZLIB)
        s->compression = COMPRESSION_ZLIB;
    else if (type == ELFCOMPRESS_ZSTD)
        s->compression = COMPRESSION_ZSTD;
    else
        return diag_fail(r->d, E_UNSUPPORTED, "%s: compression %" PRIu32, s->name, type);
    span_sub(s->data, c.pos, s->data.size - c.pos, &s->data);
    s->size = size;
    s->align_log2 = log2_of(align);
    return true;
}

/* The older GNU form: called .zdebug_*, "ZLIB" and the size (big-endian) in
   front.  Whoever links it wants it by its plain name. */
static bool read_zdebug(struct reader *r, struct section *s)
{
    struct cursor c = {.in = s->data, .big = true};
    const uint8_t *magic = cur_take(&c, 4);
    uint64_t size = cur_u64(&c);
    char *name = NULL;

    if (c.bad || !magic || memcmp(magic, "ZLIB", 4) != 0)
        return true;
    if (size / 1100 > s->size)
        return diag_fail(r->d, E_FORMAT, "%s: 0x%" PRIx64 " bytes from 0x%" PRIx64
                         " compressed ones", s->name, size, s->size);
    if (!(name = arena_printf(r->a, ".%s", s->name + 2)))
        return diag_nomem(r->d);
    s->name = name;
    s->flags |= SEC_COMPRESSED;
    s->compression = COMPRESSION_ZLIB;
    span_sub(s->data, c.pos, s->data.size - c.pos, &s->data);
    s->size = size;
    return true;
}

static bool read_section_model(struct reader *r, uint32_t i)
{
    const struct elf_shdr *s = &r->f.sections[i];
    struct section *out = &r->o->sections[i];

    *out = (struct section){
        .name = s->name,
        .flags = section_flags(&r->f, s),
        .role = (uint8_t)section_role(s),
        .align_log2 = log2_of(s->align),
        .addr = s->addr,
        .size = s->size,
        .entsize = s->entsize,
        .data = s->data,
        .type = s->type,
    };
    if (out->flags & SEC_LINK_ORDER) {
        if (s->link >= r->f.section_count)
            return diag_fail(r->d, E_FORMAT, "sh_link %" PRIu32 " of %" PRIu32 " sections",
                             s->link, r->f.section_count);
        out->link = s->link;
    }
    if ((out->flags & SEC_COMPRESSED) && !read_compression(r, out))
        return false;
    if (!(out->flags & (SEC_COMPRESSED | SEC_ALLOC | SEC_ZERO)) && starts(s->name, ".zdebug_") &&
        !read_zdebug(r, out))
        return false;
    /* A merge section whose entries do not divide it is plain data. */
    if ((out->flags & SEC_MERGE) && (s->entsize == 0 || out->size % s->entsize != 0))
        out->flags &= ~(uint32_t)(SEC_MERGE | SEC_STRINGS);
    return true;
}

static bool read_sections(struct reader *r)
{
    struct object *o = r->o;
    bool code = false, lto = false;
    uint64_t bytes = 0;

    /* gABI: "Sections in a file may not overlap."  Those that do would let a
       small file ask for any amount of work. */
    for (uint32_t i = 1; r->f.type == ET_REL && i < r->f.section_count; i++) {
        bytes += r->f.sections[i].data.size;
        if (bytes > r->f.in.size)
            return diag_fail(r->d, E_FORMAT, "sections overlap: the first %" PRIu32
                             " have 0x%" PRIx64 " bytes, the file has 0x%" PRIx64,
                             i, bytes, r->f.in.size);
    }
    o->section_count = r->f.section_count ? r->f.section_count : 1;
    if (!(o->sections = arena_alloc(r->a, o->section_count, sizeof *o->sections)))
        return diag_nomem(r->d);
    o->sections[0] = (struct section){.name = "", .role = ROLE_META};
    for (uint32_t i = 1; i < r->f.section_count; i++) {
        const struct elf_shdr *s = &r->f.sections[i];
        const struct section *out = &o->sections[i];
        struct where here = {r->d->where, "section", i};
        bool ok = false;

        r->d->where = &here;
        ok = read_section_model(r, i);
        r->d->where = here.up;
        if (!ok)
            return false;
        if (out->role == ROLE_PROPERTY)
            o->property = s->data;
        if (!strcmp(s->name, ".note.GNU-stack")) {
            o->stack_note = true;
            o->exec_stack = s->flags & SHF_EXECINSTR;
        }
        lto = lto || starts(s->name, ".gnu.lto_");
        code = code || ((s->flags & SHF_ALLOC) && s->size && out->role != ROLE_PROPERTY);
    }
    o->lto_only = lto && !code;
    return true;
}

/* Attach each relocation section to the section that it relocates. */
static bool attach_relocs(struct reader *r)
{
    for (uint32_t i = 1; i < r->f.section_count; i++) {
        const struct elf_shdr *s = &r->f.sections[i];
        struct where here = {r->d->where, "section", i};
        uint64_t size = elf_rel_size(r->f.wide, s->type == SHT_RELA);
        struct section *to = NULL;
        bool ok = true;

        if (s->type != SHT_RELA && s->type != SHT_REL)
            continue;
        r->d->where = &here;
        if (s->info == 0 || s->info >= r->f.section_count)
            ok = diag_fail(r->d, E_FORMAT, "relocates section %" PRIu32 " of %" PRIu32, s->info,
                           r->f.section_count);
        else if (s->size % size != 0)
            ok = diag_fail(r->d, E_FORMAT,
                           "0x%" PRIx64 " bytes are not a whole number of %" PRIu64
                           "-byte relocations",
                           s->size, size);
        if (ok) {
            to = &r->o->sections[s->info];
            if (to->reloc_count > 0 && s->size > 0)
                ok = diag_fail(r->d, E_UNSUPPORTED, "section %" PRIu32 " is relocated twice",
                               s->info);
            else if (s->size > 0) {
                to->relocs = s->data;
                to->reloc_count = s->size / size;
                to->reloc_size = (uint8_t)size;
                to->implicit = s->type == SHT_REL;
                if (to->implicit && to->compression)
                    ok = diag_fail(r->d, E_UNSUPPORTED, "addends inside compressed section %s",
                                   to->name);
            }
        }
        r->d->where = here.up;
        if (!ok)
            return false;
    }
    return true;
}

/* Where a symbol is, from st_shndx and its extension. */
static bool symbol_section(struct reader *r, const struct elf_sym *s, struct span extended,
                           uint32_t i, struct symbol *out)
{
    struct cursor c = elf_cursor(&r->f, extended);
    uint32_t index = s->shndx;

    if (s->shndx == SHN_XINDEX) {
        cur_take(&c, (uint64_t)i * 4);
        index = cur_u32(&c);
        if (c.bad)
            return diag_fail(r->d, E_FORMAT, "st_shndx is SHN_XINDEX, but there is no such entry");
    } else if (s->shndx == SHN_ABS) {
        out->section = SECTION_ABS;
        return true;
    } else if (s->shndx == SHN_COMMON) {
        out->section = SECTION_COMMON;
    } else if (s->shndx == SHN_X86_64_LCOMMON && r->f.machine == EM_X86_64) {
        out->section = SECTION_LARGE_COMMON;
    } else if (s->shndx >= SHN_LORESERVE) {
        /* Other CPUs' special sections: fine to look at, not to link. */
        out->section = SECTION_ABS;
        return true;
    }
    if (out->section) {
        if (out->value == 0 || (out->value & (out->value - 1)))
            return diag_fail(r->d, E_FORMAT,
                             "common symbol `%s' has alignment 0x%" PRIx64 ", not a power of two",
                             out->name, out->value);
        return true;
    }
    if (index >= r->o->section_count)
        return diag_fail(r->d, E_FORMAT, "section %" PRIu32 " of %" PRIu32, index,
                         r->o->section_count);
    out->section = index;
    return true;
}

static bool read_symbol(struct reader *r, struct cursor *c, struct span names,
                        struct span extended, uint32_t i)
{
    static const uint8_t kinds[16] = {[STT_OBJECT] = KIND_OBJECT,   [STT_FUNC] = KIND_FUNC,
                                      [STT_SECTION] = KIND_SECTION, [STT_FILE] = KIND_FILE,
                                      [STT_COMMON] = KIND_OBJECT,   [STT_TLS] = KIND_TLS,
                                      [STT_GNU_IFUNC] = KIND_IFUNC};
    static const uint8_t bindings[16] = {[STB_LOCAL] = BIND_LOCAL,
                                         [STB_GLOBAL] = BIND_GLOBAL,
                                         [STB_WEAK] = BIND_WEAK,
                                         [STB_GNU_UNIQUE] = BIND_UNIQUE};
    struct elf_sym s = elf_next_sym(c);
    struct symbol *out = &r->o->symbols[i];
    uint8_t bind = s.info >> 4;

    *out = (struct symbol){
        .name = s.name < names.size ? (const char *)names.at + s.name : NULL,
        .value = s.value,
        .size = s.size,
        .binding = bindings[bind],
        .visibility = s.other & 3,
        .kind = kinds[s.info & 15],
        .other = s.other,
    };
    if (!out->name)
        return diag_fail(r->d, E_FORMAT,
                         "name at 0x%" PRIx32 " does not end inside the string table (0x%" PRIx64
                         " bytes)",
                         s.name, names.size);
    if (!elf_count_name(r, out->name))
        return false;
    if (bind != STB_LOCAL && bindings[bind] == BIND_LOCAL)
        return diag_fail(r->d, E_UNSUPPORTED, "`%s' has binding %u", out->name, bind);
    if ((bind == STB_LOCAL) != (i < r->o->first_global))
        return diag_fail(r->d, E_FORMAT,
                         "`%s' is %s, but the first global symbol is said to be %" PRIu32,
                         out->name, bind == STB_LOCAL ? "local" : "global", r->o->first_global);
    return symbol_section(r, &s, extended, i, out);
}

bool elf_read_symbols(struct reader *r, uint32_t index)
{
    struct object *o = r->o;
    uint64_t size = elf_sym_size(r->f.wide);
    const struct elf_shdr *s = index ? &r->f.sections[index] : NULL;
    struct where table = {r->d->where, "section", index};
    struct where here = {&table, "symbol", 0};
    struct span extended = {0}, names = {0};
    struct cursor c;
    bool ok = true;

    if (!s || s->size == 0) {
        o->symbol_count = o->first_global = 1;
        o->symbols = arena_alloc(r->a, 1, sizeof *o->symbols);
        if (!o->symbols)
            return diag_nomem(r->d);
        o->symbols[0].name = "";
        return true;
    }
    for (uint32_t i = 1; i < r->f.section_count; i++)
        if (r->f.sections[i].type == SHT_SYMTAB_SHNDX && r->f.sections[i].link == index)
            extended = r->f.sections[i].data;
    r->d->where = &table;
    if (s->link >= r->f.section_count || r->f.sections[s->link].type != SHT_STRTAB)
        ok = diag_fail(r->d, E_FORMAT, "sh_link %" PRIu32 " is not a string table", s->link);
    else if (s->size % size != 0 || s->size / size > UINT32_MAX - 1)
        ok = diag_fail(r->d, E_FORMAT,
                       "0x%" PRIx64 " bytes are not a whole number of %" PRIu64 "-byte symbols",
                       s->size, size);
    else if (s->info > s->size / size || s->info == 0)
        ok = diag_fail(r->d, E_FORMAT, "first global symbol %" PRIu32 " of %" PRIu64, s->info,
                       s->size / size);
    if (ok) {
        o->symbol_count = (uint32_t)(s->size / size);
        o->first_global = s->info;
        if (!(o->symbols = arena_alloc(r->a, o->symbol_count, sizeof *o->symbols)))
            ok = diag_nomem(r->d);
    }
    names = ok ? span_strings(r->f.sections[s->link].data) : names;
    c = elf_cursor(&r->f, s->data);
    r->d->where = &here;
    for (uint32_t i = 0; ok && i < o->symbol_count; i++) {
        here.index = i;
        ok = read_symbol(r, &c, names, extended, i);
    }
    r->d->where = table.up;
    return ok;
}

/* SHT_GROUP: a flag word, then the indices of the members. */
static bool read_group(struct reader *r, uint32_t index, struct group *out, uint32_t number)
{
    const struct elf_shdr *s = &r->f.sections[index];
    struct cursor c = elf_cursor(&r->f, s->data);
    uint32_t flags = cur_u32(&c);

    if (c.bad || s->size % 4 != 0)
        return diag_fail(r->d, E_FORMAT, "a group of 0x%" PRIx64 " bytes", s->size);
    if (s->info == 0 || s->info >= r->o->symbol_count)
        return diag_fail(r->d, E_FORMAT, "signature is symbol %" PRIu32 " of %" PRIu32, s->info,
                         r->o->symbol_count);
    out->name = r->o->symbols[s->info].name;
    out->comdat = flags & GRP_COMDAT;
    /* gas names some groups by a section symbol: the section's name counts. */
    if (r->o->symbols[s->info].kind == KIND_SECTION && !*out->name &&
        r->o->symbols[s->info].section < r->o->section_count)
        out->name = r->o->sections[r->o->symbols[s->info].section].name;
    while (c.pos < c.in.size) {
        uint32_t member = cur_u32(&c);

        if (member == 0 || member >= r->o->section_count)
            return diag_fail(r->d, E_FORMAT, "member is section %" PRIu32 " of %" PRIu32, member,
                             r->o->section_count);
        if (r->o->sections[member].group)
            return diag_fail(r->d, E_FORMAT, "section %" PRIu32 " is in two groups", member);
        r->o->sections[member].group = number;
    }
    return true;
}

static bool read_groups(struct reader *r)
{
    uint32_t count = 1;
    bool ok = true;

    for (uint32_t i = 1; i < r->f.section_count; i++)
        count += r->f.sections[i].type == SHT_GROUP;
    if (!(r->o->groups = arena_alloc(r->a, count, sizeof *r->o->groups)))
        return diag_nomem(r->d);
    r->o->group_count = 1;
    for (uint32_t i = 1; ok && i < r->f.section_count; i++) {
        struct where here = {r->d->where, "section", i};
        uint32_t g = r->o->group_count;

        if (r->f.sections[i].type != SHT_GROUP)
            continue;
        r->d->where = &here;
        ok = read_group(r, i, &r->o->groups[g], g);
        r->d->where = here.up;
        r->o->group_count++;
    }
    return ok;
}

static bool read_relocatable(struct reader *r)
{
    uint32_t symtab = 0;

    for (uint32_t i = 1; i < r->f.section_count; i++)
        if (r->f.sections[i].type == SHT_SYMTAB) {
            if (symtab)
                return diag_fail(r->d, E_FORMAT, "sections %" PRIu32 " and %" PRIu32
                                                 " are both symbol tables", symtab, i);
            symtab = i;
        }
    return elf_read_symbols(r, symtab) && attach_relocs(r) && read_groups(r);
}

static bool elf_read(struct diag *d, struct arena *a, const char *name, struct span in,
                     struct object *out)
{
    static const uint8_t kinds[] = {[ET_REL] = OBJ_RELOCATABLE,
                                    [ET_EXEC] = OBJ_EXECUTABLE,
                                    [ET_DYN] = OBJ_SHARED,
                                    [ET_CORE] = OBJ_CORE};
    struct reader r = {.d = d, .a = a, .o = out};
    const struct elf_machine *machine = NULL;
    bool ok = false;

    *out = (struct object){0};
    if (!elf_open(d, a, in, &r.f))
        return false;
    machine = elf_machine_find(r.f.machine);
    *out = (struct object){
        .name = name,
        .format = &format_elf,
        .big = r.f.big,
        .wide = r.f.wide,
        .machine = r.f.machine,
        .rows = machine && r.f.wide ? machine->rows : NULL,
        .file = in,
    };
    if (r.f.type == ET_NONE || r.f.type > ET_CORE) {
        diag_fail(d, E_UNSUPPORTED, "e_type 0x%x is no object, program, library or core",
                  r.f.type);
    } else {
        out->kind = (enum object_kind)kinds[r.f.type];
        ok = read_sections(&r) &&
             (out->kind == OBJ_RELOCATABLE ? read_relocatable(&r) : elf_read_shared(&r));
    }
    if (!ok)
        *out = (struct object){0};
    return ok;
}

const struct format format_elf = {
    .name = "ELF", .is = elf_is, .read = elf_read, .relocs = elf_relocs};
