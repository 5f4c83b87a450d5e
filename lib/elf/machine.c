/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.c - the CPUs: those that we link for, and the names of the others. */

#include "machine.h"

#include "elf.h"

static const struct elf_machine *const machines[] = {&elf_x86_64, &elf_aarch64};

/* e_machine values of the gABI registry, less those of no living system. */
static const struct {
    uint16_t number;
    const char *name;
} names[] = {
    {2, "sparc"},
    {EM_386, "i386"},
    {4, "m68k"},
    {6, "iamcu"},
    {8, "mips"},
    {10, "mips-rs3"},
    {15, "parisc"},
    {18, "sparc32plus"},
    {20, "powerpc"},
    {21, "powerpc64"},
    {22, "s390"},
    {EM_ARM, "arm"},
    {42, "sh"},
    {43, "sparcv9"},
    {44, "tricore"},
    {45, "arc"},
    {50, "ia64"},
    {EM_X86_64, "x86-64"},
    {75, "vax"},
    {76, "cris"},
    {83, "avr"},
    {87, "v850"},
    {88, "m32r"},
    {92, "openrisc"},
    {93, "arc-compact"},
    {94, "xtensa"},
    {105, "msp430"},
    {106, "blackfin"},
    {113, "nios2"},
    {140, "c6000"},
    {164, "hexagon"},
    {EM_AARCH64, "aarch64"},
    {188, "tilepro"},
    {189, "microblaze"},
    {190, "cuda"},
    {191, "tilegx"},
    {195, "arc-compact2"},
    {224, "amdgpu"},
    {EM_RISCV, "riscv"},
    {244, "lanai"},
    {247, "bpf"},
    {251, "ve"},
    {252, "csky"},
    {253, "arc-compact3-64"},
    {255, "arc-compact3"},
    {258, "loongarch"},
    {0x9026, "alpha"},
};

const struct elf_machine *elf_machine_find(uint16_t number)
{
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
        if (machines[i]->number == number)
            return machines[i];
    return NULL;
}

const char *elf_machine_name(uint16_t number)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == number)
            return names[i].name;
    return NULL;
}
