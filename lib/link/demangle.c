/* SPDX-License-Identifier: GPL-3.0-or-later */
/* demangle.c - C++ names, by libiberty: what ld's version scripts are matched
 * against is its spelling. */

#include "script.h"

#if HAVE_LIBIBERTY_DEMANGLE_H
#include <libiberty/demangle.h>
#else
#include <demangle.h>
#endif

char *demangle_cxx(const char *name)
{
    if (name[0] != '_' || name[1] != 'Z')
        return NULL;
    /* Not cplus_demangle(), which ends the process when memory runs out. */
    return cplus_demangle_v3(name, DMGL_PARAMS | DMGL_ANSI);
}
