/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory.h - what a test may ask about the memory of its process. */

#ifndef SUPPORT_MEMORY_H
#define SUPPORT_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* What may be done with the page at ADDR, as in /proc/self/maps: "rw-p"; "none" if there is none. */
void memory_rights(const void *addr, char out[5]);

/* How many mappings are of the file that memfd_create() named NAME, or begin in SIZE bytes at FROM. */
unsigned memory_mappings(const char *name, uintptr_t from, size_t size);

#endif
