/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headers.c - everything in front of the first section (PE specification, 3
 * and 4), and what is behind the last: symbols, and the strings for names of over
 * 8 bytes. */

#include "coff/file.h"
#include "dll/dll.h"

#include <inttypes.h>
#include <stdio.h>

enum { PAGE = 4096, PE_AT = 0x80 };

static struct coff_directory of_section(const struct link *l, const struct lsec *s)
{
    return s ? (struct coff_directory){(uint32_t)dll_lsec_rva(l, s), (uint32_t)s->size}
             : (struct coff_directory){0};
}

static struct coff_directory of_out(const struct link *l, const char *name)
{
    for (uint64_t i = 0; i < l->out_count; i++)
        if (!strcmp(l->outs[i]->name, name))
            return (struct coff_directory){dll_rva(l, l->outs[i]->addr),
                                           (uint32_t)l->outs[i]->size};
    return (struct coff_directory){0};
}

static void directories(const struct link *l, struct coff_directory out[DIRECTORY_COUNT])
{
    const struct dll *y = l->dll;

    memset(out, 0, DIRECTORY_COUNT * sizeof *out);
    out[DIRECTORY_EXPORT] = of_section(l, y->edata);
    if (y->idata)
        out[DIRECTORY_IMPORT] =
            (struct coff_directory){(uint32_t)dll_lsec_rva(l, y->idata),
                                    IMPORT_DESCRIPTOR_SIZE * (y->library_count + 1)};
    out[DIRECTORY_RESOURCE] = of_section(l, y->resources);
    out[DIRECTORY_EXCEPTION] = of_out(l, ".pdata");
    if (y->any_reloc)
        out[DIRECTORY_BASERELOC] = of_section(l, y->reloc);
    out[DIRECTORY_TLS] = of_section(l, y->tls_dir);
    if (y->tls_used)
        out[DIRECTORY_TLS] =
            (struct coff_directory){dll_rva(l, y->tls_used->addr), TLS_DIRECTORY_SIZE};
    out[DIRECTORY_IAT] = of_section(l, y->iat);
}

static bool wants(enum darwin_choice choice, bool by_default)
{
    return choice == CHOICE_DEFAULT ? by_default : choice == CHOICE_YES;
}

/* A prelinked heap is clean only where the image was linked for: so the system
   is not told that it may put it anywhere. */
static uint16_t characteristics(const struct link *l)
{
    const struct coff_options *o = &l->opt->coff;
    bool fixed = l->heap_count && l->heap_relocs == HEAP_RELOCS_PRELINKED && !l->coff->must_move;
    bool dynamic = wants(o->dynamic_base, !fixed) || l->coff->must_move;

    return (uint16_t)((dynamic ? IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE : 0) |
                      (dynamic && wants(o->high_entropy, true)
                           ? IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA
                           : 0) |
                      (wants(o->nx, true) ? IMAGE_DLLCHARACTERISTICS_NX_COMPAT : 0));
}

static uint64_t sum_of(const struct link *l, uint32_t flag)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < l->out_count; i++)
        if (l->outs[i]->type & flag)
            sum += align_up(l->outs[i]->size, PAGE);
    return sum < UINT32_MAX ? sum : UINT32_MAX;
}

static void put_optional(struct link *l, struct buf *b)
{
    const struct dll *y = l->dll;
    struct coff_directory dirs[DIRECTORY_COUNT];
    uint32_t code = 0;

    for (uint64_t i = l->out_count; i-- > 0;)
        if (l->outs[i]->type & IMAGE_SCN_CNT_CODE)
            code = dll_rva(l, l->outs[i]->addr);
    buf_uint(b, PE32PLUS_MAGIC, 2);
    buf_uint(b, 0, 2); /* the linker's version */
    buf_uint(b, sum_of(l, IMAGE_SCN_CNT_CODE), 4);
    buf_uint(b, sum_of(l, IMAGE_SCN_CNT_INITIALIZED_DATA), 4);
    buf_uint(b, sum_of(l, IMAGE_SCN_CNT_UNINITIALIZED_DATA), 4);
    buf_uint(b, y->entry ? dll_rva(l, y->entry->addr) : 0, 4);
    buf_uint(b, code, 4);
    buf_uint(b, l->image_base, 8);
    buf_uint(b, PAGE, 4);
    buf_uint(b, PAGE, 4);
    buf_uint(b, 6, 2); /* of the system: Vista, the first with all that is used here */
    buf_uint(b, 0, 2);
    buf_uint(b, 0, 4); /* of the image */
    buf_uint(b, 6, 2); /* of the subsystem */
    buf_uint(b, 0, 2);
    buf_uint(b, 0, 4);
    buf_uint(b, y->image_size, 4);
    buf_uint(b, y->headers_size, 4);
    buf_uint(b, 0, 4); /* CheckSum: write.c */
    buf_uint(b, l->opt->coff.subsystem ? l->opt->coff.subsystem : IMAGE_SUBSYSTEM_WINDOWS_CUI, 2);
    buf_uint(b, characteristics(l), 2);
    buf_uint(b, 0x200000, 8); /* stack and heap: of a program, that of a DLL is ignored */
    buf_uint(b, 0x1000, 8);
    buf_uint(b, 0x100000, 8);
    buf_uint(b, 0x1000, 8);
    buf_uint(b, 0, 4);
    buf_uint(b, DIRECTORY_COUNT, 4);
    directories(l, dirs);
    for (int i = 0; i < DIRECTORY_COUNT; i++) {
        buf_uint(b, dirs[i].rva, 4);
        buf_uint(b, dirs[i].size, 4);
    }
}

static void put_section(const struct link *l, struct buf *b, struct buf *strings,
                        const struct out *o)
{
    bool zero = o->type & IMAGE_SCN_CNT_UNINITIALIZED_DATA;
    char name[16] = "";

    if (strlen(o->name) <= 8) {
        memcpy(name, o->name, strlen(o->name));
    } else {
        snprintf(name, sizeof name, "/%u", (unsigned)strings->size);
        buf_bytes(strings, o->name, strlen(o->name) + 1);
    }
    buf_bytes(b, name, 8);
    buf_uint(b, o->size, 4);
    buf_uint(b, dll_rva(l, o->addr), 4);
    /* A segment of a heap may reach over the gap behind it: that is not in the file. */
    buf_uint(b, zero ? 0 : align_up(o->heap ? o->secs[0]->size : o->size, PAGE), 4);
    buf_uint(b, o->offset, 4);
    buf_bytes(b, (const uint8_t[12]){0}, 12); /* relocations and line numbers: an object's */
    buf_uint(b, o->type, 4);
}

/* Symbols and STRINGS behind the last section; the header says at AT where.  Strings
   need a symbol table in front of them, if only of no symbols. */
static void put_behind(struct link *l, struct buf *b, uint64_t at, struct buf *strings)
{
    struct dll *y = l->dll;

    if (strings->bad || b->bad || (strings->size == 4 && y->symbols.size == 0))
        return;
    store_uint(strings->at, 4, false, strings->size);
    store_uint(b->at + at, 4, false, l->file_size);
    store_uint(b->at + at + 4, 4, false, y->symbols.size / COFF_SYMBOL_SIZE);
    y->strings = buf_span(strings);
    y->symbols_at = l->file_size;
    l->file_size += y->symbols.size + y->strings.size;
}

bool dll_make_header(struct link *l)
{
    static const char stub[] = "This image is loaded by Windows.\r\n$";
    /* mov dx, 14; mov ah, 9; int 33; mov ax, 0x4c01; int 33: print it, and give up */
    static const uint8_t code[] = {0x0e, 0x1f, 0xba, 0x0e, 0x00, 0xb4, 0x09,
                                   0xcd, 0x21, 0xb8, 0x01, 0x4c, 0xcd, 0x21};
    struct buf *b = &l->dll->header, strings = {0};
    uint64_t count_at = 0;

    buf_bytes(b, "MZ", 2);
    buf_uint(b, 0x90, 2);
    buf_uint(b, 3, 2);
    buf_uint(b, 0, 2);
    buf_uint(b, 4, 2); /* paragraphs of header */
    buf_uint(b, 0, 2);
    buf_uint(b, 0xffff, 2);
    buf_uint(b, 0, 2);
    buf_uint(b, 0xb8, 2);
    buf_uint(b, 0, 2);
    buf_uint(b, 0, 4);
    buf_uint(b, 0x40, 2);
    while (b->size < PE_OFFSET_AT && !b->bad)
        buf_uint(b, 0, 2);
    buf_uint(b, PE_AT, 4);
    buf_bytes(b, code, sizeof code);
    buf_bytes(b, stub, sizeof stub - 1);
    while (b->size < PE_AT && !b->bad)
        buf_uint(b, 0, 1);
    buf_bytes(b, "PE\0\0", 4);
    buf_uint(b, l->coff->number, 2);
    buf_uint(b, l->out_count, 2);
    buf_uint(b, 0, 4); /* TimeDateStamp: write.c */
    count_at = b->size;
    buf_uint(b, 0, 8); /* where the symbols are, and how many */
    buf_uint(b, OPTIONAL_HEADER_SIZE + DIRECTORY_COUNT * DATA_DIRECTORY_SIZE, 2);
    buf_uint(b, IMAGE_FILE_DLL | IMAGE_FILE_EXECUTABLE_IMAGE | IMAGE_FILE_LARGE_ADDRESS_AWARE, 2);
    put_optional(l, b);
    buf_uint(&strings, 0, 4);
    for (uint64_t i = 0; i < l->out_count; i++)
        put_section(l, b, &strings, l->outs[i]);
    if (!dll_make_symtab(l, &strings)) {
        buf_free(&strings);
        return false;
    }
    put_behind(l, b, count_at, &strings);
    return link_own(l, strings.at) && (!(b->bad || strings.bad) || diag_nomem(l->d));
}
