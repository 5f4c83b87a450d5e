/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x86_64.c - stubs and GOT relaxations of x86-64.
 *
 * The usual PLT is the psABI's (figure 5.2), which objdump and gdb read names
 * from.  In the protected one every place that is reached by an indirect
 * branch starts with ENDBR64, so that images of IBT code stay IBT code; there
 * an entry leaves its index in %r11, which no call passes anything in, and
 * needs no second section. */

#include "arch.h"

/* The 32-bit distance from the end of the field at STUB + OFFSET to TO. */
static void put_distance(uint8_t *out, uint64_t stub, unsigned offset, uint64_t to)
{
    store_uint(out + offset, 4, false, to - (stub + offset + 4));
}

static void plain_header(uint8_t *out, const struct stub_at *at)
{
    static const uint8_t code[16] = {
        0xff, 0x35, 0,    0,    0, 0, /* push GOT.PLT+8(%rip) */
        0xff, 0x25, 0,    0,    0, 0, /* jmp *GOT.PLT+16(%rip) */
        0x0f, 0x1f, 0x40, 0x00,       /* nopl 0(%rax) */
    };

    memcpy(out, code, sizeof code);
    put_distance(out, at->addr, 2, at->slot + 8);
    put_distance(out, at->addr, 8, at->slot + 16);
}

static void plain_entry(uint8_t *out, const struct stub_at *at)
{
    static const uint8_t code[16] = {
        0xff, 0x25, 0, 0, 0, 0, /* jmp *SLOT(%rip) */
        0x68, 0,    0, 0, 0,    /* push $INDEX */
        0xe9, 0,    0, 0, 0,    /* jmp HEADER */
    };

    memcpy(out, code, sizeof code);
    put_distance(out, at->addr, 2, at->slot);
    store_uint(out + 7, 4, false, at->index);
    put_distance(out, at->addr, 12, at->header);
}

/* The entry's own push. */
static uint64_t plain_target(const struct stub_at *at) { return at->addr + 6; }

static void protected_header(uint8_t *out, const struct stub_at *at)
{
    static const uint8_t code[32] = {
        0xf3, 0x0f, 0x1e, 0xfa,          /* endbr64 */
        0x41, 0x53,                      /* push %r11 */
        0xff, 0x35, 0,    0,    0,    0, /* push GOT.PLT+8(%rip) */
        0xff, 0x25, 0,    0,    0,    0, /* jmp *GOT.PLT+16(%rip) */
        0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
    };

    memcpy(out, code, sizeof code);
    put_distance(out, at->addr, 8, at->slot + 8);
    put_distance(out, at->addr, 14, at->slot + 16);
}

static void protected_entry(uint8_t *out, const struct stub_at *at)
{
    static const uint8_t code[16] = {
        0xf3, 0x0f, 0x1e, 0xfa,       /* endbr64 */
        0x41, 0xbb, 0,    0,    0, 0, /* mov $INDEX,%r11d */
        0xff, 0x25, 0,    0,    0, 0, /* jmp *SLOT(%rip) */
    };

    memcpy(out, code, sizeof code);
    store_uint(out + 6, 4, false, at->index);
    put_distance(out, at->addr, 12, at->slot);
}

static void slot_jump(uint8_t *out, const struct stub_at *at)
{
    static const uint8_t code[16] = {
        0xf3, 0x0f, 0x1e, 0xfa,             /* endbr64 */
        0xff, 0x25, 0,    0,    0, 0,       /* jmp *SLOT(%rip) */
        0x66, 0x0f, 0x1f, 0x44, 0, 0,       /* nopw 0(%rax,%rax,1) */
    };

    memcpy(out, code, sizeof code);
    put_distance(out, at->addr, 6, at->slot);
}

static uint64_t protected_target(const struct stub_at *at) { return at->header; }

/* AMD64 psABI, B.2 "Optimize GOTPCRELX Relocations".  ModRM 05, less the
   register's bits, is disp32(%rip). */
static bool relax_ok(uint8_t relax, const uint8_t *unit, uint64_t before)
{
    bool mov = before >= 2 && unit[-2] == 0x8b && (unit[-1] & 0xc7) == 0x05;

    switch (relax) {
    case X86_RELAX_MOV_CALL_JMP:
        return mov || (before >= 2 && unit[-2] == 0xff && (unit[-1] == 0x15 || unit[-1] == 0x25));
    case X86_RELAX_REX_MOV:
        return mov && before >= 3 && (unit[-3] & 0xf0) == 0x40;
    default:
        return false;
    }
}

/* The field stays where it is, and the instruction's end too. */
static void relax(uint8_t relax, uint8_t *unit)
{
    (void)relax;
    if (unit[-2] == 0x8b) { /* mov SLOT(%rip),REG -> lea S(%rip),REG */
        unit[-2] = 0x8d;
    } else if (unit[-1] == 0x15) { /* call *SLOT(%rip) -> addr32 call S */
        unit[-2] = 0x67;
        unit[-1] = 0xe8;
    } else { /* jmp *SLOT(%rip) -> nop; jmp S */
        unit[-2] = 0x90;
        unit[-1] = 0xe9;
    }
}

static const uint8_t finalize_code[] = {
    0xf3, 0x0f, 0x1e, 0xfa,          /* endbr64 */
    0x48, 0x8d, 0x3d, 0,    0, 0, 0, /* lea ARG(%rip),%rdi */
    0x48, 0x8b, 0x05, 0,    0, 0, 0, /* mov SLOT(%rip),%rax */
    0x48, 0x85, 0xc0,                /* test %rax,%rax */
    0x74, 0x02,                      /* je 1f */
    0xff, 0xe0,                      /* jmp *%rax */
    0xc3,                            /* 1: ret */
};

const struct arch arch_x86_64 = {
    .name = "x86-64",
    .pointer_size = 8,
    .page_size = 4096,
    .max_page_size = 4096,
    .separate_code = true,
    .tls_tcb = 0,
    .nop = 0x90909090,
    .plt = {16, 16, plain_header, plain_entry, plain_target},
    .plt_protected = {32, 16, protected_header, protected_entry, protected_target},
    .slot_jump = slot_jump,
    .relax_ok = relax_ok,
    .relax = relax,
    .finalize_code = finalize_code,
    .finalize_size = sizeof finalize_code,
};
