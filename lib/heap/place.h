/* SPDX-License-Identifier: GPL-3.0-or-later */
/* place.h - the address at which an image with heaps prefers to lie. */

#ifndef HEAP_PLACE_H
#define HEAP_PLACE_H

#include "heap/container.h"

/* A number for an image called SONAME (NULL: it has no name), and each of its
   heaps added to it in turn. */
uint64_t heap_place_begin(const char *soname);
uint64_t heap_place_add(uint64_t place, const struct heap *h);
/* The address for it: a multiple of 2 MiB that no loader of Linux picks by
   itself and that sanitizers leave free.  Images that differ get different
   ones. */
uint64_t heap_place_address(uint64_t place);

#endif
