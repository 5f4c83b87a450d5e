/* SPDX-License-Identifier: MIT */
/* image_open.c - open and close images. */

#include "runtime/image.h"
#include "runtime/loaded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
        ((to->flags & SIMG_OPEN_DLOPEN) &&
         ((to->flags & (SIMG_OPEN_MAP | SIMG_OPEN_IN_PLACE)) || to->resolve)))
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

enum simg_status image_place(struct simg *image, struct simg_error *e)
{
    image->heaps = calloc(image->table.head->heap_count, sizeof *image->heaps);
    return image->heaps ? SIMG_OK : error_memory(e);
}

/* ---- opening ---- */

enum simg_status image_check(struct simg *image, const struct file *f, const struct simg_options *o,
                             struct simg_error *e)
{
    enum simg_status status = read_table(image, f, e);

    if (status == SIMG_OK && o->verify != SIMG_VERIFY_NONE)
        status = table_checksum(&image->table, e);
    status = status ? status : table_match(&image->table, o, e);
    if (status == SIMG_OK && o->verify == SIMG_VERIFY_FULL)
        status = image_verify(&image->table, f, e);
    return status ? status : image_place(image, e);
}

/* PATH: for the system's loader; NULL: there is none. */
static enum simg_status open_file(struct simg *image, int fd, const char *path,
                                  const struct simg_options *o, struct simg_error *e)
{
    bool must_map = (o->flags & (SIMG_OPEN_MAP | SIMG_OPEN_IN_PLACE)) || o->resolve;
    enum simg_status status = SIMG_OK;
    struct file f;
    bool mapped = false;

    status = file_begin(fd, &f, e);
    status = status ? status : image_check(image, &f, o, e);
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
        status = image_load(image, &f, path, o, e);
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
    enum simg_status status = SIMG_OK;

    error_clear(error);
    *out = NULL;
    if (!image)
        return error_memory(error);
    status = read_options(options, &o, error);
    status = status ? status : open_file(image, fd, NULL, &o, error);
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
    if (status == SIMG_OK && !map_open(path, &fd))
        status = error_system(error, errno, "%.128s", path);
    /* dlopen() searches for a name without a slash elsewhere. */
    if (status == SIMG_OK && !(real = map_real_path(path)))
        status = error_system(error, errno, "%.128s", path);
    status = status ? status : open_file(image, fd, real, &o, error);
    free(real);
    if (fd >= 0)
        map_close(fd);
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
    status = status ? status : image_use_loaded(image, address, &o, error);
    return finish(image, status, out);
}

void simg_close(struct simg *image)
{
    if (!image)
        return;
    image_unmap(image);
    if (image->handle)
        loaded_close(image->handle);
    free(image->heaps);
    free(image->copy);
    free(image);
}
