# A little of everything that the linker looks at, on x86-64.
	.file "x86_64.s"
	.section .text.f,"axG",@progbits,f,comdat
	.weak f
	.type f, @function
f:
	.cfi_startproc
	.cfi_personality 0x9b, DW.ref.__gxx_personality_v0
	.cfi_lsda 0x1b, .Llsda
	push %rbp
	.cfi_def_cfa_offset 16
	mov g@GOTPCREL(%rip), %rax
	movq v@GOTPCREL(%rip), %rbx
	call puts@PLT
	call *gg@GOTPCREL(%rip)
	lea .Ls1(%rip), %rdi
	pop %rbp
	ret
	.cfi_endproc
	.size f, .-f

	.text
	.globl main
	.type main, @function
main:
	.cfi_startproc
	data16 leaq t@tlsgd(%rip), %rdi
	.value 0x6666
	rex64
	call __tls_get_addr@PLT
	leaq l@tlsld(%rip), %rdi
	call __tls_get_addr@PLT
	movl l@dtpoff(%rax), %eax
	movq t@gottpoff(%rip), %rax
	movq %fs:l@tpoff, %rax
	leaq t@tlsdesc(%rip), %rax
	call *t@tlscall(%rax)
	lea _GLOBAL_OFFSET_TABLE_(%rip), %rbx
	movabsq $big@GOTOFF, %rdx
	call i
	mov __start_things(%rip), %rcx
	mov __stop_things(%rip), %rcx
	lea __dso_handle(%rip), %rdx
	ret
	.cfi_endproc
	.size main, .-main
	.type i, @gnu_indirect_function
	.globl i
i:	ret
	.hidden hid
	.globl hid
hid:	ret
	.weak maybe

	.data
	.globl v
	.type v, @object
v:	.quad main, f+4, .data+8, maybe, hid, i, und
	.long main - .
	.size v, .-v
	.section .data.rel.ro,"aw"
	.quad v, v, v, v, f
	.section .data.rel.local.DW.ref.__gxx_personality_v0,"awG",@progbits,DW.ref.__gxx_personality_v0,comdat
	.weak DW.ref.__gxx_personality_v0
	.hidden DW.ref.__gxx_personality_v0
DW.ref.__gxx_personality_v0:
	.quad __gxx_personality_v0
	.section .gcc_except_table,"a"
.Llsda:	.byte 255, 255, 1, 0
	.section .tdata,"awT"
	.globl t
	.type t, @object
t:	.quad 1
	.size t, 8
	.section .tbss,"awT",@nobits
l:	.zero 24
	.bss
	.globl gg
gg:	.zero 40
	.comm g, 24, 16
	.local lc
	.comm lc, 8, 8
	.globl abs
	.set abs, 0x1234
	.section .rodata.str1.1,"aMS",@progbits,1
.Ls1:	.string "hello"
	.string "lo"
	.string "hello"
	.section .rodata.cst8,"aM",@progbits,8
	.quad 1, 2, 1
	.section things,"aw"
	.quad main
	.section .init_array.5,"aw",@init_array
	.quad main
	.section .init_array,"aw",@init_array
	.quad f
	.section .fini_array,"aw",@fini_array
	.quad f
	.section .order,"ao",@progbits,.text
	.quad main
	.section .kept,"aR",@progbits
	.quad 7
	.section .ldata,"awl"
big:	.quad big
	.section .note.GNU-stack,"",@progbits
	.section .note.gnu.property,"a",@note
	.p2align 3
	.long 4, 32, 5
	.asciz "GNU"
	.long 0xc0008002, 4, 1, 0
	.long 0xc0000002, 4, 3, 0
	.section .note.x,"a",@note
	.p2align 2
	.long 2, 4, 1
	.asciz "x"
	.p2align 2
	.long 7
	.section .debug_info,"",@progbits
	.long 1, .Ldbg
	.quad main, f
	.section .debug_abbrev,"",@progbits
	.zero 600
	.section .debug_str,"MS",@progbits,1
.Ldbg:	.string "a debug string, long enough to be compressed, compressed, compressed, compressed"
	.section .comment,"MS",@progbits,1
	.string "made by hand"
