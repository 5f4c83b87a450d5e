# SPDX-License-Identifier: GPL-3.0-or-later
# What the stubs of lib/arch/x86_64.c must be.  GOTPLT, HEADER, SLOT and INDEX are given when
# assembling and linking.

    .section .plain_header, "ax"
    push GOTPLT+8(%rip)
    jmp *GOTPLT+16(%rip)
    .byte 0x0f, 0x1f, 0x40, 0x00 # nopl 0(%rax), in its 4-byte form

    .section .plain_entry, "ax"
    jmp *SLOT(%rip)
    .byte 0x68; .long INDEX # push $INDEX, in its long form
    jmp HEADER

    .section .protected_header, "ax"
    endbr64
    push %r11
    push GOTPLT+8(%rip)
    jmp *GOTPLT+16(%rip)
    .fill 14, 1, 0xcc

    .section .protected_entry, "ax"
    endbr64
    mov $INDEX, %r11d
    jmp *SLOT(%rip)

    .section .slot_jump, "ax"
    endbr64
    jmp *SLOT(%rip)
    .byte 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 # nopw 0(%rax,%rax,1)

    .section .finalize, "ax"
    endbr64
    lea ARGUMENT(%rip), %rdi
    .reloc .+3, R_X86_64_GOTPCREL, FUNCTION-4
    mov 0(%rip), %rax
    test %rax, %rax
    je 1f
    jmp *%rax
1:  ret
