/* SPDX-License-Identifier: GPL-3.0-or-later */
/* par.h - do N independent things on all processors. */

#ifndef BASE_PAR_H
#define BASE_PAR_H

#include <stdint.h>

/* The number of workers that par_for() uses at most: the processors this
   process may run on, or what par_limit() allowed. */
unsigned par_workers(void);

/* Never use more than N workers (0: no limit but the processors). */
void par_limit(unsigned n);

/* Call DO_ITEM(ARG, WORKER, I) once for every I below COUNT, in no fixed
   order, from up to par_workers() threads; WORKER tells them apart and is
   below par_workers().  Returns when all calls have.  If no thread can be
   made, the caller's own does all the work. */
void par_for(uint64_t count, void (*do_item)(void *arg, unsigned worker, uint64_t i), void *arg);

#endif
