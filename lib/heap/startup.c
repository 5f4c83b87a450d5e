/* SPDX-License-Identifier: GPL-3.0-or-later */
/* startup.c - the objects that were made of runtime/startup.c. */

#include "heap/startup.h"

#include "elf/elf.h"

/* Made by the build: an array for each CPU, of one zero if it had no compiler
   for it. */
#include "lib/heap/startup_bytes.h"

struct span startup_object(uint16_t e_machine, bool macho)
{
    static const struct {
        uint16_t machine;
        bool macho;
        struct span object;
    } objects[] = {
        {EM_X86_64, false, {startup_x86_64, sizeof startup_x86_64}},
        {EM_AARCH64, false, {startup_aarch64, sizeof startup_aarch64}},
        {EM_X86_64, true, {startup_x86_64_macos, sizeof startup_x86_64_macos}},
        {EM_AARCH64, true, {startup_arm64_macos, sizeof startup_arm64_macos}},
    };

    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
        if (objects[i].machine == e_machine && objects[i].macho == macho &&
            objects[i].object.size > 1)
            return objects[i].object;
    return (struct span){0};
}
