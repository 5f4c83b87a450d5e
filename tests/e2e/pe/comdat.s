    .section .data$any,"dw",discard,any
    .globl any
any: .quad 1
    .section .data$large,"dw",largest,large
    .globl large
large: .quad 1
    .section .text,"x"
    .globl test
test: movq any(%rip), %rax
    imulq $10, %rax
    addq large(%rip), %rax
    ret
