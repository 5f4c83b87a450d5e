# as: aarch64-linux-gnu-as
# inspect: --symbols --relocs
	.text
	.globl	start
	.type	start, %function
start:
	bl	helper
	adrp	x0, data
	add	x0, x0, :lo12:data
	ldr	x1, [x0, :lo12:data]
	adrp	x2, :got:other
	ldr	x2, [x2, :got_lo12:other]
	adrp	x3, :tlsdesc:counter
	ldr	x4, [x3, :tlsdesc_lo12:counter]
	add	x3, x3, :tlsdesc_lo12:counter
	.tlsdesccall counter
	blr	x4
	tbz	w0, #3, start
	ret
	.size	start, .-start

	.data
	.globl	data
	.type	data, %object
	.size	data, 16
data:
	.xword	start + 4
	.word	start - .
	.word	0

	.section	.tbss,"awT",%nobits
	.globl	counter
	.type	counter, %object
	.size	counter, 4
counter:
	.zero	4

	.section	.note.GNU-stack,"",%progbits
