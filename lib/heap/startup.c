/* SPDX-License-Identifier: GPL-3.0-or-later */
/* startup.c - the objects that were made of runtime/startup.c and startup_dll.c. */

#include "heap/startup.h"

#include "elf/elf.h"

/* Made by the build: an array for each CPU, of one zero if it had no compiler
   for it. */
#include "lib/heap/startup_bytes.h"

struct span startup_object(uint16_t e_machine, enum startup_system system)
{
    static const struct {
        uint16_t machine;
        enum startup_system system;
        struct span object;
    } objects[] = {
        {EM_X86_64, STARTUP_LINUX, {startup_x86_64, sizeof startup_x86_64}},
        {EM_AARCH64, STARTUP_LINUX, {startup_aarch64, sizeof startup_aarch64}},
        {EM_X86_64, STARTUP_MACOS, {startup_x86_64_macos, sizeof startup_x86_64_macos}},
        {EM_AARCH64, STARTUP_MACOS, {startup_arm64_macos, sizeof startup_arm64_macos}},
        {EM_X86_64, STARTUP_WINDOWS, {startup_x86_64_windows, sizeof startup_x86_64_windows}},
        {EM_AARCH64, STARTUP_WINDOWS, {startup_aarch64_windows, sizeof startup_aarch64_windows}},
    };

    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
        if (objects[i].machine == e_machine && objects[i].system == system &&
            objects[i].object.size > 1)
            return objects[i].object;
    return (struct span){0};
}
