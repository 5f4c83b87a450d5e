/* SPDX-License-Identifier: MIT */
/* frames.c - the list of what the unwinder was told. */
#define _GNU_SOURCE
#include "frames.h"

#include <dlfcn.h>
#include <stdlib.h>

struct frames {
    uint64_t count, room;
    void **all;
    bool lost; /* there was no memory for one */
};

static struct simg_arena *arena;
static struct frames *frames; /* in the arena; NULL: nothing is kept */

static void call(const char *name, void *frame)
{
    void (*real)(void *) = (void (*)(void *))(uintptr_t)dlsym(RTLD_NEXT, name);

    if (!real)
        abort(); /* whoever calls it has it from libgcc, as this program has */
    real(frame);
}

void __register_frame(void *frame);
void __deregister_frame(void *frame);

void __register_frame(void *frame)
{
    call("__register_frame", frame);
    if (!frames)
        return;
    if (frames->count == frames->room) {
        uint64_t room = frames->room ? 2 * frames->room : 8;
        void **all = simg_arena_realloc(arena, frames->all, room * sizeof *all);

        if (!all) {
            frames->lost = true;
            return;
        }
        frames->all = all;
        frames->room = room;
    }
    frames->all[frames->count++] = frame;
}

void __deregister_frame(void *frame)
{
    call("__deregister_frame", frame);
    for (uint64_t i = 0; frames && i < frames->count; i++)
        if (frames->all[i] == frame) {
            frames->all[i] = frames->all[--frames->count];
            frames->all[frames->count] = NULL;
            return;
        }
}

bool frames_open(struct simg_cache *cache, bool loaded)
{
    arena = simg_cache_arena(cache);
    if (loaded) {
        if (!(frames = simg_cache_root(cache, "frames")))
            return false;
        for (uint64_t i = 0; i < frames->count; i++)
            call("__register_frame", frames->all[i]);
        return true;
    }
    frames = simg_arena_alloc(arena, sizeof *frames);
    return frames && simg_cache_set_root(cache, "frames", frames) == SIMG_OK;
}

bool frames_complete(void) { return frames && !frames->lost; }

void frames_close(void)
{
    for (uint64_t i = 0; frames && i < frames->count; i++)
        call("__deregister_frame", frames->all[i]);
    frames = NULL;
    arena = NULL;
}
