/* SPDX-License-Identifier: MIT */
/* cache_cpu.h - what a CPU can do, as text; objtool asks, too. */

#ifndef RUNTIME_CACHE_CPU_H
#define RUNTIME_CACHE_CPU_H

#include <stdbool.h>

/* What this CPU can do, as text: "x86-64:" and numbers. */
void cpu_features(char text[64]);
/* Does a CPU with HAVE do all that one with NEED does? */
bool cpu_covers(const char *have, const char *need);

#endif
