/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dylibload.c - a loader for Mach-O dynamic libraries on Linux, for tests.
 *
 *   dylibload FILE... [-- FUNCTION [NUMBER]]
 *
 * Loads each FILE: maps its segments with their rights, fixes its pointers
 * (chained fixups or opcodes), binds symbols to the files before it and to
 * the C library of this system, runs its initialisers.  Then FUNCTION of the
 * last FILE is called with NUMBER, and its result printed.
 *
 * Stricter than dyld where a writer could go wrong: what is not aligned to a
 * page (16 KiB on arm64), not found, or not inside its segment ends it.  Knows this CPU only.
 * Exceptions do not pass: nothing here reads unwind tables.  Linked with
 * dylibfix.c. */

#include "dylibload.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct image images[MAX_IMAGES];
static unsigned image_count;

const uint8_t *at(const struct image *m, uint64_t offset, uint64_t size)
{
    if (offset > m->size || size > m->size - offset)
        errx(70, "%s: 0x%" PRIx64 " bytes at 0x%" PRIx64 " are not in the file", m->path, size,
             offset);
    return m->file + offset;
}

uint64_t uleb(const uint8_t **p, const uint8_t *end)
{
    uint64_t v = 0;
    unsigned shift = 0;

    do {
        if (*p >= end || shift > 63)
            errx(70, "a number does not end");
        v |= (uint64_t)(**p & 0x7f) << shift;
        shift += 7;
    } while (*(*p)++ & 0x80);
    return v;
}

int64_t sleb(const uint8_t **p, const uint8_t *end)
{
    uint64_t v = 0;
    unsigned shift = 0;
    uint8_t byte;

    do {
        if (*p >= end || shift > 63)
            errx(70, "a number does not end");
        byte = *(*p)++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (byte & 0x40 && shift < 64)
        v |= ~UINT64_C(0) << shift;
    return (int64_t)v;
}

/* ---- thread-local variables ---- */

struct tlv {
    void *(*thunk)(struct tlv *);
    uint64_t key, offset;
};

static __thread uint8_t *tls_blocks[MAX_IMAGES];

__attribute__((used)) void *tlv_find(struct tlv *d)
{
    struct image *m = &images[d->key];

    if (!tls_blocks[d->key]) {
        tls_blocks[d->key] = aligned_alloc(PAGE, (m->tls_size + PAGE) & ~(uint64_t)(PAGE - 1));
        memset(tls_blocks[d->key], 0, m->tls_size);
        memcpy(tls_blocks[d->key], m->base + m->tls_start, m->tls_copy);
    }
    if (d->offset >= m->tls_size)
        errx(70, "%s: a thread-local variable at 0x%" PRIx64 " of 0x%" PRIx64, m->path, d->offset,
             m->tls_size);
    return tls_blocks[d->key] + d->offset;
}

/* The thunk changes nothing but its result. */
void tlv_get(void);
#if defined __x86_64__
__asm__(".globl tlv_get\ntlv_get:\n"
        "push %rbp\nmov %rsp, %rbp\n"
        "push %rcx\npush %rdx\npush %rsi\npush %rdi\npush %r8\npush %r9\npush %r10\npush %r11\n"
        "sub $256, %rsp\nand $-16, %rsp\n"
        "movups %xmm0, (%rsp)\nmovups %xmm1, 16(%rsp)\nmovups %xmm2, 32(%rsp)\n"
        "movups %xmm3, 48(%rsp)\nmovups %xmm4, 64(%rsp)\nmovups %xmm5, 80(%rsp)\n"
        "movups %xmm6, 96(%rsp)\nmovups %xmm7, 112(%rsp)\n"
        "call tlv_find\n"
        "movups (%rsp), %xmm0\nmovups 16(%rsp), %xmm1\nmovups 32(%rsp), %xmm2\n"
        "movups 48(%rsp), %xmm3\nmovups 64(%rsp), %xmm4\nmovups 80(%rsp), %xmm5\n"
        "movups 96(%rsp), %xmm6\nmovups 112(%rsp), %xmm7\n"
        "lea -64(%rbp), %rsp\n"
        "pop %r11\npop %r10\npop %r9\npop %r8\npop %rdi\npop %rsi\npop %rdx\npop %rcx\n"
        "pop %rbp\nret\n");
#elif defined __aarch64__
__asm__(".globl tlv_get\ntlv_get:\n"
        "stp x29, x30, [sp, #-288]!\nmov x29, sp\n"
        "stp x1, x2, [sp, #16]\nstp x3, x4, [sp, #32]\nstp x5, x6, [sp, #48]\n"
        "stp x7, x8, [sp, #64]\nstp x9, x10, [sp, #80]\nstp x11, x12, [sp, #96]\n"
        "stp x13, x14, [sp, #112]\nstp x15, x16, [sp, #128]\n"
        "stp q0, q1, [sp, #144]\nstp q2, q3, [sp, #176]\nstp q4, q5, [sp, #208]\n"
        "stp q6, q7, [sp, #240]\n"
        "bl tlv_find\n"
        "ldp x1, x2, [sp, #16]\nldp x3, x4, [sp, #32]\nldp x5, x6, [sp, #48]\n"
        "ldp x7, x8, [sp, #64]\nldp x9, x10, [sp, #80]\nldp x11, x12, [sp, #96]\n"
        "ldp x13, x14, [sp, #112]\nldp x15, x16, [sp, #128]\n"
        "ldp q0, q1, [sp, #144]\nldp q2, q3, [sp, #176]\nldp q4, q5, [sp, #208]\n"
        "ldp q6, q7, [sp, #240]\n"
        "ldp x29, x30, [sp], #288\nret\n");
#endif

/* ---- names ---- */

/* The node of the trie that NAME ends at; its contents in *P. */
static bool trie_find(const struct image *m, const char *name, const uint8_t **p)
{
    const uint8_t *start = at(m, m->trie, m->trie_size), *end = start + m->trie_size;
    const uint8_t *node = start;

    for (;;) {
        uint64_t size = m->trie_size ? uleb(&node, end) : 0;
        const uint8_t *contents = node;
        unsigned children;

        if (!m->trie_size)
            return false;
        if (*name == 0) {
            *p = contents;
            return size > 0;
        }
        node += size;
        if (node >= end)
            errx(70, "%s: the trie ends inside a node", m->path);
        children = *node++;
        for (; children; children--) {
            const char *edge = (const char *)node;
            size_t len = strlen(edge);
            uint64_t child;

            node += len + 1;
            child = uleb(&node, end);
            if (!strncmp(edge, name, len)) {
                if (child == 0 || child >= m->trie_size)
                    errx(70, "%s: the trie leads nowhere", m->path);
                node = start + child;
                name += len;
                break;
            }
        }
        if (!children)
            return false;
    }
}

static void *export_address(const struct image *m, const char *name)
{
    const uint8_t *p, *end = m->file + m->size;
    uint64_t flags;

    if (!trie_find(m, name, &p))
        return NULL;
    flags = uleb(&p, end);
    if (flags & 0x8)
        errx(70, "%s: %s is passed on, which is not known here", m->path, name);
    if ((flags & 3) == 2)
        return (void *)uleb(&p, end);
    return m->base + uleb(&p, end);
}

/* Destructors of thread-local objects: the process ends with its thread. */
static void tlv_atexit(void (*f)(void *), void *object)
{
    (void)f;
    (void)object;
}

static void *of_system(const char *name)
{
    if (!strcmp(name, "__tlv_bootstrap"))
        return (void *)tlv_get;
    if (!strcmp(name, "__tlv_atexit"))
        return (void *)tlv_atexit;
    return *name == '_' ? dlsym(RTLD_DEFAULT, name + 1) : NULL;
}

/* Ordinals as bind opcodes have them. */
void *resolve(const char *name, const struct image *from, int ordinal, bool weak)
{
    void *found = NULL;

    if (ordinal == 0)
        return export_address(from, name);
    if (ordinal > 0) {
        const char *library;

        if ((unsigned)ordinal > from->library_count)
            errx(70, "%s: library %d of %u", from->path, ordinal, from->library_count);
        library = from->libraries[ordinal - 1];
        for (unsigned i = 0; i < image_count; i++)
            if (images[i].install_name && !strcmp(images[i].install_name, library) &&
                (found = export_address(&images[i], name)))
                return found;
        if (!strncmp(library, "/usr/lib/", 9) || !strcmp(library, "@rpath/libext.dylib"))
            found = of_system(name);
    } else { /* flat, or weak: the first of all */
        for (unsigned i = 0; i < image_count; i++)
            if ((found = export_address(&images[i], name)))
                return found;
        found = of_system(name);
    }
    if (!found && !weak)
        errx(71, "%s: symbol %s (library %d) is not found", from->path, name, ordinal);
    return found;
}

/* ---- loading ---- */

static void read_segment(struct image *m, const uint8_t *c)
{
    struct segment *s = &m->segments[m->segment_count++];

    if (m->segment_count > MAX_SEGMENTS)
        errx(70, "%s: too many segments", m->path);
    memcpy(s->name, c + 8, 16);
    s->vmaddr = u64(c + 24);
    s->vmsize = u64(c + 32);
    s->fileoff = u64(c + 40);
    s->filesize = u64(c + 48);
    s->initprot = u32(c + 60);
    s->flags = u32(c + 68);
    at(m, s->fileoff, s->filesize);
    if (s->vmaddr % PAGE || s->fileoff % PAGE)
        errx(70, "%s: %s is not aligned to a page", m->path, s->name);
    if (m->segment_count > 1) {
        const struct segment *last = s - 1;

        if (s->vmaddr < last->vmaddr + last->vmsize || s->fileoff < last->fileoff + last->filesize)
            errx(70, "%s: %s lies over %s", m->path, s->name, last->name);
    }
}

static void add_library(struct image *m, const uint8_t *c)
{
    if (m->library_count == MAX_LIBRARIES)
        errx(70, "%s: too many libraries", m->path);
    m->libraries[m->library_count++] = (const char *)c + u32(c + 8);
}

static void read_commands(struct image *m)
{
    uint32_t count = u32(at(m, 16, 4));
    uint64_t where = 32;

    if (u32(m->file) != 0xfeedfacf || u32(m->file + 12) != 6)
        errx(70, "%s: is no 64-bit dynamic library", m->path);
#if defined __x86_64__
    if (u32(m->file + 4) != 0x01000007)
#else
    if (u32(m->file + 4) != 0x0100000c)
#endif
        errx(70, "%s: is for another CPU", m->path);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *c = at(m, where, 8);
        uint32_t size = u32(c + 4);

        at(m, where, size);
        switch (u32(c)) {
        case 0x19:
            read_segment(m, c);
            break;
        case 0x0d:
            m->install_name = (const char *)c + u32(c + 8);
            break;
        case 0x0c:
        case 0x80000018:
        case 0x8000001f:
        case 0x80000023:
            add_library(m, c);
            break;
        case 0x80000033:
            m->trie = u32(c + 8);
            m->trie_size = u32(c + 12);
            break;
        case 0x80000034:
            m->fixups = u32(c + 8);
            m->fixups_size = u32(c + 12);
            break;
        case 0x80000022:
            m->has_opcodes = true;
            m->rebase = u32(c + 8);
            m->rebase_size = u32(c + 12);
            m->bind = u32(c + 16);
            m->bind_size = u32(c + 20);
            m->weak_bind = u32(c + 24);
            m->weak_bind_size = u32(c + 28);
            m->trie = u32(c + 40);
            m->trie_size = u32(c + 44);
            break;
        default:
            break;
        }
        where += size;
    }
}

static void map(struct image *m)
{
    const struct segment *last = &m->segments[m->segment_count - 1];
    uint64_t size = last->vmaddr + last->vmsize;
    uint8_t *room =
        mmap(NULL, size + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (room == MAP_FAILED)
        err(70, "%s: 0x%" PRIx64 " bytes of memory", m->path, size);
    m->base = room + (-(uintptr_t)room & (PAGE - 1));
    for (unsigned i = 0; i < m->segment_count; i++) {
        const struct segment *s = &m->segments[i];

        if (!s->vmsize)
            continue;
        if (mprotect(m->base + s->vmaddr, s->vmsize, PROT_READ | PROT_WRITE) != 0)
            err(70, "%s: %s", m->path, s->name);
        memcpy(m->base + s->vmaddr, m->file + s->fileoff,
               s->filesize < s->vmsize ? s->filesize : s->vmsize);
    }
}

static void set_rights(const struct image *m)
{
    for (unsigned i = 0; i < m->segment_count; i++) {
        const struct segment *s = &m->segments[i];
        uint32_t prot = s->flags & 0x10 ? s->initprot & ~2u : s->initprot;

        if (s->vmsize && mprotect(m->base + s->vmaddr, s->vmsize, (int)prot) != 0)
            err(70, "%s: %s", m->path, s->name);
    }
    __builtin___clear_cache((char *)m->base, (char *)m->base + m->segments[0].vmsize);
}

/* Call DO_ONE for each section of M. */
static void each_section(struct image *m, void (*do_one)(struct image *m, const uint8_t *section))
{
    uint64_t where = 32;

    for (uint32_t i = 0; i < u32(m->file + 16); i++) {
        const uint8_t *c = m->file + where;

        if (u32(c) == 0x19)
            for (uint32_t n = 0; n < u32(c + 64); n++)
                do_one(m, c + 72 + 80ull * n);
        where += u32(c + 4);
    }
}

static void prepare_tls(struct image *m, const uint8_t *s)
{
    uint32_t type = u32(s + 64) & 0xff;
    uint64_t addr = u64(s + 32), size = u64(s + 40);

    if (type == 0x11 || type == 0x12) {
        if (!m->tls_size)
            m->tls_start = addr;
        m->tls_size = addr + size - m->tls_start;
        if (type == 0x11)
            m->tls_copy = m->tls_size;
    }
    for (uint64_t i = 0; type == 0x13 && i + 24 <= size; i += 24) {
        uint64_t key = (uint64_t)(m - images);

        memcpy(m->base + addr + i + 8, &key, 8);
    }
}

static void run_inits(struct image *m, const uint8_t *s)
{
    uint32_t type = u32(s + 64) & 0xff;
    uint64_t addr = u64(s + 32), size = u64(s + 40);

    for (uint64_t i = 0; type == 0x9 && i + 8 <= size; i += 8) {
        void (*f)(int, char **, char **);

        memcpy(&f, m->base + addr + i, 8);
        f(0, NULL, NULL);
    }
    for (uint64_t i = 0; type == 0x16 && i + 4 <= size; i += 4) {
        void (*f)(int, char **, char **) =
            (void (*)(int, char **, char **))(m->base + u32(m->base + addr + i));

        f(0, NULL, NULL);
    }
}

static void load(const char *path)
{
    struct image *m = &images[image_count];
    int fd = open(path, O_RDONLY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        err(70, "%s", path);
    m->path = path;
    m->size = (uint64_t)st.st_size;
    m->file = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (m->file == MAP_FAILED)
        err(70, "%s", path);
    close(fd);
    image_count++;
    read_commands(m);
    map(m);
    if (m->fixups)
        fix_chains(m);
    if (m->has_opcodes) {
        run_rebase(m);
        run_bind(m, m->bind, m->bind_size, false);
        run_bind(m, m->weak_bind, m->weak_bind_size, true);
    }
    each_section(m, prepare_tls);
    set_rights(m);
    each_section(m, run_inits);
}

/* For heapwalk.c, which is linked with this file then. */
void *dylib_open(const char *path);
void *dylib_find(void *image, const char *name);

void *dylib_open(const char *path)
{
    load(path);
    return &images[image_count - 1];
}

void *dylib_find(void *image, const char *name)
{
    char full[4096];

    snprintf(full, sizeof full, "_%s", name);
    return export_address(image, full);
}

#ifndef WITH_DYLIB
int main(int argc, char **argv)
{
    int i = 1;
    const struct image *m;
    char name[4096];
    int64_t (*function)(int64_t);
    int64_t result;

    /* What C++ code needs beside libc; it may be absent. */
    dlopen("libstdc++.so.6", RTLD_NOW | RTLD_GLOBAL);
    dlopen("libm.so.6", RTLD_NOW | RTLD_GLOBAL);
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (image_count == MAX_IMAGES)
            errx(64, "too many files");
        load(argv[i]);
    }
    if (!image_count)
        errx(64, "usage: dylibload FILE... [-- FUNCTION [NUMBER]]");
    m = &images[image_count - 1];
    if (i + 1 >= argc) {
        printf("rebases %u binds %u\n", m->rebases, m->binds);
        return 0;
    }
    snprintf(name, sizeof name, "_%s", argv[i + 1]);
    function = (int64_t(*)(int64_t))export_address(m, name);
    if (!function)
        errx(71, "%s: %s is not exported", m->path, name);
    result = function(i + 2 < argc ? strtoll(argv[i + 2], NULL, 0) : 0);
    printf("%" PRId64 "\n", result);
    fflush(stdout);
    return 0;
}
#endif
