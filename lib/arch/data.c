/* SPDX-License-Identifier: GPL-3.0-or-later */
/* data.c - fields that are a whole byte, half, word or double word. */

#include "arch.h"

#define DATA(WORDS, BITS, RANGE)                                                                   \
    {                                                                                              \
        .name = WORDS, .bytes = (BITS) / 8, .bits = BITS, .range = RANGE, .piece = {{0, BITS, 0}}, \
    }

const struct field data8 = DATA("8-bit data", 8, EITHER);
const struct field data16 = DATA("16-bit data", 16, EITHER);
const struct field data32 = DATA("32-bit data", 32, EITHER);
const struct field data64 = DATA("64-bit data", 64, ANY);
const struct field udata8 = DATA("unsigned 8-bit data", 8, UNSIGNED);
const struct field udata16 = DATA("unsigned 16-bit data", 16, UNSIGNED);
const struct field udata32 = DATA("unsigned 32-bit data", 32, UNSIGNED);
const struct field sdata8 = DATA("signed 8-bit data", 8, SIGNED);
const struct field sdata16 = DATA("signed 16-bit data", 16, SIGNED);
const struct field sdata32 = DATA("signed 32-bit data", 32, SIGNED);
