/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.c - ELF header, section headers, program headers (gABI chapters 4, 5). */

#include "elf/file.h"

#include <inttypes.h>

bool elf_is(struct span in) { return in.size >= 4 && !memcmp(in.at, "\177ELF", 4); }

static bool read_section(struct diag *d, struct cursor *c, struct elf_shdr *out)
{
    *out = (struct elf_shdr){0};
    out->name_offset = cur_u32(c);
    out->type = cur_u32(c);
    out->flags = cur_word(c);
    out->addr = cur_word(c);
    out->offset = cur_word(c);
    out->size = cur_word(c);
    out->link = cur_u32(c);
    out->info = cur_u32(c);
    out->align = cur_word(c);
    out->entsize = cur_word(c);

    if (c->bad)
        return diag_fail(d, E_FORMAT, "header ends past the end of the file");
    if (out->type != SHT_NOBITS && out->type != SHT_NULL &&
        !span_sub(c->in, out->offset, out->size, &out->data))
        return diag_fail(d, E_FORMAT,
                         "contents (0x%" PRIx64 " bytes at 0x%" PRIx64
                         ") are not inside the file (0x%" PRIx64 " bytes)",
                         out->size, out->offset, c->in.size);
    if (out->align & (out->align - 1))
        return diag_fail(d, E_FORMAT, "alignment 0x%" PRIx64 " is not a power of two", out->align);
    return true;
}

static bool read_segment(struct diag *d, struct cursor *c, struct elf_phdr *out)
{
    *out = (struct elf_phdr){0};
    out->type = cur_u32(c);
    if (c->wide)
        out->flags = cur_u32(c);
    out->offset = cur_word(c);
    out->vaddr = cur_word(c);
    out->paddr = cur_word(c);
    out->filesz = cur_word(c);
    out->memsz = cur_word(c);
    if (!c->wide)
        out->flags = cur_u32(c);
    out->align = cur_word(c);

    if (c->bad)
        return diag_fail(d, E_FORMAT, "header ends past the end of the file");
    if (out->type != PT_NULL && !span_sub(c->in, out->offset, out->filesz, &out->data))
        return diag_fail(d, E_FORMAT,
                         "contents (0x%" PRIx64 " bytes at 0x%" PRIx64
                         ") are not inside the file (0x%" PRIx64 " bytes)",
                         out->filesz, out->offset, c->in.size);
    return true;
}

/* Give every section its name, from the table in section F->shstrndx. */
static bool name_sections(struct diag *d, struct elf_file *f)
{
    struct span names = {0};
    uint64_t bytes = 0;

    if (f->shstrndx != SHN_UNDEF) {
        if (f->shstrndx >= f->section_count || f->sections[f->shstrndx].type != SHT_STRTAB)
            return diag_fail(d, E_FORMAT,
                             "e_shstrndx %" PRIu32 " is not a string table (%" PRIu32 " sections)",
                             f->shstrndx, f->section_count);
        names = span_strings(f->sections[f->shstrndx].data);
    }
    for (uint32_t i = 0; i < f->section_count; i++) {
        struct elf_shdr *s = &f->sections[i];

        s->name = f->shstrndx == SHN_UNDEF        ? ""
                  : s->name_offset < names.size ? (const char *)names.at + s->name_offset
                                                : NULL;
        if (!s->name && (i == 0 || s->type == SHT_NULL))
            s->name = "";
        if (!s->name) {
            struct where here = {d->where, "section", i};

            d->where = &here;
            diag_fail(d, E_FORMAT,
                      "name at 0x%" PRIx32 " does not end inside the name table (0x%" PRIx64
                      " bytes)",
                      s->name_offset,
                      f->shstrndx == SHN_UNDEF ? 0 : f->sections[f->shstrndx].size);
            d->where = here.up;
            return false;
        }
        /* They may share bytes, as tails of each other, but not without end. */
        bytes += strlen(s->name);
        if (bytes / 16 > f->in.size)
            return diag_fail(d, E_FORMAT,
                             "section names have more than 16 times the file's bytes");
    }
    return true;
}

/* The section headers.  Section 0 may hold the numbers that are too large
   for the ELF header: sh_size the count, sh_link the name table's index,
   sh_info the number of segments. */
static bool read_sections(struct diag *d, struct arena *a, struct elf_file *f, uint32_t count,
                          struct elf_shdr *zero)
{
    struct cursor c = elf_cursor(f, f->in);
    uint64_t size = f->wide ? 64 : 40;
    uint64_t total = count;
    bool ok = true;

    *zero = (struct elf_shdr){0};
    if (f->shoff == 0)
        return count == 0 || diag_fail(d, E_FORMAT, "%" PRIu32 " section headers, at no offset",
                                       count);
    if (f->shentsize != size)
        return diag_fail(d, E_FORMAT, "e_shentsize is %u, not %" PRIu64, f->shentsize, size);
    if (f->shoff > f->in.size)
        return diag_fail(d, E_FORMAT,
                         "section headers at 0x%" PRIx64 ", past the end of the file (0x%" PRIx64
                         " bytes)",
                         f->shoff, f->in.size);
    c.pos = f->shoff;
    if (!read_section(d, &c, zero))
        return false;
    if (total == 0)
        total = zero->size;
    if (f->shstrndx == SHN_XINDEX)
        f->shstrndx = zero->link;
    c.pos = f->shoff;
    if (!cur_count(&c, total, size) || total > UINT32_MAX - 16)
        return diag_fail(d, E_FORMAT,
                         "%" PRIu64 " section headers at 0x%" PRIx64
                         " are not inside the file (0x%" PRIx64 " bytes)",
                         total, f->shoff, f->in.size);
    if (!(f->sections = arena_alloc(a, total, sizeof *f->sections)))
        return diag_nomem(d);
    f->section_count = (uint32_t)total;
    for (uint32_t i = 0; ok && i < f->section_count; i++) {
        struct where here = {d->where, "section", i};

        d->where = &here;
        ok = read_section(d, &c, &f->sections[i]);
        d->where = here.up;
    }
    return ok && name_sections(d, f);
}

static bool read_segments(struct diag *d, struct arena *a, struct elf_file *f, uint32_t count)
{
    struct cursor c = elf_cursor(f, f->in);
    uint64_t size = f->wide ? 56 : 32;
    bool ok = true;

    if (count == 0)
        return true;
    if (f->phentsize != size)
        return diag_fail(d, E_FORMAT, "e_phentsize is %u, not %" PRIu64, f->phentsize, size);
    cur_take(&c, f->phoff);
    if (!cur_count(&c, count, size))
        return diag_fail(d, E_FORMAT,
                         "%" PRIu32 " program headers at 0x%" PRIx64
                         " are not inside the file (0x%" PRIx64 " bytes)",
                         count, f->phoff, f->in.size);
    if (!(f->segments = arena_alloc(a, count, sizeof *f->segments)))
        return diag_nomem(d);
    f->segment_count = count;
    for (uint32_t i = 0; ok && i < count; i++) {
        struct where here = {d->where, "segment", i};

        d->where = &here;
        ok = read_segment(d, &c, &f->segments[i]);
        d->where = here.up;
    }
    return ok;
}

bool elf_open(struct diag *d, struct arena *a, struct span in, struct elf_file *out)
{
    struct cursor c = {.in = in};
    const uint8_t *ident = cur_take(&c, 16);
    uint16_t phnum = 0, shnum = 0;
    struct elf_shdr zero;

    *out = (struct elf_file){0};
    if (!ident || memcmp(ident, "\177ELF", 4) != 0)
        return diag_fail(d, E_UNKNOWN, "not an ELF file");
    if ((ident[4] != ELFCLASS32 && ident[4] != ELFCLASS64) ||
        (ident[5] != ELFDATA2LSB && ident[5] != ELFDATA2MSB))
        return diag_fail(d, E_FORMAT,
                         "class %u, byte order %u: allowed are 1 (32-bit) and 2 (64-bit), "
                         "1 (little) and 2 (big)",
                         ident[4], ident[5]);
    if (ident[6] != EV_CURRENT)
        return diag_fail(d, E_UNSUPPORTED, "ELF version %u, not 1", ident[6]);
    *out = (struct elf_file){.in = in,
                             .wide = ident[4] == ELFCLASS64,
                             .big = ident[5] == ELFDATA2MSB,
                             .osabi = ident[7],
                             .abiversion = ident[8]};
    c.wide = out->wide;
    c.big = out->big;
    out->type = cur_u16(&c);
    out->machine = cur_u16(&c);
    out->version = cur_u32(&c);
    out->entry = cur_word(&c);
    out->phoff = cur_word(&c);
    out->shoff = cur_word(&c);
    out->flags = cur_u32(&c);
    out->ehsize = cur_u16(&c);
    out->phentsize = cur_u16(&c);
    phnum = cur_u16(&c);
    out->shentsize = cur_u16(&c);
    shnum = cur_u16(&c);
    out->shstrndx = cur_u16(&c);
    if (c.bad) {
        diag_fail(d, E_FORMAT, "ELF header ends past the end of the file (0x%" PRIx64 " bytes)",
                  in.size);
    } else if (read_sections(d, a, out, shnum, &zero) &&
               read_segments(d, a, out, phnum == PN_XNUM && zero.info ? zero.info : phnum)) {
        return true;
    }
    *out = (struct elf_file){0};
    return false;
}

struct elf_sym elf_next_sym(struct cursor *c)
{
    struct elf_sym s = {.name = cur_u32(c)};

    if (!c->wide) {
        s.value = cur_u32(c);
        s.size = cur_u32(c);
    }
    s.info = cur_u8(c);
    s.other = cur_u8(c);
    s.shndx = cur_u16(c);
    if (c->wide) {
        s.value = cur_u64(c);
        s.size = cur_u64(c);
    }
    return s;
}

struct elf_rel elf_next_rel(struct cursor *c, bool rela)
{
    struct elf_rel r = {.offset = cur_word(c)};
    uint64_t info = cur_word(c);

    r.type = (uint32_t)(c->wide ? info & 0xffffffff : info & 0xff);
    r.symbol = (uint32_t)(c->wide ? info >> 32 : info >> 8);
    if (rela)
        r.addend = c->wide ? (int64_t)cur_u64(c) : (int32_t)cur_u32(c);
    return r;
}

struct number_name {
    uint64_t number;
    const char *name;
};

static const char *find_name(const struct number_name *t, size_t count, uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (t[i].number == number)
            return t[i].name;
    return NULL;
}

const char *elf_section_type_name(uint32_t type)
{
    static const struct number_name names[] = {
        {SHT_NULL, "NULL"},
        {SHT_PROGBITS, "PROGBITS"},
        {SHT_SYMTAB, "SYMTAB"},
        {SHT_STRTAB, "STRTAB"},
        {SHT_RELA, "RELA"},
        {SHT_HASH, "HASH"},
        {SHT_DYNAMIC, "DYNAMIC"},
        {SHT_NOTE, "NOTE"},
        {SHT_NOBITS, "NOBITS"},
        {SHT_REL, "REL"},
        {SHT_SHLIB, "SHLIB"},
        {SHT_DYNSYM, "DYNSYM"},
        {SHT_INIT_ARRAY, "INIT_ARRAY"},
        {SHT_FINI_ARRAY, "FINI_ARRAY"},
        {SHT_PREINIT_ARRAY, "PREINIT_ARRAY"},
        {SHT_GROUP, "GROUP"},
        {SHT_SYMTAB_SHNDX, "SYMTAB_SHNDX"},
        {SHT_RELR, "RELR"},
        {SHT_LLVM_ADDRSIG, "LLVM_ADDRSIG"},
        {SHT_GNU_ATTRIBUTES, "GNU_ATTRIBUTES"},
        {SHT_GNU_HASH, "GNU_HASH"},
        {SHT_GNU_VERDEF, "GNU_VERDEF"},
        {SHT_GNU_VERNEED, "GNU_VERNEED"},
        {SHT_GNU_VERSYM, "GNU_VERSYM"},
    };

    return find_name(names, sizeof names / sizeof *names, type);
}

const char *elf_segment_type_name(uint32_t type)
{
    static const struct number_name names[] = {
        {PT_NULL, "NULL"},
        {PT_LOAD, "LOAD"},
        {PT_DYNAMIC, "DYNAMIC"},
        {PT_INTERP, "INTERP"},
        {PT_NOTE, "NOTE"},
        {PT_SHLIB, "SHLIB"},
        {PT_PHDR, "PHDR"},
        {PT_TLS, "TLS"},
        {PT_GNU_EH_FRAME, "GNU_EH_FRAME"},
        {PT_GNU_STACK, "GNU_STACK"},
        {PT_GNU_RELRO, "GNU_RELRO"},
        {PT_GNU_PROPERTY, "GNU_PROPERTY"},
    };

    return find_name(names, sizeof names / sizeof *names, type);
}

const char *elf_dynamic_tag_name(uint64_t tag)
{
    static const struct number_name names[] = {
        {DT_NULL, "NULL"},
        {DT_NEEDED, "NEEDED"},
        {DT_PLTRELSZ, "PLTRELSZ"},
        {DT_PLTGOT, "PLTGOT"},
        {DT_HASH, "HASH"},
        {DT_STRTAB, "STRTAB"},
        {DT_SYMTAB, "SYMTAB"},
        {DT_RELA, "RELA"},
        {DT_RELASZ, "RELASZ"},
        {DT_RELAENT, "RELAENT"},
        {DT_STRSZ, "STRSZ"},
        {DT_SYMENT, "SYMENT"},
        {DT_INIT, "INIT"},
        {DT_FINI, "FINI"},
        {DT_SONAME, "SONAME"},
        {DT_RPATH, "RPATH"},
        {DT_SYMBOLIC, "SYMBOLIC"},
        {DT_REL, "REL"},
        {DT_RELSZ, "RELSZ"},
        {DT_RELENT, "RELENT"},
        {DT_PLTREL, "PLTREL"},
        {DT_DEBUG, "DEBUG"},
        {DT_TEXTREL, "TEXTREL"},
        {DT_JMPREL, "JMPREL"},
        {DT_BIND_NOW, "BIND_NOW"},
        {DT_INIT_ARRAY, "INIT_ARRAY"},
        {DT_FINI_ARRAY, "FINI_ARRAY"},
        {DT_INIT_ARRAYSZ, "INIT_ARRAYSZ"},
        {DT_FINI_ARRAYSZ, "FINI_ARRAYSZ"},
        {DT_RUNPATH, "RUNPATH"},
        {DT_FLAGS, "FLAGS"},
        {DT_PREINIT_ARRAY, "PREINIT_ARRAY"},
        {DT_PREINIT_ARRAYSZ, "PREINIT_ARRAYSZ"},
        {DT_SYMTAB_SHNDX, "SYMTAB_SHNDX"},
        {DT_RELRSZ, "RELRSZ"},
        {DT_RELR, "RELR"},
        {DT_RELRENT, "RELRENT"},
        {DT_GNU_HASH, "GNU_HASH"},
        {DT_TLSDESC_PLT, "TLSDESC_PLT"},
        {DT_TLSDESC_GOT, "TLSDESC_GOT"},
        {DT_VERSYM, "VERSYM"},
        {DT_RELACOUNT, "RELACOUNT"},
        {DT_RELCOUNT, "RELCOUNT"},
        {DT_FLAGS_1, "FLAGS_1"},
        {DT_VERDEF, "VERDEF"},
        {DT_VERDEFNUM, "VERDEFNUM"},
        {DT_VERNEED, "VERNEED"},
        {DT_VERNEEDNUM, "VERNEEDNUM"},
        {DT_AUXILIARY, "AUXILIARY"},
        {DT_FILTER, "FILTER"},
    };

    return find_name(names, sizeof names / sizeof *names, tag);
}
