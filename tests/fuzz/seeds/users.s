# What refers to the other seed's names, and some of them again; for any CPU.
	.section .text.f,"axG",%progbits,f,comdat
	.weak f
	.type f, %function
f:
	.cfi_startproc
	.long 0
	.cfi_endproc
	.text
	.globl user
user:	.long 0
	.data
	.globl uses
uses:	.quad f, main, v, g, gg, t, i, und, abs, end, _DYNAMIC, __init_array_start
	.quad fv1
	.symver fv1, f@V1
	.comm g, 48, 32
	.section .rodata.str1.1,"aMS",%progbits,1
	.string "hello"
	.string "other"
	.section .gnu.linkonce.t.x,"ax"
	.long 0
