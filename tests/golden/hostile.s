# as: as --64 -mx86-used-note=no
# inspect: --symbols
# inspect: --json --symbols
# Names that would recolour a terminal, break lines or reorder text, that are
# no UTF-8, and one that looks like an escape of ours.
	.text
	.globl	"esc\033[31mred"
	.globl	"line\nbreak"
	.globl	"not\377utf8"
	.globl	"right\342\200\256left"
	.globl	"na\303\257ve"
	.globl	"back\\x41slash"
"back\\x41slash":
	ret
	.section	.note.GNU-stack,"",@progbits
