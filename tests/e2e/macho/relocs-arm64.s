; Every relocation of arm64 Mach-O, each checked where it runs: _test returns 0, or the number of the
; first one that is wrong.
	.section	__TEXT,__text,regular,pure_instructions
	.macro	expect number
	b.eq	1f
	mov	x0, #\number
	b	Lout
1:
	.endm
	.globl	_test
	.p2align	2
_test:	stp	x29, x30, [sp, #-32]!
	str	x19, [sp, #16]
	adrp	x1, _d1@PAGE			; PAGE21, PAGEOFF12 of ADD
	add	x1, x1, _d1@PAGEOFF
	ldr	w2, [x1]
	cmp	w2, #11
	expect	1
	adrp	x3, _d1@PAGE+4			; ADDEND
	ldr	w2, [x3, _d1@PAGEOFF+4]		; PAGEOFF12 of 4 bytes, ADDEND
	cmp	w2, #12
	expect	2
	adrp	x3, _b1@PAGE
	ldrb	w2, [x3, _b1@PAGEOFF]		; of one byte
	cmp	w2, #0x21
	expect	3
	adrp	x3, _w1@PAGE
	ldrh	w2, [x3, _w1@PAGEOFF]		; of 2
	mov	w4, #0x4321
	cmp	w2, w4
	expect	4
	adrp	x3, _x1@PAGE
	ldr	x2, [x3, _x1@PAGEOFF]		; of 8
	mov	x4, #0x5678
	cmp	x2, x4
	expect	5
	adrp	x3, _q1@PAGE
	ldr	q0, [x3, _q1@PAGEOFF]		; of 16
	umov	x2, v0.d[1]
	cmp	x2, #99
	expect	6
	adrp	x3, _b1@PAGE
	ldr	b0, [x3, _b1@PAGEOFF]		; of one byte, into a vector register
	umov	w2, v0.b[0]
	cmp	w2, #0x21
	expect	7
	bl	_fn				; BRANCH26
	cmp	w0, #14
	expect	8
	mov	x0, #5
	bl	_ext_fn				; BRANCH26, to a stub
	mov	w4, #1005
	cmp	w0, w4
	expect	9
	adrp	x3, _d1@GOTPAGE			; GOT_LOAD_PAGE21, GOT_LOAD_PAGEOFF12 of what is here
	ldr	x3, [x3, _d1@GOTPAGEOFF]
	ldr	w2, [x3]
	cmp	w2, #11
	expect	10
	adrp	x3, _ext_data@GOTPAGE		; of another image's
	ldr	x3, [x3, _ext_data@GOTPAGEOFF]
	ldr	w2, [x3]
	cmp	w2, #100
	expect	11
	adrp	x3, _d2@GOTPAGE			; of what has a slot, since its address is asked for below
	ldr	x3, [x3, _d2@GOTPAGEOFF]
	adrp	x4, _d2@PAGE
	add	x4, x4, _d2@PAGEOFF
	cmp	x3, x4
	expect	12
	adrp	x5, _g1@PAGE			; POINTER_TO_GOT, 4 bytes
	add	x5, x5, _g1@PAGEOFF
	ldrsw	x6, [x5]
	add	x6, x6, x5
	ldr	x6, [x6]
	cmp	x6, x4
	expect	13
	adrp	x0, _tv@TLVPPAGE		; TLVP_LOAD_PAGE21, TLVP_LOAD_PAGEOFF12
	ldr	x0, [x0, _tv@TLVPPAGEOFF]
	ldr	x1, [x0]
	blr	x1
	ldr	w2, [x0]
	cmp	w2, #15
	expect	14
	adrp	x3, _p1@PAGE
	add	x3, x3, _p1@PAGEOFF
	adrp	x1, _d1@PAGE
	add	x1, x1, _d1@PAGEOFF
	ldr	x2, [x3]			; UNSIGNED
	cmp	x1, x2
	expect	15
	ldr	x2, [x3, #8]			; UNSIGNED, with an addend
	add	x4, x1, #8
	cmp	x4, x2
	expect	16
	ldr	x2, [x3, #16]			; UNSIGNED, of a local place
	ldr	w2, [x2]
	cmp	w2, #13
	expect	17
	ldr	x19, [x3, #24]			; UNSIGNED, of another image
	ldr	w2, [x19]
	cmp	w2, #100
	expect	18
	ldr	x2, [x3, #32]			; the same with an addend that has room in the pointer
	sub	x2, x2, x19
	cmp	x2, #16
	expect	19
	ldr	x2, [x3, #40]			; and with one that has not
	sub	x2, x2, x19
	mov	x4, #0x3456
	movk	x4, #0x12, lsl #16
	cmp	x2, x4
	expect	20
	ldr	x2, [x3, #48]			; and with one below 0
	sub	x2, x2, x19
	cmn	x2, #24
	expect	21
	adrp	x4, _fn@PAGE
	add	x4, x4, _fn@PAGEOFF
	sub	x4, x1, x4
	adrp	x3, _s1@PAGE
	add	x3, x3, _s1@PAGEOFF
	ldrsw	x2, [x3]			; SUBTRACTOR, 4 bytes
	cmp	x2, x4
	expect	22
	ldrsw	x2, [x3, #4]			; the same, with an addend
	add	x4, x4, #3
	cmp	x2, x4
	expect	23
	ldr	x2, [x3, #8]			; SUBTRACTOR, 8 bytes
	sub	x4, x4, #3
	cmp	x2, x4
	expect	24
	adrp	x3, _far@PAGE+0x3000		; an addend of whole pages
	ldr	w2, [x3, _far@PAGEOFF]
	cmp	w2, #77
	expect	25
	adrp	x5, _g2@PAGE			; POINTER_TO_GOT, 8 bytes
	ldr	x6, [x5, _g2@PAGEOFF]
	ldr	x6, [x6]
	adrp	x4, _d2@PAGE
	add	x4, x4, _d2@PAGEOFF
	cmp	x6, x4
	expect	26
	mov	x0, #0
Lout:	ldr	x19, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret
	.globl	_fn
_fn:	mov	w0, #14
	ret

	.section	__DATA,__data
	.globl	_d1, _d2, _b1, _w1, _x1, _q1, _p1, _s1, _g1
	.p2align	4
_q1:	.quad	98, 99
_d1:	.long	11, 12
_d2:	.quad	0
_x1:	.quad	0x5678
_w1:	.short	0x4321
_b1:	.byte	0x21
	.p2align	3
_p1:	.quad	_d1, _d1+8, Llocal, _ext_data, _ext_data+16, _ext_data+0x123456, _ext_data-24
_s1:	.long	_d1-_fn, _d1-_fn+3
	.quad	_d1-_fn
_g1:	.long	_d2@GOT-.
	.p2align	3
_g2:	.quad	_d2@GOT

	.section	__DATA,__other
	.globl	_far
	.p2align	2
Llocal:	.long	13
_far:	.long	0
	.space	0x3000-4
	.long	77

	.section	__DATA,__thread_data,thread_local_regular
_tv$tlv$init:
	.long	15
	.section	__DATA,__thread_vars,thread_local_variables
	.globl	_tv
	.p2align	3
_tv:	.quad	__tlv_bootstrap
	.quad	0
	.quad	_tv$tlv$init
	.subsections_via_symbols
