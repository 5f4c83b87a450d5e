/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.h - a CPU as Mach-O numbers it.
 *
 * A row's number is not r_type alone: its size and whether it is relative to
 * the PC belong to it, and for the low bits of an address the instruction
 * that takes them. */

#ifndef MACHO_MACHINE_H
#define MACHO_MACHINE_H

#include "arch/arch.h"
#include "macho/macho.h"

#define MACHO_ROW(TYPE, LENGTH, PCREL) ((uint32_t)(TYPE) << 3 | (LENGTH) << 1 | (PCREL))
/* The forms of PAGEOFF12: 1 + log2 of the bytes that are loaded or stored; 0
   for the immediate of ADD. */
#define MACHO_FORM(ROW, FORM) ((ROW) | (FORM) << 8)
#define MACHO_ROW_TYPE(NUMBER) ((NUMBER) >> 3 & 0x1f)

/* The row after relaxation: a load from the GOT became an address. */
enum macho_direct { DIRECT_NONE, DIRECT_PC32, DIRECT_PAGE, DIRECT_PAGEOFF };

struct macho_machine {
    uint32_t cputype, cpusubtype;
    uint16_t table_machine; /* what tables of heaps call it: ELF's number */
    const struct arch *arch;
    const struct reloc_range *rows;
    uint32_t subtractor;     /* r_type of what precedes the difference of two symbols */
    uint32_t addend;         /* r_type of what carries an addend; 0: there is none */
    uint32_t page_size;      /* of segments; fixups of one chain share a page of FIXUP_PAGE */
    uint32_t fixup_page;
    uint32_t unwind_dwarf;   /* the mode of a compact unwind entry that leads to __eh_frame */
    uint32_t stub_size;
    uint8_t stub_align_log2;
    /* A jump to what SLOT holds. */
    void (*stub)(uint8_t *out, const struct stub_at *at);
    /* What a relaxed row (reloc_type.relax) does to the instruction at UNIT, and the
       row that then applies.  NULL if the instruction is not one for it. */
    const struct reloc_type *(*relax)(uint8_t direct, uint8_t *unit, uint64_t before);
    /* The same, only looking. */
    bool (*relax_ok)(uint8_t direct, const uint8_t *unit, uint64_t before);
    /* The form of the instruction at UNIT, for rows of r_type TYPE. */
    uint32_t (*form)(uint32_t type, uint32_t insn);
};

extern const struct macho_machine macho_x86_64, macho_arm64;

/* The machine with this cputype; NULL if it is not one of ours. */
const struct macho_machine *macho_machine_find(uint32_t cputype);
/* By what -arch or a triple calls it. */
const struct macho_machine *macho_machine_named(const char *name, size_t len);

#endif
