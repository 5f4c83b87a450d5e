/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.h - the CPUs of COFF that can be linked: their rows and their stubs. */

#ifndef COFF_MACHINE_H
#define COFF_MACHINE_H

#include "arch/arch.h"
#include "coff/coff.h"
#include "obj/reloc.h"

#include <stddef.h>

/* Rows of loads and stores: TYPE and how large what they move is, from 1 on. */
#define COFF_FORM(TYPE, FORM) ((TYPE) | (uint32_t)(FORM) << 16)

struct coff_machine {
    uint16_t number;        /* IMAGE_FILE_MACHINE_* */
    uint16_t table_machine; /* what tables of heaps call it: ELF's number */
    const char *name;       /* in triples */
    const struct arch *arch;
    const struct reloc_range *rows;
    bool must_move; /* the system gives every image another address (ARM64) */
    /* A jump to what a slot of the import table holds. */
    uint32_t stub_size;
    void (*stub)(uint8_t *out, const struct stub_at *at);
    uint32_t pdata_size; /* of one entry of .pdata */
    /* The form of the instruction at UNIT, for relocations of TYPE; 0: it has none. */
    uint32_t (*form)(uint32_t type, uint32_t insn);
    /* What the field of a relocation of TYPE holds of the addend. */
    int64_t (*addend)(uint32_t type, const struct reloc_type *row, const uint8_t *unit);
};

extern const struct coff_machine coff_amd64, coff_arm64;

/* The machine with this number; NULL if it is not one of ours. */
const struct coff_machine *coff_machine_find(uint16_t number);
/* By what triples call it. */
const struct coff_machine *coff_machine_named(const char *name, size_t len);
/* What a CPU is called, ours or not; NULL if nobody knows it. */
const char *coff_machine_name(uint16_t number);

#endif
