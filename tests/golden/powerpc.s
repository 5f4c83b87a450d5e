# as: clang --target=powerpc-unknown-linux-gnu -c -x assembler
# inspect: --symbols --relocs
# 32-bit and big-endian, of a CPU whose relocations have no names here.
	.text
	.globl	start
	.type	start, @function
start:
	bl	helper
	lis	3, data@ha
	lwz	3, data@l(3)
	blr
	.size	start, .-start

	.data
	.globl	data
	.type	data, @object
	.size	data, 8
data:
	.long	start
	.long	data + 4
