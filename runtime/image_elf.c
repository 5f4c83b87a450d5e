/* SPDX-License-Identifier: MIT */
/* image_elf.c - from an ELF file to its sysimage table.
 *
 * Only the ELF header and the program headers are believed: an image may have
 * been stripped or edited. */

#include "runtime/image_file.h"

#include <stdlib.h>
#include <string.h>

/* gABI: Elf64_Ehdr and Elf64_Phdr, little-endian. */
enum {
    PHDR_SIZE = 56,
    PT_LOAD = 1,
    PT_NOTE = 4,
    ET_DYN = 3,
    MOST_NOTES = 1 << 16, /* bytes: more than any image has */
};

/* NOT_IMAGE if the note is not among these. */
static enum simg_status read_notes(struct file *f, const uint8_t *phdr, struct simg_error *e)
{
    uint64_t offset = file_uint(phdr + 8, 8), addr = file_uint(phdr + 16, 8),
             size = file_uint(phdr + 32, 8);
    uint64_t desc = 0;
    enum simg_status status = SIMG_OK;
    struct simg_note note;
    uint8_t *notes = NULL;

    if (size > MOST_NOTES)
        return SIMG_ERR_NOT_IMAGE;
    if (!(notes = malloc(size + 1)))
        return error_memory(e);
    status = file_part(f, offset, notes, size, "a note segment", e);
    status = status ? status : note_find(notes, size, &desc, &note, e);
    if (status == SIMG_OK) {
        f->table = addr + desc + (uint64_t)note.table;
        f->table_size = note.size;
    }
    free(notes);
    return status;
}

static enum simg_status read_loads(struct file *f, const uint8_t *phdrs, uint64_t count,
                                   struct simg_error *e)
{
    enum simg_status status = file_room(f, count, e);

    for (uint64_t i = 0; status == SIMG_OK && i < count; i++) {
        const uint8_t *p = phdrs + i * PHDR_SIZE;
        struct load l = {file_uint(p + 16, 8), file_uint(p + 32, 8), file_uint(p + 8, 8)};

        if (file_uint(p, 4) != PT_LOAD || l.size == 0)
            continue;
        status = file_add_load(f, &l, "program header", (unsigned)i, e);
    }
    return status;
}

static bool is_elf(const uint8_t *head) { return memcmp(head, "\177ELF", 4) == 0; }

static enum simg_status read_elf(struct file *f, const uint8_t *ehdr, struct simg_error *e)
{
    uint64_t phoff = file_uint(ehdr + 32, 8), count = file_uint(ehdr + 56, 2);
    enum simg_status status = SIMG_OK;
    uint8_t *phdrs = NULL;

    if (ehdr[4] != 2 || ehdr[5] != 1 || file_uint(ehdr + 16, 2) != ET_DYN)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0,
                         "not a sysimage: not a 64-bit little-endian shared library");
    if (file_uint(ehdr + 54, 2) != PHDR_SIZE || count == 0)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a shared library: no program headers");
    if (!(phdrs = malloc(count * PHDR_SIZE)))
        return error_memory(e);
    status = file_part(f, phoff, phdrs, count * PHDR_SIZE, "the program headers", e);
    status = status ? status : read_loads(f, phdrs, count, e);
    if (status == SIMG_OK)
        status = SIMG_ERR_NOT_IMAGE;
    for (uint64_t i = 0; status == SIMG_ERR_NOT_IMAGE && i < count; i++)
        if (file_uint(phdrs + i * PHDR_SIZE, 4) == PT_NOTE)
            status = read_notes(f, phdrs + i * PHDR_SIZE, e);
    free(phdrs);
    if (status == SIMG_ERR_NOT_IMAGE)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: it has no note that says so");
    return status;
}

const struct file_format file_elf = {is_elf, read_elf};
