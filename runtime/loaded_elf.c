/* SPDX-License-Identifier: MIT */
/* loaded_elf.c - modules of systems that load ELF (loaded.h). */

#if !defined __APPLE__ && !defined _WIN32

#include "runtime/image.h"
#include "runtime/loaded.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

bool loaded_has(const struct loaded *m, uintptr_t address, uint64_t size)
{
    const ElfW(Phdr) *phdrs = m->headers;

    for (unsigned i = 0; i < m->count; i++) {
        const ElfW(Phdr) *p = &phdrs[i];
        uintptr_t from = m->bias + p->p_vaddr;

        if (p->p_type == PT_LOAD && address >= from && address - from < p->p_memsz &&
            size <= p->p_memsz - (address - from))
            return true;
    }
    return false;
}

struct search {
    uintptr_t address;
    struct loaded *out;
    enum simg_status status;
    struct simg_error *e;
};

static int look_at_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct search *s = arg;
    struct loaded m = {
        .headers = info->dlpi_phdr, .count = info->dlpi_phnum, .bias = info->dlpi_addr};

    (void)size;
    if (!loaded_has(&m, s->address, 1))
        return 0;
    for (unsigned i = 0; s->status == SIMG_ERR_NOT_IMAGE && i < m.count; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        const uint8_t *at = (const uint8_t *)info->dlpi_addr + p->p_vaddr;
        struct simg_note note;
        uint64_t desc = 0;

        if (p->p_type != PT_NOTE || !loaded_has(&m, (uintptr_t)at, p->p_memsz))
            continue;
        s->status = note_find(at, p->p_memsz, &desc, &note, s->e);
        if (s->status == SIMG_OK) {
            m.table = at + desc + note.table;
            m.table_size = note.size;
        }
    }
    *s->out = m;
    return 1;
}

enum simg_status loaded_find(const void *address, struct loaded *out, struct simg_error *e)
{
    struct search s = {
        .address = (uintptr_t)address, .out = out, .status = SIMG_ERR_NOT_IMAGE, .e = e};

    if (!dl_iterate_phdr(look_at_module, &s))
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "no loaded library has that address");
    if (s.status == SIMG_ERR_NOT_IMAGE)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: it has no note that says so");
    return s.status;
}

void loaded_close(void *handle) { dlclose(handle); }

void *loaded_symbol(const char *name) { return dlsym(RTLD_DEFAULT, name); }

enum simg_status loaded_open(const char *name, void **handle, const void **inside,
                             struct simg_error *e)
{
    struct link_map *map = NULL;

    *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!*handle || dlinfo(*handle, RTLD_DI_LINKMAP, &map) != 0)
        return error_set(e, SIMG_ERR_SYSTEM, 0, "%.180s", dlerror());
    *inside = map->l_ld;
    return SIMG_OK;
}

/* A loader takes a name that it has seen for the library it found there then:
   descriptors are used again, and files replaced.  So this name of FD tells
   its file, which is one file as long as it is loaded: "/" and "./" lead
   nowhere, and stand for the bits of its number. */
bool loaded_name(int fd, char name[LOADED_NAME])
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

#endif
