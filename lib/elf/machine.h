/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.h - a CPU as ELF numbers it: rows, and the dynamic relocations. */

#ifndef ELF_MACHINE_H
#define ELF_MACHINE_H

#include "arch/arch.h"

struct elf_machine {
    uint16_t number; /* e_machine */
    const struct arch *arch;
    const struct reloc_range *rows;
    /* Numbers of the dynamic relocations that an image may need. */
    uint32_t relative, glob_dat, jump_slot, abs, irelative;
    uint32_t pc64; /* S + A - P in eight bytes, for objects */
    uint32_t dtpmod, dtpoff, tpoff, tlsdesc;
    /* _GLOBAL_OFFSET_TABLE_ is the start of .got.plt, not of .got. */
    bool got_is_gotplt;
    /* .note.gnu.property: the type of the bits that every input must have. */
    uint32_t feature_and;
    const char *const *feature_names; /* bit 0, 1, ...; NULL ends */
    /* RELA for the stub in arch->finalize_code: {offset, number, addend, 1 if
       it names the function's slot, 0 if the argument}; ends at number 0. */
    struct {
        uint32_t offset, number;
        int64_t addend;
        bool slot;
    } finalize[8];
};

extern const struct elf_machine elf_x86_64;
extern const struct elf_machine elf_aarch64;

/* The machine with e_machine NUMBER, or NULL if it is not one of ours. */
const struct elf_machine *elf_machine_find(uint16_t number);

/* The name of e_machine NUMBER for any machine that is in use, or NULL. */
const char *elf_machine_name(uint16_t number);

#endif
