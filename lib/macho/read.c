/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read.c - a Mach-O object or dynamic library as a neutral object.
 * Foreign numbers end here: what leaves is checked and has the model's words. */

#include "macho/reader.h"

#include <inttypes.h>

enum { NAME_TIMES = 16, MAX_ALIGN_LOG2 = 15 };

static bool is_macho(struct span in) { return macho_is(in) || macho_is_fat(in); }

/* ---- sections ---- */

static uint32_t section_flags(const struct macho_section *s)
{
    uint32_t type = s->flags & SECTION_TYPE;
    uint32_t flags = macho_is_zerofill(s->flags) ? SEC_ZERO : 0;

    /* __LD,__compact_unwind has the attribute as well. */
    if (!strcmp(s->segment, "__LLVM") || !strcmp(s->segment, "__LD"))
        return flags | SEC_EXCLUDE;
    if (s->flags & S_ATTR_DEBUG || !strcmp(s->segment, "__DWARF"))
        return flags | SEC_DEBUG;
    flags |= SEC_ALLOC;
    if (strcmp(s->segment, "__TEXT") != 0)
        flags |= SEC_WRITE;
    if (s->flags & (S_ATTR_PURE_INSTRUCTIONS | S_ATTR_SOME_INSTRUCTIONS))
        flags |= SEC_EXEC;
    if (type == S_THREAD_LOCAL_REGULAR || type == S_THREAD_LOCAL_ZEROFILL)
        flags |= SEC_TLS;
    if (s->flags & S_ATTR_NO_DEAD_STRIP)
        flags |= SEC_RETAIN;
    return flags;
}

static enum section_role section_role(const struct macho_section *s)
{
    switch (s->flags & SECTION_TYPE) {
    case S_MOD_INIT_FUNC_POINTERS:
    case S_INIT_FUNC_OFFSETS:
        return ROLE_INIT_ARRAY;
    case S_MOD_TERM_FUNC_POINTERS:
        return ROLE_FINI_ARRAY;
    default:
        break;
    }
    if (!strcmp(s->full, "__TEXT,__eh_frame"))
        return ROLE_EH_FRAME;
    if (!strcmp(s->full, "__LD,__compact_unwind"))
        return ROLE_UNWIND;
    return ROLE_PLAIN;
}

/* The first relocation is behind the last. */
static bool falls(const struct macho_section *s)
{
    return s->relocs.at && s->nreloc &&
           load_uint(s->relocs.at, 4, false) >
               load_uint(s->relocs.at + s->relocs.size - RELOCATION_INFO_SIZE, 4, false);
}

static bool make_sections(struct diag *d, struct arena *a, const struct macho_file *f,
                          struct object *o)
{
    o->section_count = f->section_count + 1;
    if (!(o->sections = arena_alloc(a, o->section_count, sizeof *o->sections)))
        return diag_nomem(d);
    o->sections[0].name = "";
    for (uint32_t i = 0; i < f->section_count; i++) {
        const struct macho_section *s = &f->sections[i];

        if (s->align_log2 > MAX_ALIGN_LOG2)
            return diag_fail(d, E_UNSUPPORTED,
                             "section %" PRIu32 ": %s: alignment 2^%" PRIu32 "; 2^%d is allowed",
                             i + 1, s->full, s->align_log2, MAX_ALIGN_LOG2);
        o->sections[i + 1] = (struct section){
            .name = s->full,
            .flags = section_flags(s),
            .role = (uint8_t)section_role(s),
            .align_log2 = (uint8_t)s->align_log2,
            .addr = s->addr,
            .size = s->size,
            .data = s->data,
            .relocs = s->relocs,
            .reloc_count = s->relocs.at ? s->nreloc : 0,
            .reloc_size = RELOCATION_INFO_SIZE,
            .backwards = falls(s),
            .type = s->flags,
        };
    }
    return true;
}

/* ---- symbols ---- */

/* All of them global, as far as the model's order goes. */
static bool is_global(const struct macho_sym *s)
{
    return !(s->type & N_STAB) &&
           (s->type & N_EXT || (s->type & N_TYPE) == N_UNDF || (s->type & N_TYPE) == N_PBUD);
}

/* The kind of what lies in a section. */
static uint8_t kind_in(const struct section *s)
{
    if ((s->type & SECTION_TYPE) == S_THREAD_LOCAL_VARIABLES)
        return KIND_TLS;
    return s->flags & SEC_EXEC ? KIND_FUNC : KIND_OBJECT;
}

static bool bad_symbol(struct diag *d, uint32_t i, const char *name, const char *what,
                       uint64_t found, uint64_t allowed)
{
    return diag_fail(d, E_FORMAT,
                     "symbol %" PRIu32 " (%s): %s 0x%" PRIx64 ", up to 0x%" PRIx64 " is allowed", i,
                     name, what, found, allowed);
}

static bool read_symbol(struct diag *d, const struct object *o, uint32_t i, const char *name,
                        const struct macho_sym *s, struct symbol *out)
{
    *out = (struct symbol){
        .name = name,
        .binding = is_global(s) ? BIND_GLOBAL : BIND_LOCAL,
        .visibility = s->type & N_PEXT ? VIS_HIDDEN : VIS_DEFAULT,
        .other = (uint8_t)s->desc,
    };
    if (s->type & N_STAB) { /* debugging information of other compilers */
        out->kind = KIND_FILE;
        return true;
    }
    switch (s->type & N_TYPE) {
    case N_UNDF:
    case N_PBUD:
        if (s->desc & N_WEAK_REF)
            out->binding = BIND_WEAK;
        if (s->value == 0)
            return true;
        out->section = SECTION_COMMON;
        out->size = s->value;
        out->value = UINT64_C(1) << (s->desc >> 8 & 0xf);
        out->kind = KIND_OBJECT;
        return true;
    case N_ABS:
        out->section = SECTION_ABS;
        out->value = s->value;
        return true;
    case N_SECT:
        if (s->sect == NO_SECT || s->sect >= o->section_count)
            return bad_symbol(d, i, name, "section", s->sect, o->section_count - 1);
        out->section = s->sect;
        out->value = s->value - o->sections[s->sect].addr;
        if (out->value > o->sections[s->sect].size)
            return bad_symbol(d, i, name, "offset in its section", out->value,
                              o->sections[s->sect].size);
        out->kind = kind_in(&o->sections[s->sect]);
        if (s->desc & N_WEAK_DEF && out->binding == BIND_GLOBAL)
            out->binding = BIND_WEAK;
        if (s->desc & N_SYMBOL_RESOLVER)
            return diag_fail(d, E_UNSUPPORTED,
                             "symbol %" PRIu32 " (%s): is a resolver, which is not supported", i,
                             name);
        return true;
    case N_INDR:
        return diag_fail(d, E_UNSUPPORTED,
                         "symbol %" PRIu32 " (%s): is an alias of another file's symbol, which is "
                         "not supported",
                         i, name);
    default:
        return diag_fail(d, E_FORMAT, "symbol %" PRIu32 " (%s): n_type 0x%x is not known", i, name,
                         s->type);
    }
}

/* The model wants local symbols first.  Where the file has them so, symbols
   keep their order. */
static bool order_symbols(struct diag *d, struct arena *a, const struct macho_file *f,
                          struct object *o)
{
    uint32_t locals = 0, *map = NULL, next[2];
    bool sorted = true;

    for (uint32_t i = 0; i < f->nsyms; i++) {
        struct macho_sym s = macho_symbol(f, i);

        if (!is_global(&s)) {
            sorted = sorted && locals == i;
            locals++;
        }
    }
    o->first_global = o->section_count + locals;
    if (sorted)
        return true;
    if (!(map = arena_alloc(a, f->nsyms, sizeof *map)))
        return diag_nomem(d);
    next[0] = o->section_count;
    next[1] = o->first_global;
    for (uint32_t i = 0; i < f->nsyms; i++) {
        struct macho_sym s = macho_symbol(f, i);

        map[i] = next[is_global(&s)]++;
    }
    o->symbol_map = map;
    return true;
}

static bool make_symbols(struct diag *d, struct arena *a, const struct macho_file *f,
                         struct object *o)
{
    struct span strings = span_strings(f->strings);
    uint64_t name_bytes = 0;

    if (f->nsyms > UINT32_MAX - 16 - o->section_count)
        return diag_fail(d, E_UNSUPPORTED, "%" PRIu32 " symbols are too many", f->nsyms);
    o->symbol_count = o->section_count + f->nsyms;
    if (!(o->symbols = arena_alloc(a, o->symbol_count, sizeof *o->symbols)))
        return diag_nomem(d);
    o->symbols[0].name = "";
    for (uint32_t i = 1; i < o->section_count; i++)
        o->symbols[macho_section_symbol(i)] =
            (struct symbol){.name = "", .section = i, .kind = KIND_SECTION};
    if (!order_symbols(d, a, f, o))
        return false;
    for (uint32_t i = 0; i < f->nsyms; i++) {
        struct macho_sym s = macho_symbol(f, i);
        const char *name = "";

        if (s.strx >= strings.size && s.strx)
            return diag_fail(d, E_FORMAT,
                             "symbol %" PRIu32 ": the name at 0x%" PRIx32
                             " does not end inside the strings (0x%" PRIx64 " bytes)",
                             i, s.strx, f->strings.size);
        if (s.strx)
            name = (const char *)strings.at + s.strx;
        /* Names may share bytes; a file in which they add up to more than 16
           times its size was made to waste time. */
        name_bytes += strlen(name);
        if (name_bytes / NAME_TIMES > f->in.size)
            return diag_fail(d, E_FORMAT,
                             "the names so far have more than %d times the file's bytes",
                             NAME_TIMES);
        if (!read_symbol(d, o, i, name, &s, &o->symbols[macho_model_symbol(o, i)]))
            return false;
    }
    return true;
}

/* ---- all of it ---- */

static enum object_kind kind_of(uint32_t filetype)
{
    switch (filetype) {
    case MH_OBJECT:
        return OBJ_RELOCATABLE;
    case MH_DYLIB:
    case MH_DYLIB_STUB:
        return OBJ_SHARED;
    case MH_CORE:
        return OBJ_CORE;
    default:
        return OBJ_EXECUTABLE;
    }
}

static bool read(struct diag *d, struct arena *a, const char *name, struct span in,
                 struct object *out)
{
    const struct macho_machine *machine = macho_machine_find(out->machine);
    struct macho_file f;

    *out = (struct object){.name = name, .format = &format_macho};
    if (macho_is_fat(in) && !machine)
        return diag_fail(d, E_USAGE, "is for several CPUs: say which with --target or -arch");
    if ((machine && !macho_pick_slice(d, a, in, machine->cputype, &in)) ||
        !macho_open(d, a, in, &f))
        return false;
    machine = macho_machine_find(f.cputype);
    *out = (struct object){
        .name = name,
        .format = &format_macho,
        .kind = kind_of(f.filetype),
        .big = f.big,
        .wide = f.wide,
        .machine = f.cputype,
        .rows = machine ? machine->rows : NULL,
        .file = in,
        .platform = f.platform,
        .minos = f.minos,
        .sdk = f.sdk,
        .data_in_code = f.data_in_code.data,
    };
    if ((f.cpusubtype & ~CPU_SUBTYPE_MASK) == CPU_SUBTYPE_ARM64E && f.cputype == CPU_TYPE_ARM64 &&
        f.filetype == MH_OBJECT)
        return diag_fail(d, E_UNSUPPORTED,
                         "is for arm64e, whose pointers are signed; arm64 can be "
                         "linked");
    if (out->kind == OBJ_SHARED)
        return macho_read_shared(d, a, &f, out);
    if (f.filetype != MH_OBJECT)
        return true;
    if (!machine || !f.wide || f.big)
        return diag_fail(d, E_UNSUPPORTED, "is for %s; x86-64 and arm64 can be linked",
                         macho_cpu_name(f.cputype, 0) ? macho_cpu_name(f.cputype, 0)
                                                      : "an unknown CPU");
    return make_sections(d, a, &f, out) && make_symbols(d, a, &f, out);
}

const struct format format_macho = {
    .name = "Mach-O",
    .is = is_macho,
    .read = read,
    .relocs = macho_relocs,
};
