/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heapown.c - what the heaps of heapgen --own import from their own image, and
 * code of that image that reaches the heap. */

#include <stdint.h>

int own_function(int c);
int own_function(int c) { return c * 3 + 1; }

__attribute__((visibility("hidden"))) int own_hidden(int c);
int own_hidden(int c) { return c * 5 + 2; }

int own_data[4] = {1, 2, 3, 4};
int own_array[4] = {5, 6, 7, 8};

extern char gen_ro[], gen_rw[], gen_zero[], gen_code[];

/* The addresses of the roots as this image's code and data see them. */
static void *const in_data[] = {gen_ro, gen_rw, gen_zero, gen_code};

void *own_root(int i, int from_data);
void *own_root(int i, int from_data)
{
    void *const in_code[] = {gen_ro, gen_rw, gen_zero, gen_code};

    return from_data ? in_data[i] : in_code[i];
}
