/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format.c - the formats that can be read, in the order they are tried. */

#include "obj/object.h"

const struct format *format_find(struct span in)
{
    static const struct format *const formats[] = {&format_elf, &format_macho, &format_heap,
                                                   &format_tbd, &format_coff};

    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i]->is(in))
            return formats[i];
    return NULL;
}
