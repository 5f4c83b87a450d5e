# as: as --64 -mx86-used-note=no
# inspect:
# inspect: --sections --symbols --relocs
# An object with what compilers write for position-independent code.
	.text
	.globl	start
	.type	start, @function
start:
	call	helper@PLT
	movq	data@GOTPCREL(%rip), %rax
	leaq	.Ltext(%rip), %rdi
	movq	counter@gottpoff(%rip), %rcx
	leaq	counter@tlsgd(%rip), %rdi
	movabsq	$_GLOBAL_OFFSET_TABLE_-start, %rdx
	ret
	.size	start, .-start

	.section	.text.inline_me,"axG",@progbits,inline_me,comdat
	.weak	inline_me
	.hidden	inline_me
	.type	inline_me, @function
inline_me:
	ret
	.size	inline_me, .-inline_me

	.section	.rodata.str1.1,"aMS",@progbits,1
.Ltext:
	.string	"hello"

	.data
	.globl	data
	.protected	data
	.type	data, @object
	.size	data, 24
data:
	.quad	start
	.quad	data + 16
	.long	start - .
	.long	0

	.section	.tdata,"awT",@progbits
	.globl	counter
	.type	counter, @object
	.size	counter, 8
counter:
	.quad	1

	.bss
	.lcomm	scratch, 100
	.comm	shared_block, 64, 32

	.section	.init_array,"aw"
	.quad	start

	.section	.note.GNU-stack,"",@progbits
