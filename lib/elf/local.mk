lib_libsysobj_la_SOURCES += \
	lib/elf/cache.c lib/elf/cache.h \
	lib/elf/dynamic.c lib/elf/dynamic.h \
	lib/elf/dynamic_symbols.c \
	lib/elf/elf.h \
	lib/elf/file.c lib/elf/file.h \
	lib/elf/heaps.c lib/elf/heaps.h \
	lib/elf/machine.c lib/elf/machine.h \
	lib/elf/put.h \
	lib/elf/read.c lib/elf/read_relocs.c lib/elf/read_shared.c lib/elf/reader.h \
	lib/elf/rel_aarch64.c \
	lib/elf/rel_x86_64.c \
	lib/elf/relocatable.c lib/elf/relocatable.h \
	lib/elf/verify.c lib/elf/verify.h \
	lib/elf/verify_cache.c \
	lib/elf/verify_dynamic.c \
	lib/elf/verify_heap.c lib/elf/verify_heaps.h \
	lib/elf/verify_heap_relocs.c \
	lib/elf/verify_relocs.c \
	lib/elf/verify_rules.h \
	lib/elf/verify_sections.c \
	lib/elf/verify_segments.c \
	lib/elf/verify_symbols.c \
	lib/elf/verify_unwind.c
