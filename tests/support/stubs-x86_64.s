# SPDX-License-Identifier: GPL-3.0-or-later
# What the stubs of lib/arch/x86_64.c must be.  GOTPLT, SLOT and INDEX are given when assembling.

    .section .plt_header, "ax"
    endbr64
    push %r11
    push GOTPLT+8(%rip)
    jmp *GOTPLT+16(%rip)
    .fill 14, 1, 0xcc

    .section .plt_entry, "ax"
    endbr64
    mov $INDEX, %r11d
    jmp *SLOT(%rip)

    .section .plt_direct, "ax"
    endbr64
    jmp *SLOT(%rip)
    .fill 6, 1, 0xcc

    .section .finalize, "ax"
    endbr64
    lea ARGUMENT(%rip), %rdi
    .reloc .+3, R_X86_64_GOTPCREL, FUNCTION-4
    mov 0(%rip), %rax
    test %rax, %rax
    je 1f
    jmp *%rax
1:  ret
