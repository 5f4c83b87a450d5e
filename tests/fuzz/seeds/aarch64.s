// A little of everything that the linker looks at, on AArch64.
	.file "aarch64.s"
	.section .text.f,"axG",@progbits,f,comdat
	.weak f
	.type f, %function
f:
	.cfi_startproc
	.cfi_personality 0x9b, DW.ref.__gxx_personality_v0
	stp x29, x30, [sp, -16]!
	.cfi_def_cfa_offset 16
	adrp x0, :got:g
	ldr x0, [x0, :got_lo12:g]
	adrp x1, v
	add x1, x1, :lo12:v
	ldr x2, [x1, :lo12:v]
	ldrb w2, [x1, :lo12:v]
	bl puts
	b far
	cbz x0, f
	tbz x0, 1, f
	ret
	.cfi_endproc
	.size f, .-f
	.text
	.globl main
	.type main, %function
main:
	.cfi_startproc
	adrp x0, :tlsdesc:t
	ldr x1, [x0, :tlsdesc_lo12:t]
	add x0, x0, :tlsdesc_lo12:t
	.tlsdesccall t
	blr x1
	adrp x0, :gottprel:t
	ldr x0, [x0, :gottprel_lo12:t]
	add x1, x1, :tprel_hi12:l
	add x1, x1, :tprel_lo12_nc:l
	adrp x0, :tlsgd:t
	add x0, x0, :tlsgd_lo12:t
	bl __tls_get_addr
	movz x3, #:abs_g3:abs
	movk x3, #:abs_g0_nc:abs
	adr x4, main
	ldr x5, v
	bl i
	adrp x6, __start_things
	adrp x6, __dso_handle
	ret
	.cfi_endproc
	.size main, .-main
	.type i, %gnu_indirect_function
	.globl i
i:	ret
	.weak maybe
	.data
	.globl v
	.type v, %object
v:	.xword main, f+4, maybe, i, und
	.word main - .
	.size v, .-v
	.section .data.rel.local.DW.ref.__gxx_personality_v0,"awG",@progbits,DW.ref.__gxx_personality_v0,comdat
	.weak DW.ref.__gxx_personality_v0
	.hidden DW.ref.__gxx_personality_v0
DW.ref.__gxx_personality_v0:
	.xword __gxx_personality_v0
	.section .tdata,"awT"
	.globl t
	.type t, %object
t:	.xword 1
	.size t, 8
	.section .tbss,"awT",%nobits
l:	.zero 24
	.comm g, 24, 16
	.globl abs
	.set abs, 0x1234
	.section .rodata.str1.1,"aMS",%progbits,1
.Ls1:	.string "hello"
	.string "lo"
	.section things,"aw"
	.xword main
	.section .init_array,"aw",%init_array
	.xword f
	.section .note.GNU-stack,"",%progbits
	.section .note.gnu.property,"a",%note
	.p2align 3
	.long 4, 16, 5
	.asciz "GNU"
	.long 0xc0000000, 4, 3, 0
	.section .debug_abbrev,"",%progbits
	.zero 600
	.section .debug_info,"",%progbits
	.xword main
