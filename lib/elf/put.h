/* SPDX-License-Identifier: GPL-3.0-or-later */
/* put.h - records of 64-bit little-endian ELF files, written. */

#ifndef ELF_PUT_H
#define ELF_PUT_H

#include "base/buf.h"
#include "elf/file.h"

/* Append the header of a section; of its name only the offset counts, and of
   its data nothing. */
static inline void elf_put_shdr(struct buf *b, const struct elf_shdr *h)
{
    buf_uint(b, h->name_offset, 4);
    buf_uint(b, h->type, 4);
    buf_uint(b, h->flags, 8);
    buf_uint(b, h->addr, 8);
    buf_uint(b, h->offset, 8);
    buf_uint(b, h->size, 8);
    buf_uint(b, h->link, 4);
    buf_uint(b, h->info, 4);
    buf_uint(b, h->align, 8);
    buf_uint(b, h->entsize, 8);
}

/* Write a symbol to the SYM64_SIZE bytes at OUT. */
static inline void elf_store_sym(uint8_t *out, const struct elf_sym *s)
{
    store_uint(out, 4, false, s->name);
    out[4] = s->info;
    out[5] = s->other;
    store_uint(out + 6, 2, false, s->shndx);
    store_uint(out + 8, 8, false, s->value);
    store_uint(out + 16, 8, false, s->size);
}

#endif
