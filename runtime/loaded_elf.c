/* SPDX-License-Identifier: MIT */
/* loaded_elf.c - modules of systems that load ELF (loaded.h). */

#if !defined __APPLE__ && !defined _WIN32

#include "runtime/image.h"
#include "runtime/loaded.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

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

/* ---- all of them ---- */

enum { NT_GNU_BUILD = 3 };

/* The build-id among the notes of P, which are in memory. */
static bool find_build(const ElfW(Phdr) *p, uintptr_t bias, char out[LOADED_BUILD])
{
    const uint8_t *at = (const uint8_t *)bias + p->p_vaddr;
    uint64_t size = p->p_memsz, pos = 0;
    uint32_t head[3];

    while (pos <= size && size - pos >= sizeof head) {
        uint64_t body = pos + sizeof head, desc = 0;

        memcpy(head, at + pos, sizeof head);
        desc = body + ((head[0] + 3ull) & ~3ull);
        if (desc > size || head[1] > size - desc)
            return false;
        if (head[2] == NT_GNU_BUILD && head[0] == 4 && memcmp(at + body, "GNU", 4) == 0) {
            loaded_hex(out, at + desc, head[1]);
            return true;
        }
        pos = desc + ((head[1] + 3ull) & ~3ull);
    }
    return false;
}

/* Of a module without a build-id: what is in its code. */
static void hash_build(const struct dl_phdr_info *info, char out[LOADED_BUILD])
{
    uint64_t hash = 0;

    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];

        if (p->p_type == PT_LOAD && (p->p_flags & PF_X) && (p->p_flags & PF_R))
            hash = XXH3_64bits_withSeed((const uint8_t *)info->dlpi_addr + p->p_vaddr, p->p_filesz,
                                        hash);
    }
    loaded_hex(out, (const uint8_t *)&hash, sizeof hash);
}

static void set_name(char to[64], const char *path)
{
    const char *slash = strrchr(path, '/');

    path = slash ? slash + 1 : path;
    snprintf(to, 64, "%s", *path ? path : "[program]");
}

/* Whether M, which begins with its headers, cannot be anywhere else. */
static bool is_fixed(const struct loaded_module *m)
{
    const ElfW(Ehdr) *h = (const ElfW(Ehdr) *)m->from;

    return m->program && m->bias == 0 && memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 &&
           h->e_type == ET_EXEC;
}

struct each {
    bool (*call)(void *arg, const struct loaded_module *m);
    void *arg;
    bool second;
};

static int tell_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct each *e = arg;
    struct loaded_module m = {.bias = info->dlpi_addr, .from = UINTPTR_MAX, .program = !e->second};
    bool found = false;

    (void)size;
    e->second = true;
    set_name(m.name, m.program ? "" : info->dlpi_name);
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + p->p_vaddr, to = from + p->p_memsz;

        if (p->p_type == PT_LOAD) {
            m.from = from < m.from ? from : m.from;
            m.to = to > m.to ? to : m.to;
        } else if (p->p_type == PT_NOTE && !found) {
            found = find_build(p, info->dlpi_addr, m.build);
        }
    }
    if (!found)
        hash_build(info, m.build);
    m.fixed = m.from < m.to && is_fixed(&m);
    return m.from < m.to && !e->call(e->arg, &m);
}

void loaded_each(bool (*each)(void *arg, const struct loaded_module *m), void *arg)
{
    struct each e = {each, arg, false};

    dl_iterate_phdr(tell_module, &e);
}

#endif
