/* SPDX-License-Identifier: GPL-3.0-or-later */
/* strtab.h - a string table under construction: equal strings share their
 * bytes, and the table starts with an empty string as ELF asks. */

#ifndef BASE_STRTAB_H
#define BASE_STRTAB_H

#include "buf.h"

struct strtab {
    struct buf out;
    uint32_t *slot; /* offset + 1 of the string that hashes here */
    uint64_t slots, used;
};

/* The offset of S (LEN bytes, no NUL inside), added if it is new.  Check
   out.bad once at the end. */
uint32_t strtab_addn(struct strtab *t, const char *s, size_t len);
uint32_t strtab_add(struct strtab *t, const char *s);
void strtab_free(struct strtab *t);

#endif
