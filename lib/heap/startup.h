/* SPDX-License-Identifier: GPL-3.0-or-later */
/* startup.h - the code that runs when an image with a heap starts
 * (runtime/startup.c), as an object to link. */

#ifndef HEAP_STARTUP_H
#define HEAP_STARTUP_H

#include "obj/object.h"

enum startup_system { STARTUP_LINUX, STARTUP_MACOS, STARTUP_WINDOWS };

/* The object for SYSTEM and the CPU with ELF's number E_MACHINE; empty if objtool
   was built without a compiler for it.  For Linux and macOS it starts heaps
   (runtime/startup.c), for Windows it calls constructors (runtime/startup_dll.c). */
struct span startup_object(uint16_t e_machine, enum startup_system system);

#endif
