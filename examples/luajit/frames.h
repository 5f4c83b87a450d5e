/* SPDX-License-Identifier: MIT */
/* frames.h - what a JIT tells the unwinder of its machine code, told again in the next process.
 *
 * A program that is linked with frames.c has a __register_frame() and a __deregister_frame() of its
 * own, which keep a list in the arena and go on to libgcc's. */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdbool.h>
#include <sysimage/cache.h>

/* The list is of CACHE from now on; LOADED: what is in it is registered. */
bool frames_open(struct simg_cache *cache, bool loaded);
/* Whether the list is whole. */
bool frames_complete(void);
/* All that are left are taken back. */
void frames_close(void);

#endif
