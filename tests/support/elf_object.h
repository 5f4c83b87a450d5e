/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elf_object.h - a small sound object file and a small sound shared library,
 * made in memory, for tests that then break them.
 *
 * The layout is fixed so that expected messages can be written by hand: the
 * contents of section I are at I * 0x100, the section headers behind. */

#ifndef TESTS_ELF_OBJECT_H
#define TESTS_ELF_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

/* Sections of the object, in order. */
enum {
    OBJ_TEXT = 1,  /* .text, 0x10 bytes; most others have no name */
    OBJ_RELA,      /* of .text: a call of g, the address of f */
    OBJ_GROUP,     /* "f": .text.f */
    OBJ_TEXT_F,    /* 8 bytes */
    OBJ_DEBUG,     /* .debug_x, compressed: 0x10 bytes behind the header */
    OBJ_ORDER,     /* goes with .text */
    OBJ_SHNDX,
    OBJ_SYMTAB,    /* locals: none, .text; globals: f, g (not defined), c (common) */
    OBJ_STRTAB,    /* 7 bytes */
    OBJ_SHSTRTAB,  /* 26 bytes; ".zdebug_x" is at 16 */
    OBJ_SECTIONS,
    OBJ_SIZE = OBJ_SECTIONS * 0x100 + OBJ_SECTIONS * 64, /* of the 64-bit form */
};

/* Sections of the library, in order. */
enum {
    LIB_DYNSYM = 1, /* f, of version V1 */
    LIB_DYNSTR,
    LIB_TEXT,
    LIB_DYNAMIC,    /* DT_SONAME lib.so, DT_NEEDED dep.so */
    LIB_VERSYM,
    LIB_VERDEF,     /* 2 is V1 */
    LIB_VERNEED,    /* 3 is V1 of dep.so */
    LIB_SHSTRTAB,
    LIB_SECTIONS,
    LIB_SIZE = LIB_SECTIONS * 0x100 + LIB_SECTIONS * 64,
};

/* Fill OUT, which has OBJ_SIZE or LIB_SIZE bytes; returns the bytes used,
   which is less for the 32-bit form. */
uint64_t make_elf_object(uint8_t *out, bool wide, bool big);
uint64_t make_elf_library(uint8_t *out, bool wide, bool big);

#endif
