/* SPDX-License-Identifier: MIT */
/* image_loaded.c - images that the system's loader has, or is to load. */

#include "runtime/image.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is in memory ---- */

/* The module that an address is in, and its table. */
struct module {
    uintptr_t address;
    struct dl_phdr_info info; /* its headers stay as long as it is loaded */
    const uint8_t *table;
    uint64_t size;
    enum simg_status status; /* NOT_IMAGE: no module, or no note in it */
    struct simg_error *e;
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

static int look_at_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct module *m = arg;

    (void)size;
    if (!is_in(info, m->address, 1))
        return 0;
    m->info = *info;
    for (unsigned i = 0; m->status == SIMG_ERR_NOT_IMAGE && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        const uint8_t *at = (const uint8_t *)info->dlpi_addr + p->p_vaddr;
        struct simg_note note;
        uint64_t desc = 0;

        if (p->p_type != PT_NOTE || !is_in(info, (uintptr_t)at, p->p_memsz))
            continue;
        m->status = note_find(at, p->p_memsz, &desc, &note, m->e);
        if (m->status == SIMG_OK) {
            m->table = at + desc + note.table;
            m->size = note.size;
        }
    }
    return 1;
}

/* Where the heaps are: inside of the module, whatever the table says. */
static enum simg_status find_heaps(struct simg *image, const struct module *m, struct simg_error *e)
{
    for (uint32_t i = 0; i < image->table.head->heap_count; i++) {
        const struct simg_table_heap *h = &image->table.heaps[i];
        uintptr_t at = (uintptr_t)m->table + (uintptr_t)h->at;

        for (uint32_t n = 0; n < h->segment_count; n++) {
            const struct simg_table_segment *s = &image->table.segments[h->first_segment + n];

            if (!is_in(&m->info, at + s->addr, s->size))
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
    struct module m = {.address = (uintptr_t)address, .status = SIMG_ERR_NOT_IMAGE, .e = e};
    enum simg_status status = SIMG_OK;

    if (!dl_iterate_phdr(look_at_module, &m))
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "no loaded library has that address");
    if (m.status == SIMG_ERR_NOT_IMAGE)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: it has no note that says so");
    if (m.status != SIMG_OK)
        return m.status;
    if (!is_in(&m.info, (uintptr_t)m.table, m.size) || (uintptr_t)m.table % 8)
        return error_set(e, SIMG_ERR_FORMAT, 0, "the table is not in the image, or not aligned");
    status = table_check(m.table, m.size, &image->table, e);
    if (status == SIMG_OK && o->verify != SIMG_VERIFY_NONE)
        status = table_checksum(&image->table, e);
    status = status ? status : table_match(&image->table, o, e);
    status = status ? status : image_place(image, e);
    return status ? status : find_heaps(image, &m, e);
}

/* ---- what is to be loaded ---- */

/* A loader takes a name that it has seen for the library it found there then:
   descriptors are used again, and files replaced.  So this name of FD tells
   its file, which is one file as long as it is loaded: "/" and "./" lead
   nowhere, and stand for the bits of its number. */
static bool name_of(int fd, char name[400])
{
    static const char begin[] = "/proc/self/fd/";
    uint64_t id[2];
    char *p = name + sizeof begin - 1;

    if (!map_file_id(fd, id))
        return false;
    memcpy(name, begin, sizeof begin);
    for (unsigned i = 0; i < 128; i++) {
        if (id[i / 64] >> i % 64 & 1)
            *p++ = '.';
        *p++ = '/';
    }
    sprintf(p, "%d", fd);
    return true;
}

/* Is it the file whose table was read that the system's loader has as NAME? */
static enum simg_status try_load(struct simg *image, const struct table *want, const char *name,
                                 const struct simg_options *o, bool *same, struct simg_error *e)
{
    struct link_map *map = NULL;
    enum simg_status status = SIMG_OK;

    *same = true;
    image->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!image->handle || dlinfo(image->handle, RTLD_DI_LINKMAP, &map) != 0)
        return error_set(e, SIMG_ERR_SYSTEM, 0, "%.180s", dlerror());
    status = image_use_loaded(image, map->l_ld, o, e);
    *same = status == SIMG_OK && image->table.head->size == want->head->size &&
            memcmp(image->table.at, want->at, want->head->size) == 0;
    if (*same)
        return SIMG_OK;
    free(image->heaps);
    image->heaps = NULL;
    dlclose(image->handle);
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
    char name[400];

    free(image->heaps);
    image->heaps = NULL;
    /* By its path if that does, for debuggers and for what is found beside it. */
    if (path)
        status = try_load(image, &want, path, o, &same, e);
    if (!same) {
        error_clear(e);
        status = name_of(f->fd, name) ? try_load(image, &want, name, o, &same, e)
                                      : error_system(e, errno, "cannot use the file");
    }
    free(image->copy);
    image->copy = NULL;
    return status;
}
