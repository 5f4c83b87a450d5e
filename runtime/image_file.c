/* SPDX-License-Identifier: MIT */
/* image_file.c - from a file to its sysimage table, whatever its format.
 *
 * Headers are believed only as far as they lead inside the file. */

#include "runtime/image_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t file_uint(const uint8_t *p, unsigned n)
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

enum simg_status file_part(const struct file *f, uint64_t offset, void *to, uint64_t size,
                           const char *what, struct simg_error *e)
{
    if (!inside(f, offset, size))
        return error_set(e, SIMG_ERR_FORMAT, offset, "%s: past the end of the file", what);
    if (map_read(f->fd, f->start + offset, to, size))
        return SIMG_OK;
    return errno ? error_system(e, errno, "cannot read %s", what)
                 : error_set(e, SIMG_ERR_FORMAT, offset, "%s: the file got shorter", what);
}

enum simg_status file_room(struct file *f, uint64_t count, struct simg_error *e)
{
    f->loads = calloc(count + 1, sizeof *f->loads);
    return f->loads ? SIMG_OK : error_memory(e);
}

enum simg_status file_add_load(struct file *f, const struct load *l, const char *what,
                               unsigned index, struct simg_error *e)
{
    if (!inside(f, l->offset, l->size))
        return error_set(e, SIMG_ERR_FORMAT, l->offset, "%s %u: its bytes are not inside the file",
                         what, index);
    if (l->addr + l->size < l->addr)
        return error_set(e, SIMG_ERR_FORMAT, l->offset, "%s %u: its addresses wrap", what, index);
    f->loads[f->load_count++] = *l;
    return SIMG_OK;
}

bool file_place(const struct file *f, uint64_t addr, uint64_t size, uint64_t *offset)
{
    for (uint32_t i = 0; i < f->load_count; i++) {
        const struct load *l = &f->loads[i];

        if (addr >= l->addr && addr - l->addr <= l->size && size <= l->size - (addr - l->addr)) {
            *offset = f->start + l->offset + (addr - l->addr);
            return true;
        }
    }
    return false;
}

enum simg_status file_begin(int fd, struct file *f, struct simg_error *e)
{
    static const struct file_format *const formats[] = {&file_elf, &file_macho, &file_universal,
                                                    &file_pe};
    uint8_t head[FILE_HEAD];
    enum simg_status status = SIMG_OK;

    *f = (struct file){.fd = fd};
    if (!map_file_size(fd, &f->size))
        return error_system(e, errno, "cannot use the file");
    if (f->size < FILE_HEAD)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: %u bytes long",
                         (unsigned)f->size);
    if ((status = file_part(f, 0, head, FILE_HEAD, "the header", e)) != SIMG_OK)
        return status;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i]->is(head))
            return formats[i]->read(f, head, e);
    return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: neither ELF, Mach-O nor PE");
}

void file_end(struct file *f)
{
    free(f->loads);
    *f = (struct file){.fd = -1};
}
