lib_libsysobj_la_SOURCES += \
	lib/pack/asm.c \
	lib/pack/coff.c \
	lib/pack/elf.c \
	lib/pack/llvm.c \
	lib/pack/macho.c \
	lib/pack/pack.c lib/pack/pack.h \
	lib/pack/prelinked.c lib/pack/prelinked.h \
	lib/pack/stream.c
