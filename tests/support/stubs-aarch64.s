// SPDX-License-Identifier: GPL-3.0-or-later
// What the stubs of lib/arch/aarch64.c must be.  GOTPLT and SLOT are given when linking.

    .section .plain_header, "ax"
    bti c
    stp x16, x30, [sp, #-16]!
    adrp x16, GOTPLT+16
    ldr x17, [x16, :lo12:GOTPLT+16]
    add x16, x16, :lo12:GOTPLT+16
    br x17
    nop
    nop

    .section .plain_entry, "ax"
    adrp x16, SLOT
    ldr x17, [x16, :lo12:SLOT]
    add x16, x16, :lo12:SLOT
    br x17

    .section .slot_jump, "ax"
    bti c
    adrp x16, SLOT
    ldr x16, [x16, :lo12:SLOT]
    br x16

    .section .finalize, "ax"
    bti c
    adrp x0, ARGUMENT
    add x0, x0, :lo12:ARGUMENT
    adrp x16, :got:FUNCTION
    ldr x16, [x16, :got_lo12:FUNCTION]
    cbz x16, 1f
    br x16
1:  ret
