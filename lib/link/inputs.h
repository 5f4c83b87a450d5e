/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inputs.h - files on their way into the link, shared by the three files that
 * bring them there: expand.c finds them, members.c reads objects out of them,
 * inputs.c adds those in order. */

#ifndef LINK_INPUTS_H
#define LINK_INPUTS_H

#include "link/link.h"

enum item_kind { ITEM_OBJECT, ITEM_SHARED, ITEM_ARCHIVE };

/* A file on its way into the link. */
struct item {
    enum item_kind kind;
    const struct link_input *in;
    const struct file *file;
    struct span data; /* of the file; of a universal one, the part for our CPU */
    const char *name;
    uint32_t group;
    bool whole; /* archive: every member is taken */
    bool as_needed;
    struct archive ar;
    struct lobj **members; /* what was read of an archive; [0] for others */
};

struct inputs {
    struct link *l;
    struct item *items;
    uint64_t count, cap;
    uint32_t next_group; /* groups of linker scripts are numbered above the user's */
};

/* ---- expand.c ---- */

/* Open all files that the command line means, list what archives hold, read
   linker scripts, and learn the CPU. */
bool inputs_expand(struct inputs *ins);
bool input_is_bitcode(struct span in);

/* ---- members.c ---- */

/* Read everything that is wanted for certain, in parallel. */
bool inputs_read(struct inputs *ins);
/* Say that an input has code for link-time optimisation only; false. */
bool input_fail_lto(struct diag *d);
/* One object: ITEM itself, or a member of it, prepared for link_add_object()
   unless it is a shared library.  Memory comes from A, failures go to D; NULL
   then. */
struct lobj *inputs_read_object(const struct link *l, struct diag *d, struct arena *a,
                                struct item *item, uint32_t member);

#endif
