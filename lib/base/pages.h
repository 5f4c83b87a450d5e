/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pages.h - memory whose every page will be written soon. */

#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stdint.h>

/* Have the system make the pages of the SIZE bytes at P now, in one call: it
   takes a fraction of the time of a page fault each.  And a page that is read
   before it is written, as in a hash table, faults twice, the second time
   with a word to all processors.  A hint: nothing depends on it. */
void pages_make(void *p, uint64_t size);

#endif
