/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.c - headers of COFF objects and PE images. */

#include "coff/file.h"

#include "base/pages.h"
#include "coff/machine.h"

#include <inttypes.h>

enum { MOST_SECTIONS = 1024 /* of an image: each lookup goes over all of them */ };

/* ANON_OBJECT_HEADER_BIGOBJ.ClassID, D1BAA1C7-BAEE-4BA9-AF20-FAF66AA4DCB8 */
static const uint8_t bigobj_class[16] = {0xc7, 0xa1, 0xba, 0xd1, 0xee, 0xba, 0xa9, 0x4b,
                                         0xaf, 0x20, 0xfa, 0xf6, 0x6a, 0xa4, 0xdc, 0xb8};

static uint16_t u16(const uint8_t *p) { return (uint16_t)load_uint(p, 2, false); }
static uint32_t u32(const uint8_t *p) { return (uint32_t)load_uint(p, 4, false); }

/* ---- recognising ---- */

static bool is_bigobj(struct span in)
{
    return in.size >= BIGOBJ_HEADER_SIZE && u16(in.at) == 0 && u16(in.at + 2) == 0xffff &&
           u16(in.at + 4) >= 2 && !memcmp(in.at + 12, bigobj_class, 16);
}

bool coff_is_import(struct span in)
{
    return in.size >= IMPORT_HEADER_SIZE && u16(in.at) == 0 && u16(in.at + 2) == 0xffff &&
           u16(in.at + 4) == 0;
}

/* A plain object has no magic number: a CPU, and headers that fit. */
bool coff_is_object(struct span in)
{
    uint64_t sections = 0;

    if (is_bigobj(in))
        return true;
    if (in.size < FILE_HEADER_SIZE || !coff_machine_name(u16(in.at)) || u16(in.at + 16) != 0)
        return false;
    sections = u16(in.at + 2);
    return FILE_HEADER_SIZE + sections * SECTION_HEADER_SIZE <= in.size &&
           u32(in.at + 8) <= in.size;
}

bool coff_is_image(struct span in)
{
    uint64_t at = 0;

    if (in.size < PE_OFFSET_AT + 4 || in.at[0] != 'M' || in.at[1] != 'Z')
        return false;
    at = u32(in.at + PE_OFFSET_AT);
    return at <= in.size - 4 && !memcmp(in.at + at, "PE\0\0", 4);
}

/* ---- the optional header ---- */

static bool read_optional(struct diag *d, struct span in, struct coff_optional *o)
{
    struct cursor c = {.in = in};
    uint16_t magic = cur_u16(&c);
    uint32_t room = 0;

    if (magic != PE32_MAGIC && magic != PE32PLUS_MAGIC)
        return diag_fail(d, E_FORMAT, "optional header: magic 0x%x, 0x10b and 0x20b are known",
                         magic);
    o->wide = c.wide = magic == PE32PLUS_MAGIC;
    if (in.size < (o->wide ? OPTIONAL_HEADER_SIZE : OPTIONAL_HEADER32_SIZE))
        return diag_fail(d, E_FORMAT, "optional header: 0x%" PRIx64 " bytes, at least %d are needed",
                         in.size, o->wide ? OPTIONAL_HEADER_SIZE : OPTIONAL_HEADER32_SIZE);
    o->linker[0] = cur_u8(&c);
    o->linker[1] = cur_u8(&c);
    o->code_size = cur_u32(&c);
    o->data_size = cur_u32(&c);
    o->bss_size = cur_u32(&c);
    o->entry = cur_u32(&c);
    o->code_base = cur_u32(&c);
    if (!o->wide)
        cur_u32(&c); /* BaseOfData */
    o->image_base = cur_word(&c);
    o->section_align = cur_u32(&c);
    o->file_align = cur_u32(&c);
    for (int i = 0; i < 2; i++)
        o->os[i] = cur_u16(&c);
    for (int i = 0; i < 2; i++)
        o->image[i] = cur_u16(&c);
    for (int i = 0; i < 2; i++)
        o->subsystem_version[i] = cur_u16(&c);
    o->win32_version = cur_u32(&c);
    o->image_size = cur_u32(&c);
    o->headers_size = cur_u32(&c);
    o->checksum = cur_u32(&c);
    o->subsystem = cur_u16(&c);
    o->characteristics = cur_u16(&c);
    o->stack_reserve = cur_word(&c);
    o->stack_commit = cur_word(&c);
    o->heap_reserve = cur_word(&c);
    o->heap_commit = cur_word(&c);
    o->loader_flags = cur_u32(&c);
    o->directory_count = cur_u32(&c);
    room = (uint32_t)((in.size - c.pos) / DATA_DIRECTORY_SIZE);
    for (uint32_t i = 0; i < DIRECTORY_COUNT && i < room && i < o->directory_count; i++) {
        o->directories[i].rva = cur_u32(&c);
        o->directories[i].size = cur_u32(&c);
    }
    return true;
}

/* ---- sections ---- */

/* "/123": decimal; "//AAmJaA": base 64, most significant first. */
static bool long_name(const struct coff_file *f, const char *field, const char **out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *name = NULL;
    uint64_t at = 0;

    if (field[1] != '/') {
        for (const char *p = field + 1; *p; p++) {
            if (*p < '0' || *p > '9')
                return false;
            at = at * 10 + (uint64_t)(*p - '0');
        }
    } else {
        for (const char *p = field + 2; *p; p++) {
            const char *digit = strchr(digits, *p);

            if (!digit)
                return false;
            at = at * 64 + (uint64_t)(digit - digits);
        }
    }
    name = span_str(f->strings, at);
    if (at >= 4 && name)
        *out = name;
    return at >= 4 && name;
}

static bool section_name(struct diag *d, struct arena *a, const struct coff_file *f, uint32_t i,
                         const uint8_t *at, struct coff_section *s)
{
    char field[9] = {0};

    memcpy(field, at, 8);
    if (field[0] == '/' && long_name(f, field, &s->name))
        return true;
    /* In images only those linkers' that write a string table. */
    if (field[0] == '/' && !f->image)
        return diag_fail(d, E_FORMAT, "section %" PRIu32 ": its name %s is not among the strings",
                         i + 1, field);
    s->name = arena_strdup(a, field);
    return s->name || diag_nomem(d);
}

static bool bad_section(struct diag *d, uint32_t i, const struct coff_section *s, const char *what,
                        uint64_t offset, uint64_t size, uint64_t have)
{
    return diag_fail(d, E_FORMAT,
                     "section %" PRIu32 " (%s): %s: 0x%" PRIx64 " bytes at 0x%" PRIx64
                     ", the file has 0x%" PRIx64,
                     i + 1, s->name, what, size, offset, have);
}

static bool read_relocs(struct diag *d, const struct coff_file *f, uint32_t i, uint16_t count,
                        struct coff_section *s)
{
    uint64_t at = s->reloc_pointer;
    struct span first;

    s->reloc_count = count;
    /* PE specification, 4.1: then the first record's address is the count. */
    if (s->flags & IMAGE_SCN_LNK_NRELOC_OVFL && count == 0xffff) {
        if (!span_sub(f->in, at, COFF_RELOC_SIZE, &first) || u32(first.at) == 0)
            return bad_section(d, i, s, "relocations", at, COFF_RELOC_SIZE, f->in.size);
        s->reloc_count = u32(first.at) - 1;
        at += COFF_RELOC_SIZE;
    }
    return span_sub(f->in, at, s->reloc_count * COFF_RELOC_SIZE, &s->relocs) ||
           bad_section(d, i, s, "relocations", at, s->reloc_count * COFF_RELOC_SIZE, f->in.size);
}

/* The table of sections is inside the file. */
static bool find_sections(struct diag *d, struct coff_file *f)
{
    struct span table;

    return span_sub(f->in, f->sections_at, (uint64_t)f->section_count * SECTION_HEADER_SIZE, &table) ||
           diag_fail(d, E_FORMAT,
                     "%" PRIu32 " section headers at 0x%" PRIx64
                     " are not inside the file (0x%" PRIx64 " bytes)",
                     f->section_count, f->sections_at, f->in.size);
}

bool coff_read_section(struct diag *d, struct arena *a, const struct coff_file *f, uint32_t i,
                       struct coff_section *out)
{
    const uint8_t *p = f->in.at + f->sections_at + (uint64_t)i * SECTION_HEADER_SIZE;
    uint32_t align = 0, size = 0;

    *out = (struct coff_section){
        .vsize = u32(p + 8),
        .rva = u32(p + 12),
        .raw_size = u32(p + 16),
        .raw = u32(p + 20),
        .reloc_pointer = u32(p + 24),
        .flags = u32(p + 36),
    };
    align = (out->flags & IMAGE_SCN_ALIGN_MASK) >> 20;
    size = out->raw_size;
    if (!section_name(d, a, f, i, p, out))
        return false;
    out->align_log2 = (uint8_t)(align ? align - 1 : 4); /* 16 bytes if it is not said */
    if (f->image && out->vsize && size > out->vsize)
        size = out->vsize; /* the rest only fills the file */
    if (out->raw && !(out->flags & IMAGE_SCN_CNT_UNINITIALIZED_DATA && !f->image) &&
        !span_sub(f->in, out->raw, size, &out->data))
        return bad_section(d, i, out, "its contents", out->raw, size, f->in.size);
    return f->image || read_relocs(d, f, i, u16(p + 32), out);
}

bool coff_read_sections(struct diag *d, struct arena *a, struct coff_file *f)
{
    if (!(f->sections = arena_alloc(a, f->section_count, sizeof *f->sections)))
        return diag_nomem(d);
    pages_make(f->sections, f->section_count * sizeof *f->sections);
    for (uint32_t i = 0; i < f->section_count; i++)
        if (!coff_read_section(d, a, f, i, &f->sections[i]))
            return false;
    return true;
}

/* ---- the symbol table ---- */

static bool read_symbols(struct diag *d, struct coff_file *f, uint32_t at)
{
    uint64_t size = (uint64_t)f->symbol_count * f->symbol_size;
    struct span head;

    if (at == 0) {
        f->symbol_count = 0;
        return true;
    }
    if (!span_sub(f->in, at, size, &f->symbols)) {
        /* Of an image it is nobody's concern. */
        f->symbol_count = f->image ? 0 : f->symbol_count;
        return f->image || diag_fail(d, E_FORMAT,
                                     "%" PRIu32 " symbols at 0x%" PRIx32
                                     " are not inside the file (0x%" PRIx64 " bytes)",
                                     f->symbol_count, at, f->in.size);
    }
    if (!span_sub(f->in, at + size, 4, &head)) /* then there are none */
        return true;
    if (u32(head.at) < 4 || !span_sub(f->in, at + size, u32(head.at), &f->strings))
        return f->image || u32(head.at) == 0 ||
               diag_fail(d, E_FORMAT,
                         "the strings: 0x%" PRIx32 " bytes at 0x%" PRIx64
                         " are not inside the file (0x%" PRIx64 " bytes)",
                         u32(head.at), at + size, f->in.size);
    return true;
}

void coff_symbol_row(const struct coff_file *f, uint32_t i, struct coff_symbol *out)
{
    const uint8_t *p = f->symbols.at + (uint64_t)i * f->symbol_size;
    unsigned wide = f->bigobj ? 4 : 2;
    const uint8_t *rest = p + 12 + wide;

    *out = (struct coff_symbol){
        .name = "",
        .value = u32(p + 8),
        .section = f->bigobj ? (int32_t)u32(p + 12) : (int16_t)u16(p + 12),
        .type = u16(rest),
        .class = rest[2],
        .aux = rest[3],
    };
}

bool coff_symbol(struct diag *d, const struct coff_file *f, uint32_t i, struct coff_symbol *out)
{
    const uint8_t *p = f->symbols.at + (uint64_t)i * f->symbol_size;

    coff_symbol_row(f, i, out);
    if (u32(p) == 0 && u32(p + 4) != 0) {
        out->name = span_str(f->strings, u32(p + 4));
        if (!out->name || u32(p + 4) < 4)
            return diag_fail(d, E_FORMAT,
                             "symbol %" PRIu32 ": the name at 0x%" PRIx32
                             " does not end inside the strings (0x%" PRIx64 " bytes)",
                             i, u32(p + 4), f->strings.size);
    }
    return true;
}

const uint8_t *coff_aux(const struct coff_file *f, uint32_t i, uint32_t n)
{
    uint64_t row = (uint64_t)i + 1 + n;

    return row < f->symbol_count ? f->symbols.at + row * f->symbol_size : NULL;
}

/* ---- all of it ---- */

static bool open_image(struct diag *d, struct coff_file *f)
{
    struct span head, optional;

    f->header = u32(f->in.at + PE_OFFSET_AT) + 4ull;
    if (!span_sub(f->in, f->header, FILE_HEADER_SIZE, &head))
        return diag_fail(d, E_FORMAT, "the header at 0x%" PRIx64 " is not inside the file",
                         f->header);
    f->machine = u16(head.at);
    f->section_count = u16(head.at + 2);
    f->timestamp = u32(head.at + 4);
    f->symbol_count = u32(head.at + 12);
    f->symbol_size = COFF_SYMBOL_SIZE;
    f->optional_size = u16(head.at + 16);
    f->characteristics = u16(head.at + 18);
    f->sections_at = f->header + FILE_HEADER_SIZE + f->optional_size;
    if (f->section_count > MOST_SECTIONS)
        return diag_fail(d, E_UNSUPPORTED,
                         "%" PRIu32 " sections; %d can be read, and Windows loads 96",
                         f->section_count, MOST_SECTIONS);
    if (!span_sub(f->in, f->header + FILE_HEADER_SIZE, f->optional_size, &optional))
        return diag_fail(d, E_FORMAT, "the optional header is not inside the file");
    return read_optional(d, optional, &f->optional) && read_symbols(d, f, u32(head.at + 8)) &&
           find_sections(d, f);
}

static bool open_object(struct diag *d, struct coff_file *f)
{
    const uint8_t *h = f->in.at;
    uint32_t symbols = 0;

    f->bigobj = is_bigobj(f->in);
    f->machine = u16(h + (f->bigobj ? 6 : 0));
    f->timestamp = u32(h + (f->bigobj ? 8 : 4));
    f->section_count = f->bigobj ? u32(h + 44) : u16(h + 2);
    symbols = u32(h + (f->bigobj ? 48 : 8));
    f->symbol_count = u32(h + (f->bigobj ? 52 : 12));
    f->symbol_size = f->bigobj ? BIGOBJ_SYMBOL_SIZE : COFF_SYMBOL_SIZE;
    f->characteristics = f->bigobj ? 0 : u16(h + 18);
    f->sections_at = f->bigobj ? BIGOBJ_HEADER_SIZE : FILE_HEADER_SIZE;
    return read_symbols(d, f, symbols) && find_sections(d, f);
}

bool coff_open_headers(struct diag *d, struct span in, struct coff_file *out)
{
    bool ok = false;

    *out = (struct coff_file){.in = in, .image = coff_is_image(in)};
    if (!out->image && !coff_is_object(in))
        return diag_fail(d, E_UNKNOWN, "is neither a COFF object nor a PE image");
    ok = out->image ? open_image(d, out) : open_object(d, out);
    if (!ok)
        *out = (struct coff_file){0};
    return ok;
}

bool coff_open(struct diag *d, struct arena *a, struct span in, struct coff_file *out)
{
    if (coff_open_headers(d, in, out) && coff_read_sections(d, a, out))
        return true;
    *out = (struct coff_file){0};
    return false;
}

/* ---- an image's memory ---- */

const struct coff_section *coff_section_at(const struct coff_file *f, uint64_t rva)
{
    for (uint32_t i = 0; i < f->section_count; i++) {
        const struct coff_section *s = &f->sections[i];
        uint64_t size = s->vsize ? s->vsize : s->raw_size;

        if (rva >= s->rva && rva - s->rva < size)
            return s;
    }
    return NULL;
}

bool coff_from(const struct coff_file *f, uint64_t rva, struct span *out)
{
    const struct coff_section *s = coff_section_at(f, rva);

    *out = (struct span){0};
    if (s)
        return rva - s->rva < s->data.size &&
               span_sub(s->data, rva - s->rva, s->data.size - (rva - s->rva), out);
    return rva < f->optional.headers_size && rva < f->in.size &&
           span_sub(f->in, rva,
                    (f->optional.headers_size < f->in.size ? f->optional.headers_size
                                                           : f->in.size) -
                        rva,
                    out);
}

bool coff_at(const struct coff_file *f, uint64_t rva, uint64_t size, struct span *out)
{
    struct span all;

    *out = (struct span){0};
    return coff_from(f, rva, &all) && span_sub(all, 0, size, out);
}

const char *coff_string_at(const struct coff_file *f, uint64_t rva)
{
    struct span all;

    return coff_from(f, rva, &all) ? span_str(all, 0) : NULL;
}

const char *coff_directory_name(enum data_directory n)
{
    static const char *const names[DIRECTORY_COUNT] = {
        "exports", "imports",       "resources",   "exception table", "certificates", "base relocations",
        "debug",   "architecture",  "global pointer", "thread-local storage", "load config", "bound imports",
        "import addresses", "delayed imports", "CLR header", "reserved"};

    return names[n];
}

bool coff_directory(struct diag *d, const struct coff_file *f, enum data_directory n,
                    struct span *out)
{
    const struct coff_directory *e = &f->optional.directories[n];

    *out = (struct span){0};
    if (e->rva == 0 || e->size == 0)
        return true;
    if (n == DIRECTORY_SECURITY ? span_sub(f->in, e->rva, e->size, out)
                                : coff_at(f, e->rva, e->size, out))
        return true;
    return diag_fail(d, E_FORMAT,
                     "%s: 0x%" PRIx32 " bytes at 0x%" PRIx32 " are not inside one section's data",
                     coff_directory_name(n), e->size, e->rva);
}
