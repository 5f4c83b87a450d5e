/* SPDX-License-Identifier: GPL-3.0-or-later */
/* place.c - the address at which an image with heaps prefers to lie. */

#include "heap/place.h"

#include <string.h>
#include <xxhash.h>

#define FROM UINT64_C(0x7a0000000000)
#define ROOM (UINT64_C(2) << 40)
enum { HUGE_LOG2 = 21 };

uint64_t heap_place_begin(const char *soname)
{
    return soname ? XXH3_64bits(soname, strlen(soname)) : 0;
}

uint64_t heap_place_add(uint64_t place, const struct heap *h)
{
    return XXH3_64bits_withSeed(h->id, sizeof h->id, place);
}

uint64_t heap_place_address(uint64_t place)
{
    return FROM + (place % (ROOM >> HUGE_LOG2) << HUGE_LOG2);
}
