/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plugin.h - the state of the linker plugin.
 *
 *   onload, messages             plugin.c    options.c, and line.c: the command line
 *   the linker offers a file     claim.c     heap containers are claimed, and what is retained
 *   it knows all symbols         emit.c      the heaps become an object in memory, and an input
 *                                retain.c    so does each member of archives that are to stay
 *   the output is complete       finish.c    is everything exported? are imports of their kind?
 *                                prelink.c   its heaps are relocated
 *   another plugin               chain.c     which the linker would not load beside this one
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
#include "obj/object.h"
#include "plugin/api.h"

#include <stdio.h>

struct heap;

struct plugin_heap {
    const char *name; /* what messages call it */
    struct span bytes;
    const struct heap *heap;
};

/* A list of names. */
struct plugin_names {
    const char **at;
    uint64_t count, cap;
};

/* Symbols for the linker. */
struct plugin_symbols {
    struct plugin_symbol *at;
    uint64_t count, cap;
};

/* Where a file's bytes are, whatever it is called. */
struct plugin_place {
    dev_t dev;
    ino_t ino;
    uint64_t offset;
};

/* One object of what is to be retained. */
struct plugin_member {
    const char *name;
    struct plugin_place place;
    struct span bytes;
    bool claimed; /* a heap that the linker offered */
};

/* An archive that is to be retained, or an object. */
struct plugin_retained {
    struct plugin_place place;
    uint64_t first, count; /* of its members */
};

/* Another plugin, which the linker leaves to us. */
struct plugin_chain {
    const char *path; /* NULL: there is none */
    plugin_claim *claim;
    plugin_event *all_read, *cleanup;
    plugin_get_symbols *get_symbols[3]; /* the linker's, by the interface's version */
    struct plugin_names imports;        /* of all heaps, sorted; once it asks */
};

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
    bool loads_one;   /* it honours the last -plugin only */
    bool forgets;     /* it does not search archives for what our inputs need: gold */
    bool takes_early; /* it takes inputs while it reads others: GNU ld */
    int output;       /* enum plugin_output, -1 if it does not say */
    const char *output_name;

    /* Options. */
    struct plugin_names heap_files, retain, exports;
    bool retain_all;
    bool verbose;
    bool hidden_ok; /* names that no other image can find are no error */

    const struct elf_machine *machine; /* of the first object that was offered */
    const char *other_machine;         /* of one that is not ours; NULL: none was seen */
    struct plugin_heap *heaps;
    uint64_t heap_count, heap_cap;
    uint64_t told;     /* of the heaps: those whose symbols the linker knows */
    bool needs_told;   /* it knows what retained objects need */
    uint64_t referred; /* and those whose imports an object refers to */
    struct plugin_retained *retained;
    uint64_t retained_count, retained_cap;
    struct plugin_member *members, **by_place;
    uint64_t member_count, member_cap;
    bool finishing;     /* an error removes the output */
    const char *marker; /* an object that asked for a heap; NULL: none */
    struct plugin_chain chain;
};

/* The linker's hooks have no argument for it. */
extern struct plugin plugin;

/* ---- options.c ---- */
/* One -plugin-opt; false after an error. */
bool plugin_option(struct plugin *p, const char *text);

/* ---- claim.c ---- */
/* Read the containers that options name. */
bool plugin_open_heaps(struct plugin *p);
/* The container BYTES, which is kept with P's heaps. */
bool plugin_add_heap(struct plugin *p, const char *name, struct span bytes);
/* The linker offers FILE. */
bool plugin_offer(struct plugin *p, const struct plugin_input *file, int *claimed);
/* BYTES of FILE, for as long as the link runs. */
bool plugin_view(struct plugin *p, const struct plugin_input *file, struct span *out);
/* An object starts with the bytes IN: what CPU is the link for? */
void plugin_learn_machine(struct plugin *p, struct span in);
/* One more for LIST. */
bool plugin_add_symbol(struct plugin *p, struct plugin_symbols *list,
                       const struct plugin_symbol *symbol);
/* Tell the linker the symbols of the file that HANDLE stands for. It keeps
   their names longer than we our memory: these are copied. */
bool plugin_tell_symbols(struct plugin *p, void *handle, const char *name,
                         const struct plugin_symbols *list);
/* A copy of NAME that is never freed, for the linker to keep; NULL without memory. */
char *plugin_keep(const char *name);

/* ---- emit.c ---- */
/* The link is for a CPU and a format that we make objects for, as far as is known. */
bool plugin_check_machine(struct plugin *p);
/* Objects may be intermediate code, and what of it nothing but claimed files
   refers to, the compiler takes for its own, and drops: so a real object
   refers to what the heaps import, where the linker takes it in time. */
bool plugin_emit_references(struct plugin *p);
/* All is known: give the linker our objects. */
bool plugin_emit(struct plugin *p);

/* ---- retain.c ---- */
/* Read what options want retained. */
bool plugin_open_retained(struct plugin *p);
/* FILE, which starts with HEAD, is to be retained, or a part of that: it is
   claimed, unless it is a heap. */
bool plugin_claim_retained(struct plugin *p, const struct plugin_input *file, struct span head,
                           int *claimed);
/* Add to LIST what retained objects refer to and none of them has. */
bool plugin_retained_needs(struct plugin *p, struct plugin_symbols *list);
/* FILE is an archive that is to be retained. */
bool plugin_is_retained(struct plugin *p, const struct file *file);
/* Heaps among what is retained that the linker did not offer. */
bool plugin_retained_heaps(struct plugin *p);
/* Make every retained object an input. */
bool plugin_emit_retained(struct plugin *p);

/* ---- finish.c, prelink.c ---- */
/* The output is complete: say what it lacks. */
bool plugin_finish(struct plugin *p);
/* Relocate the heaps of FILE, the output, if it has an address of its own. */
bool plugin_prelink(struct plugin *p, const struct file *file);

/* ---- chain.c ---- */
/* Load the other plugin of the command line, if the linker would not. TV is
   what it told us. */
bool plugin_load_chained(struct plugin *p, const struct plugin_tv *tv);

/* ---- plugin.c ---- */
bool plugin_add_name(struct plugin *p, struct plugin_names *names, const char *name);
/* An unnamed file in memory called NAME, for plugin_add_input(); -1 after an error. */
int plugin_memory(struct plugin *p, const char *name);
/* Give the file in memory FD, which stays open, to the linker. */
bool plugin_add_input(struct plugin *p, int fd, const char *what);
/* A line if the user wants to know. */
void plugin_tell(const struct plugin *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
