lib_libsysobj_la_SOURCES += \
	lib/arch/aarch64.c lib/arch/aarch64.h \
	lib/arch/arch.h \
	lib/arch/data.c \
	lib/arch/x86_64.c
