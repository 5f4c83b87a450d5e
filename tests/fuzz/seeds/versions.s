# Definitions with versions, of which one is the default, and a reference to another
# image's version; for any CPU.
	.text
	.globl f1
	.type f1, %function
f1:	.long 0
	.symver f1, f@@V1
	.globl f2
	.type f2, %function
f2:	.long 0
	.symver f2, f@V2
	.data
	.quad there, f1, f2
	.symver there, v@V1
