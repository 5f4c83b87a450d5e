    .section .data$any,"dw",discard,any
    .globl any
any: .quad 2
    .section .data$large,"dw",largest,large
    .globl large
large: .quad 2, 2
