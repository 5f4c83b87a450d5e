/* SPDX-License-Identifier: MIT */
/* image_open.c - open and close images. */

#include "runtime/image.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The caller's options, whatever size they had when it was compiled. */
static enum simg_status read_options(const struct simg_options *from, struct simg_options *to,
                                     struct simg_error *e)
{
    *to = (struct simg_options){.size = sizeof *to};
    if (!from)
        return SIMG_OK;
    if (from->size < sizeof from->size || from->size > 4096)
        return error_set(e, SIMG_ERR_ARGUMENT, 0, "options: their size is not set");
    for (size_t i = sizeof *to; i < from->size; i++)
        if (((const uint8_t *)from)[i])
            return error_set(e, SIMG_ERR_UNSUPPORTED, 0,
                             "options: this library is older than one of them");
    memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
    if (to->verify > SIMG_VERIFY_NONE || to->flags > 7 ||
        ((to->flags & SIMG_OPEN_MAP) && (to->flags & SIMG_OPEN_DLOPEN)) ||
        ((to->flags & SIMG_OPEN_DLOPEN) && to->resolve))
        return error_set(e, SIMG_ERR_ARGUMENT, 0, "options: they contradict each other");
    return SIMG_OK;
}

/* The table in the image's memory is aligned by its linker; a copy is by malloc(). */
static enum simg_status read_table(struct simg *image, const struct file *f, struct simg_error *e)
{
    uint64_t offset = 0;

    if (!file_place(f, f->table, f->table_size, &offset))
        return error_set(e, SIMG_ERR_FORMAT, 0, "the table is not in the file");
    if (!(image->copy = malloc(f->table_size + 8)))
        return error_memory(e);
    if (!map_read(f->fd, offset, image->copy, f->table_size))
        return errno ? error_system(e, errno, "cannot read the table")
                     : error_set(e, SIMG_ERR_FORMAT, offset, "the file got shorter");
    return table_check(image->copy, f->table_size, &image->table, e);
}

static enum simg_status place_heaps(struct simg *image, struct simg_error *e)
{
    image->heaps = calloc(image->table.head->heap_count, sizeof *image->heaps);
    return image->heaps ? SIMG_OK : error_memory(e);
}

/* ---- an image that the system's loader has ---- */

/* The module that an address is in, and its table. */
struct module {
    uintptr_t address;
    const uint8_t *table; /* NULL: no note */
    uint64_t size;
    bool found;
};

static bool is_in(const struct dl_phdr_info *info, uintptr_t address, uint64_t size)
{
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + p->p_vaddr;

        if (p->p_type == PT_LOAD && address >= from && address - from < p->p_memsz &&
            size <= p->p_memsz - (address - from))
            return true;
    }
    return false;
}

static void look_for_note(struct module *m, const uint8_t *at, size_t size)
{
    while (size >= 12 && !m->table) {
        uint32_t name = 0, desc = 0, type = 0;
        struct simg_note note;
        size_t skip = 0;

        memcpy(&name, at, 4);
        memcpy(&desc, at + 4, 4);
        memcpy(&type, at + 8, 4);
        skip = 12 + (((size_t)name + 3) & ~(size_t)3);
        if (skip > size || desc > size - skip)
            return;
        if (type == SIMG_NOTE_TABLE && name == sizeof SIMG_NOTE_NAME &&
            memcmp(at + 12, SIMG_NOTE_NAME, name) == 0 && desc >= sizeof note) {
            memcpy(&note, at + skip, sizeof note);
            m->table = at + skip + note.table;
            m->size = note.size;
            return;
        }
        skip += ((size_t)desc + 3) & ~(size_t)3;
        at += skip < size ? skip : size;
        size -= skip < size ? skip : size;
    }
}

static int look_at_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct module *m = arg;

    (void)size;
    if (!is_in(info, m->address, 1))
        return 0;
    m->found = true;
    for (unsigned i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_NOTE)
            look_for_note(m, (const uint8_t *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr,
                          info->dlpi_phdr[i].p_memsz);
    if (m->table && !is_in(info, (uintptr_t)m->table, m->size))
        m->table = NULL;
    return 1;
}

static enum simg_status use_loaded(struct simg *image, const void *address,
                                   const struct simg_options *o, struct simg_error *e)
{
    struct module m = {.address = (uintptr_t)address};
    enum simg_status status = SIMG_OK;

    dl_iterate_phdr(look_at_module, &m);
    if (!m.found)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "no loaded library has that address");
    if (!m.table || (uintptr_t)m.table % 8)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: it has no note that says so");
    status = table_check(m.table, m.size, &image->table, e);
    if (status == SIMG_OK && o->verify != SIMG_VERIFY_NONE)
        status = table_checksum(&image->table, e);
    status = status ? status : table_match(&image->table, o, e);
    status = status ? status : place_heaps(image, e);
    for (uint32_t i = 0; status == SIMG_OK && i < image->table.head->heap_count; i++) {
        const struct simg_table_heap *h = &image->table.heaps[i];

        image->heaps[i].at = (uint8_t *)(uintptr_t)m.table + h->at;
        image->heaps[i].relocated =
            h->mode == SIMG_MODE_PRELINKED && (uintptr_t)image->heaps[i].at != h->base;
    }
    return status;
}

/* ---- opening ---- */

/* Forget the table that was read from the file: the loaded one is used. */
static enum simg_status load(struct simg *image, const char *path, const struct simg_options *o,
                             struct simg_error *e)
{
    struct link_map *map = NULL;

    free(image->copy);
    free(image->heaps);
    image->copy = NULL;
    image->heaps = NULL;
    image->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!image->handle)
        return error_set(e, SIMG_ERR_SYSTEM, 0, "%.180s", dlerror());
    if (dlinfo(image->handle, RTLD_DI_LINKMAP, &map) != 0)
        return error_set(e, SIMG_ERR_SYSTEM, 0, "%.180s", dlerror());
    return use_loaded(image, map->l_ld, o, e);
}

static enum simg_status check_file(struct simg *image, const struct file *f,
                                   const struct simg_options *o, struct simg_error *e)
{
    enum simg_status status = read_table(image, f, e);

    if (status == SIMG_OK && o->verify != SIMG_VERIFY_NONE)
        status = table_checksum(&image->table, e);
    status = status ? status : table_match(&image->table, o, e);
    if (status == SIMG_OK && o->verify == SIMG_VERIFY_FULL)
        status = image_verify(&image->table, f, e);
    return status ? status : place_heaps(image, e);
}

static enum simg_status open_file(struct simg *image, int fd, const char *path,
                                  const struct simg_options *o, struct simg_error *e)
{
    bool must_map = (o->flags & (SIMG_OPEN_MAP | SIMG_OPEN_IN_PLACE)) || o->resolve;
    enum simg_status status = SIMG_OK;
    struct file f;
    bool mapped = false;

    status = file_begin(fd, &f, e);
    status = status ? status : check_file(image, &f, o, e);
    if (status == SIMG_OK && !(o->flags & SIMG_OPEN_DLOPEN) && image_can_map(&image->table)) {
        status = image_map(image, &f, o, e);
        /* Libraries that the image names may define what the process does not. */
        mapped = status != SIMG_ERR_SYMBOL || must_map;
    } else if (status == SIMG_OK && must_map) {
        status = error_set(
            e, SIMG_ERR_UNSUPPORTED, 0, "the heap needs the system's loader: it is %s",
            image->table.heaps[0].flags & SIMG_HEAP_NEEDS_IMAGE ? "one with the rest of the image"
                                                                : "relocated by it");
    }
    if ((status == SIMG_OK || status == SIMG_ERR_SYMBOL) && !mapped) {
        error_clear(e);
        status = load(image, path, o, e);
    }
    file_end(&f);
    return status;
}

static enum simg_status finish(struct simg *image, enum simg_status status, struct simg **out)
{
    if (status != SIMG_OK)
        simg_close(image);
    else
        *out = image;
    return status;
}

enum simg_status simg_open_fd(int fd, const struct simg_options *options, struct simg **out,
                              struct simg_error *error)
{
    struct simg *image = calloc(1, sizeof *image);
    struct simg_options o;
    char path[64];
    enum simg_status status = SIMG_OK;

    error_clear(error);
    *out = NULL;
    if (!image)
        return error_memory(error);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    status = read_options(options, &o, error);
    status = status ? status : open_file(image, fd, path, &o, error);
    return finish(image, status, out);
}

enum simg_status simg_open(const char *path, const struct simg_options *options, struct simg **out,
                           struct simg_error *error)
{
    struct simg *image = calloc(1, sizeof *image);
    struct simg_options o;
    enum simg_status status = SIMG_OK;
    char *real = NULL;
    int fd = -1;

    error_clear(error);
    *out = NULL;
    if (!image)
        return error_memory(error);
    status = read_options(options, &o, error);
    if (status == SIMG_OK && (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        status = error_system(error, errno, "%.128s", path);
    /* dlopen() searches for a name without a slash elsewhere. */
    if (status == SIMG_OK && !(real = realpath(path, NULL)))
        status = error_system(error, errno, "%.128s", path);
    status = status ? status : open_file(image, fd, real, &o, error);
    free(real);
    if (fd >= 0)
        close(fd);
    return finish(image, status, out);
}

enum simg_status simg_open_loaded(const void *address, const struct simg_options *options,
                                  struct simg **out, struct simg_error *error)
{
    struct simg *image = calloc(1, sizeof *image);
    struct simg_options o;
    enum simg_status status = SIMG_OK;

    error_clear(error);
    *out = NULL;
    if (!image)
        return error_memory(error);
    status = read_options(options, &o, error);
    status = status ? status : use_loaded(image, address, &o, error);
    return finish(image, status, out);
}

void simg_close(struct simg *image)
{
    if (!image)
        return;
    image_unmap(image);
    if (image->handle)
        dlclose(image->handle);
    free(image->heaps);
    free(image->copy);
    free(image);
}
