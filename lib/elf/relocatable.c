/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relocatable.c - write an ELF relocatable object. */

#include "elf/relocatable.h"

#include "base/file.h"
#include "elf/put.h"

#include <errno.h>
#include <stdlib.h>

enum { PIECE = 2 << 20, CONTENTS_ALIGN = 64 };

void rel_begin(struct rel_object *o, struct diag *d, struct arena *arena, uint16_t machine)
{
    *o = (struct rel_object){.d = d, .arena = arena, .machine = machine};
    rel_add_section(o, &(struct rel_section){.name = ""});
}

static void add_symbol(struct buf *b, const struct elf_sym *s)
{
    uint8_t *p = buf_reserve(b, SYM64_SIZE);

    if (p)
        elf_store_sym(p, s);
}

uint32_t rel_add_section(struct rel_object *o, const struct rel_section *section)
{
    uint32_t index = (uint32_t)o->section_count;

    if (!arena_grow(o->arena, (void **)&o->sections, o->section_count, &o->section_cap,
                    sizeof *o->sections)) {
        diag_nomem(o->d);
        return 0;
    }
    o->sections[o->section_count++] = *section;
    add_symbol(&o->locals,
               &(struct elf_sym){.info = index ? STT_SECTION : 0, .shndx = (uint16_t)index});
    return index;
}

uint32_t rel_add_global(struct rel_object *o, const char *name, uint8_t info, uint32_t section,
                        uint64_t value, uint64_t size)
{
    uint64_t index = o->section_count + o->globals.size / SYM64_SIZE;

    add_symbol(&o->globals, &(struct elf_sym){strtab_add(&o->names, name), info, STV_DEFAULT,
                                              (uint16_t)section, value, size});
    return (uint32_t)index;
}

void rel_add_reloc(struct rel_object *o, uint32_t section, uint64_t offset, uint32_t symbol,
                   uint32_t type, int64_t addend)
{
    struct buf *b = &o->sections[section].relocs;

    buf_uint(b, offset, 8);
    buf_uint(b, (uint64_t)symbol << 32 | type, 8);
    buf_uint(b, (uint64_t)addend, 8);
}

/* ---- the file: header, contents, relocations, symbols, names, section headers ---- */

struct writer {
    struct rel_object *o;
    struct output out;
    struct buf headers;
    uint64_t relocated; /* sections with relocations */
    uint64_t symbols_offset, names_offset, headers_offset;
};

static uint64_t place(uint64_t *end, uint64_t size, uint64_t align)
{
    uint64_t at = align_up(*end, align);

    *end = at + size;
    return at;
}

static void place_all(struct writer *w)
{
    struct rel_object *o = w->o;
    uint64_t end = EHDR64_SIZE;

    for (uint64_t i = 1; i < o->section_count; i++)
        if (o->sections[i].type != SHT_NOBITS)
            o->sections[i].offset = place(&end, o->sections[i].size, CONTENTS_ALIGN);
    for (uint64_t i = 1; i < o->section_count; i++)
        if (o->sections[i].relocs.size) {
            o->sections[i].relocs_offset = place(&end, o->sections[i].relocs.size, 8);
            w->relocated++;
        }
    w->symbols_offset = place(&end, o->locals.size + o->globals.size, 8);
    w->names_offset = end;
}

/* Their names are the last to go into the string table. */
static void make_headers(struct writer *w)
{
    struct rel_object *o = w->o;
    uint32_t symtab = (uint32_t)(o->section_count + w->relocated);
    uint32_t names[2] = {strtab_add(&o->names, ".symtab"), strtab_add(&o->names, ".strtab")};

    for (uint64_t i = 0; i < o->section_count; i++) {
        const struct rel_section *s = &o->sections[i];

        elf_put_shdr(&w->headers, &(struct elf_shdr){.name_offset = strtab_add(&o->names, s->name),
                                                     .type = s->type,
                                                     .flags = s->flags,
                                                     .offset = s->offset,
                                                     .size = s->size,
                                                     .align = s->align,
                                                     .entsize = s->entsize});
    }
    for (uint64_t i = 1; i < o->section_count; i++) {
        const struct rel_section *s = &o->sections[i];
        const char *name = arena_printf(o->arena, ".rela%s", s->name);

        if (s->relocs.size)
            elf_put_shdr(&w->headers,
                         &(struct elf_shdr){.name_offset = strtab_add(&o->names, name ? name : ""),
                                            .type = SHT_RELA,
                                            .flags = SHF_INFO_LINK,
                                            .offset = s->relocs_offset,
                                            .size = s->relocs.size,
                                            .link = symtab,
                                            .info = (uint32_t)i,
                                            .align = 8,
                                            .entsize = RELA64_SIZE});
    }
    elf_put_shdr(&w->headers, &(struct elf_shdr){.name_offset = names[0],
                                                 .type = SHT_SYMTAB,
                                                 .offset = w->symbols_offset,
                                                 .size = o->locals.size + o->globals.size,
                                                 .link = symtab + 1,
                                                 .info = (uint32_t)o->section_count,
                                                 .align = 8,
                                                 .entsize = SYM64_SIZE});
    elf_put_shdr(&w->headers, &(struct elf_shdr){.name_offset = names[1],
                                                 .type = SHT_STRTAB,
                                                 .offset = w->names_offset,
                                                 .size = o->names.out.size,
                                                 .align = 1});
    w->headers_offset = align_up(w->names_offset + o->names.out.size, 8);
}

static bool write_at(struct writer *w, const void *p, uint64_t size, uint64_t at)
{
    return size == 0 || output_write(&w->out, p, size, at) ||
           diag_fail(w->o->d, E_SYSTEM, "%s: cannot write: %s", w->out.path,
                     strerror(errno ? errno : EIO));
}

static bool write_header(struct writer *w)
{
    struct buf b = {0};
    bool ok = false;

    buf_bytes(&b, "\177ELF", 4);
    buf_uint(&b, ELFCLASS64, 1);
    buf_uint(&b, ELFDATA2LSB, 1);
    buf_uint(&b, EV_CURRENT, 1);
    buf_uint(&b, ELFOSABI_GNU, 1); /* SHF_GNU_RETAIN is of that ABI */
    buf_uint(&b, 0, 8);
    buf_uint(&b, ET_REL, 2);
    buf_uint(&b, w->o->machine, 2);
    buf_uint(&b, EV_CURRENT, 4);
    buf_uint(&b, 0, 8);
    buf_uint(&b, 0, 8);
    buf_uint(&b, w->headers_offset, 8);
    buf_uint(&b, 0, 4);
    buf_uint(&b, EHDR64_SIZE, 2);
    buf_uint(&b, 0, 4); /* no program headers */
    buf_uint(&b, SHDR64_SIZE, 2);
    buf_uint(&b, w->headers.size / SHDR64_SIZE, 2);
    buf_uint(&b, w->headers.size / SHDR64_SIZE - 1, 2); /* the names are in .strtab */
    ok = b.bad ? diag_nomem(w->o->d) : write_at(w, b.at, b.size, 0);
    buf_free(&b);
    return ok;
}

/* What a section makes as it is written and is zero, stays a hole: a heap's
   zero-fill segments may be large. */
static bool write_section(struct writer *w, const struct rel_section *s, uint8_t *room)
{
    if (s->type == SHT_NOBITS)
        return true;
    if (s->bytes)
        return write_at(w, s->bytes, s->size, s->offset);
    for (uint64_t at = 0; at < s->size; at += PIECE) {
        uint64_t size = s->size - at < PIECE ? s->size - at : PIECE;

        memset(room, 0, size);
        if (!s->fill(s->arg, at, size, room) ||
            (!span_is_zero((struct span){room, size}) && !write_at(w, room, size, s->offset + at)))
            return false;
    }
    return true;
}

static bool is_complete(const struct rel_object *o)
{
    bool bad = o->locals.bad || o->globals.bad || o->names.out.bad;

    for (uint64_t i = 0; i < o->section_count; i++)
        bad = bad || o->sections[i].relocs.bad;
    return !bad;
}

static bool write_all(struct writer *w, uint8_t *room)
{
    const struct rel_object *o = w->o;
    bool ok = write_header(w);

    for (uint64_t i = 1; ok && i < o->section_count; i++)
        ok = write_section(w, &o->sections[i], room) &&
             write_at(w, o->sections[i].relocs.at, o->sections[i].relocs.size,
                      o->sections[i].relocs_offset);
    return ok && write_at(w, o->locals.at, o->locals.size, w->symbols_offset) &&
           write_at(w, o->globals.at, o->globals.size, w->symbols_offset + o->locals.size) &&
           write_at(w, o->names.out.at, o->names.out.size, w->names_offset) &&
           write_at(w, w->headers.at, w->headers.size, w->headers_offset);
}

static bool write_object(struct rel_object *o, const char *path, int fd)
{
    struct writer w = {.o = o, .out = {.path = path, .fd = fd}};
    uint8_t *room = malloc(PIECE);
    bool ok = false;

    place_all(&w);
    make_headers(&w);
    if (!room || w.headers.bad || !is_complete(o))
        diag_nomem(o->d);
    else if (fd >= 0)
        ok = write_all(&w, room);
    else
        ok = output_begin(o->d, path, w.headers_offset + w.headers.size, &w.out) &&
             write_all(&w, room) && output_commit(o->d, &w.out, 0666);
    if (fd < 0)
        output_abandon(&w.out);
    buf_free(&w.headers);
    free(room);
    return ok;
}

bool rel_write(struct rel_object *o, const char *path) { return write_object(o, path, -1); }

bool rel_write_fd(struct rel_object *o, int fd, const char *name)
{
    return write_object(o, name, fd);
}

void rel_free(struct rel_object *o)
{
    for (uint64_t i = 0; i < o->section_count; i++)
        buf_free(&o->sections[i].relocs);
    buf_free(&o->locals);
    buf_free(&o->globals);
    strtab_free(&o->names);
}
