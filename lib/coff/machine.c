/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.c - the CPUs of COFF that can be linked. */

#include "coff/machine.h"

#include <string.h>

static const struct coff_machine *const machines[] = {&coff_amd64, &coff_arm64};

const struct coff_machine *coff_machine_find(uint16_t number)
{
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (machines[i]->number == number)
            return machines[i];
    return NULL;
}

const struct coff_machine *coff_machine_named(const char *name, size_t len)
{
    static const struct {
        const char *name;
        const struct coff_machine *machine;
    } names[] = {{"x86_64", &coff_amd64},
                 {"x86-64", &coff_amd64},
                 {"amd64", &coff_amd64},
                 {"aarch64", &coff_arm64},
                 {"arm64", &coff_arm64}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == len && !memcmp(names[i].name, name, len))
            return names[i].machine;
    return NULL;
}

const char *coff_machine_name(uint16_t number)
{
    static const struct {
        uint16_t number;
        const char *name;
    } names[] = {{IMAGE_FILE_MACHINE_AMD64, "x86-64"},   {IMAGE_FILE_MACHINE_ARM64, "aarch64"},
                 {IMAGE_FILE_MACHINE_I386, "x86"},       {IMAGE_FILE_MACHINE_ARMNT, "arm"},
                 {IMAGE_FILE_MACHINE_ARM64EC, "arm64ec"}, {IMAGE_FILE_MACHINE_ARM64X, "arm64x"}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == number)
            return names[i].name;
    return NULL;
}
