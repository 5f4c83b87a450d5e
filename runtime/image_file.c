/* SPDX-License-Identifier: MIT */
/* image_file.c - from an ELF file to its sysimage table.
 *
 * Only the ELF header and the program headers are believed, and only as far
 * as they lie inside the file: an image may have been stripped or edited. */

#include "runtime/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* gABI: Elf64_Ehdr and Elf64_Phdr, little-endian. */
enum {
    EHDR_SIZE = 64,
    PHDR_SIZE = 56,
    PT_LOAD = 1,
    PT_NOTE = 4,
    ET_DYN = 3,
    MOST_NOTES = 1 << 16, /* bytes: more than any image has */
};

static uint64_t get(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

/* Is [OFFSET, OFFSET + SIZE) inside the file? */
static bool inside(const struct file *f, uint64_t offset, uint64_t size)
{
    return offset <= f->size && size <= f->size - offset;
}

static enum simg_status read_part(const struct file *f, uint64_t offset, void *to, uint64_t size,
                                  const char *what, struct simg_error *e)
{
    if (!inside(f, offset, size))
        return error_set(e, SIMG_ERR_FORMAT, offset, "%s: past the end of the file", what);
    if (map_read(f->fd, offset, to, size))
        return SIMG_OK;
    return errno ? error_system(e, errno, "cannot read %s", what)
                 : error_set(e, SIMG_ERR_FORMAT, offset, "%s: the file got shorter", what);
}

bool file_place(const struct file *f, uint64_t addr, uint64_t size, uint64_t *offset)
{
    for (uint32_t i = 0; i < f->load_count; i++) {
        const struct load *l = &f->loads[i];

        if (addr >= l->addr && addr - l->addr <= l->size && size <= l->size - (addr - l->addr)) {
            *offset = l->offset + (addr - l->addr);
            return true;
        }
    }
    return false;
}

/* NOT_IMAGE if the note is not among these. */
static enum simg_status read_notes(struct file *f, const uint8_t *phdr, struct simg_error *e)
{
    uint64_t offset = get(phdr + 8, 8), addr = get(phdr + 16, 8), size = get(phdr + 32, 8);
    uint64_t desc = 0;
    enum simg_status status = SIMG_OK;
    struct simg_note note;
    uint8_t *notes = NULL;

    if (size > MOST_NOTES)
        return SIMG_ERR_NOT_IMAGE;
    if (!(notes = malloc(size + 1)))
        return error_memory(e);
    status = read_part(f, offset, notes, size, "a note segment", e);
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
    if (!(f->loads = calloc(count + 1, sizeof *f->loads)))
        return error_memory(e);
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *p = phdrs + i * PHDR_SIZE;
        struct load l = {get(p + 16, 8), get(p + 32, 8), get(p + 8, 8)};

        if (get(p, 4) != PT_LOAD || l.size == 0)
            continue;
        if (!inside(f, l.offset, l.size))
            return error_set(e, SIMG_ERR_FORMAT, l.offset,
                             "program header %u: its bytes are not inside the file", (unsigned)i);
        if (l.addr + l.size < l.addr)
            return error_set(e, SIMG_ERR_FORMAT, l.offset, "program header %u: its addresses wrap",
                             (unsigned)i);
        f->loads[f->load_count++] = l;
    }
    return SIMG_OK;
}

static enum simg_status read_headers(struct file *f, const uint8_t *ehdr, struct simg_error *e)
{
    uint64_t phoff = get(ehdr + 32, 8), count = get(ehdr + 56, 2);
    enum simg_status status = SIMG_OK;
    uint8_t *phdrs = NULL;

    if (get(ehdr + 54, 2) != PHDR_SIZE || count == 0)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a shared library: no program headers");
    if (!(phdrs = malloc(count * PHDR_SIZE)))
        return error_memory(e);
    status = read_part(f, phoff, phdrs, count * PHDR_SIZE, "the program headers", e);
    status = status ? status : read_loads(f, phdrs, count, e);
    if (status == SIMG_OK)
        status = SIMG_ERR_NOT_IMAGE;
    for (uint64_t i = 0; status == SIMG_ERR_NOT_IMAGE && i < count; i++)
        if (get(phdrs + i * PHDR_SIZE, 4) == PT_NOTE)
            status = read_notes(f, phdrs + i * PHDR_SIZE, e);
    free(phdrs);
    if (status == SIMG_ERR_NOT_IMAGE)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: it has no note that says so");
    return status;
}

enum simg_status file_begin(int fd, struct file *f, struct simg_error *e)
{
    uint8_t ehdr[EHDR_SIZE];
    enum simg_status status = SIMG_OK;

    *f = (struct file){.fd = fd};
    if (!map_file_size(fd, &f->size))
        return error_system(e, errno, "cannot use the file");
    if (f->size < EHDR_SIZE)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: %u bytes long",
                         (unsigned)f->size);
    if ((status = read_part(f, 0, ehdr, EHDR_SIZE, "the ELF header", e)) != SIMG_OK)
        return status;
    if (memcmp(ehdr, "\177ELF", 4) != 0)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: not an ELF file");
    if (ehdr[4] != 2 || ehdr[5] != 1 || get(ehdr + 16, 2) != ET_DYN)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0,
                         "not a sysimage: not a 64-bit little-endian shared library");
    return read_headers(f, ehdr, e);
}

void file_end(struct file *f)
{
    free(f->loads);
    *f = (struct file){.fd = -1};
}
