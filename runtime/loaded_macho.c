/* SPDX-License-Identifier: MIT */
/* loaded_macho.c - modules of macOS (loaded.h). */

#if defined __APPLE__

#include "runtime/loaded.h"
#include "sysimage/format.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <mach-o/dyld.h>
#include <mach-o/loader.h>
#include <stdio.h>
#include <string.h>

_Static_assert(LOADED_NAME >= 1024, "F_GETPATH writes up to MAXPATHLEN bytes");

/* The segments of H one after another: the next one after AFTER, or the first. */
static const struct segment_command_64 *next_segment(const struct mach_header_64 *h,
                                                     const struct segment_command_64 *after)
{
    const uint8_t *at = (const uint8_t *)(h + 1), *end = at + h->sizeofcmds;
    bool passed = !after;

    while (end - at >= (ptrdiff_t)sizeof(struct load_command)) {
        const struct load_command *c = (const void *)at;

        if (c->cmd == LC_SEGMENT_64 && passed)
            return (const void *)at;
        passed = passed || (const void *)c == (const void *)after;
        at += c->cmdsize;
    }
    return NULL;
}

bool loaded_has(const struct loaded *m, uintptr_t address, uint64_t size)
{
    const struct segment_command_64 *s = NULL;

    while ((s = next_segment(m->headers, s))) {
        uintptr_t from = m->bias + s->vmaddr;

        if (address >= from && address - from < s->vmsize && size <= s->vmsize - (address - from))
            return true;
    }
    return false;
}

static void find_table(const struct segment_command_64 *s, struct loaded *m)
{
    const struct section_64 *sections = (const void *)(s + 1);

    for (uint32_t i = 0; i < s->nsects; i++)
        if (!strncmp(sections[i].sectname, SIMG_MACHO_SECTION, 16)) {
            m->table = (const uint8_t *)(m->bias + sections[i].addr);
            m->table_size = sections[i].size;
        }
}

enum simg_status loaded_find(const void *address, struct loaded *out, struct simg_error *e)
{
    const struct segment_command_64 *s = NULL;
    Dl_info info;

    *out = (struct loaded){0};
    if (!dladdr(address, &info))
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "no loaded library has that address");
    out->headers = info.dli_fbase;
    while ((s = next_segment(out->headers, s)))
        if (!strncmp(s->segname, SIMG_MACHO_SEGMENT, 16)) {
            out->bias = (uintptr_t)info.dli_fbase - s->vmaddr;
            find_table(s, out);
        }
    if (out->table)
        return SIMG_OK;
    return error_set(e, SIMG_ERR_NOT_IMAGE, 0,
                     "not a sysimage: it has no section " SIMG_MACHO_SEGMENT
                     "," SIMG_MACHO_SECTION);
}

void loaded_close(void *handle) { dlclose(handle); }

void *loaded_symbol(const char *name) { return dlsym(RTLD_DEFAULT, name); }

/* dyld has no call from a handle to its module: it is the one whose name gives
   the same handle. */
enum simg_status loaded_open(const char *name, void **handle, const void **inside,
                             struct simg_error *e)
{
    *inside = NULL;
    *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!*handle)
        return error_set(e, SIMG_ERR_SYSTEM, 0, "%.180s", dlerror());
    for (uint32_t i = _dyld_image_count(); i-- > 0 && !*inside;) {
        const char *path = _dyld_get_image_name(i);
        void *other = path ? dlopen(path, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD) : NULL;

        if (other == *handle)
            *inside = _dyld_get_image_header(i);
        if (other)
            dlclose(other);
    }
    return *inside
               ? SIMG_OK
               : error_set(e, SIMG_ERR_SYSTEM, 0, "the loader does not tell where the image is");
}

bool loaded_name(int fd, char name[LOADED_NAME]) { return fcntl(fd, F_GETPATH, name) != -1; }

/* ---- all of them ---- */

static void find_uuid(const struct mach_header_64 *h, char out[LOADED_BUILD])
{
    const uint8_t *at = (const uint8_t *)(h + 1), *end = at + h->sizeofcmds;

    while (end - at >= (ptrdiff_t)sizeof(struct load_command)) {
        const struct load_command *c = (const void *)at;

        if (c->cmd == LC_UUID)
            loaded_hex(out, at + sizeof *c, 16);
        at += c->cmdsize;
    }
}

static void tell_range(const struct mach_header_64 *h, struct loaded_module *m)
{
    const struct segment_command_64 *s = NULL;

    m->from = UINTPTR_MAX;
    while ((s = next_segment(h, s))) {
        uintptr_t from = m->bias + s->vmaddr, to = from + s->vmsize;

        if (s->filesize == 0 || s->vmsize == 0) /* page zero */
            continue;
        m->from = from < m->from ? from : m->from;
        m->to = to > m->to ? to : m->to;
    }
}

void loaded_each(bool (*each)(void *arg, const struct loaded_module *m), void *arg)
{
    bool go_on = true;

    for (uint32_t i = 0; go_on && i < _dyld_image_count(); i++) {
        const struct mach_header_64 *h = (const void *)_dyld_get_image_header(i);
        const char *name = _dyld_get_image_name(i), *slash = name ? strrchr(name, '/') : NULL;
        struct loaded_module m = {.program = i == 0};

        if (!h || !name)
            continue;
        m.bias = (uintptr_t)_dyld_get_image_vmaddr_slide(i);
        snprintf(m.name, sizeof m.name, "%s", m.program ? "[program]" : slash ? slash + 1 : name);
        find_uuid(h, m.build);
        tell_range(h, &m);
        go_on = m.from >= m.to || each(arg, &m);
    }
}

#endif
