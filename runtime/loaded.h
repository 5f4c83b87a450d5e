/* SPDX-License-Identifier: MIT */
/* loaded.h - what the system's loader has in memory.
 *
 * One file for each kind of image that a system loads (loaded_elf.c,
 * loaded_macho.c, loaded_win.c). */

#ifndef RUNTIME_LOADED_H
#define RUNTIME_LOADED_H

#include "runtime/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { LOADED_NAME = 1024 };

/* A module, which stays where it is as long as it is loaded, and the table in it. */
struct loaded {
    const void *headers; /* program headers; the Mach-O header */
    unsigned count;      /* of program headers */
    uintptr_t bias;      /* what was added to the addresses in the headers */
    const uint8_t *table;
    uint64_t table_size;
};

/* The module that ADDRESS is in.  NOT_IMAGE: there is none, or no table in it. */
enum simg_status loaded_find(const void *address, struct loaded *out, struct simg_error *e);

/* Are the SIZE bytes at ADDRESS inside of one part of M? */
bool loaded_has(const struct loaded *m, uintptr_t address, uint64_t size);

/* Have the file NAME loaded: its handle, for loaded_close(), and an address in it. */
enum simg_status loaded_open(const char *name, void **handle, const void **inside,
                             struct simg_error *e);

void loaded_close(void *handle);

/* What the process has under NAME; NULL: nothing. */
void *loaded_symbol(const char *name);

/* A name by which the loader finds the open file FD, and no other; sets errno. */
bool loaded_name(int fd, char name[LOADED_NAME]);

#endif
