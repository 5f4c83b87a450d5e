/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prelinked.h - heaps as an ELF object that relocates itself, for `objtool
 * pack` and for the linker plugin. */

#ifndef PACK_PRELINKED_H
#define PACK_PRELINKED_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"
#include "elf/machine.h"

/* A container, and what messages call it. */
struct prelinked_input {
    const char *name;
    struct span bytes;
};

/* Write the object for COUNT containers to the file
   OUTPUT, which appears whole or not at all; or with FD >= 0 to that open and
   empty file, which messages call OUTPUT.  Memory comes from A.  False with
   E_FORMAT for an unsound container, E_UNSUPPORTED for one that is big-endian
   or whose CPU's start-up code is not built in, E_SYSTEM, E_NOMEM. */
bool prelinked_write(struct diag *d, struct arena *a, const struct elf_machine *machine,
                     const struct prelinked_input *inputs, uint32_t count, const char *output,
                     int fd);

#endif
