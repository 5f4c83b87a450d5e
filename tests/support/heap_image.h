/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_image.h - make a small sound sysimage in memory: an x86-64 shared
 * library with a prelinked heap that has one of everything.
 *
 * Written from docs/image-format.md; it shares no code with the linker.
 * Offsets in the file are addresses less HIMG_BASE. */

#ifndef SUPPORT_HEAP_IMAGE_H
#define SUPPORT_HEAP_IMAGE_H

#include <stdint.h>

#define HIMG_BASE UINT64_C(0x7a0000000000)

enum {
    HIMG_PHDR = 0x40,
    HIMG_NOTE = 0x300,
    HIMG_DESC = HIMG_NOTE + 24,
    HIMG_DYNSYM = 0x400,
    HIMG_DYNSTR = 0x500,
    HIMG_HASH = 0x580,
    HIMG_RELA = 0x600,
    HIMG_TABLE = 0x1000,
    HIMG_TABLE_SIZE = 0x500,
    HIMG_MAPS = 0x1800,
    HIMG_ODD = HIMG_MAPS + 8,
    HIMG_BITMAP_2 = HIMG_MAPS + 16,
    HIMG_RW = 0x10000, /* from here to HIMG_SPAN: heap addresses, too */
    HIMG_RO = 0x20000,
    HIMG_ZERO = 0x30000,
    HIMG_CODE = 0x40000,
    HIMG_GOT = 0x50000,
    HIMG_PLT = 0x60000,
    HIMG_SPAN = 0x60010,
    HIMG_DYNAMIC = 0x70000,
    HIMG_SIZE = 0x70100,
};

/* Offsets of fields. */
#define HIMG_PH(segment, field) (HIMG_PHDR + 56 * (segment) + (field))
enum { HSEG_R, HSEG_RW, HSEG_RO, HSEG_ZERO, HSEG_CODE, HSEG_GOT, HSEG_PLT, HSEG_W, HSEG_DYNAMIC,
       HSEG_NOTE, HSEG_STACK, HSEG_COUNT };
#define HIMG_SYM(symbol) (HIMG_DYNSYM + 24 * (symbol))
enum { HSYM_NULL, HSYM_MALLOC, HSYM_ENVIRON, HSYM_START, HSYM_TABLE, HSYM_COUNT };
/* RELA entries: environ in RW (odd), environ in RO, malloc in GOT. */
enum { HREL_RW, HREL_RO, HREL_GOT, HREL_COUNT };
#define HIMG_REL(n) (HIMG_RELA + 24 * (n))
/* The table's rows. */
enum {
    HIMG_HEAP = HIMG_TABLE + 128,
    HIMG_SEGMENTS = HIMG_HEAP + 128,
    HIMG_ROOTS = HIMG_SEGMENTS + 6 * 80,
    HIMG_IMPORTS = HIMG_ROOTS + 2 * 24,
    HIMG_IMPORT_SLOTS = HIMG_IMPORTS + 2 * 16,
    HIMG_METAS = HIMG_IMPORT_SLOTS + 2 * 24,
    HIMG_STRINGS = HIMG_METAS + 8,
};
#define HIMG_SEGMENT(n) (HIMG_SEGMENTS + 80 * (n))
enum { HROW_RW, HROW_RO, HROW_ZERO, HROW_CODE, HROW_GOT, HROW_PLT };

void make_heap_image(uint8_t out[HIMG_SIZE]);

/* The same image with headers of Mach-O. */
void make_heap_image_macho(uint8_t out[HIMG_SIZE]);
/* And with those of PE. */
void make_heap_image_pe(uint8_t out[HIMG_SIZE]);

/* Make the checksums right again, where they are. */
void seal_heap_image(uint8_t out[HIMG_SIZE]);

#endif
