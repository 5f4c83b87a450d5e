lib_libsysobj_la_SOURCES += \
	lib/elf/elf.h \
	lib/elf/file.c lib/elf/file.h \
	lib/elf/machine.h \
	lib/elf/read.c
