/* SPDX-License-Identifier: MIT */
/* image_loaded.c - images that the system's loader has, or is to load. */

#include "runtime/image.h"
#include "runtime/loaded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is in memory ---- */

/* Where the heaps are: inside of the module, whatever the table says. */
static enum simg_status find_heaps(struct simg *image, const struct loaded *m, struct simg_error *e)
{
    for (uint32_t i = 0; i < image->table.head->heap_count; i++) {
        const struct simg_table_heap *h = &image->table.heaps[i];
        uintptr_t at = (uintptr_t)m->table + (uintptr_t)h->at;

        for (uint32_t n = 0; n < h->segment_count; n++) {
            const struct simg_table_segment *s = &image->table.segments[h->first_segment + n];

            if (!loaded_has(m, at + s->addr, s->size))
                return error_set(e, SIMG_ERR_FORMAT, s->addr,
                                 "the segment at heap address 0x%llx is not in the image",
                                 (unsigned long long)s->addr);
        }
        image->heaps[i].at = (uint8_t *)at;
        image->heaps[i].relocated = h->mode == SIMG_MODE_PRELINKED && at != h->base;
    }
    return SIMG_OK;
}

enum simg_status image_use_loaded(struct simg *image, const void *address,
                                  const struct simg_options *o, struct simg_error *e)
{
    struct loaded m = {0};
    enum simg_status status = loaded_find(address, &m, e);

    if (status != SIMG_OK)
        return status;
    if (!loaded_has(&m, (uintptr_t)m.table, m.table_size) || (uintptr_t)m.table % 8)
        return error_set(e, SIMG_ERR_FORMAT, 0, "the table is not in the image, or not aligned");
    status = table_check(m.table, m.table_size, &image->table, e);
    if (status == SIMG_OK && o->verify != SIMG_VERIFY_NONE)
        status = table_checksum(&image->table, e);
    status = status ? status : table_match(&image->table, o, e);
    status = status ? status : image_place(image, e);
    return status ? status : find_heaps(image, &m, e);
}

/* ---- what is to be loaded ---- */

/* Is it the file whose table was read that the system's loader has as NAME? */
static enum simg_status try_load(struct simg *image, const struct table *want, const char *name,
                                 const struct simg_options *o, bool *same, struct simg_error *e)
{
    const void *inside = NULL;
    enum simg_status status = loaded_open(name, &image->handle, &inside, e);

    *same = true;
    if (status != SIMG_OK)
        return status;
    status = image_use_loaded(image, inside, o, e);
    *same = status == SIMG_OK && image->table.head->size == want->head->size &&
            memcmp(image->table.at, want->at, want->head->size) == 0;
    if (*same)
        return SIMG_OK;
    free(image->heaps);
    image->heaps = NULL;
    loaded_close(image->handle);
    image->handle = NULL;
    return error_set(e, SIMG_ERR_SYSTEM, 0,
                     "the system's loader has another version of this file loaded");
}

enum simg_status image_load(struct simg *image, const struct file *f, const char *path,
                            const struct simg_options *o, struct simg_error *e)
{
    const struct table want = image->table;
    enum simg_status status = SIMG_OK;
    bool same = false;
    char name[LOADED_NAME];

    free(image->heaps);
    image->heaps = NULL;
    /* By its path if that does, for debuggers and for what is found beside it. */
    if (path)
        status = try_load(image, &want, path, o, &same, e);
    if (!same) {
        error_clear(e);
        status = loaded_name(f->fd, name) ? try_load(image, &want, name, o, &same, e)
                                          : error_system(e, errno, "cannot use the file");
    }
    free(image->copy);
    image->copy = NULL;
    return status;
}
