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

/* ---- all modules of the process ---- */

enum { LOADED_BUILD = 65 };

struct loaded_module {
    uintptr_t bias;      /* what was added to the addresses in its headers */
    uintptr_t from, to;  /* where it is, gaps counted */
    bool program;        /* the process's program itself */
    bool fixed;          /* it is at this address in each process (ELF's ET_EXEC) */
    char name[64];       /* without its folders; "[program]" */
    char build[LOADED_BUILD]; /* hexadecimal: its build-id, or a hash of what it has of that kind */
};

/* SIZE bytes (the first 32 of them) as text. */
static inline void loaded_hex(char out[LOADED_BUILD], const uint8_t *bytes, uint64_t size)
{
    static const char digits[] = "0123456789abcdef";

    size = size < (LOADED_BUILD - 1) / 2 ? size : (LOADED_BUILD - 1) / 2;
    for (uint64_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = 0;
}

/* Call EACH for every module; it ends when that returns false. */
void loaded_each(bool (*each)(void *arg, const struct loaded_module *m), void *arg);

#endif
