/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coff_object.h - a small sound COFF object for x86-64, made in memory, for tests
 * that then break it.  Offsets come from the PE specification. */

#ifndef TESTS_COFF_OBJECT_H
#define TESTS_COFF_OBJECT_H

#include <stdint.h>

/* Sections, by their numbers. */
enum {
    COFF_OBJ_TEXT = 1, /* f: a call of g, and a load from x */
    COFF_OBJ_DATA,     /* a pointer to f + 2 */
    COFF_OBJ_BSS,      /* 32 bytes of zeros */
    COFF_OBJ_INLINE,   /* .text$o: a COMDAT, led by once */
    COFF_OBJ_PDATA,    /* .pdata$o: goes with it by its name; 12 bytes, about once */
    COFF_OBJ_XDATA,    /* .xdata$once: associative; a whole name among the strings */
    COFF_OBJ_DRECTVE,  /* -export:f */
    COFF_OBJ_RSRC,     /* a resource: type 10, name HI, language 1033, "data" */
    COFF_OBJ_SECTIONS = COFF_OBJ_RSRC,
};
enum { COFF_OBJ_SIZE = 1536 };

/* Fill OUT, which has COFF_OBJ_SIZE bytes; returns the bytes used. */
uint64_t make_coff_object(uint8_t *out);

#endif
