/* SPDX-License-Identifier: GPL-3.0-or-later */
/* startup.h - the code that runs when an image with a heap starts
 * (runtime/startup.c), as an object to link. */

#ifndef HEAP_STARTUP_H
#define HEAP_STARTUP_H

#include "base/bytes.h"

/* The object for the CPU with ELF's number E_MACHINE, an ELF one, or a Mach-O
   one if MACHO; empty if objtool was built without a compiler for it. */
struct span startup_object(uint16_t e_machine, bool macho);

#endif
