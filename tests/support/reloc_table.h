/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reloc_table.h - what tests need to read tests/unit/reloc-CPU.txt. */

#ifndef SUPPORT_RELOC_TABLE_H
#define SUPPORT_RELOC_TABLE_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The file NAME of the source tree. */
static inline FILE *table_open(const char *name)
{
    const char *top = getenv("top_srcdir");
    char path[4096];
    FILE *in;

    snprintf(path, sizeof path, "%s/%s", top ? top : ".", name);
    in = fopen(path, "r");
    ck_assert_msg(in != NULL, "cannot open %s", path);
    return in;
}

/* The bytes that the hexadecimal digits TEXT stand for; their number. */
static inline unsigned from_hex(const char *text, uint8_t *out, unsigned room)
{
    unsigned n = 0, byte;

    for (; n < room && sscanf(text + 2 * n, "%2x", &byte) == 1; n++)
        out[n] = (uint8_t)byte;
    return n;
}

static inline const char *to_hex(const uint8_t *bytes, unsigned n)
{
    static char text[256];

    for (unsigned i = 0; i < n && 2 * i + 2 < sizeof text; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

#endif
