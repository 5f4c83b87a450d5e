/* SPDX-License-Identifier: GPL-3.0-or-later */
/* macho_object.h - a small sound Mach-O object for x86-64, made in memory, for
 * tests that then break it.  Offsets come from <mach-o/loader.h>. */

#ifndef TESTS_MACHO_OBJECT_H
#define TESTS_MACHO_OBJECT_H

#include <stdint.h>

/* Sections, by their numbers. */
enum {
    MACHO_OBJ_TEXT = 1,  /* __TEXT,__text: f calls g, and loads x from the GOT */
    MACHO_OBJ_DATA,      /* __DATA,__data: pointers to f, to g + 8; the distance from f to x */
    MACHO_OBJ_VARS,      /* __DATA,__thread_vars: one descriptor */
    MACHO_OBJ_TDATA,     /* __DATA,__thread_data: its 4 bytes */
    MACHO_OBJ_BSS,       /* __DATA,__bss: 32 bytes of zeros */
    MACHO_OBJ_UNWIND,    /* __LD,__compact_unwind: one entry */
    MACHO_OBJ_SECTIONS = MACHO_OBJ_UNWIND,
};
/* Symbols, in the file's order. */
enum {
    MACHO_OBJ_INIT,      /* _t$tlv$init, local */
    MACHO_OBJ_F,         /* _f */
    MACHO_OBJ_T,         /* _t */
    MACHO_OBJ_X,         /* _x */
    MACHO_OBJ_C,         /* _c, 24 bytes, common */
    MACHO_OBJ_G,         /* _g, not defined */
    MACHO_OBJ_BOOTSTRAP, /* __tlv_bootstrap, not defined */
    MACHO_OBJ_SYMBOLS,
};
enum { MACHO_OBJ_SIZE = 1536 };

/* Fill OUT, which has MACHO_OBJ_SIZE bytes; returns the bytes used. */
uint64_t make_macho_object(uint8_t *out);

#endif
