# An object that asks for a heap (sysimage-plugin(1)).
        .comm   __gnu_lto_slim, 1, 1
        .section .note.sysimage, "a", %note
        .balign 4
        .long   9, 0, 2
        .asciz  "SYSIMAGE"
        .balign 4
        .section .note.GNU-stack, "", %progbits
