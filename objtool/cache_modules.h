/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache_modules.h - the programs and libraries that an image was made with, as
 * this system has them now. */

#ifndef OBJTOOL_CACHE_MODULES_H
#define OBJTOOL_CACHE_MODULES_H

#include "elf/cache.h"

/* Where libraries are looked for, in this order. */
struct cache_search {
    const char *program; /* NULL: not named */
    const char **directories;
    uint64_t count, cap;
};

/* LD_LIBRARY_PATH, the program's own directories, those of ld.so.conf, and the system's. */
void cache_search_begin(struct arena *a, const char *program, struct cache_search *out);

struct cache_module_file {
    const char *path;      /* NULL: none was found */
    bool same;             /* it is of the build */
    char build[ELF_BUILD]; /* "" if it has none that can be told */
};

/* The file for M, which is the engine's own if OWN.  The first of the build; if there is none, the
   first of the name.  False without memory. */
bool cache_find_module(struct diag *d, struct arena *a, const struct cache_search *s,
                       const struct heap_cache_module *m, bool own, struct cache_module_file *out);

#endif
