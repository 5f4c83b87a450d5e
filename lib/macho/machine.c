/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.c - the CPUs of Mach-O that can be linked. */

#include "macho/machine.h"

#include <string.h>

static const struct macho_machine *const machines[] = {&macho_x86_64, &macho_arm64};

const struct macho_machine *macho_machine_find(uint32_t cputype)
{
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (machines[i]->cputype == cputype)
            return machines[i];
    return NULL;
}

const struct macho_machine *macho_machine_named(const char *name, size_t len)
{
    static const struct {
        const char *name;
        const struct macho_machine *machine;
    } names[] = {{"x86_64", &macho_x86_64},
                 {"x86-64", &macho_x86_64},
                 {"amd64", &macho_x86_64},
                 {"arm64", &macho_arm64},
                 {"aarch64", &macho_arm64}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == len && !memcmp(names[i].name, name, len))
            return names[i].machine;
    return NULL;
}
