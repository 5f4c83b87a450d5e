/* SPDX-License-Identifier: GPL-3.0-or-later */
/* host.h - ld.sysimage: the plugin for linkers that load none.
 *
 *   read the command line     host.c    @FILE, options of ours, what is an input
 *   offer the inputs          offer.c   as a linker does: the plugin claims some
 *   and heaps in archives     resolve.c if the link needs them
 *   give it the symbols' end  host.c    it adds objects in memory
 *                             blank.c   the linker gets the archives without them
 *   choose an address         base.c    for the image, so that its heaps can be relocated
 *   run the linker            run.c     with the line that this makes
 *   tell the plugin           host.c    it looks at the output */

#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/file.h"
#include "plugin/api.h"
#include "plugin/line.h"

/* A heap container in an archive. */
struct heap_member {
    int word;          /* of the archive */
    bool whole, taken; /* all of the archive is wanted; the plugin has it */
    bool thin;         /* it is a file beside the archive */
    const char *name;
    const struct file *file;
    struct span bytes;
};

struct host {
    struct diag diag;
    struct arena arena;
    struct line line;
    bool *gone;           /* of each word: it is claimed, or ours */
    const char **options; /* of the plugin */
    uint64_t option_count, option_cap;
    const char **added; /* inputs that the plugin made */
    uint64_t added_count, added_cap;
    struct heap_member *heap_members;
    uint64_t heap_member_count, heap_member_cap;
    int place;        /* of the first word with something claimed; 0: none */
    const char *real; /* the linker to start, NULL for a default */
    bool response;    /* the command line was in a file */

    plugin_claim *claim;
    plugin_event *all_read, *cleanup;
    const char *output, *soname; /* -o, -soname */
    bool shared, relocatable;
    /* The file that is being offered. */
    const void *view;
};

/* The plugin's hooks have no argument for it. */
extern struct host host;

/* Offer every input that is ours to find; false after an error. */
bool host_offer_inputs(struct host *h);
/* Offer heaps in archives that define what the link needs. */
bool host_resolve_heaps(struct host *h);
/* Archives that are wanted whole, without their heaps. */
bool host_blank_heaps(struct host *h);
bool host_offer_heap(struct host *h, const struct heap_member *m);
/* The option that gives the image an address of its own in LINKER; NULL if it
   needs none, or there is none. */
const char *host_base_option(struct host *h, const char *linker);
/* Run the linker; its exit status, or 1 after an error. */
int host_run(struct host *h);

#endif
