/* SPDX-License-Identifier: GPL-3.0-or-later */
/* complaints.h - errors of a parallel phase, told in the order of the work
 * and not of the threads. */

#ifndef LINK_COMPLAINTS_H
#define LINK_COMPLAINTS_H

#include "base/arena.h"
#include "base/diag.h"

struct complaint;

struct complaints {
    struct complaint_worker *workers;
    unsigned count;
};

bool complaints_begin(struct diag *d, struct complaints *c);
/* The diag for item TASK in thread WORKER, good until the worker's next. */
struct diag *complaints_diag(struct complaints *c, unsigned worker, uint64_t task);
/* What WORKER's diag is told next is one of many of a kind, until the next
   complaints_diag(): only the first of each GROUP is told, with how many
   there are.  NULL: each is told. */
void complaints_group(struct complaints *c, unsigned worker, const void *group);
/* A further complaint of WORKER would only be counted: its text does not matter. */
bool complaints_enough(const struct complaints *c, unsigned worker);
/* Memory of thread WORKER, gone after complaints_end(). */
struct arena *complaints_arena(struct complaints *c, unsigned worker);
/* Hand everything to D and free it.  True if there were no errors. */
bool complaints_end(struct diag *d, struct complaints *c);

#endif
