/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the programs in this directory share.  Each is compiled to a plug-in whose work() calls a
   library that objtool linked; run.c has loaded that library into the global scope before. */
#ifndef WORK_H
#define WORK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif
int work(void);
#ifdef __cplusplus
}
#endif

#define CHECK(cond)                                                              \
    do {                                                                         \
        if (!(cond)) {                                                           \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
            return 1;                                                            \
        }                                                                        \
    } while (0)

/* True if ADDR lies in the image under test and not in a library of the system. */
static inline int in_image(const void *addr)
{
    Dl_info info;
    const char *image = getenv("IMAGE");

    if (!image || !dladdr(addr, &info) || !info.dli_fname)
        return 0;
    if (strcmp(info.dli_fname, image) != 0) {
        fprintf(stderr, "%p is in %s, not in %s\n", addr, info.dli_fname, image);
        return 0;
    }
    return 1;
}

#define OURS(function) CHECK(in_image((const void *)(function)))

#endif
