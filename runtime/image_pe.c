/* SPDX-License-Identifier: MIT */
/* image_pe.c - from a PE file to its sysimage table: the section .sysimg, which
 * says itself how long it is. */

#include "runtime/image_file.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* PE specification, 3 and 4. */
enum {
    PE_OFFSET = 0x3c,
    FILE_HEADER_SIZE = 20,
    OPTIONAL_SIZE = 112,
    PE32PLUS = 0x20b,
    IMAGE_FILE_DLL = 0x2000,
    SECTION_SIZE = 40,
    UNINITIALIZED = 0x80,
    MOST_SECTIONS = 1024,
};

static bool is_pe(const uint8_t *head) { return head[0] == 'M' && head[1] == 'Z'; }

static bool is_table(const uint8_t *section)
{
    return strncmp((const char *)section, SIMG_PE_SECTION, 8) == 0;
}

static enum simg_status add_section(struct file *f, const uint8_t *s, unsigned i, uint64_t base,
                                    struct simg_error *e)
{
    uint64_t size = file_uint(s + 8, 4), raw = file_uint(s + 16, 4);
    struct load l = {base + file_uint(s + 12, 4), raw < size ? raw : size, file_uint(s + 20, 4)};

    if (file_uint(s + 36, 4) & UNINITIALIZED || l.size == 0)
        return SIMG_OK;
    if (is_table(s) && l.size >= sizeof(struct simg_table)) {
        f->table = l.addr;
        f->table_size = l.size;
    }
    return file_add_load(f, &l, "section", i, e);
}

/* The section may reach up to the heap behind it. */
static enum simg_status measure_table(struct file *f, struct simg_error *e)
{
    uint8_t size[8];
    uint64_t offset = 0, own = 0;
    enum simg_status status = SIMG_OK;

    if (!f->table_size || !file_place(f, f->table, sizeof(struct simg_table), &offset))
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: it has no section %s",
                         SIMG_PE_SECTION);
    status = file_part(f, offset + offsetof(struct simg_table, size), size, 8, "the table", e);
    own = file_uint(size, 8);
    if (own < f->table_size)
        f->table_size = own;
    return status;
}

static enum simg_status read_pe(struct file *f, const uint8_t *head, struct simg_error *e)
{
    uint64_t at = file_uint(head + PE_OFFSET, 4), count = 0, optional = 0;
    uint8_t pe[4 + FILE_HEADER_SIZE + OPTIONAL_SIZE];
    enum simg_status status = SIMG_OK;
    uint8_t *sections = NULL;

    if ((status = file_part(f, at, pe, sizeof pe, "the headers", e)) != SIMG_OK)
        return error_set(e, SIMG_ERR_NOT_IMAGE, at, "not a sysimage: not a PE file");
    count = file_uint(pe + 6, 2);
    optional = file_uint(pe + 20, 2);
    if (memcmp(pe, "PE\0\0", 4) != 0 || file_uint(pe + 24, 2) != PE32PLUS ||
        optional < OPTIONAL_SIZE || !(file_uint(pe + 22, 2) & IMAGE_FILE_DLL))
        return error_set(e, SIMG_ERR_NOT_IMAGE, at, "not a sysimage: not a 64-bit DLL");
    if (count > MOST_SECTIONS)
        return error_set(e, SIMG_ERR_FORMAT, at, "%u sections", (unsigned)count);
    if (!(sections = malloc(count * SECTION_SIZE + 1)))
        return error_memory(e);
    status = file_part(f, at + 4 + FILE_HEADER_SIZE + optional, sections, count * SECTION_SIZE,
                       "the section headers", e);
    status = status ? status : file_room(f, count, e);
    for (uint64_t i = 0; status == SIMG_OK && i < count; i++)
        status = add_section(f, sections + i * SECTION_SIZE, (unsigned)i,
                             file_uint(pe + 24 + 24, 8), e);
    free(sections);
    return status ? status : measure_table(f, e);
}

const struct file_format file_pe = {is_pe, read_pe};
