/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arch.h - what a CPU knows: its fields and its stubs, nothing of any format. */

#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include "obj/reloc.h"

/* Addresses that a procedure linkage stub is written for. */
struct stub_at {
    uint64_t addr;   /* of the stub itself */
    uint64_t header; /* of the PLT's header; unused for the header itself */
    uint64_t slot;   /* of the GOT slot that holds the target (header: of GOT.PLT[0]) */
    uint32_t index;  /* of the lazy relocation that fills the slot */
};

/* A lazy PLT: a header that enters the resolver, then equal entries. */
struct plt_code {
    uint32_t header_size, entry_size;
    void (*header)(uint8_t *out, const struct stub_at *at);
    void (*entry)(uint8_t *out, const struct stub_at *at);
    /* The lazy slot's first content: the address it should hold before the
       symbol is bound. */
    uint64_t (*lazy_target)(const struct stub_at *at);
};

struct arch {
    const char *name;       /* "x86-64" */
    uint8_t pointer_size;   /* bytes */
    uint32_t page_size;     /* the usual page; RELRO ends at a multiple */
    uint32_t max_page_size; /* the largest page that the ABI asks images to allow */
    bool separate_code;     /* code pages hold nothing else, by default */
    uint64_t tls_tcb;       /* bytes between the thread pointer and the first block above it
                               (variant I); 0: blocks lie below the pointer (variant II) */

    uint32_t nop; /* four bytes of doing nothing, between pieces of code */

    /* The usual form, which disassemblers and debuggers know, and the one for
       images that promise that every indirect branch meets a landing pad. */
    struct plt_code plt, plt_protected;

    /* How far a call's branch reaches, in bytes (0: as far as an image is),
       the field that it has, and a jump to SLOT for what lies further; it may
       spoil what a PLT entry may. */
    uint64_t branch_reach;
    const struct field *branch;
    uint32_t far_jump_size;
    void (*far_jump)(uint8_t *out, const struct stub_at *at);

    /* A jump to what SLOT holds, for the functions that a heap imports: 16
       bytes on every CPU, with a landing pad in front. */
    void (*slot_jump)(uint8_t *out, const struct stub_at *at);

    /* Rewrite the instruction of a GOT load into one that needs no slot.
       UNIT is the field, BEFORE the number of bytes of its section that lie
       before it.  relax_ok() only looks; relax() rewrites: the same field then
       takes S + A - P, 32 bits, signed.  Only for an addend of -4 (another one
       loads from beside the slot).  Both NULL where nothing is relaxed. */
    bool (*relax_ok)(uint8_t relax, const uint8_t *unit, uint64_t before);
    void (*relax)(uint8_t relax, uint8_t *unit);

    /* Code that calls a function through a GOT slot with one argument, the
       address ARG, and is itself a function without arguments: used to run
       __cxa_finalize(&__dso_handle).  Its relocations are at the offsets
       given: the argument's address and the slot. */
    const uint8_t *finalize_code;
    uint32_t finalize_size;
};

extern const struct arch arch_x86_64;
extern const struct arch arch_aarch64;

/* Relaxations of x86-64, for the rows of every format. */
enum {
    X86_RELAX_NONE,
    X86_RELAX_MOV_CALL_JMP, /* an instruction without REX prefix */
    X86_RELAX_REX_MOV,      /* one with it */
};

/* Fields of plain data, for every CPU. */
extern const struct field data8, data16, data32;    /* EITHER range */
extern const struct field data64;                   /* ANY */
extern const struct field udata8, udata16, udata32; /* UNSIGNED */
extern const struct field sdata8, sdata16, sdata32; /* SIGNED */

#endif
