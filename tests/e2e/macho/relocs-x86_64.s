# Every relocation of x86-64 Mach-O, each checked where it runs: _test returns 0, or the number of the
# first one that is wrong.
	.section	__TEXT,__text,regular,pure_instructions
	.macro	expect number
	je	1f
	movl	$\number, %eax
	jmp	Lout
1:
	.endm
	.globl	_test
_test:	pushq	%rbx
	movl	_d1(%rip), %eax			# SIGNED
	cmpl	$11, %eax
	expect	1
	movl	_d1+4(%rip), %eax		# SIGNED, with an addend
	cmpl	$12, %eax
	expect	2
	cmpb	$0x21, _b1(%rip)		# SIGNED_1
	expect	3
	cmpw	$0x4321, _w1(%rip)		# SIGNED_2
	expect	4
	cmpl	$0x12345678, _l1(%rip)		# SIGNED_4
	expect	5
	cmpl	$0x12345678, _l0+4(%rip)	# SIGNED_4, with an addend
	expect	6
	movl	Llocal(%rip), %eax		# SIGNED, by section
	cmpl	$13, %eax
	expect	7
	cmpb	$0x31, Llocalb(%rip)		# SIGNED_1, by section
	expect	8
	cmpl	$0x77665544, Llocall(%rip)	# SIGNED_4, by section
	expect	9
	callq	_fn				# BRANCH
	cmpl	$14, %eax
	expect	10
	movl	$5, %edi
	callq	_ext_fn				# BRANCH, to a stub
	cmpl	$1005, %eax
	expect	11
	movq	_d1@GOTPCREL(%rip), %rax	# GOT_LOAD of what is here
	cmpl	$11, (%rax)
	expect	12
	movq	_ext_data@GOTPCREL(%rip), %rax	# GOT_LOAD of another image's
	cmpl	$100, (%rax)
	expect	13
	pushq	_d2@GOTPCREL(%rip)		# GOT
	popq	%rbx
	leaq	_d2(%rip), %rax
	cmpq	%rax, %rbx
	expect	14
	movq	_d2@GOTPCREL(%rip), %rbx	# GOT_LOAD of what has a slot
	cmpq	%rax, %rbx
	expect	15
	movq	_tv@TLVP(%rip), %rdi		# TLV
	callq	*(%rdi)
	cmpl	$15, (%rax)
	expect	16
	movq	_p1(%rip), %rax			# UNSIGNED
	leaq	_d1(%rip), %rbx
	cmpq	%rax, %rbx
	expect	17
	movq	_p1+8(%rip), %rax		# UNSIGNED, with an addend
	addq	$8, %rbx
	cmpq	%rax, %rbx
	expect	18
	movq	_p1+16(%rip), %rax		# UNSIGNED, by section
	leaq	Llocal(%rip), %rbx
	cmpq	%rax, %rbx
	expect	19
	movq	_p1+24(%rip), %rax		# UNSIGNED, of another image
	cmpl	$100, (%rax)
	expect	20
	movq	_p1+32(%rip), %rax		# the same with an addend that has room in the pointer
	subq	_p1+24(%rip), %rax
	cmpq	$16, %rax
	expect	21
	movq	_p1+40(%rip), %rax		# and with one that has not
	subq	_p1+24(%rip), %rax
	cmpq	$0x123456, %rax
	expect	22
	movq	_p1+48(%rip), %rax		# and with one below 0
	subq	_p1+24(%rip), %rax
	cmpq	$-24, %rax
	expect	23
	movslq	_s1(%rip), %rax			# SUBTRACTOR, 4 bytes
	leaq	_fn(%rip), %rbx
	leaq	_d1(%rip), %rcx
	subq	%rbx, %rcx
	cmpq	%rax, %rcx
	expect	24
	movslq	_s1+4(%rip), %rax		# the same, with an addend
	addq	$3, %rcx
	cmpq	%rax, %rcx
	expect	25
	movq	_s2(%rip), %rax			# SUBTRACTOR, 8 bytes
	leaq	_d1(%rip), %rcx
	subq	%rbx, %rcx
	cmpq	%rax, %rcx
	expect	26
	movq	_s2+8(%rip), %rax		# the same, of a local place
	leaq	Llocal(%rip), %rcx
	subq	%rbx, %rcx
	cmpq	%rax, %rcx
	expect	27
	xorl	%eax, %eax
Lout:	popq	%rbx
	retq
	.globl	_fn
_fn:	movl	$14, %eax
	retq

	.section	__DATA,__data
	.globl	_d1, _d2, _b1, _w1, _l1, _l0, _p1, _s1, _s2
	.p2align	3
_d1:	.long	11, 12
_d2:	.quad	0
_l0:	.long	0
_l1:	.long	0x12345678
_w1:	.short	0x4321
_b1:	.byte	0x21
	.p2align	3
_p1:	.quad	_d1, _d1+8, Llocal, _ext_data, _ext_data+16, _ext_data+0x123456, _ext_data-24
_s1:	.long	_d1-_fn, _d1-_fn+3
_s2:	.quad	_d1-_fn, Llocal-_fn

	.section	__DATA,__other
Llocal:	.long	13
Llocalb: .byte	0x31
	.p2align	2
Llocall: .long	0x77665544

	.section	__DATA,__thread_data,thread_local_regular
_tv$tlv$init:
	.long	15
	.section	__DATA,__thread_vars,thread_local_variables
	.globl	_tv
_tv:	.quad	__tlv_bootstrap
	.quad	0
	.quad	_tv$tlv$init
	.subsections_via_symbols
