/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plugin.h - the state of the linker plugin.
 *
 *   the linker offers a file     claim.c     heap containers are claimed
 *   it knows all symbols         emit.c      each becomes an object in memory, and an input
 *                                retain.c    members of archives that are to stay
 *   the output is complete       finish.c    are the roots exported?
 *                                prelink.c   its heaps are relocated
 *   onload, messages             plugin.c    options.c
 *
 * It lives in somebody else's process: one struct, no library but libc, and
 * whatever goes wrong ends the link with one line. */

#ifndef PLUGIN_PLUGIN_H
#define PLUGIN_PLUGIN_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"
#include "base/file.h"
#include "elf/machine.h"
#include "plugin/api.h"

#include <stdio.h>

struct plugin_heap {
    const char *name; /* what messages call it */
    struct span bytes;
};

/* A name that the library is to export, and the heap that has it. */
struct plugin_root {
    const char *heap, *name;
};

struct heap;

struct plugin {
    struct diag diag;
    struct arena arena;

    /* What the linker can do; NULL where it cannot. */
    enum plugin_status (*register_claim)(plugin_claim *hook);
    enum plugin_status (*register_all_read)(plugin_event *hook);
    enum plugin_status (*register_cleanup)(plugin_event *hook);
    enum plugin_status (*add_symbols)(void *handle, int count, const struct plugin_symbol *all);
    enum plugin_status (*add_input_file)(const char *path);
    enum plugin_status (*message)(int level, const char *format, ...);
    enum plugin_status (*get_view)(const void *handle, const void **view);
    int output; /* enum plugin_output, -1 if it does not say */
    const char *output_name;

    /* Options. */
    const char **heaps;   /* heap=FILE */
    uint64_t heap_count, heap_cap;
    const char **retain;  /* retain=ARCHIVE */
    uint64_t retain_count, retain_cap;
    bool verbose;
    bool hidden_ok; /* roots that no other image can find are no error */

    const struct elf_machine *machine; /* of the first object that was offered */
    uint16_t other_machine;            /* one that is not ours; 0: none was seen */
    struct plugin_heap *claimed;
    uint64_t claimed_count, claimed_cap;
    struct plugin_root *roots;
    uint64_t root_count, root_cap;
    bool finishing; /* an error removes the output */
    const char *marker; /* an object that asked for a heap; NULL: none */
};

/* The linker's hooks have no argument for it. */
extern struct plugin plugin;

/* One -plugin-opt; false after an error. */
bool plugin_option(struct plugin *p, const char *text);
/* The linker offers FILE. */
bool plugin_offer(struct plugin *p, const struct plugin_input *file, int *claimed);
/* All is known: emit objects for all heaps. */
bool plugin_emit(struct plugin *p);
/* H's roots will be looked for in the output. */
bool plugin_note_roots(struct plugin *p, const struct heap *h);
/* The output is complete: say what it lacks. */
bool plugin_finish(struct plugin *p);
/* Relocate the heaps of FILE, the output, if it has an address of its own. */
bool plugin_prelink(struct plugin *p, const struct file *file);
/* Make every member of the archive PATH an input. */
bool plugin_retain(struct plugin *p, const char *path);
/* An unnamed file in memory called NAME, for add_input(); -1 after an error. */
int plugin_memory(struct plugin *p, const char *name);
/* Give the file in memory FD, which stays open, to the linker. */
bool plugin_add_input(struct plugin *p, int fd, const char *what);
/* A line if the user wants to know. */
void plugin_tell(const struct plugin *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
