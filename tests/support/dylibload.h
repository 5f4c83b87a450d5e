/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dylibload.h - one image of the test loader, shared by dylibload.c, which
 * loads it, and dylibfix.c, which fixes its pointers. */

#ifndef TESTS_DYLIBLOAD_H
#define TESTS_DYLIBLOAD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined __x86_64__
enum { PAGE = 0x1000 };
#else
enum { PAGE = 0x4000 };
#endif
enum { MAX_IMAGES = 16, MAX_SEGMENTS = 64, MAX_LIBRARIES = 64 };

struct segment {
    char name[17];
    uint64_t vmaddr, vmsize, fileoff, filesize;
    uint32_t initprot, flags;
};

struct image {
    const char *path, *install_name;
    const uint8_t *file;
    uint64_t size;
    uint8_t *base; /* of address 0 */
    struct segment segments[MAX_SEGMENTS];
    unsigned segment_count;
    const char *libraries[MAX_LIBRARIES];
    bool weak_library[MAX_LIBRARIES];
    unsigned library_count;
    uint32_t fixups, fixups_size, trie, trie_size;
    uint32_t rebase, rebase_size, bind, bind_size, weak_bind, weak_bind_size;
    bool has_opcodes;
    uint64_t tls_start, tls_size, tls_copy; /* template; bytes that are not zero */
    unsigned rebases, binds;
};

static inline uint32_t u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}
static inline uint64_t u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* The SIZE bytes of M's file at OFFSET; ends the program if they are not there. */
const uint8_t *at(const struct image *m, uint64_t offset, uint64_t size);
/* LEB128 at *P, which moves on. */
uint64_t uleb(const uint8_t **p, const uint8_t *end);
int64_t sleb(const uint8_t **p, const uint8_t *end);
/* What NAME is for FROM; ORDINAL as bind opcodes have it.  NULL only if WEAK. */
void *resolve(const char *name, const struct image *from, int ordinal, bool weak);

/* ---- dylibfix.c ---- */
void fix_chains(struct image *m);
void run_rebase(struct image *m);
/* WEAK_LIST: what is not found stays as it is. */
void run_bind(struct image *m, uint32_t offset, uint32_t size, bool weak_list);

#endif
